//! What an administrator sees: tenants with their caps and keys, and populations.

use super::budget::account;
use super::{Curl, Frame, check, field, more};
use crate::pages::table;
use crate::pages::words::when;
use crate::service::app::{Page, Role};
use crate::service::budget::AccountView;
use crate::service::keys::{IssuedKey, KeyView};
use crate::service::tenants::{PopulationView, TenantView};
use maud::{Markup, html};
use serde_json::json;

fn cap(label: &str) -> Markup {
    html! {
        label for="epsilon" { (label) small { "The ε of one fit that would take all of it, at δ = 1e-9." } }
        input id="epsilon" name="epsilon" type="number" min="0.01" max="10000" step="any" required;
    }
}

/// All tenants, and the form to make one.
pub fn tenants(frame: &Frame, page: &Page<TenantView>) -> String {
    let body = html! {
        h1 { "Tenants" }
        @if page.items.is_empty() { p { "None yet." } } @else {
            (table("Tenants", &["name", "id", "made"], page.items.iter().map(|tenant| html! {
                th scope="row" { a href=(format!("/console/tenants/{}", tenant.id)) { (tenant.name) } }
                td.id { (tenant.id) }
                td { (when(&tenant.created_at)) }
            })))
        }
        (more("/console/tenants", page.next))
        (frame.form("/console/tenants", "panel", html! {
            h2 { "A new tenant" }
            (field("name", "Name", "", "", true))
            (cap("Cap"))
            button { "Make the tenant" }
        }))
        (Curl::get("/v1/tenants").same())
    };
    frame.page("/console/tenants", "Tenants", html! {}, body)
}

/// One tenant: its budget and keys.
pub fn tenant(frame: &Frame, tenant: &TenantView, budget: &AccountView, keys: &Page<KeyView>) -> String {
    let api = format!("/v1/tenants/{}", tenant.id);
    let here = |end: &str| format!("/console/tenants/{}/{end}", tenant.id);
    let body = html! {
        h1 { (tenant.name) }
        p.quiet { span.id { (tenant.id) } ", made " (when(&tenant.created_at)) }
        h2 { "Budget" }
        (account("Over all its populations", budget))
        (frame.form(&here("cap"), "panel", html! {
            h3 { "Set the cap" }
            (cap("New cap"))
            button { "Set the cap" }
            (Curl::of("PATCH", api.clone()).with(json!({"cap": {"epsilon": 5}})).hint())
        }))
        h2 { "Keys" }
        (table("Keys", &["for", "role", "public part", "issued", "revoked", ""], keys.items.iter().map(|key| html! {
            th scope="row" { (key.name) }
            td { (key.role.name()) }
            td.id { (key.prefix) }
            td { (when(&key.created_at)) }
            td { (key.revoked_at.as_deref().map_or_else(|| html! { "–" }, when)) }
            td { @if key.revoked_at.is_none() {
                (frame.form(&here("revoke"), "", html! {
                    input type="hidden" name="key_id" value=(key.id);
                    (check("sure", &format!("revoke {}", key.name), false, true))
                    button.grave { "Revoke" }
                }))
            } }
        })))
        (more(&format!("/console/tenants/{}", tenant.id), keys.next))
        (frame.form(&here("keys"), "panel", html! {
            h3 { "Issue a key" }
            (field("name", "What it is for", "", "", true))
            label for="role" { "Role" }
            select id="role" name="role" {
                @for role in [Role::Steward, Role::Reader] { option value=(role.name()) { (role.name()) } }
            }
            button { "Issue" }
            (Curl::of("POST", format!("{api}/keys")).with(json!({"role": "reader", "name": "…"})).hint())
        }))
        (Curl::get(api).same())
    };
    frame.page("/console/tenants", &tenant.name, html! {}, body)
}

/// A key just issued; its secret is shown this once.
pub struct Issued<'a> {
    /// The key.
    pub key: &'a IssuedKey,
    /// Whose page comes next.
    pub tenant: uuid::Uuid,
}

/// A key that was just issued.
pub fn issued(frame: &Frame, issued: &Issued) -> String {
    let Issued { key, tenant } = issued;
    let path = format!("/console/tenants/{tenant}");
    let body = html! {
        h1 { "A key for " (key.key.name) }
        p { strong { "It is shown this once." } " Copy it now; the service keeps no more than its digest." }
        pre tabindex="0" { (key.secret) }
        p { a.button href=(path) { "Back to the tenant" } }
        (Curl::of("POST", format!("/v1/tenants/{tenant}/keys")).with(json!({"role": key.key.role.name(), "name": key.key.name})).done())
    };
    frame.page("/console/tenants", "Key", html! {}, body)
}

/// All populations, and the form to make one.
pub fn populations(frame: &Frame, page: &Page<PopulationView>) -> String {
    let body = html! {
        h1 { "Populations" }
        p {
            "The people behind a set of datasets. Everything that is released about them is paid from one cap."
        }
        @if page.items.is_empty() { p { "None yet." } } @else {
            (table("Populations", &["name", "tenant", "strict", "made", "cap"], page.items.iter().map(|population| html! {
                th scope="row" { (population.name) @if population.is_default { " (default)" } }
                td {
                    a.id href=(format!("/console/tenants/{}", population.tenant_id)) {
                        (population.tenant_id)
                    }
                }
                td { @if population.strict { "yes" } @else { "no" } }
                td { (when(&population.created_at)) }
                td { (frame.form(&format!("/console/populations/{}/cap", population.id), "", html! {
                    @let id = format!("epsilon-{}", population.id);
                    label for=(id) { "New cap (ε)" }
                    input id=(id) name="epsilon" type="number" min="0.01" max="10000" step="any" required;
                    button { "Set" }
                })) }
            })))
        }
        (more("/console/populations", page.next))
        (frame.form("/console/populations", "panel", html! {
            h2 { "A new population" }
            (field("tenant_id", "Tenant", "Its id", "", true))
            (field("name", "Name", "", "", true))
            (cap("Cap"))
            (check("strict", "Strict: private reports after publication alone, and seeds drawn by the server", false, false))
            button { "Make the population" }
        }))
        (Curl::get("/v1/populations").same())
    };
    frame.page("/console/populations", "Populations", html! {}, body)
}
