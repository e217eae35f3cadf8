//! A [`Progress`] for tests of cancellation at any point.

use super::Progress;
use crate::Stage;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts the cancellation checks of every stage and cancels at exactly one of them: work that ignores that
/// error runs to its end.
#[derive(Default)]
pub struct Counting {
    stop_at: Option<u64>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// `None` before the first report.
    stage: Option<Stage>,
    stages: BTreeMap<Option<Stage>, u64>,
}

impl Counting {
    /// Cancels at this check, counted from 0.
    pub fn stopping_at(check: u64) -> Self {
        Counting { stop_at: Some(check), ..Counting::default() }
    }

    /// Number of checks by stage.
    pub fn stages(&self) -> BTreeMap<Option<Stage>, u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).stages.clone()
    }

    /// Number of checks in all.
    pub fn all(&self) -> u64 {
        self.stages().values().sum()
    }
}

impl Progress for Counting {
    fn report(&self, stage: Stage, _: u64, _: u64) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).stage = Some(stage);
    }

    fn is_cancelled(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before: u64 = seen.stages.values().sum();
        let stage = seen.stage;
        *seen.stages.entry(stage).or_default() += 1;
        Some(before) == self.stop_at
    }
}
