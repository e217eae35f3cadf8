//! The artifacts that rows name, and whose they are: what else lies in the store belongs to nobody.

use super::statement::{query_as, sql};
use super::tx::on;
use super::{StorageError, Tx};
use std::collections::HashSet;
use uuid::Uuid;

/// An artifact that a tenant's row names; of a release also its id, by which its other formats are kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Named {
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Artifact key.
    pub key: String,
    /// The release that it is the trace of.
    pub release_id: Option<Uuid>,
}

/// The artifacts that datasets, models and releases name.
pub async fn all(tx: &mut Tx) -> Result<Vec<Named>, StorageError> {
    // The first part gives the columns their types.
    Ok(on!(tx, c => query_as::<_, Named>(
        sql!(all, "SELECT tenant_id, trace_path AS key, id AS release_id FROM releases
         UNION ALL SELECT tenant_id, bundle_path, NULL FROM models
         UNION ALL SELECT tenant_id, trace_path, NULL FROM datasets WHERE trace_path IS NOT NULL"))
        .fetch_all(c).await)?)
}

/// Their keys.
pub async fn artifacts(tx: &mut Tx) -> Result<HashSet<String>, StorageError> {
    Ok(all(tx).await?.into_iter().map(|named| named.key).collect())
}
