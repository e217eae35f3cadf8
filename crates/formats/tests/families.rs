//! Addresses of any family in files: read as people write them, written canonically, in whatever format.

use netdpsyn_formats::{
    Limits, OutputFormat, ReadOptions, Steward, TraceWriter, bind, check, propose, read_synthetic,
    read_written, rewrite, write,
};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::reading::Reading;
use netdpsyn_trace::{Families, Field, Schema, Trace, presets};
use std::io::Write;
use tempfile::NamedTempFile;

fn flows() -> Schema {
    let mut schema = presets::preset("flow").unwrap();
    schema.declare_categories("type", vec!["benign".into(), "scan".into()]).unwrap();
    schema.window = Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".parse().unwrap());
    schema
}

fn any() -> Schema {
    let mut schema = flows();
    schema.declare_families(Families::Any).unwrap();
    schema
}

fn file(ends: impl IntoIterator<Item = (String, String)>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,type").unwrap();
    for (source, destination) in ends {
        writeln!(file, "{source},{destination},40000,443,tcp,1767600000.5,0.5,2,120,benign").unwrap();
    }
    file.flush().unwrap();
    file
}

fn pair(source: &str, destination: &str) -> (String, String) {
    (source.into(), destination.into())
}

/// Both ends of every record as text.
fn ends(trace: &Trace, schema: &Schema) -> Vec<(String, String)> {
    let mut text = Vec::new();
    write(trace, schema, &mut text, &Quiet).unwrap();
    let text = String::from_utf8(text).unwrap();
    let ends = |line: &str| {
        let mut cells = line.split(',');
        (cells.next().unwrap().into(), cells.next().unwrap().into())
    };
    text.lines().skip(1).map(ends).collect()
}

#[test]
fn every_family_is_read_and_written_canonically() {
    let file = file([
        pair("2001:DB8:0:0:0:0:0:1", "::ffff:192.0.2.1"),
        pair("AA-BB-CC-00-11-22", "192.0.2.1"),
        pair("192.0.2.1", "fe80::1"),
    ]);
    let bound = bind(file.path(), any(), Limits::NONE, &Quiet).unwrap();
    let trace = read_synthetic(file.path(), &bound, &Quiet).unwrap();
    assert_eq!(
        ends(&trace, &bound.schema),
        [
            pair("2001:db8::1", "192.0.2.1"),
            pair("aa:bb:cc:00:11:22", "192.0.2.1"),
            pair("192.0.2.1", "fe80::1")
        ]
    );
    // Equal addresses are equal numbers, on either side, in the order of their keys.
    let numbers = |column: usize| trace.column(column).iter().collect::<Vec<u64>>();
    assert_eq!((numbers(0), numbers(1)), (vec![0, 2, 1], vec![1, 1, 3]));
    assert_eq!(trace.column(0).width(), 4);
    // To keep nothing finds the same.
    let report = check(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
    assert_eq!(report.for_steward(&Steward::local()).records, 3);
}

#[test]
fn bad_addresses_say_what_to_declare() {
    let refused = |end: &str, schema: Schema| {
        let file = file([pair(end, "192.0.2.1"), pair("192.0.2.9", "192.0.2.1")]);
        let bound = bind(file.path(), schema, Limits::NONE, &Quiet).unwrap();
        let report =
            check(file.path(), &bound, ReadOptions { tolerance: 1.0, ..ReadOptions::default() }, &Quiet);
        report.unwrap().for_steward(&Steward::local()).first_bad[0].reason.clone()
    };
    assert!(refused("4000::1", any()).contains("nobody has assigned"));
    assert!(refused("host-7", any()).contains("no address of IPv4, IPv6 or hardware, and no token"));
    for end in ["2001:db8::1", "aa:bb:cc:dd:ee:ff"] {
        assert!(refused(end, flows()).contains("declare the column as `address`"));
    }
}

#[test]
fn a_proposal_sees_families() {
    let file = file([pair("2001:db8::1", "10.0.0.1"), pair("10.0.0.2", "10.0.0.1")]);
    let proposal = propose(file.path(), &Reading::default(), &Quiet).unwrap().for_steward(&Steward::local());
    let field = |name: &str| proposal.schema.columns[proposal.schema.position(name).unwrap()].field.clone();
    // The other end is of the same type, although it has none, and so the proposal can be used.
    assert_eq!(["srcip", "dstip"].map(field), [Field::Address {}, Field::Address {}]);
    assert_eq!(proposal.schema.check(), Ok(()));
}

#[test]
fn columnar_files_hold_the_same_though_each_part_was_numbered_by_itself() {
    // More records than are read at a time, of ever new addresses.
    let end = |row: u64| match row % 3 {
        0 => format!("2001:db8::{:x}", row + 1),
        1 => format!("10.0.{}.{}", row / 256, row % 256),
        _ => "02:00:00:00:00:07".to_string(),
    };
    let rows: Vec<(String, String)> = (0..10_000).map(|row| (end(row), end(row * 7 % 10_000))).collect();
    let file = file(rows.clone());
    let schema = bind(file.path(), any(), Limits::NONE, &Quiet).unwrap().schema;
    for format in OutputFormat::ALL {
        let mut written = NamedTempFile::new().unwrap();
        let writer = TraceWriter::new(format, &schema, written.as_file_mut(), 10_000, None).unwrap();
        rewrite(file.path(), &schema, writer, &Quiet).unwrap();
        let trace = read_written(written.path(), &schema, &Quiet).unwrap();
        assert_eq!(ends(&trace, &schema), rows, "{format:?}");
    }
}

#[test]
fn families_are_declared_of_all_columns_and_taken_back() {
    let mut schema = presets::preset("packet").unwrap();
    schema.window = flows().window;
    let of = |schema: &Schema| {
        let ends =
            ["srcip", "dstip"].map(|name| schema.columns[schema.position(name).unwrap()].field.clone());
        (ends, schema.position("chksum").is_some(), schema.version())
    };
    let before = of(&schema);
    schema.declare_families(Families::Ipv4).unwrap();
    assert_eq!(of(&schema), before);
    schema.declare_families(Families::Any).unwrap();
    assert_eq!(of(&schema), ([Field::Address {}, Field::Address {}], false, 4));
    assert_eq!(schema.check(), Ok(()));
    schema.declare_families(Families::Ipv4).unwrap();
    assert_eq!(of(&schema).0, before.0);
    schema.columns.retain(|column| !column.field.is_address());
    assert!(schema.declare_families(Families::Any).is_err());
}
