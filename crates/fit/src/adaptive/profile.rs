//! The number of distinct values of a column, and how often they occur: the number of values with at least 1,
//! 2, 4, 8 … records.
//!
//! A tree isolates heavy hosts; of the others it gives only the joint number of records. The profile gives
//! the number of hosts.

use super::shares::Budget;
use crate::FitError;
use netdpsyn_account::statement::Unit;
use netdpsyn_model::{Profile, labels};
use netdpsyn_privacy::{Accountant, CellMap, Query, Raw, Sensitive, Sensitivity, Stream};
use netdpsyn_trace::progress::{BLOCK, Cancelled, Progress, blocks};
use netdpsyn_trace::{Schema, Stage, Trace, special};
use rayon::slice::ParallelSliceMut;

/// Thresholds: 2⁰ to 2⁹.
const THRESHOLDS: usize = 10;

/// The columns with a profile: addresses whose tree is grown.
pub fn columns(schema: &Schema) -> impl Iterator<Item = usize> + '_ {
    let measured = schema.columns.iter().enumerate().filter(|(_, column)| column.is_measured());
    measured.filter(|(_, c)| c.field.tells_hosts()).map(|(index, _)| index)
}

/// Measures the profile of every such column.
///
/// # Errors
/// [`FitError`] when the accountant refuses a query, or `progress` asks to stop.
pub fn measure(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    unit: Unit,
    budget: &Budget,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Profile>, FitError> {
    let mut profiles = Vec::new();
    for column in columns(schema) {
        progress.check()?;
        let label = labels::profile(&schema.columns[column].name);
        let query = Query {
            label: label.clone(),
            stream: Stream::new("profile", [column]),
            stage: Stage::Trees,
            sensitivity: Sensitivity::profile(unit.max_records()),
            rho: budget.profile(),
            cells: THRESHOLDS,
            map: CellMap::of(|say| say(&column.to_le_bytes())),
        };
        let counted = trace.derive(|t| profile(t, column, progress)).finished_or(Cancelled)?;
        let noisy = counted.measure(accountant, query, Vec::clone)?;
        profiles.push(Profile { label, column, counts: noisy.values, scale: noisy.scale });
    }
    Ok(profiles)
}

/// Number of values with at least 2^j records, for every j.
fn profile(trace: &Trace, column: usize, progress: &dyn Progress) -> Result<Vec<i64>, Cancelled> {
    let mut values = vec![0u32; trace.rows()];
    for rows in blocks(0..trace.rows(), progress) {
        let rows = rows?;
        debug_assert!(rows.len() <= BLOCK);
        let start = rows.start;
        trace.column(column).zip_block(start, &mut values[rows], |to, value| *to = special::host(value));
    }
    values.par_sort_unstable();
    progress.check()?;
    let mut reached = vec![0; THRESHOLDS];
    for run in values.chunk_by(|a, b| a == b) {
        let thresholds = run.len().ilog2() as usize + 1;
        reached[..thresholds.min(THRESHOLDS)].iter_mut().for_each(|count| *count += 1);
    }
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Values, simulate::flows};
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Vec<i64> {
        let mut columns = flows::simulate(values.len(), 1).into_columns();
        columns[0] = Values::collect(u64::from(u32::MAX), values.iter().copied());
        profile(&Trace::new(columns), 0, &Quiet).unwrap()
    }

    #[test]
    fn by_hand() {
        assert_eq!(of(&[7, 7, 7, 9, 1, 1]), [3, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of(&[]), [0; 10]);
        assert_eq!(of(&[5; 2_000]), [1; 10]);
    }

    proptest! {
        /// Any trace of few hosts, and one record more: the bound is reached and never exceeded.
        #[test]
        fn one_record_moves_one_entry(mut values in prop::collection::vec(0u64..6, 0..70), more in 0u64..6) {
            let before = of(&values);
            values.push(more);
            let moved: i64 = of(&values).iter().zip(&before).map(|(a, b)| (a - b).pow(2)).sum();
            prop_assert!(moved <= Sensitivity::profile(netdpsyn_privacy::MaxRecords::ONE).squared() as i64);
            let count = values.iter().filter(|&&v| v == more).count();
            prop_assert_eq!(moved == 1, count.is_power_of_two());
        }
    }
}
