//! What anybody may find: `/v1/catalog`, and each release at its public address `/p/{release}`. No key is needed for what is public; a key or a signed link shows more.

use super::accept;
use super::console::{Sheet, visitor};
use super::extract::{Body, Path, Query};
use super::front::From;
use super::openapi::File;
use super::releases::{Sending, sent};
use crate::pages;
use crate::service::app::{App, Caller};
use crate::service::catalogue::{self, About, CatalogueQuery, KeptFile};
use crate::service::content::{ContentFormat, ContentQuery};
use crate::service::links::{self, Link, LinkView, Looking, NewLink};
use crate::service::problem::Problem;
use crate::service::publishing::{self, Withdraw};
use crate::service::releases::ReleaseView;
use crate::service::{limits, signing};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Whoever asks: by their key or session if they send one. A session that has lapsed is none; a wrong key is refused.
pub struct Anyone(Option<Caller>);

impl FromRequestParts<App> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Caller::from_request_parts(parts, app).await.map(|caller| Anyone(Some(caller)));
        }
        let signed_in = visitor::asking(app, parts).await.and_then(Result::ok);
        match &signed_in {
            Some(caller) => limits::count_request(app, caller.tenant)?,
            None => {
                let From(from) = parts.extensions.get().copied().ok_or_else(Problem::internal)?;
                limits::count_stranger(app, from)?;
            }
        }
        Ok(Anyone(signed_in))
    }
}

impl Anyone {
    fn by<'a>(&'a self, link: &'a Link) -> Looking<'a> {
        Looking { caller: self.0.as_ref(), link }
    }
}

/// A document in JSON-LD.
fn linked(document: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/ld+json")], document.to_string()).into_response()
}

/// A text as it was kept and signed.
fn as_kept(kind: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Show the catalogue of public releases as DCAT-AP 3 JSON-LD, in pages; with a key, also the tenant's other published releases.
#[utoipa::path(get, path = "/v1/catalog", tag = "portal", operation_id = "catalogue", params(CatalogueQuery), security((), ("key" = [])),
    responses((status = 200, description = "A page; `hydra:next` names the next one.", content((Object = "application/ld+json")))))]
pub async fn catalog(
    State(app): State<App>,
    anyone: Anyone,
    Query(query): Query<CatalogueQuery>,
) -> Result<Response, Problem> {
    Ok(linked(&catalogue::page(&app, anyone.0.as_ref(), query).await?))
}

/// Show a release as Croissant 1.1 (steward; reader).
#[utoipa::path(get, path = "/v1/releases/{id}/croissant.json", tag = "portal", operation_id = "show_croissant", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The description of a published release.", content((Object = "application/ld+json")))))]
pub async fn own_croissant(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    own(&app, &caller, id, About::Croissant).await
}

/// Show a release as a Frictionless data package (steward; reader).
#[utoipa::path(get, path = "/v1/releases/{id}/datapackage.json", tag = "portal", operation_id = "show_datapackage", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "The description of a published release.", content((Object = "application/json", example = json!({"profile": "tabular-data-package", "name": "netdpsyn-0199c0de-0000-7000-8000-000000000003", "title": "Campus uplink, day 3", "resources": []}))))))]
pub async fn own_datapackage(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    own(&app, &caller, id, About::Datapackage).await
}

async fn own(app: &App, caller: &Caller, id: Uuid, about: About) -> Result<Response, Problem> {
    caller.member()?;
    let looking = Looking { caller: Some(caller), link: &Link::default() };
    let document = catalogue::document(app, &looking, id, about).await?;
    Ok(answer(about, &document))
}

fn answer(about: About, document: &Value) -> Response {
    match about {
        About::Datapackage => Json(document).into_response(),
        About::Dcat | About::Croissant => linked(document),
    }
}

/// Make a link to a published release that works without a key until it expires (steward).
#[utoipa::path(post, path = "/v1/releases/{id}/links", tag = "portal", operation_id = "make_link", params(("id" = Uuid, Path, description = "The release.")), request_body = NewLink,
    responses((status = 200, description = "The link. It is not stored.", body = LinkView),
        (status = 409, description = "The release is not published.")))]
pub async fn link(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(new): Body<NewLink>,
) -> Result<Json<LinkView>, Problem> {
    links::make(&app, &caller, id, new).await.map(Json)
}

/// Withdraw a published release permanently: its page shows day and reason, its content answers 410 (steward).
#[utoipa::path(post, path = "/v1/releases/{id}/withdraw", tag = "portal", operation_id = "withdraw_release", params(("id" = Uuid, Path, description = "The release.")), request_body = Withdraw,
    responses((status = 200, description = "Withdrawn.", body = ReleaseView),
        (status = 409, description = "It is a draft, or it was withdrawn for another reason.")))]
pub async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(why): Body<Withdraw>,
) -> Result<Json<ReleaseView>, Problem> {
    publishing::withdraw(&app, &caller, id, why).await.map(Json)
}

/// List the public keys that sign or signed releases, as a JWK set.
#[utoipa::path(get, path = "/.well-known/netdpsyn-keys.json", tag = "portal", operation_id = "signing_keys", security((), ("key" = [])),
    responses((status = 200, description = "The keys; the current one first.", content((Object = "application/jwk-set+json")))))]
pub async fn keys(State(app): State<App>, _: Anyone) -> Result<Response, Problem> {
    let keys = signing::keys(&app).await?;
    Ok(as_kept("application/jwk-set+json", keys.to_string()))
}

/// Show the page of a release with its description and files or, after a withdrawal, its day and reason.
#[utoipa::path(get, path = "/p/{release}", tag = "portal", operation_id = "public_page", params(("release" = Uuid, Path, description = "The release."), Link,
        ("Accept" = Option<String>, Header, description = "`text/html` or `application/ld+json`; the page by default.")), security((), ("key" = [])),
    responses((status = 200, description = "The page, or the same as DCAT-AP.", content((String = "text/html"), (Object = "application/ld+json")))))]
pub async fn page(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(link): Query<Link>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let looking = anyone.by(&link);
    let vary = [(header::VARY, "accept")];
    let wanted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if wanted.contains("application/ld+json") && !accept::is_page(Some(wanted)) {
        let document = catalogue::document(&app, &looking, id, About::Dcat).await?;
        return Ok((vary, linked(&document)).into_response());
    }
    let (_, about) = catalogue::described(&app, &looking, id).await?;
    Ok((vary, Sheet(pages::portal::page(&about, &link.behind()))).into_response())
}

/// What is asked of a public content: form and link.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PublicContent {
    /// The format; instead of `Accept`, for links.
    #[param(inline)]
    format: Option<ContentFormat>,
    /// Another text layout, instead of a format.
    #[param(example = "source")]
    layout: Option<String>,
    /// Expiry of a signed link, in seconds since 1970.
    until: Option<i64>,
    /// Signature of a signed link.
    signature: Option<String>,
}

/// Download a published trace without a key, whole or in part.
#[utoipa::path(get, path = "/p/{release}/content", tag = "portal", operation_id = "public_content", params(("release" = Uuid, Path, description = "The release."), PublicContent), security((), ("key" = [])),
    responses((status = 200, description = "The trace.", content((String = "text/csv"), (String = "text/plain"), (String = "text/tab-separated-values"), (String = "application/x-ndjson"), (inline(File) = "application/vnd.apache.parquet"), (inline(File) = "application/vnd.apache.arrow.file"), (inline(File) = "application/vnd.tcpdump.pcap"), (inline(File) = "application/x-pcapng"))),
        (status = 206, description = "The requested range.", content((String = "text/csv"), (String = "text/plain"), (String = "text/tab-separated-values"), (String = "application/x-ndjson"), (inline(File) = "application/vnd.apache.parquet"), (inline(File) = "application/vnd.apache.arrow.file"), (inline(File) = "application/vnd.tcpdump.pcap"), (inline(File) = "application/x-pcapng"))),
        (status = 304, description = "Not modified."),
        (status = 406, description = "It is available in other formats."),
        (status = 410, description = "It was withdrawn; the problem states day and reason."),
        (status = 416, description = "The range lies outside the content."),
        (status = 507, description = "The other format cannot be stored: the disk is full.")))]
pub async fn content(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(asked): Query<PublicContent>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let PublicContent { format, layout, until, signature } = asked;
    let link = Link { until, signature };
    let wanted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let shape = ContentQuery { format, layout }.shape(|| accept::preferred(wanted))?;
    let (kept, opened) = catalogue::content(&app, &anyone.by(&link), id, &shape).await?;
    Ok(sent(&headers, Sending { id, about: format!("/p/{id}"), shape, kept, opened }))
}

/// Show the release report, byte for byte as signed at publication.
#[utoipa::path(get, path = "/p/{release}/report", tag = "portal", operation_id = "public_report", params(("release" = Uuid, Path, description = "The release."), Link), security((), ("key" = [])),
    responses((status = 200, description = "The report.", content((Object = "application/json", example = json!({"version": 1, "private": false, "synthetic_rows": 3990, "mean_distance": 0.09, "mean_noise": 0.08})))), (status = 410, description = "The release was withdrawn.")))]
pub async fn report(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let text = catalogue::kept(&app, &anyone.by(&link), id, KeptFile::Report).await?;
    Ok(as_kept("application/json", text))
}

/// Show the statement of privacy of a release, byte for byte as signed.
#[utoipa::path(get, path = "/p/{release}/statement", tag = "portal", operation_id = "public_statement", params(("release" = Uuid, Path, description = "The release."), Link), security((), ("key" = [])),
    responses((status = 200, description = "The statement.", content((Object = "application/json", example = json!({"unit": "record", "guarantee": {"epsilon": 2.0, "delta": 1e-9}}))))))]
pub async fn statement(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let text = catalogue::kept(&app, &anyone.by(&link), id, KeptFile::Statement).await?;
    Ok(as_kept("application/json", text))
}

/// The type of an envelope.
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// Show the signature over content, report and statement of a release: a DSSE envelope with an in-toto statement.
#[utoipa::path(get, path = "/p/{release}/attestation", tag = "portal", operation_id = "attestation", params(("release" = Uuid, Path, description = "The release."), Link), security((), ("key" = [])),
    responses((status = 200, description = "The envelope.", content((Object = "application/vnd.dsse.envelope.v1+json")))))]
pub async fn attestation(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let text = catalogue::kept(&app, &anyone.by(&link), id, KeptFile::Attestation).await?;
    Ok(as_kept(ENVELOPE, text))
}

/// Show the signature over the withdrawal of a release.
#[utoipa::path(get, path = "/p/{release}/withdrawal", tag = "portal", operation_id = "withdrawal", params(("release" = Uuid, Path, description = "The release."), Link), security((), ("key" = [])),
    responses((status = 200, description = "The envelope.", content((Object = "application/vnd.dsse.envelope.v1+json")))))]
pub async fn withdrawal(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let text = catalogue::kept(&app, &anyone.by(&link), id, KeptFile::Withdrawal).await?;
    Ok(as_kept(ENVELOPE, text))
}

/// Show a release as Croissant 1.1.
#[utoipa::path(get, path = "/p/{release}/croissant.json", tag = "portal", operation_id = "public_croissant", params(("release" = Uuid, Path, description = "The release."), Link), security((), ("key" = [])),
    responses((status = 200, description = "The description.", content((Object = "application/ld+json")))))]
pub async fn croissant(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let about = About::Croissant;
    Ok(answer(about, &catalogue::document(&app, &anyone.by(&link), id, about).await?))
}

/// Show a release as a Frictionless data package.
#[utoipa::path(get, path = "/p/{release}/datapackage.json", tag = "portal", operation_id = "public_datapackage", params(("release" = Uuid, Path, description = "The release."), Link), security((), ("key" = [])),
    responses((status = 200, description = "The description.", content((Object = "application/json", example = json!({"profile": "tabular-data-package", "name": "netdpsyn-0199c0de-0000-7000-8000-000000000003", "title": "Campus uplink, day 3", "resources": []}))))))]
pub async fn datapackage(
    State(app): State<App>,
    anyone: Anyone,
    Path(id): Path<Uuid>,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let about = About::Datapackage;
    Ok(answer(about, &catalogue::document(&app, &anyone.by(&link), id, about).await?))
}
