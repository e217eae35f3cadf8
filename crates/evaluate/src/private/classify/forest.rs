//! A decision tree, and a random forest (Breiman 2001): trees that split by Gini impurity until their leaves
//! are pure.

use super::Lesson;
use super::bins::{Binned, Cuts};
use super::tree::{Growth, Objective, Tree};
use crate::private::draws;
use netdpsyn_trace::progress::Cancelled;
use rand::RngExt;
use rayon::prelude::*;

/// Number of trees of a forest.
pub const TREES: usize = 50;
/// Shares of a leaf are scaled to integers, so that the sum of votes does not depend on their order.
const WHOLE: f32 = (1 << 20) as f32;

/// Class counts. With the worth Σ cₖ²/n, the gain of a split is the decrease of the Gini impurity, n·(1 − Σ
/// (cₖ/n)²).
struct Counts<'a> {
    labels: &'a [u16],
    classes: usize,
}

impl Objective for Counts<'_> {
    fn width(&self) -> usize {
        self.classes
    }

    fn add(&self, row: u32, sums: &mut [f64]) {
        sums[usize::from(self.labels[row as usize])] += 1.0;
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        let (total, squares) =
            sums.iter().fold((0.0, 0.0), |(total, squares), n| (total + n, squares + n * n));
        if total > 0.0 { squares / total } else { 0.0 }
    }

    fn leaf(&self, sums: &[f64], says: &mut Vec<f32>) {
        let total: f64 = sums.iter().sum();
        says.extend(sums.iter().map(|n| (n / total.max(1.0)) as f32));
    }
}

/// Classes of the `test` rows by one tree that considers every feature.
///
/// # Errors
/// [`Cancelled`] when the lesson's progress asks to stop.
pub fn decision_tree(lesson: &Lesson) -> Result<Vec<u16>, Cancelled> {
    let Lesson { train, labels, classes, test, progress } = *lesson;
    let cuts = Cuts::of(train);
    let growth = Growth { depth: usize::MAX, leaf: 1, features: usize::MAX };
    let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
    let target = Counts { labels, classes };
    let rng = &mut draws::source(10);
    let tree = Tree::grow(&cuts.apply(train), &mut rows, &target, &growth, rng, progress)?;
    Ok(most_voted(&votes(&tree, &cuts.apply(test), classes), classes))
}

/// Classes of the `test` rows by the mean of 50 trees, each grown on a bootstrap sample and considering
/// √features drawn for each node.
///
/// # Errors
/// [`Cancelled`] when the lesson's progress asks to stop.
pub fn random_forest(lesson: &Lesson) -> Result<Vec<u16>, Cancelled> {
    let Lesson { train, labels, classes, test, progress } = *lesson;
    let cuts = Cuts::of(train);
    let (train, test) = (cuts.apply(train), cuts.apply(test));
    let features = (train.columns.len() as f64).sqrt() as usize;
    let growth = Growth { depth: usize::MAX, leaf: 1, features: features.max(1) };
    let target = Counts { labels, classes };
    let all = (0..TREES as u64)
        .into_par_iter()
        .map(|number| {
            let rng = &mut draws::source(100 + number);
            let mut rows: Vec<u32> =
                (0..labels.len()).map(|_| rng.random_range(0..labels.len() as u32)).collect();
            rows.sort_unstable();
            let tree = Tree::grow(&train, &mut rows, &target, &growth, rng, progress)?;
            Ok(votes(&tree, &test, classes))
        })
        .try_reduce_with(|mut all: Vec<u32>, votes| {
            all.iter_mut().zip(votes).for_each(|(sum, vote)| *sum += vote);
            Ok(all)
        });
    Ok(most_voted(&all.transpose()?.unwrap_or_default(), classes))
}

/// The votes of a tree for every row and class.
fn votes(tree: &Tree, rows: &Binned, classes: usize) -> Vec<u32> {
    let mut votes = Vec::with_capacity(rows.rows() * classes);
    for row in 0..rows.rows() {
        votes.extend(tree.says(rows, row).iter().map(|share| (share * WHOLE) as u32));
    }
    votes
}

/// The class with most votes for every row; of equal ones the first.
fn most_voted(votes: &[u32], classes: usize) -> Vec<u16> {
    let first_most = |votes: &[u32]| {
        let most = votes.iter().max();
        votes.iter().position(|vote| Some(vote) == most).unwrap_or(0) as u16
    };
    votes.chunks_exact(classes).map(first_most).collect()
}
