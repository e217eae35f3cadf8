//! `netdpsyn admin backup` and `netdpsyn admin restore`.

use super::Failure;
use super::progress::Bar;
use crate::config::Config;
use crate::service::app::{App, Caller};
use crate::service::backup::{self, BackupError, Manifest};
use crate::service::restore::{self, Asked, Restored};
use std::path::{Path, PathBuf};

/// Copy database and artifacts as they are now into a new folder, while servers run. It contains raw traces, but no part of a noise
/// key
#[derive(clap::Args)]
pub struct Backup {
    /// A folder that is new or empty
    folder: PathBuf,
}

/// Restore a backup while no server runs, and list what must be reconciled
#[derive(clap::Args)]
pub struct Restore {
    /// The folder of the backup
    folder: PathBuf,
    /// Beside the files that the data directory holds; what it remembers of later spends stays
    #[arg(long)]
    keep_files: bool,
    /// The files alone: the database is there, and newer
    #[arg(long)]
    files_only: bool,
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Cancelled(cancelled) => Failure::Local(cancelled.into()),
            error => Failure::Server(error.to_string()),
        }
    }
}

impl Backup {
    pub async fn run(self, app: &App, caller: &Caller) -> Result<(), Failure> {
        let made = backup::backup(app, caller, &self.folder, &Bar::new()).await?;
        show_backup(&made, &self.folder);
        Ok(())
    }
}

impl Restore {
    pub async fn run(self, config: Config) -> Result<(), Failure> {
        let asked = Asked { keep_files: self.keep_files, files_only: self.files_only };
        show_restored(&restore::restore(config, &self.folder, asked, &Bar::new()).await?);
        Ok(())
    }
}

fn show_backup(made: &Manifest, folder: &Path) {
    let (rows, bytes): (u64, u64) =
        (made.tables.iter().map(|t| t.rows).sum(), made.files.iter().map(|f| f.bytes).sum());
    let last = made.ledger.map_or(0, |mark| mark.seq);
    println!("{}: {rows} rows and {} files, {bytes} bytes", folder.display(), made.files.len());
    println!("as of {}, ledger entry {last}", made.made_at);
    for key in &made.gone {
        println!("erased meanwhile: {key}");
    }
    println!("it holds raw traces: keep it as closed as they are");
}

fn show_restored(restored: &Restored) {
    let Restored { manifest, .. } = restored;
    let last = manifest.ledger.map_or(0, |mark| mark.seq);
    println!(
        "restored as of {}, ledger entry {last}; {} of {} files put in place, the others are there or stay erased",
        manifest.made_at,
        restored.files,
        manifest.files.len()
    );
    for key in &restored.erased {
        println!("erased since the backup, and stays so: {key}");
    }
    for fit in &restored.charged {
        println!("will end charged and without a model: fit {fit}");
    }
    for spend in &restored.forgotten {
        let rho = crate::account::Rho::from_units(spend.amount.rho);
        println!("to reconcile: ρ = {rho} of population {}, spent by fit {}", spend.population, spend.job);
    }
    for undone in &restored.undone {
        println!("undone by the restore: {undone}");
    }
    for key in &restored.lost {
        println!("not in the backup, and named by the database: {key}");
    }
    if restored.behind {
        println!("no fit is accepted until `netdpsyn admin reconcile` has run");
    }
    if !restored.knows {
        println!(
            "UNKNOWN: whatever was spent, set, revoked or erased after {} is not known here. Fits of that time are charged nowhere, though releases made by \
             them may be out: lower the caps by what they spent, revoke and erase anew. Only the data directory that was in use knows (--keep-files)",
            manifest.made_at
        );
    }
}
