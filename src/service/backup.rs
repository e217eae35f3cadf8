//! A copy of database and artifacts as they were at one moment, made while servers run, without any part of a noise key.
//!
//! ```text
//! one snapshot of the database ─► database/*.ndjson, and what it names
//! then                        ─► artifacts/…: what was named; marks and notes of spends, newer than the snapshot or as old
//! last                        ─► manifest.json: every file with its SHA-256; without it the folder is no backup
//! ```
//! The database goes row by row, the same for both kinds, rather than as a copy of its file: a copy of the file would hold halves of noise keys until they are
//! scrubbed from it, and a dump of Postgres's own tool cannot leave out a column. Marks and notes come after the snapshot: what began to spend in
//! between is then known by its note, and reconciling finds it.

use super::app::{App, Caller, shown_time};
use super::journal;
use super::problem::Problem;
use crate::account::Stage;
use crate::progress::{Cancelled, Progress};
use crate::storage::copies::{Copied, Filling};
use crate::storage::dump;
use crate::storage::marks::{self, Mark};
use crate::storage::tx::Access;
use crate::storage::{StorageError, named};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use thiserror::Error;

/// Version of backups that this program reads and writes.
pub const FORMAT: u32 = 1;
/// Manifest of a backup.
pub const MANIFEST: &str = "manifest.json";

/// Reason why no backup was made or restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// It is refused.
    #[error("{0}")]
    Refused(String),
    /// It was stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Database or files failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<Problem> for BackupError {
    fn from(problem: Problem) -> Self {
        BackupError::Refused(problem.detail)
    }
}

impl From<std::io::Error> for BackupError {
    fn from(error: std::io::Error) -> Self {
        BackupError::Storage(error.into())
    }
}

/// Content of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// The schema of the database.
    pub schema: i64,
    /// Time of the snapshot.
    pub made_at: String,
    /// The ledger's last entry in it.
    pub ledger: Option<Mark>,
    /// The tables, in the order in which they are put back.
    pub tables: Vec<TableCopy>,
    /// Every file.
    pub files: Vec<Copied>,
    /// Artifacts that were erased between the snapshot and their turn.
    pub gone: Vec<String>,
}

/// A table of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableCopy {
    /// Name.
    pub name: String,
    /// Columns, without those that are never copied.
    pub columns: Vec<String>,
    /// Number of rows.
    pub rows: u64,
}

impl TableCopy {
    /// File of its rows.
    pub fn file(&self) -> String {
        format!("database/{}.ndjson", self.name)
    }
}

/// Makes a backup in a folder that is new or empty. What is incomplete after a failure is removed.
pub async fn backup(
    app: &App,
    caller: &Caller,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Manifest, BackupError> {
    caller.admin()?;
    let filling = Filling::begin(folder)?.ok_or_else(|| {
        BackupError::Refused(format!("{} is not empty; name a folder that is new", folder.display()))
    })?;
    let (mut manifest, named) = database(app, &filling).await?;
    let total = named.len() as u64;
    for (done, key) in named.into_iter().enumerate() {
        progress.step(Stage::Write, done as u64, total)?;
        match filling.link(&format!("artifacts/{key}"), &app.artifacts.path(&key)?)? {
            Some(copied) => manifest.files.push(copied),
            None => manifest.gone.push(key),
        }
    }
    notes(app, &filling, &mut manifest)?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::other)?;
    let mut file = filling.file(MANIFEST)?;
    file.write_all(&text)?;
    file.finish()?;
    filling.finish()?;
    Ok(manifest)
}

/// Copies the tables as they are at one moment; gives the artifacts that they name, too.
async fn database(app: &App, filling: &Filling) -> Result<(Manifest, Vec<String>), BackupError> {
    let schema = app.db.schema().await?;
    let mut tx = app.db.open("backup.database", Access::Snapshot).await?;
    let (mut tables, mut files) = (Vec::new(), Vec::new());
    for table in dump::tables(&mut tx).await? {
        let columns = table.columns();
        let mut copy = TableCopy { name: table.name.clone(), columns, rows: 0 };
        let mut file = filling.file(&copy.file())?;
        copy.rows = dump::rows(&mut tx, &table, &mut file).await?;
        files.push(file.finish()?);
        tables.push(copy);
    }
    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").into(),
        schema,
        made_at: shown_time(tx.now().await?),
        ledger: marks::last(&mut tx).await?,
        tables,
        files,
        gone: Vec::new(),
    };
    let mut named: Vec<String> = named::artifacts(&mut tx).await?.into_iter().collect();
    named.sort();
    Ok((manifest, named))
}

/// Copies what is remembered beside the artifacts. The mark is raised meanwhile, the new one written before the old one goes: it is looked for again until one is there.
fn notes(app: &App, filling: &Filling, manifest: &mut Manifest) -> Result<(), BackupError> {
    for folder in journal::FOLDERS {
        loop {
            let (mut found, mut copied) = (0, 0);
            for name in app.artifacts.names(folder)? {
                found += 1;
                let key = format!("{folder}/{name}");
                let path = format!("artifacts/{key}");
                if manifest.files.iter().any(|file| file.path == path) {
                    copied += 1;
                } else if let Some(file) = filling.link(&path, &app.artifacts.path(&key)?)? {
                    manifest.files.push(file);
                    copied += 1;
                }
            }
            if found == 0 || copied > 0 {
                break;
            }
        }
    }
    Ok(())
}
