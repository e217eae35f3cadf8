//! The kind of a file, by its first bytes. A version number of two bytes proves nothing, so a whole datagram
//! must be consistent.

use crate::v5;
use crate::wire::Bytes;
use std::fmt;

/// A known kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExportFormat {
    /// Datagrams of NetFlow v5.
    V5,
    /// Datagrams of NetFlow v9.
    V9,
    /// Messages of IPFIX, as on the wire or in a file (RFC 5655).
    Ipfix,
    /// A file of nfcapd, which only nfdump reads.
    Nfcapd {
        /// 1 of nfdump 1.6, 2 of nfdump 1.7.
        layout: u16,
    },
}

impl ExportFormat {
    /// The command that converts an unreadable kind of file to a readable one: `FILE` stands for its name.
    pub fn converted_by(self) -> Option<&'static str> {
        matches!(self, ExportFormat::Nfcapd { .. }).then_some("nfdump -r FILE -o csv")
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportFormat::V5 => f.write_str("NetFlow v5 datagrams"),
            ExportFormat::V9 => f.write_str("NetFlow v9 datagrams"),
            ExportFormat::Ipfix => f.write_str("IPFIX messages"),
            ExportFormat::Nfcapd { layout } => write!(f, "an nfcapd file, layout version {layout}"),
        }
    }
}

/// The kind of a file, given its first 64 KiB, or all of it. `None` unless the first datagram is complete,
/// consistent, and followed by the end of the file or by another datagram.
pub fn format_of(first: &[u8]) -> Option<ExportFormat> {
    if let [a, b, c, d, ..] = *first {
        let layout = match [a, b] {
            [0xa5, 0x0c] => u16::from_be_bytes([c, d]),
            [0x0c, 0xa5] => u16::from_le_bytes([c, d]),
            _ => 0,
        };
        if matches!(layout, 1 | 2) {
            return Some(ExportFormat::Nfcapd { layout });
        }
    }
    let length = extent(first)?;
    let (whole, behind) = first.split_at_checked(length)?;
    if !behind.is_empty() && !begins(behind) {
        return None;
    }
    match version(whole)? {
        5 => Some(ExportFormat::V5),
        9 => tiled(whole.get(20..)?, 0).then_some(ExportFormat::V9),
        10 => tiled(whole.get(16..)?, 2).then_some(ExportFormat::Ipfix),
        _ => None,
    }
}

/// Length of the datagram at the beginning of these bytes, which may exceed them; `None` where no datagram
/// begins. NetFlow v9 does not state its length: it ends with the bytes, or where a header is in the place of
/// a set.
pub(crate) fn extent(bytes: &[u8]) -> Option<usize> {
    if !begins(bytes) {
        return None;
    }
    let mut head = Bytes(bytes);
    match (head.u16()?, head.u16()?) {
        (5, count) => Some(v5::HEADER + v5::RECORD * usize::from(count)),
        (10, length) => Some(usize::from(length)),
        _ => {
            let mut sets = Bytes(bytes.get(20..)?);
            while sets.len() > 0 {
                // The first set is not a header: it was already checked to begin a datagram.
                if sets.len() + 20 < bytes.len() && ends(sets.0) {
                    return Some(bytes.len() - sets.len());
                }
                let step = sets.0.first_chunk().map(|&[_, _, a, b]| usize::from(u16::from_be_bytes([a, b])));
                match step {
                    Some(step) if step >= 4 && sets.take(step).is_some() => {}
                    // Padded with zeros, after which another datagram may follow, whose first byte is also
                    // zero.
                    Some(0) => {
                        let zeros = sets.0.iter().take_while(|&&byte| byte == 0).count();
                        let header = sets.0.get(zeros.saturating_sub(1)..).unwrap_or_default();
                        let behind = if zeros < sets.len() && ends(header) { header.len() } else { 0 };
                        return Some(bytes.len() - behind);
                    }
                    _ => return Some(bytes.len()),
                }
            }
            Some(bytes.len())
        }
    }
}

fn version(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|version| u16::from_be_bytes(*version))
}

/// Whether a datagram may begin with these bytes: nothing in them contradicts it.
fn begins(bytes: &[u8]) -> bool {
    let word = |place: usize| {
        let two = bytes.get(place..)?.first_chunk()?;
        Some(u16::from_be_bytes(*two))
    };
    let set = |place, lowest| {
        word(place).is_none_or(|id| id > 255 || (lowest..lowest + 2).contains(&id))
            && word(place + 2).is_none_or(|length| length >= 4)
    };
    let nanos = || bytes.get(12..16).and_then(crate::wire::number).is_none_or(|nanos| nanos < 1_000_000_000);
    match word(0) {
        Some(5) => word(2).is_none_or(|count| (1..=v5::RECORDS).contains(&usize::from(count))) && nanos(),
        Some(9) => word(2).is_none_or(|count| count > 0) && set(20, 0),
        Some(10) => match word(2) {
            Some(16) | None => true,
            Some(length) => length >= 20 && set(16, 2),
        },
        _ => bytes == [0],
    }
}

/// Whether a header is in the place of a set of NetFlow v9: no set has such a number.
fn ends(bytes: &[u8]) -> bool {
    matches!(version(bytes), Some(5 | 9 | 10)) && begins(bytes)
}

/// Whether these bytes are sets and nothing else, except for zeros at the end.
fn tiled(bytes: &[u8], lowest: u16) -> bool {
    let mut sets = Bytes(bytes);
    let mut count = 0;
    while !sets.blank() {
        let (Some(id), Some(length)) = (sets.u16(), sets.u16()) else { return false };
        let known = id > 255 || (lowest..lowest + 2).contains(&id);
        if !known || usize::from(length).checked_sub(4).and_then(|length| sets.take(length)).is_none() {
            return false;
        }
        count += 1;
    }
    count > 0
}
