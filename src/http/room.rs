//! `/v1/storage`

use crate::service::app::{App, Caller};
use crate::service::problem::Problem;
use crate::service::room::{self, StorageView};
use axum::Json;
use axum::extract::State;

/// Show the disk usage by kind and by tenant, in steps of 1 MiB and without file names (admin).
#[utoipa::path(get, path = "/v1/storage", tag = "storage", operation_id = "show_storage",
    responses((status = 200, description = "Free space and usage.", body = StorageView)))]
pub async fn storage(State(app): State<App>, caller: Caller) -> Result<Json<StorageView>, Problem> {
    room::storage(&app, &caller).await.map(Json)
}
