//! Budgets as a picture: what is spent, by whom, what is reserved and what is left.

use super::{Curl, Frame, more, short};
use crate::account::statement::percent;
use crate::pages::table;
use crate::pages::words::{about, when};
use crate::service::app::Page;
use crate::service::budget::{AccountView, BudgetView, EntryView};
use crate::service::jobs::JobView;
use crate::service::releases::ReleaseView;
use crate::storage::ledger::EntryKind;
use maud::{Markup, html};
use uuid::Uuid;

const WIDTH: f64 = 438.0;

/// An account as one bar: spent is full, reserved is grey, left is empty.
pub(super) fn account(title: &str, account: &AccountView) -> Markup {
    let cap = account.cap.rho.max(f64::MIN_POSITIVE);
    let part = |rho: f64| (rho / cap).clamp(0.0, 1.0);
    let (spent, reserved) = (part(account.spent.rho), part(account.reserved.rho));
    let (x, end) = (1.0 + WIDTH * spent, (WIDTH * reserved).min(WIDTH * (1.0 - spent)));
    let label = format!("{title}: {} % of ρ is spent, {} % reserved", percent(spent), percent(reserved));
    html! {
        figure {
            figcaption { (title) " " span { "(ρ, of " (about(account.cap.rho)) ")" } }
            svg viewBox="0 0 440 26" role="img" aria-label=(label) {
                title { (label) }
                rect.left x="1" y="2" width=(WIDTH) height="20" {}
                rect.made x="1" y="2" width=(format!("{:.1}", WIDTH * spent)) height="20" {}
                rect.held x=(format!("{x:.1}")) y="6" width=(format!("{end:.1}")) height="12" {}
            }
        }
        (table(title, &["", ">ρ", ">ε of one fit, δ = 1e-9"], [("spent (full)", account.spent), ("reserved (narrow)", account.reserved), ("left (empty)", account.left), ("cap", account.cap)].iter().map(|(name, amount)| html! {
            th scope="row" { (name) } td.n { (amount.rho) } td.n { (about(amount.epsilon)) }
        })))
    }
}

/// A tenant's budget, who spent it, and the entries of its ledger.
pub fn budget(
    frame: &Frame,
    budget: &BudgetView,
    entries: &Page<EntryView>,
    fits: &[JobView],
    releases: &[ReleaseView],
) -> String {
    let model = |fit: Option<Uuid>| fits.iter().find(|job| Some(job.id) == fit).and_then(|job| job.model_id);
    let of = |fit: Option<Uuid>| {
        releases.iter().filter(move |release| model(fit).is_some_and(|model| release.model_id == model))
    };
    let spends: Vec<&EntryView> =
        entries.items.iter().filter(|entry| entry.kind == EntryKind::Commit).collect();
    let most = spends.iter().map(|entry| entry.rho).fold(f64::MIN_POSITIVE, f64::max);
    let body = html! {
        h1 { "Budget" }
        (account("All populations together", &budget.tenant))
        @for population in &budget.populations {
            h2 { "Population " (population.name) }
            (account(&population.name, &population.account))
        }
        h2 { "Who spent it" }
        @if spends.is_empty() { p { "Nothing is spent on this page of the ledger." } } @else {
            (table("Spends", &["fit", "releases", ">ρ", "", "when"], spends.iter().map(|entry| html! {
                th scope="row" {
                    @if let Some(job) = entry.job_id {
                        a.id href=(format!("/console/jobs/{job}")) { "…" (short(job)) }
                    }
                }
                td {
                    @for release in of(entry.job_id) {
                        a.id href=(format!("/console/releases/{}", release.id)) { "…" (short(release.id)) }
                        " " (release.state) " "
                    }
                }
                td.n { (about(entry.rho)) }
                td {
                    svg viewBox="0 0 120 12" width="120" aria-hidden="true" {
                        rect.made x="0" y="1" width=(format!("{:.1}", 120.0 * entry.rho / most)) height="10" {}
                    }
                }
                td { (when(&entry.created_at)) }
            })))
        }
        h2 { "Ledger" }
        (table("Entries of the ledger", &["when", "what", ">ρ", "by", "fit"], entries.items.iter().map(|entry| html! {
            td { (when(&entry.created_at)) }
            td { (entry.kind) }
            td.n { (entry.rho) }
            td.id { (entry.actor) }
            td {
                @if let Some(job) = entry.job_id {
                    a.id href=(format!("/console/jobs/{job}")) { "…" (short(job)) }
                }
            }
        })))
        (more("/console/budget", entries.next))
        (Curl::get("/v1/budget").same())
    };
    frame.page("/console/budget", "Budget", html! {}, body)
}
