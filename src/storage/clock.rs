//! The times that the service goes by. What is stored goes by one clock for all servers, the database's: leases and entries of several machines are only
//! comparable by one. What a process remembers for a while goes by its own, and files by that of the machine.

use std::time::{Instant, SystemTime};

/// Makes of each time the one that the service goes by. Only tests make another of it: time jumps there.
pub trait Clock: Send + Sync {
    /// The time that is used, in microseconds since 1970, when the database says `database`.
    fn tell(&self, database: i64) -> i64 {
        database
    }

    /// Monotonic time, for what a process remembers for a while.
    fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Wall-clock time, as files are dated.
    fn files(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// All of them as they are.
pub struct Plain;

impl Clock for Plain {}

/// The embedded database runs on this machine and has its clock.
pub(super) fn machine() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
