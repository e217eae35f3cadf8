#![forbid(unsafe_code)]
pub mod domain;
pub mod fit;
pub mod formats;
pub mod generate;
pub mod model;
pub mod privacy;
pub mod progress;
pub mod trace;
