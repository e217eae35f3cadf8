//! Exact discrete Gaussian noise in integer arithmetic.
//!
//! Rejection sampling from a step function with integer heights: an exact comparison of a uniform number with
//! exp(−γ), γ rational ([`exponential`](super::exponential)), accepts or rejects each candidate. Every
//! comparison is one of integers; no floating-point number takes part in a draw.
//!
//! An answer with sensitivity Δ under noise of scale σ costs ρ = Δ²/2σ² (Canonne, Kamath, Steinke 2020, *The
//! Discrete Gaussian for Differential Privacy*, Theorem 4).

use super::NoiseScale;
use super::exponential::Exponent;
use rand::Rng;

/// Number of blocks of equal width in which candidates are drawn, from 0 upwards; the tail begins beyond
/// them.
const BLOCKS: usize = 16;
/// Height of the envelope at 0, in slots; log₂.
const HEIGHT: u32 = 7;
/// Largest number of tail blocks, so that squares of the largest values, below (16 + 480)·2²³, fit 64 bits.
/// The last block lies beyond 123σ, where the probability is below e⁻⁷⁵⁰⁰; a candidate beyond it is drawn
/// again. This is the only truncation of the distribution, and it adds less than e⁻⁷⁵⁰⁰ to δ.
const TAIL: u32 = 480;

/// Draws noise of one scale.
///
/// The absolute value |Z| is drawn under an envelope of steps: block i, of `width` ≥ σ/4 values, has height
/// s_i/2⁷ ≥ exp(−(i·width)²/2σ²) for an integer number s_i of slots; the blocks of the tail have heights 2⁻⁸,
/// 2⁻⁹, …. Since exp(−16²/32) < 2⁻⁸ and the exponential falls by exp(−33/32) < ½ and more from block to block
/// there, the envelope stays above it. A slot, then a value of its block, are drawn uniformly: a candidate y
/// has a probability proportional to the envelope, and is accepted with probability exp(−y²/2σ²)/height.
pub struct Sampler {
    /// γ = y² · 2^shift / (2 · numerator), for σ² = numerator / 2^shift.
    exponent: Exponent,
    width: u64,
    /// The block of each slot; the last one is that of the tail.
    slots: Vec<u8>,
    blocks: [Block; BLOCKS],
}

#[derive(Clone, Copy, Default)]
struct Block {
    slots: u32,
    /// A uniform number whose first 64 digits are below this is accepted for every value of the block.
    sure: u64,
}

impl Sampler {
    /// A sampler for one scale.
    pub fn new(scale: NoiseScale) -> Sampler {
        let (numerator, shift) = scale.parts();
        let exponent = Exponent::new(1 << shift, 2 * numerator);
        // The smallest width with 16·width² ≥ σ².
        let quarter = numerator.div_ceil(16 << shift);
        let root = quarter.isqrt();
        let width = root + u64::from(root * root < quarter);
        let mut slots = Vec::new();
        let blocks = std::array::from_fn(|block| {
            let at = |block: usize| (block as u64 * width).pow(2);
            let (_, above) = exponent.bounds(at(block));
            let high = (above >> (64 - HEIGHT)) as u32 + 1;
            slots.extend(std::iter::repeat_n(block as u8, high as usize));
            let (below, _) = exponent.bounds(at(block + 1));
            let sure = (below << HEIGHT) / u128::from(high);
            Block { slots: high, sure: u64::try_from(sure).unwrap_or(u64::MAX) }
        });
        slots.push(BLOCKS as u8);
        Sampler { exponent, width, slots, blocks }
    }

    /// One draw Z with P(Z = z) ∝ exp(−z²/2σ²).
    pub fn sample(&self, rng: &mut impl Rng) -> i64 {
        loop {
            // One word holds the slot (32 bits), the value within its block (31) and the sign (1).
            let word = rng.next_u64();
            let Some(slot) = below(self.slots.len() as u64, word >> 32, 32) else { continue };
            let Some(offset) = below(self.width, (word >> 1) & 0x7fff_ffff, 31) else { continue };
            let negative = word & 1 == 1;
            let block = usize::from(self.slots[slot as usize]);
            let (size, kept) = match self.blocks.get(block) {
                Some(&Block { slots, sure }) => {
                    let size = block as u64 * self.width + offset;
                    let digits = rng.next_u64();
                    let kept =
                        digits < sure || self.exponent.accepts(size * size, digits, slots, HEIGHT, rng);
                    (size, kept)
                }
                None => {
                    let Some(beyond) = halvings(rng) else { continue };
                    let size = (BLOCKS as u64 + u64::from(beyond)) * self.width + offset;
                    let digits = rng.next_u64();
                    (size, self.exponent.accepts(size * size, digits, 1, HEIGHT + 1 + beyond, rng))
                }
            };
            // Reject 0 with one of the signs: otherwise it would be drawn twice as often.
            if kept && !(negative && size == 0) {
                return if negative { -(size as i64) } else { size as i64 };
            }
        }
    }
}

/// A uniform number in 0..bound from `bits` uniform bits, or `None` to draw again (Lemire 2019, *Fast Random
/// Integer Generation in an Interval*). `bound` is below 2^bits, `bits` at most 32.
fn below(bound: u64, uniform: u64, bits: u32) -> Option<u64> {
    let product = uniform * bound;
    let low = product & ((1 << bits) - 1);
    // The exact threshold takes a division, which is needed only below `bound`.
    (low >= bound || low >= (1 << bits) % bound).then_some(product >> bits)
}

/// k with probability 2^−(k+1), or `None` from [`TAIL`] on.
fn halvings(rng: &mut impl Rng) -> Option<u32> {
    let mut tails = 0;
    while tails < TAIL {
        let word = rng.next_u64();
        tails += word.trailing_zeros();
        if word != 0 {
            break;
        }
    }
    (tails < TAIL).then_some(tails)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MaxRecords, Rho, Sensitivity};
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

    /// Pearson's statistic over cells of expected count ≥ 8, with everything beyond ±reach as two further
    /// cells.
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

    /// Far above the 1 − 10⁻⁶ quantile of χ² with `freedom` degrees: the fixed seeds below pass by a wide
    /// margin.
    fn limit(freedom: usize) -> f64 {
        let f = freedom as f64;
        f + 5.0 * (2.0 * f).sqrt() + 15.0
    }

    #[test]
    fn fits_the_exact_distribution() {
        for (seed, variance) in [0.01, 0.2, 1.0, 2.5, 49.0, 1234.5, 1e6].into_iter().enumerate() {
            let mut rng = ChaCha20Rng::seed_from_u64(seed as u64);
            let scale = scale(variance);
            let sampler = Sampler::new(scale);
            let draws: Vec<i64> = (0..200_000).map(|_| sampler.sample(&mut rng)).collect();
            let (statistic, freedom) = chi_square(&draws, scale.variance());
            assert!(statistic < limit(freedom), "σ² {variance}: χ² {statistic} on {freedom}");
        }
    }

    #[test]
    fn the_test_notices_a_wrong_scale() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let draws: Vec<i64> = (0..200_000).map(|_| Sampler::new(scale(49.0)).sample(&mut rng)).collect();
        let (statistic, freedom) = chi_square(&draws, 47.0);
        assert!(statistic > limit(freedom));
    }

    #[test]
    fn tails_are_neither_cut_nor_fat() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let sampler = Sampler::new(scale(1.0));
        let draws: Vec<i64> = (0..2_000_000).map(|_| sampler.sample(&mut rng)).collect();
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
            counts.entry(Sampler::new(ours).sample(&mut rng).clamp(-8, 8)).or_default().0 += 1.0;
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
                assert!((Sampler::new(scale).sample(&mut rng) as f64).abs() <= bound);
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
            let (numerator, shift) = scale.parts();
            // Δ²/2σ² ≤ ρ  ⇔  2^shift · 10¹² ≤ 2 · numerator · units
            let left = (1u128 << shift) * u128::from(Rho::ONE);
            assert!(left <= 2 * u128::from(numerator) * u128::from(units));
        }
    }

    #[test]
    fn the_staircase_stays_above_the_exponential() {
        for variance in [1e-9, 0.003, 0.2, 1.0, 15.9, 16.1, 1234.5, 1e6, 4e11] {
            let scale = scale(variance);
            let sampler = Sampler::new(scale);
            let weight = |y: u64| (-(y as f64).powi(2) / (2.0 * scale.variance())).exp();
            assert!(16.0 * (sampler.width as f64).powi(2) >= scale.variance());
            for (at, block) in sampler.blocks.iter().enumerate() {
                let height = f64::from(block.slots) / 128.0;
                let first = at as u64 * sampler.width;
                assert!(height >= weight(first), "σ² {variance}, block {at}");
                assert!(
                    block.sure as f64 / 2f64.powi(64) * height <= weight(first + sampler.width - 1) + 1e-12
                );
                assert_eq!(
                    block.slots as usize,
                    sampler.slots.iter().filter(|s| usize::from(**s) == at).count()
                );
            }
            for beyond in 0..40 {
                let first = (16 + beyond) * sampler.width;
                assert!(0.5f64.powi(8 + beyond as i32) >= weight(first));
            }
        }
    }

    #[test]
    fn numbers_below_a_bound_are_all_alike() {
        for bound in [1u64, 3, 7, 200, 255] {
            let mut counts = vec![0; bound as usize];
            (0..256).filter_map(|uniform| below(bound, uniform, 8)).for_each(|x| counts[x as usize] += 1);
            assert!(counts.iter().all(|&n| n == counts[0] && n > 0), "{bound}: {counts:?}");
        }
    }
}
