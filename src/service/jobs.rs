//! Jobs: watched, listed, cancelled.

use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::datasets::reject;
use super::problem::Problem;
use crate::account::Rho;
use crate::storage::jobs::{self, At, Job, JobKind, JobState};
use crate::storage::ledger::{Purpose, release};
use crate::storage::servers;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000004", "kind": "fit", "state": "running", "dataset_id": "0199c0de-0000-7000-8000-000000000001", "stage": "pairs", "percent": 97, "rho": 0.0558, "attempt": 1, "created_at": "2026-01-05T09:00:00Z"}))]
pub struct JobView {
    /// Id.
    pub id: Uuid,
    /// Kind of the job.
    pub kind: JobKind,
    /// State; a terminal state never changes.
    pub state: JobState,
    /// The dataset.
    pub dataset_id: Uuid,
    /// Current stage; empty before it begins.
    pub stage: At,
    /// Percent done, by steps of the plan and never by records.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: i64,
    /// ρ that it reserved.
    pub rho: f64,
    /// At its end: whether it was charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged: Option<bool>,
    /// Times it was started.
    pub attempt: i64,
    /// The model that a fit made, or a generation uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<Uuid>,
    /// The release that a generation made, or that an evaluation compares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_id: Option<Uuid>,
    /// Problem document of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Problem>)]
    pub problem: Option<serde_json::Value>,
    /// While it waits: the reason, if no running server can do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Time of acceptance.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
}

pub(super) fn view(j: Job) -> JobView {
    JobView {
        id: j.id,
        kind: j.kind,
        state: j.state,
        dataset_id: j.dataset_id,
        stage: j.stage,
        percent: j.percent,
        rho: Rho::from_units(j.rho as u64).as_f64(),
        charged: j.charged,
        attempt: j.attempt,
        model_id: j.model_id,
        release_id: j.release_id,
        problem: j.problem.and_then(|text| serde_json::from_str(&text).ok()),
        waits_for: None,
        created_at: shown_time(j.created_at),
        finished_at: j.finished_at.map(shown_time),
    }
}

/// A job, with what it waits for where the largest server that runs has too little memory. How much it needs may follow from the number of raw records.
fn view_beside(j: Job, largest: Option<i64>) -> JobView {
    let largest = largest
        .filter(|largest| j.state == JobState::Queued && j.memory.is_some_and(|needed| needed > *largest));
    let waits_for = largest.map(|largest| {
        format!(
            "a server with more memory: the largest that runs may use {largest} bytes (NETDPSYN_MEMORY_BYTES)"
        )
    });
    JobView { waits_for, ..view(j) }
}

/// A job.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<JobView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.read("jobs.find").await?;
    let job = jobs::find(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("job"))?;
    Ok(view_beside(job, servers::largest(&mut tx).await?))
}

/// Filters of the list of jobs.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// `next` of the previous page: its last id.
    pub after: Option<Uuid>,
    /// Items on a page: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
    /// Jobs of this kind.
    pub kind: Option<JobKind>,
    /// Jobs in this state.
    pub state: Option<JobState>,
    /// Jobs on this dataset.
    pub dataset_id: Option<Uuid>,
}

/// The tenant's jobs.
pub async fn list(app: &App, caller: &Caller, query: JobQuery) -> Result<Page<JobView>, Problem> {
    let tenant = caller.steward()?;
    let JobQuery { after, limit, kind, state, dataset_id: dataset } = query;
    let limit = PageQuery { after, limit }.fetched()?;
    let mut tx = app.read("jobs.list").await?;
    let wanted = jobs::Wanted { tenant, kind, state, dataset };
    let largest = servers::largest(&mut tx).await?;
    let jobs = jobs::list(&mut tx, &wanted, after, limit).await?;
    Ok(PageQuery::page(jobs, limit, |j| j.id, |j| view_beside(j, largest)))
}

/// Cancels a job: at once if it waits and never measured (what it reserved is given back), else as soon as it notices.
pub async fn cancel(app: &App, caller: &Caller, id: Uuid) -> Result<JobView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.begin("jobs.cancel").await?;
    let job = jobs::find(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("job"))?;
    // A fit that left a note may have drawn before the database was restored: a worker ends it, and charges it.
    let spent = job.kind == JobKind::Fit && super::journal::is_noted(app, id).await?;
    // The ledger's locks come first, in its order; both calls change nothing when the job no longer waits.
    let now = tx.now().await?;
    let cancelled = if spent { None } else { jobs::cancel_queued(&mut tx, id, now).await? };
    if let Some(cancelled) = cancelled {
        if cancelled.kind == JobKind::Fit {
            let population = cancelled.population_id;
            let purpose = Purpose { tenant, population, job: id, actor: &caller.key, now };
            release(&mut tx, &purpose, cancelled.cost()).await?;
        }
        if cancelled.kind == JobKind::Parse {
            reject(app, &mut tx, &cancelled, &Problem::parse_cancelled()).await?;
        }
        tx.commit().await?;
        // An attempt that was handed back just before it measured has left half of a key.
        app.halves.erase(id)?;
        return Ok(view(cancelled));
    }
    jobs::request_cancel(&mut tx, id).await?;
    tx.commit().await?;
    app.cancelled.notify_waiters();
    Ok(view(Job { cancel_requested: true, ..job }))
}
