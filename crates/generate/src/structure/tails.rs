//! One side of a trace, source or destination: the hosts that a tree isolates, and the number, sizes and bins
//! of the others.

use netdpsyn_model::{RankAnswer, ranks};
use rand::{Rng, seq::SliceRandom};
use std::ops::Range;

/// A single address is a host of its own where the tree estimates it above this many σ of a level: smaller
/// estimates are even shares of neighbourhoods in which nothing stands out.
const KNOWN: f64 = 0.25;
/// A look alone decides where it is this many of its σ off the estimate without it.
const TOLD: f64 = 3.0;
/// σ that the last bin of ranks must exceed: sizes of groups are resolved up to it.
const SIZES: f64 = 4.0;
/// Largest number of hosts of a tail.
const MOST_HOSTS: f64 = (1u32 << 22) as f64;

/// A host whose address is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// The address.
    pub address: u64,
    /// Its bin.
    pub bin: usize,
    /// Its records.
    pub records: f64,
}

/// The hosts of one side.
pub struct Side {
    /// Isolated hosts.
    pub known: Vec<Known>,
    /// By bin, the intervals of the other hosts, with their records.
    pub tail: Vec<Vec<(Range<u64>, f64)>>,
    /// By bin, the records of each of the other hosts, the largest first.
    pub unknown: Vec<Vec<f64>>,
}

impl Side {
    /// From the intervals of every bin with their records; `sigma` is that of a level of the tree.
    pub fn new(bins: Vec<Vec<(Range<u64>, f64)>>, sigma: f64) -> Side {
        let mut side = Side { known: Vec::new(), tail: vec![Vec::new(); bins.len()], unknown: Vec::new() };
        for (bin, intervals) in bins.into_iter().enumerate() {
            for (interval, records) in intervals {
                if interval.end - interval.start == 1 && records > KNOWN * sigma {
                    side.known.push(Known { address: interval.start, bin, records });
                } else {
                    side.tail[bin].push((interval, records));
                }
            }
        }
        side
    }

    /// Decides how many other hosts there are, and how many records each has, from the look at hosts of this
    /// side. Where there are too many known ones, the smallest become part of the tail; those that are also
    /// known `elsewhere` come last.
    pub fn settle(&mut self, look: &RankAnswer, elsewhere: impl Fn(u64) -> bool, rng: &mut impl Rng) {
        let mut mass: Vec<f64> =
            self.tail.iter().map(|own| own.iter().map(|(_, records)| records).sum()).collect();
        let tail: f64 = mass.iter().sum();
        let wanted = hosts(look, distinct(&self.known), tail);
        self.drop_beyond(wanted, elsewhere, &mut mass);
        let tail: f64 = mass.iter().sum();
        let least = if tail >= 0.5 { 1.0 } else { 0.0 };
        let number = (wanted - distinct(&self.known)).round().clamp(least, tail.max(least).min(MOST_HOSTS));
        let mut sizes = self.sizes(look, number as usize, tail);
        sizes.shuffle(rng);
        self.unknown = runs(&sizes, &mass);
        self.join(&mass);
    }

    fn drop_beyond(&mut self, wanted: f64, elsewhere: impl Fn(u64) -> bool, mass: &mut [f64]) {
        let mut beyond = distinct(&self.known) - wanted;
        if beyond <= 0.0 {
            return;
        }
        self.known.sort_by(|a, b| {
            let rank = |host: &Known| (elsewhere(host.address), host.records);
            rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal).then(a.address.cmp(&b.address))
        });
        while beyond > 0.5
            && self.known.len() > 1
            && let Some(host) = self.known.pop()
        {
            beyond -= occurs(host.records);
            mass[host.bin] += host.records;
            self.tail[host.bin].push((host.address..host.address + 1, host.records));
        }
    }

    /// `number` sizes that sum to `tail`, ascending: from the ranks that known hosts leave.
    fn sizes(&self, look: &RankAnswer, number: usize, tail: f64) -> Vec<f64> {
        let mut left: Vec<f64> = look.ranks.iter().map(|&count| count as f64).collect();
        let known = ranks::of(self.known.iter().map(|host| host.records.round() as u64));
        left.iter_mut().zip(known).for_each(|(left, known)| *left -= known as f64);
        left[0] = number as f64;
        let last = left.iter().rposition(|&count| count > SIZES * look.scale.sigma()).unwrap_or(0);
        left.truncate(last + 1);
        left.iter_mut().for_each(|count| *count = count.max(0.0));
        let mut sizes = match last {
            0 => spread(number, tail),
            _ => ranks::sizes(&ranks::groups(&left), number),
        };
        // Every host keeps one record; the excess is scaled.
        let (beyond, room) = (sizes.iter().sum::<f64>() - number as f64, tail - number as f64);
        for size in &mut sizes {
            *size = match beyond > 0.0 && room > 0.0 {
                true => 1.0 + (*size - 1.0) * room / beyond,
                false => tail / number as f64,
            };
        }
        sizes
    }

    /// Makes the hosts of every bin sum to its tail. A tail without hosts is assigned to the known hosts of
    /// its bin, or becomes a host.
    fn join(&mut self, mass: &[f64]) {
        for (bin, (hosts, &mass)) in self.unknown.iter_mut().zip(mass).enumerate() {
            let known: f64 = self.known.iter().filter(|host| host.bin == bin).map(|host| host.records).sum();
            let sum: f64 = hosts.iter().sum();
            if mass <= 0.0 {
                hosts.clear();
            } else if sum > 0.0 {
                hosts.iter_mut().for_each(|records| *records *= mass / sum);
            } else if known > 0.0 {
                let own = self.known.iter_mut().filter(|host| host.bin == bin);
                own.for_each(|host| host.records *= 1.0 + mass / known);
            } else {
                hosts.push(mass);
            }
            hosts.sort_by(|a, b| b.total_cmp(a));
        }
    }
}

/// The number of hosts without noise: that of the look where it stands out. Otherwise, √M is a reasonable
/// guess for a tail of M records, to within as many, and look and guess are averaged by their precision. On
/// ten sides of small traces, the hosts that a tree did not isolate were 0.1 to 2.7 times √M.
fn hosts(look: &RankAnswer, known: f64, tail: f64) -> f64 {
    let (seen, sigma) = (look.ranks[0] as f64, look.scale.sigma());
    let guess = tail.max(0.0).sqrt();
    if (seen - known - guess).abs() > TOLD * sigma {
        return seen.max(0.0);
    }
    let (of_look, of_guess) = (1.0 / (sigma * sigma), 1.0 / (guess * guess).max(1.0));
    known + (((seen - known) * of_look + guess * of_guess) / (of_look + of_guess)).max(0.0)
}

/// `number` sizes with `tail` records in all, ascending, where nothing else is known: log-uniform, from 1 up.
fn spread(number: usize, tail: f64) -> Vec<f64> {
    let mean = tail / number as f64;
    // The mean of sizes from 1 to b is (b − 1) / ln b, which increases.
    let (mut low, mut high) = (1.0 + 1e-9, 1e12f64);
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if (middle - 1.0) / middle.ln() < mean { low = middle } else { high = middle }
    }
    (0..number).map(|at| low.powf((at as f64 + 0.5) / number as f64)).collect()
}

/// The probability that a host with this many expected records has any: records are distributed
/// systematically, not drawn.
fn occurs(records: f64) -> f64 {
    records.min(1.0)
}

fn distinct(hosts: &[Known]) -> f64 {
    hosts.iter().map(|host| occurs(host.records)).sum()
}

/// Distributes sizes to bins: each host takes a run of all bins' records laid end to end, and belongs to the
/// bin of its middle.
fn runs(sizes: &[f64], mass: &[f64]) -> Vec<Vec<f64>> {
    let mut of = vec![Vec::new(); mass.len()];
    let (mut bin, mut upto) = (0, mass.first().copied().unwrap_or(0.0));
    let mut at = 0.0;
    for &size in sizes {
        let middle = at + size / 2.0;
        while upto < middle && bin + 1 < mass.len() {
            bin += 1;
            upto += mass[bin];
        }
        of[bin].push(size);
        at += size;
    }
    of
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use netdpsyn_account::{MaxRecords, NoiseScale, Rho, Sensitivity};
    use netdpsyn_model::LookSubject;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    /// A look at groups of these sizes with about this σ, in which no noise was drawn.
    pub fn look(of: LookSubject, sizes: impl IntoIterator<Item = u64>, sigma: f64) -> RankAnswer {
        let rho = Rho::from_units((0.5e12 / (sigma * sigma)) as u64);
        let scale = NoiseScale::for_cost(Sensitivity::ranks(MaxRecords::ONE), rho).unwrap();
        RankAnswer { label: "look".into(), of, ranks: ranks::of(sizes), scale }
    }

    fn rng(seed: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(seed)
    }

    /// Total number of records of a side.
    fn total(side: &Side) -> f64 {
        let known: f64 = side.known.iter().map(|host| host.records).sum();
        known + side.unknown.iter().flatten().sum::<f64>()
    }

    #[test]
    fn as_many_hosts_as_the_look_says() {
        // One host of 500 that stands out, 40 of one record and 30 of four in a leaf of their own, and an
        // empty leaf.
        let bins = vec![vec![(7..8, 500.0)], vec![(100..1_000, 160.0), (2_000..2_001, 0.0)]];
        let sizes = std::iter::once(500).chain([1; 40]).chain([4; 30]);
        let mut side = Side::new(bins, 1.0);
        side.settle(&look(LookSubject::Sources, sizes, 0.5), |_| false, &mut rng(1));
        assert_eq!(side.known, [Known { address: 7, bin: 0, records: 500.0 }]);
        assert_eq!(side.unknown[1].len(), 70);
        assert!((total(&side) - 660.0).abs() < 1e-6);
        let of_one = side.unknown[1].iter().filter(|records| records.round() == 1.0).count();
        assert!((30..=45).contains(&of_one), "{of_one}");
    }

    #[test]
    fn hosts_that_noise_hides_are_the_root_of_their_records() {
        let bins = vec![vec![(0..1_000, 100.0)]];
        let mut side = Side::new(bins, 1.0);
        side.settle(&look(LookSubject::Sources, [], 1e4), |_| false, &mut rng(1));
        assert_eq!(side.unknown[0].len(), 10);
        assert!(side.unknown[0][0] > 3.0 * side.unknown[0][9], "sizes differ: {:?}", side.unknown[0]);
    }

    #[test]
    fn of_known_hosts_that_are_too_many_the_smallest_are_part_of_the_tail() {
        let bins = vec![(0..6).map(|at| (at..at + 1, 10.0 + at as f64)).collect()];
        let mut side = Side::new(bins, 1.0);
        side.settle(&look(LookSubject::Sources, [30, 30], 0.1), |address| address == 1, &mut rng(1));
        assert_eq!(
            side.known.iter().map(|host| host.address).collect::<Vec<_>>(),
            [1, 5],
            "1 is known elsewhere"
        );
        assert!((total(&side) - 75.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn a_bin_keeps_its_records(
            leaves in prop::collection::vec((1u64..40, 0.0f64..90.0, 0usize..5), 1..25), sizes in prop::collection::vec(1u64..60, 0..80), sigma in 0.2f64..40.0, seed: u64,
        ) {
            let mut bins: Vec<Vec<(Range<u64>, f64)>> = vec![Vec::new(); 5];
            let mut at = 0;
            for (width, records, bin) in leaves {
                bins[bin].push((at..at + width, records));
                at += width;
            }
            let mass: Vec<f64> = bins.iter().map(|own| own.iter().map(|(_, records)| records).sum()).collect();
            let mut side = Side::new(bins, 8.0);
            side.settle(&look(LookSubject::Sources, sizes, sigma), |_| false, &mut rng(seed));
            for (bin, mass) in mass.iter().enumerate() {
                let known: f64 = side.known.iter().filter(|host| host.bin == bin).map(|host| host.records).sum();
                let own = known + side.unknown[bin].iter().sum::<f64>();
                prop_assert!((own - mass).abs() < 1e-6 * (1.0 + mass), "{own} {mass}");
                prop_assert!(side.unknown[bin].windows(2).all(|pair| pair[0] >= pair[1]));
            }
        }
    }
}
