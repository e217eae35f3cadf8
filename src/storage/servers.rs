//! The running servers that work on jobs, the memory that each may use for them, and the schemas that it reads.

use super::statement::{changed, one, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use uuid::Uuid;

/// How long a server counts that was not seen, in microseconds.
const GONE_AFTER: i64 = 60_000_000;

/// Notes that a server runs, with the newest version of schemas that it reads, and forgets those that do not run.
pub async fn seen(tx: &mut Tx, id: Uuid, memory: i64, schemas: i64) -> Result<(), StorageError> {
    let now = tx.now().await?;
    forget(tx, now).await?;
    one!(tx => sql!(seen,
        "INSERT INTO servers (id, memory, seen_at, schemas) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET memory = $2, seen_at = $3, schemas = $4"),
        id, memory, now, schemas)
}

/// Forgets those that were not seen for long. Whoever was seen in the future was seen before the clock went back.
async fn forget(tx: &mut Tx, now: i64) -> Result<(), StorageError> {
    let (from, to) = (now - GONE_AFTER, now + GONE_AFTER);
    changed!(tx => sql!(forget, "DELETE FROM servers WHERE seen_at NOT BETWEEN $1 AND $2"), from, to)?;
    Ok(())
}

/// Forgets a server that stops.
pub async fn gone(tx: &mut Tx, id: Uuid) -> Result<(), StorageError> {
    changed!(tx => sql!(gone, "DELETE FROM servers WHERE id = $1"), id)?;
    Ok(())
}

/// The memory of the largest server that runs, if one does.
pub async fn largest(tx: &mut Tx) -> Result<Option<i64>, StorageError> {
    let now = tx.now().await?;
    Ok(on!(tx, c => query_scalar(sql!(largest, "SELECT MAX(memory) FROM servers WHERE seen_at >= $1"))
        .bind(now - GONE_AFTER).fetch_one(c).await)?)
}

/// The newest version of schemas that every server reads that runs, if one does. Those of an earlier version do not say it, and read version 1.
pub async fn schemas(tx: &mut Tx) -> Result<Option<i64>, StorageError> {
    let now = tx.now().await?;
    Ok(
        on!(tx, c => query_scalar(sql!(schemas, "SELECT MIN(COALESCE(schemas, 1)) FROM servers WHERE seen_at >= $1"))
        .bind(now - GONE_AFTER).fetch_one(c).await)?,
    )
}

/// Jobs that wait for more memory than any server has that runs.
pub async fn too_large(tx: &mut Tx) -> Result<i64, StorageError> {
    let (largest, now) = (largest(tx).await?, tx.now().await?);
    Ok(on!(tx, c => query_scalar(
        sql!(too_large, "SELECT COUNT(*) FROM jobs WHERE (state = 'queued' OR state = 'running' AND lease_until < $2) AND memory > $1"))
        .bind(largest.unwrap_or(i64::MAX)).bind(now).fetch_one(c).await)?)
}

/// What the oldest job needs that came before `since` and waits, or was left by its server, and that has room on a server of `memory`, but not in what is `free`
/// there now. A fit that another program than `build` began to measure waits for that one.
pub async fn passed(
    tx: &mut Tx,
    free: i64,
    memory: i64,
    since: i64,
    build: &str,
) -> Result<Option<i64>, StorageError> {
    let now = tx.now().await?;
    Ok(on!(tx, c => query_scalar(
        sql!(passed, "SELECT memory FROM jobs
         WHERE (state = 'queued' AND (lease_until IS NULL OR lease_until < $1) OR state = 'running' AND lease_until < $1)
             AND memory > $2 AND memory <= $3 AND created_at < $4 AND (measuring_started_at IS NULL OR build = $5)
             AND {} ORDER BY created_at, id LIMIT 1", super::jobs::known_kinds()))
        .bind(now).bind(free).bind(memory).bind(since).bind(build).fetch_optional(c).await)?)
}
