//! Marks: where the ledger stood once. One that was put back behind a mark lacks its entry.

use super::statement::{changed, query_as, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The last entry of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Sequence number.
    pub seq: i64,
    /// Id.
    pub id: Uuid,
}

/// The last entry, of all tenants.
pub async fn last(tx: &mut Tx) -> Result<Option<Mark>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Mark>(
        sql!(last, "SELECT seq, id FROM entries ORDER BY seq DESC LIMIT 1"))
        .fetch_optional(c).await)?)
}

/// Whether the ledger has the entry of a mark. One that was restored from before it does not, however many entries were added since.
pub async fn has(tx: &mut Tx, mark: Mark) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => query_scalar(
        sql!(has, "SELECT COUNT(*) FROM entries WHERE seq = $1 AND id = $2"))
        .bind(mark.seq).bind(mark.id).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Continues the numbers after `seq`, so that none is used twice.
pub async fn go_on_after(tx: &mut Tx, seq: i64) -> Result<(), StorageError> {
    changed!(tx => sql!(go_on_after, "UPDATE ledger_sequence SET last = $1 WHERE last < $1"), seq)?;
    Ok(())
}
