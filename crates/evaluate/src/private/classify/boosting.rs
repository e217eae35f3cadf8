//! Gradient boosting (Friedman 2001) with softmax: each round adds one small regression tree per class.
//!
//! Splits and leaves take the second-order form (Chen, Guestrin: *XGBoost*, KDD '16, equations 5 to 7).

use super::Lesson;
use super::bins::Cuts;
use super::tree::{Growth, Objective, Tree};
use crate::private::draws;
use netdpsyn_trace::progress::Cancelled;
use rayon::prelude::*;

/// Number of rounds.
pub const ROUNDS: usize = 30;
/// Learning rate: the share of each tree that is added.
const RATE: f32 = 0.1;
/// λ, which shrinks leaves of few rows.
const REGULAR: f64 = 1.0;
const GROWTH: Growth = Growth { depth: 5, leaf: 20, features: usize::MAX };

/// Gradients g and second derivatives h of the loss −ln p, by row: a node has the worth G²/(H+λ), a leaf the
/// value −G/(H+λ).
struct Gradients(Vec<[f32; 2]>);

impl Objective for Gradients {
    fn width(&self) -> usize {
        2
    }

    fn add(&self, row: u32, sums: &mut [f64]) {
        let [gradient, curvature] = self.0[row as usize];
        sums[0] += f64::from(gradient);
        sums[1] += f64::from(curvature);
    }

    fn worth(&self, sums: &[f64]) -> f64 {
        sums[0] * sums[0] / (sums[1].max(0.0) + REGULAR)
    }

    fn leaf(&self, sums: &[f64], says: &mut Vec<f32>) {
        says.push((-sums[0] / (sums[1].max(0.0) + REGULAR)) as f32);
    }
}

/// Scores of one class: of the training rows and of the test rows.
struct Class {
    train: Vec<f32>,
    test: Vec<f32>,
}

/// Classes of the `test` rows after 30 rounds. Scores start at the logarithm of each class's share.
///
/// # Errors
/// [`Cancelled`] when the lesson's progress asks to stop.
pub fn gradient_boosting(lesson: &Lesson) -> Result<Vec<u16>, Cancelled> {
    let Lesson { train, labels, classes, test, progress } = *lesson;
    let cuts = Cuts::of(train);
    let (train, test) = (cuts.apply(train), cuts.apply(test));
    let mut scores: Vec<Class> = (0..classes)
        .map(|class| {
            let count = labels.iter().filter(|&&label| usize::from(label) == class).count();
            let start = (count.max(1) as f32 / labels.len() as f32).ln();
            Class { train: vec![start; labels.len()], test: vec![start; test.rows()] }
        })
        .collect();
    for _ in 0..ROUNDS {
        progress.check()?;
        // ln Σ exp of every row, which normalises the probabilities of the classes.
        let normaliser: Vec<f32> = (0..labels.len())
            .map(|row| {
                let most = scores.iter().fold(f32::NEG_INFINITY, |most, class| most.max(class.train[row]));
                most + scores.iter().map(|class| (class.train[row] - most).exp()).sum::<f32>().ln()
            })
            .collect();
        scores.par_iter_mut().enumerate().try_for_each(|(class, scores)| {
            let gradient = |((score, normaliser), &label): ((&f32, &f32), &u16)| {
                let p = (score - normaliser).exp();
                [p - f32::from(usize::from(label) == class), p * (1.0 - p)]
            };
            let gradients = scores.train.iter().zip(&normaliser).zip(labels).map(gradient).collect();
            let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
            let rng = &mut draws::source(20);
            let tree = Tree::grow(&train, &mut rows, &Gradients(gradients), &GROWTH, rng, progress)?;
            for (binned, scores) in [(&train, &mut scores.train), (&test, &mut scores.test)] {
                for (row, score) in scores.iter_mut().enumerate() {
                    *score += RATE * tree.says(binned, row)[0];
                }
            }
            Ok(())
        })?;
    }
    let predicted = (0..test.rows())
        .map(|row| {
            let best = |best: usize, class: usize| {
                if scores[class].test[row] > scores[best].test[row] { class } else { best }
            };
            (1..classes).fold(0, best) as u16
        })
        .collect();
    Ok(predicted)
}
