//! Tables of real numbers as whole counts, distributed to shards.
//!
//! Rounding is systematic ([`Whole`]), so every cell is off by less than one and the total is exact. A table
//! of many small cells becomes a stratified sample of them, with less variance than random drawing.

use super::whole::Whole;
use netdpsyn_model::{Cells, Table};
use rand::Rng;

/// Whole counts of a table's non-empty cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// All cells of the table.
    pub cells: Cells,
    /// (cell, count), ascending, count > 0.
    pub counts: Vec<(u32, u32)>,
}

impl Target {
    /// Scales a table to `rows` records and rounds it. A table without mass becomes uniform.
    pub fn round(table: &Table, rows: usize, rng: &mut impl Rng) -> Target {
        let total = table.total();
        let cells = table.values.len();
        let even = total.is_nan() || total <= 0.0;
        let scale = if even { rows as f64 / cells as f64 } else { rows as f64 / total };
        let mut whole = Whole::new(rng);
        let mut counts = Vec::new();
        let mut left = rows as u64;
        for (cell, &value) in table.values.iter().enumerate() {
            // The last cell takes the remainder, so that the sum is exact.
            let due = whole.next(scale * if even { 1.0 } else { value });
            let count = if cell + 1 == cells { left } else { due.min(left) };
            if count > 0 {
                counts.push((cell as u32, count as u32));
                left -= count;
            }
        }
        Target { cells: table.cells.clone(), counts }
    }

    /// The part of shard `shard` of `shards`: records are numbered through the cells and distributed in turn,
    /// so that every shard gets its share of every cell and all shards together have exactly the whole.
    pub fn deal(&self, shard: usize, shards: usize) -> Target {
        let (shard, shards) = (shard as u64, shards as u64);
        // How many of the records 0..upto belong to this shard.
        let mine = |upto: u64| (upto + shards - 1 - shard) / shards;
        let mut before = 0u64;
        let mut counts = Vec::new();
        for &(cell, count) in &self.counts {
            let after = before + u64::from(count);
            let own = mine(after) - mine(before);
            if own > 0 {
                counts.push((cell, own as u32));
            }
            before = after;
        }
        Target { cells: self.cells.clone(), counts }
    }

    /// Total number of records.
    pub fn rows(&self) -> usize {
        self.counts.iter().map(|&(_, count)| count as usize).sum()
    }
}

#[cfg(test)]
pub(super) mod for_tests {
    use super::{Cells, Target};

    /// A target with these counts, cell by cell.
    pub fn target(attributes: &[usize], shape: &[usize], wanted: &[u32]) -> Target {
        let counts =
            wanted.iter().enumerate().filter(|(_, n)| **n > 0).map(|(c, &n)| (c as u32, n)).collect();
        Target { cells: Cells::new(attributes.iter().copied().zip(shape.iter().copied())), counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_model::table::Variance;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn table(values: Vec<f64>) -> Table {
        Table { cells: Cells::new([(0, values.len())]), values, variance: Variance::Even(1.0) }
    }

    proptest! {
        #[test]
        fn whole_counts_are_off_by_less_than_one(values in prop::collection::vec(0.0f64..50.0, 1..200), rows in 0usize..5_000, seed: u64) {
            let table = table(values);
            let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
            let target = Target::round(&table, rows, &mut rng);
            prop_assert_eq!(target.rows(), rows);
            let scale = rows as f64 / table.total();
            if table.total() > 0.0 {
                for &(cell, count) in &target.counts {
                    let exact = table.values[cell as usize] * scale;
                    let last = cell as usize + 1 == table.values.len();
                    prop_assert!((f64::from(count) - exact).abs() < 1.0 + 1e-6 + f64::from(u8::from(last)));
                }
            }
        }

        #[test]
        fn shards_add_up_to_the_whole(values in prop::collection::vec(0.0f64..9.0, 1..60), rows in 1usize..2_000, shards in 1usize..9) {
            let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
            let whole = Target::round(&table(values.clone()), rows, &mut rng);
            let mut sums = vec![0u32; values.len()];
            for shard in 0..shards {
                let part = whole.deal(shard, shards);
                prop_assert!(part.rows() == rows / shards || part.rows() == rows / shards + 1);
                for (cell, count) in part.counts {
                    sums[cell as usize] += count;
                }
            }
            for (cell, count) in whole.counts {
                prop_assert_eq!(sums[cell as usize], count);
            }
        }
    }

    #[test]
    fn no_mass_becomes_even() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let target = Target::round(&table(vec![0.0; 4]), 8, &mut rng);
        assert_eq!(target.counts, [(0, 2), (1, 2), (2, 2), (3, 2)]);
    }
}
