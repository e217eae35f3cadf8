//! Writes IP headers.

use super::checksum;
use crate::packet::{Packet, protocol};
use std::net::IpAddr;

/// The largest IP length that the length field can express.
pub(super) fn longest(packet: &Packet) -> u32 {
    if packet.source.is_ipv4() { 65_535 } else { 65_535 + 40 }
}

/// Length of the header in bytes, including the fragment header of IPv6.
pub(super) fn header(packet: &Packet) -> usize {
    match packet.source {
        IpAddr::V4(_) => usize::from(packet.header_words) * 4,
        IpAddr::V6(_) if is_fragment(packet) => 48,
        IpAddr::V6(_) => 40,
    }
}

fn is_fragment(packet: &Packet) -> bool {
    packet.ip_flags & 1 == 1 || packet.fragment_offset > 0
}

/// Appends the header.
pub(super) fn put(packet: &Packet, to: &mut Vec<u8>) {
    match (packet.source, packet.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let start = to.len();
            to.extend([0x40 | packet.header_words, packet.tos]);
            to.extend(u16::try_from(packet.length).unwrap_or(u16::MAX).to_be_bytes());
            to.extend(packet.identification.to_be_bytes());
            let fragment = u16::from(packet.ip_flags & 7) << 13 | packet.fragment_offset & 0x1fff;
            to.extend(fragment.to_be_bytes());
            to.extend([packet.ttl, packet.protocol, 0, 0]);
            to.extend(source.octets());
            to.extend(destination.octets());
            // No-operation options.
            to.resize(start + header(packet), 1);
            let sum = checksum::plain(&to[start..]);
            to[start + 10..start + 12].copy_from_slice(&sum);
        }
        _ => {
            let six = |address: IpAddr| match address {
                IpAddr::V4(four) => four.to_ipv6_mapped().octets(),
                IpAddr::V6(six) => six.octets(),
            };
            let fragment = is_fragment(packet);
            to.extend([0x60 | packet.tos >> 4, packet.tos << 4, 0, 0]);
            let payload = packet.length.saturating_sub(40);
            to.extend(u16::try_from(payload).unwrap_or(u16::MAX).to_be_bytes());
            to.extend([if fragment { protocol::FRAGMENT } else { packet.protocol }, packet.ttl]);
            to.extend(six(packet.source));
            to.extend(six(packet.destination));
            if fragment {
                let offset = packet.fragment_offset << 3 | u16::from(packet.ip_flags & 1);
                to.extend([packet.protocol, 0]);
                to.extend(offset.to_be_bytes());
                to.extend(u32::from(packet.identification).to_be_bytes());
            }
        }
    }
}
