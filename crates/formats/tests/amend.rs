//! What would have to be declared is found from the records, and nothing where they are merely wrong.

use netdpsyn_formats::{Amendment, Limits, Steward, amend};
use netdpsyn_trace::address::Families;
use netdpsyn_trace::presets;
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::reading::{Encoding, Numbers};
use std::io::Write;

const HEADER: &str = "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,label,type";

/// What is found of forty records, with other cells in every third of them, and how many can be read with it.
fn found(
    cells: impl Fn(usize, &mut [String; 11]),
    separator: &str,
    foot: &str,
) -> Option<(Vec<Amendment>, [usize; 2])> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}", HEADER.replace(',', separator)).unwrap();
    for row in 0..40 {
        let mut record =
            ["10.0.0.1", "10.0.0.2", "1234", "80", "tcp", "1717200000.5", "0.25", "3", "180", "0", "benign"]
                .map(String::from);
        if row % 3 == 0 {
            cells(row, &mut record);
        }
        writeln!(file, "{}", record.join(separator)).unwrap();
    }
    write!(file, "{foot}").unwrap();
    let schema = presets::preset("flow").unwrap();
    let amended = amend(file.path(), &schema, Limits::NONE, &Quiet).unwrap()?.for_steward(&Steward::local());
    Some((amended.amendments, amended.looked_at))
}

fn set(column: usize, cell: &'static str) -> impl Fn(usize, &mut [String; 11]) {
    move |_, record| record[column] = cell.into()
}

#[test]
fn ways_of_writing_cells_are_found() {
    let plain = Numbers::default();
    let numbers = |numbers| Some((vec![Amendment::Numbers(numbers)], [40, 40]));
    assert_eq!(found(set(3, "0x0050"), ",", ""), numbers(Numbers { hexadecimal: true, ..plain }));
    assert_eq!(found(set(8, "1.2 M"), ",", ""), numbers(Numbers { scales: true, ..plain }));
    assert_eq!(found(set(6, "-0.000001"), ",", "").unwrap().1, [40, 40]);
    assert_eq!(found(set(6, "00:01:02.5"), ",", ""), numbers(Numbers { clock: true, ..plain }));
    let comma = found(set(6, "0,25"), ";", "").unwrap();
    assert_eq!((comma.0.len(), comma.1), (1, [40, 40]));
    let special = |column: &str, cells: &[&str]| {
        let cells = cells.iter().map(|cell| (*cell).into()).collect();
        Some((vec![Amendment::Special(column.into(), cells)], [40, 40]))
    };
    let any = Some((vec![Amendment::Addresses(Families::Any)], [40, 40]));
    assert_eq!(found(set(0, "2001:db8::1"), ",", ""), any);
    assert_eq!(found(set(1, "00:1b:21:3c:9d:f8"), ",", ""), any);
    // Tokens of two numbers are many, and addresses of their own.
    let tokens = |row: usize, record: &mut [String; 11]| record[0] = format!("100{row:02}_{row}");
    assert_eq!(found(tokens, ",", ""), any);
    assert_eq!(found(set(3, ""), ",", ""), special("dstport", &[""]));
    assert_eq!(found(set(0, "EXT_SERVER"), ",", ""), special("srcip", &["EXT_SERVER"]));
    assert_eq!(found(set(3, "3.3"), ",", ""), special("dstport", &["3.3"]));
    let end = Some((vec![Amendment::End("Summary:".into())], [40, 40]));
    assert_eq!(found(set(7, "4"), ",", "Summary: total flows: 40\n"), end);
}

#[test]
fn one_thing_after_another() {
    let both = |row: usize, record: &mut [String; 11]| {
        record[2] = "0x1f90".into();
        if row.is_multiple_of(2) {
            record[8] = "-".into();
        }
    };
    let (amendments, read) = found(both, ",", "").unwrap();
    assert_eq!(read, [40, 40]);
    assert!(matches!(amendments[..], [Amendment::Numbers(_), Amendment::Special(..)]), "{amendments:?}");
    assert!(amendments[0].to_string().contains("0x") && amendments[1].to_string().contains("byt"));
}

#[test]
fn two_things_that_are_in_the_same_records() {
    let all = |_: usize, record: &mut [String; 11]| {
        record[2] = "0x1f90".into();
        (record[6], record[8]) = ("n/a".into(), "-".into());
    };
    let (amendments, read) = found(all, ",", "").unwrap();
    assert_eq!((amendments.len(), read), (3, [40, 40]), "{amendments:?}");
    assert!(!format!("{}", Amendment::Special("pkt".into(), vec!["\u{1b}[31m".into()])).contains('\u{1b}'));
}

#[test]
fn bytes_of_another_encoding() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{HEADER}").unwrap();
    for _ in 0..40 {
        file.write_all(b"10.0.0.1,10.0.0.2,1,80,tcp,1717200000.5,0,3,180,0,caf\xe9\n").unwrap();
    }
    let schema = presets::preset("flow").unwrap();
    let found =
        amend(file.path(), &schema, Limits::NONE, &Quiet).unwrap().unwrap().for_steward(&Steward::local());
    assert_eq!(found.amendments, [Amendment::Encoding(Encoding::Windows1252)]);
    assert_eq!(found.schema.reading.encoding, Encoding::Windows1252);
}

#[test]
fn wrong_cells_lead_to_no_proposal() {
    let port = |row: usize, record: &mut [String; 11]| record[3] = (70_000 + row).to_string();
    assert_eq!(found(port, ",", ""), None, "no port is so high");
    let garbage = |row: usize, record: &mut [String; 11]| record[0] = format!("host{row}");
    assert_eq!(found(garbage, ",", ""), None, "each another word");
    assert_eq!(found(set(7, "4"), ",", ""), None, "all can be read");
}
