//! Idempotency keys: a client that cannot know whether its request arrived sends it again under the same key, and gets the same job.
//!
//! A key is kept while its job waits or runs, and for a day after that has ended. So it outlasts every retry of a client that still waits for an answer, and
//! however long a job takes, the same request never makes a second one beside it. A request that comes again later is a new one: it makes a new job, whose id
//! tells, and a fit then reserves its cost anew. Nothing is spent twice unseen: the second cost stands in the ledger beside the first, under the same caps.

use super::app::App;
use super::problem::Problem;
use crate::storage::idempotency;
use std::time::Duration;

/// How long a key is kept after its job has ended. The API's description says so, too.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 3_600);

/// Forgets the keys of jobs that ended long ago; how many.
pub async fn forget_old(app: &App) -> Result<u64, Problem> {
    let mut tx = app.begin("idempotency.forget_old").await?;
    let now = tx.now().await?;
    let forgotten = idempotency::forget(&mut tx, now - KEPT_FOR.as_micros() as i64).await?;
    tx.commit().await?;
    Ok(forgotten)
}
