//! `/v1/tenants/{id}/keys`

use super::extract::{Body, Path, Query};
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::keys::{self, IssuedKey, KeyView, NewKey};
use crate::service::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use uuid::Uuid;

/// Issue a key of a tenant; its secret is shown only once (admin).
#[utoipa::path(post, path = "/v1/tenants/{id}/keys", tag = "keys", operation_id = "issue_key", params(("id" = Uuid, Path, description = "The tenant.")), request_body = NewKey,
    responses((status = 201, description = "Issued.", body = IssuedKey)))]
pub async fn issue(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(new): Body<NewKey>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, Json(keys::issue(&app, &caller, id, new).await?)))
}

/// List a tenant's keys, without their secrets (admin).
#[utoipa::path(get, path = "/v1/tenants/{id}/keys", tag = "keys", operation_id = "list_keys", params(("id" = Uuid, Path, description = "The tenant."), PageQuery),
    responses((status = 200, description = "A page.", body = Page<KeyView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<KeyView>>, Problem> {
    keys::list(&app, &caller, id, page).await.map(Json)
}

/// Revoke a key (admin).
#[utoipa::path(delete, path = "/v1/tenants/{id}/keys/{key_id}", tag = "keys", operation_id = "revoke_key",
    params(("id" = Uuid, Path, description = "The tenant."), ("key_id" = Uuid, Path, description = "The key.")),
    responses((status = 204, description = "Revoked.")))]
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    keys::revoke(&app, &caller, id, key).await.map(|()| StatusCode::NO_CONTENT)
}
