//! The privacy core: noise, the accountant that draws it, and the wrapper that keeps raw data in.
//!
//! An auditor starts here. Each file is one idea and names its source; what is promised and what it costs are numbers of [`netdpsyn_account`].
//!
//! | file | idea |
//! | --- | --- |
//! | [`sensitive`] | raw data and its two exits |
//! | [`accountant`] | a fixed allowance; refuses whatever would exceed it |
//! | `cell_map` | what the cells of an answer stand for, as a digest |
//! | [`noise`] | where the random bits come from: one key, one stream a block |
//! | `stream` | which question a stream of noise belongs to |
//! | [`gaussian`] | exact discrete Gaussian noise in integer arithmetic |
//! | `exponential` | its one trial: a uniform number compared with exp(−γ), exactly |
//!
//! Only crates that list this one can work on raw data: its exits are methods of the trait [`Raw`], which nothing else names. They are the readers
//! (`formats`), `fit` and `evaluate`. The service holds a [`Sensitive`] and hands it on; model and generation never meet one.

pub mod accountant;
mod cell_map;
mod exponential;
pub mod gaussian;
pub mod noise;
pub mod sensitive;
mod stream;

#[cfg(test)]
mod answer_tests;

pub use accountant::{Accountant, Noisy, Query, Refused};
pub use cell_map::CellMap;
pub use netdpsyn_account::{
    Charge, CostTooSmall, Guarantee, MaxRecords, NoiseScale, Rho, Sensitivity, Stage, zcdp,
};
pub use noise::{KeyHalf, NoiseKey};
pub use sensitive::{Private, Raw, Sensitive, Steward};
pub use stream::Stream;
