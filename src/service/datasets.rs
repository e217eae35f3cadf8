//! Datasets: a raw trace and what its steward declares about it.

use super::about::About;
use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::capacity;
use super::looks;
use super::problem::{Problem, ProblemType};
use super::queued::queued;
use super::reading;
use super::requests::{ParseRequest, asked};
use super::tenants::{Name, check_name};
use crate::formats::ParseReport;
use crate::storage::datasets::{self, Dataset, DatasetState};
use crate::storage::jobs::Job;
use crate::storage::looks as storage_looks;
use crate::storage::looks::PrivateLook;
use crate::storage::{Tx, jobs, populations, releases};
use crate::trace::written::Written;
use crate::trace::{Families, Reading, Schema, SchemaError, Window, layouts, presets};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A dataset to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "campus uplink, January", "preset": "flow",
    "window": "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z",
    "categories": {"type": ["normal", "ddos", "portscan", "bruteforce"]}}))]
pub struct NewDataset {
    /// A name.
    #[schema(value_type = Name)]
    pub name: String,
    /// A layout, which `layout` names as well.
    #[serde(alias = "layout")]
    #[schema(value_type = Option<Preset>)]
    pub preset: Option<String>,
    /// A schema instead of a preset, as `netdpsyn inspect --schema-out` writes it.
    #[schema(value_type = Option<Written>)]
    pub schema: Option<serde_json::Value>,
    /// The population whose traffic it contains; by default the tenant's default population.
    pub population_id: Option<Uuid>,
    /// The capture window, START/END.
    #[schema(format = "capture-window")]
    pub window: Option<String>,
    /// The families of the addresses in every address column; overrides the layout and the schema.
    pub addresses: Option<Families>,
    /// The values of categorical columns.
    pub categories: Option<BTreeMap<String, Vec<String>>>,
    /// Cells that are not values of their column's type, each a separate value: `{"srcport": ["", "-"]}`; `*` instead of a column means every column that can have them.
    pub special: Option<BTreeMap<String, Vec<String>>>,
    /// Networks of address columns, as 192.0.2.0/24, which replace the paid search for prefixes.
    pub networks: Option<BTreeMap<String, Vec<String>>>,
    /// How the text of the trace is laid out and its cells are written; overrides the schema. `{}` is plain comma-separated text.
    pub reading: Option<Reading>,
    /// Description of its releases for those who find them.
    pub about: Option<About>,
}

/// What is publicly known of columns, by name. It is never taken from the records.
type Declarations = BTreeMap<String, Vec<String>>;

/// What is publicly known of a trace beside its schema. It is never taken from the records.
struct Declared<'a> {
    window: Option<&'a String>,
    addresses: Option<Families>,
    categories: Option<&'a Declarations>,
    special: Option<&'a Declarations>,
    networks: Option<&'a Declarations>,
    reading: Option<&'a Reading>,
}

/// A change of a declaration, possible until the first fit is accepted.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"window": "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z"}))]
pub struct DatasetPatch {
    /// A new name.
    #[schema(value_type = Option<Name>)]
    pub name: Option<String>,
    /// Another layout, which `layout` names as well.
    #[serde(alias = "layout")]
    #[schema(value_type = Option<Preset>)]
    pub preset: Option<String>,
    /// Another schema.
    #[schema(value_type = Option<Written>)]
    pub schema: Option<serde_json::Value>,
    /// The capture window, START/END.
    #[schema(format = "capture-window")]
    pub window: Option<String>,
    /// The families of the addresses in every address column; overrides the layout and the schema.
    pub addresses: Option<Families>,
    /// The values of categorical columns.
    pub categories: Option<BTreeMap<String, Vec<String>>>,
    /// Cells that are not values of their column's type, each a separate value: `{"srcport": ["", "-"]}`; `*` instead of a column means every column that can have them.
    pub special: Option<BTreeMap<String, Vec<String>>>,
    /// Networks of address columns, as 192.0.2.0/24, which replace the paid search for prefixes.
    pub networks: Option<BTreeMap<String, Vec<String>>>,
    /// How the text of the trace is laid out and its cells are written; overrides the schema. `{}` is plain comma-separated text.
    pub reading: Option<Reading>,
    /// The new description of its releases in catalogues. It applies to releases published from now on. A fit does not freeze it.
    pub about: Option<About>,
}

/// A schema that comes with the program.
#[allow(dead_code)]
pub struct Preset;

impl utoipa::PartialSchema for Preset {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::{ObjectBuilder, Type};
        let names = layouts::names();
        let about = "A layout of files that comes with the program.";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names))
            .description(Some(about))
            .into()
    }
}

impl utoipa::ToSchema for Preset {}

/// A dataset, as its steward sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000001", "name": "campus uplink, January", "population_id": "0199c0de-0000-7000-8000-000000000005", "state": DatasetState::Ready, "frozen": false, "schema": {"name": "flow", "kind": "flow", "version": 2, "columns": [{"name": "srcip", "type": {"ip": {"levels": [8, 8, 8, 8]}}, "role": "source-address"}]}, "undeclared": [], "parse_report": {"private": true, "records": 4000, "bad": 0}, "created_at": "2026-01-05T08:00:00Z"}))]
pub struct DatasetView {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Population: the people whose traffic the trace contains.
    pub population_id: Uuid,
    /// State.
    pub state: DatasetState,
    /// Whether a fit was accepted: from then on the declaration stands.
    pub frozen: bool,
    /// The declared schema: of version 2, with roles, or of version 1 where names mean what no role of their types can.
    #[schema(value_type = Written)]
    pub schema: serde_json::Value,
    /// What remains to be declared before a fit.
    pub undeclared: Vec<String>,
    /// Parse report, private to the steward.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub parse_report: Option<serde_json::Value>,
    /// Reason of the rejection, private to the steward.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Problem>)]
    pub problem: Option<serde_json::Value>,
    /// Description of its releases for those who find them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// Time of creation.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// The schema that a dataset declares, with what parsing told of its file.
pub fn schema_of(dataset: &Dataset) -> Result<Schema, Problem> {
    serde_json::from_str(dataset.bound_schema.as_ref().unwrap_or(&dataset.schema)).map_err(|error| {
        tracing::error!(%error, dataset = %dataset.id, "a stored schema cannot be read");
        Problem::internal()
    })
}

/// Parse report of a ready dataset, private to its steward.
pub fn report_of(dataset: &Dataset) -> Option<ParseReport> {
    let ready = dataset.report.as_deref().filter(|_| dataset.state == DatasetState::Ready);
    ready.and_then(|text| serde_json::from_str(text).ok())
}

/// Missing declarations of a schema, in the words of the API.
pub fn open_field(error: &SchemaError) -> (&'static str, String) {
    match error {
        SchemaError::NoWindow { column } => (
            "window",
            format!(
                "column {column} needs the capture window, which is never taken from the records: declare it with PATCH /v1/datasets/{{id}} {{\"window\": \"START/END\"}}"
            ),
        ),
        SchemaError::NoCategories { column } => (
            "categories",
            format!(
                "column {column} needs its categories, which are never taken from the records: declare them with PATCH /v1/datasets/{{id}} {{\"categories\": {{\"{column}\": [\"a\", \"b\"]}}}}"
            ),
        ),
        other => ("schema", other.to_string()),
    }
}

pub(super) fn view(d: Dataset) -> DatasetView {
    let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    let declared: Option<Schema> = serde_json::from_str(&d.schema).ok();
    let shown = declared.as_ref().and_then(|schema| serde_json::to_value(schema.shown()).ok());
    let schema = shown.or_else(|| serde_json::from_str(&d.schema).ok());
    let undeclared =
        declared.map(|s| s.undeclared().iter().map(|e| open_field(e).1).collect()).unwrap_or_default();
    DatasetView {
        id: d.id,
        name: d.name,
        population_id: d.population_id,
        state: d.state,
        frozen: d.frozen,
        schema: schema.unwrap_or_default(),
        undeclared,
        parse_report: json(d.report),
        problem: json(d.problem),
        about: d.about.as_deref().map(|text| About::kept(Some(text))),
        created_at: shown_time(d.created_at),
    }
}

/// A schema from a preset or a document.
fn declared_schema(
    preset: Option<&str>,
    schema: Option<&serde_json::Value>,
) -> Result<Option<Schema>, Problem> {
    let schema = match (preset, schema) {
        (Some(_), Some(_)) => return Err(Problem::invalid("schema", "give a preset or a schema, not both")),
        (None, None) => return Ok(None),
        (Some(name), None) => presets::preset(name).ok_or_else(|| {
            let names: Vec<&str> = layouts::names().collect();
            Problem::invalid(
                "preset",
                format!("there is no layout {name:?}; layouts are {}", names.join(", ")),
            )
        })?,
        (None, Some(schema)) => reading::part("schema", schema)?,
    };
    Ok(Some(schema))
}

fn declare(schema: &mut Schema, declared: Declared) -> Result<(), Problem> {
    if let Some(window) = declared.window {
        let window: Window = window
            .parse()
            .map_err(|e: crate::trace::window::WindowError| Problem::invalid("window", e.to_string()))?;
        schema.window = Some(window);
    }
    if let Some(families) = declared.addresses {
        schema
            .declare_families(families)
            .map_err(|error| Problem::invalid("addresses", error.to_string()))?;
    }
    for (column, values) in declared.categories.into_iter().flatten() {
        schema
            .declare_categories(column, values.clone())
            .map_err(|error| Problem::invalid(&format!("categories.{column}"), error.to_string()))?;
    }
    for (column, cells) in declared.special.into_iter().flatten() {
        schema
            .declare_special(column, cells)
            .map_err(|error| Problem::invalid(&format!("special.{column}"), error.to_string()))?;
    }
    for (column, networks) in declared.networks.into_iter().flatten() {
        schema
            .declare_networks(column, networks)
            .map_err(|error| Problem::invalid(&format!("networks.{column}"), error.to_string()))?;
    }
    if let Some(reading) = declared.reading {
        schema.reading = reading.clone();
        schema.reading.check().map_err(|error| Problem::invalid("reading", error.to_string()))?;
    }
    if schema.derived().is_some() {
        return Err(Problem::invalid(
            "schema",
            "the gap between records of a flow is derived, not declared: ask the fit for it with options.gaps",
        ));
    }
    schema
        .check()
        .and_then(|()| schema.check_notations())
        .map_err(|error| Problem::invalid("schema", error.to_string()))
}

/// A schema as it is kept.
pub(super) fn stored(schema: &Schema) -> Result<String, Problem> {
    serde_json::to_string(schema).map_err(|_| Problem::internal())
}

/// Makes a dataset.
pub async fn create(app: &App, caller: &Caller, new: NewDataset) -> Result<DatasetView, Problem> {
    let tenant = caller.steward()?;
    check_name("name", &new.name)?;
    let about = new.about.unwrap_or_default();
    about.check()?;
    let mut schema = declared_schema(new.preset.as_deref(), new.schema.as_ref())?
        .ok_or_else(|| Problem::invalid("preset", "name a preset or give a schema"))?;
    let declared = Declared {
        window: new.window.as_ref(),
        addresses: new.addresses,
        categories: new.categories.as_ref(),
        special: new.special.as_ref(),
        networks: new.networks.as_ref(),
        reading: new.reading.as_ref(),
    };
    declare(&mut schema, declared)?;
    let mut tx = app.begin("datasets.create").await?;
    capacity::admit_schema(&mut tx, &schema).await?;
    let population = match new.population_id {
        Some(id) => populations::find(&mut tx, id).await?.filter(|p| p.tenant_id == tenant),
        None => populations::default(&mut tx, tenant).await?,
    };
    let population = population.ok_or_else(|| Problem::not_found("population"))?;
    let dataset = Dataset {
        id: Uuid::new_v4(),
        tenant_id: tenant,
        population_id: population.id,
        name: new.name,
        schema: stored(&schema)?,
        state: DatasetState::Empty,
        frozen: false,
        trace_path: None,
        trace_sha256: None,
        trace_bytes: 0,
        bound_schema: None,
        declared_late: looks::were_records_seen(&mut tx, population.id).await?,
        report: None,
        problem: None,
        about: about.text()?,
        created_at: tx.now().await?,
    };
    datasets::add(&mut tx, &dataset).await?;
    tx.commit().await?;
    Ok(view(dataset))
}

/// A tenant's dataset.
pub(super) async fn own(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Dataset, Problem> {
    datasets::find(tx, tenant, id).await?.ok_or_else(|| Problem::not_found("dataset"))
}

/// A tenant's dataset, kept from changing until the transaction ends.
pub(super) async fn own_locked(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Dataset, Problem> {
    datasets::lock(tx, tenant, id).await?.ok_or_else(|| Problem::not_found("dataset"))
}

/// A dataset.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<DatasetView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.read("datasets.find").await?;
    Ok(view(own(&mut tx, tenant, id).await?))
}

/// The tenant's datasets.
pub async fn list(app: &App, caller: &Caller, query: PageQuery) -> Result<Page<DatasetView>, Problem> {
    let tenant = caller.steward()?;
    let limit = query.fetched()?;
    let mut tx = app.read("datasets.list").await?;
    let after = PageQuery::start(query.after.map(|id| datasets::place(&mut tx, tenant, id))).await?;
    Ok(PageQuery::page(datasets::list(&mut tx, tenant, after, limit).await?, limit, |d| d.id, view))
}

impl DatasetPatch {
    /// Whether it changes only the description of releases, which a fit does not freeze.
    fn only_says(&self) -> bool {
        let DatasetPatch {
            name,
            preset,
            schema,
            window,
            addresses,
            categories,
            special,
            networks,
            reading,
            about,
        } = self;
        let declares = [
            name.is_some(),
            preset.is_some(),
            schema.is_some(),
            window.is_some(),
            addresses.is_some(),
            categories.is_some(),
            special.is_some(),
            networks.is_some(),
            reading.is_some(),
        ];
        about.is_some() && !declares.contains(&true)
    }
}

/// Changes the description of a dataset's releases.
async fn say(tx: &mut Tx, dataset: Dataset, about: &About) -> Result<Dataset, Problem> {
    about.check()?;
    let about = about.text()?;
    datasets::say(tx, dataset.id, about.as_deref()).await?;
    Ok(Dataset { about, ..dataset })
}

/// Changes a declaration that no fit has frozen. A trace that is there is parsed again.
pub async fn patch(
    app: &App,
    caller: &Caller,
    id: Uuid,
    patch: DatasetPatch,
) -> Result<DatasetView, Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.begin("datasets.patch").await?;
    let mut dataset = own_locked(&mut tx, tenant, id).await?;
    let only_says = patch.only_says();
    if let Some(about) = &patch.about {
        dataset = say(&mut tx, dataset, about).await?;
    }
    if only_says {
        tx.commit().await?;
        return Ok(view(dataset));
    }
    let name = patch.name.unwrap_or_else(|| dataset.name.clone());
    check_name("name", &name)?;
    let mut schema = match declared_schema(patch.preset.as_deref(), patch.schema.as_ref())? {
        Some(schema) => schema,
        None => serde_json::from_str(&dataset.schema).map_err(|_| Problem::internal())?,
    };
    let declared = Declared {
        window: patch.window.as_ref(),
        addresses: patch.addresses,
        categories: patch.categories.as_ref(),
        special: patch.special.as_ref(),
        networks: patch.networks.as_ref(),
        reading: patch.reading.as_ref(),
    };
    declare(&mut schema, declared)?;
    let text = stored(&schema)?;
    let changed = serde_json::from_str(&dataset.schema).ok().as_ref() != Some(&schema);
    if changed {
        capacity::admit_schema(&mut tx, &schema).await?;
    }
    // Once a trace of these people came, its parse report may have been read: what is declared from then on may follow from the records.
    let seen = dataset.state != DatasetState::Empty
        || looks::were_records_seen(&mut tx, dataset.population_id).await?;
    let late = dataset.declared_late || (seen && changed);
    if changed && matches!(dataset.state, DatasetState::Receiving | DatasetState::Parsing) {
        return Err(Problem::conflict(
            ProblemType::Busy,
            "an upload or its parsing is under way; wait for its end",
        ));
    }
    if dataset.state == DatasetState::Erased || !datasets::declare(&mut tx, id, &name, &text, late).await? {
        return Err(Problem::conflict(
            ProblemType::Frozen,
            "a fit was accepted: the declaration of this dataset can no longer change",
        ));
    }
    let mut dataset = Dataset { name, schema: text, declared_late: late, ..dataset };
    if changed {
        // The trace is checked against what is declared now, as it would have been before.
        dataset.bound_schema = None;
        datasets::bind(&mut tx, id, None).await?;
        if let Some(trace) = dataset.trace() {
            datasets::set_state(&mut tx, id, DatasetState::Parsing, Some(trace), None, None).await?;
            let now = tx.now().await?;
            jobs::add(&mut tx, &queued(&dataset, &ParseRequest { again: true }, now)?).await?;
            dataset = Dataset { state: DatasetState::Parsing, report: None, problem: None, ..dataset };
        }
    }
    tx.commit().await?;
    app.queued.notify_waiters();
    Ok(view(dataset))
}

/// A parsing that came to no result: the dataset is rejected, and says why. A trace that was good before its declaration changed stays: the steward can
/// declare it otherwise.
pub async fn reject(app: &App, tx: &mut Tx, job: &Job, why: &Problem) -> Result<(), Problem> {
    let why = serde_json::to_string(why).map_err(|_| Problem::internal())?;
    let dataset = datasets::find(tx, job.tenant_id, job.dataset_id).await?;
    // What cannot be read takes nothing away.
    let again = asked(job).map_or(true, |asked: ParseRequest| asked.again);
    let kept = dataset.as_ref().filter(|_| again).and_then(|d| d.trace());
    if let (None, Some(path)) = (kept, dataset.as_ref().and_then(|d| d.trace_path.as_ref())) {
        app.artifacts.delete(path).await?;
    }
    let now = tx.now().await?;
    storage_looks::add(tx, job.population_id, PrivateLook::ParseReport, now).await?;
    Ok(datasets::set_state(tx, job.dataset_id, DatasetState::Rejected, kept, None, Some(&why)).await?)
}

/// Erases the raw trace, its parse report and private reports. Ledger and releases stay.
pub async fn erase(app: &App, caller: &Caller, id: Uuid) -> Result<(), Problem> {
    let tenant = caller.steward()?;
    let mut tx = app.begin("datasets.erase").await?;
    let dataset = own_locked(&mut tx, tenant, id).await?;
    if jobs::dataset_is_busy(&mut tx, id).await? || dataset.state == DatasetState::Receiving {
        return Err(Problem::conflict(
            ProblemType::Busy,
            "an upload or a job is under way; cancel it or wait for its end",
        ));
    }
    datasets::set_state(&mut tx, id, DatasetState::Erased, None, None, None).await?;
    releases::erase_private_reports(&mut tx, id).await?;
    jobs::erase_private_parts(&mut tx, id).await?;
    // The bytes go first: if that fails nothing says that they are gone.
    if let Some(path) = &dataset.trace_path {
        app.artifacts.delete(path).await?;
    }
    Ok(tx.commit().await?)
}
