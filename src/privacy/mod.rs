//! The privacy core: budgets, theorems, noise, the accountant, and the wrapper that keeps raw data in.
//!
//! An auditor starts here. Each file is one idea and names its source:
//!
//! | file | idea |
//! | --- | --- |
//! | [`budget`] | ρ and (ε, δ) as exact, safely rounded quantities |
//! | [`zcdp`] | from (ε, δ) to ρ and back |
//! | [`sensitivity`] | how far one privacy unit can move a query's answer |
//! | [`gaussian`] | exact discrete Gaussian noise in integer arithmetic |
//! | `exponential` | its one trial: a uniform number compared with exp(−γ), exactly |
//! | [`noise`] | where the random bits come from: one key, one stream a block |
//! | `cell_map` | what the cells of an answer stand for, as a digest |
//! | `stream` | which question a stream of noise belongs to |
//! | [`accountant`] | a fixed allowance; refuses whatever would exceed it |
//! | [`sensitive`] | raw data and its two exits |
//!
//! This module uses nothing else of the crate, so it can be read and checked alone.

pub mod accountant;
pub mod budget;
mod cell_map;
mod exponential;
pub mod gaussian;
pub mod noise;
pub mod sensitive;
pub mod sensitivity;
mod stream;
pub mod zcdp;

#[cfg(test)]
mod answer_tests;

pub use accountant::{Accountant, Charge, Noisy, Query, Refused};
pub use budget::{Guarantee, Rho};
pub use cell_map::CellMap;
pub use gaussian::NoiseScale;
pub(crate) use noise::KeyHalf;
pub use noise::NoiseKey;
pub use sensitive::{Private, Sensitive, Steward};
pub use sensitivity::{MaxRecords, Sensitivity};
pub use stream::Stream;
