//! Errors that end the reading of a capture.

use std::io;

/// Why a capture is not read, or not read to its end. Earlier packets are valid.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The bytes could not be read.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    /// Neither pcap nor pcapng.
    #[error("not a packet capture of the formats pcap and pcapng ({0})")]
    NotACapture(&'static str),
    /// The file ends before its first record.
    #[error("the file ends within its header")]
    Header,
    /// An unsupported version of the format.
    #[error("version {major}.{minor} of the format is not supported")]
    Version {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A record claims an impossible length, so the position of the next one is unknown.
    #[error("packet {packet} claims {length} captured bytes, more than the {limit} that are accepted", limit = crate::read::LONGEST)]
    TooLong {
        /// Number of the packet, from 1.
        packet: u64,
        /// The claimed length.
        length: u32,
    },
    /// A malformed block of pcapng.
    #[error("a block after packet {packet} has {what}")]
    Block {
        /// Number of packets before it.
        packet: u64,
        /// What is wrong.
        what: &'static str,
    },
}
