//! The pairs of hosts of a trace, from which all looks at hosts follow.

use netdpsyn_model::looks::{self, Pair};
use netdpsyn_trace::progress::{Cancelled, Progress, blocks};
use netdpsyn_trace::{Trace, special};
use rayon::slice::ParallelSliceMut;

/// The rank histogram of every [`netdpsyn_model::LookSubject`], in order. `sides` are the columns of source and
/// destination.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn ranks(trace: &Trace, sides: [usize; 2], progress: &dyn Progress) -> Result<Vec<Vec<i64>>, Cancelled> {
    let pairs = pairs(trace, sides, progress)?;
    let all = looks::ranks_of_pairs(pairs);
    progress.check()?;
    Ok(all)
}

/// Every pair once with its number of records, in order.
fn pairs(trace: &Trace, sides: [usize; 2], progress: &dyn Progress) -> Result<Vec<Pair>, Cancelled> {
    let mut keys = vec![0u64; trace.rows()];
    for rows in blocks(0..trace.rows(), progress) {
        let rows = rows?;
        for (side, shift) in sides.into_iter().zip([32, 0]) {
            trace.column(side).zip_block(rows.start, &mut keys[rows.clone()], |key, host| {
                *key |= u64::from(special::host(host)) << shift
            });
        }
    }
    keys.par_sort_unstable();
    progress.check()?;
    let runs = keys.chunk_by(|a, b| a == b);
    Ok(runs.map(|run| (((run[0] >> 32) as u32, run[0] as u32), run.len() as u64)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_account::{MaxRecords, Sensitivity};
    use netdpsyn_model::{LookSubject, ranks::BINS};
    use netdpsyn_trace::Values;
    use netdpsyn_trace::progress::Quiet;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn of(records: &[(u64, u64)]) -> Vec<Vec<i64>> {
        let column = |values: Vec<u64>| Values::collect(u64::from(u32::MAX), values);
        let (sources, destinations) = records.iter().copied().unzip();
        ranks(&Trace::new(vec![column(sources), column(destinations)]), [0, 1], &Quiet).unwrap()
    }

    #[test]
    fn by_hand() {
        // 1 sends three times to 2, which answers twice; 1 also sends to itself and to 3.
        let all = of(&[(1, 2), (2, 1), (1, 2), (1, 2), (2, 1), (1, 1), (1, 3)]);
        let first =
            |of: LookSubject| all[LookSubject::ALL.iter().position(|own| *own == of).unwrap()][..4].to_vec();
        assert_eq!(first(LookSubject::Sources), [2, 2, 2, 1]);
        assert_eq!(first(LookSubject::Destinations), [3, 2, 2, 0]);
        assert_eq!(first(LookSubject::BothSides), [2, 2, 1, 0], "of 1 three, of 2 two");
        assert_eq!(first(LookSubject::Pairs), [4, 2, 1, 0]);
        assert_eq!(first(LookSubject::FanOut), [2, 1, 1, 0]);
        assert_eq!(first(LookSubject::FanIn), [3, 1, 0, 0]);
        assert_eq!(first(LookSubject::MutualPairs), [1, 1, 0, 0]);
        assert_eq!(of(&[]), vec![vec![0; BINS]; 7]);
    }

    /// Every trace of few hosts and one record more: each bound is reached and never exceeded.
    #[test]
    fn one_record_moves_a_look_by_its_sensitivity_at_most() {
        let reached = [const { Cell::new(0) }; 7];
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 4_000,
            ..ProptestConfig::default()
        });
        let host = || 0u64..4;
        let traces = (prop::collection::vec((host(), host()), 0..14), (host(), host()));
        runner
            .run(&traces, |(mut records, more)| {
                let before = of(&records);
                records.push(more);
                for (at, (after, before)) in of(&records).iter().zip(&before).enumerate() {
                    let moved: i64 = after.iter().zip(before).map(|(a, b)| (a - b).pow(2)).sum();
                    let bound = match LookSubject::ALL[at] {
                        LookSubject::BothSides => Sensitivity::ranks_of_both_sides(MaxRecords::ONE),
                        _ => Sensitivity::ranks(MaxRecords::ONE),
                    };
                    prop_assert!(moved as u64 <= bound.squared(), "{:?}: {moved}", LookSubject::ALL[at]);
                    reached[at].set(reached[at].get().max(moved));
                }
                Ok(())
            })
            .unwrap();
        assert_eq!(reached.map(|moved| moved.get()), [1, 1, 4, 1, 1, 1, 1]);
    }
}
