//! What takes room: an administrator's.

use super::answer::Shown;
use super::visitor::Visitor;
use crate::pages::console;
use crate::service::app::App;
use crate::service::problem::Problem;
use crate::service::room;
use axum::extract::State;

pub async fn storage(State(app): State<App>, visitor: Visitor) -> Result<Shown, Problem> {
    let view = room::storage(&app, &visitor.caller).await?;
    Ok(Shown(console::storage(&visitor.frame(), &view)))
}
