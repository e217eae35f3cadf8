//! Readers and writers of trace files: the edge where raw bytes become [`netdpsyn_privacy::Sensitive`] traces.
//!
//! | file | idea |
//! | --- | --- |
//! | [`input`] | a file opened: gzip by its magic bytes; what it unpacks to and a record are bounded, and the switch is looked at by bytes |
//! | [`cell`] | one value in its notation, read |
//! | [`mod@bind`] | a schema fitted to a file: column order and notations, from the format alone |
//! | [`csv_read`] | CSV in: a trace and a private parse report |
//! | [`csv_write`] | CSV out, in the columns and notation of the schema |
//! | [`hints`] | what `inspect` tells the steward beyond the schema, private |
//!
//! Detection proposes facts of the format only: notation, column order, units, which optional columns are missing. It
//! never takes a range, a category or a window from the values.

pub mod bind;
pub mod cell;
pub mod csv_read;
pub mod csv_write;
pub mod hints;
pub mod input;
#[cfg(test)]
mod written_tests;

pub use bind::{Bound, bind, bind_like};
pub use csv_read::{BadRecord, ReadOptions, Report, check, read, read_synthetic, read_written, split_rows};
pub use csv_write::{CsvWriter, bytes_per_row, write, write_raw};
pub use input::{Limit, Limits};

pub use netdpsyn_privacy::{Private, Sensitive, Steward};
use netdpsyn_trace::progress::Cancelled;
use thiserror::Error;

/// Why a trace file is refused. For the steward: some messages are about the content.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Opening or reading failed.
    #[error("cannot read the file: {0}")]
    Io(std::io::Error),
    /// The gzip stream ends before it is complete.
    #[error("the gzip stream is cut off or damaged after line {line}: {reason}; upload the whole file again")]
    Damaged {
        /// The last line read.
        line: u64,
        /// What the decoder says.
        reason: String,
    },
    /// A gzip file that unpacks to more than is read.
    #[error("the file unpacks to more than {most} bytes, the most that is read of a gzip file {}; cut it into several", match by { Limit::Bytes => "", Limit::Ratio => "of its size" })]
    Unpacked {
        /// The most that are read.
        most: u64,
        /// Which limit says so.
        by: Limit,
    },
    /// A record that does not end, or blank lines that do not.
    #[error(
        "the record after line {line} is longer than 1 MiB, blank lines before it included; is a quote never closed?"
    )]
    LongRecord {
        /// The last line before it.
        line: u64,
    },
    /// Nothing in it.
    #[error("the file is empty; a trace is CSV with a header line")]
    Empty,
    /// Bytes that are no text.
    #[error("the file is not CSV ({0}); a trace is comma-separated text with a header line, plain or gzip")]
    NotCsv(&'static str),
    /// A header and nothing else.
    #[error("the file has a header but no records")]
    NoRecords,
    /// The header lacks columns that the schema needs.
    #[error("column{} {} {} missing; the header has: {}", if missing.len() == 1 { "" } else { "s" }, missing.join(", "), if missing.len() == 1 { "is" } else { "are" }, header.join(", "))]
    MissingColumns {
        /// What is missing.
        missing: Vec<String>,
        /// What is there.
        header: Vec<String>,
    },
    /// The header names a column twice.
    #[error("the header names column {0} twice")]
    DuplicateColumn(String),
    /// More records than can be counted.
    #[error("the file has more than {most} records; cut it into several traces")]
    TooManyRecords {
        /// The most that are read.
        most: u64,
    },
    /// Too many bad records; the report tells which.
    #[error("more records than tolerated cannot be read")]
    BadRecords(Box<Private<Report>>),
    /// A record in another notation than the records before it; the report tells which.
    #[error("a column is written in two notations, which is refused at any tolerance")]
    Mixture(Box<Private<Report>>),
    /// The schema cannot be used.
    #[error(transparent)]
    Schema(#[from] netdpsyn_trace::SchemaError),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
