//! Labels of charges, and of the measurements that they paid for, as stored in bundles.

use crate::looks::Subject;
use crate::sessions::{Part, What};

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
pub fn sessions(what: What) -> String {
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
        What::Numbers => "records and sessions".into(),
        What::Services => "records by protocol and service".into(),
        What::Ranks => "ranks of records by class and direction".into(),
        What::Smaller => "ranks of the smaller direction by class".into(),
        What::Sizes => "by class and packets of both directions".into(),
        What::Of(of) => format!("by class and {}", part(of)),
        What::Ends => "by server and client".into(),
        What::Fine(of) => format!("by fine {}", part(of)),
        What::Starts => "by class and start".into(),
        What::HostRanks(of) => format!("ranks of the sessions of a {}", part(of)),
        What::Hosts(of) => format!("distinct hosts as {}", part(of)),
        What::Pairs => "distinct pairs of hosts".into(),
        What::Turns => "direction and gap after direction".into(),
        What::Lengths => "length after length".into(),
        What::Positions => "length by position".into(),
        What::Gaps => "gaps by class".into(),
        What::Octaves => "gaps".into(),
        What::Ttls => "ttl by sender".into(),
        What::Manner(group) => format!("other columns by class, group {}", group + 1),
        What::Sent => "length by class".into(),
        What::Echoes => "echoes".into(),
        What::AllHosts => "distinct hosts".into(),
        What::Repeats => "lengths repeated".into(),
        What::Constant => "directions of one length".into(),
        What::Flags => "flags after flags".into(),
        What::FlagLengths => "length by flags".into(),
        What::Joint(a, b) => format!("{} × {} of records", part(a), part(b)),
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
pub fn look(of: Subject) -> String {
    let of = match of {
        Subject::Sources => "sources",
        Subject::Destinations => "destinations",
        Subject::BothSides => "hosts on both sides",
        Subject::Pairs => "pairs",
        Subject::FanOut => "destinations of a source",
        Subject::FanIn => "sources of a destination",
        Subject::MutualPairs => "pairs in both directions",
    };
    format!("ranks of {of}")
}
