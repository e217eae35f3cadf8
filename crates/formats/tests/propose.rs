//! What is proposed for files that no layout fits.

use netdpsyn_formats::{ReadError, Steward, propose};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::reading::Only;
use netdpsyn_trace::{Field, Reading, Role, Schema, TimeUnit};
use std::io::Write;

/// Columns that are left out, and why.
type LeftOut = Vec<(String, &'static str)>;

fn proposed(text: &str) -> Result<(Schema, LeftOut), ReadError> {
    proposed_as(text, &Reading::default())
}

fn proposed_as(text: &str, declared: &Reading) -> Result<(Schema, LeftOut), ReadError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let proposal = propose(file.path(), declared, &Quiet)?.for_steward(&Steward::local());
    Ok((proposal.schema, proposal.left_out))
}

#[test]
fn names_alone_propose_what_they_usually_mean() {
    let (schema, left_out) = proposed("a;src_ip;Dst Port;bytes;when;ts;end\n").unwrap();
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["src_ip", "Dst Port", "bytes", "ts", "end"]);
    assert_eq!(left_out.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "when"]);
    assert!(schema.columns[4].is_end() && schema.reading.times.is_none());
    assert!(matches!(proposed("a,b\n"), Err(ReadError::NoRecords)));
    let lines: String = (0..30).map(|n| format!("{n}: something {n} or other\n")).collect();
    assert!(matches!(proposed(&lines), Err(ReadError::NoTrace(why)) if why.contains("--line")));
}

/// Which records are kept says nothing of how cells are told apart.
#[test]
fn records_that_are_left_out_need_no_separator() {
    let only = Reading {
        only: vec![Only { column: "kind".into(), values: vec!["flow".into()] }],
        ..Reading::default()
    };
    let rows = |row: fn(u32) -> String| (0..30).map(row).collect::<String>();
    let objects =
        rows(|n| format!("{{\"kind\":\"flow\",\"src_ip\":\"10.0.0.{n}\",\"bytes\":{}}}\n", 40 + n % 9));
    let cells = rows(|n| format!("flow;10.0.0.{n};{}\n", 40 + n % 9));
    for text in [objects, format!("kind;src_ip;bytes\n{cells}")] {
        let (schema, _) = proposed_as(&text, &only).unwrap();
        let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        assert!(names.contains(&"src_ip") && names.contains(&"bytes"), "{names:?}");
    }
}

#[test]
fn an_end_is_a_duration_or_follows_from_one() {
    let records: String =
        (0..30).map(|n| format!("10.0.0.{n},{},{},u{n}\n", 1_767_600_000 + n, 1_767_600_009 + n)).collect();
    let (schema, left_out) = proposed(&format!("src,first_seen,last_seen,uid\n{records}")).unwrap();
    assert!(schema.columns[2].is_end() && schema.columns[2].roles.has(Role::Duration));
    assert_eq!(left_out, [("uid".to_string(), "every record has another value")]);
    let records: String =
        (0..30).map(|n| format!("{}.5,{},2\n", 1_767_600_000 + n, 1_767_600_009 + n)).collect();
    let (schema, left_out) = proposed(&format!("stime,ltime,dur\n{records}")).unwrap();
    // Nine seconds are no two.
    assert_eq!((schema.reading.ends, left_out.len()), (None, 1));
    for (unit, seconds, factor) in [
        ("s", TimeUnit::Seconds, 1),
        ("ms", TimeUnit::Milliseconds, 1_000),
        ("us", TimeUnit::Microseconds, 1_000_000),
    ] {
        let records: String = (0..30)
            .map(|n| format!("{}.5,{},{}\n", 1_767_600_000 + n, 1_767_600_004 + 3 * n, (3 + 2 * n) * factor))
            .collect();
        let (schema, _) = proposed(&format!("stime,ltime,dur\n{records}")).unwrap();
        let ends = schema.reading.ends.unwrap();
        assert_eq!((ends.column.as_str(), ends.unit), ("ltime", seconds), "{unit}");
    }
    let (schema, left_out) = proposed("session_id,ts\n3_7,1767600000\n3_8,1767600001\n").unwrap();
    assert!(matches!(schema.columns[0].field, Field::Categorical(None)) && left_out.is_empty());
    let (schema, _) = proposed("stime,ltime,dur\n1767600000,1767600004,4\n").unwrap();
    assert!(matches!(schema.columns[1].field, Field::IntegerExponential { .. }));
    // Two times that are written otherwise are no start and end.
    let (schema, left_out) = proposed("ts,te\n1767600000,2026-01-05T08:00:00Z\n").unwrap();
    assert_eq!((schema.columns.len(), left_out[0].0.as_str()), (1, "te"));
}
