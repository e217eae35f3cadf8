//! CSV in: records streamed into columns, bad ones reported with line, column and reason.

use super::cell::Parser;
use super::input::{Input, Limits};
use super::{Bound, ReadError, bind, input};
use netdpsyn_privacy::{Private, Sensitive};
use netdpsyn_trace::progress::{BLOCK, Progress};
use netdpsyn_trace::{Column, Field, Schema, Stage, Trace};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// Bad records that a report quotes.
const QUOTED: usize = 20;
/// Records that a trace may have: rows are counted in 32 bits.
const MAX_RECORDS: u64 = 1 << 31;

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Share of bad records that may be skipped; above it the trace is refused.
    pub tolerance: f64,
    /// What a gzip file may unpack to.
    pub limits: Limits,
}

/// Share of a column outside its declaration above which reading says so, and above which a steward must confirm it before a fit.
const SAID: f64 = 0.01;
const CONFIRMED: f64 = 0.5;

/// What reading found. Private: all of it is derived from the raw trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Records kept.
    pub records: u64,
    /// Records that could not be read.
    pub bad: u64,
    /// The first of them.
    pub first_bad: Vec<BadRecord>,
    /// Columns with values outside their declared domain, and how many; they fall into the edge bin or `other`.
    pub outside: Vec<(String, u64)>,
    /// Columns that were left out.
    pub ignored_columns: Vec<String>,
    /// What would make a fit misleading, in sentences: columns of which more than a hundredth lies outside the declaration.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Report {
    /// Columns of which more than half lies outside the declaration, with that share.
    pub fn mostly_outside(&self) -> Vec<(String, f64)> {
        let shares = self.outside.iter().map(|(column, count)| (column.clone(), self.share(*count)));
        shares.filter(|(_, share)| *share > CONFIRMED).collect()
    }

    fn share(&self, count: u64) -> f64 {
        count as f64 / self.records.max(1) as f64
    }

    /// The sentence on a column of which `count` values lie outside the declaration.
    fn warning(&self, column: &Column, count: u64) -> Option<String> {
        let share = self.share(count);
        let (what, advice) = match column.field {
            Field::Categorical(_) => ("are not declared and count as other", "declare its categories"),
            Field::Protocol => {
                ("have no number of their own and count as other", "a fit knows numbered protocols alone")
            }
            Field::Timestamp { .. } => (
                "lie outside the capture window and count in its first or last bin",
                "declare the window that holds them",
            ),
            _ => (
                "lie outside the declared range and count in its last bin",
                "declare a larger range in a schema",
            ),
        };
        let (records, percent) = (self.records, 100.0 * share);
        let name = &column.name;
        (share > SAID)
            .then(|| format!("{count} of {records} values of {name} ({percent:.1} %) {what}: {advice}"))
    }
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRecord {
    /// Line in the file, the header being 1.
    pub line: u64,
    /// The column, unless the record as a whole is wrong.
    pub column: Option<String>,
    /// What is wrong, with the value.
    pub reason: String,
}

/// Reads a raw trace. On success the report tells what was skipped; on refusal the error carries it.
pub fn read(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    progress: &dyn Progress,
) -> Result<(Sensitive<Trace>, Private<Report>), ReadError> {
    let (trace, report) = records(path, bound, options, true, progress)?;
    Ok((Sensitive::new(trace), Private::new(report)))
}

/// Reads a raw trace and keeps nothing but the report: memory does not follow its size.
pub fn check(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    progress: &dyn Progress,
) -> Result<Private<Report>, ReadError> {
    Ok(Private::new(records(path, bound, options, false, progress)?.1))
}

/// Reads a synthetic trace, which is nobody's secret. Every record must be good.
pub fn read_synthetic(path: &Path, bound: &Bound, progress: &dyn Progress) -> Result<Trace, ReadError> {
    Ok(records(path, bound, ReadOptions::default(), true, progress)?.0)
}

/// Reads what [`super::write`] wrote under a schema: nothing is told from the file, and there need be no records.
pub fn read_written(path: &Path, schema: &Schema, progress: &dyn Progress) -> Result<Trace, ReadError> {
    let bound = bind::written(path, schema, progress)?;
    match records(path, &bound, ReadOptions::default(), true, progress) {
        Err(ReadError::NoRecords) => Ok(Trace::empty(&bound.schema)),
        read => Ok(read?.0),
    }
}

fn records(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    keep: bool,
    progress: &dyn Progress,
) -> Result<(Trace, Report), ReadError> {
    let mut reader = reader(input::open(path, options.limits, progress)?);
    header(&mut reader)?;
    let columns = &bound.schema.columns;
    let parsers: Vec<Parser> = columns
        .iter()
        .zip(&bound.detected)
        .map(|(column, &detected)| Parser::new(&column.field, column.notation, detected))
        .collect();
    let spaces: Vec<_> = columns.iter().map(|c| c.field.declared(bound.schema.window)).collect();
    let mut trace = Trace::empty(&bound.schema);
    let mut report = Report { ignored_columns: bound.ignored.clone(), ..Report::default() };
    let mut outside = vec![0u64; columns.len()];
    let mut values = vec![0; columns.len()];
    let mut record = csv::ByteRecord::new();
    while let Some(line) = next(&mut reader, &mut record)? {
        match parse(&record, bound, &parsers, &mut values) {
            Ok(()) => {
                if keep {
                    trace.push(&values);
                }
                report.records += 1;
                for (index, value) in values.iter().enumerate() {
                    let inside = spaces[index].as_ref().is_none_or(|space| space.contains(value));
                    outside[index] += u64::from(!inside);
                }
            }
            Err((column, reason, mixture)) => {
                report.bad += 1;
                if report.first_bad.len() < QUOTED || mixture {
                    let column = column.map(|i| columns[i].name.clone());
                    let line = record.position().map_or(line, csv::Position::line);
                    report.first_bad.push(BadRecord { line, column, reason });
                }
                if mixture {
                    let first_bad = report.first_bad.split_off(report.first_bad.len() - 1);
                    return Err(ReadError::Mixture(Box::new(Private::new(Report { first_bad, ..report }))));
                }
                // Without tolerance the first page of complaints is enough.
                if options.tolerance <= 0.0 && report.bad >= QUOTED as u64 {
                    break;
                }
            }
        }
        if report.records > MAX_RECORDS {
            return Err(ReadError::TooManyRecords { most: MAX_RECORDS });
        }
        if (report.records + report.bad).is_multiple_of(BLOCK as u64) {
            progress.step(Stage::Read, report.records + report.bad, 0)?;
        }
    }
    for (column, count) in columns.iter().zip(outside).filter(|(_, count)| *count > 0) {
        report.warnings.extend(report.warning(column, count));
        report.outside.push((column.name.clone(), count));
    }
    let seen = report.records + report.bad;
    if seen == 0 {
        return Err(ReadError::NoRecords);
    }
    if report.bad as f64 > options.tolerance * seen as f64 || report.records == 0 {
        return Err(ReadError::BadRecords(Box::new(Private::new(report))));
    }
    Ok((trace, report))
}

/// Reads one record into `values`; on failure names the column and the reason, and whether it is a mixture of notations. A record that
/// is bad in any notation is no mixture: it is skipped, where that is tolerated, whatever else it holds.
fn parse(
    record: &csv::ByteRecord,
    bound: &Bound,
    parsers: &[Parser],
    values: &mut [u64],
) -> Result<(), (Option<usize>, String, bool)> {
    if record.len() != bound.width {
        return Err((None, format!("{} fields, but the header has {}", record.len(), bound.width), false));
    }
    let mut mixture = None;
    for (index, (parser, &position)) in parsers.iter().zip(&bound.positions).enumerate() {
        let cell = bound.cell(record, position);
        match parser.read(cell) {
            Ok(value) => values[index] = value,
            Err(bad) if bad.mixture => mixture = mixture.or(Some((Some(index), bad.to_string(), true))),
            Err(bad) => return Err((Some(index), bad.to_string(), false)),
        }
    }
    mixture.map_or(Ok(()), Err)
}

/// Copies a file's records to two others, the header to both: of rows counted from 0 those with i % 5 = 4 are held out.
/// Returns how many went to each.
pub fn split_rows(
    path: &Path,
    kept: impl Write,
    held_out: impl Write,
    progress: &dyn Progress,
) -> Result<(u64, u64), ReadError> {
    let mut reader = reader(input::open(path, Limits::NONE, progress)?);
    let writer = |to| csv::WriterBuilder::new().flexible(true).from_writer(to);
    let mut outputs = [writer(Box::new(kept) as Box<dyn Write + '_>), writer(Box::new(held_out))];
    let mut counts = [0, 0];
    let mut record = csv::ByteRecord::new();
    let mut row = None::<u64>;
    while let Some(line) = next(&mut reader, &mut record)? {
        match row {
            None => {
                for output in &mut outputs {
                    output.write_byte_record(&record).map_err(|error| csv_failure(error, line))?;
                }
            }
            Some(i) => {
                let part = usize::from(i % 5 == 4);
                outputs[part].write_byte_record(&record).map_err(|error| csv_failure(error, line))?;
                counts[part] += 1;
            }
        }
        row = Some(row.map_or(0, |i| i + 1));
    }
    for output in &mut outputs {
        output.flush().map_err(ReadError::Io)?;
    }
    Ok((counts[0], counts[1]))
}

/// A CSV reader that lets records of any number of fields pass, to report them.
pub(super) fn reader(input: Input) -> csv::Reader<Input> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input)
}

/// The next record, and the line after which it was looked for; none at the end of the file.
pub(super) fn next(
    reader: &mut csv::Reader<Input>,
    record: &mut csv::ByteRecord,
) -> Result<Option<u64>, ReadError> {
    let line = reader.position().line();
    reader.get_mut().begin_record();
    let found = reader.read_byte_record(record).map_err(|error| csv_failure(error, line))?;
    Ok(found.then_some(line))
}

/// The first record: the columns' names, without white space and byte-order mark.
pub(super) fn header(reader: &mut csv::Reader<Input>) -> Result<Vec<String>, ReadError> {
    let mut record = csv::ByteRecord::new();
    next(reader, &mut record)?.ok_or(ReadError::Empty)?;
    let name = |cell: &[u8]| {
        let cell = cell.strip_prefix("\u{feff}".as_bytes()).unwrap_or(cell);
        std::str::from_utf8(cell.trim_ascii()).map(str::to_owned)
    };
    record
        .iter()
        .map(name)
        .collect::<Result<_, _>>()
        .map_err(|_| ReadError::NotCsv("its header is not UTF-8"))
}

/// An error of the CSV reader after `line` lines.
fn csv_failure(error: csv::Error, line: u64) -> ReadError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => input::failure(error, line),
        _ => ReadError::NotCsv("its records cannot be told apart"),
    }
}
