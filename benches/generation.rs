//! Memory and time of generating traces of growing size from one model: `./run bench generation`.
//!
//! Each size runs in a process of its own, so that the peak of its memory is its own. The table is printed.

use netdpsyn::account::Guarantee;
use netdpsyn::fit::{Method, Plan};
use netdpsyn::generate::Request;
use netdpsyn::progress::Quiet;
use netdpsyn::service::acceptance::Accepted;
use netdpsyn::service::local::{self, Form, Outputs, Source};
use netdpsyn::simulate::flows;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Records that the model is measured on.
const MEASURED: usize = 300_000;

fn main() {
    // Cargo passes --bench; what is left are sizes, or the one that a child measures.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [one, rows, folder] = words.as_slice()
        && one == "one"
    {
        return one_size(rows.parse().expect("a number of rows"), Path::new(folder));
    }
    let sizes: Vec<usize> = match words.as_slice() {
        [] => vec![240_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000],
        some => some.iter().map(|word| word.parse().expect("a number of rows")).collect(),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    measure(folder.path());
    println!("| rows | all | rows/s | peak memory | bytes a row |\n|---:|---:|---:|---:|---:|");
    for rows in sizes {
        let own = std::env::current_exe().expect("this program");
        let child = Command::new(own).arg("one").arg(rows.to_string()).arg(folder.path()).output();
        let child = child.expect("a child");
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        print!("{}", String::from_utf8(child.stdout).expect("text"));
    }
}

/// Leaves a bundle in the folder.
fn measure(folder: &Path) {
    let schema = flows::schema();
    let raw = folder.join("raw.csv");
    local::write_trace(&raw, &flows::simulate(MEASURED, 1), &schema, &Quiet).expect("a sample");
    let source = Source {
        path: raw,
        preset: Some(schema.name.clone()),
        window: schema.window,
        categories: vec![("type".into(), flows::CLASSES.map(String::from).to_vec())],
        ..Source::default()
    };
    let plan = Plan::new(Guarantee::new(2.0, 1e-9).expect("a guarantee"), Method::Netdpsyn);
    let bundle = Some(folder.join("bundle"));
    let outputs = Outputs { trace: folder.join("synthetic.csv"), bundle, ..Outputs::default() };
    let request = Request { rows: Some(10_000), seed: 1, ..Request::default() };
    local::synthesize(&source, plan, &request, None, &outputs, Accepted::default(), &Quiet)
        .expect("a synthesis");
}

fn one_size(rows: usize, folder: &Path) {
    let request = Request { rows: Some(rows), seed: 1, ..Request::default() };
    let start = Instant::now();
    let made = local::generate(
        &folder.join("bundle"),
        &request,
        None,
        &folder.join("synthetic.csv"),
        Form::AsRead,
        false,
        &Quiet,
    );
    made.expect("a trace");
    let seconds = start.elapsed().as_secs_f64();
    let peak = peak_bytes();
    println!(
        "| {rows} | {seconds:.1} s | {:.0} | {} MiB | {:.0} |",
        rows as f64 / seconds,
        peak >> 20,
        peak as f64 / rows as f64
    );
}

/// The most memory that this process ever had, as Linux counts it.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1_024
}
