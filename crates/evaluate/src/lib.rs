//! How good a synthetic trace is.
//!
//! Two kinds of figures, never mixed: those against the raw trace ([`private`]) are for the steward alone; a release report
//! ([`release`]) is made from the model and the synthetic trace. Every function here is pure.

pub mod private;
pub mod release;
