//! Why a measure has no figures.

use netdpsyn_trace::progress::Cancelled;
use serde::{Deserialize, Serialize};

/// The reason why a measure was not taken: a sentence for the reader of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Skipped(pub String);

impl Skipped {
    /// A reason from text.
    pub fn because(reason: impl Into<String>) -> Self {
        Skipped(reason.into())
    }
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a measure ended without figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The measure cannot be taken, for this reason.
    Skipped(Skipped),
    /// Stopped on request.
    Cancelled,
}

impl From<Skipped> for NotTaken {
    fn from(skipped: Skipped) -> Self {
        NotTaken::Skipped(skipped)
    }
}

impl From<Cancelled> for NotTaken {
    fn from(_: Cancelled) -> Self {
        NotTaken::Cancelled
    }
}
