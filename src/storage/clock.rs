//! One clock for all servers: the database's. Leases and entries of several machines are only comparable by one.

use jiff::Timestamp;

/// Makes of the database's time the time that the service goes by. Only tests make another of it: time jumps there.
pub trait Clock: Send + Sync {
    /// The time that is used, in microseconds since 1970, when the database says `database`.
    fn tell(&self, database: i64) -> i64;
}

/// The database's time as it is.
pub struct Plain;

impl Clock for Plain {
    fn tell(&self, database: i64) -> i64 {
        database
    }
}

/// The embedded database runs on this machine and has its clock.
pub(super) fn machine() -> i64 {
    Timestamp::now().as_microsecond()
}
