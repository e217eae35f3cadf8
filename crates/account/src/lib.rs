//! The account of a privacy budget: the guarantee, its cost, and the charges against it. This crate holds
//! numbers and words alone: it draws no noise and sees no raw data.
//!
//! | file | idea |
//! | --- | --- |
//! | [`budget`] | ρ and (ε, δ) as exact, safely rounded quantities |
//! | [`zcdp`] | conversion between (ε, δ) and ρ |
//! | [`sensitivity`] | how far one privacy unit can move a query's answer |
//! | [`scale`] | the scale of the noise that a cost buys |
//! | [`charge`] | one query and its cost |
//! | [`statement`] | the privacy statement, in words and numbers |
//! | [`protects`] | what is protected, and the ε of groups of records |
//! | [`stage`] | stages of work |
//! | [`kind`] | what one record is |
//!
//! # Example
//!
//! ```
//! use netdpsyn_account::{Guarantee, zcdp};
//!
//! let guarantee = Guarantee::new(2.0, 1e-9)?;
//! let rho = zcdp::rho(guarantee); // what a fit may spend
//! let epsilon = zcdp::epsilon(rho, guarantee.delta());
//! assert!((2.0 - epsilon).abs() < 1e-5);
//! # Ok::<(), netdpsyn_account::budget::GuaranteeError>(())
//! ```

#![warn(clippy::missing_errors_doc)]

pub mod budget;
pub mod charge;
pub mod kind;
pub mod protects;
pub mod scale;
pub mod sensitivity;
pub mod stage;
pub mod statement;
pub mod zcdp;

pub use budget::{Guarantee, Rho};
pub use charge::Charge;
pub use kind::RecordKind;
pub use protects::Protects;
pub use scale::{CostTooSmall, NoiseScale};
pub use sensitivity::{MaxRecords, Sensitivity};
pub use stage::Stage;
pub use statement::Statement;
