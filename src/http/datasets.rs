//! `/v1/datasets`

use super::extract::{Body, Path, Query, arriving};
use super::openapi::File;
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::comparison::{self, ComparisonQuery, ComparisonView};
use crate::service::datasets::{self, DatasetPatch, DatasetView, NewDataset};
use crate::service::problem::Problem;
use crate::service::uploads;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use uuid::Uuid;

/// Make a dataset: a name, and what is publicly known about the trace (steward).
#[utoipa::path(post, path = "/v1/datasets", tag = "datasets", operation_id = "create_dataset", request_body = NewDataset,
    responses((status = 201, description = "Made; upload the trace next.", body = DatasetView, headers(("Location" = String, description = "Its address."))),
        (status = 404, description = "The population does not exist."),
        (status = 409, description = "A server of an earlier version still runs and cannot read the schema.")))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewDataset>,
) -> Result<impl IntoResponse, Problem> {
    let dataset = datasets::create(&app, &caller, new).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/datasets/{}", dataset.id))], Json(dataset)))
}

/// List datasets (steward).
#[utoipa::path(get, path = "/v1/datasets", tag = "datasets", operation_id = "list_datasets", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<DatasetView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DatasetView>>, Problem> {
    datasets::list(&app, &caller, page).await.map(Json)
}

/// Show a dataset: state, declaration and parse report (steward).
#[utoipa::path(get, path = "/v1/datasets/{id}", tag = "datasets", operation_id = "show_dataset", params(("id" = Uuid, Path, description = "The dataset.")),
    responses((status = 200, description = "The dataset.", body = DatasetView)))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<DatasetView>, Problem> {
    datasets::find(&app, &caller, id).await.map(Json)
}

/// Change the declaration, until the first fit is accepted. An uploaded trace is parsed again (steward).
#[utoipa::path(patch, path = "/v1/datasets/{id}", tag = "datasets", operation_id = "change_dataset", params(("id" = Uuid, Path, description = "The dataset.")), request_body = DatasetPatch,
    responses((status = 200, description = "Changed.", body = DatasetView),
        (status = 409, description = "A fit has frozen the declaration, an upload or its parsing is under way, or a server of an earlier version still runs and cannot read the schema.")))]
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(patch): Body<DatasetPatch>,
) -> Result<Json<DatasetView>, Problem> {
    datasets::patch(&app, &caller, id, patch).await.map(Json)
}

/// Compare up to five fits and quotes of the dataset: ε, forecast, and figures of private reports. Each private report whose figures are shown counts as opened, and each ε as
/// quoted (steward).
#[utoipa::path(get, path = "/v1/datasets/{id}/comparison", tag = "datasets", operation_id = "compare_fits", params(("id" = Uuid, Path, description = "The dataset."),
        ("model" = Option<Vec<Uuid>>, Query, max_items = 5, description = "Models of the dataset's fits."),
        ("epsilon" = Option<Vec<comparison::Epsilon>>, Query, max_items = 5, description = "ε of fits that do not exist; each is quoted."),
        ("hold_out" = Option<bool>, Query, description = "Whether the quoted fits would hold out a fifth.")),
    responses((status = 200, description = "The available and the requested fits and quotes.", body = ComparisonView),
        (status = 507, description = "The access cannot be recorded: the disk is full.")))]
pub async fn compare(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    uri: Uri,
) -> Result<Json<ComparisonView>, Problem> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
    comparison::comparison(&app, &caller, id, &ComparisonQuery::of(pairs)?).await.map(Json)
}

/// Erase the raw trace and all private data derived from it; ledger and releases stay (steward).
#[utoipa::path(delete, path = "/v1/datasets/{id}", tag = "datasets", operation_id = "erase_dataset", params(("id" = Uuid, Path, description = "The dataset.")),
    responses((status = 204, description = "Erased."),
        (status = 409, description = "An upload or a job is under way.")))]
pub async fn erase(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    datasets::erase(&app, &caller, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Upload the raw trace: the body is the file, CSV, NDJSON, Parquet or Arrow, as `curl -T FILE` sends it (steward).
#[utoipa::path(put, path = "/v1/datasets/{id}/trace", tag = "datasets", operation_id = "upload_trace",
    params(("id" = Uuid, Path, description = "The dataset."),
        ("Content-Digest" = Option<String>, Header, description = "sha-256=:BASE64: of the body (RFC 9530), verified.",
            pattern = "^sha-256=:[A-Za-z0-9+/]{43}=:$")),
    request_body(content = inline(File), content_type = "application/octet-stream", description = "CSV with a header or NDJSON, plain or packed by gzip, zstd, xz, bzip2 or zip; Parquet; Arrow IPC; a packet capture. The format is recognised by the first bytes."),
    responses((status = 202, description = "Received; parsing has begun. Poll the dataset's state.", body = DatasetView,
            headers(("Location" = String, description = "The dataset."), ("Retry-After" = u32, description = "Seconds to wait before the next poll."))),
        (status = 409, description = "Another upload, its parsing or a job is under way, or this upload was interrupted.")))]
pub async fn upload(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    // A refused body may not have been read to its end: the connection cannot carry another request.
    match receive(&app, &caller, id, &headers, request).await {
        Ok(dataset) => {
            let about = [(header::LOCATION, format!("/v1/datasets/{id}")), (header::RETRY_AFTER, "1".into())];
            (StatusCode::ACCEPTED, about, Json(dataset)).into_response()
        }
        Err(problem) => ([(header::CONNECTION, "close")], problem).into_response(),
    }
}

async fn receive(
    app: &App,
    caller: &Caller,
    id: Uuid,
    headers: &HeaderMap,
    request: Request,
) -> Result<DatasetView, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let digest = headers.get("content-digest").map(|value| value.to_str().unwrap_or("")).map(str::to_owned);
    if text(header::CONTENT_ENCODING).is_some() {
        return Err(Problem::unsupported(
            "send the file as it is, without Content-Encoding; its compression is recognised by its first bytes",
        ));
    }
    // An upload has no limit in all, but none may hold its place in silence.
    let body = arriving(request.into_body(), Duration::from_secs(app.config.idle_seconds));
    uploads::upload(app, caller, id, length, digest.as_deref(), Box::pin(body)).await
}
