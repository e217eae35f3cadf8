//! How long work tells where it is, and is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// Work was stopped on request. Nothing of it is visible.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("cancelled")]
pub struct Cancelled;

/// Receives the progress of long work. What is reported depends on the plan alone, never on raw data.
pub trait Progress: Sync {
    /// `done` of `total` steps of `stage` are done.
    fn report(&self, stage: &'static str, done: u64, total: u64);

    /// Whether the work should stop.
    fn is_cancelled(&self) -> bool;

    /// [`Progress::report`], then an error if the work should stop.
    fn step(&self, stage: &'static str, done: u64, total: u64) -> Result<(), Cancelled> {
        self.report(stage, done, total);
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// Reports to nobody and never stops.
pub struct Quiet;

impl Progress for Quiet {
    fn report(&self, _: &'static str, _: u64, _: u64) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// A switch that stops work, for signal handlers and tests.
#[derive(Default)]
pub struct Switch(AtomicBool);

impl Switch {
    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress for Switch {
    fn report(&self, _: &'static str, _: u64, _: u64) {}
    fn is_cancelled(&self) -> bool {
        Switch::is_cancelled(self)
    }
}
