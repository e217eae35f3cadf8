//! The result of a measure, or the reason why there is none.

use super::skipped::{NotTaken, Skipped};
use netdpsyn_trace::progress::Cancelled;
use serde::{Deserialize, Serialize};

/// The result of a measure: its figures, or `{"skipped": "the reason"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Outcome<T> {
    /// The figures.
    Measured(T),
    /// The measure was not taken.
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

    /// The outcome of a measure, unless it was stopped.
    ///
    /// # Errors
    /// [`Cancelled`] when the measure was stopped.
    pub fn of(result: Result<T, NotTaken>) -> Result<Self, Cancelled> {
        match result {
            Ok(figures) => Ok(Outcome::Measured(figures)),
            Err(NotTaken::Skipped(skipped)) => Ok(Outcome::Skipped { skipped }),
            Err(NotTaken::Cancelled) => Err(Cancelled),
        }
    }

    /// An outcome without figures, for this reason.
    pub fn skipped(reason: &str) -> Self {
        Outcome::Skipped { skipped: Skipped::because(reason) }
    }
}
