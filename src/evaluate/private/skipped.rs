//! Why a measure has no figure.

use serde::Serialize;

/// The reason, in words, why a measure was not taken: a sentence for the person who reads the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Skipped(pub String);

impl Skipped {
    /// Skipped for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Skipped(reason.into())
    }
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
