//! Models: what fits committed.

use super::releases::Release;
use super::statement::{one, query_as, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use uuid::Uuid;

/// A committed fit.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredModel {
    /// Id.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Dataset that it was made from.
    pub dataset_id: Uuid,
    /// The fit that committed it.
    pub job_id: Uuid,
    /// The bundle's artifact.
    pub bundle_path: String,
    /// SHA-256.
    pub bundle_sha256: String,
    /// The statement of privacy, JSON.
    pub statement: String,
    /// Time, in µs since 1970.
    pub created_at: i64,
    /// N̂, rounded; none of an earlier version's.
    pub records: Option<i64>,
    /// Bytes that its tables take while records are made; none of an earlier version's.
    pub memory: Option<i64>,
}

/// Adds a model.
pub async fn add(tx: &mut Tx, m: &StoredModel) -> Result<(), StorageError> {
    one!(tx => sql!(add,
        "INSERT INTO models (id, tenant_id, dataset_id, job_id, bundle_path, bundle_sha256, statement, created_at, records, memory)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"),
        m.id, m.tenant_id, m.dataset_id, m.job_id, &m.bundle_path, &m.bundle_sha256, &m.statement,
        m.created_at, m.records, m.memory)
}

/// A tenant's model.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<StoredModel>, StorageError> {
    Ok(
        on!(tx, c => query_as::<_, StoredModel>(sql!(find, "SELECT * FROM models WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// Whether a model has a published release.
pub async fn is_published(tx: &mut Tx, model: Uuid) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => query_scalar(
        sql!(is_published, "SELECT COUNT(*) FROM releases WHERE model_id = $1 AND state = 'published'"))
        .bind(model).fetch_one(c).await)?;
    Ok(count > 0)
}

/// The models of a dataset of which a trace was compared with the raw one.
pub async fn compared(tx: &mut Tx, dataset: Uuid) -> Result<Vec<Uuid>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(compared, "SELECT DISTINCT model_id FROM releases WHERE dataset_id = $1 AND private_report IS NOT NULL AND condition IS NULL"))
        .bind(dataset).fetch_all(c).await)?)
}

/// The release by which a model is compared with the raw trace: one that has the raw mix, a published one before drafts.
pub async fn compared_release(tx: &mut Tx, model: Uuid) -> Result<Option<Release>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Release>(
        sql!(compared_release, "SELECT * FROM releases WHERE model_id = $1 AND private_report IS NOT NULL AND condition IS NULL
             ORDER BY CASE state WHEN 'published' THEN 0 ELSE 1 END, seq LIMIT 1"))
        .bind(model).fetch_optional(c).await)?)
}
