//! Jobs: waiting, running and ended ones, and the page of one with its progress.

use super::{Curl, Frame, check, more, short};
use crate::pages::table;
use crate::pages::words::{about, when};
use crate::service::app::Page;
use crate::service::jobs::JobView;
use crate::storage::jobs::{JobKind, JobState};
use maud::{Markup, html};

/// The script of the console, from this server: it follows jobs, keeps a slider and its number alike, and shows how far an upload is. Pages do without it.
pub const LIVE: &str = include_str!("live.js");

/// Seconds between reloads of a page with progress, without scripts.
const AGAIN: &str = "5";

fn state(job: &JobView) -> Markup {
    let class = match job.state {
        JobState::Succeeded => "good",
        JobState::Failed => "poor",
        JobState::Queued | JobState::Running | JobState::Cancelled => "state",
    };
    html! { span class=(class) { (job.state) } }
}

fn is_open(job: &JobView) -> bool {
    matches!(job.state, JobState::Queued | JobState::Running)
}

/// Reloads a page with progress, without scripts.
fn fresh(open: bool) -> Markup {
    html! { @if open { noscript { meta http-equiv="refresh" content=(AGAIN); } } }
}

/// Progress of a job, which the script keeps up to date.
fn progress(job: &JobView) -> Markup {
    let id = format!("progress-{}", job.id);
    html! {
        @if is_open(job) {
            div data-events=(format!("/v1/jobs/{}/events", job.id)) {
                label for=(id) {
                    span data-stage {
                        @if job.stage.name().is_empty() { "waiting" }
                        @else { (job.stage.name()) }
                    }
                    ", " span data-percent { (job.percent) } " %"
                }
                progress id=(id) max="100" value=(job.percent) {}
            }
        } @else { (state(job)) }
    }
}

/// A table of jobs.
pub(super) fn list(items: &[JobView]) -> Markup {
    html! {
        @if items.is_empty() { p { "None." } } @else {
            (table("Jobs", &["job", "what", "state", ">ρ", "made"], items.iter().map(|job| html! {
                th scope="row" { a.id href=(format!("/console/jobs/{}", job.id)) { "…" (short(job.id)) } }
                td { (job.kind) }
                td { (progress(job)) }
                td.n { @if job.rho > 0.0 { (about(job.rho)) } @else { "–" } }
                td { (when(&job.created_at)) }
            })))
        }
    }
}

/// The tenant's jobs.
pub fn jobs(frame: &Frame, page: &Page<JobView>) -> String {
    let body = html! {
        h1 { "Jobs" }
        (list(&page.items))
        (more("/console/jobs", page.next))
        (Curl::get("/v1/jobs").same())
    };
    frame.page("/console/jobs", "Jobs", fresh(page.items.iter().any(is_open)), body)
}

/// One job.
pub fn job(frame: &Frame, job: &JobView) -> String {
    let path = format!("/v1/jobs/{}", job.id);
    let body = html! {
        h1 { "Job: " (job.kind) }
        section aria-live="polite" { (progress(job)) }
        dl {
            dt { "State" } dd { (state(job)) }
            dt { "Id" } dd.id { (job.id) }
            dt { "Dataset" }
            dd { a.id href=(format!("/console/datasets/{}", job.dataset_id)) { (job.dataset_id) } }
            @if job.kind == JobKind::Fit {
                dt { "ρ" }
                dd {
                    (job.rho)
                    @match job.charged { Some(true) => ", charged", Some(false) => ", given back", None => ", reserved" }
                }
            }
            @if let Some(model) = job.model_id { dt { "Model" } dd.id { (model) } }
            @if let Some(release) = job.release_id {
                dt { "Release" } dd { a.id href=(format!("/console/releases/{release}")) { (release) } }
            }
            dt { "Started" } dd { @match job.attempt { 0 => "not yet", 1 => "once", n => { (n) " times" } } }
            dt { "Accepted" } dd { (when(&job.created_at)) }
            @if let Some(end) = &job.finished_at { dt { "Ended" } dd { (when(end)) } }
            @if let Some(waits) = &job.waits_for { dt { "Waits for" } dd { (waits) } }
        }
        @if let Some(problem) = &job.problem {
            div.refused {
                p { strong { (problem["title"].as_str().unwrap_or("It failed")) } }
                p { (problem["detail"].as_str().unwrap_or_default()) }
            }
        }
        @if job.kind == JobKind::Fit && job.state == JobState::Succeeded {
            p {
                "A separate job generates a trace from it; see the "
                a href="/console/jobs" { "jobs" } "."
            }
        }
        @if is_open(job) {
            (frame.form(&format!("/console/jobs/{}/cancel", job.id), "panel", html! {
                h2 { "Cancel" }
                p {
                    @if job.kind == JobKind::Fit { "A fit that has begun to measure is charged anyway." }
                    @else { "It costs nothing." }
                }
                (check("sure", "Yes, cancel it", false, true))
                button.grave { "Cancel the job" }
                (Curl::of("POST", format!("{path}/cancel")).hint())
            }))
        }
        h2.screen { "Followed by the API" }
        pre.screen tabindex="0" { (Curl::get(format!("{path}/events")).line().replacen("-sS", "-sSN", 1)) }
        (Curl::get(path).same())
    };
    frame.page("/console/jobs", "Job", fresh(is_open(job)), body)
}
