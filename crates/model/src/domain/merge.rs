//! Merges rare bins, based on noisy one-way counts that are already paid for.
//!
//! A bin is rare when its noisy count is below σ·√(2 ln c) + 1, with c the number of cells of the domain: of
//! c empty cells about one exceeds this. A multiple of σ that ignores c would keep a ghost (a bin of noise
//! alone) for every few hundred empty cells. The same threshold with σ·√g decides when g merged bins are
//! enough.
//!
//! Merged bins remain distinguishable when values are drawn: each old bin has a weight within its new one.
//! The weight is between an even share and the noisy count, and nearer to the count the more the counts
//! differ beyond their noise (James & Stein 1961). Drawing in proportion to width would put nearly everything
//! into the widest bin.

use super::simplex::norm_sub;
use super::top::{stands_out, top};
use super::tree::Leaves;
use netdpsyn_trace::progress::{Cancelled, Progress};
use std::ops::Range;

/// Which rare bins may be merged with each other.
pub enum Kinship<'a> {
    /// Ordered bins: a rare bin is merged with the next rare ones until they are enough. Bins above the
    /// [`top`] are merged into it and are never drawn.
    Ordered {
        /// The values of each bin.
        values: &'a [Range<u64>],
        /// Whether sums of the values matter, so that a ghost in a high bin distorts them.
        summed: bool,
        /// Number of special values, which are the last bins. Those that do not stand out are merged into the
        /// largest bin and never drawn.
        special: usize,
    },
    /// Categories that are known to occur: all rare ones become one group, within which each gets at least
    /// one record's share.
    Declared(Undeclared),
    /// Categories of a public list, of which few occur and the last stands for whatever is not on the list.
    /// Drawn are those that stand out, and the largest of the others where the others stand out together. The
    /// rest is merged into the largest.
    Listed,
    /// Leaves of a prefix tree: rare leaves are merged with rare ones under the same parent, then under its
    /// parent.
    Prefixes(&'a Leaves),
}

/// How to treat the last bin, which stands for everything undeclared. Where it is not drawn it is merged into
/// the largest category: its mass is noise, or cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeclared {
    /// There is no such bin.
    None,
    /// It is drawn where its count stands out of the noise.
    StandsOut,
    /// It is never drawn.
    Never,
}

/// A rare value of a list may be among the largest from this many σ on: of 250 that do not occur, one list in
/// three has one above it.
const BEST: f64 = 3.0;

/// The result: the new bin of each old bin, and the noisy counts of the new ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// New bin of each old one: 0..n without gaps, in order of first appearance.
    pub map: Vec<u32>,
    /// Weight of each old bin within its new one.
    pub weights: Vec<f64>,
    /// Noisy count of each new bin: the sum over its old ones.
    pub counts: Vec<i64>,
    /// The variance of each new bin as a multiple of σ²: its number of old bins; for leaves of a tree, less
    /// where the counts of whole nodes bound it.
    pub sizes: Vec<u32>,
}

/// Merges rare bins, given noisy `counts` with noise of scale `sigma`.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn merge(
    counts: &[i64],
    sigma: f64,
    kinship: &Kinship<'_>,
    progress: &dyn Progress,
) -> Result<Merged, Cancelled> {
    let ghosts = (2.0 * (counts.len().max(2) as f64).ln()).sqrt();
    let enough = |sum: i64, bins: usize| sum as f64 >= sigma * (bins as f64).sqrt() * ghosts + 1.0;
    let mut groups = Groups::new(counts, sigma);
    let rare: Vec<usize> = (0..counts.len()).filter(|&bin| !enough(counts[bin], 1)).collect();
    let largest = |among: &[i64]| (0..among.len()).max_by_key(|&bin| among[bin]).unwrap_or(0);
    match kinship {
        Kinship::Declared(undeclared) => {
            let declared = counts.len() - usize::from(*undeclared != Undeclared::None);
            let rare: Vec<usize> = rare.into_iter().filter(|&bin| bin < declared).collect();
            groups.join(&rare, 1.0);
            let last = counts.last().map_or(0.0, |&count| count as f64);
            let drawn = *undeclared == Undeclared::StandsOut && last >= stands_out(1) * sigma;
            if declared > 0 && declared < counts.len() && !drawn {
                groups.hide(declared..counts.len(), largest(&counts[..declared]));
            }
        }
        Kinship::Listed => {
            let own = stands_out(counts.len()) * sigma;
            let rare: Vec<usize> = (0..counts.len()).filter(|&bin| (counts[bin] as f64) < own).collect();
            let sum: i64 = rare.iter().map(|&bin| counts[bin]).sum();
            let listed = || rare.iter().copied().filter(|&bin| bin + 1 < counts.len());
            let together = sum as f64 >= stands_out(1) * sigma * (rare.len() as f64).sqrt();
            match listed().max_by_key(|&bin| counts[bin]).filter(|_| together) {
                Some(best) => {
                    let is_best = |bin: &usize| *bin == best || counts[*bin] as f64 >= BEST * sigma;
                    let (drawn, rest): (Vec<usize>, Vec<usize>) =
                        rare.iter().partition(|&bin| bin + 1 < counts.len() && is_best(bin));
                    groups.join(&drawn, 0.0);
                    groups.hide(rest, best);
                }
                None => {
                    let into = largest(&counts[..counts.len() - 1]);
                    groups.silence(rare.iter().copied().filter(|&bin| bin != into), into);
                }
            }
        }
        Kinship::Ordered { values, summed, special } => {
            let counts = &counts[..counts.len() - special];
            let (rare, rare_beside): (Vec<usize>, Vec<usize>) =
                rare.into_iter().partition(|&bin| bin < counts.len());
            let top = top(counts, sigma, &values[..counts.len()], *summed);
            let (mut run, mut sum) = (Vec::new(), 0i64);
            for bin in rare.into_iter().filter(|&bin| bin <= top.bin) {
                run.push(bin);
                sum += counts[bin];
                if enough(sum, run.len()) {
                    groups.join(&run, 0.0);
                    (run, sum) = (Vec::new(), 0);
                }
            }
            groups.join(&run, 0.0);
            groups.hide(top.bin + 1..top.counted, top.bin);
            groups.silence(top.counted.max(top.bin + 1)..counts.len(), top.bin);
            groups.hide(rare_beside, largest(counts));
        }
        Kinship::Prefixes(leaves) => {
            let mut pending = vec![false; counts.len()];
            for &bin in &rare {
                pending[bin] = true;
            }
            for length in leaves.prefix_lengths().into_iter().rev().skip(1) {
                for family in leaves.families(length) {
                    progress.check()?;
                    let (members, others): (Vec<usize>, Vec<usize>) = family.partition(|&leaf| pending[leaf]);
                    groups.bound(&members, &others, length > 0);
                    let sum = members.iter().map(|&leaf| counts[leaf]).sum();
                    if length == 0 || enough(sum, members.len()) {
                        groups.join(&members, 0.0);
                        for leaf in members {
                            pending[leaf] = false;
                        }
                    }
                }
            }
        }
    }
    progress.check()?;
    Ok(groups.collect())
}

/// The representative of each bin (the first of its group) and its weight within the group.
struct Groups {
    counts: Vec<i64>,
    sigma: f64,
    first: Vec<usize>,
    weights: Vec<f64>,
    /// The variance that each bin adds to its group, in units of σ².
    variance: Vec<u32>,
}

impl Groups {
    fn new(counts: &[i64], sigma: f64) -> Self {
        Groups {
            counts: counts.to_vec(),
            sigma,
            first: (0..counts.len()).collect(),
            weights: vec![1.0; counts.len()],
            variance: vec![1; counts.len()],
        }
    }

    /// Bounds the joint variance of `members`. Where the node above them was `counted`, it is at most that of
    /// this count minus `others`, the remaining leaves of the node.
    fn bound(&mut self, members: &[usize], others: &[usize], counted: bool) {
        let sum = |leaves: &[usize]| leaves.iter().map(|&leaf| self.variance[leaf]).sum::<u32>();
        let rest = 1 + sum(others);
        if let Some((&first, more)) = members.split_first()
            && counted
            && rest < sum(members)
        {
            self.variance[first] = rest;
            more.iter().for_each(|&leaf| self.variance[leaf] = 0);
        }
    }

    /// Merges `members`, weighted by their noisy counts, each by at least `least`.
    fn join(&mut self, members: &[usize], least: f64) {
        for (&member, weight) in members.iter().zip(self.shrunk(members)) {
            self.first[member] = members[0];
            self.weights[member] = weight.max(least);
        }
    }

    /// Merges `members` into the group of `into`; they are counted and never drawn.
    fn hide(&mut self, members: impl IntoIterator<Item = usize>, into: usize) {
        for member in members {
            self.first[member] = self.first[into];
            self.weights[member] = 0.0;
        }
    }

    /// Like [`Groups::hide`], for `members` of which none stands out: their counts are ignored, since the
    /// noise of hundreds would drown the bin into which they are merged. Their true count is no better known
    /// for that, so their variance is kept: a total of such bins has little weight beside others.
    fn silence(&mut self, members: impl IntoIterator<Item = usize>, into: usize) {
        for member in members {
            self.hide([member], into);
            self.counts[member] = 0;
        }
    }

    /// The noisy counts of the members, shrunk towards an even share and made non-negative; even where
    /// nothing is left.
    fn shrunk(&self, members: &[usize]) -> Vec<f64> {
        let counts = members.iter().map(|&m| self.counts[m] as f64);
        let even = counts.clone().sum::<f64>() / members.len().max(1) as f64;
        let spread: f64 = counts.clone().map(|count| (count - even).powi(2)).sum();
        let signal = (1.0 - members.len() as f64 * self.sigma.powi(2) / spread.max(1.0)).max(0.0);
        let mut weights: Vec<f64> = counts.map(|count| even + signal * (count - even)).collect();
        norm_sub(&mut weights);
        if weights.iter().all(|&w| w <= 0.0) {
            weights.fill(1.0);
        }
        weights
    }

    fn collect(self) -> Merged {
        let mut merged =
            Merged { map: Vec::new(), weights: self.weights, counts: Vec::new(), sizes: Vec::new() };
        let mut named = vec![None; self.counts.len()];
        for ((&first, &count), variance) in self.first.iter().zip(&self.counts).zip(self.variance) {
            let bin = *named[first].get_or_insert_with(|| {
                merged.counts.push(0);
                merged.sizes.push(0);
                merged.counts.len() as u32 - 1
            });
            merged.map.push(bin);
            merged.counts[bin as usize] += count;
            merged.sizes[bin as usize] += variance;
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PrefixTree;
    use netdpsyn_trace::progress::Quiet;
    use proptest::prelude::*;

    fn joined(counts: &[i64], sigma: f64, kinship: &Kinship<'_>) -> Merged {
        merge(counts, sigma, kinship, &Quiet).unwrap()
    }

    proptest! {
        #[test]
        fn nothing_is_lost(counts in prop::collection::vec(-50i64..400, 1..200), sigma in 0.5f64..30.0) {
            let values = values(counts.len());
            let counted = top(&counts, sigma, &values, true).counted;
            for kinship in [sizes(&values), NAMES, Kinship::Declared(Undeclared::StandsOut)] {
                let counted = if matches!(kinship, Kinship::Ordered { .. }) { counted } else { counts.len() };
                let merged = joined(&counts, sigma, &kinship);
                prop_assert_eq!(merged.map.len(), counts.len());
                prop_assert_eq!(merged.counts.iter().sum::<i64>(), counts[..counted].iter().sum::<i64>());
                prop_assert_eq!(merged.sizes.iter().sum::<u32>() as usize, counts.len());
            }
        }
    }

    const NAMES: Kinship = Kinship::Declared(Undeclared::None);

    fn sizes(values: &[Range<u64>]) -> Kinship<'_> {
        Kinship::Ordered { values, summed: true, special: 0 }
    }

    /// 0, 1, 2 and so on.
    fn values(bins: usize) -> Vec<Range<u64>> {
        (0..bins as u64).map(|value| value..value + 1).collect()
    }

    #[test]
    fn an_undeclared_value_that_is_noise_is_never_drawn() {
        let among = |counts: &[i64], undeclared| joined(counts, 2.0, &Kinship::Declared(undeclared));
        let merged = among(&[400, 1_000, 7], Undeclared::StandsOut);
        assert_eq!((merged.map, merged.weights), (vec![0, 1, 1], vec![1.0, 1.0, 0.0]));
        // At four σ it is drawn, where it can be written; its noise does not inflate rare bins.
        assert_eq!(among(&[400, 1_000, 8], Undeclared::StandsOut).map, [0, 1, 2]);
        assert_eq!(among(&[400, 1_000, 300], Undeclared::Never).map, [0, 1, 1]);
        assert_eq!(among(&[3, 1_000, 3], Undeclared::StandsOut).map, [0, 1, 1]);
        assert_eq!(among(&[-3], Undeclared::StandsOut).map, [0]);
    }

    #[test]
    fn a_declared_category_of_noise_gets_no_more_than_its_shrunk_share_and_none_vanishes() {
        let merged = joined(&[1_000, 9, -30, 18, 0, 0], 10.0, &Kinship::Declared(Undeclared::StandsOut));
        assert_eq!(merged.map, [0, 1, 1, 1, 1, 0]);
        let weights = &merged.weights[1..5];
        assert!(weights.iter().all(|&weight| weight >= 1.0), "{weights:?}");
        assert!(weights[2] >= weights[0] && weights[0] >= weights[1] && weights[2] <= 18.0, "{weights:?}");
    }

    #[test]
    fn of_a_list_only_what_stands_out_is_drawn() {
        // σ = 10, c = 257: a single bin of 45 stands out. 6 and 17 occur, the others are noise.
        let mut counts: Vec<i64> = (0..257).map(|number| [9, -12, 3, -8, 14, -6][number % 6]).collect();
        (counts[6], counts[17], counts[80]) = (9_000, 700, 38);
        let drawn = |counts: &[i64]| -> Vec<usize> {
            let merged = joined(counts, 10.0, &Kinship::Listed);
            (0..257).filter(|&number| merged.weights[number] > 0.0).collect()
        };
        assert_eq!(drawn(&counts), [6, 17]);
        let merged = joined(&counts, 10.0, &Kinship::Listed);
        assert_eq!(
            (merged.counts, merged.sizes),
            (vec![9_000, 700], vec![256, 1]),
            "and noise counts as nothing"
        );
        // Together the rare ones stand out, so the largest of them are drawn. The value for everything off
        // the list is never one of them.
        (counts[1], counts[2], counts[47], counts[256]) = (300, 310, 44, 44);
        (1..200).step_by(6).skip(1).for_each(|number| counts[number] = 20);
        assert_eq!(drawn(&counts), [1, 2, 6, 17, 47, 80]);
        assert_eq!(drawn(&[0; 257]), [255], "nothing stands out: one is drawn");
    }

    #[test]
    fn frequent_bins_stay_alone() {
        let merged = joined(&[1_000, 3, 2, 900, 1], 2.0, &NAMES);
        assert_eq!(merged.map, [0, 1, 1, 2, 1]);
        assert_eq!(merged.counts, [1_000, 6, 900]);
        assert_eq!(merged.sizes, [1, 3, 1]);
    }

    #[test]
    fn special_values_are_no_neighbours() {
        let values = values(6);
        let special = |counts: &[i64]| {
            let kinship = Kinship::Ordered { values: &values, summed: true, special: 2 };
            let merged = joined(counts, 2.0, &kinship);
            (merged.map, merged.weights[4..].to_vec())
        };
        assert_eq!(special(&[900, 400, 2, 1, 300, 200]), (vec![0, 1, 1, 1, 2, 3], vec![1.0, 1.0]));
        // A special value that is noise is never drawn, and does not move the tail.
        assert_eq!(special(&[900, 400, 60, 1, 300, 3]), (vec![0, 1, 2, 2, 3, 0], vec![1.0, 0.0]));
    }

    #[test]
    fn neighbours_join_until_they_are_enough() {
        // c = 7: one bin needs σ·√(2 ln 7) + 1 = 4.9, two need 6.6, three 7.8.
        let merged = joined(&[4, 4, 100, 3, 1, 4, 90], 2.0, &sizes(&values(7)));
        assert_eq!(merged.map, [0, 0, 1, 2, 2, 2, 3]);
    }

    #[test]
    fn nothing_above_the_top_is_drawn_and_its_noise_counts_as_nothing() {
        // c = 9, σ = 2: one bin needs 5.2, and 8 stands out; 7 is enough for one bin but does not stand out.
        let merged = joined(&[1, 0, 90, 2, 80, 3, 7, -1, 1], 2.0, &sizes(&values(9)));
        assert_eq!(merged.map, [0, 0, 1, 0, 2, 2, 2, 2, 2]);
        assert_eq!((merged.counts, merged.sizes), (vec![3, 90, 80], vec![3, 1, 5]));
        assert_eq!(merged.weights[4..], [1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(merged.weights[3] > 0.0);
    }

    #[test]
    fn empty_cells_leave_hardly_a_ghost() {
        use netdpsyn_privacy::gaussian::Sampler;
        use rand::SeedableRng;
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let rho = netdpsyn_account::Rho::from_units(5_000_000_000);
        let one = netdpsyn_account::MaxRecords::ONE;
        let scale =
            netdpsyn_account::NoiseScale::for_cost(netdpsyn_account::Sensitivity::histogram(one), rho)
                .unwrap();
        let sampler = Sampler::new(scale);
        let counts: Vec<i64> = (0..100_000).map(|_| sampler.sample(&mut rng)).collect();
        let merged = joined(&counts, scale.sigma(), &NAMES);
        assert!(merged.counts.len() <= 4, "{} ghosts", merged.counts.len() - 1);
    }

    #[test]
    fn leaves_join_up_the_prefix() {
        let mut tree = PrefixTree::new(8, &[2, 2]);
        tree.open(&[0, 900, 0, 900], 500.0, 9);
        let mut counts = vec![5; tree.level_cells()];
        counts[6] = 880;
        tree.open(&counts, 500.0, 9);
        let leaves = tree.finish();
        // Order: 00, 0100 … 0111, 10, 1100 … 1111. Under 01 nothing is frequent: 20 in four leaves are enough
        // for σ = 2.
        let counts = [1, 5, 5, 5, 5, 0, 1, 1, 880, 1];
        let merged = joined(&counts, 2.0, &Kinship::Prefixes(&leaves));
        // The rare ones under 11 (1 + 1 + 1) are too few alone and are merged with 00 and 10 at the root.
        assert_eq!(merged.map, [0, 1, 1, 1, 1, 0, 0, 0, 2, 0]);
        // The four under 01 have the variance of one count: that of 01. Those under 11 are its count minus
        // that of 1110; 00 and 10 have their own.
        assert_eq!(merged.sizes, [1 + 1 + 2, 1, 1]);
    }
}
