//! Releases: synthetic traces with their reports.

use super::statement::{changed, one, query_as, query_scalar, sql};
use super::tx::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use uuid::Uuid;

words! {
    /// Visibility of a release, as the database has it.
    pub enum StoredState {
        /// Stewards.
        Draft = "draft",
        /// Readers as well.
        Published = "published",
    }
}
stored!(StoredState);

words! {
    /// State of a release.
    #[derive(utoipa::ToSchema)]
    pub enum ReleaseState {
        /// Stewards see it.
        Draft = "draft",
        /// Readers as well.
        Published = "published",
        /// It was published and taken back: that it was there and why it is not stays to be seen.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// Who may fetch a published release.
    #[derive(utoipa::ToSchema)]
    pub enum ReleaseAccess {
        /// Readers of its tenant, and holders of a link.
        Tenant = "tenant",
        /// Everybody, without a key.
        Public = "public",
    }
}
stored!(ReleaseAccess);

/// A synthetic trace with its report.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Release {
    /// Id.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Dataset that it was made from.
    pub dataset_id: Uuid,
    /// Model that it was generated from.
    pub model_id: Uuid,
    /// The generation that made it.
    pub job_id: Uuid,
    /// Visibility.
    pub state: StoredState,
    /// The trace's artifact.
    pub trace_path: String,
    /// SHA-256.
    pub trace_sha256: String,
    /// Size in bytes.
    pub bytes: i64,
    /// Number of records.
    pub row_count: i64,
    /// Whether their number was set by hand.
    pub rows_by_hand: bool,
    /// The seed, in decimal.
    pub seed: String,
    /// Which categories its records were to have, JSON.
    pub condition: Option<String>,
    /// The release report, JSON.
    pub report: String,
    /// The private report, JSON.
    pub private_report: Option<String>,
    /// Time at which a steward first opened the private report.
    pub private_opened_at: Option<i64>,
    /// At its publication: the private data that had been looked at before, JSON.
    pub opened_before: Option<String>,
    /// At its publication: whether its dataset was declared after private data of its population had been looked at.
    pub declared_late: Option<bool>,
    /// Time of generation.
    pub created_at: i64,
    /// Time of publication.
    pub published_at: Option<i64>,
    /// Access, once it is published.
    pub access: Option<ReleaseAccess>,
    /// Key of its series in addresses.
    pub series: Option<String>,
    /// Description given at publication, as JSON.
    pub publication: Option<String>,
    /// Report as readers saw it at publication, as JSON.
    pub public_report: Option<String>,
    /// The signature over content, report and statement.
    pub attestation: Option<String>,
    /// Time of withdrawal.
    pub withdrawn_at: Option<i64>,
    /// Reason of the withdrawal.
    pub withdrawn_reason: Option<String>,
    /// The signature over the withdrawal.
    pub withdrawal: Option<String>,
    /// Name of its dataset, where it is asked for.
    #[sqlx(default)]
    pub dataset_name: Option<String>,
}

impl Release {
    /// State, withdrawal included.
    pub fn standing(&self) -> ReleaseState {
        match self.state {
            _ if self.withdrawn_at.is_some() => ReleaseState::Withdrawn,
            StoredState::Draft => ReleaseState::Draft,
            StoredState::Published => ReleaseState::Published,
        }
    }
}

/// Adds a release.
pub async fn add(tx: &mut Tx, r: &Release) -> Result<(), StorageError> {
    one!(tx => sql!(add,
        "INSERT INTO releases (id, tenant_id, dataset_id, model_id, job_id, state, trace_path, trace_sha256, bytes, row_count,
             rows_by_hand, seed, report, created_at, condition)
         VALUES ($1, $2, $3, $4, $5, $14, $6, $7, $8, $9, $10, $11, $12, $13, $15)"),
        r.id, r.tenant_id, r.dataset_id, r.model_id, r.job_id, &r.trace_path, &r.trace_sha256, r.bytes,
        r.row_count, r.rows_by_hand, &r.seed, &r.report, r.created_at, r.state, &r.condition)
}

/// A tenant's release.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Release>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Release>(
        sql!(find, "SELECT r.*, d.name AS dataset_name FROM releases r JOIN datasets d ON d.id = r.dataset_id WHERE r.tenant_id = $1 AND r.id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// Where a release stands in the list that [`list`] gives.
pub async fn place(
    tx: &mut Tx,
    tenant: Uuid,
    published_only: bool,
    id: Uuid,
) -> Result<Option<i64>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(place, "SELECT seq FROM releases WHERE tenant_id = $1 AND (state = 'published' OR withdrawn_at IS NOT NULL OR NOT $2) AND id = $3"))
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
    Ok(on!(tx, c => query_as::<_, Release>(
        sql!(list, "SELECT r.*, d.name AS dataset_name FROM releases r JOIN datasets d ON d.id = r.dataset_id
             WHERE r.tenant_id = $1 AND (r.state = 'published' OR r.withdrawn_at IS NOT NULL OR NOT $2) AND r.seq > $3 ORDER BY r.seq LIMIT $4"))
        .bind(tenant).bind(published_only).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Publishes a draft, and stores which private data had been looked at before, and before declaring. Publishing again changes
/// nothing.
pub async fn publish(
    tx: &mut Tx,
    id: Uuid,
    opened_before: &str,
    declared_late: bool,
    now: i64,
) -> Result<(), StorageError> {
    changed!(tx => sql!(publish,
        "UPDATE releases SET state = 'published', published_at = $2, opened_before = $3, declared_late = $4
         WHERE id = $1 AND state = 'draft' AND withdrawn_at IS NULL"),
        id, now, opened_before, declared_late)?;
    Ok(())
}

/// Keeps a private report.
pub async fn set_private_report(tx: &mut Tx, id: Uuid, report: &str) -> Result<(), StorageError> {
    one!(tx => sql!(set_private_report, "UPDATE releases SET private_report = $2 WHERE id = $1"), id, report)
}

/// Records that a steward opened the private report.
pub async fn opened(tx: &mut Tx, id: Uuid, now: i64) -> Result<(), StorageError> {
    one!(tx => sql!(opened,
        "UPDATE releases SET private_opened_at = COALESCE(private_opened_at, $2) WHERE id = $1"),
        id, now)
}

/// Erases the private reports of a dataset's releases.
pub async fn erase_private_reports(tx: &mut Tx, dataset: Uuid) -> Result<(), StorageError> {
    changed!(tx => sql!(erase_private_reports,
        "UPDATE releases SET private_report = NULL WHERE dataset_id = $1"),
        dataset)?;
    Ok(())
}

/// The letters of each tenant's reports, which stand in the database: nearly their bytes.
pub async fn report_letters(tx: &mut Tx) -> Result<Vec<(Uuid, i64)>, StorageError> {
    Ok(on!(tx, c => query_as(
        sql!(report_letters, "SELECT tenant_id, CAST(SUM(LENGTH(report) + COALESCE(LENGTH(private_report), 0)) AS BIGINT) FROM releases GROUP BY tenant_id"))
        .fetch_all(c).await)?)
}
