//! How ρ is divided where packets are measured as sessions: parts of the whole, found by experiments on four
//! traces. They sum to 1.

use netdpsyn_model::sessions::{Part, SessionQuery};
use netdpsyn_trace::sessions::Sessions;

/// All trees together.
pub const TREES: f64 = 0.36;
/// The protocol.
const PROTOCOL: f64 = 0.004;
/// Every other list.
const LIST: f64 = 0.004;
/// Largest part of all other lists together.
const LISTS: f64 = 0.05;
/// The list of flags.
const FLAG_LIST: f64 = 0.01;
/// Everything but queries on flags, where there are flags; the remainder is for these.
const BESIDE_FLAGS: f64 = 1.0 - 0.05 - 0.015 - FLAG_LIST;

/// The part of everything but queries on flags.
pub fn beside_flags(columns: &Sessions) -> f64 {
    if columns.flags.is_some() { BESIDE_FLAGS } else { 1.0 }
}

/// The part of the list of a column, given the number of lists.
pub fn list(columns: &Sessions, column: usize, lists: usize) -> f64 {
    let others = lists.saturating_sub(1 + usize::from(columns.flags.is_some())).max(1);
    match column {
        column if Some(column) == columns.flags => FLAG_LIST,
        column if column == columns.protocol => PROTOCOL * beside_flags(columns),
        _ => LIST.min(LISTS / others as f64) * beside_flags(columns),
    }
}

/// The part of one query; pairs of parts divide the remainder.
pub fn part(what: SessionQuery, manners: usize) -> f64 {
    match what {
        SessionQuery::Numbers => 0.005,
        SessionQuery::Services => 0.01,
        SessionQuery::Ranks => 0.05,
        SessionQuery::Smaller => 0.02,
        SessionQuery::Sizes => 0.03,
        SessionQuery::Of(_) => 0.015,
        SessionQuery::Ends => 0.02,
        SessionQuery::Fine(Part::Service) => 0.01,
        SessionQuery::Fine(Part::High) => 0.005,
        SessionQuery::Fine(_) => 0.012,
        SessionQuery::Starts => 0.01,
        SessionQuery::HostRanks(_) => 0.012,
        SessionQuery::Hosts(_) => 0.006,
        SessionQuery::Pairs => 0.01,
        SessionQuery::Turns => 0.045,
        SessionQuery::Lengths => 0.05,
        SessionQuery::Positions => 0.04,
        SessionQuery::Gaps | SessionQuery::Octaves => 0.02,
        SessionQuery::Ttls => 0.012,
        SessionQuery::Manner(_) => 0.012 / manners.max(1) as f64,
        SessionQuery::Sent => 0.03,
        SessionQuery::Echoes => 0.002,
        SessionQuery::AllHosts => 0.02,
        SessionQuery::Repeats => 0.01,
        SessionQuery::Constant => 0.03,
        SessionQuery::Flags => 0.05,
        SessionQuery::FlagLengths => 0.015,
        SessionQuery::Joint(..) => 0.0,
    }
}

/// Joint tables divide the remainder by (cells)^(2/3), which minimises their joint error.
pub fn joint(cells: usize) -> f64 {
    (cells as f64).powf(2.0 / 3.0)
}
