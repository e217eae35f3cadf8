//! How much noise an answer has: σ² as an exact number, which follows from what pays for it.
//!
//! The cost of an answer with sensitivity Δ under noise of scale σ is ρ = Δ²/2σ² (Canonne, Kamath, Steinke 2020, *The
//! Discrete Gaussian for Differential Privacy*, Theorem 4).

use super::{Rho, Sensitivity};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// σ² as an exact dyadic rational: `numerator / 2^shift`.
///
/// It can only be made from what pays for it, [`NoiseScale::for_cost`], so noise without a budget has no expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseScale {
    numerator: u64,
    shift: u32,
}

/// The budget for one answer is so small that its noise would swamp any trace.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("ρ = {rho} is too little for one answer of squared sensitivity {squared}; ask for a larger epsilon")]
pub struct CostTooSmall {
    rho: Rho,
    squared: u64,
}

impl NoiseScale {
    /// Keeps `numerator` under 2⁵⁰, so that every product of the sampler fits 128 bits.
    const MAX_NUMERATOR: u128 = 1 << 50;
    const MAX_SHIFT: u32 = 30;

    /// The scale at which an answer of `sensitivity` costs at most `rho`: σ² = Δ²/2ρ, rounded up.
    pub fn for_cost(sensitivity: Sensitivity, rho: Rho) -> Result<Self, CostTooSmall> {
        let refused = CostTooSmall { rho, squared: sensitivity.squared() };
        if rho == Rho::ZERO {
            return Err(refused);
        }
        // σ² = Δ²·10¹² / (2·units), as an integer quotient over 2^shift.
        let top = u128::from(sensitivity.squared()) * u128::from(Rho::ONE / 2);
        let units = u128::from(rho.units());
        (0..=Self::MAX_SHIFT)
            .rev()
            .filter(|shift| *shift < top.leading_zeros())
            .map(|shift| ((top << shift).div_ceil(units), shift))
            .find(|(numerator, _)| *numerator < Self::MAX_NUMERATOR)
            .map(|(numerator, shift)| NoiseScale { numerator: numerator as u64, shift })
            .ok_or(refused)
    }

    /// σ², for weighing noisy answers after they are drawn.
    pub fn variance(self) -> f64 {
        self.numerator as f64 * 0.5f64.powi(self.shift as i32)
    }

    /// σ, likewise.
    pub fn sigma(self) -> f64 {
        self.variance().sqrt()
    }

    /// σ² as numerator and s, for numerator / 2^s.
    pub fn parts(self) -> (u64, u32) {
        (self.numerator, self.shift)
    }
}
