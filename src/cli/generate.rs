//! `netdpsyn generate`

use super::progress::Bar;
use super::synthesize::RowsArgs;
use super::{Failure, report};
use crate::service::local;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// A measurement bundle, as `netdpsyn synthesize --bundle` writes
    bundle: PathBuf,
    /// The synthetic trace to write; gzipped if the name ends in .gz
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    rows: RowsArgs,
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let request = self.rows.request();
        let bar = Bar::new();
        let (bundle, made) =
            local::generate(&self.bundle, &request, self.rows.condition.as_ref(), &self.output, &bar)?;
        drop(bar);
        println!("{}\n{}", bundle.statement, report::generated(&made));
        println!("Written: {}", self.output.display());
        Ok(())
    }
}
