//! What can go wrong with what is stored.

use crate::ledger::Refusal;
use thiserror::Error;

/// The database or the artifact store failed.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The database.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The migrations.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The artifact store.
    #[error("artifacts: {0}")]
    Artifacts(#[from] object_store::Error),
    /// A file.
    #[error("file: {0}")]
    File(#[from] std::io::Error),
    /// A database address that is neither Postgres nor SQLite.
    #[error("{0:?} is no database address: write postgres://… or sqlite:PATH")]
    Address(String),
    /// A statement that changes one row changed none or several.
    #[error("{statement} changed {rows} rows, not one")]
    NotOne {
        /// Name.
        statement: &'static str,
        /// Number of changed rows.
        rows: u64,
    },
    /// What the ledger's rules do not allow, and nobody may try.
    #[error("ledger: {0}")]
    Ledger(#[from] Refusal),
    /// What the database holds is not what was written.
    #[error("a stored value cannot be read: {0}")]
    Stored(String),
}

impl StorageError {
    /// Whether there was no room on the disk.
    pub fn is_disk_full(&self) -> bool {
        if let StorageError::Database(sqlx::Error::Database(error)) = self {
            // SQLITE_FULL; its writing and its making of the log's index, which fail for want of room, a quota or a limit of files; Postgres's disk_full.
            return error.code().is_some_and(|code| ["13", "778", "4874", "53100"].contains(&&*code));
        }
        let mut cause: Option<&dyn std::error::Error> = Some(self);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return super::disk::is_full(error);
            }
            cause = error.source();
        }
        false
    }

    /// Whether the database is away, or so busy that it gave up: what was tried may succeed when it is tried again.
    pub fn is_passing(&self) -> bool {
        match self {
            StorageError::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| {
                // Postgres: connection lost, shutting down or starting, too few resources, deadlock, a standby that only reads. SQLite: busy, locked, out of
                // memory, read-only, a file that fails or cannot be opened, and their kinds.
                let sqlite = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff);
                ["08", "53", "57P", "25006", "40001", "40P01"].iter().any(|start| code.starts_with(start))
                    || sqlite.is_some_and(|code| [5, 6, 7, 8, 10, 14].contains(&code))
            }),
            StorageError::Database(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed,
            ) => true,
            _ => false,
        }
    }

    /// Whether a unique constraint was violated.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, StorageError::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether a check constraint was violated.
    pub fn is_check_violation(&self) -> bool {
        matches!(self, StorageError::Database(sqlx::Error::Database(error)) if error.is_check_violation())
    }
}
