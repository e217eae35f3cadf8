//! What a trace is: its schema, its columns in memory, its time window and its notations. This crate knows no
//! file format.
//!
//! Every value of a trace is an unsigned integer in the *value space* of its field, whatever its notation in
//! a file. An IPv4 address is 0..2³², an address of any family is its number in a [`directory`], a time is
//! nanoseconds since 1970, a duration counts steps of its resolution (microseconds), a category is its index
//! in the declared list. All other crates work on these numbers alone.
//!
//! ```
//! use netdpsyn_trace::{Trace, presets};
//!
//! // The preset leaves the classes and the capture window open: the steward declares them.
//! let mut schema = presets::preset("flow").ok_or("no such preset")?;
//! schema.declare_categories("type", vec!["benign".into(), "attack".into()])?;
//! assert!(schema.check_complete().is_err());
//! schema.window = Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".parse()?);
//! schema.check_complete()?;
//!
//! let trace = Trace::empty(&schema);
//! assert_eq!((trace.rows(), trace.columns().len()), (0, schema.columns.len()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate also holds what all stages of work share: progress and cancellation ([`progress`]), columns set
//! aside on disk ([`scratch`]), whole numbers in JSON ([`whole`]), and simulated traces for trials
//! ([`simulate`]).

#![warn(clippy::missing_errors_doc)]

pub mod address;
pub mod capture;
pub mod columns;
pub mod directory;
pub mod ends;
pub mod facts;
pub mod gaps;
pub mod grain;
pub mod groups;
pub mod layouts;
pub mod line;
pub mod notation;
pub mod presets;
pub mod progress;
pub mod protocols;
pub mod reading;
pub mod roles;
pub mod schema;
pub mod scratch;
pub mod sessions;
pub mod simulate;
pub mod special;
pub mod tcp;
pub mod whole;
pub mod window;
pub mod written;

pub use address::{Address, Families};
pub use capture::Capture;
pub use columns::{Trace, Values};
pub use directory::{Addresses, Directory};
pub use ends::Ends;
pub use facts::{Checked, Facts};
pub use grain::Grain;
pub use layouts::{Layout, layout};
pub use netdpsyn_account::{RecordKind, Stage};
pub use notation::{Notation, TimeUnit};
pub use reading::Reading;
pub use roles::{Role, Roles};
pub use schema::{Column, Fact, Field, Schema, SchemaError};
pub use window::Window;
