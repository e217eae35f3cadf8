//! Files that say when records end: read as durations, and written back as ends, in text and in typed columns.

use netdpsyn_formats::{
    Limits, OutputFormat, ReadError, ReadOptions, Steward, bind, bind_like, read, read_synthetic,
    read_written, write_as,
};
use netdpsyn_privacy::Raw;
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::reading::{Negative, Numbers};
use netdpsyn_trace::{Schema, Trace};
use std::io::Write;
use tempfile::NamedTempFile;

fn file(text: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}

fn schema(times: serde_json::Value, td: bool) -> Schema {
    let duration = serde_json::json!({"name": "td", "type": {"float-exponential": {"resolution": 0.001, "max": 1000.0}}, "role": "duration", "special": ["-"]});
    let columns = [
        serde_json::json!({"name": "te", "type": {"timestamp": {"grain": "1ms"}}, "role": "end"}),
        serde_json::json!({"name": "port", "type": "port", "role": "source-port"}),
        serde_json::json!({"name": "ts", "type": {"timestamp": {"grain": "1ms"}}, "role": "start", "notation": times}),
    ];
    let columns: Vec<_> = columns.into_iter().chain(td.then_some(duration)).collect();
    let schema = serde_json::json!({"name": "own", "kind": "flow", "columns": columns, "window": "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"});
    serde_json::from_value(schema).unwrap()
}

/// What is read, by column of the bound schema, and the notes on it.
fn through(
    text: impl AsRef<[u8]>,
    schema: &Schema,
    tolerance: f64,
) -> Result<(Schema, Trace, Vec<String>), ReadError> {
    let file = file(text);
    let bound = bind(file.path(), schema.clone(), Limits::NONE, &Quiet)?;
    let options = ReadOptions { tolerance, ..ReadOptions::default() };
    let (trace, report) = read(file.path(), &bound, options, &Quiet)?;
    let trace = trace.privately(|trace| trace.clone()).for_steward(&Steward::local());
    Ok((bound.schema, trace, report.for_steward(&Steward::local()).notes))
}

fn durations(schema: &Schema, trace: &Trace) -> Vec<u64> {
    let place = schema.position("te").or(schema.position("td")).unwrap();
    trace.column(place).iter().collect()
}

const TEXT: &str = "port,ts,te\n1,1767600000.25,1767600001.75\n2,1767600002,1767600002\n";

#[test]
fn an_end_is_read_as_a_duration_however_times_are_written() {
    for text in [
        TEXT.to_string(),
        "port,te,ts\n1,1767600001750,1767600000250\n2,1767600002000,1767600002000\n".into(),
        "port,ts,te\n1,2026-01-05T08:00:00.25Z,2026-01-05T08:00:01.75Z\n2,2026-01-05T08:00:02Z,2026-01-05T08:00:02Z\n".into(),
    ] {
        let (bound, trace, _) = through(&text, &schema(serde_json::Value::Null, false), 0.0).unwrap();
        assert_eq!(durations(&bound, &trace), [1_500, 0], "{text}");
        for format in OutputFormat::ALL {
            let mut written = NamedTempFile::new().unwrap();
            write_as(format, &trace, &bound, written.as_file_mut(), &Quiet).unwrap();
            // As what this program wrote, as a raw trace, and beside one.
            assert_eq!(read_written(written.path(), &bound, &Quiet).unwrap(), trace, "{format:?}");
            let bytes = std::fs::read(written.path()).unwrap();
            let (again, same, _) = through(bytes, &schema(serde_json::Value::Null, false), 0.0).unwrap();
            assert_eq!(durations(&again, &same), [1_500, 0], "{format:?}");
            let raw = file(&text);
            let raw = bind(raw.path(), schema(serde_json::Value::Null, false), Limits::NONE, &Quiet).unwrap();
            let like = bind_like(written.path(), &raw, &Quiet).unwrap();
            assert_eq!(read_synthetic(written.path(), &like, &Quiet).unwrap(), trace, "{format:?}");
        }
    }
}

#[test]
fn a_record_that_ends_before_it_starts_is_bad_or_has_duration_0() {
    let text = format!("{TEXT}3,1767600005,1767600004\n4,1767600005,1767600006\n");
    let own = schema(serde_json::Value::Null, false);
    assert!(matches!(through(&text, &own, 0.0), Err(ReadError::BadRecords(_))));
    let (bound, trace, _) = through(&text, &own, 0.5).unwrap();
    assert_eq!(durations(&bound, &trace), [1_500, 0, 1_000]);
    let mut clamped = own;
    clamped.reading.numbers = Numbers { negative: Negative::Zero, ..Numbers::default() };
    let (bound, trace, notes) = through(&text, &clamped, 0.0).unwrap();
    assert_eq!(durations(&bound, &trace), [1_500, 0, 0, 1_000]);
    assert!(notes.iter().any(|note| note.starts_with("1 records end before they start")), "{notes:?}");
}

#[test]
fn a_record_without_a_readable_end_decides_no_notation() {
    let own = schema(serde_json::Value::Null, false);
    let (plain, ..) = through(TEXT, &own, 0.5).unwrap();
    for odd in ["9,1767600000250,soon\n", "9,2026-01-05T08:00:00Z,-\n"] {
        let (header, records) = TEXT.split_once('\n').unwrap();
        let (with, trace, _) = through(format!("{header}\n{odd}{records}"), &own, 0.5).unwrap();
        assert_eq!((&with, trace.rows()), (&plain, 2), "{odd}");
    }
    // Ends in another unit than starts are a mixture.
    let mixed = through("port,ts,te\n1,1767600000.25,1767600001.75\n2,1767600002,1767600002000\n", &own, 0.5);
    assert!(matches!(mixed, Err(ReadError::Mixture(_))));
}

#[test]
fn an_end_beside_a_duration_is_written_behind_the_start() {
    let text = "te,port,ts,td\n1767600001.75,1,1767600000.25,1.5\nnothing,2,1767600002,-\n";
    let (bound, trace, notes) = through(text, &schema(serde_json::Value::Null, true), 0.0).unwrap();
    assert_eq!((bound.columns.len(), notes.len()), (3, 0));
    let mut written = Vec::new();
    write_as(OutputFormat::Csv, &trace, &bound, &mut written, &Quiet).unwrap();
    let expected = "port,ts,te,td\n1,1767600000.25,1767600001.75,1.5\n2,1767600002.0,1767600002.0,-\n";
    assert_eq!(String::from_utf8(written).unwrap(), expected);
    for format in OutputFormat::ALL {
        let mut written = NamedTempFile::new().unwrap();
        write_as(format, &trace, &bound, written.as_file_mut(), &Quiet).unwrap();
        assert_eq!(read_written(written.path(), &bound, &Quiet).unwrap().rows(), 2, "{format:?}");
        // The column is there in every format.
        let ends = Schema { columns: schema(serde_json::Value::Null, false).columns, ..bound.clone() };
        let mut ends = ends;
        ends.reading.ends = None;
        let (bound, trace, _) = through(std::fs::read(written.path()).unwrap(), &ends, 0.0).unwrap();
        assert_eq!(durations(&bound, &trace), [1_500, 0], "{format:?}");
    }
}

#[test]
fn flags_are_read_beside_an_end_in_any_spelling() {
    let mut own = schema(serde_json::Value::Null, false);
    let flag = serde_json::json!({"name": "flag", "type": {"categorical": ["0", "1"]}});
    own.columns.push(serde_json::from_value(flag).unwrap());
    let text = "port,ts,te,flag\n1,1767600000,1767600001,True\n2,1767600002,1767600002,false\n3,1767600002,1767600002,1\n";
    let (bound, trace, _) = through(text, &own, 0.0).unwrap();
    let flags: Vec<u64> = trace.column(bound.position("flag").unwrap()).iter().collect();
    assert_eq!((flags, durations(&bound, &trace)), (vec![1, 0, 1], vec![1_000, 0, 0]));
}

#[test]
fn a_file_without_a_duration_has_no_end_to_write() {
    let mut own = schema(serde_json::Value::Null, true);
    let duration = own.position("td").unwrap();
    own.columns[duration].optional = true;
    let (bound, trace, _) = through("port,ts\n1,1767600000\n", &own, 0.0).unwrap();
    let mut written = Vec::new();
    write_as(OutputFormat::Csv, &trace, &bound, &mut written, &Quiet).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "port,ts\n1,1767600000.0\n");
}

#[test]
fn ends_are_multiples_of_what_times_are() {
    let mut own = schema(serde_json::Value::Null, true);
    own.declare_grain("1s".parse().unwrap()).unwrap();
    let (bound, trace, _) =
        through("port,ts,td\n1,1767600000,1.4\n2,1767600000,1.5\n3,1767600000,-\n", &own, 0.0).unwrap();
    let mut written = Vec::new();
    write_as(OutputFormat::Csv, &trace, &bound, &mut written, &Quiet).unwrap();
    let ends: Vec<String> = String::from_utf8(written)
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(2).unwrap().into())
        .collect();
    assert_eq!(ends, ["1767600001.0", "1767600002.0", "1767600000.0"]);
}
