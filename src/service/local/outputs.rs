//! The files that a use case writes, and their formats.

use super::LocalError;
use crate::formats::{OutputFormat, TraceWriter};
use crate::progress::Halted;
use crate::trace::Schema;
use crate::trace::layouts::{Layout, layout};
use std::io;
use std::path::{Path, PathBuf};

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

    pub(super) fn format(self, path: &Path) -> Result<OutputFormat, LocalError> {
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
    pub(super) fn fitting(self, path: &Path, schema: &Schema) -> Result<OutputFormat, LocalError> {
        fitting(path, self.format(path)?, schema)
    }

    /// What writes a trace so, and the columns that are not in it.
    pub(in crate::service) fn writer<W: io::Write>(
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

/// Where raw records are written, and in what.
pub(super) fn raw_file(path: &Option<PathBuf>) -> Result<Option<(&Path, OutputFormat)>, LocalError> {
    path.as_deref().map(|path| Ok((path, format_of(path, None)?))).transpose()
}

/// A format, if a trace of this schema can be written in it.
pub(super) fn fitting(
    path: &Path,
    format: OutputFormat,
    schema: &Schema,
) -> Result<OutputFormat, LocalError> {
    match format.unfit(schema) {
        Some(reason) => Err(LocalError::NoCapture { path: path.into(), reason }),
        None => Ok(format),
    }
}

pub(super) fn unwritten(path: &Path, error: Halted) -> LocalError {
    match error {
        Halted::Io(source) => LocalError::Write { path: path.into(), source },
        Halted::Cancelled(cancelled) => cancelled.into(),
    }
}

/// What a file is written in: as asked for, else by the end of its name, else CSV.
pub(in crate::service) fn format_of(
    path: &Path,
    asked: Option<OutputFormat>,
) -> Result<OutputFormat, LocalError> {
    let end = |path: &Path| path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    let zipped = end(path) == "gz";
    let inner = if zipped { path.with_extension("") } else { path.into() };
    let format = asked.or(OutputFormat::of_extension(&end(&inner))).unwrap_or_default();
    match zipped && format.is_packed() {
        true => Err(LocalError::PackedTwice(path.into())),
        false => Ok(format),
    }
}
