//! Every pair of columns: total variation distance over at most 20 classes a column.

use super::{compared, is_nominal};
use crate::trace::{Schema, Trace, Values};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::HashMap;

/// Classes that a column is cut into at most.
const CLASSES: usize = 20;

/// How far the pairs of columns lie from the raw ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TwoWay {
    /// Mean over all pairs.
    pub mean: f64,
    /// Every pair, worst first.
    pub pairs: Vec<Pair>,
}

/// One pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The columns.
    pub columns: [String; 2],
    /// Total variation distance, ½ Σ |p − q|: 0 is equal, 1 is disjoint.
    pub distance: f64,
}

/// Total variation distance of every pair. Classes follow the raw data: the most frequent values and a rest for names,
/// quantiles for numbers.
pub fn two_way(real: &Trace, synthetic: &Trace, schema: &Schema) -> TwoWay {
    let columns = compared(schema);
    let classes: Vec<[Vec<u8>; 2]> = columns
        .par_iter()
        .map(|&column| classes(real.column(column), synthetic.column(column), is_nominal(schema, column)))
        .collect();
    let indices: Vec<(usize, usize)> =
        (0..columns.len()).flat_map(|a| (a + 1..columns.len()).map(move |b| (a, b))).collect();
    let mut pairs: Vec<Pair> = indices
        .into_par_iter()
        .map(|(a, b)| {
            let joint = |side: usize| joint(&classes[a][side], &classes[b][side]);
            let (p, q) = (joint(0), joint(1));
            let distance = 0.5 * p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>();
            let name = |i: usize| schema.columns[columns[i]].name.clone();
            Pair { columns: [name(a), name(b)], distance }
        })
        .collect();
    let mean = pairs.iter().map(|p| p.distance).sum::<f64>() / pairs.len().max(1) as f64;
    pairs.sort_by(|a, b| b.distance.total_cmp(&a.distance).then_with(|| a.columns.cmp(&b.columns)));
    TwoWay { mean, pairs }
}

/// The classes of both columns' values.
fn classes(real: &Values, synthetic: &Values, nominal: bool) -> [Vec<u8>; 2] {
    if nominal {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for value in real.iter() {
            *counts.entry(value).or_default() += 1;
        }
        let mut values: Vec<(usize, u64)> = counts.into_iter().map(|(v, n)| (n, v)).collect();
        values.sort_unstable_by_key(|&(count, value)| (std::cmp::Reverse(count), value));
        // All of them if they fit, else the most frequent and a class for the rest.
        let kept = if values.len() <= CLASSES { values.len() } else { CLASSES - 1 };
        let class: HashMap<u64, u8> = values[..kept].iter().map(|&(_, v)| v).zip(0..).collect();
        let rest = (CLASSES - 1) as u8;
        [real, synthetic].map(|c| c.iter().map(|v| class.get(&v).copied().unwrap_or(rest)).collect())
    } else {
        let mut sorted: Vec<u64> = real.iter().collect();
        sorted.sort_unstable();
        let mut edges: Vec<u64> =
            (1..CLASSES).filter_map(|i| sorted.get(i * sorted.len() / CLASSES)).copied().collect();
        edges.dedup();
        [real, synthetic].map(|c| c.iter().map(|v| edges.partition_point(|&edge| edge <= v) as u8).collect())
    }
}

/// The joint distribution of two class columns.
fn joint(a: &[u8], b: &[u8]) -> Vec<f64> {
    let mut counts = vec![0u64; CLASSES * CLASSES];
    for (&x, &y) in a.iter().zip(b) {
        counts[usize::from(x) * CLASSES + usize::from(y)] += 1;
    }
    counts.iter().map(|&n| n as f64 / a.len().max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Column, Field, Kind};

    fn schema() -> Schema {
        Schema {
            name: "t".into(),
            kind: Kind::Flow,
            columns: vec![
                Column::new("p", Field::Port),
                Column::new("n", Field::IntegerExponential { max: 1_000, base: 2.0 }),
            ],
            key: None,
            facts: vec![],
            window: None,
        }
    }

    fn trace(rows: &[(u64, u64)]) -> Trace {
        let column = |f: fn(&(u64, u64)) -> u64| Values::collect(65_535, rows.iter().map(f));
        Trace::new(vec![column(|r| r.0), column(|r| r.1)])
    }

    #[test]
    fn equal_is_zero_and_disjoint_is_one() {
        let a = trace(&[(80, 1), (80, 2), (443, 900)]);
        assert_eq!(two_way(&a, &a, &schema()).mean, 0.0);
        let b = trace(&[(22, 1), (22, 2), (22, 900)]);
        assert!((two_way(&a, &b, &schema()).mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn lost_structure_shows() {
        let linked: Vec<_> = (0..100).map(|i| (i % 2, i % 2 * 500)).collect();
        let independent: Vec<_> = (0..100).map(|i| (i % 2, i / 2 % 2 * 500)).collect();
        let distance = two_way(&trace(&linked), &trace(&independent), &schema()).mean;
        assert!((distance - 0.5).abs() < 1e-12);
    }
}
