//! `/v1/storage`

use crate::service::app::{App, Caller};
use crate::service::problem::Problem;
use crate::service::room::{self, StorageView};
use axum::Json;
use axum::extract::State;

/// Show what takes room on the server's disk, by kind and by tenant, in steps of 1 MiB and without names of files (admin).
#[utoipa::path(get, path = "/v1/storage", tag = "storage", operation_id = "show_storage",
    responses((status = 200, description = "Free room, and what takes the rest.", body = StorageView)))]
pub async fn storage(State(app): State<App>, caller: Caller) -> Result<Json<StorageView>, Problem> {
    room::storage(&app, &caller).await.map(Json)
}
