//! A tree over binned columns, grown on the sums that an [`Objective`] defines for its nodes.
//!
//! Class counts make a classification tree, gradients a regression tree for boosting: in both cases the gain
//! of a split is worth(left) + worth(right) − worth(node), where the target defines the worth.

use super::bins::{BINS, Binned};
use netdpsyn_trace::progress::{Cancelled, Progress};
use rand::{RngExt, rngs::Xoshiro256PlusPlus};

/// The objective of a tree. Sums have [`Objective::width`] numbers.
pub trait Objective: Sync {
    /// Number of sums of a node.
    fn width(&self) -> usize;
    /// Adds a row to the sums.
    fn add(&self, row: u32, sums: &mut [f64]);
    /// The worth of a node with these sums. Splits never lower the total.
    fn worth(&self, sums: &[f64]) -> f64;
    /// Appends the values of a leaf with these sums.
    fn leaf(&self, sums: &[f64], says: &mut Vec<f32>);
}

/// Limits of growth.
pub struct Growth {
    /// Largest depth.
    pub depth: usize,
    /// Least number of rows of a leaf.
    pub leaf: usize,
    /// Number of features that a node considers: all, or that many drawn anew for each node (and more until
    /// one of them splits).
    pub features: usize,
}

enum Node {
    /// Bins up to `bin` go to the next node, others to node `right`.
    Split { feature: u16, bin: u16, right: u32 },
    /// The leaf with number `says`.
    Leaf { says: u32 },
}

/// A grown tree.
pub struct Tree {
    nodes: Vec<Node>,
    says: Vec<f32>,
    leaves: usize,
}

impl Tree {
    /// Grows a tree over `rows` (in which a row may be repeated), which it reorders.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn grow<T: Objective>(
        binned: &Binned,
        rows: &mut [u32],
        target: &T,
        growth: &Growth,
        rng: &mut Xoshiro256PlusPlus,
        progress: &dyn Progress,
    ) -> Result<Tree, Cancelled> {
        let mut tree = Tree { nodes: Vec::new(), says: Vec::new(), leaves: 0 };
        let mut finder = Finder::new(binned, target);
        let mut others = Vec::with_capacity(rows.len());
        // Parts of `rows` that are not nodes yet: start, end, depth, and the split whose right branch the
        // part is.
        let mut open = vec![(0, rows.len(), 0, None)];
        while let Some((start, end, depth, parent)) = open.pop() {
            progress.check()?;
            let here = tree.nodes.len() as u32;
            if let Some(Node::Split { right, .. }) = parent.and_then(|at: usize| tree.nodes.get_mut(at)) {
                *right = here;
            }
            let part = &mut rows[start..end];
            finder.sum(part);
            let found = (depth < growth.depth).then(|| finder.best(part, growth, rng)).flatten();
            let Some((feature, bin)) = found else {
                tree.nodes.push(Node::Leaf { says: tree.leaves as u32 });
                tree.leaves += 1;
                target.leaf(&finder.node, &mut tree.says);
                continue;
            };
            let middle =
                start + partition(part, &mut others, |row| binned.columns[feature][row as usize] <= bin);
            tree.nodes.push(Node::Split { feature: feature as u16, bin, right: 0 });
            open.push((middle, end, depth + 1, Some(here as usize)));
            open.push((start, middle, depth + 1, None));
        }
        Ok(tree)
    }

    /// The values of the leaf of a row.
    pub fn says(&self, binned: &Binned, row: usize) -> &[f32] {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Split { feature, bin, right } => {
                    let left = binned.columns[usize::from(feature)][row] <= bin;
                    at = if left { at + 1 } else { right as usize };
                }
                Node::Leaf { says } => {
                    let width = self.says.len() / self.leaves;
                    return &self.says[says as usize * width..][..width];
                }
            }
        }
    }
}

/// Moves the rows for which `holds` is true to the front; returns their number. Both parts keep their order,
/// so that columns are read forwards.
fn partition(rows: &mut [u32], others: &mut Vec<u32>, holds: impl Fn(u32) -> bool) -> usize {
    others.clear();
    let mut front = 0;
    for i in 0..rows.len() {
        if holds(rows[i]) {
            rows[front] = rows[i];
            front += 1;
        } else {
            others.push(rows[i]);
        }
    }
    rows[front..].copy_from_slice(others);
    front
}

/// Searches for the best split of a node. Its buffers serve all nodes of a tree.
struct Finder<'a, T> {
    binned: &'a Binned,
    target: &'a T,
    /// Sums of the node, and of its parts up to a bin and beyond it.
    node: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
    /// Sums and rows of every bin, all 0 between nodes.
    bins: Vec<f64>,
    counts: Vec<u32>,
    order: Vec<usize>,
}

impl<'a, T: Objective> Finder<'a, T> {
    fn new(binned: &'a Binned, target: &'a T) -> Self {
        let width = target.width();
        let sums = || vec![0.0; width];
        Finder {
            binned,
            target,
            node: sums(),
            left: sums(),
            right: sums(),
            bins: vec![0.0; width * BINS],
            counts: vec![0; BINS],
            order: (0..binned.columns.len()).collect(),
        }
    }

    /// Computes the sums of a node.
    fn sum(&mut self, rows: &[u32]) {
        self.node.fill(0.0);
        rows.iter().for_each(|&row| self.target.add(row, &mut self.node));
    }

    /// The feature and bin of the best split of the last summed node, if any split gains.
    fn best(&mut self, rows: &[u32], growth: &Growth, rng: &mut Xoshiro256PlusPlus) -> Option<(usize, u16)> {
        if rows.len() < 2 * growth.leaf.max(1) {
            return None;
        }
        let worth = self.target.worth(&self.node);
        let mut best = None;
        // A gain that rounding alone may cause.
        let mut most = worth.abs() * 1e-9 + 1e-12;
        let all = self.order.len();
        for looked_at in 0..all {
            if growth.features < all {
                let drawn = rng.random_range(looked_at..all);
                self.order.swap(looked_at, drawn);
            }
            if looked_at >= growth.features && best.is_some() {
                break;
            }
            let feature = self.order[looked_at];
            if let Some((gain, bin)) = self.along(feature, rows, growth.leaf, worth)
                && gain > most
            {
                most = gain;
                best = Some((feature, bin));
            }
        }
        best
    }

    /// The best gain along one feature and the last bin of its left part.
    fn along(&mut self, feature: usize, rows: &[u32], leaf: usize, worth: f64) -> Option<(f64, u16)> {
        let width = self.node.len();
        let column = &self.binned.columns[feature];
        // The bins that have rows: small nodes touch few, and only those are visited and cleared.
        let mut touched = [0u64; BINS / 64];
        for &row in rows {
            let bin = usize::from(column[row as usize]);
            touched[bin / 64] |= 1 << (bin % 64);
            self.counts[bin] += 1;
            self.target.add(row, &mut self.bins[bin * width..][..width]);
        }
        self.left.fill(0.0);
        self.right.copy_from_slice(&self.node);
        let mut passed = 0;
        let mut best: Option<(f64, u16)> = None;
        for (word, mut bits) in touched.into_iter().enumerate() {
            while bits != 0 {
                let bin = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let sums = &mut self.bins[bin * width..][..width];
                for ((left, right), sum) in self.left.iter_mut().zip(&mut self.right).zip(sums) {
                    *left += *sum;
                    *right -= *sum;
                    *sum = 0.0;
                }
                passed += std::mem::take(&mut self.counts[bin]) as usize;
                if passed >= leaf.max(1) && rows.len() - passed >= leaf.max(1) {
                    let gain = self.target.worth(&self.left) + self.target.worth(&self.right) - worth;
                    if best.is_none_or(|(most, _)| gain > most) {
                        best = Some((gain, bin as u16));
                    }
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::draws;
    use netdpsyn_trace::progress::Quiet;

    /// Least squares: the worth is (Σv)²/n.
    struct Mean(Vec<f64>);

    impl Objective for Mean {
        fn width(&self) -> usize {
            2
        }
        fn add(&self, row: u32, sums: &mut [f64]) {
            sums[0] += self.0[row as usize];
            sums[1] += 1.0;
        }
        fn worth(&self, sums: &[f64]) -> f64 {
            if sums[1] > 0.0 { sums[0] * sums[0] / sums[1] } else { 0.0 }
        }
        fn leaf(&self, sums: &[f64], says: &mut Vec<f32>) {
            says.push((sums[0] / sums[1]) as f32);
        }
    }

    fn grown(depth: usize, leaf: usize) -> (Tree, Binned) {
        let binned = Binned { columns: vec![vec![7; 6], vec![0, 1, 2, 700, 701, 1_023]] };
        let target = Mean(vec![1.0, 1.0, 4.0, 10.0, 10.0, 20.0]);
        let growth = Growth { depth, leaf, features: usize::MAX };
        let tree =
            Tree::grow(&binned, &mut [5, 3, 1, 0, 2, 4], &target, &growth, &mut draws::source(1), &Quiet)
                .unwrap();
        (tree, binned)
    }

    fn says(depth: usize, leaf: usize) -> Vec<f32> {
        let (tree, binned) = grown(depth, leaf);
        (0..6).map(|row| tree.says(&binned, row)[0]).collect()
    }

    #[test]
    fn a_tree_grows_as_far_as_it_may() {
        assert_eq!(says(usize::MAX, 1), [1.0, 1.0, 4.0, 10.0, 10.0, 20.0]);
        assert_eq!(grown(usize::MAX, 1).0.leaves, 4);
        // 1, 1, 4 | 10, 10, 20 is worth 12 + 533⅓; the next best, with 20 alone, 135⅕ + 400.
        assert_eq!(says(1, 1), [2.0, 2.0, 2.0, 40.0 / 3.0, 40.0 / 3.0, 40.0 / 3.0]);
        assert_eq!(says(usize::MAX, 3), says(1, 1));
        assert_eq!(says(0, 1), [46.0 / 6.0; 6].map(|mean: f64| mean as f32));
    }
}
