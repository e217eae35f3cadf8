//! The scale of noise: σ² as an exact number, derived from the cost of an answer.
//!
//! An answer with sensitivity Δ under noise of scale σ costs ρ = Δ²/2σ² (Canonne, Kamath, Steinke 2020, *The
//! Discrete Gaussian for Differential Privacy*, Theorem 4).

use super::{Rho, Sensitivity};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// σ² as an exact dyadic rational: `numerator / 2^shift`.
///
/// The only constructor is [`NoiseScale::for_cost`], so there is no scale without a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseScale {
    numerator: u64,
    shift: u32,
}

/// The budget for one answer is so small that its noise would exceed any count.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("ρ = {rho} is too little for one answer of squared sensitivity {squared}; ask for a larger epsilon")]
pub struct CostTooSmall {
    rho: Rho,
    squared: u64,
}

impl NoiseScale {
    /// Keeps `numerator` below 2⁵⁰, so that every product in the sampler fits in 128 bits.
    const MAX_NUMERATOR: u128 = 1 << 50;
    const MAX_SHIFT: u32 = 30;

    /// The scale at which an answer of `sensitivity` costs at most `rho`: σ² = Δ²/2ρ, rounded up.
    ///
    /// # Errors
    /// [`CostTooSmall`] when σ² cannot be represented.
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

    /// σ², for weighting noisy answers after they are drawn.
    pub fn variance(self) -> f64 {
        self.numerator as f64 * 0.5f64.powi(self.shift as i32)
    }

    /// σ, for weighting noisy answers after they are drawn.
    pub fn sigma(self) -> f64 {
        self.variance().sqrt()
    }

    /// The numerator n and the exponent s of σ² = n / 2^s.
    pub fn parts(self) -> (u64, u32) {
        (self.numerator, self.shift)
    }
}
