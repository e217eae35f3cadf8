//! Models and releases.

use super::db::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use std::collections::HashSet;
use uuid::Uuid;

/// What a fit committed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Model {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// From which dataset.
    pub dataset_id: Uuid,
    /// By which fit.
    pub job_id: Uuid,
    /// The bundle's artifact.
    pub bundle_path: String,
    /// Its SHA-256.
    pub bundle_sha256: String,
    /// The statement of privacy, JSON.
    pub statement: String,
    /// When.
    pub created_at: i64,
    /// N̂, rounded; none of an earlier version's.
    pub records: Option<i64>,
    /// Bytes that its tables take while records are made; none of an earlier version's.
    pub memory: Option<i64>,
}

words! {
    /// Who sees a release.
    #[derive(utoipa::ToSchema)]
    #[schema(as = ReleaseState)]
    pub enum State {
        /// Stewards.
        Draft = "draft",
        /// Readers as well.
        Published = "published",
    }
}
stored!(State);

/// A synthetic trace with its report.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Release {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// From which dataset.
    pub dataset_id: Uuid,
    /// From which model.
    pub model_id: Uuid,
    /// By which generation.
    pub job_id: Uuid,
    /// Who sees it.
    pub state: State,
    /// The trace's artifact.
    pub trace_path: String,
    /// Its SHA-256.
    pub trace_sha256: String,
    /// Its size.
    pub bytes: i64,
    /// Records.
    pub row_count: i64,
    /// Whether their number was set by hand.
    pub rows_by_hand: bool,
    /// The seed, in decimal.
    pub seed: String,
    /// The release report, JSON.
    pub report: String,
    /// The private report, JSON.
    pub private_report: Option<String>,
    /// When a steward first opened that.
    pub private_opened_at: Option<i64>,
    /// At its publication: what had been looked at before, JSON.
    pub opened_before: Option<String>,
    /// At its publication: whether its dataset was declared after its people had been looked at.
    pub declared_late: Option<bool>,
    /// When it was generated.
    pub created_at: i64,
    /// When it was published.
    pub published_at: Option<i64>,
}

/// Adds a model.
pub async fn add_model(tx: &mut Tx, m: &Model) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* models add */ INSERT INTO models (id, tenant_id, dataset_id, job_id, bundle_path, bundle_sha256, statement, created_at, records, memory)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(m.id).bind(m.tenant_id).bind(m.dataset_id).bind(m.job_id).bind(&m.bundle_path).bind(&m.bundle_sha256)
        .bind(&m.statement).bind(m.created_at).bind(m.records).bind(m.memory).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A tenant's model.
pub async fn find_model(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Model>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_as::<_, Model>("/* models find */ SELECT * FROM models WHERE tenant_id = $1 AND id = $2")
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// Whether a model has a published release.
pub async fn is_published(tx: &mut Tx, model: Uuid) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => sqlx::query_scalar(
        "/* models is_published */ SELECT COUNT(*) FROM releases WHERE model_id = $1 AND state = 'published'")
        .bind(model).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Adds a release.
pub async fn add(tx: &mut Tx, r: &Release) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* releases add */ INSERT INTO releases (id, tenant_id, dataset_id, model_id, job_id, state, trace_path, trace_sha256, bytes, row_count,
             rows_by_hand, seed, report, created_at)
         VALUES ($1, $2, $3, $4, $5, $14, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind(r.id).bind(r.tenant_id).bind(r.dataset_id).bind(r.model_id).bind(r.job_id).bind(&r.trace_path).bind(&r.trace_sha256)
        .bind(r.bytes).bind(r.row_count).bind(r.rows_by_hand).bind(&r.seed).bind(&r.report).bind(r.created_at).bind(r.state)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A tenant's release.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Release>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_as::<_, Release>("/* releases find */ SELECT * FROM releases WHERE tenant_id = $1 AND id = $2")
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// Where a release stands in the list that [`list`] gives.
pub async fn place(
    tx: &mut Tx,
    tenant: Uuid,
    published_only: bool,
    id: Uuid,
) -> Result<Option<i64>, StorageError> {
    Ok(on!(tx, c => sqlx::query_scalar(
        "/* releases place */ SELECT seq FROM releases WHERE tenant_id = $1 AND (state = 'published' OR NOT $2) AND id = $3")
        .bind(tenant).bind(published_only).bind(id).fetch_optional(c).await)?)
}

/// A tenant's releases after the place `after`; `published_only` for readers.
pub async fn list(
    tx: &mut Tx,
    tenant: Uuid,
    published_only: bool,
    after: i64,
    limit: i64,
) -> Result<Vec<Release>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Release>(
        "/* releases list */ SELECT * FROM releases WHERE tenant_id = $1 AND (state = 'published' OR NOT $2) AND seq > $3 ORDER BY seq LIMIT $4")
        .bind(tenant).bind(published_only).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Publishes a draft and keeps what had been looked at before, and before declaring; publishing what is published changes nothing.
pub async fn publish(
    tx: &mut Tx,
    id: Uuid,
    opened_before: &str,
    declared_late: bool,
    now: i64,
) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* releases publish */ UPDATE releases SET state = 'published', published_at = $2, opened_before = $3, declared_late = $4
         WHERE id = $1 AND state = 'draft'")
        .bind(id).bind(now).bind(opened_before).bind(declared_late).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Keeps a private report.
pub async fn set_private_report(tx: &mut Tx, id: Uuid, report: &str) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query("/* releases set_private_report */ UPDATE releases SET private_report = $2 WHERE id = $1")
        .bind(id).bind(report).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Records that a steward opened the private report.
pub async fn opened(tx: &mut Tx, id: Uuid, now: i64) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query("/* releases opened */ UPDATE releases SET private_opened_at = COALESCE(private_opened_at, $2) WHERE id = $1")
        .bind(id).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Erases the private reports of a dataset's releases.
pub async fn erase_private_reports(tx: &mut Tx, dataset: Uuid) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query("/* releases erase_private_reports */ UPDATE releases SET private_report = NULL WHERE dataset_id = $1")
        .bind(dataset).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The artifacts that datasets, models and releases name.
pub async fn named_artifacts(tx: &mut Tx) -> Result<HashSet<String>, StorageError> {
    let named: Vec<String> = on!(tx, c => sqlx::query_scalar(
        "/* releases named_artifacts */ SELECT trace_path FROM datasets WHERE trace_path IS NOT NULL
         UNION ALL SELECT bundle_path FROM models UNION ALL SELECT trace_path FROM releases")
        .fetch_all(c).await)?;
    Ok(named.into_iter().collect())
}
