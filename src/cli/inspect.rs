//! `netdpsyn inspect`

use super::progress::Bar;
use super::trace_args::TraceArgs;
use super::{Failure, report};
use crate::account::Guarantee;
use crate::fit::across::foreseen;
use crate::fit::{Method, Plan, foretell};
use crate::formats::{Amended, FileFormat, ReadError, Steward, ToldBy};
use crate::service::local::{self, LocalError};
use crate::trace::{Schema, layout};
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
        let report = found.report.map(|report| report.for_steward(&steward));
        let hints = found.hints.for_steward(&steward);

        let nothing = match &found.refused {
            Some(LocalError::Read { source: ReadError::NothingMade { what, .. }, .. }) => format!("{what}; "),
            _ => String::new(),
        };
        let kind = report.as_ref().map_or(nothing, |report| match (&report.what, report.packing) {
            (Some(what), _) => format!("{what}; "),
            (None, Some(packing)) => format!("{}, packed by {packing}; ", report.format),
            (None, None) => format!("{}; ", report.format),
        });
        match (found.looks.header_of_one.filter(|_| found.proposed.is_some()), found.looks.is_record) {
            (Some(cells), _) => {
                println!("File: {kind}PRIVATE — the header has 1 field and the records have {cells}");
            }
            (None, true) => println!("File: {kind}no header: the first line looks like a record"),
            (None, false) => {
                let read = found.schema.columns.iter().map(|column| &column.name);
                let names: Vec<&str> = read.chain(&found.left_out).map(String::as_str).collect();
                // A line that matches no layout may be a record.
                let private = if found.proposed.is_some() { "PRIVATE — " } else { "" };
                println!("File: {kind}{private}its columns are {}", names.join(", "));
            }
        }
        if found.looks.is_record {
            println!("PRIVATE — the first line has {}", found.looks.first.join(" | "));
        }
        let layout = layout(&found.schema.name);
        match (&found.proposed, layout) {
            (None, Some(layout)) => {
                let near = found.looks.near.first().filter(|near| near.layout.name() == layout.name());
                let by_records = near.is_some_and(|near| near.told_by == ToldBy::Records);
                let private = if by_records { "PRIVATE, unless it was declared — " } else { "" };
                println!("{private}Schema of layout {} ({})", found.schema.name, layout.about);
            }
            (None, None) => println!("Schema {}", found.schema.name),
            (Some(_), _) => {
                for near in found.looks.near.iter().take(1) {
                    let (name, missing) = (near.layout.name(), near.missing.join(", "));
                    println!("Layout: none fits; the nearest is {name}, which needs {missing} beside");
                }
                println!("PRIVATE — a schema proposed from the names and the first records, for the trace's");
                println!("steward to look through: --schema-out FILE, then --schema FILE");
            }
        }
        for column in &found.schema.columns {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "–".into());
            let notation = column.notation.and_then(|n| serde_json::to_string(&n).ok());
            let field = serde_json::to_string(&column.field).ok();
            let roles = serde_json::to_string(&column.roles).unwrap_or_default().replace('"', "");
            println!("  {:<10} {:<20} {:<46} {}", column.name, roles, shown(field), shown(notation));
        }
        if found.proposed.is_none() {
            for column in &found.left_out {
                let why = layout.and_then(|layout| layout.because(column));
                println!("  left out: {column}: {}", why.unwrap_or("the layout does not read it"));
            }
        }
        for (column, why) in found.proposed.iter().flatten() {
            println!("  left out: {column}: {why}");
        }
        if !found.schema.reading.is_plain() {
            let reading = serde_json::to_string(&found.schema.reading).unwrap_or_default();
            println!("  how it is read: {reading}");
        }
        match report.as_ref().map(|report| report.format) {
            Some(FileFormat::Capture) => println!("  {}", report::capture(&found.schema)),
            Some(FileFormat::Export) => println!("  a record is a flow as its exporter tells it"),
            _ => {}
        }
        for open in &found.open {
            println!("  to declare: {open}");
        }
        if let Ok(guarantee) = Guarantee::new(EPSILONS[0], DELTA) {
            let plan = Plan::new(guarantee, Method::Adaptive);
            println!("  {}", report::foreseen(&foreseen(&plan, &found.schema)));
        }
        println!("\nPRIVATE — read from the records; for the trace's steward only");
        if let Some(report) = &report {
            println!("  {} records can be read, {} cannot", report.readable(), report.bad);
            for line in report::parse_report(report).lines() {
                println!("  {line}");
            }
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
        let records = report.as_ref().map_or(0, |report| report.records);
        if records > 0 {
            foretell_for(&found.schema, records);
        }
        let amended = found.amended.map(|amended| amended.for_steward(&steward));
        if let Some(Amended { amendments, looked_at: [of, read], .. }) = &amended {
            println!(
                "PRIVATE — {read} of the first {of} records can be read where this is declared, as --schema-out FILE"
            );
            println!("writes it, for the trace's steward to look through:");
            amendments.iter().for_each(|amendment| println!("  {amendment}"));
        }
        if let Some(path) = self.schema_out {
            let schema = amended.as_ref().map_or(&found.declared, |amended| &amended.schema);
            let text = serde_json::to_string_pretty(&schema.shown()).unwrap_or_default();
            std::fs::write(&path, text + "\n")
                .map_err(|source| LocalError::Write { path: path.clone(), source })?;
            println!("\nWritten: {}", path.display());
        }
        if let Some(refused) = found.refused {
            return Err(refused.into());
        }
        let seen = report.as_ref().map_or(0, |report| report.readable() + report.bad);
        let bad = report.as_ref().map_or(0, |report| report.bad);
        if bad as f64 <= source.tolerance * seen as f64 {
            return Ok(());
        }
        Err(Failure::Unusable(match amended {
            Some(_) => "the file cannot be used as it stands: declare what is proposed above, as --schema-out FILE writes it for --schema, mend the file, or skip such records with --tolerance SHARE".into(),
            None => "the file cannot be used as it stands: mend it, declare how such cells are written, or skip such records with --tolerance SHARE".into(),
        }))
    }
}

/// Prints what a fit of so many records would cost in fidelity, at a few ε.
fn foretell_for(schema: &Schema, records: u64) {
    println!("  Foretold of this many records by method adaptive, from public traces:");
    for guarantee in EPSILONS.into_iter().filter_map(|epsilon| Guarantee::new(epsilon, DELTA).ok()) {
        let plan = Plan::new(guarantee, Method::Adaptive);
        if let Some(foretold) = foretell::foretold(&plan, schema, records as f64) {
            println!("    ε = {:<3}  {}", guarantee.epsilon(), report::foretold(&foretold));
        }
    }
}
