//! Jobs: what was asked for, and what became of it.

use super::statement::{changed, one, query_as, query_scalar, sql};
use super::tx::on;
use super::webhooks::{self, WebhookEvent};
use super::words::{stored, words};
use super::{LEAST_ID, StorageError, Tx};
use crate::account::Stage;
use crate::ledger::Amount;
use serde::{Serialize, Serializer};
use serde_json::json;
use utoipa::openapi::{
    RefOr, schema,
    schema::{Object, Type},
};
use uuid::Uuid;

words! {
    /// Kind of a job.
    #[derive(utoipa::ToSchema)]
    pub enum JobKind {
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
stored!(JobKind);

words! {
    /// State of a job.
    #[derive(utoipa::ToSchema)]
    pub enum JobState {
        /// Waiting in the queue.
        Queued = "queued",
        /// Leased by a worker.
        Running = "running",
        /// Finished with its result.
        Succeeded = "succeeded",
        /// Failed; its problem document says why.
        Failed = "failed",
        /// Cancelled.
        Cancelled = "cancelled",
    }
}
stored!(JobState);

/// The stage of a job's work; none before it begins. Stages of a later version are unknown to this one and not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At(pub Option<Stage>);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl utoipa::PartialSchema for At {
    fn schema() -> RefOr<schema::Schema> {
        let names = [""].into_iter().chain(Stage::ALL.map(Stage::name));
        let said = "The stage of a job's work; empty before it begins.";
        Object::builder().schema_type(Type::String).enum_values(Some(names)).description(Some(said)).into()
    }
}

impl utoipa::ToSchema for At {
    fn name() -> std::borrow::Cow<'static, str> {
        "JobStage".into()
    }
}

impl At {
    /// The stored and shown form: empty without a stage.
    pub fn name(self) -> &'static str {
        self.0.map_or("", Stage::name)
    }
}

impl From<String> for At {
    fn from(kept: String) -> Self {
        At(kept.parse().ok())
    }
}

/// A job.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Job {
    /// Id; ids sort by time.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Population that pays.
    pub population_id: Uuid,
    /// Dataset it works on.
    pub dataset_id: Uuid,
    /// Kind of job.
    pub kind: JobKind,
    /// State.
    pub state: JobState,
    /// The request, as JSON.
    pub request: String,
    /// ρ reserved, in 10⁻¹².
    pub rho: i64,
    /// δ′ reserved, in 10⁻¹⁸.
    pub delta: i64,
    /// Whether it was charged; known at its end.
    pub charged: Option<bool>,
    /// Current stage.
    #[sqlx(try_from = "String")]
    pub stage: At,
    /// Percent done.
    pub percent: i64,
    /// Times it was claimed: with the id, the fencing token.
    pub attempt: i64,
    /// Claims that ended without a word: their lease lapsed.
    pub failures: i64,
    /// While it runs: until when the worker has it. While it waits: until when nobody should claim it.
    pub lease_until: Option<i64>,
    /// Whether cancellation was requested.
    pub cancel_requested: bool,
    /// Half of a fit's noise key, made when measuring begins and erased at every end; the other half is a file.
    pub noise_half: Option<Vec<u8>>,
    /// Time at which its first noisy draw was permitted.
    pub measuring_started_at: Option<i64>,
    /// The identity of the program that began to measure.
    pub build: Option<String>,
    /// Digests of the computation that was about to be measured.
    pub measuring: Option<String>,
    /// The problem document of a failure, as JSON.
    pub problem: Option<String>,
    /// Bytes that it needs at most; next to none where it has none.
    pub memory: Option<i64>,
    /// A fit's model; the model that a generation uses.
    pub model_id: Option<Uuid>,
    /// A generation's release; the release that is evaluated.
    pub release_id: Option<Uuid>,
    /// Time of acceptance.
    pub created_at: i64,
    /// Time of its end.
    pub finished_at: Option<i64>,
}

impl Job {
    /// The amount that it reserved.
    pub fn cost(&self) -> Amount {
        Amount { rho: self.rho as u64, delta: self.delta as u64 }
    }
}

/// Queues a job.
pub async fn add(tx: &mut Tx, job: &Job) -> Result<(), StorageError> {
    one!(tx => sql!(add,
        "INSERT INTO jobs (id, tenant_id, population_id, dataset_id, kind, state, request, rho, delta, model_id, release_id, created_at, memory)
         VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $10, $11, $12)"),
        job.id, job.tenant_id, job.population_id, job.dataset_id, job.kind, &job.request, job.rho,
        job.delta, job.model_id, job.release_id, job.created_at, job.memory)
}

/// Ends a job that nobody can do before anybody tries: why, JSON.
pub async fn refuse(tx: &mut Tx, job: &Job, problem: &str, now: i64) -> Result<(), StorageError> {
    one!(tx => sql!(refuse,
        "UPDATE jobs SET state = 'failed', problem = $2, finished_at = $3 WHERE id = $1 AND state = 'queued'"),
        job.id, problem, now)?;
    tell(tx, &Job { state: JobState::Failed, ..job.clone() }, now).await
}

/// Queues the webhook messages about the end of a job.
pub(super) async fn tell(tx: &mut Tx, job: &Job, now: i64) -> Result<(), StorageError> {
    let event = match job.state {
        JobState::Succeeded => WebhookEvent::JobSucceeded,
        JobState::Failed => WebhookEvent::JobFailed,
        JobState::Cancelled => WebhookEvent::JobCancelled,
        JobState::Queued | JobState::Running => return Ok(()),
    };
    let data = json!({
        "job_id": job.id, "kind": job.kind, "state": job.state, "dataset_id": job.dataset_id,
        "model_id": job.model_id, "release_id": job.release_id, "url": format!("/v1/jobs/{}", job.id),
    });
    webhooks::tell(tx, job.tenant_id, event, now, data).await
}

/// A tenant's job.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Job>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Job>(sql!(find, "SELECT * FROM jobs WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// Filters of a list of jobs.
pub struct Wanted {
    /// Owning tenant.
    pub tenant: Uuid,
    /// Kind, if the list is filtered by one.
    pub kind: Option<JobKind>,
    /// State, if the list is filtered by one.
    pub state: Option<JobState>,
    /// Dataset it works on.
    pub dataset: Option<Uuid>,
}

/// A tenant's jobs after `after`, or from the first on.
pub async fn list(
    tx: &mut Tx,
    wanted: &Wanted,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Job>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Job>(
        sql!(list, "SELECT * FROM jobs WHERE tenant_id = $1 AND id > $2 AND kind = COALESCE($3, kind) AND state = COALESCE($4, state)
             AND dataset_id = COALESCE($5, dataset_id) ORDER BY id LIMIT $6"))
        .bind(wanted.tenant).bind(after.unwrap_or(LEAST_ID)).bind(wanted.kind).bind(wanted.state).bind(wanted.dataset).bind(limit)
        .fetch_all(c).await)?)
}

/// Fits of all tenants that wait or run.
pub async fn open_fits(tx: &mut Tx) -> Result<Vec<Job>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Job>(
        sql!(open_fits, "SELECT * FROM jobs WHERE kind = 'fit' AND state IN ('queued', 'running') ORDER BY created_at, id"))
        .fetch_all(c).await)?)
}

/// Jobs of a tenant that wait or run.
pub async fn open(tx: &mut Tx, tenant: Uuid) -> Result<i64, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(open, "SELECT COUNT(*) FROM jobs WHERE tenant_id = $1 AND state IN ('queued', 'running')"))
        .bind(tenant).fetch_one(c).await)?)
}

/// That a job is of a kind that this program knows.
pub(super) fn known_kinds() -> String {
    format!("kind IN ('{}')", JobKind::NAMES.join("', '"))
}

/// Whether a job waits or runs.
pub async fn is_open(tx: &mut Tx, id: Uuid) -> Result<bool, StorageError> {
    let open: i64 = on!(tx, c => query_scalar(
        sql!(is_open, "SELECT COUNT(*) FROM jobs WHERE id = $1 AND state IN ('queued', 'running')"))
        .bind(id).fetch_one(c).await)?;
    Ok(open > 0)
}

/// The job that waits or runs to compare a release with the raw trace, if there is one.
pub async fn evaluation_of(tx: &mut Tx, tenant: Uuid, release: Uuid) -> Result<Option<Uuid>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(evaluation_of, "SELECT id FROM jobs WHERE tenant_id = $1 AND release_id = $2 AND kind = 'evaluate' AND state IN ('queued', 'running')
             ORDER BY id LIMIT 1"))
        .bind(tenant).bind(release).fetch_optional(c).await)?)
}

/// Cancels a job that still waits, and has never measured: gives it if so.
pub async fn cancel_queued(tx: &mut Tx, id: Uuid, now: i64) -> Result<Option<Job>, StorageError> {
    let cancelled = on!(tx, c => query_as::<_, Job>(
        sql!(cancel_queued, "UPDATE jobs SET state = 'cancelled', noise_key = NULL, noise_half = NULL, finished_at = $2, charged = CASE WHEN kind = 'fit' THEN FALSE ELSE NULL END
         WHERE id = $1 AND state = 'queued' AND measuring_started_at IS NULL RETURNING *"))
        .bind(id).bind(now).fetch_optional(c).await)?;
    if let Some(job) = &cancelled {
        tell(tx, job, now).await?;
    }
    Ok(cancelled)
}

/// Requests the cancellation of a job.
pub async fn request_cancel(tx: &mut Tx, id: Uuid) -> Result<(), StorageError> {
    changed!(tx => sql!(request_cancel,
        "UPDATE jobs SET cancel_requested = TRUE WHERE id = $1 AND state IN ('queued', 'running')"),
        id)?;
    Ok(())
}

/// Whether a dataset has jobs that wait or run.
pub async fn dataset_is_busy(tx: &mut Tx, dataset: Uuid) -> Result<bool, StorageError> {
    let open: i64 = on!(tx, c => query_scalar(
        sql!(dataset_is_busy, "SELECT COUNT(*) FROM jobs WHERE dataset_id = $1 AND state IN ('queued', 'running')"))
        .bind(dataset).fetch_one(c).await)?;
    Ok(open > 0)
}

/// Erases what ended jobs on a dataset still tell of its records: quotes in problems, digests, their number in what memory it took.
pub async fn erase_private_parts(tx: &mut Tx, dataset: Uuid) -> Result<(), StorageError> {
    changed!(tx => sql!(erase_private_parts,
        "UPDATE jobs SET problem = NULL, measuring = NULL, memory = NULL WHERE dataset_id = $1 AND state NOT IN ('queued', 'running')"),
        dataset)?;
    Ok(())
}
