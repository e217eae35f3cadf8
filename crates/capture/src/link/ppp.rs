//! PPP, also within PPPoE.

use super::{DEPTH, Ip, after, ether};
use crate::skip::Skip;

/// A frame from the address field on, or from the protocol where address and control are compressed.
pub(crate) fn ppp(frame: &[u8]) -> Ip<'_> {
    let rest = frame.strip_prefix(&[0xff, 3]).unwrap_or(frame);
    // The last byte of a protocol is odd and its first is even, so a protocol compressed to one byte is
    // recognised.
    let (protocol, rest) = match rest {
        [short, rest @ ..] if short & 1 == 1 => (u16::from(*short), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return Err(Skip::LinkHeader),
    };
    match protocol {
        0x0021 | 0x0057 => Ok(rest),
        0x0281 | 0x0283 => ether::mpls(rest, DEPTH),
        0x002d | 0x002f => Err(Skip::NotIp("compressed TCP headers")),
        0x003d => Err(Skip::NotIp("multilink PPP")),
        0x00fd | 0x00fb => Err(Skip::NotIp("compressed PPP")),
        0x8000..=0xffff => Err(Skip::NotIp("PPP control")),
        _ => Err(Skip::NotIp("another protocol")),
    }
}

/// A PPPoE session from its version on.
pub(super) fn pppoe(frame: &[u8]) -> Ip<'_> {
    match frame {
        [_, 0, ..] => ppp(after(frame, 6)?),
        [_, _, ..] => Err(Skip::NotIp("PPPoE discovery")),
        _ => Err(Skip::LinkHeader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_say_ip() {
        for frame in [&[0xff, 3, 0, 0x21, 0x45][..], &[0, 0x21, 0x45], &[0x21, 0x45], &[0xff, 3, 0x21, 0x45]]
        {
            assert_eq!(ppp(frame), Ok(&[0x45][..]));
        }
        assert_eq!(ppp(&[0, 0x57, 0x60]), Ok(&[0x60][..]));
        assert_eq!(ppp(&[0xff, 3, 0xc0, 0x21, 1]), Err(Skip::NotIp("PPP control")));
        assert_eq!(ppp(&[0xff, 3]), Err(Skip::LinkHeader));
        assert_eq!(pppoe(&[0x11, 9, 0, 0]), Err(Skip::NotIp("PPPoE discovery")));
    }
}
