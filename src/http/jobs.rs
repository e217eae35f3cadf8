//! `/v1/jobs` and `/v1/quotes`

use super::extract::{Body, Path, Query, Text};
use crate::service::app::{App, Caller, Page};
use crate::service::jobs::{self, JobQuery, JobView};
use crate::service::problem::Problem;
use crate::service::quotes::{self, QuoteRequest, QuoteView};
use crate::service::requests::NewJob;
use crate::service::submit;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use uuid::Uuid;

/// Submit a job: fit, generate or evaluate. A fit reserves its whole cost (steward).
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", operation_id = "submit_job", request_body = NewJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same job again, while it waits or runs and for at least 24 hours after it has ended. After about a week the key is free, and the same request makes a new job.",
        pattern = "^[!-~]{1,200}$")),
    responses((status = 202, description = "Accepted; watch the job.", body = JobView,
            headers(("Location" = String, description = "The job."), ("Retry-After" = u32, description = "Seconds until it is worth looking."))),
        (status = 404, description = "There is no such dataset, model or release."),
        (status = 409, description = "The budget does not pay for it, the state of the dataset does not allow it, or a server of an earlier version still runs, which cannot do it.")))]
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

/// Cancel a job. A fit that has begun to measure is charged all the same (steward).
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "cancel_job", params(("id" = Uuid, Path, description = "The job.")),
    responses((status = 202, description = "Cancelled, or asked to stop.", body = JobView)))]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, Json(jobs::cancel(&app, &caller, id).await?)))
}

/// Ask what a fit would cost and what to expect of it; nothing is reserved (steward).
#[utoipa::path(post, path = "/v1/quotes", tag = "jobs", operation_id = "quote_fit", request_body = QuoteRequest,
    responses((status = 200, description = "Its cost, what is left, and what to expect.", body = QuoteView),
        (status = 404, description = "There is no such dataset.")))]
pub async fn quote(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<QuoteRequest>,
) -> Result<Json<QuoteView>, Problem> {
    quotes::quote(&app, &caller, request).await.map(Json)
}
