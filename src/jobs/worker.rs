//! Slots that claim jobs, one at a time each, and are started again when they die; what a server keeps in order besides; draining.

use super::attempt;
use super::{deliver, deposit, keeper};
use crate::fit;
use crate::service::app::App;
use crate::service::capacity::Held;
use crate::service::problem::Problem;
use crate::service::slots::Slots;
use crate::storage::claims::{self, Claim};
use crate::storage::jobs::Job;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

/// How long an idle slot waits before it looks again: other servers' jobs and lapsed leases come without a call.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a slot that died stays away: what killed it may still be there.
const REST: Duration = Duration::from_secs(1);

/// The running workers of a server.
pub struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Jobs that a slot claims.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lane {
    /// Any job.
    Any,
    /// Uploads to parse: short work that waits behind no fit.
    Parse,
}

/// Starts as many slots as the settings say.
pub fn start(app: &App) -> Workers {
    let (stop, stopping) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(keeper::keep(app.clone(), stopping.clone()));
    tasks.spawn(keeper::sweep_hourly(app.clone(), stopping.clone()));
    if app.config.workers > 0 {
        tasks.spawn(keeper::register(app.clone(), stopping.clone()));
        tasks.spawn(deposit::deposit(app.clone(), stopping.clone()));
        for _ in 0..deliver::SENDERS {
            tasks.spawn(deliver::deliver(app.clone(), stopping.clone()));
        }
    }
    let lanes = [(Lane::Any, app.config.workers), (Lane::Parse, app.config.parse_workers)];
    for (lane, slots) in lanes {
        for _ in 0..slots {
            app.slots.want();
            let (app, stopping) = (app.clone(), stopping.clone());
            let slots = Arc::clone(&app.slots);
            let work = {
                let stopping = stopping.clone();
                move || slot(app.clone(), lane, stopping.clone())
            };
            tasks.spawn(supervised(slots, stopping, work));
        }
    }
    Workers { tasks, stop }
}

impl Workers {
    /// Claims nothing more, lets running jobs end or hands them back to the queue, and returns when all slots are idle.
    pub async fn drain(mut self) {
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// A worker slot that is restarted when it dies. The lease of its job lapses, and another attempt takes over.
async fn supervised<W>(slots: Arc<Slots>, stopping: watch::Receiver<bool>, work: impl Fn() -> W)
where
    W: Future<Output = ()> + Send + 'static,
{
    loop {
        let died = tokio::spawn(work()).await.is_err();
        if !died || *stopping.borrow() {
            return;
        }
        slots.restart();
        tracing::error!("a worker died; it is started again");
        tokio::time::sleep(REST).await;
    }
}

async fn slot(app: App, lane: Lane, mut stopping: watch::Receiver<bool>) {
    let _alive = app.slots.begin();
    while !*stopping.borrow() {
        // Made before the queue is read: it hears of what is queued meanwhile.
        let mut queued = std::pin::pin!(app.queued.notified());
        queued.as_mut().enable();
        match claim(&app, lane).await {
            Ok(Some((job, _held))) => {
                let span = tracing::info_span!("job", id = %job.id, kind = %job.kind, attempt = job.attempt);
                attempt::run(&app, job, stopping.clone()).instrument(span).await;
            }
            Ok(None) => {
                tokio::select! {
                    () = queued => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    _ = stopping.changed() => {}
                }
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// A job that fits into what is free of this server's memory, which it holds from then on.
async fn claim(app: &App, lane: Lane) -> Result<Option<(Job, Held)>, Problem> {
    let _turn = app.capacity.turn().await;
    let mut tx = app.begin("worker.claim").await?;
    let now = tx.now().await?;
    let (room, least) = app.capacity.room(&mut tx).await?;
    let claim = Claim {
        now,
        lease_until: app.lease(now),
        build: fit::BUILD,
        orphaned_before: now - app.config.orphan_seconds * 1_000_000,
        room,
        least,
        parse_only: lane == Lane::Parse,
    };
    let job = claims::claim(&mut tx, &claim).await?;
    tx.commit().await?;
    Ok(job.map(|job| {
        let held = app.capacity.hold(job.memory);
        (job, held)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_slot_that_dies_is_started_again() {
        let (slots, runs) = (Arc::new(Slots::default()), Arc::new(AtomicUsize::new(0)));
        let (_stop, stopping) = watch::channel(false);
        let work = {
            let (slots, runs) = (Arc::clone(&slots), Arc::clone(&runs));
            move || {
                let (slots, runs) = (Arc::clone(&slots), Arc::clone(&runs));
                async move {
                    let _alive = slots.begin();
                    let run = runs.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(slots.counts().1, 1, "the one before no longer counts");
                    assert!(run >= 2, "dies twice");
                }
            }
        };
        supervised(Arc::clone(&slots), stopping, work).await;
        assert_eq!((runs.load(Ordering::Relaxed), slots.restarts(), slots.counts().1), (3, 2, 0));
    }
}
