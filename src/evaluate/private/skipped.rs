//! Why a figure is not there.

use serde::Serialize;

/// The reason, in words, why a measure was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Skipped(pub String);

impl From<&str> for Skipped {
    fn from(reason: &str) -> Self {
        Skipped(reason.into())
    }
}
