//! Rank histograms: the sizes of the groups of a trace, represented by the ranks of their members.
//!
//! Number the members of every group 1, 2, 3 … and count the ranks {1} {2} {3, 4} {5 … 8} …. The first bin
//! holds the number of groups, a high bin the members deep inside large groups. So one histogram gives both
//! the number of groups and their sizes, and enlarging a group by one member adds one rank and changes
//! nothing else.

/// Number of bins of a rank histogram; the last one takes all ranks above 2²².
pub const BINS: usize = 24;

/// A bin of sizes is represented by at most this many sizes.
const POINTS: usize = 4_096;

/// Number of passes of the coordinate descent over all bins. More changes nothing: a bin depends only on
/// those above it.
const SWEEPS: usize = 2_000;

/// The bin of a rank, from 1.
pub fn bin(rank: u64) -> usize {
    (rank.max(1).next_power_of_two().ilog2() as usize).min(BINS - 1)
}

/// The smallest rank of a bin.
pub fn least(bin: usize) -> u64 {
    span(bin).0 + 1
}

/// The number of ranks below a bin, and in it.
fn span(bin: usize) -> (u64, u64) {
    if bin == 0 { (0, 1) } else { (1 << (bin - 1), 1 << (bin - 1)) }
}

/// Adds the ranks of a group of `size` members.
pub fn add(histogram: &mut [i64], size: u64) {
    for (bin, count) in histogram.iter_mut().enumerate() {
        let (below, own) = span(bin);
        if size <= below {
            break;
        }
        *count += (if bin + 1 == BINS { size - below } else { (size - below).min(own) }) as i64;
    }
}

/// The rank histogram of groups of these sizes.
pub fn of(sizes: impl IntoIterator<Item = u64>) -> Vec<i64> {
    let mut histogram = vec![0; BINS];
    sizes.into_iter().for_each(|size| add(&mut histogram, size));
    histogram
}

/// The number of groups by bin of their size: the non-negative numbers whose ranks come closest to these
/// (least squares). Within a bin the frequency of a size n is assumed to be proportional to 1/n.
pub fn groups(ranks: &[f64]) -> Vec<f64> {
    let bins = ranks.len().min(BINS);
    // The mean ranks of a group, by bin of its size.
    let mean: Vec<Vec<f64>> = (0..bins).map(|bin| mean_ranks(bin, bins)).collect();
    let mut found = vec![0.0; bins];
    let mut left = ranks[..bins].to_vec();
    for _ in 0..SWEEPS {
        let mut moved = 0.0f64;
        for (bin, own) in mean.iter().enumerate() {
            let (mut dot, mut norm) = (0.0, 0.0);
            own.iter().zip(&left).for_each(|(a, b)| (dot, norm) = (dot + a * b, norm + a * a));
            let next = (found[bin] + dot / norm).max(0.0);
            let step = next - found[bin];
            own.iter().zip(&mut left).for_each(|(a, b)| *b -= a * step);
            found[bin] = next;
            moved = moved.max(step.abs() / (1.0 + next));
        }
        if moved < 1e-9 {
            break;
        }
    }
    found
}

fn mean_ranks(bin: usize, bins: usize) -> Vec<f64> {
    let (below, own) = span(bin);
    let points = (own as usize).min(POINTS);
    let (mut sum, mut ranks) = (0.0, vec![0.0; bins]);
    for point in 0..points {
        let size = below + 1 + (own - 1) * point as u64 / (points.max(2) - 1) as u64;
        let weight = 1.0 / size as f64;
        sum += weight;
        for (bin, ranks) in ranks.iter_mut().enumerate() {
            let (below, own) = span(bin);
            *ranks += weight * size.saturating_sub(below).min(own) as f64;
        }
    }
    ranks.iter_mut().for_each(|ranks| *ranks /= sum);
    ranks
}

/// `number` sizes distributed over the bins as in [`groups`], ascending: evenly over the groups, and as 1/n
/// within a bin.
pub fn sizes(groups: &[f64], number: usize) -> Vec<f64> {
    let total: f64 = groups.iter().sum();
    if total <= 0.0 {
        return vec![1.0; number];
    }
    let mut sizes = Vec::with_capacity(number);
    let (mut bin, mut before) = (0, 0.0);
    for index in 0..number {
        let at = (index as f64 + 0.5) / number as f64 * total;
        while bin + 1 < groups.len() && before + groups[bin] <= at {
            before += groups[bin];
            bin += 1;
        }
        let (below, own) = span(bin);
        let (least, most) = ((below + 1) as f64, (below + own) as f64);
        let within = ((at - before) / groups[bin].max(1e-12)).clamp(0.0, 1.0);
        sizes.push((least * ((most + 1.0) / least).powf(within)).floor().min(most));
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        assert_eq!([1, 2, 3, 4, 5, 8, 9, u64::from(u32::MAX)].map(bin), [0, 1, 2, 2, 3, 3, 4, BINS - 1]);
        assert_eq!(of([1, 1, 2, 7])[..5], [4, 2, 2, 3, 0]);
        assert_eq!(of([]), [0; BINS]);
    }

    proptest! {
        #[test]
        fn every_member_has_one_rank(sizes in prop::collection::vec(0u64..100_000_000, 0..50)) {
            let ranks = of(sizes.iter().copied());
            prop_assert_eq!(ranks.iter().sum::<i64>() as u64, sizes.iter().sum::<u64>());
            prop_assert_eq!(ranks[0] as usize, sizes.iter().filter(|&&size| size > 0).count());
        }

        /// Groups of size one and two are found exactly, and the mass of all others to within the resolution
        /// of a bin.
        #[test]
        fn groups_are_found_again(sizes in prop::collection::vec(1u64..3_000, 1..200)) {
            let ranks: Vec<f64> = of(sizes.iter().copied()).into_iter().map(|count| count as f64).collect();
            let found = groups(&ranks);
            prop_assert!(found.iter().all(|&number| number >= 0.0));
            let (number, wanted) = (found.iter().sum::<f64>(), sizes.len() as f64);
            prop_assert!((number - wanted).abs() <= 1.0 + 0.5 * wanted, "{number} for {wanted}");
            let drawn = super::sizes(&found, sizes.len());
            prop_assert!(drawn.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert_eq!(drawn.len(), sizes.len());
        }

        #[test]
        fn sizes_of_one_and_two_are_exact(ones in 0usize..60, twos in 0usize..60) {
            prop_assume!(ones + twos > 0);
            let all = [vec![1; ones], vec![2; twos]].concat();
            let ranks: Vec<f64> = of(all.iter().copied()).into_iter().map(|count| count as f64).collect();
            let found = groups(&ranks[..2]);
            prop_assert!((found[0] - ones as f64).abs() < 1e-3 && (found[1] - twos as f64).abs() < 1e-3, "{found:?}");
            let drawn = super::sizes(&found, ones + twos);
            prop_assert_eq!(drawn.iter().filter(|&&size| size == 1.0).count(), ones);
        }
    }
}
