//! Packets sorted by session: a total order by what they hold alone.

use netdpsyn_trace::Trace;
use netdpsyn_trace::columns::compare;
use netdpsyn_trace::groups::Groups;
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::sessions::Sessions;
use rayon::prelude::*;
use std::ops::Range;

/// Number of sessions between two cancellation checks.
const BATCH: usize = 1 << 10;

/// The rows of a trace, session by session.
pub struct Order {
    /// Rows; within a session by time, then by the other columns. Equal packets are in any order, because
    /// they are indistinguishable.
    pub rows: Vec<u32>,
    /// The start of each session, and the end of the last one.
    pub starts: Vec<usize>,
}

impl Order {
    /// Sorts a view.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(view: &Trace, sessions: &Sessions, progress: &dyn Progress) -> Result<Order, Cancelled> {
        let by = sessions.tuple();
        let groups = Groups::of(view.columns(), &by).in_order(1, progress)?;
        let (mut rows, mut starts) = (Vec::with_capacity(view.rows()), vec![0]);
        for group in groups.iter() {
            rows.extend_from_slice(group);
            starts.push(rows.len());
        }
        drop(groups);
        let first = [Some(sessions.time), Some(sessions.direction), sessions.length, sessions.ttl];
        let rest = (0..view.columns().len()).filter(|&column| !first.contains(&Some(column)));
        let order: Vec<usize> = first.into_iter().flatten().chain(rest).collect();
        // Sessions as separate slices, so that they are sorted in parallel.
        let mut pieces: Vec<&mut [u32]> = Vec::with_capacity(starts.len() - 1);
        let mut left = rows.as_mut_slice();
        for session in starts.windows(2) {
            let (own, others) = left.split_at_mut(session[1] - session[0]);
            pieces.push(own);
            left = others;
        }
        pieces.par_chunks_mut(BATCH).try_for_each(|batch| {
            progress.check()?;
            for session in batch {
                netdpsyn_trace::progress::sort_by(
                    session,
                    &|a: &u32, b: &u32| compare(view.columns(), order.iter().copied(), *a, *b),
                    progress,
                )?;
            }
            Ok(())
        })?;
        Ok(Order { rows, starts })
    }

    /// Number of sessions.
    pub fn sessions(&self) -> usize {
        self.starts.len() - 1
    }

    /// The range of a session in `rows`.
    pub fn session(&self, at: usize) -> Range<usize> {
        self.starts[at]..self.starts[at + 1]
    }
}
