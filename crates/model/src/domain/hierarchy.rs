//! Consistent counts of a tree's nodes: the least-squares estimate from all levels (Hay, Rastogi, Miklau &
//! Suciu, *Boosting the Accuracy of Differentially Private Histograms Through Consistency*, VLDB 2010,
//! section 4).
//!
//! Every node is counted with noise of the same variance. From the leaves up, a node's own count and the sum
//! of its children are averaged by inverse variance; from the root down, the remaining difference is
//! distributed among the children in proportion to their variances. The estimate of a leaf has less variance
//! than its count, and a sum over all children of a node has hardly more than one count, however many they
//! are.

/// One answered level: `fan` children of each open node, in order.
#[derive(Clone, Debug)]
pub struct Level {
    /// Number of children of a node.
    pub fan: usize,
    /// The noisy count of each child.
    pub noisy: Vec<i64>,
    /// Indices of the open children, ascending: the parents of the next level, in order.
    pub opened: Vec<usize>,
}

/// The estimates of every node, level by level. The estimates of the children of a node sum to its own.
pub fn least_squares(levels: &[Level]) -> Vec<Vec<f64>> {
    // Variances relative to that of one count.
    let mut estimates: Vec<Vec<f64>> =
        levels.iter().map(|level| level.noisy.iter().map(|&n| n as f64).collect()).collect();
    let mut variances: Vec<Vec<f64>> = levels.iter().map(|level| vec![1.0; level.noisy.len()]).collect();
    for upper in (0..levels.len().saturating_sub(1)).rev() {
        let fan = levels[upper + 1].fan;
        for (parent, &cell) in levels[upper].opened.iter().enumerate() {
            let children = parent * fan..(parent + 1) * fan;
            let sum: f64 = estimates[upper + 1][children.clone()].iter().sum();
            let variance: f64 = variances[upper + 1][children].iter().sum();
            // The node's own count has variance 1.
            estimates[upper][cell] = (estimates[upper][cell] * variance + sum) / (variance + 1.0);
            variances[upper][cell] = variance / (variance + 1.0);
        }
    }
    for upper in 0..levels.len().saturating_sub(1) {
        let fan = levels[upper + 1].fan;
        for (parent, &cell) in levels[upper].opened.iter().enumerate() {
            let children = parent * fan..(parent + 1) * fan;
            let sum: f64 = estimates[upper + 1][children.clone()].iter().sum();
            let variance: f64 = variances[upper + 1][children.clone()].iter().sum();
            let missing = (estimates[upper][cell] - sum) / variance;
            for child in children {
                estimates[upper + 1][child] += missing * variances[upper + 1][child];
            }
        }
    }
    estimates
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_node_and_its_two_children_by_hand() {
        // A node counted as 10 with children 2 and 4, beside a leaf of 7. The children sum to 6 with variance
        // 2, so the node is (2·10 + 6) / 3 = 26/3, and each child takes half of the missing 8/3.
        let levels = [
            Level { fan: 2, noisy: vec![10, 7], opened: vec![0] },
            Level { fan: 2, noisy: vec![2, 4], opened: vec![] },
        ];
        let estimates = least_squares(&levels);
        let expected = [[26.0 / 3.0, 7.0], [10.0 / 3.0, 16.0 / 3.0]];
        for (e, x) in estimates.iter().flatten().zip(expected.as_flattened()) {
            assert!((e - x).abs() < 1e-12);
        }
    }

    /// Two levels of three children, of which some are open.
    fn any_levels() -> impl Strategy<Value = Vec<Level>> {
        let opened = prop::sample::subsequence((0..3).collect::<Vec<usize>>(), 1..=3);
        (prop::collection::vec(-20i64..200, 3), opened, prop::collection::vec(-20i64..200, 9)).prop_map(
            |(upper, opened, mut lower)| {
                lower.truncate(3 * opened.len());
                let lower = Level { fan: 3, noisy: lower, opened: vec![] };
                vec![Level { fan: 3, noisy: upper, opened }, lower]
            },
        )
    }

    proptest! {
        #[test]
        fn children_sum_to_their_node_and_nothing_is_nearer(levels in any_levels(), at in 0usize..9, by in -1.0f64..1.0) {
            let estimates = least_squares(&levels);
            let distance = |leaves: &[Vec<f64>]| {
                let mut upper = leaves[0].clone();
                for (parent, &cell) in levels[0].opened.iter().enumerate() {
                    upper[cell] = leaves[1][3 * parent..3 * parent + 3].iter().sum();
                }
                let square = |a: &[f64], b: &[i64]| a.iter().zip(b).map(|(x, &n)| (x - n as f64).powi(2)).sum::<f64>();
                square(&upper, &levels[0].noisy) + square(&leaves[1], &levels[1].noisy)
            };
            for (parent, &cell) in levels[0].opened.iter().enumerate() {
                let sum: f64 = estimates[1][3 * parent..3 * parent + 3].iter().sum();
                prop_assert!((sum - estimates[0][cell]).abs() < 1e-9);
            }
            // The squared distance to all counts has its minimum here: moving any leaf increases it.
            let mut moved = estimates.clone();
            let at = at % moved[1].len();
            moved[1][at] += by;
            prop_assert!(distance(&moved) >= distance(&estimates) - 1e-9);
        }
    }
}
