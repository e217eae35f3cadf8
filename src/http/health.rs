//! Probes.

use crate::service::app::App;
use crate::service::problem::Problem;
use crate::service::readiness;
use axum::extract::State;

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "probes", operation_id = "is_alive", security(()), responses((status = 200, description = "The process runs.")))]
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the service is ready: database and data directory are writable. Checked at most once a second.
#[utoipa::path(get, path = "/readyz", tag = "probes", operation_id = "is_ready", security(()), responses((status = 200, description = "The service is ready.")))]
pub async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    readiness::check(&app).await.map(|()| "ready\n")
}
