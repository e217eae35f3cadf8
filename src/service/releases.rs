//! Models and releases: what may be seen, by whom, and how it is published.

use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::budget::AccountView;
use super::problem::Problem;
use crate::model::Bundle;
use crate::storage::releases::{self, Model, Release};
use crate::storage::{Tx, datasets, ledger, tenants};
use serde::Serialize;
use uuid::Uuid;

/// A model: what a fit committed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ModelView {
    /// Its id.
    pub id: Uuid,
    /// From which dataset.
    pub dataset_id: Uuid,
    /// By which fit.
    pub job_id: Uuid,
    /// SHA-256 of the measurement bundle.
    pub bundle_sha256: String,
    /// The statement of privacy.
    #[schema(value_type = Object)]
    pub statement: serde_json::Value,
    /// When.
    pub created_at: String,
}

/// A noisy marginal.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MarginalView {
    /// Its columns.
    pub columns: Vec<String>,
    /// Bins of each.
    pub shape: Vec<usize>,
    /// Standard deviation of a cell's noise; a cell that joins g bins has √g times it.
    pub sigma: f64,
    /// Noisy counts, the last column varying fastest.
    pub counts: Vec<i64>,
    /// Bins that each cell joins, where some were joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<Vec<u32>>,
}

/// The noisy marginals of a model.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MarginalsView {
    /// Every marginal that was measured.
    pub marginals: Vec<MarginalView>,
}

/// A release.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ReleaseView {
    /// Its id.
    pub id: Uuid,
    /// From which model.
    pub model_id: Uuid,
    /// draft or published.
    pub state: String,
    /// Records.
    pub rows: i64,
    /// Whether their number was set by hand rather than by the noisy counts.
    pub rows_by_hand: bool,
    /// The seed.
    pub seed: String,
    /// Size of the trace.
    pub bytes: i64,
    /// SHA-256 of the trace.
    pub sha256: String,
    /// Where the trace is.
    pub content: String,
    /// Where the release report is.
    pub report: String,
    /// Whether a steward opened the private report (before publication: a choice outside the promise). Shown to stewards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_report_opened_at: Option<String>,
    /// When it was generated.
    pub created_at: String,
    /// When it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<String>,
}

fn view(r: Release, reader: bool) -> ReleaseView {
    ReleaseView {
        id: r.id,
        model_id: r.model_id,
        state: r.state,
        rows: r.row_count,
        rows_by_hand: r.rows_by_hand,
        seed: r.seed,
        bytes: r.bytes,
        sha256: r.trace_sha256,
        content: format!("/v1/releases/{}/content", r.id),
        report: format!("/v1/releases/{}/report", r.id),
        private_report_opened_at: r.private_opened_at.filter(|_| !reader).map(shown_time),
        created_at: shown_time(r.created_at),
        published_at: r.published_at.map(shown_time),
    }
}

/// A release that the caller may see: a reader sees what is published.
async fn visible(tx: &mut Tx, caller: &Caller, id: Uuid) -> Result<Release, Problem> {
    let found = releases::find(tx, caller.member()?, id).await?;
    let seen = found.filter(|release| !caller.is_reader() || release.state == "published");
    seen.ok_or_else(|| Problem::not_found("release"))
}

async fn visible_model(tx: &mut Tx, caller: &Caller, id: Uuid) -> Result<Model, Problem> {
    let model =
        releases::find_model(tx, caller.member()?, id).await?.ok_or_else(|| Problem::not_found("model"))?;
    if caller.is_reader() && !releases::is_published(tx, id).await? {
        return Err(Problem::not_found("model"));
    }
    Ok(model)
}

/// A model.
pub async fn model(app: &App, caller: &Caller, id: Uuid) -> Result<ModelView, Problem> {
    let mut tx = app.read().await?;
    let model = visible_model(&mut tx, caller, id).await?;
    Ok(ModelView {
        id: model.id,
        dataset_id: model.dataset_id,
        job_id: model.job_id,
        bundle_sha256: model.bundle_sha256,
        statement: serde_json::from_str(&model.statement).unwrap_or_default(),
        created_at: shown_time(model.created_at),
    })
}

/// The noisy marginals of a model.
pub async fn marginals(app: &App, caller: &Caller, id: Uuid) -> Result<MarginalsView, Problem> {
    let mut tx = app.read().await?;
    let model = visible_model(&mut tx, caller, id).await?;
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
    let (after, limit) = query.bounds()?;
    let reader = caller.is_reader();
    let mut tx = app.read().await?;
    let rows = releases::list(&mut tx, tenant, reader, after, limit).await?;
    Ok(PageQuery::page(rows, limit, |r| r.id, |r| view(r, reader)))
}

/// A release.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<ReleaseView, Problem> {
    let mut tx = app.read().await?;
    Ok(view(visible(&mut tx, caller, id).await?, caller.is_reader()))
}

/// Publishes a draft: readers see it from now on.
pub async fn publish(app: &App, caller: &Caller, id: Uuid) -> Result<ReleaseView, Problem> {
    caller.steward()?;
    let mut tx = app.begin().await?;
    visible(&mut tx, caller, id).await?;
    releases::publish(&mut tx, id, app.now()).await?;
    let release = visible(&mut tx, caller, id).await?;
    tx.commit().await?;
    Ok(view(release, false))
}

/// A release's trace: its row, whose artifact is to be streamed.
pub async fn content(app: &App, caller: &Caller, id: Uuid) -> Result<Release, Problem> {
    let mut tx = app.read().await?;
    visible(&mut tx, caller, id).await
}

/// The release report, made from the model alone.
pub async fn report(app: &App, caller: &Caller, id: Uuid) -> Result<serde_json::Value, Problem> {
    let mut tx = app.read().await?;
    let release = visible(&mut tx, caller, id).await?;
    let mut report: serde_json::Value =
        serde_json::from_str(&release.report).map_err(|_| Problem::internal())?;
    // The cap bounds all releases about the same people; the running sum is for information.
    let dataset = datasets::find(&mut tx, release.tenant_id, release.dataset_id).await?;
    let population = dataset.map(|d| d.population_id).unwrap_or_default();
    if let Some(account) = ledger::population_account(&mut tx, population).await? {
        let account = AccountView::of(&account);
        report["population"] = serde_json::json!({ "cap": account.cap, "spent": account.spent });
    }
    Ok(report)
}

/// The private report, made against the raw trace. Opening it is recorded on the release.
pub async fn private_report(app: &App, caller: &Caller, id: Uuid) -> Result<serde_json::Value, Problem> {
    caller.steward()?;
    let mut tx = app.begin().await?;
    let release = visible(&mut tx, caller, id).await?;
    let population = match datasets::find(&mut tx, release.tenant_id, release.dataset_id).await? {
        Some(dataset) => tenants::find_population(&mut tx, dataset.population_id).await?,
        None => None,
    };
    if release.state == "draft" && population.is_some_and(|p| p.strict) {
        return Err(Problem::conflict(
            "/problems/strict",
            "this population is strict: private reports are shown after publication",
        ));
    }
    let report =
        release.private_report.ok_or_else(|| Problem::not_found("private report; submit an evaluate job"))?;
    releases::opened(&mut tx, id, app.now()).await?;
    tx.commit().await?;
    serde_json::from_str(&report).map_err(|_| Problem::internal())
}
