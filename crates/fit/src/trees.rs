//! Prefix trees: find the domain of a column of addresses or ports, and pay for it level by level.
//!
//! The domain of a level's histogram is public (all children of the open nodes), so no δ is spent. Each
//! record counts in at most one child per level: Δ = k. Noise is fresh for every node of every level, and
//! every level of the fixed depth is charged, whether it is reached or not.

use super::{FitError, count};
use netdpsyn_account::statement::Unit;
use netdpsyn_model::domain::{Order, PrefixTree, tree::Leaves};
use netdpsyn_model::labels;
use netdpsyn_privacy::{Accountant, CellMap, NoiseScale, Query, Raw, Rho, Sensitive, Sensitivity, Stream};
use netdpsyn_trace::directory::SPACE;
use netdpsyn_trace::progress::{BLOCK, Cancelled, Progress, blocks};
use netdpsyn_trace::{Schema, Stage, Trace};
use rayon::slice::ParallelSliceMut;
use std::collections::BTreeMap;

/// A node opens above this many σ on the first level. It is higher than below, because a false /8 would open
/// false children.
const FIRST_LEVEL: f64 = 4.0;
const DEEPER: f64 = 2.5;

/// Largest number of open nodes per level (those with the largest noisy counts). It bounds time and memory,
/// whatever the trace.
const MAX_OPEN: usize = 4_096;

/// Bits of an address.
const ADDRESS_BITS: u32 = 32;

/// A finished tree, and the noise of a node's count.
pub struct Grown {
    /// The bins.
    pub leaves: Leaves,
    /// The scale of the noise, the same on every level.
    pub scale: NoiseScale,
}

/// The limits of growing trees.
#[derive(Clone, Copy)]
pub struct Allowed {
    /// The privacy unit.
    pub unit: Unit,
    /// ρ of all trees together.
    pub rho: Rho,
    /// Largest number of leaves of one tree.
    pub leaves: u64,
}

/// Grows a tree for every column whose domain requires one, with equal shares of ρ per level. Keyed by
/// column.
///
/// # Errors
/// [`FitError`] when the accountant refuses a level, or `progress` asks to stop.
pub fn grow(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    Allowed { unit, rho, leaves }: Allowed,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<BTreeMap<usize, Grown>, FitError> {
    let measured = schema.columns.iter().enumerate().filter(|(_, column)| column.is_measured());
    let columns: Vec<(usize, u32, &[u8])> = measured
        .filter_map(|(index, column)| column.field.tree().map(|(bits, levels)| (index, bits, levels)))
        .collect();
    let steps: usize = columns.iter().map(|(_, _, levels)| levels.len()).sum();
    let mut grown = BTreeMap::new();
    if steps == 0 {
        return Ok(grown);
    }
    // Every level gets the same ρ, so that a tree's leaves have one scale; the remainder of the division goes
    // to what is measured last.
    let rho = Rho::from_units(rho.units() / steps as u64);
    let mut done = 0;
    for (index, bits, levels) in columns {
        let mut tree = PrefixTree::new(bits, levels).beside(schema.columns[index].special.len());
        let (mut scale, mut left) = (None, leaves);
        for level in 0..tree.levels() {
            progress.step(Stage::Trees, done, steps as u64)?;
            done += 1;
            let count = |t: &Trace| level_counts(t, index, |value| value, &tree, progress);
            let query = Query {
                label: labels::level(&schema.columns[index].name, level + 1),
                stream: Stream::new("tree level", [index, level + 1]),
                stage: Stage::Trees,
                sensitivity: Sensitivity::histogram(unit.max_records()),
                rho,
                cells: tree.level_cells(),
                map: CellMap::of(|say| tree.describe(say)),
            };
            let counts = trace.derive(count).finished_or(Cancelled)?;
            let noisy = counts.measure(accountant, query, Vec::clone)?;
            let sigmas = if level == 0 && bits == ADDRESS_BITS { FIRST_LEVEL } else { DEEPER };
            // The children of an open node replace one leaf, and no tree has more leaves than there is room
            // for.
            left = left.saturating_sub(tree.level_cells() as u64);
            let most = levels.get(level + 1).map_or(0, |&bits| (left >> bits) as usize);
            tree.open(&noisy.values, sigmas * noisy.scale.sigma(), most.min(MAX_OPEN));
            progress.check()?;
            scale = Some(noisy.scale);
        }
        if let Some(scale) = scale {
            grown.insert(index, Grown { leaves: tree.finish(), scale });
        }
    }
    Ok(grown)
}

/// The exact histogram of the next level of a tree over the keys of a column's values.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn level_counts(
    trace: &Trace,
    column: usize,
    key: impl Fn(u64) -> u64 + Sync,
    tree: &PrefixTree,
    progress: &dyn Progress,
) -> Result<Vec<i64>, Cancelled> {
    let finder = tree.finder();
    let tables = count::sum_of_parts(trace.rows(), |rows| {
        let mut counts = vec![0; tree.level_cells()];
        let mut block = vec![0; BLOCK];
        for rows in blocks(rows, progress) {
            let rows = rows?;
            let keys = &mut block[..rows.len()];
            trace.column(column).zip_block(rows.start, keys, |to, value| *to = key(value));
            for cell in keys.iter().filter_map(|&key| finder.cell(key)) {
                counts[cell] += 1;
            }
        }
        Ok(vec![counts])
    })?;
    Ok(tables.into_iter().flatten().map(i64::from).collect())
}

/// Number of records of each address of any family, by its key, and of each special value, by its key, in
/// order.
///
/// # Panics
/// Where the trace has no directory for the column.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn by_key(
    trace: &Trace,
    column: usize,
    order: &Order,
    progress: &dyn Progress,
) -> Result<Vec<(u128, u32)>, Cancelled> {
    let Some(directory) = trace.directory(column) else { panic!("addresses without a directory") };
    let mut values = vec![0u32; trace.rows()];
    for rows in blocks(0..trace.rows(), progress) {
        let rows = rows?;
        trace.column(column).copy_block(rows.start, &mut values[rows]);
    }
    values.par_sort_unstable();
    progress.check()?;
    let key = |value: u64| match value < SPACE {
        true => directory.key(value),
        false => (1 << order.bits()) + u128::from(value - SPACE),
    };
    Ok(values.chunk_by(|a, b| a == b).map(|run| (key(run[0].into()), run.len() as u32)).collect())
}

/// The exact histogram of the next level of a tree over keys with their numbers of records.
///
/// It is the histogram of the records. A record has one key, which follows from its address alone; the cells
/// of a level are disjoint sets of keys, the children of nodes that earlier noisy answers opened, and on the
/// first level the special values. So each record counts in one cell or in none, and k of them move the
/// counts by at most k in L2 ([`netdpsyn_account::Sensitivity::histogram`]), whatever numbers the directory
/// gives to addresses.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn level_of_keys(
    keys: &[(u128, u32)],
    tree: &PrefixTree,
    progress: &dyn Progress,
) -> Result<Vec<i64>, Cancelled> {
    let tables = count::sum_of_parts(keys.len(), |part| {
        let mut counts = vec![0; tree.level_cells()];
        for part in blocks(part, progress) {
            for &(key, records) in &keys[part?] {
                if let Some(cell) = tree.cell(key) {
                    counts[cell] += records;
                }
            }
        }
        Ok(vec![counts])
    })?;
    Ok(tables.into_iter().flatten().map(i64::from).collect())
}
