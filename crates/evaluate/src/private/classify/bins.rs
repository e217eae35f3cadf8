//! Columns as quantile bins: trees split between bins, not between single values.

use super::features::Features;
use rayon::prelude::*;

/// Largest number of bins of a column. With a quarter of them a fully grown tree loses up to two points of
/// accuracy.
pub const BINS: usize = 1_024;

/// The cut points of a training part's columns.
pub struct Cuts(Vec<Vec<f64>>);

impl Cuts {
    /// Cuts every column at quantiles, or between all its values where there are at most [`BINS`] of them. A
    /// cut lies halfway between two neighbouring values of the training part.
    pub fn of(train: &Features) -> Self {
        let cuts = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            let mut distinct = sorted.clone();
            distinct.dedup();
            let starts: Vec<f64> = if distinct.len() <= BINS {
                distinct.iter().skip(1).copied().collect()
            } else {
                (1..BINS).map(|i| sorted[i * sorted.len() / BINS]).collect()
            };
            let below = |start: f64| distinct[..distinct.partition_point(|&v| v < start)].last().copied();
            let mut cuts: Vec<f64> =
                starts.into_iter().filter_map(|start| Some(0.5 * (below(start)? + start))).collect();
            cuts.dedup();
            cuts
        };
        Cuts(train.0.par_iter().map(|feature| cuts(&feature.values)).collect())
    }

    /// The bin of every value: the number of cuts below it.
    pub fn apply(&self, features: &Features) -> Binned {
        let bin = |(feature, cuts): (&super::features::Feature, &Vec<f64>)| {
            feature.values.iter().map(|&v| cuts.partition_point(|&cut| cut < v) as u16).collect()
        };
        Binned { columns: features.0.iter().zip(&self.0).map(bin).collect() }
    }
}

/// Rows as bins, column by column.
pub struct Binned {
    /// The bins of each feature.
    pub columns: Vec<Vec<u16>>,
}

impl Binned {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }
}
