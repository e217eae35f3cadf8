//! Flow exports as they are on the wire, NetFlow v5, NetFlow v9 (RFC 3954) and IPFIX (RFC 7011), into flow records.
//!
//! [`Exports`] takes datagrams one by one; [`Datagrams`] finds them in a file; [`kind_of`] tells what a file is by its first bytes.
//!
//! | file | idea |
//! | --- | --- |
//! | `flow` | the record that comes out |
//! | `tally` | what came out, what did not and why |
//! | `exports` | a datagram in, flows out: sets, templates, data |
//! | `v5` | the one layout that needs no template |
//! | `fields`, `template` | what a field means, what a record consists of |
//! | `draft`, `record`, `times` | a record's values, the flow that they make, when it was |
//! | `store`, `bounded`, `waiting` | what is remembered between datagrams, in bounded memory |
//! | `kind`, `stream` | what a file is, and the datagrams in it |
//!
//! Nothing that comes from the wire is believed: every length is checked, no input makes it panic, and memory is bounded by [`Limits`].

mod bounded;
mod draft;
mod exports;
mod fields;
mod flow;
mod kind;
mod record;
mod store;
mod stream;
mod tally;
mod template;
mod times;
mod v5;
mod waiting;
mod wire;

pub use exports::{Exports, Limits};
pub use flow::Flow;
pub use kind::{Kind, kind_of};
pub use stream::Datagrams;
pub use tally::{Note, Skip, Tally};
