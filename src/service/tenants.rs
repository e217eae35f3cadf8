//! Tenants and populations: who pays, and for which people.

use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::budget::{AccountView, Cap};
use super::memory;
use super::problem::Problem;
use crate::ledger::Amount;
use crate::privacy::noise::secret;
use crate::storage::ledger::{self, Grant};
use crate::storage::tenants::{self, Population, Tenant};
use crate::storage::{StorageError, Tx};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A tenant to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "campus", "cap": {"epsilon": 8.0, "delta": 1e-9}}))]
pub struct NewTenant {
    /// A name, unique.
    pub name: String,
    /// What all its populations together may spend; its default population has the same cap.
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
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: String,
}

/// A population to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tenant_id": "0199c0de-0000-7000-8000-000000000001", "name": "guests", "cap": {"rho": 0.1}}))]
pub struct NewPopulation {
    /// Whose.
    pub tenant_id: Uuid,
    /// A name, unique in the tenant.
    pub name: String,
    /// What may be spent on these people, whatever the dataset.
    pub cap: Cap,
    /// Private reports only after publication, and seeds drawn in the server.
    #[serde(default)]
    pub strict: bool,
}

/// A population: the people behind a set of datasets.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000005", "tenant_id": "0199c0de-0000-7000-8000-000000000008", "name": "default", "unit": "record", "max_records": 1, "is_default": true, "strict": false, "created_at": "2026-01-05T08:00:00Z"}))]
pub struct PopulationView {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// Its name.
    pub name: String,
    /// The privacy unit.
    pub unit: &'static str,
    /// Records of one unit that count.
    pub max_records: u64,
    /// Datasets that name no population belong here.
    pub is_default: bool,
    /// Private reports only after publication.
    pub strict: bool,
    /// When it was made.
    pub created_at: String,
}

pub(super) fn population_view(p: Population) -> PopulationView {
    PopulationView {
        id: p.id,
        tenant_id: p.tenant_id,
        name: p.name,
        unit: "record",
        max_records: 1,
        is_default: p.is_default,
        strict: p.strict,
        created_at: shown_time(p.created_at),
    }
}

fn view(t: Tenant) -> TenantView {
    TenantView { id: t.id, name: t.name, created_at: shown_time(t.created_at) }
}

/// Names are 1 to 200 characters without control characters.
pub(super) fn check_name(field: &str, name: &str) -> Result<(), Problem> {
    let length = name.trim().chars().count();
    if (1..=200).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Problem::invalid(field, "a name has 1 to 200 characters, none of them a control character"))
}

fn taken(field: &str) -> impl Fn(StorageError) -> Problem {
    let field = field.to_string();
    move |error| match error.is_unique_violation() {
        true => Problem {
            field: Some(field.clone()),
            ..Problem::conflict("/problems/name-taken", "that name is taken")
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
    let mut tx = app.begin().await?;
    let now = tx.now().await?;
    let tenant = Tenant { id: Uuid::now_v7(), name: new.name, created_at: now };
    let population = Population {
        id: Uuid::new_v4(),
        tenant_id: tenant.id,
        name: "default".into(),
        is_default: true,
        strict: false,
        split_key: split_key()?,
        created_at: now,
    };
    tenants::add(&mut tx, &tenant, cap).await.map_err(taken("name"))?;
    tenants::add_population(&mut tx, &population, cap).await?;
    grant(&mut tx, caller, tenant.id, None, cap, now).await?;
    grant(&mut tx, caller, tenant.id, Some(population.id), cap, now).await?;
    tx.commit().await?;
    Ok(view(tenant))
}

/// A tenant.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<TenantView, Problem> {
    caller.admin()?;
    let mut tx = app.read().await?;
    tenants::find(&mut tx, id).await?.map(view).ok_or_else(|| Problem::not_found("tenant"))
}

/// All tenants.
pub async fn list(app: &App, caller: &Caller, query: PageQuery) -> Result<Page<TenantView>, Problem> {
    caller.admin()?;
    let (after, limit) = query.bounds()?;
    let mut tx = app.read().await?;
    Ok(PageQuery::page(tenants::list(&mut tx, after, limit).await?, limit, |t| t.id, view))
}

fn below_use() -> Problem {
    Problem::conflict("/problems/cap-below-use", "the cap cannot be below what is spent and reserved")
}

/// Sets a tenant's cap.
pub async fn set_cap(app: &App, caller: &Caller, id: Uuid, new: NewCap) -> Result<TenantView, Problem> {
    caller.admin()?;
    let cap = new.cap.amount()?;
    let mut tx = app.begin().await?;
    memory::check_within(app, &mut tx).await?;
    let tenant = tenants::find(&mut tx, id).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    if !tenants::set_cap(&mut tx, id, cap).await? {
        return Err(below_use());
    }
    let now = tx.now().await?;
    grant(&mut tx, caller, id, None, cap, now).await?;
    memory::note_cap(app, id, cap).await?;
    tx.commit().await?;
    memory::raise(app).await?;
    Ok(view(tenant))
}

/// A tenant's own account.
pub async fn account(app: &App, caller: &Caller, id: Uuid) -> Result<AccountView, Problem> {
    caller.admin()?;
    let mut tx = app.read().await?;
    let account = ledger::tenant_account(&mut tx, id).await?.ok_or_else(|| Problem::not_found("tenant"))?;
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
    let mut tx = app.begin().await?;
    let now = tx.now().await?;
    let population = Population {
        id: Uuid::new_v4(),
        tenant_id: new.tenant_id,
        name: new.name,
        is_default: false,
        strict: new.strict,
        split_key: split_key()?,
        created_at: now,
    };
    tenants::find(&mut tx, new.tenant_id).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    tenants::add_population(&mut tx, &population, cap).await.map_err(taken("name"))?;
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
    let mut tx = app.read().await?;
    let after = match query.after {
        None => 0,
        Some(id) => PageQuery::known(tenants::population_place(&mut tx, caller.tenant, id).await?)?,
    };
    let rows = tenants::list_populations(&mut tx, caller.tenant, after, limit).await?;
    Ok(PageQuery::page(rows, limit, |p| p.id, population_view))
}

/// Sets a population's cap.
pub async fn set_population_cap(
    app: &App,
    caller: &Caller,
    id: Uuid,
    new: NewCap,
) -> Result<PopulationView, Problem> {
    caller.admin()?;
    let cap = new.cap.amount()?;
    let mut tx = app.begin().await?;
    memory::check_within(app, &mut tx).await?;
    let population =
        tenants::find_population(&mut tx, id).await?.ok_or_else(|| Problem::not_found("population"))?;
    if !tenants::set_population_cap(&mut tx, id, cap).await? {
        return Err(below_use());
    }
    let now = tx.now().await?;
    grant(&mut tx, caller, population.tenant_id, Some(id), cap, now).await?;
    memory::note_cap(app, id, cap).await?;
    tx.commit().await?;
    memory::raise(app).await?;
    Ok(population_view(population))
}
