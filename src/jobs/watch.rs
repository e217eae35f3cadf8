//! Between a job's work, which blocks, and its heartbeat, which does not: where the work is, and whether it should stop.

use crate::progress::{Progress, Switch};
use std::sync::Mutex;

/// The stages in order, with the percent at which each begins. They depend on the plan alone, never on records.
const STAGES: [(&str, u64); 12] = [
    ("read", 0),
    ("trees", 10),
    ("code", 20),
    ("one-ways", 25),
    ("selection", 35),
    ("pairs", 45),
    ("reconcile", 60),
    ("generate", 70),
    ("restore", 90),
    ("write", 93),
    ("compare", 97),
    ("done", 100),
];

/// One job's progress.
#[derive(Default)]
pub struct Watch {
    switch: Switch,
    at: Mutex<(&'static str, u64)>,
}

impl Watch {
    /// Asks the work to stop.
    pub fn stop(&self) {
        self.switch.cancel();
    }

    /// Stage and percent.
    pub fn at(&self) -> (&'static str, u64) {
        *self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Watch {
    fn report(&self, stage: &'static str, done: u64, total: u64) {
        let Some(i) = STAGES.iter().position(|(name, _)| *name == stage) else { return };
        let (from, to) = (STAGES[i].1, STAGES.get(i + 1).map_or(100, |(_, percent)| *percent));
        let percent = from + (to - from) * done.min(total) / total.max(1);
        *self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (stage, percent);
    }

    fn is_cancelled(&self) -> bool {
        self.switch.is_cancelled()
    }
}
