//! Noisy answers about sessions as tables to draw from.

use netdpsyn_model::domain::simplex::norm_sub_to;
use netdpsyn_model::layers::bayes;
use netdpsyn_model::sessions::{SessionAnswer, SessionQuery, Sessions};
use rand::{Rng, RngExt, seq::SliceRandom};

/// σ above the expected count at which a cell stands out.
pub const STANDS: f64 = 3.0;
/// The part of the expected count that every cell keeps, so that none is impossible.
const TRACE_OF: f64 = 1e-6;

/// The counts of an answer as real numbers.
pub struct Noisy {
    /// Counts.
    pub counts: Vec<f64>,
    /// σ of each count.
    pub sigma: f64,
}

impl Noisy {
    /// The answer to a query; empty where there is none.
    pub fn of(sessions: &Sessions, what: SessionQuery) -> Noisy {
        let of = |look: &SessionAnswer| Noisy {
            counts: look.counts.iter().map(|&n| n as f64).collect(),
            sigma: look.scale.sigma(),
        };
        let nothing = || Noisy { counts: vec![0.0; sessions.shape(what, &[]).iter().product()], sigma: 1.0 };
        sessions.look(what).map_or_else(nothing, of)
    }

    /// Shrinks rows of `width` towards their common shape times their own total, and scales each to its
    /// total: its own sum, or the given one.
    pub fn shrunk(&self, width: usize, totals: Option<&[f64]>) -> Vec<f64> {
        let rows = self.counts.chunks(width);
        let totals: Vec<f64> = match totals {
            Some(totals) => totals.iter().map(|t| t.max(1e-9)).collect(),
            None => rows.clone().map(|row| row.iter().sum::<f64>().max(1.0)).collect(),
        };
        let mut pooled = vec![0.0; width];
        rows.for_each(|row| pooled.iter_mut().zip(row).for_each(|(sum, n)| *sum += n));
        norm_sub_to(&mut pooled, totals.iter().sum::<f64>().max(1.0));
        scale_to(&mut pooled, 1.0);
        let expected: Vec<f64> = totals.iter().flat_map(|t| pooled.iter().map(move |p| t * p)).collect();
        let mut table = bayes::shrink(&self.counts, &expected, self.sigma, STANDS);
        for ((row, expected), total) in table.chunks_mut(width).zip(expected.chunks(width)).zip(&totals) {
            norm_sub_to(row, *total);
            row.iter_mut().zip(expected).for_each(|(n, e)| *n += TRACE_OF * e);
        }
        table
    }

    /// Shrinks counts towards the expected ones, of which each cell keeps a part.
    pub fn towards(&self, expected: &[f64]) -> Vec<f64> {
        let mut table = bayes::shrink(&self.counts, expected, self.sigma, STANDS);
        table.iter_mut().zip(expected).for_each(|(n, e)| *n += TRACE_OF * e);
        table
    }
}

/// Scales values to a sum, unless they are all zero.
pub fn scale_to(values: &mut [f64], total: f64) {
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|value| *value *= total / sum.max(1e-12));
}

/// Sums of rows.
pub fn row_sums(table: &[f64], width: usize) -> Vec<f64> {
    table.chunks(width).map(|row| row.iter().sum()).collect()
}

/// Sums of columns.
pub fn column_sums(table: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    table.chunks(width).for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, n)| *sum += n));
    sums
}

/// Scales a table to the sums of its rows and columns in turn. A margin's mass is dropped where the table has
/// none.
pub fn rake(table: &mut [f64], rows: &[f64], columns: &[f64], sweeps: usize) {
    let width = columns.len();
    for _ in 0..sweeps {
        for (row, &wanted) in table.chunks_mut(width).zip(rows) {
            let sum: f64 = row.iter().sum();
            let factor = if sum > 1e-9 { wanted / sum } else { 0.0 };
            row.iter_mut().for_each(|n| *n *= factor);
        }
        let sums = column_sums(table, width);
        for row in table.chunks_mut(width) {
            for ((n, sum), wanted) in row.iter_mut().zip(&sums).zip(columns) {
                *n *= if *sum > 1e-9 { wanted / sum } else { 0.0 };
            }
        }
    }
}

/// Draws `many` codes with these weights, systematically and in random order.
pub fn draw(weights: &[f64], many: usize, rng: &mut impl Rng) -> Vec<u32> {
    let total: f64 = weights.iter().sum();
    let mut drawn = Vec::with_capacity(many);
    let (mut code, mut upto) = (0, weights.first().copied().unwrap_or(0.0));
    for at in 0..many {
        let place = (at as f64 + rng.random::<f64>()) / many as f64 * total;
        while upto <= place && code + 1 < weights.len() {
            code += 1;
            upto += weights[code];
        }
        drawn.push(code as u32);
    }
    drawn.shuffle(rng);
    drawn
}

/// Draws a code for each item by the weights of its row, systematically within each row.
pub fn draw_rows<'a>(
    rows: impl Iterator<Item = usize>,
    weights: impl Fn(usize) -> std::borrow::Cow<'a, [f64]>,
    rng: &mut impl Rng,
) -> Vec<u32> {
    let mut order: Vec<(usize, usize)> = rows.zip(0..).collect();
    let mut codes = vec![0; order.len()];
    order.sort_unstable();
    for items in order.chunk_by(|a, b| a.0 == b.0) {
        let drawn = draw(&weights(items[0].0), items.len(), rng);
        items.iter().zip(drawn).for_each(|(&(_, item), code)| codes[item] = code);
    }
    codes
}

/// Draws one code by its weights.
pub fn pick(weights: &[f64], rng: &mut impl Rng) -> usize {
    let mut place = rng.random::<f64>() * weights.iter().sum::<f64>();
    for (code, weight) in weights.iter().enumerate() {
        place -= weight;
        if place < 0.0 {
            return code;
        }
    }
    weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
}
