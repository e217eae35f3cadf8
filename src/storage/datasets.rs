//! Datasets: a raw trace, what is declared about it, and its state.

use super::statement::{changed, one, query_as, query_scalar, sql};
use super::tx::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use uuid::Uuid;

words! {
    /// State of a dataset.
    #[derive(utoipa::ToSchema)]
    pub enum DatasetState {
        /// No trace was uploaded.
        Empty = "empty",
        /// An upload is being received.
        Receiving = "receiving",
        /// The upload is being parsed.
        Parsing = "parsing",
        /// The trace is parsed and can be fitted.
        Ready = "ready",
        /// The trace was rejected; the problem document says why.
        Rejected = "rejected",
        /// The trace and what is private of it is gone; ledger and releases stay.
        Erased = "erased",
    }
}
stored!(DatasetState);

/// A dataset.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Dataset {
    /// Id.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Population whose records it holds.
    pub population_id: Uuid,
    /// Name.
    pub name: String,
    /// The declared schema, JSON.
    pub schema: String,
    /// The same, bound to the trace that was parsed: the order of its columns and their notations.
    pub bound_schema: Option<String>,
    /// State.
    pub state: DatasetState,
    /// Whether a fit was accepted: from then on the declaration stands.
    pub frozen: bool,
    /// Whether the declaration was made or changed after private data of its population had been looked at.
    pub declared_late: bool,
    /// The raw trace's artifact.
    pub trace_path: Option<String>,
    /// SHA-256.
    pub trace_sha256: Option<String>,
    /// Size in bytes.
    pub trace_bytes: i64,
    /// Parse report as JSON; private.
    pub report: Option<String>,
    /// Problem document of a rejection as JSON; private.
    pub problem: Option<String>,
    /// Description of its releases, as JSON.
    pub about: Option<String>,
    /// Creation time.
    pub created_at: i64,
}

/// A raw trace in the artifact store.
#[derive(Clone, Copy)]
pub struct StoredTrace<'a> {
    /// Artifact key.
    pub path: &'a str,
    /// SHA-256.
    pub sha256: &'a str,
    /// Size in bytes.
    pub bytes: i64,
}

impl Dataset {
    /// Raw trace, if there is one.
    pub fn trace(&self) -> Option<StoredTrace<'_>> {
        let (path, sha256) = self.trace_path.as_deref().zip(self.trace_sha256.as_deref())?;
        Some(StoredTrace { path, sha256, bytes: self.trace_bytes })
    }
}

/// Adds a dataset.
pub async fn add(tx: &mut Tx, d: &Dataset) -> Result<(), StorageError> {
    one!(tx => sql!(add,
        "INSERT INTO datasets (id, tenant_id, population_id, name, schema, state, declared_late, created_at, about)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
        d.id, d.tenant_id, d.population_id, &d.name, &d.schema, d.state, d.declared_late, d.created_at, &d.about)
}

/// A tenant's dataset.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Dataset>, StorageError> {
    Ok(
        on!(tx, c => query_as::<_, Dataset>(sql!(find, "SELECT * FROM datasets WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// A tenant's dataset, kept from changing until the transaction ends. What its jobs are must be asked in a statement of its own after this: one that waited
/// for the lock still sees them as they were before.
pub async fn lock(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Dataset>, StorageError> {
    let sql = sql!(lock, "SELECT * FROM datasets WHERE tenant_id = $1 AND id = $2{}", tx.locked());
    Ok(on!(tx, c => query_as::<_, Dataset>(sql).bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// Where a dataset stands in the list that [`list`] gives.
pub async fn place(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<i64>, StorageError> {
    Ok(on!(tx, c => query_scalar(sql!(place, "SELECT seq FROM datasets WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// A tenant's datasets after the place `after`.
pub async fn list(tx: &mut Tx, tenant: Uuid, after: i64, limit: i64) -> Result<Vec<Dataset>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Dataset>(
        sql!(list, "SELECT * FROM datasets WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"))
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
    changed!(tx => sql!(declare,
        "UPDATE datasets SET name = $2, schema = $3, declared_late = $4 WHERE id = $1 AND NOT frozen"),
        id, name, schema, late)
    .map(|rows| rows > 0)
}

/// Stores the description of a dataset's releases; a fit does not freeze it.
pub async fn say(tx: &mut Tx, id: Uuid, about: Option<&str>) -> Result<(), StorageError> {
    one!(tx => sql!(say, "UPDATE datasets SET about = $2 WHERE id = $1"), id, about)
}

/// Freezes a declaration as `schema`.
pub async fn freeze(tx: &mut Tx, id: Uuid, schema: &str) -> Result<(), StorageError> {
    one!(tx => sql!(freeze,
        "UPDATE datasets SET frozen = TRUE, schema = $2, bound_schema = $2 WHERE id = $1"),
        id, schema)
}

/// Keeps the schema as it is bound to the trace: with the file's order of columns and notations.
pub async fn bind(tx: &mut Tx, id: Uuid, schema: Option<&str>) -> Result<(), StorageError> {
    one!(tx => sql!(bind, "UPDATE datasets SET bound_schema = $2 WHERE id = $1"), id, schema)
}

/// Datasets whose trace is under a key.
pub async fn with_trace(tx: &mut Tx, key: &str) -> Result<Vec<Uuid>, StorageError> {
    Ok(on!(tx, c => query_scalar(sql!(with_trace, "SELECT id FROM datasets WHERE trace_path = $1"))
        .bind(key).fetch_all(c).await)?)
}

/// Changes state and what goes with it.
pub async fn set_state(
    tx: &mut Tx,
    id: Uuid,
    state: DatasetState,
    trace: Option<StoredTrace<'_>>,
    report: Option<&str>,
    problem: Option<&str>,
) -> Result<(), StorageError> {
    let (path, sha256) = (trace.map(|t| t.path), trace.map(|t| t.sha256));
    one!(tx => sql!(set_state,
        "UPDATE datasets SET state = $2, trace_path = $3, trace_sha256 = $4, trace_bytes = $5, report = $6, problem = $7
         WHERE id = $1"),
        id, state, path, sha256, trace.map_or(0, |t| t.bytes), report, problem)
}

/// Bytes of a tenant's raw traces and releases.
pub async fn bytes_of_tenant(tx: &mut Tx, tenant: Uuid) -> Result<i64, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(bytes_of_tenant, "SELECT CAST(
            (SELECT COALESCE(SUM(trace_bytes), 0) FROM datasets WHERE tenant_id = $1)
            + (SELECT COALESCE(SUM(bytes), 0) FROM releases WHERE tenant_id = $1) AS BIGINT)"))
        .bind(tenant).fetch_one(c).await)?)
}
