//! Datasets: a raw trace, what is declared about it, and its state.

use super::db::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

words! {
    /// Where a dataset stands.
    #[derive(utoipa::ToSchema)]
    #[schema(as = DatasetState)]
    pub enum State {
        /// No trace has come.
        Empty = "empty",
        /// A trace is on its way.
        Receiving = "receiving",
        /// A trace is read.
        Parsing = "parsing",
        /// A trace is there and can be fitted.
        Ready = "ready",
        /// The trace was refused; the problem says why.
        Rejected = "rejected",
        /// The trace and what is private of it is gone; ledger and releases stay.
        Erased = "erased",
    }
}
stored!(State);

/// A dataset.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Dataset {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// The people behind it.
    pub population_id: Uuid,
    /// Its name.
    pub name: String,
    /// The declared schema, JSON.
    pub schema: String,
    /// The same, bound to the trace that was parsed: the order of its columns and their notations.
    pub bound_schema: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Whether a fit was accepted: from then on the declaration stands.
    pub frozen: bool,
    /// Whether what is declared was declared or changed after its people had been looked at.
    pub declared_late: bool,
    /// The raw trace's artifact.
    pub trace_path: Option<String>,
    /// Its SHA-256.
    pub trace_sha256: Option<String>,
    /// Its size.
    pub trace_bytes: i64,
    /// What parsing found, JSON, private.
    pub report: Option<String>,
    /// Why it was rejected, JSON, private.
    pub problem: Option<String>,
    /// When it was made.
    pub created_at: i64,
}

/// A raw trace in the artifact store.
#[derive(Clone, Copy)]
pub struct StoredTrace<'a> {
    /// Its artifact.
    pub path: &'a str,
    /// Its SHA-256.
    pub sha256: &'a str,
    /// Its size.
    pub bytes: i64,
}

impl Dataset {
    /// Its raw trace, where it has one.
    pub fn trace(&self) -> Option<StoredTrace<'_>> {
        let (path, sha256) = self.trace_path.as_deref().zip(self.trace_sha256.as_deref())?;
        Some(StoredTrace { path, sha256, bytes: self.trace_bytes })
    }
}

/// Adds a dataset.
pub async fn add(tx: &mut Tx, d: &Dataset) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* datasets add */ INSERT INTO datasets (id, tenant_id, population_id, name, schema, state, declared_late, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(d.id).bind(d.tenant_id).bind(d.population_id).bind(&d.name).bind(&d.schema).bind(d.state)
        .bind(d.declared_late).bind(d.created_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A tenant's dataset.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Dataset>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_as::<_, Dataset>("/* datasets find */ SELECT * FROM datasets WHERE tenant_id = $1 AND id = $2")
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// A tenant's dataset, kept from changing until the transaction ends. What its jobs are must be asked in a statement of its own after this: one that waited
/// for the lock still sees them as they were before.
pub async fn lock(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Dataset>, StorageError> {
    let sql =
        format!("/* datasets lock */ SELECT * FROM datasets WHERE tenant_id = $1 AND id = $2{}", tx.locked());
    Ok(
        on!(tx, c => sqlx::query_as::<_, Dataset>(AssertSqlSafe(sql)).bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// Where a dataset stands in the list that [`list`] gives.
pub async fn place(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<i64>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_scalar("/* datasets place */ SELECT seq FROM datasets WHERE tenant_id = $1 AND id = $2")
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// A tenant's datasets after the place `after`.
pub async fn list(tx: &mut Tx, tenant: Uuid, after: i64, limit: i64) -> Result<Vec<Dataset>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Dataset>(
        "/* datasets list */ SELECT * FROM datasets WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(tenant).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Replaces the declaration, unless a fit froze it; `false` then. Takes the row's lock, as accepting a fit does.
pub async fn declare(
    tx: &mut Tx,
    id: Uuid,
    name: &str,
    schema: &str,
    late: bool,
) -> Result<bool, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* datasets declare */ UPDATE datasets SET name = $2, schema = $3, declared_late = $4 WHERE id = $1 AND NOT frozen")
        .bind(id).bind(name).bind(schema).bind(late).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// Freezes a declaration as `schema`.
pub async fn freeze(tx: &mut Tx, id: Uuid, schema: &str) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query("/* datasets freeze */ UPDATE datasets SET frozen = TRUE, schema = $2, bound_schema = $2 WHERE id = $1")
        .bind(id).bind(schema).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Keeps the schema as it is bound to the trace: with the file's order of columns and notations.
pub async fn bind(tx: &mut Tx, id: Uuid, schema: Option<&str>) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query("/* datasets bind */ UPDATE datasets SET bound_schema = $2 WHERE id = $1")
        .bind(id).bind(schema).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// An upload under way: it has its dataset for as long as its lease.
#[derive(Clone, Copy)]
pub struct Upload {
    /// The dataset.
    pub dataset: Uuid,
    /// What tells it from other uploads.
    pub token: Uuid,
}

/// Begins to receive a trace; `false` while another upload, its parsing or a fit is under way. The dataset is [`lock`]ed.
pub async fn begin_upload(tx: &mut Tx, upload: Upload, until: i64) -> Result<bool, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* datasets begin_upload */ UPDATE datasets SET state = 'receiving', upload = $2, upload_until = $3
         WHERE id = $1 AND state IN ('empty', 'ready', 'rejected') AND NOT EXISTS
             (SELECT 1 FROM jobs WHERE dataset_id = $1 AND kind IN ('fit', 'evaluate', 'parse') AND state IN ('queued', 'running'))")
        .bind(upload.dataset).bind(upload.token).bind(until).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// Renews the lease of an upload; `false` when it was ended meanwhile.
pub async fn renew_upload(tx: &mut Tx, upload: Upload, until: i64) -> Result<bool, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* datasets renew_upload */ UPDATE datasets SET upload_until = $3 WHERE id = $1 AND state = 'receiving' AND upload = $2")
        .bind(upload.dataset).bind(upload.token).bind(until).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// Whether this upload still has the dataset; then it no longer does. Locks the row.
pub async fn end_upload(tx: &mut Tx, upload: Upload) -> Result<bool, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* datasets end_upload */ UPDATE datasets SET upload = NULL, upload_until = NULL WHERE id = $1 AND state = 'receiving' AND upload = $2")
        .bind(upload.dataset).bind(upload.token).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// Datasets whose trace is under a key.
pub async fn with_trace(tx: &mut Tx, key: &str) -> Result<Vec<Uuid>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_scalar("/* datasets with_trace */ SELECT id FROM datasets WHERE trace_path = $1")
        .bind(key).fetch_all(c).await)?,
    )
}

/// Changes state and what goes with it.
pub async fn set_state(
    tx: &mut Tx,
    id: Uuid,
    state: State,
    trace: Option<StoredTrace<'_>>,
    report: Option<&str>,
    problem: Option<&str>,
) -> Result<(), StorageError> {
    let (path, sha256) = (trace.map(|t| t.path), trace.map(|t| t.sha256));
    on!(tx, c => sqlx::query(
        "/* datasets set_state */ UPDATE datasets SET state = $2, trace_path = $3, trace_sha256 = $4, trace_bytes = $5, report = $6, problem = $7
         WHERE id = $1")
        .bind(id).bind(state).bind(path).bind(sha256).bind(trace.map_or(0, |t| t.bytes)).bind(report).bind(problem)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Bytes of a tenant's raw traces and releases.
pub async fn bytes_of_tenant(tx: &mut Tx, tenant: Uuid) -> Result<i64, StorageError> {
    Ok(on!(tx, c => sqlx::query_scalar(
        "/* datasets bytes_of_tenant */ SELECT CAST(
            (SELECT COALESCE(SUM(trace_bytes), 0) FROM datasets WHERE tenant_id = $1)
            + (SELECT COALESCE(SUM(bytes), 0) FROM releases WHERE tenant_id = $1) AS BIGINT)")
        .bind(tenant).fetch_one(c).await)?)
}

/// Uploads that servers of an earlier version receive: they have no lease.
pub async fn unleased_uploads(tx: &mut Tx) -> Result<Vec<Uuid>, StorageError> {
    Ok(on!(tx, c => sqlx::query_scalar(
        "/* datasets unleased_uploads */ SELECT upload FROM datasets WHERE state = 'receiving' AND upload_until IS NULL AND upload IS NOT NULL")
        .fetch_all(c).await)?)
}

/// Gives an upload without a lease one.
pub async fn lease_upload(tx: &mut Tx, token: Uuid, until: i64) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* datasets lease_upload */ UPDATE datasets SET upload_until = $2 WHERE upload = $1 AND upload_until IS NULL AND state = 'receiving'")
        .bind(token).bind(until).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Brings back leases that lie later than `until`, as [`super::jobs::clip_leases`] does.
pub async fn clip_leases(tx: &mut Tx, until: i64) -> Result<u64, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* datasets clip_leases */ UPDATE datasets SET upload_until = $1 WHERE state = 'receiving' AND upload_until > $1")
        .bind(until).execute(c).await.map(|done| done.rows_affected()))?)
}

/// Ends uploads whose lease has lapsed: the server that received is gone, or could not write down their end. The dataset is as it was before; how many.
pub async fn end_lapsed_uploads(tx: &mut Tx, now: i64) -> Result<u64, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* datasets end_lapsed_uploads */ UPDATE datasets SET upload = NULL, upload_until = NULL,
             state = CASE WHEN problem IS NOT NULL THEN 'rejected' WHEN trace_path IS NULL THEN 'empty' ELSE 'ready' END
         WHERE state = 'receiving' AND upload_until < $1")
        .bind(now).execute(c).await.map(|done| done.rows_affected()))?)
}
