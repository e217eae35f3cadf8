//! The depositor: claims a deposit that is due, takes its steps over HTTP, and writes down what became of it.

use super::rounds::rounds;
use crate::service::app::App;
use crate::service::deposits::{Parcel, parcel};
use crate::service::problem::Problem;
use crate::service::repositories::Configured;
use crate::storage::deposits::{self, Deposit, DepositState};
use crate::storage::releases;
use netdpsyn_deposit::{Answer, Body, Deposited, Failed, File, Request, Submission, Transport};
use reqwest::multipart::{Form, Part};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// How long a server has a deposit before another may go on with it, and how often it says that it still has.
const LEASE: i64 = 60 * 1_000_000;
const BEAT: Duration = Duration::from_secs(15);
/// Seconds between attempts. After the last of them a deposit has failed.
const WAITS: [i64; 7] = [1, 10, 60, 600, 1_800, 7_200, 21_600];
/// Bytes of an answer that are read.
const MOST_READ: usize = 1 << 20;

/// Deposits until the server stops. What is under way then is gone on with once its lease has lapsed.
pub async fn deposit(app: App, stopping: watch::Receiver<bool>) {
    if !app.repositories.0.is_empty() {
        rounds(stopping, "deposits", || one(&app)).await;
    }
}

/// Takes one deposit on, if one is due.
async fn one(app: &App) -> Result<bool, Problem> {
    let mut tx = app.read("deposit.look").await?;
    let now = tx.now().await?;
    if !deposits::is_due(&mut tx, now).await? {
        return Ok(false);
    }
    drop(tx);
    let mut tx = app.begin("deposit.claim").await?;
    let now = tx.now().await?;
    let Some(claimed) = deposits::claim(&mut tx, now, now + LEASE).await? else { return Ok(false) };
    tx.commit().await?;
    let sent = AtomicU64::new(0);
    let outcome = tokio::select! {
        outcome = attempt(app, &claimed, &sent) => outcome,
        lost = keep(app, &claimed, &sent) => return lost.map(|()| true),
    };
    let mut tx = app.begin("deposit.tried").await?;
    let now = tx.now().await?;
    let ended = after(app, claimed, outcome, now);
    deposits::tried(&mut tx, &ended).await?;
    tx.commit().await?;
    tracing::info!(deposit = %ended.id, repository = %ended.repository, attempt = ended.attempts, state = %ended.state, "deposit tried");
    Ok(true)
}

/// Renews the lease for as long as it holds; ends where another server has taken over.
async fn keep(app: &App, claimed: &Deposit, sent: &AtomicU64) -> Result<(), Problem> {
    loop {
        tokio::time::sleep(BEAT).await;
        let mut tx = app.begin("deposit.keep").await?;
        let until = tx.now().await? + LEASE;
        let percent = i64::try_from(sent.load(Ordering::Relaxed)).unwrap_or(0);
        let held = deposits::renew(&mut tx, claimed, until, percent).await?;
        tx.commit().await?;
        if !held {
            return Ok(());
        }
    }
}

/// The deposit after an attempt.
fn after(app: &App, claimed: Deposit, outcome: Result<Deposited, Failed>, now: i64) -> Deposit {
    let wait = WAITS.get(usize::try_from(claimed.attempts - 1).unwrap_or(usize::MAX));
    let base = app.repositories.0.get(&claimed.repository).map_or("", |one| &one.url);
    match (outcome, wait) {
        (Ok(done), _) => Deposit {
            state: DepositState::Deposited,
            page: Some(if done.page.starts_with('/') { format!("{base}{}", done.page) } else { done.page }),
            remote: Some(done.id),
            identifier: done.identifier,
            problem: None,
            percent: 100,
            ended_at: Some(now),
            ..claimed
        },
        (Err(failed), Some(wait)) if failed.is_passing() => {
            Deposit { problem: Some(failed.to_string()), due_at: now + wait * 1_000_000, ..claimed }
        }
        (Err(failed), _) => Deposit {
            state: DepositState::Failed,
            problem: Some(failed.to_string()),
            ended_at: Some(now),
            ..claimed
        },
    }
}

/// Takes the steps, from where an attempt before has left off.
async fn attempt(app: &App, claimed: &Deposit, sent: &AtomicU64) -> Result<Deposited, Failed> {
    let here = |why: String| Failed::Refused { step: "the release".into(), status: 409, said: why };
    let later = |problem: Problem| Failed::Later { step: "the database".into(), why: problem.detail };
    let Some(configured) = app.repositories.0.get(&claimed.repository) else {
        return Err(here("its repository is no longer in the settings".into()));
    };
    let mut tx = app.read("deposit.release").await.map_err(later)?;
    let release = releases::find(&mut tx, claimed.tenant_id, claimed.release_id).await;
    let release = release.map_err(|error| later(error.into()))?.ok_or_else(|| here("it is gone".into()))?;
    drop(tx);
    // It may have been withdrawn since.
    let parcel = parcel(app, &release).await.map_err(|problem| match problem.status {
        500.. => later(problem),
        _ => here(problem.detail),
    })?;
    let files: Vec<File> = parcel.files.iter().map(|stored| stored.file.clone()).collect();
    let submission = Submission {
        repository: &configured.repository,
        facts: &parcel.facts,
        files: &files,
        previous: claimed.previous.as_deref(),
        draft: claimed.draft.as_deref(),
    };
    let all = files.iter().map(|file| file.bytes).sum::<u64>().max(1);
    let mut way = Way { app, claimed, configured, parcel: &parcel, sent, bytes: 0, all };
    netdpsyn_deposit::deposit(&submission, &mut way).await
}

/// The way to a repository.
struct Way<'a> {
    app: &'a App,
    claimed: &'a Deposit,
    configured: &'a Configured,
    parcel: &'a Parcel,
    sent: &'a AtomicU64,
    bytes: u64,
    all: u64,
}

impl Way<'_> {
    /// The body of a file: from the disk as it is read, or from memory.
    async fn file(&self, place: usize) -> Result<(reqwest::Body, u64), std::io::Error> {
        let stored = &self.parcel.files[place];
        let body = match &stored.path {
            Some(path) => reqwest::Body::from(tokio::fs::File::open(path).await?),
            None => reqwest::Body::from(stored.bytes.clone()),
        };
        Ok((body, stored.file.bytes))
    }
}

/// What went wrong on the way, without the address: it may hold what only the administrator should see.
fn broken(request: &Request, error: reqwest::Error) -> Failed {
    let why = match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () => "the connection broke",
    };
    Failed::Later { step: format!("{} {}", request.method, request.path), why: why.into() }
}

impl Transport for Way<'_> {
    async fn send(&mut self, request: &Request) -> Result<Answer, Failed> {
        let later = |why: &str| Failed::Later { step: request.path.clone(), why: why.into() };
        let client =
            self.app.receivers.depositor().ok_or_else(|| later("this server cannot open connections"))?;
        let method = request.method.parse().map_err(|_| later("no method"))?;
        let mut out = client.request(method, format!("{}{}", self.configured.url, request.path));
        let token = self.configured.token.expose_secret();
        out = match self.configured.repository {
            netdpsyn_deposit::Repository::InvenioRdm => out.bearer_auth(token),
            netdpsyn_deposit::Repository::Dataverse { .. } => out.header("x-dataverse-key", token),
        };
        let unread = |_| later("the file cannot be read");
        out = match &request.body {
            Body::Empty => out,
            Body::Json(value) => out.header("content-type", "application/json").body(value.to_string()),
            Body::File(place) => {
                let (body, bytes) = self.file(*place).await.map_err(unread)?;
                out.header("content-type", "application/octet-stream")
                    .header("content-length", bytes)
                    .body(body)
            }
            Body::Form(place, value) => {
                let (body, bytes) = self.file(*place).await.map_err(unread)?;
                let name = self.parcel.files[*place].file.name.clone();
                let part = Part::stream_with_length(body, bytes).file_name(name);
                out.multipart(Form::new().part("file", part).text("jsonData", value.to_string()))
            }
        };
        let mut answer = out.send().await.map_err(|error| broken(request, error))?;
        let status = answer.status().as_u16();
        let mut read = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| broken(request, error))? {
            if read.len() + chunk.len() > MOST_READ {
                return Err(later("the answer is too long"));
            }
            read.extend_from_slice(&chunk);
        }
        if let (Body::File(place) | Body::Form(place, _), 200..=299) = (&request.body, status) {
            self.bytes += self.parcel.files[*place].file.bytes;
            self.sent.store(99.min(100 * self.bytes / self.all), Ordering::Relaxed);
        }
        Ok(Answer { status, body: serde_json::from_slice(&read).unwrap_or(Value::Null) })
    }

    async fn drafted(&mut self, draft: &str) -> Result<(), Failed> {
        let later = |why: String| Failed::Later { step: "the draft".into(), why };
        let mut tx = self.app.begin("deposit.drafted").await.map_err(|problem| later(problem.detail))?;
        let held = deposits::drafted(&mut tx, self.claimed, draft).await;
        let held = held.map_err(|error| later(Problem::from(error).detail))?;
        tx.commit().await.map_err(|error| later(Problem::from(error).detail))?;
        if held { Ok(()) } else { Err(later("another server has taken over".into())) }
    }
}
