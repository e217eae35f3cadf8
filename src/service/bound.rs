//! What bounds all releases about the same people: the cap in force, since when, and how often it was raised.

use super::app::shown_day;
use super::budget::{AmountView, SHOWN_DELTA};
use super::problem::Problem;
use crate::ledger::Amount;
use crate::storage::accounts::{self, Holder};
use crate::storage::datasets::Dataset;
use crate::storage::ledger::Granted;
use crate::storage::{Tx, ledger};
use serde::Serialize;

/// Cap and spending of all releases about the same people.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PopulationSpending {
    /// The cap in force, the smaller of the population's and its tenant's: it bounds all releases while it stays.
    pub cap: AmountView,
    /// δ of the ε beside each ρ here.
    pub delta: f64,
    /// The day (UTC) on which it was set.
    pub cap_set: String,
    /// Number of times it was raised.
    pub cap_raised: u64,
    /// The sum so far, for information: it does not bound later releases. Readers see what was spent before today (UTC) or is published.
    pub spent: AmountView,
    /// The same in words.
    pub text: String,
}

/// Spends that a reader of the report is shown.
#[derive(Clone, Copy)]
pub enum Shown {
    /// All spends.
    All,
    /// Spends of earlier days (UTC), and of published releases.
    UntilToday {
        /// Now, in µs since 1970.
        now: i64,
    },
}

/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

impl PopulationSpending {
    /// Of the people behind a dataset; `one` is what the promise protects one of.
    pub async fn of(tx: &mut Tx, dataset: &Dataset, one: &str, shown: Shown) -> Result<Self, Problem> {
        let (tenant, population) = (dataset.tenant_id, dataset.population_id);
        let spent = accounts::find(tx, Holder::Population(population)).await?.unwrap_or_default();
        let above = accounts::find(tx, Holder::Tenant(tenant)).await?.unwrap_or_default();
        let cap =
            Amount { rho: spent.cap.rho.min(above.cap.rho), delta: spent.cap.delta.min(above.cap.delta) };
        let mut spent = spent.spent;
        if let Shown::UntilToday { now } = shown {
            let hidden = ledger::unpublished_since(tx, population, now - now.rem_euclid(DAY)).await?;
            spent.rho = spent.rho.saturating_sub(hidden.rho);
            spent.delta = spent.delta.saturating_sub(hidden.delta);
        }
        let (cap, spent) = (AmountView::of(cap), AmountView::of(spent));
        let history = History::of(&ledger::grants(tx, tenant, population).await?);
        let cap_set = history.set.map_or_else(|| "on an unknown day".into(), shown_day);
        let raised = match history.raised {
            0 => "never raised".into(),
            1 => "raised once".into(),
            n => format!("raised {n} times"),
        };
        let text = format!(
            "all releases about this population together: ({}, {SHOWN_DELTA:e})-differential privacy for one {one}, while the cap stays at \
             ρ = {} (set {cap_set}, {raised}); spent so far, for information: ρ = {}, ε = {}",
            cap.epsilon, cap.rho, spent.rho, spent.epsilon
        );
        Ok(PopulationSpending { cap, delta: SHOWN_DELTA, cap_set, cap_raised: history.raised, spent, text })
    }
}

/// History of the smaller of two caps.
#[derive(Debug, Default, PartialEq)]
struct History {
    /// Time of the last change.
    set: Option<i64>,
    /// How often it grew. One cap raised above the other raises nothing.
    raised: u64,
}

impl History {
    /// From the caps that were set, oldest first.
    fn of(grants: &[Granted]) -> Self {
        let (mut own, mut above, mut history) = (None, None, History::default());
        let mut before: Option<i64> = None;
        for grant in grants {
            let cap = if grant.population_id.is_some() { &mut own } else { &mut above };
            *cap = Some(grant.rho);
            let Some(now) = own.zip(above).map(|(own, above): (i64, i64)| own.min(above)) else { continue };
            history.raised += u64::from(before.is_some_and(|before| now > before));
            if before != Some(now) {
                history.set = Some(grant.created_at);
            }
            before = Some(now);
        }
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn the_smaller_cap_counts() {
        let grant = |at, population: bool, rho| Granted {
            population_id: population.then(|| Uuid::from_u128(1)),
            rho,
            created_at: at,
        };
        let (tenant, own) = (false, true);
        let all = [
            grant(1, tenant, 10),
            grant(1, own, 10),
            grant(2, tenant, 20), // bounds nothing yet
            grant(3, own, 15),    // raised
            grant(4, own, 15),    // the same again
            grant(5, tenant, 5),  // lowered
            grant(6, own, 30),    // the tenant's holds
            grant(7, tenant, 40), // raised
        ];
        let after = |n: usize| History::of(&all[..n]);
        assert_eq!(after(1), History::default());
        assert_eq!(after(3), History { set: Some(1), raised: 0 });
        assert_eq!(after(5), History { set: Some(3), raised: 1 });
        assert_eq!(after(7), History { set: Some(5), raised: 1 });
        assert_eq!(after(8), History { set: Some(7), raised: 2 });
    }
}
