//! Use cases: what somebody wants done, each a function that the command line (and later HTTP and workers) calls.
//!
//! [`local`] holds those that work on files of the person who runs them, without ledger or database.

pub mod local;
mod new_file;
