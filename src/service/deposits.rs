//! Deposits: a release that is published for everybody goes to a repository that keeps it, with its report, its statement of privacy and its signature.
//! It carries what anybody may fetch here, and pays nothing.

use super::app::{App, Caller, Page, shown_day, shown_time};
use super::problem::{Problem, ProblemType};
use super::publishing::{Said, gone};
use super::releases::own;
use crate::account::Statement;
use crate::storage::deposits::{self, Deposit, DepositState};
use crate::storage::models;
use crate::storage::releases::{Release, ReleaseAccess};
use md5::{Digest, Md5};
use netdpsyn_deposit::{Body, Facts, File, Pretend, Repository, Submission, deposit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Read;
use std::path::PathBuf;
use uuid::Uuid;

/// Deposits of one release at most.
const MOST: usize = 100;

/// A deposit to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"repository": "zenodo", "dry_run": true}))]
pub struct NewDeposit {
    /// Name of a repository, as `GET /v1/repositories` lists it.
    #[schema(min_length = 1, max_length = 100)]
    pub repository: String,
    /// The completed deposit in the same repository of which this is a new version.
    #[serde(default)]
    pub new_version_of: Option<Uuid>,
    /// Whether to answer with the requests that would be sent, and send nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// A repository.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"name": "zenodo", "kind": "invenio-rdm", "url": "https://zenodo.org"}))]
pub struct RepositoryView {
    /// Name.
    pub name: String,
    /// Software: `invenio-rdm` or `dataverse`.
    pub kind: &'static str,
    /// Address.
    #[schema(format = "uri")]
    pub url: String,
}

/// A deposit.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-00000000000c", "release_id": "0199c0de-0000-7000-8000-000000000003", "repository": "zenodo", "state": "deposited",
    "attempts": 1, "percent": 100, "identifier": "10.5072/zenodo.1", "page": "https://zenodo.org/records/1", "created_at": "2026-01-05T10:00:00Z", "ended_at": "2026-01-05T10:00:05Z"}))]
pub struct DepositView {
    /// Id.
    pub id: Uuid,
    /// The release.
    pub release_id: Uuid,
    /// Name of the repository.
    pub repository: String,
    /// State.
    pub state: DepositState,
    /// Attempts so far. Transient failures are retried for some hours; each attempt continues with the draft of the previous one.
    #[schema(minimum = 0)]
    pub attempts: i64,
    /// Percent of the bytes that were sent.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: i64,
    /// Id of the draft in the repository, if there is one: a failed deposit leaves its draft there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// DOI, or another persistent identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Landing page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Reason why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Time of acceptance.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// A request that would be sent.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct StepView {
    /// Method.
    pub method: &'static str,
    /// Path below the repository's address; `ID` stands for an id that the repository will assign.
    pub path: String,
    /// JSON in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub json: Option<Value>,
    /// File in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Result of a dry run.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"dry_run": true, "steps": [{"method": "POST", "path": "/api/records", "json": {"metadata": {"title": "Campus uplink, day 1"}}}]}))]
pub struct DepositPlan {
    /// Always true: nothing was sent.
    pub dry_run: bool,
    /// The requests, in order.
    pub steps: Vec<StepView>,
}

/// A file with where its bytes are.
pub struct Stored {
    /// Name, size and checksum.
    pub file: File,
    /// Path; none where the bytes are here.
    pub path: Option<PathBuf>,
    /// The bytes of what is no file here.
    pub bytes: Vec<u8>,
}

/// All that is sent of a release.
pub struct Parcel {
    /// Facts that are told.
    pub facts: Facts,
    /// Files.
    pub files: Vec<Stored>,
}

fn view(d: Deposit) -> DepositView {
    DepositView {
        id: d.id,
        release_id: d.release_id,
        repository: d.repository,
        state: d.state,
        attempts: d.attempts,
        percent: d.percent,
        draft: d.draft.filter(|_| d.state != DepositState::Deposited),
        identifier: d.identifier,
        page: d.page,
        problem: d.problem,
        created_at: shown_time(d.created_at),
        ended_at: d.ended_at.map(shown_time),
    }
}

/// Refuses what is not published for everybody: a deposit is.
fn check(release: &Release) -> Result<(), Problem> {
    if let Some(gone) = gone(release) {
        return Err(gone);
    }
    if release.access != Some(ReleaseAccess::Public) || release.publication.is_none() {
        let detail = "a repository shows everybody what it has: publish the release with {\"access\": \"public\"} first";
        return Err(Problem::conflict(ProblemType::NotPublished, detail));
    }
    Ok(())
}

/// Name, description and files of a release, all of them public.
pub async fn parcel(app: &App, release: &Release) -> Result<Parcel, Problem> {
    check(release)?;
    let mut tx = app.read("deposits.parcel").await?;
    let model =
        models::find(&mut tx, release.tenant_id, release.model_id).await?.ok_or_else(Problem::internal)?;
    drop(tx);
    let statement: Statement = serde_json::from_str(&model.statement).map_err(|_| Problem::internal())?;
    let path = app.artifacts.path(&release.trace_path)?;
    let content = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || digest(&path)).await
    };
    let (bytes, md5) = content.map_err(|_| Problem::internal())?.map_err(|error| {
        tracing::error!(%error, release = %release.id, "a trace cannot be read");
        Problem::internal()
    })?;
    let file = File { name: "trace.csv".into(), about: "The synthetic trace.".into(), bytes, md5 };
    let mut files = vec![Stored { file, path: Some(path), bytes: Vec::new() }];
    let here = |name: &str, about: &str, text: &str| Stored {
        file: File {
            name: name.into(),
            about: about.into(),
            bytes: text.len() as u64,
            md5: hex::encode(Md5::digest(text.as_bytes())),
        },
        path: None,
        bytes: text.as_bytes().to_vec(),
    };
    if let Some(report) = &release.public_report {
        files.push(here(
            "report.json",
            "Fitness for tasks: every measured marginal beside its noise.",
            report,
        ));
    }
    files.push(here("statement.json", "The statement of privacy.", &model.statement));
    if let Some(attestation) = &release.attestation {
        files.push(here(
            "attestation.json",
            "The signature over the other files (DSSE, in-toto).",
            attestation,
        ));
    }
    Ok(Parcel { facts: facts(app, release, &statement)?, files })
}

fn digest(path: &std::path::Path) -> std::io::Result<(u64, String)> {
    let (mut file, mut digest) = (std::fs::File::open(path)?, Md5::new());
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, hex::encode(digest.finalize()))),
            read => {
                digest.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

fn facts(app: &App, release: &Release, statement: &Statement) -> Result<Facts, Problem> {
    let said = Said::of(release)?;
    let about = said.about;
    let promise = format!(
        "This is a synthetic trace. One {} of the raw trace is protected by ({}, {:e})-differential privacy; statement.json says how.",
        statement.one(),
        statement.guarantee.epsilon(),
        statement.guarantee.delta(),
    );
    let title = about.title.unwrap_or_else(|| "Synthetic network trace".into());
    let (contact, email) = about.contact.map_or((None, None), |contact| (contact.name, contact.email));
    Ok(Facts {
        title: format!("{title}, {}", said.version),
        description: format!("{}\n{promise}", about.description.unwrap_or_default()),
        publisher: about.publisher.map_or_else(|| app.config.publisher.clone(), |publisher| publisher.name),
        contact,
        email,
        licence: about.licence,
        keywords: about.keywords,
        version: said.version,
        issued: release.published_at.map(shown_day).unwrap_or_default(),
        page: format!("{}/p/{}", app.config.base(), release.id),
    })
}

/// Repositories that deposits may go to.
pub fn repositories(app: &App, caller: &Caller) -> Result<Page<RepositoryView>, Problem> {
    caller.steward()?;
    let shown = app.repositories.0.iter().map(|(name, one)| RepositoryView {
        name: name.clone(),
        kind: match one.repository {
            Repository::InvenioRdm => "invenio-rdm",
            Repository::Dataverse { .. } => "dataverse",
        },
        url: one.url.clone(),
    });
    Ok(Page { items: shown.collect(), next: None })
}

/// Result of a request for a deposit.
pub enum Accepted {
    /// It is queued.
    Queued(Box<DepositView>),
    /// Nothing was sent.
    Dry(DepositPlan),
}

/// Queues a deposit of a release that is published for everybody, or shows what it would send.
pub async fn create(app: &App, caller: &Caller, id: Uuid, new: NewDeposit) -> Result<Accepted, Problem> {
    let tenant = caller.steward()?;
    let release = own(app, tenant, id).await?;
    let unknown = || Problem::invalid("repository", "no repository of that name; see GET /v1/repositories");
    let configured = app.repositories.0.get(&new.repository).ok_or_else(unknown)?;
    let parcel = parcel(app, &release).await?;
    let previous = match new.new_version_of {
        None => None,
        Some(before) => {
            let mut tx = app.read("deposits.previous").await?;
            let found = deposits::find(&mut tx, tenant, before).await?;
            let found =
                found.filter(|found| found.repository == new.repository).and_then(|found| found.remote);
            let none = "name a deposit in this repository that has come to its end";
            Some(found.ok_or_else(|| Problem::invalid("new_version_of", none))?)
        }
    };
    let steps = steps(&configured.repository, &parcel, previous.as_deref()).await?;
    if new.dry_run {
        return Ok(Accepted::Dry(DepositPlan { dry_run: true, steps }));
    }
    let mut tx = app.begin("deposits.create").await?;
    let before = deposits::of_release(&mut tx, id).await?;
    if before.len() >= MOST {
        let detail = format!("a release has at most {MOST} deposits");
        return Err(Problem::conflict(ProblemType::Busy, detail));
    }
    if before.iter().any(|one| one.repository == new.repository && one.state == DepositState::Pending) {
        return Err(Problem::conflict(
            ProblemType::Busy,
            "a deposit of this release in that repository is under way",
        ));
    }
    let made = Deposit {
        id: Uuid::now_v7(),
        tenant_id: tenant,
        release_id: id,
        repository: new.repository,
        previous,
        state: DepositState::Pending,
        draft: None,
        remote: None,
        identifier: None,
        page: None,
        problem: None,
        attempts: 0,
        percent: 0,
        due_at: 0,
        created_at: tx.now().await?,
        ended_at: None,
    };
    deposits::add(&mut tx, &made).await?;
    tx.commit().await?;
    Ok(Accepted::Queued(Box::new(view(made))))
}

/// The requests that a deposit begins with, as a repository that agrees would have them. What the description lacks is refused here, before anything is sent.
async fn steps(
    repository: &Repository,
    parcel: &Parcel,
    previous: Option<&str>,
) -> Result<Vec<StepView>, Problem> {
    let files: Vec<File> = parcel.files.iter().map(|stored| stored.file.clone()).collect();
    let mut dry = Pretend::of(&files);
    let submission = Submission { repository, facts: &parcel.facts, files: &files, previous, draft: None };
    deposit(&submission, &mut dry).await.map_err(|why| Problem::invalid("about", why.to_string()))?;
    let step = |request: netdpsyn_deposit::Request| {
        let (json, file) = match request.body {
            Body::Empty => (None, None),
            Body::Json(json) => (Some(json), None),
            Body::File(place) => (None, Some(files[place].name.clone())),
            Body::Form(place, json) => (Some(json!({"jsonData": json})), Some(files[place].name.clone())),
        };
        StepView { method: request.method, path: request.path, json, file }
    };
    Ok(dry.requests.into_iter().map(step).collect())
}

/// The deposits of a release, the oldest first.
pub async fn list(app: &App, caller: &Caller, id: Uuid) -> Result<Page<DepositView>, Problem> {
    own(app, caller.steward()?, id).await?;
    let mut tx = app.read("deposits.list").await?;
    let found = deposits::of_release(&mut tx, id).await?;
    Ok(Page { items: found.into_iter().map(view).collect(), next: None })
}

/// A deposit.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<DepositView, Problem> {
    let mut tx = app.read("deposits.find").await?;
    let found = deposits::find(&mut tx, caller.steward()?, id).await?;
    found.map(view).ok_or_else(|| Problem::not_found("deposit"))
}

/// Goes on with a deposit that failed, from its draft.
pub async fn again(app: &App, caller: &Caller, id: Uuid) -> Result<DepositView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.begin("deposits.again").await?;
    let now = tx.now().await?;
    let changed = deposits::again(&mut tx, tenant, id, now).await?;
    let found = deposits::find(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("deposit"))?;
    if !changed {
        return Err(Problem::conflict(
            ProblemType::Busy,
            format!("this deposit is {}, not failed", found.state),
        ));
    }
    tx.commit().await?;
    Ok(view(found))
}
