//! Jobs are accepted with their whole cost reserved, or refused for a reason that says what would be accepted.

use super::acceptance::{Accepted, Unconfirmed};
use super::app::{App, Caller};
use super::budget::left;
use super::capacity;
use super::datasets::{open_field, own, own_locked, report_of, schema_of};
use super::disk;
use super::estimate;
use super::jobs::{JobView, view};
use super::problem::{Problem, ProblemType};
use super::queued::queued;
use super::requests::{FitRequest, GenerateRequest, NewJob};
use crate::fit::{Plan, Room};
use crate::generate::{self, Asked, ConditionError, rounded_rows};
use crate::ledger::{self, Amount};
use crate::storage::datasets::{Dataset, DatasetState};
use crate::storage::jobs::{self, Job};
use crate::storage::ledger::{Purpose, reserve};
use crate::storage::{Tx, datasets, idempotency, models, populations, releases};
use crate::trace::Schema;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Accepts a job. With an idempotency key the same request gives the same job again.
pub async fn submit(app: &App, caller: &Caller, new: NewJob, key: Option<&str>) -> Result<JobView, Problem> {
    let tenant = caller.steward()?;
    if !key.is_none_or(|key| (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(Problem::invalid("Idempotency-Key", "a key is 1 to 200 visible ASCII characters"));
    }
    if matches!(new, NewJob::Fit(_)) {
        super::journal::check(app).await?;
    }
    let body = serde_json::to_vec(&new).map_err(|_| Problem::internal())?;
    let body = Sha256::digest(&body).to_vec();
    let mut tx = app.begin("submit.accept").await?;
    let now = tx.now().await?;
    if let Some(key) = key
        && let Some((job, digest)) = idempotency::find(&mut tx, tenant, key).await?
    {
        return repeated(&mut tx, tenant, job, digest == body).await;
    }
    if jobs::open(&mut tx, tenant).await? >= app.config.max_open_jobs {
        let most = app.config.max_open_jobs;
        return Err(Problem::too_many(format!(
            "a tenant may have {most} jobs waiting and running; wait for some to end"
        )));
    }
    capacity::admit_request(&mut tx, new.version()).await?;
    let job = match &new {
        NewJob::Fit(request) => {
            // Within the reserving transaction: the database may have been put back a moment ago.
            super::journal::check_within(app, &mut tx).await?;
            fit_job(app, &mut tx, tenant, caller, request, now).await?
        }
        NewJob::Generate(request) => {
            let model = models::find(&mut tx, tenant, request.model_id).await?;
            let model = model.ok_or_else(|| Problem::not_found("model"))?;
            let dataset = own(&mut tx, tenant, model.dataset_id).await?;
            let records = model.records.map(|records| records as u64);
            let most = estimate::most_rows(app.config.max_rows, records);
            let making = Making { rows: request.rows, seed: request.seed, options: &request.options };
            let rows = checked_rows(&mut tx, making, &dataset, most).await?;
            let request = GenerateRequest { rows, ..request.clone() };
            let (schema, rows) = (schema_of(&dataset)?, request.rows.or(records).unwrap_or(0));
            check_condition(request.condition.as_ref(), &schema)?;
            let conditioned = request.condition.is_some();
            let bytes = |rows| estimate::generation(&schema, rows, conditioned, model.memory);
            let refused = |problem| Problem { field: Some("rows".into()), ..problem };
            capacity::admit(&mut tx, bytes(rows), bytes).await.map_err(refused)?;
            // Without a number of rows the job itself finds out.
            disk::check(app, estimate::disk_of_generation(&schema, rows))?;
            let memory = Some(bytes(rows) as i64);
            Job { model_id: Some(model.id), memory, ..queued(&dataset, &request, now)? }
        }
        NewJob::Evaluate(request) => {
            let release = releases::find(&mut tx, tenant, request.release_id).await?;
            let release = release.ok_or_else(|| Problem::not_found("release"))?;
            let dataset = own_locked(&mut tx, tenant, release.dataset_id).await?;
            if dataset.state != DatasetState::Ready {
                return Err(Problem::conflict(
                    ProblemType::NoTrace,
                    "this dataset has no raw trace; it was erased, or never uploaded",
                ));
            }
            let memory = evaluation_memory(&mut tx, &dataset, &release).await?;
            Job {
                model_id: Some(release.model_id),
                release_id: Some(release.id),
                memory,
                ..queued(&dataset, request, now)?
            }
        }
    };
    jobs::add(&mut tx, &job).await?;
    if let Some(key) = key
        && !idempotency::add(&mut tx, tenant, key, &body, job.id).await?
    {
        // Another request with this key came first; what was done here is undone.
        drop(tx);
        let mut tx = app.read("submit.repeated").await?;
        let found = idempotency::find(&mut tx, tenant, key).await?;
        let (job, digest) = found.ok_or_else(|| {
            Problem::conflict(ProblemType::InFlight, "a request with this key is under way")
        })?;
        return repeated(&mut tx, tenant, job, digest == body).await;
    }
    tx.commit().await?;
    app.queued.notify_waiters();
    Ok(view(job))
}

async fn repeated(tx: &mut Tx, tenant: Uuid, job: Uuid, same: bool) -> Result<JobView, Problem> {
    if !same {
        return Err(Problem::invalid("Idempotency-Key", "this key was used with another body"));
    }
    jobs::find(tx, tenant, job).await?.map(view).ok_or_else(Problem::internal)
}

/// Request for a generation.
struct Making<'a> {
    rows: Option<u64>,
    seed: Option<u64>,
    options: &'a generate::GenerateOptions,
}

/// The rows of a trace to be made, rounded; refuses what may not be asked for. Under a strict population the seed is the server's.
async fn checked_rows(
    tx: &mut Tx,
    making: Making<'_>,
    dataset: &Dataset,
    most_rows: u64,
) -> Result<Option<u64>, Problem> {
    let population = populations::find(tx, dataset.population_id).await?;
    if making.seed.is_some() && population.is_some_and(|p| p.strict) {
        return Err(Problem::invalid("seed", "this population is strict: seeds are drawn by the server"));
    }
    if making.options.rounds > generate::options::MAX_ROUNDS {
        return Err(Problem::invalid("options.rounds", "rounds is 0 to 1,000"));
    }
    let rows = making.rows.map(|rows| rounded_rows(rows as usize) as u64);
    if rows.is_some_and(|rows| rows == 0 || rows > most_rows) {
        return Err(too_many_rows(most_rows));
    }
    Ok(rows)
}

/// Refuses a condition on what is no category. Whether the model holds any of it the job itself finds out.
fn check_condition(condition: Option<&Asked>, schema: &Schema) -> Result<(), Problem> {
    condition.map_or(Ok(()), |asked| asked.values(schema).map(drop).map_err(unconditioned))
}

/// Refuses a condition.
pub fn unconditioned(error: ConditionError) -> Problem {
    Problem::invalid("condition", error.to_string())
}

/// Refuses more records than may be made.
pub fn too_many_rows(most: u64) -> Problem {
    let detail = format!(
        "rows is 1 to {most} here: at most a hundred times the records that the model was measured on, as far as its noise tells, and NETDPSYN_MAX_ROWS"
    );
    Problem::invalid("rows", detail).with("most_rows", most)
}

/// Memory that comparing a release with its raw trace takes; refuses what no server can hold.
async fn evaluation_memory(
    tx: &mut Tx,
    dataset: &Dataset,
    release: &releases::Release,
) -> Result<Option<i64>, Problem> {
    let Some(report) = report_of(dataset) else { return Ok(None) };
    let schema = schema_of(dataset)?;
    let bytes = |rows| estimate::evaluation(&schema, report.records + rows);
    let needed = bytes(release.row_count as u64);
    capacity::admit(tx, needed, bytes).await.map_err(|problem| problem.with("private", true))?;
    Ok(Some(needed as i64))
}

async fn fit_job(
    app: &App,
    tx: &mut Tx,
    tenant: Uuid,
    caller: &Caller,
    request: &FitRequest,
    now: i64,
) -> Result<Job, Problem> {
    let plan = request.plan()?;
    let dataset = own(tx, tenant, request.dataset_id).await?;
    let making = Making { rows: request.rows, seed: request.seed, options: &request.generate };
    // N̂ is not known yet: what is more than a hundred times as much is found out when the trace is made.
    let most = estimate::most_rows(app.config.max_rows, None);
    checked_rows(tx, making, &dataset, most).await?;
    let schema = schema_of(&dataset)?;
    let asked = if request.options.gaps { schema.with_gaps() } else { schema.clone() };
    if let Err(error) = asked.check_complete() {
        let (field, detail) = open_field(&error);
        return Err(Problem::invalid(field, detail));
    }
    plan.check_families(&schema).map_err(|error| Problem::invalid("method", error.to_string()))?;
    check_condition(request.condition.as_ref(), &schema)?;
    check_confirmed(request, &plan, &schema, &dataset)?;
    disk::check(app, Room::of(&plan, &schema).bytes())?;
    let bytes = |records| estimate::fit(&schema, &plan.options, records);
    let needed = report_of(&dataset).map(|report| bytes(report.records));
    if let Some(needed) = needed {
        capacity::admit(tx, needed, bytes).await.map_err(|problem| problem.with("private", true))?;
    }
    let mut job = queued(&dataset, request, now)?;
    job.memory = needed.map(|needed| needed as i64);
    let cost = Amount::rho(plan.allowance());
    (job.rho, job.delta) = crate::storage::accounts::signed(cost)?;
    let purpose = Purpose { tenant, population: dataset.population_id, job: job.id, actor: &caller.key, now };
    if !reserve(tx, &purpose, cost).await? {
        let accounts = left(tx, tenant, dataset.population_id).await?;
        let left = accounts.rho();
        return Err(Problem::budget_exhausted(
            cost.rho,
            left.units(),
            &accounts.short_of(cost),
            ledger::largest_epsilon(left, request.delta),
        ));
    }
    // From here on the declaration stands, notations included; it must be the one that was checked.
    let locked = own_locked(tx, tenant, dataset.id).await?;
    if locked.state != DatasetState::Ready {
        return Err(Problem::conflict(
            ProblemType::NotReady,
            format!("the dataset is {}; upload a trace and wait until it is ready", locked.state),
        ));
    }
    if schema_of(&locked)? != schema || locked.report != dataset.report {
        return Err(Problem::conflict(
            ProblemType::DeclarationChanged,
            "the declaration or the trace changed meanwhile; submit again",
        ));
    }
    datasets::freeze(tx, dataset.id, &super::datasets::stored(&schema)?).await?;
    Ok(job)
}

/// Refuses a fit that would mislead, unless its steward says that it is wanted all the same. A dataset that is not ready is refused later.
fn check_confirmed(
    request: &FitRequest,
    plan: &Plan,
    schema: &Schema,
    dataset: &Dataset,
) -> Result<(), Problem> {
    let accepted = Accepted { noise: request.accept_noise, outside: request.accept_outside };
    let unconfirmed = report_of(dataset)
        .and_then(|report| Unconfirmed::of(plan, request.hold_out, schema, &report, accepted));
    let (field, unconfirmed) = match unconfirmed {
        None => return Ok(()),
        Some(outside @ Unconfirmed::Outside(_)) => ("accept_outside", outside),
        Some(little) => ("accept_noise", little),
    };
    let problem = Problem::invalid(field, format!("{unconfirmed}, or confirm it with \"{field}\": true"));
    let problem = Problem { kind: ProblemType::Unconfirmed, title: "The fit would mislead", ..problem };
    Err(match unconfirmed {
        Unconfirmed::Outside(columns) => problem.with(
            "outside",
            columns.into_iter().map(|(name, share)| (name, share.into())).collect::<serde_json::Map<_, _>>(),
        ),
        Unconfirmed::TooLittle { expected, epsilon, rows } => problem
            .with("records_error", expected.records_error)
            .with("cell_error", expected.cell_error)
            .with("enough_epsilon", epsilon)
            .with("enough_rows", rows),
    }
    .with("private", true))
}
