//! `netdpsyn inspect`

use super::progress::Bar;
use super::trace_args::TraceArgs;
use super::{Failure, report};
use crate::formats::Steward;
use crate::service::local::{self, LocalError};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Write the proposed schema to a file, to edit and use with --schema
    #[arg(long, value_name = "FILE")]
    schema_out: Option<PathBuf>,
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let source = self.trace.source()?;
        let bar = Bar::new();
        let found = local::inspect(&source, &bar)?;
        drop(bar);
        let steward = Steward::local();
        let (report, hints) = (found.report.for_steward(&steward), found.hints.for_steward(&steward));

        println!("Schema, from the format alone (preset {})", found.schema.name);
        for column in &found.schema.columns {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "–".into());
            let notation = column.notation.and_then(|n| serde_json::to_string(&n).ok());
            let field = serde_json::to_string(&column.field).ok();
            println!("  {:<10} {:<46} {}", column.name, shown(field), shown(notation));
        }
        for open in &found.open {
            println!("  to declare: {open}");
        }
        println!("\nPRIVATE — read from the records; for the trace's steward only");
        println!("  {} records can be read, {} cannot", report.records, report.bad);
        for line in report::parse_report(&report).lines() {
            println!("  {line}");
        }
        for (column, window) in &hints.windows {
            println!("  {column} lies within {window}");
        }
        for (column, values) in &hints.categories {
            let listed: Vec<String> =
                values.iter().map(|(value, count)| format!("{value} ({count})")).collect();
            println!("  {column} has {}", listed.join(", "));
        }
        println!(
            "  Declaring a window or categories after reading them here is a choice outside the promise"
        );
        println!("  of privacy; declare what you knew before, or round generously.");
        if let Some(path) = self.schema_out {
            let text = serde_json::to_string_pretty(&found.schema.shown()).unwrap_or_default();
            std::fs::write(&path, text + "\n")
                .map_err(|source| LocalError::Write { path: path.clone(), source })?;
            println!("\nWritten: {}", path.display());
        }
        Ok(())
    }
}
