//! Reads a trace: records are streamed into columns, and bad ones are reported with line, column and reason.

use super::addresses::Gatherer;
use super::cell::Parser;
use super::columns::{Array, ColumnReader, Columns};
use super::input::Limits;
use super::source::{Opened, Record};
use super::tally::{Fault, Taken, Tally};
use super::text::{Layout, Origin};
use super::{Bound, ParseReport, ReadError, TraceWriter, bind, blocks};
use netdpsyn_privacy::{Private, Sensitive};
use netdpsyn_trace::progress::{BLOCK, Halted, Progress};
use netdpsyn_trace::{Reading, Schema, Stage, Trace};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Options of reading.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Largest share of bad records that are skipped; above it the trace is refused.
    pub tolerance: f64,
    /// Limits of the decompressed size of a file.
    pub limits: Limits,
}

/// Reads a raw trace. On success the report lists what was skipped; on refusal the error carries it.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, too many records are bad, or `progress` asks to stop.
pub fn read(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    progress: &dyn Progress,
) -> Result<(Sensitive<Trace>, Private<ParseReport>), ReadError> {
    let (trace, report) = records(path, bound, options, Taken::Raw, progress)?;
    Ok((Sensitive::new(trace), Private::new(report)))
}

/// Reads a raw trace and keeps only the report: memory does not depend on its size.
///
/// # Errors
/// As [`read`].
pub fn check(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    progress: &dyn Progress,
) -> Result<Private<ParseReport>, ReadError> {
    Ok(Private::new(records(path, bound, options, Taken::Report, progress)?.1))
}

/// Reads a synthetic trace, which is not secret. Every record must be good.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, or a record is bad.
pub fn read_synthetic(path: &Path, bound: &Bound, progress: &dyn Progress) -> Result<Trace, ReadError> {
    Ok(records(path, bound, ReadOptions::default(), Taken::All, progress)?.0)
}

/// Reads what [`super::write()`] wrote under a schema: nothing is detected from the file, which may have no
/// records.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, or a record is bad.
pub fn read_written(path: &Path, schema: &Schema, progress: &dyn Progress) -> Result<Trace, ReadError> {
    let bound = bind::written(path, schema, progress)?;
    match records(path, &bound, ReadOptions::default(), Taken::All, progress) {
        Err(ReadError::NoRecords) => Ok(Trace::empty(&bound.schema)),
        read => Ok(read?.0),
    }
}

fn records(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    taken: Taken,
    progress: &dyn Progress,
) -> Result<(Trace, ParseReport), ReadError> {
    let gatherer = (taken != Taken::Report).then(Arc::<Gatherer>::default);
    let (trace, report) = gathered(path, bound, options, taken, gatherer.as_ref(), progress)?;
    Ok(match gatherer {
        Some(gatherer) => (gatherer.ordered(trace, progress)?, report),
        None => (trace, report),
    })
}

/// Records with addresses of any family numbered in order of appearance.
fn gathered(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    taken: Taken,
    gatherer: Option<&Arc<Gatherer>>,
    progress: &dyn Progress,
) -> Result<(Trace, ParseReport), ReadError> {
    let opened = bound.opened(path, options.limits, progress)?;
    let mut tally = Tally::new(bound, &opened, options.tolerance, taken);
    let mut records = opened.records;
    let parsers = bound.parsers(gatherer);
    records.choose(|| bound.chosen());
    // An end is read together with its start: record by record.
    if let Some(columns) = records.columns().filter(|_| bound.ends.is_none()) {
        batches(columns, bound, &parsers, &mut tally, progress)?;
        tally.found(records.found());
        tally.taken(&parsers);
        return tally.finish();
    }
    if let (Some((text, only)), Origin::Raw) = (records.text(), bound.origin) {
        blocks::read(text, only, bound, &parsers, &mut tally, progress)?;
        tally.left_out(records.left_out());
        tally.taken(&parsers);
        return tally.finish();
    }
    let mut values = vec![0; parsers.len()];
    let mut record = Record::default();
    while records.next(&mut record)? {
        match parse_record(&record, bound, &parsers, &mut values) {
            Ok(()) => tally.good(&values),
            Err(fault) => {
                if tally.bad(record.line, fault)? {
                    break;
                }
            }
        }
        if tally.seen().is_multiple_of(BLOCK as u64) {
            progress.step(Stage::Read, tally.seen(), 0)?;
            tally.check()?;
        }
    }
    tally.left_out(records.left_out());
    tally.found(records.found());
    tally.taken(&parsers);
    tally.finish()
}

/// Reads a columnar file in batches.
fn batches(
    columns: &mut Columns,
    bound: &Bound,
    parsers: &[Parser],
    tally: &mut Tally,
    progress: &dyn Progress,
) -> Result<(), ReadError> {
    // Arrays come in the order of the file, which may differ from that of the schema.
    let chosen = columns.chosen();
    let mut order = bound.positions.clone();
    order.sort_unstable();
    let place = |position| order.binary_search(position).unwrap_or_default();
    let places: Vec<usize> = bound.positions.iter().map(place).collect();
    let readers = places.iter().zip(parsers);
    let mut readers: Vec<ColumnReader> =
        readers.map(|(&place, parser)| ColumnReader::new(parser, chosen[place], bound.exact())).collect();
    while let Some(arrays) = columns.batch()? {
        progress.step(Stage::Read, tally.seen(), 0)?;
        let arrays: Vec<&dyn Array> = places.iter().map(|&place| arrays[place].as_ref()).collect();
        if tally.batch(&mut readers, &arrays)? {
            break;
        }
    }
    Ok(())
}

/// Parses one record into `values`.
fn parse_record(record: &Record, bound: &Bound, parsers: &[Parser], values: &mut [u64]) -> Result<(), Fault> {
    let cell = |position| record.cells.get(position).unwrap_or_default();
    parse(record.fault.as_deref(), record.cells.len(), cell, bound, parsers, values)
}

/// Parses a record of `width` cells into `values`, unless `fault` says why it is not a record. A record that
/// is bad in any notation is not a mixture of notations: it is skipped, within the tolerance, whatever else
/// it holds.
pub(super) fn parse<'r>(
    fault: Option<&str>,
    width: usize,
    cell: impl Fn(usize) -> &'r [u8],
    bound: &Bound,
    parsers: &[Parser],
    values: &mut [u64],
) -> Result<(), Fault> {
    if let Some(reason) = fault {
        return Err(Fault { column: None, reason: reason.into(), mixture: false });
    }
    if width != bound.width {
        let reason = format!("{width} fields, but the header has {}", bound.width);
        return Err(Fault { column: None, reason, mixture: false });
    }
    let mut mixture = None;
    for (index, (parser, &position)) in parsers.iter().zip(&bound.positions).enumerate() {
        match parser.read(bound.said(index, parser, cell(position))) {
            Ok(value) => values[index] = value,
            Err(bad) if bad.mixture => mixture = mixture.or(Some(Fault::of(index, bad))),
            Err(bad) => return Err(Fault::of(index, bad)),
        }
    }
    if let Some(ends) = bound.ends
        && mixture.is_none()
        && let Parser::End(end) = &parsers[ends.duration]
    {
        let cell = bound.trimmed(cell(bound.positions[ends.duration]));
        let duration = end.duration(values[ends.start], values[ends.duration], cell);
        values[ends.duration] = duration.map_err(|bad| Fault::of(ends.duration, bad))?;
    }
    mixture.map_or(Ok(()), Err)
}

/// Reads what [`super::write()`] wrote under a schema and writes it in another format; neither is in memory
/// as a whole.
///
/// # Errors
/// [`Halted`] when a file cannot be read or written, or `progress` asks to stop.
pub fn rewrite<W: Write>(
    path: &Path,
    schema: &Schema,
    mut writer: TraceWriter<W>,
    progress: &dyn Progress,
) -> Result<(), Halted> {
    let unread = |error| match error {
        ReadError::Cancelled(cancelled) => Halted::Cancelled(cancelled),
        ReadError::Io(error) => Halted::Io(error),
        error => Halted::Io(std::io::Error::other(error)),
    };
    let bound = bind::written(path, schema, progress).map_err(unread)?;
    let opened = bind::opened(path, &bound.schema, Origin::Ours, Limits::NONE, progress).map_err(unread)?;
    let mut records = opened.records;
    let gatherer = Arc::<Gatherer>::default();
    let parsers = bound.parsers(Some(&gatherer));
    let mut values = vec![0; parsers.len()];
    let mut record = Record::default();
    let mut slice = Trace::empty(&bound.schema);
    loop {
        let more = records.next(&mut record).map_err(unread)?;
        if more {
            parse_record(&record, &bound, &parsers, &mut values)
                .map_err(|fault| std::io::Error::other(format!("line {}: {}", record.line, fault.reason)))?;
            slice.push(&values);
        }
        if !more || slice.rows() == BLOCK {
            writer.write(&gatherer.ordered(slice, progress)?, progress)?;
            slice = Trace::empty(&bound.schema);
        }
        if !more {
            return writer.finish(progress);
        }
    }
}

/// Copies a file's records to two others, as CSV with the header in both: of rows counted from 0 those with i
/// % 5 = 4 are held out. Returns the number of records of each.
///
/// # Errors
/// [`ReadError`] when a file cannot be read or written, or `progress` asks to stop.
pub fn split_rows(
    path: &Path,
    kept: impl Write,
    held_out: impl Write,
    progress: &dyn Progress,
) -> Result<(u64, u64), ReadError> {
    let plain = Reading::default();
    let Opened { heads, mut records, .. } = Opened::new(path, Layout::raw(&plain), Limits::NONE, progress)?;
    let writer = |to| csv::WriterBuilder::new().flexible(true).from_writer(to);
    let mut outputs = [writer(Box::new(kept) as Box<dyn Write + '_>), writer(Box::new(held_out))];
    for output in &mut outputs {
        output.write_record(heads.iter().map(|head| &head.name)).map_err(unwritten)?;
    }
    let mut counts = [0, 0];
    let mut record = Record::default();
    while records.next(&mut record)? {
        if record.fault.is_none() {
            let part = usize::from((counts[0] + counts[1]) % 5 == 4);
            outputs[part].write_byte_record(&record.cells).map_err(unwritten)?;
            counts[part] += 1;
        }
    }
    for output in &mut outputs {
        output.flush().map_err(ReadError::Io)?;
    }
    Ok((counts[0], counts[1]))
}

/// Records may have any number of fields, so only the file can fail.
fn unwritten(error: csv::Error) -> ReadError {
    ReadError::Io(error.into())
}
