//! Releases.

use super::super::extract::{Path, Query};
use super::answer::Shown;
use super::visitor::{Form, Visitor};
use crate::pages::console::{self, Before, CHECKS, Curl};
use crate::service::app::{App, PageQuery};
use crate::service::problem::Problem;
use crate::service::publishing::{self, NewPublication, Withdraw};
use crate::service::requests::{EvaluateRequest, NewJob};
use crate::service::{budget, datasets, releases, submit};
use axum::extract::State;
use uuid::Uuid;

pub async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(page): Query<PageQuery>,
) -> Result<Shown, Problem> {
    let page = releases::list(&app, &visitor.caller, page).await?;
    Ok(Shown(console::releases(&visitor.frame(), &page)))
}

pub async fn find(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Shown, Problem> {
    let caller = &visitor.caller;
    let (release, report) =
        (releases::find(&app, caller, id).await?, releases::report(&app, caller, id).await?);
    let packets = report.stored.statement.one() == "packet";
    if caller.is_reader() {
        return Ok(Shown(console::release(&visitor.frame(), &release, packets, None)));
    }
    let model = releases::model(&app, caller, release.model_id).await?;
    let dataset = datasets::find(&app, caller, model.dataset_id).await?;
    let populations = budget::budget(&app, caller).await?.populations;
    let population = populations.iter().find(|population| population.id == dataset.population_id);
    let looks = population.map_or(&[][..], |population| &population.looks);
    let before = Before { report: &report, looks };
    Ok(Shown(console::release(&visitor.frame(), &release, packets, Some(&before))))
}

pub async fn publish(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    visitor.caller.steward()?;
    for (name, _) in CHECKS {
        fields.confirmed(name)?;
    }
    publishing::publish(&app, &visitor.caller, id, NewPublication::default()).await?;
    let curl = Curl::of("POST", format!("/v1/releases/{id}/publish"));
    let on = format!("/console/releases/{id}");
    Ok(Shown(visitor.frame().done(
        "Published",
        "Readers see the release from now on.",
        (&on, "To the release"),
        &curl,
    )))
}

pub async fn withdraw(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    visitor.caller.steward()?;
    fields.confirmed("for_good")?;
    let reason = fields.text("reason")?.to_string();
    let body = serde_json::json!({"reason": reason});
    publishing::withdraw(&app, &visitor.caller, id, Withdraw { reason }).await?;
    let curl = Curl::of("POST", format!("/v1/releases/{id}/withdraw")).with(body);
    let on = format!("/console/releases/{id}");
    let said =
        "The release stays listed as withdrawn, with day and reason. Its content is handed out no more.";
    Ok(Shown(visitor.frame().done("Withdrawn", said, (&on, "To the release"), &curl)))
}

pub async fn evaluate(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, .. }: Form,
) -> Result<Shown, Problem> {
    let request = NewJob::Evaluate(EvaluateRequest { release_id: id });
    let body = serde_json::to_value(&request).unwrap_or_default();
    let job = submit::submit(&app, &visitor.caller, request, None).await?;
    let on = format!("/console/jobs/{}", job.id);
    let said = "The release is being compared with the raw trace.";
    Ok(Shown(visitor.frame().done(
        "Comparing",
        said,
        (&on, "Watch it"),
        &Curl::of("POST", "/v1/jobs").with(body),
    )))
}
