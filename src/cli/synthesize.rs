//! `netdpsyn synthesize`: the whole path at once. It fits a raw trace, which pays, and generates a synthetic one; what the service does in two jobs.

use super::output::Output;
use super::progress::Bar;
use super::trace_args::TraceArgs;
use super::{Failure, report};
use crate::account::{Guarantee, Statement};
use crate::fit::{self, Method, Plan, Structure, foretell};
use crate::generate::options::{Decay, GenerateOptions, Start, Update};
use crate::generate::{Asked, Request, rounded_rows};
use crate::pages::release::{self, Shown};
use crate::service::acceptance::Accepted;
use crate::service::local::{self, LocalError, Made, Outputs};
use crate::service::new_file::NewFile;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    trace: TraceArgs,
    /// Method of the fit
    #[arg(long, value_enum, default_value = "adaptive")]
    method: MethodName,
    /// ε: smaller values protect more and preserve less. The paper uses 2
    #[arg(long)]
    epsilon: f64,
    /// δ, fixed and small
    #[arg(long, default_value = "1e-9")]
    delta: f64,
    #[command(flatten)]
    output: Output,
    /// Also write the noisy measurements, from which `netdpsyn generate` makes further traces
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Hold out a fifth of the records by keyed hash before anything is measured, and write them here (raw!)
    #[arg(long, value_name = "FILE")]
    hold_out: Option<PathBuf>,
    /// Also write the fitted records to this file (raw!): `netdpsyn evaluate` compares a synthetic trace with these, and with the held-out ones by --test
    #[arg(long, value_name = "FILE", requires = "hold_out")]
    fitted: Option<PathBuf>,
    /// Also measure the gap to the previous record of the same five-tuple, so that records of a flow keep their spacing. Method
    /// netdpsyn only
    #[arg(long, value_name = "BOOL", default_value_t = fit::FitOptions::default().gaps, action = clap::ArgAction::Set)]
    gaps: bool,
    /// Pairs that form a clique with fewer joint cells than this are measured as one marginal; 0: never.
    /// Method netdpsyn only
    #[arg(long, value_name = "CELLS", default_value_t = fit::FitOptions::default().clique_cells)]
    clique_cells: u64,
    /// Pairs with more cells are not measured. Method netdpsyn only
    #[arg(long, value_name = "CELLS", default_value_t = fit::FitOptions::default().max_cells)]
    max_cells: u64,
    /// Whether hosts, pairs and sessions are modelled, or records are independent. Method adaptive only
    #[arg(long, value_enum, default_value = "auto")]
    structure: StructureName,
    /// Measure although noise leaves little: more than 5 % of the number of records, or half of one cell of the median column
    #[arg(long)]
    accept_noise: bool,
    /// Measure although more than half of a column lies outside what is declared
    #[arg(long)]
    accept_outside: bool,
    #[command(flatten)]
    rows: RowsArgs,
}

/// Options of generating, which cost nothing.
#[derive(clap::Args)]
pub struct RowsArgs {
    /// Number of records, rounded to two significant digits; by default the noisy number
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// The same seed makes the same trace from the same measurements; random by default. Noise has no seed
    #[arg(long)]
    seed: Option<u64>,
    /// Records of one category of a measured column, as type=ddos, or of several with shares, as type=normal:.5,ddos:.5. All other
    /// columns follow the model, given the category. The mix is then not that of the raw trace
    #[arg(long, value_name = "COLUMN=CATEGORY[:SHARE,…]")]
    pub condition: Option<Asked>,
    /// Initial records [paper: gummi]. This option and the next three apply to models of method netdpsyn or independent
    #[arg(long, value_enum, default_value_t = GenerateOptions::default().start)]
    start: Start,
    /// How cells with too few records are filled [paper: alternate]
    #[arg(long, value_enum, default_value_t = GenerateOptions::default().update)]
    update: Update,
    /// How the step α towards the tables shrinks from round to round [paper: step]
    #[arg(long, value_enum, default_value_t = GenerateOptions::default().decay)]
    decay: Decay,
    /// Largest number of rounds of updates; fewer if the error converges [paper: 200]
    #[arg(long, value_name = "N", default_value_t = GenerateOptions::default().rounds)]
    rounds: u32,
    /// Also write the guarantee and the fitness of the trace for tasks as a page, from the measurements alone: readers may have it
    #[arg(long, value_name = "REPORT.html")]
    pub html: Option<PathBuf>,
}

/// Writes the release report as a page.
pub fn write_report(path: &Path, statement: &Statement, made: &Made) -> Result<(), LocalError> {
    let Some(fidelity) = &made.fidelity else { return Ok(()) };
    let condition = made.condition.as_ref().map(ToString::to_string);
    let shown = Shown { fidelity, statement, convergence: &made.convergence, condition, kept: None };
    let mut file = NewFile::plain(path)?;
    let written = file.write_all(release::page(&shown).as_bytes());
    written.map_err(|source| LocalError::Write { path: path.into(), source })?;
    file.publish()
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum MethodName {
    /// Bins, pairs and triples follow the data as far as noise allows
    Adaptive,
    /// The paper's method: fixed bins or paid trees, pairs chosen by DenseMarg
    Netdpsyn,
    /// Independent columns: the baseline
    Independent,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum StructureName {
    /// As in the trace, where the schema says what a source and a destination is: .107 of the budget where there are times, .077 else
    Auto,
    /// Single records: the whole budget for what each of them is
    None,
}

impl RowsArgs {
    /// What to generate, but for the condition, which a model is needed for; tells on standard error what was rounded and which seed was drawn.
    pub fn request(&self) -> Request {
        let rows = self.rows.map(|rows| {
            let rounded = rounded_rows(rows);
            eprintln!("note: {rounded} records, set by hand and rounded to two digits");
            rounded
        });
        let seed = self.seed.unwrap_or_else(|| {
            let drawn = rand::random();
            eprintln!("note: --seed {drawn}");
            drawn
        });
        let (start, update, decay, rounds) = (self.start, self.update, self.decay, self.rounds);
        Request { rows, seed, options: GenerateOptions { start, update, decay, rounds }, condition: None }
    }
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let guarantee =
            Guarantee::new(self.epsilon, self.delta).map_err(|error| Failure::Usage(error.to_string()))?;
        let method = match self.method {
            MethodName::Adaptive => Method::Adaptive,
            MethodName::Netdpsyn => Method::Netdpsyn,
            MethodName::Independent => Method::Independent,
        };
        let structure = match self.structure {
            StructureName::Auto => Structure::Auto,
            StructureName::None => Structure::None,
        };
        let Args { max_cells, clique_cells, gaps, .. } = self;
        let options = fit::FitOptions { max_cells, clique_cells, gaps, structure };
        if let Some((_, reason)) = options.fault() {
            return Err(Failure::Usage(reason.into()));
        }
        let plan = || Plan { options, ..Plan::new(guarantee, method) };
        let source = self.trace.source()?;
        let request = self.rows.request();
        let form = self.output.form()?;
        let report = self.rows.html.as_deref();
        let outputs = Outputs {
            trace: self.output.output,
            form,
            bundle: self.bundle,
            held_out: self.hold_out,
            fitted: self.fitted,
            report: report.is_some(),
        };
        let taken = |path: &&Path| *path == source.path || outputs.paths().any(|other| other == *path);
        if let Some(path) = report.filter(taken) {
            return Err(LocalError::SamePath(path.into()).into());
        }
        let bar = Bar::new();
        let accepted = Accepted { noise: self.accept_noise, outside: self.accept_outside };
        let condition = self.rows.condition.as_ref();
        let done = local::synthesize(&source, plan(), &request, condition, &outputs, accepted, &bar)?;
        drop(bar);
        if let Some(path) = report {
            write_report(path, &done.bundle.statement, &done.made)?;
        }
        let private = report::parse_report(&done.report);
        for line in private.lines() {
            eprintln!("private: {line}");
        }
        println!("{}", report::synthesis(&done.bundle, &done.made));
        // By the noisy number of records, so that it may be shown.
        let foretold = foretell::foretold(&plan(), &done.bundle.schema, done.made.records);
        // What was measured are whole traces.
        if let Some(foretold) = foretold.filter(|_| condition.is_none()) {
            println!("Foretold, from public traces\n  {}\n", report::foretold(&foretold));
        }
        for (at, path) in outputs.paths().chain(report).enumerate() {
            println!("{} {}", if at == 0 { "Written:" } else { "        " }, path.display());
        }
        Ok(())
    }
}
