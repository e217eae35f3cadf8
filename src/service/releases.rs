//! Models and releases: what may be seen, by whom, and how it is published.

use super::app::{App, Caller, Page, PageQuery, shown_day, shown_time};
use super::bound::{PopulationSpending, Shown};
use super::budget::{ChargeView, charge_of};
use super::conditioned::Conditioned;
use super::looks::{self, Choices};
use super::problem::{Problem, ProblemType};
use super::publishing::{self, gone};
use crate::account::Statement;
use crate::evaluate::release::Fidelity;
use crate::generate::gum::Convergence;
use crate::model::Bundle;
use crate::storage::datasets::Dataset;
use crate::storage::looks::PrivateLook;
use crate::storage::models::{self, StoredModel};
use crate::storage::releases::{self, Release, ReleaseAccess, ReleaseState};
use crate::storage::{Tx, datasets, populations};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A model: what a fit committed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000002", "dataset_id": "0199c0de-0000-7000-8000-000000000001", "job_id": "0199c0de-0000-7000-8000-000000000004", "bundle_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "statement": {"unit": "record", "guarantee": {"epsilon": 2.0, "delta": 1e-9}}, "ledger": {"entry_id": "0199c0de-0000-7000-8000-000000000006", "population_id": "0199c0de-0000-7000-8000-000000000005", "rho": 0.0558, "delta_prime": 0.0}, "created_at": "2026-01-05T09:00:03Z"}))]
pub struct ModelView {
    /// Id.
    pub id: Uuid,
    /// Dataset that was fitted.
    pub dataset_id: Uuid,
    /// The fit. Shown to stewards alone: its duration depends on the raw trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<Uuid>,
    /// SHA-256 of the measurement bundle.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub bundle_sha256: String,
    /// The statement of privacy.
    #[schema(value_type = Object)]
    pub statement: serde_json::Value,
    /// Charge that paid for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<ChargeView>,
    /// When: the time for stewards, the day (UTC) for readers.
    #[schema(schema_with = super::app::time_or_day)]
    pub created_at: String,
}

/// A noisy marginal.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"columns": ["proto"], "shape": [3], "sigma": 12.4, "counts": [2921, 987, -6]}))]
pub struct MarginalView {
    /// Its columns.
    pub columns: Vec<String>,
    /// Bins of each.
    pub shape: Vec<usize>,
    /// Standard deviation of a cell's noise; a cell that joins bins has √`joined` times it. The leaves of a tree have at most that.
    pub sigma: f64,
    /// Noisy counts (for the leaves of a tree, rounded estimates from all its levels), the last column varying fastest.
    pub counts: Vec<i64>,
    /// How many times the variance of one bin each cell has, where some were joined: the number of its bins, less where levels of a tree say more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<Vec<u32>>,
}

/// The noisy marginals of a model.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"marginals": [{"columns": ["proto"], "shape": [3], "sigma": 12.4, "counts": [2921, 987, -6]}]}))]
pub struct MarginalsView {
    /// Every marginal that was measured.
    pub marginals: Vec<MarginalView>,
}

/// A release.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000003", "model_id": "0199c0de-0000-7000-8000-000000000002", "state": "published", "rows": 3990, "rows_by_hand": false, "seed": "7", "bytes": 312044, "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "content": "/v1/releases/0199c0de-0000-7000-8000-000000000003/content", "report": "/v1/releases/0199c0de-0000-7000-8000-000000000003/report", "opened_before": ["parse report", "private report"], "created_at": "2026-01-05T09:00:09Z", "published_at": "2026-01-05T09:10:00Z"}))]
pub struct ReleaseView {
    /// Id.
    pub id: Uuid,
    /// Title and version given at publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Name of the dataset that it was made from. Shown to stewards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Model that it was generated from.
    pub model_id: Uuid,
    /// State.
    pub state: ReleaseState,
    /// Access, once it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<ReleaseAccess>,
    /// Address of its public page, once it is published and described.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri-reference")]
    pub page: Option<String>,
    /// Of a withdrawn release: when it was withdrawn, the time for stewards, the day (UTC) for readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = super::app::time_or_day)]
    pub withdrawn_at: Option<String>,
    /// Reason of the withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_reason: Option<String>,
    /// Records.
    #[schema(minimum = 0)]
    pub rows: i64,
    /// Whether their number was set by hand rather than by the noisy counts.
    pub rows_by_hand: bool,
    /// The seed: a whole number below 2⁶⁴, as text, because many programs round numbers that large.
    #[schema(pattern = "^[0-9]{1,20}$")]
    pub seed: String,
    /// The condition on categories, if one was set: the mix is then not that of the raw trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Conditioned>,
    /// Size of the trace.
    #[schema(minimum = 0)]
    pub bytes: i64,
    /// SHA-256 of the trace.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// Address of the trace.
    #[schema(format = "uri-reference")]
    pub content: String,
    /// Address of the release report.
    #[schema(format = "uri-reference")]
    pub report: String,
    /// Whether a steward opened the private report (before publication: a choice outside the promise). Shown to stewards.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub private_report_opened_at: Option<String>,
    /// For a published release: private data of its population that were looked at before publication, out of `parse report`, `quote`, `draft trace` and
    /// `private report` (releases of version 0.1 list `trace` and `sibling …` of their dataset). The guarantee does not cover choices made after looking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_before: Option<Vec<String>>,
    /// Time of generation for stewards, the day (UTC) for readers.
    #[schema(schema_with = super::app::time_or_day)]
    pub created_at: String,
    /// Time of publication, in the same way: automatic publication would otherwise disclose when the job ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = super::app::time_or_day)]
    pub published_at: Option<String>,
}

/// Stored report of a release, made from the model alone.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoredReport {
    /// Every measured marginal against the synthetic records.
    #[serde(flatten)]
    pub fidelity: Fidelity,
    /// The statement of privacy.
    #[schema(value_type = Object)]
    pub statement: Statement,
    /// Charge that paid for it.
    pub ledger: Option<ChargeView>,
    /// Convergence of the generation.
    pub convergence: Convergence,
}

/// The release report.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"version": 1, "private": false, "estimated_records": 3990.2, "synthetic_rows": 3990, "mean_distance": 0.09, "mean_noise": 0.08,
    "marginals": [{"columns": ["proto"], "cells": 3, "sigma": 12.4, "distance": 0.004, "noise": 0.004, "noise_deviation": 0.001}],
    "statement": {"unit": "record", "guarantee": {"epsilon": 2.0, "delta": 1e-9}},
    "ledger": {"entry_id": "0199c0de-0000-7000-8000-000000000006", "population_id": "0199c0de-0000-7000-8000-000000000005", "rho": 0.0558, "delta_prime": 0.0},
    "convergence": {"rounds": 12, "error": 0.02, "moved": 14200, "settled": true},
    "choices": {"declared_after_upload": false, "opened_before_publication": ["parse report", "private report"], "about": "The promise does not cover …"},
    "population": {"cap": {"rho": 0.31, "delta_prime": 0.0, "epsilon": 5.0}, "delta": 1e-9, "cap_set": "2026-01-05", "cap_raised": 0, "spent": {"rho": 0.0558, "delta_prime": 0.0, "epsilon": 2.0}, "text": "all releases about this population together: …"}}))]
pub struct ReleaseReportView {
    /// Made with the release.
    #[serde(flatten)]
    pub stored: StoredReport,
    /// The condition on categories, if one was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Conditioned>,
    /// Choices that lie outside the promise.
    pub choices: Choices,
    /// The account of the people behind it.
    pub population: PopulationSpending,
}

pub use crate::evaluate::private::PrivateReport;

pub(super) fn view(r: Release, reader: bool) -> ReleaseView {
    let shown = if reader { shown_day } else { shown_time };
    ReleaseView {
        opened_before: looks::opened_before(&r),
        condition: Conditioned::of(&r),
        id: r.id,
        title: publishing::title(&r),
        dataset: r.dataset_name.clone().filter(|_| !reader),
        model_id: r.model_id,
        state: r.standing(),
        access: r.access,
        page: r.publication.as_ref().map(|_| format!("/p/{}", r.id)),
        withdrawn_at: r.withdrawn_at.map(shown),
        withdrawn_reason: r.withdrawn_reason,
        rows: r.row_count,
        rows_by_hand: r.rows_by_hand,
        seed: r.seed,
        bytes: r.bytes,
        sha256: r.trace_sha256,
        content: format!("/v1/releases/{}/content", r.id),
        report: format!("/v1/releases/{}/report", r.id),
        private_report_opened_at: r.private_opened_at.filter(|_| !reader).map(shown_time),
        created_at: shown(r.created_at),
        published_at: r.published_at.map(shown),
    }
}

/// A release that the caller may see: a reader sees what is published, or was.
async fn visible(tx: &mut Tx, caller: &Caller, id: Uuid) -> Result<Release, Problem> {
    let found = releases::find(tx, caller.member()?, id).await?;
    let seen = found.filter(|release| !caller.is_reader() || release.standing() != ReleaseState::Draft);
    seen.ok_or_else(|| Problem::not_found("release"))
}

/// The dataset that a release was made from; it stays, whatever is erased of it.
async fn dataset_of(tx: &mut Tx, release: &Release) -> Result<Dataset, Problem> {
    datasets::find(tx, release.tenant_id, release.dataset_id).await?.ok_or_else(Problem::internal)
}

async fn visible_model(tx: &mut Tx, caller: &Caller, id: Uuid) -> Result<StoredModel, Problem> {
    let model = models::find(tx, caller.member()?, id).await?.ok_or_else(|| Problem::not_found("model"))?;
    if caller.is_reader() && !models::is_published(tx, id).await? {
        return Err(Problem::not_found("model"));
    }
    Ok(model)
}

/// A model.
pub async fn model(app: &App, caller: &Caller, id: Uuid) -> Result<ModelView, Problem> {
    let shown = if caller.is_reader() { shown_day } else { shown_time };
    let mut tx = app.read("releases.model").await?;
    let model = visible_model(&mut tx, caller, id).await?;
    Ok(ModelView {
        id: model.id,
        dataset_id: model.dataset_id,
        job_id: (!caller.is_reader()).then_some(model.job_id),
        bundle_sha256: model.bundle_sha256,
        statement: serde_json::from_str(&model.statement).map_err(|error| {
            tracing::error!(%error, model = %id, "a stored statement cannot be read");
            Problem::internal()
        })?,
        ledger: charge_of(&mut tx, model.job_id).await?,
        created_at: shown(model.created_at),
    })
}

/// The noisy marginals of a model.
pub async fn marginals(app: &App, caller: &Caller, id: Uuid) -> Result<MarginalsView, Problem> {
    let mut tx = app.read("releases.marginals").await?;
    let model = visible_model(&mut tx, caller, id).await?;
    // A snapshot that is kept while a file is read would keep the write-ahead log.
    drop(tx);
    let path = app.artifacts.path(&model.bundle_path)?;
    let bundle = tokio::task::spawn_blocking(move || {
        Bundle::read(std::io::BufReader::new(std::fs::File::open(path)?))
    });
    let bundle = match bundle.await {
        Ok(Ok(bundle)) => bundle,
        other => {
            tracing::error!(model = %id, failed = ?other.err(), "a bundle cannot be read");
            return Err(Problem::internal());
        }
    };
    let marginals = bundle.measurements.into_iter().map(|m| MarginalView {
        columns: m.attributes.iter().map(|&a| bundle.attributes[a].name.clone()).collect(),
        shape: m.attributes.iter().map(|&a| bundle.attributes[a].bins()).collect(),
        sigma: m.scale.sigma(),
        counts: m.counts,
        joined: m.joined,
    });
    Ok(MarginalsView { marginals: marginals.collect() })
}

/// Releases: a steward's all, a reader's published ones.
pub async fn list(app: &App, caller: &Caller, query: PageQuery) -> Result<Page<ReleaseView>, Problem> {
    let tenant = caller.member()?;
    let (limit, reader) = (query.fetched()?, caller.is_reader());
    let mut tx = app.read("releases.list").await?;
    let after = PageQuery::start(query.after.map(|id| releases::place(&mut tx, tenant, reader, id))).await?;
    let rows = releases::list(&mut tx, tenant, reader, after, limit).await?;
    Ok(PageQuery::page(rows, limit, |r| r.id, |r| view(r, reader)))
}

/// A release.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<ReleaseView, Problem> {
    let mut tx = app.read("releases.find").await?;
    Ok(view(visible(&mut tx, caller, id).await?, caller.is_reader()))
}

/// A release of one's own, in whatever state.
pub(super) async fn own(app: &App, tenant: Uuid, id: Uuid) -> Result<Release, Problem> {
    let mut tx = app.read("releases.own").await?;
    releases::find(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("release"))
}

/// A release's trace: its row, whose artifact is then streamed. Access to a draft, which only stewards have, is recorded.
pub async fn content(app: &App, caller: &Caller, id: Uuid) -> Result<Release, Problem> {
    let mut tx = app.read("releases.content").await?;
    let release = visible(&mut tx, caller, id).await?;
    if let Some(gone) = gone(&release) {
        return Err(gone);
    }
    let population = dataset_of(&mut tx, &release).await?.population_id;
    drop(tx);
    if release.standing() == ReleaseState::Draft {
        looks::record(app, population, PrivateLook::DraftTrace).await?;
    }
    Ok(release)
}

/// The release report, made from the model alone. Of a withdrawn release its steward alone sees it.
pub async fn report(app: &App, caller: &Caller, id: Uuid) -> Result<ReleaseReportView, Problem> {
    let mut tx = app.read("releases.report").await?;
    let release = visible(&mut tx, caller, id).await?;
    match gone(&release) {
        Some(gone) if caller.is_reader() => Err(gone),
        _ => report_of(&mut tx, &release, caller.is_reader()).await,
    }
}

/// The report of a release, as readers or as stewards see it.
pub(super) async fn report_of(
    tx: &mut Tx,
    release: &Release,
    reader: bool,
) -> Result<ReleaseReportView, Problem> {
    let stored: StoredReport = serde_json::from_str(&release.report).map_err(|error| {
        tracing::error!(%error, release = %release.id, "a stored report cannot be read");
        Problem::internal()
    })?;
    let dataset = dataset_of(tx, release).await?;
    // A reader who polls would see to the second when a fit ends.
    let shown = if reader { Shown::UntilToday { now: tx.now().await? } } else { Shown::All };
    let population = PopulationSpending::of(tx, &dataset, stored.statement.one(), shown).await?;
    let (condition, choices) = (Conditioned::of(release), Choices::of(release, &dataset));
    Ok(ReleaseReportView { condition, choices, population, stored })
}

/// Why the private report of a release is not shown yet; `strict` is its population's rule.
pub(super) fn kept_back(release: &Release, strict: bool) -> Option<&'static str> {
    (strict && release.standing() == ReleaseState::Draft)
        .then_some("this population is strict: private reports are shown after publication")
}

/// The private report, made against the raw trace. Opening it is recorded on the release and of its population.
pub async fn private_report(app: &App, caller: &Caller, id: Uuid) -> Result<serde_json::Value, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.begin("releases.private_report").await?;
    let release = visible(&mut tx, caller, id).await?;
    let population = dataset_of(&mut tx, &release).await?.population_id;
    let strict = populations::find(&mut tx, population).await?.is_some_and(|p| p.strict);
    kept_back(&release, strict).map_or(Ok(()), |why| Err(Problem::conflict(ProblemType::Strict, why)))?;
    let Some(report) = release.private_report else {
        let running = crate::storage::jobs::evaluation_of(&mut tx, tenant, id).await?;
        return Err(running.map_or_else(
            || Problem::not_found("private report; submit an evaluate job"),
            Problem::being_evaluated,
        ));
    };
    let now = tx.now().await?;
    releases::opened(&mut tx, id, now).await?;
    crate::storage::looks::add(&mut tx, population, PrivateLook::PrivateReport, now).await?;
    tx.commit().await?;
    serde_json::from_str(&report).map_err(|_| Problem::internal())
}
