//! Two partitions of one attribute, from the estimated records of its leaves: a fine one for tables with few
//! attributes, and a coarse one for tables with several. Each coarse bin is a run of fine bins.

use super::Partition;
use super::order::Order;
use super::shrink::Leaf;
use netdpsyn_trace::address;

/// The leaves of an attribute, grouped into fine bins, and these into coarse bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolutions {
    /// The fine bin of each leaf: 0..n, ascending.
    pub fine: Vec<u32>,
    /// The coarse bin of each fine bin: 0..m, ascending.
    pub coarse: Vec<u32>,
}

impl Resolutions {
    /// Coarse bins between `quantiles` quantiles, with separate bins for heavy leaves and for the last
    /// `special` ones; within them fine bins that hold at least `share` of all records.
    pub fn of(counts: &[f64], special: usize, quantiles: usize, share: f64) -> Resolutions {
        Resolutions::apart(counts, special, &[], quantiles, share)
    }

    /// The bins for the leaves of a tree, the last of which are special. No bin has addresses of two
    /// families, because no record changes family.
    pub fn of_leaves(leaves: &[Leaf], order: &Order, quantiles: usize, share: f64) -> Resolutions {
        let counts: Vec<f64> = leaves.iter().map(|leaf| leaf.count).collect();
        let family = |leaf: &Leaf| if order.is_addresses() { address::family(leaf.keys.start) } else { 0 };
        let differs = |&at: &usize| family(&leaves[at]) != family(&leaves[at - 1]);
        let apart: Vec<usize> = (1..leaves.len()).filter(differs).collect();
        Resolutions::apart(&counts, order.special(), &apart, quantiles, share)
    }

    /// The bins, of which none contains any of the leaves `apart` together with an earlier leaf.
    fn apart(counts: &[f64], special: usize, apart: &[usize], quantiles: usize, share: f64) -> Resolutions {
        let total: f64 = counts.iter().sum();
        let groups = between_quantiles(counts, special, apart, quantiles);
        let least = share.min(0.5 / quantiles as f64) * total;
        let (mut fine, mut coarse) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < counts.len() {
            let end = at + groups[at..].partition_point(|&g| g == groups[at]);
            let before = coarse.len() as u32;
            let runs = of_mass(&counts[at..end], least);
            coarse.resize((before + runs.last().map_or(0, |last| last + 1)) as usize, groups[at]);
            fine.extend(runs.into_iter().map(|run| before + run));
            at = end;
        }
        Resolutions { fine, coarse }
    }

    /// Number of fine bins.
    pub fn fine_bins(&self) -> usize {
        self.coarse.len()
    }

    /// Number of coarse bins.
    pub fn coarse_bins(&self) -> usize {
        self.coarse.last().map_or(0, |&last| last as usize + 1)
    }
}

/// Groups divided at quantiles. A leaf of more than two fifths of a quantile is alone, and so are the last
/// `special` ones; light neighbours are joined, except that leaves in `apart` are not joined with those
/// before.
fn between_quantiles(counts: &[f64], special: usize, apart: &[usize], quantiles: usize) -> Vec<u32> {
    let (total, q) = (counts.iter().sum::<f64>(), quantiles.max(1) as f64);
    let mut heavy: Vec<bool> = counts.iter().map(|&c| c >= 0.4 / q * total).collect();
    heavy[counts.len().saturating_sub(special)..].fill(true);
    let mut begins = vec![false; counts.len()];
    let mut sum = 0.0;
    let mut quantile = 1.0;
    for at in 0..counts.len() {
        begins[at] = at == 0 || heavy[at] || heavy[at - 1] || apart.contains(&at);
        sum += counts[at];
        // The leaf that contains a quantile begins a group.
        while quantile < q && sum > quantile / q * total {
            begins[at] = true;
            quantile += 1.0;
        }
    }
    let mut groups: Vec<u32> = Vec::with_capacity(counts.len());
    for &begin in &begins {
        let last = groups.last().copied();
        groups.push(last.map_or(0, |last| last + u32::from(begin)));
    }
    let light = 0.15 / q * total;
    let (mut joined, mut from): (Vec<u32>, usize) = (Vec::with_capacity(groups.len()), 0);
    for &end in apart.iter().chain([&counts.len()]) {
        let own: Vec<u32> = groups[from..end].iter().map(|group| group - groups[from]).collect();
        let own = join(&counts[from..end], &heavy[from..end], &own, |own, gathered| {
            own < light || gathered < light
        });
        let before = joined.last().map_or(0, |last| last + 1);
        joined.extend(own.into_iter().map(|group| before + group));
        from = end;
    }
    joined
}

/// Groups as runs of at least `least` records; a leaf that heavy is alone.
fn of_mass(counts: &[f64], least: f64) -> Vec<u32> {
    let heavy: Vec<bool> = counts.iter().map(|&c| c >= least).collect();
    let mut groups: Vec<u32> = Vec::with_capacity(counts.len());
    let mut sum = 0.0;
    for (at, &count) in counts.iter().enumerate() {
        let begins = at > 0 && (heavy[at] || heavy[at - 1] || sum >= least);
        if begins {
            sum = 0.0;
        }
        groups.push(groups.last().map_or(0, |last| last + u32::from(begins)));
        sum += count;
    }
    join(counts, &heavy, &groups, |own, gathered| own < 0.35 * least || gathered < 0.35 * least)
}

/// Joins a group to the one before where neither contains a heavy leaf and `light` holds for its own mass and
/// the mass gathered before.
fn join(counts: &[f64], heavy: &[bool], groups: &[u32], light: impl Fn(f64, f64) -> bool) -> Vec<u32> {
    let number = groups.last().map_or(0, |&last| last as usize + 1);
    let (mut mass, mut holds) = (vec![0.0; number], vec![false; number]);
    for ((&group, &count), &heavy) in groups.iter().zip(counts).zip(heavy) {
        mass[group as usize] += count;
        holds[group as usize] |= heavy;
    }
    let mut renamed = vec![0u32; number];
    let mut gathered = mass.first().copied().unwrap_or(0.0);
    for at in 1..number {
        let joins = !holds[at] && !holds[at - 1] && light(mass[at], gathered);
        renamed[at] = renamed[at - 1] + u32::from(!joins);
        gathered = if joins { gathered + mass[at] } else { mass[at] };
    }
    groups.iter().map(|&group| renamed[group as usize]).collect()
}

/// A wide leaf of amounts is drawn evenly over octaves: in pieces of a quarter of an octave.
const PIECES_AN_OCTAVE: f64 = 4.0;
/// A leaf is wide when its end is this many times its start.
const WIDE: f64 = 1.2;

/// The partition whose bins are `groups` of leaves. Values between leaves belong to the nearer one and are
/// never drawn.
pub fn partition(leaves: &[Leaf], groups: &[u32], order: &Order) -> Partition {
    let space = order.space();
    let (mut starts, mut labels, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    let mut push = |start: u64, label: u32, weight: f64| {
        if start < space.end && starts.last() != Some(&start) {
            starts.push(start);
            labels.push(label);
            weights.push(weight);
        } else if starts.last() == Some(&start) && weights.last() == Some(&0.0) {
            // Nothing is between: the leaf itself begins here.
            (*labels.last_mut().unwrap_or(&mut 0), *weights.last_mut().unwrap_or(&mut 0.0)) = (label, weight);
        }
    };
    for (at, (leaf, &label)) in leaves.iter().zip(groups).enumerate() {
        let (start, end) = (order.value(leaf.keys.start), order.end(leaf.keys.end));
        let before = at.checked_sub(1).map(|before| &leaves[before]);
        match before {
            None => push(space.start, label, 0.0),
            Some(before) if order.end(before.keys.end) < start => {
                // No value of the type is near a special one.
                let middle = match order.is_special(leaf.keys.start) {
                    true => leaf.keys.start,
                    false => before.keys.end + (leaf.keys.start - before.keys.end).div_ceil(2),
                };
                push(order.end(before.keys.end), groups[at - 1], 0.0);
                push(order.value(middle), label, 0.0);
            }
            Some(_) => {}
        }
        for (piece, share) in pieces(start, end, order.is_octaves()) {
            push(piece, label, leaf.count * share);
        }
        if at + 1 == leaves.len() {
            push(end, label, 0.0);
        }
    }
    Partition::weighted(starts, labels, weights, space.end)
}

/// The same assignment of values to bins in as few intervals as possible: a partition from which nothing is
/// drawn.
pub fn outline(partition: &Partition) -> Partition {
    let mut intervals: Vec<(u64, u32)> = Vec::new();
    for (bin, own) in (0u32..).zip(partition.intervals()) {
        intervals.extend(own.iter().map(|(interval, _)| (interval.start, bin)));
    }
    intervals.sort_unstable();
    intervals.dedup_by_key(|(_, bin)| *bin);
    let (starts, labels) = intervals.into_iter().unzip();
    Partition::labelled(starts, labels, partition.space().end)
}

/// The starts of the pieces of a leaf, and the share of each.
fn pieces(start: u64, end: u64, octaves: bool) -> Vec<(u64, f64)> {
    let (low, high) = (start.max(1) as f64, end.max(2) as f64);
    if !octaves || high <= WIDE * low {
        return vec![(start, 1.0)];
    }
    let number = ((high / low).log2() * PIECES_AN_OCTAVE).ceil().max(1.0);
    let edge = |piece: f64| (low * (high / low).powf(piece / number)).round() as u64;
    let mut pieces: Vec<(u64, f64)> = Vec::new();
    for piece in 0..number as u64 {
        let at = if piece == 0 { start } else { edge(piece as f64) };
        match pieces.last_mut() {
            Some((last, share)) if at <= *last || at >= end => *share += 1.0 / number,
            _ => pieces.push((at, 1.0 / number)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::directory::SPACE;
    use netdpsyn_trace::{Column, Directory, Field};
    use proptest::prelude::*;
    use std::ops::Range;
    use std::sync::Arc;

    fn amounts(special: &[&str]) -> Order {
        let special = special.iter().map(|&cell| cell.into()).collect();
        let field = Field::IntegerExponential { max: 1 << 40, base: 2.0 };
        Order::of(&Column { special, ..Column::new("c", field) }, None).unwrap()
    }

    proptest! {
        #[test]
        fn fine_bins_lie_inside_coarse_ones(counts in prop::collection::vec(0.1f64..500.0, 1..80), quantiles in 2usize..30, share in 0.0f64..0.2) {
            let two = Resolutions::of(&counts, 0, quantiles, share);
            prop_assert_eq!(two.fine.len(), counts.len());
            for runs in [&two.fine, &two.coarse] {
                prop_assert_eq!(runs[0], 0);
                prop_assert!(runs.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1));
            }
            prop_assert_eq!(two.fine.last().map(|&last| last as usize + 1), Some(two.fine_bins()));
            let total: f64 = counts.iter().sum();
            // A heavy leaf is alone.
            for (at, &count) in counts.iter().enumerate().filter(|(_, c)| **c >= 0.4 / quantiles as f64 * total) {
                let own = two.coarse[two.fine[at] as usize];
                prop_assert_eq!(two.fine.iter().filter(|&&f| two.coarse[f as usize] == own).count(), 1, "{} of {}", count, total);
            }
        }

        #[test]
        fn values_have_the_bin_of_their_leaf_and_no_others_are_drawn(cuts in prop::collection::btree_set(0u64..(22 << 16), 2..40)) {
            let order = amounts(&[]);
            let cuts: Vec<u64> = cuts.into_iter().collect();
            let leaves: Vec<Leaf> = cuts
                .chunks_exact(2)
                .map(|c| Leaf { keys: c[0].into()..c[1].into(), count: 1.0, variance: 0.0 })
                .filter(|leaf| order.value(leaf.keys.start) < order.value(leaf.keys.end))
                .collect();
            prop_assume!(!leaves.is_empty());
            let groups: Vec<u32> = (0..leaves.len() as u32).collect();
            let cut = partition(&leaves, &groups, &order);
            prop_assert_eq!(cut.space(), order.space());
            let outline = outline(&cut);
            prop_assert!(cuts.iter().all(|&key| outline.code(order.value(key)) == cut.code(order.value(key))));
            prop_assert_eq!(outline.intervals().iter().map(Vec::len).sum::<usize>(), leaves.len());
            for ((bin, intervals), leaf) in cut.intervals().into_iter().enumerate().zip(&leaves) {
                let drawn = intervals.iter().filter(|(_, weight)| *weight > 0.0);
                let mass: f64 = drawn.clone().map(|(_, weight)| weight).sum();
                prop_assert!((mass - 1.0).abs() < 1e-9);
                for (interval, _) in drawn {
                    for value in [interval.start, interval.end - 1] {
                        prop_assert!(leaf.keys.contains(&order.key(value).into()));
                        prop_assert_eq!(cut.code(value), bin as u32);
                    }
                }
            }
        }
    }

    #[test]
    fn heavy_leaves_are_alone_and_light_ones_together() {
        let counts = [1.0, 1.0, 50.0, 1.0, 20.0, 20.0, 1.0, 1.0];
        assert_eq!(between_quantiles(&counts, 0, &[], 5), [0, 0, 1, 2, 3, 4, 5, 5]);
        assert_eq!(between_quantiles(&counts, 2, &[], 5), [0, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(between_quantiles(&counts, 0, &[1, 7], 5), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(of_mass(&[1.0, 1.0, 1.0, 9.0, 1.0, 1.0], 3.0), [0, 0, 0, 1, 2, 2]);
        assert_eq!(of_mass(&[3.0, 3.0], 3.0), [0, 1]);
    }

    #[test]
    fn no_bin_has_addresses_of_two_families() {
        let order = Order::of(&Column::new("c", Field::Address {}), None).unwrap();
        let starts = [0, address::FAMILIES[0], address::FAMILIES[0] + (1 << 100), address::FAMILIES[1]];
        let leaves = starts.map(|start| Leaf { keys: start..start + (1 << 100), count: 1.0, variance: 0.0 });
        let two = Resolutions::of_leaves(&leaves, &order, 1, 0.5);
        assert_eq!((two.fine, two.coarse), (vec![0, 1, 1, 2], vec![0, 1, 2]));
    }

    #[test]
    fn nothing_is_drawn_beyond_a_directory() {
        for special in [0, 1] {
            let cells = ["-"].iter().take(special).map(|&cell| cell.into()).collect();
            let column = Column { special: cells, ..Column::new("c", Field::Address {}) };
            let order = Order::of(&column, None).unwrap();
            // ::/64, and ff00::/8, which ends at the last key; between them a leaf of another column.
            let end = 1u128 << order.bits();
            let keys = [0..1 << 64, end - (1 << 120)..end];
            let elsewhere = 1 << 80..1 << 81;
            let directory = Arc::new(Directory::covering(keys.iter().chain(std::iter::once(&elsewhere))));
            let order = order.explained(&directory);
            let beside = (0..special as u128).map(|at| end + at..end + at + 1);
            let leaves: Vec<Leaf> =
                keys.into_iter().chain(beside).map(|keys| Leaf { keys, count: 1.0, variance: 0.0 }).collect();
            let groups: Vec<u32> = (0..leaves.len() as u32).collect();
            let cut = partition(&leaves, &groups, &order);
            let drawn = |bin: usize| {
                let own = cut.intervals()[bin].clone();
                own.into_iter().filter(|(_, weight)| *weight > 0.0).map(|(interval, _)| interval).collect()
            };
            let (first, last): (Vec<Range<u64>>, Vec<Range<u64>>) = (drawn(0), drawn(1));
            let only = |own: Vec<Range<u64>>| <[Range<u64>; 1]>::try_from(own).unwrap()[0].clone();
            assert_eq!([only(first), only(last)], [0..1 << 29, 1 << 30..directory.len()]);
            assert_eq!(directory.len(), 3 << 29);
            // Values beyond belong to the last leaf, and special values are alone.
            assert_eq!(cut.code(SPACE - 1), 1);
            if special > 0 {
                assert_eq!(only(drawn(2)), SPACE..SPACE + 1);
            }
        }
    }

    #[test]
    fn values_above_all_leaves_are_no_special_values() {
        let order = amounts(&["", "-"]);
        let beyond = 1 << order.bits();
        let keys = [0..order.key(9).into(), beyond..beyond + 1, beyond + 1..beyond + 2];
        let leaves = keys.map(|keys| Leaf { keys, count: 1.0, variance: 0.0 });
        let cut = partition(&leaves, &[0, 1, 2], &order);
        let end = order.space().end;
        assert_eq!(
            [0, 8, 9, 1 << 30, end - 3, end - 2, end - 1].map(|value| cut.code(value)),
            [0, 0, 0, 0, 0, 1, 2]
        );
        let drawn: Vec<_> = cut.intervals().iter().map(|own| own.iter().map(|(i, _)| i.end).max()).collect();
        assert_eq!(drawn[1..], [Some(end - 1), Some(end)]);
    }
}
