//! What is signed: an in-toto statement, version 1. Its subjects are files, by their SHA-256; its predicate says what is stated of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What an in-toto statement says that it is.
pub const TYPE: &str = "https://in-toto.io/Statement/v1";

/// A statement about files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// [`TYPE`].
    #[serde(rename = "_type")]
    kind: String,
    /// The files.
    pub subject: Vec<Subject>,
    /// What kind of thing is stated, a URI.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is stated.
    #[serde(default)]
    pub predicate: Value,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What it is called within the statement.
    pub name: String,
    /// Its digests in hex, by algorithm.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// A file of this SHA-256, in hex.
    pub fn of_digest(name: &str, sha256: &str) -> Self {
        let digest = BTreeMap::from([("sha256".to_string(), sha256.to_ascii_lowercase())]);
        Subject { name: name.into(), digest }
    }

    /// A file of these bytes.
    pub fn of_bytes(name: &str, bytes: &[u8]) -> Self {
        Subject::of_digest(name, &hex(&Sha256::digest(bytes)))
    }

    /// Its SHA-256 in hex, where the statement has it.
    pub fn sha256(&self) -> Option<&str> {
        self.digest.get("sha256").map(String::as_str)
    }
}

impl Statement {
    /// A statement.
    pub fn new(predicate_type: &str, subject: Vec<Subject>, predicate: Value) -> Self {
        Statement { kind: TYPE.into(), subject, predicate_type: predicate_type.into(), predicate }
    }

    /// Whether it is of the version that this program knows.
    pub(crate) fn is_known(&self) -> bool {
        self.kind == TYPE
    }

    /// The subject that has this SHA-256, in hex of either case.
    pub fn about(&self, sha256: &str) -> Option<&Subject> {
        self.subject
            .iter()
            .find(|subject| subject.sha256().is_some_and(|own| own.eq_ignore_ascii_case(sha256)))
    }
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
