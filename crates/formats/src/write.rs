//! A trace out, in the format that is asked for: the same records in the same order.

use super::capture_write::CaptureWriter;
use super::columns::{ArrowWriter, ParquetWriter};
use super::csv_write::CsvWriter;
use netdpsyn_capture::write::Container;
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
    /// A packet capture of the older format, of traces of packets alone.
    Pcap,
    /// A packet capture of the newer format, of traces of packets alone.
    Pcapng,
}

impl OutputFormat {
    /// Those that any trace can be written in, the one that anybody takes first.
    pub const ALL: [OutputFormat; 3] = [OutputFormat::Csv, OutputFormat::Parquet, OutputFormat::Arrow];

    /// How a file's name ends.
    pub fn extension(self) -> &'static str {
        match self {
            OutputFormat::Csv => "csv",
            OutputFormat::Parquet => "parquet",
            OutputFormat::Arrow => "arrow",
            OutputFormat::Pcap => "pcap",
            OutputFormat::Pcapng => "pcapng",
        }
    }

    /// By the end of a file's name.
    pub fn of_extension(extension: &str) -> Option<OutputFormat> {
        match extension {
            "csv" => Some(OutputFormat::Csv),
            "parquet" | "pq" => Some(OutputFormat::Parquet),
            "arrow" | "feather" | "ipc" => Some(OutputFormat::Arrow),
            "pcap" | "cap" => Some(OutputFormat::Pcap),
            "pcapng" => Some(OutputFormat::Pcapng),
            _ => None,
        }
    }

    /// Whether it is a packet capture.
    pub fn is_capture(self) -> bool {
        matches!(self, OutputFormat::Pcap | OutputFormat::Pcapng)
    }

    /// Whether it packs itself.
    pub fn is_packed(self) -> bool {
        matches!(self, OutputFormat::Parquet | OutputFormat::Arrow)
    }

    /// Why a trace of this schema cannot be written so, if it cannot.
    pub fn unfit(self, schema: &Schema) -> Option<String> {
        if self.is_capture() { super::unfit_for_capture(schema) } else { None }
    }

    /// Its media type; of pcapng one that is usual and not registered.
    pub fn media_type(self) -> &'static str {
        match self {
            OutputFormat::Csv => "text/csv",
            OutputFormat::Parquet => "application/vnd.apache.parquet",
            OutputFormat::Arrow => "application/vnd.apache.arrow.file",
            OutputFormat::Pcap => "application/vnd.tcpdump.pcap",
            OutputFormat::Pcapng => "application/x-pcapng",
        }
    }
}

/// Writes a trace that comes in slices.
pub enum TraceWriter<W: Write> {
    /// As CSV.
    Csv(Box<CsvWriter<W>>),
    /// As Parquet.
    Parquet(Box<ParquetWriter<W>>),
    /// As an Arrow file.
    Arrow(Box<ArrowWriter<W>>),
    /// As a packet capture.
    Capture(Box<CaptureWriter<W>>),
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
            OutputFormat::Csv => TraceWriter::Csv(Box::new(CsvWriter::new(schema, to, rows)?)),
            OutputFormat::Parquet => {
                TraceWriter::Parquet(Box::new(ParquetWriter::new(schema, to, rows, statement)?))
            }
            OutputFormat::Arrow => {
                TraceWriter::Arrow(Box::new(ArrowWriter::new(schema, to, rows, statement)?))
            }
            OutputFormat::Pcap => {
                TraceWriter::Capture(Box::new(CaptureWriter::new(Container::Pcap, schema, to, rows)?))
            }
            OutputFormat::Pcapng => {
                TraceWriter::Capture(Box::new(CaptureWriter::new(Container::Pcapng, schema, to, rows)?))
            }
        })
    }

    /// The same with payloads of zeros where packets have payloads.
    pub fn with_zeros(self) -> Self {
        match self {
            TraceWriter::Capture(writer) => TraceWriter::Capture(Box::new(writer.with_zeros())),
            other => other,
        }
    }

    /// What of the trace stands otherwise in what was written so far, in words.
    pub fn notes(&self) -> Vec<String> {
        match self {
            TraceWriter::Capture(writer) => writer.notes(),
            TraceWriter::Csv(_) | TraceWriter::Parquet(_) | TraceWriter::Arrow(_) => Vec::new(),
        }
    }

    /// The same as text, laid out as the schema says that it is read; `places` are those of its columns in what is written.
    pub fn laid_out(schema: &Schema, places: &[usize], to: W, rows: u64) -> io::Result<Self> {
        Ok(TraceWriter::Csv(Box::new(CsvWriter::laid_out(schema, places, to, rows)?)))
    }

    /// Writes the next records.
    pub fn write(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        match self {
            TraceWriter::Csv(writer) => writer.write(slice, progress),
            TraceWriter::Parquet(writer) => writer.write(slice, progress),
            TraceWriter::Arrow(writer) => writer.write(slice, progress),
            TraceWriter::Capture(writer) => writer.write(slice, progress),
        }
    }

    /// Brings everything to where it is written.
    pub fn finish(self, progress: &dyn Progress) -> Result<(), Halted> {
        match self {
            TraceWriter::Csv(writer) => writer.finish(),
            TraceWriter::Parquet(writer) => writer.finish(progress),
            TraceWriter::Arrow(writer) => writer.finish(progress),
            TraceWriter::Capture(writer) => writer.finish(),
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
