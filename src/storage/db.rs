//! Two databases behind one set of queries.

use super::StorageError;
use super::clock::{self, Clock, Plain};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Postgres, Sqlite, Transaction};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

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
        Db::connect_at(url, i64::MAX).await
    }

    /// Connects and brings the schema up to a version, if it is not there yet.
    pub async fn connect_at(url: &str, version: i64) -> Result<Db, StorageError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = PgPoolOptions::new()
                .max_connections(16)
                .acquire_timeout(Duration::from_secs(10))
                // Connections of one process are known by it.
                .connect_with(
                    PgConnectOptions::from_str(url)?
                        .application_name(&format!("netdpsyn {}", Uuid::new_v4())),
                )
                .await?;
            let before = added(&pool).await?;
            for migrator in migrators(true) {
                up_to(migrator, version).run(&pool).await?;
            }
            if before.is_some() && before < added(&pool).await? {
                send_others_back(&pool).await?;
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
        let writer = embedded(1).connect_with(options.clone()).await?;
        // Migrations of SQLite are not guarded against another process: a lock on a file beside the database is.
        let lock = options.get_filename().with_extension("migrating");
        super::closed::file(&lock)?;
        let lock = std::fs::File::create(lock)?;
        lock.lock()?;
        for migrator in migrators(false) {
            up_to(migrator, version).run(&writer).await?;
        }
        lock.unlock()?;
        // One stays: the last connection that is closed takes the log's index with it, and on a full disk nobody could make another.
        let reader = embedded(8).min_connections(1).connect_with(options.read_only(true)).await?;
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

    /// Begins a transaction that only reads, and sees the database as it is at one moment, however long it takes.
    pub async fn snapshot(&self) -> Result<Tx, StorageError> {
        let one_moment = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        Ok(self.tx(match &self.pools {
            Pools::Postgres(pool) => Connection::Postgres(pool.begin_with(one_moment).await?),
            Pools::Sqlite { reader, .. } => Connection::Sqlite(reader.begin().await?),
        }))
    }

    /// The version of the schema.
    pub async fn schema(&self) -> Result<i64, StorageError> {
        let mut tx = self.read().await?;
        Ok(on!(&mut tx, c => sqlx::query_scalar(
            "/* schema */ SELECT CAST(MAX(version) AS BIGINT) FROM
             (SELECT version FROM _sqlx_migrations UNION ALL SELECT version FROM later_migrations) AS versions")
            .fetch_one(c).await)?)
    }

    /// The version of the schema that this program brings a database to.
    pub fn newest_schema() -> i64 {
        let versions =
            migrators(false).into_iter().flat_map(|m| m.iter().map(|m| m.version).collect::<Vec<_>>());
        versions.max().unwrap_or_default()
    }

    /// Empties the write-ahead log of the embedded database, so that what was erased is in no file; whether that could be done. Readers may be in its way:
    /// then the next time does it. Postgres keeps its own log, and only half of a noise key ever stands there.
    pub async fn truncate_log(&self) -> Result<bool, StorageError> {
        let Pools::Sqlite { writer, .. } = &self.pools else { return Ok(true) };
        let mut connection = writer.acquire().await?;
        // A long reader must not keep the only writer waiting: whoever waits for that, next time. The connection is not used again, however this ends: its
        // time-out is too short for others.
        connection.close_on_drop();
        sqlx::query("PRAGMA busy_timeout = 500").execute(&mut *connection).await?;
        let (busy, ..): (i64, i64, i64) =
            sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await?;
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

    /// Writes a row of its own, durably: a database that only answers takes no work.
    pub async fn prove_write(&self) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        on!(&mut tx, c => sqlx::query(
            "/* prove_write */ INSERT INTO probes (one, written_at) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET written_at = $1")
            .bind(now).execute(c).await.map(|_| ()))?;
        tx.commit().await
    }
}

/// The migrations of Postgres, or of the embedded database: the first ones, then those that only add.
fn migrators(postgres: bool) -> [Migrator; 2] {
    match postgres {
        true => [sqlx::migrate!("migrations/postgres"), later(sqlx::migrate!("migrations/later/postgres"))],
        false => [sqlx::migrate!("migrations/sqlite"), later(sqlx::migrate!("migrations/later/sqlite"))],
    }
}

/// Those up to a version. What is there beyond it stays.
fn up_to(mut migrator: Migrator, version: i64) -> Migrator {
    migrator.migrations.to_mut().retain(|migration| migration.version <= version);
    migrator
}

/// Connections to the embedded database. SQLite itself undoes a transaction when the disk is full, a file fails or memory runs out, while sqlx counts it as
/// open and begins no other: a connection that comes back in a transaction is closed, and another is opened.
fn embedded(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).before_acquire(|connection, _| {
        Box::pin(async move {
            let sound = !connection.is_in_transaction();
            if !sound {
                tracing::warn!("a connection to the database broke within a transaction; another is opened");
            }
            Ok(sound)
        })
    })
}

/// Migrations that only add, so that the version before goes on working on the schema of the next: servers are replaced one by one. They are noted in a
/// table of their own, and those of a later version are no fault. The first ones stand apart because the programs of their time refuse a database
/// that knows others.
fn later(mut migrator: Migrator) -> Migrator {
    migrator.dangerous_set_table_name("later_migrations");
    migrator.set_ignore_missing(true);
    migrator
}

/// How many migrations that add are noted; none on a database that is new.
async fn added(pool: &PgPool) -> Result<Option<i64>, StorageError> {
    let there =
        "SELECT to_regclass('_sqlx_migrations') IS NOT NULL, to_regclass('later_migrations') IS NOT NULL";
    match sqlx::query_as(there).fetch_one(pool).await? {
        (false, _) => Ok(None),
        (true, false) => Ok(Some(0)),
        (true, true) => {
            Ok(sqlx::query_scalar("SELECT COUNT(*) FROM later_migrations").fetch_one(pool).await?)
        }
    }
}

/// Closes the connections of servers that were there before tables got more columns: what they have prepared selects rows of the old shape, and Postgres refuses to
/// run it again. They connect anew. Whoever waits to migrate is left alone.
async fn send_others_back(pool: &PgPool) -> Result<(), StorageError> {
    let closed = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
         AND usename = current_user AND backend_type = 'client backend' AND wait_event IS DISTINCT FROM 'advisory'",
    )
    .fetch_all(pool)
    .await?;
    tracing::info!(connections = closed.len(), "migrated; servers that run connect anew");
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(tx: &mut Tx, sql: &'static str) -> Result<(), StorageError> {
        Ok(on!(tx, c => sqlx::query(sql).execute(c).await.map(|_| ()))?)
    }

    #[tokio::test]
    async fn a_full_database_breaks_one_transaction_and_not_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite:{}", folder.path().join("db").display())).await.unwrap();
        let Pools::Sqlite { writer, .. } = &db.pools else { panic!("it is embedded") };
        sqlx::query("CREATE TABLE filled (bytes BLOB)").execute(writer).await.unwrap();
        // One row in one statement: SQLite undoes the whole transaction.
        let fill = "INSERT INTO filled VALUES (randomblob(1048576))";
        for committed in [false, true] {
            sqlx::query("PRAGMA max_page_count = 1").execute(writer).await.unwrap();
            let mut tx = db.begin().await.unwrap();
            assert!(run(&mut tx, fill).await.unwrap_err().is_disk_full());
            if committed {
                assert!(tx.commit().await.is_err(), "nothing is left to commit");
            } else {
                drop(tx);
            }
            // The limit was the connection's, which is gone.
            let mut tx = db.begin().await.unwrap();
            run(&mut tx, fill).await.unwrap();
            tx.commit().await.unwrap();
            assert!(db.truncate_log().await.unwrap());
            let wait: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(writer).await.unwrap();
            assert_eq!(wait, 30_000);
        }
    }
}
