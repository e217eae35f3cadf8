#![forbid(unsafe_code)]
pub mod domain;
pub mod privacy;
pub mod trace;
