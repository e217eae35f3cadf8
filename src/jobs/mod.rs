//! Workers: claim a job, keep its lease alive, do it on the blocking pool, end it once.
//!
//! | file | idea |
//! | --- | --- |
//! | [`worker`] | slots that claim, draining |
//! | [`attempt`] | one attempt at a job: work, heartbeat, end |
//! | [`keeper`] | what ends when its lease has |
//! | [`watch`] | progress and stop signal between the work and its heartbeat |
//! | `parse`, `fit`, `generate`, `evaluate` | what a job of each kind does |
//! | `source` | the raw trace of a job's dataset |
//! | `rounds` | the loop of whatever takes one thing after another from a queue |
//! | [`deliver`] | messages of webhooks |
//! | [`deposit`] | deposits in repositories |
//! | [`end`] | how jobs end |
//! | [`stopped`] | why a job did not come to its result |
//! | [`measuring`] | how a fit begins to measure, and forgets its noise key |
//! | `new_bundle` | room on the disk, reserved before anything is paid for |

pub mod attempt;
pub mod deliver;
pub mod deposit;
pub mod end;
mod evaluate;
mod fit;
mod generate;
pub mod keeper;
pub mod measuring;
mod new_bundle;
mod parse;
mod rounds;
mod source;
pub mod stopped;
pub mod watch;
pub mod worker;

pub use worker::{Workers, start};
