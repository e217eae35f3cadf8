//! What a parse job does.

use super::end::fence;
use super::source::{refused, source};
use super::stopped::{Stopped, broken};
use super::watch::Observer;
use crate::formats::Steward;
use crate::formats::{self, Limits, ReadOptions};
use crate::service::app::App;
use crate::storage::claims::{self, End};
use crate::storage::datasets::{self, State};
use crate::storage::jobs::Job;
use crate::storage::looks::{self, Look};
use tokio::runtime::Handle;

/// Reads an upload, or again what is declared otherwise now: the dataset becomes ready, or rejected with the reason.
pub(super) fn parse(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
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
    let mut report = serde_json::to_value(report.for_steward(&Steward::keeper()))
        .map_err(|error| broken("a report cannot be written", error))?;
    report["private"] = true.into();
    runtime.block_on(async {
        let mut tx = app.begin("parse.keep").await?;
        let now = tx.now().await?;
        fence(claims::finish(&mut tx, job, &End::succeeded(), now).await?)?;
        let report = report.to_string();
        looks::add(&mut tx, job.population_id, Look::ParseReport, now).await?;
        datasets::bind(&mut tx, dataset.id, Some(&schema)).await?;
        datasets::set_state(&mut tx, dataset.id, State::Ready, dataset.trace(), Some(&report), None).await?;
        Ok(tx.commit().await?)
    })
}
