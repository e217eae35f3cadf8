//! Signatures of releases: who has a file and the public key can tell that it is what was published, without asking the server.
//!
//! | module | idea |
//! | --- | --- |
//! | [`key`] | Ed25519 keys, in the PEM that openssl reads; secrets are wiped, and nothing shows them |
//! | [`keys`] | public keys of one publisher, old and new, as a JWK set |
//! | [`statement`] | what is signed: an in-toto statement that names files by their SHA-256 |
//! | [`envelope`] | the statement with its signatures: a DSSE envelope |
//!
//! What is signed is the exact bytes of the statement, which travel in the envelope: nothing has to be written in a canonical way again. The type of the payload is signed
//! with it, so that a signature of one kind of document is none of another.
//!
//! ```
//! use netdpsyn_seal::{Envelope, SecretKey, Statement, Subject};
//!
//! let key = SecretKey::generate()?;
//! let content = Subject::of_bytes("content", b"srcip\n10.0.0.1\n");
//! let statement = Statement::new("https://example.org/release", vec![content], serde_json::json!({"rows": 1}));
//! let envelope = Envelope::sign(&statement, &key)?;
//!
//! let (signed, by) = envelope.verify(&[key.public()])?;
//! assert_eq!((signed, by), (statement, key.public()));
//! assert!(envelope.verify(&[SecretKey::generate()?.public()]).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::missing_errors_doc)]

pub mod envelope;
pub mod key;
pub mod keys;
pub mod statement;

pub use envelope::{Envelope, Refused};
pub use key::{KeyError, PublicKey, SecretKey};
pub use keys::{KeySet, Listed};
pub use statement::{Statement, Subject};
