//! Packets in the order of their sessions: a total order by what they hold alone.

use netdpsyn_trace::Trace;
use netdpsyn_trace::columns::compare;
use netdpsyn_trace::groups::Groups;
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::sessions::Sessions;
use rayon::prelude::*;
use std::ops::Range;

/// Sessions that are looked at between two checks of the switch.
const BATCH: usize = 1 << 10;

/// The rows of a trace, session by session.
pub struct Order {
    /// Rows, those of a session in order of time, then of whatever else they hold. Equal packets stand in any order: nothing tells them apart.
    pub rows: Vec<u32>,
    /// Where each session begins, and where the last one ends.
    pub starts: Vec<usize>,
}

impl Order {
    /// Of a view.
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
        // Sessions as slices of their own, so that they are sorted at once.
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

    /// How many sessions.
    pub fn sessions(&self) -> usize {
        self.starts.len() - 1
    }

    /// Where the records of a session are.
    pub fn session(&self, at: usize) -> Range<usize> {
        self.starts[at]..self.starts[at + 1]
    }
}
