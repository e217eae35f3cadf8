//! The command line: arguments in, a use case of [`crate::service`] called, its outcome printed. Thin.

mod admin;
mod backup;
mod discretize;
mod evaluate;
mod evaluation;
mod generate;
mod inspect;
mod output;
mod pipe;
mod progress;
mod reading_args;
mod report;
mod sample;
mod serve;
mod settings;
mod sparks;
mod split;
mod synthesize;
mod trace_args;
mod verify;

use crate::formats::ReadError;
use crate::formats::Steward;
use crate::service::local::LocalError;
use clap::{Parser, Subcommand};
use std::panic;
use std::process::ExitCode;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    a file cannot be read or written
  2    wrong usage, or something is not declared
  3    the trace or bundle was refused, or a fit that would mislead
  4    the privacy budget does not allow it
  130  cancelled";

/// Differentially private synthetic network traces.
///
/// Turns a raw trace of flows or packet headers into a synthetic one that keeps its statistics and protects every record of
/// it. Start with `netdpsyn inspect TRACE.csv`, or try it on a simulated trace: `netdpsyn sample flows -o flows.csv`.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the REST API and work on jobs
    Serve(serve::Serve),
    /// Make a synthetic trace from a raw one: fit, generate, and state the guarantee
    Synthesize(synthesize::Args),
    /// Make a further trace from a measurement bundle; needs no raw data and costs no privacy
    Generate(generate::Args),
    /// Compare a synthetic trace with the raw one; the result is private to the trace's steward
    Evaluate(evaluate::Args),
    /// Examine a raw trace: proposed schema, unreadable records with the reasons, and missing declarations
    Inspect(inspect::Args),
    /// Bin a raw trace and draw values from the bins, without noise: the error of binning alone. For lab use
    Discretize(discretize::Args),
    /// Cut a trace for lab use: every fifth row is held out
    Split(split::Args),
    /// Simulate a trace for experiments
    Sample(sample::Args),
    /// Check a published file against the signature of its release
    Verify(verify::Args),
    /// Administer the service on its machine
    Admin(admin::Args),
    /// Show the service's settings
    Config(serve::ConfigArgs),
    /// Print the OpenAPI document of the REST API
    Openapi(serve::OpenApi),
}

/// Parses the arguments and does what they say. Where what it prints is not read to its end, that is no failure.
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    pipe::quietly(panic::AssertUnwindSafe(|| done(command))).unwrap_or(ExitCode::SUCCESS)
}

fn done(command: Command) -> ExitCode {
    let done = match command {
        Command::Synthesize(args) => args.run(),
        Command::Generate(args) => args.run(),
        Command::Evaluate(args) => args.run(),
        Command::Inspect(args) => args.run(),
        Command::Discretize(args) => args.run(),
        Command::Split(args) => args.run(),
        Command::Sample(args) => args.run(),
        Command::Serve(args) => args.run(),
        Command::Config(args) => args.run(),
        Command::Verify(args) => args.run(),
        Command::Admin(args) => args.run(),
        Command::Openapi(args) => args.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Why a command failed.
enum Failure {
    /// The use case failed.
    Local(LocalError),
    /// An argument that clap could not judge.
    Usage(String),
    /// A file cannot be used as it stands.
    Unusable(String),
    /// The server cannot start or work.
    Server(String),
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        Failure::Local(error)
    }
}

impl Failure {
    /// Prints the failure and gives its exit code.
    fn report(self) -> ExitCode {
        let error = match self {
            Failure::Usage(text) => {
                eprintln!("error: {text}");
                return ExitCode::from(2);
            }
            Failure::Unusable(text) => {
                eprintln!("error: {text}");
                return ExitCode::from(3);
            }
            Failure::Server(text) => {
                eprintln!("error: {text}");
                return ExitCode::from(1);
            }
            Failure::Local(error) => error,
        };
        let code = match &error {
            LocalError::Schema(_)
            | LocalError::Preset(_)
            | LocalError::SchemaFile { .. }
            | LocalError::SamePath(_)
            | LocalError::PackedTwice(_)
            | LocalError::OnlyCsv(_)
            | LocalError::NoCapture { .. }
            | LocalError::Condition(_)
            | LocalError::Looks(_)
            | LocalError::Unrecognised(_) => 2,
            LocalError::Read { source: ReadError::Io(_), .. }
            | LocalError::Write { .. }
            | LocalError::Randomness(_) => 1,
            LocalError::Read { .. } | LocalError::Bundle(_) | LocalError::Unconfirmed(_) => 3,
            LocalError::Fit(crate::fit::FitError::Cancelled(_)) | LocalError::Cancelled(_) => 130,
            LocalError::Fit(_) => 4,
        };
        // The reason why a fit would mislead depends on the raw records.
        match &error {
            LocalError::Unconfirmed(_) => {
                eprintln!("error: the fit would mislead; nothing was measured\nprivate: {error}");
            }
            // Without a header the records say what a file looks like.
            LocalError::Looks(_) => eprintln!("error: name its layout with --layout\nprivate: {error}"),
            error => eprintln!("error: {error}"),
        }
        let (report, advice) = match error {
            LocalError::Read { source: ReadError::BadRecords(report), .. } => {
                (report, "Mend the file, or skip such records with --tolerance SHARE.")
            }
            LocalError::Read { source: ReadError::Mixture(report), .. } => (
                report,
                "Write the whole column in one notation; the first record that can be read told which.",
            ),
            _ => return ExitCode::from(code),
        };
        for line in report::bad_records(&report.for_steward(&Steward::local())).lines() {
            eprintln!("private: {}", line.trim_start());
        }
        eprintln!("{advice}");
        ExitCode::from(code)
    }
}
