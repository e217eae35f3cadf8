//! Two databases behind one set of queries.

use super::StorageError;
use super::clock::{Clock, Plain};
use super::migrations;
use super::statement::{one, query, query_as, query_scalar, sql};
use super::tx::{Access, Connection, Tx, on};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, SqliteConnection};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The database.
#[derive(Clone)]
pub struct Db {
    /// Connections.
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
        /// The one connection that writes.
        writer: SqlitePool,
        /// Connections that read.
        reader: SqlitePool,
    },
}

impl Db {
    /// Connects and brings the schema up to date. `sqlite:PATH` creates the file.
    pub async fn connect(url: &str) -> Result<Db, StorageError> {
        Db::connect_at(url, i64::MAX).await
    }

    /// Connects, and migrates the schema up to a version, if necessary.
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
            migrations::postgres(&pool, version).await?;
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
        migrations::sqlite(&writer, version).await?;
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

    /// The clock that the service goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Begins a transaction that may write.
    pub async fn begin(&self, name: &'static str) -> Result<Tx, StorageError> {
        self.open(name, Access::Write).await
    }

    /// Begins a transaction that only reads.
    pub async fn read(&self, name: &'static str) -> Result<Tx, StorageError> {
        self.open(name, Access::Read).await
    }

    /// Begins a transaction: there is no other way to one. Its name is for the log, where operators look for it in every version: that of the use case and,
    /// in one with several, of what the transaction does there.
    pub async fn open(&self, name: &'static str, access: Access) -> Result<Tx, StorageError> {
        let asked = self.clock.instant();
        let on = match (&self.pools, access) {
            (Pools::Postgres(pool), Access::Snapshot) => {
                let one_moment = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
                Connection::Postgres(pool.begin_with(one_moment).await?)
            }
            (Pools::Postgres(pool), _) => Connection::Postgres(pool.begin().await?),
            (Pools::Sqlite { writer, .. }, Access::Write) => {
                Connection::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            (Pools::Sqlite { reader, .. }, _) => Connection::Sqlite(reader.begin().await?),
        };
        Ok(Tx::began(on, (name, access), &self.clock, asked))
    }

    /// The version of the schema.
    pub async fn schema(&self) -> Result<i64, StorageError> {
        schema(&mut self.read("db.schema").await?).await
    }

    /// The version of the schema that this program brings a database to.
    pub fn newest_schema() -> i64 {
        migrations::newest()
    }

    /// Empties the write-ahead log of the embedded database, so that what was erased is in no file; whether that could be done. Readers may be in its way:
    /// then the next time does it. Postgres keeps its own log, and only half of a noise key ever stands there.
    pub async fn truncate_log(&self) -> Result<bool, StorageError> {
        let Pools::Sqlite { writer, .. } = &self.pools else { return Ok(true) };
        let mut connection = writer.acquire().await?;
        // A long reader must not keep the only writer waiting: whoever waits for that, next time. The connection is not used again, however this ends: its
        // time-out is too short for others.
        connection.close_on_drop();
        truncate_log(&mut connection).await
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
        let mut tx = self.begin("db.prove_write").await?;
        probe(&mut tx).await?;
        tx.commit().await
    }
}

async fn schema(tx: &mut Tx) -> Result<i64, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(schema, "SELECT CAST(MAX(version) AS BIGINT) FROM
             (SELECT version FROM _sqlx_migrations UNION ALL SELECT version FROM later_migrations) AS versions"))
        .fetch_one(c).await)?)
}

async fn probe(tx: &mut Tx) -> Result<(), StorageError> {
    let now = tx.now().await?;
    one!(tx => sql!(probe,
        "INSERT INTO probes (one, written_at) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET written_at = $1"),
        now)
}

async fn truncate_log(connection: &mut SqliteConnection) -> Result<bool, StorageError> {
    query(sql!(truncate_log, "PRAGMA busy_timeout = 500")).execute(&mut *connection).await?;
    let (busy, ..): (i64, i64, i64) =
        query_as(sql!(truncate_log, "PRAGMA wal_checkpoint(TRUNCATE)")).fetch_one(connection).await?;
    Ok(busy == 0)
}

/// Connections to the embedded database. SQLite itself undoes a transaction when the disk is full, a file fails or memory runs out, while sqlx counts it as
/// open and begins no other: a connection that comes back in a transaction is closed, and another is opened.
fn embedded(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).before_acquire(|connection, _| {
        Box::pin(async move {
            let sound = !connection.is_in_transaction();
            if !sound {
                tracing::warn!("a database connection broke within a transaction; opening another");
            }
            Ok(sound)
        })
    })
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
            let mut tx = db.begin("test").await.unwrap();
            assert!(run(&mut tx, fill).await.unwrap_err().is_disk_full());
            if committed {
                assert!(tx.commit().await.is_err(), "nothing is left to commit");
            } else {
                drop(tx);
            }
            // The limit was the connection's, which is gone.
            let mut tx = db.begin("test").await.unwrap();
            run(&mut tx, fill).await.unwrap();
            tx.commit().await.unwrap();
            assert!(db.truncate_log().await.unwrap());
            let wait: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(writer).await.unwrap();
            assert_eq!(wait, 30_000);
        }
    }
}
