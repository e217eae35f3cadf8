//! The ledger in SQL: accounts of tenant and population, and entries that are only ever added.
//!
//! Locks are taken tenant first, then population. An update that finds no row is a refusal; the tables' CHECK constraints
//! (`tenant_budget`, `population_budget`) are the backstop.

use super::db::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use crate::ledger::{Account, Amount};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// What an entry of the ledger tells.
    #[derive(utoipa::ToSchema)]
    #[schema(as = EntryKind)]
    pub enum Kind {
        /// A cap was set.
        Grant = "grant",
        /// A fit was accepted with its whole cost.
        Reserve = "reserve",
        /// A fit spent: it measured, or began to.
        Commit = "commit",
        /// A fit ended without measuring, and gave back what it had reserved.
        Release = "release",
    }
}
stored!(Kind);

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
    /// What it tells.
    pub kind: Kind,
    /// ρ in 10⁻¹².
    pub rho: i64,
    /// δ′ in 10⁻¹⁸.
    pub delta: i64,
    /// Who.
    pub actor: String,
    /// When, in µs since 1970.
    pub created_at: i64,
}

/// The columns of an account.
#[derive(sqlx::FromRow)]
struct AccountRow {
    cap_rho: i64,
    spent_rho: i64,
    reserved_rho: i64,
    cap_delta: i64,
    spent_delta: i64,
    reserved_delta: i64,
}

impl AccountRow {
    fn account(self) -> Account {
        let amount = |rho: i64, delta: i64| Amount { rho: rho as u64, delta: delta as u64 };
        Account {
            cap: amount(self.cap_rho, self.cap_delta),
            spent: amount(self.spent_rho, self.spent_delta),
            reserved: amount(self.reserved_rho, self.reserved_delta),
        }
    }
}

/// Amounts in the database are signed.
pub fn signed(amount: Amount) -> Result<(i64, i64), StorageError> {
    let cast = |n: u64| i64::try_from(n).map_err(|_| StorageError::Stored(format!("{n} is too large")));
    Ok((cast(amount.rho)?, cast(amount.delta)?))
}

/// Whose and why.
pub struct Purpose<'a> {
    /// The tenant that pays.
    pub tenant: Uuid,
    /// The population that pays.
    pub population: Uuid,
    /// For which fit.
    pub job: Uuid,
    /// On whose word.
    pub actor: &'a str,
    /// When.
    pub now: i64,
}

/// One change of an account, for a tenant's and for a population's.
macro_rules! on_accounts {
    ($change:literal) => {
        [concat!("UPDATE tenants SET ", $change), concat!("UPDATE populations SET ", $change)]
    };
}

const HOLD: [&str; 2] = on_accounts!(
    "reserved_rho = reserved_rho + $2, reserved_delta = reserved_delta + $3
     WHERE id = $1 AND spent_rho + reserved_rho + $2 <= cap_rho AND spent_delta + reserved_delta + $3 <= cap_delta /* reserve */"
);
const GIVE_BACK: [&str; 2] = on_accounts!(
    "reserved_rho = reserved_rho - $2, reserved_delta = reserved_delta - $3 WHERE id = $1 /* release */"
);
const SPEND: [&str; 2] = on_accounts!(
    "reserved_rho = reserved_rho - $2, spent_rho = spent_rho + $2,
     reserved_delta = reserved_delta - $3, spent_delta = spent_delta + $3 WHERE id = $1 /* commit */"
);
const BRING_BACK: [&str; 2] =
    on_accounts!("spent_rho = spent_rho + $2, spent_delta = spent_delta + $3 WHERE id = $1 /* bring back */");
const RAISE: [&str; 2] = on_accounts!(
    "cap_rho = $2, cap_delta = $3 WHERE id = $1 AND cap_rho <= $2 AND cap_delta <= $3 /* raise */"
);

/// Changes one account; `false` when it does not allow it or is not there.
async fn change(tx: &mut Tx, sql: &'static str, id: Uuid, amount: Amount) -> Result<bool, StorageError> {
    let (rho, delta) = signed(amount)?;
    Ok(
        on!(tx, c => sqlx::query(sql).bind(id).bind(rho).bind(delta).execute(c).await.map(|done| done.rows_affected()))?
            > 0,
    )
}

/// Holds `amount` in both accounts. `false` when one of them has not that much left; then nothing is held.
pub async fn reserve(tx: &mut Tx, purpose: &Purpose<'_>, amount: Amount) -> Result<bool, StorageError> {
    if !change(tx, HOLD[0], purpose.tenant, amount).await? {
        return Ok(false);
    }
    if !change(tx, HOLD[1], purpose.population, amount).await? {
        change(tx, GIVE_BACK[0], purpose.tenant, amount).await?;
        return Ok(false);
    }
    record(tx, purpose, Kind::Reserve, amount).await?;
    Ok(true)
}

/// Spends what was held.
pub async fn commit(tx: &mut Tx, purpose: &Purpose<'_>, amount: Amount) -> Result<(), StorageError> {
    change(tx, SPEND[0], purpose.tenant, amount).await?;
    change(tx, SPEND[1], purpose.population, amount).await?;
    record(tx, purpose, Kind::Commit, amount).await
}

/// Gives back what was held.
pub async fn release(tx: &mut Tx, purpose: &Purpose<'_>, amount: Amount) -> Result<(), StorageError> {
    change(tx, GIVE_BACK[0], purpose.tenant, amount).await?;
    change(tx, GIVE_BACK[1], purpose.population, amount).await?;
    record(tx, purpose, Kind::Release, amount).await
}

/// The entry that charged a fit.
pub async fn charge_of(tx: &mut Tx, job: Uuid) -> Result<Option<Entry>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Entry>(
        "/* ledger charge_of */ SELECT * FROM entries WHERE job_id = $1 AND kind = 'commit'")
        .bind(job).fetch_optional(c).await)?)
}

/// Whether the ledger accounts for a fit that may have drawn: it is charged, or still waits or runs and will be.
pub async fn accounts_for(tx: &mut Tx, job: Uuid) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => sqlx::query_scalar(
        "/* ledger accounts_for */ SELECT CAST((SELECT COUNT(*) FROM entries WHERE job_id = $1 AND kind = 'commit')
            + (SELECT COUNT(*) FROM jobs WHERE id = $1 AND state IN ('queued', 'running')) AS BIGINT)")
        .bind(job).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Spends an amount that was spent before and forgotten, for instance by a restore from a backup. The spend is a fact: a cap that is too small for it
/// is raised to what is spent, by a grant of its own. Gives the caps that were raised; `None` when tenant or population are not there.
pub async fn bring_back(
    tx: &mut Tx,
    purpose: &Purpose<'_>,
    amount: Amount,
) -> Result<Option<Vec<(Uuid, Amount)>>, StorageError> {
    let tenant = tenant_account(tx, purpose.tenant).await?;
    let population = population_account(tx, purpose.population).await?;
    let (Some(tenant), Some(population)) = (tenant, population) else {
        return Ok(None);
    };
    let mut raised = Vec::new();
    let accounts =
        [(purpose.tenant, None, tenant), (purpose.population, Some(purpose.population), population)];
    for (i, (id, of, account)) in accounts.into_iter().enumerate() {
        let used = |cap: u64, spent: u64, reserved: u64, more: u64| cap.max(spent + reserved + more);
        let (cap, spent, reserved) = (account.cap, account.spent, account.reserved);
        let needed = Amount {
            rho: used(cap.rho, spent.rho, reserved.rho, amount.rho),
            delta: used(cap.delta, spent.delta, reserved.delta, amount.delta),
        };
        if needed != cap {
            change(tx, RAISE[i], id, needed).await?;
            let (tenant, actor, now) = (purpose.tenant, purpose.actor, purpose.now);
            grant(tx, &Grant { tenant, population: of, cap: needed, actor, now }).await?;
            raised.push((id, needed));
        }
        change(tx, BRING_BACK[i], id, amount).await?;
    }
    record(tx, purpose, Kind::Commit, amount).await?;
    Ok(Some(raised))
}

async fn record(tx: &mut Tx, purpose: &Purpose<'_>, kind: Kind, amount: Amount) -> Result<(), StorageError> {
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
    /// On whose word.
    pub actor: &'a str,
    /// When.
    pub now: i64,
}

/// Records that a cap was set.
pub async fn grant(tx: &mut Tx, grant: &Grant<'_>) -> Result<(), StorageError> {
    let whose = (grant.tenant, grant.population, None);
    add(tx, Kind::Grant, whose, grant.cap, (grant.actor, grant.now)).await
}

/// Adds an entry under the next number. There is no way to change or delete one: the database refuses.
async fn add(
    tx: &mut Tx,
    kind: Kind,
    (tenant, population, job): (Uuid, Option<Uuid>, Option<Uuid>),
    amount: Amount,
    (actor, now): (&str, i64),
) -> Result<(), StorageError> {
    let (rho, delta) = signed(amount)?;
    let seq: i64 = on!(tx, c => sqlx::query_scalar(
        "/* ledger next */ UPDATE ledger_sequence SET last = last + 1 RETURNING last").fetch_one(c).await)?;
    on!(tx, c => sqlx::query(
        "/* ledger add */ INSERT INTO entries (id, seq, tenant_id, population_id, job_id, kind, rho, delta, actor, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
        .bind(Uuid::new_v4()).bind(seq).bind(tenant).bind(population).bind(job)
        .bind(kind).bind(rho).bind(delta).bind(actor).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The number of a tenant's entry.
pub async fn place(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<i64>, StorageError> {
    Ok(
        on!(tx, c => sqlx::query_scalar("/* ledger place */ SELECT seq FROM entries WHERE tenant_id = $1 AND id = $2")
        .bind(tenant).bind(id).fetch_optional(c).await)?,
    )
}

/// Entries of a tenant after the number `after`, oldest first.
pub async fn entries(tx: &mut Tx, tenant: Uuid, after: i64, limit: i64) -> Result<Vec<Entry>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Entry>(
        "/* ledger entries */ SELECT * FROM entries WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(tenant).bind(after).bind(limit).fetch_all(c).await)?)
}

/// What an entry tells of a cap that was set.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Granted {
    /// Of a population; of the tenant otherwise.
    pub population_id: Option<Uuid>,
    /// ρ in 10⁻¹².
    pub rho: i64,
    /// When.
    pub created_at: i64,
}

/// The caps that were set for a tenant and one of its populations, oldest first.
pub async fn grants(tx: &mut Tx, tenant: Uuid, population: Uuid) -> Result<Vec<Granted>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Granted>(
        "/* ledger grants */ SELECT population_id, rho, created_at FROM entries
         WHERE tenant_id = $1 AND kind = 'grant' AND (population_id IS NULL OR population_id = $2) ORDER BY seq")
        .bind(tenant).bind(population).fetch_all(c).await)?)
}

/// What a population has paid since a time for fits of which nothing is published.
pub async fn unpublished_since(tx: &mut Tx, population: Uuid, since: i64) -> Result<Amount, StorageError> {
    let (rho, delta): (i64, i64) = on!(tx, c => sqlx::query_as(
        "/* ledger unpublished_since */ SELECT CAST(COALESCE(SUM(rho), 0) AS BIGINT), CAST(COALESCE(SUM(delta), 0) AS BIGINT) FROM entries
         WHERE population_id = $1 AND kind = 'commit' AND created_at >= $2 AND NOT EXISTS
             (SELECT 1 FROM models JOIN releases ON releases.model_id = models.id
              WHERE models.job_id = entries.job_id AND releases.state = 'published')")
        .bind(population).bind(since).fetch_one(c).await)?;
    Ok(Amount { rho: rho as u64, delta: delta as u64 })
}

/// Where the ledger stands: its last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::FromRow)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Its number.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
}

/// The last entry, of all tenants.
pub async fn last(tx: &mut Tx) -> Result<Option<Mark>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Mark>(
        "/* ledger last */ SELECT seq, id FROM entries ORDER BY seq DESC LIMIT 1")
        .fetch_optional(c).await)?)
}

/// Whether the ledger has the entry of a mark. One that was restored from before it does not, however many entries were added since.
pub async fn has(tx: &mut Tx, mark: Mark) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => sqlx::query_scalar(
        "/* ledger has */ SELECT COUNT(*) FROM entries WHERE seq = $1 AND id = $2")
        .bind(mark.seq).bind(mark.id).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Lets the numbers go on after `seq`, so that none of them is given twice.
pub async fn go_on_after(tx: &mut Tx, seq: i64) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query("/* ledger go_on_after */ UPDATE ledger_sequence SET last = $1 WHERE last < $1")
        .bind(seq).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The account of a tenant.
pub async fn tenant_account(tx: &mut Tx, tenant: Uuid) -> Result<Option<Account>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, AccountRow>("/* tenant account */ SELECT * FROM tenants WHERE id = $1")
        .bind(tenant).fetch_optional(c).await)?
    .map(AccountRow::account))
}

/// The account of a population.
pub async fn population_account(tx: &mut Tx, population: Uuid) -> Result<Option<Account>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, AccountRow>("/* population account */ SELECT * FROM populations WHERE id = $1")
        .bind(population).fetch_optional(c).await)?
    .map(AccountRow::account))
}
