//! The format of a capture, by its first bytes.

/// A capture format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaptureFormat {
    /// One link type and one time resolution per file.
    Pcap,
    /// Blocks; sections with interfaces.
    Pcapng,
}

/// The format of files with these first bytes. Four bytes are enough for pcap, twelve for pcapng.
///
/// ```
/// use netdpsyn_capture::{CaptureFormat, format_of};
/// assert_eq!(format_of(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]), Some(CaptureFormat::Pcap));
/// assert_eq!(format_of(b"srcip,dstip,pkt\n"), None);
/// ```
pub fn format_of(first: &[u8]) -> Option<CaptureFormat> {
    let magic = <[u8; 4]>::try_from(first.get(..4)?).ok()?;
    if pcap(magic).is_some() {
        return Some(CaptureFormat::Pcap);
    }
    let order = first.get(8..12)?;
    let section = magic == [0x0a, 0x0d, 0x0d, 0x0a];
    (section && (order == [0x1a, 0x2b, 0x3c, 0x4d] || order == [0x4d, 0x3c, 0x2b, 0x1a]))
        .then_some(CaptureFormat::Pcapng)
}

/// The variant of pcap, by its magic number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Magic {
    pub big: bool,
    /// Whether the fraction of a second counts nanoseconds.
    pub nanoseconds: bool,
    /// Kuznetzov's patch: eight more bytes per record.
    pub modified: bool,
}

pub(crate) fn pcap(magic: [u8; 4]) -> Option<Magic> {
    let known = |number: u32| match number {
        0xa1b2_c3d4 => Some((false, false)),
        0xa1b2_3c4d => Some((true, false)),
        0xa1b2_cd34 => Some((false, true)),
        _ => None,
    };
    let of = |big| move |(nanoseconds, modified)| Magic { big, nanoseconds, modified };
    known(u32::from_be_bytes(magic)).map(of(true)).or_else(|| known(u32::from_le_bytes(magic)).map(of(false)))
}

/// Describes a file that is not a capture, where it is easily recognised.
pub(crate) fn other(first: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 9] = [
        (b"snoop\0\0\0", "it is a snoop file, which `editcap -F pcap IN OUT` converts"),
        (b"GMBU", "it is a Network Monitor file, which `editcap -F pcap IN OUT` converts"),
        (b"RTSS", "it is a Network Monitor file, which `editcap -F pcap IN OUT` converts"),
        (b"TRSNIFF data", "it is a Sniffer file, which `editcap -F pcap IN OUT` converts"),
        (&[0x1c, 0x00, 0x01, 0xac], "it is an lcap file, which `editcap -F pcap IN OUT` converts"),
        (&[0xac, 0x01, 0x00, 0x1c], "it is an lcap file, which `editcap -F pcap IN OUT` converts"),
        (&[0x1f, 0x8b], "it is packed with gzip"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "it is packed with zstd"),
        (&[0xfd, b'7', b'z', b'X', b'Z'], "it is packed with xz"),
    ];
    if first.is_empty() {
        return "it is empty";
    }
    KNOWN.iter().find(|(magic, _)| first.starts_with(magic)).map_or("no magic of theirs", |(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_magics_are_told_apart() {
        let magic = |number: u32| (format_of(&number.to_be_bytes()), format_of(&number.to_le_bytes()));
        for number in [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34] {
            assert_eq!(magic(number), (Some(CaptureFormat::Pcap), Some(CaptureFormat::Pcap)));
        }
        assert_eq!(magic(0xa1b2_c3d5), (None, None));
        let big = [10, 13, 13, 10, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d];
        assert_eq!(format_of(&big), Some(CaptureFormat::Pcapng));
        assert_eq!(format_of(&big[..11]), None);
        assert_eq!(format_of(b"\n\r\r\nsome text that begins so"), None);
        assert_eq!(other(&[0x1f, 0x8b, 8]), "it is packed with gzip");
    }
}
