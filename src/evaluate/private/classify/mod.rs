//! Classification: do classifiers trained on synthetic records know the classes of raw ones?
//!
//! Five classifiers learn the key attribute, once from the raw records and once from the synthetic ones; both are tried
//! on raw records held out. The second figure beside the first is what the synthetic trace is worth to whoever trains
//! on it (NetDPSyn, IMC '24, section 4.2, after NetShare, SIGCOMM '22).
//!
//! | file | idea |
//! | --- | --- |
//! | [`features`] | columns of a trace as numbers, on two scales |
//! | [`bins`] | columns as quantile bins, for trees |
//! | [`tree`] | one tree, grown on whatever its nodes sum up |
//! | [`forest`] | class counts in its nodes: a decision tree, a forest |
//! | [`boosting`] | gradients in its nodes: gradient boosting |
//! | [`network`] | layers and Adam: logistic regression without a hidden layer, a perceptron with one |
//! | [`score`] | accuracy and macro-F1 |
//!
//! One tree serves three classifiers and one network two, which together are smaller and many times faster than a crate
//! for each; `tests/known_answers/models.py` holds them to scikit-learn's figures.

pub mod bins;
pub mod boosting;
pub mod features;
pub mod forest;
pub mod network;
pub mod score;
pub mod tree;

use super::chance;
use super::skipped::Skipped;
use crate::trace::{Schema, Trace};
use features::{Features, Scales};
use rayon::prelude::*;
use score::Score;
use serde::Serialize;
use std::collections::BTreeSet;

/// Rows that a classifier is trained on at most, and tried on at most: a sample drawn by a fixed seed.
pub const MAX_ROWS: usize = 50_000;
/// Distinct values of the key attribute at most: beyond, they are no classes to be told apart.
pub const MAX_CLASSES: usize = 64;

/// How well the key attribute is learnt from synthetic records, beside raw ones.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Classification {
    /// The column that is predicted: the schema's key attribute.
    pub key: String,
    /// The columns it is predicted from.
    pub features: Vec<String>,
    /// Distinct values of the key attribute in the rows that were used, raw, synthetic or held out.
    pub classes: usize,
    /// Raw rows trained on: all, or a seeded sample of 50,000.
    pub trained_real: usize,
    /// Synthetic rows trained on: all, or a seeded sample of 50,000.
    pub trained_synthetic: usize,
    /// Held-out raw rows that both were tried on: all, or a seeded sample of 50,000.
    pub tested: usize,
    /// Every classifier.
    pub classifiers: Vec<Trained>,
    /// Means over the classifiers.
    pub mean: Both,
}

/// One classifier, trained twice.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Trained {
    /// Which.
    pub classifier: Classifier,
    /// How it did on the held-out rows.
    #[serde(flatten)]
    pub scores: Both,
}

/// A figure after training on raw records, and the same after training on synthetic ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Both {
    /// Trained on raw records: the level to be reached.
    pub real: Score,
    /// Trained on synthetic records.
    pub synthetic: Score,
}

/// The five classifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Classifier {
    /// One decision tree, grown until its leaves are pure.
    DecisionTree,
    /// Softmax (multinomial logistic) regression.
    LogisticRegression,
    /// A forest of 50 decision trees.
    RandomForest,
    /// Gradient boosting of 30 rounds.
    GradientBoosting,
    /// A multi-layer perceptron with one hidden layer.
    Perceptron,
}

impl Classifier {
    /// All of them. The slowest stand first, so that parallel work ends together.
    const ALL: [Classifier; 5] = [
        Classifier::Perceptron,
        Classifier::RandomForest,
        Classifier::GradientBoosting,
        Classifier::LogisticRegression,
        Classifier::DecisionTree,
    ];

    /// Classes of the `test` rows after training on `train`, whose labels are below `classes`, each there at least once.
    fn predict(self, train: &Features, labels: &[u16], classes: usize, test: &Features) -> Vec<u16> {
        match self {
            Classifier::DecisionTree => forest::decision_tree(train, labels, classes, test),
            Classifier::RandomForest => forest::random_forest(train, labels, classes, test),
            Classifier::GradientBoosting => boosting::gradient_boosting(train, labels, classes, test),
            Classifier::LogisticRegression | Classifier::Perceptron => {
                let scales = Scales::of(train);
                let (train, test) = (scales.apply(train), scales.apply(test));
                let shape =
                    if self == Classifier::Perceptron { network::PERCEPTRON } else { network::LOGISTIC };
                network::predict(&train, labels, classes, &test, shape)
            }
        }
    }
}

/// Trains on raw and on synthetic records and tries both on held-out ones. All three have the schema's columns.
pub fn classify(
    real: &Trace,
    synthetic: &Trace,
    held_out: &Trace,
    schema: &Schema,
) -> Result<Classification, Skipped> {
    let key =
        schema.key_column().ok_or_else(|| Skipped::because("the trace has no key attribute to predict"))?;
    let chosen = features::chosen(schema, key);
    if chosen.is_empty() {
        return Err(Skipped::because(
            "the trace has none of the columns that the key attribute is predicted from",
        ));
    }
    for (trace, part) in [(real, "raw"), (synthetic, "synthetic"), (held_out, "held-out")] {
        if trace.rows() == 0 {
            return Err(Skipped::because(format!("there are no {part} rows")));
        }
    }
    let part = |trace: &Trace, purpose| trace.select(&chance::sample(trace.rows(), MAX_ROWS, purpose));
    let parts = [part(real, 1), part(synthetic, 2), part(held_out, 3)];
    let values = |part: &Trace| part.column(key).iter().collect::<BTreeSet<u64>>();
    if values(&parts[2]).len() < 2 {
        return Err(Skipped::because("the held-out rows are all of one class"));
    }
    let classes: Vec<u64> = parts.iter().flat_map(values).collect::<BTreeSet<_>>().into_iter().collect();
    if classes.len() > MAX_CLASSES {
        let (name, found) = (&schema.columns[key].name, classes.len());
        let reason =
            format!("{name} has {found} values; more than {MAX_CLASSES} are no classes to be learnt");
        return Err(Skipped::because(reason));
    }
    let labels = parts.each_ref().map(|part| labels(part.column(key).iter(), &classes));
    let features = parts.each_ref().map(|part| Features::of(part, schema, &chosen));
    let jobs: Vec<(Classifier, usize)> =
        Classifier::ALL.into_iter().flat_map(|classifier| [(classifier, 0), (classifier, 1)]).collect();
    let scores: Vec<Score> = jobs
        .into_par_iter()
        .map(|(classifier, side)| {
            let predicted = learn(classifier, &features[side], &labels[side], &features[2]);
            score::score(&labels[2], &predicted, classes.len())
        })
        .collect();
    let mut classifiers: Vec<Trained> = Classifier::ALL
        .into_iter()
        .zip(scores.chunks_exact(2))
        .map(|(classifier, s)| Trained { classifier, scores: Both { real: s[0], synthetic: s[1] } })
        .collect();
    classifiers.sort_by_key(|trained| trained.classifier as u8);
    Ok(Classification {
        key: schema.columns[key].name.clone(),
        features: chosen.iter().map(|&column| schema.columns[column].name.clone()).collect(),
        classes: classes.len(),
        trained_real: labels[0].len(),
        trained_synthetic: labels[1].len(),
        tested: labels[2].len(),
        mean: Both {
            real: Score::mean(classifiers.iter().map(|c| c.scores.real)),
            synthetic: Score::mean(classifiers.iter().map(|c| c.scores.synthetic)),
        },
        classifiers,
    })
}

/// The position of each value among the sorted `classes`.
fn labels(values: impl Iterator<Item = u64>, classes: &[u64]) -> Vec<u16> {
    values.map(|value| classes.partition_point(|&class| class < value) as u16).collect()
}

/// What a classifier predicts for the `test` rows. It knows only the classes that it was shown: one that is missing in
/// the training part is never predicted.
fn learn(classifier: Classifier, train: &Features, labels: &[u16], test: &Features) -> Vec<u16> {
    let shown: Vec<u16> = labels.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    match shown[..] {
        [] => vec![0; test.rows()],
        [only] => vec![only; test.rows()],
        _ => {
            let compact: Vec<u16> =
                labels.iter().map(|&l| shown.partition_point(|&s| s < l) as u16).collect();
            let predicted = classifier.predict(train, &compact, shown.len(), test);
            predicted.into_iter().map(|class| shown[usize::from(class)]).collect()
        }
    }
}
