//! Reconciles tables that were measured separately and disagree on shared attributes.
//!
//! PrivSyn (Zhang et al., USENIX Security '21), section 4: for every attribute set that several tables share,
//! smallest first, take the inverse-variance mean of their projections and spread the difference over the
//! cells of each table; then apply norm-sub to every table; repeat until they agree.

use super::Table;
use crate::domain::simplex;
use netdpsyn_trace::Stage;
use netdpsyn_trace::progress::{Cancelled, Progress};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Largest number of rounds.
const MAX_ROUNDS: u64 = 500;
/// Tables agree when no projection differs from the mean by more than this share of N̂ (L1).
const AGREED: f64 = 1e-4;

/// The result of reconciliation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reconciliation {
    /// Number of rounds.
    pub rounds: u64,
    /// The largest L1 difference between a projection and the mean in the last round, as a share of N̂.
    pub disagreement: f64,
}

/// An attribute set shared by several tables.
struct Shared {
    cells: usize,
    /// The projections of the tables that contain it.
    views: Vec<View>,
    /// Σ 1/variance over the views, by cell.
    weight: Vec<f64>,
}

/// The projection of one table onto a shared set.
struct View {
    table: usize,
    map: Vec<u32>,
    variances: Vec<f64>,
}

/// Makes the tables consistent and non-negative, in place.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop; the tables are then partly reconciled.
pub fn reconcile(tables: &mut [Table], progress: &dyn Progress) -> Result<Reconciliation, Cancelled> {
    let shared = shared_sets(tables, progress)?;
    let mut outcome = Reconciliation { rounds: 0, disagreement: f64::INFINITY };
    while outcome.rounds < MAX_ROUNDS && outcome.disagreement > AGREED {
        progress.step(Stage::Reconcile, outcome.rounds, MAX_ROUNDS)?;
        outcome.disagreement = 0.0;
        for set in &shared {
            outcome.disagreement = agree(set, tables, progress)?.max(outcome.disagreement);
        }
        outcome.rounds += 1;
        tables.par_iter_mut().try_for_each(|table| {
            progress.check()?;
            simplex::norm_sub(&mut table.values);
            Ok(())
        })?;
    }
    Ok(outcome)
}

/// All intersections of two tables' attribute sets, smallest first, including the empty set (the total).
fn shared_sets(tables: &[Table], progress: &dyn Progress) -> Result<Vec<Shared>, Cancelled> {
    let mut sets: BTreeSet<(usize, Vec<usize>)> = BTreeSet::from([(0, Vec::new())]);
    for (i, a) in tables.iter().enumerate() {
        for b in &tables[i + 1..] {
            let common: Vec<usize> =
                a.attributes().iter().copied().filter(|x| b.attributes().contains(x)).collect();
            sets.insert((common.len(), common));
        }
    }
    let describe = |set: &[usize]| {
        let views: Vec<View> = tables
            .iter()
            .enumerate()
            .filter(|(_, table)| set.iter().all(|a| table.attributes().contains(a)))
            .map(|(index, table)| {
                progress.check()?;
                let map = table.cells.map_onto(set);
                let variances = table.projected_variance(&map, table.cells.onto(set).cells.count());
                Ok(View { table: index, map, variances })
            })
            .collect::<Result<_, Cancelled>>()?;
        let cells = views.first().map_or(0, |view| view.variances.len());
        let weight = (0..cells).map(|c| views.iter().map(|v| 1.0 / v.variances[c]).sum()).collect();
        Ok(Shared { cells, views, weight })
    };
    let sets: Vec<Shared> = sets.iter().map(|(_, set)| describe(set)).collect::<Result<_, Cancelled>>()?;
    Ok(sets.into_iter().filter(|set| set.views.len() > 1).collect())
}

/// Moves every table that contains `set` to the mean of them all; returns the largest difference, as a share
/// of the total.
fn agree(set: &Shared, tables: &mut [Table], progress: &dyn Progress) -> Result<f64, Cancelled> {
    let project = |view: &View| {
        progress.check()?;
        Ok(tables[view.table].project(&view.map, set.cells))
    };
    let projections: Vec<Vec<f64>> = set.views.par_iter().map(project).collect::<Result<_, Cancelled>>()?;
    let mean: Vec<f64> = (0..set.cells)
        .map(|c| {
            let weighted = set.views.iter().zip(&projections).map(|(v, p)| p[c] / v.variances[c]);
            weighted.sum::<f64>() / set.weight[c]
        })
        .collect();
    let total = mean.iter().sum::<f64>().max(1.0);
    let mut moves: Vec<Option<(&View, Vec<f64>)>> = tables.iter().map(|_| None).collect();
    let mut largest = 0.0f64;
    for (view, projection) in set.views.iter().zip(&projections) {
        let differences: Vec<f64> = mean.iter().zip(projection).map(|(m, p)| m - p).collect();
        largest = largest.max(differences.iter().map(|d| d.abs()).sum::<f64>() / total);
        moves[view.table] = Some((view, differences));
    }
    tables.par_iter_mut().zip(moves).try_for_each(|(table, step)| {
        if let Some((view, differences)) = step {
            progress.check()?;
            table.spread(&view.map, &differences, &view.variances);
        }
        Ok(())
    })?;
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::super::Cells;
    use super::super::table::Variance;
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use proptest::prelude::*;

    fn table(attributes: &[usize], shape: &[usize], values: &[f64], variance: f64) -> Table {
        Table {
            cells: Cells::new(attributes.iter().copied().zip(shape.iter().copied())),
            values: values.to_vec(),
            variance: Variance::Even(variance),
        }
    }

    #[test]
    fn by_hand_two_one_ways() {
        // Two measurements of one attribute, variances 1 and 3: weights 3/4 and 1/4.
        let mut tables = vec![table(&[0], &[2], &[10.0, 20.0], 1.0), table(&[0], &[2], &[14.0, 20.0], 3.0)];
        reconcile(&mut tables, &Quiet).unwrap();
        for t in &tables {
            assert!((t.values[0] - 11.0).abs() < 1e-9 && (t.values[1] - 20.0).abs() < 1e-9, "{t:?}");
        }
    }

    #[test]
    fn by_hand_a_pair_and_its_margin() {
        // The pair's projection onto 0 is (12, 18) with variance 2 per cell; the one-way table has (16, 16)
        // with variance 2. Totals: 30 of variance 4, 32 of variance 4 → 31. Then (12.5, 18.5) and (15.5,
        // 15.5) → (14, 17).
        let mut tables =
            vec![table(&[0, 1], &[2, 2], &[6.0, 6.0, 9.0, 9.0], 1.0), table(&[0], &[2], &[16.0, 16.0], 2.0)];
        reconcile(&mut tables, &Quiet).unwrap();
        for (value, expected) in tables[0].values.iter().zip([7.0, 7.0, 8.5, 8.5]) {
            assert!((value - expected).abs() < 1e-9, "{:?}", tables[0].values);
        }
        assert!((tables[1].values[0] - 14.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn ends_in_agreement(noise in prop::collection::vec(-20.0f64..20.0, 3 * 4 + 4 * 2 + 3 + 4 + 2)) {
            let mut at = noise.iter();
            let mut noisy = |attributes: &[usize], shape: &[usize]| {
                let cells = shape.iter().product::<usize>();
                let values: Vec<f64> = (0..cells).map(|_| 240.0 / cells as f64 + at.next().unwrap()).collect();
                table(attributes, shape, &values, 100.0)
            };
            let mut tables = vec![
                noisy(&[0, 1], &[3, 4]), noisy(&[1, 2], &[4, 2]), noisy(&[0], &[3]), noisy(&[1], &[4]), noisy(&[2], &[2]),
            ];
            let outcome = reconcile(&mut tables, &Quiet).unwrap();
            prop_assert!(outcome.disagreement <= AGREED);
            let total = tables[0].total();
            for t in &tables {
                prop_assert!(t.values.iter().all(|&v| v >= 0.0));
                prop_assert!((t.total() - total).abs() < 1e-3 * total);
            }
            let ab = tables[0].project(&tables[0].cells.map_onto(&[1]), 4);
            let b = &tables[3].values;
            prop_assert!(ab.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-3 * total));
        }
    }

    #[test]
    fn stops_when_told() {
        let switch = netdpsyn_trace::progress::Switch::default();
        switch.cancel();
        assert_eq!(reconcile(&mut [table(&[0], &[1], &[1.0], 1.0)], &switch), Err(Cancelled));
    }
}
