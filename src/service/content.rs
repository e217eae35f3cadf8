//! A release's trace in the format, or laid out in the way, that is asked for. One form is stored, CSV; the others are made of it when somebody wants them, and kept
//! beside the artifacts while they are wanted.

use super::app::{App, Caller};
use super::disk;
use super::local::Form;
use super::problem::Problem;
use super::releases;
use crate::formats::{self, OutputFormat};
use crate::model::Bundle;
use crate::progress::{Halted, Quiet};
use crate::storage::artifacts::Opened;
use crate::storage::models;
use crate::storage::releases::Release;
use crate::storage::{Kept, StorageError};
use crate::trace::Schema;
use crate::trace::layouts::layout;
use crate::trace::reading::Separator;
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// Retention of a derived form after its last read.
pub const UNREAD_FOR: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of derived forms on one disk; those that were read longest ago go first. One larger form is kept beside them.
const MOST: u64 = 4 << 30;
/// Tries at making a form that is gone before it is opened.
const TRIES: usize = 3;

/// A format of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContentFormat {
    /// Comma-separated text with a header line.
    Csv,
    /// Apache Parquet; the statement of privacy stands in its metadata under `netdpsyn`.
    Parquet,
    /// An Apache Arrow IPC file, with the same.
    Arrow,
    /// A packet capture, of a trace of packets; what packets carry is not in it.
    Pcap,
    /// The same in the newer format.
    Pcapng,
}

impl ContentFormat {
    /// All of them, the one first that is sent where any will do.
    pub const ALL: [ContentFormat; 5] = [
        ContentFormat::Csv,
        ContentFormat::Parquet,
        ContentFormat::Arrow,
        ContentFormat::Pcap,
        ContentFormat::Pcapng,
    ];

    fn output(self) -> OutputFormat {
        match self {
            ContentFormat::Csv => OutputFormat::Csv,
            ContentFormat::Parquet => OutputFormat::Parquet,
            ContentFormat::Arrow => OutputFormat::Arrow,
            ContentFormat::Pcap => OutputFormat::Pcap,
            ContentFormat::Pcapng => OutputFormat::Pcapng,
        }
    }

    /// Media type.
    pub fn media_type(self) -> &'static str {
        self.output().media_type()
    }

    /// File extension.
    pub fn extension(self) -> &'static str {
        self.output().extension()
    }
}

/// Query of a trace's content.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// The format; instead of `Accept`, for links.
    #[param(inline)]
    pub format: Option<ContentFormat>,
    /// Another text layout, instead of a format: `source` for that of the raw trace, or the name of a layout, as `zeek-conn`; of its columns those are written that follow from
    /// the trace's.
    #[param(example = "source")]
    pub layout: Option<String>,
}

/// The layout of the raw trace.
const SOURCE: &str = "source";

/// Requested form of a trace.
#[derive(Clone, Debug)]
pub struct Shape {
    form: Form,
    format: OutputFormat,
    /// File extension.
    pub extension: String,
    /// Media type.
    pub media_type: String,
}

impl ContentQuery {
    /// What is asked for: by a layout, else by a format, else by what is `preferred`.
    pub fn shape(&self, preferred: impl FnOnce() -> Option<ContentFormat>) -> Result<Shape, Problem> {
        let Some(name) = &self.layout else {
            let format = self.format.or_else(preferred);
            return format.map(Shape::plain).ok_or_else(|| {
                Problem::not_acceptable(&ContentFormat::ALL.map(ContentFormat::media_type).join(", "))
            });
        };
        if self.format.is_some_and(|format| format != ContentFormat::Csv) {
            return Err(Problem::invalid("layout", "a layout applies to text only: omit the format"));
        }
        Shape::laid_out(name)
    }
}

impl Shape {
    fn plain(format: ContentFormat) -> Shape {
        let charset = if format == ContentFormat::Csv { "; charset=utf-8" } else { "" };
        Shape {
            form: Form::Format(format.output()),
            format: format.output(),
            extension: format.extension().into(),
            media_type: format!("{}{charset}", format.media_type()),
        }
    }

    fn laid_out(name: &str) -> Result<Shape, Problem> {
        let text = |form, ending: &str, kind: &str| Shape {
            form,
            format: OutputFormat::Csv,
            extension: format!("{name}.{ending}"),
            media_type: format!("{kind}; charset=utf-8"),
        };
        if name == SOURCE {
            return Ok(text(Form::AsRead, "txt", "text/plain"));
        }
        let Some(layout) = layout(name) else {
            return Err(Problem::invalid(
                "layout",
                format!(
                    "there is no layout {name}; docs/LAYOUTS.md lists them, and {SOURCE} is that of the raw trace"
                ),
            ));
        };
        let form = Form::Layout(layout);
        Ok(match layout.schema.reading.separator {
            _ if layout.is_json() => text(form, "ndjson", "application/x-ndjson"),
            Some(Separator::Tab) => text(form, "tsv", "text/tab-separated-values"),
            None | Some(Separator::Comma) if layout.schema.reading.line.is_none() => {
                text(form, "csv", "text/csv")
            }
            _ => text(form, "txt", "text/plain"),
        })
    }

    /// Whether it is what is stored.
    fn is_stored(&self) -> bool {
        matches!(self.form, Form::Format(OutputFormat::Csv))
    }
}

/// A trace's content in one shape, opened. Who reads a draft is written down.
pub async fn content(app: &App, caller: &Caller, id: Uuid, shape: &Shape) -> Result<(Kept, Opened), Problem> {
    of(app, releases::content(app, caller, id).await?, shape).await
}

/// The content of a release that the caller may see.
pub(super) async fn of(app: &App, release: Release, shape: &Shape) -> Result<(Kept, Opened), Problem> {
    let id = release.id;
    if shape.is_stored() {
        let Release { trace_path: key, trace_sha256: sha256, bytes, .. } = release;
        let opened = app.artifacts.opened(&key).await?.ok_or_else(|| lost(id))?;
        return Ok((Kept { key, sha256, bytes: bytes as u64 }, opened));
    }
    // What is swept before it is opened is made again.
    for _ in 0..TRIES {
        let kept = match kept(app, id, &shape.extension)? {
            Some(kept) => kept,
            // Whoever asked may go: what is begun is kept for the next.
            None => {
                let made = tokio::spawn(derive(app.clone(), release.clone(), shape.clone()));
                made.await.unwrap_or_else(|error| {
                    tracing::error!(%error, release = %id, "a trace could not be written in another format");
                    Err(Problem::internal())
                })?
            }
        };
        if let Some(opened) = app.artifacts.opened(&kept.key).await? {
            return Ok((kept, opened));
        }
    }
    Err(lost(id))
}

fn lost(id: Uuid) -> Problem {
    tracing::error!(release = %id, "the trace of a release is missing");
    Problem::internal()
}

fn folder(id: Uuid) -> String {
    format!("derived/{id}")
}

fn kept(app: &App, id: Uuid, extension: &str) -> Result<Option<Kept>, Problem> {
    Ok(app.artifacts.kept(&folder(id), extension, app.clock().files())?)
}

/// Reason why a trace has no such form.
enum Unfit {
    /// Nothing of the layout follows from it.
    Layout,
    /// The format holds other records.
    Format(String),
}

/// Makes a form of a trace, one at a time: it takes all cores, and two who ask for the same want it once.
async fn derive(app: App, release: Release, shape: Shape) -> Result<Kept, Problem> {
    let _one = app.deriving.lock().await;
    let id = release.id;
    let Shape { form, format, extension, .. } = shape;
    if let Some(kept) = kept(&app, id, &extension)? {
        return Ok(kept);
    }
    disk::check(&app, release.bytes as u64)?;
    let mut tx = app.read("content.derive").await?;
    let model = models::find(&mut tx, release.tenant_id, release.model_id).await?;
    drop(tx);
    let bundle = app.artifacts.path(&model.ok_or_else(|| Problem::not_found("model"))?.bundle_path)?;
    let trace = app.artifacts.path(&release.trace_path)?;
    let scratch = app.artifacts.scratch().to_path_buf();
    let rows = release.row_count as u64;
    let written = tokio::task::spawn_blocking(move || {
        let bundle = Bundle::read(std::io::BufReader::new(std::fs::File::open(bundle)?));
        let bundle = bundle.map_err(std::io::Error::other)?;
        let statement = serde_json::to_string(&bundle.statement)?;
        let schema = bundle.schema.in_file();
        let file = tempfile::Builder::new().prefix(&format!("derived-{id}-")).tempfile_in(scratch)?;
        let to = std::io::BufWriter::with_capacity(1 << 16, file.as_file());
        if let Form::Layout(layout) = form
            && layout.from(&schema).1.is_empty()
        {
            return Ok(Err(Unfit::Layout));
        }
        if let Some(reason) = format.unfit(&schema) {
            return Ok(Err(Unfit::Format(reason)));
        }
        // What is stored is plain; how the source was laid out its schema says.
        let source = Schema { reading: bundle.schema.reading.clone(), ..schema.clone() };
        let written_as = if matches!(form, Form::AsRead) { &source } else { &schema };
        let (writer, _) = form.writer(format, written_as, to, (rows, Some(statement)))?;
        match formats::rewrite(&trace, &schema, writer, &Quiet) {
            Ok(()) => Ok(Ok(file.into_temp_path())),
            Err(Halted::Io(error)) => Err(error),
            Err(Halted::Cancelled(cancelled)) => Err(std::io::Error::other(cancelled)),
        }
    });
    let file = written.await.map_err(std::io::Error::other).flatten().map_err(StorageError::from)?;
    let file = file.map_err(|unfit| match unfit {
        Unfit::Layout => Problem::invalid("layout", "none of its columns follow from those of the trace"),
        Unfit::Format(reason) => Problem::unfit_for_format(&reason),
    })?;
    let bytes = std::fs::metadata(&file).map_err(StorageError::from)?.len();
    app.artifacts.make_room(bytes, MOST)?;
    let now = app.clock().files();
    let kept = app.artifacts.adopt_by_digest(&folder(id), &extension, &file, now).await?;
    tracing::info!(release = %id, form = extension, bytes, "converted a trace");
    Ok(kept)
}

/// Removes derived forms that nobody has read for `age`; how many.
pub fn sweep(app: &App, age: Duration) -> Result<usize, Problem> {
    match app.clock().files().checked_sub(age) {
        Some(before) => Ok(app.artifacts.forget_unread(before)?),
        None => Ok(0),
    }
}
