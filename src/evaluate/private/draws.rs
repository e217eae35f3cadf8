//! Numbers that look random and are the same in every run: hash coefficients and samples of rows.

/// A hash of `counter` under `seed`: the output function of SplitMix64 (Steele, Lea, Flood: *Fast Splittable Pseudorandom
/// Number Generators*, OOPSLA 2014, figure 17), so that the values of one seed are its stream.
pub fn mix(seed: u64, counter: u64) -> u64 {
    let mut z = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `size` of `rows` row numbers, ascending; all of them where there are not more. Every set is as likely as any other
/// over the choice of the seed.
pub fn sample(rows: usize, size: usize, seed: u64) -> Vec<u32> {
    let mut drawn: Vec<u32> = (0..rows as u32).collect();
    if size < rows {
        drawn.select_nth_unstable_by_key(size, |&row| mix(seed, row.into()));
        drawn.truncate(size);
        drawn.sort_unstable();
    }
    drawn
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
