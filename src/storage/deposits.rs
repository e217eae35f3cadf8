//! Deposits of releases in repositories: a queue of its own, because the kinds of jobs are a closed list to servers of the version before.

use super::statement::{changed, one, query_as, query_scalar, sql};
use super::tx::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use uuid::Uuid;

words! {
    /// State of a deposit.
    #[derive(utoipa::ToSchema)]
    pub enum DepositState {
        /// Waiting, or under way.
        Pending = "pending",
        /// Published in the repository.
        Deposited = "deposited",
        /// Ended before that.
        Failed = "failed",
    }
}
stored!(DepositState);

/// A deposit.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Deposit {
    /// Id.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// The release.
    pub release_id: Uuid,
    /// Name of the repository in the settings.
    pub repository: String,
    /// The repository's id of the deposit of which this is a new version.
    pub previous: Option<String>,
    /// State.
    pub state: DepositState,
    /// Id of the draft in the repository.
    pub draft: Option<String>,
    /// The repository's id.
    pub remote: Option<String>,
    /// DOI, or another persistent identifier.
    pub identifier: Option<String>,
    /// Landing page.
    pub page: Option<String>,
    /// Reason why the last attempt failed.
    pub problem: Option<String>,
    /// Attempts that were begun.
    pub attempts: i64,
    /// Percent of the bytes that were sent.
    pub percent: i64,
    /// Time from which on it is tried next.
    pub due_at: i64,
    /// Time of acceptance.
    pub created_at: i64,
    /// Time of its end.
    pub ended_at: Option<i64>,
}

/// Adds a deposit, due at once.
pub async fn add(tx: &mut Tx, d: &Deposit) -> Result<(), StorageError> {
    one!(tx => sql!(add,
        "INSERT INTO deposits (id, tenant_id, release_id, repository, previous, state, attempts, percent, due_at, leased_until, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, 0, $7)"),
        d.id, d.tenant_id, d.release_id, &d.repository, &d.previous, d.state, d.created_at)
}

/// A tenant's deposit.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Deposit>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Deposit>(
        sql!(find, "SELECT * FROM deposits WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// The deposits of a release, the oldest first.
pub async fn of_release(tx: &mut Tx, release: Uuid) -> Result<Vec<Deposit>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Deposit>(
        sql!(of_release, "SELECT * FROM deposits WHERE release_id = $1 ORDER BY id"))
        .bind(release).fetch_all(c).await)?)
}

/// Whether a deposit is due.
pub async fn is_due(tx: &mut Tx, now: i64) -> Result<bool, StorageError> {
    let due: i64 = on!(tx, c => query_scalar(
        sql!(is_due, "SELECT COUNT(*) FROM deposits WHERE state = 'pending' AND due_at <= $1 AND leased_until <= $1"))
        .bind(now).fetch_one(c).await)?;
    Ok(due > 0)
}

/// Claims a deposit that is due.
pub async fn claim(tx: &mut Tx, now: i64, until: i64) -> Result<Option<Deposit>, StorageError> {
    let sql = sql!(
        claim,
        "UPDATE deposits SET attempts = attempts + 1, leased_until = $2, percent = 0
         WHERE id = (SELECT id FROM deposits WHERE state = 'pending' AND due_at <= $1 AND leased_until <= $1
             ORDER BY due_at, id LIMIT 1{}) RETURNING *",
        tx.skip_locked()
    );
    Ok(on!(tx, c => query_as::<_, Deposit>(sql).bind(now).bind(until).fetch_optional(c).await)?)
}

/// Renews the lease of an attempt: whether it still has it.
pub async fn renew(tx: &mut Tx, d: &Deposit, until: i64, percent: i64) -> Result<bool, StorageError> {
    changed!(tx => sql!(renew,
        "UPDATE deposits SET leased_until = $3, percent = $4 WHERE id = $1 AND attempts = $2 AND state = 'pending'"),
        d.id, d.attempts, until, percent).map(|rows| rows > 0)
}

/// Keeps what the draft is called: whether the attempt still has its lease.
pub async fn drafted(tx: &mut Tx, d: &Deposit, draft: &str) -> Result<bool, StorageError> {
    changed!(tx => sql!(drafted,
        "UPDATE deposits SET draft = $3 WHERE id = $1 AND attempts = $2 AND state = 'pending'"),
        d.id, d.attempts, draft)
    .map(|rows| rows > 0)
}

/// Writes down what became of an attempt, unless another server has taken the deposit over.
pub async fn tried(tx: &mut Tx, d: &Deposit) -> Result<(), StorageError> {
    changed!(tx => sql!(tried,
        "UPDATE deposits SET state = $3, remote = $4, identifier = $5, page = $6, problem = $7, due_at = $8, ended_at = $9, percent = $10, leased_until = 0
         WHERE id = $1 AND attempts = $2 AND state = 'pending'"),
        d.id, d.attempts, d.state, &d.remote, &d.identifier, &d.page, &d.problem, d.due_at, d.ended_at, d.percent)?;
    Ok(())
}

/// Goes on with a deposit that failed: whether there is one.
pub async fn again(tx: &mut Tx, tenant: Uuid, id: Uuid, now: i64) -> Result<bool, StorageError> {
    changed!(tx => sql!(again,
        "UPDATE deposits SET state = 'pending', attempts = 0, due_at = $3, ended_at = NULL, problem = NULL
         WHERE tenant_id = $1 AND id = $2 AND state = 'failed'"),
        tenant, id, now)
    .map(|rows| rows > 0)
}
