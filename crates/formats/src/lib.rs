//! Readers and writers of trace files: the boundary where raw bytes become [`netdpsyn_privacy::Sensitive`]
//! traces.
//!
//! ```
//! use netdpsyn_formats::{Limits, ReadOptions, Steward, bind, read, write};
//! use netdpsyn_trace::{progress::Quiet, simulate::flows};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("flows.csv");
//! let schema = flows::schema();
//! write(&flows::simulate(100, 1), &schema, std::fs::File::create(&path)?, &Quiet)?;
//!
//! let bound = bind(&path, schema, Limits::NONE, &Quiet)?;
//! let (trace, report) = read(&path, &bound, ReadOptions::default(), &Quiet)?; // a Sensitive<Trace>
//! assert_eq!(report.for_steward(&Steward::local()).records, 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | idea |
//! | --- | --- |
//! | [`input`] | opening a text file: decompression, limits of its size and records, cancellation checks by bytes |
//! | `foreign` | files that are not traces, by their magic bytes |
//! | `packed`, `zip` | the compression of a file, by its magic bytes |
//! | `source` | the format of a file, by its magic bytes: records of cells |
//! | `text`, `json_lines` | text with the layout of the schema, and NDJSON, as such records |
//! | [`recognise`](mod@recognise) | recognising the layout of a file |
//! | [`propose`](mod@propose) | a schema for a file that no preset fits, private |
//! | `amend` | declarations that make more records readable, private |
//! | `numbers` | numbers in the format that the schema declares |
//! | `columns` | Parquet and Arrow in batches, reading and writing; captures and datagrams of exporters as such batches |
//! | [`cell`], [`fixed_point`], [`bad_cell`] | parsing one value in its notation, or why it cannot be |
//! | [`mod@bind`] | binding a schema to a file: column order and notations, from the format alone |
//! | [`read`](mod@read), `tally` | reading a file: a trace and a private parse report ([`report`]) |
//! | [`csv_write`], `rows` | writing text in the columns and notation of the schema: plain CSV, or in the layout of the schema |
//! | `capture_write` | writing packets as a capture |
//! | [`write`](mod@write) | writing a trace in any format |
//! | [`hints`] | what `inspect` reports to the steward beyond the schema, private |
//!
//! Detection finds properties of the format only: notation, column order, units, missing optional columns. It
//! never derives a range, a category or a window from the values.

#![warn(clippy::missing_errors_doc)]

mod addresses;
mod amend;
pub mod bad_cell;
pub mod bind;
mod blocks;
mod capture_write;
pub mod cell;
mod columns;
pub mod csv_write;
mod ended;
pub mod fixed_point;
mod foreign;
pub mod hints;
pub mod input;
mod json_array;
mod json_lines;
mod line;
pub mod numbers;
mod packed;
pub mod propose;
pub mod read;
#[cfg(test)]
mod reading_tests;
pub mod recognise;
pub mod report;
mod rows;
mod source;
mod special;
mod tally;
mod text;
pub mod write;
#[cfg(test)]
mod written_tests;
mod zip;

pub use amend::{Amended, Amendment, amend};
pub use bind::{Bound, bind, bind_like};
pub use capture_write::unfit_for_capture;
pub use columns::making_bytes;
pub use csv_write::{CsvWriter, bytes_per_row};
pub use input::{Limit, Limits};
pub use packed::Packing;
pub use propose::{is_end, propose};
pub use read::{ReadOptions, check, read, read_synthetic, read_written, rewrite, split_rows};
pub use recognise::{Looks, Near, ToldBy, classes, recognise};
pub use report::{BadRecord, ParseReport};
pub use source::{FileFormat, FileKind};
pub use write::{OutputFormat, TraceWriter, write, write_as, write_raw};

pub use netdpsyn_privacy::{Private, Sensitive, Steward};
use netdpsyn_trace::progress::Cancelled;
use thiserror::Error;

/// What unpacks to more than its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// A compressed text file.
    Packed(Packing),
    /// A format that compresses its own columns.
    Columns(FileFormat),
}

impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Container::Packed(packing) => packing.fmt(f),
            Container::Columns(format) => format.fmt(f),
        }
    }
}

/// Why a trace file is refused. For the steward: some messages quote the content.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Opening or reading failed.
    #[error("cannot read the file: {0}")]
    Io(std::io::Error),
    /// The compressed stream ends before it is complete.
    #[error(
        "the {packing} stream is cut off or damaged after line {line}: {reason}; upload the whole file again"
    )]
    Damaged {
        /// The compression.
        packing: Packing,
        /// The last line read.
        line: u64,
        /// The message of the decoder.
        reason: String,
    },
    /// A file that unpacks to more than the limit.
    #[error("the file unpacks to more than {most} bytes, the most that is read of a {of} file {}; cut it into several", match by { Limit::Bytes => "", Limit::Ratio => "of its size" })]
    Unpacked {
        /// The limit.
        most: u64,
        /// Which limit applies.
        by: Limit,
        /// What unpacks.
        of: Container,
    },
    /// A record, or a run of blank lines, that is too long.
    #[error(
        "the record after line {line} is longer than 1 MiB, blank lines before it included; is a quote never closed?"
    )]
    LongRecord {
        /// The last line before it.
        line: u64,
    },
    /// An empty file.
    #[error("the file is empty; a trace is CSV with a header line")]
    Empty,
    /// A columnar file that cannot be read, or contradicts itself.
    #[error("the {format} file cannot be read: {reason}")]
    Columns {
        /// Its format.
        format: FileFormat,
        /// What is wrong.
        reason: String,
    },
    /// The schema declares records of a capture, and the file is of another format.
    #[error(
        "the file is not a packet capture but {format}: remove the declarations about captures from `reading`"
    )]
    NoCapture {
        /// Its format.
        format: FileFormat,
    },
    /// A capture or datagrams without any usable record.
    #[error("{what}, and no record can be made of it: {}", if reasons.is_empty() { "there are none".into() } else { reasons.join("; ") })]
    NothingMade {
        /// What it is.
        what: String,
        /// What was skipped and why.
        reasons: Vec<String>,
    },
    /// A file that is not a trace in any format.
    #[error(
        "the file is not a trace ({0}); a trace is CSV with a header line or a JSON object a line, plain or packed by gzip, zstd, xz, bzip2 or zip, a Parquet or Arrow file, a packet capture (pcap, pcapng), or datagrams of flow exporters (NetFlow, IPFIX)"
    )]
    NoTrace(&'static str),
    /// A header and nothing else.
    #[error("the file has a header but no records")]
    NoRecords,
    /// The header lacks columns that the schema needs.
    #[error("column{} {} {} missing; the header has: {}", if missing.len() == 1 { "" } else { "s" }, missing.join(", "), if missing.len() == 1 { "is" } else { "are" }, header.join(", "))]
    MissingColumns {
        /// The missing columns.
        missing: Vec<String>,
        /// The columns of the file.
        header: Vec<String>,
    },
    /// The first line is a record.
    #[error(
        "the file has no header: its first line looks like a record; declare the names of the columns, in order, as `columns` of the schema's `reading` (--columns A,B,…)"
    )]
    NoHeader,
    /// No line begins as the header is declared to begin.
    #[error("no line at the beginning of the file begins with {0}, the declared first word of the header")]
    NoHeaderLine(String),
    /// A header of one field with records of several.
    #[error(
        "the header has 1 field and the records have {cells}: name the columns with --columns A,B,… and leave the header out with --skip-lines 1"
    )]
    HeaderOfOne {
        /// Number of fields of a record.
        cells: usize,
    },
    /// A column that the schema needs holds lists or objects.
    #[error("column {0} holds lists or objects, but a cell of a trace is a single value")]
    Nested(String),
    /// The header names a column twice.
    #[error("the header names column {0} twice")]
    DuplicateColumn(String),
    /// More records than can be counted.
    #[error("the file has more than {most} records; cut it into several traces")]
    TooManyRecords {
        /// The largest number.
        most: u64,
    },
    /// Too many bad records; the report lists them.
    #[error("more records than tolerated cannot be read")]
    BadRecords(Box<Private<ParseReport>>),
    /// A record in another notation than earlier records; the report names it.
    #[error("a column is written in two notations, which is refused at any tolerance")]
    Mixture(Box<Private<ParseReport>>),
    /// The schema cannot be used.
    #[error(transparent)]
    Schema(#[from] netdpsyn_trace::SchemaError),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
