//! Walks the extension headers of IPv6.

use super::{Payload, be16};
use crate::packet::{Packet, protocol};
use crate::skip::Skip;

/// Walks to the first header that is not an extension. Each takes at least eight bytes, so the captured
/// length bounds the walk.
pub(super) fn follow<'a>(next: u8, payload: Payload<'a>, packet: &mut Packet) -> Result<Payload<'a>, Skip> {
    let (mut next, mut payload) = (next, payload);
    (packet.identification, packet.ip_flags, packet.fragment_offset) = (0, 0, 0);
    loop {
        let length = match next {
            protocol::FRAGMENT => 8,
            protocol::AUTHENTICATION => match payload.bytes {
                [_, words, ..] => (usize::from(*words) + 2) * 4,
                _ => return Err(Skip::Extension),
            },
            protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::DESTINATION_OPTIONS
            | protocol::MOBILITY
            | protocol::HIP
            | protocol::SHIM6 => match payload.bytes {
                [_, units, ..] => (usize::from(*units) + 1) * 8,
                _ => return Err(Skip::Extension),
            },
            _ => {
                packet.protocol = next;
                return Ok(payload);
            }
        };
        let Some(rest) = payload.bytes.get(length..) else {
            return Err(Skip::Extension);
        };
        let extension = payload.bytes;
        payload = Payload { bytes: rest, whole: payload.whole.saturating_sub(length as u64) };
        let fragment = next == protocol::FRAGMENT;
        next = extension.first().copied().unwrap_or_default();
        if fragment {
            let offset = be16(extension, 2);
            packet.fragment_offset = offset >> 3;
            packet.ip_flags = (offset & 1) as u8;
            packet.identification = be16(extension, 6);
            if packet.fragment_offset > 0 {
                // A fragment follows, whatever the next header is.
                packet.protocol = next;
                return Ok(payload);
            }
        }
    }
}

/// The length that the jumbogram option of hop-by-hop options states.
pub(super) fn jumbo(options: &[u8]) -> Option<u64> {
    const JUMBO: u8 = 0xc2;
    let length = (usize::from(*options.get(1)?) + 1) * 8;
    let mut rest = options.get(2..length.min(options.len()))?;
    loop {
        rest = match rest {
            [0, rest @ ..] => rest,
            [JUMBO, 4, a, b, c, d, ..] => return Some(u32::from_be_bytes([*a, *b, *c, *d]).into()),
            [_, length, rest @ ..] => rest.get(usize::from(*length)..)?,
            _ => return None,
        };
    }
}
