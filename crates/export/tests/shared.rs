//! Every file of `formats/netflow_datagrams` of the shared data, vendor by vendor with the templates first: what is read of it, and why the rest is not.
//! `cargo test -p netdpsyn-export --test shared -- --nocapture` prints the table.

use netdpsyn_export::{Datagrams, Exports, Flow, Kind, Limits, Skip, kind_of};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

fn shared(below: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let folder =
        std::env::var_os("NETDPSYN_SHARED").map_or_else(beside, PathBuf::from).join("data").join(below);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("passed over: there is no {}", folder.display());
    None
}

/// Files of one exporter have the same beginning: what stands before `_tpl`, `_opttpl` or `_data`.
fn exporter(name: &str) -> &str {
    let ends = ["_tpl", "_opttpl", "_data", "_dpi"].iter().filter_map(|end| name.find(end));
    &name[..ends.min().unwrap_or(name.len())]
}

struct Row {
    name: String,
    kind: Option<Kind>,
    datagrams: u64,
    flows: Vec<Flow>,
    skips: BTreeMap<Skip, u64>,
}

fn table(folder: &std::path::Path) -> Vec<Row> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name.ends_with(".dat"))
        .collect();
    names.sort_by_key(|name| (exporter(name).to_owned(), !name.contains("tpl"), name.clone()));
    let mut rows = Vec::new();
    let (mut exports, mut last) = (Exports::new(Limits::default()), String::new());
    for name in names {
        if exporter(&name) != last {
            exports = Exports::new(Limits::default());
            last = exporter(&name).to_owned();
        }
        let bytes = fs::read(folder.join(&name)).expect("a file");
        let before = exports.tally().clone();
        let waiting = exports.waiting();
        let mut flows = Vec::new();
        let mut datagrams = Datagrams::new(bytes.as_slice());
        while let Some(datagram) = datagrams.next_datagram().expect("no errors in memory") {
            exports.datagram("[::1]:2055".parse::<SocketAddr>().ok(), None, datagram, &mut flows);
        }
        let tally = exports.tally();
        let mut skips: BTreeMap<Skip, u64> = tally
            .skips()
            .map(|(why, count)| (why, count - before.skipped(why)))
            .filter(|&(_, count)| count > 0)
            .collect();
        let waits = exports.waiting().saturating_sub(waiting) as u64;
        if waits > 0 {
            *skips.entry(Skip::NoTemplate).or_default() += waits;
        }
        assert_eq!(tally.flows() - before.flows(), flows.len() as u64);
        let notes: Vec<String> = tally
            .notes()
            .map(|(what, count)| (what, count - before.noted(what)))
            .filter(|&(_, count)| count > 0)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        let said: Vec<String> = skips.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let kind = kind_of(&bytes);
        let of = kind.map_or("none".to_owned(), |kind| kind.to_string());
        let datagrams = tally.datagrams() - before.datagrams();
        println!(
            "| {name} | {of} | {datagrams} | {} | {} | {} |",
            flows.len(),
            said.join(", "),
            notes.join(", ")
        );
        rows.push(Row { name, kind, datagrams, flows, skips });
    }
    rows
}

#[test]
fn every_shared_datagram_is_read_or_says_why_not() {
    let Some(folder) = shared("formats/netflow_datagrams") else { return };
    println!(
        "| file | kind | datagrams | flows | skipped | noted |\n| --- | --- | ---: | ---: | --- | --- |"
    );
    let rows = table(&folder);
    assert!(rows.len() > 70, "{} files", rows.len());
    for row in &rows {
        assert!(row.datagrams > 0, "{}", row.name);
        for flow in &row.flows {
            assert!(flow.start <= flow.end, "{}: {flow:?}", row.name);
            // 2010 to 2030.
            assert!(
                (1_262_304_000..1_893_456_000).contains(&(flow.end / 1_000_000_000)),
                "{}: {flow:?}",
                row.name
            );
        }
    }
    let row = |name: &str| rows.iter().find(|row| row.name == name).expect("a file of this name");
    let count = |name: &str| row(name).flows.len();
    assert!(count("netflow5.dat") > 0);
}
