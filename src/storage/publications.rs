//! Releases as the public sees them: the description and signature of a publication, withdrawals, and the catalogue.

use super::releases::{Release, ReleaseAccess};
use super::statement::{one, query_as, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use uuid::Uuid;

/// The stored part of a publication.
pub struct Publication<'a> {
    /// Access.
    pub access: ReleaseAccess,
    /// Key of its series in addresses.
    pub series: Option<&'a str>,
    /// Description, as JSON.
    pub said: &'a str,
    /// Report, as JSON.
    pub report: &'a str,
    /// The signature over content, report and statement.
    pub attestation: &'a str,
}

/// Filters of the catalogue.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Also the releases of this tenant.
    pub tenant: Option<Uuid>,
    /// Only those of this series.
    pub series: Option<&'a str>,
    /// Only those of this dataset.
    pub dataset: Option<Uuid>,
}

/// A release of any tenant.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Release>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Release>(sql!(find, "SELECT * FROM releases WHERE id = $1"))
        .bind(id).fetch_optional(c).await)?)
}

/// A tenant's release, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Release>, StorageError> {
    let sql = sql!(lock, "SELECT * FROM releases WHERE tenant_id = $1 AND id = $2{}", tx.locked());
    Ok(on!(tx, c => query_as::<_, Release>(sql).bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// Stores the publication of a release.
pub async fn keep(tx: &mut Tx, id: Uuid, p: &Publication<'_>) -> Result<(), StorageError> {
    one!(tx => sql!(keep,
        "UPDATE releases SET access = $2, series = $3, publication = $4, public_report = $5, attestation = $6 WHERE id = $1"),
        id, p.access, p.series, p.said, p.report, p.attestation)
}

/// Opens a published release to everybody.
pub async fn open(tx: &mut Tx, id: Uuid) -> Result<(), StorageError> {
    one!(tx => sql!(open, "UPDATE releases SET access = 'public' WHERE id = $1"), id)
}

/// Withdraws a release: to servers of an earlier version it is a draft from then on.
pub async fn withdraw(
    tx: &mut Tx,
    id: Uuid,
    now: i64,
    reason: &str,
    signed: &str,
) -> Result<(), StorageError> {
    one!(tx => sql!(withdraw,
        "UPDATE releases SET state = 'draft', withdrawn_at = $2, withdrawn_reason = $3, withdrawal = $4
         WHERE id = $1 AND withdrawn_at IS NULL"),
        id, now, reason, signed)
}

/// Where a release stands in the catalogue that [`catalogue`] gives.
pub async fn place(tx: &mut Tx, wanted: Wanted<'_>, id: Uuid) -> Result<Option<i64>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(place, "SELECT seq FROM releases WHERE publication IS NOT NULL AND (state = 'published' OR withdrawn_at IS NOT NULL)
         AND (access = 'public' OR tenant_id = $1) AND id = $2"))
        .bind(wanted.tenant).bind(id).fetch_optional(c).await)?)
}

/// What was published and described, withdrawn or not, after the place `after`.
pub async fn catalogue(
    tx: &mut Tx,
    wanted: Wanted<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<Release>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Release>(
        sql!(catalogue, "SELECT * FROM releases WHERE publication IS NOT NULL AND (state = 'published' OR withdrawn_at IS NOT NULL)
         AND (access = 'public' OR tenant_id = $1) AND ($2 IS NULL OR series = $2) AND ($3 IS NULL OR dataset_id = $3)
         AND seq > $4 ORDER BY seq LIMIT $5"))
        .bind(wanted.tenant).bind(wanted.series).bind(wanted.dataset).bind(after).bind(limit).fetch_all(c).await)?)
}

/// The release of a series that was published before a time, the last one of those that `wanted` has.
pub async fn before(tx: &mut Tx, wanted: Wanted<'_>, at: i64) -> Result<Option<Uuid>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(before, "SELECT id FROM releases WHERE publication IS NOT NULL AND (access = 'public' OR tenant_id = $1) AND series = $2
         AND published_at < $3 ORDER BY published_at DESC, seq DESC LIMIT 1"))
        .bind(wanted.tenant).bind(wanted.series).bind(at).fetch_optional(c).await)?)
}

/// The releases of a dataset that `wanted` has, the first published first.
pub async fn versions(tx: &mut Tx, wanted: Wanted<'_>) -> Result<Vec<Uuid>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(versions, "SELECT id FROM releases WHERE publication IS NOT NULL AND (access = 'public' OR tenant_id = $1) AND dataset_id = $2
         ORDER BY published_at, seq LIMIT 1000"))
        .bind(wanted.tenant).bind(wanted.dataset).fetch_all(c).await)?)
}

/// Number of releases that a tenant has published in a series, or of a dataset without a series.
pub async fn earlier(tx: &mut Tx, of: &Release, series: Option<&str>) -> Result<i64, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(earlier, "SELECT COUNT(*) FROM releases WHERE publication IS NOT NULL AND tenant_id = $1 AND id <> $2
         AND ((series = $3) OR ($3 IS NULL AND series IS NULL AND dataset_id = $4))"))
        .bind(of.tenant_id).bind(of.id).bind(series).bind(of.dataset_id).fetch_one(c).await)?)
}
