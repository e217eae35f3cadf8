//! What each kind of job does. Every end is one transaction, fenced by (job, attempt): result, state of the job and ledger entry become
//! visible together or not at all.

use super::measuring::{self, Measuring};
use super::new_bundle::NewBundle;
use super::stopped::{Stopped, broken};
use super::watch::Observer;
use crate::evaluate::private::{self, Inputs};
use crate::evaluate::release;
use crate::fit::{self, Room, split, split::SplitKey};
use crate::formats::{self, Bound, CsvWriter, Limit, Limits, ReadError, ReadOptions};
use crate::generate::{self, Request};
use crate::model::{self, Bundle, Model, Statement};
use crate::privacy::{Private, Sensitive, Steward};
use crate::progress::Cancelled;
use crate::service::app::App;
use crate::service::budget::{self, ChargeView};
use crate::service::capacity;
use crate::service::datasets::{reject, report_of, schema_of};
use crate::service::disk;
use crate::service::estimate;
use crate::service::limits;
use crate::service::memory;
use crate::service::problem::Problem;
use crate::service::queued::queued;
use crate::service::releases::StoredReport;
use crate::service::requests::{FitRequest, GenerateRequest, plan};
use crate::service::submit::too_many_rows;
use crate::storage::StorageError;
use crate::storage::claims::{self, End};
use crate::storage::datasets::Dataset;
use crate::storage::digest::sha256_of;
use crate::storage::jobs::{self, Job};
use crate::storage::ledger::{self, Purpose};
use crate::storage::looks::{self, Look};
use crate::storage::{Tx, datasets, models, populations, releases};
use crate::trace::Trace;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use uuid::Uuid;

/// Does a job. Blocks; database and artifacts are reached through `runtime`.
pub fn perform(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    match job.kind.as_str() {
        "parse" => parse(app, runtime, job, seen),
        "fit" => measure(app, runtime, job, seen),
        "generate" => synthesise(app, runtime, job, seen),
        _ => compare(app, runtime, job, seen),
    }
}

/// Ends a job that has no result. A fit that began to measure is charged whatever its end; one that did not gives back what it reserved.
pub async fn end_without_result(
    app: &App,
    job: &Job,
    state: &str,
    problem: Option<&Problem>,
) -> Result<(), Problem> {
    let noted = job.kind == "fit" && memory::is_noted(app, job.id).await?;
    let mut tx = app.begin("work.end_without_result").await?;
    let now = tx.now().await?;
    let found = jobs::find(&mut tx, job.tenant_id, job.id).await?.ok_or_else(Problem::internal)?;
    let charged = (job.kind == "fit").then_some(found.measuring_started_at.is_some() || noted);
    let text = problem.map(|problem| match charged {
        Some(charged) => serde_json::to_string(&problem.clone().charged(charged, job.cost().rho)),
        None => serde_json::to_string(problem),
    });
    let text = text.transpose().map_err(|_| Problem::internal())?;
    if let Some(charged) = charged {
        let purpose = purpose(job, now);
        match charged {
            true => ledger::commit(&mut tx, &purpose, job.cost()).await?,
            false => ledger::release(&mut tx, &purpose, job.cost()).await?,
        }
    }
    // What is wrong with a trace stands on its dataset, and goes with it.
    let shown = text.as_deref().filter(|_| job.kind != "parse");
    let end = End { state, charged, problem: shown, model: None, release: None };
    if !claims::finish(&mut tx, job, &end, now).await? {
        // Another attempt has it: nothing of this one stays, the ledger's entry least of all.
        return Ok(());
    }
    if job.kind == "parse" {
        reject(app, &mut tx, job, &problem.cloned().unwrap_or_else(Problem::parse_cancelled)).await?;
    }
    tx.commit().await?;
    if job.kind == "fit" {
        measuring::forget(app, job.id).await;
    }
    Ok(())
}

fn purpose<'a>(job: &Job, now: i64) -> Purpose<'a> {
    Purpose { tenant: job.tenant_id, population: job.population_id, job: job.id, actor: "worker", now }
}

fn request<T: serde::de::DeserializeOwned>(job: &Job) -> Result<T, Stopped> {
    serde_json::from_str(&job.request).map_err(|error| broken("a stored request cannot be read", error))
}

/// The dataset of a job and the file with its trace.
fn source(app: &App, runtime: &Handle, job: &Job) -> Result<(Dataset, PathBuf), Stopped> {
    let dataset = runtime.block_on(async {
        let mut tx = app.read("work.source").await?;
        let found = datasets::find(&mut tx, job.tenant_id, job.dataset_id).await?;
        found.ok_or_else(|| Problem::not_found("dataset"))
    })?;
    let path = dataset
        .trace_path
        .as_deref()
        .ok_or_else(|| Problem::conflict("/problems/no-trace", "the raw trace is not there (any more)"))?;
    let file = app.artifacts.path(path)?;
    Ok((dataset, file))
}

/// The key by which the people of a job are held out, the same for all their datasets.
fn split_key(app: &App, runtime: &Handle, job: &Job) -> Result<SplitKey, Stopped> {
    let population = runtime.block_on(async {
        let mut tx = app.read("work.split_key").await?;
        Ok::<_, Problem>(populations::find(&mut tx, job.population_id).await?)
    })?;
    let kept = population.and_then(|p| <[u8; 32]>::try_from(p.split_key).ok());
    Ok(SplitKey::of_population(kept.ok_or_else(Problem::internal)?))
}

/// Reads the raw trace of a dataset, which parsing accepted before: what it may unpack to was decided then.
fn raw(dataset: &Dataset, file: &Path, seen: &dyn Observer) -> Result<(Bound, Sensitive<Trace>), Stopped> {
    let schema = schema_of(dataset)?;
    let bound = formats::bind(file, schema, Limits::NONE, seen).map_err(refused)?;
    let (trace, _) = formats::read(file, &bound, ReadOptions::default(), seen).map_err(refused)?;
    Ok((bound, trace))
}

/// What the steward reads when a trace is refused: where and why, with at most twenty records quoted.
fn refused(error: ReadError) -> Stopped {
    match error {
        ReadError::Cancelled(_) => Stopped::Cancelled,
        // Another attempt would not find it either.
        ReadError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::error!(%error, "a trace is gone from the store");
            Problem::conflict("/problems/no-trace", "the raw trace is gone from the store; upload it again")
                .into()
        }
        ReadError::Io(error) => broken("a trace cannot be read", error),
        ReadError::BadRecords(report) => {
            bad_records("records cannot be read; mend the file and upload it again", *report)
        }
        ReadError::Mixture(report) => {
            let detail = "a column is written in two notations; write it in one and upload the file again";
            bad_records(detail, *report)
        }
        ReadError::Unpacked { by, .. } => {
            let setting = match by {
                Limit::Bytes => "NETDPSYN_MAX_DECOMPRESSED_BYTES",
                Limit::Ratio => "NETDPSYN_MAX_COMPRESSION_RATIO",
            };
            let problem = Problem::trace(format!("{error} ({setting})"));
            Stopped::Failed(problem.with("private", true).with("limit", setting))
        }
        other => Stopped::Failed(Problem::trace(other.to_string()).with("private", true)),
    }
}

fn bad_records(detail: &str, report: Private<formats::Report>) -> Stopped {
    let quoted = serde_json::to_value(report.for_steward(&Steward::keeper()).first_bad).unwrap_or_default();
    Stopped::Failed(Problem::trace(detail).with("private", true).with("bad_records", quoted))
}

/// Reads an upload, or again what is declared otherwise now: the dataset becomes ready, or rejected with the reason.
fn parse(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let (dataset, file) = source(app, runtime, job)?;
    // As it is declared, not as it was bound to an earlier trace.
    let declared = serde_json::from_str(&dataset.schema)
        .map_err(|error| broken("a stored schema cannot be read", error))?;
    let limits = Limits { bytes: app.config.max_decompressed, ratio: app.config.max_ratio };
    let bound = formats::bind(&file, declared, limits, seen).map_err(refused)?;
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let report = formats::check(&file, &bound, options, seen).map_err(refused)?;
    let schema =
        serde_json::to_string(&bound.schema).map_err(|error| broken("a schema cannot be written", error))?;
    let mut report = serde_json::to_value(report.for_steward(&Steward::keeper())).unwrap_or_default();
    report["private"] = true.into();
    runtime.block_on(async {
        let mut tx = app.begin("work.parse").await?;
        let now = tx.now().await?;
        let end = End { state: "succeeded", charged: None, problem: None, model: None, release: None };
        fence(claims::finish(&mut tx, job, &end, now).await?)?;
        let report = report.to_string();
        looks::add(&mut tx, job.population_id, Look::ParseReport, now).await?;
        datasets::bind(&mut tx, dataset.id, Some(&schema)).await?;
        datasets::set_state(&mut tx, dataset.id, "ready", dataset.trace(), Some(&report), None).await?;
        Ok(tx.commit().await?)
    })
}

/// A fence that holds: the attempt still has its lease.
fn fence(held: bool) -> Result<(), Stopped> {
    if held { Ok(()) } else { Err(Stopped::Lost) }
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

/// Measures a dataset and commits the measurements.
fn measure(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let asked: FitRequest = request(job)?;
    let mut plan = plan(&asked)?;
    let (dataset, file) = source(app, runtime, job)?;
    let (bound, trace) = raw(&dataset, &file, seen)?;
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
    let mut tx = app.begin("work.commit_model").await?;
    let now = tx.now().await?;
    let model = models::Model {
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
        evaluate: asked.evaluate,
    };
    let generation = serde_json::to_string(&generation).map_err(text)?;
    let rows = asked.rows.unwrap_or(records);
    let memory = Some(estimate::generation(&bundle.schema, rows, model.memory) as i64);
    let next = Job { model_id: Some(model.id), memory, ..queued(dataset, "generate", generation, now) };
    ledger::commit(&mut tx, &purpose(job, now), job.cost()).await?;
    models::add(&mut tx, &model).await?;
    let (model, charged) = (Some(model.id), Some(true));
    let end = End { state: "succeeded", charged, problem: None, model, release: None };
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

/// Queues a job that follows another. What no server can hold fails at once: waiting, it would keep its dataset busy.
async fn follow(tx: &mut Tx, next: &Job, now: i64) -> Result<(), Stopped> {
    jobs::add(tx, next).await?;
    let needed = next.memory.unwrap_or(0).unsigned_abs();
    if let Err(problem) = capacity::admit(tx, needed, |rows| rows.max(needed)).await {
        let text = serde_json::to_string(&problem.with("private", true));
        let text = text.map_err(|error| broken("a problem cannot be written", error))?;
        jobs::refuse(tx, next.id, &text, now).await?;
    }
    Ok(())
}

fn scratch(app: &App, job: &Job) -> PathBuf {
    app.artifacts.scratch().join(format!("{}-{}", job.id, job.attempt))
}

/// The bundle of a job's model, and what paid for it.
fn bundle(app: &App, runtime: &Handle, job: &Job) -> Result<(Bundle, ChargeView), Stopped> {
    let (model, charge) = runtime.block_on(async {
        let mut tx = app.read("work.bundle").await?;
        let found = models::find(&mut tx, job.tenant_id, job.model_id.unwrap_or_default()).await?;
        let model = found.ok_or_else(|| Problem::not_found("model"))?;
        // A model is made in the transaction that charges for it.
        let charge = budget::charge_of(&mut tx, model.job_id).await?.ok_or_else(Problem::internal)?;
        Ok::<_, Problem>((model, charge))
    })?;
    let file = std::fs::File::open(app.artifacts.path(&model.bundle_path)?)
        .map_err(|error| broken("a bundle cannot be opened", error))?;
    let bundle = Bundle::read(std::io::BufReader::new(file))
        .map_err(|error| broken("a bundle cannot be read", error))?;
    Ok((bundle, charge))
}

/// Generates a trace from a model: a draft release with its report.
fn synthesise(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let asked: GenerateRequest = request(job)?;
    let (bundle, charge) = bundle(app, runtime, job)?;
    let model = Model::from_bundle(&bundle, seen)?;
    let seed = asked.seed.unwrap_or_else(rand::random);
    let rows = asked.rows.map(|rows| generate::rounded_rows(rows as usize));
    let request = Request { rows, seed, options: asked.options };
    let most = estimate::most_rows(app.config.max_rows, Some(model::records(&bundle).round() as u64));
    if request.rows(&model) as u64 > most {
        return Err(too_many_rows(most).into());
    }
    // Nobody works for an hour on what cannot be stored.
    disk::check(app, estimate::disk_of_generation(&model.schema, request.rows(&model) as u64))?;
    let made = generate::make(&model, &request, Some(app.artifacts.scratch()), seen)?;
    let (rows, convergence) = (made.rows, made.convergence);
    // Written and counted slice by slice: the whole trace is never in memory.
    let name = format!("{}-{}", job.id, job.attempt);
    let file = tempfile::Builder::new().prefix(&name).tempfile_in(app.artifacts.scratch());
    let file = file.map_err(StorageError::from)?;
    let to = std::io::BufWriter::with_capacity(1 << 16, file.as_file());
    let mut writer = CsvWriter::new(&model.schema, to, rows as u64).map_err(StorageError::from)?;
    let slices = release::Slices::of(&bundle, rows, app.artifacts.scratch());
    let mut slices = slices.map_err(StorageError::from)?;
    made.in_order(seen, |slice| {
        writer.write(&slice, seen)?;
        slices.add(&slice, seen)
    })?;
    writer.finish()?;
    let report = StoredReport {
        fidelity: slices.report(model.records, seen)?,
        statement: bundle.statement,
        ledger: Some(charge),
        convergence,
    };
    let report =
        serde_json::to_string(&report).map_err(|error| broken("a report cannot be written", error))?;
    let trace_path = format!("releases/{}/{}.csv", job.id, job.attempt);
    let ended = runtime.block_on(async {
        let stored = app.artifacts.adopt(&trace_path, file.path()).await?;
        let id = Uuid::new_v4();
        let mut tx = app.begin("work.synthesise").await?;
        let now = tx.now().await?;
        if let Err(problem) = limits::check_room(app, &mut tx, job.tenant_id, stored.bytes).await {
            return Err(Stopped::Failed(problem));
        }
        let end = End { state: "succeeded", charged: None, problem: None, model: None, release: Some(id) };
        fence(claims::finish(&mut tx, job, &end, now).await?)?;
        let release = releases::Release {
            id,
            tenant_id: job.tenant_id,
            dataset_id: job.dataset_id,
            model_id: job.model_id.unwrap_or_default(),
            job_id: job.id,
            state: "draft".into(),
            trace_path: trace_path.clone(),
            trace_sha256: stored.sha256,
            bytes: stored.bytes as i64,
            row_count: rows as i64,
            rows_by_hand: asked.rows.is_some(),
            seed: seed.to_string(),
            report,
            private_report: None,
            private_opened_at: None,
            opened_before: None,
            declared_late: None,
            created_at: now,
            published_at: None,
        };
        releases::add(&mut tx, &release).await?;
        if asked.evaluate
            && let Some(dataset) = datasets::find(&mut tx, job.tenant_id, job.dataset_id).await?
        {
            let what = serde_json::json!({ "release_id": id }).to_string();
            let raw = report_of(&dataset).map(|report| report.records);
            let schema = &model.schema;
            let memory = raw.map(|raw| estimate::evaluation(schema, raw + rows as u64) as i64);
            let next = Job {
                model_id: job.model_id,
                release_id: Some(id),
                memory,
                ..queued(&dataset, "evaluate", what, now)
            };
            follow(&mut tx, &next, now).await?;
        }
        tx.commit().await?;
        app.queued.notify_waiters();
        Ok(())
    });
    runtime.block_on(named(app, &trace_path, ended))
}

/// Takes a file away again that came to no transaction which names it. Where the database went away nobody knows: what nothing names is swept.
async fn named(app: &App, path: &str, ended: Result<(), Stopped>) -> Result<(), Stopped> {
    let unknown = matches!(&ended, Err(Stopped::Failed(problem)) if problem.status == 503);
    if ended.is_err()
        && !unknown
        && let Err(error) = app.artifacts.delete(path).await
    {
        tracing::error!(%error, "a file that nothing names could not be removed");
    }
    ended
}

/// Compares a release with the raw trace, for its steward. What its fit held out is told apart again, and tells what sampling alone costs.
fn compare(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let id = job.release_id.unwrap_or_default();
    let (release, model, fit) = runtime.block_on(async {
        let mut tx = app.read("work.release").await?;
        let release = releases::find(&mut tx, job.tenant_id, id).await?;
        let release = release.ok_or_else(|| Problem::not_found("release"))?;
        let model = models::find(&mut tx, job.tenant_id, release.model_id).await?;
        let model = model.ok_or_else(|| Problem::not_found("model"))?;
        let fit = jobs::find(&mut tx, job.tenant_id, model.job_id).await?;
        Ok::<_, Problem>((release, model, fit.ok_or_else(|| Problem::not_found("job"))?))
    })?;
    let (dataset, file) = source(app, runtime, job)?;
    let measured: Measuring = fit
        .measuring
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(Problem::internal)?;
    if dataset.trace_sha256.as_ref() != Some(&measured.trace_sha256) {
        let detail = "the dataset has another trace now than the one that was fitted; there is nothing to compare with";
        return Err(Problem::conflict("/problems/trace-replaced", detail).into());
    }
    let (bound, trace) = raw(&dataset, &file, seen)?;
    let statement: Statement = serde_json::from_str(&model.statement)
        .map_err(|error| broken("a statement cannot be read", error))?;
    let (real, held_out) = match statement.held_out {
        false => (trace, None),
        true => {
            let (kept, held_out) = split::split(trace, &split_key(app, runtime, job)?, seen)?;
            (kept, Some(held_out))
        }
    };
    let path = app.artifacts.path(&release.trace_path)?;
    // It was written under this schema: its notations are the ones that it was written in.
    let synthetic = formats::read_written(&path, &bound.schema, seen).map_err(refused)?;
    let inputs = Inputs { real, held_out, synthetic: &synthetic, schema: &bound.schema, only: &[] };
    let report = private::evaluate(inputs, seen)?.for_steward(&Steward::keeper());
    let report =
        serde_json::to_string(&report).map_err(|error| broken("a report cannot be written", error))?;
    runtime.block_on(async {
        let mut tx = app.begin("work.keep_comparison").await?;
        let end = End { state: "succeeded", charged: None, problem: None, model: None, release: None };
        let dataset = datasets::lock(&mut tx, job.tenant_id, job.dataset_id).await?;
        if dataset.and_then(|d| d.trace_sha256) != Some(measured.trace_sha256) {
            return Err(
                Problem::conflict("/problems/no-trace", "the raw trace is not there (any more)").into()
            );
        }
        let now = tx.now().await?;
        fence(claims::finish(&mut tx, job, &end, now).await?)?;
        releases::set_private_report(&mut tx, id, &report).await?;
        Ok(tx.commit().await?)
    })
}
