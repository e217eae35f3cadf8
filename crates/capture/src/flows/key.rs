//! The keys of flows.

use super::Directions;
use super::records::Seen;
use crate::packet::protocol;
use std::net::IpAddr;

/// Both ends and the protocol; for flows of both directions, the smaller end first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    first: (IpAddr, u16),
    second: (IpAddr, u16),
    protocol: u8,
}

impl Key {
    pub fn of(seen: &Seen, directions: Directions) -> Key {
        let source = (seen.source, seen.source_port);
        let destination = (seen.destination, seen.destination_port);
        let of = |first, second| Key { first, second, protocol: seen.protocol };
        if directions == Directions::One {
            return of(source, destination);
        }
        if is_icmp(seen.protocol) {
            // Type and code belong to the packet, not to its destination.
            let asked = request(seen.protocol, seen.destination_port);
            let (low, high) = (seen.source.min(seen.destination), seen.source.max(seen.destination));
            return of((low, 0), (high, asked));
        }
        of(source.min(destination), source.max(destination))
    }
}

pub(super) fn is_icmp(number: u8) -> bool {
    matches!(number, protocol::ICMP | protocol::ICMPV6)
}

/// The type and code of the request that a reply answers; any other is unchanged.
fn request(number: u8, code: u16) -> u16 {
    let kind = (code >> 8) as u8;
    let asked = match (number, kind) {
        (protocol::ICMP, 0) => 8,
        (protocol::ICMP, 14 | 16 | 18) | (protocol::ICMPV6, 134 | 136) => kind - 1,
        (protocol::ICMPV6, 129) => 128,
        _ => kind,
    };
    u16::from(asked) << 8 | code & 0xff
}
