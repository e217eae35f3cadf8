//! Use cases: what somebody wants done, each a function that HTTP, the workers and the command line call.
//!
//! [`local`] holds those that work on files of the person who runs them, without ledger or database. The others work on the
//! service's database and artifacts, one transaction each; every one takes the [`app::Caller`] and checks the role first. Another tenant's
//! thing is answered exactly as one that does not exist.

pub mod about;
pub mod acceptance;
pub mod app;
pub mod backup;
pub mod bound;
pub mod budget;
pub mod capacity;
pub mod catalogue;
pub mod comparison;
pub mod conditioned;
pub mod content;
pub mod datasets;
pub mod deposits;
pub mod discretize;
pub mod disk;
pub mod estimate;
pub mod events;
pub mod guesses;
pub mod idempotency;
pub mod jobs;
pub mod journal;
pub mod keys;
pub mod limits;
pub mod links;
pub mod local;
pub mod looks;
pub mod new_file;
mod objects;
pub mod problem;
pub mod publishing;
pub mod queued;
pub mod quotes;
pub mod readiness;
pub mod reading;
pub mod receivers;
pub mod releases;
pub mod repositories;
pub mod requests;
pub mod restore;
pub mod room;
pub mod sessions;
pub mod signing;
pub mod slots;
pub mod submit;
pub mod sweep;
pub mod tenants;
pub mod uploads;
pub mod webhooks;
