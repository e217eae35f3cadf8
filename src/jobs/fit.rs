//! What a fit does: measures a dataset, pays, and queues the job that generates a first trace.

use super::end::{fence, follow, named, purpose};
use super::measuring::{self, Measuring};
use super::new_bundle::NewBundle;
use super::source::{raw, source, split_key};
use super::stopped::{Stopped, broken};
use super::watch::Observer;
use crate::fit::{self, Room};
use crate::model::{self, Bundle};
use crate::progress::Cancelled;
use crate::service::app::App;
use crate::service::disk;
use crate::service::estimate;
use crate::service::queued::queued;
use crate::service::requests::{FitRequest, GenerateRequest, asked};
use crate::storage::claims::{self, End};
use crate::storage::datasets::Dataset;
use crate::storage::digest::sha256_of;
use crate::storage::jobs::Job;
use crate::storage::{ledger, models};
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use uuid::Uuid;

/// Measures a dataset and commits the measurements.
pub(super) fn fit(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let asked: FitRequest = asked(job)?;
    let mut plan = asked.plan()?;
    let (dataset, file) = source(app, runtime, job)?;
    let (bound, trace) = raw(&dataset, &file, app.artifacts.scratch(), seen)?;
    if asked.hold_out {
        plan.hold_out = Some(split_key(app, runtime, job)?);
    }
    // A disk that has no room for the bundle is found out while that costs nothing.
    let scratch = scratch(app, job);
    let room = Room::of(&plan, &bound.schema).bytes();
    disk::check(app, room)?;
    let bundle_file = NewBundle::reserve(&scratch, room)?;

    let what = Measuring::new(digest_of(&file, seen)?, &bound.schema, &job.request, &plan)?;
    seen.check()?;
    // From here on every end is a commit, and what cannot be stored is measured again under the same noise.
    seen.measuring();
    let key = runtime.block_on(measuring::begin(app, job, &what))?;

    let fitted = fit::fit(trace, &bound.schema, &plan, &key, seen).map_err(|error| match error {
        fit::FitError::Cancelled(_) => Stopped::Cancelled,
        error => broken("a fit failed", error),
    })?;
    bundle_file.write(&fitted.bundle)?;
    let ended = runtime.block_on(commit_model(app, job, &asked, &dataset, &scratch, &fitted.bundle));
    runtime.block_on(named(app, &bundle_path(job), ended))?;
    runtime.block_on(measuring::forget(app, job.id));
    Ok(())
}

/// The SHA-256 of a file, in hex.
fn digest_of(file: &Path, seen: &dyn Observer) -> Result<String, Stopped> {
    enum Failed {
        Io(std::io::Error),
        Cancelled(Cancelled),
    }
    impl From<std::io::Error> for Failed {
        fn from(error: std::io::Error) -> Self {
            Failed::Io(error)
        }
    }
    let source = std::fs::File::open(file).map_err(|error| broken("a trace cannot be read", error))?;
    match sha256_of(source, || seen.check().map_err(Failed::Cancelled)) {
        Ok((_, digest)) => Ok(digest),
        Err(Failed::Io(error)) => Err(broken("a trace cannot be read", error)),
        Err(Failed::Cancelled(cancelled)) => Err(cancelled.into()),
    }
}

/// Makes model, charge, end of the job and the job that generates a first trace visible in one transaction.
async fn commit_model(
    app: &App,
    job: &Job,
    asked: &FitRequest,
    dataset: &Dataset,
    scratch: &Path,
    bundle: &Bundle,
) -> Result<(), Stopped> {
    let text = |error| broken("what is stored beside a model cannot be written", error);
    let records = model::records(bundle).round() as u64;
    let bundle_path = bundle_path(job);
    let stored = app.artifacts.adopt(&bundle_path, scratch).await?;
    let mut tx = app.begin("fit.commit_model").await?;
    let now = tx.now().await?;
    let model = models::StoredModel {
        id: Uuid::new_v4(),
        tenant_id: job.tenant_id,
        dataset_id: job.dataset_id,
        job_id: job.id,
        bundle_path,
        bundle_sha256: stored.sha256,
        statement: serde_json::to_string(&bundle.statement).map_err(text)?,
        created_at: now,
        records: Some(records as i64),
        memory: Some(estimate::model(bundle) as i64),
    };
    let generation = GenerateRequest {
        model_id: model.id,
        rows: asked.rows,
        seed: asked.seed,
        options: asked.generate,
        condition: asked.condition.clone(),
        evaluate: asked.evaluate,
    };
    let rows = asked.rows.unwrap_or(records);
    let conditioned = asked.condition.is_some();
    let memory = Some(estimate::generation(&bundle.schema, rows, conditioned, model.memory) as i64);
    let next = Job { model_id: Some(model.id), memory, ..queued(dataset, &generation, now)? };
    ledger::commit(&mut tx, &purpose(job, now), job.cost()).await?;
    models::add(&mut tx, &model).await?;
    let (model, charged) = (Some(model.id), Some(true));
    let end = End { charged, model, ..End::succeeded() };
    fence(claims::finish(&mut tx, job, &end, now).await?)?;
    follow(&mut tx, &next, now).await?;
    tx.commit().await?;
    app.queued.notify_waiters();
    // What earlier attempts stored and could not commit is not waited a day for.
    for earlier in 1..job.attempt {
        app.artifacts.delete(&format!("models/{}/{earlier}.bundle", job.id)).await?;
    }
    Ok(())
}

fn bundle_path(job: &Job) -> String {
    format!("models/{}/{}.bundle", job.id, job.attempt)
}

fn scratch(app: &App, job: &Job) -> PathBuf {
    app.artifacts.scratch().join(format!("{}-{}", job.id, job.attempt))
}
