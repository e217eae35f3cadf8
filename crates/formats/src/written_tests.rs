//! What is written under a schema reads back under it: the same values, in all notations and with any number
//! of records.

use super::{ReadError, ReadOptions, bind_like, bytes_per_row, read_synthetic, read_written, write};
use crate::{Limits, bind};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Column, Field, Notation, RecordKind, Schema, TimeUnit, Trace, Window, presets};
use proptest::prelude::*;
use std::io::Write;

fn epoch(unit: TimeUnit, decimal: bool) -> Notation {
    Notation::Epoch { unit, decimal }
}

/// Every kind of column in every notation that it can have, including none, with the step between
/// distinguishable values and their number.
fn columns() -> Vec<(Field, Option<Notation>, u64, u64)> {
    use TimeUnit::{Microseconds, Milliseconds, Nanoseconds, Seconds};
    let time = Field::timestamp(9);
    let float = Field::FloatExponential { resolution: 1e-6, max: 1e9, base: 2.0 };
    let category = |values: &[&str]| Field::Categorical(Some(values.iter().map(|v| v.to_string()).collect()));
    let mut all = vec![
        // An undeclared protocol is written as a number, and 255 stands for `other` among numbers.
        (Field::Protocol, None, 1, 256),
        (Field::Protocol, Some(Notation::ProtocolNumber), 1, 256),
        (Field::Protocol, Some(Notation::LowerName), 1, 257),
        (Field::Protocol, Some(Notation::UpperName), 1, 257),
        (category(&["a"]), None, 1, 2),
        (category(&["", " a", "a ", "a", "a,b", "\"", "a\nb", "\r", "6", "ü", "Other"]), None, 1, 12),
        (float.clone(), None, 1_000_000, 1_000_000_000),
        (float.clone(), Some(Notation::Whole), 1_000_000, 1_000_000_000),
        (float, Some(Notation::Decimal), 1, 1_000_000_000_000_000),
        (time.clone(), None, 1, u64::MAX),
        (time.clone(), Some(Notation::Rfc3339), 1, u64::MAX),
        // A notation that is not one of times counts as undeclared.
        (time.clone(), Some(Notation::Whole), 1, u64::MAX),
    ];
    for (unit, decimal, step) in [
        (Seconds, false, 1_000_000_000),
        (Seconds, true, 1_000),
        (Milliseconds, false, 1_000_000),
        (Milliseconds, true, 1_000_000),
        (Microseconds, false, 1_000),
        (Microseconds, true, 1_000),
        (Nanoseconds, false, 1),
        (Nanoseconds, true, 1),
    ] {
        all.push((time.clone(), Some(epoch(unit, decimal)), step, u64::MAX / step));
    }
    let networks = Some(vec!["192.0.2.0/24".parse().unwrap()]);
    for address in [Field::ip(&[8, 8]), Field::Ip { levels: vec![8], networks }] {
        for notation in [None, Some(Notation::Dotted), Some(Notation::AddressNumber)] {
            all.push((address.clone(), notation, 1, 1 << 32));
        }
    }
    for (number, many) in [
        (Field::Port, 1 << 16),
        (Field::port_tree(), 1 << 16),
        (Field::IpChecksum, 1 << 16),
        (Field::Integer { min: 0, max: 1_500, width: 1, exact_below: 0 }, 1_501),
        (Field::IntegerExponential { max: 1 << 62, base: 2.0 }, 1 << 62),
    ] {
        for notation in [None, Some(Notation::Whole), Some(Notation::Decimal)] {
            all.push((number.clone(), notation, 1, many));
        }
    }
    all
}

/// A schema of some of these columns, with at most one of times, and records of distinguishable values.
fn traces() -> impl Strategy<Value = (Schema, Vec<Vec<u64>>)> {
    let names = ["ts", "a b", "a,b", "\"", "ü", "type"].map(String::from).to_vec();
    let all = columns();
    let some = prop::collection::vec(any::<prop::sample::Index>(), 1..6);
    let windows = prop::sample::select(vec![None, Window::new(0, 60_000_000_000), Window::new(0, u64::MAX)]);
    let values = prop::collection::vec(prop::collection::vec(any::<u64>(), 6), 0..4);
    // Small values, too: a few nanoseconds since 1970, the first addresses.
    let sizes = prop::sample::select(vec![u64::MAX, 1 << 40, 100, 1]);
    (some, windows, values, sizes, Just(names).prop_shuffle()).prop_map(
        move |(some, window, values, size, names)| {
            let mut chosen: Vec<_> = some.iter().map(|index| index.get(&all).clone()).collect();
            let mut times = 0;
            chosen.retain(|(field, ..)| {
                times += u32::from(matches!(field, Field::Timestamp { .. }));
                !matches!(field, Field::Timestamp { .. }) || times == 1
            });
            let columns = chosen.iter().zip(names).map(|((field, notation, ..), name)| Column {
                notation: *notation,
                ..Column::new(&name, field.clone())
            });
            let columns: Vec<Column> = columns.collect();
            let rows = values.into_iter().map(|row| {
                let value =
                    |(value, (_, _, step, many)): (u64, &(_, _, u64, u64))| value % size % many * step;
                row.into_iter().zip(&chosen).map(value).collect()
            });
            let schema = Schema {
                name: "any".into(),
                kind: RecordKind::Flow,
                columns,
                facts: vec![],
                mtu: None,
                window,
                reading: netdpsyn_trace::Reading::default(),
            };
            (schema, rows.collect())
        },
    )
}

fn written(schema: &Schema, rows: &[Vec<u64>]) -> (Trace, tempfile::NamedTempFile) {
    let mut trace = Trace::empty(schema);
    rows.iter().for_each(|row| trace.push(row));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write(&trace, schema, &mut file, &Quiet).unwrap();
    file.flush().unwrap();
    (trace, file)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_same_values((schema, rows) in traces()) {
        let (trace, file) = written(&schema, &rows);
        let read = read_written(file.path(), &schema, &Quiet).unwrap();
        prop_assert_eq!(read.rows(), trace.rows());
        let text = std::fs::read(file.path()).unwrap();
        let header = text.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        prop_assert!((text.len() - header) as u64 <= bytes_per_row(&schema) * rows.len() as u64);
        for (index, column) in schema.columns.iter().enumerate() {
            for row in 0..trace.rows() {
                let (there, here) = (trace.column(index).get(row), read.column(index).get(row));
                prop_assert_eq!(there, here, "{:?}", column);
            }
        }
        // Written once more, it is equal to the byte.
        let (_, again) = written(&schema, &rows);
        prop_assert_eq!(std::fs::read(file.path()).unwrap(), std::fs::read(again.path()).unwrap());
    }
}

fn flows(notation: Option<Notation>, window: Option<&str>) -> (Schema, usize) {
    let mut schema = presets::preset("flow").unwrap();
    schema.declare_categories("type", vec!["a".into()]).unwrap();
    schema.window = window.map(|window| window.parse().unwrap());
    let at = schema.position("ts").unwrap();
    schema.columns[at].notation = notation;
    (schema, at)
}

fn file(times: &[&str]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,type").unwrap();
    for time in times {
        writeln!(file, "10.0.0.1,10.0.0.2,1,2,tcp,{time},0.5,3,300,a").unwrap();
    }
    file
}

/// A file of any program: its times as read beside a trace whose times are `raw`.
fn beside(schema: &Schema, at: usize, raw: &str, times: &[&str]) -> Result<Vec<u64>, ReadError> {
    let raw = file(&[raw]);
    let bound = bind(raw.path(), schema.clone(), Limits::NONE, &Quiet)?;
    let other = file(times);
    let like = bind_like(other.path(), &bound, &Quiet)?;
    Ok(read_synthetic(other.path(), &like, &Quiet)?.column(at).iter().collect())
}

#[test]
fn a_declared_unit_holds_for_files_beside_the_trace() {
    let ns = Some(epoch(TimeUnit::Nanoseconds, false));
    for window in [None, Some("0/60")] {
        // The first one is outside the window, and all are far too small for present-day nanoseconds.
        let (schema, at) = flows(ns, window);
        let times = beside(&schema, at, "5000", &["70000000000", "12000000000", "7"]).unwrap();
        assert_eq!(times, [70_000_000_000, 12_000_000_000, 7], "{window:?}");
    }
    // A unit detected by magnitude is detected again, and another unit is used where it puts the times into
    // the window.
    let (schema, at) = flows(None, None);
    assert_eq!(beside(&schema, at, "1767600000", &["1767600000250"]).unwrap(), [1_767_600_000_250_000_000]);
    let (schema, at) = flows(ns, Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"));
    assert_eq!(
        beside(&schema, at, "1767600000250000000", &["1767600001.5"]).unwrap(),
        [1_767_600_001_500_000_000]
    );
    let rfc = beside(&schema, at, "1767600000250000000", &["2026-01-05T08:00:00Z"]).unwrap();
    assert_eq!(rfc, [1_767_600_000_000_000_000]);
}

#[test]
fn a_notation_of_another_type_counts_as_undeclared_and_cannot_be_declared() {
    let (schema, at) = flows(Some(Notation::Whole), Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"));
    assert!(schema.check_notations().is_err());
    let raw = file(&["1767600000250"]);
    let bound = bind(raw.path(), schema, Limits::NONE, &Quiet).unwrap();
    assert_eq!(bound.schema.columns[at].notation, Some(epoch(TimeUnit::Milliseconds, false)));
    super::check(raw.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
    assert!(bound.schema.check_notations().is_ok());
}
