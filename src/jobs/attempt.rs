//! One attempt at a job: the work on the blocking pool, the heartbeat beside it, and one end.

use super::end::{Without, end_without_result};
use super::stopped::Stopped;
use super::watch::{Observer, Watch};
use super::{evaluate, fit, generate, parse};
use crate::service::app::App;
use crate::service::problem::{Problem, ProblemType};
use crate::storage::claims;
use crate::storage::jobs::{self, At, Job, JobKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Times a job's lease may lapse: one that brings its worker down would do so for ever.
const MAX_FAILURES: i64 = 5;
/// How long an attempt that failed for a reason that passes is waited for, by its number, in microseconds; and at most.
const WAIT: i64 = 2_000_000;
pub(super) const LONGEST_WAIT: i64 = 60_000_000;

/// Reason for stopping an attempt.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    /// Cancellation was requested.
    Cancelled,
    /// The lease went to another worker.
    Lost,
    /// The server stops: another attempt repeats the same noise.
    Draining,
    /// The time limit of a job was exceeded.
    TooLong,
}

/// Does a job. Blocks; database and artifacts are reached through `runtime`.
pub fn perform(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    match job.kind {
        JobKind::Parse => parse::parse(app, runtime, job, seen),
        JobKind::Fit => fit::fit(app, runtime, job, seen),
        JobKind::Generate => generate::generate(app, runtime, job, seen),
        JobKind::Evaluate => evaluate::evaluate(app, runtime, job, seen),
    }
}

/// Does a claimed job and ends it, unless the lease is lost or the server stops.
pub async fn run(app: &App, job: Job, stopping: watch::Receiver<bool>) {
    tracing::info!("started");
    let seen = Arc::new(Watch::of(job.kind));
    let doing = {
        let (app, job, seen) = (app.clone(), job.clone(), Arc::clone(&seen));
        let runtime = Handle::current();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _entered = span.enter();
            if job.cancel_requested {
                return Err(Stopped::Cancelled);
            }
            if job.failures >= MAX_FAILURES {
                let detail = format!("retried {MAX_FAILURES} times without finishing");
                return Err(Stopped::Failed(Problem::conflict(ProblemType::TooManyAttempts, detail)));
            }
            perform(&app, &runtime, &job, &*seen)
        })
    };
    let (outcome, told) = attend(app, &job, &seen, doing, stopping).await;
    let panicked = outcome.is_err();
    let outcome = outcome.unwrap_or_else(|panic| {
        // What a panic says may tell of records.
        tracing::error!(cancelled = panic.is_cancelled(), "the work panicked");
        Err(Stopped::Failed(Problem::internal()))
    });
    match end(app, &job, outcome, told, panicked).await {
        Ok(()) => tracing::info!("ended"),
        // The lease lapses, and another attempt ends the job.
        Err(problem) => tracing::error!(problem = %problem.kind, "the end of the job could not be recorded"),
    }
}

type Ended = Result<(), Stopped>;

/// Renews the lease during the work, and cancels the work when necessary. Returns the result, and the reason of the cancellation.
async fn attend(
    app: &App,
    job: &Job,
    seen: &Watch,
    mut doing: tokio::task::JoinHandle<Ended>,
    mut stopping: watch::Receiver<bool>,
) -> (Result<Ended, tokio::task::JoinError>, Option<Told>) {
    let mut beat = tokio::time::interval(app.beat());
    let mut told = None;
    // When the server stops, a job has the same time to end as a request; a fit that measures has more: another program may not repeat its noise.
    let (mut draining, mut longer) = (false, false);
    let mut deadline = Box::pin(tokio::time::sleep(Duration::MAX));
    let mut longest = Box::pin(tokio::time::sleep(Duration::from_secs(app.config.max_job_seconds)));
    // Created before it is awaited, so that it receives notifications in between.
    let mut cancelled = Box::pin(app.cancelled.notified());
    let tell = |why: Told, told: &mut Option<Told>| {
        *told = Some(why);
        seen.stop();
    };
    loop {
        tokio::select! {
            done = &mut doing => return (done, told),
            _ = beat.tick() => match heartbeat(app, job, seen).await {
                Ok(None) => tell(Told::Lost, &mut told),
                Ok(Some(true)) => tell(Told::Cancelled, &mut told),
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
            () = &mut deadline, if draining && told.is_none() => {
                let more = app.config.drain_measuring_seconds.saturating_sub(app.config.drain_seconds);
                if seen.is_measuring() && !longer && more > 0 {
                    longer = true;
                    deadline.set(tokio::time::sleep(Duration::from_secs(more)));
                } else {
                    tell(Told::Draining, &mut told);
                }
            }
            // What is paid for is not thrown away: the plan of a fit bounds how long it measures.
            () = &mut longest, if told.is_none() && !seen.is_measuring() => tell(Told::TooLong, &mut told),
        }
    }
}

/// Records the outcome of an attempt.
async fn end(
    app: &App,
    job: &Job,
    outcome: Ended,
    told: Option<Told>,
    panicked: bool,
) -> Result<(), Problem> {
    match (outcome, told) {
        // What was finished was fenced when it was written.
        (Ok(()), _) => Ok(()),
        (Err(Stopped::Lost), _) | (Err(_), Some(Told::Lost)) => {
            tracing::warn!("the lease was lost; another worker has the job");
            Ok(())
        }
        (Err(Stopped::Cancelled), Some(Told::Draining)) => give_back(app, job, 0, None, false).await,
        (Err(Stopped::Cancelled), Some(Told::TooLong)) => {
            let longest = app.config.max_job_seconds;
            let detail =
                format!("it ran for {longest} seconds, as long as any job may (NETDPSYN_MAX_JOB_SECONDS)");
            let problem = Problem::conflict(ProblemType::TooLong, detail);
            tracing::warn!(problem = %problem.kind, "failed");
            end_without_result(app, job, Without::Failed(&problem)).await
        }
        (Err(Stopped::Cancelled), _) => end_without_result(app, job, Without::Cancelled).await,
        (Err(Stopped::Failed(problem)), _) => failed(app, job, problem, panicked).await,
    }
}

/// A database that is away, and a disk that is full in the middle of measuring, pass: the job goes back to the queue, and a fit's next attempt repeats the same noise.
/// Anything else ends the job.
async fn failed(app: &App, job: &Job, problem: Problem, panicked: bool) -> Result<(), Problem> {
    let begun = problem.status >= 500 && has_begun(app, job).await?;
    // An upload is not lost over a database that was full when its parsing ended.
    let passes = problem.status == 503 || job.kind == JobKind::Parse && problem.status == 507;
    if !passes && !begun {
        tracing::warn!(problem = %problem.kind, "failed");
        return end_without_result(app, job, Without::Failed(&problem)).await;
    }
    tracing::warn!(problem = %problem.kind, "a transient failure; the job goes back to the queue");
    let wait = (job.attempt * WAIT).min(LONGEST_WAIT);
    let why = match begun {
        true => {
            "the fit began to measure and could not be stored: it waits, and repeats the same noise. It is charged once"
        }
        false => "it waits and is tried again",
    };
    let detail = format!("{}; {why}", problem.detail);
    // The same noise on the same records may panic again, at every attempt: that counts.
    give_back(app, job, wait, Some(&Problem { detail, ..problem }), panicked).await
}

/// Whether a fit has begun to measure. Where the database cannot be asked nothing can be ended either.
async fn has_begun(app: &App, job: &Job) -> Result<bool, Problem> {
    let mut tx = app.read("attempt.has_begun").await?;
    let found = jobs::find(&mut tx, job.tenant_id, job.id).await?;
    Ok(job.kind == JobKind::Fit && found.is_some_and(|now| now.measuring_started_at.is_some()))
}

async fn heartbeat(app: &App, job: &Job, seen: &Watch) -> Result<Option<bool>, Problem> {
    let (stage, percent) = seen.at();
    let mut tx = app.begin("attempt.heartbeat").await?;
    let until = app.lease(tx.now().await?);
    let alive = claims::heartbeat(&mut tx, job, until, At(stage), percent as i64).await?;
    tx.commit().await?;
    Ok(alive)
}

async fn give_back(
    app: &App,
    job: &Job,
    wait: i64,
    problem: Option<&Problem>,
    failed: bool,
) -> Result<(), Problem> {
    let text = problem.map(serde_json::to_string).transpose().map_err(|_| Problem::internal())?;
    let mut tx = app.begin("attempt.give_back").await?;
    let not_before = tx.now().await? + wait;
    claims::hand_back(&mut tx, job, not_before, text.as_deref(), failed).await?;
    Ok(tx.commit().await?)
}
