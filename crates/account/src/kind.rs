//! The kind of records that the guarantee protects.

use serde::{Deserialize, Serialize};

/// What one record of a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// A record is a flow.
    Flow,
    /// A record is a packet header.
    Packet,
}
