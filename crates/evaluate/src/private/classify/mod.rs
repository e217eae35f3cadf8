//! Classification: whether classifiers trained on synthetic records predict the classes of raw ones.
//!
//! Five classifiers learn the key attribute, once from the raw records and once from the synthetic ones; both
//! are tested on held-out raw records. The difference shows the value of the synthetic trace for training
//! (NetDPSyn, IMC '24, section 4.2, after NetShare, SIGCOMM '22).
//!
//! | file | idea |
//! | --- | --- |
//! | [`features`] | columns of a trace as numbers, on two scales |
//! | [`bins`] | columns as quantile bins, for trees |
//! | [`tree`] | one tree, grown on the sums of its nodes |
//! | [`forest`] | class counts in the nodes: a decision tree, a forest |
//! | [`boosting`] | gradients in the nodes: gradient boosting |
//! | [`network`] | layers and Adam: logistic regression without a hidden layer, a perceptron with one |
//! | [`score`] | accuracy and macro-F1 |
//!
//! One tree serves three classifiers and one network two. This is less code than adapting three crates, and a
//! forest of 50 takes a fraction of the time of a general one of 20.
//! `crates/evaluate/known_answers/models.py` compares them with scikit-learn.

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
use score::ClassificationScore;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Largest number of rows for training, and for testing: a sample with a fixed seed.
pub const MAX_ROWS: usize = 50_000;
/// Largest number of distinct values of the key attribute; with more it is not a class.
pub const MAX_CLASSES: usize = 40;
/// Number of fitted records from which a class should be present in a synthetic trace.
pub const ENOUGH: u64 = 50;

/// Prediction of the key attribute after training on synthetic records, compared with training on raw ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Classification {
    /// The column that is predicted: the schema's key attribute.
    pub key: String,
    /// The columns from which it is predicted.
    pub features: Vec<String>,
    /// Number of distinct values of the key attribute in the used rows: raw, synthetic or held out.
    pub classes: usize,
    /// Number of raw training rows: all, or a seeded sample of 50,000.
    pub trained_real: usize,
    /// Number of synthetic training rows: all, or a seeded sample of 50,000.
    pub trained_synthetic: usize,
    /// Number of held-out raw rows for testing: all, or a seeded sample of 50,000.
    pub tested: usize,
    /// The results of every classifier.
    pub classifiers: Vec<ClassifierScores>,
    /// Means over the classifiers.
    pub mean: BothScores,
    /// Every class among the held-out rows, beginning with the rarest of the fitted ones. Reports before
    /// version 3 have none.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub recalls: Vec<ClassRecall>,
}

/// The recall of one class, averaged over decision tree and random forest: means over all classes hide the
/// rare ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassRecall {
    /// The class.
    pub class: String,
    /// Number of fitted raw records of the class.
    pub fitted: u64,
    /// Number of tested held-out rows of the class.
    pub tested: u32,
    /// Recall after training on raw records, 0 to 1.
    pub real: f64,
    /// Recall after training on synthetic records. Good is near the raw one; at 0 the class is lost.
    pub synthetic: f64,
}

impl ClassRecall {
    /// Whether a class with enough records for any method is predicted after training on raw records, and
    /// never after training on synthetic ones.
    pub fn is_lost(&self) -> bool {
        self.fitted >= ENOUGH && self.real > 0.0 && self.synthetic == 0.0
    }
}

/// One classifier, trained twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassifierScores {
    /// The classifier.
    pub classifier: Classifier,
    /// Its scores on the held-out rows.
    #[serde(flatten)]
    pub scores: BothScores,
}

/// A score after training on raw records, and after training on synthetic ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BothScores {
    /// Trained on raw records: the reference.
    pub real: ClassificationScore,
    /// Trained on synthetic records.
    pub synthetic: ClassificationScore,
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
    /// All classifiers. The slowest come first, so that parallel work ends together.
    const ALL: [Classifier; 5] = [
        Classifier::Perceptron,
        Classifier::RandomForest,
        Classifier::GradientBoosting,
        Classifier::LogisticRegression,
        Classifier::DecisionTree,
    ];

    /// Whether it is the tree or the forest, whose recalls are reported.
    fn is_of_trees(self) -> bool {
        matches!(self, Classifier::DecisionTree | Classifier::RandomForest)
    }

    /// The training function.
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

/// The training and test data of a classifier.
#[derive(Clone, Copy)]
pub struct Lesson<'a> {
    /// Training rows.
    train: &'a Features,
    /// Classes of the training rows, as numbers.
    labels: &'a [u16],
    /// Number of classes.
    classes: usize,
    /// Test rows.
    test: &'a Features,
    /// For cancellation.
    progress: &'a dyn Progress,
}

/// A classifier: predicts a class for each of the `test` rows, where every class occurs in the training rows.
type Learn = fn(&Lesson) -> Result<Vec<u16>, Cancelled>;

/// Trains on raw and on synthetic records and tests both on held-out ones. All three have the schema's
/// columns.
///
/// # Errors
/// [`NotTaken`] when there is nothing to predict or to predict from, or `progress` asks to stop.
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
    let tried: Vec<(ClassificationScore, Vec<(u32, u32)>)> = jobs
        .into_par_iter()
        .map(|(classifier, side)| {
            let (train, labels) = (&features[side], &labels[side]);
            let all = Lesson { train, labels, classes: classes.len(), test: &features[2], progress };
            let predicted = shown(classifier, all)?;
            let hits = score::hits(truth, &predicted, classes.len());
            Ok((score::score(truth, &predicted, classes.len()), hits))
        })
        .collect::<Result<_, Cancelled>>()?;
    let mut classifiers: Vec<ClassifierScores> = Classifier::ALL
        .into_iter()
        .zip(tried.chunks_exact(2))
        .map(|(classifier, t)| ClassifierScores {
            classifier,
            scores: BothScores { real: t[0].0, synthetic: t[1].0 },
        })
        .collect();
    classifiers.sort_by_key(|trained| trained.classifier as u8);
    let mut fitted = vec![0; classes.len()];
    real.column(key).visit(progress, |value| {
        if let Ok(class) = classes.binary_search(&value) {
            fitted[class] += 1;
        }
    })?;
    // The classifiers that predict each class separately, for either training part.
    let trees = Classifier::ALL.iter().zip(tried.chunks_exact(2));
    let trees: Vec<_> = trees.filter(|(classifier, _)| classifier.is_of_trees()).map(|(_, t)| t).collect();
    let recall = |class: usize, side: usize| {
        let shares = trees.iter().map(|tried| {
            let (rows, hits) = tried[side].1[class];
            f64::from(hits) / f64::from(rows)
        });
        shares.sum::<f64>() / trees.len() as f64
    };
    let mut recalls: Vec<ClassRecall> = (0..classes.len())
        .filter_map(|class| {
            let tested = tried[0].1[class].0;
            let name = class_name(&schema.columns[key].field, classes[class]);
            let found = || ClassRecall {
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
        mean: BothScores {
            real: ClassificationScore::mean(classifiers.iter().map(|c| c.scores.real)),
            synthetic: ClassificationScore::mean(classifiers.iter().map(|c| c.scores.synthetic)),
        },
        classifiers,
        recalls,
    })
}

/// The name of a class in the trace; `other` for undeclared values.
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

/// The index of each value among the sorted `classes`.
fn labels(values: impl Iterator<Item = u64>, classes: &[u64]) -> Vec<u16> {
    values.map(|value| classes.partition_point(|&class| class < value) as u16).collect()
}

/// Runs a classifier when some classes may be missing in the training part: a missing class is never
/// predicted.
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

    /// Results of scikit-learn on the samples.
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

    /// Rows with i % 5 = 4 held out, the others for training; and these with every seventh class changed to
    /// the next.
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
            // Half the rows are of the only known class; its F1 is 2·100 / (100 + 200), that of the other 0.
            assert_eq!(trained.scores.real, ClassificationScore { accuracy: 0.5, macro_f1: 1.0 / 3.0 });
            assert_eq!(trained.scores.synthetic, ClassificationScore { accuracy: 0.0, macro_f1: 0.0 });
        }
        let normal =
            ClassRecall { class: "normal".into(), fitted: 200, tested: 100, real: 1.0, synthetic: 0.0 };
        let ddos = ClassRecall { class: "ddos".into(), fitted: 0, real: 0.0, ..normal.clone() };
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
