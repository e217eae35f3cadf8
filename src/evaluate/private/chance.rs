//! The chance in a measure: every draw comes from a fixed seed, so a report can be repeated.

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus, seq::index};

/// A generator for one purpose; each purpose has a number of its own.
pub fn source(purpose: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(purpose)
}

/// At most `most` of the numbers below `count`, without repetition and in ascending order: all of them if they fit.
pub fn sample(count: usize, most: usize, purpose: u64) -> Vec<u32> {
    if count <= most {
        return (0..count as u32).collect();
    }
    let mut rows: Vec<u32> =
        index::sample(&mut source(purpose), count, most).into_iter().map(|row| row as u32).collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_repeats_itself_and_nothing_in_it() {
        assert_eq!(sample(3, 5, 1), [0, 1, 2]);
        let rows = sample(1_000, 100, 1);
        assert_eq!(rows, sample(1_000, 100, 1));
        assert_ne!(rows, sample(1_000, 100, 2));
        assert!(rows.len() == 100 && rows.windows(2).all(|pair| pair[0] < pair[1]) && rows[99] < 1_000);
    }
}
