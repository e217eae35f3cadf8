//! `/v1/deposits`, `/v1/repositories` and `/v1/releases/{id}/deposits`

use super::extract::{Body, Path};
use crate::service::app::{App, Caller, Page};
use crate::service::deposits::{self, Accepted, DepositPlan, DepositView, NewDeposit, RepositoryView};
use crate::service::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

/// List the repositories that the administrator has configured for deposits (steward).
#[utoipa::path(get, path = "/v1/repositories", tag = "deposits", operation_id = "list_repositories",
    responses((status = 200, description = "All repositories.", body = Page<RepositoryView>)))]
pub async fn repositories(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Page<RepositoryView>>, Problem> {
    deposits::repositories(&app, &caller).map(Json)
}

/// Deposit a public release in a repository, or show what would be sent (steward).
#[utoipa::path(post, path = "/v1/releases/{id}/deposits", tag = "deposits", operation_id = "create_deposit", params(("id" = Uuid, Path, description = "The release.")), request_body = NewDeposit,
    responses((status = 200, description = "A dry run: what would be sent.", body = DepositPlan),
        (status = 202, description = "Queued.", body = DepositView),
        (status = 409, description = "The release is not public, or a deposit of it is under way."),
        (status = 410, description = "The release was withdrawn.")))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(new): Body<NewDeposit>,
) -> Result<Response, Problem> {
    Ok(match deposits::create(&app, &caller, id, new).await? {
        Accepted::Dry(steps) => Json(steps).into_response(),
        Accepted::Queued(made) => (StatusCode::ACCEPTED, Json(made)).into_response(),
    })
}

/// The deposits of a release (steward).
#[utoipa::path(get, path = "/v1/releases/{id}/deposits", tag = "deposits", operation_id = "list_deposits", params(("id" = Uuid, Path, description = "The release.")),
    responses((status = 200, description = "All deposits, oldest first.", body = Page<DepositView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<Page<DepositView>>, Problem> {
    deposits::list(&app, &caller, id).await.map(Json)
}

/// A deposit (steward).
#[utoipa::path(get, path = "/v1/deposits/{id}", tag = "deposits", operation_id = "show_deposit", params(("id" = Uuid, Path, description = "The deposit.")),
    responses((status = 200, description = "The deposit.", body = DepositView)))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<DepositView>, Problem> {
    deposits::find(&app, &caller, id).await.map(Json)
}

/// Resume a failed deposit from its draft (steward).
#[utoipa::path(post, path = "/v1/deposits/{id}/retry", tag = "deposits", operation_id = "retry_deposit", params(("id" = Uuid, Path, description = "The deposit.")),
    responses((status = 202, description = "It is queued again.", body = DepositView),
        (status = 409, description = "The deposit has not failed.")))]
pub async fn again(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, Json(deposits::again(&app, &caller, id).await?)))
}
