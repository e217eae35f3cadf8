//! A marginal as a table of real numbers.

use super::{Cells, Measurement};
use crate::domain::Attribute;

/// Counts over the joint cells of some attributes, which ascend.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The cells.
    pub cells: Cells,
    /// The count of each cell.
    pub values: Vec<f64>,
    /// Variance of each cell's noise.
    pub variance: Variance,
}

/// The variances of the noise of a table's cells.
#[derive(Clone, Debug, PartialEq)]
pub enum Variance {
    /// The same in every cell.
    Even(f64),
    /// By cell, where cells were merged after measuring.
    Cells(Vec<f64>),
}

impl Variance {
    fn at(&self, cell: usize) -> f64 {
        match self {
            Variance::Even(v) => *v,
            Variance::Cells(v) => v[cell],
        }
    }
}

impl Table {
    /// The table of a measurement.
    pub fn measured(measurement: &Measurement, attributes: &[Attribute]) -> Table {
        let sigma2 = measurement.scale.variance();
        let variance = match &measurement.joined {
            None => Variance::Even(sigma2),
            Some(sizes) => Variance::Cells(sizes.iter().map(|&g| sigma2 * f64::from(g)).collect()),
        };
        Table {
            cells: measurement.cells(attributes),
            values: measurement.counts.iter().map(|&count| count as f64).collect(),
            variance,
        }
    }

    /// Indices of its attributes.
    pub fn attributes(&self) -> &[usize] {
        self.cells.attributes()
    }

    /// The sum of all cells.
    pub fn total(&self) -> f64 {
        self.values.iter().sum()
    }

    /// The sums of a projection, given its cell map and number of cells.
    pub fn project(&self, map: &[u32], cells: usize) -> Vec<f64> {
        let mut sums = vec![0.0; cells];
        for (&cell, &value) in map.iter().zip(&self.values) {
            sums[cell as usize] += value;
        }
        sums
    }

    /// The variance of each cell of a projection: the sum over the cells that it sums.
    pub fn projected_variance(&self, map: &[u32], cells: usize) -> Vec<f64> {
        let mut sums = vec![0.0; cells];
        for (at, &cell) in map.iter().enumerate() {
            sums[cell as usize] += self.variance.at(at);
        }
        sums
    }

    /// Spreads a difference per cell of a projection over the cells of the table in proportion to their
    /// variance: evenly, where all have the same.
    pub fn spread(&mut self, map: &[u32], differences: &[f64], variances: &[f64]) {
        for (at, (value, &cell)) in self.values.iter_mut().zip(map).enumerate() {
            *value += differences[cell as usize] * self.variance.at(at) / variances[cell as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            cells: Cells::new([(1, 2), (4, 3), (7, 2)]),
            values: (0..12).map(f64::from).collect(),
            variance: Variance::Even(2.0),
        }
    }

    #[test]
    fn projections_sum_the_right_cells() {
        let t = table();
        let sums = |onto: &[usize]| t.project(&t.cells.map_onto(onto), t.cells.onto(onto).cells.count());
        assert_eq!(sums(&[]), [66.0]);
        assert_eq!(sums(&[1]), [15.0, 51.0]);
        assert_eq!(sums(&[4]), [14.0, 22.0, 30.0]);
        assert_eq!(sums(&[1, 7]), [6.0, 9.0, 24.0, 27.0]);
        assert_eq!(sums(&[1, 4, 7]), t.values);
        assert_eq!(t.projected_variance(&t.cells.map_onto(&[7]), 2), [12.0, 12.0]);
    }

    #[test]
    fn spreading_moves_a_projection_by_the_difference() {
        let mut t = table();
        let map = t.cells.map_onto(&[4]);
        let variances = t.projected_variance(&map, 3);
        t.spread(&map, &[4.0, 0.0, -8.0], &variances);
        assert_eq!(t.project(&map, 3), [18.0, 22.0, 22.0]);
        assert_eq!(t.values[0], 1.0);
    }
}
