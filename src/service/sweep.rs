//! Files that nothing in the database names: an attempt that lost its job, an upload whose server was killed. They may hold raw records,
//! and go a day after they were last written.

use super::app::{App, Caller};
use super::problem::Problem;
use crate::storage::named;
use std::time::Duration;

/// No upload and no job takes this long between writing a file and naming it.
pub const UNNAMED_FOR: Duration = Duration::from_secs(24 * 3_600);

/// Removes files that nothing names and that are older than `age`; how many. A database that has forgotten spends has forgotten names as well: then nothing
/// is removed.
pub async fn sweep(app: &App, age: Duration) -> Result<usize, Problem> {
    super::journal::check(app).await?;
    // What is written after this list was read is younger than any age that makes sense.
    let Some(before) = app.clock().files().checked_sub(age) else { return Ok(0) };
    let old = app.artifacts.written_before(before)?;
    let mut tx = app.read("sweep.sweep").await?;
    let named = named::artifacts(&mut tx).await?;
    drop(tx);
    let mut removed = 0;
    for key in old.into_iter().filter(|key| !named.contains(key)) {
        app.artifacts.remove_file(&key)?;
        tracing::info!(key, "removed an unreferenced file");
        removed += 1;
    }
    Ok(removed)
}

/// The same, on an administrator's word.
pub async fn sweep_now(app: &App, caller: &Caller, age: Duration) -> Result<usize, Problem> {
    caller.admin()?;
    sweep(app, age).await
}
