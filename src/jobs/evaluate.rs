//! What an evaluation does: compares a release with the raw trace, for its steward.

use super::end::fence;
use super::measuring::Measuring;
use super::source::{no_trace, raw, refused, source, split_key};
use super::stopped::{Stopped, broken};
use super::watch::Observer;
use crate::account::Statement;
use crate::evaluate::private::{self, Inputs};
use crate::fit::split;
use crate::formats;
use crate::formats::Steward;
use crate::service::app::App;
use crate::service::problem::{Problem, ProblemType};
use crate::service::requests::{EvaluateRequest, asked};
use crate::storage::claims::{self, End};
use crate::storage::jobs::{self, Job};
use crate::storage::{datasets, models, releases};
use tokio::runtime::Handle;

/// Evaluates a release. The records that its fit held out are separated again; they show the error of
/// sampling alone.
pub(super) fn evaluate(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let EvaluateRequest { release_id: id } = asked(job)?;
    let (release, model, fit) = runtime.block_on(async {
        let mut tx = app.read("evaluate.release").await?;
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
        return Err(Problem::conflict(ProblemType::TraceReplaced, detail).into());
    }
    let (bound, trace) = raw(&dataset, &file, app.artifacts.scratch(), seen)?;
    let statement: Statement = serde_json::from_str(&model.statement)
        .map_err(|error| broken("a statement cannot be read", error))?;
    let (real, held_out) = match statement.held_out {
        false => (trace, None),
        true => {
            let (kept, held_out) = split::split(trace, &bound.schema, &split_key(app, runtime, job)?, seen)?;
            (kept, Some(held_out))
        }
    };
    let path = app.artifacts.path(&release.trace_path)?;
    // It was written under this schema: its notations are the ones that it was written in.
    let synthetic = formats::read_written(&path, &bound.schema, seen).map_err(refused)?;
    let inputs = Inputs { real, held_out, synthetic: &synthetic, schema: &bound.schema, only: &[] };
    let mut report = private::evaluate(inputs, seen)?.for_steward(&Steward::keeper());
    if let Some(condition) = &release.condition {
        let asked = serde_json::from_str(condition);
        report = report.under(asked.map_err(|error| broken("a condition cannot be read", error))?);
    }
    let report =
        serde_json::to_string(&report).map_err(|error| broken("a report cannot be written", error))?;
    runtime.block_on(async {
        let mut tx = app.begin("evaluate.keep").await?;
        let dataset = datasets::lock(&mut tx, job.tenant_id, job.dataset_id).await?;
        if dataset.and_then(|d| d.trace_sha256) != Some(measured.trace_sha256) {
            return Err(no_trace().into());
        }
        let now = tx.now().await?;
        fence(claims::finish(&mut tx, job, &End::succeeded(), now).await?)?;
        releases::set_private_report(&mut tx, id, &report).await?;
        Ok(tx.commit().await?)
    })
}
