//! Transactions. Each has a name, by which the log tells how long it was open: one that writes keeps others waiting.

use super::StorageError;
use super::clock::{self, Clock};
use super::statement::{query_scalar, sql};
use sqlx::{Postgres, Sqlite, Transaction};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a transaction that writes may be open before the log warns of it.
pub const LONG: Duration = Duration::from_secs(1);

/// Access mode of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Write. On SQLite it waits for its turn at once: a deferred one would fail when it first writes.
    Write,
    /// Read.
    Read,
    /// Read, and see the database as it is at one moment, however long it takes.
    Snapshot,
}

impl Access {
    fn name(self) -> &'static str {
        match self {
            Access::Write => "write",
            Access::Read => "read",
            Access::Snapshot => "snapshot",
        }
    }
}

/// A transaction on either database.
pub struct Tx {
    pub(super) on: Connection,
    now: Option<i64>,
    open: Open,
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
            $crate::storage::tx::Connection::Postgres(tx) => {
                let $connection = &mut **tx;
                $query
            }
            $crate::storage::tx::Connection::Sqlite(tx) => {
                let $connection = &mut **tx;
                $query
            }
        }
    };
}
pub(super) use on;

/// An open transaction, as the log tells of it when this is dropped.
struct Open {
    name: &'static str,
    database: &'static str,
    access: Access,
    clock: Arc<dyn Clock>,
    /// How long it waited for a connection, and on SQLite for its turn.
    waited: Duration,
    since: Instant,
    outcome: &'static str,
}

impl Drop for Open {
    fn drop(&mut self) {
        let open = self.clock.instant().saturating_duration_since(self.since);
        let (name, database, access, outcome) = (self.name, self.database, self.access.name(), self.outcome);
        let (milliseconds, waited) = (open.as_millis() as u64, self.waited.as_millis() as u64);
        tracing::debug!(name, database, access, outcome, milliseconds, waited, "transaction");
        if self.access == Access::Write && open >= LONG {
            tracing::warn!(
                name,
                milliseconds,
                waited,
                outcome,
                "a transaction that writes was open for long"
            );
        }
    }
}

impl Tx {
    /// A transaction that was asked for at `asked` and has begun.
    pub(super) fn began(
        on: Connection,
        (name, access): (&'static str, Access),
        clock: &Arc<dyn Clock>,
        asked: Instant,
    ) -> Tx {
        let database = match on {
            Connection::Postgres(_) => "postgres",
            Connection::Sqlite(_) => "sqlite",
        };
        let since = clock.instant();
        let waited = since.saturating_duration_since(asked);
        let clock = Arc::clone(clock);
        let outcome = "rolled back";
        Tx { on, now: None, open: Open { name, database, access, clock, waited, since, outcome } }
    }

    /// Now, in microseconds since 1970: the database's time, read once a transaction.
    pub async fn now(&mut self) -> Result<i64, StorageError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let database = time(self).await?;
        let now = self.open.clock.tell(database);
        self.now = Some(now);
        Ok(now)
    }

    /// Makes everything done in the transaction durable and visible.
    pub async fn commit(self) -> Result<(), StorageError> {
        let Tx { on, mut open, .. } = self;
        // Whether the database has heard of it is not known where its answer does not come.
        open.outcome = "unknown";
        match on {
            Connection::Postgres(tx) => tx.commit().await?,
            Connection::Sqlite(tx) => tx.commit().await?,
        }
        open.outcome = "committed";
        Ok(())
    }

    /// The clause after a selection whose rows are locked.
    pub(super) fn locked(&self) -> &'static str {
        match &self.on {
            Connection::Postgres(_) => " FOR UPDATE",
            // A transaction that may write is the only one.
            Connection::Sqlite(_) => "",
        }
    }

    /// The clause after a selection whose rows are locked as by an update: rows that refer to them may be added meanwhile.
    pub(super) fn locked_to_change(&self) -> &'static str {
        match &self.on {
            Connection::Postgres(_) => " FOR NO KEY UPDATE",
            Connection::Sqlite(_) => "",
        }
    }

    /// The clause after a selection whose rows are locked, or skipped if another transaction holds the lock.
    pub(super) fn skip_locked(&self) -> &'static str {
        match &self.on {
            Connection::Postgres(_) => " FOR UPDATE SKIP LOCKED",
            // One writer at a time: nothing is ever locked by another.
            Connection::Sqlite(_) => "",
        }
    }
}

/// The database's own time.
async fn time(tx: &mut Tx) -> Result<i64, StorageError> {
    match &mut tx.on {
        Connection::Sqlite(_) => Ok(clock::machine()),
        Connection::Postgres(tx) => {
            let now = sql!(time, "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)");
            Ok(query_scalar(now).fetch_one(&mut **tx).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Db, statement};
    use super::*;
    use serde_json::Value;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    /// A clock that a test moves on.
    #[derive(Default)]
    struct Moved(AtomicU64);

    impl Clock for Moved {
        fn instant(&self) -> Instant {
            Instant::now() + Duration::from_secs(self.0.load(Relaxed))
        }
    }

    /// Lines of a log.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    async fn write(tx: &mut Tx, at: i64) -> Result<(), StorageError> {
        statement::one!(tx => sql!(write, "INSERT INTO probes (one, written_at) VALUES (1, $1)"), at)
    }

    #[tokio::test]
    async fn the_log_tells_of_every_transaction_and_warns_of_long_ones() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite:{}", folder.path().join("db").display())).await.unwrap();
        let moved = Arc::new(Moved::default());
        let db = db.with_clock(Arc::clone(&moved) as Arc<dyn Clock>);
        let lines = Lines::default();
        let to = lines.clone();
        let log = tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG);
        let log = log.with_writer(move || to.clone()).finish();
        let listening = tracing::subscriber::set_default(log);

        let mut tx = db.begin("test.kept").await.unwrap();
        write(&mut tx, 7).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = db.begin("test.undone").await.unwrap();
        let twice = write(&mut tx, 8).await.unwrap_err();
        assert!(twice.is_unique_violation(), "{twice}");
        moved.0.fetch_add(3, Relaxed);
        drop(tx);
        let tx = db.read("test.read").await.unwrap();
        moved.0.fetch_add(3, Relaxed);
        drop(tx);
        drop(listening);

        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told: Vec<String> = events
            .filter(|event| event["target"] == "netdpsyn::storage::tx")
            .map(|event| {
                let field = |name: &str| event["fields"][name].as_str().unwrap_or("-").to_string();
                let seconds = event["fields"]["milliseconds"].as_u64().unwrap() / 1_000;
                let level = event["level"].as_str().unwrap();
                let what = ["name", "database", "access", "outcome"].map(field).join(" ");
                format!("{level} {what} {seconds} s")
            })
            .collect();
        assert_eq!(
            told,
            [
                "DEBUG test.kept sqlite write committed 0 s",
                "DEBUG test.undone sqlite write rolled back 3 s",
                "WARN test.undone - - rolled back 3 s",
                "DEBUG test.read sqlite read rolled back 3 s",
            ]
        );
    }
}
