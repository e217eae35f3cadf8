//! The rules of spending a privacy budget: pure, without a database.
//!
//! An account has a cap. Accepting a fit **reserves** its whole cost; measuring **commits** it, whatever comes of the fit; a fit that
//! ends before its first noisy draw **releases** it. At every moment spent + reserved ≤ cap, in ρ and in δ′. `storage::accounts`
//! applies these rules to rows under their locks; the database's own constraints hold against everybody else.

use crate::account::{Rho, zcdp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An amount of privacy: (ρ, δ′) of δ′-approximate ρ-zCDP (Bun & Steinke 2016, Def. 8.1). Both add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// ρ in units of 10⁻¹².
    pub rho: u64,
    /// δ′ in units of 10⁻¹⁸.
    pub delta: u64,
}

impl Amount {
    /// ρ alone.
    pub fn rho(rho: Rho) -> Self {
        Amount { rho: rho.units(), delta: 0 }
    }

    fn add(self, other: Amount) -> Option<Amount> {
        Some(Amount { rho: self.rho.checked_add(other.rho)?, delta: self.delta.checked_add(other.delta)? })
    }

    fn sub(self, other: Amount) -> Option<Amount> {
        Some(Amount { rho: self.rho.checked_sub(other.rho)?, delta: self.delta.checked_sub(other.delta)? })
    }

    fn within(self, other: Amount) -> bool {
        self.rho <= other.rho && self.delta <= other.delta
    }
}

/// A budget: its cap, what is spent and what is reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The cap: the most that may ever be spent.
    pub cap: Amount,
    /// Spent for good.
    pub spent: Amount,
    /// Reserved by waiting and running fits.
    pub reserved: Amount,
}

/// Reason for a refusal.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Not enough is left.
    #[error("the budget has less than that left")]
    Exhausted,
    /// More would be committed or released than is reserved.
    #[error("less than that is reserved")]
    NotReserved,
    /// A cap below what is spent and reserved.
    #[error("the cap cannot be below what is spent and reserved")]
    BelowUse,
}

impl Account {
    /// Amount that can still be reserved.
    pub fn left(&self) -> Amount {
        let used = self.spent.add(self.reserved);
        used.and_then(|used| self.cap.sub(used)).unwrap_or_default()
    }

    /// Reserves an amount for a fit.
    pub fn reserve(&mut self, amount: Amount) -> Result<(), Refusal> {
        let reserved = self.reserved.add(amount).ok_or(Refusal::Exhausted)?;
        let used = self.spent.add(reserved).ok_or(Refusal::Exhausted)?;
        if !used.within(self.cap) {
            return Err(Refusal::Exhausted);
        }
        self.reserved = reserved;
        Ok(())
    }

    /// Charges a reservation.
    pub fn commit(&mut self, amount: Amount) -> Result<(), Refusal> {
        let reserved = self.reserved.sub(amount).ok_or(Refusal::NotReserved)?;
        self.spent = self.spent.add(amount).ok_or(Refusal::NotReserved)?;
        self.reserved = reserved;
        Ok(())
    }

    /// Releases a reservation.
    pub fn release(&mut self, amount: Amount) -> Result<(), Refusal> {
        self.reserved = self.reserved.sub(amount).ok_or(Refusal::NotReserved)?;
        Ok(())
    }

    /// Spends what was spent before and forgotten. The spend is a fact: a cap that is too small for it is raised to what is spent and reserved then.
    pub fn bring_back(&mut self, amount: Amount) -> Result<(), Refusal> {
        let spent = self.spent.add(amount).ok_or(Refusal::Exhausted)?;
        let used = spent.add(self.reserved).ok_or(Refusal::Exhausted)?;
        self.cap = Amount { rho: self.cap.rho.max(used.rho), delta: self.cap.delta.max(used.delta) };
        self.spent = spent;
        Ok(())
    }

    /// Sets the cap.
    pub fn set_cap(&mut self, cap: Amount) -> Result<(), Refusal> {
        let used = self.spent.add(self.reserved).ok_or(Refusal::BelowUse)?;
        if !used.within(cap) {
            return Err(Refusal::BelowUse);
        }
        self.cap = cap;
        Ok(())
    }
}

/// The smallest ε that the service takes. At any δ it pays for every answer of a fit.
pub const LEAST_EPSILON: f64 = 0.01;

/// The largest ε, to two decimals and rounded down, that a fit may ask for at `delta` with `left` to spend; `None` when not even 0.01.
pub fn largest_epsilon(left: Rho, delta: f64) -> Option<f64> {
    use crate::account::Guarantee;
    let pays = |hundredths: u64| {
        Guarantee::new(hundredths as f64 / 100.0, delta).is_ok_and(|asked| zcdp::rho(asked) <= left)
    };
    let (mut low, mut high) = (0, (Guarantee::MAX_EPSILON * 100.0) as u64 + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if pays(middle) { low = middle } else { high = middle }
    }
    (low > 0).then(|| low as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Guarantee;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Reserve(u64),
        Commit(usize),
        Release(usize),
        Cap(u64),
        BringBack(u64),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u64..60).prop_map(Step::Reserve),
            any::<usize>().prop_map(Step::Commit),
            any::<usize>().prop_map(Step::Release),
            (0u64..200).prop_map(Step::Cap),
            (0u64..60).prop_map(Step::BringBack),
        ]
    }

    proptest! {
        #[test]
        fn never_overspent_and_nothing_lost(steps in prop::collection::vec(any_step(), 0..80)) {
            let amount = |rho| Amount { rho, delta: rho / 2 };
            let mut account = Account { cap: amount(100), ..Account::default() };
            let (mut open, mut spent) = (Vec::new(), 0u64);
            for step in steps {
                match step {
                    Step::Reserve(rho) => {
                        let fits = account.left().rho >= rho && account.left().delta >= rho / 2;
                        prop_assert_eq!(account.reserve(amount(rho)).is_ok(), fits);
                        if fits { open.push(rho) }
                    }
                    Step::Commit(i) if !open.is_empty() => {
                        let rho = open.swap_remove(i % open.len());
                        account.commit(amount(rho)).unwrap();
                        spent += rho;
                    }
                    Step::Release(i) if !open.is_empty() => {
                        let rho = open.swap_remove(i % open.len());
                        account.release(amount(rho)).unwrap();
                    }
                    Step::Commit(_) | Step::Release(_) => {
                        prop_assert_eq!(account.commit(amount(1)), Err(Refusal::NotReserved));
                    }
                    Step::Cap(rho) => {
                        let _ = account.set_cap(amount(rho));
                    }
                    Step::BringBack(rho) => {
                        let (cap, left) = (account.cap, account.left());
                        account.bring_back(amount(rho)).unwrap();
                        spent += rho;
                        // Raised by what was not left, and by no more.
                        prop_assert_eq!(account.cap.rho, cap.rho + rho.saturating_sub(left.rho));
                        prop_assert_eq!(account.cap.delta, cap.delta + (rho / 2).saturating_sub(left.delta));
                    }
                }
                prop_assert_eq!(account.spent.rho, spent);
                prop_assert_eq!(account.reserved.rho, open.iter().sum::<u64>());
                prop_assert!(account.spent.rho + account.reserved.rho <= account.cap.rho);
                prop_assert!(account.spent.delta + account.reserved.delta <= account.cap.delta);
            }
        }
    }

    #[test]
    fn the_largest_epsilon_fits_and_the_next_does_not() {
        for rho in [1_000_000u64, 10_000_000_000, 3 * Rho::ONE] {
            let left = Rho::from_units(rho);
            let epsilon = largest_epsilon(left, 1e-9).unwrap_or(0.0);
            if epsilon > 0.0 {
                assert!(zcdp::rho(Guarantee::new(epsilon, 1e-9).unwrap()) <= left);
            }
            assert!(zcdp::rho(Guarantee::new(epsilon + 0.01, 1e-9).unwrap()) > left);
        }
        assert_eq!(largest_epsilon(Rho::ZERO, 1e-9), None);
    }
}
