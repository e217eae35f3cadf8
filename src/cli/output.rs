//! Arguments that say what a trace is written in.

use crate::formats::OutputFormat;

/// The format of a trace that is written.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum FormatName {
    /// Comma-separated text with a header line
    Csv,
    /// Apache Parquet
    Parquet,
    /// Apache Arrow IPC, a file
    Arrow,
}

impl From<FormatName> for OutputFormat {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Csv => OutputFormat::Csv,
            FormatName::Parquet => OutputFormat::Parquet,
            FormatName::Arrow => OutputFormat::Arrow,
        }
    }
}

/// Where a synthetic trace goes.
#[derive(clap::Args)]
pub struct Output {
    /// The synthetic trace to write: Parquet if the name ends in .parquet, Arrow in .arrow or .feather, else CSV, gzipped in .gz
    #[arg(short, long, value_name = "FILE")]
    pub output: std::path::PathBuf,
    /// What it is written in, whatever its name
    #[arg(long, value_enum)]
    format: Option<FormatName>,
}

impl Output {
    /// What was asked for.
    pub fn format(&self) -> Option<OutputFormat> {
        self.format.map(OutputFormat::from)
    }
}
