//! The key that signs releases: from the settings, or in a file of the data directory that the first server makes. It is read each time it is needed, so that every server signs
//! with a new one as soon as it is there.

use super::app::{App, Caller, shown_day};
use super::problem::Problem;
use crate::storage::Tx;
use crate::storage::signing::{self, SigningKey};
use netdpsyn_seal::{Envelope, KeyError, KeySet, Listed, PublicKey, SecretKey, Statement};
use secrecy::ExposeSecret;
use serde_json::Value;

fn broken(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the signing key cannot be used");
    Problem::internal()
}

/// The secret key; created if there is none.
fn secret(app: &App) -> Result<SecretKey, Problem> {
    if let Some(key) = &app.config.signing_key {
        return SecretKey::from_pem(key.0.expose_secret()).map_err(broken);
    }
    if app.signing.read()?.is_none() {
        let made = SecretKey::generate().and_then(|key| key.to_pem()).map_err(broken)?;
        app.signing.keep(&made)?;
    }
    let text = app.signing.read()?.map(zeroize::Zeroizing::new);
    SecretKey::from_pem(text.as_ref().map_or("", |text| text.as_str())).map_err(broken)
}

/// The key that signs now, and listed as such.
async fn current(app: &App, tx: &mut Tx) -> Result<SecretKey, Problem> {
    let key = secret(app)?;
    list(tx, &key.public()).await?;
    Ok(key)
}

/// Lists a key as the one that signs. Nothing is written where it is that already.
async fn list(tx: &mut Tx, key: &PublicKey) -> Result<(), Problem> {
    let id = key.id();
    let current: Vec<SigningKey> =
        signing::list(tx).await?.into_iter().filter(|listed| listed.until.is_none()).collect();
    if current.len() == 1 && current[0].id == id {
        return Ok(());
    }
    let now = tx.now().await?;
    Ok(signing::list_as_current(tx, &id, &key.to_pem().map_err(broken)?, now).await?)
}

/// Makes and lists the key, so that it is known before anything is signed.
pub async fn begin(app: &App) -> Result<(), Problem> {
    let mut tx = app.begin("signing.begin").await?;
    current(app, &mut tx).await?;
    Ok(tx.commit().await?)
}

/// Signs a statement within a transaction that keeps what is signed: the envelope's text.
pub async fn sign(app: &App, tx: &mut Tx, statement: &Statement) -> Result<String, Problem> {
    let key = current(app, tx).await?;
    let envelope = Envelope::sign(statement, &key).map_err(broken)?;
    serde_json::to_string(&envelope).map_err(broken)
}

fn listed(kept: SigningKey) -> Result<Listed, KeyError> {
    let key = PublicKey::from_pem(&kept.pem)?;
    Ok(Listed { key, since: Some(shown_day(kept.since)), until: kept.until.map(shown_day) })
}

/// Every public key that signs or signed, as a JWK set.
pub async fn keys(app: &App) -> Result<Value, Problem> {
    let mut tx = app.read("signing.keys").await?;
    let keys = signing::list(&mut tx).await?;
    let keys = keys.into_iter().map(listed).collect::<Result<_, _>>().map_err(broken)?;
    KeySet(keys).document().map_err(broken)
}

/// Makes another key, which signs from now on: its id. The one before stays listed.
pub async fn rotate(app: &App, caller: &Caller) -> Result<String, Problem> {
    caller.admin()?;
    if app.config.signing_key.is_some() {
        return Err(Problem::invalid(
            "NETDPSYN_SIGNING_KEY",
            "the key comes from the environment: set another one there and restart the servers",
        ));
    }
    let key = SecretKey::generate().map_err(broken)?;
    let mut tx = app.begin("signing.rotate").await?;
    // The one that signs until now is listed, whatever it signed.
    current(app, &mut tx).await?;
    list(&mut tx, &key.public()).await?;
    tx.commit().await?;
    // A server that signs in between lists the old one again; the new one takes its place with the next signature.
    app.signing.replace(&key.to_pem().map_err(broken)?)?;
    begin(app).await?;
    Ok(key.public().id())
}
