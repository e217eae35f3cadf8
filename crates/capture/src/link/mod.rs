//! From a frame of any link type to the IP header in it: functions of bytes, each of which returns a suffix
//! of its argument.

mod ether;
mod few;
mod names;
mod ppp;
mod wireless;

use crate::skip::Skip;
pub use names::name;

pub(crate) use ether::{by_ethertype, ethernet, mpls};
pub(crate) use ppp::ppp;

/// Largest number of nested headers below IP: VLAN tags, stacked Ethernet and the like.
const DEPTH: u32 = 8;

/// Bytes that start with an IP header, or why there are none.
type Ip<'a> = Result<&'a [u8], Skip>;

/// The bytes from the IP header on, of either version.
pub(crate) fn ip_in(link: u32, frame: &[u8]) -> Ip<'_> {
    match link {
        1 => ethernet(frame, DEPTH),
        12 | 14 | 101 | 228 | 229 => Ok(frame),
        0 => few::null(frame),
        108 => few::loopback(frame),
        9 => ppp(frame),
        10 => few::fddi(frame),
        50 => few::ppp_serial(frame),
        51 => ppp::pppoe(frame),
        100 => ether::llc(frame, DEPTH),
        104 => few::hdlc(frame),
        105 => wireless::frame(frame),
        113 => few::cooked(frame),
        127 => wireless::radiotap(frame),
        204 => ppp(after(frame, 1)?),
        239 => few::nflog(frame),
        276 => few::cooked_2(frame),
        _ => Err(Skip::LinkType(link)),
    }
}

/// The bytes after the first `count`.
fn after(bytes: &[u8], count: usize) -> Ip<'_> {
    bytes.get(count..).ok_or(Skip::LinkHeader)
}

/// Two bytes in network byte order.
fn be16(bytes: &[u8], at: usize) -> Result<u16, Skip> {
    let pair = bytes.get(at..).and_then(|rest| rest.first_chunk());
    pair.map(|pair| u16::from_be_bytes(*pair)).ok_or(Skip::LinkHeader)
}
