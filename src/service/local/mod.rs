//! Use cases on local files: the user has the raw trace and acts as its steward.
//!
//! There is no ledger here. Each run's statement covers that run alone and says that repeated runs add up.

mod inspect;
mod outputs;
mod source;

use super::acceptance::{Accepted, Unconfirmed};
use super::new_file::{self, NewFile};
use crate::evaluate::private::{self, Inputs, Measure};
use crate::evaluate::release::{Fidelity, Slices};
use crate::fit::keys::NoiseKey;
use crate::fit::split::{SplitKey, split as split_by};
use crate::fit::{self, FitError, Plan};
use crate::formats::{self, Near, OutputFormat, ParseReport, ReadError};
use crate::formats::{Private, Sensitive, Steward};
use crate::generate::{self, Asked, ConditionError, Request, gum::Convergence};
use crate::model::{Bundle, BundleError, Model, reconcile::Reconciliation};
use crate::progress::{Cancelled, Halted, Progress};
use crate::trace::layouts;
use crate::trace::{Schema, SchemaError, Trace};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

pub use inspect::{Inspection, LeftOut, inspect};
pub(super) use outputs::format_of;
pub use outputs::{Form, Outputs};
pub use source::Source;

use outputs::{fitting, raw_file, unwritten};
use source::nearest;

/// Failure of a local use case.
#[derive(Debug, Error)]
pub enum LocalError {
    /// The declaration is incomplete or wrong.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A layout that does not exist.
    #[error("there is no layout {0:?}; layouts are: {names}", names = layouts::names().collect::<Vec<_>>().join(", "))]
    Preset(String),
    /// A layout that was told by records alone.
    #[error("the file looks like layout {0}, but only its records suggest so: confirm it with --layout {0}")]
    Looks(&'static str),
    /// A schema file that cannot be used.
    #[error("{path}: {reason}")]
    SchemaFile {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// No layout was named and the header fits none.
    #[error("the columns fit no layout{}: describe them with --schema, which netdpsyn inspect --schema-out proposes, or say what they mean with --role", nearest(.0.as_ref()))]
    Unrecognised(Option<Near>),
    /// The trace was refused.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The steward has not confirmed a fit that would mislead.
    #[error("{0}, or confirm it with {flag}", flag = match .0 { Unconfirmed::TooLittle { .. } => "--accept-noise", Unconfirmed::Outside(_) => "--accept-outside" })]
    Unconfirmed(Unconfirmed),
    /// The fit ended without measurements.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The condition cannot be met.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A columnar file under a name that says gzip.
    #[error("{0}: Parquet and Arrow files are compressed internally; omit .gz")]
    PackedTwice(PathBuf),
    /// A packet capture of what are no packets, or something else where one is asked for.
    #[error("{path}: {reason}")]
    NoCapture {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another format than the one that a command writes.
    #[error("{0}: the parts are written as CSV; name them .csv or .csv.gz")]
    OnlyCsv(PathBuf),
    /// One file for two things.
    #[error("{0} is given for two different files")]
    SamePath(PathBuf),
    /// The system gives no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(io::Error),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Result of a synthesis, besides its files.
pub struct Synthesis {
    /// The paid measurements.
    pub bundle: Bundle,
    /// Convergence of the generation.
    pub made: Made,
    /// What reading the raw trace found, for the steward who runs this.
    pub report: ParseReport,
}

/// A synthetic trace that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// N̂: the records of the raw trace, as far as the noise tells.
    pub records: f64,
    /// Records written.
    pub rows: usize,
    /// Rounds and rest of reconciling.
    pub reconciled: Reconciliation,
    /// Distance of the records to the model.
    pub convergence: Convergence,
    /// Which categories they were to have: they are not the raw mix then.
    pub condition: Option<Asked>,
    /// Columns of the layout that was asked for which do not follow from those of the trace.
    pub missing: Vec<String>,
    /// What of the records stands otherwise in what was written.
    pub notes: Vec<String>,
    /// Every measured marginal beside the records, where a report was asked for.
    pub fidelity: Option<Fidelity>,
}

/// The whole path, a raw trace in and a synthetic one out: read, fit, generate, write. What would mislead is refused before anything is measured, unless it
/// is accepted.
pub fn synthesize(
    source: &Source,
    mut plan: Plan,
    request: &Request,
    condition: Option<&Asked>,
    outputs: &Outputs,
    accepted: Accepted,
    progress: &dyn Progress,
) -> Result<Synthesis, LocalError> {
    let paths: Vec<&Path> = std::iter::once(source.path.as_path()).chain(outputs.paths()).collect();
    if let Some(twice) = paths.iter().enumerate().find(|(i, path)| paths[..*i].contains(path)) {
        return Err(LocalError::SamePath(twice.1.to_path_buf()));
    }
    outputs.form.format(&outputs.trace)?;
    let (held_out_to, fitted_to) = (raw_file(&outputs.held_out)?, raw_file(&outputs.fitted)?);
    let bound = source.bind(progress)?;
    bound.schema.check_complete()?;
    outputs.form.fitting(&outputs.trace, &bound.schema)?;
    for (path, format) in [held_out_to, fitted_to].into_iter().flatten() {
        fitting(path, format, &bound.schema)?;
    }
    let bound = bound.with_scratch(new_file::folder_of(&outputs.trace));
    plan.check_families(&bound.schema)?;
    if let Some(condition) = condition {
        condition.values(&bound.schema)?;
    }
    if held_out_to.is_some() {
        plan.hold_out = Some(SplitKey::from_os().map_err(LocalError::Randomness)?);
    }
    let key = NoiseKey::from_os().map_err(LocalError::Randomness)?;
    let (trace, report) = source.read(&bound, progress)?;
    let report = report.for_steward(&Steward::local());
    let hold_out = plan.hold_out.is_some();
    if let Some(unconfirmed) = Unconfirmed::of(&plan, hold_out, &bound.schema, &report, accepted) {
        return Err(LocalError::Unconfirmed(unconfirmed));
    }
    let fitted = fit::fit(trace, &bound.schema, &plan, &key, progress)?;
    if let Some(path) = &outputs.bundle {
        let mut file = NewFile::plain(path)?;
        fitted.bundle.write(&mut file)?;
        file.publish()?;
    }
    let made =
        make(&fitted.bundle, request, condition, (&outputs.trace, outputs.form, outputs.report), progress)?;
    // Raw records come last, so that a run that fails leaves none.
    if let (Some(to), Some(held_out)) = (held_out_to, fitted.held_out) {
        write_raw(to, &held_out, &bound.schema, progress)?;
    }
    if let (Some(to), Some(key)) = (fitted_to, &plan.hold_out) {
        // The same key takes the same records apart again.
        let (trace, _) = source.read(&bound, progress)?;
        let (fitted, _) = split_by(trace, &bound.schema, key, progress).map_err(FitError::from)?;
        write_raw(to, &fitted, &bound.schema, progress)?;
    }
    Ok(Synthesis { bundle: fitted.bundle, made, report })
}

/// Generates a further trace from a bundle, compared with what was measured where a `report` is asked for: needs no raw data and costs no privacy.
pub fn generate(
    bundle: &Path,
    request: &Request,
    condition: Option<&Asked>,
    output: &Path,
    form: Form,
    report: bool,
    progress: &dyn Progress,
) -> Result<(Bundle, Made), LocalError> {
    form.format(output)?;
    let file = std::fs::File::open(bundle).map_err(BundleError::Io)?;
    let bundle = Bundle::read(io::BufReader::new(file))?;
    let made = make(&bundle, request, condition, (output, form, report), progress)?;
    Ok((bundle, made))
}

fn make(
    bundle: &Bundle,
    request: &Request,
    condition: Option<&Asked>,
    (output, form, report): (&Path, Form, bool),
    progress: &dyn Progress,
) -> Result<Made, LocalError> {
    let format = form.fitting(output, &bundle.schema)?;
    let model = Model::from_bundle(bundle, progress)?;
    let on_model = condition.map(|condition| condition.on(&model)).transpose()?;
    let request = Request { condition: on_model, ..request.clone() };
    // What does not fit into memory stands beside the trace while it is made.
    let folder = new_file::folder_of(output);
    let unwritten = |error| unwritten(output, error);
    let made = generate::make(&model, &request, Some(folder), progress).map_err(unwritten)?;
    let (rows, convergence) = (made.rows, made.convergence);
    let mut file = NewFile::create(output)?;
    let statement = serde_json::to_string(&bundle.statement).ok();
    // How the raw trace was laid out, the model does not need to know.
    let schema = Schema { reading: bundle.schema.reading.clone(), ..model.schema.clone() };
    let writer = form.writer(format, &schema, &mut file, (rows as u64, statement));
    let written = writer.map_err(Halted::Io).and_then(|(mut writer, missing)| {
        let mut slices = if report { Some(Slices::of(bundle, rows, folder)?) } else { None };
        made.in_order(progress, |slice| {
            writer.write(&slice, progress)?;
            slices.as_mut().map_or(Ok(()), |slices| slices.add(&slice, progress))
        })?;
        let notes = writer.notes();
        writer.finish(progress)?;
        let fidelity = slices.map(|slices| slices.report(model.records, progress)).transpose()?;
        Ok((missing, notes, fidelity))
    });
    let (missing, notes, fidelity) = written.map_err(unwritten)?;
    file.publish()?;
    let condition = condition.cloned();
    let (records, reconciled) = (model.records, model.reconciled);
    Ok(Made { records, rows, reconciled, convergence, condition, missing, notes, fidelity })
}

/// Compares a synthetic trace with the raw one and, where there are some, with raw records that were held out. Takes
/// the measures of `only`, all where it names none.
pub fn evaluate(
    real: &Source,
    held_out: Option<&Path>,
    synthetic: &Path,
    only: &[Measure],
    progress: &dyn Progress,
) -> Result<Private<private::PrivateReport>, LocalError> {
    let bound = real.bind(progress)?;
    // A window is not needed here, but without its categories a column could not be told apart.
    let mut open = bound.schema.undeclared().into_iter();
    if let Some(error) = open.find(|e| matches!(e, SchemaError::NoCategories { .. })) {
        return Err(error.into());
    }
    let like = |path: &Path| {
        formats::bind_like(path, &bound, progress)
            .map_err(|source| LocalError::Read { path: path.into(), source })
    };
    // Columns are looked for in every file before any is read.
    let (like_synthetic, like_held_out) = (like(synthetic)?, held_out.map(like).transpose()?);
    let (trace, _) = real.read(&bound, progress)?;
    let held_out = match held_out.zip(like_held_out) {
        None => None,
        Some((path, like)) => {
            let source = Source { path: path.into(), ..real.clone() };
            some_records(source.read(&like, progress))?.map(|(trace, _)| trace)
        }
    };
    let refused = |source| LocalError::Read { path: synthetic.into(), source };
    let synthetic = formats::read_synthetic(synthetic, &like_synthetic, progress).map_err(refused);
    let synthetic = some_records(synthetic)?.unwrap_or_else(|| Trace::empty(&bound.schema));
    let schema = &bound.schema;
    Ok(private::evaluate(Inputs { real: trace, held_out, synthetic: &synthetic, schema, only }, progress)?)
}

/// What was read, if the file has any records: a comparison has something to say without them.
fn some_records<T>(read: Result<T, LocalError>) -> Result<Option<T>, LocalError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(LocalError::Read { source: ReadError::NoRecords, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The lab's hold-out: of rows counted from 0, every one with i % 5 = 4 goes to `held_out`, the others to `kept`. Returns how many
/// went to each. Not for the service: one row more or less moves all later ones.
pub fn split(
    input: &Path,
    kept: &Path,
    held_out: &Path,
    progress: &dyn Progress,
) -> Result<(u64, u64), LocalError> {
    for path in [kept, held_out] {
        if format_of(path, None)? != OutputFormat::Csv {
            return Err(LocalError::OnlyCsv(path.into()));
        }
    }
    let mut files = (NewFile::create(kept)?, NewFile::create(held_out)?);
    let counts =
        formats::split_rows(input, &mut files.0, &mut files.1, progress).map_err(|error| match error {
            ReadError::Cancelled(cancelled) => cancelled.into(),
            source => LocalError::Read { path: input.into(), source },
        })?;
    files.0.publish()?;
    files.1.publish()?;
    Ok(counts)
}

/// Writes a trace; the file appears only when complete.
pub fn write_trace(
    path: &Path,
    trace: &Trace,
    schema: &Schema,
    progress: &dyn Progress,
) -> Result<(), LocalError> {
    let format = fitting(path, format_of(path, None)?, schema)?;
    let mut file = NewFile::create(path)?;
    formats::write_as(format, trace, schema, &mut file, progress).map_err(|error| unwritten(path, error))?;
    file.publish()
}

/// Writes raw records, readable by their owner alone.
pub(super) fn write_raw(
    (path, format): (&Path, OutputFormat),
    trace: &Sensitive<Trace>,
    schema: &Schema,
    progress: &dyn Progress,
) -> Result<(), LocalError> {
    let mut file = NewFile::private(path)?;
    let written = formats::write_raw(format, trace, schema, &mut file, progress);
    written.for_steward(&Steward::local()).map_err(|error| unwritten(path, error))?;
    file.publish()
}
