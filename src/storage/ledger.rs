//! The ledger: what was granted, reserved, spent and given back, in entries that are only ever added, and in the accounts of tenant and population.
//!
//! The rules are those of [`crate::ledger`]. Locks are taken tenant first, then population.

use super::accounts::{self, Holder, Locked, signed};
use super::statement::{one, query_as, query_scalar, sql};
use super::tx::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use crate::ledger::{Account, Amount, Refusal};
use uuid::Uuid;

words! {
    /// Kind of a ledger entry.
    #[derive(utoipa::ToSchema)]
    pub enum EntryKind {
        /// A cap was set.
        Grant = "grant",
        /// A fit was accepted with its whole cost.
        Reserve = "reserve",
        /// A fit was charged: it measured, or began to.
        Commit = "commit",
        /// A fit ended without measuring, and gave back what it had reserved.
        Release = "release",
    }
}
stored!(EntryKind);

/// One entry.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    /// Its id, random: readers see those of what they read, and learn nothing of when it was written.
    pub id: Uuid,
    /// Its number in the ledger of all tenants. Numbers rise; one is missing only if what took it was undone.
    pub seq: i64,
    /// The tenant.
    pub tenant_id: Uuid,
    /// The population; none for a grant to the tenant.
    pub population_id: Option<Uuid>,
    /// The fit.
    pub job_id: Option<Uuid>,
    /// Kind of entry.
    pub kind: EntryKind,
    /// ρ in 10⁻¹².
    pub rho: i64,
    /// δ′ in 10⁻¹⁸.
    pub delta: i64,
    /// The key that acted.
    pub actor: String,
    /// Time, in µs since 1970.
    pub created_at: i64,
}

/// Payer, job and actor of an entry.
pub struct Purpose<'a> {
    /// The tenant that pays.
    pub tenant: Uuid,
    /// The population that pays.
    pub population: Uuid,
    /// The fit that is paid for.
    pub job: Uuid,
    /// The key that acted.
    pub actor: &'a str,
    /// Time, in µs since 1970.
    pub now: i64,
}

/// The accounts that a purpose names, locked.
async fn both(tx: &mut Tx, purpose: &Purpose<'_>) -> Result<Option<[Locked; 2]>, StorageError> {
    let tenant = accounts::lock(tx, Holder::Tenant(purpose.tenant)).await?;
    let population = accounts::lock(tx, Holder::Population(purpose.population)).await?;
    Ok(tenant.zip(population).map(<[Locked; 2]>::from))
}

/// Changes both accounts by one of the ledger's rules, and records it. A refusal of either changes nothing.
async fn change(
    tx: &mut Tx,
    purpose: &Purpose<'_>,
    kind: EntryKind,
    amount: Amount,
    rule: fn(&mut Account, Amount) -> Result<(), Refusal>,
) -> Result<Result<(), Refusal>, StorageError> {
    let none = || StorageError::Stored("a tenant or population without an account".into());
    let mut accounts = both(tx, purpose).await?.ok_or_else(none)?;
    if let Some(refusal) = accounts.iter_mut().find_map(|of| rule(&mut of.account, amount).err()) {
        return Ok(Err(refusal));
    }
    for of in &accounts {
        accounts::write(tx, of).await?;
    }
    record(tx, purpose, kind, amount).await.map(Ok)
}

/// Holds `amount` in both accounts. `false` when one of them has not that much left; then nothing is held.
pub async fn reserve(tx: &mut Tx, purpose: &Purpose<'_>, amount: Amount) -> Result<bool, StorageError> {
    Ok(change(tx, purpose, EntryKind::Reserve, amount, Account::reserve).await?.is_ok())
}

/// Charges a reservation.
pub async fn commit(tx: &mut Tx, purpose: &Purpose<'_>, amount: Amount) -> Result<(), StorageError> {
    Ok(change(tx, purpose, EntryKind::Commit, amount, Account::commit).await??)
}

/// Releases a reservation.
pub async fn release(tx: &mut Tx, purpose: &Purpose<'_>, amount: Amount) -> Result<(), StorageError> {
    Ok(change(tx, purpose, EntryKind::Release, amount, Account::release).await??)
}

/// The entry that charged a fit.
pub async fn charge_of(tx: &mut Tx, job: Uuid) -> Result<Option<Entry>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Entry>(
        sql!(charge_of, "SELECT * FROM entries WHERE job_id = $1 AND kind = 'commit'"))
        .bind(job).fetch_optional(c).await)?)
}

/// Whether the ledger accounts for a fit that may have drawn: it is charged, or still waits or runs and will be.
pub async fn accounts_for(tx: &mut Tx, job: Uuid) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => query_scalar(
        sql!(accounts_for, "SELECT CAST((SELECT COUNT(*) FROM entries WHERE job_id = $1 AND kind = 'commit')
            + (SELECT COUNT(*) FROM jobs WHERE id = $1 AND state IN ('queued', 'running')) AS BIGINT)"))
        .bind(job).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Spends an amount that was spent before and forgotten, for instance by a restore from a backup. A cap that had to be raised for it is a grant of its own.
/// Returns the caps that were raised; `None` if tenant or population does not exist.
pub async fn bring_back(
    tx: &mut Tx,
    purpose: &Purpose<'_>,
    amount: Amount,
) -> Result<Option<Vec<(Uuid, Amount)>>, StorageError> {
    let Some(accounts) = both(tx, purpose).await? else {
        return Ok(None);
    };
    let mut raised = Vec::new();
    for mut of in accounts {
        let before = of.account.cap;
        of.account.bring_back(amount)?;
        accounts::write(tx, &of).await?;
        let cap = of.account.cap;
        if cap != before {
            let (tenant, population) = (purpose.tenant, of.holder.population());
            let (actor, now) = (purpose.actor, purpose.now);
            grant(tx, &Grant { tenant, population, cap, actor, now }).await?;
            raised.push((of.holder.id(), cap));
        }
    }
    record(tx, purpose, EntryKind::Commit, amount).await?;
    Ok(Some(raised))
}

async fn record(
    tx: &mut Tx,
    purpose: &Purpose<'_>,
    kind: EntryKind,
    amount: Amount,
) -> Result<(), StorageError> {
    let whose = (purpose.tenant, Some(purpose.population), Some(purpose.job));
    add(tx, kind, whose, amount, (purpose.actor, purpose.now)).await
}

/// A cap that was set.
pub struct Grant<'a> {
    /// The tenant.
    pub tenant: Uuid,
    /// The population whose cap it is; none for the tenant's own.
    pub population: Option<Uuid>,
    /// The cap.
    pub cap: Amount,
    /// The key that acted.
    pub actor: &'a str,
    /// Time, in µs since 1970.
    pub now: i64,
}

/// Records that a cap was set.
pub async fn grant(tx: &mut Tx, grant: &Grant<'_>) -> Result<(), StorageError> {
    let whose = (grant.tenant, grant.population, None);
    add(tx, EntryKind::Grant, whose, grant.cap, (grant.actor, grant.now)).await
}

/// Adds an entry under the next number. There is no way to change or delete one: the database refuses.
async fn add(
    tx: &mut Tx,
    kind: EntryKind,
    (tenant, population, job): (Uuid, Option<Uuid>, Option<Uuid>),
    amount: Amount,
    (actor, now): (&str, i64),
) -> Result<(), StorageError> {
    let (rho, delta) = signed(amount)?;
    let seq = next(tx).await?;
    one!(tx => sql!(add,
        "INSERT INTO entries (id, seq, tenant_id, population_id, job_id, kind, rho, delta, actor, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"),
        Uuid::new_v4(), seq, tenant, population, job, kind, rho, delta, actor, now)
}

/// The next number, under the lock of the row that counts.
async fn next(tx: &mut Tx) -> Result<i64, StorageError> {
    let sql = sql!(next, "UPDATE ledger_sequence SET last = last + 1 RETURNING last");
    Ok(on!(tx, c => query_scalar(sql).fetch_one(c).await)?)
}

/// The number of a tenant's entry.
pub async fn place(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<i64>, StorageError> {
    Ok(on!(tx, c => query_scalar(sql!(place, "SELECT seq FROM entries WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// Entries of a tenant after the number `after`, oldest first.
pub async fn entries(tx: &mut Tx, tenant: Uuid, after: i64, limit: i64) -> Result<Vec<Entry>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Entry>(
        sql!(entries, "SELECT * FROM entries WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"))
        .bind(tenant).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Cap that an entry records.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Granted {
    /// Of a population; of the tenant otherwise.
    pub population_id: Option<Uuid>,
    /// ρ in 10⁻¹².
    pub rho: i64,
    /// Time, in µs since 1970.
    pub created_at: i64,
}

/// The caps that were set for a tenant and one of its populations, oldest first.
pub async fn grants(tx: &mut Tx, tenant: Uuid, population: Uuid) -> Result<Vec<Granted>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Granted>(
        sql!(grants, "SELECT population_id, rho, created_at FROM entries
         WHERE tenant_id = $1 AND kind = 'grant' AND (population_id IS NULL OR population_id = $2) ORDER BY seq"))
        .bind(tenant).bind(population).fetch_all(c).await)?)
}

/// What a population has paid since a time for fits of which nothing is published.
pub async fn unpublished_since(tx: &mut Tx, population: Uuid, since: i64) -> Result<Amount, StorageError> {
    let (rho, delta): (i64, i64) = on!(tx, c => query_as(
        sql!(unpublished_since, "SELECT CAST(COALESCE(SUM(rho), 0) AS BIGINT), CAST(COALESCE(SUM(delta), 0) AS BIGINT) FROM entries
         WHERE population_id = $1 AND kind = 'commit' AND created_at >= $2 AND NOT EXISTS
             (SELECT 1 FROM models JOIN releases ON releases.model_id = models.id
              WHERE models.job_id = entries.job_id AND releases.state = 'published')"))
        .bind(population).bind(since).fetch_one(c).await)?;
    Ok(Amount { rho: rho as u64, delta: delta as u64 })
}
