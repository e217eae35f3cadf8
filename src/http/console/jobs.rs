//! Jobs and the budget.

use super::super::extract::{Path, Query};
use super::answer::Shown;
use super::visitor::{Form, Visitor};
use crate::pages::console::{self, Curl};
use crate::service::app::{App, PageQuery};
use crate::service::budget;
use crate::service::jobs::{self, JobQuery};
use crate::service::problem::Problem;
use crate::service::releases;
use crate::storage::jobs::JobKind;
use axum::extract::State;
use uuid::Uuid;

pub async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(wanted): Query<JobQuery>,
) -> Result<Shown, Problem> {
    let page = jobs::list(&app, &visitor.caller, wanted).await?;
    Ok(Shown(console::jobs(&visitor.frame(), &page)))
}

pub async fn find(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Shown, Problem> {
    let job = jobs::find(&app, &visitor.caller, id).await?;
    Ok(Shown(console::job(&visitor.frame(), &job)))
}

pub async fn cancel(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    visitor.caller.steward()?;
    fields.confirmed("sure")?;
    let job = jobs::cancel(&app, &visitor.caller, id).await?;
    let said = if job.finished_at.is_some() { "The job is cancelled." } else { "The job was asked to stop." };
    let curl = Curl::of("POST", format!("/v1/jobs/{id}/cancel"));
    Ok(Shown(visitor.frame().done("Cancelled", said, (&format!("/console/jobs/{id}"), "To the job"), &curl)))
}

/// The newest of a tenant's fits and releases that a page of the ledger is named by.
const NAMED: u16 = 200;

pub async fn budget(
    State(app): State<App>,
    visitor: Visitor,
    Query(page): Query<PageQuery>,
) -> Result<Shown, Problem> {
    let caller = &visitor.caller;
    let (account, entries) =
        (budget::budget(&app, caller).await?, budget::entries(&app, caller, page).await?);
    let fits = JobQuery { kind: Some(JobKind::Fit), limit: Some(NAMED), ..JobQuery::default() };
    let fits = jobs::list(&app, caller, fits).await?;
    let releases = releases::list(&app, caller, PageQuery { limit: Some(NAMED), after: None }).await?;
    Ok(Shown(console::budget(&visitor.frame(), &account, &entries, &fits.items, &releases.items)))
}
