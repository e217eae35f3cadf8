//! The statement about a release whose records were generated under a condition.

use crate::generate::Asked;
use crate::storage::releases::Release;
use serde::Serialize;

/// Note for readers of the release.
const ABOUT: &str = "The shares of categories were set by hand and are not those of the raw trace. All other columns follow the model, given the category; \
    so the distances in the report, which compare with measurements of the whole trace, say little.";

/// Condition on the categories of a release's records.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Conditioned {
    /// The requested shares.
    #[schema(value_type = Asked)]
    pub asked: serde_json::Value,
    /// What the condition means.
    #[schema(value_type = String)]
    pub about: &'static str,
}

impl Conditioned {
    /// Of a release, if there was a condition.
    pub fn of(release: &Release) -> Option<Self> {
        let kept = release.condition.as_deref()?;
        Some(Conditioned { asked: serde_json::from_str(kept).unwrap_or_default(), about: ABOUT })
    }
}
