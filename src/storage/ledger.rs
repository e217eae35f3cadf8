//! The ledger in SQL: accounts of tenant and population, and entries that are only ever added.
//!
//! Locks are taken tenant first, then population. An update that finds no row is a refusal; the tables' CHECK constraints
//! (`tenant_budget`, `population_budget`) are the backstop.

use super::db::on;
use super::{StorageError, Tx};
use crate::ledger::{Account, Amount};
use uuid::Uuid;

/// What an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A cap was set.
    Grant,
    /// A fit was accepted.
    Reserve,
    /// A fit measured, or began to.
    Commit,
    /// A fit ended before it measured.
    Release,
}

impl Kind {
    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Grant => "grant",
            Kind::Reserve => "reserve",
            Kind::Commit => "commit",
            Kind::Release => "release",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    /// Its id, in order of time.
    pub id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// The population; none for a grant to the tenant.
    pub population_id: Option<Uuid>,
    /// The fit.
    pub job_id: Option<Uuid>,
    /// grant, reserve, commit or release.
    pub kind: String,
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
const BRING_BACK: [&str; 2] = on_accounts!(
    "spent_rho = spent_rho + $2, spent_delta = spent_delta + $3,
     cap_rho = CASE WHEN cap_rho < spent_rho + reserved_rho + $2 THEN spent_rho + reserved_rho + $2 ELSE cap_rho END,
     cap_delta = CASE WHEN cap_delta < spent_delta + reserved_delta + $3 THEN spent_delta + reserved_delta + $3 ELSE cap_delta END
     WHERE id = $1 /* bring back */"
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

/// Spends an amount that was spent before and forgotten, for instance by a restore from a backup. A cap that would be too small is raised to
/// what is spent: the spend is a fact. `false` when tenant or population are not there.
pub async fn bring_back(tx: &mut Tx, purpose: &Purpose<'_>, amount: Amount) -> Result<bool, StorageError> {
    let tenant = change(tx, BRING_BACK[0], purpose.tenant, amount).await?;
    let population = change(tx, BRING_BACK[1], purpose.population, amount).await?;
    if !tenant || !population {
        return Ok(false);
    }
    record(tx, purpose, Kind::Commit, amount).await?;
    Ok(true)
}

async fn record(tx: &mut Tx, purpose: &Purpose<'_>, kind: Kind, amount: Amount) -> Result<(), StorageError> {
    let (rho, delta) = signed(amount)?;
    add(
        tx,
        &Entry {
            id: Uuid::now_v7(),
            tenant_id: purpose.tenant,
            population_id: Some(purpose.population),
            job_id: Some(purpose.job),
            kind: kind.name().into(),
            rho,
            delta,
            actor: purpose.actor.into(),
            created_at: purpose.now,
        },
    )
    .await
}

/// Adds an entry. There is no way to change or delete one: the database refuses.
pub async fn add(tx: &mut Tx, entry: &Entry) -> Result<(), StorageError> {
    on!(tx, c => sqlx::query(
        "/* ledger add */ INSERT INTO entries (id, tenant_id, population_id, job_id, kind, rho, delta, actor, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(entry.id).bind(entry.tenant_id).bind(entry.population_id).bind(entry.job_id)
        .bind(&entry.kind).bind(entry.rho).bind(entry.delta).bind(&entry.actor).bind(entry.created_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Entries of a tenant after `after`, oldest first.
pub async fn entries(tx: &mut Tx, tenant: Uuid, after: Uuid, limit: i64) -> Result<Vec<Entry>, StorageError> {
    Ok(on!(tx, c => sqlx::query_as::<_, Entry>(
        "/* ledger entries */ SELECT * FROM entries WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3")
        .bind(tenant).bind(after).bind(limit).fetch_all(c).await)?)
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
