//! What was spent is remembered twice: in the ledger, and beside the artifacts.
//!
//! A database restored from a backup forgets what was spent since, while releases made with it may be out. Two things beside the artifacts remind it:
//!
//! | what | written | by it one sees |
//! | --- | --- | --- |
//! | a **mark**: number and id of the ledger's last entry | before a fit's first noisy draw, and after every change of the ledger that must not be lost | that the ledger was put back behind it, whatever was added since |
//! | a fit's **note**: what it may have spent, and a digest of what it computes | between the transaction that begins to measure and the first noisy draw | which spends are forgotten; that a fit may have drawn |
//!
//! A ledger that lacks the entry of the highest mark accepts no fit and begins no measuring until `netdpsyn admin reconcile` has brought the forgotten
//! spends back. The mark is checked inside the reserving transaction, so that a database restored under a live server is noticed too. A fit with a
//! note is never given its ρ back, whatever the ledger says of it.
//!
//! Changes of caps and revocations of keys are noted as well: a restore that undoes one is logged.

use super::app::{App, Caller};
use super::budget::Payer;
use super::problem::{Problem, ProblemType};
use crate::account::Rho;
use crate::ledger::Amount;
use crate::storage::accounts::{self, Holder};
use crate::storage::ledger::{self, Purpose};
use crate::storage::marks::{self, Mark};
use crate::storage::{Artifacts, Tx, keys};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// Folder of notes of fits.
const SPENDS: &str = "spends";
/// Folder of marks.
const MARKS: &str = "marks";
/// Folder of caps.
const CAPS: &str = "caps";
/// Folder of revoked keys.
const REVOKED: &str = "revoked";

/// All folders of the journal.
pub const FOLDERS: [&str; 4] = [MARKS, SPENDS, CAPS, REVOKED];

/// A fit's note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// The fit.
    pub job: Uuid,
    /// Payer.
    pub tenant: Uuid,
    /// For which people.
    pub population: Uuid,
    /// Amount that it may have spent.
    pub amount: Amount,
    /// A keyed digest of what it computes; absent in notes of version 0.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computation: Option<String>,
}

/// A cap that was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetCap {
    /// The tenant or population.
    account: Uuid,
    cap: Amount,
}

/// A key that was revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    key: Uuid,
    /// Owning tenant; none for an administrator's key.
    #[serde(with = "nil_for_none")]
    tenant: Option<Uuid>,
}

/// The previous version expects an id here for every key: nil on disk if there is none.
mod nil_for_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use uuid::Uuid;

    pub fn serialize<S: Serializer>(id: &Option<Uuid>, to: S) -> Result<S::Ok, S::Error> {
        id.unwrap_or(Uuid::nil()).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Uuid>, D::Error> {
        Ok(Some(Uuid::deserialize(from)?).filter(|id| !id.is_nil()))
    }
}

async fn write(app: &App, key: &str, what: &impl Serialize) -> Result<(), Problem> {
    let text = serde_json::to_string(what).map_err(|_| Problem::internal())?;
    Ok(app.artifacts.put_small(key, text).await?)
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        tracing::error!(%error, "a note beside the artifacts cannot be read");
        Problem::internal()
    })
}

async fn all<T: DeserializeOwned>(app: &App, folder: &str) -> Result<Vec<T>, Problem> {
    app.artifacts.small(folder).await?.iter().map(|text| parsed(text)).collect()
}

fn spend_key(job: Uuid) -> String {
    format!("{SPENDS}/{job}.json")
}

fn mark_key(mark: &Mark) -> String {
    format!("{MARKS}/{:020}-{}.json", mark.seq, mark.id)
}

/// The number of a mark, by the name of its file.
pub fn number_of(name: &str) -> Option<i64> {
    name.split('-').next()?.parse().ok()
}

/// Leaves a note, before the first noisy draw; `false` where the fit has one already, which stays.
pub async fn note(artifacts: &Artifacts, spend: &Spend) -> Result<bool, Problem> {
    let text = serde_json::to_string(spend).map_err(|_| Problem::internal())?;
    Ok(artifacts.create_small(&spend_key(spend.job), text).await?)
}

/// Whether a fit left a note, readable or not: it may have drawn, and must be charged.
pub async fn is_noted(app: &App, job: Uuid) -> Result<bool, Problem> {
    Ok(app.artifacts.get_small(&spend_key(job)).await?.is_some())
}

/// The digest in the note of a fit: `None` without a note, `Some(None)` where it tells none.
pub async fn noted_computation(app: &App, job: Uuid) -> Result<Option<Option<String>>, Problem> {
    let note = app.artifacts.get_small(&spend_key(job)).await?;
    Ok(note.map(|text| parsed::<Spend>(&text).ok().and_then(|spend| spend.computation)))
}

/// Notes that the cap of a tenant or population is set, before that is committed.
pub async fn note_cap(app: &App, account: Uuid, cap: Amount) -> Result<(), Problem> {
    write(app, &format!("{CAPS}/{account}.json"), &SetCap { account, cap }).await
}

/// Notes that a key is revoked, before that is committed.
pub async fn note_revoked(app: &App, tenant: Option<Uuid>, key: Uuid) -> Result<(), Problem> {
    write(app, &format!("{REVOKED}/{key}.json"), &Revoked { key, tenant }).await
}

/// Spends of which the ledger knows nothing.
pub async fn forgotten(app: &App) -> Result<Vec<Spend>, Problem> {
    let mut forgotten = Vec::new();
    let notes: Vec<Spend> = all(app, SPENDS).await?;
    let mut tx = app.read("journal.forgotten").await?;
    for spend in notes {
        if !ledger::accounts_for(&mut tx, spend.job).await? {
            forgotten.push(spend);
        }
    }
    Ok(forgotten)
}

fn behind(what: &str) -> Problem {
    Problem::conflict(
        ProblemType::LedgerBehind,
        format!(
            "the ledger {what} (was the database restored?); an administrator must run `netdpsyn admin reconcile`"
        ),
    )
}

/// Refuses while the ledger lacks the entry of the highest mark. Within the transaction that reserves or begins to measure, this cannot miss a restore: a
/// mark is written only when its entry is durable.
pub async fn check_within(app: &App, tx: &mut Tx) -> Result<(), Problem> {
    check_against(tx, &all(app, MARKS).await?).await
}

/// The same for marks that were read before.
async fn check_against(tx: &mut Tx, marks: &[Mark]) -> Result<(), Problem> {
    match marks.iter().max() {
        Some(&mark) if !marks::has(tx, mark).await? => Err(behind("lacks entries that it had before")),
        _ => Ok(()),
    }
}

/// Refuses while the ledger stands behind its marks or spends are forgotten. What the notes say is looked through once a process: afterwards the mark tells.
pub async fn check(app: &App) -> Result<(), Problem> {
    check_within(app, &mut app.read("journal.check").await?).await?;
    if app.remembers.load(Ordering::Acquire) {
        return Ok(());
    }
    match forgotten(app).await?.len() {
        0 => {
            app.remembers.store(true, Ordering::Release);
            Ok(())
        }
        count => Err(behind(&format!("has forgotten {count} fits"))),
    }
}

/// Raises the mark to the ledger's last entry. Refuses where the ledger stands behind the mark that there is.
pub async fn raise(app: &App) -> Result<(), Problem> {
    let marks: Vec<Mark> = all(app, MARKS).await?;
    let mut tx = app.read("journal.raise").await?;
    check_against(&mut tx, &marks).await?;
    let Some(last) = marks::last(&mut tx).await? else { return Ok(()) };
    drop(tx);
    if !marks.contains(&last) {
        write(app, &mark_key(&last), &last).await?;
    }
    // Each server removes lower marks alone, so that the highest of several that are written at once stays.
    for lower in marks.iter().filter(|mark| mark.seq < last.seq) {
        app.artifacts.delete(&mark_key(lower)).await?;
    }
    Ok(())
}

/// Result of reconciling.
pub struct Reconciled {
    /// Spends that were brought back.
    pub back: Vec<Spend>,
    /// Spends whose tenant or population does not exist.
    pub lost: Vec<Spend>,
    /// Caps and keys that the restore has undone, in words. They are left as they are.
    pub undone: Vec<String>,
}

/// Brings forgotten spends back into the ledger, and marks where it stands then.
pub async fn reconcile(app: &App, caller: &Caller) -> Result<Reconciled, Problem> {
    caller.admin()?;
    let undone = undone(app).await?;
    let (mut back, mut lost) = (Vec::new(), Vec::new());
    for spend in forgotten(app).await? {
        let mut tx = app.begin("journal.bring_back").await?;
        let (tenant, population, job) = (spend.tenant, spend.population, spend.job);
        let purpose = Purpose { tenant, population, job, actor: &caller.key, now: tx.now().await? };
        match ledger::bring_back(&mut tx, &purpose, spend.amount).await? {
            Some(raised) => {
                for (account, cap) in raised {
                    note_cap(app, account, cap).await?;
                }
                tx.commit().await?;
                back.push(spend);
            }
            None => lost.push(spend),
        }
    }
    if lost.is_empty() {
        let marks: Vec<Mark> = all(app, MARKS).await?;
        let mut tx = app.begin("journal.forget_marks").await?;
        let mut gone = Vec::new();
        for mark in marks {
            if !marks::has(&mut tx, mark).await? {
                marks::go_on_after(&mut tx, mark.seq).await?;
                gone.push(mark);
            }
        }
        tx.commit().await?;
        for mark in gone {
            app.artifacts.delete(&mark_key(&mark)).await?;
        }
        raise(app).await?;
    }
    Ok(Reconciled { back, lost, undone })
}

/// Caps that stand higher than they were last set, and keys that are valid though they were revoked: a restore undid it.
pub async fn undone(app: &App) -> Result<Vec<String>, Problem> {
    let (caps, revoked): (Vec<SetCap>, Vec<Revoked>) = (all(app, CAPS).await?, all(app, REVOKED).await?);
    let mut tx = app.read("journal.undone").await?;
    let mut undone = Vec::new();
    for SetCap { account, cap } in caps {
        for (payer, found) in [
            (Payer::Tenant, accounts::find(&mut tx, Holder::Tenant(account)).await?),
            (Payer::Population, accounts::find(&mut tx, Holder::Population(account)).await?),
        ] {
            if let Some(found) = found.filter(|a| a.cap.rho > cap.rho || a.cap.delta > cap.delta) {
                let rho = Rho::from_units;
                undone.push(format!(
                    "the cap of {payer} {account} is ρ = {} again, after it was set to {}; set it anew",
                    rho(found.cap.rho),
                    rho(cap.rho)
                ));
            }
        }
    }
    for Revoked { key, tenant } in revoked {
        if keys::is_valid(&mut tx, key).await? {
            let whose = tenant.map_or_else(|| "an administrator".into(), |tenant| format!("tenant {tenant}"));
            undone.push(format!("key {key} of {whose} is valid again, after it was revoked; revoke it anew"));
        }
    }
    Ok(undone)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The version before reads an id for everybody.
    #[test]
    fn an_administrator_stands_in_a_note_as_nil() {
        let (key, some) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (tenant, written) in [(None, Uuid::nil()), (Some(some), some)] {
            let revoked = Revoked { key, tenant };
            let text = serde_json::to_string(&revoked).unwrap();
            assert_eq!(text, format!(r#"{{"key":"{key}","tenant":"{written}"}}"#));
            assert_eq!(parsed::<Revoked>(&text).unwrap(), revoked);
        }
    }
}
