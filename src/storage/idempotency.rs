//! Idempotency keys: the same request made twice is one job.

use super::statement::{changed, query_as, sql};
use super::tx::on;
use super::{StorageError, Tx};
use uuid::Uuid;

/// Remembers which job an idempotency key made; `false` when the key was used before.
pub async fn add(tx: &mut Tx, tenant: Uuid, key: &str, body: &[u8], job: Uuid) -> Result<bool, StorageError> {
    changed!(tx => sql!(add,
        "INSERT INTO idempotency (tenant_id, key, body, job_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, key) DO NOTHING"),
        tenant, key, body, job)
    .map(|rows| rows > 0)
}

/// Forgets the keys of jobs that ended before `time`; how many.
pub async fn forget(tx: &mut Tx, time: i64) -> Result<u64, StorageError> {
    changed!(tx => sql!(forget,
        "DELETE FROM idempotency WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.id = idempotency.job_id AND finished_at < $1)"),
        time)
}

/// The job that an idempotency key made, and the digest of the body that asked for it.
pub async fn find(tx: &mut Tx, tenant: Uuid, key: &str) -> Result<Option<(Uuid, Vec<u8>)>, StorageError> {
    Ok(on!(tx, c => query_as::<_, (Uuid, Vec<u8>)>(
        sql!(find, "SELECT job_id, body FROM idempotency WHERE tenant_id = $1 AND key = $2"))
        .bind(tenant).bind(key).fetch_optional(c).await)?)
}
