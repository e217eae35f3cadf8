//! What the commands print, for people.

use crate::account::{Rho, Stage};
use crate::fit::across::{Across, ForeseenStructure};
use crate::fit::foretell::{Foretold, ForetoldRange};
use crate::formats::{FileFormat, ParseReport, classes, is_end};
use crate::model::Bundle;
use crate::service::local::Made;
use crate::trace::Schema;
use crate::trace::capture::Records;
use std::fmt::Write;

/// The statement of privacy, the domains, what was measured and what was made of it.
pub fn synthesis(bundle: &Bundle, made: &Made) -> String {
    let mut text = format!("{}\n\nMeasured\n", bundle.statement);
    for tree in bundle.measurements.iter().filter(|m| bundle.tree_of(m).is_some()) {
        let charges = bundle.charges_of(tree);
        let rho: Rho = charges.clone().map(|c| c.rho).sum();
        let cells: usize = charges.map(|c| c.cells).sum();
        let (label, sigma, bins) = (&tree.label, tree.scale.sigma(), tree.counts.len());
        let _ = writeln!(text, "  {label:<32} ρ = {rho}  σ = {sigma:>9.2}  {cells} cells → {bins} bins");
    }
    for charge in bundle.statement.charges.iter().filter(|charge| charge.stage != Stage::Trees) {
        let paid = bundle.measurements.iter().find(|m| m.label == charge.label);
        let one_way = paid.filter(|_| charge.stage == Stage::OneWays);
        let bins = one_way.map_or(String::new(), |m| format!(" → {} bins", m.counts.len()));
        let _ = writeln!(
            text,
            "  {:<32} ρ = {}  σ = {:>9.2}  {} cells{bins}",
            charge.label,
            charge.rho,
            charge.scale.sigma(),
            charge.cells
        );
    }
    let _ = write!(text, "{}", generated(made));
    text
}

/// Convergence of the generation.
pub fn generated(made: &Made) -> String {
    let mut text = format!(
        "\nGenerated\n  N̂ = {:.0} records by the noisy counts, {} written\n",
        made.records, made.rows
    );
    if let Some(condition) = &made.condition {
        let _ = writeln!(text, "  not the raw mix: {condition}, by hand");
    }
    for note in &made.notes {
        let _ = writeln!(text, "  {note}");
    }
    if !made.missing.is_empty() {
        let _ = writeln!(text, "  columns of the layout that follow from none: {}", made.missing.join(", "));
    }
    let _ = write!(text, "  tables reconciled in {} rounds", made.reconciled.rounds);
    // A mix that was chosen by hand is as far from the measured one as it was chosen to be.
    if made.condition.is_none() {
        let reached = &made.convergence;
        let settled = if reached.settled { ", settled" } else { "" };
        let (error, rounds) = (100.0 * reached.error, reached.rounds);
        let _ =
            write!(text, "; records within {error:.2} % (mean L1) of them after {rounds} rounds{settled}");
    }
    text.push('\n');
    text
}

/// What one record of a capture is, which is what a promise protects.
pub fn capture(schema: &Schema) -> String {
    let declared = schema.reading.capture.clone().unwrap_or_default();
    match (declared.made(), declared.records(Some(schema.kind))) {
        (Some(made), _) => format!("the unit that a promise protects: {made}"),
        (None, Records::Exports) => {
            "the unit that a promise protects: a flow as its exporter tells it".into()
        }
        (None, _) => {
            "the unit that a promise protects: a packet. With --layout flow it is a flow that packets make; with --layout flow --records exports one that they tell"
                .into()
        }
    }
}

/// Structure that is expected across records.
pub fn foreseen(found: &ForeseenStructure) -> String {
    let text = match found.across {
        Across::Sessions => "packets are made as sessions, if noise leaves enough to tell of them",
        Across::Hosts => "records get hosts and pairs, as many and as large as noisy looks say",
        Across::Single => "every record stands for itself",
    };
    found.because.as_ref().map_or(text.into(), |because| format!("{text}: {because}"))
}

/// Expected fidelity of a synthetic trace.
pub fn foretold(foretold: &Foretold) -> String {
    let ForetoldRange { lower, middle, upper } = foretold.two_way;
    let mut text = format!("two-way distance {middle:.3} ({lower:.3} to {upper:.3})");
    if let Some(ForetoldRange { lower, middle, upper }) = foretold.accuracy_loss {
        let [lower, middle, upper] = [lower, middle, upper].map(|loss| 100.0 * loss);
        let _ = write!(text, ", accuracy of trees {middle:.1} points lower ({lower:.1} to {upper:.1})");
    }
    if foretold.beyond_measured {
        text += "; the nearest measured value";
    }
    text
}

/// The records that could not be read.
pub fn bad_records(report: &ParseReport) -> String {
    let mut text = String::new();
    // Only text has lines.
    let place = match report.format {
        FileFormat::Csv | FileFormat::Ndjson => "line",
        FileFormat::Parquet | FileFormat::Arrow | FileFormat::Capture | FileFormat::Export => "record",
    };
    for bad in &report.first_bad {
        let column = bad.column.as_deref().map_or(String::new(), |c| format!(", column {c}"));
        let _ = writeln!(text, "  {place} {}{column}: {}", bad.line, bad.reason);
    }
    if report.bad > report.first_bad.len() as u64 {
        let _ = writeln!(text, "  … {} such records in all", report.bad);
    }
    text
}

/// The private notes on reading a trace; empty where there is nothing to say.
pub fn parse_report(report: &ParseReport) -> String {
    let mut text = String::new();
    if report.bad > 0 {
        let _ = writeln!(text, "{} of {} records skipped:", report.bad, report.bad + report.readable());
        text += &bad_records(report);
    }
    for note in &report.notes {
        let _ = writeln!(text, "{note}");
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "{warning}");
    }
    if !report.ignored_columns.is_empty() {
        let _ = writeln!(text, "columns left out: {}", report.ignored_columns.join(", "));
        let classes: Vec<&str> = classes(&report.ignored_columns).collect();
        if !classes.is_empty() {
            let are = if classes.len() == 1 { "is" } else { "are" };
            let _ = writeln!(text, "{} {are} left out: name the class column with --key", classes.join(", "));
        }
        for name in report.ignored_columns.iter().filter(|name| is_end(name)) {
            let _ = writeln!(
                text,
                "{name}: where it holds the times at which records end, declare it with --role {name}=end"
            );
        }
    }
    text
}
