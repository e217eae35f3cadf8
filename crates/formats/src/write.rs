//! A trace out, in the format that is asked for: the same records in the same order.

use super::columns::{ArrowWriter, ParquetWriter};
use super::csv_write::CsvWriter;
use netdpsyn_privacy::{Private, Raw, Sensitive};
use netdpsyn_trace::progress::{Halted, Progress};
use netdpsyn_trace::{Schema, Trace};
use std::io::{self, Write};

/// What a trace is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// Comma-separated text with a header line.
    #[default]
    Csv,
    /// Apache Parquet, packed with zstd.
    Parquet,
    /// An Apache Arrow IPC file, packed with zstd.
    Arrow,
}

impl OutputFormat {
    /// All of them, the one that anybody takes first.
    pub const ALL: [OutputFormat; 3] = [OutputFormat::Csv, OutputFormat::Parquet, OutputFormat::Arrow];

    /// How a file's name ends.
    pub fn extension(self) -> &'static str {
        match self {
            OutputFormat::Csv => "csv",
            OutputFormat::Parquet => "parquet",
            OutputFormat::Arrow => "arrow",
        }
    }

    /// By the end of a file's name.
    pub fn of_extension(extension: &str) -> Option<OutputFormat> {
        match extension {
            "csv" => Some(OutputFormat::Csv),
            "parquet" | "pq" => Some(OutputFormat::Parquet),
            "arrow" | "feather" | "ipc" => Some(OutputFormat::Arrow),
            _ => None,
        }
    }

    /// Its registered media type.
    pub fn media_type(self) -> &'static str {
        match self {
            OutputFormat::Csv => "text/csv",
            OutputFormat::Parquet => "application/vnd.apache.parquet",
            OutputFormat::Arrow => "application/vnd.apache.arrow.file",
        }
    }
}

/// Writes a trace that comes in slices.
pub enum TraceWriter<W: Write> {
    /// As CSV.
    Csv(CsvWriter<W>),
    /// As Parquet.
    Parquet(Box<ParquetWriter<W>>),
    /// As an Arrow file.
    Arrow(Box<ArrowWriter<W>>),
}

impl<W: Write> TraceWriter<W> {
    /// Of a trace of `rows` records. Columnar files carry the statement of privacy, where there is one, in their metadata under `netdpsyn`.
    pub fn new(
        format: OutputFormat,
        schema: &Schema,
        to: W,
        rows: u64,
        statement: Option<String>,
    ) -> io::Result<Self> {
        Ok(match format {
            OutputFormat::Csv => TraceWriter::Csv(CsvWriter::new(schema, to, rows)?),
            OutputFormat::Parquet => {
                TraceWriter::Parquet(Box::new(ParquetWriter::new(schema, to, rows, statement)?))
            }
            OutputFormat::Arrow => {
                TraceWriter::Arrow(Box::new(ArrowWriter::new(schema, to, rows, statement)?))
            }
        })
    }

    /// The same as text, laid out as the schema says that it is read; `places` are those of its columns in what is written.
    pub fn laid_out(schema: &Schema, places: &[usize], to: W, rows: u64) -> io::Result<Self> {
        Ok(TraceWriter::Csv(CsvWriter::laid_out(schema, places, to, rows)?))
    }

    /// Writes the next records.
    pub fn write(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        match self {
            TraceWriter::Csv(writer) => writer.write(slice, progress),
            TraceWriter::Parquet(writer) => writer.write(slice, progress),
            TraceWriter::Arrow(writer) => writer.write(slice, progress),
        }
    }

    /// Brings everything to where it is written.
    pub fn finish(self, progress: &dyn Progress) -> Result<(), Halted> {
        match self {
            TraceWriter::Csv(writer) => writer.finish(),
            TraceWriter::Parquet(writer) => writer.finish(progress),
            TraceWriter::Arrow(writer) => writer.finish(progress),
        }
    }
}

/// Writes a trace as CSV.
pub fn write(trace: &Trace, schema: &Schema, to: impl Write, progress: &dyn Progress) -> Result<(), Halted> {
    write_as(OutputFormat::Csv, trace, schema, to, progress)
}

/// Writes a trace.
pub fn write_as(
    format: OutputFormat,
    trace: &Trace,
    schema: &Schema,
    to: impl Write,
    progress: &dyn Progress,
) -> Result<(), Halted> {
    let mut writer = TraceWriter::new(format, schema, to, trace.rows() as u64, None)?;
    writer.write(trace, progress)?;
    writer.finish(progress)
}

/// Writes raw records, for their steward.
pub fn write_raw(
    format: OutputFormat,
    trace: &Sensitive<Trace>,
    schema: &Schema,
    to: impl Write,
    progress: &dyn Progress,
) -> Private<Result<(), Halted>> {
    trace.privately(|raw| write_as(format, raw, schema, to, progress))
}
