//! The REST API: one file a resource, each handler one use case of [`crate::service`]. Routes and OpenAPI come from one place.
//!
//! | file | idea |
//! | --- | --- |
//! | [`extract`] | who asks, and bodies, paths and queries whose faults become problem documents |
//! | [`openapi`], [`completed`] | the document: what handlers say, and what follows from it |
//! | [`server`] | listening, draining |
//!
//! A handler reads its arguments, calls, and answers; it decides nothing.

pub mod budget;
pub mod completed;
pub mod datasets;
pub mod extract;
pub mod health;
pub mod jobs;
pub mod keys;
pub mod models;
pub mod openapi;
pub mod populations;
pub mod releases;
pub mod server;
pub mod tenants;

use crate::service::app::App;
use crate::service::problem::Problem;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, StatusCode};
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::Level;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest JSON body.
const MAX_JSON: usize = 1 << 20;
/// How long a request other than an upload may take.
const TIME_OUT: Duration = Duration::from_secs(60);

/// The API's routes and their description.
pub fn api() -> OpenApiRouter<App> {
    let quick = OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(tenants::create, tenants::list))
        .routes(routes!(tenants::find, tenants::set_cap))
        .routes(routes!(tenants::budget))
        .routes(routes!(keys::issue, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(populations::create, populations::list))
        .routes(routes!(populations::set_cap))
        .routes(routes!(datasets::create, datasets::list))
        .routes(routes!(datasets::find, datasets::patch, datasets::erase))
        .routes(routes!(jobs::submit, jobs::list))
        .routes(routes!(jobs::find))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::quote))
        .routes(routes!(budget::budget))
        .routes(routes!(budget::entries))
        .routes(routes!(models::find))
        .routes(routes!(models::marginals))
        .routes(routes!(releases::list))
        .routes(routes!(releases::find))
        .routes(routes!(releases::publish))
        .routes(routes!(releases::report))
        .routes(routes!(releases::private_report))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIME_OUT))
        .layer(DefaultBodyLimit::max(MAX_JSON));
    // Uploads and downloads last as long as they make progress.
    let slow = OpenApiRouter::new()
        .routes(routes!(datasets::upload))
        .routes(routes!(releases::content))
        .layer(DefaultBodyLimit::disable());
    quick.merge(slow)
}

/// The whole application.
pub fn router(app: App) -> Router {
    let (routes, _) = api().split_for_parts();
    let docs = utoipa_swagger_ui::SwaggerUi::new("/docs")
        .external_url_unchecked("/openapi.json", openapi::document())
        .config(utoipa_swagger_ui::Config::default().validator_url("none"));
    let id = HeaderName::from_static("x-request-id");
    routes
        .with_state(app)
        .merge(docs)
        .fallback(async || Problem::not_found("route; see /docs"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            axum::response::IntoResponse::into_response(Problem::internal())
        }))
        .layer(PropagateRequestIdLayer::new(id.clone()))
        // Method, path and id; never a body, a query's values or a key.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_response(DefaultOnResponse::new().level(Level::INFO)),
        )
        .layer(SetRequestIdLayer::new(id, MakeRequestUuid))
}

/// What the log tells of a request.
fn span(request: &axum::http::Request<axum::body::Body>) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or("");
    tracing::info_span!("http", method = %request.method(), path = request.uri().path(), id)
}
