//! Pseudo-random numbers that are the same in every run, so that a report is reproducible: hash coefficients,
//! generators, samples of rows.

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus, seq::index};

/// A hash of `counter` under `seed`: the output function of SplitMix64 (Steele, Lea, Flood: *Fast Splittable
/// Pseudorandom Number Generators*, OOPSLA 2014, figure 17), so that the values of one seed are its stream.
pub fn mix(seed: u64, counter: u64) -> u64 {
    let mut z = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A random number generator for one purpose; each purpose has a number of its own.
pub fn source(purpose: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(purpose)
}

/// A sample of at most `most` of the numbers below `count`, without repetition and in ascending order: all of
/// them if they fit.
pub fn sample(count: usize, most: usize, purpose: u64) -> Vec<u32> {
    if count <= most {
        return (0..count as u32).collect();
    }
    let drawn = index::sample(&mut source(purpose), count, most);
    let mut rows: Vec<u32> = drawn.into_iter().map(|row| row as u32).collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_splitmix64() {
        // The first outputs for seed 1234567, as published with the reference implementation.
        let stream: Vec<u64> = (0..3).map(|i| mix(1_234_567, i)).collect();
        assert_eq!(stream, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn samples_are_distinct_spread_and_fixed() {
        let drawn = sample(10_000, 1_000, 1);
        assert!(drawn.len() == 1_000 && drawn.is_sorted_by(|a, b| a < b));
        let low = drawn.iter().filter(|&&row| row < 5_000).count();
        assert!((420..580).contains(&low), "{low}: five standard deviations from half");
        assert_eq!(drawn, sample(10_000, 1_000, 1));
        assert_ne!(drawn, sample(10_000, 1_000, 2));
        assert_eq!(sample(3, 10, 1), [0, 1, 2]);
        assert!(sample(0, 10, 1).is_empty() && sample(10, 0, 1).is_empty());
    }
}
