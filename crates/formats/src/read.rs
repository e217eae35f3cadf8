//! A trace in: records streamed into columns, bad ones reported with line, column and reason.

use super::addresses::Gatherer;
use super::cell::Parser;
use super::columns::{Array, ColumnReader, Columns};
use super::input::Limits;
use super::source::{Opened, Record};
use super::tally::{Fault, Taken, Tally};
use super::text::{Layout, Origin};
use super::{Bound, ReadError, Report, TraceWriter, bind, blocks};
use netdpsyn_privacy::{Private, Sensitive};
use netdpsyn_trace::progress::{BLOCK, Halted, Progress};
use netdpsyn_trace::{Reading, Schema, Stage, Trace};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Share of bad records that may be skipped; above it the trace is refused.
    pub tolerance: f64,
    /// What a packed file may unpack to.
    pub limits: Limits,
}

/// Reads a raw trace. On success the report tells what was skipped; on refusal the error carries it.
pub fn read(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    progress: &dyn Progress,
) -> Result<(Sensitive<Trace>, Private<Report>), ReadError> {
    let (trace, report) = records(path, bound, options, Taken::Raw, progress)?;
    Ok((Sensitive::new(trace), Private::new(report)))
}

/// Reads a raw trace and keeps nothing but the report: memory does not follow its size.
pub fn check(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    progress: &dyn Progress,
) -> Result<Private<Report>, ReadError> {
    Ok(Private::new(records(path, bound, options, Taken::Report, progress)?.1))
}

/// Reads a synthetic trace, which is nobody's secret. Every record must be good.
pub fn read_synthetic(path: &Path, bound: &Bound, progress: &dyn Progress) -> Result<Trace, ReadError> {
    Ok(records(path, bound, ReadOptions::default(), Taken::All, progress)?.0)
}

/// Reads what [`super::write()`] wrote under a schema: nothing is told from the file, and there need be no records.
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
) -> Result<(Trace, Report), ReadError> {
    let gatherer = (taken != Taken::Report).then(Arc::<Gatherer>::default);
    let (trace, report) = gathered(path, bound, options, taken, gatherer.as_ref(), progress)?;
    Ok(match gatherer {
        Some(gatherer) => (gatherer.ordered(trace, progress)?, report),
        None => (trace, report),
    })
}

/// Records whose addresses of any family have numbers as they came.
fn gathered(
    path: &Path,
    bound: &Bound,
    options: ReadOptions,
    taken: Taken,
    gatherer: Option<&Arc<Gatherer>>,
    progress: &dyn Progress,
) -> Result<(Trace, Report), ReadError> {
    let opened = bound.opened(path, options.limits, progress)?;
    let mut tally = Tally::new(bound, &opened, options.tolerance, taken);
    let mut records = opened.records;
    let parsers = bound.parsers(gatherer);
    records.choose(|| bound.chosen());
    // An end is read beside its start: record by record.
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

/// The same of a columnar file, in batches.
fn batches(
    columns: &mut Columns,
    bound: &Bound,
    parsers: &[Parser],
    tally: &mut Tally,
    progress: &dyn Progress,
) -> Result<(), ReadError> {
    // Arrays come in the order of the file, and the schema's may be another.
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

/// Reads one record into `values`.
fn parse_record(record: &Record, bound: &Bound, parsers: &[Parser], values: &mut [u64]) -> Result<(), Fault> {
    let cell = |position| record.cells.get(position).unwrap_or_default();
    parse(record.fault.as_deref(), record.cells.len(), cell, bound, parsers, values)
}

/// Reads a record of `width` cells into `values`, unless it is none for some reason. A record that is bad in any notation is no mixture: it is skipped, where that is
/// tolerated, whatever else it holds.
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

/// Writes what [`super::write()`] wrote under a schema once more, in another format; neither is in memory as a whole.
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

/// Copies a file's records to two others, as CSV, the header to both: of rows counted from 0 those with i % 5 = 4 are held out.
/// Returns how many went to each.
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

/// Records of any number of fields are written, so only the file can fail.
fn unwritten(error: csv::Error) -> ReadError {
    ReadError::Io(error.into())
}
