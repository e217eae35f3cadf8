//! What a trace is: its schema, its columns in memory, its time window and its notations. No format is known here.
//!
//! Every value of a trace is a whole number in its field's *value space*, whatever its notation in a file: an address
//! of IPv4 is 0..2³², one of any family the place that a [`directory`] gives it, a time is nanoseconds since 1970, a duration counts its resolution (microseconds), a category is its
//! position in the declared list. All other crates work on these numbers alone.
//!
//! Beside it stands what every stage of work has in common: how it reports and is stopped ([`progress`]), columns set aside on disk ([`scratch`]),
//! whole numbers in JSON ([`whole`]), and simulated traces to try things on ([`simulate`]).

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
pub use netdpsyn_account::{Kind, Stage};
pub use notation::{Notation, TimeUnit};
pub use reading::Reading;
pub use roles::{Role, Roles};
pub use schema::{Column, Fact, Field, Schema, SchemaError};
pub use window::Window;
