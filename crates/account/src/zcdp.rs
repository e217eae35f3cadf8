//! Conversion between ρ-zCDP and (ε, δ)-differential privacy.
//!
//! Canonne, Kamath, Steinke 2020, *The Discrete Gaussian for Differential Privacy*, Prop. 12: a ρ-zCDP
//! mechanism is (ε, δ)-DP for every δ ≥ min over α > 1 of exp((α−1)(αρ−ε)) · (1−1/α)^α / (α−1). Every α gives
//! a valid bound, so an inexact minimum errs on the safe side.

use super::budget::{Guarantee, Rho};

/// Part of δ that is reserved for partition selection, in jobs and in caps alike, so that a cap pays for one
/// job of its own size.
const RESERVED_FOR_PARTITIONS: f64 = 0.1;

/// Slack on ln δ that covers the rounding of the logarithms (their error is below 10⁻¹²).
const LOG_SLACK: f64 = 1e-9;

/// ln of the smallest δ that Prop. 12 gives for `rho` at `epsilon`.
fn ln_delta(rho: f64, epsilon: f64) -> f64 {
    // The exponent's derivative in α, (2α−1)ρ − ε + ln(1−1/α), grows with α: bisect for its root.
    let (mut low, mut high) = (1.0 + 1e-9, (epsilon + 1.0) / (2.0 * rho) + 2.0);
    for _ in 0..200 {
        let alpha = 0.5 * (low + high);
        if (2.0 * alpha - 1.0) * rho - epsilon + (-1.0 / alpha).ln_1p() < 0.0 {
            low = alpha;
        } else {
            high = alpha;
        }
    }
    let alpha = 0.5 * (low + high);
    ((alpha - 1.0) * (alpha * rho - epsilon) + alpha * (-1.0 / alpha).ln_1p() - (alpha - 1.0).ln()).min(0.0)
}

/// The δ at which `rho`-zCDP gives ε-DP (Prop. 12); 0 for ρ = 0.
pub fn delta(rho: Rho, epsilon: f64) -> f64 {
    if rho == Rho::ZERO {
        return 0.0;
    }
    ln_delta(rho.as_f64(), epsilon).exp()
}

/// The largest ρ (rounded down to 10⁻¹²) with `delta(ρ, ε) ≤ 0.9·δ`: the allowance of a job of (ε, δ).
///
/// May be [`Rho::ZERO`] when (ε, δ) pays for less than one unit.
///
/// ```
/// use netdpsyn_account::{Guarantee, zcdp};
///
/// let rho = zcdp::rho(Guarantee::new(2.0, 1e-9)?);
/// assert!(zcdp::delta(rho, 2.0) <= 0.9 * 1e-9);
/// # Ok::<(), netdpsyn_account::budget::GuaranteeError>(())
/// ```
pub fn rho(guarantee: Guarantee) -> Rho {
    let bound = (guarantee.delta() * (1.0 - RESERVED_FOR_PARTITIONS)).ln() - LOG_SLACK;
    // ρ = ε would already give δ near 1, so the answer lies below ε + 1 units of ρ.
    let (mut low, mut high) = (0u64, ((guarantee.epsilon() + 1.0) * Rho::ONE as f64) as u64);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if ln_delta(Rho::from_units(middle).as_f64(), guarantee.epsilon()) <= bound {
            low = middle;
        } else {
            high = middle;
        }
    }
    Rho::from_units(low)
}

/// The smallest ε (rounded up to 10⁻⁶) at which `rho` is (ε, δ)-DP, on the same curve as [`rho`].
///
/// ```
/// use netdpsyn_account::{Guarantee, zcdp};
///
/// let guarantee = Guarantee::new(1.0, 1e-6)?;
/// assert!(zcdp::epsilon(zcdp::rho(guarantee), guarantee.delta()) <= 1.00001);
/// # Ok::<(), netdpsyn_account::budget::GuaranteeError>(())
/// ```
pub fn epsilon(rho: Rho, delta: f64) -> f64 {
    if rho == Rho::ZERO {
        return 0.0;
    }
    let bound = (delta * (1.0 - RESERVED_FOR_PARTITIONS)).ln() - LOG_SLACK;
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    while ln_delta(rho.as_f64(), high) > bound {
        high *= 2.0;
    }
    while high - low > 1e-7 {
        let middle = 0.5 * (low + high);
        if ln_delta(rho.as_f64(), middle) > bound {
            low = middle;
        } else {
            high = middle;
        }
    }
    (high * 1e6).ceil() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values of the same curve from an independent program in 50-digit arithmetic
    /// (`crates/account/known_answers/zcdp.py`).
    #[test]
    fn agrees_with_an_independent_implementation() {
        let text = include_str!("../known_answers/zcdp.csv");
        let mut lines = 0;
        for line in text.lines().skip(1) {
            let cell: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            let (rho_given, epsilon_given, expected) = (cell[0], cell[1], cell[2]);
            let ours = ln_delta(rho_given, epsilon_given);
            assert!(
                (ours - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                "ρ {rho_given} ε {epsilon_given}: {ours} against {expected}"
            );
            lines += 1;
        }
        assert!(lines >= 100);
    }

    #[test]
    fn known_sizes() {
        let spend = rho(Guarantee::new(2.0, 1e-9).unwrap());
        assert!((0.05..0.06).contains(&spend.as_f64()), "{spend}");
        assert!(rho(Guarantee::new(1000.0, 1e-9).unwrap()).as_f64() > 700.0);
        assert!(rho(Guarantee::new(0.01, 1e-9).unwrap()).units() > 1_000_000);
    }

    proptest! {
        #[test]
        fn never_above_the_promise(epsilon_asked in 0.001f64..50.0, exponent in 4.0f64..20.0) {
            let guarantee = Guarantee::new(epsilon_asked, 10f64.powf(-exponent)).unwrap();
            let spend = rho(guarantee);
            prop_assert!(delta(spend, epsilon_asked) <= 0.9 * guarantee.delta());
            let next = Rho::from_units(spend.units() + 1 + spend.units() / 1_000_000);
            prop_assert!(delta(next, epsilon_asked) > 0.9 * guarantee.delta() * (1.0 - 1e-6));
        }

        #[test]
        fn epsilon_inverts_rho(epsilon_asked in 0.01f64..20.0) {
            let guarantee = Guarantee::new(epsilon_asked, 1e-9).unwrap();
            let back = epsilon(rho(guarantee), 1e-9);
            prop_assert!((back - epsilon_asked).abs() < 1e-5, "{back}");
        }
    }
}
