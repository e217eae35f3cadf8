//! Accuracy and macro-F1 of predictions; macro-F1 gives rare classes the same weight as frequent ones.

use serde::{Deserialize, Serialize};

/// Accuracy and macro-F1, each 0 (worst) to 1 (best).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassificationScore {
    /// Share of the rows whose class was predicted.
    pub accuracy: f64,
    /// Mean F1 over the classes that occur among the test rows or among the predictions; a class without any
    /// hit counts 0. F1 of a class is 2·hits / (rows of the class + predictions of the class).
    pub macro_f1: f64,
}

impl ClassificationScore {
    /// The mean of some scores; 0 of none.
    pub fn mean(scores: impl ExactSizeIterator<Item = ClassificationScore>) -> ClassificationScore {
        let count = scores.len().max(1) as f64;
        let sum = scores.fold([0.0, 0.0], |[a, f], score| [a + score.accuracy, f + score.macro_f1]);
        ClassificationScore { accuracy: sum[0] / count, macro_f1: sum[1] / count }
    }
}

/// For each class below `classes`, the number of its rows in `truth`, and how many of these were predicted.
pub fn hits(truth: &[u16], predicted: &[u16], classes: usize) -> Vec<(u32, u32)> {
    let mut counts = vec![(0, 0); classes];
    for (&t, &p) in truth.iter().zip(predicted) {
        let (rows, hits) = &mut counts[usize::from(t)];
        *rows += 1;
        *hits += u32::from(t == p);
    }
    counts
}

/// Scores predictions of classes below `classes`. Macro-F1 is that of scikit-learn's
/// `f1_score(average="macro")`: it averages over the classes of truth and predictions together.
pub fn score(truth: &[u16], predicted: &[u16], classes: usize) -> ClassificationScore {
    let mut hits = vec![0u64; classes];
    let mut seen = vec![0u64; classes];
    for (&t, &p) in truth.iter().zip(predicted) {
        hits[usize::from(t)] += u64::from(t == p);
        seen[usize::from(t)] += 1;
        seen[usize::from(p)] += 1;
    }
    let occurring: Vec<f64> = hits
        .iter()
        .zip(&seen)
        .filter(|&(_, &seen)| seen > 0)
        .map(|(&hits, &seen)| 2.0 * hits as f64 / seen as f64)
        .collect();
    ClassificationScore {
        accuracy: hits.iter().sum::<u64>() as f64 / truth.len().max(1) as f64,
        macro_f1: occurring.iter().sum::<f64>() / occurring.len().max(1) as f64,
    }
}
