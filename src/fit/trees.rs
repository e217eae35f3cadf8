//! Address trees: the domain of an address column, found and paid for level by level.
//!
//! The domain of a level's histogram is public (all children of the open nodes), so no δ is spent. Each record counts in
//! at most one child a level: Δ = k. Noise is fresh for every node of every level, and every level of the fixed depth is
//! charged, whether it was reached or not.

use super::{FitError, count};
use crate::domain::{PrefixTree, tree::Leaves};
use crate::model::statement::Unit;
use crate::privacy::{Accountant, Query, Rho, Sensitive, Sensitivity};
use crate::progress::{Cancelled, Progress};
use crate::trace::{Field, Schema, Trace};
use std::collections::BTreeMap;

/// A node opens above this many σ: higher on the first level, where a false /8 would drag in false children.
const FIRST_LEVEL: f64 = 4.0;
const DEEPER: f64 = 2.5;

/// Open nodes a level at most (those with the largest noisy counts): bounds time and memory, whatever the trace.
const MAX_OPEN: usize = 4_096;

/// Bits of an address.
const ADDRESS_BITS: u32 = 32;

/// Grows a tree for every address column, with equal shares of `rho` a column and level. Keyed by column.
pub fn grow(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    unit: Unit,
    rho: Rho,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<BTreeMap<usize, Leaves>, FitError> {
    let columns: Vec<(usize, &[u8])> = schema
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.is_measured())
        .filter_map(|(index, column)| match &column.field {
            Field::Ip { levels, networks: None } => Some((index, levels.as_slice())),
            _ => None,
        })
        .collect();
    let steps: usize = columns.iter().map(|(_, levels)| levels.len()).sum();
    if steps == 0 {
        return Ok(BTreeMap::new());
    }
    let mut parts = rho.divide(&vec![1.0; steps]).into_iter();
    let mut grown = BTreeMap::new();
    let mut done = 0;
    for (index, levels) in columns {
        let mut tree = PrefixTree::new(ADDRESS_BITS, levels);
        for level in 0..tree.levels() {
            progress.step("trees", done, steps as u64)?;
            done += 1;
            let query = Query {
                label: format!("tree {} level {}", schema.columns[index].name, level + 1),
                stage: "trees",
                sensitivity: Sensitivity::histogram(unit.max_records()),
                rho: parts.next().unwrap_or(Rho::ZERO),
                cells: tree.level_cells(),
            };
            let counts = trace.derive(|t| level_counts(t, index, &tree, progress)).finished_or(Cancelled)?;
            let noisy = counts.measure(accountant, query, Vec::clone)?;
            let sigmas = if level == 0 { FIRST_LEVEL } else { DEEPER };
            tree.open(&noisy.values, sigmas * noisy.scale.sigma(), MAX_OPEN);
            progress.check()?;
        }
        grown.insert(index, tree.finish());
    }
    Ok(grown)
}

/// The exact histogram of the tree's next level.
fn level_counts(
    trace: &Trace,
    column: usize,
    tree: &PrefixTree,
    progress: &dyn Progress,
) -> Result<Vec<i64>, Cancelled> {
    let tables = count::sum_of_parts(trace.rows(), |rows| {
        let mut counts = vec![0; tree.level_cells()];
        let mut block = vec![0; count::BLOCK];
        for from in rows.clone().step_by(count::BLOCK) {
            progress.check()?;
            let values = &mut block[..count::BLOCK.min(rows.end - from)];
            trace.column(column).zip_block(from, values, |to, value| *to = value);
            for cell in values.iter().filter_map(|&value| tree.cell(value)) {
                counts[cell] += 1;
            }
        }
        Ok(vec![counts])
    })?;
    Ok(tables.into_iter().flatten().map(i64::from).collect())
}
