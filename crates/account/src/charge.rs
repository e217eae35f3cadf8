//! A charge: one query and its cost.

use super::{NoiseScale, Rho, Sensitivity, Stage};
use serde::{Deserialize, Serialize};

/// A charge: what was queried and what it cost. It holds nothing of the raw data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// The query's label.
    pub label: String,
    /// The stage that queried.
    pub stage: Stage,
    /// The squared L2 sensitivity Δ².
    pub sensitivity: Sensitivity,
    /// ρ charged.
    pub rho: Rho,
    /// σ² of the noise drawn.
    pub scale: NoiseScale,
    /// Number of integers in the answer.
    pub cells: usize,
}
