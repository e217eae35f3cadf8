//! Rare bins joined, by the noisy one-way counts that were paid for anyway.
//!
//! A bin is rare when its noisy count lies under σ·√(2 ln c) + 1, with c the cells of the domain: of c empty cells about
//! one passes. A multiple of σ that ignores c would keep a ghost for every few hundred empty cells. The same rule,
//! with σ·√g, decides when g joined bins are enough.

use super::tree::Leaves;

/// Which rare bins are near each other.
pub enum Kinship<'a> {
    /// Ordered values: rare bins join the next rare ones until they are enough.
    Ordered,
    /// Categories: all rare ones become one group.
    Unordered,
    /// Leaves of a prefix tree: rare leaves join what is rare under the same parent, then under its parent.
    Prefixes(&'a Leaves),
}

/// The outcome: which bin each bin becomes, and the noisy counts of the new ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// New bin of each old one; names 0..n without gaps, in order of first appearance.
    pub map: Vec<u32>,
    /// Noisy count of each new bin: the sum over its old ones.
    pub counts: Vec<i64>,
    /// Old bins in each new one: its noise has variance σ² times this.
    pub sizes: Vec<u32>,
}

/// Joins the rare ones among bins of noisy `counts` with noise of scale `sigma`.
pub fn merge(counts: &[i64], sigma: f64, kinship: &Kinship<'_>) -> Merged {
    let ghosts = (2.0 * (counts.len().max(2) as f64).ln()).sqrt();
    let enough = |sum: i64, bins: usize| sum as f64 >= sigma * (bins as f64).sqrt() * ghosts + 1.0;
    let mut groups = Groups::new(counts.len());
    let rare: Vec<usize> = (0..counts.len()).filter(|&bin| !enough(counts[bin], 1)).collect();
    match kinship {
        Kinship::Unordered => groups.join(&rare),
        Kinship::Ordered => {
            let (mut run, mut sum) = (Vec::new(), 0i64);
            for &bin in &rare {
                run.push(bin);
                sum += counts[bin];
                if enough(sum, run.len()) {
                    groups.join(&run);
                    (run, sum) = (Vec::new(), 0);
                }
            }
            groups.join(&run);
        }
        Kinship::Prefixes(leaves) => {
            let mut pending = vec![false; counts.len()];
            for &bin in &rare {
                pending[bin] = true;
            }
            for length in leaves.prefix_lengths().into_iter().rev().skip(1) {
                for family in leaves.families(length) {
                    let members: Vec<usize> = family.filter(|&leaf| pending[leaf]).collect();
                    let sum = members.iter().map(|&leaf| counts[leaf]).sum();
                    if length == 0 || enough(sum, members.len()) {
                        groups.join(&members);
                        for leaf in members {
                            pending[leaf] = false;
                        }
                    }
                }
            }
        }
    }
    groups.collect(counts)
}

/// Every bin's representative: the first of its group.
struct Groups(Vec<usize>);

impl Groups {
    fn new(bins: usize) -> Self {
        Groups((0..bins).collect())
    }

    fn join(&mut self, members: &[usize]) {
        for &member in members {
            self.0[member] = members[0];
        }
    }

    fn collect(self, counts: &[i64]) -> Merged {
        let mut merged = Merged { map: Vec::new(), counts: Vec::new(), sizes: Vec::new() };
        let mut named = vec![None; counts.len()];
        for (&first, &count) in self.0.iter().zip(counts) {
            let bin = *named[first].get_or_insert_with(|| {
                merged.counts.push(0);
                merged.sizes.push(0);
                merged.counts.len() as u32 - 1
            });
            merged.map.push(bin);
            merged.counts[bin as usize] += count;
            merged.sizes[bin as usize] += 1;
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PrefixTree;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost(counts in prop::collection::vec(-50i64..400, 1..200), sigma in 0.5f64..30.0) {
            for kinship in [Kinship::Ordered, Kinship::Unordered] {
                let merged = merge(&counts, sigma, &kinship);
                prop_assert_eq!(merged.map.len(), counts.len());
                prop_assert_eq!(merged.counts.iter().sum::<i64>(), counts.iter().sum::<i64>());
                prop_assert_eq!(merged.sizes.iter().sum::<u32>() as usize, counts.len());
            }
        }
    }

    #[test]
    fn frequent_bins_stay_alone() {
        let merged = merge(&[1_000, 3, 2, 900, 1], 2.0, &Kinship::Unordered);
        assert_eq!(merged.map, [0, 1, 1, 2, 1]);
        assert_eq!(merged.counts, [1_000, 6, 900]);
        assert_eq!(merged.sizes, [1, 3, 1]);
    }

    #[test]
    fn neighbours_join_until_they_are_enough() {
        // c = 6: a bin alone needs σ·√(2 ln 6) + 1 = 4.8, two need 6.4, three 7.6.
        let merged = merge(&[4, 4, 100, 3, 1, 4], 2.0, &Kinship::Ordered);
        assert_eq!(merged.map, [0, 0, 1, 2, 2, 2]);
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
        let merged = merge(&counts, scale.sigma(), &Kinship::Unordered);
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
        let merged = merge(&counts, 2.0, &Kinship::Prefixes(&leaves));
        // The rare ones under 11 (1 + 1 + 1) are too few alone and join 00 and 10 at the root.
        assert_eq!(merged.map, [0, 1, 1, 1, 1, 0, 0, 0, 2, 0]);
    }
}
