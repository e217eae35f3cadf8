//! Every file of `formats/netflow_datagrams` of the shared data, vendor by vendor with the templates first: what is read of it, and why the rest is not.
//! `cargo test -p netdpsyn-export --test shared -- --nocapture` prints the table.

use netdpsyn_export::{Datagrams, ExportFormat, Exports, Flow, Limits, Skip, format_of};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
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
    kind: Option<ExportFormat>,
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
        let kind = format_of(&bytes);
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
            // 2010 to 2030, but for an exporter that had begun without a clock.
            if row.name == "netflow9_test_nprobe_dpi.dat" {
                continue;
            }
            assert!(
                (1_262_304_000..1_893_456_000).contains(&(flow.end / 1_000_000_000)),
                "{}: {flow:?}",
                row.name
            );
        }
    }
    let mut told: Vec<String> = Vec::new();
    for row in &rows {
        let skipped: u64 = row.skips.values().sum();
        if !row.flows.is_empty() || skipped > 0 {
            told.push(format!("{} {} {skipped}", row.name.trim_end_matches(".dat"), row.flows.len()));
        }
        assert_eq!(row.kind.is_none(), row.name.starts_with("netflow5_test_invalid"), "{}", row.name);
    }
    let expected: Vec<&str> = EXPECTED.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(told, expected);
}

/// Files with data: flows, and what was skipped. nfdump 1.7.1 makes flows of the same addresses, ports, protocol, packets and bytes of the same datagrams
/// but for these: it scales what is sampled (Juniper MX80), prints type and code of ICMP as 0 where the destination port has them and no field of their own
/// does (NBAR, softflowd), and makes flows of nothing of records without counters or addresses.
const EXPECTED: &str = "
ipfix 12 1
ipfix_test_barracuda_data256 4 4
ipfix_test_barracuda_extended_uniflow_data256 0 2
ipfix_test_ixia_tpldata256 1 0
ipfix_test_ixia_tpldata271 2 0
ipfix_test_mikrotik_data258 28 0
ipfix_test_mikrotik_data259 18 0
ipfix_test_netscaler_data 3 1
ipfix_test_nokia_bras_data256 0 1
ipfix_test_openbsd_pflow_data 26 0
ipfix_test_procera_data52935 0 8
ipfix_test_viptela_data257 1 0
ipfix_test_vmware_vds_data264 1 0
ipfix_test_vmware_vds_data266_267 2 0
ipfix_test_yaf_data45841 1 0
ipfix_test_yaf_data53248 0 1
netflow5 30 0
netflow5_test_invalid01 0 1
netflow5_test_invalid02 0 1
netflow5_test_juniper_mx80 29 0
netflow9_cisco_asr1001x_tpl259 25 0
netflow9_test_0length_fields_tpl_data 10 0
netflow9_test_cisco_1941K9 29 0
netflow9_test_cisco_asa_1_data 14 0
netflow9_test_cisco_asr9k_data256 0 19
netflow9_test_cisco_nbar_opttpl260 0 15
netflow9_test_cisco_nbar_data262 5 0
netflow9_test_cisco_wlc_data261 0 19
netflow9_test_fortigate_fortios_521_data256 0 1
netflow9_test_fortigate_fortios_521_data257 1 0
netflow9_test_fortigate_fortios_542_appid_data258_262 17 0
netflow9_test_h3c_data3281 16 0
netflow9_test_huawei_netstream_data 1 0
netflow9_test_invalid01 2 1
netflow9_test_iptnetflow_reduced_size_encoding_tpldata260 12 6
netflow9_test_juniper_srx_tplopt 0 1
netflow9_test_macaddr_tpl 0 1
netflow9_test_nprobe_tpl 0 1
netflow9_test_nprobe_data 1 0
netflow9_test_nprobe_dpi 1 0
netflow9_test_paloalto_81_data257_1flowset_in_large_zerofilled_packet 1 0
netflow9_test_paloalto_panos_data 8 0
netflow9_test_softflowd_tpl_data 7 0
netflow9_test_streamcore_tpl_data256 2 0
netflow9_test_streamcore_tpl_data260 2 0
netflow9_test_ubnt_edgerouter_data1025 8 0
netflow9_test_unknown_tpl266_292_data 2 0";

#[test]
fn no_other_shared_file_is_taken_for_an_export() {
    let Some(folder) = shared("") else { return };
    let (mut folders, mut others) = (vec![folder], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut first = Vec::new();
            fs::File::open(&path).expect("a file").take(1 << 16).read_to_end(&mut first).expect("its bytes");
            match format_of(&first) {
                Some(ExportFormat::Nfcapd { layout: 1 }) => {
                    assert!(path.ends_with("nfcapd_v1.bin"), "{}", path.display())
                }
                Some(_) => assert_eq!(
                    path.extension().and_then(|end| end.to_str()),
                    Some("dat"),
                    "{}",
                    path.display()
                ),
                None => others += 1,
            }
        }
    }
    assert!(others > 50, "{others} other files");
}
