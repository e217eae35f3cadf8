//! Exact discrete Gaussian noise in integer arithmetic.
//!
//! Canonne, Kamath, Steinke 2020, *The Discrete Gaussian for Differential Privacy*, Algorithms 1–3: a discrete Laplace
//! candidate, accepted by a Bernoulli trial with a probability of the form exp(−γ), γ rational. Every trial is decided
//! by comparing integers; no floating-point number takes part in a draw.
//!
//! The cost of an answer with sensitivity Δ under noise of scale σ is ρ = Δ²/2σ² (there, Theorem 4).

use super::{Rho, Sensitivity};
use rand::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// σ² as an exact dyadic rational: `numerator / 2^shift`.
///
/// It can only be made from what pays for it, [`NoiseScale::for_cost`], so noise without a budget has no expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseScale {
    numerator: u64,
    shift: u32,
}

/// The budget for one answer is so small that its noise would swamp any trace.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("ρ = {rho} is too little for one answer of squared sensitivity {squared}; ask for a larger epsilon")]
pub struct CostTooSmall {
    rho: Rho,
    squared: u64,
}

impl NoiseScale {
    /// Keeps `numerator` under 2⁵⁰, so that every product in [`NoiseScale::sample`] fits 128 bits.
    const MAX_NUMERATOR: u128 = 1 << 50;
    const MAX_SHIFT: u32 = 30;

    /// The scale at which an answer of `sensitivity` costs at most `rho`: σ² = Δ²/2ρ, rounded up.
    pub fn for_cost(sensitivity: Sensitivity, rho: Rho) -> Result<Self, CostTooSmall> {
        let refused = CostTooSmall { rho, squared: sensitivity.squared() };
        if rho == Rho::ZERO {
            return Err(refused);
        }
        // σ² = Δ²·10¹² / (2·units), as an integer quotient over 2^shift.
        let top = u128::from(sensitivity.squared()) * u128::from(Rho::ONE / 2);
        let units = u128::from(rho.units());
        (0..=Self::MAX_SHIFT)
            .rev()
            .filter(|shift| *shift < top.leading_zeros())
            .map(|shift| ((top << shift).div_ceil(units), shift))
            .find(|(numerator, _)| *numerator < Self::MAX_NUMERATOR)
            .map(|(numerator, shift)| NoiseScale { numerator: numerator as u64, shift })
            .ok_or(refused)
    }

    /// σ², for weighing noisy answers after they are drawn.
    pub fn variance(self) -> f64 {
        self.numerator as f64 * 0.5f64.powi(self.shift as i32)
    }

    /// σ, likewise.
    pub fn sigma(self) -> f64 {
        self.variance().sqrt()
    }

    /// One draw Z with P(Z = z) ∝ exp(−z²/2σ²) (Algorithm 3).
    pub fn sample(self, rng: &mut impl Rng) -> i64 {
        let n = u128::from(self.numerator); // σ² = n/d
        let d = 1u128 << self.shift;
        let t = (self.numerator >> self.shift).isqrt() + 1; // ⌊σ⌋ + 1
        let dt = d * u128::from(t);
        let denominator = 2 * n * dt * u128::from(t);
        loop {
            let candidate = discrete_laplace(t, rng);
            // Accept with probability exp(−(|Y| − σ²/t)² / 2σ²) = exp(−(|Y|·d·t − n)² / (2·n·d·t²)).
            let size = candidate.unsigned_abs();
            if size >> 13 >= t {
                // |Y| ≥ 8192·t has probability below e⁻⁸¹⁹¹. Such a candidate is drawn again, so that the square below fits;
                // this is the one place where the distribution is cut, and it adds less than e⁻⁸¹⁰⁰ to δ.
                continue;
            }
            let distance = (u128::from(size) * dt).abs_diff(n);
            if bernoulli_exp(distance * distance, denominator, rng) {
                return candidate;
            }
        }
    }
}

/// One draw of P(Y = y) ∝ exp(−|y|/t) (Algorithm 2, with s = 1).
fn discrete_laplace(t: u64, rng: &mut impl Rng) -> i64 {
    loop {
        let low = uniform_below(t, rng);
        if !bernoulli_exp(u128::from(low), u128::from(t), rng) {
            continue;
        }
        let mut high = 0u64;
        while bernoulli_exp(1, 1, rng) {
            high += 1;
        }
        let size = (low + t * high) as i64;
        let negative = rng.next_u32() & 1 == 1;
        if negative && size == 0 {
            continue;
        }
        return if negative { -size } else { size };
    }
}

/// True with probability exp(−num/den) (Algorithm 1).
fn bernoulli_exp(mut num: u128, den: u128, rng: &mut impl Rng) -> bool {
    while num > den {
        if !bernoulli_exp(1, 1, rng) {
            return false;
        }
        num -= den;
    }
    // γ ≤ 1: the first K at which a Bernoulli(γ/K) fails is odd with probability exp(−γ).
    let mut k = 1u128;
    while bernoulli(num, den * k, rng) {
        k += 1;
    }
    k & 1 == 1
}

/// True with probability num/den exactly, num ≤ den.
///
/// A uniform real in [0, 1) is compared with num/den 64 bits at a time; almost always the first 64 decide.
fn bernoulli(mut num: u128, den: u128, rng: &mut impl Rng) -> bool {
    loop {
        let drawn = widening_mul(den, rng.next_u64());
        let target = (num >> 64, num << 64); // num·2⁶⁴
        if target <= drawn {
            return false;
        }
        // What of the target lies above the 64 bits drawn, still relative to `den`.
        let (low, borrow) = target.1.overflowing_sub(drawn.1);
        let high = target.0 - drawn.0 - u128::from(borrow);
        if high > 0 || low >= den {
            return true;
        }
        num = low;
    }
}

/// a·b as (high, low) 128-bit words.
fn widening_mul(a: u128, b: u64) -> (u128, u128) {
    let b = u128::from(b);
    let low = (a & u128::from(u64::MAX)) * b;
    let middle = (a >> 64) * b + (low >> 64);
    (middle >> 64, (middle << 64) | (low & u128::from(u64::MAX)))
}

/// Uniform in 0..bound, without bias (Lemire 2019, *Fast Random Integer Generation in an Interval*).
fn uniform_below(bound: u64, rng: &mut impl Rng) -> u64 {
    let rejected = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= rejected {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::MaxRecords;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    /// A scale of the given σ² (units of ρ are fine enough for the values used here).
    fn scale(variance: f64) -> NoiseScale {
        let units = (Rho::ONE as f64 / 2.0 / variance).round() as u64;
        NoiseScale::for_cost(Sensitivity::histogram(MaxRecords::ONE), Rho::from_units(units)).unwrap()
    }

    /// P(Z = z) for |z| ≤ `reach`, by the definition.
    fn exact(variance: f64, reach: i64) -> Vec<f64> {
        let weight = |z: i64| (-(z as f64).powi(2) / (2.0 * variance)).exp();
        let wide = (20.0 * variance.sqrt()) as i64 + reach + 50;
        let total: f64 = (-wide..=wide).map(weight).sum();
        (-reach..=reach).map(|z| weight(z) / total).collect()
    }

    /// Pearson's statistic over cells of expected count ≥ 8, with everything beyond ±reach as two further cells.
    fn chi_square(draws: &[i64], variance: f64) -> (f64, usize) {
        let reach = (4.0 * variance.sqrt()).ceil() as i64 + 2;
        let width = ((variance.sqrt() / 4.0) as i64).max(1);
        let cells = ((2 * reach + 1) / width + 3) as usize;
        let cell = |z: i64| {
            if z < -reach {
                0
            } else if z > reach {
                cells - 1
            } else {
                ((z + reach) / width + 1) as usize
            }
        };
        let mut expected = vec![0.0; cells];
        let mut seen = vec![0.0; cells];
        for (z, p) in (-reach..=reach).zip(exact(variance, reach)) {
            expected[cell(z)] += p * draws.len() as f64;
        }
        let tail = (draws.len() as f64 - expected.iter().sum::<f64>()) / 2.0;
        expected[0] += tail;
        expected[cells - 1] += tail;
        for &z in draws {
            seen[cell(z)] += 1.0;
        }
        let mut statistic = 0.0;
        let mut kept = 0;
        let mut rest = (0.0, 0.0);
        for (e, s) in expected.iter().zip(&seen) {
            if *e >= 8.0 {
                statistic += (s - e) * (s - e) / e;
                kept += 1;
            } else {
                rest = (rest.0 + e, rest.1 + s);
            }
        }
        if rest.0 >= 8.0 {
            statistic += (rest.1 - rest.0) * (rest.1 - rest.0) / rest.0;
            kept += 1;
        }
        (statistic, kept - 1)
    }

    /// Far above the 1 − 10⁻⁶ quantile of χ² with `freedom` degrees: the fixed seeds below pass by a wide margin.
    fn limit(freedom: usize) -> f64 {
        let f = freedom as f64;
        f + 5.0 * (2.0 * f).sqrt() + 15.0
    }

    #[test]
    fn fits_the_exact_distribution() {
        for (seed, variance) in [0.01, 0.2, 1.0, 2.5, 49.0, 1234.5, 1e6].into_iter().enumerate() {
            let mut rng = ChaCha20Rng::seed_from_u64(seed as u64);
            let scale = scale(variance);
            let draws: Vec<i64> = (0..200_000).map(|_| scale.sample(&mut rng)).collect();
            let (statistic, freedom) = chi_square(&draws, scale.variance());
            assert!(statistic < limit(freedom), "σ² {variance}: χ² {statistic} on {freedom}");
        }
    }

    #[test]
    fn the_test_notices_a_wrong_scale() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let draws: Vec<i64> = (0..200_000).map(|_| scale(49.0).sample(&mut rng)).collect();
        let (statistic, freedom) = chi_square(&draws, 47.0);
        assert!(statistic > limit(freedom));
    }

    #[test]
    fn tails_are_neither_cut_nor_fat() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let draws: Vec<i64> = (0..2_000_000).map(|_| scale(1.0).sample(&mut rng)).collect();
        let beyond = |z: i64| draws.iter().filter(|d| d.abs() >= z).count() as f64;
        for z in [3i64, 4, 5] {
            let inside: f64 = exact(1.0, z - 1).iter().sum();
            let mean = (1.0 - inside) * draws.len() as f64;
            assert!((beyond(z) - mean).abs() < 5.0 * mean.sqrt() + 5.0, "|Z| ≥ {z}");
        }
    }

    #[test]
    fn agrees_with_opendp() {
        let ours = scale(6.25);
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let draws = 40_000;
        let mut counts = std::collections::BTreeMap::<i64, (f64, f64)>::new();
        for _ in 0..draws {
            counts.entry(ours.sample(&mut rng).clamp(-8, 8)).or_default().0 += 1.0;
            let two_and_a_half = dashu::rational::RBig::from_parts(5.into(), 2u8.into());
            let theirs: i64 = opendp::traits::samplers::sample_discrete_gaussian(two_and_a_half)
                .unwrap()
                .try_into()
                .unwrap();
            counts.entry(theirs.clamp(-8, 8)).or_default().1 += 1.0;
        }
        // Two-sample χ² with equal sizes: Σ (a − b)² / (a + b).
        let statistic: f64 = counts.values().map(|(a, b)| (a - b) * (a - b) / (a + b)).sum();
        assert!(statistic < limit(counts.len() - 1), "{statistic}");
    }

    #[test]
    fn extreme_budgets_neither_overflow_nor_stall() {
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        for units in [1u64, 12, 1_000, Rho::ONE, 900 * Rho::ONE, u64::MAX / 4] {
            let sensitivity = Sensitivity::independence_differences(MaxRecords::ONE, 100, 0);
            let scale = NoiseScale::for_cost(sensitivity, Rho::from_units(units)).unwrap();
            for _ in 0..1_000 {
                let bound = 12.0 * scale.sigma() + 2.0;
                assert!((scale.sample(&mut rng) as f64).abs() <= bound);
            }
        }
    }

    #[test]
    fn too_little_is_refused() {
        let k = MaxRecords::new(std::num::NonZeroU32::new(1_000_000).unwrap());
        assert!(NoiseScale::for_cost(Sensitivity::histogram(k), Rho::from_units(1)).is_err());
        assert!(NoiseScale::for_cost(Sensitivity::histogram(MaxRecords::ONE), Rho::ZERO).is_err());
    }

    #[test]
    fn the_scale_never_undercharges() {
        for units in [1u64, 7, 123_456_789, 50_000_000_000, 3 * Rho::ONE + 1] {
            let scale = NoiseScale::for_cost(Sensitivity::histogram(MaxRecords::ONE), Rho::from_units(units))
                .unwrap();
            // Δ²/2σ² ≤ ρ  ⇔  2^shift · 10¹² ≤ 2 · numerator · units
            let left = (1u128 << scale.shift) * u128::from(Rho::ONE);
            assert!(left <= 2 * u128::from(scale.numerator) * u128::from(units));
        }
    }

    #[test]
    fn a_fair_trial_is_exact_where_64_bits_tie() {
        // A source whose first word equals the target's first 64 bits forces the refinement.
        struct Words(Vec<u64>);
        impl rand::TryRng for Words {
            type Error = std::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                Ok(self.0.remove(0) as u32)
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Ok(self.0.remove(0))
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
                unreachable!("trials draw words")
            }
        }
        // 1/3 in 64-bit digits is 0x5555…, for ever.
        let third = 0x5555_5555_5555_5555;
        assert!(bernoulli(1, 3, &mut Words(vec![third, third - 1])));
        assert!(!bernoulli(1, 3, &mut Words(vec![third, third + 1])));
        assert_eq!(
            widening_mul(u128::MAX, u64::MAX),
            (u128::from(u64::MAX) - 1, u128::MAX - u128::from(u64::MAX) + 1)
        );
    }
}
