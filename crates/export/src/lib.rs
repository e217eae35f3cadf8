//! Converts flow exports in their wire format, NetFlow v5, NetFlow v9 (RFC 3954) and IPFIX (RFC 7011), to
//! flow records.
//!
//! [`Exports`] takes datagrams one by one; [`Datagrams`] finds them in a file; [`format_of`] recognises a file
//! by its first bytes.
//!
//! ```
//! use netdpsyn_export::{Datagrams, Exports, Limits};
//!
//! let file: &[u8] = &[]; // datagrams of NetFlow or IPFIX, one after the other
//! let mut datagrams = Datagrams::new(file);
//! let mut exports = Exports::new(Limits::default());
//! let mut flows = Vec::new();
//! while let Some(datagram) = datagrams.next_datagram()? {
//!     exports.datagram(None, None, datagram, &mut flows);
//! }
//! let tally = exports.finish();
//! assert_eq!((tally.flows(), flows.len()), (0, 0));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | idea |
//! | --- | --- |
//! | `flow` | the flow record |
//! | `tally` | counts of flows, and of what was skipped and why |
//! | `exports` | from datagrams to flows: sets, templates, data |
//! | `v5` | the only format without templates |
//! | `fields`, `template` | the meaning of fields, the layout of records |
//! | `draft`, `record`, `times` | the values of a record, its flow, its times |
//! | `store`, `bounded`, `waiting` | what is kept between datagrams, in bounded memory |
//! | `kind`, `stream` | the kind of a file, and the datagrams in it |
//!
//! The input is untrusted: every length is checked, no input causes a panic, and [`Limits`] bound the memory.

#![warn(clippy::missing_errors_doc)]

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
pub use kind::{ExportFormat, format_of};
pub use stream::Datagrams;
pub use tally::{Note, Skip, Tally};
