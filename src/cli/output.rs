//! Arguments that say what a trace is written in.

use crate::formats::OutputFormat;
use crate::service::local::{Form, LocalError};

/// The format of a trace that is written.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum FormatName {
    /// Plain comma-separated text with a header line
    Csv,
    /// Apache Parquet
    Parquet,
    /// Apache Arrow IPC, a file
    Arrow,
    /// A packet capture, for traces of packets
    Pcap,
    /// A packet capture of the newer format, for traces of packets
    Pcapng,
}

/// Payload of packets in a written capture.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PayloadName {
    /// None, as if cut off by the snap length; lengths are kept
    Absent,
    /// As many zeros as the length requires
    Zeros,
}

impl From<FormatName> for OutputFormat {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Csv => OutputFormat::Csv,
            FormatName::Parquet => OutputFormat::Parquet,
            FormatName::Arrow => OutputFormat::Arrow,
            FormatName::Pcap => OutputFormat::Pcap,
            FormatName::Pcapng => OutputFormat::Pcapng,
        }
    }
}

/// Output of a synthetic trace.
#[derive(clap::Args)]
pub struct Output {
    /// The synthetic trace to write: Parquet if the name ends in .parquet, Arrow in .arrow or .feather, a packet capture in .pcap or .pcapng (of packets alone), else text in the layout of the raw trace, gzipped in .gz
    #[arg(short, long, value_name = "FILE")]
    pub output: std::path::PathBuf,
    /// Format of the output; overrides its name and the layout of the raw trace
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Payload of packets in a packet capture [default: absent]
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "layout")]
    payload: Option<PayloadName>,
    /// Write another layout, as zeek-conn or nfdump-csv: its columns are filled by role, and columns without a source are listed
    #[arg(long = "as", value_name = "LAYOUT", conflicts_with = "format")]
    layout: Option<String>,
}

impl Output {
    /// The requested form of the output.
    pub fn form(&self) -> Result<Form, LocalError> {
        match (&self.layout, self.format, self.payload) {
            (Some(name), ..) => Form::layout(name),
            (None, format, Some(payload)) => {
                Ok(Form::Capture { format: format.map(Into::into), zeros: payload == PayloadName::Zeros })
            }
            (None, Some(format), None) => Ok(Form::Format(format.into())),
            (None, None, None) => Ok(Form::AsRead),
        }
    }
}
