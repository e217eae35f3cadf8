//! `netdpsyn discretize`

use super::Failure;
use super::progress::Bar;
use super::trace_args::TraceArgs;
use crate::service::discretize;
use std::path::PathBuf;

/// Bins every column as the paper does, without noise, and draws the records back from their bins: what binning alone costs. Both files are as raw as the
/// trace, and readable by you alone.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// The records drawn back from their bins
    #[arg(long, value_name = "FILE")]
    decode: PathBuf,
    /// The bins, as JSON
    #[arg(long, value_name = "FILE")]
    map: PathBuf,
    /// Length of address networks; each one that occurs has a bin
    #[arg(long, value_name = "BITS", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=32))]
    prefix: u8,
    /// The same seed draws the same records
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let source = self.trace.source()?;
        let bar = Bar::new();
        let bins = discretize::discretize(&source, self.prefix, self.seed, &self.decode, &self.map, &bar)?;
        drop(bar);
        eprintln!("private: {bins} bins over all columns; both files are as raw as the trace");
        println!("Written: {}\n         {}", self.decode.display(), self.map.display());
        Ok(())
    }
}
