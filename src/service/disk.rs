//! Room on the server's disk. A reserve stays free for what must still be written when nothing else may be: ends of jobs, publications, keys.

use super::app::App;
use super::problem::Problem;
use crate::formats::bytes_per_row;
use crate::storage::disk;
use crate::trace::Schema;
use std::time::Duration;

/// Free space is shown in steps: to the byte it would disclose to one tenant the size of another's trace.
const STEP: u64 = 16 << 20;
/// Interval between checks of the disk while a trace is received.
const LOOK: Duration = Duration::from_millis(200);

/// Bytes that may still be written: the free space above the reserve. Without a reserve nothing is checked in advance.
pub fn room(app: &App) -> u64 {
    match (app.config.min_free, disk::free(&app.config.data_dir)) {
        (0, _) => u64::MAX,
        (reserve, Ok(free)) => beyond(reserve, free),
        (_, Err(error)) => {
            tracing::error!(%error, "the free disk space is unknown");
            u64::MAX
        }
    }
}

fn beyond(reserve: u64, free: u64) -> u64 {
    free.saturating_sub(reserve) / STEP * STEP
}

/// Refuses what would write more bytes than there is room for.
pub fn check(app: &App, bytes: u64) -> Result<(), Problem> {
    // Without free space, an unknown number of bytes does not fit either.
    if bytes.max(1) > room(app) { Err(Problem::disk_full(bytes)) } else { Ok(()) }
}

/// Reason why a server with too little room is not ready.
pub fn low(app: &App) -> Option<String> {
    let reserve = app.config.min_free;
    let free = disk::free(&app.config.data_dir).ok()?;
    (free < reserve)
        .then(|| format!("less than {reserve} bytes of its disk are free (NETDPSYN_MIN_FREE_BYTES)"))
}

/// Ends when the disk has run out of room.
pub async fn runs_out(app: &App) -> Problem {
    loop {
        tokio::time::sleep(LOOK).await;
        if low(app).is_some() {
            return Problem::disk_filled();
        }
    }
}

/// Bytes that a trace of as many records takes at most, once it is written.
pub fn trace(schema: &Schema, rows: u64) -> u64 {
    rows.saturating_mul(bytes_per_row(schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_kept_and_room_comes_in_steps() {
        assert_eq!(beyond(64 << 20, 0), 0);
        assert_eq!(beyond(64 << 20, 64 << 20), 0);
        assert_eq!(beyond(64 << 20, (80 << 20) - 1), 0);
        assert_eq!(beyond(64 << 20, 80 << 20), STEP);
        assert_eq!(beyond(64 << 20, (100 << 20) + 17), 2 * STEP);
    }
}
