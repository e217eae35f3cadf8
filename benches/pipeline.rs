//! The whole command, stage by stage, for traces of growing size: `./run bench`.
//!
//! Each size runs in a process of its own, so that the peak of its memory is its own. The table is printed, and written into docs/PERFORMANCE.md
//! between its two marks, with the machine named.

mod table;

use netdpsyn::account::{Guarantee, Stage};
use netdpsyn::fit::{Method, Plan};
use netdpsyn::generate::Request;
use netdpsyn::progress::{Progress, Quiet};
use netdpsyn::service::acceptance::Accepted;
use netdpsyn::service::local::{self, Outputs, Source};
use netdpsyn::simulate::flows;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// All but those that this command does not pass through, or passes in no time.
const STAGES: [Stage; 10] = [
    Stage::Read,
    Stage::Gaps,
    Stage::Trees,
    Stage::Code,
    Stage::OneWays,
    Stage::Selection,
    Stage::Pairs,
    Stage::Reconcile,
    Stage::Generate,
    Stage::Write,
];

/// Where the table stands in docs/PERFORMANCE.md.
const MARKS: [&str; 2] = ["<!-- bench: begin -->\n", "<!-- bench: end -->\n"];

fn main() {
    // Cargo passes --bench; what is left are sizes, or the one that a child measures.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [one, rows, folder] = words.as_slice()
        && one == "one"
    {
        return one_size(rows.parse().expect("a number of rows"), Path::new(folder));
    }
    let sizes: Vec<usize> = match words.as_slice() {
        [] => vec![10_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000],
        some => some.iter().map(|word| word.parse().expect("a number of rows")).collect(),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut table = format!(
        "{}; seconds a stage.\n\n| rows | {} | all | rows/s | peak memory |\n|---:|{}---:|---:|---:|\n",
        table::machine(),
        STAGES.map(Stage::name).join(" | "),
        "---:|".repeat(STAGES.len())
    );
    for rows in sizes {
        let (schema, trace) = (flows::schema(), flows::simulate(rows, 1));
        local::write_trace(&folder.path().join("raw.csv"), &trace, &schema, &Quiet).expect("a sample");
        drop(trace);
        let own = std::env::current_exe().expect("this program");
        let child = Command::new(own).arg("one").arg(rows.to_string()).arg(folder.path()).output();
        let child = child.expect("a child");
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        let line = String::from_utf8(child.stdout).expect("text");
        print!("{line}");
        table += &line;
    }
    println!("\n{table}");
    table::write_down(MARKS, &table);
}

/// The seconds of each stage of one run, as a line of the table.
fn one_size(rows: usize, folder: &Path) {
    let schema = flows::schema();
    let source = Source {
        path: folder.join("raw.csv"),
        preset: Some(schema.name.clone()),
        window: schema.window,
        categories: vec![("type".into(), flows::CLASSES.map(String::from).to_vec())],
        ..Source::default()
    };
    let plan = Plan::new(Guarantee::new(2.0, 1e-9).expect("a guarantee"), Method::Netdpsyn);
    let outputs = Outputs { trace: folder.join("synthetic.csv"), ..Outputs::default() };
    let clock = Clock::default();
    let start = Instant::now();
    let request = Request { seed: 1, ..Request::default() };
    local::synthesize(&source, plan, &request, None, &outputs, Accepted::default(), &clock)
        .expect("a synthesis");
    let all = start.elapsed();
    let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
    let stages: Vec<String> = clock.finish().into_iter().map(seconds).collect();
    println!(
        "| {rows} | {} | {} s | {:.0} | {} MiB |",
        stages.join(" | "),
        seconds(all),
        rows as f64 / all.as_secs_f64(),
        peak_mib()
    );
}

/// Adds up the time between one stage's first step and the next one's.
#[derive(Default)]
struct Clock(Mutex<Times>);

#[derive(Default)]
struct Times {
    current: Option<(Stage, Instant)>,
    stages: [Duration; STAGES.len()],
}

impl Times {
    /// The stage of the moment ends.
    fn end(&mut self) {
        if let Some((stage, since)) = self.current.take()
            && let Some(i) = STAGES.iter().position(|&s| s == stage)
        {
            self.stages[i] += since.elapsed();
        }
    }
}

impl Clock {
    fn finish(self) -> [Duration; STAGES.len()] {
        let mut times = self.0.into_inner().expect("no panic");
        times.end();
        times.stages
    }
}

impl Progress for Clock {
    fn report(&self, stage: Stage, _: u64, _: u64) {
        let mut times = self.0.lock().expect("no panic");
        if times.current.is_some_and(|(name, _)| name == stage) {
            return;
        }
        times.end();
        times.current = Some((stage, Instant::now()));
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// The most memory that this process ever had, as Linux counts it.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1_024
}
