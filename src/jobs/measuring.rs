//! How a fit begins to measure: once for all its attempts, under a key that no single place holds.
//!
//! ```text
//! file half durable ─► transaction: measuring begins, database half kept ─► mark and note beside the artifacts ─► first noisy draw
//! end's commit (database half erased) ─► file half unlinked ─► write-ahead log emptied
//! ```
//! An attempt draws only if everything that an earlier one left is still there and says the same: both halves of the key, the digests in the database, the
//! digest in the note. A database restored from a backup has lost one of them, and then nothing is drawn: the fit ends charged, without a model.

use super::stopped::{Stopped, broken};
use crate::fit::keys::keyed;
use crate::fit::keys::{KeyHalf, NoiseKey};
use crate::fit::{self, Plan};
use crate::service::app::App;
use crate::service::journal::{self, Spend};
use crate::service::problem::{Problem, ProblemType};
use crate::storage::claims::{self, Begin};
use crate::storage::jobs::{self, Job, JobState};
use crate::storage::populations;
use crate::trace::Schema;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What a fit is about to measure. Two attempts that differ in any of it are two computations.
#[derive(Serialize, Deserialize)]
pub struct Measuring {
    /// Digest of the raw trace.
    pub trace_sha256: String,
    schema_sha256: String,
    plan: String,
    allowance_rho: u64,
    /// ρ of trees, one-ways and selection.
    shares_rho: [u64; 3],
    build: String,
}

impl Measuring {
    /// For a trace with this digest.
    pub fn new(trace_sha256: String, schema: &Schema, request: &str, plan: &Plan) -> Result<Self, Stopped> {
        let schema_text =
            serde_json::to_vec(schema).map_err(|error| broken("a schema cannot be written", error))?;
        let shares = plan.share_out(schema);
        Ok(Measuring {
            trace_sha256,
            schema_sha256: hex::encode(Sha256::digest(schema_text)),
            plan: request.into(),
            allowance_rho: plan.allowance().units(),
            shares_rho: [shares.trees, shares.one_ways, shares.selection].map(|rho| rho.units()),
            build: fit::BUILD.into(),
        })
    }
}

/// Nothing is drawn again: why, for the steward. The fit ends charged.
fn not_repeatable(why: &str) -> Stopped {
    let detail =
        format!("an earlier attempt of this fit began to measure, and {why}; nothing was drawn again");
    Problem::conflict(ProblemType::NotRepeatable, detail).into()
}

/// Begins to measure, or continues where an earlier attempt began: the key, if this is the same computation as that attempt's. From here on
/// every end of the fit is charged.
pub async fn begin(app: &App, job: &Job, what: &Measuring) -> Result<NoiseKey, Stopped> {
    let text = serde_json::to_string(what).map_err(|error| broken("a digest cannot be written", error))?;
    let mut tx = app.read("measuring.population").await?;
    let found = jobs::find(&mut tx, job.tenant_id, job.id).await?.ok_or_else(Problem::internal)?;
    let population = populations::find(&mut tx, job.population_id).await?.ok_or_else(Problem::internal)?;
    drop(tx);
    let begun = found.measuring_started_at.is_some();
    let noted = journal::noted_computation(app, job.id).await?;
    let file = match (begun, &noted) {
        (true, _) => app.halves.read(job.id)?.ok_or_else(|| {
            not_repeatable("the half of its noise key that stands in a file of the data directory is lost")
        })?,
        // The note comes after the transaction that begins to measure: the database was put back behind it.
        (false, Some(_)) => return Err(not_repeatable("the database has forgotten it (was it restored?)")),
        (false, None) => app.halves.keep(job.id, fresh()?.bytes())?,
    };

    let fresh = fresh()?;
    let mut tx = app.begin("measuring.begin").await?;
    let now = tx.now().await?;
    let begin = Begin { measuring: &text, build: fit::BUILD, half: fresh.bytes(), now };
    if !begun {
        journal::check_within(app, &mut tx).await?;
    }
    let first = claims::start_measuring(&mut tx, job, &begin).await?.ok_or(Stopped::Lost)?;
    tx.commit().await?;
    if first.measuring != text {
        return Err(not_repeatable("it measured something else (another trace, schema, plan or build)"));
    }
    let lost = || not_repeatable("the half of its noise key that stands in the database is lost");
    let kept = first.noise_half.as_deref().and_then(KeyHalf::kept).ok_or_else(lost)?;
    let file = KeyHalf::kept(&file).ok_or_else(lost)?;

    let computation = Some(keyed_digest(&population.split_key.0, &text));
    if noted.is_none() {
        let (tenant, population, computation) = (job.tenant_id, job.population_id, computation.clone());
        let spend = Spend { job: job.id, tenant, population, amount: job.cost(), computation };
        journal::raise(app).await?;
        journal::note(&app.artifacts, &spend).await?;
    }
    // Whoever wrote it, this computation or another.
    if journal::noted_computation(app, job.id).await? != Some(computation) {
        return Err(not_repeatable("its note beside the artifacts says that it measured something else"));
    }
    // The database may have been put back since it was asked: the first draw comes after note and mark, and only if its half still stands there.
    let mut tx = app.read("measuring.still_holds").await?;
    let found = jobs::find(&mut tx, job.tenant_id, job.id).await?.ok_or(Stopped::Lost)?;
    let holds = found.attempt == job.attempt && found.state == JobState::Running;
    if !holds || found.noise_half.as_deref() != Some(kept.bytes()) {
        return Err(Stopped::Lost);
    }
    Ok(NoiseKey::of_halves(&file, &kept, text.as_bytes()))
}

fn fresh() -> Result<KeyHalf, Stopped> {
    KeyHalf::from_os().map_err(|error| broken("the system gives no randomness", error))
}

/// The digest that a note keeps. It is keyed, so that the note alone cannot confirm a guess of the trace.
fn keyed_digest(key: &[u8], text: &str) -> String {
    let mut mac = keyed(key);
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// After a fit's end is committed: nothing of its key stays. What fails here is logged, and done again by [`sweep`].
pub async fn forget(app: &App, fit: Uuid) {
    if let Err(error) = app.halves.erase(fit) {
        tracing::error!(%error, "half of a noise key could not be deleted");
    }
    empty_log(app).await;
}

/// Unlinks the halves of fits that neither wait nor run, and empties the embedded database's log.
pub async fn sweep(app: &App) -> Result<(), Problem> {
    empty_log(app).await;
    // Somebody may have named the wrong database, or not restored the right one yet: it knows none of the fits whose halves these are.
    journal::check(app).await?;
    let mut tx = app.read("measuring.sweep").await?;
    for fit in app.halves.fits(app.clock().files())? {
        if !jobs::is_open(&mut tx, fit).await? {
            app.halves.erase(fit)?;
            tracing::info!(%fit, "deleted half of a noise key without an open fit");
        }
    }
    Ok(())
}

async fn empty_log(app: &App) {
    match app.db.truncate_log().await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("readers block the truncation of the write-ahead log; retrying later"),
        Err(error) => tracing::error!(%error, "the write-ahead log could not be truncated"),
    }
}
