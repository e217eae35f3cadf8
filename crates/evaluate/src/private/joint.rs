//! Several columns jointly, cut into classes: the total variation distance between joint histograms.

use super::{Traces, compared, is_nominal, sorted};
use netdpsyn_model::Cells;
use netdpsyn_trace::progress::{self, BLOCK, Cancelled, Progress, blocks};
use netdpsyn_trace::{Trace, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The distance of the joint distribution of some columns from the raw one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JointDistance {
    /// The columns.
    pub columns: Vec<String>,
    /// Total variation distance ½ Σ |p − q| between the shares p and q of raw and synthetic records in the
    /// joint cells: 0 is equal, 1 is disjoint.
    pub distance: f64,
    /// The same between the fitted and the held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
}

impl JointDistance {
    /// Mean distance and, where available, mean floor.
    pub fn mean(of: &[JointDistance]) -> (f64, Option<f64>) {
        let count = of.len().max(1) as f64;
        let floors: Option<f64> = of.iter().map(|joint| joint.floor).sum();
        (of.iter().map(|joint| joint.distance).sum::<f64>() / count, floors.map(|sum| sum / count))
    }
}

/// Maps a value to its class.
type Cut = Box<dyn Fn(u64) -> u8 + Send + Sync>;

/// The compared columns, each cut into classes for each of several numbers of classes. Classes follow the raw
/// data: for names and for numbers with few values, the most frequent values and a rest; for other numbers,
/// quantiles.
pub struct Cuts<'a> {
    traces: &'a Traces<'a>,
    /// Indices in the schema.
    columns: Vec<usize>,
    /// By column, then by number of classes.
    cuts: Vec<Vec<Cut>>,
    classes: &'a [usize],
}

impl<'a> Cuts<'a> {
    /// Cuts each column into at most `classes` classes; a column is sorted once for all numbers of classes.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(
        traces: &'a Traces<'a>,
        classes: &'a [usize],
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let columns = compared(traces.schema);
        let cut = |&column: &usize| {
            cuts(traces.real.column(column), is_nominal(traces.schema, column), classes, progress)
        };
        let cuts = columns.par_iter().map(cut).collect::<Result<_, Cancelled>>()?;
        Ok(Cuts { traces, columns, cuts, classes })
    }

    /// The distances of some groups of compared columns, at the number of classes with index `at`.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn distances<const N: usize>(
        &self,
        at: usize,
        groups: &[[usize; N]],
        progress: &dyn Progress,
    ) -> Result<Vec<JointDistance>, Cancelled> {
        let classes = self.classes[at];
        let coded = |trace: &Trace| {
            let of = |(&column, cuts): (&usize, &Vec<Cut>)| {
                trace.column(column).map(classes as u64 - 1, |value| cuts[at](value).into(), progress)
            };
            self.columns.par_iter().zip(&self.cuts).map(of).collect::<Result<Vec<Values>, Cancelled>>()
        };
        let (real, synthetic) = (coded(self.traces.real)?, coded(self.traces.synthetic)?);
        let held_out = self.traces.held_out.map(coded).transpose()?;
        let distance = |group: &[usize; N]| {
            let cells = Cells::new(group.map(|column| (column, classes)));
            let real = histogram(&cells, &real, progress)?;
            let from_real = |other: &[Values]| {
                histogram(&cells, other, progress).map(|other| total_variation(&real, &other))
            };
            let name = |i: &usize| self.traces.schema.columns[self.columns[*i]].name.clone();
            Ok(JointDistance {
                columns: group.iter().map(name).collect(),
                distance: from_real(&synthetic)?,
                floor: held_out.as_deref().map(from_real).transpose()?,
            })
        };
        groups.par_iter().map(distance).collect()
    }
}

/// The cuts of a column by its raw values.
fn cuts(
    real: &Values,
    nominal: bool,
    classes: &[usize],
    progress: &dyn Progress,
) -> Result<Vec<Cut>, Cancelled> {
    let sorted = sorted(real, progress)?;
    let mut counts: Vec<(usize, u64)> =
        sorted.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0])).collect();
    let frequent_first = |a: &(usize, u64), b: &(usize, u64)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
    // Quantiles need no order by frequency, and sizes have many values.
    if nominal || classes.iter().any(|&classes| counts.len() < classes) {
        progress::sort_by(&mut counts, &frequent_first, progress)?;
    }
    let cut = |&classes: &usize| -> Cut {
        // The last class is for the rest, and for values that no raw record has.
        let rest = classes - 1;
        if nominal || counts.len() <= rest {
            let class: HashMap<u64, u8> = counts.iter().take(rest).map(|&(_, v)| v).zip(0..).collect();
            Box::new(move |value| class.get(&value).copied().unwrap_or(rest as u8))
        } else {
            let mut edges: Vec<u64> = (1..classes).map(|i| sorted[i * sorted.len() / classes]).collect();
            edges.dedup();
            Box::new(move |value| edges.partition_point(|&edge| edge <= value) as u8)
        }
    };
    Ok(classes.iter().map(cut).collect())
}

/// The joint histogram of some columns of classes.
fn histogram(cells: &Cells, classes: &[Values], progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
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

/// Total variation distance ½ Σ |p − q| between two histograms over the same cells. An empty one has distance
/// 1 from any other.
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_distance_between_histograms(cells in prop::collection::vec((0u64..5, 0u64..5), 1..20)) {
            let (a, b): (Vec<u64>, Vec<u64>) = cells.into_iter().unzip();
            let distance = total_variation(&a, &b);
            prop_assert!((0.0..=1.0).contains(&distance));
            prop_assert_eq!(distance, total_variation(&b, &a));
            prop_assert_eq!(total_variation(&a, &a), 0.0);
        }
    }

    #[test]
    fn a_mean_has_a_floor_where_all_have_one() {
        let joint = |distance, floor| JointDistance { columns: vec![], distance, floor };
        assert_eq!(JointDistance::mean(&[joint(0.5, Some(0.25)), joint(0.0, Some(0.75))]), (0.25, Some(0.5)));
        assert_eq!(JointDistance::mean(&[joint(0.5, None)]), (0.5, None));
    }
}
