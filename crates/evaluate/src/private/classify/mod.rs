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
//! One tree serves three classifiers and one network two: less code than gluing three crates together, and a forest of 50 in
//! a fraction of the time that a general one of 20 takes. `crates/evaluate/known_answers/models.py` holds them to scikit-learn's figures.

pub mod bins;
pub mod boosting;
pub mod features;
pub mod forest;
pub mod network;
pub mod score;
pub mod tree;

use super::draws;
use super::skipped::{NotTaken, Skipped};
use features::Features;
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Field, Schema, Trace, protocols};
use rayon::prelude::*;
use score::Score;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Rows that a classifier is trained on at most, and tried on at most: a sample drawn by a fixed seed.
pub const MAX_ROWS: usize = 50_000;
/// Distinct values of the key attribute at most: beyond, they are no classes to be told apart.
pub const MAX_CLASSES: usize = 40;
/// Fitted records from which on a class should be found in a synthetic trace.
pub const ENOUGH: u64 = 50;

/// How well the key attribute is learnt from synthetic records, beside raw ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Every class among the held-out rows, the rarest of the fitted ones first. Reports before version 3 have none.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub recalls: Vec<Recall>,
}

/// How many of the rows of one class are found, as decision tree and random forest have it on average: the means over all classes hide the rare ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ClassRecall))]
pub struct Recall {
    /// The class.
    pub class: String,
    /// Fitted raw records of it.
    pub fitted: u64,
    /// Held-out rows of it that were tried.
    pub tested: u32,
    /// Share of them that was predicted after training on raw records, 0 to 1.
    pub real: f64,
    /// The same after training on synthetic records. Good is near the raw one; 0 is a class that is lost.
    pub synthetic: f64,
}

impl Recall {
    /// Whether a class of enough records for any method is found after training on raw records, and never after training on synthetic ones.
    pub fn is_lost(&self) -> bool {
        self.fitted >= ENOUGH && self.real > 0.0 && self.synthetic == 0.0
    }
}

/// One classifier, trained twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ClassifierScores))]
pub struct Trained {
    /// Which.
    pub classifier: Classifier,
    /// How it did on the held-out rows.
    #[serde(flatten)]
    pub scores: Both,
}

/// A figure after training on raw records, and the same after training on synthetic ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BothScores))]
pub struct Both {
    /// Trained on raw records: the level to be reached.
    pub real: Score,
    /// Trained on synthetic records.
    pub synthetic: Score,
}

/// The five classifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

    /// Whether it is the tree, or the forest: whose recalls are shown.
    fn is_of_trees(self) -> bool {
        matches!(self, Classifier::DecisionTree | Classifier::RandomForest)
    }

    /// How it learns.
    fn learn(self) -> Learn {
        match self {
            Classifier::DecisionTree => forest::decision_tree,
            Classifier::LogisticRegression => network::logistic_regression,
            Classifier::RandomForest => forest::random_forest,
            Classifier::GradientBoosting => boosting::gradient_boosting,
            Classifier::Perceptron => network::perceptron,
        }
    }
}

/// What a classifier learns from, and what it is asked then.
#[derive(Clone, Copy)]
pub struct Lesson<'a> {
    /// Rows to train on.
    train: &'a Features,
    /// Their classes, as numbers.
    labels: &'a [u16],
    /// They are below this.
    classes: usize,
    /// Rows whose classes are wanted.
    test: &'a Features,
    /// Who may stop it.
    progress: &'a dyn Progress,
}

/// A classifier: a class for each of the `test` rows, where every class is there to train on.
type Learn = fn(&Lesson) -> Result<Vec<u16>, Cancelled>;

/// Trains on raw and on synthetic records and tries both on held-out ones. All three have the schema's columns.
pub fn classify(
    real: &Trace,
    synthetic: &Trace,
    held_out: &Trace,
    schema: &Schema,
    progress: &dyn Progress,
) -> Result<Classification, NotTaken> {
    let key =
        schema.key_column().ok_or_else(|| Skipped::because("the trace has no key attribute to predict"))?;
    let chosen = features::chosen(schema, key);
    if chosen.is_empty() {
        let reason = "the trace has none of the columns that the key attribute is predicted from";
        return Err(Skipped::because(reason).into());
    }
    for (trace, part) in [(real, "raw"), (synthetic, "synthetic"), (held_out, "held-out")] {
        if trace.rows() == 0 {
            return Err(Skipped::because(format!("there are no {part} rows")).into());
        }
    }
    let part = |trace: &Trace, purpose| trace.select(&draws::sample(trace.rows(), MAX_ROWS, purpose));
    let parts = [part(real, 1), part(synthetic, 2), part(held_out, 3)];
    let values = |part: &Trace| part.column(key).iter().collect::<BTreeSet<u64>>();
    if values(&parts[2]).len() < 2 {
        return Err(Skipped::because("the held-out rows are all of one class").into());
    }
    let classes: Vec<u64> = parts.iter().flat_map(values).collect::<BTreeSet<_>>().into_iter().collect();
    if classes.len() > MAX_CLASSES {
        let (name, found) = (&schema.columns[key].name, classes.len());
        let reason =
            format!("{name} has {found} values; more than {MAX_CLASSES} are no classes to be learnt");
        return Err(Skipped::because(reason).into());
    }
    let labels = parts.each_ref().map(|part| labels(part.column(key).iter(), &classes));
    let features = parts.each_ref().map(|part| Features::of(part, schema, &chosen));
    let truth = &labels[2];
    let jobs: Vec<(Classifier, usize)> =
        Classifier::ALL.into_iter().flat_map(|classifier| [(classifier, 0), (classifier, 1)]).collect();
    let tried: Vec<(Score, Vec<(u32, u32)>)> = jobs
        .into_par_iter()
        .map(|(classifier, side)| {
            let (train, labels) = (&features[side], &labels[side]);
            let all = Lesson { train, labels, classes: classes.len(), test: &features[2], progress };
            let predicted = shown(classifier, all)?;
            let hits = score::hits(truth, &predicted, classes.len());
            Ok((score::score(truth, &predicted, classes.len()), hits))
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut classifiers: Vec<Trained> = Classifier::ALL
        .into_iter()
        .zip(tried.chunks_exact(2))
        .map(|(classifier, t)| Trained { classifier, scores: Both { real: t[0].0, synthetic: t[1].0 } })
        .collect();
    classifiers.sort_by_key(|trained| trained.classifier as u8);
    let mut fitted = vec![0; classes.len()];
    real.column(key).visit(progress, |value| {
        if let Ok(class) = classes.binary_search(&value) {
            fitted[class] += 1;
        }
    })?;
    // Of the classifiers that see classes by themselves, on either side.
    let trees = Classifier::ALL.iter().zip(tried.chunks_exact(2));
    let trees: Vec<_> = trees.filter(|(classifier, _)| classifier.is_of_trees()).map(|(_, t)| t).collect();
    let recall = |class: usize, side: usize| {
        let shares = trees.iter().map(|tried| {
            let (rows, hits) = tried[side].1[class];
            f64::from(hits) / f64::from(rows)
        });
        shares.sum::<f64>() / trees.len() as f64
    };
    let mut recalls: Vec<Recall> = (0..classes.len())
        .filter_map(|class| {
            let tested = tried[0].1[class].0;
            let name = class_name(&schema.columns[key].field, classes[class]);
            let found = || Recall {
                class: name,
                fitted: fitted[class],
                tested,
                real: recall(class, 0),
                synthetic: recall(class, 1),
            };
            (tested > 0).then(found)
        })
        .collect();
    recalls.sort_by_key(|recall| recall.fitted);
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
        recalls,
    })
}

/// What a class is called in the trace; what is not declared is `other`.
fn class_name(field: &Field, value: u64) -> String {
    match field {
        Field::Categorical(Some(names)) => {
            names.get(value as usize).map_or("other", String::as_str).to_string()
        }
        Field::Protocol => {
            u8::try_from(value).ok().and_then(protocols::name).map_or(value.to_string(), String::from)
        }
        _ => value.to_string(),
    }
}

/// The position of each value among the sorted `classes`.
fn labels(values: impl Iterator<Item = u64>, classes: &[u64]) -> Vec<u16> {
    values.map(|value| classes.partition_point(|&class| class < value) as u16).collect()
}

/// What a classifier makes of a lesson some of whose classes may be missing in the training part. It knows only those that it was shown: one that is missing
/// is never predicted.
fn shown(classifier: Classifier, lesson: Lesson) -> Result<Vec<u16>, Cancelled> {
    let shown: Vec<u16> = lesson.labels.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    match shown[..] {
        [] => Ok(vec![0; lesson.test.rows()]),
        [only] => Ok(vec![only; lesson.test.rows()]),
        _ => {
            let compact: Vec<u16> =
                lesson.labels.iter().map(|&l| shown.partition_point(|&s| s < l) as u16).collect();
            let learn = classifier.learn();
            let predicted = learn(&Lesson { labels: &compact, classes: shown.len(), ..lesson })?;
            Ok(predicted.into_iter().map(|class| shown[usize::from(class)]).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::Values;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::simulate::{flows, packets};
    use serde_json::Value;

    /// What scikit-learn makes of the samples.
    fn expected() -> Value {
        serde_json::from_str(include_str!("../../../known_answers/models.json")).unwrap()
    }

    fn with_key(trace: &Trace, schema: &Schema, key: impl Fn(usize, u64) -> u64) -> Trace {
        let at = schema.key_column().unwrap();
        let changed = trace.column(at).iter().enumerate().map(|(i, value)| key(i, value));
        let mut columns = trace.columns().to_vec();
        columns[at] = Values::collect(u64::from(u16::MAX), changed);
        Trace::new(columns)
    }

    /// Rows with i % 5 = 4 held out, the others trained on; and these with every seventh class moved on.
    fn parts(trace: &Trace, schema: &Schema, next: fn(u64) -> u64) -> [Trace; 3] {
        let (held_out, kept): (Vec<u32>, Vec<u32>) = (0..4_000).partition(|i| i % 5 == 4);
        let real = trace.select(&kept);
        let disturbed = with_key(&real, schema, |i, class| if i % 7 == 0 { next(class) } else { class });
        [real, disturbed, trace.select(&held_out)]
    }

    fn agree(name: &str, trace: &Trace, schema: &Schema, next: fn(u64) -> u64) {
        let [real, disturbed, held_out] = parts(trace, schema, next);
        let found = classify(&real, &disturbed, &held_out, schema, &Quiet).unwrap();
        assert_eq!((found.trained_real, found.trained_synthetic, found.tested), (3_200, 3_200, 800));
        let expected = &expected()[name];
        for trained in &found.classifiers {
            let classifier = serde_json::to_value(trained.classifier).unwrap();
            let classifier = classifier.as_str().unwrap();
            for (side, score) in [("real", trained.scores.real), ("synthetic", trained.scores.synthetic)] {
                let accuracy = expected[side][classifier]["accuracy"].as_f64().unwrap();
                let off = (score.accuracy - accuracy).abs();
                assert!(off <= 0.02, "{name} {side} {classifier}: {score:?}, scikit-learn {accuracy}");
            }
        }
    }

    #[test]
    fn flows_are_classified_as_scikit_learn_does() {
        agree("flows", &flows::simulate(40_000, 1), &flows::schema(), |class| (class + 1) % 4);
    }

    #[test]
    fn packets_are_classified_as_scikit_learn_does() {
        agree("packets", &packets::simulate(30_000, 1), &packets::schema(), |flag| 2 - flag);
    }

    #[test]
    fn scores_are_those_of_scikit_learn() {
        for case in expected()["scores"].as_array().unwrap() {
            let list = |name: &str| serde_json::from_value::<Vec<u16>>(case[name].clone()).unwrap();
            let score = score::score(&list("truth"), &list("predicted"), 5);
            assert!((score.accuracy - case["accuracy"].as_f64().unwrap()).abs() < 1e-12);
            assert!((score.macro_f1 - case["macro_f1"].as_f64().unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn what_cannot_be_classified_is_skipped_with_a_reason() {
        let (schema, trace) = (flows::schema(), flows::simulate(50, 1));
        let none = Trace::empty(&schema);
        let reason = |real, synthetic, held_out, schema: &Schema| match classify(
            real, synthetic, held_out, schema, &Quiet,
        ) {
            Err(NotTaken::Skipped(reason)) => reason.0,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(&none, &trace, &trace, &schema), "there are no raw rows");
        assert_eq!(reason(&trace, &none, &trace, &schema), "there are no synthetic rows");
        assert_eq!(reason(&trace, &trace, &none, &schema), "there are no held-out rows");
        let one = with_key(&trace, &schema, |_, _| 2);
        assert_eq!(reason(&trace, &trace, &one, &schema), "the held-out rows are all of one class");
        let many = with_key(&flows::simulate(500, 1), &schema, |i, _| i as u64);
        assert_eq!(
            reason(&many, &many, &many, &schema),
            "type has 500 values; more than 40 are no classes to be learnt"
        );
        let mut keyless = schema;
        keyless.columns.iter_mut().for_each(|column| column.roles = Default::default());
        assert_eq!(reason(&trace, &trace, &trace, &keyless), "the trace has no key attribute to predict");
    }

    #[test]
    fn a_class_that_was_never_shown_scores_nothing() {
        let schema = flows::schema();
        let trace = flows::simulate(200, 1);
        let alternating = with_key(&trace, &schema, |i, _| i as u64 % 2);
        let other = with_key(&trace, &schema, |i, _| 2 + i as u64 % 2);
        let single = with_key(&trace, &schema, |_, _| 0);
        let found = classify(&single, &other, &alternating, &schema, &Quiet).unwrap();
        assert_eq!(found.classes, 4);
        for trained in found.classifiers {
            // Half the rows are of the only class known; F1 is 2·100 / (100 + 200) of it and 0 of the other.
            assert_eq!(trained.scores.real, Score { accuracy: 0.5, macro_f1: 1.0 / 3.0 });
            assert_eq!(trained.scores.synthetic, Score { accuracy: 0.0, macro_f1: 0.0 });
        }
        let normal = Recall { class: "normal".into(), fitted: 200, tested: 100, real: 1.0, synthetic: 0.0 };
        let ddos = Recall { class: "ddos".into(), fitted: 0, real: 0.0, ..normal.clone() };
        assert!(normal.is_lost() && !ddos.is_lost());
        assert_eq!(found.recalls, [ddos, normal], "and none of what no held-out row is");
    }

    #[test]
    fn constant_columns_and_single_rows_give_figures() {
        let schema = flows::schema();
        let row = |class| [1, 2, 3, 4, 6, 5, u64::from(u32::MAX), 1 << 32, 1 << 40, 0, class];
        let trace = |classes: &[u64]| {
            let mut trace = Trace::empty(&schema);
            classes.iter().for_each(|&class| trace.push(&row(class)));
            trace
        };
        let found = classify(&trace(&[0, 0, 0, 1]), &trace(&[1]), &trace(&[0, 1]), &schema, &Quiet).unwrap();
        assert_eq!(found.mean.real.accuracy, 0.5);
        assert_eq!(found.mean.synthetic.accuracy, 0.5);
        assert!(found.classifiers.iter().all(|c| c.scores.real.macro_f1.is_finite()));
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let (schema, trace) = (flows::schema(), flows::simulate(400, 1));
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| classify(&trace, &trace, &trace, &schema, &Quiet).unwrap())
        };
        assert_eq!(on(1), on(3));
    }
}
