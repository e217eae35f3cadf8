//! Two databases behind one set of queries.

use super::StorageError;
use super::clock::{self, Clock, Plain};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Postgres, Sqlite, Transaction};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The database.
#[derive(Clone)]
pub struct Db {
    /// How it is reached.
    pub pools: Pools,
    clock: Arc<dyn Clock>,
}

/// Connections to one database or the other.
#[derive(Clone)]
pub enum Pools {
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
pub struct Tx {
    pub(super) on: Connection,
    clock: Arc<dyn Clock>,
    now: Option<i64>,
}

/// What a transaction runs on.
pub(super) enum Connection {
    /// On Postgres.
    Postgres(Transaction<'static, Postgres>),
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
}

/// Runs one query expression on whichever connection the transaction has.
macro_rules! on {
    ($tx:expr, $connection:ident => $query:expr) => {
        match &mut $tx.on {
            $crate::storage::db::Connection::Postgres(tx) => {
                let $connection = &mut **tx;
                $query
            }
            $crate::storage::db::Connection::Sqlite(tx) => {
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
            let first = sqlx::migrate!("migrations/postgres");
            for migrator in [first, later(sqlx::migrate!("migrations/later/postgres"))] {
                migrator.run(&pool).await?;
            }
            return Ok(Db::over(Pools::Postgres(pool)));
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
        let first = sqlx::migrate!("migrations/sqlite");
        for migrator in [first, later(sqlx::migrate!("migrations/later/sqlite"))] {
            migrator.run(&writer).await?;
        }
        lock.unlock()?;
        let reader =
            SqlitePoolOptions::new().max_connections(8).connect_with(options.read_only(true)).await?;
        Ok(Db::over(Pools::Sqlite { writer, reader }))
    }

    fn over(pools: Pools) -> Db {
        Db { pools, clock: Arc::new(Plain) }
    }

    /// The same database by another clock.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Db {
        Db { clock, ..self }
    }

    fn tx(&self, on: Connection) -> Tx {
        Tx { on, clock: Arc::clone(&self.clock), now: None }
    }

    /// Begins a transaction that may write. On SQLite it waits for its turn at once: a deferred one would fail when it first writes.
    pub async fn begin(&self) -> Result<Tx, StorageError> {
        Ok(self.tx(match &self.pools {
            Pools::Postgres(pool) => Connection::Postgres(pool.begin().await?),
            Pools::Sqlite { writer, .. } => Connection::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
        }))
    }

    /// Begins a transaction that only reads.
    pub async fn read(&self) -> Result<Tx, StorageError> {
        Ok(self.tx(match &self.pools {
            Pools::Postgres(pool) => Connection::Postgres(pool.begin().await?),
            Pools::Sqlite { reader, .. } => Connection::Sqlite(reader.begin().await?),
        }))
    }

    /// Empties the write-ahead log of the embedded database, so that what was erased is in no file; whether that could be done. Readers may be in its way:
    /// then the next time does it. Postgres keeps its own log, and only half of a noise key ever stands there.
    pub async fn truncate_log(&self) -> Result<bool, StorageError> {
        let Pools::Sqlite { writer, .. } = &self.pools else { return Ok(true) };
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
        match &self.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { writer, reader } => {
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

/// Migrations that only add, so that the version before goes on working on the schema of the next: servers are replaced one by one. They are noted in a
/// table of their own, and those of a later version are no fault. The first ones stand apart because the programs of their time refuse a database
/// that knows others.
fn later(mut migrator: Migrator) -> Migrator {
    migrator.dangerous_set_table_name("later_migrations");
    migrator.set_ignore_missing(true);
    migrator
}

impl Tx {
    /// Now, in microseconds since 1970: the database's time, read once a transaction.
    pub async fn now(&mut self) -> Result<i64, StorageError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let database = match &mut self.on {
            Connection::Sqlite(_) => clock::machine(),
            Connection::Postgres(tx) => {
                sqlx::query_scalar(
                    "/* now */ SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
                )
                .fetch_one(&mut **tx)
                .await?
            }
        };
        let now = self.clock.tell(database);
        self.now = Some(now);
        Ok(now)
    }

    /// Makes everything done in the transaction durable and visible.
    pub async fn commit(self) -> Result<(), StorageError> {
        match self.on {
            Connection::Postgres(tx) => tx.commit().await?,
            Connection::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// What follows a row selection that is to be locked.
    pub(super) fn locked(&self) -> &'static str {
        match &self.on {
            Connection::Postgres(_) => " FOR UPDATE",
            // A transaction that may write is the only one.
            Connection::Sqlite(_) => "",
        }
    }

    /// What follows a row selection that is to be locked and, if locked by another, skipped.
    pub(super) fn skip_locked(&self) -> &'static str {
        match &self.on {
            Connection::Postgres(_) => " FOR UPDATE SKIP LOCKED",
            // One writer at a time: nothing is ever locked by another.
            Connection::Sqlite(_) => "",
        }
    }
}
