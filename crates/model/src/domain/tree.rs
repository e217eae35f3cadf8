//! A prefix tree of fixed depth over an ordered value space, opened level by level where noisy counts are
//! high.
//!
//! ```text
//! level 0   the whole space         always open
//! level 1   2^b₁ children of it     counted with noise; those above the threshold open
//! level 2   2^b₂ children of each open one …
//! ```
//! Values beyond the space (special values) are cells of the first level that never open.
//!
//! The tree holds no data: `fit/trees.rs` asks for the number of children in [`PrefixTree::level_cells`],
//! pays, and passes their noisy counts to [`PrefixTree::open`]. Every level of the fixed depth is queried and
//! charged, even if no node is open.
//!
//! The leaves of the finished tree are the bins. Their counts need no further measurement: they are estimated
//! from all levels together, so that the count of a node constrains the sum of its children
//! ([`super::hierarchy`]).

use super::Partition;
use super::hierarchy::{Level, least_squares};
use std::ops::Range;

/// A prefix tree while it grows.
#[derive(Clone, Debug)]
pub struct PrefixTree {
    /// Bits of the value space.
    bits: u32,
    /// Number of values beyond the space.
    beside: usize,
    /// Bits of each level.
    levels: Vec<u8>,
    /// Prefix length of the nodes in `open`.
    depth: u32,
    /// Open nodes of the current depth, as sorted prefixes.
    open: Vec<u128>,
    /// Levels already answered, with the prefixes of the nodes that were open then.
    answered: Vec<(Vec<u128>, Level)>,
}

/// A finished node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leaf {
    /// Its smallest value.
    pub start: u64,
    /// Its prefix length in bits.
    pub length: u32,
    /// Its estimated count.
    pub count: i64,
}

impl PrefixTree {
    /// A tree over 0..2^`bits` whose levels have these bits, together at most `bits`.
    pub fn new(bits: u32, levels: &[u8]) -> Self {
        assert!(levels.iter().map(|&b| u32::from(b)).sum::<u32>() <= bits);
        PrefixTree { bits, beside: 0, levels: levels.to_vec(), depth: 0, open: vec![0], answered: Vec::new() }
    }

    /// Adds this many values beyond the space.
    pub fn beside(self, values: usize) -> Self {
        PrefixTree { beside: values, ..self }
    }

    /// Number of levels, each of which is queried and paid for.
    pub fn levels(&self) -> usize {
        self.levels.len()
    }

    /// Number of cells of the next level's histogram: children of the open nodes, and on the first level the
    /// values beyond the space. 0 when nothing is open.
    pub fn level_cells(&self) -> usize {
        self.children() + self.beside_children()
    }

    fn children(&self) -> usize {
        self.open.len() << self.levels[self.answered.len()]
    }

    fn beside_children(&self) -> usize {
        if self.answered.is_empty() { self.beside } else { 0 }
    }

    /// The cell of the next level that counts a value; `None` below a closed node.
    pub fn cell(&self, value: u128) -> Option<usize> {
        if let Some(beside) = value.checked_sub(1 << self.bits) {
            let beside = beside as usize;
            return (beside < self.beside_children()).then(|| self.children() + beside);
        }
        let bits = u32::from(self.levels[self.answered.len()]);
        let child = value >> (self.bits - self.depth - bits);
        let parent = self.open.binary_search(&(child >> bits)).ok()?;
        Some((parent << bits) | (child & ((1 << bits) - 1)) as usize)
    }

    /// An index of the cells of the next level, for many values of a space of less than 64 bits.
    pub fn finder(&self) -> Finder {
        assert!(self.bits < u64::BITS, "prefixes of 64 bits");
        let bits = u32::from(self.levels[self.answered.len()]);
        let apart = self.depth.saturating_sub(INDEXED);
        let mut first = vec![0u32; (1 << self.depth.min(INDEXED)) + 1];
        let open: Vec<u64> = self.open.iter().map(|&prefix| prefix as u64).collect();
        for &prefix in &open {
            first[(prefix >> apart) as usize + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let below = self.bits - self.depth - bits;
        Finder { open, first, apart, bits, below, beside: self.beside_children() }
    }

    /// Passes the assignment of values to cells of the next level to `say`, for a digest.
    pub fn describe(&self, say: &mut dyn FnMut(&[u8])) {
        for number in [self.bits, self.depth, u32::from(self.levels[self.answered.len()])] {
            say(&number.to_le_bytes());
        }
        let bytes = if self.bits < u64::BITS { 8 } else { 16 };
        let prefixes = self.open.iter().flat_map(|prefix| prefix.to_le_bytes().into_iter().take(bytes));
        say(&prefixes.collect::<Vec<u8>>());
        if self.beside > 0 {
            say(&(self.beside as u64).to_le_bytes());
        }
    }

    /// Takes the noisy counts of the next level. Children above `threshold` open, at most the `most` largest;
    /// all others are leaves. The last level opens nothing.
    pub fn open(&mut self, noisy: &[i64], threshold: f64, most: usize) {
        let last = self.answered.len() + 1 == self.levels.len();
        let opened = (0..self.children()).filter(|&cell| !last && noisy[cell] as f64 > threshold).collect();
        self.open_nodes(noisy, largest(opened, noisy, most));
    }

    /// Takes the noisy counts of the next level and opens the given nodes, which ascend.
    pub fn open_nodes(&mut self, noisy: &[i64], opened: Vec<usize>) {
        assert_eq!(noisy.len(), self.level_cells());
        let bits = u32::from(self.levels[self.answered.len()]);
        let children = opened.iter().map(|&cell| child(&self.open, bits, cell)).collect();
        let parents = std::mem::replace(&mut self.open, children);
        self.depth += bits;
        self.answered.push((parents, Level { fan: 1 << bits, noisy: noisy.to_vec(), opened }));
    }

    /// The answers so far, level by level: the prefixes of the open nodes, and the counts of their children.
    pub fn into_levels(self) -> Vec<(Vec<u128>, Level)> {
        self.answered
    }

    /// Prefixes of the cells of the next level, and their length in bits; values beyond the space have none.
    pub fn next_prefixes(&self) -> (impl Iterator<Item = u128> + '_, u32) {
        let bits = u32::from(self.levels[self.answered.len()]);
        ((0..self.children()).map(move |cell| child(&self.open, bits, cell)), self.depth + bits)
    }

    /// Finishes the tree of a space of less than 64 bits: its leaves in order, which cover the space, one bin
    /// each.
    ///
    /// # Panics
    /// Before the last level was answered.
    pub fn finish(self) -> Leaves {
        assert!(self.open.is_empty() && self.answered.len() == self.levels.len(), "every level is asked");
        let (parents, levels): (Vec<_>, Vec<Level>) = self.answered.into_iter().unzip();
        let mut estimated = Vec::new();
        let mut length = 0;
        let last = |cell: usize, fan: usize| ((1 << self.bits) + (cell - fan) as u64, self.bits);
        for ((estimates, level), parents) in least_squares(&levels).into_iter().zip(&levels).zip(parents) {
            let bits = level.fan.ilog2();
            length += bits;
            let mut opened = level.opened.iter().peekable();
            for (cell, estimate) in estimates.into_iter().enumerate() {
                if opened.next_if_eq(&&cell).is_none() {
                    let (start, length) = match cell < parents.len() << bits {
                        true => ((child(&parents, bits, cell) << (self.bits - length)) as u64, length),
                        false => last(cell, level.fan),
                    };
                    estimated.push((start, length, estimate));
                }
            }
        }
        estimated.sort_unstable_by_key(|&(start, ..)| start);
        // Cumulative sums are rounded rather than leaves: hundreds of children that share a difference evenly
        // would all round in the same direction.
        let (mut sum, mut given) = (0.0, 0);
        let counted = |(start, length, estimate): (u64, u32, f64)| {
            sum += estimate;
            let count = sum.round() as i64 - given;
            given += count;
            Leaf { start, length, count }
        };
        let leaves = estimated.into_iter().map(counted).collect();
        Leaves { bits: self.bits, beside: self.beside, levels: self.levels, leaves }
    }
}

/// The `most` cells with the largest counts, in order.
pub fn largest(mut cells: Vec<usize>, noisy: &[i64], most: usize) -> Vec<usize> {
    if cells.len() > most {
        cells.sort_by_key(|&cell| (std::cmp::Reverse(noisy[cell]), cell));
        cells.truncate(most);
        cells.sort_unstable();
    }
    cells
}

/// Leading bits of a prefix by which open nodes are indexed; nodes that share them are searched.
const INDEXED: u32 = 16;

/// Finds cells of one level.
pub struct Finder {
    open: Vec<u64>,
    /// By leading bits, the first open node that has them.
    first: Vec<u32>,
    apart: u32,
    bits: u32,
    below: u32,
    beside: usize,
}

impl Finder {
    /// As [`PrefixTree::cell`].
    pub fn cell(&self, value: u64) -> Option<usize> {
        let child = value >> self.below;
        let parent = child >> self.bits;
        let at = (parent >> self.apart) as usize;
        if at + 1 >= self.first.len() {
            // Beyond the space: the bits of the prefix do not hold it.
            return self.beside_cell(value);
        }
        let among = self.first[at] as usize..self.first[at + 1] as usize;
        let position = among.start + self.open[among].binary_search(&parent).ok()?;
        Some((position << self.bits) | (child & ((1 << self.bits) - 1)) as usize)
    }

    /// On the first level, where only the root is open.
    fn beside_cell(&self, value: u64) -> Option<usize> {
        let beside = (value - (1 << (self.bits + self.below))) as usize;
        (beside < self.beside).then(|| (1 << self.bits) + beside)
    }
}

/// The prefix of a cell of a level whose parents have these prefixes.
fn child(parents: &[u128], bits: u32, cell: usize) -> u128 {
    (parents[cell >> bits] << bits) | (cell & ((1 << bits) - 1)) as u128
}

/// The leaves of a finished tree.
#[derive(Clone, Debug)]
pub struct Leaves {
    bits: u32,
    beside: usize,
    levels: Vec<u8>,
    leaves: Vec<Leaf>,
}

impl Leaves {
    /// The partition with one bin per leaf.
    pub fn partition(&self) -> Partition {
        let end = (1 << self.bits) + self.beside as u64;
        Partition::from_starts(self.leaves.iter().map(|leaf| leaf.start).collect(), end)
    }

    /// The estimated count of every leaf, in order.
    pub fn counts(&self) -> Vec<i64> {
        self.leaves.iter().map(|leaf| leaf.count).collect()
    }

    /// Number of leaves.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Always false: the root always exists.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The prefix lengths of the tree's nodes, beginning with 0 for the root.
    pub fn prefix_lengths(&self) -> Vec<u32> {
        let mut depth = 0;
        let mut lengths = vec![0];
        for &bits in &self.levels {
            depth += u32::from(bits);
            lengths.push(depth);
        }
        lengths
    }

    /// The leaf at a position in order.
    pub fn leaf(&self, at: usize) -> Leaf {
        self.leaves[at]
    }

    /// The runs of leaves that share their first `length` bits and are longer than that. For length 0, the
    /// values beyond the space are a separate run.
    pub fn families(&self, length: u32) -> Vec<Range<usize>> {
        let prefix = |leaf: &Leaf| {
            let within = leaf.length > length && (length == 0 || leaf.start < 1 << self.bits);
            within.then(|| leaf.start.unbounded_shr(self.bits - length))
        };
        let mut families: Vec<Range<usize>> = Vec::new();
        for (i, leaf) in self.leaves.iter().enumerate() {
            let Some(own) = prefix(leaf) else { continue };
            match families.last_mut() {
                Some(run) if run.end == i && prefix(&self.leaves[run.start]) == Some(own) => run.end += 1,
                _ => families.push(i..i + 1),
            }
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Grows a tree with exact counts.
    fn grow(values: &[u64], levels: &[u8], threshold: f64) -> Leaves {
        let mut tree = PrefixTree::new(16, levels);
        for _ in 0..tree.levels() {
            let mut counts = vec![0; tree.level_cells()];
            for &value in values {
                if let Some(cell) = tree.cell(value.into()) {
                    counts[cell] += 1;
                }
            }
            tree.open(&counts, threshold, 1_000);
        }
        tree.finish()
    }

    proptest! {
        #[test]
        fn leaves_cover_the_space_and_heavy_values_have_small_ones(values in prop::collection::vec(0u64..65_536, 0..200), heavy in 0u64..65_536) {
            let mut all = values;
            all.extend([heavy; 300]);
            let leaves = grow(&all, &[4, 4, 8], 250.0);
            let partition = leaves.partition();
            prop_assert_eq!(partition.space(), 0..65_536);
            let leaf = leaves.leaf(partition.code(heavy) as usize);
            prop_assert_eq!((leaf.start, leaf.length), (heavy, 16));
            // Exact counts are estimated exactly.
            prop_assert_eq!(leaf.count, all.iter().filter(|&&value| value == heavy).count() as i64);
            prop_assert_eq!(leaves.counts().iter().sum::<i64>(), all.len() as i64);
            // Deep prefixes are searched, short ones are looked up.
            let mut tree = PrefixTree::new(32, &[4, 13, 8]);
            for threshold in [100.0, 2.0] {
                let cells = |value: u64| (tree.finder().cell(value << 16 | value), tree.cell(u128::from(value << 16 | value)));
                prop_assert!(all.iter().map(|&v| cells(v)).all(|(a, b)| a == b));
                let mut counts = vec![0; tree.level_cells()];
                all.iter().filter_map(|&value| tree.cell(u128::from(value << 16 | value))).for_each(|cell| counts[cell] += 1);
                tree.open(&counts, threshold, 1_000);
            }
            prop_assert!(all.iter().all(|&v| tree.finder().cell(v << 16 | v) == tree.cell(u128::from(v << 16 | v))));
        }
    }

    #[test]
    fn an_empty_tree_is_one_level() {
        let leaves = grow(&[], &[4, 4, 8], 1.0);
        assert_eq!(leaves.len(), 16);
        assert_eq!(leaves.families(0), std::slice::from_ref(&(0..16)));
        assert!(leaves.families(4).is_empty());
    }

    #[test]
    fn families_are_siblings() {
        let leaves = grow(&[0x1234; 10], &[4, 4, 8], 5.0);
        assert_eq!(leaves.len(), 15 + 15 + 256);
        let lengths: Vec<Vec<usize>> =
            [8, 4, 0].map(|l| leaves.families(l).iter().map(|r| r.len()).collect()).to_vec();
        assert_eq!(lengths, [vec![256], vec![15 + 256], vec![15 + 15 + 256]]);
    }

    #[test]
    fn no_more_open_than_allowed() {
        let mut tree = PrefixTree::new(8, &[4, 4]);
        let noisy: Vec<i64> = (0..16).collect();
        tree.open(&noisy, -1.0, 3);
        assert_eq!(tree.level_cells(), 3 << 4);
        assert_eq!(tree.cell(0xf0), Some(32));
        assert_eq!(tree.cell(0x00), None);
    }

    #[test]
    fn leaves_keep_the_sum_that_their_parent_was_counted_to() {
        // The parent counts 1,100, its children 1,000 and 255 times 0: the estimate of the parent is 1,099.6,
        // so that each child takes 0.39 of the missing 99.6.
        let mut tree = PrefixTree::new(16, &[8, 8]);
        let mut noisy = vec![0; 256];
        noisy[0] = 1_100;
        tree.open(&noisy, 500.0, 9);
        noisy[0] = 1_000;
        tree.open(&noisy, 500.0, 9);
        let counts = tree.finish().counts();
        assert!((1_099..=1_100).contains(&counts.iter().sum::<i64>()), "{}", counts.iter().sum::<i64>());
    }

    #[test]
    fn special_values_are_counted_on_the_first_level_and_never_open() {
        let mut tree = PrefixTree::new(16, &[4, 4, 8]).beside(2);
        assert_eq!(tree.level_cells(), 18);
        let cells = [0u64, 65_535, 65_536, 65_537, 65_538]
            .map(|value| (tree.cell(value.into()), tree.finder().cell(value)));
        assert_eq!(cells, [Some(0), Some(15), Some(16), Some(17), None].map(|cell| (cell, cell)));
        let mut noisy = vec![0; 18];
        (noisy[3], noisy[16], noisy[17]) = (900, 5_000, 7);
        tree.open(&noisy, 100.0, 9);
        assert_eq!((tree.level_cells(), tree.cell(65_536), tree.finder().cell(65_536)), (16, None, None));
        tree.open(&[0; 16], 100.0, 9);
        tree.open(&[], 100.0, 9);
        let leaves = tree.finish();
        let partition = leaves.partition();
        assert_eq!((partition.space(), partition.bins()), (0..65_538, 15 + 16 + 2));
        let counts = leaves.counts();
        assert_eq!(counts[counts.len() - 2..], [5_000, 7]);
        // They have no relatives among the others.
        assert_eq!(leaves.families(0), [0..31, 31..33]);
        assert!(leaves.families(4).iter().all(|family| family.end <= 31));
    }
}
