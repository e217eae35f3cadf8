//! What a trace is: its schema, its columns in memory, its time window and its notations. No input or output here.
//!
//! Every value of a trace is a whole number in its field's *value space*, whatever its notation in a file: an address
//! is 0..2³², a time is nanoseconds since 1970, a duration counts its resolution (microseconds), a category is its
//! position in the declared list. The rest of the crate works on these numbers alone.

pub mod columns;
pub mod facts;
pub mod gaps;
pub mod groups;
pub mod notation;
pub mod presets;
pub mod protocols;
pub mod roles;
pub mod schema;
pub mod window;
pub mod written;

pub use columns::{Trace, Values};
pub use facts::Facts;
pub use notation::{Notation, TimeUnit};
pub use roles::{Role, Roles};
pub use schema::{Column, Fact, Field, Kind, Schema, SchemaError};
pub use window::Window;
