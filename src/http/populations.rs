//! `/v1/populations`

use super::extract::{Body, Path, Query};
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::problem::Problem;
use crate::service::tenants::{self, NewCap, NewPopulation, PopulationCapView, PopulationView};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use uuid::Uuid;

/// Make a population: the people whose traffic a set of datasets contains (admin).
#[utoipa::path(post, path = "/v1/populations", tag = "populations", operation_id = "create_population", request_body = NewPopulation,
    responses((status = 201, description = "Made.", body = PopulationView),
        (status = 404, description = "The tenant does not exist."),
        (status = 409, description = "The name is taken.")))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewPopulation>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, Json(tenants::create_population(&app, &caller, new).await?)))
}

/// List populations: all (admin), or those of the tenant (steward).
#[utoipa::path(get, path = "/v1/populations", tag = "populations", operation_id = "list_populations", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<PopulationView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PopulationView>>, Problem> {
    tenants::list_populations(&app, &caller, page).await.map(Json)
}

/// Set a population's cap (admin).
#[utoipa::path(patch, path = "/v1/populations/{id}", tag = "populations", operation_id = "set_population_cap", params(("id" = Uuid, Path, description = "The population.")), request_body = NewCap,
    responses((status = 200, description = "Set.", body = PopulationCapView),
        (status = 409, description = "The cap is below what is spent and reserved, or the ledger is behind the journal.")))]
pub async fn set_cap(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(cap): Body<NewCap>,
) -> Result<Json<PopulationCapView>, Problem> {
    tenants::set_population_cap(&app, &caller, id, cap).await.map(Json)
}
