//! What the account calls a question: the labels of charges, and of the measurements that they paid for. Bundles hold them.

use crate::looks::Subject;

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

/// How many distinct values a column has, by how often they occur.
pub fn profile(column: &str) -> String {
    format!("profile {column}")
}

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
