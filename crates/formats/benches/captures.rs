//! Reading a packet capture, as packets and as flows: `cargo bench --package netdpsyn-formats --bench captures -- [PACKETS]`. What is measured is `check`, which parsing an upload is,
//! the best of three runs.

use netdpsyn_formats::{self as formats, Limits, OutputFormat, ReadOptions};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::simulate::packets;
use netdpsyn_trace::{Families, layout};
use std::fs::File;
use std::io::BufWriter;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rows: usize = arguments.first().map_or(1_000_000, |rows| rows.parse().expect("a number of packets"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("packets.pcap");
    let trace = packets::simulate(rows, 1);
    let to = BufWriter::with_capacity(1 << 16, File::create(&path).expect("a file"));
    formats::write_as(OutputFormat::Pcap, &trace, &packets::schema(), to, &Quiet).expect("written");
    drop(trace);
    let bytes = path.metadata().expect("a file").len();
    println!("{rows} simulated packets, {bytes} bytes, the best of three runs\n");
    println!("| layout | addresses | check s | packets a second |\n| --- | --- | ---: | ---: |");
    for (name, families) in
        [("packet-flags", Families::Ipv4), ("packet-flags", Families::Any), ("flow", Families::Ipv4)]
    {
        let mut schema = layout(name).expect("a layout").schema.clone();
        schema.declare_families(families).expect("columns of addresses");
        let check = || {
            let start = Instant::now();
            let bound = formats::bind(&path, schema.clone(), Limits::NONE, &Quiet).expect("columns");
            formats::check(&path, &bound, ReadOptions::default(), &Quiet).expect("records");
            start.elapsed()
        };
        let best = (0..3).map(|_| check()).min().unwrap_or(Duration::MAX).as_secs_f64();
        println!("| {name} | {families:?} | {best:.3} | {:.0} |", rows as f64 / best);
    }
}
