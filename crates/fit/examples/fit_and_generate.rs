//! Fits a trace and generates a synthetic one with the library crates alone:
//!
//! ```text
//! cargo run --release -p netdpsyn-fit --example fit_and_generate -- \
//!     samples/flows.csv.gz 2026-01-05T08:00:00Z/2026-01-05T09:00:00Z synthetic.csv
//! ```

use netdpsyn_account::Guarantee;
use netdpsyn_fit::{Method, Plan, fit, keys::NoiseKey};
use netdpsyn_formats::{Limits, OutputFormat, ReadOptions, Steward, TraceWriter, bind, read};
use netdpsyn_generate::{Request, make};
use netdpsyn_model::Model;
use netdpsyn_trace::{presets::preset, progress::Quiet};
use std::{error::Error, fs::File, path::Path};

const CLASSES: [&str; 4] = ["normal", "ddos", "portscan", "bruteforce"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, window, output] = &arguments[..] else {
        return Err("usage: fit_and_generate TRACE START/END OUTPUT.csv".into());
    };

    // What is publicly known of the trace. Nothing of it may be derived from the records.
    let mut schema = preset("flow").ok_or("the preset is missing")?;
    schema.window = Some(window.parse()?);
    schema.declare_categories("type", CLASSES.map(String::from).into())?;
    schema.check_complete()?;

    // Raw records: no code but a fit and the steward's own reports can look into them.
    let bound = bind(Path::new(input), schema, Limits::NONE, &Quiet)?;
    let (trace, report) = read(Path::new(input), &bound, ReadOptions::default(), &Quiet)?;
    println!("{} records read", report.for_steward(&Steward::local()).records);

    // The only paid access: noisy answers, each of which is charged before it is given.
    let plan = Plan::new(Guarantee::new(2.0, 1e-9)?, Method::Adaptive);
    let bundle = fit(trace, &bound.schema, &plan, &NoiseKey::from_os()?, &Quiet)?.bundle;
    println!("{}", bundle.statement);

    // Everything from here on is post-processing, at no privacy cost.
    let model = Model::from_bundle(&bundle, &Quiet)?;
    let made = make(&model, &Request { seed: 1, ..Request::default() }, None, &Quiet)?;
    let (rows, file) = (made.rows as u64, File::create(output)?);
    let mut writer = TraceWriter::new(OutputFormat::Csv, &model.schema, file, rows, None)?;
    made.in_order(&Quiet, |slice| writer.write(&slice, &Quiet))?;
    writer.finish(&Quiet)?;
    println!("{rows} synthetic records written to {output}");
    Ok(())
}
