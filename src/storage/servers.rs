//! The running servers that work on jobs, the memory that each may use for them, the schemas that it reads and the requests that it does.

use super::statement::{changed, one, query_as, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use uuid::Uuid;

/// How long a server counts that was not seen, in microseconds.
const GONE_AFTER: i64 = 60_000_000;

/// The newest versions that a server knows. One that runs an earlier program does not say them, and knows the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Known {
    /// Of schemas.
    pub schemas: i64,
    /// Of requests for jobs.
    pub requests: i64,
}

/// Notes that a server runs, with what it knows, and forgets those that do not run.
pub async fn seen(tx: &mut Tx, id: Uuid, memory: i64, known: Known) -> Result<(), StorageError> {
    let now = tx.now().await?;
    forget(tx, now).await?;
    one!(tx => sql!(seen,
        "INSERT INTO servers (id, memory, seen_at, schemas, requests) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET memory = $2, seen_at = $3, schemas = $4, requests = $5"),
        id, memory, now, known.schemas, known.requests)
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

/// What every server knows that runs, if one does.
pub async fn known(tx: &mut Tx) -> Result<Option<Known>, StorageError> {
    let now = tx.now().await?;
    Ok(on!(tx, c => query_as::<_, Known>(
        sql!(known, "SELECT MIN(COALESCE(schemas, 1)) AS schemas, MIN(COALESCE(requests, 1)) AS requests FROM servers
         WHERE seen_at >= $1 HAVING COUNT(*) > 0"))
        .bind(now - GONE_AFTER).fetch_optional(c).await)?)
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
