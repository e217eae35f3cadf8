//! Between a job's work, which blocks, and its heartbeat, which does not: where the work is, and whether it should stop.

use crate::account::Stage;
use crate::progress::{Progress, Switch};
use crate::storage::jobs::JobKind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// The stages of a kind of job in order, with the percent at which each begins. They depend on the plan alone, never on records.
type Stages = &'static [(Stage, u64)];

const FIT: Stages = &[
    (Stage::Read, 0),
    (Stage::Split, 45),
    (Stage::Gaps, 65),
    (Stage::Trees, 75),
    (Stage::Code, 80),
    (Stage::OneWays, 85),
    (Stage::Selection, 90),
    (Stage::Pairs, 95),
];
const GENERATE: Stages = &[(Stage::Reconcile, 0), (Stage::Generate, 5), (Stage::Write, 80)];
const EVALUATE: Stages = &[(Stage::Read, 0), (Stage::Split, 20), (Stage::Compare, 30)];
const PARSE: Stages = &[(Stage::Read, 0)];

/// Observer of a job's work.
pub trait Observer: Progress {
    /// A fit begins to measure: what it would have to repeat is worth waiting for.
    fn measuring(&self);
}

/// One job's progress.
pub struct Watch {
    stages: Stages,
    switch: Switch,
    measuring: AtomicBool,
    at: Mutex<(Option<Stage>, u64)>,
}

impl Watch {
    /// The progress of a job of this kind.
    pub fn of(kind: JobKind) -> Self {
        let stages = match kind {
            JobKind::Parse => PARSE,
            JobKind::Fit => FIT,
            JobKind::Generate => GENERATE,
            JobKind::Evaluate => EVALUATE,
        };
        Watch { stages, switch: Switch::default(), measuring: AtomicBool::new(false), at: Mutex::default() }
    }

    /// Requests that the work stops.
    pub fn stop(&self) {
        self.switch.cancel();
    }

    /// Whether a fit has begun to measure.
    pub fn is_measuring(&self) -> bool {
        self.measuring.load(Ordering::Acquire)
    }

    /// Stage, once there is one, and percent.
    pub fn at(&self) -> (Option<Stage>, u64) {
        *self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Observer for Watch {
    fn measuring(&self) {
        self.measuring.store(true, Ordering::Release);
    }
}

impl Progress for Watch {
    fn report(&self, stage: Stage, done: u64, total: u64) {
        let Some(i) = self.stages.iter().position(|(own, _)| *own == stage) else { return };
        let (from, to) = (self.stages[i].1, self.stages.get(i + 1).map_or(100, |(_, percent)| *percent));
        let percent = from + (to - from) * done.min(total) / total.max(1);
        *self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = (Some(stage), percent);
    }

    fn is_cancelled(&self) -> bool {
        self.switch.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_goes_from_0_to_100_over_the_stages_of_each_kind() {
        for &kind in JobKind::ALL {
            let watch = Watch::of(kind);
            let stages = watch.stages;
            let mut before = 0;
            for &(stage, begins) in stages {
                watch.report(stage, 0, 8);
                assert_eq!(watch.at(), (Some(stage), begins));
                assert!(begins == before, "{stage} begins where the stage before it ends");
                watch.report(stage, 8, 8);
                before = watch.at().1;
            }
            assert_eq!(before, 100);
            // A stage of another kind.
            watch.report(Stage::Plan, 1, 2);
            assert_eq!(watch.at().1, 100);
        }
    }
}
