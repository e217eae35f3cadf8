//! Whether this server can work. Probes ask it; they need no key and may come often, so what was found counts for a while.
//!
//! | checked | how |
//! | --- | --- |
//! | database | a row is written and committed, which is durable |
//! | data directory | a file is written, made durable and removed |
//! | its disk | as much is free as is to stay free |
//! | workers | as many slots work as should |

use super::app::App;
use super::disk;
use super::problem::Problem;
use crate::storage::StorageError;
use crate::storage::words::words;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long what was found counts: however many ask, the database is written to once in that time.
const COUNTS_FOR: Duration = Duration::from_secs(1);
/// Time limit of a check; shorter than most probes wait.
const PATIENCE: Duration = Duration::from_secs(2);

words! {
    /// A part of a server that may fail.
    pub enum Part {
        /// All of it.
        Server = "server",
        /// The database.
        Database = "database",
        /// The data directory and its disk.
        DataDirectory = "data directory",
        /// The slots that work on jobs.
        Workers = "workers",
    }
}

/// Last result, and the start of that check.
#[derive(Default)]
pub struct Readiness {
    last: Mutex<Option<(Instant, Result<(), Problem>)>>,
}

/// Whether this server can work, or what is wrong.
pub async fn check(app: &App) -> Result<(), Problem> {
    let mut last = app.readiness.last.lock().await;
    let now = app.clock().instant();
    let counts = |began: Instant| now.saturating_duration_since(began) < COUNTS_FOR;
    let before = match last.take() {
        Some((began, found)) if counts(began) => return last.insert((began, found)).1.clone(),
        Some((_, found)) => found,
        None => Err(Problem::not_ready(Part::Server, "it has just started")),
    };
    // Whoever hangs up in the middle has had the look of this second.
    *last = Some((now, before));
    let found = look(app).await;
    *last = Some((now, found.clone()));
    found
}

async fn look(app: &App) -> Result<(), Problem> {
    let (database, files) = tokio::join!(
        within(Part::Database, app.db.prove_write()),
        within(Part::DataDirectory, app.artifacts.prove_write())
    );
    database.and(files)?;
    if let Some(why) = disk::low(app) {
        return Err(Problem::not_ready(Part::DataDirectory, &why));
    }
    let (wanted, alive) = app.slots.counts();
    if alive < wanted {
        let why = format!("{} of {wanted} ended and are started again", wanted - alive);
        return Err(Problem::not_ready(Part::Workers, &why).with("restarted", app.slots.restarts()));
    }
    Ok(())
}

/// The fault, in words that tell no address, path or name.
async fn within(what: Part, proof: impl Future<Output = Result<(), StorageError>>) -> Result<(), Problem> {
    match tokio::time::timeout(PATIENCE, proof).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(%error, "the {what} cannot be written to");
            let why = if error.is_disk_full() { "its disk is full" } else { "writing to it fails" };
            Err(Problem::not_ready(what, why))
        }
        Err(_) => Err(Problem::not_ready(what, "it does not answer within 2 seconds")),
    }
}
