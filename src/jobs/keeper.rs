//! What keeps every state from lasting for ever: each that passes has an owner with a lease, and here it ends when the lease has.

use super::attempt::LONGEST_WAIT;
use super::{deliver, measuring};
use crate::service::app::App;
use crate::service::capacity;
use crate::service::content;
use crate::service::idempotency::Forgetting;
use crate::service::problem::Problem;
use crate::service::sweep::{UNNAMED_FOR, sweep};
use crate::storage::{claims, uploads};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Interval between checks of leases.
const LOOK: Duration = Duration::from_secs(2);
/// How long a server of an earlier version, which knows no leases, may receive an upload.
const UNLEASED: i64 = 24 * 3_600 * 1_000_000;

/// Checks leases until the server stops.
pub async fn keep(app: App, mut stopping: watch::Receiver<bool>) {
    loop {
        match look(&app).await {
            Ok((0, 0)) => {}
            Ok((uploads, clipped)) => {
                tracing::warn!(
                    uploads,
                    clipped,
                    "ended uploads that nobody receives any more, and shortened leases of another time"
                )
            }
            // The database is away: what is stuck waits for it, like everything else.
            Err(problem) => tracing::warn!(problem = %problem.kind, "checking leases failed"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stopping.changed() => return,
        }
    }
}

/// Ends uploads whose lease has lapsed and brings back leases that a clock which went back has left in the future; how many of each.
pub async fn look(app: &App) -> Result<(u64, u64), Problem> {
    let mut tx = app.begin("keeper.look").await?;
    let now = tx.now().await?;
    let latest = app.lease(now);
    for token in uploads::unleased(&mut tx).await? {
        if begun(token).is_none_or(|begun| begun + UNLEASED < now) {
            uploads::lease(&mut tx, token, now).await?;
        }
    }
    let clipped = claims::clip_leases(&mut tx, latest, now + LONGEST_WAIT).await?
        + uploads::clip_leases(&mut tx, latest).await?;
    let uploads = uploads::end_lapsed(&mut tx, now).await?;
    tx.commit().await?;
    Ok((uploads, clipped))
}

/// Start of an upload, from its token.
fn begun(token: Uuid) -> Option<i64> {
    let (seconds, _) = token.get_timestamp()?.to_unix();
    i64::try_from(seconds).ok().map(|seconds| seconds * 1_000_000)
}

/// Removes what nothing names, every hour. Not at the start: somebody may have named the wrong database.
pub async fn sweep_hourly(app: App, mut stopping: watch::Receiver<bool>) {
    let mut keys = Forgetting::default();
    if let Err(problem) = keys.look(&app).await {
        tracing::warn!(problem = %problem.kind, "checking clocks failed");
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(3_600)) => {}
            _ = stopping.changed() => return,
        }
        let keys = keys.look(&app).await.map(|_| ());
        let unread = content::sweep(&app, content::UNREAD_FOR).map(|_| ());
        let unnamed = sweep(&app, UNNAMED_FOR).await.map(|_| ());
        for swept in [unnamed, unread, measuring::sweep(&app).await, keys, deliver::sweep(&app).await] {
            if let Err(problem) = swept {
                tracing::error!(problem = %problem.kind, "sweeping failed");
            }
        }
    }
}

/// Says every few seconds that this server runs and what memory it has, until it stops.
pub async fn register(app: App, mut stopping: watch::Receiver<bool>) {
    let mut told = 0;
    loop {
        match capacity::register(&app).await {
            Ok(too_large) => {
                if too_large > told {
                    tracing::warn!(
                        jobs = too_large,
                        "waiting for a server with more memory than any that runs"
                    );
                }
                told = too_large;
            }
            Err(problem) => tracing::warn!(problem = %problem.kind, "the server could not be registered"),
        }
        tokio::select! {
            () = tokio::time::sleep(capacity::SEEN_EVERY) => {}
            _ = stopping.changed() => break,
        }
    }
    if let Err(problem) = capacity::leave(&app).await {
        tracing::warn!(problem = %problem.kind, "the server stays registered for a minute");
    }
}
