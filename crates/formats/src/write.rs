//! Writes a trace in any output format: the same records in the same order.

use super::capture_write::CaptureWriter;
use super::columns::{ArrowWriter, ParquetWriter};
use super::csv_write::CsvWriter;
use netdpsyn_capture::write::Container;
use netdpsyn_privacy::{Private, Raw, Sensitive};
use netdpsyn_trace::progress::{Halted, Progress};
use netdpsyn_trace::{Schema, Trace};
use std::io::{self, Write};

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// Comma-separated text with a header line.
    #[default]
    Csv,
    /// Apache Parquet, compressed with zstd.
    Parquet,
    /// An Apache Arrow IPC file, compressed with zstd.
    Arrow,
    /// A pcap capture, for traces of packets alone.
    Pcap,
    /// A pcapng capture, for traces of packets alone.
    Pcapng,
}

impl OutputFormat {
    /// Formats of any trace, the default first.
    pub const ALL: [OutputFormat; 3] = [OutputFormat::Csv, OutputFormat::Parquet, OutputFormat::Arrow];

    /// The extension of file names.
    pub fn extension(self) -> &'static str {
        match self {
            OutputFormat::Csv => "csv",
            OutputFormat::Parquet => "parquet",
            OutputFormat::Arrow => "arrow",
            OutputFormat::Pcap => "pcap",
            OutputFormat::Pcapng => "pcapng",
        }
    }

    /// The format of a file name extension.
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

    /// Whether the format compresses its content.
    pub fn is_packed(self) -> bool {
        matches!(self, OutputFormat::Parquet | OutputFormat::Arrow)
    }

    /// Why a trace of this schema cannot be written in this format; `None` if it can.
    pub fn unfit(self, schema: &Schema) -> Option<String> {
        if self.is_capture() { super::unfit_for_capture(schema) } else { None }
    }

    /// The media type; for pcapng a common one that is not registered.
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
    /// A writer of a trace of `rows` records. Columnar files carry the privacy statement, if given, in their
    /// metadata under `netdpsyn`.
    ///
    /// # Errors
    /// When `to` fails, or the schema does not fit the format (see [`OutputFormat::unfit`]).
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

    /// Adds payloads of zeros to captures where packets have payloads.
    pub fn with_zeros(self) -> Self {
        match self {
            TraceWriter::Capture(writer) => TraceWriter::Capture(Box::new(writer.with_zeros())),
            other => other,
        }
    }

    /// What of the trace differs in the output so far, in words.
    pub fn notes(&self) -> Vec<String> {
        match self {
            TraceWriter::Capture(writer) => writer.notes(),
            TraceWriter::Csv(_) | TraceWriter::Parquet(_) | TraceWriter::Arrow(_) => Vec::new(),
        }
    }

    /// A writer of text with the layout that the schema declares for reading; `places` are the indices of its
    /// columns in the written trace.
    ///
    /// # Errors
    /// When `to` fails.
    pub fn laid_out(schema: &Schema, places: &[usize], to: W, rows: u64) -> io::Result<Self> {
        Ok(TraceWriter::Csv(Box::new(CsvWriter::laid_out(schema, places, to, rows)?)))
    }

    /// Writes the next records.
    ///
    /// # Errors
    /// [`Halted`] when writing fails, or `progress` asks to stop.
    pub fn write(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        match self {
            TraceWriter::Csv(writer) => writer.write(slice, progress),
            TraceWriter::Parquet(writer) => writer.write(slice, progress),
            TraceWriter::Arrow(writer) => writer.write(slice, progress),
            TraceWriter::Capture(writer) => writer.write(slice, progress),
        }
    }

    /// Completes the file.
    ///
    /// # Errors
    /// [`Halted`] when writing fails, or `progress` asks to stop.
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
///
/// # Errors
/// [`Halted`] when writing fails, or `progress` asks to stop.
pub fn write(trace: &Trace, schema: &Schema, to: impl Write, progress: &dyn Progress) -> Result<(), Halted> {
    write_as(OutputFormat::Csv, trace, schema, to, progress)
}

/// Writes a trace in a format.
///
/// ```
/// use netdpsyn_formats::{OutputFormat, write_as};
/// use netdpsyn_trace::{progress::Quiet, simulate::flows};
///
/// let mut file = Vec::new();
/// write_as(OutputFormat::Parquet, &flows::simulate(100, 1), &flows::schema(), &mut file, &Quiet)?;
/// assert!(file.starts_with(b"PAR1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Halted`] when writing fails, the schema does not fit the format, or `progress` asks to stop.
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
///
/// # Errors
/// The private result is [`Halted`] as for [`write_as`].
pub fn write_raw(
    format: OutputFormat,
    trace: &Sensitive<Trace>,
    schema: &Schema,
    to: impl Write,
    progress: &dyn Progress,
) -> Private<Result<(), Halted>> {
    trace.privately(|raw| write_as(format, raw, schema, to, progress))
}
