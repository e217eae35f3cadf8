//! Checksums of headers. Payloads are zeros, which add nothing to a sum.

use crate::packet::Packet;
use etherparse::checksum::Sum16BitWords;
use std::net::IpAddr;

/// The checksum of these bytes.
pub(super) fn plain(bytes: &[u8]) -> [u8; 2] {
    // The library sums words in the byte order of the machine, and its result is stored unchanged.
    Sum16BitWords::new().add_slice(bytes).ones_complement().to_ne_bytes()
}

/// The checksum of these bytes and the pseudo-header: addresses, protocol, and the length above IP.
pub(super) fn with_ends(packet: &Packet, length: usize, bytes: &[u8]) -> [u8; 2] {
    sum(packet, length, bytes).ones_complement().to_ne_bytes()
}

/// The same for protocols in which 0 means that there is no checksum.
pub(super) fn never_zero(packet: &Packet, length: usize, bytes: &[u8]) -> [u8; 2] {
    sum(packet, length, bytes).to_ones_complement_with_no_zero().to_ne_bytes()
}

fn sum(packet: &Packet, length: usize, bytes: &[u8]) -> Sum16BitWords {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut sum = Sum16BitWords::new();
    for address in [packet.source, packet.destination] {
        sum = match address {
            IpAddr::V4(four) => sum.add_4bytes(four.octets()),
            IpAddr::V6(six) => sum.add_16bytes(six.octets()),
        };
    }
    sum.add_2bytes([0, packet.protocol]).add_4bytes(length.to_be_bytes()).add_slice(bytes)
}
