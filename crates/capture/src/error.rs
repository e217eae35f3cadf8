//! What ends the reading of a capture.

use std::io;

/// Why a capture is not read, or not read on. What was read before is good.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The bytes could not be had.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    /// No magic of pcap or pcapng.
    #[error("not a packet capture of the formats pcap and pcapng ({0})")]
    NotACapture(&'static str),
    /// The file ends before its first record could begin.
    #[error("the file ends within its header")]
    Header,
    /// A version of the format that has other records.
    #[error("version {major}.{minor} of the format is not read")]
    Version {
        /// Before the dot.
        major: u16,
        /// Behind it.
        minor: u16,
    },
    /// No packet is that long, so where the next one begins is not known.
    #[error("packet {packet} claims {length} captured bytes, more than the {limit} that are believed", limit = crate::read::LONGEST)]
    TooLong {
        /// Counted from 1.
        packet: u64,
        /// As claimed.
        length: u32,
    },
    /// The blocks of pcapng do not follow one another.
    #[error("a block after packet {packet} has {what}")]
    Block {
        /// Packets before it.
        packet: u64,
        /// What is wrong.
        what: &'static str,
    },
}
