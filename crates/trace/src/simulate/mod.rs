//! Simulated traces: realistic enough for trials, and nobody's data.
//!
//! They have the properties that make traces hard to synthesise: a few heavy hosts and a long tail of others
//! (Zipf), service ports and ephemeral ports, heavy-tailed sizes and durations (log-normal), classes that
//! behave differently, and recurring five-tuples. The same seed gives the same trace.

pub mod flows;
pub mod packets;

use rand::{Rng, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution, LogNormal, Zipf};

/// Start of every simulated capture window: 2026-01-05T08:00:00Z, in nanoseconds.
pub const START: u64 = 1_767_600_000_000_000_000;
/// Length of a simulated flow capture: one hour.
pub const FLOW_WINDOW: u64 = 3_600_000_000_000;
/// Length of a simulated packet capture: one minute.
pub const PACKET_WINDOW: u64 = 60_000_000_000;

/// The random number generator of a simulation.
fn source(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// A rank below `count`: rank 0 is the most frequent, P(rank) ∝ (rank+1)^(−exponent).
fn rank(count: u32, exponent: f64, rng: &mut impl Rng) -> u32 {
    let zipf = Zipf::new(f64::from(count), exponent).unwrap_or_else(|_| unreachable!("constants are valid"));
    zipf.sample(rng) as u32 - 1
}

/// A heavy-tailed size with this median and spread (σ of its logarithm).
fn heavy_tailed(median: f64, spread: f64, rng: &mut impl Rng) -> f64 {
    let normal = LogNormal::new(median.ln(), spread).unwrap_or_else(|_| unreachable!("constants are valid"));
    normal.sample(rng)
}

/// Hosts of the simulated site, 10.20.0.0/16: rank r in subnet r mod 6.
fn inside(rank: u32) -> u64 {
    let host = rank / 6;
    u64::from((10 << 24) | (20 << 16) | ((rank % 6) << 8) | (host % 250 + 2))
}

/// Outside hosts: heavy ones in a few networks, the tail scattered by a fixed multiplicative hash.
fn outside(rank: u32) -> u64 {
    let networks = [0x97_65_00_00u32, 0x8c_52_70_00, 0x22_c2_00_00, 0xc6_33_64_00, 0x68_10_00_00];
    if rank < 400 {
        u64::from(networks[(rank % 5) as usize] + (rank / 5) * 3 + 1)
    } else {
        // Public unicast space: 1.0.0.0 to 223.255.255.255, without 10/8.
        let scattered = rank.wrapping_mul(2_654_435_761) >> 3;
        let first = 1 + scattered % 222;
        let first = if first >= 10 { first + 1 } else { first };
        u64::from((first << 24) | (scattered & 0x00ff_ffff))
    }
}

/// An ephemeral port, as clients draw them.
fn ephemeral(rng: &mut impl Rng) -> u64 {
    if rng.random_bool(0.8) { rng.random_range(32_768..61_000) } else { rng.random_range(1_024..65_536) }
}
