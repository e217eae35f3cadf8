//! Two databases behind one set of queries.

use super::StorageError;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Postgres, Sqlite, Transaction};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// The database.
#[derive(Clone)]
pub enum Db {
    /// Postgres: several servers may share it.
    Postgres(PgPool),
    /// SQLite: one connection writes, others read.
    Sqlite {
        /// The only connection that writes.
        writer: SqlitePool,
        /// Connections that read.
        reader: SqlitePool,
    },
}

/// A transaction on either.
pub enum Tx {
    /// On Postgres.
    Postgres(Transaction<'static, Postgres>),
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
}

/// Runs one query expression on whichever connection the transaction has.
macro_rules! on {
    ($tx:expr, $connection:ident => $query:expr) => {
        match $tx {
            $crate::storage::Tx::Postgres(tx) => {
                let $connection = &mut **tx;
                $query
            }
            $crate::storage::Tx::Sqlite(tx) => {
                let $connection = &mut **tx;
                $query
            }
        }
    };
}
pub(super) use on;

impl Db {
    /// Connects and brings the schema up to date. `sqlite:PATH` creates the file.
    pub async fn connect(url: &str) -> Result<Db, StorageError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = PgPoolOptions::new()
                .max_connections(16)
                .acquire_timeout(Duration::from_secs(10))
                .connect(url)
                .await?;
            sqlx::migrate!("migrations/postgres").run(&pool).await?;
            return Ok(Db::Postgres(pool));
        }
        if !url.starts_with("sqlite:") {
            return Err(StorageError::Address(url.into()));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What is called committed survives a power cut, and what is deleted is overwritten.
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30));
        if let Some(folder) = options.get_filename().parent().filter(|f| *f != Path::new("")) {
            std::fs::create_dir_all(folder)?;
        }
        super::closed::database(options.get_filename())?;
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        // Migrations of SQLite are not guarded against another process: a lock on a file beside the database is.
        let lock = options.get_filename().with_extension("migrating");
        super::closed::file(&lock)?;
        let lock = std::fs::File::create(lock)?;
        lock.lock()?;
        sqlx::migrate!("migrations/sqlite").run(&writer).await?;
        lock.unlock()?;
        let reader =
            SqlitePoolOptions::new().max_connections(8).connect_with(options.read_only(true)).await?;
        Ok(Db::Sqlite { writer, reader })
    }

    /// Begins a transaction that may write. On SQLite it waits for its turn at once: a deferred one would fail when it first writes.
    pub async fn begin(&self) -> Result<Tx, StorageError> {
        Ok(match self {
            Db::Postgres(pool) => Tx::Postgres(pool.begin().await?),
            Db::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    /// Begins a transaction that only reads.
    pub async fn read(&self) -> Result<Tx, StorageError> {
        Ok(match self {
            Db::Postgres(pool) => Tx::Postgres(pool.begin().await?),
            Db::Sqlite { reader, .. } => Tx::Sqlite(reader.begin().await?),
        })
    }

    /// Empties the write-ahead log of the embedded database, so that what was erased is in no file; whether that could be done. Readers may be in its way:
    /// then the next time does it. Postgres keeps its own log, and only half of a noise key ever stands there.
    pub async fn truncate_log(&self) -> Result<bool, StorageError> {
        let Db::Sqlite { writer, .. } = self else { return Ok(true) };
        // A long reader must not keep the only writer waiting: whoever waits for that, next time.
        let mut connection = writer.acquire().await?;
        sqlx::query("PRAGMA busy_timeout = 500").execute(&mut *connection).await?;
        let emptied = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        sqlx::query("PRAGMA busy_timeout = 30000").execute(&mut *connection).await?;
        let (busy, ..): (i64, i64, i64) = emptied?;
        Ok(busy == 0)
    }

    /// Closes every connection. On SQLite the last one takes the write-ahead log with it.
    pub async fn close(&self) {
        match self {
            Db::Postgres(pool) => pool.close().await,
            Db::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
        }
    }

    /// Whether the database answers.
    pub async fn is_alive(&self) -> bool {
        let probe = async {
            let mut tx = self.read().await?;
            on!(&mut tx, c => sqlx::query("/* is_alive */ SELECT 1").execute(c).await.map(|_| ()))?;
            Ok::<(), StorageError>(())
        };
        matches!(tokio::time::timeout(Duration::from_secs(2), probe).await, Ok(Ok(())))
    }
}

impl Tx {
    /// Makes everything done in the transaction durable and visible.
    pub async fn commit(self) -> Result<(), StorageError> {
        match self {
            Tx::Postgres(tx) => tx.commit().await?,
            Tx::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// What follows a row selection that is to be locked.
    pub(super) fn locked(&self) -> &'static str {
        match self {
            Tx::Postgres(_) => " FOR UPDATE",
            // A transaction that may write is the only one.
            Tx::Sqlite(_) => "",
        }
    }

    /// What follows a row selection that is to be locked and, if locked by another, skipped.
    pub(super) fn skip_locked(&self) -> &'static str {
        match self {
            Tx::Postgres(_) => " FOR UPDATE SKIP LOCKED",
            // One writer at a time: nothing is ever locked by another.
            Tx::Sqlite(_) => "",
        }
    }
}
