//! The header fields of a packet that are kept.

use std::net::{IpAddr, Ipv4Addr};

/// An IP packet. Ordered by time first and then by all other fields, so that sorting gives the same result
/// for any order of the same packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same family as `source`.
    pub destination: IpAddr,
    /// For IPv4 the field of that name; for IPv6 the first header that is not an extension (an authentication
    /// header counts as one).
    pub protocol: u8,
    /// 0 where the protocol has none (all except TCP, UDP, SCTP, DCCP and UDP-Lite) and in fragments that are
    /// not the first.
    pub source_port: u16,
    /// As `source_port`.
    pub destination_port: u16,
    /// Bytes from the IP header on: the total length of IPv4; 40 plus the payload length of IPv6. Where the
    /// field is 0, because the network card segments the packet later, the length on the wire.
    pub length: u32,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Type of service, or traffic class: all eight bits.
    pub tos: u8,
    /// Header length in words of 32 bits: 5 to 15 for IPv4, 10 for IPv6.
    pub header_words: u8,
    /// For IPv6 the lower 16 bits of a fragment's identification, 0 for other packets.
    pub identification: u16,
    /// Three bits: reserved 4, don't fragment 2, more fragments 1. IPv6 has only the last.
    pub ip_flags: u8,
    /// Fragment offset in units of eight bytes, below 8192.
    pub fragment_offset: u16,
    /// CWR 128, ECE 64, URG 32, ACK 16, PSH 8, RST 4, SYN 2, FIN 1; `None` where it is not TCP, not a first
    /// fragment, or cut off.
    pub tcp_flags: Option<u8>,
    /// Type and code of ICMP and ICMPv6; `None` in fragments that are not the first.
    pub icmp: Option<(u8, u8)>,
    /// Number of captured bytes of the frame, including the link header.
    pub captured: u32,
}

impl Default for Packet {
    /// A packet to read into; its values have no meaning.
    fn default() -> Packet {
        let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Packet {
            time: 0,
            source: nobody,
            destination: nobody,
            protocol: 0,
            source_port: 0,
            destination_port: 0,
            length: 0,
            ttl: 0,
            tos: 0,
            header_words: 0,
            identification: 0,
            ip_flags: 0,
            fragment_offset: 0,
            tcp_flags: None,
            icmp: None,
            captured: 0,
        }
    }
}

/// Protocol numbers whose headers are read.
pub(crate) mod protocol {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IP_IN_IP: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const DCCP: u8 = 33;
    pub const IPV6: u8 = 41;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const GRE: u8 = 47;
    pub const AUTHENTICATION: u8 = 51;
    pub const NHRP: u8 = 54;
    pub const ICMPV6: u8 = 58;
    pub const DESTINATION_OPTIONS: u8 = 60;
    pub const SCTP: u8 = 132;
    pub const MOBILITY: u8 = 135;
    pub const UDP_LITE: u8 = 136;
    pub const MPLS: u8 = 137;
    pub const HIP: u8 = 139;
    pub const SHIM6: u8 = 140;

    /// Whether both ports are in the first four bytes.
    pub fn has_ports(protocol: u8) -> bool {
        matches!(protocol, TCP | UDP | SCTP | DCCP | UDP_LITE)
    }
}
