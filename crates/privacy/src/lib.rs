//! The privacy core: noise, the accountant that draws it, and the wrapper that contains raw data.
//!
//! An audit starts here. Each file is one idea and names its source; guarantees and costs are numbers of
//! [`netdpsyn_account`].
//!
//! | file | idea |
//! | --- | --- |
//! | [`sensitive`] | raw data and its two exits |
//! | [`accountant`] | a fixed allowance; refuses whatever would exceed it |
//! | `cell_map` | a digest of what the cells of an answer stand for |
//! | [`noise`] | where the random bits come from: one key, one stream per block |
//! | `stream` | the identity of a query, from which its noise is derived |
//! | [`gaussian`] | exact discrete Gaussian noise in integer arithmetic |
//! | `exponential` | the trial of the sampler: a uniform number compared with exp(−γ), exactly |
//!
//! ```
//! use netdpsyn_account::{MaxRecords, Rho, Sensitivity, Stage};
//! use netdpsyn_privacy::{Accountant, CellMap, NoiseKey, Query, Raw, Sensitive, Stream};
//!
//! let packets = Sensitive::new(vec![3_u64, 1, 4, 1, 5]);
//! let (allowance, key) = (Rho::from_units(Rho::ONE), NoiseKey::from_os()?);
//! let mut accountant = Accountant::new(allowance, &key);
//! let query = Query {
//!     label: "records".into(),
//!     stream: Stream::new("records", []),
//!     stage: Stage::OneWays,
//!     sensitivity: Sensitivity::histogram(MaxRecords::ONE),
//!     rho: allowance,
//!     cells: 1,
//!     map: CellMap::of(|_| {}),
//! };
//! let noisy = packets.measure(&mut accountant, query, |packets| vec![packets.len() as i64])?;
//! assert_eq!(noisy.values.len(), 1);
//! assert_eq!(accountant.left(), Rho::ZERO); // a further query would be refused
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Only crates that depend on this one can work on raw data: its exits are methods of the trait [`Raw`],
//! which no other crate re-exports. These are the readers (`formats`), `fit` and `evaluate`. The service
//! holds a [`Sensitive`] and passes it on; model and generation never hold one.

#![warn(clippy::missing_errors_doc)]

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
