//! A backup put in place: database and artifacts, checked first. What was spent since it was made is never forgotten without a word.
//!
//! | the data directory | what is known of the time since the backup |
//! | --- | --- |
//! | is the one that was in use | everything: its marks and notes are newer and stay, and reconciling brings spends back; what was erased stays so |
//! | is new, or older than the backup | nothing: fits that waited may have run, and so end charged; later ones are told of as unknown |

use super::app::App;
use super::backup::{BackupError, FORMAT, MANIFEST, Manifest, TableCopy};
use super::journal::{self, Spend};
use crate::account::Stage;
use crate::config::Config;
use crate::ledger::Amount;
use crate::progress::Progress;
use crate::storage::copies::verified;
use crate::storage::in_use::InUse;
use crate::storage::{Artifacts, Db, Tx, closed, datasets, dump, jobs, named, releases};
use std::io::{BufRead, BufReader};
use std::path::Path;
use uuid::Uuid;

/// Rows that are put back by one statement, and bytes of them.
const BATCH: (usize, usize) = (500, 1 << 20);

/// What stands in the data directory while a restore is under way, and where it did not end.
pub const UNFINISHED: &str = "restoring";

/// Options of a restore.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// Beside the files that the data directory holds: its marks and notes stay.
    pub keep_files: bool,
    /// The files alone: the database is there, and newer.
    pub files_only: bool,
}

/// Result of a restore, and what is left to do.
pub struct Restored {
    /// Content of the backup.
    pub manifest: Manifest,
    /// Files that were put in place.
    pub files: usize,
    /// Whether the data directory knows what was spent since.
    pub knows: bool,
    /// Raw traces that were erased since: they stay so.
    pub erased: Vec<String>,
    /// Fits that will end charged and without a model.
    pub charged: Vec<Uuid>,
    /// Spends that reconciling brings back.
    pub forgotten: Vec<Spend>,
    /// Whether nothing is fitted until reconciling.
    pub behind: bool,
    /// Known losses of the restore.
    pub undone: Vec<String>,
    /// Artifacts that the database names and that do not exist.
    pub lost: Vec<String>,
}

fn refused<T>(why: impl Into<String>) -> Result<T, BackupError> {
    Err(BackupError::Refused(why.into()))
}

/// Verified content of a backup.
pub fn checked(folder: &Path, progress: &dyn Progress) -> Result<Manifest, BackupError> {
    let Ok(text) = std::fs::read_to_string(folder.join(MANIFEST)) else {
        return refused(format!("{} is no complete backup: it has no {MANIFEST}", folder.display()));
    };
    let read = serde_json::from_str::<Manifest>(&text);
    let manifest = match read {
        Ok(manifest) if manifest.format == FORMAT => manifest,
        _ => {
            return refused(format!(
                "{MANIFEST} is not of a backup of format {FORMAT}, which this program reads"
            ));
        }
    };
    if manifest.schema > Db::newest_schema() {
        return refused(format!(
            "the backup has schema {}, and this program knows {} and older: restore it with the program that made it ({}) or a newer one",
            manifest.schema,
            Db::newest_schema(),
            manifest.program
        ));
    }
    let total = manifest.files.len() as u64;
    for (done, file) in manifest.files.iter().enumerate() {
        progress.step(Stage::Read, done as u64, total)?;
        if verified(folder, file)?.is_none() {
            return refused(format!("{} is not what it was when the backup was made", file.path));
        }
    }
    if let Some(table) = manifest.tables.iter().find(|t| !manifest.files.iter().any(|f| f.path == t.file())) {
        return refused(format!("the rows of {} are not in the backup", table.name));
    }
    Ok(manifest)
}

/// Restores a backup. Nothing is written before all of it is checked; the database comes last, in one transaction.
pub async fn restore(
    config: Config,
    folder: &Path,
    asked: Asked,
    progress: &dyn Progress,
) -> Result<Restored, BackupError> {
    let manifest = checked(folder, progress)?;
    closed::folder(&config.data_dir)?;
    let Some(_alone) = InUse::alone(&config.data_dir)? else {
        return refused("a server uses the data directory; stop it first");
    };
    let artifacts = Artifacts::open(&config.data_dir.join("artifacts"))?;
    let kept = artifacts.is_used()?;
    if kept && !asked.keep_files {
        return refused(
            "the data directory holds artifacts; --keep-files restores beside them: what it remembers of later spends stays",
        );
    }
    let db = Db::connect_at(&config.database_url, manifest.schema).await?;
    let mut tx = db.begin("restore.look").await?;
    if dump::others(&mut tx).await? > 0 {
        return refused("somebody is connected to the database; stop every server first");
    }
    match (dump::is_empty(&mut tx).await?, asked.files_only) {
        (true, true) => return refused("the database is empty; without --files-only it is restored as well"),
        (false, false) => {
            return refused(
                "the database is not empty; name an empty one (of an embedded database move the file away, with -wal and -shm), or restore --files-only",
            );
        }
        _ => {}
    }
    drop(tx);

    // A restore that did not end has put the backup's marks in place: they tell nothing of what came after.
    let begun = config.data_dir.join(UNFINISHED);
    let knew_nothing = begun.exists();
    std::fs::write(&begun, &manifest.made_at)?;
    closed::file(&begun)?;

    let newest = |names: Vec<String>| names.iter().filter_map(|name| journal::number_of(name)).max();
    let of_backup = manifest.files.iter().filter_map(|file| file.path.strip_prefix("artifacts/marks/"));
    let knows = asked.files_only
        || kept
            && !knew_nothing
            && newest(artifacts.names("marks")?) >= newest(of_backup.map(String::from).collect());
    // A data directory that knows better lacks a raw trace because it was erased: no backup brings it back.
    let mut erased = Vec::new();
    if knows && !asked.files_only {
        for key in manifest.files.iter().filter_map(|file| file.path.strip_prefix("artifacts/")) {
            if key.starts_with("traces/") && !artifacts.path(key)?.exists() {
                erased.push(key.to_string());
            }
        }
    }
    // Beside a database that is newer only what it still names is put in place.
    let mut unnamed = erased.clone();
    if asked.files_only {
        let mut tx = db.read("restore.named").await?;
        let named = named::artifacts(&mut tx).await?;
        let keys = manifest.files.iter().filter_map(|file| file.path.strip_prefix("artifacts/"));
        unnamed.extend(keys.filter(|key| !is_note(key) && !named.contains(*key)).map(String::from));
    }
    let files = put_files(folder, &manifest, &artifacts, &unnamed, progress).await?;
    if !asked.files_only {
        put_rows(folder, &manifest, &db, &artifacts, (knows, &erased)).await?;
    }
    db.close().await;
    std::fs::remove_file(&begun)?;

    let app = App::open(config).await?;
    let mut tx = app.read("restore.told").await?;
    let mut charged = Vec::new();
    for fit in jobs::open_fits(&mut tx).await? {
        if fit.measuring_started_at.is_some() || journal::is_noted(&app, fit.id).await? {
            charged.push(fit.id);
        }
    }
    let mut lost: Vec<String> = named::artifacts(&mut tx).await?.into_iter().collect();
    lost.retain(|key| app.artifacts.path(key).is_ok_and(|path| !path.exists()));
    lost.sort();
    drop(tx);
    let (forgotten, undone) = (journal::forgotten(&app).await?, journal::undone(&app).await?);
    let behind = journal::check(&app).await.is_err();
    app.db.close().await;
    Ok(Restored { manifest, files, knows, erased, charged, forgotten, behind, undone, lost })
}

/// Whether a key is that of what is remembered of spends, caps and keys.
fn is_note(key: &str) -> bool {
    journal::FOLDERS.iter().any(|folder| key.starts_with(&format!("{folder}/")))
}

/// Puts the files in place, each whole or not at all. What the data directory remembers stays as it is: it is newer.
async fn put_files(
    folder: &Path,
    manifest: &Manifest,
    artifacts: &Artifacts,
    erased: &[String],
    progress: &dyn Progress,
) -> Result<usize, BackupError> {
    let mut put = 0;
    let total = manifest.files.len() as u64;
    for (done, file) in manifest.files.iter().enumerate() {
        progress.step(Stage::Write, done as u64, total)?;
        let Some(key) = file.path.strip_prefix("artifacts/") else { continue };
        let there = artifacts.path(key)?.exists();
        if erased.iter().any(|e| e == key) || there && (is_note(key) || artifacts.is_same(key, file)?) {
            continue;
        }
        artifacts.put_copy(key, &folder.join(&file.path)).await?;
        put += 1;
    }
    Ok(put)
}

/// Puts the rows in place, all or none.
async fn put_rows(
    folder: &Path,
    manifest: &Manifest,
    db: &Db,
    artifacts: &Artifacts,
    (knows, erased): (bool, &[String]),
) -> Result<(), BackupError> {
    let mut tx = db.begin("restore.put_rows").await?;
    if !dump::is_empty(&mut tx).await? {
        return refused("the database is not empty any more");
    }
    let tables = dump::tables(&mut tx).await?;
    for copy in &manifest.tables {
        let Some(table) = tables.iter().find(|table| table.name == copy.name) else {
            return refused(format!("this program's schema has no table {}", copy.name));
        };
        dump::clear(&mut tx, table).await?;
        put_table(&mut tx, table, copy, &folder.join(copy.file())).await?;
        dump::go_on(&mut tx, table).await?;
    }
    // Erased between the snapshot and their turn, or since: erased.
    for key in manifest.gone.iter().chain(erased) {
        for dataset in datasets::with_trace(&mut tx, key).await? {
            datasets::set_state(&mut tx, dataset, datasets::DatasetState::Erased, None, None, None).await?;
            releases::erase_private_reports(&mut tx, dataset).await?;
            jobs::erase_private_parts(&mut tx, dataset).await?;
        }
    }
    if !knows {
        // A fit that waited may have run after the backup: whatever draws again would be paid for once and told twice. With a note it draws nothing.
        for fit in jobs::open_fits(&mut tx).await? {
            let amount = Amount { rho: fit.rho as u64, delta: fit.delta as u64 };
            let (job, tenant, population) = (fit.id, fit.tenant_id, fit.population_id);
            journal::note(artifacts, &Spend { job, tenant, population, amount, computation: None }).await?;
        }
    }
    Ok(tx.commit().await?)
}

async fn put_table(
    tx: &mut Tx,
    table: &dump::Table,
    copy: &TableCopy,
    file: &Path,
) -> Result<(), BackupError> {
    let mut lines = BufReader::new(std::fs::File::open(file)?).lines().peekable();
    while lines.peek().is_some() {
        let mut rows = String::from("[");
        let mut count = 0;
        while count < BATCH.0 && rows.len() < BATCH.1 {
            let Some(line) = lines.next().transpose()? else { break };
            rows += if count == 0 { "" } else { "," };
            rows += &line;
            count += 1;
        }
        rows += "]";
        dump::put_back(tx, table, &copy.columns, &rows).await?;
    }
    Ok(())
}
