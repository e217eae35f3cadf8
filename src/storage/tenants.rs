//! Tenants.

use super::accounts::signed;
use super::statement::{one, query_as, sql};
use super::tx::on;
use super::{LEAST_ID, StorageError, Tx};
use crate::ledger::Amount;
use uuid::Uuid;

/// A tenant.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Tenant {
    /// Id.
    pub id: Uuid,
    /// Its name, unique.
    pub name: String,
    /// Creation time.
    pub created_at: i64,
}

/// Adds a tenant.
pub async fn add(tx: &mut Tx, tenant: &Tenant, cap: Amount) -> Result<(), StorageError> {
    let (rho, delta) = signed(cap)?;
    one!(tx => sql!(add,
        "INSERT INTO tenants (id, name, cap_rho, cap_delta, created_at) VALUES ($1, $2, $3, $4, $5)"),
        tenant.id, &tenant.name, rho, delta, tenant.created_at)
}

/// A tenant by id.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Tenant>, StorageError> {
    Ok(
        on!(tx, c => query_as::<_, Tenant>(sql!(find, "SELECT id, name, created_at FROM tenants WHERE id = $1"))
        .bind(id).fetch_optional(c).await)?,
    )
}

/// Tenants after `after`, or from the first on.
pub async fn list(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<Tenant>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Tenant>(
        sql!(list, "SELECT id, name, created_at FROM tenants WHERE id > $1 ORDER BY id LIMIT $2"))
        .bind(after.unwrap_or(LEAST_ID)).bind(limit).fetch_all(c).await)?)
}
