//! Where the service keeps things: a database (Postgres or SQLite) and artifacts (files). Knows the ledger's rules and nothing above.
//!
//! One file a noun. The SQL stands once, in what both databases speak; what differs (claiming a job, beginning a write, the migrations) stands in
//! [`db`], [`tx`] and in `migrations/`. Functions take a transaction, do one thing, and leave committing to the use case.

pub mod accounts;
pub mod artifacts;
pub mod claims;
pub mod clock;
pub mod closed;
pub mod copies;
pub mod datasets;
pub mod db;
pub mod deposits;
pub mod digest;
pub mod disk;
pub mod dump;
pub mod error;
pub mod halves;
pub mod idempotency;
pub mod in_use;
pub mod jobs;
mod kept;
pub mod keys;
pub mod ledger;
pub mod looks;
pub mod marks;
mod migrations;
pub mod models;
pub mod named;
pub mod populations;
pub mod publications;
pub mod releases;
pub mod servers;
pub mod signed_out;
pub mod signing;
mod statement;
pub mod tenants;
pub mod turns;
pub mod tx;
pub mod uploads;
pub mod webhooks;
pub mod words;

pub use artifacts::Artifacts;
pub use clock::Clock;
pub use db::{Db, Pools};
pub use error::StorageError;
pub use halves::Halves;
pub use kept::Kept;
pub use tx::Tx;

use uuid::Uuid;

/// The least id of all: a list by id that begins at its beginning begins after it. Nothing has it.
const LEAST_ID: Uuid = Uuid::nil();
