//! Packet captures: reads packets and flows from them, and writes packets to them.
//!
//! | module | purpose |
//! | --- | --- |
//! | [`mod@read`] | pcap and pcapng as a stream of packets, each a fixed set of header fields |
//! | [`mod@flows`] | packets in any order to flow records, by active and idle timeout |
//! | [`mod@write`] | packets in time order to pcap and pcapng, with valid lengths and checksums |
//!
//! ```
//! use netdpsyn_capture::{Packet, Reader, Step, Tunnels, write};
//!
//! let mut writer = write::Writer::new(Vec::new(), write::WriteOptions::default())?;
//! writer.write(&Packet { time: 1_767_600_000_000_000_000, protocol: 17, length: 60, ..Packet::default() })?;
//! let (file, counts) = writer.finish()?;
//! assert_eq!(counts.packets, 1);
//!
//! let mut reader = Reader::new(file.as_slice(), Tunnels::Outer)?;
//! let mut packet = Packet::default();
//! assert!(matches!(reader.next(&mut packet)?, Step::Packet));
//! assert_eq!(packet.length, 60);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whatever a file holds, reading it allocates one buffer ([`read::BUFFER`]) and a bounded list of
//! interfaces, and nothing per packet. A record that cannot be a packet gives a [`Skip`] with a reason; an
//! error that ends the reading is a [`CaptureError`].

#![warn(clippy::missing_errors_doc)]

mod error;
pub mod flows;
mod ip;
mod kind;
mod link;
mod packet;
pub mod read;
mod skip;
mod sort;
pub mod write;

pub use error::CaptureError;
pub use ip::Tunnels;
pub use kind::{CaptureFormat, format_of};
pub use link::name as link_name;
pub use packet::Packet;
pub use read::{Reader, Step};
pub use skip::{Skip, Skips};
