//! Addresses of the tail: where a leaf holds many addresses, the number of distinct ones and their
//! frequencies follow a profile.
//!
//! With uniform drawing hardly any address would occur twice, and a trace of 4,000 hosts would have 36,000.
//! Heavy hosts have a leaf of their own; the profile gives the number of other hosts and the distribution of
//! their records, and each takes a run of the tail's records, leaf by leaf.

use netdpsyn_model::Profile;
use rand::{Rng, RngExt, seq::SliceRandom};
use std::ops::Range;

/// The intervals of every bin, weighted by records, where wide ones are replaced by single addresses.
pub fn populate(
    bins: Vec<Vec<(Range<u64>, f64)>>,
    profile: &Profile,
    rng: &mut impl Rng,
) -> Vec<Vec<(Range<u64>, f64)>> {
    let is_tail = |interval: &Range<u64>, weight: f64| interval.end - interval.start > 1 && weight > 0.0;
    let all = || bins.iter().flatten();
    let tail: f64 = all().filter(|(i, w)| is_tail(i, *w)).map(|(_, w)| w).sum();
    if tail < 1.0 {
        return bins;
    }
    let alone: Vec<f64> = all().filter(|(i, w)| i.end - i.start == 1 && *w > 0.0).map(|(_, w)| *w).collect();
    let mut sizes = sizes(&profile.counts, &alone, tail);
    sizes.shuffle(rng);
    // The host whose run continues, and its remaining records.
    let (mut host, mut left) = (0, sizes[0]);
    let mut replace = |interval: Range<u64>, weight: f64| {
        let mut hosts = Vec::new();
        let mut wanted = weight;
        while wanted > 0.0 {
            let own = left.min(wanted);
            let address = rng.random_range(interval.clone());
            hosts.push((address..address + 1, own));
            wanted -= own;
            left -= own;
            if left <= 1e-9 {
                // Rounding may leave a small remainder after the last host, which takes it.
                host = (host + 1).min(sizes.len() - 1);
                left = sizes[host];
            }
            if wanted <= 1e-9 * weight {
                break;
            }
        }
        hosts
    };
    bins.into_iter()
        .map(|intervals| {
            let replaced =
                intervals.into_iter().flat_map(|(interval, weight)| match is_tail(&interval, weight) {
                    true => replace(interval, weight),
                    false => vec![(interval, weight)],
                });
            replaced.collect()
        })
        .collect()
}

/// Largest number of hosts of a tail.
const MOST_HOSTS: f64 = (1u32 << 22) as f64;

/// Records of each host of the tail, which sum to `tail`.
fn sizes(profile: &[i64], alone: &[f64], tail: f64) -> Vec<f64> {
    // Number of hosts with at least this many records, minus those with a leaf of their own; it does not
    // increase with the threshold.
    let mut beyond: Vec<f64> = profile
        .iter()
        .enumerate()
        .map(|(power, &count)| {
            let least = 2f64.powi(power as i32);
            (count as f64 - alone.iter().filter(|&&records| records >= least).count() as f64).max(0.0)
        })
        .collect();
    for power in (1..beyond.len()).rev() {
        beyond[power - 1] = beyond[power - 1].max(beyond[power]);
    }
    let hosts = (beyond.first().copied().unwrap_or(0.0).min(tail).min(MOST_HOSTS).round() as usize).max(1);
    let mut sizes = vec![1.0; hosts];
    for (power, &count) in beyond.iter().enumerate().skip(1) {
        let reach = (count.round() as usize).min(hosts);
        // Half way between this threshold and the next.
        sizes[..reach].fill(1.5 * 2f64.powi(power as i32));
    }
    let sum: f64 = sizes.iter().sum();
    sizes.iter_mut().for_each(|size| *size *= tail / sum);
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_account::{MaxRecords, NoiseScale, Rho, Sensitivity};
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    fn profile(counts: &[i64]) -> Profile {
        let one = Sensitivity::profile(MaxRecords::ONE);
        let scale = NoiseScale::for_cost(one, Rho::from_units(5_000_000_000)).unwrap();
        Profile { label: "profile".into(), column: 0, counts: counts.into(), scale }
    }

    proptest! {
        #[test]
        fn bins_keep_their_records_and_their_addresses(
            widths in prop::collection::vec((1u64..50, 0.0f64..90.0), 1..20), counts in prop::collection::vec(-20i64..90, 10), seed: u64,
        ) {
            let mut at = 0;
            let intervals: Vec<(Range<u64>, f64)> = widths.iter().map(|&(width, weight)| {
                at += width;
                (at - width..at, weight)
            }).collect();
            let bins: Vec<Vec<(Range<u64>, f64)>> = intervals.chunks(3).map(<[_]>::to_vec).collect();
            let made = populate(bins.clone(), &profile(&counts), &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            for (before, after) in bins.iter().zip(&made) {
                let sum = |of: &[(Range<u64>, f64)]| of.iter().map(|(_, weight)| weight).sum::<f64>();
                prop_assert!((sum(before) - sum(after)).abs() < 1e-6);
                let inside = |i: &Range<u64>| before.iter().any(|(b, _)| b.start <= i.start && i.end <= b.end);
                prop_assert!(after.iter().all(|(interval, _)| inside(interval)));
            }
        }
    }

    #[test]
    fn as_many_hosts_as_the_profile_says() {
        // Five hosts, of which two have at least 2 records and one at least 4; one of them has a leaf of its
        // own with 100.
        let of = sizes(&[5, 2, 1, 1, 1, 1, 1, 0, 0, 0], &[100.0], 9.0);
        assert_eq!(of.len(), 4);
        assert_eq!(of, [4.5, 1.5, 1.5, 1.5]);
        let bins = vec![vec![(0..1, 100.0)], vec![(1..1_000_000, 9.0), (1_000_000..2_000_000, 0.0)]];
        let made = populate(
            bins,
            &profile(&[5, 2, 1, 1, 1, 1, 1, 0, 0, 0]),
            &mut Xoshiro256PlusPlus::seed_from_u64(1),
        );
        assert_eq!(made[0], [(0..1, 100.0)]);
        assert_eq!(made[1].len(), 4 + 1, "and what is never drawn stays");
        assert_eq!(sizes(&[-3, 40], &[], 2.5).len(), 3, "no more than there are records");
    }
}
