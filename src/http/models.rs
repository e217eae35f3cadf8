//! `/v1/models`

use super::extract::Path;
use crate::service::app::{App, Caller};
use crate::service::problem::Problem;
use crate::service::releases::{self, MarginalsView, ModelView};
use axum::Json;
use axum::extract::State;
use uuid::Uuid;

/// Show a model and its statement of privacy (steward; readers once a release of it is published).
#[utoipa::path(get, path = "/v1/models/{id}", tag = "models", operation_id = "show_model", params(("id" = Uuid, Path, description = "The model.")),
    responses((status = 200, description = "The model.", body = ModelView)))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<ModelView>, Problem> {
    releases::model(&app, &caller, id).await.map(Json)
}

/// Show the noisy marginals of a model (steward; readers once a release of it is published).
#[utoipa::path(get, path = "/v1/models/{id}/marginals", tag = "models", operation_id = "show_marginals", params(("id" = Uuid, Path, description = "The model.")),
    responses((status = 200, description = "Every noisy marginal, with σ.", body = MarginalsView)))]
pub async fn marginals(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<MarginalsView>, Problem> {
    releases::marginals(&app, &caller, id).await.map(Json)
}
