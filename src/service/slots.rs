//! The health of a server's workers, for probes.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Slots that should work, that do, and how often one had to be started again.
#[derive(Debug, Default)]
pub struct Slots {
    wanted: AtomicUsize,
    alive: AtomicUsize,
    restarted: AtomicUsize,
}

/// A slot that works; when this is dropped, also by a panic, it no longer does.
pub struct Alive<'a>(&'a Slots);

impl Slots {
    /// One more is wanted.
    pub fn want(&self) {
        self.wanted.fetch_add(1, Relaxed);
    }

    /// One works from now on.
    pub fn begin(&self) -> Alive<'_> {
        self.alive.fetch_add(1, Relaxed);
        Alive(self)
    }

    /// One died and is started again.
    pub fn restart(&self) {
        self.restarted.fetch_add(1, Relaxed);
    }

    /// Slots that should work, and that do.
    pub fn counts(&self) -> (usize, usize) {
        (self.wanted.load(Relaxed), self.alive.load(Relaxed))
    }

    /// Number of restarts.
    pub fn restarts(&self) -> usize {
        self.restarted.load(Relaxed)
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Relaxed);
    }
}
