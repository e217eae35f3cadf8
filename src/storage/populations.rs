//! Populations: the people behind a set of datasets.

use super::accounts::signed;
use super::statement::{one, query_as, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use crate::ledger::Amount;
use uuid::Uuid;
use zeroize::ZeroizeOnDrop;

/// The people behind a set of datasets.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Population {
    /// Id.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Name, unique in the tenant.
    pub name: String,
    /// Whether datasets that name no population belong to it.
    pub is_default: bool,
    /// Whether private reports open only after publication.
    pub strict: bool,
    /// Key of the hold-out split.
    pub split_key: SplitSecret,
    /// Creation time.
    pub created_at: i64,
}

/// 256 secret bits that decide who is held out: never shown, and wiped when they are dropped.
#[derive(Clone, sqlx::Type, ZeroizeOnDrop)]
#[sqlx(transparent)]
pub struct SplitSecret(pub Vec<u8>);

impl std::fmt::Debug for SplitSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SplitSecret")
    }
}

/// Adds a population.
pub async fn add(tx: &mut Tx, population: &Population, cap: Amount) -> Result<(), StorageError> {
    let (rho, delta) = signed(cap)?;
    one!(tx => sql!(add,
        "INSERT INTO populations (id, tenant_id, name, is_default, strict, split_key, cap_rho, cap_delta, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"),
        population.id, population.tenant_id, &population.name, population.is_default, population.strict,
        &population.split_key, rho, delta, population.created_at)
}

/// A population by id.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Population>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Population>(sql!(find, "SELECT * FROM populations WHERE id = $1"))
        .bind(id).fetch_optional(c).await)?)
}

/// A tenant's default population.
pub async fn default(tx: &mut Tx, tenant: Uuid) -> Result<Option<Population>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Population>(
        sql!(default, "SELECT * FROM populations WHERE tenant_id = $1 AND is_default"))
        .bind(tenant).fetch_optional(c).await)?)
}

/// Where a population stands in the list that [`list`] gives.
pub async fn place(tx: &mut Tx, tenant: Option<Uuid>, id: Uuid) -> Result<Option<i64>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(place, "SELECT seq FROM populations WHERE ($1 IS NULL OR tenant_id = $1) AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// Populations after the place `after`, of one tenant or all.
pub async fn list(
    tx: &mut Tx,
    tenant: Option<Uuid>,
    after: i64,
    limit: i64,
) -> Result<Vec<Population>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Population>(
        sql!(list, "SELECT * FROM populations
         WHERE ($1 IS NULL OR tenant_id = $1) AND seq > $2 ORDER BY seq LIMIT $3"))
        .bind(tenant).bind(after).bind(limit).fetch_all(c).await)?)
}
