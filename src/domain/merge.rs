//! Rare bins joined, by the noisy one-way counts that were paid for anyway.
//!
//! A bin is rare when its noisy count lies under σ·√(2 ln c) + 1, with c the cells of the domain: of c empty cells about
//! one passes. A multiple of σ that ignores c would keep a ghost for every few hundred empty cells. The same rule,
//! with σ·√g, decides when g joined bins are enough.
//!
//! What is joined can still be told apart when values are drawn: each old bin keeps a weight within its new one. It lies between an
//! even share and the noisy count, nearer to the count the more the counts differ beyond their noise (James & Stein 1961).
//! Drawing by width instead would put nearly everything into the widest bin.

use super::simplex::norm_sub;
use super::tree::Leaves;
use crate::progress::{Cancelled, Progress};

/// Which rare bins are near each other.
pub enum Kinship<'a> {
    /// Ordered values: a rare bin joins the next rare ones until they are enough.
    Ordered,
    /// Categories: all rare ones become one group, within which each is as likely as any other. Where nothing but the value that stands for
    /// everything undeclared (the last bin, if `undeclared`) is rare, its mass is noise: it joins the largest category and is never drawn.
    Unordered {
        /// Whether there is such a value.
        undeclared: bool,
    },
    /// Leaves of a prefix tree: rare leaves join what is rare under the same parent, then under its parent.
    Prefixes(&'a Leaves),
}

/// The outcome: which bin each bin becomes, and the noisy counts of the new ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// New bin of each old one; names 0..n without gaps, in order of first appearance.
    pub map: Vec<u32>,
    /// Weight of each old bin within its new one.
    pub weights: Vec<f64>,
    /// Noisy count of each new bin: the sum over its old ones.
    pub counts: Vec<i64>,
    /// How many times σ² the noise of each new bin has: its number of old bins; for leaves of a tree less where the counts of whole nodes bound it.
    pub sizes: Vec<u32>,
}

/// Joins the rare ones among bins of noisy `counts` with noise of scale `sigma`.
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
    match kinship {
        Kinship::Unordered { undeclared: true } if rare == [counts.len() - 1] => {
            let largest = (0..counts.len()).max_by_key(|&bin| counts[bin]).unwrap_or(0);
            groups.join(&[largest, rare[0]], &rare, true);
        }
        Kinship::Unordered { .. } => groups.join(&rare, &[], false),
        Kinship::Ordered => {
            let (mut run, mut sum) = (Vec::new(), 0i64);
            for &bin in &rare {
                run.push(bin);
                sum += counts[bin];
                if enough(sum, run.len()) {
                    groups.join(&run, &[], true);
                    (run, sum) = (Vec::new(), 0);
                }
            }
            // Above the last bin that holds enough nothing is drawn but next to it: one ghost at 10¹² ruins every sum.
            let top = run.iter().rev().zip((0..counts.len()).rev()).take_while(|(r, bin)| *r == bin).count();
            groups.join(&run, &run[(run.len() + 1 - top).min(run.len())..], true);
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
                        groups.join(&members, &[], true);
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

/// Every bin's representative (the first of its group) and its weight within the group.
struct Groups<'a> {
    counts: &'a [i64],
    sigma: f64,
    first: Vec<usize>,
    weights: Vec<f64>,
    /// In units of σ², variance that each bin adds to whatever group it is in.
    variance: Vec<u32>,
}

impl<'a> Groups<'a> {
    fn new(counts: &'a [i64], sigma: f64) -> Self {
        Groups {
            counts,
            sigma,
            first: (0..counts.len()).collect(),
            weights: vec![1.0; counts.len()],
            variance: vec![1; counts.len()],
        }
    }

    /// Bounds the variance of `members` together. Where the node above them was `counted`, they are what that count leaves beside `others`, the
    /// rest of its leaves.
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

    /// Joins `members`, weighed by their noisy counts or evenly; those in `never` are not drawn unless they are all.
    fn join(&mut self, members: &[usize], never: &[usize], by_count: bool) {
        for &member in members {
            self.first[member] = members[0];
        }
        let drawn: Vec<usize> = members.iter().copied().filter(|m| never.binary_search(m).is_err()).collect();
        let weights = if by_count { self.shrunk(&drawn) } else { vec![1.0; drawn.len()] };
        for &member in never {
            self.weights[member] = 0.0;
        }
        for (member, weight) in drawn.into_iter().zip(weights) {
            self.weights[member] = weight;
        }
    }

    /// The members' noisy counts, shrunk towards an even share and made non-negative; even where nothing is left.
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
        for ((&first, &count), variance) in self.first.iter().zip(self.counts).zip(self.variance) {
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
    use crate::progress::Quiet;
    use proptest::prelude::*;

    fn joined(counts: &[i64], sigma: f64, kinship: &Kinship<'_>) -> Merged {
        merge(counts, sigma, kinship, &Quiet).unwrap()
    }

    proptest! {
        #[test]
        fn nothing_is_lost(counts in prop::collection::vec(-50i64..400, 1..200), sigma in 0.5f64..30.0) {
            for kinship in [Kinship::Ordered, NAMES, Kinship::Unordered { undeclared: true }] {
                let merged = joined(&counts, sigma, &kinship);
                prop_assert_eq!(merged.map.len(), counts.len());
                prop_assert_eq!(merged.counts.iter().sum::<i64>(), counts.iter().sum::<i64>());
                prop_assert_eq!(merged.sizes.iter().sum::<u32>() as usize, counts.len());
            }
        }
    }

    const NAMES: Kinship = Kinship::Unordered { undeclared: false };

    #[test]
    fn an_undeclared_value_that_is_noise_is_never_drawn() {
        let merged = joined(&[400, 1_000, 3], 2.0, &Kinship::Unordered { undeclared: true });
        assert_eq!((merged.map, merged.weights), (vec![0, 1, 1], vec![1.0, 1_000.0, 0.0]));
        // One that stands out is drawn; among several rare ones the group takes its mass.
        assert_eq!(joined(&[400, 1_000, 300], 2.0, &Kinship::Unordered { undeclared: true }).map, [0, 1, 2]);
        assert_eq!(joined(&[3, 1_000, 3], 2.0, &Kinship::Unordered { undeclared: true }).map, [0, 1, 0]);
    }

    #[test]
    fn frequent_bins_stay_alone() {
        let merged = joined(&[1_000, 3, 2, 900, 1], 2.0, &NAMES);
        assert_eq!(merged.map, [0, 1, 1, 2, 1]);
        assert_eq!(merged.counts, [1_000, 6, 900]);
        assert_eq!(merged.sizes, [1, 3, 1]);
    }

    #[test]
    fn neighbours_join_until_they_are_enough() {
        // c = 6: a bin alone needs σ·√(2 ln 6) + 1 = 4.8, two need 6.4, three 7.6.
        let merged = joined(&[4, 4, 100, 3, 1, 4], 2.0, &Kinship::Ordered);
        assert_eq!(merged.map, [0, 0, 1, 2, 2, 2]);
    }

    #[test]
    fn the_top_that_is_never_enough_is_not_drawn() {
        // c = 8: alone 5.1, two 6.8, three 8.1. Nothing here is enough but the two frequent bins.
        let merged = joined(&[1, 0, 90, 2, 80, 3, 0, 1], 2.0, &Kinship::Ordered);
        assert_eq!(merged.map, [0, 0, 1, 0, 2, 0, 0, 0]);
        assert_eq!(merged.weights[6..], [0.0, 0.0], "nothing above the bin next to the last frequent one");
        assert!(merged.weights[5] > 0.0 && merged.weights[3] > 0.0);
    }

    #[test]
    fn empty_cells_leave_hardly_a_ghost() {
        use rand::SeedableRng;
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let rho = crate::privacy::Rho::from_units(5_000_000_000);
        let one = crate::privacy::MaxRecords::ONE;
        let scale =
            crate::privacy::NoiseScale::for_cost(crate::privacy::Sensitivity::histogram(one), rho).unwrap();
        let counts: Vec<i64> = (0..100_000).map(|_| scale.sample(&mut rng)).collect();
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
        // Order: 00, 0100 … 0111, 10, 1100 … 1111. Under 01 nothing is frequent: 20 in four leaves are enough for σ = 2.
        let counts = [1, 5, 5, 5, 5, 0, 1, 1, 880, 1];
        let merged = joined(&counts, 2.0, &Kinship::Prefixes(&leaves));
        // The rare ones under 11 (1 + 1 + 1) are too few alone and join 00 and 10 at the root.
        assert_eq!(merged.map, [0, 1, 1, 1, 1, 0, 0, 0, 2, 0]);
        // The four under 01 are one count's worth: that of 01. Those under 11 are its count less that of 1110; 00 and 10 have their own.
        assert_eq!(merged.sizes, [1 + 1 + 2, 1, 1]);
    }
}
