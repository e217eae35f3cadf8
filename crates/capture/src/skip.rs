//! Why records of a capture are skipped, and how many.

use crate::link::name;
use std::fmt;

/// Why a record is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// Another protocol than IP, with its name.
    NotIp(&'static str),
    /// A frame of an unsupported link type.
    LinkType(u32),
    /// The captured bytes end before the IP header.
    LinkHeader,
    /// The captured bytes end within the IP header.
    IpHeader,
    /// The version field is neither 4 nor 6.
    Version,
    /// An IPv4 header length below 20 bytes.
    HeaderLength,
    /// An IP length below that of the headers.
    TotalLength,
    /// The captured bytes end within the extension headers of IPv6.
    Extension,
    /// Too many nested tags, labels or headers.
    TooDeep,
    /// The snap length cuts off the ports, or the ICMP type.
    PortsCut,
    /// The IP length has no room for the ports, or for the ICMP type.
    NoPorts,
    /// A time before 1970.
    BeforeEpoch,
    /// A time after 2554, the end of 64-bit nanoseconds.
    TooLate,
    /// The pcapng interface is not described.
    Interface,
    /// The file ends within this packet, counted from 1.
    EndsWithin(u64),
    /// The bytes between this packet and the end of the file are not a packet.
    Garbage(u64),
    /// Any reason after the first [`Skips::REASONS`].
    Other,
}

impl fmt::Display for Skip {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Skip::NotIp(what) => return write!(to, "not IP: {what}"),
            Skip::LinkType(number) => {
                return match name(*number) {
                    Some(name) => write!(to, "link type {number} ({name}) is not read"),
                    None => write!(to, "link type {number} is not read"),
                };
            }
            Skip::EndsWithin(packet) => return write!(to, "the file ends within packet {packet}"),
            Skip::Garbage(packet) => return write!(to, "the bytes after packet {packet} are not a packet"),
            Skip::LinkHeader => "cut short before the IP header",
            Skip::IpHeader => "cut short in the IP header",
            Skip::Version => "neither IPv4 nor IPv6 by its version field",
            Skip::HeaderLength => "bad IP header length",
            Skip::TotalLength => "an IP length below that of the headers",
            Skip::Extension => "cut short in the extension headers of IPv6",
            Skip::TooDeep => "too many headers within headers",
            Skip::PortsCut => "ports cut off by the snap length",
            Skip::NoPorts => "the IP length leaves no room for ports",
            Skip::BeforeEpoch => "a time before 1970",
            Skip::TooLate => "a time after 2554",
            Skip::Interface => "of an interface that is not described",
            Skip::Other => "other reasons",
        };
        to.write_str(words)
    }
}

/// Number of skipped records by reason. The number of reasons is bounded.
#[derive(Clone, Debug, Default)]
pub struct Skips {
    counts: Vec<(Skip, u64)>,
}

impl Skips {
    /// Largest number of distinct reasons; a capture may claim any number of link types.
    pub const REASONS: usize = 48;

    /// Counts a skipped record.
    pub fn add(&mut self, skip: Skip) {
        let count = |counts: &mut Vec<(Skip, u64)>, skip| {
            let known = counts.iter_mut().find(|(known, _)| *known == skip);
            known.map(|(_, count)| *count += 1).is_some()
        };
        if count(&mut self.counts, skip) {
            return;
        }
        if self.counts.len() < Self::REASONS {
            self.counts.push((skip, 1));
        } else if !count(&mut self.counts, Skip::Other) {
            self.counts.push((Skip::Other, 1));
        }
    }

    /// The reasons with their counts, the most frequent first.
    pub fn counts(&self) -> Vec<(Skip, u64)> {
        let mut counts = self.counts.clone();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        counts
    }

    /// Number of all skipped records.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_bounded_and_nothing_is_lost() {
        let mut skips = Skips::default();
        for number in 1000..3000 {
            skips.add(Skip::LinkType(number));
            skips.add(Skip::IpHeader);
        }
        assert_eq!(skips.total(), 4000);
        let counts = skips.counts();
        assert_eq!(counts.len(), Skips::REASONS + 1);
        assert_eq!(counts[0], (Skip::IpHeader, 2000));
        assert_eq!(counts[1].0, Skip::Other);
    }

    #[test]
    fn reasons_read_as_plain_words() {
        assert_eq!(Skip::NotIp("ARP").to_string(), "not IP: ARP");
        assert_eq!(Skip::LinkType(271).to_string(), "link type 271 (vSockets) is not read");
        assert_eq!(Skip::LinkType(160).to_string(), "link type 160 is not read");
        assert_eq!(Skip::EndsWithin(7).to_string(), "the file ends within packet 7");
    }
}
