//! 802.11 frames, with or without a radiotap header: only plain data frames carry readable IP.

use super::{DEPTH, Ip, after, ether};
use crate::skip::Skip;

/// The radiotap header contains its length.
pub(super) fn radiotap(frame: &[u8]) -> Ip<'_> {
    let length = match frame {
        [_, _, low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])),
        _ => return Err(Skip::LinkHeader),
    };
    self::frame(after(frame, length.max(8))?)
}

/// A frame from the frame control on.
pub(super) fn frame(frame: &[u8]) -> Ip<'_> {
    let [first, second, ..] = frame else {
        return Err(Skip::LinkHeader);
    };
    let (kind, subtype) = ((first >> 2) & 3, first >> 4);
    match kind {
        2 => {}
        0 => return Err(Skip::NotIp("802.11 management")),
        _ => return Err(Skip::NotIp("802.11 control")),
    }
    if subtype & 4 != 0 {
        return Err(Skip::NotIp("802.11 without data"));
    }
    if second & 0x40 != 0 {
        return Err(Skip::NotIp("802.11 encrypted"));
    }
    let (distribution, quality, ordered) = (second & 3 == 3, subtype & 8 != 0, second & 0x80 != 0);
    let addresses = if distribution { 30 } else { 24 };
    let control = after(frame, addresses)?;
    if quality && control.first().is_some_and(|low| low & 0x80 != 0) {
        return Err(Skip::NotIp("802.11 aggregate"));
    }
    let more = if quality { 2 + if ordered { 4 } else { 0 } } else { 0 };
    ether::llc(after(control, more)?, DEPTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_data_frames_lead_to_ip() {
        let llc = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x45];
        let plain = [&[0x08, 1][..], &[0; 22], &llc].concat();
        let quality = [&[0x88, 3][..], &[0; 30], &llc].concat();
        for frame in [plain, quality] {
            assert_eq!(super::frame(&frame), Ok(&[0x45][..]));
            let radio = [&[0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &frame].concat();
            assert_eq!(radiotap(&radio), Ok(&[0x45][..]));
        }
        assert_eq!(super::frame(&[0x08, 0x41]), Err(Skip::NotIp("802.11 encrypted")));
        assert_eq!(super::frame(&[0x80, 0]), Err(Skip::NotIp("802.11 management")));
        assert_eq!(super::frame(&[0x08]), Err(Skip::LinkHeader));
    }
}
