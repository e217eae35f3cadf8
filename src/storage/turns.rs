//! Turns: of the tenants that have jobs waiting, the one longest not served comes next.

use super::statement::{one, sql};
use super::{StorageError, Tx};
use uuid::Uuid;

/// Puts a tenant behind all others.
pub async fn take(tx: &mut Tx, tenant: Uuid) -> Result<(), StorageError> {
    one!(tx => sql!(take,
        "INSERT INTO turns (tenant_id, served) VALUES ($1, (SELECT COALESCE(MAX(served), 0) + 1 FROM turns))
         ON CONFLICT (tenant_id) DO UPDATE SET served = excluded.served"),
        tenant)
}
