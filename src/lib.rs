#![forbid(unsafe_code)]
pub mod cli;
pub mod domain;
pub mod evaluate;
pub mod fit;
pub mod formats;
pub mod generate;
pub mod model;
pub mod privacy;
pub mod progress;
pub mod service;
pub mod simulate;
pub mod trace;
