//! Private data that stewards looked at, by population, for ever. A look records neither content nor frequency: a dataset that is copied, uploaded again
//! or erased changes nothing of it. Rows are never changed or deleted; the database refuses.

use super::statement::{changed, query_scalar, sql};
use super::tx::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use uuid::Uuid;

words! {
    /// A kind of look, as it stands in the table and as readers see it.
    pub enum PrivateLook {
        /// A trace was parsed: its private number of records was consulted, and its report was there to be read.
        ParseReport = "parse report",
        /// A quote was given: the private number of records was consulted.
        Quote = "quote",
        /// The trace of a draft was downloaded.
        DraftTrace = "draft trace",
        /// A comparison with the raw trace was opened.
        PrivateReport = "private report",
    }
}
stored!(PrivateLook);

/// The kinds of looks at a population so far, in the order in which they are shown.
pub async fn of(tx: &mut Tx, population: Uuid) -> Result<Vec<PrivateLook>, StorageError> {
    let mut seen: Vec<PrivateLook> = on!(tx, c => query_scalar(
        sql!(of, "SELECT DISTINCT kind FROM looks WHERE population_id = $1"))
        .bind(population).fetch_all(c).await)?;
    seen.sort_unstable();
    Ok(seen)
}

/// Records a look, unless one of its kind is known.
pub async fn add(tx: &mut Tx, population: Uuid, look: PrivateLook, now: i64) -> Result<(), StorageError> {
    if of(tx, population).await?.contains(&look) {
        return Ok(());
    }
    // Another may have recorded it in the same moment.
    changed!(tx => sql!(add,
        "INSERT INTO looks (population_id, kind, first_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"),
        population, look, now)?;
    Ok(())
}

/// What was seen of a population's people was seen of those of `to`, where a dataset of the one becomes one of the other.
pub async fn follow(tx: &mut Tx, from: Uuid, to: Uuid) -> Result<(), StorageError> {
    changed!(tx => sql!(follow,
        "INSERT INTO looks (population_id, kind, first_at)
         SELECT $2, kind, first_at FROM looks WHERE population_id = $1 ON CONFLICT DO NOTHING"),
        from, to)?;
    Ok(())
}
