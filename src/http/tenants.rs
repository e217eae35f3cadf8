//! `/v1/tenants`

use super::extract::{Body, Path, Query};
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::budget::AccountView;
use crate::service::problem::Problem;
use crate::service::tenants::{self, NewCap, NewTenant, TenantCapView, TenantView};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use uuid::Uuid;

/// Make a tenant, with a default population of the same cap (admin).
#[utoipa::path(post, path = "/v1/tenants", tag = "tenants", operation_id = "create_tenant", request_body = NewTenant,
    responses((status = 201, description = "Made.", body = TenantView, headers(("Location" = String, description = "Its address."))),
        (status = 409, description = "The name is taken.")))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewTenant>,
) -> Result<impl IntoResponse, Problem> {
    let tenant = tenants::create(&app, &caller, new).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/tenants/{}", tenant.id))], Json(tenant)))
}

/// List tenants (admin).
#[utoipa::path(get, path = "/v1/tenants", tag = "tenants", operation_id = "list_tenants", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<TenantView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<TenantView>>, Problem> {
    tenants::list(&app, &caller, page).await.map(Json)
}

/// Show a tenant (admin).
#[utoipa::path(get, path = "/v1/tenants/{id}", tag = "tenants", operation_id = "show_tenant", params(("id" = Uuid, Path, description = "The tenant.")),
    responses((status = 200, description = "The tenant.", body = TenantView)))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<TenantView>, Problem> {
    tenants::find(&app, &caller, id).await.map(Json)
}

/// Set a tenant's cap (admin).
#[utoipa::path(patch, path = "/v1/tenants/{id}", tag = "tenants", operation_id = "set_tenant_cap", params(("id" = Uuid, Path, description = "The tenant.")), request_body = NewCap,
    responses((status = 200, description = "Set.", body = TenantCapView),
        (status = 409, description = "The cap is below what is spent and reserved, or the ledger is behind the journal.")))]
pub async fn set_cap(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(cap): Body<NewCap>,
) -> Result<Json<TenantCapView>, Problem> {
    tenants::set_cap(&app, &caller, id, cap).await.map(Json)
}

/// Show a tenant's budget over all its populations (admin).
#[utoipa::path(get, path = "/v1/tenants/{id}/budget", tag = "tenants", operation_id = "show_tenant_budget", params(("id" = Uuid, Path, description = "The tenant.")),
    responses((status = 200, description = "Its budget.", body = AccountView)))]
pub async fn budget(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<AccountView>, Problem> {
    tenants::account(&app, &caller, id).await.map(Json)
}
