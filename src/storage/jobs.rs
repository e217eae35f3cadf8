//! The queue: jobs are claimed with a lease, renewed by heartbeat, taken over when it lapses. Whatever a worker writes is fenced by
//! (job, attempt): an attempt that lost its lease changes nothing.

use super::db::on;
use super::words::{stored, words};
use super::{LEAST_ID, StorageError, Tx};
use crate::ledger::Amount;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

words! {
    /// What a job does.
    #[derive(utoipa::ToSchema)]
    #[schema(as = JobKind)]
    pub enum Kind {
        /// Reads an upload once.
        Parse = "parse",
        /// Measures a dataset, and pays.
        Fit = "fit",
        /// Makes a trace from a model.
        Generate = "generate",
        /// Compares a release with the raw trace.
        Evaluate = "evaluate",
    }
}
stored!(Kind);

words! {
    /// Where a job stands.
    #[derive(utoipa::ToSchema)]
    #[schema(as = JobState)]
    pub enum State {
        /// It waits.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// It did what it was asked for.
        Succeeded = "succeeded",
        /// It did not; its problem says why.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}
stored!(State);

/// A job.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Job {
    /// Its id, in order of time.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// Which people pay.
    pub population_id: Uuid,
    /// On which dataset.
    pub dataset_id: Uuid,
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// What was asked for, JSON.
    pub request: String,
    /// ρ reserved, in 10⁻¹².
    pub rho: i64,
    /// δ′ reserved, in 10⁻¹⁸.
    pub delta: i64,
    /// At its end: whether it was charged.
    pub charged: Option<bool>,
    /// Where it is.
    pub stage: String,
    /// How far.
    pub percent: i64,
    /// Times it was claimed: with the id, the fencing token.
    pub attempt: i64,
    /// Claims that ended without a word: their lease lapsed.
    pub failures: i64,
    /// While it runs: until when the worker has it. While it waits: until when nobody should claim it.
    pub lease_until: Option<i64>,
    /// It should stop.
    pub cancel_requested: bool,
    /// Half of a fit's noise key, made when measuring begins and erased at every end; the other half is a file.
    pub noise_half: Option<Vec<u8>>,
    /// When its first noisy draw was allowed.
    pub measuring_started_at: Option<i64>,
    /// The identity of the program that began to measure.
    pub build: Option<String>,
    /// Digests of what was about to be measured.
    pub measuring: Option<String>,
    /// Why it failed, JSON.
    pub problem: Option<String>,
    /// Bytes that it needs at most; next to none where it has none.
    pub memory: Option<i64>,
    /// A fit's model; the model that a generation uses.
    pub model_id: Option<Uuid>,
    /// A generation's release; the release that is evaluated.
    pub release_id: Option<Uuid>,
    /// When it was accepted.
    pub created_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
}

impl Job {
    /// What it reserved.
    pub fn cost(&self) -> Amount {
        Amount { rho: self.rho as u64, delta: self.delta as u64 }
    }
}

/// How a job ended.
pub struct End<'a> {
    /// Where it stands from now on.
    pub state: State,
    /// Whether it was charged; none for jobs that cost nothing.
    pub charged: Option<bool>,
    /// Why it failed, JSON.
    pub problem: Option<&'a str>,
    /// A fit's model.
    pub model: Option<Uuid>,
    /// A generation's release.
    pub release: Option<Uuid>,
}

impl End<'_> {
    /// Of a job that did what it was asked for, costs nothing and leaves neither model nor release.
    pub fn succeeded() -> Self {
        End { state: State::Succeeded, charged: None, problem: None, model: None, release: None }
    }
}

/// Queues a job.
pub async fn add(tx: &mut Tx, job: &Job) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* jobs add */ INSERT INTO jobs (id, tenant_id, population_id, dataset_id, kind, state, request, rho, delta, model_id, release_id, created_at, memory)
         VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $10, $11, $12)")
        .bind(job.id).bind(job.tenant_id).bind(job.population_id).bind(job.dataset_id).bind(job.kind).bind(&job.request)
        .bind(job.rho).bind(job.delta).bind(job.model_id).bind(job.release_id).bind(job.created_at).bind(job.memory)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Ends a job that nobody can do before anybody tries: why, JSON.
pub async fn refuse(tx: &mut Tx, id: Uuid, problem: &str, now: i64) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* jobs refuse */ UPDATE jobs SET state = 'failed', problem = $2, finished_at = $3 WHERE id = $1 AND state = 'queued'")
        .bind(id).bind(problem).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A tenant's job.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Job>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_as::<_, Job>("/* jobs find */ SELECT * FROM jobs WHERE tenant_id = $1 AND id = $2")
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// Which jobs are listed.
pub struct Wanted {
    /// Whose.
    pub tenant: Uuid,
    /// Of which kind, if any is meant.
    pub kind: Option<Kind>,
    /// In which state.
    pub state: Option<State>,
    /// On which dataset.
    pub dataset: Option<Uuid>,
}

/// A tenant's jobs after `after`, or from the first on.
pub async fn list(
    tx: &mut Tx,
    wanted: &Wanted,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Job>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Job>(
        "/* jobs list */ SELECT * FROM jobs WHERE tenant_id = $1 AND id > $2 AND kind = COALESCE($3, kind) AND state = COALESCE($4, state)
             AND dataset_id = COALESCE($5, dataset_id) ORDER BY id LIMIT $6")
        .bind(wanted.tenant).bind(after.unwrap_or(LEAST_ID)).bind(wanted.kind).bind(wanted.state).bind(wanted.dataset).bind(limit)
        .fetch_all(c).await)?)
}

/// Fits of all tenants that wait or run.
pub async fn open_fits(tx: &mut Tx) -> Result<Vec<Job>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Job>(
        "/* jobs open_fits */ SELECT * FROM jobs WHERE kind = 'fit' AND state IN ('queued', 'running') ORDER BY created_at, id")
        .fetch_all(c).await)?)
}

/// Jobs of a tenant that wait or run.
pub async fn open(tx: &mut Tx, tenant: Uuid) -> Result<i64, StorageError> {
    Ok(on!(tx, c => sqlx::query_scalar(
        "/* jobs open */ SELECT COUNT(*) FROM jobs WHERE tenant_id = $1 AND state IN ('queued', 'running')")
        .bind(tenant).fetch_one(c).await)?)
}

/// Who claims, and when.
pub struct Claim<'a> {
    /// Now.
    pub now: i64,
    /// Until when the worker has the job.
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

/// That a job is of a kind that this program knows.
pub(super) fn known_kinds() -> String {
    format!("kind IN ('{}')", Kind::NAMES.join("', '"))
}

/// Claims a job that waits or whose lease has lapsed: of the tenant longest not served, its shortest kind, the oldest of these. Does not lock the dataset. A kind
/// that this program does not know is left to one that does.
pub async fn claim(tx: &mut Tx, claim: &Claim<'_>) -> Result<Option<Job>, StorageError> {
    let sql = format!(
        "/* jobs claim */ UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_until = $2,
             failures = failures + CASE WHEN state = 'running' THEN 1 ELSE 0 END
         WHERE id = (SELECT id FROM jobs
             WHERE (state = 'queued' AND (lease_until IS NULL OR lease_until < $1) OR state = 'running' AND lease_until < $1)
                 AND (measuring_started_at IS NULL OR build IS NULL OR build = $3 OR cancel_requested
                      OR lease_until IS NULL OR lease_until < $4)
                 AND {} AND (kind = 'parse' OR NOT $5)
                 AND (COALESCE(memory, 0) BETWEEN $7 AND $6 OR cancel_requested)
             ORDER BY (SELECT served FROM turns WHERE turns.tenant_id = jobs.tenant_id) NULLS FIRST,
                 CASE kind WHEN 'parse' THEN 0 WHEN 'fit' THEN 1 WHEN 'generate' THEN 2 ELSE 3 END, created_at, id
             LIMIT 1{}) RETURNING *",
        known_kinds(),
        tx.skip_locked()
    );
    let claimed = on!(tx, c => sqlx::query_as::<_, Job>(AssertSqlSafe(sql))
        .bind(claim.now).bind(claim.lease_until).bind(claim.build).bind(claim.orphaned_before).bind(claim.parse_only).bind(claim.room).bind(claim.least)
        .fetch_optional(c).await)?;
    if let Some(job) = &claimed {
        on!(tx, c => sqlx::query(
            "/* jobs take_turn */ INSERT INTO turns (tenant_id, served) VALUES ($1, (SELECT COALESCE(MAX(served), 0) + 1 FROM turns))
             ON CONFLICT (tenant_id) DO UPDATE SET served = excluded.served")
            .bind(job.tenant_id).execute(c).await.map(|_| ()))?;
    }
    Ok(claimed)
}

/// Brings back leases that lie further in the future than any that is given now: the clock went back. Whoever still has such a job renews it at its next beat.
pub async fn clip_leases(tx: &mut Tx, running: i64, waiting: i64) -> Result<u64, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* jobs clip_leases */ UPDATE jobs SET lease_until = CASE state WHEN 'running' THEN $1 ELSE $2 END
         WHERE state = 'running' AND lease_until > $1 OR state = 'queued' AND lease_until > $2")
        .bind(running).bind(waiting).execute(c).await.map(|done| done.rows_affected()))?)
}

/// Renews the lease and reports progress; `None` when the lease was lost, else whether to stop.
pub async fn heartbeat(
    tx: &mut Tx,
    job: &Job,
    lease_until: i64,
    stage: &str,
    percent: i64,
) -> Result<Option<bool>, StorageError> {
    Ok(on!(tx, c => sqlx::query_scalar(
        "/* jobs heartbeat */ UPDATE jobs SET lease_until = $3, stage = $4, percent = $5
         WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING cancel_requested")
        .bind(job.id).bind(job.attempt).bind(lease_until).bind(stage).bind(percent).fetch_optional(c).await)?)
}

/// What a fit is about to measure, and by whom.
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

/// What the first attempt that began to measure has left.
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
    Ok(on!(tx, c => sqlx::query_as::<_, Begun>(
        "/* jobs start_measuring */ UPDATE jobs SET
             noise_half = CASE WHEN measuring_started_at IS NULL THEN $3 ELSE noise_half END,
             build = CASE WHEN measuring_started_at IS NULL THEN $4 ELSE build END,
             measuring = COALESCE(measuring, $5), measuring_started_at = COALESCE(measuring_started_at, $6)
         WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING measuring, noise_half")
        .bind(job.id).bind(job.attempt).bind(begin.half).bind(begin.build).bind(begin.measuring).bind(begin.now)
        .fetch_optional(c).await)?)
}

/// Ends a running attempt; `false` when it had lost its lease. The half of a noise key is erased.
pub async fn finish(tx: &mut Tx, job: &Job, end: &End<'_>, now: i64) -> Result<bool, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* jobs finish */ UPDATE jobs SET state = $3, charged = $4, problem = $5, model_id = COALESCE($6, model_id),
         release_id = COALESCE($7, release_id), noise_key = NULL, noise_half = NULL, lease_until = NULL, percent = CASE WHEN $3 = 'succeeded' THEN 100 ELSE percent END,
         finished_at = $8 WHERE id = $1 AND attempt = $2 AND state = 'running'")
        .bind(job.id).bind(job.attempt).bind(end.state).bind(end.charged).bind(end.problem).bind(end.model).bind(end.release).bind(now)
        .execute(c).await.map(|done| done.rows_affected()))?
        > 0)
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
    on!(tx, c => sqlx::query(
        "/* jobs hand_back */ UPDATE jobs SET state = 'queued', lease_until = $3, problem = $4, failures = failures + $5
         WHERE id = $1 AND attempt = $2 AND state = 'running'")
        .bind(job.id).bind(job.attempt).bind(not_before).bind(problem).bind(i64::from(failed)).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Whether a job waits or runs.
pub async fn is_open(tx: &mut Tx, id: Uuid) -> Result<bool, StorageError> {
    let open: i64 = on!(tx, c => sqlx::query_scalar(
        "/* jobs is_open */ SELECT COUNT(*) FROM jobs WHERE id = $1 AND state IN ('queued', 'running')")
        .bind(id).fetch_one(c).await)?;
    Ok(open > 0)
}

/// Cancels a job that still waits, and has never measured: gives it if so.
pub async fn cancel_queued(tx: &mut Tx, id: Uuid, now: i64) -> Result<Option<Job>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Job>(
        "/* jobs cancel_queued */ UPDATE jobs SET state = 'cancelled', noise_key = NULL, noise_half = NULL, finished_at = $2, charged = CASE WHEN kind = 'fit' THEN FALSE ELSE NULL END
         WHERE id = $1 AND state = 'queued' AND measuring_started_at IS NULL RETURNING *")
        .bind(id).bind(now).fetch_optional(c).await)?)
}

/// Asks a job to stop.
pub async fn request_cancel(tx: &mut Tx, id: Uuid) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* jobs request_cancel */ UPDATE jobs SET cancel_requested = TRUE WHERE id = $1 AND state IN ('queued', 'running')")
        .bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Whether a dataset has jobs that wait or run.
pub async fn dataset_is_busy(tx: &mut Tx, dataset: Uuid) -> Result<bool, StorageError> {
    let open: i64 = on!(tx, c => sqlx::query_scalar(
        "/* jobs dataset_is_busy */ SELECT COUNT(*) FROM jobs WHERE dataset_id = $1 AND state IN ('queued', 'running')")
        .bind(dataset).fetch_one(c).await)?;
    Ok(open > 0)
}

/// Remembers which job an idempotency key made; `false` when the key was used before.
pub async fn remember(
    tx: &mut Tx,
    tenant: Uuid,
    key: &str,
    body: &[u8],
    job: Uuid,
) -> Result<bool, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* idempotency remember */ INSERT INTO idempotency (tenant_id, key, body, job_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, key) DO NOTHING")
        .bind(tenant).bind(key).bind(body).bind(job).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// The job that an idempotency key made, and the digest of the body that asked for it.
pub async fn remembered(
    tx: &mut Tx,
    tenant: Uuid,
    key: &str,
) -> Result<Option<(Uuid, Vec<u8>)>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, (Uuid, Vec<u8>)>(
        "/* idempotency remembered */ SELECT job_id, body FROM idempotency WHERE tenant_id = $1 AND key = $2")
        .bind(tenant).bind(key).fetch_optional(c).await)?)
}

/// Erases what ended jobs on a dataset still tell of its records: quotes in problems, digests, their number in what memory it took.
pub async fn erase_private_parts(tx: &mut Tx, dataset: Uuid) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* jobs erase_private_parts */ UPDATE jobs SET problem = NULL, measuring = NULL, memory = NULL WHERE dataset_id = $1 AND state NOT IN ('queued', 'running')")
        .bind(dataset).execute(c).await.map(|_| ()))?;
    Ok(())
}
