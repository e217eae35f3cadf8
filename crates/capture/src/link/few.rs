//! Link types with short headers: loopback, cooked captures, HDLC, NFLOG, FDDI.

use super::{DEPTH, Ip, after, be16, ether, ppp};
use crate::skip::Skip;

/// The address family of the capturing machine, in its byte order.
pub(super) fn null(frame: &[u8]) -> Ip<'_> {
    let family = frame.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)).ok_or(Skip::LinkHeader)?;
    // Families are below 256, which shows the byte order.
    by_family(if family > 0xff { family.swap_bytes() } else { family }, after(frame, 4)?)
}

/// The same in network byte order; a file in the other order is read too.
pub(super) fn loopback(frame: &[u8]) -> Ip<'_> {
    null(frame)
}

/// 2 is IPv4 everywhere; IPv6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS, 23 on
/// Windows.
fn by_family(family: u32, rest: &[u8]) -> Ip<'_> {
    match family {
        2 | 10 | 23 | 24 | 28 | 30 => Ok(rest),
        7 => Err(Skip::NotIp("OSI")),
        16 => Err(Skip::NotIp("AppleTalk")),
        0..=255 => Err(Skip::NotIp("another protocol")),
        // Linux has an ethertype in the lower half.
        _ => ether::by_ethertype((family & 0xffff) as u16, rest, DEPTH),
    }
}

/// Linux cooked capture: the protocol is in the last two of 16 bytes.
pub(super) fn cooked(frame: &[u8]) -> Ip<'_> {
    by_cooked(be16(frame, 2)?, be16(frame, 14)?, after(frame, 16)?)
}

/// Version 2: the protocol is in the first two of 20 bytes.
pub(super) fn cooked_2(frame: &[u8]) -> Ip<'_> {
    by_cooked(be16(frame, 8)?, be16(frame, 0)?, after(frame, 20)?)
}

/// The meaning of the protocol depends on the kind of device.
fn by_cooked(device: u16, protocol: u16, rest: &[u8]) -> Ip<'_> {
    match (device, protocol) {
        (824, _) => Err(Skip::NotIp("netlink")),
        (802 | 803, _) => Err(Skip::NotIp("802.11")),
        (_, 0x0004) => ether::llc(rest, DEPTH),
        (_, 0x0001) => Err(Skip::NotIp("IPX")),
        (_, 0x000c..=0x000e) => Err(Skip::NotIp("CAN")),
        (_, 0..0x0600) => Err(Skip::NotIp("another protocol")),
        (_, ethertype) => ether::by_ethertype(ethertype, rest, DEPTH),
    }
}

/// Cisco's HDLC: address, control, ethertype.
pub(super) fn hdlc(frame: &[u8]) -> Ip<'_> {
    match be16(frame, 2)? {
        0x8035 => Err(Skip::NotIp("SLARP")),
        0x2000 => Err(Skip::NotIp("CDP")),
        0xfefe => Err(Skip::NotIp("OSI")),
        ethertype => ether::by_ethertype(ethertype, after(frame, 4)?, DEPTH),
    }
}

/// PPP in HDLC frames, or Cisco's framing, distinguished by the address.
pub(super) fn ppp_serial(frame: &[u8]) -> Ip<'_> {
    match frame.first() {
        Some(0x0f | 0x8f) => hdlc(frame),
        _ => ppp::ppp(frame),
    }
}

/// FDDI: control and two addresses, then LLC where the control field indicates it.
pub(super) fn fddi(frame: &[u8]) -> Ip<'_> {
    match frame.first() {
        // Asynchronous and synchronous LLC, with any priority.
        Some(control) if control & 0x70 == 0x50 || control & 0xf0 == 0xd0 => {
            ether::llc(after(frame, 13)?, DEPTH)
        }
        Some(_) => Err(Skip::NotIp("FDDI management")),
        None => Err(Skip::LinkHeader),
    }
}

/// Linux netfilter log: an address family and then fields, one of which is the packet.
pub(super) fn nflog(frame: &[u8]) -> Ip<'_> {
    const PAYLOAD: u16 = 9;
    let [family, _version, _, _, fields @ ..] = frame else {
        return Err(Skip::LinkHeader);
    };
    if !matches!(family, 2 | 10) {
        return Err(Skip::NotIp("another protocol"));
    }
    let mut fields = fields;
    // Lengths and types are in the byte order of the capturing machine; each field takes at least four bytes,
    // so the loop ends.
    while let [a, b, c, d, rest @ ..] = fields {
        let little = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
        let big = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        // Types are below 256.
        let (length, kind) = if little.1 > 0xff { big } else { little };
        let Some(value) = usize::from(length).checked_sub(4) else {
            return Err(Skip::LinkHeader);
        };
        if kind == PAYLOAD {
            return Ok(&rest[..value.min(rest.len())]);
        }
        fields = rest.get(value.next_multiple_of(4)..).ok_or(Skip::LinkHeader)?;
    }
    Err(Skip::LinkHeader)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: &[u8] = &[0x45, 0, 0, 20];

    fn behind(head: &[u8]) -> Vec<u8> {
        [head, IP].concat()
    }

    #[test]
    fn families_in_both_orders() {
        for family in [2u32, 10, 24, 28, 30] {
            assert_eq!(null(&behind(&family.to_le_bytes())), Ok(IP));
            assert_eq!(loopback(&behind(&family.to_be_bytes())), Ok(IP));
        }
        assert_eq!(null(&behind(&[7, 0, 0, 0])), Err(Skip::NotIp("OSI")));
        assert_eq!(null(&[2, 0, 0]), Err(Skip::LinkHeader));
    }

    #[test]
    fn cooked_captures_of_both_versions() {
        let mut first = [0; 16];
        first[14] = 8;
        assert_eq!(cooked(&behind(&first)), Ok(IP));
        let mut second = [0; 20];
        second[..2].copy_from_slice(&[0x08, 0x06]);
        assert_eq!(cooked_2(&behind(&second)), Err(Skip::NotIp("ARP")));
        second[1] = 0;
        assert_eq!(cooked_2(&behind(&second)), Ok(IP));
        second[8..10].copy_from_slice(&824u16.to_be_bytes());
        assert_eq!(cooked_2(&behind(&second)), Err(Skip::NotIp("netlink")));
    }

    #[test]
    fn serial_lines_and_rings() {
        assert_eq!(hdlc(&behind(&[0x0f, 0, 8, 0])), Ok(IP));
        assert_eq!(ppp_serial(&behind(&[0x8f, 0, 0x86, 0xdd])), Ok(IP));
        assert_eq!(ppp_serial(&behind(&[0xff, 3, 0, 0x21])), Ok(IP));
        let ring = [&[0x50][..], &[1; 12], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]].concat();
        assert_eq!(fddi(&behind(&ring)), Ok(IP));
        assert_eq!(fddi(&behind(&[0x41])), Err(Skip::NotIp("FDDI management")));
    }

    #[test]
    fn a_log_has_the_packet_in_a_field() {
        let little = [2, 0, 0, 0, 5, 0, 10, 0, b'x', 0, 0, 0, 8, 0, 9, 0];
        assert_eq!(nflog(&behind(&little)), Ok(IP));
        let big = [2, 0, 0, 0, 0, 5, 0, 10, b'x', 0, 0, 0, 0, 8, 0, 9];
        assert_eq!(nflog(&behind(&big)), Ok(IP));
        assert_eq!(nflog(&[2, 0, 0, 0, 1, 0, 10, 0]), Err(Skip::LinkHeader));
    }
}
