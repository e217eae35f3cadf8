//! The loop of whatever takes one thing after another from a queue of the database.

use crate::service::problem::Problem;
use std::time::Duration;
use tokio::sync::watch;

/// Interval between looks at a queue that had nothing due.
const LOOK: Duration = Duration::from_secs(1);

/// Does one thing after another until the server stops: `one` says whether there was one. What is under way when the server stops is left, and its lease
/// lapses. `queue` names it in the log.
pub async fn rounds<Done>(mut stopping: watch::Receiver<bool>, queue: &'static str, one: impl Fn() -> Done)
where
    Done: Future<Output = Result<bool, Problem>>,
{
    loop {
        let done = tokio::select! {
            done = one() => done,
            _ = stopping.changed() => return,
        };
        match done {
            Ok(true) => continue,
            Ok(false) => {}
            Err(problem) => tracing::warn!(queue, problem = %problem.kind, "polling a queue failed"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stopping.changed() => return,
        }
    }
}
