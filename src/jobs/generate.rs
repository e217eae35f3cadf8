//! What a generation does: makes a trace from a model, a draft release with its report.

use super::end::{fence, follow, named};
use super::stopped::{Stopped, broken};
use super::watch::Observer;
use crate::evaluate::release;
use crate::formats::CsvWriter;
use crate::generate::{self, Request};
use crate::model::{self, Bundle, Model};
use crate::service::app::App;
use crate::service::budget::{self, ChargeView};
use crate::service::datasets::report_of;
use crate::service::disk;
use crate::service::estimate;
use crate::service::limits;
use crate::service::problem::Problem;
use crate::service::queued::queued;
use crate::service::releases::StoredReport;
use crate::service::requests::{EvaluateRequest, GenerateRequest, asked};
use crate::service::submit::{too_many_rows, unconditioned};
use crate::storage::StorageError;
use crate::storage::claims::{self, End};
use crate::storage::jobs::Job;
use crate::storage::releases::{self, StoredState};
use crate::storage::{datasets, models};
use tokio::runtime::Handle;
use uuid::Uuid;

/// The bundle of a model, and what paid for it.
fn bundle(app: &App, runtime: &Handle, tenant: Uuid, model: Uuid) -> Result<(Bundle, ChargeView), Stopped> {
    let (model, charge) = runtime.block_on(async {
        let mut tx = app.read("generate.bundle").await?;
        let found = models::find(&mut tx, tenant, model).await?;
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
pub(super) fn generate(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let asked: GenerateRequest = asked(job)?;
    let (bundle, charge) = bundle(app, runtime, job.tenant_id, asked.model_id)?;
    let model = Model::from_bundle(&bundle, seen)?;
    let seed = asked.seed.unwrap_or_else(rand::random);
    let rows = asked.rows.map(|rows| generate::rounded_rows(rows as usize));
    let on_model = asked.condition.as_ref().map(|condition| condition.on(&model)).transpose();
    let condition = on_model.map_err(unconditioned)?;
    let request = Request { rows, seed, options: asked.options, condition };
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
    let condition = asked.condition.as_ref().map(serde_json::to_string).transpose();
    let condition = condition.map_err(|error| broken("a condition cannot be written", error))?;
    let trace_path = format!("releases/{}/{}.csv", job.id, job.attempt);
    let ended = runtime.block_on(async {
        let stored = app.artifacts.adopt(&trace_path, file.path()).await?;
        let id = Uuid::new_v4();
        let mut tx = app.begin("generate.keep").await?;
        let now = tx.now().await?;
        if let Err(problem) = limits::check_room(app, &mut tx, job.tenant_id, stored.bytes).await {
            return Err(Stopped::Failed(problem));
        }
        let end = End { release: Some(id), ..End::succeeded() };
        fence(claims::finish(&mut tx, job, &end, now).await?)?;
        let release = releases::Release {
            id,
            tenant_id: job.tenant_id,
            dataset_id: job.dataset_id,
            model_id: asked.model_id,
            job_id: job.id,
            state: StoredState::Draft,
            trace_path: trace_path.clone(),
            trace_sha256: stored.sha256,
            bytes: stored.bytes as i64,
            row_count: rows as i64,
            rows_by_hand: asked.rows.is_some(),
            seed: seed.to_string(),
            condition,
            report,
            private_report: None,
            private_opened_at: None,
            opened_before: None,
            declared_late: None,
            created_at: now,
            published_at: None,
            access: None,
            series: None,
            publication: None,
            public_report: None,
            attestation: None,
            withdrawn_at: None,
            withdrawn_reason: None,
            withdrawal: None,
            dataset_name: None,
        };
        releases::add(&mut tx, &release).await?;
        if asked.evaluate
            && let Some(dataset) = datasets::find(&mut tx, job.tenant_id, job.dataset_id).await?
        {
            let raw = report_of(&dataset).map(|report| report.records);
            let schema = &model.schema;
            let memory = raw.map(|raw| estimate::evaluation(schema, raw + rows as u64) as i64);
            let next = Job {
                model_id: Some(asked.model_id),
                release_id: Some(id),
                memory,
                ..queued(&dataset, &EvaluateRequest { release_id: id }, now)?
            };
            follow(&mut tx, &next, now).await?;
        }
        tx.commit().await?;
        app.queued.notify_waiters();
        Ok(())
    });
    runtime.block_on(named(app, &trace_path, ended))
}
