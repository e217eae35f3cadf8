//! Tenants and populations: who pays, and for which people.

use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::budget::{AccountView, AmountView, Cap, Payer};
use super::journal;
use super::problem::{Problem, ProblemType};
use crate::account::statement::Unit;
use crate::fit::keys::secret;
use crate::ledger::Amount;
use crate::storage::accounts::{self, Holder};
use crate::storage::ledger::{self, Grant};
use crate::storage::populations::{self, Population, SplitSecret};
use crate::storage::tenants::{self, Tenant};
use crate::storage::{StorageError, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A tenant to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "campus", "cap": {"epsilon": 8.0, "delta": 1e-9}}))]
pub struct NewTenant {
    /// A name, unique.
    #[schema(value_type = Name)]
    pub name: String,
    /// Cap of all its populations together; its default population has the same cap.
    pub cap: Cap,
}

/// A change of a cap.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"cap": {"rho": 0.5}}))]
pub struct NewCap {
    /// The new cap; not below what is spent and reserved.
    pub cap: Cap,
}

/// A tenant.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000008", "name": "campus", "created_at": "2026-01-05T08:00:00Z"}))]
pub struct TenantView {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Time of creation.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// An account with less left than another that pays for the same fits.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ShortAccount {
    /// Owner.
    pub account: Payer,
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Amount left in it.
    pub left: AmountView,
}

/// A tenant whose cap was set.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000008", "name": "campus", "created_at": "2026-01-05T08:00:00Z", "left": {"rho": 0.5, "delta_prime": 0.0, "epsilon": 6.5},
    "short": [{"account": "population", "id": "0199c0de-0000-7000-8000-000000000005", "name": "default", "left": {"rho": 0.2542, "delta_prime": 0.0, "epsilon": 4.49}}]}))]
pub struct TenantCapView {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: TenantView,
    /// Amount left.
    pub left: AmountView,
    /// Its populations whose own caps leave less: raise those caps as well if their fits need more.
    pub short: Vec<ShortAccount>,
}

/// A population whose cap was set.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000005", "tenant_id": "0199c0de-0000-7000-8000-000000000008", "name": "default", "unit": "record", "max_records": 1, "is_default": true, "strict": false, "created_at": "2026-01-05T08:00:00Z",
    "left": {"rho": 0.2542, "delta_prime": 0.0, "epsilon": 4.49}, "short": []}))]
pub struct PopulationCapView {
    /// The population.
    #[serde(flatten)]
    pub population: PopulationView,
    /// Amount left.
    pub left: AmountView,
    /// Its tenant, if the tenant's cap leaves less: raise that cap as well.
    pub short: Vec<ShortAccount>,
}

/// A population to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tenant_id": "0199c0de-0000-7000-8000-000000000001", "name": "guests", "cap": {"rho": 0.1}}))]
pub struct NewPopulation {
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// A name, unique in the tenant.
    #[schema(value_type = Name)]
    pub name: String,
    /// Cap for these people, whatever the dataset.
    pub cap: Cap,
    /// Whether private reports are shown only after publication, and seeds are drawn by the server.
    #[serde(default)]
    pub strict: bool,
}

/// A population: the people behind a set of datasets.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000005", "tenant_id": "0199c0de-0000-7000-8000-000000000008", "name": "default", "unit": "record", "max_records": 1, "is_default": true, "strict": false, "created_at": "2026-01-05T08:00:00Z"}))]
pub struct PopulationView {
    /// Id.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Name.
    pub name: String,
    /// The privacy unit.
    pub unit: Unit,
    /// Records of one unit that count.
    pub max_records: u64,
    /// Whether datasets that name no population belong to it.
    pub is_default: bool,
    /// Private reports only after publication.
    pub strict: bool,
    /// Time of creation.
    #[schema(format = DateTime)]
    pub created_at: String,
}

pub(super) fn population_view(p: Population) -> PopulationView {
    PopulationView {
        id: p.id,
        tenant_id: p.tenant_id,
        name: p.name,
        unit: Unit::Record,
        max_records: 1,
        is_default: p.is_default,
        strict: p.strict,
        created_at: shown_time(p.created_at),
    }
}

fn view(t: Tenant) -> TenantView {
    TenantView { id: t.id, name: t.name, created_at: shown_time(t.created_at) }
}

/// A name: 1 to 200 characters, one of them visible, none of them a control character.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 200, example = "campus",
    pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$")]
#[allow(dead_code)]
pub struct Name(String);

/// Refuses what is no [`Name`].
pub(super) fn check_name(field: &str, name: &str) -> Result<(), Problem> {
    let fits = name.chars().count() <= 200 && !name.trim().is_empty() && !name.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| {
        Problem::invalid(
            field,
            "a name has 1 to 200 characters, one of them visible, none of them a control character",
        )
    })
}

fn taken(field: &str) -> impl Fn(StorageError) -> Problem {
    let field = field.to_string();
    move |error| match error.is_unique_violation() {
        true => Problem {
            field: Some(field.clone()),
            ..Problem::conflict(ProblemType::NameTaken, "that name is taken")
        },
        false => error.into(),
    }
}

async fn grant(
    tx: &mut Tx,
    caller: &Caller,
    tenant: Uuid,
    population: Option<Uuid>,
    cap: Amount,
    now: i64,
) -> Result<(), Problem> {
    Ok(ledger::grant(tx, &Grant { tenant, population, cap, actor: &caller.key, now }).await?)
}

fn split_key() -> Result<Vec<u8>, Problem> {
    Ok(secret().map_err(|_| Problem::internal())?.to_vec())
}

/// Makes a tenant with its default population.
pub async fn create(app: &App, caller: &Caller, new: NewTenant) -> Result<TenantView, Problem> {
    caller.admin()?;
    check_name("name", &new.name)?;
    let cap = new.cap.amount()?;
    let mut tx = app.begin("tenants.create").await?;
    let now = tx.now().await?;
    let tenant = Tenant { id: Uuid::now_v7(), name: new.name, created_at: now };
    let population = Population {
        id: Uuid::new_v4(),
        tenant_id: tenant.id,
        name: "default".into(),
        is_default: true,
        strict: false,
        split_key: SplitSecret(split_key()?),
        created_at: now,
    };
    tenants::add(&mut tx, &tenant, cap).await.map_err(taken("name"))?;
    populations::add(&mut tx, &population, cap).await?;
    grant(&mut tx, caller, tenant.id, None, cap, now).await?;
    grant(&mut tx, caller, tenant.id, Some(population.id), cap, now).await?;
    tx.commit().await?;
    Ok(view(tenant))
}

/// A tenant.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<TenantView, Problem> {
    caller.admin()?;
    let mut tx = app.read("tenants.find").await?;
    tenants::find(&mut tx, id).await?.map(view).ok_or_else(|| Problem::not_found("tenant"))
}

/// All tenants.
pub async fn list(app: &App, caller: &Caller, query: PageQuery) -> Result<Page<TenantView>, Problem> {
    caller.admin()?;
    let limit = query.fetched()?;
    let mut tx = app.read("tenants.list").await?;
    Ok(PageQuery::page(tenants::list(&mut tx, query.after, limit).await?, limit, |t| t.id, view))
}

fn below_use() -> Problem {
    Problem::conflict(ProblemType::CapBelowUse, "the cap cannot be below what is spent and reserved")
}

/// Whether an account leaves less than another.
fn is_short(left: Amount, other: Amount) -> bool {
    left.rho < other.rho || left.delta < other.delta
}

/// Sets a tenant's cap, and says which populations stay short of it.
pub async fn set_cap(app: &App, caller: &Caller, id: Uuid, new: NewCap) -> Result<TenantCapView, Problem> {
    caller.admin()?;
    let cap = new.cap.amount()?;
    let mut tx = app.begin("tenants.set_cap").await?;
    journal::check_within(app, &mut tx).await?;
    let tenant = tenants::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    if !accounts::set_cap(&mut tx, Holder::Tenant(id), cap).await? {
        return Err(below_use());
    }
    let now = tx.now().await?;
    grant(&mut tx, caller, id, None, cap, now).await?;
    journal::note_cap(app, id, cap).await?;
    let left = accounts::find(&mut tx, Holder::Tenant(id)).await?.unwrap_or_default().left();
    let mut short = Vec::new();
    for population in populations::list(&mut tx, Some(id), 0, 1_000).await? {
        let own =
            accounts::find(&mut tx, Holder::Population(population.id)).await?.unwrap_or_default().left();
        if is_short(own, left) {
            let (id, name, left) = (population.id, population.name, AmountView::of(own));
            short.push(ShortAccount { account: Payer::Population, id, name, left });
        }
    }
    tx.commit().await?;
    journal::raise(app).await?;
    Ok(TenantCapView { tenant: view(tenant), left: AmountView::of(left), short })
}

/// A tenant's own account.
pub async fn account(app: &App, caller: &Caller, id: Uuid) -> Result<AccountView, Problem> {
    caller.admin()?;
    let mut tx = app.read("tenants.account").await?;
    let account =
        accounts::find(&mut tx, Holder::Tenant(id)).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    Ok(AccountView::of(&account))
}

/// Makes a population.
pub async fn create_population(
    app: &App,
    caller: &Caller,
    new: NewPopulation,
) -> Result<PopulationView, Problem> {
    caller.admin()?;
    check_name("name", &new.name)?;
    let cap = new.cap.amount()?;
    let mut tx = app.begin("tenants.create_population").await?;
    let now = tx.now().await?;
    let population = Population {
        id: Uuid::new_v4(),
        tenant_id: new.tenant_id,
        name: new.name,
        is_default: false,
        strict: new.strict,
        split_key: SplitSecret(split_key()?),
        created_at: now,
    };
    tenants::find(&mut tx, new.tenant_id).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    populations::add(&mut tx, &population, cap).await.map_err(taken("name"))?;
    grant(&mut tx, caller, population.tenant_id, Some(population.id), cap, now).await?;
    tx.commit().await?;
    Ok(population_view(population))
}

/// Populations: an administrator's of all tenants, a steward's own.
pub async fn list_populations(
    app: &App,
    caller: &Caller,
    query: PageQuery,
) -> Result<Page<PopulationView>, Problem> {
    if caller.is_reader() {
        return Err(Problem::forbidden("admin or steward"));
    }
    let limit = query.fetched()?;
    let mut tx = app.read("tenants.list_populations").await?;
    let after =
        PageQuery::start(query.after.map(|id| populations::place(&mut tx, caller.tenant, id))).await?;
    let rows = populations::list(&mut tx, caller.tenant, after, limit).await?;
    Ok(PageQuery::page(rows, limit, |p| p.id, population_view))
}

/// Sets a population's cap, and says if the tenant stays short of it.
pub async fn set_population_cap(
    app: &App,
    caller: &Caller,
    id: Uuid,
    new: NewCap,
) -> Result<PopulationCapView, Problem> {
    caller.admin()?;
    let cap = new.cap.amount()?;
    let mut tx = app.begin("tenants.set_population_cap").await?;
    journal::check_within(app, &mut tx).await?;
    let population = populations::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("population"))?;
    if !accounts::set_cap(&mut tx, Holder::Population(id), cap).await? {
        return Err(below_use());
    }
    let now = tx.now().await?;
    grant(&mut tx, caller, population.tenant_id, Some(id), cap, now).await?;
    journal::note_cap(app, id, cap).await?;
    let left = accounts::find(&mut tx, Holder::Population(id)).await?.unwrap_or_default().left();
    let tenant = tenants::find(&mut tx, population.tenant_id).await?.ok_or_else(Problem::internal)?;
    let of_tenant = accounts::find(&mut tx, Holder::Tenant(tenant.id)).await?.unwrap_or_default().left();
    let short = is_short(of_tenant, left).then(|| {
        let (id, name, left) = (tenant.id, tenant.name, AmountView::of(of_tenant));
        ShortAccount { account: Payer::Tenant, id, name, left }
    });
    tx.commit().await?;
    journal::raise(app).await?;
    let (left, short) = (AmountView::of(left), short.into_iter().collect());
    Ok(PopulationCapView { population: population_view(population), left, short })
}
