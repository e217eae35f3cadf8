//! What was spent is remembered twice: in the ledger, and beside the artifacts.
//!
//! A database restored from a backup forgets the fits that were accepted since, while releases made by them may be out. Each fit therefore leaves a
//! note in the artifact store before its first noisy draw. A server that finds a note of which its ledger knows nothing accepts no fit until
//! `netdpsyn admin reconcile` has brought the forgotten spends back, and a fit with a note is never given its ρ back, whatever the ledger says of it: a
//! backup may be older than its first draw.

use super::app::{App, Caller};
use super::problem::Problem;
use crate::ledger::Amount;
use crate::storage::ledger::{self, Purpose};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where the notes are.
const NOTES: &str = "spends";

/// A fit's note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// The fit.
    pub job: Uuid,
    /// Who paid.
    pub tenant: Uuid,
    /// For which people.
    pub population: Uuid,
    /// What it may have spent.
    pub amount: Amount,
}

/// Leaves a note, before the first noisy draw. The same for every attempt.
pub async fn note(app: &App, spend: &Spend) -> Result<(), Problem> {
    let text = serde_json::to_string(spend).map_err(|_| Problem::internal())?;
    Ok(app.artifacts.put_small(&key(spend.job), text).await?)
}

fn key(job: Uuid) -> String {
    format!("{NOTES}/{job}.json")
}

/// Whether a fit left a note: it may have drawn, and must be charged.
pub async fn noted(app: &App, job: Uuid) -> Result<bool, Problem> {
    Ok(app.artifacts.has(&key(job)).await?)
}

/// Spends of which the ledger knows nothing.
pub async fn forgotten(app: &App) -> Result<Vec<Spend>, Problem> {
    let mut forgotten = Vec::new();
    let notes = app.artifacts.small(NOTES).await?;
    let mut tx = app.read().await?;
    for note in notes {
        let spend: Spend = serde_json::from_str(&note).map_err(|error| {
            tracing::error!(%error, "a note of a spend cannot be read");
            Problem::internal()
        })?;
        if !ledger::accounts_for(&mut tx, spend.job).await? {
            forgotten.push(spend);
        }
    }
    Ok(forgotten)
}

/// Refuses while spends are forgotten. Once they are brought back, it looks no more.
pub async fn check(app: &App) -> Result<(), Problem> {
    use std::sync::atomic::Ordering;
    if app.remembers.load(Ordering::Acquire) {
        return Ok(());
    }
    match forgotten(app).await?.len() {
        0 => {
            app.remembers.store(true, Ordering::Release);
            Ok(())
        }
        count => Err(Problem::conflict(
            "/problems/ledger-behind",
            format!(
                "the ledger has forgotten {count} fits (was the database restored?); an administrator must run `netdpsyn admin reconcile`"
            ),
        )),
    }
}

/// Brings forgotten spends back into the ledger; gives those brought back and those whose tenant or population is not there.
pub async fn reconcile(app: &App, caller: &Caller) -> Result<(Vec<Spend>, Vec<Spend>), Problem> {
    caller.admin()?;
    let (mut back, mut lost) = (Vec::new(), Vec::new());
    for spend in forgotten(app).await? {
        let mut tx = app.begin().await?;
        let (tenant, population, job) = (spend.tenant, spend.population, spend.job);
        let purpose = Purpose { tenant, population, job, actor: &caller.key, now: app.now() };
        if ledger::bring_back(&mut tx, &purpose, spend.amount).await? {
            tx.commit().await?;
            back.push(spend);
        } else {
            lost.push(spend);
        }
    }
    Ok((back, lost))
}
