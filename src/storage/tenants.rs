//! Tenants, their populations, and keys.

use super::db::on;
use super::ledger::signed;
use super::words::{stored, words};
use super::{LEAST_ID, StorageError, Tx};
use crate::ledger::Amount;
use uuid::Uuid;

/// A tenant.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Tenant {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique.
    pub name: String,
    /// When it was made.
    pub created_at: i64,
}

/// The people behind a set of datasets.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Population {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Datasets that name no population belong here.
    pub is_default: bool,
    /// Private reports only after publication.
    pub strict: bool,
    /// Decides who is held out.
    pub split_key: Vec<u8>,
    /// When it was made.
    pub created_at: i64,
}

words! {
    /// What a key allows.
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
    /// Its id.
    pub id: Uuid,
    /// Whose; none for an administrator's.
    pub tenant_id: Option<Uuid>,
    /// What it allows.
    pub role: Role,
    /// What it is for.
    pub name: String,
    /// The public part by which it is found.
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub hash: Vec<u8>,
    /// When it was issued.
    pub created_at: i64,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// Adds a tenant.
pub async fn add(tx: &mut Tx, tenant: &Tenant, cap: Amount) -> Result<(), StorageError> {
    let (rho, delta) = signed(cap)?;
    on!(tx, c => sqlx::query(
        "/* tenants add */ INSERT INTO tenants (id, name, cap_rho, cap_delta, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(tenant.id).bind(&tenant.name).bind(rho).bind(delta).bind(tenant.created_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A tenant by id.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Tenant>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_as::<_, Tenant>("/* tenants find */ SELECT id, name, created_at FROM tenants WHERE id = $1")
        .bind(id).fetch_optional(c).await)?,
    )
}

/// Tenants after `after`, or from the first on.
pub async fn list(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<Tenant>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Tenant>(
        "/* tenants list */ SELECT id, name, created_at FROM tenants WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after.unwrap_or(LEAST_ID)).bind(limit).fetch_all(c).await)?)
}

/// Sets a tenant's cap; `false` when it would fall below what is spent and reserved.
pub async fn set_cap(tx: &mut Tx, id: Uuid, cap: Amount) -> Result<bool, StorageError> {
    let (rho, delta) = signed(cap)?;
    Ok(on!(tx, c => sqlx::query(
        "/* tenants set_cap */ UPDATE tenants SET cap_rho = $2, cap_delta = $3
         WHERE id = $1 AND spent_rho + reserved_rho <= $2 AND spent_delta + reserved_delta <= $3")
        .bind(id).bind(rho).bind(delta).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// Adds a population.
pub async fn add_population(tx: &mut Tx, population: &Population, cap: Amount) -> Result<(), StorageError> {
    let (rho, delta) = signed(cap)?;
    on!(tx, c => sqlx::query(
        "/* populations add */ INSERT INTO populations (id, tenant_id, name, is_default, strict, split_key, cap_rho, cap_delta, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(population.id).bind(population.tenant_id).bind(&population.name).bind(population.is_default)
        .bind(population.strict).bind(&population.split_key).bind(rho).bind(delta).bind(population.created_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A population by id.
pub async fn find_population(tx: &mut Tx, id: Uuid) -> Result<Option<Population>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_as::<_, Population>("/* populations find */ SELECT * FROM populations WHERE id = $1")
        .bind(id).fetch_optional(c).await)?,
    )
}

/// A tenant's default population.
pub async fn default_population(tx: &mut Tx, tenant: Uuid) -> Result<Option<Population>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Population>(
        "/* populations default */ SELECT * FROM populations WHERE tenant_id = $1 AND is_default")
        .bind(tenant).fetch_optional(c).await)?)
}

/// Where a population stands in the list that [`list_populations`] gives.
pub async fn population_place(
    tx: &mut Tx,
    tenant: Option<Uuid>,
    id: Uuid,
) -> Result<Option<i64>, StorageError> {
    Ok(on!(tx, c => sqlx::query_scalar(
        "/* populations place */ SELECT seq FROM populations WHERE ($1 IS NULL OR tenant_id = $1) AND id = $2")
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// Populations after the place `after`, of one tenant or all.
pub async fn list_populations(
    tx: &mut Tx,
    tenant: Option<Uuid>,
    after: i64,
    limit: i64,
) -> Result<Vec<Population>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Population>(
        "/* populations list */ SELECT * FROM populations
         WHERE ($1 IS NULL OR tenant_id = $1) AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(tenant).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Sets a population's cap; `false` when it would fall below what is spent and reserved.
pub async fn set_population_cap(tx: &mut Tx, id: Uuid, cap: Amount) -> Result<bool, StorageError> {
    let (rho, delta) = signed(cap)?;
    Ok(on!(tx, c => sqlx::query(
        "/* populations set_cap */ UPDATE populations SET cap_rho = $2, cap_delta = $3
         WHERE id = $1 AND spent_rho + reserved_rho <= $2 AND spent_delta + reserved_delta <= $3")
        .bind(id).bind(rho).bind(delta).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// Adds a key.
pub async fn add_key(tx: &mut Tx, key: &Key) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* keys add */ INSERT INTO keys (id, tenant_id, role, name, prefix, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(key.id).bind(key.tenant_id).bind(key.role).bind(&key.name).bind(&key.prefix).bind(&key.hash).bind(key.created_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A valid key by its public part.
pub async fn find_key(tx: &mut Tx, prefix: &str) -> Result<Option<Key>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_as::<_, Key>("/* keys find */ SELECT * FROM keys WHERE prefix = $1 AND revoked_at IS NULL")
        .bind(prefix).fetch_optional(c).await)?,
    )
}

/// Keys of a tenant after `after`, or from the first on.
pub async fn list_keys(
    tx: &mut Tx,
    tenant: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Key>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Key>(
        "/* keys list */ SELECT * FROM keys WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3")
        .bind(tenant).bind(after.unwrap_or(LEAST_ID)).bind(limit).fetch_all(c).await)?)
}

/// Every key, an administrator's included.
pub async fn all_keys(tx: &mut Tx) -> Result<Vec<Key>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Key>("/* keys all */ SELECT * FROM keys ORDER BY created_at, id")
        .fetch_all(c).await)?)
}

/// Revokes a key of a tenant, or of anybody; `false` when there is none.
pub async fn revoke_key(tx: &mut Tx, tenant: Option<Uuid>, id: Uuid, now: i64) -> Result<bool, StorageError> {
    Ok(on!(tx, c => sqlx::query(
        "/* keys revoke */ UPDATE keys SET revoked_at = $3 WHERE ($1 IS NULL OR tenant_id = $1) AND id = $2 AND revoked_at IS NULL")
        .bind(tenant).bind(id).bind(now).execute(c).await.map(|done| done.rows_affected()))?
        > 0)
}

/// Whether a key is valid.
pub async fn is_valid_key(tx: &mut Tx, id: Uuid) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => sqlx::query_scalar(
        "/* keys is_valid */ SELECT COUNT(*) FROM keys WHERE id = $1 AND revoked_at IS NULL")
        .bind(id).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Whether there is any key at all.
pub async fn any_key(tx: &mut Tx) -> Result<bool, StorageError> {
    let count: i64 =
        on!(tx, c => sqlx::query_scalar("/* keys any */ SELECT COUNT(*) FROM keys").fetch_one(c).await)?;
    Ok(count > 0)
}
