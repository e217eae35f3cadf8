//! A DSSE envelope: the bytes of a statement and who signed them.

use super::{PublicKey, SecretKey, Statement};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The type of what is signed.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// An envelope, as it is served and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The statement's bytes, base64.
    pub payload: String,
    /// [`PAYLOAD_TYPE`].
    pub payload_type: String,
    /// Who signed.
    pub signatures: Vec<Signed>,
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The id of the key: a hint, which is not signed.
    #[serde(default)]
    pub keyid: String,
    /// The signature, base64.
    pub sig: String,
}

/// Why an envelope proves nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// It is not one.
    #[error("this is not a DSSE envelope: {0}")]
    NoEnvelope(String),
    /// None of the keys signed it.
    #[error(
        "no signature is by one of the {keys} keys given: the statement was changed, or somebody else signed it (key {named})"
    )]
    NotSigned {
        /// Keys that were tried.
        keys: usize,
        /// The keys that it names.
        named: String,
    },
    /// The payload is not a statement that this program knows.
    #[error("the signed payload is not an in-toto statement of version 1")]
    NoStatement,
}

/// What is signed of a payload: its type and itself, each after its length, so that no other pair gives the same bytes.
pub fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// Signs a statement.
    ///
    /// # Errors
    /// Where the statement cannot be written as JSON.
    pub fn sign(statement: &Statement, key: &SecretKey) -> Result<Self, serde_json::Error> {
        let payload = serde_json::to_vec(statement)?;
        let signature = key.sign(&pre_authentication(PAYLOAD_TYPE, &payload));
        Ok(Envelope {
            payload: STANDARD.encode(&payload),
            payload_type: PAYLOAD_TYPE.into(),
            signatures: vec![Signed { keyid: key.public().id(), sig: STANDARD.encode(signature) }],
        })
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// Where the text is none.
    pub fn read(text: &[u8]) -> Result<Self, Refused> {
        serde_json::from_slice(text).map_err(|error| Refused::NoEnvelope(error.to_string()))
    }

    /// The statement, and the key that signed it: one of those given. Names of keys in the envelope decide nothing.
    ///
    /// # Errors
    /// If no given key signed it, or the payload is not a statement.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<(Statement, PublicKey), Refused> {
        let no = |what: &str| Refused::NoEnvelope(what.into());
        if self.payload_type != PAYLOAD_TYPE {
            return Err(Refused::NoStatement);
        }
        let payload = STANDARD.decode(&self.payload).map_err(|_| no("its payload is no base64"))?;
        let signed = pre_authentication(&self.payload_type, &payload);
        let by = |key: &&PublicKey| {
            let signature = |s: &Signed| STANDARD.decode(&s.sig).is_ok_and(|sig| key.signed(&signed, &sig));
            self.signatures.iter().any(signature)
        };
        let key = keys.iter().find(by).copied().ok_or_else(|| self.not_signed(keys.len()))?;
        let statement: Statement = serde_json::from_slice(&payload).map_err(|_| Refused::NoStatement)?;
        if statement.is_known() { Ok((statement, key)) } else { Err(Refused::NoStatement) }
    }

    fn not_signed(&self, keys: usize) -> Refused {
        let shown =
            |s: &Signed| s.keyid.chars().filter(|c| c.is_ascii_graphic()).take(64).collect::<String>();
        let named: Vec<String> = self.signatures.iter().take(4).map(shown).collect();
        Refused::NotSigned { keys, named: named.join(", ") }
    }
}
