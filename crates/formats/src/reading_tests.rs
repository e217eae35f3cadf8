//! Text in other layouts than plain CSV, read as its schema declares.

use super::{Limits, ParseReport, ReadError, ReadOptions, bind, bind_like, read, read_synthetic, write_raw};
use netdpsyn_privacy::{Raw, Steward};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::reading::{Decimal, Encoding, Negative, Numbers, Separator, Times};
use netdpsyn_trace::{Column, Field, Notation, Reading, RecordKind, Schema, TimeUnit};
use proptest::prelude::*;
use std::io::Write;
use tempfile::NamedTempFile;

/// Source, port, time, duration, bytes and class.
fn schema(reading: Reading) -> Schema {
    let duration = Field::FloatExponential { resolution: 1e-3, max: 1e6, base: 2.0 };
    let classes = vec!["benign".into(), "Web Attack – XSS".into()];
    let columns = vec![
        Column::new("srcip", Field::ip(&[8, 8, 8, 8])),
        Column::new("srcport", Field::Port),
        Column::new("ts", Field::timestamp(10)),
        Column::new("td", duration),
        Column::new("byt", Field::IntegerExponential { max: 1 << 40, base: 2.0 }),
        Column::new("type", Field::Categorical(Some(classes))),
    ];
    let window = Some("2024-06-01T00:00:00Z/2024-06-01T02:00:00Z".parse().unwrap());
    Schema { name: "own".into(), kind: RecordKind::Flow, columns, facts: vec![], mtu: None, window, reading }
}

const HEADER: &str = "srcip,srcport,ts,td,byt,type";
const RECORD: &str = "10.0.0.1,443,1717200001.5,0.25,1500,benign";
/// The same record as values.
const VALUES: [u64; 6] = [0x0a00_0001, 443, 1_717_200_001_500_000_000, 250, 1_500, 0];

fn file(text: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_ref()).unwrap();
    file
}

/// The values of all records, and the report.
fn through(
    text: impl AsRef<[u8]>,
    reading: Reading,
    tolerance: f64,
) -> Result<(Vec<Vec<u64>>, ParseReport), ReadError> {
    let file = file(text);
    let bound = bind(file.path(), schema(reading), Limits::NONE, &Quiet)?;
    let options = ReadOptions { tolerance, ..ReadOptions::default() };
    let (trace, report) = read(file.path(), &bound, options, &Quiet)?;
    let steward = Steward::local();
    // In the order of the schema, whatever that of the file.
    let trace = trace.privately(|trace| trace.clone()).for_steward(&steward);
    let order: Vec<usize> = schema(Reading::default())
        .columns
        .iter()
        .map(|column| bound.schema.position(&column.name).unwrap())
        .collect();
    let rows = (0..trace.rows()).map(|row| order.iter().map(|&c| trace.column(c).get(row)).collect());
    Ok((rows.collect(), report.for_steward(&steward)))
}

fn plain(text: impl AsRef<[u8]>) -> (Vec<Vec<u64>>, ParseReport) {
    through(text, Reading::default(), 0.0).unwrap()
}

#[test]
fn the_separator_is_the_one_that_the_header_is_written_with() {
    for separator in [",", ";", "\t", "|"] {
        let text = format!("{HEADER}\n{RECORD}\n").replace(',', separator);
        assert_eq!(plain(text).0, [VALUES.to_vec()], "{separator:?}");
    }
    let spaces = format!("{HEADER}\n{RECORD}\n").replace(',', "   ");
    let reading = Reading { separator: Some(Separator::Space), ..Reading::default() };
    assert_eq!(through(spaces, reading, 0.0).unwrap().0, [VALUES.to_vec()]);
    // A record cannot change the separator.
    let odd = format!("{HEADER}\n{}\n{RECORD}\n", RECORD.replace(',', ";"));
    let (rows, report) = through(odd, Reading::default(), 0.5).unwrap();
    assert_eq!((rows, report.bad), (vec![VALUES.to_vec()], 1));
}

#[test]
fn a_file_without_a_header_takes_its_names_from_the_schema() {
    let names = HEADER.split(',').map(String::from).collect();
    let reading = Reading { columns: names, ..Reading::default() };
    let (rows, _) = through(format!("{RECORD}\n{RECORD}\n"), reading, 0.0).unwrap();
    assert_eq!(rows.len(), 2);
    // Without a header, the message describes the first line and quotes nothing of it.
    let refused = through(format!("{RECORD}\n{RECORD}\n"), Reading::default(), 0.0).unwrap_err().to_string();
    assert!(refused.contains("has no header") && !refused.contains("10.0.0.1"), "{refused}");
}

#[test]
fn lines_that_are_no_records_are_left_out_and_counted() {
    let text = format!("{HEADER}\n{RECORD}\n\n{HEADER}\n{RECORD}\n{HEADER}\n");
    let (rows, report) = plain(&text);
    assert_eq!((rows.len(), report.bad), (2, 0));
    assert_eq!(report.notes, ["2 lines are copies of the header and were left out"]);

    let text = format!("#fields\n#types\n{HEADER}\n# in between\n{RECORD}\n#close\n");
    let reading = Reading { comment: Some("#".into()), ..Reading::default() };
    let (rows, report) = through(&text, reading, 0.0).unwrap();
    assert_eq!((rows.len(), report.notes), (1, vec!["4 lines are comments and were left out".to_string()]));

    let text = format!("nfdump\n\n{HEADER}\n{RECORD}\nSummary\nflows,bytes\n3,4\n");
    let reading = Reading { skip: 2, end: Some("Summary".into()), ..Reading::default() };
    assert_eq!(through(&text, reading.clone(), 0.0).unwrap().0.len(), 1);
    // Neither applies unless it is declared.
    assert!(through(&text, Reading { skip: 2, ..Reading::default() }, 0.0).is_err());
    assert!(through(&text, Reading { end: reading.end, ..Reading::default() }, 0.0).is_err());
}

#[test]
fn commas_behind_the_last_column_are_none() {
    let (rows, _) = plain(format!("{HEADER},\n{RECORD},\n{RECORD}\n"));
    assert_eq!(rows.len(), 2);
    let (rows, _) = plain(format!("{HEADER}\n{RECORD},,\n{RECORD}\n"));
    assert_eq!(rows.len(), 2);
    assert!(through(format!("{HEADER}\n{RECORD},x\n"), Reading::default(), 0.0).is_err());
}

#[test]
fn names_that_are_left_out_may_be_there_twice() {
    let (rows, report) = plain(format!("{HEADER},x,x\n{RECORD},1,2\n"));
    assert_eq!((rows.len(), report.ignored_columns), (1, vec!["x".to_string(), "x".to_string()]));
    let twice = through(format!("{HEADER},byt\n{RECORD},1\n"), Reading::default(), 0.0);
    assert!(matches!(twice, Err(ReadError::DuplicateColumn(name)) if name == "byt"));
}

#[test]
fn lines_are_counted_as_editors_do() {
    let bad = RECORD.replace("443", "70000");
    for end in ["\n", "\r\n", "\r"] {
        for (before, line) in [("", 4), ("\n\n", 6)] {
            let text = format!("{HEADER}\n{RECORD}\n{RECORD}\n{before}{bad}\n{RECORD}").replace('\n', end);
            let (rows, report) = through(&text, Reading::default(), 0.5).unwrap();
            assert_eq!((rows.len(), report.first_bad[0].line), (3, line), "{end:?} {before:?}");
        }
    }
    // The file may begin with a byte-order mark, with and without a header.
    let text = format!("\u{feff}{HEADER},note\r\n{RECORD},\"a \"\"b\"\"\"\r\n{bad},c\r\n");
    let (rows, report) = through(text, Reading::default(), 0.5).unwrap();
    assert_eq!((rows, report.first_bad[0].line), (vec![VALUES.to_vec()], 3));
    let columns = HEADER.split(',').map(String::from).collect();
    let reading = Reading { columns, ..Reading::default() };
    assert_eq!(through(format!("\u{feff}{RECORD}\n"), reading, 0.0).unwrap().0, [VALUES.to_vec()]);
}

#[test]
fn quotes_are_quotes_unless_it_is_declared() {
    let quoted = RECORD.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",");
    assert_eq!(plain(format!("{HEADER}\n{quoted}\n")).0, [VALUES.to_vec()]);
    let text = format!("{HEADER},note\n{RECORD},\"5 inch\n{RECORD},b\n");
    let reading = Reading { quotes: Some(false), ..Reading::default() };
    assert_eq!(through(&text, reading, 0.0).unwrap().0.len(), 2);
    // With quotes, one that is not closed on its line affects no other record.
    let (rows, report) = through(text, Reading::default(), 0.5).unwrap();
    assert_eq!((rows.len(), report.bad), (1, 1));
    assert!(report.first_bad[0].reason.contains("a quote is not closed"), "{:?}", report.first_bad);
}

#[test]
fn an_encoding_is_declared_and_never_turns_classes_into_other() {
    let text = [HEADER.as_bytes(), b"\n10.0.0.1,443,1717200001.5,0.25,1500,Web Attack \x96 XSS\n"].concat();
    let reading = Reading { encoding: Encoding::Windows1252, ..Reading::default() };
    assert_eq!(through(&text, reading, 0.0).unwrap().0[0][5], 1);
    let Err(ReadError::BadRecords(report)) = through(&text, Reading::default(), 0.0) else {
        panic!("it is not UTF-8")
    };
    let reason = report.for_steward(&Steward::local()).first_bad[0].reason.clone();
    assert!(reason.contains("declare the encoding"), "{reason}");
}

#[test]
fn numbers_are_read_as_declared_and_what_that_changes_is_counted() {
    let text = format!("{HEADER}\n10.0.0.1,0x01bb,1717200001.5,-0.5,1.5 k,benign\n").replace(',', ";");
    let numbers = Numbers { scales: true, hexadecimal: true, negative: Negative::Zero, ..Numbers::default() };
    let (rows, report) = through(&text, Reading { numbers, ..Reading::default() }, 0.0).unwrap();
    let mut values = VALUES;
    values[3] = 0;
    assert_eq!(rows, [values.to_vec()]);
    assert_eq!(report.notes.len(), 2, "{:?}", report.notes);
    let german = "srcip;srcport;ts;td;byt;type\n10.0.0.1;443;1717200001,5;0,25;1500;benign\n";
    let numbers = Numbers { decimal: Decimal::Comma, ..Numbers::default() };
    let reading = Reading { numbers, ..Reading::default() };
    assert_eq!(through(german, reading, 0.0).unwrap().0, [VALUES.to_vec()]);
}

#[test]
fn times_are_written_as_they_were_read() {
    let text = format!("{HEADER}\n{RECORD}\n").replace("1717200001.5", "1/06/2024 02:00");
    let times = Times { format: "%d/%m/%Y %H:%M".into(), zone: Some("+02:00".into()) };
    let reading = Reading { times: Some(times), ..Reading::default() };
    let (rows, _) = through(&text, reading.clone(), 0.0).unwrap();
    assert_eq!(rows[0][2], 1_717_200_000_000_000_000);
    let file = file(&text);
    let bound = bind(file.path(), schema(reading), Limits::NONE, &Quiet).unwrap();
    let (trace, _) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
    let mut out = NamedTempFile::new().unwrap();
    let written = write_raw(crate::OutputFormat::Csv, &trace, &bound.schema, out.as_file_mut(), &Quiet);
    written.for_steward(&Steward::local()).unwrap();
    let text = std::fs::read_to_string(out.path()).unwrap();
    assert_eq!(text.lines().nth(1), Some("10.0.0.1,443,01/06/2024 02:00,0.25,1500,benign"));
    // It is like the trace, and so is a file without a time format.
    let like = bind_like(out.path(), &bound, &Quiet).unwrap();
    assert_eq!(read_synthetic(out.path(), &like, &Quiet).unwrap().column(2).get(0), rows[0][2]);
}

#[test]
fn a_file_beside_a_trace_has_its_layout_or_the_plain_one() {
    let names: Vec<String> = HEADER.split(',').map(String::from).collect();
    let reading = Reading { columns: names, separator: Some(Separator::Semicolon), ..Reading::default() };
    let raw = file(format!("{RECORD}\n{RECORD}\n").replace(',', ";"));
    let bound = bind(raw.path(), schema(reading), Limits::NONE, &Quiet).unwrap();
    for (text, rows) in [(format!("{HEADER}\n{RECORD}\n"), 1), (RECORD.replace(',', ";"), 1)] {
        let other = file(text);
        let like = bind_like(other.path(), &bound, &Quiet).unwrap();
        assert_eq!(read_synthetic(other.path(), &like, &Quiet).unwrap().rows(), rows);
    }
}

#[test]
fn a_notation_in_the_schema_holds_beside_a_reading() {
    let mut schema = schema(Reading { separator: Some(Separator::Bar), ..Reading::default() });
    schema.columns[2].notation = Some(Notation::Epoch { unit: TimeUnit::Milliseconds, decimal: false });
    let file =
        file(format!("{HEADER}\n{RECORD}\n").replace("1717200001.5", "1717200001500").replace(',', "|"));
    let bound = bind(file.path(), schema, Limits::NONE, &Quiet).unwrap();
    let (trace, _) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
    let time = trace.privately(|trace| trace.column(2).get(0)).for_steward(&Steward::local());
    assert_eq!(time, VALUES[2]);
}

#[test]
fn a_file_that_no_preset_fits_gets_a_schema_to_finish() {
    let row = |i: u32| {
        let (port, class) = (40_000 + i, if i.is_multiple_of(3) { "scan" } else { "benign" });
        format!(
            "{:02}/06/2024 0{}:{:02};10.0.0.{};{port};6;{},5;{};x{i};;{class}",
            1 + i % 28,
            i % 9,
            i % 60,
            i % 9,
            i % 7,
            100 * i
        )
    };
    let rows: Vec<String> = (1..300).map(row).collect();
    let header = "Date first seen;Src IP Addr;Src Pt;Proto;Duration;Bytes;id;note;Class";
    for (text, named) in [(format!("{header}\r\n{}\r\n", rows.join("\r\n")), true), (rows.join("\n"), false)]
    {
        let file = file(text);
        let proposal = crate::propose(file.path(), &Reading::default(), &Quiet).unwrap();
        let crate::propose::Proposal { schema, left_out } = proposal.for_steward(&Steward::local());
        assert_eq!(schema.check(), Ok(()));
        let reading = &schema.reading;
        assert_eq!(
            (reading.separator, reading.numbers.decimal),
            (Some(Separator::Semicolon), Decimal::Comma)
        );
        assert_eq!(reading.times.as_ref().unwrap().format, "%d/%m/%Y %H:%M");
        assert_eq!(reading.columns.len(), if named { 0 } else { 9 });
        let why: Vec<&str> = left_out.iter().map(|(_, why)| *why).collect();
        assert_eq!(why, ["its text has more than a hundred values", "its cells hold nothing"]);
        if named {
            let roles = schema.columns.iter().map(|column| serde_json::to_value(&column.roles).unwrap());
            let roles: serde_json::Value = roles.collect();
            let expected = ["start", "source-address", "source-port", "protocol", "duration", "bytes", "key"];
            assert_eq!(roles, serde_json::json!(expected));
        }
        // The proposed schema reads the file once its categories are declared.
        let mut schema = schema;
        let class = schema.columns.last().unwrap().name.clone();
        schema.declare_categories(&class, vec!["benign".into(), "scan".into()]).unwrap();
        let bound = bind(file.path(), schema, Limits::NONE, &Quiet).unwrap();
        let (trace, _) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
        assert_eq!(trace.privately(|trace| trace.rows()).for_steward(&Steward::local()), 299);
    }
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let separator =
        prop::option::of(prop::sample::select(vec![Separator::Comma, Separator::Tab, Separator::Space]));
    let begins = || prop::option::of(prop::sample::select(vec!["#".to_string(), "10".to_string()]));
    let names = prop_oneof![Just(Vec::new()), Just(HEADER.split(',').map(String::from).collect::<Vec<_>>())];
    let other = (0u64..3, any::<bool>(), any::<bool>());
    (separator, begins(), begins(), names, other).prop_map(
        |(separator, comment, end, columns, (skip, quotes, western))| {
            let encoding = if western { Encoding::Windows1252 } else { Encoding::Utf8 };
            Reading {
                separator,
                columns,
                skip,
                comment,
                end,
                quotes: Some(quotes),
                encoding,
                ..Reading::default()
            }
        },
    )
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic_or_find_more_records_than_lines(
        reading in any_reading(),
        good in 0usize..4,
        rest in prop::collection::vec(prop::sample::select(b"a1.,;\t \"\n\r#\x96".to_vec()), 0..200),
        at in any::<prop::sample::Index>(),
    ) {
        let mut text = format!("{HEADER}\n{}", format!("{RECORD}\n").repeat(good)).into_bytes();
        let at = at.index(text.len());
        text.splice(at..at, rest);
        let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
        if let Ok((rows, report)) = through(&text, reading, 1.0) {
            prop_assert_eq!(rows.len() as u64, report.records);
            prop_assert!(report.records + report.bad <= lines);
            prop_assert!(report.first_bad.iter().all(|bad| (1..=lines).contains(&bad.line)));
        }
    }
}

/// A text of many blocks, each read in parts: lines are counted, and faults are reported in the order of the
/// file.
#[test]
fn a_long_text_is_read_as_line_by_line() {
    const LINES: usize = 200_000;
    let mut text = format!("{HEADER}\n");
    let (mut bad, mut good, mut comments, mut headers) = (Vec::new(), 0, 0, 0);
    for line in 2..LINES + 2 {
        match line % 7_919 {
            0 => {
                bad.push(line as u64);
                text += &RECORD.replace("443", "70000");
            }
            1 => comments += 1,
            2 => headers += 1,
            3 => {}
            _ => good += 1,
        }
        match line % 7_919 {
            0 => {}
            1 => text += "# one",
            2 => text += HEADER,
            3 => text += "  ",
            5 => text += &format!("\"{}\"", RECORD.replace(',', "\",\"")),
            _ => text += RECORD,
        }
        text += if line % 2 == 0 { "\r\n" } else { "\n" };
    }
    assert!(text.len() > 8 << 20, "{} bytes", text.len());
    let reading = Reading { comment: Some("#".into()), ..Reading::default() };
    let (rows, report) = through(&text, reading, 0.5).unwrap();
    assert_eq!((rows.len(), report.records, report.bad), (good, good as u64, bad.len() as u64));
    assert!(rows.iter().all(|row| *row == VALUES));
    let told: Vec<u64> = report.first_bad.iter().map(|bad| bad.line).collect();
    assert_eq!(told, bad[..told.len()]);
    assert_eq!(
        report.notes,
        [
            format!("{comments} lines are comments and were left out"),
            format!("{headers} lines are copies of the header and were left out")
        ]
    );
    // A declared end line ends the records, whichever part contains it.
    let end = Reading { end: Some("Summary".into()), ..Reading::default() };
    let half = format!("{HEADER}\n{}Summary\n{}", format!("{RECORD}\n").repeat(90_001), "x\n".repeat(90_000));
    assert_eq!(through(&half, end, 0.0).unwrap().0.len(), 90_001);
}
