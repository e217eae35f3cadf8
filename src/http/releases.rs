//! `/v1/releases`

use super::extract::{Path, Query};
use super::openapi::Refusals;
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::problem::Problem;
use crate::service::releases::{self, PrivateReport, ReleaseReportView, ReleaseView};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

/// List releases: all (steward), or published ones (reader).
#[utoipa::path(get, path = "/v1/releases", tag = "releases", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<ReleaseView>), Refusals))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ReleaseView>>, Problem> {
    releases::list(&app, &caller, page).await.map(Json)
}

/// Show a release (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}", tag = "releases", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The release.", body = ReleaseView), Refusals))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ReleaseView>, Problem> {
    releases::find(&app, &caller, id).await.map(Json)
}

/// Publish a draft: readers see it from now on (steward).
#[utoipa::path(post, path = "/v1/releases/{id}/publish", tag = "releases", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "Published.", body = ReleaseView), Refusals))]
pub async fn publish(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ReleaseView>, Problem> {
    releases::publish(&app, &caller, id).await.map(Json)
}

/// Download the synthetic trace, as CSV (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}/content", tag = "releases", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The trace.", body = Vec<u8>, content_type = "text/csv"),
        (status = 304, description = "It is the one you have."), Refusals))]
pub async fn content(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let release = releases::content(&app, &caller, id).await?;
    let tag = format!("\"{}\"", release.trace_sha256);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let body = Body::from_stream(app.artifacts.get(&release.trace_path).await?);
    let about = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_string()),
        (header::CONTENT_LENGTH, release.bytes.to_string()),
        (header::ETAG, tag),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.csv\"")),
        (header::LINK, format!("</v1/releases/{id}>; rel=\"describedby\"")),
    ];
    Ok((about, body).into_response())
}

/// Show the release report, made from the model alone, with the statement of privacy (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}/report", tag = "releases", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "Every measured marginal against the generated records, beside its expected noise.", body = ReleaseReportView), Refusals))]
pub async fn report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ReleaseReportView>, Problem> {
    releases::report(&app, &caller, id).await.map(Json)
}

/// Show the private report, made against the raw trace; opening it is recorded on the release (steward).
#[utoipa::path(get, path = "/v1/releases/{id}/report/private", tag = "releases", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The comparison with the raw trace. Not for publication.", body = PrivateReport), Refusals))]
pub async fn private_report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<serde_json::Value>, Problem> {
    releases::private_report(&app, &caller, id).await.map(Json)
}
