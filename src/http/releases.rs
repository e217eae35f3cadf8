//! `/v1/releases`

use super::extract::{Path, Query};
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
#[utoipa::path(get, path = "/v1/releases", tag = "releases", operation_id = "list_releases", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<ReleaseView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ReleaseView>>, Problem> {
    releases::list(&app, &caller, page).await.map(Json)
}

/// Show a release (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}", tag = "releases", operation_id = "show_release", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The release.", body = ReleaseView)))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ReleaseView>, Problem> {
    releases::find(&app, &caller, id).await.map(Json)
}

/// Publish a draft: readers see it from now on (steward).
#[utoipa::path(post, path = "/v1/releases/{id}/publish", tag = "releases", operation_id = "publish_release", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "Published.", body = ReleaseView)))]
pub async fn publish(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ReleaseView>, Problem> {
    releases::publish(&app, &caller, id).await.map(Json)
}

/// Download the synthetic trace, as CSV (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}/content", tag = "releases", operation_id = "download_trace", params(("id" = Uuid, Path, description = "The release."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the trace that you have.")),
    responses((status = 200, description = "The trace.", body = String, content_type = "text/csv",
            headers(("ETag" = String, description = "Its SHA-256."), ("Content-Disposition" = String, description = "A name for the file."),
                ("Link" = String, description = "The release that it belongs to."))),
        (status = 304, description = "It is the one you have.", headers(("ETag" = String, description = "Its SHA-256."))),
        (status = 507, description = "That it was looked at cannot be written down: no room left on the disk.")))]
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
#[utoipa::path(get, path = "/v1/releases/{id}/report", tag = "releases", operation_id = "show_report", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "Every measured marginal against the generated records, beside its expected noise.", body = ReleaseReportView)))]
pub async fn report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ReleaseReportView>, Problem> {
    releases::report(&app, &caller, id).await.map(Json)
}

/// Show the private report, made against the raw trace; opening it is recorded on the release (steward).
#[utoipa::path(get, path = "/v1/releases/{id}/report/private", tag = "releases", operation_id = "show_private_report", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The comparison with the raw trace. Not for publication.", body = PrivateReport),
        (status = 409, description = "The population is strict: private reports are shown after publication."),
        (status = 507, description = "That it was looked at cannot be written down: no room left on the disk.")))]
pub async fn private_report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<serde_json::Value>, Problem> {
    releases::private_report(&app, &caller, id).await.map(Json)
}
