//! One line of an account.

use super::{NoiseScale, Rho, Sensitivity, Stage};
use serde::{Deserialize, Serialize};

/// One line of the account: what was asked and what it cost. It holds nothing of the raw data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// The query's label.
    pub label: String,
    /// The stage that asked.
    pub stage: Stage,
    /// Δ².
    pub sensitivity: Sensitivity,
    /// ρ charged.
    pub rho: Rho,
    /// σ² of the noise, as drawn.
    pub scale: NoiseScale,
    /// Integers in the answer.
    pub cells: usize,
}
