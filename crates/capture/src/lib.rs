//! Packet captures: packets and flows out of them, and packets into them.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`mod@read`] | pcap and pcapng as a stream of packets, each a fixed set of header fields |
//! | [`mod@flows`] | packets in any order to flow records, by active and idle time-out |
//! | [`mod@write`] | packets in time order to pcap and pcapng, with valid lengths and checksums |
//!
//! Whatever a file holds, reading it allocates one buffer ([`read::BUFFER`]) and a bounded list of interfaces, and nothing a packet. What cannot be a
//! packet of the result is a [`Skip`] with a reason in plain words; what ends the reading is a [`CaptureError`].

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
pub use kind::{Kind, kind_of};
pub use link::name as link_name;
pub use packet::Packet;
pub use read::{Reader, Step, Tunnels};
pub use skip::{Skip, Skips};
