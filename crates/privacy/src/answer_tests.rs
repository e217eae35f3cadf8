//! The distribution of what [`NoiseKey::answer`] adds to true answers: the whole path from key, label and
//! scale to the cell.
//!
//! Keys are fixed, so every test gives the same result each time. Thresholds are stated as the probability
//! that a correct sampler under another key exceeds them.

use super::noise::Noise;
use super::{CellMap, MaxRecords, NoiseKey, NoiseScale, Query, Rho, Sensitivity, Stream};
use crate::Stage;
use std::collections::BTreeMap;

/// Cells a stream covers.
const BLOCK: usize = 4_096;
/// Whole blocks of each answer; a partial block follows.
const BLOCKS: usize = 5;
const CELLS: usize = BLOCKS * BLOCK + 1_000;
/// Labels as a fit uses them; some share a prefix.
const QUESTIONS: [&str; 4] = ["tree level 0 1", "tree level 0 2", "one-way 4", "joint 4 5"];

/// From less than one to far beyond any trace.
const VARIANCES: [f64; 7] = [0.2, 0.5, 1.0, 6.25, 400.0, 1e6, 3e9];

/// ρ at which a histogram has this σ².
fn rho(variance: f64) -> Rho {
    Rho::from_units((Rho::ONE as f64 / 2.0 / variance).round() as u64)
}

fn query(question: &'static str, rho: Rho) -> Query {
    let sensitivity = Sensitivity::histogram(MaxRecords::ONE);
    let map = CellMap::of(|say| say(b"the same cells"));
    let (label, stream) = (question.into(), Stream::named(question));
    Query { label, stream, stage: Stage::Pairs, sensitivity, rho, cells: CELLS, map }
}

/// The noise of a key: the noisy answer minus the true one, which is different in every cell.
fn noise(key: u8, query: &Query) -> Vec<i64> {
    let truth: Vec<i64> = (0..query.cells as i64).map(|cell| cell * cell % 10_007).collect();
    let scale = NoiseScale::for_cost(query.sensitivity, query.rho).unwrap();
    let noisy = NoiseKey::for_test(key).answer(query, scale, truth.clone(), &|| false).unwrap();
    assert_eq!(noisy.scale, scale);
    noisy.values.iter().zip(truth).map(|(noisy, truth)| noisy - truth).collect()
}

/// Δ²/2ρ: what σ² must be for an answer to cost ρ. Not taken from [`NoiseScale`], which is under test too.
fn variance(query: &Query) -> f64 {
    query.sensitivity.squared() as f64 / (2.0 * query.rho.as_f64())
}

/// Pearson's χ² of draws against P(z) ∝ exp(−z²/2σ²), and its degrees of freedom. Neighbouring values share a
/// cell until 10 draws and one in a hundred are expected there.
fn chi_square(draws: &[i64], variance: f64) -> (f64, f64) {
    let reach = (12.0 * variance.sqrt()).ceil() as i64 + 10;
    let weight = |z: i64| (-(z as f64).powi(2) / (2.0 * variance)).exp();
    let total: f64 = (-reach..=reach).map(weight).sum();
    let mut seen = BTreeMap::<i64, f64>::new();
    for &z in draws {
        *seen.entry(z.clamp(-reach, reach)).or_default() += 1.0;
    }
    let (mut statistic, mut cells) = (0.0, 0.0);
    let (mut expected, mut found) = (0.0, 0.0);
    let mut beyond = draws.len() as f64;
    let least = (beyond / 100.0).max(10.0);
    for z in -reach..=reach {
        expected += weight(z) / total * draws.len() as f64;
        found += seen.get(&z).copied().unwrap_or(0.0);
        // The last cell takes everything too rare for a cell of its own.
        if expected >= least && beyond - expected >= least {
            statistic += (found - expected).powi(2) / expected;
            beyond -= expected;
            cells += 1.0;
            (expected, found) = (0.0, 0.0);
        }
    }
    statistic += (found - expected).powi(2) / expected;
    (statistic, cells)
}

/// χ² with `freedom` degrees exceeds this with probability below e⁻²⁵ ≈ 10⁻¹¹ (Laurent & Massart 2000, Lemma
/// 1).
fn limit(freedom: f64) -> f64 {
    freedom + 2.0 * (freedom * 25.0).sqrt() + 2.0 * 25.0
}

/// Tests every block of every label at every σ: 5 · 4 · 7 tests, with a probability of a false alarm below
/// 2·10⁻⁹ in all.
#[test]
fn every_block_of_every_answer_has_the_noise_that_is_paid_for() {
    for expected in VARIANCES {
        for label in QUESTIONS {
            let query = query(label, rho(expected));
            let noise = noise(1, &query);
            for (block, draws) in noise.chunks_exact(BLOCK).enumerate() {
                let (statistic, freedom) = chi_square(draws, variance(&query));
                assert!(freedom >= 2.0);
                assert!(
                    statistic < limit(freedom),
                    "σ² {expected}, {label}, block {block}: χ² {statistic} on {freedom}"
                );
            }
        }
    }
}

/// The statistic detects half the σ and twice the σ in one block, and a σ that is a tenth off in five, at
/// every σ of the test above.
#[test]
fn a_wrong_scale_would_be_noticed() {
    for expected in VARIANCES {
        for (factor, cells) in [(0.25, BLOCK), (4.0, BLOCK), (0.81, CELLS), (1.21, CELLS)] {
            let noise = noise(1, &query(QUESTIONS[0], rho(expected * factor)));
            let (statistic, freedom) = chi_square(&noise[..cells], expected);
            assert!(statistic > limit(freedom), "{factor} of σ² {expected}: χ² {statistic} on {freedom}");
        }
    }
}

/// Noise streams: blocks of some labels under some keys, at σ = 10⁵.
fn streams() -> Vec<(String, Vec<i64>)> {
    let mut streams = Vec::new();
    for key in [1, 2] {
        for label in QUESTIONS {
            let noise = noise(key, &query(label, rho(1e10)));
            for (block, draws) in noise.chunks_exact(BLOCK).enumerate() {
                streams.push((format!("key {key}, {label}, block {block}"), draws.to_vec()));
            }
        }
    }
    streams
}

/// Σ xᵢ·yᵢ₊ₗ, in units of its standard deviation under independence.
fn correlation(x: &[i64], y: &[i64], lag: usize) -> f64 {
    let pairs = x.len() - lag;
    let sum: f64 = x.iter().zip(&y[lag..]).map(|(&a, &b)| a as f64 * b as f64).sum();
    sum / (1e10 * (pairs as f64).sqrt())
}

/// No two blocks, labels or keys share noise, shifted or not, and no stream repeats itself. 40 streams, 780
/// pairs, 17 lags: 7 deviations are exceeded with probability 2.6·10⁻¹² each, below 10⁻⁷ in all. Equal values
/// at σ = 10⁵ have probability 2.8·10⁻⁶ a cell, 0.012 a pair: four of them 10⁻⁹, below 10⁻⁶ in all.
#[test]
fn no_two_blocks_labels_or_keys_share_noise() {
    let streams = streams();
    assert_eq!(streams.len(), 2 * QUESTIONS.len() * BLOCKS);
    for (at, (name, x)) in streams.iter().enumerate() {
        for lag in 1..=64 {
            let z = correlation(x, x, lag);
            assert!(z.abs() < 7.0, "{name} follows itself after {lag}: {z}");
        }
        for (other, y) in &streams[at + 1..] {
            let equal = x.iter().zip(y).filter(|(a, b)| a == b).count();
            assert!(equal < 4, "{name} and {other} have {equal} equal cells");
            for lag in 0..=8 {
                let z = [correlation(x, y, lag), correlation(y, x, lag)].map(f64::abs);
                assert!(z[0].max(z[1]) < 7.0, "{name} and {other} go together at a lag of {lag}: {z:?}");
            }
        }
    }
}

/// The same key draws the same again, however often; another key or label does not.
#[test]
fn the_same_query_has_the_same_noise() {
    let asked = query(QUESTIONS[0], rho(400.0));
    let scale = NoiseScale::for_cost(asked.sensitivity, asked.rho).unwrap();
    let first = noise(1, &asked);
    let key = NoiseKey::for_test(1);
    for _ in 0..3 {
        let again = key.answer(&asked, scale, vec![0; CELLS], &|| false).unwrap();
        assert_eq!(again.values, first);
    }
    // Of two independent draws at σ = 20 one in 71 is equal: 303 of 21,480 cells, 17.3 to either side.
    for other in [noise(2, &asked), noise(1, &query(QUESTIONS[1], rho(400.0)))] {
        let equal = first.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!(equal < 303 + 7 * 18, "{equal} cells are equal");
    }
}
