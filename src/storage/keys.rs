//! API keys, without their secrets.

use super::statement::{changed, one, query_as, query_scalar, sql};
use super::tx::on;
use super::words::{stored, words};
use super::{LEAST_ID, StorageError, Tx};
use uuid::Uuid;

words! {
    /// The role of a key.
    pub enum Role {
        /// Tenants, populations, budgets, keys.
        Admin = "admin",
        /// One tenant's data, spending and publishing.
        Steward = "steward",
        /// One tenant's published releases.
        Reader = "reader",
    }
}
stored!(Role);

/// An API key without its secret.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Key {
    /// Id.
    pub id: Uuid,
    /// Owning tenant; none for an administrator's key.
    pub tenant_id: Option<Uuid>,
    /// Role.
    pub role: Role,
    /// Name, as its owner chose it.
    pub name: String,
    /// The public part by which it is found.
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub hash: Vec<u8>,
    /// Time of issue.
    pub created_at: i64,
    /// Time of revocation.
    pub revoked_at: Option<i64>,
}

/// Adds a key.
pub async fn add(tx: &mut Tx, key: &Key) -> Result<(), StorageError> {
    one!(tx => sql!(add,
        "INSERT INTO keys (id, tenant_id, role, name, prefix, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"),
        key.id, key.tenant_id, key.role, &key.name, &key.prefix, &key.hash, key.created_at)
}

/// A valid key by its public part.
pub async fn find(tx: &mut Tx, prefix: &str) -> Result<Option<Key>, StorageError> {
    Ok(
        on!(tx, c => query_as::<_, Key>(sql!(find, "SELECT * FROM keys WHERE prefix = $1 AND revoked_at IS NULL"))
        .bind(prefix).fetch_optional(c).await)?,
    )
}

/// Keys of a tenant after `after`, or from the first on.
pub async fn list(
    tx: &mut Tx,
    tenant: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Key>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Key>(
        sql!(list, "SELECT * FROM keys WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"))
        .bind(tenant).bind(after.unwrap_or(LEAST_ID)).bind(limit).fetch_all(c).await)?)
}

/// Every key, an administrator's included.
pub async fn all(tx: &mut Tx) -> Result<Vec<Key>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Key>(sql!(all, "SELECT * FROM keys ORDER BY created_at, id"))
        .fetch_all(c).await)?)
}

/// Revokes a key of a tenant, or any key; `false` if it does not exist.
pub async fn revoke(tx: &mut Tx, tenant: Option<Uuid>, id: Uuid, now: i64) -> Result<bool, StorageError> {
    changed!(tx => sql!(revoke,
        "UPDATE keys SET revoked_at = $3 WHERE ($1 IS NULL OR tenant_id = $1) AND id = $2 AND revoked_at IS NULL"),
        tenant, id, now).map(|rows| rows > 0)
}

/// Whether a key is valid.
pub async fn is_valid(tx: &mut Tx, id: Uuid) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => query_scalar(
        sql!(is_valid, "SELECT COUNT(*) FROM keys WHERE id = $1 AND revoked_at IS NULL"))
        .bind(id).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Whether there is any key at all.
pub async fn any(tx: &mut Tx) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => query_scalar(sql!(any, "SELECT COUNT(*) FROM keys")).fetch_one(c).await)?;
    Ok(count > 0)
}
