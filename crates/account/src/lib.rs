//! The account of a privacy budget: what is promised, what it costs, and what was charged. Numbers and words alone: nothing here draws noise, and
//! nothing here has seen raw data.
//!
//! | file | idea |
//! | --- | --- |
//! | [`budget`] | ρ and (ε, δ) as exact, safely rounded quantities |
//! | [`zcdp`] | from (ε, δ) to ρ and back |
//! | [`sensitivity`] | how far one privacy unit can move a query's answer |
//! | [`scale`] | how much noise pays for an answer |
//! | [`charge`] | one line of an account |
//! | [`statement`] | the promise of privacy, in words and numbers |
//! | [`protects`] | of what it protects one, and what many of them lose |
//! | [`stage`] | where work is |
//! | [`kind`] | what one record stands for |

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
pub use kind::Kind;
pub use protects::Protects;
pub use scale::{CostTooSmall, NoiseScale};
pub use sensitivity::{MaxRecords, Sensitivity};
pub use stage::Stage;
pub use statement::Statement;
