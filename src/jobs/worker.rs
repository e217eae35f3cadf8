//! Slots that claim jobs, one lease each.

use super::measuring;
use super::stopped::Stopped;
use super::watch::Watch;
use super::work;
use crate::fit;
use crate::service::app::App;
use crate::service::capacity::{self, Held};
use crate::service::problem::Problem;
use crate::service::sweep::{UNNAMED_FOR, sweep};
use crate::storage::jobs::{self, Claim, Job};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

/// How long an idle slot waits before it looks again: other servers' jobs and lapsed leases come without a call.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Times a job's lease may lapse: one that brings its worker down would do so for ever.
const MAX_FAILURES: i64 = 5;
/// Seconds an attempt that a job which could not be stored waits before it is claimed again, and the most of them: room must be made first.
const WAIT_FOR_ROOM: (i64, i64) = (2, 60);

/// The running workers of a server.
pub struct Workers {
    slots: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Starts as many slots as the settings say.
pub fn start(app: &App) -> Workers {
    let (stop, stopping) = watch::channel(false);
    let mut slots = JoinSet::new();
    slots.spawn(sweeper(app.clone(), stopping.clone()));
    if app.config.workers > 0 {
        slots.spawn(registered(app.clone(), stopping.clone()));
    }
    for _ in 0..app.config.workers {
        slots.spawn(slot(app.clone(), stopping.clone()));
    }
    Workers { slots, stop }
}

impl Workers {
    /// Claims nothing more, hands running jobs back to the queue, and returns when all slots are idle.
    pub async fn drain(mut self) {
        let _ = self.stop.send(true);
        while self.slots.join_next().await.is_some() {}
    }
}

/// Removes what nothing names, every hour. Not at the start: somebody may have named the wrong database.
async fn sweeper(app: App, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(3_600)) => {}
            _ = stopping.changed() => return,
        }
        for swept in [sweep(&app, UNNAMED_FOR).await.map(|_| ()), measuring::sweep(&app).await] {
            if let Err(problem) = swept {
                tracing::error!(problem = %problem.kind, "sweeping failed");
            }
        }
    }
}

/// Says every few seconds that this server runs and what memory it has, until it stops.
async fn registered(app: App, mut stopping: watch::Receiver<bool>) {
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
            Err(problem) => tracing::error!(problem = %problem.kind, "the server could not be registered"),
        }
        tokio::select! {
            () = tokio::time::sleep(capacity::SEEN_EVERY) => {}
            _ = stopping.changed() => break,
        }
    }
    if let Err(problem) = capacity::leave(&app).await {
        tracing::error!(problem = %problem.kind, "the server stays registered for a minute");
    }
}

async fn slot(app: App, mut stopping: watch::Receiver<bool>) {
    while !*stopping.borrow() {
        match claim(&app).await {
            Ok(Some((job, _held))) => {
                let span = tracing::info_span!("job", id = %job.id, kind = %job.kind, attempt = job.attempt);
                run(&app, job, stopping.clone()).instrument(span).await;
            }
            Ok(None) => {
                tokio::select! {
                    () = app.queued.notified() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    _ = stopping.changed() => {}
                }
            }
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// A job that fits into what is free of this server's memory, which it holds from then on.
async fn claim(app: &App) -> Result<Option<(Job, Held)>, Problem> {
    let _turn = app.capacity.turn().await;
    let mut tx = app.begin().await?;
    let now = tx.now().await?;
    let claim = Claim {
        now,
        lease_until: lease(app, now),
        build: fit::BUILD,
        orphaned_before: now - app.config.orphan_seconds * 1_000_000,
        room: app.capacity.room(&mut tx).await?,
    };
    let job = jobs::claim(&mut tx, &claim).await?;
    tx.commit().await?;
    Ok(job.map(|job| {
        let held = app.capacity.hold(job.memory);
        (job, held)
    }))
}

fn lease(app: &App, now: i64) -> i64 {
    now + app.config.lease_seconds * 1_000_000
}

/// Does a claimed job and ends it, unless the lease is lost or the server stops.
async fn run(app: &App, job: Job, mut stopping: watch::Receiver<bool>) {
    tracing::info!("started");
    let seen = Arc::new(Watch::of(&job.kind));
    let mut doing = {
        let (app, job, seen) = (app.clone(), job.clone(), Arc::clone(&seen));
        let runtime = tokio::runtime::Handle::current();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _entered = span.enter();
            if job.cancel_requested {
                return Err(Stopped::Cancelled);
            }
            if job.failures >= MAX_FAILURES {
                let detail = format!("retried {MAX_FAILURES} times without finishing");
                return Err(Stopped::Failed(Problem::conflict("/problems/too-many-attempts", detail)));
            }
            work::perform(&app, &runtime, &job, &seen)
        })
    };
    let mut beat = tokio::time::interval(
        Duration::from_secs(1).min(Duration::from_secs(app.config.lease_seconds as u64) / 3),
    );
    let (mut lost, mut handed_back) = (false, false);
    // When the server stops, a job has the same time to end as a request; a fit that measures has more: another program may not repeat its noise.
    let (mut draining, mut longer) = (false, false);
    let mut deadline = Box::pin(tokio::time::sleep(Duration::MAX));
    // Made before it is awaited: it hears what is told meanwhile.
    let mut cancelled = Box::pin(app.cancelled.notified());
    let outcome = loop {
        tokio::select! {
            done = &mut doing => break done,
            _ = beat.tick() => match heartbeat(app, &job, &seen).await {
                Ok(None) => { lost = true; seen.stop(); }
                Ok(Some(true)) => seen.stop(),
                Ok(Some(false)) => {}
                // The database is away: the lease may lapse, and then the fence decides.
                Err(_) => {}
            },
            // Looks at once; another server's job waits for its next beat.
            () = &mut cancelled => {
                cancelled.set(app.cancelled.notified());
                beat.reset_immediately();
            }
            _ = stopping.changed(), if !draining => {
                draining = true;
                deadline.set(tokio::time::sleep(Duration::from_secs(app.config.drain_seconds)));
            }
            () = &mut deadline, if draining && !handed_back => {
                let more = app.config.drain_measuring_seconds.saturating_sub(app.config.drain_seconds);
                if seen.is_measuring() && !longer && more > 0 {
                    longer = true;
                    deadline.set(tokio::time::sleep(Duration::from_secs(more)));
                } else {
                    handed_back = true;
                    seen.stop();
                }
            }
        }
    };
    if lost {
        tracing::warn!("the lease was lost; another worker has the job");
        return;
    }
    let ended = match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Stopped::Lost)) => {
            tracing::warn!("the lease was lost; another worker has the job");
            return;
        }
        // The server stops: the job goes back to the queue, and its next attempt repeats the same noise.
        Ok(Err(Stopped::Cancelled)) if handed_back => give_back(app, &job, 0, None).await,
        Ok(Err(Stopped::Cancelled)) => work::end_without_result(app, &job, "cancelled", None).await,
        // What passes is waited for once noise may be drawn: the next attempt repeats it. Before that the fit ends, free of charge.
        Ok(Err(Stopped::Failed(problem))) if problem.status >= 500 && has_begun(app, &job).await => {
            tracing::warn!(problem = %problem.kind, "could not be measured and stored now; it goes back to the queue");
            let detail = format!(
                "{}; the fit began to measure and could not be stored: it waits, and repeats the same noise. It is charged once",
                problem.detail
            );
            let wait = (job.attempt * WAIT_FOR_ROOM.0).min(WAIT_FOR_ROOM.1);
            give_back(app, &job, wait * 1_000_000, Some(&Problem { detail, ..problem })).await
        }
        Ok(Err(Stopped::Failed(problem))) => {
            tracing::warn!(problem = %problem.kind, "failed");
            work::end_without_result(app, &job, "failed", Some(&problem)).await
        }
        Err(panic) => {
            // What a panic says may tell of records.
            tracing::error!(cancelled = panic.is_cancelled(), "the work panicked");
            work::end_without_result(app, &job, "failed", Some(&Problem::internal())).await
        }
    };
    match ended {
        Ok(()) => tracing::info!("ended"),
        // The lease lapses, and another attempt ends the job.
        Err(problem) => tracing::error!(problem = %problem.kind, "the end could not be written"),
    }
}

/// Whether a fit has begun to measure, as far as the database can be asked; where it cannot, nothing can be ended either.
async fn has_begun(app: &App, job: &Job) -> bool {
    let found = async {
        let mut tx = app.read().await?;
        Ok::<_, Problem>(jobs::find(&mut tx, job.tenant_id, job.id).await?)
    };
    job.kind == "fit"
        && match found.await {
            Ok(found) => found.is_some_and(|now| now.measuring_started_at.is_some()),
            Err(_) => job.measuring_started_at.is_some(),
        }
}

async fn heartbeat(app: &App, job: &Job, seen: &Watch) -> Result<Option<bool>, Problem> {
    let (stage, percent) = seen.at();
    let mut tx = app.begin().await?;
    let until = lease(app, tx.now().await?);
    let alive = jobs::heartbeat(&mut tx, job, until, stage, percent as i64).await?;
    tx.commit().await?;
    Ok(alive)
}

async fn give_back(app: &App, job: &Job, wait: i64, problem: Option<&Problem>) -> Result<(), Problem> {
    let text = problem.map(serde_json::to_string).transpose().map_err(|_| Problem::internal())?;
    let mut tx = app.begin().await?;
    let not_before = tx.now().await? + wait;
    jobs::hand_back(&mut tx, job, not_before, text.as_deref()).await?;
    Ok(tx.commit().await?)
}
