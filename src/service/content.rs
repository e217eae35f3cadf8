//! A release's trace in the format that is asked for. One form is stored, CSV; the others are made of it when somebody wants them, and kept beside
//! the artifacts while they are wanted.

use super::app::{App, Caller};
use super::disk;
use super::problem::Problem;
use super::releases;
use crate::formats::{self, OutputFormat, TraceWriter};
use crate::model::Bundle;
use crate::progress::{Halted, Quiet};
use crate::storage::artifacts::Opened;
use crate::storage::models;
use crate::storage::releases::Release;
use crate::storage::{Kept, StorageError};
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// How long a derived form is kept after it was last read.
pub const UNREAD_FOR: Duration = Duration::from_secs(24 * 3_600);
/// Bytes of derived forms on one disk; those that were read longest ago go first. One larger form is kept beside them.
const MOST: u64 = 4 << 30;
/// How often a form is made that is gone before it is opened.
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
}

impl ContentFormat {
    /// All of them, the one first that is sent where any will do.
    pub const ALL: [ContentFormat; 3] = [ContentFormat::Csv, ContentFormat::Parquet, ContentFormat::Arrow];

    fn output(self) -> OutputFormat {
        match self {
            ContentFormat::Csv => OutputFormat::Csv,
            ContentFormat::Parquet => OutputFormat::Parquet,
            ContentFormat::Arrow => OutputFormat::Arrow,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        self.output().media_type()
    }

    /// How a file's name ends.
    pub fn extension(self) -> &'static str {
        self.output().extension()
    }
}

/// What is asked of a trace's content.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// The format; in place of `Accept`, for links.
    #[param(inline)]
    pub format: Option<ContentFormat>,
}

/// A trace's content in one format, opened. Who reads a draft is written down.
pub async fn content(
    app: &App,
    caller: &Caller,
    id: Uuid,
    format: ContentFormat,
) -> Result<(Kept, Opened), Problem> {
    let release = releases::content(app, caller, id).await?;
    if format == ContentFormat::Csv {
        let Release { trace_path: key, trace_sha256: sha256, bytes, .. } = release;
        let opened = app.artifacts.opened(&key).await?.ok_or_else(|| lost(id))?;
        return Ok((Kept { key, sha256, bytes: bytes as u64 }, opened));
    }
    // What is swept before it is opened is made again.
    for _ in 0..TRIES {
        let kept = match kept(app, id, format)? {
            Some(kept) => kept,
            // Whoever asked may go: what is begun is kept for the next.
            None => {
                let made = tokio::spawn(derive(app.clone(), release.clone(), format.output()));
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
    tracing::error!(release = %id, "the trace of a release is not there");
    Problem::internal()
}

fn folder(id: Uuid) -> String {
    format!("derived/{id}")
}

fn kept(app: &App, id: Uuid, format: ContentFormat) -> Result<Option<Kept>, Problem> {
    Ok(app.artifacts.kept(&folder(id), format.extension(), app.clock().files())?)
}

/// Makes a form of a trace, one at a time: it takes all cores, and two who ask for the same want it once.
async fn derive(app: App, release: Release, format: OutputFormat) -> Result<Kept, Problem> {
    let _one = app.deriving.lock().await;
    let (id, extension) = (release.id, format.extension());
    if let Some(kept) = app.artifacts.kept(&folder(id), extension, app.clock().files())? {
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
        let writer = TraceWriter::new(format, &schema, to, rows, Some(statement))?;
        match formats::rewrite(&trace, &schema, writer, &Quiet) {
            Ok(()) => Ok(file.into_temp_path()),
            Err(Halted::Io(error)) => Err(error),
            Err(Halted::Cancelled(cancelled)) => Err(std::io::Error::other(cancelled)),
        }
    });
    let file = written.await.map_err(std::io::Error::other).flatten().map_err(StorageError::from)?;
    let bytes = std::fs::metadata(&file).map_err(StorageError::from)?.len();
    app.artifacts.make_room(bytes, MOST)?;
    let now = app.clock().files();
    let kept = app.artifacts.adopt_by_digest(&folder(id), extension, &file, now).await?;
    tracing::info!(release = %id, format = extension, bytes, "wrote a trace in another format");
    Ok(kept)
}

/// Removes derived forms that nobody has read for `age`; how many.
pub fn sweep(app: &App, age: Duration) -> Result<usize, Problem> {
    match app.clock().files().checked_sub(age) {
        Some(before) => Ok(app.artifacts.forget_unread(before)?),
        None => Ok(0),
    }
}
