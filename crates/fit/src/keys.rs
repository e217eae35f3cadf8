//! The secrets of a fit, for callers that store them while it runs. They answer no query by themselves.

pub use netdpsyn_privacy::noise::{keyed, secret};
pub use netdpsyn_privacy::{KeyHalf, NoiseKey};
