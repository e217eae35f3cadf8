//! The leaves of a tree whose levels were counted with noise of different scale, as far as the noise
//! distinguishes them.
//!
//! From the leaves up, a node's own count and the sum of its children are averaged by inverse variance, as in
//! [`super::hierarchy`]. From the root down, the children of a node share its estimate:
//! - children that stand out of an even share keep their own count;
//! - the others shrink towards an even share, the more the less they differ beyond their noise (James & Stein
//!   1961), followed by norm-sub;
//! - where nothing stands out and nothing is open, the node stays one leaf, and its records are spread
//!   evenly;
//! - for addresses, a remainder within the noise goes to the children that stand out: hosts are few, and
//!   thousands of ghosts would share it.
//!
//! Special values are cells of the first level, and always leaves: it is declared that they may occur.
//!
//! A cell without values (no whole number lies in it, or it is beyond the declared space) holds nothing,
//! whatever its noisy count. The same applies to a family of addresses that does not stand out on the first
//! level: its records could be anywhere in it, and the synthetic trace would have addresses of a kind that
//! the raw trace lacks.

use super::hierarchy::Level;
use super::order::Order;
use super::simplex::norm_sub_to;
use super::top::top;
use std::ops::Range;

/// σ by which a family of addresses must stand out, as a family that opens does.
const FAMILY_STANDS: f64 = 4.0;

/// Parameters of the shrinkage of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Shrinkage {
    /// The smallest share of signal that counts: addresses and ports, which are usually spread evenly, need
    /// more.
    pub least_signal: f64,
    /// A remainder below this many σ goes to the children that stand out: above the last level, and on it.
    pub remainder: [f64; 2],
    /// Whether sums of values matter, so that none is drawn above what stands out.
    pub summed: bool,
}

impl Shrinkage {
    /// Parameters for addresses.
    pub const ADDRESSES: Shrinkage = Shrinkage { least_signal: 0.3, remainder: [3.5, 3.5], summed: false };
    /// Parameters for ports.
    pub const PORTS: Shrinkage = Shrinkage { least_signal: 0.3, remainder: [0.0, 2.0], summed: false };
    /// Parameters for times.
    pub const TIMES: Shrinkage = Shrinkage { least_signal: 0.1, remainder: [0.0, 2.0], summed: false };
    /// Parameters for amounts.
    pub const AMOUNTS: Shrinkage = Shrinkage { least_signal: 0.1, remainder: [0.0, 2.0], summed: true };
}

/// A leaf: a range of keys and its estimated records.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The keys of the leaf.
    pub keys: Range<u128>,
    /// Estimated records, above 0; for a special value, at least 0.
    pub count: f64,
    /// Variance of the count or sum from which the estimate is derived.
    pub variance: f64,
}

/// One answered level.
pub struct Counted {
    /// Prefixes of the parents of the counted nodes.
    pub parents: Vec<u128>,
    /// The noisy counts.
    pub level: Level,
    /// σ of a count.
    pub sigma: f64,
}

/// The leaves of a tree that holds `records` in all, in order: at least one and at most `most`, the largest
/// ones; then the special values. They need not cover the space: gaps hold nothing.
pub fn leaves(levels: &[Counted], order: &Order, records: f64, how: Shrinkage, most: usize) -> Vec<Leaf> {
    let (estimates, variances) = upwards(levels, order);
    let (mut leaves, mut special) = (Vec::new(), Vec::new());
    // Estimate and variance of the open nodes, level by level.
    let mut open = vec![(records.max(1.0), 0.0)];
    let mut depth = 0;
    for (at, counted) in levels.iter().enumerate() {
        let Level { fan, opened, noisy } = &counted.level;
        depth += fan.ilog2();
        let below = order.bits() - depth;
        let stands = (2.0 * (noisy.len() as f64).ln()).sqrt().clamp(2.6, 3.0);
        let last = usize::from(at + 1 == order.levels().len());
        let mut next = Vec::with_capacity(opened.len());
        for (parent, (&prefix, &(total, variance))) in counted.parents.iter().zip(&open).enumerate() {
            // The special values are children of the root.
            let end = if at == 0 { noisy.len() } else { (parent + 1) * fan };
            let cells = parent * fan..end;
            let own_open =
                opened.partition_point(|&c| c < cells.start)..opened.partition_point(|&c| c < cells.end);
            let key = |child: usize| ((prefix * *fan as u128) + child as u128) << below;
            if total <= 0.0 {
                next.extend(opened[own_open].iter().map(|_| (0.0, 0.0)));
                continue;
            }
            let family = Family {
                total,
                variance,
                counts: &estimates[at][cells.clone()],
                noise: &variances[at][cells.clone()],
            };
            let mut shared = family.share(stands, how.remainder[last], how.least_signal);
            let mut within = total;
            for (value, count) in (0u32..).zip(shared.counts.split_off(*fan)) {
                within -= count;
                let start = (1 << order.bits()) + u128::from(value);
                let variance = family.noise[fan + value as usize];
                special.push(Leaf { keys: start..start + 1, count, variance });
            }
            // A leaf over several families would include absent ones.
            let families = at == 0 && order.is_addresses();
            if shared.even && own_open.is_empty() && !families {
                let noise: f64 = family.noise.iter().sum();
                let variance = variance.max(noise);
                if within > 0.0 {
                    leaves.push(Leaf { keys: key(0)..key(*fan), count: within, variance });
                }
                continue;
            }
            let mut opens = opened[own_open].iter().map(|&cell| cell - cells.start).peekable();
            for (child, &count) in shared.counts.iter().enumerate() {
                if opens.next_if_eq(&child).is_some() {
                    next.push((count, family.noise[child]));
                } else if count > 0.0 {
                    leaves.push(Leaf {
                        keys: key(child)..key(child + 1),
                        count,
                        variance: family.noise[child],
                    });
                }
            }
        }
        open = next;
    }
    if leaves.len() > most {
        leaves.sort_by(|a, b| b.count.total_cmp(&a.count).then(a.keys.start.cmp(&b.keys.start)));
        leaves.truncate(most);
    }
    leaves.sort_unstable_by_key(|leaf| leaf.keys.start);
    if how.summed {
        cut_off(&mut leaves, levels, order);
    }
    if leaves.is_empty() {
        leaves.push(Leaf { keys: 0..1, count: records.max(1.0), variance: 0.0 });
    }
    leaves.extend(special);
    leaves
}

/// Whether a value has a key in this range.
fn is_held(order: &Order, keys: Range<u128>) -> bool {
    order.holds(keys) > 0
}

/// Which cells of the first level of addresses hold records: those that stand out of their noise or are open,
/// otherwise the largest.
fn families(counted: &Counted) -> Vec<bool> {
    let Level { fan, opened, noisy } = &counted.level;
    let least = (FAMILY_STANDS * counted.sigma).min(noisy[..*fan].iter().copied().max().unwrap_or(0) as f64);
    (0..*fan).map(|cell| noisy[cell] as f64 >= least || opened.contains(&cell)).collect()
}

/// Estimates and variances of every node, from its own count and those below it. The variance of a cell that
/// holds nothing is 0.
fn upwards(levels: &[Counted], order: &Order) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let mut estimates: Vec<Vec<f64>> = Vec::new();
    let mut variances: Vec<Vec<f64>> = Vec::new();
    let mut depth = 0;
    for counted in levels {
        let fan = counted.level.fan;
        depth += fan.ilog2();
        let below = order.bits() - depth;
        let prefixes =
            counted.parents.iter().flat_map(|&p| (0..fan as u128).map(move |c| p * fan as u128 + c));
        let mut held: Vec<bool> = prefixes.map(|p| is_held(order, p << below..(p + 1) << below)).collect();
        if estimates.is_empty() && order.is_addresses() {
            let present = families(counted);
            held.iter_mut().zip(present).for_each(|(held, present)| *held &= present);
        }
        held.resize(counted.level.noisy.len(), true);
        let of = |held: &bool, count: f64| if *held { count } else { 0.0 };
        estimates.push(held.iter().zip(&counted.level.noisy).map(|(h, &n)| of(h, n as f64)).collect());
        variances.push(held.iter().map(|h| of(h, counted.sigma.powi(2))).collect());
    }
    for upper in (0..levels.len().saturating_sub(1)).rev() {
        let fan = levels[upper + 1].level.fan;
        for (parent, &cell) in levels[upper].level.opened.iter().enumerate() {
            let children = parent * fan..(parent + 1) * fan;
            let sum: f64 = estimates[upper + 1][children.clone()].iter().sum();
            let variance: f64 = variances[upper + 1][children].iter().sum();
            let own = variances[upper][cell];
            if variance > 0.0 && own > 0.0 {
                let weight = 1.0 / own + 1.0 / variance;
                estimates[upper][cell] = (estimates[upper][cell] / own + sum / variance) / weight;
                variances[upper][cell] = 1.0 / weight;
            }
        }
    }
    (estimates, variances)
}

/// A node whose estimate is shared among its children.
struct Family<'a> {
    total: f64,
    variance: f64,
    counts: &'a [f64],
    noise: &'a [f64],
}

/// The shares: counts that sum to the total, and whether nothing distinguished the children.
struct Shared {
    counts: Vec<f64>,
    even: bool,
}

impl Family<'_> {
    fn share(&self, stands: f64, remainder: f64, least_signal: f64) -> Shared {
        let noise: f64 = self.noise.iter().sum();
        let missing = self.total - self.counts.iter().sum::<f64>();
        // What the children lack of their parent, distributed by their noise.
        let own: Vec<f64> = self
            .counts
            .iter()
            .zip(self.noise)
            .map(|(c, v)| if noise > 0.0 { c + missing * v / noise } else { *c })
            .collect();
        let mut counts = vec![0.0; own.len()];
        let mut rest: Vec<usize> = (0..own.len()).filter(|&c| self.noise[c] > 0.0).collect();
        let mut out: Vec<usize> = Vec::new();
        let mut left = self.total;
        for _ in 0..4 {
            let even = left.max(0.0) / rest.len().max(1) as f64;
            let (standing, others): (Vec<usize>, Vec<usize>) =
                rest.iter().partition(|&&c| own[c] - even > stands * self.noise[c].sqrt());
            if standing.is_empty() {
                break;
            }
            rest = others;
            for &c in &standing {
                counts[c] = own[c];
                left -= own[c];
            }
            out.extend(standing);
        }
        if left < 0.0 {
            let mut standing: Vec<f64> = out.iter().map(|&c| counts[c]).collect();
            norm_sub_to(&mut standing, self.total);
            out.iter().zip(standing).for_each(|(&c, count)| counts[c] = count);
            left = 0.0;
        }
        let noise_of_rest = self.variance + out.iter().map(|&c| self.noise[c]).sum::<f64>();
        if remainder > 0.0 && left > 0.0 && !out.is_empty() && left < remainder * noise_of_rest.sqrt() {
            let sum: f64 = counts.iter().sum();
            counts.iter_mut().for_each(|c| *c *= self.total / sum.max(1e-9));
            left = 0.0;
        }
        let mut signal = 0.0;
        if !rest.is_empty() && left > 0.0 {
            let even = left / rest.len() as f64;
            let spread: f64 = rest.iter().map(|&c| (own[c] - even).powi(2)).sum();
            let noise: f64 = rest.iter().map(|&c| self.noise[c]).sum();
            if rest.len() > 2 {
                signal = (1.0 - noise / spread.max(1e-9)).max(0.0);
            }
            if signal < least_signal {
                signal = 0.0;
            }
            let mut shrunk: Vec<f64> = rest.iter().map(|&c| even + signal * (own[c] - even)).collect();
            norm_sub_to(&mut shrunk, left);
            rest.iter().zip(shrunk).for_each(|(&c, count)| counts[c] = count);
        }
        Shared { counts, even: signal == 0.0 && out.is_empty() }
    }
}

/// Removes leaves above what stands out of the first level: noise must not invent a tail.
fn cut_off(leaves: &mut Vec<Leaf>, levels: &[Counted], order: &Order) {
    let Some(first) = levels.first() else { return };
    let below = order.bits() - first.level.fan.ilog2();
    let ranges: Vec<Range<u64>> = (0..first.level.fan as u128)
        .map(|c| order.value(c << below)..order.value((c + 1) << below))
        .collect();
    let held = ranges.iter().rposition(|range| range.start < range.end).map_or(0, |last| last + 1);
    if held == 0 {
        return;
    }
    let top = top(&first.level.noisy[..held], first.sigma, &ranges[..held], true);
    let end = (top.bin as u128 + 1) << below;
    leaves.retain(|leaf| leaf.keys.start < end);
    leaves.iter_mut().for_each(|leaf| leaf.keys.end = leaf.keys.end.min(end));
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::address::{FAMILIES, family};
    use netdpsyn_trace::{Column, Field};

    /// The families of the leaves, where σ of the first level is 10, and the noisy counts of each eighth of
    /// the space are given.
    fn families_of(noisy: [i64; 8], opened: &[usize]) -> Vec<usize> {
        let order = Order::of(&Column::new("c", Field::Address {}), None).unwrap();
        let level = Level { fan: 8, opened: opened.to_vec(), noisy: noisy.to_vec() };
        let counted = [Counted { parents: vec![0], level, sigma: 10.0 }];
        let records = noisy.iter().sum::<i64>() as f64;
        leaves(&counted, &order, records, Shrinkage::ADDRESSES, 64)
            .iter()
            .map(|leaf| family(leaf.keys.start))
            .collect()
    }

    #[test]
    fn families_that_do_not_stand_out_hold_nothing() {
        let all = |keys: [u128; 2]| keys.map(family).to_vec();
        // Noise of three σ is not a family, however little the others leave.
        assert_eq!(families_of([0, 9, 1_000, 0, 4_000, 30, 28, 0], &[]), all([1 << 125, FAMILIES[0]]));
        assert_eq!(families_of([0, 0, 0, 0, 4_000, 41, 0, 0], &[]), all([FAMILIES[0], FAMILIES[1]]));
        // Where nothing stands out, only the largest remains.
        assert_eq!(families_of([0, 5, 0, -3, 21, 8, 2, 0], &[]), [family(FAMILIES[0])]);
    }
}
