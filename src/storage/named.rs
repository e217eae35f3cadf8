//! The artifacts that rows name: what else lies in the store belongs to nobody.

use super::statement::{query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use std::collections::HashSet;

/// The artifacts that datasets, models and releases name.
pub async fn artifacts(tx: &mut Tx) -> Result<HashSet<String>, StorageError> {
    let named: Vec<String> = on!(tx, c => query_scalar(
        sql!(artifacts, "SELECT trace_path FROM datasets WHERE trace_path IS NOT NULL
         UNION ALL SELECT bundle_path FROM models UNION ALL SELECT trace_path FROM releases"))
        .fetch_all(c).await)?;
    Ok(named.into_iter().collect())
}
