//! Why a cell cannot be read.

use thiserror::Error;

/// Why a cell cannot be read. Private to the steward: it quotes the value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{problem}: {shown:?}")]
pub struct BadCell {
    /// What is wrong.
    pub problem: String,
    /// The value, shortened.
    pub shown: String,
    /// Whether the value could be read in another notation than its column's. Such a file is refused at any
    /// tolerance, because otherwise the set of bad records would depend on the record from which the notation
    /// was detected.
    pub mixture: bool,
}

pub(super) fn bad(problem: impl Into<String>, cell: &[u8]) -> BadCell {
    let text = String::from_utf8_lossy(&cell[..cell.len().min(240)]);
    BadCell { problem: problem.into(), shown: text.chars().take(60).collect(), mixture: false }
}
