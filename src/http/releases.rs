//! `/v1/releases`

use super::accept;
use super::console::Sheet;
use super::extract::{Path, Perhaps, Query};
use super::known;
use super::openapi::File;
use super::ranges::{self, Part};
use crate::pages::{self, release::Shown};
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::content::{self, ContentQuery, Shape};
use crate::service::problem::Problem;
use crate::service::publishing::{self, NewPublication};
use crate::service::releases::{self, PrivateReport, ReleaseReportView, ReleaseView};
use crate::storage::Kept;
use crate::storage::artifacts::Opened;
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

/// Publish a draft for readers or for everybody; the release is described and signed (steward). Without a body: for readers.
#[utoipa::path(post, path = "/v1/releases/{id}/publish", tag = "releases", operation_id = "publish_release", params(("id" = Uuid, Path, description = "The release.")), request_body = Option<NewPublication>,
    responses((status = 200, description = "Published.", body = ReleaseView),
        (status = 409, description = "It was withdrawn."),
        (status = 422, description = "Public access was requested, and the dataset lacks a title, a description, a publisher or a licence.")))]
pub async fn publish(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Perhaps(new): Perhaps<NewPublication>,
) -> Result<Json<ReleaseView>, Problem> {
    publishing::publish(&app, &caller, id, new.unwrap_or_default()).await.map(Json)
}

/// Download the synthetic trace as CSV, Parquet, Arrow or (of packets) a packet capture, or laid out as text of another kind, whole or in part (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}/content", tag = "releases", operation_id = "download_trace", params(("id" = Uuid, Path, description = "The release."), ContentQuery,
        ("Accept" = Option<String>, Header, description = "`text/csv`, `application/vnd.apache.parquet`, `application/vnd.apache.arrow.file`, `application/vnd.tcpdump.pcap` or `application/x-pcapng`; CSV by default."),
        ("If-None-Match" = Option<String>, Header, description = "`ETag`s of copies that the client has, or `*`."),
        ("Range" = Option<String>, Header, description = "The requested range, as `bytes=0-1023`. Several ranges are answered with the whole."),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the range is for; another trace is sent whole.")),
    responses((status = 200, description = "The trace.",
            content((String = "text/csv"), (String = "text/plain"), (String = "text/tab-separated-values"), (String = "application/x-ndjson"), (inline(File) = "application/vnd.apache.parquet"), (inline(File) = "application/vnd.apache.arrow.file"), (inline(File) = "application/vnd.tcpdump.pcap"), (inline(File) = "application/x-pcapng")),
            headers(("ETag" = String, description = "Its SHA-256, in this format."), ("Content-Disposition" = String, description = "Suggested file name."),
                ("Vary" = String, description = "The representation depends on `Accept`."), ("Accept-Ranges" = String, description = "Ranges are supported."),
                ("Link" = String, description = "The release that it belongs to."))),
        (status = 206, description = "The requested range.",
            content((String = "text/csv"), (String = "text/plain"), (String = "text/tab-separated-values"), (String = "application/x-ndjson"), (inline(File) = "application/vnd.apache.parquet"), (inline(File) = "application/vnd.apache.arrow.file"), (inline(File) = "application/vnd.tcpdump.pcap"), (inline(File) = "application/x-pcapng")),
            headers(("ETag" = String, description = "The SHA-256 of the whole."), ("Content-Range" = String, description = "The range, and the total length."))),
        (status = 304, description = "Not modified.", headers(("ETag" = String, description = "Its SHA-256."))),
        (status = 406, description = "It is available in other formats; captures contain packets only."),
        (status = 410, description = "It was withdrawn; the problem states day and reason."),
        (status = 422, description = "The layout does not exist, or none of its columns follow from the trace's."),
        (status = 416, description = "The range lies outside the content.", headers(("Content-Range" = String, description = "The total length."))),
        (status = 507, description = "The access cannot be recorded, or the other format cannot be stored: the disk is full.")))]
pub async fn content(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<ContentQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let shape = query.shape(|| accept::preferred(text(header::ACCEPT)))?;
    let (kept, opened) = content::content(&app, &caller, id, &shape).await?;
    Ok(sent(&headers, Sending { id, about: format!("/v1/releases/{id}"), shape, kept, opened }))
}

/// A trace to be sent.
pub(super) struct Sending {
    /// The release.
    pub id: Uuid,
    /// Where that is described.
    pub about: String,
    /// The form that is wanted.
    pub shape: Shape,
    /// The form's file.
    pub kept: Kept,
    /// The same, opened.
    pub opened: Opened,
}

/// A trace, whole or in part, or that it is the one that the client has.
pub(super) fn sent(headers: &HeaderMap, sending: Sending) -> Response {
    let Sending { id, about, shape, kept, opened } = sending;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = format!("\"{}\"", kept.sha256);
    let vary = (header::VARY, header::ACCEPT.as_str());
    if known::has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag.as_str()), vary]).into_response();
    }
    let wanted = text(header::RANGE).filter(|_| text(header::IF_RANGE).is_none_or(|known| known == tag));
    let length = kept.bytes;
    let fields = [
        (header::CONTENT_TYPE, shape.media_type),
        (header::ETAG, tag),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.{}\"", shape.extension)),
        (header::ACCEPT_RANGES, "bytes".to_string()),
        (header::LINK, format!("<{about}>; rel=\"describedby\"")),
    ];
    let size = |bytes: u64| (header::CONTENT_LENGTH, bytes.to_string());
    match ranges::part(wanted, length) {
        Part::Whole => {
            let body = Body::from_stream(opened.part(0..length));
            ([vary], fields, [size(length)], body).into_response()
        }
        Part::Bytes(part) => {
            let range = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            let size = size(part.end - part.start);
            let body = Body::from_stream(opened.part(part));
            let status = StatusCode::PARTIAL_CONTENT;
            (status, [vary], fields, [size, (header::CONTENT_RANGE, range)], body).into_response()
        }
        Part::Outside => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            (range, Problem::no_such_part(length)).into_response()
        }
    }
}

/// Whether a page is wanted rather than JSON, and that this was told from the header.
fn by_accept(headers: &HeaderMap) -> (bool, [(header::HeaderName, &'static str); 1]) {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    (accept::is_page(accept), [(header::VARY, "accept")])
}

/// Show the release report, made from the model alone, with the statement of privacy (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}/report", tag = "releases", operation_id = "show_report", params(("id" = Uuid, Path, description = "The release."),
        ("Accept" = Option<String>, Header, description = "`application/json` or `text/html`; JSON by default.")),
    responses((status = 200, description = "Every measured marginal against the generated records, beside its expected noise.",
        content((ReleaseReportView = "application/json"), (String = "text/html"))), (status = 410, description = "The release was withdrawn.")))]
pub async fn report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (page, vary) = by_accept(&headers);
    match page {
        true => Ok((vary, reported(&app, &caller, id).await?).into_response()),
        false => Ok((vary, Json(releases::report(&app, &caller, id).await?)).into_response()),
    }
}

/// Show the release report as a self-contained page (steward; reader once published).
#[utoipa::path(get, path = "/v1/releases/{id}/report.html", tag = "releases", operation_id = "show_report_page", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The page.", content((String = "text/html"))), (status = 410, description = "The release was withdrawn.")))]
pub async fn report_page(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Sheet, Problem> {
    reported(&app, &caller, id).await
}

async fn reported(app: &App, caller: &Caller, id: Uuid) -> Result<Sheet, Problem> {
    let (release, report) =
        (releases::find(app, caller, id).await?, releases::report(app, caller, id).await?);
    Ok(Sheet(pages::release::page(&Shown::of(&release, &report))))
}

/// Show the private report, a comparison with the raw trace; the access is recorded on the release (steward).
#[utoipa::path(get, path = "/v1/releases/{id}/report/private", tag = "releases", operation_id = "show_private_report", params(("id" = Uuid, Path, description = "The release."),
        ("Accept" = Option<String>, Header, description = "`application/json` or `text/html`; JSON by default.")),
    responses((status = 200, description = "The comparison with the raw trace. Not for publication.",
            content((PrivateReport = "application/json"), (String = "text/html"))),
        (status = 406, description = "The report was made by an earlier version, and is available as JSON only."),
        (status = 409, description = "The population is strict: private reports are shown only after publication."),
        (status = 507, description = "The access cannot be recorded: the disk is full.")))]
pub async fn private_report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (page, vary) = by_accept(&headers);
    let report = releases::private_report(&app, &caller, id).await?;
    if !page {
        return Ok((vary, Json(report)).into_response());
    }
    let report: PrivateReport = serde_json::from_value(report).map_err(|_| Problem::only_as_json())?;
    Ok((vary, Sheet(pages::private::page(&report))).into_response())
}
