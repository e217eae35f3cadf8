//! Every pair of columns: total variation distance over at most 20 classes a column.

use super::skipped::{NotTaken, Skipped};
use super::{Traces, compared, is_nominal, sorted};
use netdpsyn_model::Cells;
use netdpsyn_trace::progress::{self, BLOCK, Cancelled, Progress, blocks};
use netdpsyn_trace::{Trace, Values};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::HashMap;

/// Classes that a column is cut into at most.
const CLASSES: usize = 20;

/// How far the pairs of columns lie from the raw ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TwoWay {
    /// Mean of the pairs' total variation distances, 0 (equal) to 1 (disjoint).
    pub mean: f64,
    /// The same between the fitted and the held-out records: what sampling alone costs. Good is a mean near it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Every pair, worst first.
    pub pairs: Vec<Pair>,
}

/// One pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pair {
    /// The columns.
    pub columns: [String; 2],
    /// Total variation distance ½ Σ |p − q| between the shares p and q that raw and synthetic records have in the pair's
    /// cells: 0 is equal, 1 is disjoint.
    pub distance: f64,
    /// The same between the fitted and the held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
}

/// Total variation distance of every pair. Classes follow the raw data: the most frequent values and a rest for names and
/// for numbers of few values, quantiles for other numbers.
pub fn two_way(traces: &Traces, progress: &dyn Progress) -> Result<TwoWay, NotTaken> {
    let columns = compared(traces.schema);
    if columns.len() < 2 {
        return Err(Skipped::because("a pair needs two measured columns").into());
    }
    let cut = |&column: &usize| cut(traces.real.column(column), is_nominal(traces.schema, column), progress);
    let cuts: Vec<Cut> = columns.par_iter().map(cut).collect::<Result<_, Cancelled>>()?;
    let classes = |trace: &Trace| {
        let of = |(&column, cut): (&usize, &Cut)| {
            trace.column(column).map(CLASSES as u64 - 1, |value| cut(value).into(), progress)
        };
        columns.par_iter().zip(&cuts).map(of).collect::<Result<Vec<Values>, Cancelled>>()
    };
    let (real, synthetic) = (classes(traces.real)?, classes(traces.synthetic)?);
    let held_out = traces.held_out.map(classes).transpose()?;
    let indices: Vec<(usize, usize)> =
        (0..columns.len()).flat_map(|a| (a + 1..columns.len()).map(move |b| (a, b))).collect();
    let mut pairs: Vec<Pair> = indices
        .into_par_iter()
        .map(|(a, b)| {
            let cells = Cells::new([(a, CLASSES), (b, CLASSES)]);
            let real = joint(&cells, &real, progress)?;
            let from_real =
                |other: &[Values]| joint(&cells, other, progress).map(|other| total_variation(&real, &other));
            let name = |i: usize| traces.schema.columns[columns[i]].name.clone();
            Ok(Pair {
                columns: [name(a), name(b)],
                distance: from_real(&synthetic)?,
                floor: held_out.as_deref().map(from_real).transpose()?,
            })
        })
        .collect::<Result<_, Cancelled>>()?;
    let mean = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let floor = traces.held_out.map(|_| mean(&|pair| pair.floor.unwrap_or(0.0)));
    let mean = mean(&|pair| pair.distance);
    // Equal ones stay in the order of their columns.
    pairs.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    Ok(TwoWay { mean, floor, pairs })
}

/// The class of a value.
type Cut = Box<dyn Fn(u64) -> u8 + Send + Sync>;

/// How the raw values cut a column.
fn cut(real: &Values, nominal: bool, progress: &dyn Progress) -> Result<Cut, Cancelled> {
    let sorted = sorted(real, progress)?;
    let mut counts: Vec<(usize, u64)> =
        sorted.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0])).collect();
    // The last class is for the rest, and for values that no raw record has.
    const REST: usize = CLASSES - 1;
    if nominal || counts.len() <= REST {
        let frequent_first = |a: &(usize, u64), b: &(usize, u64)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
        progress::sort_by(&mut counts, &frequent_first, progress)?;
        let class: HashMap<u64, u8> = counts.iter().take(REST).map(|&(_, v)| v).zip(0..).collect();
        Ok(Box::new(move |value| class.get(&value).copied().unwrap_or(REST as u8)))
    } else {
        let mut edges: Vec<u64> = (1..CLASSES).map(|i| sorted[i * sorted.len() / CLASSES]).collect();
        edges.dedup();
        Ok(Box::new(move |value| edges.partition_point(|&edge| edge <= value) as u8))
    }
}

/// The joint histogram of some columns of classes.
fn joint(cells: &Cells, classes: &[Values], progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
    let mut counts = vec![0; cells.count()];
    let mut block = [0; BLOCK];
    for rows in blocks(0..classes.first().map_or(0, Values::len), progress) {
        let rows = rows?;
        let block = &mut block[..rows.len()];
        cells.number(classes, rows.start, block);
        block.iter().for_each(|&cell| counts[cell as usize] += 1);
    }
    Ok(counts)
}

/// Total variation distance ½ Σ |p − q| between two histograms over the same cells. An empty one is as far as can be from
/// any other.
pub fn total_variation(a: &[u64], b: &[u64]) -> f64 {
    let (rows_a, rows_b) = (a.iter().sum::<u64>(), b.iter().sum::<u64>());
    if rows_a == 0 || rows_b == 0 {
        return if rows_a == rows_b { 0.0 } else { 1.0 };
    }
    let share = |count: u64, rows: u64| count as f64 / rows as f64;
    let gap = |(&x, &y): (&u64, &u64)| (share(x, rows_a) - share(y, rows_b)).abs();
    (0.5 * a.iter().zip(b).map(gap).sum::<f64>()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Column, Field, Kind, Schema};
    use proptest::prelude::*;

    fn schema() -> Schema {
        Schema {
            name: "t".into(),
            kind: Kind::Flow,
            columns: vec![
                Column::new("p", Field::Port),
                Column::new("n", Field::IntegerExponential { max: 1_000, base: 2.0 }),
            ],
            facts: vec![],
            window: None,
        }
    }

    fn trace(rows: &[(u64, u64)]) -> Trace {
        let column = |f: fn(&(u64, u64)) -> u64| Values::collect(65_535, rows.iter().map(f));
        Trace::new(vec![column(|r| r.0), column(|r| r.1)])
    }

    fn mean(real: &[(u64, u64)], synthetic: &[(u64, u64)]) -> f64 {
        let (real, synthetic, schema) = (trace(real), trace(synthetic), schema());
        two_way(&Traces { real: &real, held_out: None, synthetic: &synthetic, schema: &schema }, &Quiet)
            .unwrap()
            .mean
    }

    proptest! {
        #[test]
        fn a_distance_between_histograms(cells in prop::collection::vec((0u64..5, 0u64..5), 1..20)) {
            let (a, b): (Vec<u64>, Vec<u64>) = cells.into_iter().unzip();
            let distance = total_variation(&a, &b);
            prop_assert!((0.0..=1.0).contains(&distance));
            prop_assert_eq!(distance, total_variation(&b, &a));
            prop_assert_eq!(total_variation(&a, &a), 0.0);
        }

        #[test]
        fn any_two_traces(a in rows(), b in rows()) {
            prop_assert!((0.0..=1.0).contains(&mean(&a, &b)));
            prop_assert_eq!(mean(&a, &a), 0.0);
        }
    }

    fn rows() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0u64..40, 0u64..1_000), 0..60)
    }

    #[test]
    fn equal_is_zero_and_disjoint_is_one() {
        let a = [(80, 1), (80, 2), (443, 900)];
        assert_eq!(mean(&a, &a), 0.0);
        assert!((mean(&a, &[(22, 1), (22, 2), (22, 900)]) - 1.0).abs() < 1e-12);
        assert_eq!(mean(&a, &[]), 1.0);
    }

    #[test]
    fn a_constant_column_is_told_from_another_constant() {
        assert_eq!(mean(&[(80, 5); 30], &[(80, 9); 30]), 1.0);
    }

    #[test]
    fn twenty_values_leave_a_class_for_the_rest() {
        let twenty: Vec<_> = (0..20).map(|port| (port, 1)).collect();
        let mut other = twenty.clone();
        other[0].0 = 99;
        assert!((mean(&twenty, &other) - 0.05).abs() < 1e-12);
    }

    #[test]
    fn lost_structure_shows() {
        let linked: Vec<_> = (0..100).map(|i| (i % 2, i % 2 * 500)).collect();
        let independent: Vec<_> = (0..100).map(|i| (i % 2, i / 2 % 2 * 500)).collect();
        assert!((mean(&linked, &independent) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_floor_is_the_distance_of_the_held_out_records() {
        let (real, other, schema) = (trace(&[(80, 1), (443, 2)]), trace(&[(80, 1)]), schema());
        let traces = Traces { real: &real, held_out: Some(&other), synthetic: &real, schema: &schema };
        let found = two_way(&traces, &Quiet).unwrap();
        assert_eq!((found.mean, found.floor), (0.0, Some(0.5)));
    }
}
