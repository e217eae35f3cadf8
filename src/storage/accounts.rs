//! Accounts of tenants and populations. An account is read under its lock, changed by a rule of [`crate::ledger`], and written back in place of what was
//! read: a row that is another by then is an error. The tables' CHECK constraints (`tenant_budget`, `population_budget`) hold against everybody else.

use super::statement::{one, query_as, sql};
use super::tx::on;
use super::{StorageError, Tx};
use crate::ledger::{Account, Amount};
use uuid::Uuid;

/// Holder of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A tenant's.
    Tenant(Uuid),
    /// A population's.
    Population(Uuid),
}

impl Holder {
    /// Id.
    pub fn id(self) -> Uuid {
        match self {
            Holder::Tenant(id) | Holder::Population(id) => id,
        }
    }

    /// The population, if it is one.
    pub fn population(self) -> Option<Uuid> {
        match self {
            Holder::Tenant(_) => None,
            Holder::Population(id) => Some(id),
        }
    }

    fn table(self) -> &'static str {
        match self {
            Holder::Tenant(_) => "tenants",
            Holder::Population(_) => "populations",
        }
    }
}

/// An account that nobody else changes until the transaction ends.
pub struct Locked {
    /// Owning tenant.
    pub holder: Holder,
    /// The account, to be changed by the rules of the ledger and written back.
    pub account: Account,
    before: Account,
}

/// Amounts in the database are signed.
pub fn signed(amount: Amount) -> Result<(i64, i64), StorageError> {
    let cast = |n: u64| i64::try_from(n).map_err(|_| StorageError::Stored(format!("{n} is too large")));
    Ok((cast(amount.rho)?, cast(amount.delta)?))
}

/// An account.
pub async fn find(tx: &mut Tx, holder: Holder) -> Result<Option<Account>, StorageError> {
    select(tx, holder, "").await
}

/// An account and its lock.
pub async fn lock(tx: &mut Tx, holder: Holder) -> Result<Option<Locked>, StorageError> {
    let locked = tx.locked_to_change();
    let found = select(tx, holder, locked).await?;
    Ok(found.map(|account| Locked { holder, account, before: account }))
}

async fn select(tx: &mut Tx, holder: Holder, lock: &str) -> Result<Option<Account>, StorageError> {
    let sql = sql!(
        select,
        "SELECT cap_rho, cap_delta, spent_rho, spent_delta, reserved_rho, reserved_delta FROM {} WHERE id = $1{}",
        holder.table(),
        lock
    );
    let found: Option<[(i64, i64); 3]> =
        on!(tx, c => query_as(sql).bind(holder.id()).fetch_optional(c).await)?
            .map(|(a, b, c, d, e, f)| [(a, b), (c, d), (e, f)]);
    let amount = |(rho, delta): (i64, i64)| Amount { rho: rho as u64, delta: delta as u64 };
    Ok(found.map(|of| of.map(amount)).map(|[cap, spent, reserved]| Account { cap, spent, reserved }))
}

/// Writes an account back.
pub async fn write(tx: &mut Tx, of: &Locked) -> Result<(), StorageError> {
    let sql = sql!(
        write,
        "UPDATE {} SET cap_rho = $2, cap_delta = $3, spent_rho = $4, spent_delta = $5, reserved_rho = $6, reserved_delta = $7
         WHERE id = $1 AND cap_rho = $8 AND cap_delta = $9 AND spent_rho = $10 AND spent_delta = $11
             AND reserved_rho = $12 AND reserved_delta = $13",
        of.holder.table()
    );
    let (now, before) = (of.account, of.before);
    let (cap, spent, reserved) = (signed(now.cap)?, signed(now.spent)?, signed(now.reserved)?);
    let (cap_before, spent_before) = (signed(before.cap)?, signed(before.spent)?);
    let reserved_before = signed(before.reserved)?;
    one!(tx => sql,
        of.holder.id(), cap.0, cap.1, spent.0, spent.1, reserved.0, reserved.1, cap_before.0, cap_before.1,
        spent_before.0, spent_before.1, reserved_before.0, reserved_before.1)
}

/// Sets a cap; `false` when it would fall below what is spent and reserved, or nobody has the account.
pub async fn set_cap(tx: &mut Tx, holder: Holder, cap: Amount) -> Result<bool, StorageError> {
    let Some(mut of) = lock(tx, holder).await? else { return Ok(false) };
    if of.account.set_cap(cap).is_err() {
        return Ok(false);
    }
    write(tx, &of).await?;
    Ok(true)
}
