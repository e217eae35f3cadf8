//! The area under the ROC curve of a score that separates two groups, with its standard error.

/// Area under the ROC curve when smaller scores indicate `members`, and its standard error.
///
/// The area is the probability that a member scores below a non-member, ties counting half. The standard
/// error is that of DeLong, DeLong, Clarke-Pearson (*Comparing the areas under two or more correlated
/// receiver operating characteristic curves*, Biometrics 44, 1988, section 2), from the variance of each
/// record's own share of pairs won. `None` unless both groups have at least two records.
pub fn auc(members: &[f32], others: &[f32]) -> Option<(f64, f64)> {
    if members.len() < 2 || others.len() < 2 {
        return None;
    }
    let won_by_members = placements(members, others);
    let area = mean(&won_by_members);
    // A non-member loses the pairs in which it scores above; the variance is that of those it wins.
    let variance = spread(&won_by_members) + spread(&placements(others, members));
    Some((area, variance.sqrt()))
}

/// For every score, the share of the other scores above it, ties counting half.
fn placements(scores: &[f32], others: &[f32]) -> Vec<f64> {
    let mut sorted = others.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let share = |&score: &f32| {
        let below = sorted.partition_point(|&other| other < score);
        let upto = sorted.partition_point(|&other| other <= score);
        let (above, ties) = (sorted.len() - upto, upto - below);
        (above as f64 + 0.5 * ties as f64) / sorted.len() as f64
    };
    scores.iter().map(share).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance of the values' mean.
fn spread(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    squares / (values.len() - 1) as f64 / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn areas_by_hand() {
        assert_eq!(auc(&[1.0, 2.0], &[3.0, 4.0]), Some((1.0, 0.0)));
        assert_eq!(auc(&[3.0, 4.0], &[1.0, 2.0]), Some((0.0, 0.0)));
        assert_eq!(auc(&[1.0, 1.0], &[1.0, 1.0]), Some((0.5, 0.0)));
        // Members win 2 of 2 and 1 of 2 pairs; others are beaten by 2 of 2 and by 1 of 2.
        assert_eq!(auc(&[1.0, 3.0], &[2.0, 4.0]), Some((0.75, (2.0f64 / 16.0).sqrt())));
        assert_eq!(auc(&[1.0], &[2.0, 3.0]), None);
    }

    proptest! {
        #[test]
        fn sides_mirror(a in prop::collection::vec(0u8..9, 2..40), b in prop::collection::vec(0u8..9, 2..40)) {
            let scores = |values: Vec<u8>| values.into_iter().map(f32::from).collect::<Vec<_>>();
            let (a, b) = (scores(a), scores(b));
            let ((area, error), (mirrored, same)) = (auc(&a, &b).unwrap(), auc(&b, &a).unwrap());
            prop_assert!((area + mirrored - 1.0).abs() < 1e-9 && (error - same).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&area) && error.is_finite());
        }
    }
}
