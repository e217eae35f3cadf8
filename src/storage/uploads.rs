//! Uploads under way: each has its dataset for as long as its lease.

use super::statement::{changed, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};
use uuid::Uuid;

/// An upload under way: it has its dataset for as long as its lease.
#[derive(Clone, Copy)]
pub struct Upload {
    /// The dataset.
    pub dataset: Uuid,
    /// Token that tells it from other uploads.
    pub token: Uuid,
}

/// Begins to receive a trace; `false` while another upload, its parsing or a fit is under way. The dataset is [locked](super::datasets::lock).
pub async fn begin(tx: &mut Tx, upload: Upload, until: i64) -> Result<bool, StorageError> {
    changed!(tx => sql!(begin,
        "UPDATE datasets SET state = 'receiving', upload = $2, upload_until = $3
         WHERE id = $1 AND state IN ('empty', 'ready', 'rejected') AND NOT EXISTS
             (SELECT 1 FROM jobs WHERE dataset_id = $1 AND kind IN ('fit', 'evaluate', 'parse') AND state IN ('queued', 'running'))"),
        upload.dataset, upload.token, until).map(|rows| rows > 0)
}

/// Renews the lease of an upload; `false` when it was ended meanwhile.
pub async fn renew(tx: &mut Tx, upload: Upload, until: i64) -> Result<bool, StorageError> {
    changed!(tx => sql!(renew,
        "UPDATE datasets SET upload_until = $3 WHERE id = $1 AND state = 'receiving' AND upload = $2"),
        upload.dataset, upload.token, until)
    .map(|rows| rows > 0)
}

/// Whether this upload still has the dataset; then it no longer does. Locks the row.
pub async fn end(tx: &mut Tx, upload: Upload) -> Result<bool, StorageError> {
    changed!(tx => sql!(end,
        "UPDATE datasets SET upload = NULL, upload_until = NULL WHERE id = $1 AND state = 'receiving' AND upload = $2"),
        upload.dataset, upload.token).map(|rows| rows > 0)
}

/// Uploads that servers of an earlier version receive: they have no lease.
pub async fn unleased(tx: &mut Tx) -> Result<Vec<Uuid>, StorageError> {
    Ok(on!(tx, c => query_scalar(
        sql!(unleased, "SELECT upload FROM datasets WHERE state = 'receiving' AND upload_until IS NULL AND upload IS NOT NULL"))
        .fetch_all(c).await)?)
}

/// Gives an upload without a lease one.
pub async fn lease(tx: &mut Tx, token: Uuid, until: i64) -> Result<(), StorageError> {
    changed!(tx => sql!(lease,
        "UPDATE datasets SET upload_until = $2 WHERE upload = $1 AND upload_until IS NULL AND state = 'receiving'"),
        token, until)?;
    Ok(())
}

/// Brings back leases that lie later than `until`, as [`super::claims::clip_leases`] does.
pub async fn clip_leases(tx: &mut Tx, until: i64) -> Result<u64, StorageError> {
    changed!(tx => sql!(clip_leases,
        "UPDATE datasets SET upload_until = $1 WHERE state = 'receiving' AND upload_until > $1"),
        until)
}

/// Ends uploads whose lease has lapsed: the server that received is gone, or could not write down their end. The dataset is as it was before; how many.
pub async fn end_lapsed(tx: &mut Tx, now: i64) -> Result<u64, StorageError> {
    changed!(tx => sql!(end_lapsed,
        "UPDATE datasets SET upload = NULL, upload_until = NULL,
             state = CASE WHEN problem IS NOT NULL THEN 'rejected' WHEN trace_path IS NULL THEN 'empty' ELSE 'ready' END
         WHERE state = 'receiving' AND upload_until < $1"),
        now)
}
