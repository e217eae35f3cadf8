//! Claims: a job is claimed with a lease, which heartbeats renew, and taken over when that lapses. Whatever a worker writes is fenced by
//! (job, attempt): an attempt that lost its lease changes nothing.

use super::jobs::{self, At, Job, JobState, known_kinds};
use super::statement::{changed, query_as, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx, turns};
use uuid::Uuid;

/// End of a job.
pub struct End<'a> {
    /// The state that the job ends in.
    pub state: JobState,
    /// Whether it was charged; none for jobs that cost nothing.
    pub charged: Option<bool>,
    /// The problem document of a failure, as JSON.
    pub problem: Option<&'a str>,
    /// A fit's model.
    pub model: Option<Uuid>,
    /// A generation's release.
    pub release: Option<Uuid>,
}

impl End<'_> {
    /// Of a job that did what it was asked for, costs nothing and leaves neither model nor release.
    pub fn succeeded() -> Self {
        End { state: JobState::Succeeded, charged: None, problem: None, model: None, release: None }
    }
}

/// The claiming worker and the time.
pub struct Claim<'a> {
    /// Now.
    pub now: i64,
    /// End of the lease.
    pub lease_until: i64,
    /// The identity of the worker's program.
    pub build: &'a str,
    /// A fit that another program began to measure is left to it until it has waited since before this.
    pub orphaned_before: i64,
    /// Bytes of memory that the job may need.
    pub room: i64,
    /// Bytes that it needs at least: of a job that has waited too long for room.
    pub least: i64,
    /// Whether only uploads are parsed.
    pub parse_only: bool,
}

/// Claims a job that waits or whose lease has lapsed: of the tenant longest not served, its shortest kind, the oldest of these. Does not lock the dataset. A kind
/// that this program does not know is left to one that does.
pub async fn claim(tx: &mut Tx, claim: &Claim<'_>) -> Result<Option<Job>, StorageError> {
    let sql = sql!(claim, "UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_until = $2,
             failures = failures + CASE WHEN state = 'running' THEN 1 ELSE 0 END
         WHERE id = (SELECT id FROM jobs
             WHERE (state = 'queued' AND (lease_until IS NULL OR lease_until < $1) OR state = 'running' AND lease_until < $1)
                 AND (measuring_started_at IS NULL OR build IS NULL OR build = $3 OR cancel_requested
                      OR lease_until IS NULL OR lease_until < $4)
                 AND {} AND (kind = 'parse' OR NOT $5)
                 AND (COALESCE(memory, 0) BETWEEN $7 AND $6 OR cancel_requested)
             ORDER BY (SELECT served FROM turns WHERE turns.tenant_id = jobs.tenant_id) NULLS FIRST,
                 CASE kind WHEN 'parse' THEN 0 WHEN 'fit' THEN 1 WHEN 'generate' THEN 2 ELSE 3 END, created_at, id
             LIMIT 1{}) RETURNING *", known_kinds(), tx.skip_locked());
    let claimed = on!(tx, c => query_as::<_, Job>(sql)
        .bind(claim.now).bind(claim.lease_until).bind(claim.build).bind(claim.orphaned_before).bind(claim.parse_only).bind(claim.room).bind(claim.least)
        .fetch_optional(c).await)?;
    if let Some(job) = &claimed {
        turns::take(tx, job.tenant_id).await?;
    }
    Ok(claimed)
}

/// Brings back leases that lie further in the future than any that is given now: the clock went back. Whoever still has such a job renews it at its next beat.
pub async fn clip_leases(tx: &mut Tx, running: i64, waiting: i64) -> Result<u64, StorageError> {
    changed!(tx => sql!(clip_leases,
        "UPDATE jobs SET lease_until = CASE state WHEN 'running' THEN $1 ELSE $2 END
         WHERE state = 'running' AND lease_until > $1 OR state = 'queued' AND lease_until > $2"),
        running, waiting)
}

/// Renews the lease and reports progress; `None` when the lease was lost, else whether to stop.
pub async fn heartbeat(
    tx: &mut Tx,
    job: &Job,
    lease_until: i64,
    stage: At,
    percent: i64,
) -> Result<Option<bool>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(heartbeat, "UPDATE jobs SET lease_until = $3, stage = $4, percent = $5
         WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING cancel_requested"))
        .bind(job.id).bind(job.attempt).bind(lease_until).bind(stage.name()).bind(percent).fetch_optional(c).await)?)
}

/// Computation that a fit is about to measure, and its program.
pub struct Begin<'a> {
    /// Digests of the computation.
    pub measuring: &'a str,
    /// The identity of the program.
    pub build: &'a str,
    /// The half of the noise key that is kept if this is the first attempt to get here.
    pub half: &'a [u8],
    /// Now.
    pub now: i64,
}

/// State left by the first attempt that began to measure.
#[derive(sqlx::FromRow)]
pub struct Begun {
    /// Digests of its computation.
    pub measuring: String,
    /// Its half of the noise key; none for a fit of a version that kept whole keys.
    pub noise_half: Option<Vec<u8>>,
}

/// Notes that measuring begins, unless an earlier attempt did; gives what the first that did has left. `None` when the lease was lost.
pub async fn start_measuring(
    tx: &mut Tx,
    job: &Job,
    begin: &Begin<'_>,
) -> Result<Option<Begun>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Begun>(
        sql!(start_measuring, "UPDATE jobs SET
             noise_half = CASE WHEN measuring_started_at IS NULL THEN $3 ELSE noise_half END,
             build = CASE WHEN measuring_started_at IS NULL THEN $4 ELSE build END,
             measuring = COALESCE(measuring, $5), measuring_started_at = COALESCE(measuring_started_at, $6)
         WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING measuring, noise_half"))
        .bind(job.id).bind(job.attempt).bind(begin.half).bind(begin.build).bind(begin.measuring).bind(begin.now)
        .fetch_optional(c).await)?)
}

/// Ends a running attempt; `false` when it had lost its lease. The half of a noise key is erased.
pub async fn finish(tx: &mut Tx, job: &Job, end: &End<'_>, now: i64) -> Result<bool, StorageError> {
    let ended = changed!(tx => sql!(finish,
        "UPDATE jobs SET state = $3, charged = $4, problem = $5, model_id = COALESCE($6, model_id),
         release_id = COALESCE($7, release_id), noise_key = NULL, noise_half = NULL, lease_until = NULL, percent = CASE WHEN $3 = 'succeeded' THEN 100 ELSE percent END,
         finished_at = $8 WHERE id = $1 AND attempt = $2 AND state = 'running'"),
        job.id, job.attempt, end.state, end.charged, end.problem, end.model, end.release, now)?
        > 0;
    if ended {
        let [model, release] = [end.model.or(job.model_id), end.release.or(job.release_id)];
        jobs::tell(tx, &Job { state: end.state, model_id: model, release_id: release, ..job.clone() }, now)
            .await?;
    }
    Ok(ended)
}

/// Hands a running attempt back to the queue, to be claimed after `not_before`, with the reason if it is more than that the server stops; `failed` where that
/// counts as a failure.
pub async fn hand_back(
    tx: &mut Tx,
    job: &Job,
    not_before: i64,
    problem: Option<&str>,
    failed: bool,
) -> Result<(), StorageError> {
    changed!(tx => sql!(hand_back,
        "UPDATE jobs SET state = 'queued', lease_until = $3, problem = $4, failures = failures + $5
         WHERE id = $1 AND attempt = $2 AND state = 'running'"),
        job.id, job.attempt, not_before, problem, i64::from(failed))?;
    Ok(())
}
