//! Workers: claim a job, keep its lease alive, do it on the blocking pool, end it once.
//!
//! | file | idea |
//! | --- | --- |
//! | [`worker`] | slots, leases, heartbeats, draining |
//! | [`watch`] | progress and stop signal between the work and its heartbeat |
//! | [`work`] | what each kind of job does |

pub mod watch;
pub mod work;
pub mod worker;

pub use worker::{Workers, start};
