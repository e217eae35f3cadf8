//! The raw trace of a job's dataset: found, read again, and refused in words for its steward.

use super::stopped::{Stopped, broken};
use super::watch::Observer;
use crate::fit::split::SplitKey;
use crate::formats::{self, Bound, Limit, Limits, ReadError, ReadOptions};
use crate::formats::{Private, Sensitive, Steward};
use crate::service::app::App;
use crate::service::datasets::schema_of;
use crate::service::problem::{Problem, ProblemType};
use crate::storage::datasets::{self, Dataset};
use crate::storage::disk::is_full;
use crate::storage::jobs::Job;
use crate::storage::populations;
use crate::trace::Trace;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;

/// The dataset of a job and the file with its trace.
pub(super) fn source(app: &App, runtime: &Handle, job: &Job) -> Result<(Dataset, PathBuf), Stopped> {
    let dataset = runtime.block_on(async {
        let mut tx = app.read("source.find").await?;
        let found = datasets::find(&mut tx, job.tenant_id, job.dataset_id).await?;
        found.ok_or_else(|| Problem::not_found("dataset"))
    })?;
    let path = dataset.trace_path.as_deref().ok_or_else(no_trace)?;
    let file = app.artifacts.path(path)?;
    Ok((dataset, file))
}

/// The raw trace was erased, or never came.
pub(super) fn no_trace() -> Problem {
    Problem::conflict(ProblemType::NoTrace, "this dataset has no raw trace; it was erased, or never uploaded")
}

/// The key by which the people of a job are held out, the same for all their datasets.
pub(super) fn split_key(app: &App, runtime: &Handle, job: &Job) -> Result<SplitKey, Stopped> {
    let population = runtime.block_on(async {
        let mut tx = app.read("source.split_key").await?;
        Ok::<_, Problem>(populations::find(&mut tx, job.population_id).await?)
    })?;
    let kept = population.and_then(|p| <[u8; 32]>::try_from(p.split_key.0.as_slice()).ok());
    Ok(SplitKey::of_population(kept.ok_or_else(Problem::internal)?))
}

/// Reads the raw trace of a dataset, which parsing accepted before: what it may unpack to was decided then.
pub(super) fn raw(
    dataset: &Dataset,
    file: &Path,
    scratch: &Path,
    seen: &dyn Observer,
) -> Result<(Bound, Sensitive<Trace>), Stopped> {
    let schema = schema_of(dataset)?;
    let bound = formats::bind(file, schema, Limits::NONE, seen).map_err(refused)?.with_scratch(scratch);
    let (trace, _) = formats::read(file, &bound, ReadOptions::default(), seen).map_err(refused)?;
    Ok((bound, trace))
}

/// What the steward reads when a trace is refused: where and why, with at most twenty records quoted.
pub(super) fn refused(error: ReadError) -> Stopped {
    match error {
        ReadError::Cancelled(_) => Stopped::Cancelled,
        // Another attempt would not find it either.
        ReadError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::error!(%error, "a trace is missing from the store");
            Problem::conflict(ProblemType::NoTrace, "the raw trace is gone from the store; upload it again")
                .into()
        }
        ReadError::Io(error) if is_full(&error) => {
            tracing::error!(%error, "no disk space for scratch files of reading");
            Problem::disk_filled().into()
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

fn bad_records(detail: &str, report: Private<formats::ParseReport>) -> Stopped {
    match serde_json::to_value(report.for_steward(&Steward::keeper()).first_bad) {
        Ok(quoted) => {
            Stopped::Failed(Problem::trace(detail).with("private", true).with("bad_records", quoted))
        }
        Err(error) => broken("records cannot be quoted", error),
    }
}
