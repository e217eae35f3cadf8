//! `netdpsyn evaluate`

use super::progress::Bar;
use super::trace_args::TraceArgs;
use super::{Failure, evaluation};
use crate::evaluate::private::Measure;
use crate::formats::Steward;
use crate::pages;
use crate::service::local::{self, LocalError};
use crate::service::new_file::NewFile;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// The synthetic trace, with the same columns
    synthetic: PathBuf,
    /// Raw records that were not fitted, as `netdpsyn split` or `synthesize --hold-out` leaves them: with these, every
    /// distance is shown beside the error of sampling alone, and attacks beside their result where nothing can leak
    #[arg(long, value_name = "HELDOUT")]
    test: Option<PathBuf>,
    /// Write the report as JSON to a file readable by you alone; - prints it instead of the summary
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Write the report as a page with plots to a file readable by you alone
    #[arg(long = "html", visible_alias = "page", value_name = "OUT.html")]
    page: Option<PathBuf>,
    #[arg(long, value_name = "MEASURE,…", value_delimiter = ',', help = only_help())]
    only: Vec<Measure>,
}

fn only_help() -> String {
    format!("Take only these measures, separated by commas: {}", Measure::names())
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let source = self.trace.source()?;
        let printed = self.json.as_deref() == Some(Path::new("-"));
        let output = self.json.filter(|_| !printed);
        let mut paths = vec![&source.path, &self.synthetic];
        paths.extend(&self.test);
        for written in output.iter().chain(&self.page) {
            if paths.contains(&written) {
                return Err(LocalError::SamePath(written.clone()).into());
            }
            paths.push(written);
        }
        let bar = Bar::new();
        let report = local::evaluate(&source, self.test.as_deref(), &self.synthetic, &self.only, &bar)?
            .for_steward(&Steward::local());
        drop(bar);
        let json = || serde_json::to_string_pretty(&report).unwrap_or_default();
        let write = |path: &PathBuf, text: String| -> Result<(), LocalError> {
            let mut file = NewFile::private(path)?;
            let written = writeln!(file, "{}", text.trim_end());
            written.map_err(|source| LocalError::Write { path: path.clone(), source })?;
            file.publish()
        };
        if let Some(path) = &output {
            write(path, json())?;
        }
        if let Some(path) = &self.page {
            write(path, pages::private::page(&report))?;
        }
        match printed {
            true => println!("{}", json()),
            false => print!("{}", evaluation::summary(&report)),
        }
        Ok(())
    }
}
