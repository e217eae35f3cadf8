//! `netdpsyn evaluate`

use super::progress::Bar;
use super::trace_args::TraceArgs;
use super::{Failure, report};
use crate::privacy::Steward;
use crate::service::local;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// The synthetic trace, with the same columns
    synthetic: PathBuf,
    /// Print JSON instead
    #[arg(long)]
    json: bool,
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let source = self.trace.source()?;
        let bar = Bar::new();
        let comparison = local::evaluate(&source, &self.synthetic, &bar)?.for_steward(&Steward::local());
        drop(bar);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&comparison).unwrap_or_default());
        } else {
            print!("{}", report::comparison(&comparison));
        }
        Ok(())
    }
}
