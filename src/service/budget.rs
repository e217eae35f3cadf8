//! Budgets as people read them.

use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::problem::Problem;
use crate::account::{Guarantee, Rho, zcdp};
use crate::ledger::{Account, Amount};
use crate::storage::accounts::{self, Holder};
use crate::storage::ledger::{self, Entry};
use crate::storage::looks::{self, PrivateLook};
use crate::storage::words::words;
use crate::storage::{Tx, populations};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// δ at which budgets are also shown as ε.
pub(super) const SHOWN_DELTA: f64 = 1e-9;

/// A cap: in ρ, or as (ε, δ), which is converted on the curve that jobs are, so that it pays for one job of its own size.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged, try_from = "StatedCap")]
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
    #[schema(minimum = 0, maximum = 1000)]
    pub rho: f64,
}

/// A cap in (ε, δ).
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuaranteeCap {
    /// ε, above 0 and at most 10,000.
    #[schema(exclusive_minimum = 0, maximum = 10000)]
    pub epsilon: f64,
    /// δ, 10⁻³⁰ to 10⁻⁴.
    #[serde(default = "default_delta")]
    #[schema(default = 1e-9, minimum = 1e-30, maximum = 1e-4)]
    pub delta: f64,
}

/// A cap as it is written: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatedCap {
    #[serde(default, deserialize_with = "given")]
    rho: Option<f64>,
    #[serde(default, deserialize_with = "given")]
    epsilon: Option<f64>,
    #[serde(default, deserialize_with = "given")]
    delta: Option<f64>,
}

/// A number; null is refused.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}

impl TryFrom<StatedCap> for Cap {
    type Error = &'static str;

    fn try_from(stated: StatedCap) -> Result<Self, Self::Error> {
        match stated {
            StatedCap { rho: Some(rho), epsilon: None, delta: None } => Ok(Cap::Rho(RhoCap { rho })),
            StatedCap { rho: None, epsilon: Some(epsilon), delta } => {
                let delta = delta.unwrap_or_else(default_delta);
                Ok(Cap::Guarantee(GuaranteeCap { epsilon, delta }))
            }
            _ => Err("a cap is {\"rho\": …}, or {\"epsilon\": …} with or without \"delta\""),
        }
    }
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
#[schema(example = json!({"rho": 0.0558, "delta_prime": 0.0, "epsilon": 2.0}))]
pub struct AmountView {
    /// ρ.
    pub rho: f64,
    /// δ′ of approximate zCDP.
    pub delta_prime: f64,
    /// ε of a single job of this ρ, at δ = 10⁻⁹. ε does not add up; ρ does.
    pub epsilon: f64,
}

impl AmountView {
    /// The amount as shown.
    pub fn of(amount: Amount) -> Self {
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
#[schema(example = json!({"cap": {"rho": 0.31, "delta_prime": 0.0, "epsilon": 5.0}, "spent": {"rho": 0.0558, "delta_prime": 0.0, "epsilon": 2.0}, "reserved": {"rho": 0.0, "delta_prime": 0.0, "epsilon": 0.0}, "left": {"rho": 0.2542, "delta_prime": 0.0, "epsilon": 4.49}}))]
pub struct AccountView {
    /// Cap.
    pub cap: AmountView,
    /// Amount spent.
    pub spent: AmountView,
    /// Amount reserved by waiting and running fits.
    pub reserved: AmountView,
    /// Amount left.
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
#[schema(example = json!({"tenant": {"cap": {"rho": 0.31, "delta_prime": 0.0, "epsilon": 5.0}, "spent": {"rho": 0.0558, "delta_prime": 0.0, "epsilon": 2.0}, "reserved": {"rho": 0.0, "delta_prime": 0.0, "epsilon": 0.0}, "left": {"rho": 0.2542, "delta_prime": 0.0, "epsilon": 4.49}}, "populations": [{"id": "0199c0de-0000-7000-8000-000000000005", "name": "default", "cap": {"rho": 0.31, "delta_prime": 0.0, "epsilon": 5.0}, "spent": {"rho": 0.0558, "delta_prime": 0.0, "epsilon": 2.0}, "reserved": {"rho": 0.0, "delta_prime": 0.0, "epsilon": 0.0}, "left": {"rho": 0.2542, "delta_prime": 0.0, "epsilon": 4.49}, "looks": ["parse report", "quote"]}]}))]
pub struct BudgetView {
    /// The tenant's total over all populations.
    pub tenant: AccountView,
    /// The budget of each population.
    pub populations: Vec<PopulationBudget>,
}

/// The budget of a population.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000005", "name": "default", "cap": {"rho": 0.31, "delta_prime": 0.0, "epsilon": 5.0}, "spent": {"rho": 0.0558, "delta_prime": 0.0, "epsilon": 2.0}, "reserved": {"rho": 0.0, "delta_prime": 0.0, "epsilon": 0.0}, "left": {"rho": 0.2542, "delta_prime": 0.0, "epsilon": 4.49}, "looks": ["parse report", "quote"]}))]
pub struct PopulationBudget {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Account.
    #[serde(flatten)]
    pub account: AccountView,
    /// Private data of this population that were looked at so far: `parse report`, `quote`, `draft trace`, `private report`. Releases published from now on say so.
    pub looks: Vec<&'static str>,
}

words! {
    /// Owner of an account; both pay for a fit.
    #[derive(utoipa::ToSchema)]
    pub enum Payer {
        /// The tenant's, over all its populations.
        Tenant = "tenant",
        /// A population's.
        Population = "population",
    }
}

/// Amount left for a fit in the two accounts that pay for it.
pub(super) struct Left {
    tenant: Amount,
    population: Amount,
}

impl Left {
    /// ρ that both have.
    pub(super) fn rho(&self) -> Rho {
        Rho::from_units(self.tenant.rho.min(self.population.rho))
    }

    /// The accounts that do not have this much.
    pub(super) fn short_of(&self, cost: Amount) -> Vec<Payer> {
        let short = |left: &Amount| left.rho < cost.rho || left.delta < cost.delta;
        let accounts = [(Payer::Tenant, &self.tenant), (Payer::Population, &self.population)];
        accounts.into_iter().filter(|(_, left)| short(left)).map(|(payer, _)| payer).collect()
    }
}

/// Amount left for a fit.
pub(super) async fn left(tx: &mut Tx, tenant: Uuid, population: Uuid) -> Result<Left, Problem> {
    let tenant = accounts::find(tx, Holder::Tenant(tenant)).await?.unwrap_or_default().left();
    let population = accounts::find(tx, Holder::Population(population)).await?.unwrap_or_default().left();
    Ok(Left { tenant, population })
}

/// The charge for a model and everything generated from it: the ledger entry, by which an auditor finds it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"entry_id": "0199c0de-0000-7000-8000-000000000006", "population_id": "0199c0de-0000-7000-8000-000000000005",
    "rho": 0.0558, "delta_prime": 0.0}))]
pub struct ChargeView {
    /// The entry.
    pub entry_id: Uuid,
    /// Population that is protected, and pays.
    pub population_id: Option<Uuid>,
    /// ρ.
    pub rho: f64,
    /// δ′.
    pub delta_prime: f64,
}

/// Charge that paid for the model of a fit.
pub async fn charge_of(tx: &mut Tx, fit: Uuid) -> Result<Option<ChargeView>, Problem> {
    Ok(ledger::charge_of(tx, fit).await?.map(|e| ChargeView {
        entry_id: e.id,
        population_id: e.population_id,
        rho: Rho::from_units(e.rho as u64).as_f64(),
        delta_prime: e.delta as f64 * 1e-18,
    }))
}

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000006", "kind": "commit", "population_id": "0199c0de-0000-7000-8000-000000000005", "job_id": "0199c0de-0000-7000-8000-000000000004", "rho": 0.0558, "delta_prime": 0.0, "actor": "worker", "created_at": "2026-01-05T09:00:03Z"}))]
pub struct EntryView {
    /// Id.
    pub id: Uuid,
    /// Kind of the entry.
    pub kind: ledger::EntryKind,
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
    /// The public part of the key that made the request, or `worker`.
    pub actor: String,
    /// Time of the entry.
    #[schema(format = DateTime)]
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
    let mut tx = app.read("budget.budget").await?;
    let account =
        accounts::find(&mut tx, Holder::Tenant(tenant)).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    let mut populations = Vec::new();
    for population in populations::list(&mut tx, Some(tenant), 0, 1_000).await? {
        let account = accounts::find(&mut tx, Holder::Population(population.id)).await?.unwrap_or_default();
        populations.push(PopulationBudget {
            id: population.id,
            name: population.name,
            account: AccountView::of(&account),
            looks: looks::of(&mut tx, population.id).await?.into_iter().map(PrivateLook::name).collect(),
        });
    }
    Ok(BudgetView { tenant: AccountView::of(&account), populations })
}

/// The caller's ledger.
pub async fn entries(app: &App, caller: &Caller, query: PageQuery) -> Result<Page<EntryView>, Problem> {
    let tenant = caller.steward()?;
    let limit = query.fetched()?;
    let mut tx = app.read("budget.entries").await?;
    let after = PageQuery::start(query.after.map(|id| ledger::place(&mut tx, tenant, id))).await?;
    Ok(PageQuery::page(ledger::entries(&mut tx, tenant, after, limit).await?, limit, |e| e.id, entry_view))
}
