//! Measurements of packets as sessions: partitions of endpoints, ports, times, lengths and times to live, and
//! noisy answers about groups of packets.
//!
//! A session is all packets of one unordered five-tuple, in the view of [`netdpsyn_trace::sessions`].

use crate::domain::{Attribute, Partition};
use crate::ranks::BINS as RANKS;
use netdpsyn_account::NoiseScale;
use netdpsyn_trace::sessions::ECHOES;
use netdpsyn_trace::{Role, Schema};
use serde::{Deserialize, Serialize};

/// A part of a session or packet whose value space is partitioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The client's address.
    Client,
    /// The server's address.
    Server,
    /// The server's port.
    Service,
    /// The client's port.
    High,
    /// The time of a packet.
    Time,
    /// The length of a packet.
    Length,
    /// The time to live of a packet.
    Ttl,
}

impl Part {
    /// All parts, in the order in which a bundle lists their partitions.
    pub const ALL: [Part; 7] =
        [Part::Client, Part::Server, Part::Service, Part::High, Part::Time, Part::Length, Part::Ttl];

    /// All pairs of parts.
    pub fn pairs() -> impl Iterator<Item = (Part, Part)> {
        Part::ALL.into_iter().enumerate().flat_map(|(at, a)| Part::ALL[at + 1..].iter().map(move |&b| (a, b)))
    }
}

/// Two partitions of a part: fine bins, and runs of them as coarse bins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Fine bins, whose intervals are weighted by the records of their leaves.
    pub partition: Partition,
    /// The coarse bin of each fine one, ascending.
    pub coarse: Vec<u32>,
    /// Estimated records of each fine bin.
    pub counts: Vec<i64>,
    /// The smallest noise of a level of its tree; `None` where the trace has no such column, and there is one
    /// bin.
    pub scale: Option<NoiseScale>,
}

impl Axis {
    /// The axis of a part that the trace lacks.
    pub fn none() -> Axis {
        Axis { partition: Partition::from_starts(vec![0], 1), coarse: vec![0], counts: vec![1], scale: None }
    }

    /// Number of fine bins.
    pub fn fine_bins(&self) -> usize {
        self.coarse.len()
    }

    /// Number of coarse bins.
    pub fn coarse_bins(&self) -> usize {
        self.coarse.last().map_or(1, |&last| last as usize + 1)
    }
}

/// Classes of sessions, by protocol and service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// By bin of the protocol, then coarse bin of the service: the class.
    pub of: Vec<u32>,
    /// Records of each of these cells, as far as they stand out.
    pub records: Vec<f64>,
    /// By class, the bin of its protocol.
    pub protocols: Vec<u32>,
    /// By class, the lagged class, in which records are compared with previous ones.
    pub lagged: Vec<u32>,
}

impl Classes {
    /// Number of classes.
    pub fn count(&self) -> usize {
        self.protocols.len()
    }

    /// Number of lagged classes.
    pub fn lagged_count(&self) -> usize {
        self.lagged.iter().max().map_or(0, |&last| last as usize + 1)
    }
}

/// Largest number of coarse bins of a part: a session is generated along tables of two coarse parts.
pub const MOST_COARSE: usize = 256;

/// Octaves of gaps between packets: octave j begins at 2^j − 1 nanoseconds.
pub const OCTAVES: usize = 48;
/// Number of groups of octaves, in lagged queries with direction, and in those without.
pub const GAP_GROUPS: [usize; 2] = [8, 24];

/// The octave of a gap in nanoseconds.
pub fn octave(gap: u64) -> usize {
    (gap.saturating_add(1).ilog2() as usize).min(OCTAVES - 1)
}

/// Lower ends of the bins of the number of packets of a session in one direction.
pub const SIZES: [u64; 10] = [0, 1, 2, 3, 5, 9, 17, 65, 257, 1_025];

/// The bin of a number of packets.
pub fn size_bin(packets: u64) -> usize {
    SIZES.partition_point(|&least| least <= packets) - 1
}

/// Number of classes of directions with at least two packets, by their number of packets.
pub const MANY: usize = 3;

/// The class of a direction with at least two packets: 2, up to 4, more.
pub fn many_bin(packets: u64) -> usize {
    match packets {
        ..=2 => 0,
        3..=4 => 1,
        _ => 2,
    }
}

/// Lower ends of the classes of positions in a session, by which lengths are counted.
pub const POSITIONS: [u64; 5] = [0, 1, 2, 4, 16];

/// Largest number of bins of flags, so that tables of transitions stay small.
pub const MOST_FLAGS: usize = 12;

/// The class of a position.
pub fn position_class(position: u64) -> usize {
    POSITIONS.partition_point(|&least| least <= position) - 1
}

/// A query on sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionQuery {
    /// Numbers of records and of sessions.
    Numbers,
    /// Records by protocol and coarse service.
    Services,
    /// Records by class, direction and rank in session and direction.
    Ranks,
    /// Ranks of the smaller direction, by class.
    Smaller,
    /// Sessions by class and by the packets of both directions.
    Sizes,
    /// Sessions by class and coarse part: client or server.
    Of(Part),
    /// Sessions by coarse server and client.
    Ends,
    /// Sessions by fine part.
    Fine(Part),
    /// Sessions by class and the coarse time of their first packet.
    Starts,
    /// Ranks of the sessions of a host: as client, or as server.
    HostRanks(Part),
    /// Distinct hosts by coarse bin: clients, or servers.
    Hosts(Part),
    /// Distinct pairs of client and server.
    Pairs,
    /// Records by lagged class, position (second, later), previous direction, direction, group of gaps.
    Turns,
    /// Records by lagged class, previous direction, direction, previous length, length.
    Lengths,
    /// Records by lagged class, position, direction, length.
    Positions,
    /// Records by lagged class, whether the direction changes, finer group of gaps.
    Gaps,
    /// Records by whether the direction changes, octave of the gap.
    Octaves,
    /// Records by direction, coarse sender, coarse time to live.
    Ttls,
    /// Records by class, direction, and the joint values of other columns.
    Manner(u32),
    /// Records by class, direction, fine length.
    Sent,
    /// Distinct hosts on either side.
    AllHosts,
    /// Records with the direction and coarse length of the previous one, by lagged class, that length, and
    /// whether the exact lengths are equal.
    Repeats,
    /// Directions of sessions with at least two packets, by lagged class, direction, number of packets
    /// ([`many_bin`]), and the coarse length if all have the same exact length; the last cell where they
    /// differ.
    Constant,
    /// ICMP records by direction and by the echo type in their ports.
    Echoes,
    /// Consecutive packets by lagged class and by direction and flags of both; the last code stands for the
    /// start of a session before its first packet, and for the end after its last one.
    Flags,
    /// Records by lagged class, direction and flags, coarse length.
    FlagLengths,
    /// Records by direction and two coarse parts.
    Joint(Part, Part),
}

impl SessionQuery {
    /// The number of the kind of query, and its arguments.
    pub fn number(self) -> (usize, Vec<usize>) {
        match self {
            SessionQuery::Numbers => (0, Vec::new()),
            SessionQuery::Services => (1, Vec::new()),
            SessionQuery::Ranks => (2, Vec::new()),
            SessionQuery::Smaller => (3, Vec::new()),
            SessionQuery::Sizes => (4, Vec::new()),
            SessionQuery::Of(part) => (5, vec![part as usize]),
            SessionQuery::Ends => (6, Vec::new()),
            SessionQuery::Fine(part) => (7, vec![part as usize]),
            SessionQuery::Starts => (8, Vec::new()),
            SessionQuery::HostRanks(part) => (9, vec![part as usize]),
            SessionQuery::Hosts(part) => (10, vec![part as usize]),
            SessionQuery::Pairs => (11, Vec::new()),
            SessionQuery::Turns => (12, Vec::new()),
            SessionQuery::Lengths => (13, Vec::new()),
            SessionQuery::Positions => (14, Vec::new()),
            SessionQuery::Gaps => (15, Vec::new()),
            SessionQuery::Octaves => (16, Vec::new()),
            SessionQuery::Ttls => (17, Vec::new()),
            SessionQuery::Manner(group) => (18, vec![group as usize]),
            SessionQuery::Sent => (19, Vec::new()),
            SessionQuery::Echoes => (20, Vec::new()),
            SessionQuery::Joint(a, b) => (21, vec![a as usize, b as usize]),
            SessionQuery::AllHosts => (22, Vec::new()),
            SessionQuery::Repeats => (23, Vec::new()),
            SessionQuery::Constant => (24, Vec::new()),
            SessionQuery::Flags => (25, Vec::new()),
            SessionQuery::FlagLengths => (26, Vec::new()),
        }
    }
}

/// A noisy answer about sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionAnswer {
    /// The label of the charge that paid for it.
    pub label: String,
    /// The query.
    pub what: SessionQuery,
    /// Number of bins of each axis.
    pub shape: Vec<usize>,
    /// A noisy count per cell, the last axis varying fastest.
    pub counts: Vec<i64>,
    /// σ² of the noise of a cell.
    pub scale: NoiseScale,
}

/// All measurements of sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// The partitions of each of [`Part::ALL`].
    pub axes: Vec<Axis>,
    /// The attribute of the protocol.
    pub protocol: usize,
    /// Attributes whose values are constant in one direction of a session, in groups that were counted
    /// together.
    pub manners: Vec<Vec<usize>>,
    /// The attribute of the TCP flags, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<usize>,
    /// Classes of sessions.
    pub classes: Classes,
    /// The group of each octave of gaps, in both groupings.
    pub gaps: [Vec<u32>; 2],
    /// The first and the last octave of gaps that stand out.
    pub range: [usize; 2],
    /// The answers.
    pub looks: Vec<SessionAnswer>,
}

impl Sessions {
    /// The partitions of a part.
    pub fn axis(&self, part: Part) -> &Axis {
        &self.axes[part as usize]
    }

    /// The answer to a query, if there is one.
    pub fn look(&self, what: SessionQuery) -> Option<&SessionAnswer> {
        self.looks.iter().find(|look| look.what == what)
    }

    /// Number of coarse bins of a part.
    fn coarse(&self, part: Part) -> usize {
        self.axis(part).coarse_bins()
    }

    /// Number of bins of each axis of an answer.
    pub fn shape(&self, what: SessionQuery, attributes: &[Attribute]) -> Vec<usize> {
        let (classes, lagged) = (self.classes.count(), self.classes.lagged_count());
        let lengths = self.coarse(Part::Length);
        let states = 2 * self.flags.and_then(|flags| attributes.get(flags)).map_or(0, Attribute::bins);
        match what {
            SessionQuery::Numbers => vec![2],
            SessionQuery::Services => vec![attributes[self.protocol].bins(), self.coarse(Part::Service)],
            SessionQuery::Ranks => vec![classes, 2, RANKS],
            SessionQuery::Smaller => vec![classes, RANKS],
            SessionQuery::Sizes => vec![classes, SIZES.len(), SIZES.len()],
            SessionQuery::Of(part) => vec![classes, self.coarse(part)],
            SessionQuery::Ends => vec![self.coarse(Part::Server), self.coarse(Part::Client)],
            SessionQuery::Fine(part) => vec![self.axis(part).fine_bins()],
            SessionQuery::Starts => vec![classes, self.coarse(Part::Time)],
            SessionQuery::HostRanks(_) => vec![RANKS],
            SessionQuery::Hosts(part) => vec![self.coarse(part)],
            SessionQuery::Pairs | SessionQuery::AllHosts => vec![1],
            SessionQuery::Repeats => vec![lagged, lengths, 2],
            SessionQuery::Constant => vec![lagged, 2, MANY, lengths + 1],
            SessionQuery::Turns => vec![lagged, 2, 2, 2, GAP_GROUPS[0]],
            SessionQuery::Lengths => vec![lagged, 2, 2, lengths, lengths],
            SessionQuery::Positions => vec![lagged, POSITIONS.len(), 2, lengths],
            SessionQuery::Gaps => vec![lagged, 2, GAP_GROUPS[1]],
            SessionQuery::Octaves => vec![2, OCTAVES],
            SessionQuery::Ttls => {
                vec![2, self.coarse(Part::Client).max(self.coarse(Part::Server)), self.coarse(Part::Ttl)]
            }
            SessionQuery::Manner(group) => {
                let bins = |&a: &usize| attributes.get(a).map_or(1, Attribute::bins);
                let group = self.manners.get(group as usize);
                vec![classes, 2, group.map_or(0, |group| group.iter().map(bins).product())]
            }
            SessionQuery::Sent => vec![classes, 2, self.axis(Part::Length).fine_bins()],
            SessionQuery::Echoes => vec![2, ECHOES as usize],
            SessionQuery::Flags => vec![lagged, states + 1, states + 1],
            SessionQuery::FlagLengths => vec![lagged, states, lengths],
            SessionQuery::Joint(a, b) => vec![2, self.coarse(a), self.coarse(b)],
        }
    }

    /// What is inconsistent in itself or with these attributes, if anything.
    pub fn fault(&self, attributes: &[Attribute]) -> Option<&'static str> {
        let runs = |map: &[u32]| {
            map.first() == Some(&0) && map.windows(2).all(|two| two[1] == two[0] || two[1] == two[0] + 1)
        };
        let axis = |axis: &Axis| {
            runs(&axis.coarse)
                && axis.partition.bins() == axis.coarse.len()
                && axis.counts.len() == axis.coarse.len()
                && axis.coarse_bins() <= MOST_COARSE
        };
        if self.axes.len() != Part::ALL.len() || !self.axes.iter().all(axis) {
            return Some("a part of sessions is not cut into bins and runs of them");
        }
        let noise = |scale: &NoiseScale| scale.variance() > 0.0 && scale.variance().is_finite();
        if !self.axes.iter().filter_map(|axis| axis.scale.as_ref()).all(noise)
            || !self.looks.iter().all(|look| noise(&look.scale))
        {
            return Some("sessions were measured without noise");
        }
        let mut manners: Vec<usize> = self.manners.iter().flatten().chain(&self.flags).copied().collect();
        manners.sort_unstable();
        if manners.windows(2).any(|two| two[0] == two[1]) {
            return Some("sessions name an attribute twice");
        }
        if self.protocol >= attributes.len()
            || self.manners.iter().flatten().chain(&self.flags).any(|&a| a >= attributes.len())
            || self.manners.iter().any(Vec::is_empty)
        {
            return Some("sessions name attributes that there are not");
        }
        if self.flags.is_some_and(|flags| attributes[flags].bins() > MOST_FLAGS) {
            return Some("sessions tell more flags apart than there can be");
        }
        let Classes { of, records, protocols, lagged } = &self.classes;
        let cells = attributes[self.protocol].bins() * self.coarse(Part::Service);
        if of.len() != cells
            || records.len() != cells
            || records.iter().any(|n| !n.is_finite() || *n < 0.0)
            || lagged.len() != protocols.len()
            || protocols.is_empty()
            || of.iter().any(|&class| class as usize >= protocols.len())
            || protocols.iter().any(|&protocol| protocol as usize >= attributes[self.protocol].bins())
            || lagged.iter().any(|&class| class as usize >= protocols.len())
        {
            return Some("classes of sessions are not complete");
        }
        let grouped = |(groups, most): (&Vec<u32>, usize)| {
            groups.len() == OCTAVES && groups.iter().all(|&group| (group as usize) < most)
        };
        if !self.gaps.iter().zip(GAP_GROUPS).all(grouped)
            || self.range[0] > self.range[1]
            || self.range[1] >= OCTAVES
        {
            return Some("gaps within sessions are not grouped");
        }
        for (at, look) in self.looks.iter().enumerate() {
            let product = |shape: &[usize]| shape.iter().try_fold(1usize, |cells, &n| cells.checked_mul(n));
            let fits = look.shape == self.shape(look.what, attributes)
                && product(&look.shape) == Some(look.counts.len());
            if !fits || self.looks[..at].iter().any(|other| other.what == look.what) {
                return Some("an answer about sessions has another shape, or is there twice");
            }
        }
        let missing = self.asked().into_iter().any(|what| self.look(what).is_none());
        missing.then_some("an answer about sessions is missing")
    }

    /// What refers to columns beyond those of this schema, if anything.
    pub fn beyond(&self, schema: &Schema) -> Option<&'static str> {
        let inside = |part: Part| {
            let role = match part {
                Part::Client | Part::Server => Role::SourceAddress,
                Part::Service | Part::High => Role::SourcePort,
                Part::Time => Role::Start,
                Part::Length => Role::Length,
                Part::Ttl => Role::Ttl,
            };
            let axis = self.axis(part);
            let column = schema.column_of(role).map(|column| &schema.columns[column]);
            let space = column.and_then(|column| column.space(schema.window));
            axis.scale.is_none() && axis.fine_bins() == 1
                || space.is_some_and(|space| axis.partition.space().end <= space.end)
        };
        (!Part::ALL.into_iter().all(inside)).then_some("a part of sessions reaches beyond its column")
    }

    /// All queries of a fit on sessions, in no particular order, without those on parts that the trace lacks.
    pub fn asked(&self) -> Vec<SessionQuery> {
        use SessionQuery::*;
        let mut all = vec![
            Numbers, Services, Ranks, Smaller, Sizes, Ends, Starts, Pairs, Turns, Lengths, Positions, Gaps,
            Octaves, Ttls, Sent, Echoes, AllHosts, Repeats, Constant,
        ];
        for part in [Part::Client, Part::Server] {
            all.extend([Of(part), HostRanks(part), Hosts(part)]);
        }
        all.extend([Part::Client, Part::Server, Part::Service, Part::High].map(Fine));
        all.extend((0..self.manners.len() as u32).map(Manner));
        if self.flags.is_some() {
            all.extend([Flags, FlagLengths]);
        }
        all.extend(Part::pairs().map(|(a, b)| Joint(a, b)));
        let has = |part: Part| self.axis(part).scale.is_some();
        all.retain(|what| match *what {
            Ttls => has(Part::Ttl),
            Lengths | Repeats | Constant | FlagLengths => has(Part::Length),
            Joint(a, b) => has(a) && has(b),
            _ => true,
        });
        all
    }
}
