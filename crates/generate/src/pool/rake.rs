//! Rakes the weights of records to noisy tables.
//!
//! A sweep scales the weights in every cell of every table by (wanted / present)^r with r = z² / (z² + 4σ²),
//! where z is the larger of the two: where a cell does not exceed its noise, weights change little. With r =
//! 1 they would follow the noise of all tables at once and end worse than before.

use crate::codes::Codes;
use netdpsyn_model::{Table, table::Variance};
use netdpsyn_trace::progress::{Cancelled, Step};

/// Number of σ that count as noise.
const NOISE: f64 = 2.0;
/// Largest factor by which one table scales a weight in a sweep. Where tables make conflicting demands on the
/// few records of a pool, weights would otherwise oscillate with growing amplitude.
const STEP: f64 = 4.0;
/// Smallest target of a cell.
const LEAST: f64 = 1e-3;

/// A table to which weights are raked.
pub struct Raked<'a> {
    table: &'a Table,
    /// Its target counts, which sum to N̂.
    wanted: Vec<f64>,
    /// (2σ)².
    noise: f64,
    records: f64,
}

impl<'a> Raked<'a> {
    /// A table over `records` records.
    pub fn new(table: &'a Table, records: f64) -> Raked<'a> {
        let scale = records / table.total().max(1e-9);
        let variance = match &table.variance {
            Variance::Even(variance) => *variance,
            Variance::Cells(of) => of.iter().sum::<f64>() / of.len().max(1) as f64,
        };
        let wanted = table.values.iter().map(|value| (value * scale).max(LEAST)).collect();
        Raked { table, wanted, noise: NOISE * NOISE * variance, records }
    }

    /// The cell of each record.
    pub fn cells(&self, codes: &Codes) -> Vec<u32> {
        let mut cells = vec![0; codes.first().map_or(0, |column| column.len())];
        self.table.cells.number(codes, 0, &mut cells);
        cells
    }

    /// L1 distance of these records from the table, as a share of the records.
    pub fn error(&self, cells: &[u32], records: &[u32]) -> f64 {
        let one = self.records / records.len().max(1) as f64;
        let mut there = vec![0.0; self.wanted.len()];
        records.iter().for_each(|&record| there[cells[record as usize] as usize] += one);
        there.iter().zip(&self.wanted).map(|(a, b)| (a - b).abs()).sum::<f64>() / self.records.max(1e-9)
    }

    /// Replaces the weights in each cell by the factor for them.
    fn factors(&self, there: &mut [f64]) {
        for (cell, &wanted) in there.iter_mut().zip(&self.wanted) {
            *cell = match *cell > 0.0 {
                false => 1.0,
                true => {
                    let z2 = wanted.max(*cell).powi(2);
                    (wanted / *cell).powf(z2 / (z2 + self.noise)).clamp(STEP.recip(), STEP)
                }
            };
        }
    }
}

/// Rakes weights, which afterwards sum to N̂ as far as the tables permit; their initial values are relative.
/// `step` is called before every sweep.
///
/// # Errors
/// [`Cancelled`] when `step` returns it.
pub fn rake(
    tables: &[Raked<'_>],
    cells: &[Vec<u32>],
    weights: &mut [f64],
    sweeps: usize,
    step: &Step,
) -> Result<(), Cancelled> {
    let Some(last) = tables.len().checked_sub(1) else { return Ok(()) };
    let scale = tables[0].records / weights.iter().sum::<f64>().max(1e-12);
    weights.iter_mut().for_each(|weight| *weight *= scale);
    let cells_at_most = tables.iter().map(|table| table.wanted.len()).max().unwrap_or(0);
    let (mut there, mut next) = (vec![0.0; cells_at_most], vec![0.0; cells_at_most]);
    cells[0].iter().zip(&*weights).for_each(|(&cell, weight)| there[cell as usize] += weight);
    for _ in 0..sweeps {
        step()?;
        for at in 0..tables.len() {
            let after = if at == last { 0 } else { at + 1 };
            tables[at].factors(&mut there[..tables[at].wanted.len()]);
            // One pass per table: its factors are applied while the next table is summed.
            next[..tables[after].wanted.len()].fill(0.0);
            for (weight, (&own, &other)) in weights.iter_mut().zip(cells[at].iter().zip(&cells[after])) {
                *weight *= there[own as usize];
                next[other as usize] += *weight;
            }
            std::mem::swap(&mut there, &mut next);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_model::Cells;

    fn table(values: &[f64], variance: f64) -> Table {
        Table {
            cells: Cells::new([(0, values.len())]),
            values: values.to_vec(),
            variance: Variance::Even(variance),
        }
    }

    fn raked(tables: &[Table], cells: &[Vec<u32>]) -> Vec<f64> {
        let mut weights = vec![1.0; cells[0].len()];
        let tables: Vec<Raked<'_>> = tables.iter().map(|t| Raked::new(t, t.total())).collect();
        rake(&tables, cells, &mut weights, 40, &|| Ok(())).unwrap();
        weights
    }

    #[test]
    fn exact_tables_are_met() {
        let tables = [table(&[6.0, 2.0], 0.0), table(&[3.0, 5.0], 0.0)];
        let weights = raked(&tables, &[vec![0, 0, 1, 1], vec![0, 1, 0, 1]]);
        let sum = |rows: [usize; 2]| rows.iter().map(|&row| weights[row]).sum::<f64>();
        for (rows, wanted) in [([0, 1], 6.0), ([2, 3], 2.0), ([0, 2], 3.0), ([1, 3], 5.0)] {
            assert!((sum(rows) - wanted).abs() < 1e-9, "{weights:?}");
        }
        let one = raked(&tables[..1], &[vec![0, 0, 1, 1]]);
        assert!((one[0] - 3.0).abs() < 1e-9 && (one[2] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn cells_of_mere_noise_pull_little() {
        let noisy = table(&[30.0, 1.0], 100.0);
        let cells = vec![(0..31).map(|row| u32::from(row % 2 == 1)).collect::<Vec<u32>>()];
        let mut weights = vec![1.0; 31];
        rake(&[Raked::new(&noisy, 31.0)], &cells, &mut weights, 1, &|| Ok(())).unwrap();
        let second: f64 = weights.iter().skip(1).step_by(2).sum();
        assert!(second > 3.0, "wanted is 1, there were 15, and both are less than 2 σ: {second}");
    }
}
