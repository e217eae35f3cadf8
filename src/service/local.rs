//! Use cases on local files: the user has the raw trace and acts as its steward.
//!
//! There is no ledger here. Each run's statement covers that run alone and says that repeated runs add up.

use super::acceptance::{Accepted, Unconfirmed};
use super::new_file::{self, NewFile};
use crate::evaluate::private::{self, Inputs, Measure};
use crate::evaluate::release::{Fidelity, Slices};
use crate::fit::keys::NoiseKey;
use crate::fit::split::{SplitKey, split as split_by};
use crate::fit::{self, FitError, Plan};
use crate::formats::{
    self, Amended, Bound, Limits, Looks, Near, OutputFormat, ParseReport, ReadError, ReadOptions, ToldBy,
    TraceWriter, hints::Hints,
};
use crate::formats::{Private, Sensitive, Steward};
use crate::generate::{self, Asked, ConditionError, Request, gum::Convergence};
use crate::model::{Bundle, BundleError, Model, reconcile::Reconciliation};
use crate::progress::{Cancelled, Halted, Progress};
use crate::trace::layouts::{self, Layout, layout};
use crate::trace::{Families, Grain, Reading, RecordKind, Role, Schema, SchemaError, Trace, Window};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempPath;
use thiserror::Error;

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

/// The layout that is nearest, and what it has beside.
fn nearest(near: Option<&Near>) -> String {
    let Some(Near { layout, missing, .. }) = near else { return String::new() };
    format!(", the nearest is {}, which needs {} beside", layout.schema.name, missing.join(", "))
}

/// A raw trace and what its steward declares about it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// A layout's name.
    pub preset: Option<String>,
    /// A file with a custom schema.
    pub schema: Option<PathBuf>,
    /// The capture window.
    pub window: Option<Window>,
    /// Categories by column.
    pub categories: Vec<(String, Vec<String>)>,
    /// Cells beside the type, by column.
    pub special: Vec<(String, Vec<String>)>,
    /// Meanings of columns, overriding or completing the layout.
    pub roles: Vec<(String, Role)>,
    /// Families of addresses, overriding the layout.
    pub addresses: Option<Families>,
    /// Files with networks by address column, one a line.
    pub networks: Vec<(String, PathBuf)>,
    /// Grain of times.
    pub grain: Option<Grain>,
    /// The largest packet of a flow.
    pub mtu: Option<u16>,
    /// Layout of the text, where the schema does not say it.
    pub reading: Reading,
    /// Share of bad records that may be skipped.
    pub tolerance: f64,
    /// The file itself, where it came through standard input: it goes with the last who holds it.
    pub spooled: Option<Arc<TempPath>>,
}

impl Source {
    /// The declared schema, fitted to the file. It may still lack a window or categories.
    pub fn bind(&self, progress: &dyn Progress) -> Result<Bound, LocalError> {
        let schema = match (&self.schema, &self.preset) {
            (Some(path), _) => read_schema(path)?,
            (None, Some(name)) => schema_of(layout(name).ok_or_else(|| LocalError::Preset(name.clone()))?),
            (None, None) => self.recognised(&self.looks(progress)?)?,
        };
        self.bind_as(schema, progress)
    }

    /// Detected format.
    fn looks(&self, progress: &dyn Progress) -> Result<Looks, LocalError> {
        formats::recognise(&self.path, &self.reading, progress).map_err(|source| self.refused(source))
    }

    /// The schema of the layout that the header tells, or of the roles that are declared.
    fn recognised(&self, looks: &Looks) -> Result<Schema, LocalError> {
        let whole = || looks.near.iter().filter(|near| near.missing.is_empty());
        if let Some(near) = whole().find(|near| near.told_by == ToldBy::Header) {
            return Ok(schema_of(near.layout));
        }
        if let Some((_, first)) = self.roles.first() {
            let packets = *first == Role::Length || self.roles.iter().any(|(_, role)| *role == Role::Length);
            let kind = if packets { RecordKind::Packet } else { RecordKind::Flow };
            let (columns, facts, reading) = (vec![], vec![], Reading::default());
            return Ok(Schema { name: "own".into(), kind, columns, facts, mtu: None, window: None, reading });
        }
        if let Some(near) = whole().next() {
            return Err(LocalError::Looks(near.layout.name()));
        }
        Err(match (looks.is_record, looks.header_of_one) {
            (true, _) => self.refused(ReadError::NoHeader),
            (false, Some(cells)) => self.refused(ReadError::HeaderOfOne { cells }),
            (false, None) => LocalError::Unrecognised(looks.near.first().cloned()),
        })
    }

    /// A schema for what no preset fits, and the columns that it leaves out.
    fn propose(&self, looks: &Looks, progress: &dyn Progress) -> Result<(Bound, LeftOut), LocalError> {
        // What has most of a layout's columns is laid out as that is.
        let near = looks.near.first().filter(|near| near.found > near.missing.len());
        let laid_out = near.map(|near| Reading {
            only: vec![],
            times: None,
            ends: None,
            ..near.layout.schema.reading.clone()
        });
        let reading = self.reading.clone().over(laid_out.unwrap_or_default());
        let proposal = formats::propose(&self.path, &reading, progress);
        let proposal = proposal.map_err(|error| self.refused(error))?.for_steward(&Steward::local());
        Ok((self.bind_as(proposal.schema, progress)?, proposal.left_out))
    }

    fn bind_as(&self, mut schema: Schema, progress: &dyn Progress) -> Result<Bound, LocalError> {
        if self.window.is_some() {
            schema.window = self.window;
        }
        // An end follows from a start, whichever is named first.
        let ends = |(_, role): &&(String, Role)| *role == Role::End;
        for (column, role) in self.roles.iter().filter(|own| !ends(own)).chain(self.roles.iter().filter(ends))
        {
            schema.declare_role(column, *role)?;
        }
        if let Some(families) = self.addresses {
            schema.declare_families(families)?;
        }
        for (column, values) in &self.categories {
            schema.declare_categories(column, values.clone())?;
        }
        for (column, cells) in &self.special {
            schema.declare_special(column, cells)?;
        }
        for (column, path) in &self.networks {
            let refused = |reason: String| LocalError::SchemaFile { path: path.clone(), reason };
            let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            let networks: Vec<String> = lines.map(String::from).collect();
            schema.declare_networks(column, &networks)?;
        }
        if let Some(grain) = self.grain {
            schema.declare_grain(grain)?;
        }
        schema.mtu = self.mtu.or(schema.mtu);
        schema.reading = self.reading.clone().over(schema.reading);
        schema.check()?;
        schema.check_notations()?;
        // Whose machine it is knows how large a file to unpack on it.
        formats::bind(&self.path, schema, Limits::NONE, progress).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: ReadError) -> LocalError {
        match source {
            ReadError::Cancelled(cancelled) => cancelled.into(),
            ReadError::Schema(error) => error.into(),
            source => LocalError::Read { path: self.path.clone(), source },
        }
    }

    pub(super) fn read(
        &self,
        bound: &Bound,
        progress: &dyn Progress,
    ) -> Result<(Sensitive<Trace>, Private<ParseReport>), LocalError> {
        let options = ReadOptions { tolerance: self.tolerance, limits: Limits::NONE };
        formats::read(&self.path, bound, options, progress).map_err(|source| self.refused(source))
    }
}

fn schema_of(layout: &Layout) -> Schema {
    layout.schema.clone()
}

fn read_schema(path: &Path) -> Result<Schema, LocalError> {
    let refused = |reason: String| LocalError::SchemaFile { path: path.into(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| refused(format!("not a schema: {error}")))
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

/// Outputs of a synthesis.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// The synthetic trace.
    pub trace: PathBuf,
    /// Output format.
    pub form: Form,
    /// The measurement bundle.
    pub bundle: Option<PathBuf>,
    /// Raw records held out before measuring; they are as raw as the input.
    pub held_out: Option<PathBuf>,
    /// The raw records that were measured, where others were held out.
    pub fitted: Option<PathBuf>,
    /// Whether the records are compared with what was measured.
    pub report: bool,
}

impl Outputs {
    /// The files that are written, the trace first.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let others = [&self.bundle, &self.held_out, &self.fitted];
        std::iter::once(self.trace.as_path()).chain(others.into_iter().filter_map(Option::as_deref))
    }
}

/// Output format of a trace.
#[derive(Clone, Copy, Debug, Default)]
pub enum Form {
    /// A columnar format where the file's name says so, else text laid out as the raw trace was.
    #[default]
    AsRead,
    /// A format, which is plain where it is text.
    Format(OutputFormat),
    /// A packet capture with this payload.
    Capture {
        /// Which, where the file's name does not say it.
        format: Option<OutputFormat>,
        /// Whether payloads are zeros, and not absent.
        zeros: bool,
    },
    /// Text in another layout, as far as its columns follow from those of the trace.
    Layout(&'static Layout),
}

impl Form {
    /// The layout of a name.
    pub fn layout(name: &str) -> Result<Form, LocalError> {
        layout(name).map(Form::Layout).ok_or_else(|| LocalError::Preset(name.into()))
    }

    fn format(self, path: &Path) -> Result<OutputFormat, LocalError> {
        match self {
            Form::AsRead => format_of(path, None),
            Form::Format(format) => format_of(path, Some(format)),
            Form::Layout(_) => format_of(path, Some(OutputFormat::Csv)),
            Form::Capture { format, .. } => {
                let reason = "--payload is what packets of a capture carry: name it .pcap or .pcapng, or give --format";
                let format = format_of(path, format)?;
                let refused = || LocalError::NoCapture { path: path.into(), reason: reason.into() };
                if format.is_capture() { Ok(format) } else { Err(refused()) }
            }
        }
    }

    /// The format of a file that a trace of this schema can be written in.
    fn fitting(self, path: &Path, schema: &Schema) -> Result<OutputFormat, LocalError> {
        fitting(path, self.format(path)?, schema)
    }

    /// What writes a trace so, and the columns that are not in it.
    pub(super) fn writer<W: io::Write>(
        self,
        format: OutputFormat,
        schema: &Schema,
        to: W,
        (rows, statement): (u64, Option<String>),
    ) -> io::Result<(TraceWriter<W>, Vec<String>)> {
        Ok(match self {
            Form::Layout(layout) => {
                let (schema, places, missing) = layout.from(schema);
                (TraceWriter::laid_out(&schema, &places, to, rows)?, missing)
            }
            Form::AsRead if format == OutputFormat::Csv => {
                let places: Vec<usize> = (0..schema.columns.len()).collect();
                (TraceWriter::laid_out(schema, &places, to, rows)?, Vec::new())
            }
            Form::Capture { zeros: true, .. } => {
                (TraceWriter::new(format, schema, to, rows, statement)?.with_zeros(), Vec::new())
            }
            _ => (TraceWriter::new(format, schema, to, rows, statement)?, Vec::new()),
        })
    }
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

/// What `inspect` finds: the proposed schema, what reading would skip, and private hints.
pub struct Inspection {
    /// The schema as far as the format tells it.
    pub schema: Schema,
    /// The same without the notations that were told from the file, which another file may have otherwise.
    pub declared: Schema,
    /// Missing declarations, each with its flag.
    pub open: Vec<SchemaError>,
    /// What the file looks like. The first line is private where it is a record.
    pub looks: Looks,
    /// Columns of the file that are not read.
    pub left_out: Vec<String>,
    /// What reading finds: kept and bad records; none where the file is refused.
    pub report: Option<Private<ParseReport>>,
    /// Reason.
    pub refused: Option<LocalError>,
    /// Values seen in columns that need a declaration.
    pub hints: Private<Hints>,
    /// Where no preset fits: the schema was read from the records, and this was left out of it. Both are private.
    pub proposed: Option<LeftOut>,
    /// A schema that reads more of the records, where some cannot be read.
    pub amended: Option<Private<Amended>>,
}

/// Columns that are left out of a proposed schema, and why.
pub type LeftOut = Vec<(String, &'static str)>;

/// Looks at a trace without spending anything; the result is the steward's.
pub fn inspect(source: &Source, progress: &dyn Progress) -> Result<Inspection, LocalError> {
    let looks = source.looks(progress)?;
    let named = source.preset.is_some() || source.schema.is_some();
    let schema = if named { None } else { Some(source.recognised(&looks)) };
    let (bound, proposed) = match schema {
        None => (source.bind(progress)?, None),
        Some(Ok(schema)) => (source.bind_as(schema, progress)?, None),
        Some(Err(LocalError::Looks(name))) => {
            let layout = layout(name).ok_or_else(|| LocalError::Preset(name.into()))?;
            (source.bind_as(schema_of(layout), progress)?, None)
        }
        Some(Err(
            LocalError::Unrecognised(_)
            | LocalError::Read { source: ReadError::NoHeader | ReadError::HeaderOfOne { .. }, .. },
        )) => {
            let (bound, left_out) = source.propose(&looks, progress)?;
            (bound, Some(left_out))
        }
        Some(Err(error)) => return Err(error),
    };
    // Everything is read, whatever its share of bad records, so that the report is complete.
    let options = ReadOptions { tolerance: 1.0, limits: Limits::NONE };
    let (report, refused) = match formats::check(&source.path, &bound, options, progress) {
        Ok(report) => (Some(report), None),
        Err(ReadError::BadRecords(report)) => (Some(*report), None),
        Err(ReadError::Cancelled(cancelled)) => return Err(cancelled.into()),
        Err(other) => (None, Some(source.refused(other))),
    };
    let amended = amended(source, &bound, progress)?;
    let hints = formats::hints::hints(&source.path, &bound, progress);
    let hints = hints.map_err(|error| source.refused(error))?;
    let open = bound.schema.undeclared();
    let declared = bound.declared();
    let left_out = bound.ignored;
    Ok(Inspection {
        schema: bound.schema,
        declared,
        looks,
        left_out,
        open,
        report,
        refused,
        hints,
        proposed,
        amended,
    })
}

/// What could be declared beside a schema; of how cells are written only what was declared holds.
fn amended(
    source: &Source,
    bound: &Bound,
    progress: &dyn Progress,
) -> Result<Option<Private<Amended>>, LocalError> {
    formats::amend(&source.path, &bound.declared(), Limits::NONE, progress)
        .map_err(|error| source.refused(error))
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

/// Where raw records are written, and in what.
fn raw_file(path: &Option<PathBuf>) -> Result<Option<(&Path, OutputFormat)>, LocalError> {
    path.as_deref().map(|path| Ok((path, format_of(path, None)?))).transpose()
}

/// What a file is written in: as asked for, else by the end of its name, else CSV.
pub(super) fn format_of(path: &Path, asked: Option<OutputFormat>) -> Result<OutputFormat, LocalError> {
    let end = |path: &Path| path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    let zipped = end(path) == "gz";
    let inner = if zipped { path.with_extension("") } else { path.into() };
    let format = asked.or(OutputFormat::of_extension(&end(&inner))).unwrap_or_default();
    match zipped && format.is_packed() {
        true => Err(LocalError::PackedTwice(path.into())),
        false => Ok(format),
    }
}

/// A format, if a trace of this schema can be written in it.
fn fitting(path: &Path, format: OutputFormat, schema: &Schema) -> Result<OutputFormat, LocalError> {
    match format.unfit(schema) {
        Some(reason) => Err(LocalError::NoCapture { path: path.into(), reason }),
        None => Ok(format),
    }
}

fn unwritten(path: &Path, error: Halted) -> LocalError {
    match error {
        Halted::Io(source) => LocalError::Write { path: path.into(), source },
        Halted::Cancelled(cancelled) => cancelled.into(),
    }
}
