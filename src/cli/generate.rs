//! `netdpsyn generate`

use super::output::Output;
use super::progress::Bar;
use super::synthesize::{RowsArgs, write_report};
use super::{Failure, report};
use crate::service::local::{self, LocalError};
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
        let report = self.rows.html.as_deref();
        if let Some(path) =
            report.filter(|path| [&self.bundle, &self.output.output].iter().any(|other| other == path))
        {
            return Err(LocalError::SamePath(path.into()).into());
        }
        let request = self.rows.request();
        let bar = Bar::new();
        let (condition, output) = (self.rows.condition.as_ref(), &self.output.output);
        let (bundle, made) = local::generate(
            &self.bundle,
            &request,
            condition,
            output,
            self.output.form()?,
            report.is_some(),
            &bar,
        )?;
        drop(bar);
        if let Some(path) = report {
            write_report(path, &bundle.statement, &made)?;
        }
        println!("{}\n{}", bundle.statement, report::generated(&made));
        println!("Written: {}", output.display());
        if let Some(path) = report {
            println!("         {}", path.display());
        }
        Ok(())
    }
}
