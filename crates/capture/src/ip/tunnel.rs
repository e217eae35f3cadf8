//! The content of tunnels: IP in IP, GRE, VXLAN, Geneve, GTP-U, and MPLS over IP. Tunnels over UDP are
//! recognised by their destination port.

use super::be16;
use crate::link;
use crate::packet::{Packet, protocol};

/// Largest number of nested Ethernet headers and tags within a tunnel.
const DEPTH: u32 = 4;

/// The bytes from the inner IP header on, a suffix of the payload; `None` where the packet is not a tunnel or
/// carries something else.
pub(super) fn inside<'a>(packet: &Packet, payload: &'a [u8]) -> Option<&'a [u8]> {
    if packet.fragment_offset > 0 {
        return None;
    }
    match (packet.protocol, packet.destination_port) {
        (protocol::IP_IN_IP | protocol::IPV6, _) => Some(payload),
        (protocol::GRE, _) => gre(payload),
        (protocol::MPLS, _) => link::mpls(payload, DEPTH).ok(),
        (protocol::UDP, 4789 | 8472) => vxlan(payload.get(8..)?),
        (protocol::UDP, 6081) => geneve(payload.get(8..)?),
        (protocol::UDP, 2152) => gtp(payload.get(8..)?),
        (protocol::UDP, 6635) => link::mpls(payload.get(8..)?, DEPTH).ok(),
        _ => None,
    }
}

fn gre(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.len() < 4 {
        return None;
    }
    let (flags, kind) = (be16(bytes, 0), be16(bytes, 2));
    let has = |flag: u16| flags & flag != 0;
    if has(0x4000) && flags & 7 == 0 {
        // Source routes are obsolete.
        return None;
    }
    let sequence = has(0x1000);
    let acknowledged = flags & 7 == 1 && has(0x0080);
    let more = [has(0x8000), has(0x2000), sequence, acknowledged].iter().filter(|more| **more).count();
    let rest = bytes.get(4 + more * 4..)?;
    match kind {
        // Mirrored frames (ERSPAN): with sequence numbers there is a header before them.
        0x88be => link::ethernet(if sequence { rest.get(8..)? } else { rest }, DEPTH).ok(),
        0x22eb => {
            let platform = rest.get(11)? & 1 == 1;
            link::ethernet(rest.get(if platform { 20 } else { 12 }..)?, DEPTH).ok()
        }
        0..0x0600 => None,
        kind => link::by_ethertype(kind, rest, DEPTH).ok(),
    }
}

fn vxlan(bytes: &[u8]) -> Option<&[u8]> {
    link::ethernet(bytes.get(8..)?, DEPTH).ok()
}

fn geneve(bytes: &[u8]) -> Option<&[u8]> {
    let options = usize::from(bytes.first()? & 0x3f) * 4;
    link::by_ethertype(be16(bytes, 2), bytes.get(8 + options..)?, DEPTH).ok()
}

/// User plane of version 1: a packet after the optional fields and extension headers.
fn gtp(bytes: &[u8]) -> Option<&[u8]> {
    const PACKET: u8 = 255;
    let flags = *bytes.first()?;
    if flags >> 4 != 3 || *bytes.get(1)? != PACKET {
        return None;
    }
    if flags & 7 == 0 {
        return bytes.get(8..);
    }
    let mut next = if flags & 4 != 0 { *bytes.get(11)? } else { 0 };
    let mut rest = bytes.get(12..)?;
    while next != 0 {
        // Lengths of zero would not advance.
        let length = usize::from(*rest.first()?).max(1) * 4;
        next = *rest.get(length - 1)?;
        rest = rest.get(length..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: &[u8] = &[0x45, 0, 0, 20];

    fn to(protocol: u8, port: u16, head: &[u8]) -> Option<Vec<u8>> {
        let packet = Packet { protocol, destination_port: port, ..Packet::default() };
        let payload = [head, IP].concat();
        let found = inside(&packet, &payload).map(<[u8]>::to_vec);
        for cut in 0..head.len() {
            let _ = inside(&packet, &payload[..cut]);
        }
        found
    }

    #[test]
    fn every_tunnel_leads_to_what_it_carries() {
        let frame = [&[2; 12][..], &[8, 0]].concat();
        let udp = [0; 8];
        let found = Some(IP.to_vec());
        assert_eq!(to(4, 0, &[]), found);
        assert_eq!(to(47, 0, &[0, 0, 8, 0]), found);
        assert_eq!(to(47, 0, &[0xb0, 0, 8, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]), found);
        assert_eq!(to(47, 0, &[&[0, 0, 0x65, 0x58][..], &frame].concat()), found);
        assert_eq!(to(47, 0, &[&[0x10, 0, 0x88, 0xbe][..], &[0; 12], &frame].concat()), found);
        // PPTP: version 1, a key and a sequence number.
        assert_eq!(to(47, 0, &[0x30, 1, 0x88, 0x0b, 0, 9, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21]), found);
        assert_eq!(to(17, 4789, &[&udp[..], &[8, 0, 0, 0, 0, 0, 1, 0], &frame].concat()), found);
        assert_eq!(
            to(17, 6081, &[&udp[..], &[1, 0, 0x65, 0x58, 0, 0, 1, 0, 9, 9, 9, 9], &frame].concat()),
            found
        );
        assert_eq!(to(17, 2152, &[&udp[..], &[0x30, 255, 0, 20, 0, 0, 0, 1]].concat()), found);
        let extended = [0x34, 255, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0];
        assert_eq!(to(17, 2152, &[&udp[..], &extended].concat()), found);
        assert_eq!(to(17, 53, &udp), None);
        assert_eq!(to(17, 2152, &[&udp[..], &[0x32, 1, 0, 4, 0, 0, 0, 0]].concat()), None);
    }
}
