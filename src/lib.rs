//! netdpsyn: differentially private synthetic network traces.
//!
//! A raw trace of flows or packet headers goes in, is summarised in noisy marginals under differential privacy, and a synthetic
//! trace is generated from those (the method of Sun, Chen, Gong, Wang, Li: *NetDPSyn*, IMC '24, with every look at the data
//! paid for).
//!
//! # The main path
//!
//! ```text
//! formats ──► fit ──► model ──► generate ──► formats          evaluate beside it
//! raw bytes   paid    tables    records      synthetic bytes
//!             noise   made to
//!                     agree
//! ```
//!
//! [`service::local::synthesize`] is that line in code. Left of [`model`] everything is [`formats::Sensitive`]; right of it nothing
//! is, because a [`model::Bundle`] holds only noisy answers that the accountant of the privacy core charged for.
//!
//! # The house, and who may use whom
//!
//! The engine is a crate a room, in `crates/`; the service is this crate. Between crates the compiler holds the arrows.
//!
//! | crate | purpose | uses |
//! | --- | --- | --- |
//! | [`account`] | budgets, theorems, charges, the statement: numbers and words, no noise, no data | – |
//! | `privacy` | the core: noise, the accountant that draws it, raw data and its exits | `account` |
//! | [`trace`] | what a trace is: schema, roles, columns, window, protocol facts; [`progress`]; [`simulate`] | `account` |
//! | [`model`] | domains; measurements, made to agree; the bundle file | `account trace` |
//! | [`generate`] | model in, records out | `model trace` |
//! | `capture` | packet captures: packets and flows out of them, packets into them | – |
//! | `export` | datagrams of flow exporters (NetFlow, IPFIX) into flows | – |
//! | [`formats`] | readers and writers | `capture export trace`, **`privacy`** |
//! | [`fit`] | raw data in, paid measurements out | `account model trace`, **`privacy`** |
//! | [`evaluate`] | how good a synthetic trace is | `model generate trace`, **`privacy`** |
//! | `catalogue` | descriptions of releases for portals: facts in, documents out | – |
//! | `deposit` | deposits in repositories: facts and files in, steps out | – |
//! | `hooks` | webhooks: signatures, waits, who may be called | – |
//! | `seal` | signatures of releases: keys, statements, envelopes | – |
//! | `walls` | tests only: the compiler's errors for code that opens raw data elsewhere | those that this crate uses |
//!
//! This crate does not list `privacy`: it holds a [`formats::Sensitive`] and hands it on. Within it:
//!
//! | module | purpose | uses |
//! | --- | --- | --- |
//! | [`ledger`] | the rules of spending, pure | `account` |
//! | [`storage`] | database and artifacts | `ledger account` |
//! | [`service`] | use cases, one transaction each | `storage ledger config` and the engine above |
//! | [`jobs`] | workers: leases, and what each kind of job does | `service storage` and the engine |
//! | [`pages`] | HTML of what others give | `service storage` and the engine |
//! | [`http`] | the REST API and the console, thin | `pages service storage jobs` |
//! | [`cli`] | the command line, thin | `pages service http storage config telemetry` and what they take and return |
//! | [`config`], [`telemetry`] | settings, logs | – |
//!
//! `tests/architecture.rs` reads the `use` lines of these and fails on an arrow that the table does not have.

pub mod cli;
pub mod config;
pub mod http;
pub mod jobs;
pub mod ledger;
pub mod pages;
pub mod service;
pub mod storage;
pub mod telemetry;

pub use netdpsyn_account as account;
pub use netdpsyn_evaluate as evaluate;
pub use netdpsyn_fit as fit;
pub use netdpsyn_formats as formats;
pub use netdpsyn_generate as generate;
pub use netdpsyn_model as model;
pub use netdpsyn_trace as trace;
pub use netdpsyn_trace::{progress, simulate};
