//! A measure, or the reason why there is none.

use super::skipped::Skipped;
use serde::Serialize;

/// What became of a measure: its figures, or `{"skipped": "the reason"}`.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
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

    /// No figures, for this reason.
    pub fn skipped(reason: &str) -> Self {
        Outcome::Skipped { skipped: Skipped::because(reason) }
    }
}

impl<T> From<Result<T, Skipped>> for Outcome<T> {
    fn from(result: Result<T, Skipped>) -> Self {
        match result {
            Ok(figures) => Outcome::Measured(figures),
            Err(skipped) => Outcome::Skipped { skipped },
        }
    }
}
