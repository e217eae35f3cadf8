//! Columnar files: batches of typed columns, read like the text with the same meaning.
//!
//! | file | idea |
//! | --- | --- |
//! | `holds` | what a column's type states of its values |
//! | `cells` | a value as text, as in a CSV cell |
//! | `values` | arrays read into a field's value space, common types in blocks, all others through their text |
//! | `known` | fast paths for repeated text |
//! | `parquet_in` | Parquet a few pages at a time, with every claim checked against the file before it is used |
//! | `words` | text of Parquet as indices of a dictionary |
//! | `made` | packets and flows of captures, flows of exporters |
//! | `arrow_in` | Arrow IPC, file or stream, a batch at a time, with its columns in parallel |
//! | `arrays` | a slice of a trace as typed arrays |
//! | `parquet_out`, `arrow_out` | files of such arrays |
//!
//! The decoding library was not written for untrusted files: where it panics, the file is reported as damaged
//! ([`guarded`]). What it would allocate is checked beforehand, since no handler catches a failed allocation.

mod arrays;
mod arrow_in;
mod arrow_out;
mod cells;
mod holds;
mod known;
mod made;
mod parquet_in;
mod parquet_out;
mod values;
mod words;

use arrays::Typed;
pub use arrow_out::ArrowWriter;
pub(super) use holds::Holds;
pub use made::making_bytes;
pub(super) use made::{Made, Making, SourceNotes, open as open_made};
pub use parquet_out::ParquetWriter;
pub(super) use polars_arrow::array::Array;
pub(super) use values::{Bad, ColumnReader};

use super::ended::Ended;
use super::source::{FileFormat, Head, Record};
use super::{Container, Limit, Limits, ReadError};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Schema, Stage, Trace};
use rayon::prelude::*;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A column to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    /// Its position in the file.
    pub position: usize,
    /// Whether four or sixteen bytes in it are an address.
    pub address: bool,
}

/// Number of rows that are read together.
const ROWS: usize = 1 << 16;
/// Number of rows that are decoded where the first good one may be enough: to detect notations.
const FEW: usize = 1 << 10;

/// The batches of a file: an array of every chosen column, all of the same length.
trait Batches {
    fn choose(&mut self, positions: Vec<usize>);
    /// The next batch. It may have more rows than requested where dividing it would cost; few `rows` are
    /// returned sooner.
    fn next(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError>;
    /// What is known of the file so far, where its records are derived.
    fn found(&self) -> SourceNotes {
        SourceNotes::default()
    }
}

/// An open columnar file.
pub(super) struct Columns<'a> {
    format: FileFormat,
    batches: Box<dyn Batches + 'a>,
    holds: Vec<Holds>,
    chosen: Vec<Chosen>,
    /// A batch of the file, and the number of its rows that were returned.
    whole: Vec<Box<dyn Array>>,
    handed: usize,
    batch: Vec<Box<dyn Array>>,
    row: usize,
    line: u64,
}

/// Opens a columnar file.
pub(super) fn open<'a>(
    path: &Path,
    format: FileFormat,
    limits: Limits,
    progress: &'a dyn Progress,
) -> Result<(Vec<Head>, Columns<'a>), ReadError> {
    let (heads, batches): (Vec<Head>, Box<dyn Batches + 'a>) = match format {
        FileFormat::Arrow => {
            let (heads, file) = arrow_in::open(path, limits, progress)?;
            (heads, Box::new(file))
        }
        _ => {
            let (heads, file) = parquet_in::open(path, limits, progress)?;
            (heads, Box::new(file))
        }
    };
    let columns = Columns::of(format, &heads, batches);
    Ok((heads, columns))
}

impl<'a> Columns<'a> {
    /// A file of which all readable columns are read.
    fn of(format: FileFormat, heads: &[Head], batches: Box<dyn Batches + 'a>) -> Self {
        let mut columns = Columns {
            format,
            batches,
            holds: heads.iter().map(|head| head.holds).collect(),
            chosen: Vec::new(),
            whole: Vec::new(),
            handed: 0,
            batch: Vec::new(),
            row: 0,
            line: 0,
        };
        let all = (0..heads.len()).filter(|&i| heads[i].holds != Holds::Nested);
        // Sixteen bytes are an address in derived records, whatever the schema.
        let address = matches!(format, FileFormat::Capture | FileFormat::Export);
        columns.choose(all.map(|position| Chosen { position, address }).collect());
        columns
    }

    /// The format of the file.
    pub fn format(&self) -> FileFormat {
        self.format
    }

    /// What is known of the file so far.
    pub fn found(&self) -> SourceNotes {
        self.batches.found()
    }

    /// Restricts reading to these columns, from the next batch on.
    pub fn choose(&mut self, chosen: Vec<Chosen>) {
        self.batches.choose(chosen.iter().map(|chosen| chosen.position).collect());
        self.whole.clear();
        self.batch.clear();
        self.chosen = chosen;
    }

    /// For each chosen column, its type and whether its bytes are addresses.
    pub fn chosen(&self) -> Vec<(Holds, bool)> {
        self.chosen.iter().map(|chosen| (self.holds[chosen.position], chosen.address)).collect()
    }

    /// The next batch: an array of every chosen column.
    pub fn batch(&mut self) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        self.batch_of(ROWS)
    }

    fn batch_of(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        if self.chosen.is_empty() {
            return Ok(None);
        }
        while self.whole.first().is_none_or(|array| self.handed == array.len()) {
            let Some(batch) = self.batches.next(rows)? else { return Ok(None) };
            if batch.par_iter().any(|array| cells::longest(array.as_ref()) > cells::LONGEST) {
                return Err(broken(self.format, "a value is longer than 1 MiB"));
            }
            (self.whole, self.handed) = (batch, 0);
        }
        // Memory holds only a few rows as values, however many the file has in a batch.
        let rows = self.whole.first().map_or(0, |array| array.len() - self.handed).min(ROWS);
        let part = self.whole.iter().map(|array| array.sliced(self.handed, rows)).collect();
        self.handed += rows;
        Ok(Some(part))
    }

    /// Reads the next record as text. Columns that are not chosen are empty cells.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        while self.batch.first().is_none_or(|array| self.row == array.len()) {
            let rows = if self.line == 0 { FEW } else { ROWS };
            match self.batch_of(rows)? {
                Some(batch) => (self.batch, self.row) = (batch, 0),
                None => return Ok(false),
            }
        }
        record.cells.clear();
        record.fault = None;
        let mut cell = Vec::new();
        let mut chosen = self.chosen.iter().zip(&self.batch).peekable();
        for position in 0..self.holds.len() {
            cell.clear();
            if let Some((chosen, array)) = chosen.next_if(|(chosen, _)| chosen.position == position) {
                cells::text(array.as_ref(), self.holds[position], chosen.address, self.row, &mut cell);
            }
            record.cells.push_field(&cell);
        }
        self.row += 1;
        self.line += 1;
        record.line = self.line;
        Ok(true)
    }
}

/// Runs the library; where it panics, the file is at fault.
fn guarded<T, E: std::fmt::Display>(
    format: FileFormat,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, ReadError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(broken(format, error)),
        Err(_) => Err(broken(format, "it contradicts itself")),
    }
}

fn broken(format: FileFormat, reason: impl std::fmt::Display) -> ReadError {
    // The first line is the reason; libraries append instructions for bug reports.
    let reason = reason.to_string();
    ReadError::Columns { format, reason: reason.lines().next().unwrap_or_default().to_string() }
}

/// Exactly `length` bytes of a file at a position.
fn bytes_at(
    file: &mut (impl Read + Seek),
    format: FileFormat,
    at: u64,
    length: u64,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    append_at(file, format, at, length, &mut bytes)?;
    Ok(bytes)
}

/// Appends bytes of a file to others.
fn append_at(
    file: &mut (impl Read + Seek),
    format: FileFormat,
    at: u64,
    length: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), ReadError> {
    file.seek(std::io::SeekFrom::Start(at)).map_err(ReadError::Io)?;
    // The length is only claimed, and the file may be shorter.
    bytes.reserve(length.min(1 << 22) as usize);
    match file.take(length).read_to_end(bytes).map_err(ReadError::Io)? as u64 == length {
        true => Ok(()),
        false => Err(broken(format, "it ends before it is complete")),
    }
}

/// The key of the privacy statement in a file's metadata.
pub const STATEMENT: &str = "netdpsyn";

/// Number of records of a written row group or batch.
const GROUP: usize = 1 << 17;

/// An error of the library while writing is one of the file, because the arrays have the library's own types.
fn library(error: impl std::error::Error + Send + Sync + 'static) -> std::io::Error {
    std::io::Error::other(error)
}

/// Records that wait until there are enough for a group: slices come in any size.
struct Pending {
    ended: Option<Ended>,
    schema: Schema,
    empty: Trace,
    waiting: Trace,
    seen: u64,
    rows: u64,
}

impl Pending {
    fn new(schema: &Schema, rows: u64) -> Self {
        let ended = Ended::of_whole(schema);
        let schema = ended.as_ref().map_or(schema, |ended| &ended.schema).clone();
        let empty = Trace::empty(&schema);
        Pending { ended, schema, waiting: empty.clone(), empty, seen: 0, rows }
    }

    /// The types of all columns.
    fn typed(&self) -> Vec<Typed> {
        self.schema.columns.iter().map(Typed::new).collect()
    }

    /// Adds records, and returns full groups.
    fn add(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<Vec<Trace>, Cancelled> {
        progress.step(Stage::Write, self.seen, self.rows)?;
        self.seen += slice.rows() as u64;
        let mut full = Vec::new();
        let mut from = 0;
        while from < slice.rows() {
            let rows = (GROUP - self.waiting.rows()).min(slice.rows() - from);
            match &self.ended {
                Some(ended) => self.waiting.append(&ended.part(slice, from..from + rows), 0..rows),
                None => self.waiting.append(slice, from..from + rows),
            }
            from += rows;
            if self.waiting.rows() == GROUP {
                full.push(std::mem::replace(&mut self.waiting, self.empty.clone()));
            }
        }
        Ok(full)
    }

    /// The remaining records.
    fn rest(&mut self) -> Option<Trace> {
        let rest = std::mem::replace(&mut self.waiting, self.empty.clone());
        (rest.rows() > 0).then_some(rest)
    }
}

/// How much a file may still unpack to.
struct Allowance {
    left: u64,
    most: u64,
    by: Limit,
    format: FileFormat,
}

impl Allowance {
    fn new(limits: Limits, length: u64, format: FileFormat) -> Self {
        let (most, by) = limits.of(length);
        Allowance { left: most, most, by, format }
    }

    /// Reserves a part of it, before it is unpacked.
    fn take(&mut self, bytes: u64) -> Result<(), ReadError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                Err(ReadError::Unpacked { most: self.most, by: self.by, of: Container::Columns(self.format) })
            }
        }
    }
}
