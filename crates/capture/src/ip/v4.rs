//! The header of IPv4.

use super::{Payload, be16, within};
use crate::packet::Packet;
use crate::skip::Skip;
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn header<'a>(data: &'a [u8], wire: u64, packet: &mut Packet) -> Result<Payload<'a>, Skip> {
    let Some(fixed) = data.first_chunk::<20>() else {
        return Err(Skip::IpHeader);
    };
    packet.header_words = fixed[0] & 15;
    if packet.header_words < 5 {
        return Err(Skip::HeaderLength);
    }
    let header = u64::from(packet.header_words) * 4;
    let total = match be16(fixed, 2) {
        // The length is 0 where the network card segments the packet: the whole length on the wire applies.
        0 => wire,
        total => u64::from(total),
    };
    let Some(whole) = total.checked_sub(header) else {
        return Err(Skip::TotalLength);
    };
    packet.length = u32::try_from(total).unwrap_or(u32::MAX);
    packet.tos = fixed[1];
    packet.identification = be16(fixed, 4);
    let fragment = be16(fixed, 6);
    packet.ip_flags = (fragment >> 13) as u8;
    packet.fragment_offset = fragment & 0x1fff;
    packet.ttl = fixed[8];
    packet.protocol = fixed[9];
    let address = |at| IpAddr::V4(Ipv4Addr::from(quad(fixed, at)));
    packet.source = address(12);
    packet.destination = address(16);
    // Options may be cut off; then nothing above them is captured.
    let above = data.get(header as usize..).unwrap_or_default();
    Ok(Payload { bytes: within(above, whole), whole })
}

fn quad(fixed: &[u8; 20], at: usize) -> [u8; 4] {
    [fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]
}
