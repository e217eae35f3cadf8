//! The secrets of a fit, for whoever keeps them while it runs. They answer nothing by themselves.

pub use netdpsyn_privacy::noise::{keyed, secret};
pub use netdpsyn_privacy::{KeyHalf, NoiseKey};
