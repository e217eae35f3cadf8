//! The console at `/`: pages and forms of people who sign in with a key. Each handler calls what the API's handlers call, and shows what comes back.
//!
//! | file | idea |
//! | --- | --- |
//! | [`visitor`] | who is signed in, and forms that are theirs |
//! | [`answer`] | pages, and refusals as pages |
//! | `entry` | signing in and out |
//! | `datasets`, `jobs`, `releases`, `tenants`, `room` | what there is |

mod answer;
mod datasets;
mod entry;
mod jobs;
mod releases;
mod room;
mod tenants;
pub mod visitor;

pub use answer::{Paged, Sheet, as_pages};

use crate::service::app::App;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

/// Pages and forms that answer at once, and those that last as long as they make progress.
pub fn routes() -> [Router<App>; 2] {
    let quick = Router::new()
        .route("/", get(entry::begin))
        .route("/console/sign-in", post(entry::sign_in))
        .route("/console/sign-out", post(entry::sign_out))
        .route("/console/live.js", get(entry::live))
        .route("/console/datasets", get(datasets::list).post(datasets::create))
        .route("/console/datasets/{id}", get(datasets::find))
        .route("/console/datasets/{id}/compare", get(datasets::compare))
        .route("/console/datasets/{id}/declare", post(datasets::declare))
        .route("/console/datasets/{id}/quote", post(datasets::quote))
        .route("/console/datasets/{id}/fit", post(datasets::fit))
        .route("/console/datasets/{id}/erase", post(datasets::erase))
        .route("/console/jobs", get(jobs::list))
        .route("/console/jobs/{id}", get(jobs::find))
        .route("/console/jobs/{id}/cancel", post(jobs::cancel))
        .route("/console/budget", get(jobs::budget))
        .route("/console/releases", get(releases::list))
        .route("/console/releases/{id}", get(releases::find))
        .route("/console/releases/{id}/publish", post(releases::publish))
        .route("/console/releases/{id}/withdraw", post(releases::withdraw))
        .route("/console/releases/{id}/evaluate", post(releases::evaluate))
        .route("/console/tenants", get(tenants::list).post(tenants::create))
        .route("/console/tenants/{id}", get(tenants::find))
        .route("/console/tenants/{id}/cap", post(tenants::set_cap))
        .route("/console/tenants/{id}/keys", post(tenants::issue))
        .route("/console/tenants/{id}/revoke", post(tenants::revoke))
        .route("/console/populations", get(tenants::populations).post(tenants::create_population))
        .route("/console/populations/{id}/cap", post(tenants::set_population_cap))
        .route("/console/storage", get(room::storage));
    let slow = Router::new().route("/console/datasets/{id}/upload", post(datasets::upload));
    [quick, slow.layer(DefaultBodyLimit::disable())]
}
