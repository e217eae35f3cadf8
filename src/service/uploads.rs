//! Uploads: a dataset is received by one server at a time, which holds it by a lease. Whatever happens to that server, the dataset is free again
//! when the lease has lapsed, as it was before.

use super::app::App;
use super::app::Caller;
use super::capacity;
use super::datasets::{DatasetView, own_locked, view};
use super::disk;
use super::limits::{check_room, room};
use super::problem::{Problem, ProblemType};
use super::queued::queued;
use super::requests::ParseRequest;
use crate::formats::FileKind;
use crate::storage::artifacts::{PutError, Stored};
use crate::storage::datasets::{self, Dataset, DatasetState, StoredTrace};
use crate::storage::jobs;
use crate::storage::uploads::{self, Upload};
use base64::Engine;
use bytes::Bytes;
use futures_util::Stream;
use std::time::Duration;
use uuid::Uuid;

/// Longest interval between renewals of an upload's lease.
const RENEW: Duration = Duration::from_secs(5);
/// How long the end of an upload waits between two tries while the database is away.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Receives a raw trace, and queues its parsing. On any failure nothing of it stays and the dataset is as it was.
pub async fn upload(
    app: &App,
    caller: &Caller,
    id: Uuid,
    length: Option<u64>,
    digest: Option<&str>,
    body: impl Stream<Item = Result<Bytes, Problem>> + Unpin,
) -> Result<DatasetView, Problem> {
    let tenant = caller.steward()?;
    let limit = app.config.max_upload;
    if length.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    // Nobody sends for an hour what cannot be stored.
    disk::check(app, length.unwrap_or(0))?;
    let expected = digest.map(sha256_of).transpose()?;
    let upload = Upload { dataset: id, token: Uuid::now_v7() };
    let mut tx = app.begin("uploads.upload").await?;
    let before = own_locked(&mut tx, tenant, id).await?;
    // What the dataset holds now makes room for what replaces it.
    let room = room(app, &mut tx, tenant).await? + before.trace_bytes as u64;
    if length.is_some_and(|length| length > room) || room == 0 {
        return Err(Problem::storage_full(app.config.max_tenant_bytes));
    }
    let until = app.lease(tx.now().await?);
    if before.state == DatasetState::Erased || !uploads::begin(&mut tx, upload, until).await? {
        return Err(Problem::conflict(
            ProblemType::Busy,
            "another upload, its parsing, or a job on this dataset is under way; wait for its end",
        ));
    }
    tx.commit().await?;

    let key = format!("traces/{id}/{}", upload.token);
    let received = tokio::select! {
        received = receive(app, &key, body, limit.min(room), expected) => received,
        () = lapses(app, upload) => Err(interrupted()),
        problem = disk::runs_out(app) => Err(problem),
    };
    let received = received.map_err(|problem| match problem.status {
        413 if room < limit => Problem::storage_full(app.config.max_tenant_bytes),
        _ => problem,
    });
    let kind = if received.is_ok() { kind_of(app, &key).await? } else { FileKind::default() };
    let ended = end(app, upload, &before, (&key, kind), &received).await;
    match &ended {
        Ok(_) => {
            app.queued.notify_waiters();
            // The upload is accepted, whatever becomes of the trace before: what nothing names is swept.
            if let Some(old) = &before.trace_path
                && let Err(error) = app.artifacts.delete(old).await
            {
                tracing::warn!(%error, "the previous trace could not be removed");
            }
        }
        // Whether the end was written is not known: what nothing names is swept.
        Err(problem) if problem.status == 503 => {}
        Err(_) => app.artifacts.delete(&key).await?,
    }
    ended
}

/// Ends when another server or the keeper has ended this upload; renews its lease until then. A database that is away ends nothing.
async fn lapses(app: &App, upload: Upload) {
    let renewed = async || {
        let mut tx = app.begin("uploads.lapses").await?;
        let until = app.lease(tx.now().await?);
        let held = uploads::renew(&mut tx, upload, until).await?;
        tx.commit().await?;
        Ok::<_, Problem>(held)
    };
    loop {
        // Other servers may have shorter leases, and shorten this one to theirs.
        tokio::time::sleep(RENEW.min(Duration::from_secs(app.config.lease_seconds.unsigned_abs()) / 3)).await;
        if let Ok(false) = renewed().await {
            return;
        }
    }
}

/// Writes down how an upload ended; while the database is away it tries again for as long as a lease.
async fn end(
    app: &App,
    upload: Upload,
    before: &Dataset,
    (key, kind): (&str, FileKind),
    received: &Result<Stored, Problem>,
) -> Result<DatasetView, Problem> {
    let start = app.clock().instant();
    let tried = || app.clock().instant().saturating_duration_since(start).as_secs();
    loop {
        match try_to_end(app, upload, before, (key, kind), received).await {
            Err(problem) if problem.status == 503 && tried() < app.config.lease_seconds.unsigned_abs() => {
                tokio::time::sleep(TRY_AGAIN).await;
            }
            ended => return ended,
        }
    }
}

async fn try_to_end(
    app: &App,
    upload: Upload,
    before: &Dataset,
    (key, kind): (&str, FileKind),
    received: &Result<Stored, Problem>,
) -> Result<DatasetView, Problem> {
    let id = upload.dataset;
    let mut tx = app.begin("uploads.try_to_end").await?;
    if !uploads::end(&mut tx, upload).await? {
        // The keeper took this upload for lost, or an earlier try was committed and the answer to it never came.
        let now = datasets::find(&mut tx, before.tenant_id, id).await?;
        return match (now, received) {
            (Some(now), Ok(_)) if now.trace_path.as_deref() == Some(key) => Ok(view(now)),
            (_, Err(problem)) => Err(problem.clone()),
            _ => Err(interrupted()),
        };
    }
    let refused = match received {
        Ok(stored) => {
            let more = stored.bytes.saturating_sub(before.trace_bytes as u64);
            let room = check_room(app, &mut tx, before.tenant_id, more).await;
            room.and(capacity::admit_trace(&mut tx, kind).await).err()
        }
        Err(problem) => Some(problem.clone()),
    };
    let (report, problem) = (before.report.as_deref(), before.problem.as_deref());
    let stored = match (received, refused) {
        (Ok(stored), None) => stored,
        (_, refused) => {
            datasets::set_state(&mut tx, id, before.state, before.trace(), report, problem).await?;
            tx.commit().await?;
            return Err(refused.unwrap_or_else(Problem::internal));
        }
    };
    let trace = StoredTrace { path: key, sha256: &stored.sha256, bytes: stored.bytes as i64 };
    datasets::set_state(&mut tx, id, DatasetState::Parsing, Some(trace), None, None).await?;
    let now = tx.now().await?;
    jobs::add(&mut tx, &queued(before, &ParseRequest { again: false }, now)?).await?;
    tx.commit().await?;
    Ok(view(Dataset { state: DatasetState::Parsing, report: None, problem: None, ..before.clone() }))
}

/// What a trace is written in. One of which that cannot be told is for its parsing to refuse.
async fn kind_of(app: &App, key: &str) -> Result<FileKind, Problem> {
    let path = app.artifacts.path(key)?;
    let told = tokio::task::spawn_blocking(move || FileKind::of(&path).unwrap_or_default());
    Ok(told.await.unwrap_or_default())
}

fn interrupted() -> Problem {
    Problem::conflict(ProblemType::Interrupted, "the upload was interrupted; send it again")
}

async fn receive(
    app: &App,
    key: &str,
    body: impl Stream<Item = Result<Bytes, Problem>> + Unpin,
    limit: u64,
    expected: Option<String>,
) -> Result<Stored, Problem> {
    let stored = match app.artifacts.put(key, body, limit).await {
        Ok(stored) => stored,
        Err(PutError::TooLarge) => return Err(Problem::too_large(limit)),
        Err(PutError::Source(problem)) => return Err(problem),
        Err(PutError::Storage(error)) => return Err(error.into()),
    };
    let refusal = if stored.bytes == 0 {
        Some(Problem::trace(
            "the body is empty; a trace is CSV with a header line, NDJSON, Parquet, Arrow or a packet capture",
        ))
    } else if expected.is_some_and(|sha256| sha256 != stored.sha256) {
        Some(Problem::invalid(
            "Content-Digest",
            "the body has another SHA-256: it was damaged on the way; send it again",
        ))
    } else {
        None
    };
    match refusal {
        None => Ok(stored),
        Some(problem) => {
            app.artifacts.delete(key).await?;
            Err(problem)
        }
    }
}

/// The SHA-256 of a `Content-Digest` field (RFC 9530), in hex.
fn sha256_of(field: &str) -> Result<String, Problem> {
    let refused = || Problem::invalid("Content-Digest", "write sha-256=:BASE64: (RFC 9530)");
    let value =
        field.split(',').find_map(|part| part.trim().strip_prefix("sha-256=:")).ok_or_else(refused)?;
    let text = value.strip_suffix(':').ok_or_else(refused)?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| refused())?;
    Ok(hex::encode(bytes))
}
