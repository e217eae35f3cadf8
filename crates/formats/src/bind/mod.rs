//! Binds a schema to a file: the order of its columns, the optional ones it lacks, and the notation of each
//! column.
//!
//! Notations that a single record could change are canonical unless declared. The notations of addresses and
//! times are those of the first readable record; since every other record must agree, any of them would give
//! the same result.

mod header;
mod notations;

pub(super) use notations::reads;

use super::ReadError;
use super::addresses::Gatherer;
use super::cell::{End, Parser, notation_of};
use super::columns::{Chosen, Holds, Making};
use super::input::Limits;
use super::source::{FileFormat, Opened, Records};
use super::text::{Layout, Origin};
use header::{in_order, to_header};
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::reading::{Negative, Reading, Separator};
use netdpsyn_trace::{Column, Ends, Field, Notation, Schema};
use notations::{parser, with_notations};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A schema and the positions of its columns in a file.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The schema, in the order of the file, with every notation set.
    pub schema: Schema,
    /// For every column of the schema, its position in the file.
    pub positions: Vec<usize>,
    /// For every column, whether its notation was detected from the file rather than declared.
    pub detected: Vec<bool>,
    /// Number of columns in the file.
    pub width: usize,
    /// Columns of the file that the schema does not name; they are ignored.
    pub ignored: Vec<String>,
    /// The columns from which ends are computed, where a file has end times instead of durations.
    pub(super) ends: Option<Ends>,
    /// For every column, what its type in the file states of its values.
    pub(super) holds: Vec<Holds>,
    /// How ambiguities of the file were resolved.
    pub(super) notes: Vec<String>,
    /// The origin of the file.
    pub(super) origin: Origin,
    /// The folder for scratch files.
    scratch: Option<PathBuf>,
}

impl Bound {
    /// The schema without the notations that were detected from the file.
    pub fn declared(&self) -> Schema {
        let mut schema = self.schema.clone();
        for (column, detected) in schema.columns.iter_mut().zip(&self.detected) {
            column.notation = column.notation.filter(|_| !detected);
        }
        schema
    }

    /// Sets the folder for scratch files, which are needed to derive records from a capture; by default that
    /// of the system.
    pub fn with_scratch(self, folder: &Path) -> Bound {
        Bound { scratch: Some(folder.into()), ..self }
    }

    /// Opens the file.
    pub(super) fn opened<'a>(
        &self,
        path: &Path,
        limits: Limits,
        progress: &'a dyn Progress,
    ) -> Result<Opened<'a>, ReadError> {
        let making = Making { scratch: self.scratch.as_deref(), ..making(&self.schema) };
        opened_for(making, path, &self.schema, self.origin, limits, progress)
    }

    /// A cell of a record: without surrounding white space, unless this program wrote the file.
    pub(super) fn cell<'r>(&self, record: &'r csv::ByteRecord, position: usize) -> &'r [u8] {
        self.trimmed(record.get(position).unwrap_or_default())
    }

    /// The same for a cell as the file has it.
    pub(super) fn trimmed<'r>(&self, cell: &'r [u8]) -> &'r [u8] {
        if self.exact() { cell } else { cell.trim_ascii() }
    }

    /// A cell of a column in the form that its parser expects.
    pub(super) fn said<'r>(&self, index: usize, parser: &Parser, cell: &'r [u8]) -> &'r [u8] {
        match self.holds[index] {
            Holds::Flag => parser.spelled(cell),
            _ => self.trimmed(cell),
        }
    }

    /// Whether this program wrote the file: surrounding white space is then part of a value.
    pub(super) fn exact(&self) -> bool {
        self.origin == Origin::Ours
    }

    /// The parsers of all columns; `gatherer` assigns numbers to addresses of any family.
    pub(super) fn parsers(&self, gatherer: Option<&Arc<Gatherer>>) -> Vec<Parser> {
        let columns = self.schema.columns.iter().zip(&self.detected).zip(&self.holds);
        let detected =
            |column: &Column| self.schema.position(&column.name).is_some_and(|at| self.detected[at]);
        let parser = |((column, &own), &holds): ((&Column, &bool), &Holds)| {
            let told = self.schema.told_as(column);
            let own = if column.is_end() { detected(told) } else { own };
            let parser = parser(&self.schema.reading, told, holds, told.notation, own);
            match self.ends.filter(|_| column.is_end()) {
                Some(ends) => {
                    let clamped = self.schema.reading.numbers.negative == Negative::Zero;
                    Parser::End(Box::new(End { times: parser, ends, clamped, before: AtomicU64::new(0) }))
                }
                None => gatherer.into_iter().fold(parser, Parser::gathering),
            }
        };
        columns.map(parser).collect()
    }

    /// The columns to read of a columnar file, in the order of the file.
    pub(super) fn chosen(&self) -> Vec<Chosen> {
        let columns = self.positions.iter().zip(&self.schema.columns);
        let chosen = |(&position, column): (&usize, &Column)| {
            let address = column.field.is_address();
            Chosen { position, address }
        };
        let mut chosen: Vec<Chosen> = columns.map(chosen).collect();
        chosen.sort_by_key(|chosen| chosen.position);
        chosen
    }
}

/// Binds `schema` to the file: finds its columns in the header, and the notations of addresses and times in
/// the first record.
///
/// ```
/// use netdpsyn_formats::{Limits, bind};
/// use netdpsyn_trace::{Notation, progress::Quiet};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("flows.csv");
/// std::fs::write(&path, "size,src,comment\n1500,192.0.2.1,a\n64,192.0.2.7,b\n")?;
/// let schema = serde_json::from_str(
///     r#"{"version": 2, "name": "volumes", "kind": "flow", "columns": [
///         {"name": "src", "type": {"ip": {}}, "role": "source-address"},
///         {"name": "size", "type": {"integer-exponential": {"max": 1000000}}, "role": "bytes"}
///     ]}"#,
/// )?;
/// let bound = bind(&path, schema, Limits::NONE, &Quiet)?;
/// assert_eq!(bound.positions, [0, 1]); // the schema is now in the order of the file: size, src
/// assert_eq!(bound.schema.columns[1].notation, Some(Notation::Dotted));
/// assert_eq!(bound.ignored, ["comment"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ReadError`] when the file is not a trace, lacks a column of the schema, or has no readable record.
pub fn bind(
    path: &Path,
    schema: Schema,
    limits: Limits,
    progress: &dyn Progress,
) -> Result<Bound, ReadError> {
    schema.check()?;
    if schema.derived().is_some() {
        let reason = "the gap between records of a flow is derived, not declared: ask the fit for it".into();
        return Err(netdpsyn_trace::SchemaError::Shape(reason).into());
    }
    let opened = opened(path, &schema, Origin::Raw, limits, progress)?;
    let format = opened.format;
    let mut bound = with_notations(opened.records, to_header(schema, &opened.heads, format)?, |_, _| None)?;
    if format == FileFormat::Capture {
        // From here on the schema states what one record is, and so does everything derived from it.
        let reading = &mut bound.schema.reading;
        let settled = reading.capture.take().unwrap_or_default().settled(bound.schema.kind);
        reading.capture = (!settled.is_plain()).then_some(settled);
    }
    Ok(bound)
}

/// Binds a file of any origin that should have the columns of a trace: it must have every column, in any
/// order and notation, and the order of the schema is kept. Times are read in the unit of the trace unless
/// the first of them is outside the window, and inside it in the unit that its magnitude implies.
///
/// # Errors
/// As [`bind`].
pub fn bind_like(path: &Path, trace: &Bound, progress: &dyn Progress) -> Result<Bound, ReadError> {
    let mut open = trace.schema.clone();
    let told = open.columns.iter_mut().filter(|column| !column.is_end());
    told.for_each(|column| column.notation = None);
    let window = trace.schema.window;
    let (records, bound) = laid_out_like(path, open, progress)?;
    with_notations(records, bound, |index, cell| {
        let column = &trace.schema.columns[index];
        let own = column.notation.filter(|n| matches!(n, Notation::Epoch { .. }))?;
        let read = |notation| Parser::new(&column.field, Some(notation), false).read(cell).ok();
        let inside = |time: &u64| window.is_some_and(|w| (w.start()..w.end()).contains(time));
        let time = read(own)?;
        let by_size = notation_of(&column.field, cell).and_then(read).filter(inside);
        // The declared unit is used where no unit puts the time inside the window. A unit that was detected
        // by magnitude is detected again.
        (inside(&time) || by_size.is_none() && !trace.detected[index]).then_some(own)
    })
}

/// Opens a file with the columns of a schema: either in the format that this program writes, or laid out as
/// the schema declares.
fn laid_out_like<'a>(
    path: &Path,
    mut schema: Schema,
    progress: &'a dyn Progress,
) -> Result<(Records<'a>, Bound), ReadError> {
    let declared = schema.reading.clone();
    let open = |schema: Schema| {
        let Opened { heads, records, .. } = opened(path, &schema, Origin::Like, Limits::NONE, progress)?;
        Ok((records, Bound { origin: Origin::Like, ..in_order(schema, &heads)? }))
    };
    let plain = Reading { capture: declared.capture.clone(), ..declared.of_written() };
    if declared == plain {
        return open(schema);
    }
    // The plain format is separated by commas: anything else is read as declared, including numbers.
    schema.reading = Reading { separator: Some(Separator::Comma), ..plain };
    match open(schema.clone()) {
        Err(ReadError::MissingColumns { .. } | ReadError::NoHeader | ReadError::NoTrace(_)) => {
            open(Schema { reading: declared, ..schema })
        }
        plain => plain,
    }
}

/// Opens a file with the layout that a schema declares.
pub(super) fn opened<'a>(
    path: &Path,
    schema: &Schema,
    origin: Origin,
    limits: Limits,
    progress: &'a dyn Progress,
) -> Result<Opened<'a>, ReadError> {
    opened_for(making(schema), path, schema, origin, limits, progress)
}

/// The parts of a schema that determine how records are derived from a capture.
fn making(schema: &Schema) -> Making<'static> {
    let four = schema.columns.iter().any(|column| matches!(column.field, Field::Ip { .. }));
    Making { kind: Some(schema.kind), four, scratch: None }
}

fn opened_for<'a>(
    making: Making<'_>,
    path: &Path,
    schema: &Schema,
    origin: Origin,
    limits: Limits,
    progress: &'a dyn Progress,
) -> Result<Opened<'a>, ReadError> {
    let wanted: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    let layout = Layout { reading: &schema.reading, wanted: &wanted, origin, making };
    Opened::new(path, layout, limits, progress)
}

/// Binds a schema to a file that [`super::write()`] wrote under it: only the positions of its columns are
/// read from the file.
pub(super) fn written(path: &Path, schema: &Schema, progress: &dyn Progress) -> Result<Bound, ReadError> {
    let schema = schema.in_file();
    let heads = opened(path, &schema, Origin::Ours, Limits::NONE, progress)?.heads;
    let mut bound = in_order(schema, &heads)?;
    for column in &mut bound.schema.columns {
        column.notation = Notation::written(column);
    }
    bound.origin = Origin::Ours;
    Ok(bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OutputFormat, ReadOptions, read, write_raw};
    use netdpsyn_privacy::Steward;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{TimeUnit, presets};
    use std::io::Write;

    const COLUMNS: [&str; 10] =
        ["srcip", "dstip", "srcport", "dstport", "proto", "ts", "td", "pkt", "byt", "type"];
    const PLAIN: [&str; 10] =
        ["10.0.0.1", "10.0.0.2", "1234", "80", "tcp", "1767600000.25", "0.5", "3", "300", "a"];

    /// A trace of flows in which one row differs from the others in some columns.
    fn file(plain: &[(&str, &str)], odd: &[(&str, &str)], at: usize) -> tempfile::NamedTempFile {
        let row = |changes: &[&[(&str, &str)]]| {
            let cell = |(name, cell): (&&str, &&str)| {
                let changed = changes.iter().rev().find_map(|c| c.iter().find(|(n, _)| n == name));
                changed.map_or(cell.to_string(), |(_, to)| to.to_string())
            };
            COLUMNS.iter().zip(&PLAIN).map(cell).collect::<Vec<_>>().join(",")
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", COLUMNS.join(",")).unwrap();
        for i in 0..2_001 {
            let text = if i == at { row(&[plain, odd]) } else { row(&[plain]) };
            writeln!(file, "{text}").unwrap();
        }
        file
    }

    fn flows() -> Schema {
        let mut schema = presets::preset("flow").unwrap();
        schema.declare_categories("type", vec!["a".into()]).unwrap();
        schema.window = Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".parse().unwrap());
        schema
    }

    /// Binds and reads with a tolerance, and writes what was read: the bound schema and the second line of
    /// the output.
    fn through(file: &Path, tolerance: f64) -> Result<(Schema, String), ReadError> {
        let bound = bind(file, flows(), Limits::NONE, &Quiet)?;
        let (trace, _) = read(file, &bound, ReadOptions { tolerance, ..ReadOptions::default() }, &Quiet)?;
        let mut text = Vec::new();
        let written = write_raw(OutputFormat::Csv, &trace, &bound.schema, &mut text, &Quiet);
        written.for_steward(&Steward::local()).unwrap();
        let line = String::from_utf8(text).unwrap().lines().nth(1_000).unwrap().to_string();
        Ok((bound.schema, line))
    }

    #[test]
    fn one_record_decides_no_notation() {
        let odd = [
            &[("proto", "TCP")][..],
            &[("proto", "6")],
            &[("proto", "6.0")],
            &[("proto", "Udp")],
            &[("proto", "arp")],
            &[("pkt", "3.0")],
            &[("pkt", "3e0")],
            &[("byt", "3e2")],
            &[("byt", "+300.00")],
            &[("srcport", "1234.0")],
            &[("td", "1")],
            &[("td", "5e-1")],
            &[("ts", "1767600000")],
            &[("ts", "1767600000.000000001")],
            &[("ts", "1.767600000e9")],
            &[("proto", "TCP"), ("byt", "3e2"), ("ts", "1767600000"), ("dstport", "80.0")],
        ];
        // Whatever the notation of the other records.
        let usual = [
            &[][..],
            &[("proto", "6")],
            &[("proto", "TCP")],
            &[("pkt", "3.0"), ("byt", "300.0")],
            &[("ts", "1767600000")],
            &[("ts", "1767600000250"), ("srcip", "167772161")],
        ];
        for plain in usual {
            let (schema, line) = through(file(plain, &[], 0).path(), 0.0).unwrap();
            for odd in odd.iter().filter(|odd| !(plain.len() == 2 && odd.iter().any(|(n, _)| *n == "ts"))) {
                for at in [0, 999, 2_000] {
                    let what = format!("{plain:?} {odd:?} {at}");
                    let file = file(plain, odd, at);
                    if at == 999 {
                        assert_eq!(through(file.path(), 0.0).unwrap().0, schema, "{what}");
                        continue;
                    }
                    let (with, written) = through(file.path(), 0.0).unwrap();
                    assert_eq!(with, schema, "{what}");
                    assert_eq!(written, line, "{what}");
                }
            }
        }
    }

    #[test]
    fn a_skipped_record_decides_nothing_either() {
        let (schema, line) = through(file(&[], &[], 0).path(), 0.5).unwrap();
        for odd in [
            [("srcip", "167772161"), ("srcport", "70000")],
            [("srcip", "10008_82"), ("dstip", "EXT_SERVER")],
            [("srcip", "192.168"), ("dstip", "167772161")],
            [("ts", "2026-01-05T08:00:00Z"), ("byt", "-1")],
            [("ts", "1767600000250"), ("pkt", "x")],
            [("ts", "yesterday"), ("pkt", "3.0")],
            [("srcip", ""), ("proto", "TCP")],
        ] {
            for at in [0, 1_000, 2_000] {
                let (with, written) = through(file(&[], &odd, at).path(), 0.5).unwrap();
                assert_eq!(with, schema, "{odd:?} {at}");
                assert_eq!(written, line, "{odd:?} {at}");
            }
        }
    }

    #[test]
    fn a_mixture_is_refused_wherever_it_stands() {
        let addresses = ["10.0.0.1", "167772161", "167772161.0", "1.67772161e8"];
        let times = [
            "1767600000",
            "1767600000.25",
            "1767600000250",
            "1767600000250000.5",
            "1767600000250000000",
            "2026-01-05T08:00:00Z",
        ];
        let kinds = |column: &'static str, texts: &[&'static str], kind: &dyn Fn(&str) -> usize| {
            let pairs = texts.iter().flat_map(|a| texts.iter().map(move |b| (*a, *b)));
            let mixed = pairs.filter(|(a, b)| kind(a) != kind(b));
            mixed.map(|(a, b)| (column, a, b)).collect::<Vec<_>>()
        };
        let dotted = |text: &str| usize::from(text.starts_with("10."));
        let unit = |text: &str| match text.contains('T') {
            true => 0,
            false => text.split('.').next().unwrap().len(),
        };
        for (column, usual, odd) in [kinds("srcip", &addresses, &dotted), kinds("ts", &times, &unit)].concat()
        {
            for at in [0, 1_000, 2_000] {
                let file = file(&[(column, usual)], &[(column, odd)], at);
                for tolerance in [0.0, 0.5, 1.0] {
                    let refused = through(file.path(), tolerance);
                    assert!(matches!(refused, Err(ReadError::Mixture(_))), "{usual} and {odd} at {at}");
                }
            }
        }
    }

    #[test]
    fn declared_notations_are_kept() {
        let mut schema = flows();
        for (name, notation) in [
            ("proto", Notation::ProtocolNumber),
            ("byt", Notation::Decimal),
            ("ts", Notation::Epoch { unit: TimeUnit::Seconds, decimal: false }),
        ] {
            let at = schema.position(name).unwrap();
            schema.columns[at].notation = Some(notation);
        }
        let file = file(&[], &[("proto", "TCP")], 0);
        let bound = bind(file.path(), schema, Limits::NONE, &Quiet).unwrap();
        let (trace, _) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
        let mut text = Vec::new();
        write_raw(OutputFormat::Csv, &trace, &bound.schema, &mut text, &Quiet)
            .for_steward(&Steward::local())
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().nth(9), Some("10.0.0.1,10.0.0.2,1234,80,6,1767600000,0.5,3,300.0,a"));
    }

    #[test]
    fn a_written_file_is_bound_again() {
        let ms = Notation::Epoch { unit: TimeUnit::Milliseconds, decimal: false };
        for (unit, window, time) in [
            (Some(ms), "0/60", "12000"),
            (Some(ms), "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z", "1767600000250"),
            (None, "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z", "1767600000.25"),
        ] {
            let mut schema = flows();
            schema.window = Some(window.parse().unwrap());
            let at = schema.position("ts").unwrap();
            schema.columns[at].notation = unit;
            let file = file(&[("ts", time)], &[], 0);
            let bound = bind(file.path(), schema, Limits::NONE, &Quiet).unwrap();
            let like = bind_like(file.path(), &bound, &Quiet).unwrap();
            assert_eq!(like.schema.columns[5].notation, bound.schema.columns[5].notation);
            let read = |bound: &Bound| crate::read_synthetic(file.path(), bound, &Quiet).unwrap();
            assert_eq!(read(&bound).column(5).get(0), read(&like).column(5).get(0));
            // A unit other than that of the trace is detected by magnitude.
            let other = self::file(&[("ts", "1767600000250000")], &[], 0);
            let like = bind_like(other.path(), &bound, &Quiet).unwrap();
            let micros = Notation::Epoch { unit: TimeUnit::Microseconds, decimal: false };
            assert_eq!(like.schema.columns[5].notation, Some(micros));
        }
    }

    #[test]
    fn a_file_without_a_good_record_tells_nothing() {
        let file = file(&[("srcport", "70000")], &[], 0);
        let refused = through(file.path(), 1.0);
        assert!(matches!(refused, Err(ReadError::BadRecords(_))));
    }
}
