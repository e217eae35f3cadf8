//! A measure, or the reason why there is none.

use super::skipped::{NotTaken, Skipped};
use netdpsyn_trace::progress::Cancelled;
use serde::{Deserialize, Serialize};

/// What became of a measure: its figures, or `{"skipped": "the reason"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Outcome<T> {
    /// The figures.
    Measured(T),
    /// None, and why.
    Skipped {
        /// The reason, in words.
        skipped: Skipped,
    },
}

impl<T> Outcome<T> {
    /// The figures, if there are any.
    pub fn measured(&self) -> Option<&T> {
        match self {
            Outcome::Measured(figures) => Some(figures),
            Outcome::Skipped { .. } => None,
        }
    }

    /// What became of a measure that was not stopped.
    pub fn of(result: Result<T, NotTaken>) -> Result<Self, Cancelled> {
        match result {
            Ok(figures) => Ok(Outcome::Measured(figures)),
            Err(NotTaken::Skipped(skipped)) => Ok(Outcome::Skipped { skipped }),
            Err(NotTaken::Cancelled) => Err(Cancelled),
        }
    }

    /// No figures, for this reason.
    pub fn skipped(reason: &str) -> Self {
        Outcome::Skipped { skipped: Skipped::because(reason) }
    }
}
