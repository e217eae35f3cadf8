//! Counts what was not converted to flows and why, and notes on flows. The number of kinds is fixed, so they
//! can be counted whatever the input.

use std::fmt;

/// Why something was not converted to a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// Datagrams of a version other than 5, 9 and 10, or shorter than a header.
    NotAnExport,
    /// Inconsistencies in a datagram: the remainder of the datagram, set or record is lost.
    Malformed,
    /// Unusable templates: without a length, cut short or with too many fields.
    BadTemplate,
    /// Sets of records whose template is unknown or was withdrawn.
    NoTemplate,
    /// Records about the exporter, not about flows.
    Options,
    /// Records with hardware addresses only.
    LayerTwo,
    /// Records that lack the source address, the destination address or both.
    NoAddresses,
    /// Address translations that begin or end, without counters.
    NatEvent,
    /// Flows that a firewall created or denied, without counters.
    FirewallEvent,
    /// Other records with neither packet nor byte counters.
    NoCounters,
}

impl Skip {
    /// All reasons.
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

/// A note on flows that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// Flows without a usable time, which therefore end at the time of export.
    ExportTime,
    /// Flows with either start or end, which is used for both.
    OneTime,
    /// Flows that end before they start, whose end is set to the start.
    EndBeforeStart,
    /// Flows of a sampling exporter; counters are not scaled.
    Sampled,
    /// Flows with byte but without packet counters.
    NoPackets,
    /// Flows with packet but without byte counters.
    NoBytes,
    /// Flows without a protocol.
    NoProtocol,
}

impl Note {
    /// All notes.
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

/// Counts of datagrams, flows, skipped records and notes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    datagrams: u64,
    flows: u64,
    sampling: u64,
    skipped: [u64; Skip::ALL.len()],
    noted: [u64; Note::ALL.len()],
}

impl Tally {
    /// Number of datagrams.
    pub fn datagrams(&self) -> u64 {
        self.datagrams
    }

    /// Number of flows.
    pub fn flows(&self) -> u64 {
        self.flows
    }

    /// The largest sampling interval that an exporter states: one packet in this many. 0 where none states
    /// any.
    pub fn sampling(&self) -> u64 {
        self.sampling
    }

    /// Number of items skipped for this reason.
    pub fn skipped(&self, why: Skip) -> u64 {
        self.skipped[why as usize]
    }

    /// Number of flows with this note.
    pub fn noted(&self, what: Note) -> u64 {
        self.noted[what as usize]
    }

    /// The reasons that occurred, with their counts.
    pub fn skips(&self) -> impl Iterator<Item = (Skip, u64)> + '_ {
        Skip::ALL.into_iter().map(|why| (why, self.skipped(why))).filter(|&(_, count)| count > 0)
    }

    /// The notes that occurred, with their counts.
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

    /// Counts a flow with a sampling interval; 0 and 1 mean that all packets were counted.
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
