//! API keys: 256 random bits, found by a public part, kept as SHA-256.

use super::app::{App, Caller, Page, PageQuery, Role, shown_time};
use super::problem::Problem;
use crate::fit::keys::secret;
use crate::storage::keys::{self, Key};
use crate::storage::{Tx, tenants};
use ipnet::IpNet;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Prefix of every key.
const START: &str = "ndp_";
/// Letters of the public part, after `ndp_`.
const PUBLIC: usize = 12;
/// Letters after `ndp_` at least, and of the whole key at most.
const LEAST: usize = 40;
const MOST: usize = 512;

/// A key to be issued.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "steward", "name": "nightly upload"}))]
pub struct NewKey {
    /// `steward` or `reader`.
    #[schema(value_type = TenantRole)]
    pub role: Role,
    /// Name, which states its purpose.
    #[schema(value_type = super::tenants::Name)]
    pub name: String,
}

/// Role of a tenant's key: any but an administrator's.
#[allow(dead_code)]
pub struct TenantRole;

impl utoipa::PartialSchema for TenantRole {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::{ObjectBuilder, Type};
        let roles = Role::ALL.iter().filter(|role| **role != Role::Admin);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(roles.map(|role| role.name())))
            .description(Some("Role of a tenant's key."))
            .into()
    }
}

impl utoipa::ToSchema for TenantRole {}

/// A key without its secret.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-000000000009", "role": "steward", "name": "nightly upload", "prefix": "ndp_3f9c02a1b7d4", "created_at": "2026-01-05T08:00:00Z"}))]
pub struct KeyView {
    /// Id.
    pub id: Uuid,
    /// Role.
    #[schema(value_type = TenantRole)]
    pub role: Role,
    /// Name, which states its purpose.
    pub name: String,
    /// Public part.
    #[schema(pattern = "^ndp_[0-9a-f]{12}$")]
    pub prefix: String,
    /// Time of issue.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time of revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

/// A new key: the secret is shown only once.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"secret": "ndp_3f9c02a1b7d43f9c02a1b7d43f9c02a1b7d43f9c02a1b7d43f9c02a1b7d43f9c", "id": "0199c0de-0000-7000-8000-000000000009", "role": "steward", "name": "nightly upload", "prefix": "ndp_3f9c02a1b7d4", "created_at": "2026-01-05T08:00:00Z"}))]
pub struct IssuedKey {
    /// The whole key, to be sent as `Authorization: Bearer …`.
    #[schema(pattern = "^ndp_[0-9a-f]{64}$")]
    pub secret: String,
    /// The key without its secret.
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
        role,
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
    Ok(format!("{START}{}", hex::encode(bits)))
}

/// Creates the first administrator's key in a database without keys. Returns the secret only if it was generated here.
pub async fn bootstrap(app: &App) -> Result<Option<String>, Problem> {
    let given = app.config.admin_key.clone();
    let mut tx = app.begin("keys.bootstrap").await?;
    if keys::any(&mut tx).await? {
        drop(tx);
        if let Some(key) = &given {
            say_if_unused(app, key.expose_secret()).await?;
        }
        return Ok(None);
    }
    let secret = match &given {
        Some(key) => key.expose_secret().to_string(),
        None => fresh()?,
    };
    // The first administrator's key has a fixed id: of several servers that start together one succeeds and prints.
    let first = Key {
        id: Uuid::from_u128(1),
        ..key(&secret, None, Role::Admin, "first administrator", tx.now().await?)
    };
    match keys::add(&mut tx, &first).await {
        Err(error) if error.is_unique_violation() => return Ok(None),
        other => other?,
    }
    tx.commit().await?;
    Ok(given.is_none().then_some(secret))
}

/// The first administrator's key applies to a database without keys; a different one that is set later is ignored, with a log line.
async fn say_if_unused(app: &App, given: &str) -> Result<(), Problem> {
    if holder(app, given).await?.is_none_or(|caller| caller.role != Role::Admin) {
        tracing::warn!(
            "NETDPSYN_ADMIN_KEY is not an administrator's key of this database, which has keys already: the setting counts for the first start alone. `netdpsyn admin key --role admin` issues one, `netdpsyn admin revoke` ends one"
        );
    }
    Ok(())
}

/// Whether it looks like a key at all.
pub fn is_shaped(secret: &str) -> bool {
    secret.starts_with(START)
        && (START.len() + LEAST..=MOST).contains(&secret.len())
        && secret.bytes().all(|letter| letter.is_ascii_graphic())
}

/// Who holds this key, sent from there. What has not the shape of a key is refused at once, and so is one from an address that sent too many wrong
/// ones; of all others the database says whether they are right now.
pub async fn authenticate(app: &App, from: IpNet, secret: &str) -> Result<Caller, Problem> {
    if !is_shaped(secret) {
        return Err(Problem::unauthorised());
    }
    let digest: [u8; 32] = Sha256::digest(secret).into();
    let attempt = app.guesses.start(from, digest, app.clock().instant()).map_err(|wait| {
        Problem::too_many(
            "too many wrong keys came from your address; keys that were valid recently still work",
        )
        .with("retry_after_seconds", wait.as_secs() + 1)
    })?;
    match holder(app, secret).await {
        Ok(Some(caller)) => {
            app.guesses.right(attempt, app.clock().instant());
            Ok(caller)
        }
        Ok(None) => {
            app.guesses.wrong(attempt);
            Err(Problem::unauthorised())
        }
        Err(problem) => {
            app.guesses.untold(attempt);
            Err(problem)
        }
    }
}

/// Holder of a key, from the database.
async fn holder(app: &App, secret: &str) -> Result<Option<Caller>, Problem> {
    let Some(public) = secret.get(..START.len() + PUBLIC) else { return Ok(None) };
    let mut tx = app.read("keys.holder").await?;
    let found = keys::find(&mut tx, public).await?;
    let same = found.filter(|found| found.hash.ct_eq(Sha256::digest(secret).as_slice()).into());
    Ok(same.map(|found| Caller { key: public.into(), role: found.role, tenant: found.tenant_id }))
}

/// The holder of the valid key with this public part; it does not authenticate the caller.
pub(super) async fn holder_of(tx: &mut Tx, public: &str) -> Result<Option<Caller>, Problem> {
    let found = keys::find(tx, public).await?;
    Ok(found.map(|found| Caller { key: public.into(), role: found.role, tenant: found.tenant_id }))
}

/// Refuses callers whose key has been revoked.
pub(super) async fn check_still(app: &App, caller: &Caller) -> Result<(), Problem> {
    let mut tx = app.read("keys.check_still").await?;
    holder_of(&mut tx, &caller.key).await?.map(drop).ok_or_else(Problem::unauthorised)
}

/// Issues a key of a tenant.
pub async fn issue(app: &App, caller: &Caller, tenant: Uuid, new: NewKey) -> Result<IssuedKey, Problem> {
    caller.admin()?;
    if new.role == Role::Admin {
        return Err(Problem::invalid("role", "a tenant's key is a steward's or a reader's"));
    }
    super::tenants::check_name("name", &new.name)?;
    let secret = fresh()?;
    let mut tx = app.begin("keys.issue").await?;
    tenants::find(&mut tx, tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    let key = key(&secret, Some(tenant), new.role, &new.name, tx.now().await?);
    keys::add(&mut tx, &key).await?;
    tx.commit().await?;
    Ok(IssuedKey { secret, key: view(key) })
}

/// Issues an administrator's key. Only on the server's machine: a thief of such a key could otherwise make another one before it is revoked.
pub async fn issue_admin(app: &App, caller: &Caller, name: &str) -> Result<IssuedKey, Problem> {
    caller.admin()?;
    let secret = fresh()?;
    let mut tx = app.begin("keys.issue_admin").await?;
    let key = key(&secret, None, Role::Admin, name, tx.now().await?);
    keys::add(&mut tx, &key).await?;
    tx.commit().await?;
    Ok(IssuedKey { secret, key: view(key) })
}

/// Every key of everybody, with its tenant.
pub async fn all(app: &App, caller: &Caller) -> Result<Vec<(Option<Uuid>, KeyView)>, Problem> {
    caller.admin()?;
    let keys = keys::all(&mut app.read("keys.all").await?).await?;
    Ok(keys.into_iter().map(|key| (key.tenant_id, view(key))).collect())
}

/// Revokes anybody's key, named by its id or by its public part; which it was.
pub async fn revoke_any(app: &App, caller: &Caller, named: &str) -> Result<KeyView, Problem> {
    // Whoever pastes the whole key means the one that it starts with.
    let public: String = named.chars().take(START.len() + PUBLIC).collect();
    let mut found = all(app, caller).await?;
    found
        .retain(|(_, key)| key.revoked_at.is_none() && (key.prefix == public || key.id.to_string() == named));
    let Some((tenant, key)) = found.pop() else { return Err(Problem::not_found("valid key")) };
    revoke_key(app, tenant, key.id).await?;
    Ok(key)
}

/// A tenant's keys.
pub async fn list(
    app: &App,
    caller: &Caller,
    tenant: Uuid,
    query: PageQuery,
) -> Result<Page<KeyView>, Problem> {
    caller.admin()?;
    let limit = query.fetched()?;
    let mut tx = app.read("keys.list").await?;
    tenants::find(&mut tx, tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?;
    Ok(PageQuery::page(keys::list(&mut tx, tenant, query.after, limit).await?, limit, |k| k.id, view))
}

/// Revokes a key of a tenant.
pub async fn revoke(app: &App, caller: &Caller, tenant: Uuid, id: Uuid) -> Result<(), Problem> {
    caller.admin()?;
    revoke_key(app, Some(tenant), id).await
}

async fn revoke_key(app: &App, tenant: Option<Uuid>, id: Uuid) -> Result<(), Problem> {
    let mut tx = app.begin("keys.revoke_key").await?;
    let now = tx.now().await?;
    if !keys::revoke(&mut tx, tenant, id, now).await? {
        return Err(Problem::not_found("key"));
    }
    super::journal::note_revoked(app, tenant, id).await?;
    Ok(tx.commit().await?)
}
