//! Sessions of the console that somebody signed out of, until they would have lapsed.

use super::statement::{changed, query_scalar, sql};
use super::tx::on;
use super::{StorageError, Tx};

/// Remembers a session that was signed out of until it lapses, and forgets those that have lapsed.
pub async fn add(tx: &mut Tx, session: &str, until: i64, now: i64) -> Result<(), StorageError> {
    changed!(tx => sql!(add, "DELETE FROM signed_out WHERE until <= $1"), now)?;
    // Whoever signs out twice has signed out.
    changed!(tx => sql!(add, "INSERT INTO signed_out (session, until) VALUES ($1, $2) ON CONFLICT DO NOTHING"), session, until)?;
    Ok(())
}

/// Whether a session was signed out of.
pub async fn contains(tx: &mut Tx, session: &str) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => query_scalar(
        sql!(contains, "SELECT COUNT(*) FROM signed_out WHERE session = $1")).bind(session).fetch_one(c).await)?;
    Ok(count > 0)
}
