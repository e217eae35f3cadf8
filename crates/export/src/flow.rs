//! The flow record of an exporter.

use std::net::IpAddr;

/// A flow record as exported, of one direction unless it has reverse counters. Counters are as sent: those of
/// a sampling exporter are not scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Time of the first packet, in nanoseconds since 1970.
    pub start: u64,
    /// Time of the last packet, in nanoseconds since 1970; never before [`start`](Self::start).
    pub end: u64,
    /// The sender or, for flows of both directions, the initiator.
    pub source: IpAddr,
    /// The receiver.
    pub destination: IpAddr,
    /// As exported; 0 where it is missing, as for protocols without ports.
    pub source_port: u16,
    /// As `source_port`; for ICMP, type·256 + code.
    pub destination_port: u16,
    /// IP protocol number, 0 where the record has none.
    pub protocol: u8,
    /// Number of packets from source to destination; 0 where the exporter counts none, which is
    /// [noted](crate::Note::NoPackets).
    pub packets: u64,
    /// Number of bytes from source to destination, including IP headers; 0 where the exporter counts none,
    /// which is [noted](crate::Note::NoBytes).
    pub bytes: u64,
    /// Number of packets in the reverse direction, if the record has both directions.
    pub reverse_packets: Option<u64>,
    /// Number of bytes in the reverse direction, if the record has both directions.
    pub reverse_bytes: Option<u64>,
    /// Union of all flags of the flow (CWR … FIN, FIN is 1), if it is TCP and the record has them.
    pub tcp_flags: Option<u8>,
    /// The whole byte: six bits of DSCP, two of ECN.
    pub tos: Option<u8>,
}
