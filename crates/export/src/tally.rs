//! What was not turned into flows and why, and what is to be known of those that were. The kinds are few whatever the input, so they can be counted.

use std::fmt;

/// Why something that came is no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// Datagrams of another version than 5, 9 and 10, or shorter than a header.
    NotAnExport,
    /// Places where a datagram contradicts itself: what comes behind within the datagram, set or record is lost.
    Malformed,
    /// Templates that no record can be read by: without a length, cut short or of too many fields.
    BadTemplate,
    /// Sets of records whose template has not come, or was withdrawn.
    NoTemplate,
    /// Records about the exporter, not about flows.
    Options,
    /// Records with hardware addresses alone.
    LayerTwo,
    /// Records that lack the address of the source, the destination or both.
    NoAddresses,
    /// Translations of addresses that begin or end, without counters.
    NatEvent,
    /// Flows that a firewall saw begin or refused, without counters.
    FirewallEvent,
    /// Other records that count neither packets nor bytes.
    NoCounters,
}

impl Skip {
    /// All of them.
    pub const ALL: [Skip; 10] = [
        Skip::NotAnExport,
        Skip::Malformed,
        Skip::BadTemplate,
        Skip::NoTemplate,
        Skip::Options,
        Skip::LayerTwo,
        Skip::NoAddresses,
        Skip::NatEvent,
        Skip::FirewallEvent,
        Skip::NoCounters,
    ];
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Skip::NotAnExport => "datagrams that are not NetFlow v5, v9 or IPFIX",
            Skip::Malformed => "malformed datagrams or sets",
            Skip::BadTemplate => "templates that cannot be used",
            Skip::NoTemplate => "sets of records without a template",
            Skip::Options => "options data",
            Skip::LayerTwo => "layer 2 records without IP addresses",
            Skip::NoAddresses => "records without addresses",
            Skip::NatEvent => "NAT events without counters",
            Skip::FirewallEvent => "firewall events without counters",
            Skip::NoCounters => "records without counters",
        })
    }
}

/// What is to be known of flows that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// They have no time of their own that can be placed, so they end when they were exported.
    ExportTime,
    /// They tell either start or end, which is taken for both.
    OneTime,
    /// They end before they start, so the end is taken to be the start.
    EndBeforeStart,
    /// The exporter sampled packets; counters are not scaled.
    Sampled,
    /// Bytes are counted, packets are not.
    NoPackets,
    /// Packets are counted, bytes are not.
    NoBytes,
    /// The protocol is not told.
    NoProtocol,
}

impl Note {
    /// All of them.
    pub const ALL: [Note; 7] = [
        Note::ExportTime,
        Note::OneTime,
        Note::EndBeforeStart,
        Note::Sampled,
        Note::NoPackets,
        Note::NoBytes,
        Note::NoProtocol,
    ];
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Note::ExportTime => "flows timed by when they were exported",
            Note::OneTime => "flows with one time for start and end",
            Note::EndBeforeStart => "flows that end before they start",
            Note::Sampled => "flows of sampled packets, not scaled",
            Note::NoPackets => "flows without a packet counter",
            Note::NoBytes => "flows without a byte counter",
            Note::NoProtocol => "flows without a protocol",
        })
    }
}

/// Counts of everything that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    datagrams: u64,
    flows: u64,
    sampling: u64,
    skipped: [u64; Skip::ALL.len()],
    noted: [u64; Note::ALL.len()],
}

impl Tally {
    /// Datagrams that were given.
    pub fn datagrams(&self) -> u64 {
        self.datagrams
    }

    /// Flows that were read.
    pub fn flows(&self) -> u64 {
        self.flows
    }

    /// The largest sampling interval that an exporter told: one of so many packets. 0 where none told any.
    pub fn sampling(&self) -> u64 {
        self.sampling
    }

    /// How often something was skipped for this reason.
    pub fn skipped(&self, why: Skip) -> u64 {
        self.skipped[why as usize]
    }

    /// How many flows have this note.
    pub fn noted(&self, what: Note) -> u64 {
        self.noted[what as usize]
    }

    /// The reasons that came up, with their counts.
    pub fn skips(&self) -> impl Iterator<Item = (Skip, u64)> + '_ {
        Skip::ALL.into_iter().map(|why| (why, self.skipped(why))).filter(|&(_, count)| count > 0)
    }

    /// The notes that came up, with their counts.
    pub fn notes(&self) -> impl Iterator<Item = (Note, u64)> + '_ {
        Note::ALL.into_iter().map(|what| (what, self.noted(what))).filter(|&(_, count)| count > 0)
    }

    pub(crate) fn datagram(&mut self) {
        self.datagrams += 1;
    }

    pub(crate) fn flow(&mut self) {
        self.flows += 1;
    }

    pub(crate) fn skip(&mut self, why: Skip, count: u64) {
        self.skipped[why as usize] += count;
    }

    pub(crate) fn note(&mut self, what: Note) {
        self.noted[what as usize] += 1;
    }

    /// A flow of packets sampled one in so many; 0 and 1 are all packets.
    pub(crate) fn sampled(&mut self, interval: u64) {
        if interval > 1 {
            self.note(Note::Sampled);
            self.sampling = self.sampling.max(interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place_and_words() {
        for (place, why) in Skip::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, place);
            assert_eq!(Skip::ALL.iter().filter(|other| other.to_string() == why.to_string()).count(), 1);
        }
        for (place, what) in Note::ALL.into_iter().enumerate() {
            assert_eq!(what as usize, place);
            assert_eq!(Note::ALL.iter().filter(|other| other.to_string() == what.to_string()).count(), 1);
        }
    }
}
