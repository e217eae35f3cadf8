//! `netdpsyn inspect`

use super::progress::Bar;
use super::trace_args::TraceArgs;
use super::{Failure, report};
use crate::account::Guarantee;
use crate::fit::across::foreseen;
use crate::fit::{Method, Plan, foretell};
use crate::formats::Steward;
use crate::service::local::{self, LocalError};
use std::path::PathBuf;

/// ε at which fidelity is foretold.
const EPSILONS: [f64; 3] = [0.5, 2.0, 8.0];
/// δ at which it is.
const DELTA: f64 = 1e-9;

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

        match &found.proposed {
            None => println!("Schema, from the format alone (preset {})", found.schema.name),
            Some(_) => {
                println!("PRIVATE — no preset fits; a schema proposed from the names and the first records,");
                println!("for the trace's steward to look through: --schema-out FILE, then --schema FILE");
            }
        }
        for column in &found.schema.columns {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "–".into());
            let notation = column.notation.and_then(|n| serde_json::to_string(&n).ok());
            let field = serde_json::to_string(&column.field).ok();
            println!("  {:<10} {:<46} {}", column.name, shown(field), shown(notation));
        }
        for (column, why) in found.proposed.iter().flatten() {
            println!("  left out: {column}: {why}");
        }
        if !found.schema.reading.is_plain() {
            let reading = serde_json::to_string(&found.schema.reading).unwrap_or_default();
            println!("  how the text is read: {reading}");
        }
        for open in &found.open {
            println!("  to declare: {open}");
        }
        if let Ok(guarantee) = Guarantee::new(EPSILONS[0], DELTA) {
            let plan = Plan::new(guarantee, Method::Adaptive);
            println!("  {}", report::foreseen(&foreseen(&plan, &found.schema)));
        }
        println!("\nPRIVATE — read from the records; for the trace's steward only");
        println!("  {} records can be read, {} cannot", report.records, report.bad);
        for line in report::parse_report(&report).lines() {
            println!("  {line}");
        }
        for (column, window) in &hints.windows {
            println!("  {column} lies within {window}");
        }
        for (column, grain) in &hints.grains {
            println!("  {column} holds multiples of {grain}");
        }
        for (column, values) in &hints.categories {
            let listed: Vec<String> =
                values.iter().map(|(value, count)| format!("{value} ({count})")).collect();
            println!("  {column} has {}", listed.join(", "));
        }
        println!("  Declaring a window, grain or categories after reading them here is a choice outside the");
        println!("  promise of privacy; declare what you knew before, or round generously.");
        println!("  Foretold of this many records by method adaptive, from public traces:");
        for guarantee in EPSILONS.into_iter().filter_map(|epsilon| Guarantee::new(epsilon, DELTA).ok()) {
            let plan = Plan::new(guarantee, Method::Adaptive);
            if let Some(foretold) = foretell::foretold(&plan, &found.schema, report.records as f64) {
                println!("    ε = {:<3}  {}", guarantee.epsilon(), report::foretold(&foretold));
            }
        }
        if let Some(path) = self.schema_out {
            let text = serde_json::to_string_pretty(&found.schema.shown()).unwrap_or_default();
            std::fs::write(&path, text + "\n")
                .map_err(|source| LocalError::Write { path: path.clone(), source })?;
            println!("\nWritten: {}", path.display());
        }
        Ok(())
    }
}
