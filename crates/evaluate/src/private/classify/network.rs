//! A network of fully connected layers, trained by Adam (Kingma, Ba 2015) on the softmax cross entropy:
//! without a hidden layer it is multinomial logistic regression, with one of rectified units (ReLU) a
//! multi-layer perceptron.
//!
//! The data of a batch is stored unit by unit, so that the inner loops run over the rows of the batch.

use super::Lesson;
use super::features::Scales;
use crate::private::draws;
use netdpsyn_trace::progress::Cancelled;
use rand::{RngExt, rngs::Xoshiro256PlusPlus, seq::SliceRandom};

/// Rows per step.
const BATCH: usize = 200;
/// Largest number of passes over the training part.
const PASSES: usize = 200;
/// Decay rates of Adam's moving averages of the gradient and of its square.
const DECAY: [f32; 2] = [0.9, 0.999];

/// The architecture and the training parameters.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Number of hidden units, if any.
    hidden: Option<usize>,
    /// Initial learning rate; it falls to 0 linearly.
    rate: f32,
    /// Largest number of steps.
    steps: usize,
}

/// Logistic regression.
const LOGISTIC: Shape = Shape { hidden: None, rate: 0.05, steps: 10_000 };
/// A perceptron with 100 hidden units.
const PERCEPTRON: Shape = Shape { hidden: Some(100), rate: 0.01, steps: 12_000 };

/// Parameters with Adam's two averages of their gradients.
struct Weights {
    value: Vec<f32>,
    gradient: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Weights {
    fn new(value: Vec<f32>) -> Self {
        let zero = || vec![0.0; value.len()];
        Weights { gradient: zero(), mean: zero(), square: zero(), value }
    }

    /// One step of Adam along the gradient; `rate` includes the bias correction of the averages.
    fn step(&mut self, rate: f32) {
        let means = self.mean.iter_mut().zip(&mut self.square);
        for ((value, &gradient), (mean, square)) in self.value.iter_mut().zip(&self.gradient).zip(means) {
            *mean = DECAY[0] * *mean + (1.0 - DECAY[0]) * gradient;
            *square = DECAY[1] * *square + (1.0 - DECAY[1]) * gradient * gradient;
            *value -= rate * *mean / (square.sqrt() + 1e-8);
        }
    }
}

/// A fully connected layer: out = weights · in + bias, for every row of a batch.
struct Layer {
    inputs: usize,
    /// By output, then input.
    weights: Weights,
    bias: Weights,
    /// Outputs of the batch by unit, then row; and the gradient of the loss with respect to them.
    out: Vec<f32>,
    delta: Vec<f32>,
}

impl Layer {
    /// A layer with initial weights uniform in ±√(6/(inputs+outputs)) (Glorot, Bengio 2010).
    fn new(inputs: usize, outputs: usize, rng: &mut Xoshiro256PlusPlus) -> Self {
        let bound = (6.0 / (inputs + outputs) as f32).sqrt();
        Layer {
            inputs,
            weights: Weights::new((0..inputs * outputs).map(|_| rng.random_range(-bound..=bound)).collect()),
            bias: Weights::new(vec![0.0; outputs]),
            out: vec![0.0; outputs * BATCH],
            delta: vec![0.0; outputs * BATCH],
        }
    }

    fn forward(&mut self, input: &[f32]) {
        let rows = self.weights.value.chunks_exact(self.inputs).zip(&self.bias.value);
        for (out, (weights, &bias)) in self.out.chunks_exact_mut(BATCH).zip(rows) {
            out.fill(bias);
            for (&weight, input) in weights.iter().zip(input.chunks_exact(BATCH)) {
                out.iter_mut().zip(input).for_each(|(out, input)| *out += weight * input);
            }
        }
    }

    /// Gradients of weights and bias from `delta`; and that with respect to the input, if requested.
    fn backward(&mut self, input: &[f32], by_input: Option<&mut [f32]>) {
        let delta = self.delta.chunks_exact(BATCH);
        for ((delta, gradient), bias) in
            delta.zip(self.weights.gradient.chunks_exact_mut(self.inputs)).zip(&mut self.bias.gradient)
        {
            *bias = delta.iter().sum();
            for (gradient, input) in gradient.iter_mut().zip(input.chunks_exact(BATCH)) {
                *gradient = dot(delta, input);
            }
        }
        if let Some(by_input) = by_input {
            by_input.fill(0.0);
            let rows = self.weights.value.chunks_exact(self.inputs);
            for (weights, delta) in rows.zip(self.delta.chunks_exact(BATCH)) {
                for (&weight, by_input) in weights.iter().zip(by_input.chunks_exact_mut(BATCH)) {
                    by_input.iter_mut().zip(delta).for_each(|(sum, delta)| *sum += weight * delta);
                }
            }
        }
    }
}

/// Σ aᵢ·bᵢ in eight partial sums, which the compiler vectorises.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest = a.chunks_exact(8).remainder().iter().zip(b.chunks_exact(8).remainder());
    sums.iter().sum::<f32>() + rest.map(|(a, b)| a * b).sum::<f32>()
}

struct Network {
    /// The batch's input by feature, then row.
    input: Vec<f32>,
    hidden: Option<Layer>,
    last: Layer,
}

impl Network {
    fn new(inputs: usize, outputs: usize, shape: Shape, rng: &mut Xoshiro256PlusPlus) -> Self {
        let hidden = shape.hidden.map(|units| Layer::new(inputs, units, rng));
        let last = Layer::new(shape.hidden.unwrap_or(inputs), outputs, rng);
        Network { input: vec![0.0; inputs * BATCH], hidden, last }
    }

    /// Computes the scores of at most a batch of rows, in `last.out`. The remainder of the batch holds old
    /// values and is ignored.
    fn forward(&mut self, columns: &[Vec<f32>], rows: &[u32]) {
        for (input, column) in self.input.chunks_exact_mut(BATCH).zip(columns) {
            input.iter_mut().zip(rows).for_each(|(input, &row)| *input = column[row as usize]);
        }
        match &mut self.hidden {
            Some(hidden) => {
                hidden.forward(&self.input);
                hidden.out.iter_mut().for_each(|out| *out = out.max(0.0));
                self.last.forward(&hidden.out);
            }
            None => self.last.forward(&self.input),
        }
    }

    /// Gradients of the mean cross entropy of the rows last scored.
    fn backward(&mut self, labels: &[u16], rows: &[u32]) {
        softmax_gradient(&self.last.out, &mut self.last.delta, labels, rows);
        match &mut self.hidden {
            Some(hidden) => {
                self.last.backward(&hidden.out, Some(&mut hidden.delta));
                for (delta, &out) in hidden.delta.iter_mut().zip(&hidden.out) {
                    *delta *= f32::from(out > 0.0);
                }
                hidden.backward(&self.input, None);
            }
            None => self.last.backward(&self.input, None),
        }
    }

    fn step(&mut self, rate: f32) {
        for layer in self.hidden.iter_mut().chain([&mut self.last]) {
            layer.weights.step(rate);
            layer.bias.step(rate);
        }
    }
}

/// (p − y) / rows of every class; 0 after the batch's last row.
fn softmax_gradient(scores: &[f32], delta: &mut [f32], labels: &[u16], rows: &[u32]) {
    delta.fill(0.0);
    let classes = scores.len() / BATCH;
    let share = 1.0 / rows.len().max(1) as f32;
    for (i, &row) in rows.iter().enumerate() {
        let most = (0..classes).fold(f32::NEG_INFINITY, |most, k| most.max(scores[k * BATCH + i]));
        let mut sum = 0.0;
        for k in 0..classes {
            let exponential = (scores[k * BATCH + i] - most).exp();
            delta[k * BATCH + i] = exponential;
            sum += exponential;
        }
        for k in 0..classes {
            let truth = f32::from(k == usize::from(labels[row as usize]));
            delta[k * BATCH + i] = (delta[k * BATCH + i] / sum - truth) * share;
        }
    }
}

/// Classes of the `test` rows by logistic regression.
///
/// # Errors
/// [`Cancelled`] when the lesson's progress asks to stop.
pub fn logistic_regression(lesson: &Lesson) -> Result<Vec<u16>, Cancelled> {
    predict(lesson, LOGISTIC)
}

/// Classes of the `test` rows by a perceptron.
///
/// # Errors
/// [`Cancelled`] when the lesson's progress asks to stop.
pub fn perceptron(lesson: &Lesson) -> Result<Vec<u16>, Cancelled> {
    predict(lesson, PERCEPTRON)
}

/// Classes of the `test` rows after training. Columns are standardised.
fn predict(lesson: &Lesson, shape: Shape) -> Result<Vec<u16>, Cancelled> {
    let Lesson { train, labels, classes, test, progress } = *lesson;
    let scales = Scales::of(train);
    let (train, test) = (scales.apply(train), scales.apply(test));
    let rng = &mut draws::source(30);
    let mut network = Network::new(train.len(), classes, shape, rng);
    let mut order: Vec<u32> = (0..labels.len() as u32).collect();
    let steps = shape.steps.min(PASSES * labels.len().div_ceil(BATCH));
    let mut done = 0;
    while done < steps {
        order.shuffle(rng);
        for rows in order.chunks(BATCH).take(steps - done) {
            progress.check()?;
            network.forward(&train, rows);
            network.backward(labels, rows);
            let left = 1.0 - done as f32 / steps as f32;
            done += 1;
            let correction = (1.0 - DECAY[1].powi(done as i32)).sqrt() / (1.0 - DECAY[0].powi(done as i32));
            network.step(shape.rate * left * correction);
        }
    }
    let tested = test.first().map_or(0, Vec::len) as u32;
    let mut predicted = Vec::with_capacity(tested as usize);
    for rows in (0..tested).collect::<Vec<_>>().chunks(BATCH) {
        progress.check()?;
        network.forward(&test, rows);
        let scores = &network.last.out;
        predicted.extend((0..rows.len()).map(|i| {
            let best = |best: usize, k: usize| {
                if scores[k * BATCH + i] > scores[best * BATCH + i] { k } else { best }
            };
            (1..classes).fold(0, best) as u16
        }));
    }
    Ok(predicted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_the_slopes_of_the_loss() {
        let shape = Shape { hidden: Some(4), ..PERCEPTRON };
        let mut network = Network::new(2, 3, shape, &mut draws::source(1));
        let columns = vec![vec![0.5, -1.0, 2.0], vec![1.5, 0.3, -0.7]];
        let (labels, rows) = ([0, 2, 1], [0, 1, 2]);
        let loss = |network: &mut Network| {
            network.forward(&columns, &rows);
            let score = |k: usize, i: usize| f64::from(network.last.out[k * BATCH + i]);
            let sum = |i: usize| (0..3).map(|k| score(k, i).exp()).sum::<f64>().ln();
            (0..3).map(|i| sum(i) - score(usize::from(labels[i]), i)).sum::<f64>() / 3.0
        };
        loss(&mut network);
        network.backward(&labels, &rows);
        fn layer(network: &mut Network, last: bool) -> &mut Layer {
            if last { &mut network.last } else { network.hidden.as_mut().unwrap() }
        }
        for last in [false, true] {
            for weight in 0..layer(&mut network, last).weights.value.len() {
                let gradient = f64::from(layer(&mut network, last).weights.gradient[weight]);
                let value = layer(&mut network, last).weights.value[weight];
                let mut at = |value: f32| {
                    layer(&mut network, last).weights.value[weight] = value;
                    loss(&mut network)
                };
                let slope = (at(value + 0.01) - at(value - 0.01)) / 0.02;
                at(value);
                assert!((gradient - slope).abs() < 1e-3, "{last} {weight}: {gradient} {slope}");
            }
        }
    }
}
