//! Budgets as people read them.

use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::problem::Problem;
use crate::ledger::{Account, Amount};
use crate::privacy::{Guarantee, Rho, zcdp};
use crate::storage::ledger::{self, Entry};
use crate::storage::tenants;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// δ at which budgets are also shown as ε.
const SHOWN_DELTA: f64 = 1e-9;

/// A cap: in ρ, or as (ε, δ), which is converted on the curve that jobs are, so that it pays for one job of its own size.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Cap {
    /// In ρ of zero-concentrated differential privacy.
    Rho(RhoCap),
    /// In (ε, δ).
    Guarantee(GuaranteeCap),
}

/// A cap in ρ.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RhoCap {
    /// ρ, 0 to 1,000.
    pub rho: f64,
}

/// A cap in (ε, δ).
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuaranteeCap {
    /// ε, above 0.
    pub epsilon: f64,
    /// δ, 10⁻³⁰ to 10⁻⁴.
    #[serde(default = "default_delta")]
    pub delta: f64,
}

/// δ where none is given.
pub(super) fn default_delta() -> f64 {
    SHOWN_DELTA
}

impl Cap {
    /// The amount, rounded down.
    pub fn amount(&self) -> Result<Amount, Problem> {
        match self {
            Cap::Rho(RhoCap { rho }) if (0.0..=1_000.0).contains(rho) => {
                Ok(Amount { rho: (rho * Rho::ONE as f64).floor() as u64, delta: 0 })
            }
            Cap::Rho(_) => Err(Problem::invalid("cap.rho", "rho is 0 to 1,000")),
            Cap::Guarantee(GuaranteeCap { epsilon, delta }) => {
                let guarantee = Guarantee::new(*epsilon, *delta)
                    .map_err(|error| Problem::invalid("cap", error.to_string()))?;
                Ok(Amount::rho(zcdp::rho(guarantee)))
            }
        }
    }
}

/// An amount of ρ, also as ε at δ = 10⁻⁹.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AmountView {
    /// ρ.
    pub rho: f64,
    /// δ′ of approximate zCDP.
    pub delta_prime: f64,
    /// ε of a single job of this ρ, at δ = 10⁻⁹. ε does not add up; ρ does.
    pub epsilon: f64,
}

impl AmountView {
    fn of(amount: Amount) -> Self {
        let rho = Rho::from_units(amount.rho);
        AmountView {
            rho: rho.as_f64(),
            delta_prime: amount.delta as f64 * 1e-18,
            epsilon: zcdp::epsilon(rho, SHOWN_DELTA),
        }
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    /// What may be spent in all.
    pub cap: AmountView,
    /// What is spent for ever.
    pub spent: AmountView,
    /// What waiting and running fits hold.
    pub reserved: AmountView,
    /// What is left.
    pub left: AmountView,
}

impl AccountView {
    /// The account as shown.
    pub fn of(account: &Account) -> Self {
        AccountView {
            cap: AmountView::of(account.cap),
            spent: AmountView::of(account.spent),
            reserved: AmountView::of(account.reserved),
            left: AmountView::of(account.left()),
        }
    }
}

/// The budget of a tenant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct BudgetView {
    /// Over all populations.
    pub tenant: AccountView,
    /// Each population.
    pub populations: Vec<PopulationBudget>,
}

/// The budget of a population.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PopulationBudget {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its account.
    #[serde(flatten)]
    pub account: AccountView,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct EntryView {
    /// Its id, in order of time.
    pub id: Uuid,
    /// grant, reserve, commit or release.
    pub kind: String,
    /// The population; absent for a grant to the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub population_id: Option<Uuid>,
    /// The fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<Uuid>,
    /// ρ.
    pub rho: f64,
    /// δ′.
    pub delta_prime: f64,
    /// The public part of the key that asked, or `worker`.
    pub actor: String,
    /// When.
    pub created_at: String,
}

fn entry_view(e: Entry) -> EntryView {
    EntryView {
        id: e.id,
        kind: e.kind,
        population_id: e.population_id,
        job_id: e.job_id,
        rho: Rho::from_units(e.rho as u64).as_f64(),
        delta_prime: e.delta as f64 * 1e-18,
        actor: e.actor,
        created_at: shown_time(e.created_at),
    }
}

/// The caller's budget.
pub async fn budget(app: &App, caller: &Caller) -> Result<BudgetView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.read().await?;
    let account =
        ledger::tenant_account(&mut tx, tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    let mut populations = Vec::new();
    for population in tenants::list_populations(&mut tx, Some(tenant), Uuid::nil(), 1_000).await? {
        let account = ledger::population_account(&mut tx, population.id).await?.unwrap_or_default();
        populations.push(PopulationBudget {
            id: population.id,
            name: population.name,
            account: AccountView::of(&account),
        });
    }
    Ok(BudgetView { tenant: AccountView::of(&account), populations })
}

/// The caller's ledger.
pub async fn entries(app: &App, caller: &Caller, query: PageQuery) -> Result<Page<EntryView>, Problem> {
    let tenant = caller.steward()?;
    let (after, limit) = query.bounds()?;
    let mut tx = app.read().await?;
    Ok(PageQuery::page(ledger::entries(&mut tx, tenant, after, limit).await?, limit, |e| e.id, entry_view))
}
