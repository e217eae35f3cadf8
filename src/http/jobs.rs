//! `/v1/jobs` and `/v1/quotes`

use super::connection::{Stopping, heard};
use super::extract::{Body, Path, Query, Text};
use crate::service::app::{App, Caller, Page};
use crate::service::events::{self, Event};
use crate::service::jobs::{self, JobQuery, JobView};
use crate::service::problem::Problem;
use crate::service::quotes::{self, QuoteRequest, QuoteView};
use crate::service::requests::NewJob;
use crate::service::submit;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response, sse};
use axum::{Extension, Json};
use futures_util::StreamExt;
use std::time::Duration;
use uuid::Uuid;

/// Submit a job: fit, generate or evaluate. A fit reserves its whole cost (steward).
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", operation_id = "submit_job", request_body = NewJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeated key with the same body returns the same job while it waits or runs, and for at least 24 hours after its end. After about a week the key expires, and the same request makes a new job.",
        pattern = "^[!-~]{1,200}$")),
    responses((status = 202, description = "Accepted; watch the job.", body = JobView,
            headers(("Location" = String, description = "The job."), ("Retry-After" = u32, description = "Seconds to wait before the next poll."))),
        (status = 404, description = "The dataset, model or release does not exist."),
        (status = 409, description = "The budget does not cover it, the dataset's state does not allow it, or a server of an earlier version still runs and cannot do it.")))]
pub async fn submit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Text(body): Text,
) -> Result<impl IntoResponse, Problem> {
    let new = NewJob::read(&body)?;
    let key = headers.get("idempotency-key").map(|value| value.to_str().unwrap_or(""));
    let job = submit::submit(&app, &caller, new, key).await?;
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, format!("/v1/jobs/{}", job.id)), (header::RETRY_AFTER, "1".into())],
        Json(job),
    ))
}

/// List jobs (steward).
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", operation_id = "list_jobs", params(JobQuery),
    responses((status = 200, description = "A page.", body = Page<JobView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(wanted): Query<JobQuery>,
) -> Result<Json<Page<JobView>>, Problem> {
    jobs::list(&app, &caller, wanted).await.map(Json)
}

/// Show a job: state, stage, percent, cost (steward).
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", operation_id = "show_job", params(("id" = Uuid, Path, description = "The job.")),
    responses((status = 200, description = "The job.", body = JobView)))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<JobView>, Problem> {
    jobs::find(&app, &caller, id).await.map(Json)
}

/// How often a stream of events in which nothing happens says that it is still there.
const STILL_THERE: Duration = Duration::from_secs(15);

/// An event of a job.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)]
pub struct JobEvent {
    /// `progress`, or `end`.
    event: String,
    /// The job, as JSON.
    data: String,
}

/// Follow a job as server-sent events: `progress` whenever state, stage or percent change, `end` at its end, each with the job (steward).
#[utoipa::path(get, path = "/v1/jobs/{id}/events", tag = "jobs", operation_id = "follow_job", params(("id" = Uuid, Path, description = "The job.")),
    responses((status = 200, description = "Events, until the job ends, the key is revoked or the server stops. A comment every 15 seconds keeps the connection open.",
        content((JobEvent = "text/event-stream")))))]
pub async fn events(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    stopping: Option<Extension<Stopping>>,
) -> Result<Response, Problem> {
    let events = events::events(&app, &caller, id).await?.map(|event| {
        let (name, job) = match &event {
            Event::Progress(job) => ("progress", job),
            Event::End(job) => ("end", job),
        };
        sse::Event::default().event(name).json_data(job)
    });
    let stopped = async move {
        match stopping {
            Some(Extension(Stopping(mut told))) => heard(&mut told).await,
            None => std::future::pending().await,
        }
    };
    let events = sse::Sse::new(events.take_until(Box::pin(stopped)));
    // A proxy that gathers answers would show nothing until the end.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, events.keep_alive(sse::KeepAlive::new().interval(STILL_THERE))).into_response())
}

/// Cancel a job. A fit that has begun to measure is charged all the same (steward).
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "cancel_job", params(("id" = Uuid, Path, description = "The job.")),
    responses((status = 202, description = "Cancelled, or cancellation requested.", body = JobView)))]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, Json(jobs::cancel(&app, &caller, id).await?)))
}

/// Quote a fit: its cost and expected fidelity; nothing is reserved (steward).
#[utoipa::path(post, path = "/v1/quotes", tag = "jobs", operation_id = "quote_fit", request_body = QuoteRequest,
    responses((status = 200, description = "Cost, remaining budget and expected fidelity.", body = QuoteView),
        (status = 404, description = "The dataset does not exist.")))]
pub async fn quote(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<QuoteRequest>,
) -> Result<Json<QuoteView>, Problem> {
    quotes::quote(&app, &caller, request).await.map(Json)
}
