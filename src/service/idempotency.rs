//! Idempotency keys: a client that cannot know whether its request arrived sends it again under the same key, and gets the same job.
//!
//! A key is kept while its job waits or runs, and for a week after that has ended; a day is promised. So it outlasts every retry of a client that still waits for
//! an answer, and however long a job takes, the same request never makes a second one beside it. A request that comes again later is a new one: it makes a
//! new job, whose id tells, and a fit then reserves its cost anew. Nothing is spent twice unseen: the second cost stands in the ledger beside the first, under
//! the same caps.
//!
//! The time of an end is the database's, whose clock may jump. Six days are for a clock that was wrong when the job ended. And nothing is forgotten when that
//! clock has deviated from this process's own since the last check: a moment in the wrong year would forget them all.

use super::app::App;
use super::problem::Problem;
use crate::storage::idempotency;
use std::time::{Duration, Instant};

/// Retention of a key after its job has ended.
pub const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Largest drift of two clocks between two checks.
const APART: Duration = Duration::from_secs(600);

/// Forgets the keys of jobs that ended long ago, as long as the clocks go on as they should.
#[derive(Default)]
pub struct Forgetting {
    /// This process's time and the database's, at the last check.
    last: Option<(Instant, i64)>,
}

impl Forgetting {
    /// Looks at the clocks and forgets what is old; how many. The first look forgets nothing.
    pub async fn look(&mut self, app: &App) -> Result<u64, Problem> {
        let mut tx = app.begin("idempotency.forget").await?;
        let (now, here) = (tx.now().await?, app.clock().instant());
        let steady = self.last.replace((here, now)).is_some_and(|(then, told)| {
            let passed = here.saturating_duration_since(then).as_micros() as i64;
            (now - told).abs_diff(passed) <= APART.as_micros() as u64
        });
        if !steady {
            return Ok(0);
        }
        let forgotten = idempotency::forget(&mut tx, now - KEPT_FOR.as_micros() as i64).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}
