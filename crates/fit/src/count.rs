//! Codes, and exact counts of marginals over them: the only passes over the records.
//!
//! One pass over the rows counts all marginals. Rows are divided into one part per thread, each part is read
//! in blocks whose codes stay in cache, and every marginal of the group counts the block into the thread's
//! own tables.

use netdpsyn_account::statement::Unit;
use netdpsyn_model::domain::Attribute;
use netdpsyn_model::{Cells, labels};
use netdpsyn_privacy::{CellMap, Sensitivity, Stream};
use netdpsyn_trace::progress::{BLOCK, Cancelled, Progress, cut};
use netdpsyn_trace::{Directory, Field, Schema, Stage, Values};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Largest number of cells that all threads hold at a time (128 MiB), unless a single marginal has more;
/// further marginals wait for the next pass.
const GROUP_CELLS: usize = 1 << 25;

/// A set of attributes whose joint histogram is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marginal {
    /// The cells of the histogram, whose attributes ascend.
    pub cells: Cells,
}

impl Marginal {
    /// The marginal of the attributes with the indices `of`.
    pub fn new(of: &[usize], attributes: &[Attribute]) -> Self {
        Marginal { cells: Cells::of(of, attributes) }
    }

    /// Indices of its attributes.
    pub fn attributes(&self) -> &[usize] {
        self.cells.attributes()
    }

    /// How far one privacy unit moves the histogram: [`Sensitivity::histogram_of_gaps`] where it contains the
    /// gap, otherwise [`Sensitivity::histogram`].
    pub fn sensitivity(&self, reach: Reach) -> Sensitivity {
        match reach.gap.is_some_and(|gap| self.attributes().contains(&gap)) {
            true => Sensitivity::histogram_of_gaps(reach.unit.max_records()),
            false => Sensitivity::histogram(reach.unit.max_records()),
        }
    }

    /// Its weight when ρ is divided among marginals that are measured together: ρ_i ∝ (c_i·Δ_i)^(2/3), which
    /// minimises their joint L1 error.
    pub fn weight(&self, reach: Reach) -> f64 {
        (self.cells.count() as f64 * self.sensitivity(reach).approx()).powf(2.0 / 3.0)
    }

    /// The digest of its cell map, given the digests of the attributes' partitions.
    pub fn map(&self, cuts: &[CellMap]) -> CellMap {
        CellMap::of(|say| {
            for &attribute in self.attributes() {
                say(&attribute.to_le_bytes());
                say(cuts[attribute].bytes());
            }
        })
    }

    /// The stream of its noise, which its columns identify.
    pub fn stream(&self, attributes: &[Attribute]) -> Stream {
        let question = if self.attributes().len() == 1 { "one-way" } else { "joint" };
        Stream::new(question, self.attributes().iter().map(|&a| attributes[a].column))
    }

    /// The label of its charge.
    pub fn label(&self, attributes: &[Attribute]) -> String {
        let names: Vec<&str> = self.attributes().iter().map(|&a| attributes[a].name.as_str()).collect();
        labels::marginal(&names)
    }
}

/// What the sensitivity of a histogram depends on. The type of a column states whether it holds gaps, never
/// its name.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The privacy unit.
    pub unit: Unit,
    /// The attribute of the gap between records of a flow. Adding a record changes the gap of another one.
    pub gap: Option<usize>,
}

impl Reach {
    /// For the attributes of a schema.
    pub fn of(unit: Unit, schema: &Schema, attributes: &[Attribute]) -> Self {
        let is_gap = |a: &Attribute| matches!(schema.columns[a.column].field, Field::FlowGap { .. });
        Reach { unit, gap: attributes.iter().position(is_gap) }
    }
}

/// The digest of every attribute's partition, where `addresses` maps numbers to addresses of any family.
pub fn cuts(attributes: &[Attribute], addresses: Option<&Directory>) -> Vec<CellMap> {
    let cut = |attribute: &Attribute| {
        CellMap::of(|say| {
            say(&attribute.column.to_le_bytes());
            attribute.partition.describe(say);
            addresses.iter().for_each(|addresses| addresses.describe(say));
        })
    };
    attributes.par_iter().map(cut).collect()
}

/// The progress of a pass. Steps are cells, not records: their number depends only on the plan and on earlier
/// noisy answers.
pub struct Pass<'a> {
    /// The stage of the pass.
    pub stage: Stage,
    /// Number of cells of the whole stage, including those of the pass.
    pub total: u64,
    /// Receives the reports.
    pub progress: &'a dyn Progress,
}

impl<'a> Pass<'a> {
    /// A stage that counts `marginals` and does nothing else.
    pub fn over(marginals: &[Marginal], stage: Stage, progress: &'a dyn Progress) -> Self {
        Pass { stage, total: cells(marginals), progress }
    }

    /// Reports that `done` of the stage's cells are done.
    ///
    /// # Errors
    /// [`Cancelled`] when the stage should stop.
    pub fn step(&self, done: u64) -> Result<(), Cancelled> {
        self.progress.step(self.stage, done, self.total)
    }
}

/// Total number of cells of some marginals.
pub fn cells(marginals: &[Marginal]) -> u64 {
    marginals.iter().map(|marginal| marginal.cells.count() as u64).sum()
}

/// Counts every marginal and passes its index and histogram to `finish`, whose results are returned in order.
///
/// # Errors
/// [`Cancelled`] when the pass should stop.
pub fn count<R: Send>(
    codes: &[Values],
    marginals: &[Marginal],
    pass: &Pass<'_>,
    finish: impl Fn(usize, Vec<u32>) -> R + Sync,
) -> Result<Vec<R>, Cancelled> {
    let share = GROUP_CELLS / rayon::current_num_threads().max(2);
    let mut results = Vec::with_capacity(marginals.len());
    let mut from = 0;
    while from < marginals.len() {
        // As many further marginals as fit the thread's share of memory, at least one.
        let mut cells = marginals[from].cells.count();
        let mut to = from + 1;
        while to < marginals.len() && cells + marginals[to].cells.count() <= share {
            cells += marginals[to].cells.count();
            to += 1;
        }
        let tables = count_group(codes, &marginals[..to], from, pass)?;
        let finished = tables.into_par_iter().enumerate().map(|(i, table)| {
            pass.progress.check()?;
            Ok(finish(from + i, table))
        });
        results.extend(finished.collect::<Result<Vec<R>, Cancelled>>()?);
        from = to;
    }
    Ok(results)
}

/// Counts the marginals from `from` on in one pass over the rows; earlier ones are done.
fn count_group(
    codes: &[Values],
    marginals: &[Marginal],
    from: usize,
    pass: &Pass<'_>,
) -> Result<Vec<Vec<u32>>, Cancelled> {
    let rows = codes.first().map_or(0, Values::len);
    let (before, own) = (cells(&marginals[..from]), cells(&marginals[from..]));
    let counted = AtomicU64::new(0);
    let went_on = |length: usize| {
        let counted = counted.fetch_add(length as u64, Ordering::Relaxed) as f64 / rows as f64;
        pass.step(before + (own as f64 * counted) as u64)
    };
    sum_of_parts(rows, |part| count_rows(codes, &marginals[from..], part, &went_on))
}

/// Counts tables in one part of the rows per thread, and adds them up.
pub(super) fn sum_of_parts(
    rows: usize,
    count: impl Fn(Range<usize>) -> Result<Vec<Vec<u32>>, Cancelled> + Sync,
) -> Result<Vec<Vec<u32>>, Cancelled> {
    // One part per thread, however few the rows: memory must not depend on their number.
    let threads = rayon::current_num_threads();
    let sum = |mut sum: Vec<Vec<u32>>, part: Vec<Vec<u32>>| {
        for (into, from) in sum.iter_mut().zip(part) {
            for (a, b) in into.iter_mut().zip(from) {
                *a += b;
            }
        }
        Ok(sum)
    };
    let parts = (0..threads).into_par_iter();
    let parts = parts.map(|part| count(rows * part / threads..rows * (part + 1) / threads));
    parts.try_reduce_with(sum).unwrap_or_else(|| Ok(Vec::new()))
}

fn count_rows(
    codes: &[Values],
    marginals: &[Marginal],
    rows: Range<usize>,
    went_on: &(impl Fn(usize) -> Result<(), Cancelled> + Sync),
) -> Result<Vec<Vec<u32>>, Cancelled> {
    let mut tables: Vec<Vec<u32>> = marginals.iter().map(|m| vec![0; m.cells.count()]).collect();
    let mut block = vec![0; BLOCK];
    for rows in cut(rows) {
        let block = &mut block[..rows.len()];
        went_on(rows.len())?;
        for (marginal, table) in marginals.iter().zip(&mut tables) {
            marginal.cells.number(codes, rows.start, block);
            block.iter().for_each(|&cell| table[cell as usize] += 1);
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_are_those_of_a_plain_loop(rows in prop::collection::vec((0u64..3, 0u64..5, 0u64..300), 0..9_000)) {
            let codes = vec![
                Values::collect(2, rows.iter().map(|r| r.0)),
                Values::collect(4, rows.iter().map(|r| r.1)),
                Values::collect(299, rows.iter().map(|r| r.2)),
            ];
            let marginal = |attributes: &[usize]| Marginal { cells: Cells::new(attributes.iter().map(|&a| (a, [3, 5, 300][a]))) };
            let marginals = [marginal(&[1]), marginal(&[0, 2]), marginal(&[0, 1, 2])];
            let pass = Pass::over(&marginals, Stage::Pairs, &Quiet);
            let tables = count(&codes, &marginals, &pass, |_, table| table).unwrap();
            let mut expected = [vec![0u32; 5], vec![0; 900], vec![0; 4_500]];
            for &(a, b, c) in &rows {
                expected[0][b as usize] += 1;
                expected[1][(a * 300 + c) as usize] += 1;
                expected[2][((a * 5 + b) * 300 + c) as usize] += 1;
            }
            prop_assert_eq!(tables, expected.to_vec());
        }
    }
}
