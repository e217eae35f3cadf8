//! One space of hosts: which sources are also destinations.
//!
//! Each tree isolates the hosts that are heavy on its side, and most hosts are heavy on one side alone: the
//! other tree has them in its tail. So tails take the addresses of known hosts first, then those of each
//! other where their intervals overlap, until the number of hosts on both sides is that of the look. The
//! remaining hosts get addresses of their own.

use super::tails::{Known, Side};
use netdpsyn_model::RankAnswer;
use rand::{Rng, RngExt};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// A look is used where it is this many of its σ off the estimate without it.
const TOLD: f64 = 1.0;
/// Number of attempts to draw an unused address by records, and then uniformly.
const DRAWS: usize = 16;

/// Hosts by bin, with their records.
pub type Hosts = Vec<Vec<(u64, f64)>>;

/// The hosts of both sides, of which as many are shared as the look says.
pub fn meet(mut sides: [Side; 2], look: &RankAnswer, rng: &mut impl Rng) -> [Hosts; 2] {
    let known = [0, 1].map(|side: usize| {
        let of: HashMap<u64, f64> =
            sides[side].known.iter().map(|host| (host.address, host.records)).collect();
        of
    });
    let mut hosts = [0, 1].map(|side: usize| {
        let mut of: Hosts = vec![Vec::new(); sides[side].tail.len()];
        sides[side].known.iter().for_each(|host| of[host.bin].push((host.address, host.records)));
        of
    });
    let numbers = [0, 1]
        .map(|side: usize| sides[side].known.len() + sides[side].unknown.iter().map(Vec::len).sum::<usize>());
    let same = known[0].keys().filter(|address| known[1].contains_key(address)).count() as f64;
    let wanted = look.number(same, TOLD).min(numbers[0].min(numbers[1]) as f64);
    let mut missing = (wanted - same).round().max(0.0) as usize;
    for (tail, other) in [(1, 0), (0, 1)] {
        let only: Vec<Known> = sides[other]
            .known
            .iter()
            .filter(|host| !known[tail].contains_key(&host.address))
            .copied()
            .collect();
        cross(only, &mut sides[tail], &mut hosts[tail], &mut missing);
    }
    let mut taken: HashSet<u64> = hosts.iter().flatten().flatten().map(|(address, _)| *address).collect();
    // First where both trees have records, then where one has.
    for of_both in [f64::min, f64::max] {
        join(&mut sides, &mut hosts, of_both, &mut taken, &mut missing, rng);
    }
    for (side, hosts) in sides.iter().zip(&mut hosts) {
        scatter(side, hosts, &mut taken, rng);
    }
    hosts
}

/// Gives known hosts of the other side to the tail: the largest to the largest of the bin that contains them.
fn cross(mut only: Vec<Known>, side: &mut Side, hosts: &mut Hosts, missing: &mut usize) {
    let mut intervals: Vec<(u64, u64, usize)> = Vec::new();
    for (bin, tail) in side.tail.iter().enumerate() {
        intervals.extend(tail.iter().map(|(interval, _)| (interval.start, interval.end, bin)));
    }
    intervals.sort_unstable();
    only.sort_by(|a, b| b.records.total_cmp(&a.records).then(a.address.cmp(&b.address)));
    let mut taken = vec![0; side.unknown.len()];
    for host in only {
        let at = intervals.partition_point(|&(start, ..)| start <= host.address);
        let Some(&(_, end, bin)) = at.checked_sub(1).and_then(|at| intervals.get(at)) else { continue };
        if *missing == 0 || host.address >= end || taken[bin] == side.unknown[bin].len() {
            continue;
        }
        hosts[bin].push((host.address, side.unknown[bin][taken[bin]]));
        taken[bin] += 1;
        *missing -= 1;
    }
    for (unknown, taken) in side.unknown.iter_mut().zip(taken) {
        unknown.drain(..taken);
    }
}

/// An overlap of the tails of two bins, and the records in it.
struct Overlap {
    bins: [usize; 2],
    pieces: Vec<(Range<u64>, f64)>,
    records: f64,
}

/// Merges hosts of both tails where their bins overlap, the largest with the largest.
fn join(
    sides: &mut [Side; 2],
    hosts: &mut [Hosts; 2],
    of_both: fn(f64, f64) -> f64,
    taken: &mut HashSet<u64>,
    missing: &mut usize,
    rng: &mut impl Rng,
) {
    let mut overlaps = overlaps(sides, of_both);
    overlaps.sort_by(|a, b| b.records.total_cmp(&a.records).then(a.bins.cmp(&b.bins)));
    for Overlap { bins, pieces, records } in overlaps {
        let left = [0, 1].map(|side: usize| sides[side].unknown[bins[side]].len());
        // At most the number of addresses, and of records.
        let addresses: u64 = pieces.iter().map(|(piece, _)| piece.end - piece.start).sum();
        let room = (addresses as f64).min(records).ceil() as usize;
        let number = left[0].min(left[1]).min(*missing).min(room);
        *missing -= number;
        let drawn: Vec<u64> = (0..number).map(|_| free(&pieces, taken, rng)).collect();
        for ((side, hosts), bin) in sides.iter_mut().zip(hosts.iter_mut()).zip(bins) {
            let records = side.unknown[bin].drain(..number);
            hosts[bin].extend(drawn.iter().copied().zip(records));
        }
    }
}

/// The overlaps of the tails of two bins, whose records `of_both` combines from those of each side.
fn overlaps(sides: &[Side; 2], of_both: fn(f64, f64) -> f64) -> Vec<Overlap> {
    let lists = [0, 1].map(|side: usize| {
        let mut all: Vec<(Range<u64>, f64, usize)> = Vec::new();
        for (bin, tail) in sides[side].tail.iter().enumerate() {
            all.extend(tail.iter().map(|(i, records)| (i.clone(), *records, bin)));
        }
        all.sort_by_key(|(interval, ..)| interval.start);
        all
    });
    let mut of: BTreeMap<[usize; 2], Overlap> = BTreeMap::new();
    let (mut a, mut b) = (0, 0);
    while let (Some((first, records, bin)), Some((second, others, other))) =
        (lists[0].get(a), lists[1].get(b))
    {
        let common = first.start.max(second.start)..first.end.min(second.end);
        if common.start < common.end {
            let width = (common.end - common.start) as f64;
            let share = |interval: &Range<u64>, records: f64| {
                records * width / (interval.end - interval.start) as f64
            };
            let both = of_both(share(first, *records), share(second, *others));
            if both > 0.0 {
                let bins = [*bin, *other];
                let own =
                    of.entry(bins).or_insert_with(|| Overlap { bins, pieces: Vec::new(), records: 0.0 });
                own.records += both;
                own.pieces.push((common, own.records));
            }
        }
        if first.end <= second.end { a += 1 } else { b += 1 }
    }
    of.into_values().collect()
}

/// An address drawn from pieces with cumulative sums of records.
fn address(pieces: &[(Range<u64>, f64)], rng: &mut impl Rng) -> u64 {
    let last = pieces.len() - 1;
    let drawn = rng.random::<f64>() * pieces[last].1;
    let piece = &pieces[pieces.partition_point(|(_, sum)| *sum <= drawn).min(last)].0;
    rng.random_range(piece.clone())
}

/// An unused address, if one is soon found: by records, and where few addresses have most of these,
/// uniformly.
fn free(pieces: &[(Range<u64>, f64)], taken: &mut HashSet<u64>, rng: &mut impl Rng) -> u64 {
    let width: u64 = pieces.iter().map(|(piece, _)| piece.end - piece.start).sum();
    let mut drawn = address(pieces, rng);
    for draw in 0..2 * DRAWS {
        if taken.insert(drawn) {
            break;
        }
        drawn = if draw < DRAWS { address(pieces, rng) } else { nth(pieces, rng.random_range(0..width)) };
    }
    drawn
}

/// The address at an index among those of all pieces.
fn nth(pieces: &[(Range<u64>, f64)], mut place: u64) -> u64 {
    for (piece, _) in pieces {
        let own = piece.end - piece.start;
        if place < own {
            return piece.start + place;
        }
        place -= own;
    }
    unreachable!("a place below the number of addresses")
}

/// Draws addresses for the remaining hosts of a tail, by the records of its intervals; and one for a bin
/// without any host, which no record should be in.
fn scatter(side: &Side, hosts: &mut Hosts, taken: &mut HashSet<u64>, rng: &mut impl Rng) {
    for (bin, hosts) in hosts.iter_mut().enumerate() {
        let mut sum = 0.0;
        let drawn = side.tail[bin].iter().any(|(_, records)| *records > 0.0);
        let pieces: Vec<(Range<u64>, f64)> = side.tail[bin]
            .iter()
            .filter(|(_, records)| !drawn || *records > 0.0)
            .map(|(interval, records)| {
                sum += if drawn { *records } else { 1.0 };
                (interval.clone(), sum)
            })
            .collect();
        for &records in side.unknown.get(bin).into_iter().flatten() {
            hosts.push((free(&pieces, taken, rng), records));
        }
        if hosts.is_empty() {
            hosts.push((address(&pieces, rng), 1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tails::tests::look;
    use super::*;
    use netdpsyn_model::LookSubject;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
    use std::collections::BTreeSet;

    /// Two bins per side; hosts 5 and 600 are known on one side, and are in a tail of the other.
    fn sides() -> [Side; 2] {
        let mut source = Side::new(vec![vec![(5..6, 90.0), (0..5, 1.0)], vec![(500..1_000, 40.0)]], 1.0);
        let mut destination =
            Side::new(vec![vec![(0..400, 30.0)], vec![(600..601, 70.0), (601..1_000, 20.0)]], 1.0);
        source.unknown = vec![vec![1.0], vec![4.0; 10]];
        destination.unknown = vec![vec![3.0; 10], vec![2.0; 10]];
        [source, destination]
    }

    fn addresses(hosts: &Hosts) -> BTreeSet<u64> {
        hosts.iter().flatten().map(|(address, _)| *address).collect()
    }

    #[test]
    fn known_hosts_first_then_tails_where_they_overlap() {
        for (both, least) in [(0, 0), (2, 2), (9, 9), (12, 12)] {
            let of = look(LookSubject::BothSides, vec![1; both], 0.1);
            let [sources, destinations] = meet(sides(), &of, &mut Xoshiro256PlusPlus::seed_from_u64(3));
            let same: BTreeSet<u64> =
                addresses(&sources).intersection(&addresses(&destinations)).copied().collect();
            // By chance a host or two more have the same address.
            assert!((least..=least + 2).contains(&same.len()), "{same:?}");
            assert!(both < 2 || same.contains(&5) && same.contains(&600));
            assert_eq!(sources[0].len() + sources[1].len(), 12);
            assert_eq!(destinations[0].len() + destinations[1].len(), 21);
        }
    }

    proptest! {
        #[test]
        fn every_host_lies_in_its_bin(both in 0usize..30, seed: u64) {
            let of = look(LookSubject::BothSides, vec![1; both], 0.1);
            let before = sides();
            let hosts = meet(sides(), &of, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            for (side, hosts) in before.iter().zip(&hosts) {
                for (bin, hosts) in hosts.iter().enumerate() {
                    let known = |address| side.known.iter().any(|host| host.bin == bin && host.address == address);
                    let inside = |address| side.tail[bin].iter().any(|(interval, _)| interval.contains(&address));
                    prop_assert!(hosts.iter().all(|&(address, _)| known(address) || inside(address)));
                    let records: f64 = hosts.iter().map(|(_, records)| records).sum();
                    let wanted: f64 = side.unknown[bin].iter().sum::<f64>()
                        + side.known.iter().filter(|host| host.bin == bin).map(|host| host.records).sum::<f64>();
                    prop_assert!((records - wanted).abs() < 1e-6);
                }
            }
        }
    }
}
