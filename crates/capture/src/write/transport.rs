//! Headers above IP, and the few bytes that must not be zeros.

use super::checksum;
use crate::packet::{Packet, protocol};
use std::net::IpAddr;

/// TCP flags.
pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const ACK: u8 = 16;

/// Length of the TCP header without options, and largest length of options.
const TCP: usize = 20;
const OPTIONS: usize = 40;

/// Least number of bytes of a packet above its IP header.
pub(super) fn least(packet: &Packet) -> usize {
    match packet.protocol {
        _ if packet.fragment_offset > 0 => 0,
        protocol::TCP => TCP,
        protocol::UDP | protocol::UDP_LITE => 8,
        protocol::ICMP => match kind(packet).0 {
            3 | 4 | 5 | 11 | 12 => 8 + cause_least(packet),
            // Three times, or a mask.
            13 | 14 => 20,
            17 | 18 => 12,
            _ => 8,
        },
        protocol::ICMPV6 => match kind(packet).0 {
            1..=4 => 8 + cause_least(packet),
            128 | 129 | 133 => 8,
            134 => 16,
            137 => 40,
            // An address.
            _ => 24,
        },
        protocol::SCTP => 12,
        protocol::DCCP => 16,
        protocol::HIP => 40,
        protocol::NHRP => 20,
        number if packet.source.is_ipv6() => extension(number).map_or(8, <[u8]>::len),
        _ => 0,
    }
}

/// An IPv6 extension header that nothing follows: for packets whose protocol is an extension.
fn extension(number: u8) -> Option<&'static [u8]> {
    match number {
        protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS => Some(&[NOTHING, 0, 1, 4, 0, 0, 0, 0]),
        protocol::ROUTING | protocol::MOBILITY | protocol::HIP | protocol::SHIM6 | protocol::FRAGMENT => {
            Some(&[NOTHING, 0, 0, 0, 0, 0, 0, 0])
        }
        protocol::AUTHENTICATION => Some(&[NOTHING, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        _ => None,
    }
}

/// The number for no next header in IPv6.
const NOTHING: u8 = 59;

/// Whether a packet can be divided: all segments have headers of the same length.
pub(super) fn can_be_cut(packet: &Packet) -> bool {
    let syn = packet.tcp_flags.is_some_and(|flags| flags & SYN != 0);
    packet.protocol == protocol::TCP && packet.fragment_offset == 0 && packet.ip_flags & 1 == 0 && !syn
}

/// The length of the TCP header, given the bytes above IP: bytes of a SYN are options as far as possible.
pub(super) fn tcp_header(flags: u8, above: usize) -> usize {
    let room = if flags & SYN != 0 { above.saturating_sub(TCP).min(OPTIONS) } else { 0 };
    TCP + room / 4 * 4
}

fn kind(packet: &Packet) -> (u8, u8) {
    packet.icmp.unwrap_or(if packet.protocol == protocol::ICMP { (8, 0) } else { (128, 0) })
}

/// The numbers of a TCP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub sequence: u32,
    pub acknowledged: u32,
}

/// Appends headers, for `above` bytes above IP, and returns whether zeros are a valid remainder: for most
/// protocols they are not.
pub(super) fn put(packet: &Packet, above: usize, numbers: Numbers, to: &mut Vec<u8>) -> bool {
    if packet.fragment_offset > 0 {
        // Always captured: tcpprep gives up at frames that end with the IP header.
        to.resize(to.len() + above.min(8), 0);
        return true;
    }
    match packet.protocol {
        protocol::TCP => tcp(packet, above, numbers, to),
        protocol::UDP | protocol::UDP_LITE => udp(packet, above, to),
        protocol::ICMP | protocol::ICMPV6 => return icmp(packet, above, to),
        protocol::SCTP => {
            ports(packet, to);
            to.extend([0; 8]);
            if let Ok(rest @ 4..) = u16::try_from(above - 12) {
                // A padding chunk (RFC 4820).
                to.extend([0x84, 0]);
                to.extend(rest.to_be_bytes());
            }
        }
        protocol::DCCP => {
            ports(packet, to);
            return false;
        }
        number => {
            if packet.source.is_ipv6() {
                to.extend(extension(number).unwrap_or_default());
            }
            return false;
        }
    }
    true
}

fn ports(packet: &Packet, to: &mut Vec<u8>) {
    to.extend(packet.source_port.to_be_bytes());
    to.extend(packet.destination_port.to_be_bytes());
}

fn set(to: &mut [u8], at: usize, pair: [u8; 2]) {
    if let Some(place) = to.get_mut(at..at + 2) {
        place.copy_from_slice(&pair);
    }
}

fn tcp(packet: &Packet, above: usize, numbers: Numbers, to: &mut Vec<u8>) {
    let start = to.len();
    let flags = packet.tcp_flags.unwrap_or(ACK);
    let header = tcp_header(flags, above);
    ports(packet, to);
    to.extend(numbers.sequence.to_be_bytes());
    to.extend(numbers.acknowledged.to_be_bytes());
    to.extend([((header / 4) << 4) as u8, flags, 0xff, 0xff, 0, 0, 0, 0]);
    if header > TCP {
        // The maximum segment size on Ethernet, which nearly every SYN has as its first option.
        let size: u16 = if packet.source.is_ipv6() { 1_440 } else { 1_460 };
        to.extend([2, 4]);
        to.extend(size.to_be_bytes());
    }
    // No-operation options.
    to.resize(start + header, 1);
    let sum = checksum::with_ends(packet, above, &to[start..]);
    set(to, start + 16, sum);
}

fn udp(packet: &Packet, above: usize, to: &mut Vec<u8>) {
    let start = to.len();
    ports(packet, to);
    let length = u16::try_from(above).unwrap_or(u16::MAX);
    // UDP-Lite has the coverage of its checksum in this field, and 0 means all.
    to.extend(if packet.protocol == protocol::UDP { length } else { 0 }.to_be_bytes());
    to.extend([0, 0]);
    let first = packet.ip_flags & 1 == 1 && packet.source.is_ipv4();
    if packet.protocol == protocol::UDP && first {
        return;
    }
    let sum = checksum::never_zero(packet, above, &to[start..]);
    set(to, start + 6, sum);
}

fn icmp(packet: &Packet, above: usize, to: &mut Vec<u8>) -> bool {
    let start = to.len();
    let (kind, code) = kind(packet);
    to.extend([kind, code, 0, 0, 0, 0, 0, 0]);
    let sound = match (packet.protocol, kind) {
        (protocol::ICMP, 3 | 4 | 5 | 11 | 12) | (protocol::ICMPV6, 1..=4) => {
            cause(packet, above - 8, to);
            true
        }
        // Echoes.
        (protocol::ICMP, 0 | 8) | (protocol::ICMPV6, 128 | 129) => true,
        _ => false,
    };
    let sum = if packet.protocol == protocol::ICMP {
        checksum::plain(&to[start..])
    } else {
        checksum::with_ends(packet, above, &to[start..])
    };
    set(to, start + 2, sum);
    sound
}

/// Number of bytes quoted of the packet that caused an error: for IPv4 its header and eight more, for IPv6
/// its header.
fn cause_least(packet: &Packet) -> usize {
    if packet.source.is_ipv4() { 28 } else { 40 }
}

/// Appends the header of a packet in the other direction that could have caused an error, with `room` for it
/// and what follows.
fn cause(packet: &Packet, room: usize, to: &mut Vec<u8>) {
    let other = Packet {
        source: packet.destination,
        destination: packet.source,
        length: u32::try_from(room).unwrap_or(u32::MAX),
        header_words: 5,
        ttl: 1,
        protocol: match packet.source {
            // A protocol number reserved for experiments.
            IpAddr::V4(_) => 253,
            IpAddr::V6(_) => NOTHING,
        },
        ..Packet::default()
    };
    super::ip::put(&other, to);
}
