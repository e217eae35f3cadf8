//! How jobs end. Every end is one transaction, fenced by (job, attempt): result, state of the job and ledger entry become visible together or not at
//! all.

use super::measuring;
use super::stopped::{Stopped, broken};
use crate::service::app::App;
use crate::service::capacity;
use crate::service::datasets::reject;
use crate::service::journal;
use crate::service::problem::Problem;
use crate::storage::Tx;
use crate::storage::claims::{self, End};
use crate::storage::jobs::{self, Job, JobKind, JobState};
use crate::storage::ledger::{self, Purpose};

/// An end without a result.
#[derive(Clone, Copy)]
pub enum Without<'a> {
    /// Failed, with the problem document.
    Failed(&'a Problem),
    /// Cancelled.
    Cancelled,
}

/// Ends a job that has no result. A fit that began to measure is charged whatever its end; one that did not gives back what it reserved.
pub async fn end_without_result(app: &App, job: &Job, how: Without<'_>) -> Result<(), Problem> {
    let (state, problem) = match how {
        Without::Failed(problem) => (JobState::Failed, Some(problem)),
        Without::Cancelled => (JobState::Cancelled, None),
    };
    let noted = job.kind == JobKind::Fit && journal::is_noted(app, job.id).await?;
    let mut tx = app.begin("end.without_result").await?;
    let now = tx.now().await?;
    let found = jobs::find(&mut tx, job.tenant_id, job.id).await?.ok_or_else(Problem::internal)?;
    let charged = (job.kind == JobKind::Fit).then_some(found.measuring_started_at.is_some() || noted);
    let text = problem.map(|problem| match charged {
        Some(charged) => serde_json::to_string(&problem.clone().charged(charged, job.cost().rho)),
        None => serde_json::to_string(problem),
    });
    let text = text.transpose().map_err(|_| Problem::internal())?;
    if let Some(charged) = charged {
        let purpose = purpose(job, now);
        match charged {
            true => ledger::commit(&mut tx, &purpose, job.cost()).await?,
            false => ledger::release(&mut tx, &purpose, job.cost()).await?,
        }
    }
    // What is wrong with a trace stands on its dataset, and goes with it.
    let shown = text.as_deref().filter(|_| job.kind != JobKind::Parse);
    let end = End { state, charged, problem: shown, model: None, release: None };
    if !claims::finish(&mut tx, job, &end, now).await? {
        // Another attempt has it: nothing of this one stays, the ledger's entry least of all.
        return Ok(());
    }
    if job.kind == JobKind::Parse {
        reject(app, &mut tx, job, &problem.cloned().unwrap_or_else(Problem::parse_cancelled)).await?;
    }
    tx.commit().await?;
    if job.kind == JobKind::Fit {
        measuring::forget(app, job.id).await;
    }
    Ok(())
}

/// Purpose of a fit's entry in the ledger.
pub(super) fn purpose<'a>(job: &Job, now: i64) -> Purpose<'a> {
    Purpose { tenant: job.tenant_id, population: job.population_id, job: job.id, actor: "worker", now }
}

/// A fence that holds: the attempt still has its lease.
pub(super) fn fence(held: bool) -> Result<(), Stopped> {
    if held { Ok(()) } else { Err(Stopped::Lost) }
}

/// Queues a job that follows another. What no server can hold fails at once: waiting, it would keep its dataset busy.
pub(super) async fn follow(tx: &mut Tx, next: &Job, now: i64) -> Result<(), Stopped> {
    jobs::add(tx, next).await?;
    let needed = next.memory.unwrap_or(0).unsigned_abs();
    if let Err(problem) = capacity::admit(tx, needed, |rows| rows.max(needed)).await {
        let text = serde_json::to_string(&problem.with("private", true));
        let text = text.map_err(|error| broken("a problem cannot be written", error))?;
        jobs::refuse(tx, next, &text, now).await?;
    }
    Ok(())
}

/// Takes a file away again that came to no transaction which names it. Where the database went away nobody knows: what nothing names is swept.
pub(super) async fn named(app: &App, path: &str, ended: Result<(), Stopped>) -> Result<(), Stopped> {
    let unknown = matches!(&ended, Err(Stopped::Failed(problem)) if problem.status == 503);
    if ended.is_err()
        && !unknown
        && let Err(error) = app.artifacts.delete(path).await
    {
        tracing::error!(%error, "an unreferenced file could not be removed");
    }
    ended
}
