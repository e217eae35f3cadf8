//! What an exporter tells of a flow.

use std::net::IpAddr;

/// A flow record as exported, of one direction unless it says more. Counters are as they were sent: what a sampling exporter counts is not scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// First packet, in nanoseconds since 1970.
    pub start: u64,
    /// Last packet, in nanoseconds since 1970; never before [`start`](Self::start).
    pub end: u64,
    /// Who sent it, or who began it where it has two directions.
    pub source: IpAddr,
    /// Whom it was sent to.
    pub destination: IpAddr,
    /// As told; 0 where it is not, as for protocols without ports.
    pub source_port: u16,
    /// The same; of ICMP it is type·256 + code.
    pub destination_port: u16,
    /// Of IP, 0 where the exporter tells none.
    pub protocol: u8,
    /// From source to destination; 0 where the exporter counts none, which is [noted](crate::Note::NoPackets).
    pub packets: u64,
    /// From source to destination, IP headers included; 0 where the exporter counts none, which is [noted](crate::Note::NoBytes).
    pub bytes: u64,
    /// Packets of the way back, of exporters that tell both directions in one record.
    pub reverse_packets: Option<u64>,
    /// Bytes of the way back, of exporters that tell both directions in one record.
    pub reverse_bytes: Option<u64>,
    /// All flags of the flow or-ed (CWR … FIN, FIN is 1), where it is TCP and the exporter tells them.
    pub tcp_flags: Option<u8>,
    /// The whole byte: six bits of DSCP, two of ECN.
    pub tos: Option<u8>,
}
