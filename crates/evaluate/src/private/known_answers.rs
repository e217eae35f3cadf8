//! Compares distances and areas with numpy, scipy and scikit-learn:
//! `crates/evaluate/known_answers/distances.py`.

use super::attacks::auc::auc;
use super::joint::total_variation;
use super::one_way::{jensen_shannon, wasserstein};
use netdpsyn_trace::progress::Quiet;
use serde::Deserialize;

#[derive(Deserialize)]
struct Answers {
    jensen_shannon: Vec<Case<Vec<u64>, f64>>,
    wasserstein: Vec<Case<Vec<u64>, f64>>,
    wasserstein_log: Vec<Case<Vec<u64>, f64>>,
    total_variation: Vec<Case<Vec<u64>, f64>>,
    auc: Vec<Case<Vec<f32>, (f64, f64)>>,
}

#[derive(Deserialize)]
struct Case<I, O> {
    a: I,
    b: I,
    expected: O,
}

fn answers() -> Answers {
    serde_json::from_str(include_str!("../../known_answers/distances.json")).unwrap()
}

fn agree(cases: &[Case<Vec<u64>, f64>], measure: impl Fn(&[u64], &[u64]) -> f64) {
    assert!(cases.len() >= 10);
    for case in cases {
        let found = measure(&case.a, &case.b);
        assert!((found - case.expected).abs() <= 1e-9, "{found} for {}", case.expected);
    }
}

#[test]
fn jensen_shannon_agrees_with_scipy() {
    agree(&answers().jensen_shannon, |a, b| jensen_shannon(a, b, &Quiet).unwrap());
}

#[test]
fn wasserstein_agrees_with_scipy() {
    agree(&answers().wasserstein, |a, b| wasserstein(a, b, |v| v as f64, Some(1.0), &Quiet).unwrap());
    agree(&answers().wasserstein_log, |a, b| {
        wasserstein(a, b, |v| (v as f64).ln_1p(), None, &Quiet).unwrap()
    });
}

#[test]
fn total_variation_agrees_with_numpy() {
    agree(&answers().total_variation, total_variation);
}

#[test]
fn areas_agree_with_scikit_learn_and_their_errors_with_the_formula() {
    let cases = answers().auc;
    assert!(cases.len() >= 10);
    for case in cases {
        let (area, error) = auc(&case.a, &case.b).unwrap();
        let (expected, its_error) = case.expected;
        assert!((area - expected).abs() <= 1e-9 && (error - its_error).abs() <= 1e-9, "{area} {error}");
    }
}
