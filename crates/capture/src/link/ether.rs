//! Ethernet and the headers between it and IP: VLAN, MPLS, PPPoE, LLC.

use super::{Ip, after, be16, ppp};
use crate::skip::Skip;

/// A frame from its addresses on.
pub(crate) fn ethernet(frame: &[u8], depth: u32) -> Ip<'_> {
    let ethertype = be16(frame, 12)?;
    by_ethertype(ethertype, after(frame, 14)?, depth)
}

/// The content after an ethertype, or after a length in its place.
pub(crate) fn by_ethertype(ethertype: u16, rest: &[u8], depth: u32) -> Ip<'_> {
    let (mut ethertype, mut rest) = (ethertype, rest);
    for _ in 0..depth {
        match ethertype {
            0x0800 | 0x86dd => return Ok(rest),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
                ethertype = be16(rest, 2)?;
                rest = after(rest, 4)?;
            }
            0x8847 | 0x8848 => return mpls(rest, depth - 1),
            0x8864 => return ppp::pppoe(rest),
            // A provider backbone bridge: a whole frame after its tag.
            0x88e7 => return ethernet(after(rest, 4)?, depth - 1),
            0x6558 => return ethernet(rest, depth - 1),
            0x880b => return ppp::ppp(rest),
            0..0x0600 => return llc(rest, depth - 1),
            _ => return Err(Skip::NotIp(ethertype_name(ethertype))),
        }
    }
    Err(Skip::TooDeep)
}

/// The 802.2 header, with or without SNAP.
pub(super) fn llc(rest: &[u8], depth: u32) -> Ip<'_> {
    if depth == 0 {
        return Err(Skip::TooDeep);
    }
    match rest {
        [0xaa, 0xaa, 3, 0, 0, 0 | 0xf8, high, low, rest @ ..] => {
            by_ethertype(u16::from_be_bytes([*high, *low]), rest, depth - 1)
        }
        // A bridged Ethernet frame, as over ATM: padding, then the frame.
        [0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 1 | 7, _, _, rest @ ..] => ethernet(rest, depth - 1),
        [6, 6, 3, rest @ ..] => Ok(rest),
        [0xaa, 0xaa, 3, rest @ ..] if rest.len() < 5 => Err(Skip::LinkHeader),
        [0x42, 0x42, ..] => Err(Skip::NotIp("spanning tree")),
        [0xfe, 0xfe, ..] => Err(Skip::NotIp("OSI")),
        [0xff, 0xff, ..] | [0xe0, 0xe0, ..] => Err(Skip::NotIp("IPX")),
        [0xf0, 0xf0, ..] => Err(Skip::NotIp("NetBIOS")),
        [_, _, _, ..] => Err(Skip::NotIp("802.2 LLC")),
        _ => Err(Skip::LinkHeader),
    }
}

/// Labels up to the last of the stack; the first four bits of the content determine its type, the same guess
/// as routers make.
pub(crate) fn mpls(rest: &[u8], depth: u32) -> Ip<'_> {
    if depth == 0 {
        return Err(Skip::TooDeep);
    }
    let mut rest = rest;
    // Each label takes four bytes, so the length of the frame bounds the loop.
    loop {
        let [_, _, third, _, under @ ..] = rest else {
            return Err(Skip::LinkHeader);
        };
        rest = under;
        if third & 1 == 1 {
            break;
        }
    }
    match rest.first().map(|first| first >> 4) {
        Some(4 | 6) => Ok(rest),
        // The control word of a pseudowire, or an Ethernet address that begins with zeros.
        Some(0) if carries_ip(after(rest, 4)?) => ethernet(after(rest, 4)?, depth - 1),
        Some(_) if carries_ip(rest) => ethernet(rest, depth - 1),
        Some(_) => Err(Skip::NotIp("MPLS")),
        None => Err(Skip::LinkHeader),
    }
}

/// Whether bytes may be an Ethernet frame that carries IP.
fn carries_ip(frame: &[u8]) -> bool {
    matches!(be16(frame, 12), Ok(0x0800 | 0x86dd | 0x8100 | 0x88a8 | 0x8847 | 0x8864))
}

/// The names of frequent ones.
pub(super) fn ethertype_name(ethertype: u16) -> &'static str {
    match ethertype {
        0x0806 => "ARP",
        0x8035 => "RARP",
        0x80f3 => "AARP",
        0x809b => "AppleTalk",
        0x8137 | 0x8138 => "IPX",
        0x8863 => "PPPoE discovery",
        0x888e => "EAPOL",
        0x88cc => "LLDP",
        0x88e5 => "MACsec",
        0x88e1 | 0x8912 | 0x887b => "HomePlug",
        0x88f7 => "precision time",
        0x8902 => "connectivity fault management",
        0x8906 | 0x8914 => "Fibre Channel",
        0x8809 => "slow protocols",
        0x8808 => "Ethernet flow control",
        0x9000 => "loopback test",
        0x6002 | 0x6004 => "DEC",
        _ => "another protocol",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: &[u8] = &[0x45, 0, 0, 20];

    /// With the depth of a top-level frame.
    fn whole(frame: &[u8]) -> Ip<'_> {
        ethernet(frame, crate::link::DEPTH)
    }

    fn frame(middle: &[u8]) -> Vec<u8> {
        [&[2; 12], middle, IP].concat()
    }

    #[test]
    fn ip_is_found_behind_every_tag() {
        for middle in [
            &[8, 0][..],
            &[0x81, 0, 0, 5, 8, 0],
            &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0],
            &[0x88, 0x47, 0, 1, 0, 64, 0, 1, 1, 64],
            &[0x88, 0x64, 0x11, 0, 0, 1, 0, 6, 0, 0x21],
            &[0, 12, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
            &[0, 7, 6, 6, 3],
        ] {
            let frame = frame(middle);
            assert_eq!(whole(&frame), Ok(IP), "{middle:?}");
            for cut in 0..frame.len() - IP.len() {
                assert_eq!(whole(&frame[..cut]), Err(Skip::LinkHeader), "{middle:?} cut to {cut}");
            }
        }
    }

    #[test]
    fn a_pseudowire_carries_frames() {
        let wire = [&[0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0][..], &[2; 12], &[8, 0]].concat();
        assert_eq!(whole(&frame(&wire)), Ok(IP));
        let without_word = [&[0x88, 0x47, 0, 1, 1, 64][..], &[2; 12], &[8, 0]].concat();
        assert_eq!(whole(&frame(&without_word)), Ok(IP));
    }

    #[test]
    fn other_protocols_have_names_and_tags_end() {
        assert_eq!(whole(&frame(&[8, 6])), Err(Skip::NotIp("ARP")));
        assert_eq!(whole(&frame(&[0, 38, 0x42, 0x42, 3])), Err(Skip::NotIp("spanning tree")));
        assert_eq!(whole(&frame(&[0x81, 0, 0, 1].repeat(9))), Err(Skip::TooDeep));
        let nested = [&[2u8; 12][..], &[0x65, 0x58]].concat().repeat(20);
        assert_eq!(whole(&nested), Err(Skip::TooDeep));
    }
}
