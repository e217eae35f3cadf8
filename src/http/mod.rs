//! The REST API: one file a resource, each handler one use case of [`crate::service`]. Routes and OpenAPI come from one place.
//!
//! | file | idea |
//! | --- | --- |
//! | [`extract`] | the caller, and bodies, paths and queries whose faults become problem documents |
//! | [`openapi`], [`completed`] | the document: what handlers say, and what follows from it |
//! | [`front`] | what every request meets first: its id, where it comes from, its line in the log, its time |
//! | [`server`] | starting, draining |
//! | [`connections`] | accepting, how many, and the end of all |
//! | [`connection`], [`pulse`] | one connection, and until when it may do what |
//! | `accept`, `ranges` | in which format a trace is wanted, and which part of it |
//! | [`portal`] | what anybody may find: the catalogue, and releases at their public addresses |
//! | [`bare`] | answers outside the router |
//! | [`console`] | pages and forms for people who sign in |
//!
//! A handler reads its arguments, calls, and answers; it decides nothing.

mod accept;
pub mod bare;
pub mod budget;
pub mod completed;
pub mod connection;
pub mod connections;
pub mod console;
pub mod datasets;
pub mod deposits;
pub mod extract;
pub mod front;
pub mod health;
pub mod jobs;
pub mod keys;
mod known;
pub mod models;
pub mod openapi;
pub mod populations;
pub mod portal;
pub mod pulse;
mod ranges;
pub mod releases;
pub mod room;
pub mod server;
pub mod tenants;
pub mod webhooks;

use crate::service::app::App;
use crate::service::problem::Problem;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest JSON body.
const MAX_JSON: usize = 1 << 20;

/// The API's routes and their description: those that answer at once, and those that last as long as they make progress.
pub fn api() -> [OpenApiRouter<App>; 2] {
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
        .routes(routes!(datasets::compare))
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
        .routes(routes!(releases::report_page))
        .routes(routes!(releases::private_report))
        .routes(routes!(room::storage))
        .routes(routes!(portal::catalog))
        .routes(routes!(portal::own_croissant))
        .routes(routes!(portal::own_datapackage))
        .routes(routes!(portal::link))
        .routes(routes!(portal::withdraw))
        .routes(routes!(portal::keys))
        .routes(routes!(portal::page))
        .routes(routes!(portal::report))
        .routes(routes!(portal::statement))
        .routes(routes!(portal::attestation))
        .routes(routes!(portal::withdrawal))
        .routes(routes!(portal::croissant))
        .routes(routes!(portal::datapackage))
        .routes(routes!(deposits::repositories))
        .routes(routes!(deposits::create, deposits::list))
        .routes(routes!(deposits::find))
        .routes(routes!(deposits::again))
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::find, webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::replace_secret))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::again))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready));
    let slow = OpenApiRouter::new()
        .routes(routes!(datasets::upload))
        .routes(routes!(releases::content))
        .routes(routes!(portal::content))
        .routes(routes!(jobs::events));
    [quick, slow]
}

/// The whole application.
pub fn router(app: App) -> Router {
    let [quick, slow] = api();
    let in_time = || from_fn_with_state(app.clone(), front::in_time);
    let (routes, _) = quick.layer(in_time()).merge(slow).split_for_parts();
    let [pages, slow_pages] = console::routes();
    let pages = pages.layer(in_time()).merge(slow_pages).layer(from_fn(console::as_pages));
    let docs = utoipa_swagger_ui::SwaggerUi::new("/docs")
        .external_url_unchecked("/openapi.json", openapi::document())
        .config(utoipa_swagger_ui::Config::default().validator_url("none"));
    routes
        .merge(pages)
        .with_state(app.clone())
        .merge(docs)
        .fallback(async || Problem::not_found("route; see /docs"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            axum::response::IntoResponse::into_response(Problem::internal())
        }))
        .layer(from_fn(front::documented))
        .layer(from_fn_with_state(app, front::meet))
}
