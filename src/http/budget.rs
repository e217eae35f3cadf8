//! `/v1/budget`

use super::extract::Query;
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::budget::{self, BudgetView, EntryView};
use crate::service::problem::Problem;
use axum::Json;
use axum::extract::State;

/// Show cap, spending and remainder (steward).
#[utoipa::path(get, path = "/v1/budget", tag = "budget", operation_id = "show_budget",
    responses((status = 200, description = "The tenant's budget and each population's.", body = BudgetView)))]
pub async fn budget(State(app): State<App>, caller: Caller) -> Result<Json<BudgetView>, Problem> {
    budget::budget(&app, &caller).await.map(Json)
}

/// List the ledger's entries: who, when and for which job (steward).
#[utoipa::path(get, path = "/v1/budget/entries", tag = "budget", operation_id = "list_entries", params(PageQuery),
    responses((status = 200, description = "A page.", body = Page<EntryView>)))]
pub async fn entries(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<EntryView>>, Problem> {
    budget::entries(&app, &caller, page).await.map(Json)
}
