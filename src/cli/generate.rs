//! `netdpsyn generate`

use super::output::Output;
use super::progress::Bar;
use super::synthesize::RowsArgs;
use super::{Failure, report};
use crate::service::local;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// A measurement bundle, as `netdpsyn synthesize --bundle` writes
    bundle: PathBuf,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    rows: RowsArgs,
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let request = self.rows.request();
        let bar = Bar::new();
        let (condition, output) = (self.rows.condition.as_ref(), &self.output.output);
        let (bundle, made) =
            local::generate(&self.bundle, &request, condition, output, self.output.form()?, &bar)?;
        drop(bar);
        println!("{}\n{}", bundle.statement, report::generated(&made));
        println!("Written: {}", output.display());
        Ok(())
    }
}
