//! What a parse job does.

use super::end::fence;
use super::source::{refused, source};
use super::stopped::{Stopped, broken};
use super::watch::Observer;
use crate::formats::{self, Amended, Amendment, Limits, ReadError, ReadOptions, Steward};
use crate::service::app::App;
use crate::storage::claims::{self, End};
use crate::storage::datasets::{self, DatasetState};
use crate::storage::jobs::Job;
use crate::storage::looks::{self, PrivateLook};
use crate::trace::Schema;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::runtime::Handle;

/// Reads an upload, or again what is declared otherwise now: the dataset becomes ready, or rejected with the reason.
pub(super) fn parse(app: &App, runtime: &Handle, job: &Job, seen: &dyn Observer) -> Result<(), Stopped> {
    let (dataset, file) = source(app, runtime, job)?;
    // As it is declared, not as it was bound to an earlier trace.
    let declared: Schema = serde_json::from_str(&dataset.schema)
        .map_err(|error| broken("a stored schema cannot be read", error))?;
    let limits = Limits { bytes: app.config.max_decompressed, ratio: app.config.max_ratio };
    let bound = formats::bind(&file, declared.clone(), limits, seen).map_err(refused)?;
    let bound = bound.with_scratch(app.artifacts.scratch());
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let report = formats::check(&file, &bound, options, seen);
    let report = report.map_err(|error| with_proposal(error, &file, &declared, limits, seen))?;
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
        looks::add(&mut tx, job.population_id, PrivateLook::ParseReport, now).await?;
        datasets::bind(&mut tx, dataset.id, Some(&schema)).await?;
        datasets::set_state(&mut tx, dataset.id, DatasetState::Ready, dataset.trace(), Some(&report), None)
            .await?;
        Ok(tx.commit().await?)
    })
}

/// Why a file is refused; of cells that cannot be read with what could be declared of them, as the dataset takes it.
fn with_proposal(
    error: ReadError,
    file: &Path,
    declared: &Schema,
    limits: Limits,
    seen: &dyn Observer,
) -> Stopped {
    let of_cells = matches!(error, ReadError::BadRecords(_) | ReadError::Mixture(_));
    match refused(error) {
        Stopped::Failed(problem) if of_cells => match formats::amend(file, declared, limits, seen) {
            Ok(Some(amended)) => {
                let amended = amended.for_steward(&Steward::keeper());
                let [looked_at, read] = amended.looked_at;
                let proposal = problem.with("proposal", declaration(declared, &amended));
                Stopped::Failed(proposal.with("proposal_reads", json!({"records": read, "of": looked_at})))
            }
            Ok(None) => Stopped::Failed(problem),
            Err(error) => refused(error),
        },
        stopped => stopped,
    }
}

/// The parts of a schema that must be declared, as members of a dataset.
fn declaration(declared: &Schema, amended: &Amended) -> Value {
    let mut members = serde_json::Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.into(), value);
    if amended.schema.reading != declared.reading {
        add("reading", json!(amended.schema.reading));
    }
    let mut special = BTreeMap::new();
    for amendment in &amended.amendments {
        match amendment {
            Amendment::Special(column, cells) => {
                special.insert(column, cells);
            }
            Amendment::Addresses(families) => {
                add("addresses", json!(families));
            }
            _ => {}
        }
    }
    if !special.is_empty() {
        add("special", json!(special));
    }
    Value::Object(members)
}
