//! Measures of the quality of a synthetic trace.
//!
//! There are two kinds of reports, which are kept apart: comparisons with the raw trace ([`private`]) are for
//! the steward alone; a release report ([`release`]) is computed from the model and the synthetic trace.
//! Every function here is pure.

#![warn(clippy::missing_errors_doc)]

pub mod private;
pub mod release;
