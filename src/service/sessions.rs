//! Sessions of the console: who signed in with a key, told by a signed text that a browser keeps and no page can read. It holds the key's public part and until when it is good,
//! never the key.
//!
//! Every server that shares the data directory knows the secret by which texts are signed, so that any of them takes what another one gave; and every request asks the
//! database for the key, so that revoking works at once, and whether somebody signed out of it, which is remembered there until the text lapses.

use super::app::{App, Caller};
use super::keys;
use super::problem::Problem;
use crate::fit::keys::{keyed, secret};
use crate::storage::{Halves, signed_out};
use hmac::Mac;
use ipnet::IpNet;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Lifetime of a session.
pub const SECONDS: i64 = 8 * 3_600;

/// Key that signs sessions.
pub struct Sessions {
    /// Where the secret lies: apart from artifacts and database, in no backup.
    folder: Halves,
    /// The secret, once it was needed.
    secret: Mutex<Option<[u8; 32]>>,
}

/// A session that is good now.
#[derive(Clone, Debug)]
pub struct Session {
    /// Name, which its forms are bound to.
    name: String,
    /// Expiry, in µs since 1970.
    until: i64,
}

impl Sessions {
    /// None yet; the secret lies in this folder.
    pub fn of(folder: Halves) -> Self {
        Sessions { folder, secret: Mutex::default() }
    }

    /// The secret: the one that the first server made.
    fn secret(&self) -> Result<[u8; 32], Problem> {
        let mut kept = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = *kept {
            return Ok(secret);
        }
        let made = secret().map_err(|_| Problem::internal())?;
        Ok(*kept.insert(self.folder.keep(Uuid::nil(), &made)?))
    }

    /// The signature of a text for a purpose.
    pub(super) fn signed(&self, purpose: &str, text: &str) -> Result<String, Problem> {
        let mut mac = keyed(&self.secret()?);
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }

    /// Whether a signature is that of a text for a purpose.
    pub(super) fn is_signed(&self, purpose: &str, text: &str, signature: &str) -> Result<bool, Problem> {
        Ok(self.signed(purpose, text)?.as_bytes().ct_eq(signature.as_bytes()).into())
    }

    /// Form token of the holder of this name.
    pub fn form(&self, name: &str) -> Result<String, Problem> {
        self.signed("form", name)
    }

    /// Refuses a form that was not shown to the holder of this name.
    pub fn check_form(&self, name: &str, sent: Option<&str>) -> Result<(), Problem> {
        match self.is_signed("form", name, sent.unwrap_or_default())? {
            true => Ok(()),
            false => Err(Problem::forged()),
        }
    }
}

impl Session {
    /// The name that its forms are bound to.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// An unguessable name: of a session, or of a visitor who is shown the form to sign in.
pub fn fresh_name() -> Result<String, Problem> {
    Ok(hex::encode(&secret().map_err(|_| Problem::internal())?[..16]))
}

/// Signs in with a key from there: what the browser keeps, and how many seconds it is good.
pub async fn begin(app: &App, from: IpNet, key: &str) -> Result<(String, i64), Problem> {
    let caller = keys::authenticate(app, from, key.trim()).await?;
    let mut tx = app.read("sessions.begin").await?;
    let until = tx.now().await? + SECONDS * 1_000_000;
    drop(tx);
    let text = format!("{}.{until}.{}", caller.key, fresh_name()?);
    let signature = app.sessions.signed("session", &text)?;
    Ok((format!("{text}.{signature}"), SECONDS))
}

/// Signs out of a session, on every server.
pub async fn end(app: &App, session: &Session) -> Result<(), Problem> {
    let mut tx = app.begin("sessions.end").await?;
    let now = tx.now().await?;
    signed_out::add(&mut tx, &session.name, session.until, now).await?;
    Ok(tx.commit().await?)
}

/// Who is signed in by what a browser kept; refuses what was not given here, has lapsed or was signed out of, and keys that are revoked.
pub async fn find(app: &App, kept: &str) -> Result<(Caller, Session), Problem> {
    let (text, signature) = kept.rsplit_once('.').ok_or_else(Problem::unauthorised)?;
    if !app.sessions.is_signed("session", text, signature)? {
        return Err(Problem::unauthorised());
    }
    let parts: Vec<&str> = text.split('.').collect();
    let [public, until, name] = parts[..] else { return Err(Problem::unauthorised()) };
    let until: i64 = until.parse().map_err(|_| Problem::unauthorised())?;
    let mut tx = app.read("sessions.find").await?;
    let now = tx.now().await?;
    let caller = keys::holder_of(&mut tx, public).await?;
    let ended = signed_out::contains(&mut tx, name).await?;
    drop(tx);
    // One that is good for longer than any is of a clock that went back.
    let good = (now..=now.saturating_add(SECONDS * 1_000_000)).contains(&until) && !ended;
    let caller = caller.filter(|_| good).ok_or_else(Problem::unauthorised)?;
    Ok((caller, Session { name: name.into(), until }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_value_holds_for_its_purpose_and_on_every_server() {
        let folder = tempfile::tempdir().unwrap();
        let server = || Sessions::of(Halves::open(folder.path()).unwrap());
        let (one, other) = (server(), server());
        let form = one.form("a").unwrap();
        assert!(other.check_form("a", Some(&form)).is_ok(), "the secret is one");
        for (name, sent) in [("b", Some(&*form)), ("a", Some("")), ("a", None), ("a", Some(&form[1..]))] {
            assert_eq!(one.check_form(name, sent).unwrap_err().status, 403);
        }
        assert!(!one.is_signed("session", "a", &form).unwrap());
        let elsewhere = tempfile::tempdir().unwrap();
        let elsewhere = Sessions::of(Halves::open(elsewhere.path()).unwrap());
        assert_ne!(elsewhere.form("a").unwrap(), form);
    }
}
