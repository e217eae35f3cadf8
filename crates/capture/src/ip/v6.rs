//! The header of IPv6.

use super::{Payload, be16, extensions, within};
use crate::packet::Packet;
use crate::skip::Skip;
use std::net::{IpAddr, Ipv6Addr};

/// Length of the header in bytes.
const HEADER: u64 = 40;

pub(super) fn header<'a>(data: &'a [u8], wire: u64, packet: &mut Packet) -> Result<Payload<'a>, Skip> {
    let Some((fixed, above)) = data.split_first_chunk::<40>() else {
        return Err(Skip::IpHeader);
    };
    let address = |at: usize| {
        let bytes = fixed.get(at..at + 16).and_then(|bytes| bytes.first_chunk::<16>());
        IpAddr::V6(bytes.map_or(Ipv6Addr::UNSPECIFIED, |bytes| Ipv6Addr::from(*bytes)))
    };
    packet.source = address(8);
    packet.destination = address(24);
    packet.header_words = 10;
    packet.tos = fixed[0] << 4 | fixed[1] >> 4;
    packet.ttl = fixed[7];
    let next = fixed[6];
    let whole = match u64::from(be16(fixed, 4)) {
        // A jumbogram gives its length in an option; without one the network card segments the packet.
        0 if next == crate::packet::protocol::HOP_BY_HOP => {
            extensions::jumbo(above).unwrap_or(wire.saturating_sub(HEADER))
        }
        // No next header, so nothing is missing.
        0 if next == 59 => 0,
        0 => wire.saturating_sub(HEADER),
        payload => payload,
    };
    packet.length = u32::try_from(whole + HEADER).unwrap_or(u32::MAX);
    extensions::follow(next, Payload { bytes: within(above, whole), whole }, packet)
}
