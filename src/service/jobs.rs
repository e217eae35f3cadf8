//! Jobs: accepted with their whole cost reserved, watched, cancelled.

use super::acceptance::{Accepted, Unconfirmed};
use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::budget::left;
use super::capacity;
use super::datasets::{open_field, own, own_locked, reject, report_of, schema_of};
use super::disk;
use super::estimate;
use super::problem::Problem;
use super::queued::queued;
use super::reading::Tagged;
use crate::fit::{self, Method, Plan, Room};
use crate::generate::{self, rounded_rows};
use crate::ledger::{self, Amount};
use crate::privacy::{Guarantee, Rho};
use crate::storage::datasets::Dataset;
use crate::storage::jobs::{self, Job};
use crate::storage::ledger::{Purpose, release, reserve};
use crate::storage::{Tx, datasets, releases, servers, tenants};
use crate::trace::Schema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A job to be done.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NewJob {
    /// Measure a dataset: pays. A first trace is generated from it.
    Fit(FitRequest),
    /// Generate a further trace from a model: costs no privacy.
    Generate(GenerateRequest),
    /// Compare a release with the raw trace: private to the steward, costs no privacy.
    Evaluate(EvaluateRequest),
}

impl NewJob {
    /// Reads a request for a job; a fault names its place.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let request = Tagged::read(body, "kind", &["fit", "generate", "evaluate"])?;
        Ok(match request.tag() {
            "fit" => NewJob::Fit(request.others()?),
            "generate" => NewJob::Generate(request.others()?),
            _ => NewJob::Evaluate(request.others()?),
        })
    }
}

/// What a fit is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "fit", "dataset_id": "0199c0de-0000-7000-8000-000000000001", "epsilon": 2.0, "delta": 1e-9, "evaluate": true}))]
pub struct FitRequest {
    /// The dataset.
    pub dataset_id: Uuid,
    /// ε: smaller protects more and keeps less.
    #[schema(minimum = 0.01, maximum = 10000)]
    pub epsilon: f64,
    /// δ.
    #[serde(default = "super::budget::default_delta")]
    #[schema(default = 1e-9, minimum = 1e-30, maximum = 1e-4)]
    pub delta: f64,
    /// `netdpsyn` or `independent`.
    #[serde(default = "default_method")]
    pub method: Method,
    /// What may be set otherwise than the method does.
    #[serde(default)]
    pub options: fit::Options,
    /// Hold out a fifth of the records, by keyed hash.
    #[serde(default)]
    pub hold_out: bool,
    /// Records of the first trace, rounded to two digits; by default as many as the noisy counts say.
    #[serde(default, deserialize_with = "crate::whole::maybe")]
    #[schema(minimum = 1, maximum = 2147483648u64, format = "int64")]
    pub rows: Option<u64>,
    /// Seed of the first trace; drawn by default.
    #[serde(default, deserialize_with = "crate::whole::maybe")]
    #[schema(maximum = 18446744073709551615u64, format = "uint64")]
    pub seed: Option<u64>,
    /// How its records are made.
    #[serde(default)]
    pub generate: generate::Options,
    /// Also compare the first trace with the raw one.
    #[serde(default)]
    pub evaluate: bool,
    /// Measure although noise leaves little; a quote says what to expect. It is not kept.
    #[serde(default, skip_serializing_if = "unkept")]
    pub accept_noise: bool,
    /// Measure although more than half of a column lies outside what is declared. It is not kept.
    #[serde(default, skip_serializing_if = "unkept")]
    pub accept_outside: bool,
}

/// That something was confirmed is never written down: neither with the job nor in a digest of its request.
fn unkept(_: &bool) -> bool {
    true
}

pub(super) fn default_method() -> Method {
    Method::Netdpsyn
}

/// What a generation is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "generate", "model_id": "0199c0de-0000-7000-8000-000000000002", "rows": 50000, "seed": 7}))]
pub struct GenerateRequest {
    /// The model.
    pub model_id: Uuid,
    /// Records, rounded to two digits; by default as many as the noisy counts say.
    #[serde(default, deserialize_with = "crate::whole::maybe")]
    #[schema(minimum = 1, maximum = 2147483648u64, format = "int64")]
    pub rows: Option<u64>,
    /// The same seed gives the same trace.
    #[serde(default, deserialize_with = "crate::whole::maybe")]
    #[schema(maximum = 18446744073709551615u64, format = "uint64")]
    pub seed: Option<u64>,
    /// How records are made: choices that cost no privacy.
    #[serde(default)]
    pub options: generate::Options,
    /// Also compare the trace with the raw one.
    #[serde(default)]
    pub evaluate: bool,
}

/// What an evaluation is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "evaluate", "release_id": "0199c0de-0000-7000-8000-000000000003"}))]
pub struct EvaluateRequest {
    /// The release.
    pub release_id: Uuid,
}

/// What a job does.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum JobKind {
    /// Reads an upload once.
    Parse,
    /// Measures a dataset, and pays.
    Fit,
    /// Makes a trace from a model.
    Generate,
    /// Compares a release with the raw trace.
    Evaluate,
}

/// Where a job stands.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum JobState {
    /// It waits.
    Queued,
    /// A worker has it.
    Running,
    /// It did what it was asked for.
    Succeeded,
    /// It did not; its problem says why.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// A job.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000004", "kind": "fit", "state": "running", "dataset_id": "0199c0de-0000-7000-8000-000000000001", "stage": "pairs", "percent": 97, "rho": 0.0558, "attempt": 1, "created_at": "2026-01-05T09:00:00Z"}))]
pub struct JobView {
    /// Its id.
    pub id: Uuid,
    /// What it does.
    #[schema(value_type = JobKind)]
    pub kind: String,
    /// Where it stands. An end never changes.
    #[schema(value_type = JobState)]
    pub state: String,
    /// The dataset.
    pub dataset_id: Uuid,
    /// Where it is.
    pub stage: String,
    /// How far: steps of the plan, never records.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: i64,
    /// ρ that it reserved.
    pub rho: f64,
    /// At its end: whether it was charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged: Option<bool>,
    /// Times it was started.
    pub attempt: i64,
    /// The model that a fit made, or a generation uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<Uuid>,
    /// The release that a generation made, or an evaluation looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_id: Option<Uuid>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Problem>)]
    pub problem: Option<serde_json::Value>,
    /// While it waits: what for, if no server that runs can do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// When it was accepted.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
}

fn view(j: Job) -> JobView {
    JobView {
        id: j.id,
        kind: j.kind,
        state: j.state,
        dataset_id: j.dataset_id,
        stage: j.stage,
        percent: j.percent,
        rho: Rho::from_units(j.rho as u64).as_f64(),
        charged: j.charged,
        attempt: j.attempt,
        model_id: j.model_id,
        release_id: j.release_id,
        problem: j.problem.and_then(|text| serde_json::from_str(&text).ok()),
        waits_for: None,
        created_at: shown_time(j.created_at),
        finished_at: j.finished_at.map(shown_time),
    }
}

/// A job, with what it waits for where the largest server that runs has too little memory. How much it needs may follow from the number of raw records.
fn view_beside(j: Job, largest: Option<i64>) -> JobView {
    let largest =
        largest.filter(|largest| j.state == "queued" && j.memory.is_some_and(|needed| needed > *largest));
    let waits_for = largest.map(|largest| {
        format!(
            "a server with more memory: the largest that runs may use {largest} bytes (NETDPSYN_MEMORY_BYTES)"
        )
    });
    JobView { waits_for, ..view(j) }
}

/// The plan of a fit.
pub fn plan(request: &FitRequest) -> Result<Plan, Problem> {
    plan_of(request.epsilon, request.delta, request.method, request.options)
}

/// The plan of what is asked for.
pub(super) fn plan_of(
    epsilon: f64,
    delta: f64,
    method: Method,
    options: fit::Options,
) -> Result<Plan, Problem> {
    let guarantee = Guarantee::new(epsilon, delta).map_err(|error| {
        let field = match error {
            crate::privacy::budget::GuaranteeError::Epsilon { .. } => "epsilon",
            crate::privacy::budget::GuaranteeError::Delta { .. } => "delta",
        };
        Problem::invalid(field, error.to_string())
    })?;
    if let Some((option, reason)) = options.fault() {
        return Err(Problem::invalid(&format!("options.{option}"), reason));
    }
    // At any δ this pays for every answer of a fit.
    if epsilon < ledger::LEAST_EPSILON {
        let least = ledger::LEAST_EPSILON;
        return Err(Problem::invalid("epsilon", format!("epsilon must be at least {least}, not {epsilon}")));
    }
    Ok(Plan { options, ..Plan::new(guarantee, method) })
}

/// Accepts a job. With an idempotency key the same request gives the same job again.
pub async fn submit(app: &App, caller: &Caller, new: NewJob, key: Option<&str>) -> Result<JobView, Problem> {
    let tenant = caller.steward()?;
    if !key.is_none_or(|key| (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(Problem::invalid("Idempotency-Key", "a key is 1 to 200 visible ASCII characters"));
    }
    if matches!(new, NewJob::Fit(_)) {
        super::memory::check(app).await?;
    }
    let body = serde_json::to_vec(&new).map_err(|_| Problem::internal())?;
    let body = Sha256::digest(&body).to_vec();
    let mut tx = app.begin().await?;
    let now = tx.now().await?;
    if let Some(key) = key
        && let Some((job, digest)) = jobs::remembered(&mut tx, tenant, key).await?
    {
        return repeated(&mut tx, tenant, job, digest == body).await;
    }
    if jobs::open(&mut tx, tenant).await? >= app.config.max_open_jobs {
        let most = app.config.max_open_jobs;
        return Err(Problem::too_many(format!(
            "a tenant may have {most} jobs waiting and running; wait for some to end"
        )));
    }
    let job = match &new {
        NewJob::Fit(request) => {
            // Within the reserving transaction: the database may have been put back a moment ago.
            super::memory::check_within(app, &mut tx).await?;
            fit_job(app, &mut tx, tenant, caller, request, now).await?
        }
        NewJob::Generate(request) => {
            let model = releases::find_model(&mut tx, tenant, request.model_id).await?;
            let model = model.ok_or_else(|| Problem::not_found("model"))?;
            let dataset = own(&mut tx, tenant, model.dataset_id).await?;
            let records = model.records.map(|records| records as u64);
            let most = estimate::most_rows(app.config.max_rows, records);
            let request = checked_generation(&mut tx, request, &dataset, most).await?;
            let (schema, rows) = (schema_of(&dataset)?, request.rows.or(records).unwrap_or(0));
            let bytes = |rows| estimate::generation(&schema, rows, model.memory);
            let refused = |problem| Problem { field: Some("rows".into()), ..problem };
            capacity::admit(&mut tx, bytes(rows), bytes).await.map_err(refused)?;
            // Without a number of rows the job itself finds out.
            disk::check(app, estimate::disk_of_generation(&schema, rows))?;
            let memory = Some(bytes(rows) as i64);
            Job { model_id: Some(model.id), memory, ..queued(&dataset, "generate", stored(&request)?, now) }
        }
        NewJob::Evaluate(request) => {
            let release = releases::find(&mut tx, tenant, request.release_id).await?;
            let release = release.ok_or_else(|| Problem::not_found("release"))?;
            let dataset = own_locked(&mut tx, tenant, release.dataset_id).await?;
            if dataset.state != "ready" {
                return Err(Problem::conflict("/problems/no-trace", "the raw trace is not there (any more)"));
            }
            let memory = evaluation_memory(&mut tx, &dataset, &release).await?;
            Job {
                model_id: Some(release.model_id),
                release_id: Some(release.id),
                memory,
                ..queued(&dataset, "evaluate", stored(request)?, now)
            }
        }
    };
    jobs::add(&mut tx, &job).await?;
    if let Some(key) = key
        && !jobs::remember(&mut tx, tenant, key, &body, job.id).await?
    {
        // Another request with this key came first; what was done here is undone.
        drop(tx);
        let mut tx = app.read().await?;
        let found = jobs::remembered(&mut tx, tenant, key).await?;
        let (job, digest) = found.ok_or_else(|| {
            Problem::conflict("/problems/in-flight", "a request with this key is under way")
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

fn stored(request: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(request).map_err(|_| Problem::internal())
}

/// Rows rounded; under a strict population the seed is the server's.
async fn checked_generation(
    tx: &mut Tx,
    request: &GenerateRequest,
    dataset: &Dataset,
    most_rows: u64,
) -> Result<GenerateRequest, Problem> {
    let population = tenants::find_population(tx, dataset.population_id).await?;
    if request.seed.is_some() && population.is_some_and(|p| p.strict) {
        return Err(Problem::invalid("seed", "this population is strict: seeds are drawn by the server"));
    }
    if request.options.rounds > generate::options::MAX_ROUNDS {
        return Err(Problem::invalid("options.rounds", "rounds is 0 to 1,000"));
    }
    let rows = request.rows.map(|rows| rounded_rows(rows as usize) as u64);
    if rows.is_some_and(|rows| rows == 0 || rows > most_rows) {
        return Err(too_many_rows(most_rows));
    }
    Ok(GenerateRequest { rows, ..request.clone() })
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
    let plan = plan(request)?;
    let dataset = own(tx, tenant, request.dataset_id).await?;
    let generation = GenerateRequest {
        model_id: Uuid::nil(),
        rows: request.rows,
        seed: request.seed,
        options: request.generate,
        evaluate: request.evaluate,
    };
    // N̂ is not known yet: what is more than a hundred times as much is found out when the trace is made.
    let most = estimate::most_rows(app.config.max_rows, None);
    checked_generation(tx, &generation, &dataset, most).await?;
    let schema = schema_of(&dataset)?;
    let asked = if request.options.gaps { schema.with_gaps() } else { schema.clone() };
    if let Err(error) = asked.check_complete() {
        let (field, detail) = open_field(&error);
        return Err(Problem::invalid(field, detail));
    }
    check_confirmed(request, &plan, &schema, &dataset)?;
    disk::check(app, Room::of(&plan, &schema).bytes())?;
    let bytes = |records| estimate::fit(&schema, records);
    let needed = report_of(&dataset).map(|report| bytes(report.records));
    if let Some(needed) = needed {
        capacity::admit(tx, needed, bytes).await.map_err(|problem| problem.with("private", true))?;
    }
    let mut job = queued(&dataset, "fit", stored(request)?, now);
    job.memory = needed.map(|needed| needed as i64);
    let cost = Amount::rho(plan.allowance());
    (job.rho, job.delta) = crate::storage::ledger::signed(cost)?;
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
    if locked.state != "ready" {
        return Err(Problem::conflict(
            "/problems/not-ready",
            format!("the dataset is {}; upload a trace and wait until it is ready", locked.state),
        ));
    }
    if schema_of(&locked)? != schema || locked.report != dataset.report {
        return Err(Problem::conflict(
            "/problems/declaration-changed",
            "the declaration or the trace changed meanwhile; submit again",
        ));
    }
    datasets::freeze(tx, dataset.id, &stored(&schema)?).await?;
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
    let problem = Problem { kind: "/problems/unconfirmed", title: "The fit would mislead", ..problem };
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

/// A job.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<JobView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.read().await?;
    let job = jobs::find(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("job"))?;
    Ok(view_beside(job, servers::largest(&mut tx).await?))
}

/// Which jobs are wanted.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// The `next` of the page before, its last id.
    pub after: Option<Uuid>,
    /// Items on a page: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
    /// Those of a kind.
    #[param(value_type = Option<JobKind>)]
    pub kind: Option<String>,
    /// Those in a state.
    #[param(value_type = Option<JobState>)]
    pub state: Option<String>,
    /// Those on a dataset.
    pub dataset_id: Option<Uuid>,
}

/// The tenant's jobs.
pub async fn list(app: &App, caller: &Caller, query: JobQuery) -> Result<Page<JobView>, Problem> {
    let tenant = caller.steward()?;
    let JobQuery { after, limit, kind, state, dataset_id: dataset } = query;
    one_of("kind", kind.as_deref(), &jobs::KINDS)?;
    one_of("state", state.as_deref(), &jobs::STATES)?;
    let (after, limit) = PageQuery { after, limit }.bounds()?;
    let mut tx = app.read().await?;
    let wanted = jobs::Wanted { tenant, kind: kind.as_deref(), state: state.as_deref(), dataset };
    let largest = servers::largest(&mut tx).await?;
    let jobs = jobs::list(&mut tx, &wanted, after, limit).await?;
    Ok(PageQuery::page(jobs, limit, |j| j.id, |j| view_beside(j, largest)))
}

fn one_of(field: &str, value: Option<&str>, known: &[&str]) -> Result<(), Problem> {
    match value {
        Some(value) if !known.contains(&value) => {
            Err(Problem::invalid(field, format!("{field} is one of {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

/// Cancels a job: at once if it waits and never measured (what it reserved is given back), else as soon as it notices.
pub async fn cancel(app: &App, caller: &Caller, id: Uuid) -> Result<JobView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.begin().await?;
    let job = jobs::find(&mut tx, tenant, id).await?.ok_or_else(|| Problem::not_found("job"))?;
    // A fit that left a note may have drawn before the database was restored: a worker ends it, and charges it.
    let spent = job.kind == "fit" && super::memory::is_noted(app, id).await?;
    // The ledger's locks come first, in its order; both calls change nothing when the job no longer waits.
    let now = tx.now().await?;
    let cancelled = if spent { None } else { jobs::cancel_queued(&mut tx, id, now).await? };
    if let Some(cancelled) = cancelled {
        if cancelled.kind == "fit" {
            let population = cancelled.population_id;
            let purpose = Purpose { tenant, population, job: id, actor: &caller.key, now };
            release(&mut tx, &purpose, cancelled.cost()).await?;
        }
        if cancelled.kind == "parse" {
            reject(app, &mut tx, &cancelled, &Problem::parse_cancelled()).await?;
        }
        tx.commit().await?;
        // An attempt that was handed back just before it measured has left half of a key.
        app.halves.erase(id)?;
        return Ok(view(cancelled));
    }
    jobs::request_cancel(&mut tx, id).await?;
    tx.commit().await?;
    app.cancelled.notify_waiters();
    Ok(view(Job { cancel_requested: true, ..job }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_epsilon_pays_for_a_fit_at_any_delta() {
        for delta in [Guarantee::MIN_DELTA, 1e-9, Guarantee::MAX_DELTA] {
            let plan =
                plan_of(ledger::LEAST_EPSILON, delta, Method::Netdpsyn, fit::Options::default()).unwrap();
            assert!(plan.allowance() >= Plan::LEAST, "{delta}");
        }
    }
}
