//! Systematic rounding: cumulative sums move by whole steps.
//!
//! Every number becomes one of its two neighbours, with the probability that keeps its mean, and the sum of
//! any run is off by less than one. Rounding each number independently would let the sums drift.

use rand::{Rng, RngExt};

/// Rounds a sequence of numbers ≥ 0.
pub struct Whole {
    sum: f64,
    given: u64,
}

impl Whole {
    /// Starts a sequence at a random offset.
    pub fn new(rng: &mut impl Rng) -> Whole {
        Whole { sum: rng.random(), given: 0 }
    }

    /// The next number, rounded.
    pub fn next(&mut self, x: f64) -> u64 {
        self.sum += x;
        let whole = (self.sum as u64).saturating_sub(self.given);
        self.given += whole;
        whole
    }

    /// The sum of the rounded numbers so far.
    pub fn given(&self) -> u64 {
        self.given
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    proptest! {
        #[test]
        fn numbers_and_sums_are_off_by_less_than_one(run in prop::collection::vec(0.0f64..9.0, 0..80), seed: u64) {
            let mut whole = Whole::new(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
            let mut sum = 0.0;
            for x in run {
                prop_assert!((whole.next(x) as f64 - x).abs() < 1.0 + 1e-9);
                sum += x;
                prop_assert!((whole.given() as f64 - sum).abs() < 1.0 + 1e-9);
            }
        }
    }

    #[test]
    fn the_mean_is_kept() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let ones: u64 = (0..10_000).map(|_| Whole::new(&mut rng).next(0.3)).sum();
        assert!(ones.abs_diff(3_000) < 250);
    }
}
