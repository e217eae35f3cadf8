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
//! [`service::local::synthesize`] is that line in code. Left of [`model`] everything is [`privacy::Sensitive`]; right of it nothing
//! is, because a [`model::Bundle`] holds only noisy answers that the [`privacy::Accountant`] charged for.
//!
//! # The rooms, and who may use whom
//!
//! | module | what it is for | uses |
//! | --- | --- | --- |
//! | [`whole`] | whole numbers in JSON | – |
//! | [`progress`] | how long work reports and is stopped | – |
//! | [`trace`] | what a trace is: schema, presets, columns, window, protocol facts. No I/O | `progress` |
//! | [`scratch`] | columns set aside on disk | `trace` |
//! | [`privacy`] | budgets, theorems, noise, accountant, the wrapper around raw data | – |
//! | [`domain`] | value space ↔ codes: bins, prefix trees, rare groups | `trace progress` |
//! | [`formats`] | readers and writers | `trace privacy progress` |
//! | [`model`] | measurements, made to agree; the bundle file; the statement | `domain trace privacy progress` |
//! | [`fit`] | raw data in, paid measurements out | `model domain trace privacy progress whole` |
//! | [`generate`] | model in, records out | `model domain scratch trace progress whole` |
//! | [`evaluate`] | how good a synthetic trace is | `model domain scratch trace privacy progress` |
//! | [`simulate`] | simulated traces to try things on | `generate trace` |
//! | [`ledger`] | the rules of spending, pure | `privacy` |
//! | [`storage`] | database and artifacts | `ledger` |
//! | [`service`] | use cases, one transaction each | `storage ledger config` and the engine above |
//! | [`jobs`] | workers: leases, and what each kind of job does | `service storage` and the engine |
//! | [`http`] | the REST API, thin | `service storage jobs` |
//! | [`cli`] | the command line, thin | `service http storage config telemetry` and what they take and return |
//! | [`config`], [`telemetry`] | settings, logs | – |
//!
//! `tests/architecture.rs` reads the `use` lines and fails on an arrow that this table does not have.

pub mod cli;
pub mod config;
pub mod http;
pub mod jobs;
pub mod ledger;
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
