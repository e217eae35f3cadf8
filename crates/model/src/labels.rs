//! Labels of charges, and of the measurements that they paid for, as stored in bundles.

use crate::looks::LookSubject;
use crate::sessions::{Part, SessionQuery};

/// The leaves of a column's tree, which its levels paid for.
pub fn leaves(column: &str) -> String {
    format!("tree {column}")
}

/// A level of a column's tree, counted from 1.
pub fn level(column: &str, level: usize) -> String {
    format!("{} level {level}", leaves(column))
}

/// The joint histogram of some columns.
pub fn marginal(columns: &[&str]) -> String {
    match columns {
        [one] => format!("one-way {one}"),
        many => many.join(" × "),
    }
}

/// The number of distinct values of a column, by how often they occur.
pub fn profile(column: &str) -> String {
    format!("profile {column}")
}

/// A query on packets as sessions.
pub fn sessions(what: SessionQuery) -> String {
    let part = |part: Part| match part {
        Part::Client => "client",
        Part::Server => "server",
        Part::Service => "service",
        Part::High => "client port",
        Part::Time => "time",
        Part::Length => "length",
        Part::Ttl => "ttl",
    };
    let asked = match what {
        SessionQuery::Numbers => "records and sessions".into(),
        SessionQuery::Services => "records by protocol and service".into(),
        SessionQuery::Ranks => "ranks of records by class and direction".into(),
        SessionQuery::Smaller => "ranks of the smaller direction by class".into(),
        SessionQuery::Sizes => "by class and packets of both directions".into(),
        SessionQuery::Of(of) => format!("by class and {}", part(of)),
        SessionQuery::Ends => "by server and client".into(),
        SessionQuery::Fine(of) => format!("by fine {}", part(of)),
        SessionQuery::Starts => "by class and start".into(),
        SessionQuery::HostRanks(of) => format!("ranks of the sessions of a {}", part(of)),
        SessionQuery::Hosts(of) => format!("distinct hosts as {}", part(of)),
        SessionQuery::Pairs => "distinct pairs of hosts".into(),
        SessionQuery::Turns => "direction and gap after direction".into(),
        SessionQuery::Lengths => "length after length".into(),
        SessionQuery::Positions => "length by position".into(),
        SessionQuery::Gaps => "gaps by class".into(),
        SessionQuery::Octaves => "gaps".into(),
        SessionQuery::Ttls => "ttl by sender".into(),
        SessionQuery::Manner(group) => format!("other columns by class, group {}", group + 1),
        SessionQuery::Sent => "length by class".into(),
        SessionQuery::Echoes => "echoes".into(),
        SessionQuery::AllHosts => "distinct hosts".into(),
        SessionQuery::Repeats => "lengths repeated".into(),
        SessionQuery::Constant => "directions of one length".into(),
        SessionQuery::Flags => "flags after flags".into(),
        SessionQuery::FlagLengths => "length by flags".into(),
        SessionQuery::Joint(a, b) => format!("{} × {} of records", part(a), part(b)),
    };
    format!("sessions: {asked}")
}

/// Gaps between the records of a pair, by class and octave.
pub const GAPS: &str = "gaps of pairs";
/// Gaps between the records of a pair, by parts of octaves.
pub const GAP_PARTS: &str = "gaps of pairs, finely";
/// Gaps as long as the previous one.
pub const STEADY_GAPS: &str = "steady gaps of pairs";

/// A look across records.
pub fn look(of: LookSubject) -> String {
    let of = match of {
        LookSubject::Sources => "sources",
        LookSubject::Destinations => "destinations",
        LookSubject::BothSides => "hosts on both sides",
        LookSubject::Pairs => "pairs",
        LookSubject::FanOut => "destinations of a source",
        LookSubject::FanIn => "sources of a destination",
        LookSubject::MutualPairs => "pairs in both directions",
    };
    format!("ranks of {of}")
}
