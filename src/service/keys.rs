//! API keys: 256 random bits, found by a public part, kept as SHA-256.

use super::app::{App, Caller, Page, PageQuery, Role, shown_time};
use super::problem::Problem;
use crate::privacy::noise::secret;
use crate::storage::artifacts::hex;
use crate::storage::tenants::{self, Key};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// What every key starts with.
const START: &str = "ndp_";
/// Letters of the public part, after `ndp_`.
const PUBLIC: usize = 12;

/// A key to be issued.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "steward", "name": "nightly upload"}))]
pub struct NewKey {
    /// `steward` or `reader`.
    pub role: Role,
    /// What it is for.
    pub name: String,
}

/// A key without its secret.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000009", "role": "steward", "name": "nightly upload", "prefix": "ndp_3f9c02a1b7d4", "created_at": "2026-01-05T08:00:00Z"}))]
pub struct KeyView {
    /// Its id.
    pub id: Uuid,
    /// What it allows.
    pub role: String,
    /// What it is for.
    pub name: String,
    /// Its public part.
    pub prefix: String,
    /// When it was issued.
    pub created_at: String,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
}

/// A key just issued: the secret is shown this once.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"secret": "ndp_3f9c02a1b7d4…", "id": "0199c0de-0000-7000-8000-000000000009", "role": "steward", "name": "nightly upload", "prefix": "ndp_3f9c02a1b7d4", "created_at": "2026-01-05T08:00:00Z"}))]
pub struct IssuedKey {
    /// The whole key, to be sent as `Authorization: Bearer …`.
    pub secret: String,
    /// The rest.
    #[serde(flatten)]
    pub key: KeyView,
}

fn view(key: Key) -> KeyView {
    KeyView {
        id: key.id,
        role: key.role,
        name: key.name,
        prefix: key.prefix,
        created_at: shown_time(key.created_at),
        revoked_at: key.revoked_at.map(shown_time),
    }
}

/// A key of this secret.
fn key(secret: &str, tenant: Option<Uuid>, role: Role, name: &str, now: i64) -> Key {
    Key {
        id: Uuid::now_v7(),
        tenant_id: tenant,
        role: role.name().into(),
        name: name.into(),
        prefix: secret.chars().take(START.len() + PUBLIC).collect(),
        hash: Sha256::digest(secret).to_vec(),
        created_at: now,
        revoked_at: None,
    }
}

/// A fresh secret.
pub fn fresh() -> Result<String, Problem> {
    let bits = secret().map_err(|_| Problem::internal())?;
    Ok(format!("{START}{}", hex(&bits)))
}

/// Makes the first administrator's key where there is no key at all; gives it if it was made up here.
pub async fn bootstrap(app: &App) -> Result<Option<String>, Problem> {
    let mut tx = app.begin().await?;
    if tenants::any_key(&mut tx).await? {
        return Ok(None);
    }
    let given = app.config.admin_key.clone();
    if given.as_ref().is_some_and(|key| !key.starts_with(START) || key.len() < START.len() + 40) {
        return Err(Problem::invalid("NETDPSYN_ADMIN_KEY", "a key is ndp_ and at least 40 more letters"));
    }
    let secret = match &given {
        Some(key) => key.clone(),
        None => fresh()?,
    };
    // The first administrator's key has a fixed id: of several servers that start together one succeeds and prints.
    let first = Key {
        id: Uuid::from_u128(1),
        ..key(&secret, None, Role::Admin, "first administrator", tx.now().await?)
    };
    match tenants::add_key(&mut tx, &first).await {
        Err(error) if error.is_unique_violation() => return Ok(None),
        other => other?,
    }
    tx.commit().await?;
    Ok(given.is_none().then_some(secret))
}

/// Who holds this key.
pub async fn authenticate(app: &App, secret: &str) -> Result<Caller, Problem> {
    let public: String = secret.chars().take(START.len() + PUBLIC).collect();
    let mut tx = app.read().await?;
    let found = tenants::find_key(&mut tx, &public).await?.ok_or_else(Problem::unauthorised)?;
    let same: bool = found.hash.ct_eq(Sha256::digest(secret).as_slice()).into();
    let role = match found.role.as_str() {
        "admin" => Role::Admin,
        "steward" => Role::Steward,
        _ => Role::Reader,
    };
    if same {
        Ok(Caller { key: public, role, tenant: found.tenant_id })
    } else {
        Err(Problem::unauthorised())
    }
}

/// Issues a key of a tenant.
pub async fn issue(app: &App, caller: &Caller, tenant: Uuid, new: NewKey) -> Result<IssuedKey, Problem> {
    caller.admin()?;
    if new.role == Role::Admin {
        return Err(Problem::invalid("role", "a tenant's key is a steward's or a reader's"));
    }
    super::tenants::check_name("name", &new.name)?;
    let secret = fresh()?;
    let mut tx = app.begin().await?;
    tenants::find(&mut tx, tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    let key = key(&secret, Some(tenant), new.role, &new.name, tx.now().await?);
    tenants::add_key(&mut tx, &key).await?;
    tx.commit().await?;
    Ok(IssuedKey { secret, key: view(key) })
}

/// A tenant's keys.
pub async fn list(
    app: &App,
    caller: &Caller,
    tenant: Uuid,
    query: PageQuery,
) -> Result<Page<KeyView>, Problem> {
    caller.admin()?;
    let (after, limit) = query.bounds()?;
    let mut tx = app.read().await?;
    tenants::find(&mut tx, tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    Ok(PageQuery::page(tenants::list_keys(&mut tx, tenant, after, limit).await?, limit, |k| k.id, view))
}

/// Revokes a key.
pub async fn revoke(app: &App, caller: &Caller, tenant: Uuid, id: Uuid) -> Result<(), Problem> {
    caller.admin()?;
    let mut tx = app.begin().await?;
    let now = tx.now().await?;
    if !tenants::revoke_key(&mut tx, tenant, id, now).await? {
        return Err(Problem::not_found("key"));
    }
    super::memory::note_revoked(app, tenant, id).await?;
    Ok(tx.commit().await?)
}
