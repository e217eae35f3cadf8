//! Progress of long work, and its cancellation.

mod blocks;
pub use blocks::{BLOCK, blocks, checked, chunks, cut, par_blocks};

use crate::Stage;
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// Number of items that [`sort`] sorts between cancellation checks: some milliseconds. It is larger than
/// [`BLOCK`], because each halving costs a pass and may reorder equal items.
const PIECE: usize = 1 << 16;

/// The work was stopped on request. It leaves no visible effects.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("cancelled")]
pub struct Cancelled;

/// Why work on files ended early.
#[derive(Debug, Error)]
pub enum Halted {
    /// A file cannot be written or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Receives the progress of long work. Steps follow from the plan and from the position of a pass over the
/// records, never from what records hold. Only stewards see them.
pub trait Progress: Sync {
    /// Reports that `done` of `total` steps of `stage` are done.
    fn report(&self, stage: Stage, done: u64, total: u64);

    /// Whether the work should stop.
    fn is_cancelled(&self) -> bool;

    /// Checks for cancellation. The check is cheap: every piece of work of some milliseconds begins with it,
    /// on any thread.
    ///
    /// # Errors
    /// [`Cancelled`] if the work should stop.
    fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// [`Progress::report`], then [`Progress::check`].
    ///
    /// # Errors
    /// [`Cancelled`] if the work should stop.
    fn step(&self, stage: Stage, done: u64, total: u64) -> Result<(), Cancelled> {
        self.report(stage, done, total);
        self.check()
    }
}

/// A cancellation check for work that does not report progress itself, called between pieces of some
/// milliseconds. An error ends the work.
pub type Step<'a> = dyn Fn() -> Result<(), Cancelled> + Sync + 'a;

/// Sorts on all cores and stops on request. The sort is not stable.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop; the items are then in any order.
pub fn sort<T: Ord + Send>(items: &mut [T], progress: &dyn Progress) -> Result<(), Cancelled> {
    sort_by(items, &T::cmp, progress)
}

/// [`sort`] with a comparison function.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop; the items are then in any order.
pub fn sort_by<T: Send>(
    items: &mut [T],
    order: &(impl Fn(&T, &T) -> std::cmp::Ordering + Sync),
    progress: &dyn Progress,
) -> Result<(), Cancelled> {
    if items.len() <= PIECE {
        items.sort_unstable_by(order);
        return Ok(());
    }
    // A comparison cannot return an error, so a slice that is too long for one sort is first halved at its
    // median.
    progress.check()?;
    let (low, _, high) = items.select_nth_unstable_by(items.len() / 2, order);
    let (low, high) = rayon::join(|| sort_by(low, order, progress), || sort_by(high, order, progress));
    low.and(high)
}

/// Ignores reports and never cancels.
pub struct Quiet;

impl Progress for Quiet {
    fn report(&self, _: Stage, _: u64, _: u64) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// A flag that cancels work, for signal handlers and tests.
#[derive(Default)]
pub struct Switch(AtomicBool);

impl Switch {
    /// Cancels the work.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress for Switch {
    fn report(&self, _: Stage, _: u64, _: u64) {}
    fn is_cancelled(&self) -> bool {
        Switch::is_cancelled(self)
    }
}

#[cfg(any(test, feature = "testing"))]
mod counting;
#[cfg(any(test, feature = "testing"))]
pub use counting::Counting;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        #[test]
        fn sorts_like_any_other(length in 0usize..5 * PIECE, spread in 1u64..1 << 40) {
            let mut items: Vec<u64> = (0..length as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % spread).collect();
            let mut expected = items.clone();
            expected.sort_unstable();
            sort(&mut items, &Quiet).unwrap();
            prop_assert_eq!(items, expected);
        }
    }

    #[test]
    fn a_long_sort_stops() {
        let switch = Switch::default();
        switch.cancel();
        assert_eq!(sort(&mut vec![0u8; PIECE + 1], &switch), Err(Cancelled));
    }
}
