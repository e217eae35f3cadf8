//! Privacy budgets: ρ of zero-concentrated differential privacy (zCDP) as an integer, and (ε, δ) as people
//! state
//! it.
//!
//! ρ is kept in units of 10⁻¹², so that sums are exact and no rounding ever creates budget.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// ρ of ρ-zCDP (Bun & Steinke 2016, Def. 1.1), in units of 10⁻¹².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rho(u64);

impl Rho {
    /// Units in ρ = 1.
    pub const ONE: u64 = 1_000_000_000_000;
    /// ρ = 0.
    pub const ZERO: Rho = Rho(0);

    /// ρ from its integer units of 10⁻¹².
    pub const fn from_units(units: u64) -> Self {
        Rho(units)
    }

    /// ρ as an integer, in units of 10⁻¹².
    pub const fn units(self) -> u64 {
        self.0
    }

    /// ρ as a floating-point number, for display and for decisions that carry no guarantee.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / Self::ONE as f64
    }

    /// Sequential composition (Bun & Steinke 2016, Lemma 1.7): the sum of both ρ. `None` on overflow.
    pub fn checked_add(self, other: Rho) -> Option<Rho> {
        self.0.checked_add(other.0).map(Rho)
    }

    /// The difference of both ρ; `None` when `other` is larger.
    pub fn checked_sub(self, other: Rho) -> Option<Rho> {
        self.0.checked_sub(other.0).map(Rho)
    }

    /// Divides ρ into parts proportional to `weights`; the sum of the parts is exactly `self`.
    ///
    /// Weights must be finite and ≥ 0, and at least one must be positive. Each part is rounded down, but not
    /// to 0; the remainder goes to the part with the largest weight.
    ///
    /// # Panics
    /// When no weight is positive or one is not finite. Such a plan is a bug in the caller.
    pub fn divide(self, weights: &[f64]) -> Vec<Rho> {
        let heaviest = weights.iter().copied().fold(0.0_f64, f64::max);
        assert!(
            heaviest > 0.0 && weights.iter().all(|w| w.is_finite() && *w >= 0.0),
            "a budget is divided by positive weights"
        );
        // Weights become integers of 40 bits; from here on the arithmetic is exact.
        let scaled: Vec<u128> =
            weights.iter().map(|w| (w / heaviest * (1u64 << 40) as f64) as u128).collect();
        let total: u128 = scaled.iter().sum();
        // A positive weight gets at least one unit where the budget suffices for all: an answer with ρ = 0
        // cannot be measured.
        let least = |weight: f64| u64::from(weight > 0.0 && self.0 >= (weights.len() as u64).pow(2));
        let mut parts: Vec<Rho> = scaled
            .iter()
            .zip(weights)
            .map(|(w, &weight)| Rho(((u128::from(self.0) * w / total) as u64).max(least(weight))))
            .collect();
        let given: u64 = parts.iter().map(|part| part.0).sum();
        let first = weights.iter().position(|w| *w == heaviest).unwrap_or(0);
        parts[first].0 = parts[first].0 + self.0 - given;
        parts
    }
}

impl std::iter::Sum for Rho {
    fn sum<I: Iterator<Item = Rho>>(iter: I) -> Rho {
        Rho(iter.map(|rho| rho.0).sum())
    }
}

impl std::fmt::Display for Rho {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:012}", self.0 / Self::ONE, self.0 % Self::ONE)
    }
}

/// A guarantee of approximate differential privacy: (ε, δ).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StatedGuarantee")]
pub struct Guarantee {
    epsilon: f64,
    delta: f64,
}

/// Why a pair (ε, δ) is refused.
#[derive(Debug, Error, PartialEq)]
pub enum GuaranteeError {
    /// ε is out of range.
    #[error("epsilon must be above 0 and at most {max}, not {given}", max = Guarantee::MAX_EPSILON)]
    Epsilon {
        /// The requested value.
        given: f64,
    },
    /// δ is out of range.
    #[error("delta must be between {min:e} and {max:e}, not {given:e}", min = Guarantee::MIN_DELTA, max = Guarantee::MAX_DELTA)]
    Delta {
        /// The requested value.
        given: f64,
    },
}

impl Guarantee {
    /// The largest ε accepted. A larger ε guarantees nothing of value.
    pub const MAX_EPSILON: f64 = 10_000.0;
    /// The smallest δ accepted.
    pub const MIN_DELTA: f64 = 1e-30;
    /// The largest δ accepted. A larger δ would permit publishing a share of the records unchanged.
    pub const MAX_DELTA: f64 = 1e-4;

    /// Makes a guarantee of 0 < ε ≤ 10⁴ and 10⁻³⁰ ≤ δ ≤ 10⁻⁴.
    ///
    /// # Errors
    /// [`GuaranteeError`] when ε or δ is out of range or not a number.
    pub fn new(epsilon: f64, delta: f64) -> Result<Self, GuaranteeError> {
        if !(epsilon > 0.0 && epsilon <= Self::MAX_EPSILON) {
            return Err(GuaranteeError::Epsilon { given: epsilon });
        }
        if !(Self::MIN_DELTA..=Self::MAX_DELTA).contains(&delta) {
            return Err(GuaranteeError::Delta { given: delta });
        }
        Ok(Guarantee { epsilon, delta })
    }

    /// ε.
    pub fn epsilon(self) -> f64 {
        self.epsilon
    }

    /// δ.
    pub fn delta(self) -> f64 {
        self.delta
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatedGuarantee {
    epsilon: f64,
    delta: f64,
}

impl TryFrom<StatedGuarantee> for Guarantee {
    type Error = GuaranteeError;
    fn try_from(stated: StatedGuarantee) -> Result<Self, GuaranteeError> {
        Guarantee::new(stated.epsilon, stated.delta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(units in 0u64..=u64::MAX / 2, weights in prop::collection::vec(1e-9f64..1e9, 1..40)) {
            let parts = Rho::from_units(units).divide(&weights);
            prop_assert_eq!(parts.iter().copied().sum::<Rho>(), Rho::from_units(units));
        }
    }

    #[test]
    fn a_part_follows_its_weight() {
        let parts = Rho::from_units(1_000).divide(&[1.0, 4.0, 0.0]);
        assert_eq!(parts.iter().map(|p| p.units()).collect::<Vec<_>>(), [200, 800, 0]);
    }

    #[test]
    fn shown_to_the_last_unit() {
        assert_eq!(Rho::from_units(1_000_000_000_042).to_string(), "1.000000000042");
    }

    #[test]
    fn nonsense_guarantees_are_refused() {
        for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e5] {
            assert!(Guarantee::new(epsilon, 1e-9).is_err(), "{epsilon}");
        }
        for delta in [0.0, -1e-9, f64::NAN, 0.5] {
            assert!(Guarantee::new(1.0, delta).is_err(), "{delta}");
        }
        assert!(serde_json::from_str::<Guarantee>(r#"{"epsilon":0,"delta":1e-9}"#).is_err());
    }
}
