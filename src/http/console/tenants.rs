//! Tenants, their keys and populations: an administrator's.

use super::super::extract::{Path, Query};
use super::answer::Shown;
use super::visitor::{Form, Visitor};
use crate::pages::console::{self, Curl, Issued};
use crate::service::app::{App, PageQuery};
use crate::service::problem::Problem;
use crate::service::{keys, reading, tenants};
use axum::extract::State;
use serde_json::json;
use uuid::Uuid;

pub async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(page): Query<PageQuery>,
) -> Result<Shown, Problem> {
    let page = tenants::list(&app, &visitor.caller, page).await?;
    Ok(Shown(console::tenants(&visitor.frame(), &page)))
}

pub async fn find(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(page): Query<PageQuery>,
) -> Result<Shown, Problem> {
    let caller = &visitor.caller;
    let tenant = tenants::find(&app, caller, id).await?;
    let (budget, keys) =
        (tenants::account(&app, caller, id).await?, keys::list(&app, caller, id, page).await?);
    Ok(Shown(console::tenant(&visitor.frame(), &tenant, &budget, &keys)))
}

fn place(id: Uuid) -> String {
    format!("/console/tenants/{id}")
}

pub async fn create(State(app): State<App>, Form { visitor, fields }: Form) -> Result<Shown, Problem> {
    let body = json!({"name": fields.text("name")?, "cap": {"epsilon": fields.number("epsilon")?}});
    let tenant = tenants::create(&app, &visitor.caller, reading::part("", &body)?).await?;
    let curl = Curl::of("POST", "/v1/tenants").with(body);
    Ok(Shown(visitor.frame().done(
        "The tenant is made",
        "Issue its keys next.",
        (&place(tenant.id), "To the tenant"),
        &curl,
    )))
}

pub async fn set_cap(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    let body = json!({"cap": {"epsilon": fields.number("epsilon")?}});
    let set = tenants::set_cap(&app, &visitor.caller, id, reading::part("", &body)?).await?;
    let said = match set.short.len() {
        0 => format!("It may still spend ρ = {}.", set.left.rho),
        n => format!(
            "It may still spend ρ = {}; {n} of its populations have caps of their own that leave less.",
            set.left.rho
        ),
    };
    let curl = Curl::of("PATCH", format!("/v1/tenants/{id}")).with(body);
    Ok(Shown(visitor.frame().done("The cap is set", &said, (&place(id), "To the tenant"), &curl)))
}

pub async fn issue(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    let body = json!({"role": fields.text("role")?, "name": fields.text("name")?});
    let key = keys::issue(&app, &visitor.caller, id, reading::part("", &body)?).await?;
    Ok(Shown(console::issued(&visitor.frame(), &Issued { key: &key, tenant: id })))
}

pub async fn revoke(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    visitor.caller.admin()?;
    fields.confirmed("sure")?;
    let key: Uuid = fields.text("key_id")?.parse().map_err(|_| Problem::not_found("key"))?;
    keys::revoke(&app, &visitor.caller, id, key).await?;
    let curl = Curl::of("DELETE", format!("/v1/tenants/{id}/keys/{key}"));
    Ok(Shown(visitor.frame().done(
        "Revoked",
        "The key opens nothing from now on.",
        (&place(id), "To the tenant"),
        &curl,
    )))
}

pub async fn populations(
    State(app): State<App>,
    visitor: Visitor,
    Query(page): Query<PageQuery>,
) -> Result<Shown, Problem> {
    // A steward's own stand on the page of the budget.
    visitor.caller.admin()?;
    let page = tenants::list_populations(&app, &visitor.caller, page).await?;
    Ok(Shown(console::populations(&visitor.frame(), &page)))
}

pub async fn create_population(
    State(app): State<App>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    let body = json!({"tenant_id": fields.text("tenant_id")?, "name": fields.text("name")?,
        "cap": {"epsilon": fields.number("epsilon")?}, "strict": fields.ticked("strict")});
    tenants::create_population(&app, &visitor.caller, reading::part("", &body)?).await?;
    let curl = Curl::of("POST", "/v1/populations").with(body);
    Ok(Shown(visitor.frame().done(
        "The population is made",
        "Datasets may name it.",
        ("/console/populations", "To the populations"),
        &curl,
    )))
}

pub async fn set_population_cap(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    let body = json!({"cap": {"epsilon": fields.number("epsilon")?}});
    let set = tenants::set_population_cap(&app, &visitor.caller, id, reading::part("", &body)?).await?;
    let short = if set.short.is_empty() { "" } else { " Its tenant's cap leaves less." };
    let said = format!("It may still spend ρ = {}.{short}", set.left.rho);
    let curl = Curl::of("PATCH", format!("/v1/populations/{id}")).with(body);
    Ok(Shown(visitor.frame().done(
        "The cap is set",
        &said,
        ("/console/populations", "To the populations"),
        &curl,
    )))
}
