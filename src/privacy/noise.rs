//! Where noise comes from: one key a fit, one ChaCha20 stream for each (measurement label, block of 4,096 cells).
//!
//! A stream is read in cell order, so the noise depends on no thread count and no order of execution, and the same key
//! gives the same noise again: a retried attempt of the same computation teaches nothing new.

use super::gaussian::{NoiseScale, Sampler};
use super::{Noisy, Query};
use hmac::{Hmac, KeyInit, Mac};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use sha2::Sha256;

/// Of what is drawn for a key: an attempt of another version must not draw again under the same key.
pub const VERSION: u32 = 3;

/// Cells a stream covers.
const BLOCK: usize = 4_096;

/// Says whether drawing should end before all is drawn; asked once a block.
pub(crate) type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// What answers a query with noise. Sealed within the crate: production code has [`NoiseKey`] only; the tests' forced
/// answers exist under `cfg(test)`.
pub(crate) trait Noise {
    /// The noisy answer to `query`, whose true answer is `truth`; `None` when it was stopped.
    fn answer(&self, query: &Query, scale: NoiseScale, truth: Vec<i64>, stop: Stop<'_>) -> Option<Noisy>;
}

/// 256 bits from the operating system, for every kind of secret.
pub(crate) fn secret() -> std::io::Result<[u8; 32]> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(|error| std::io::Error::other(format!("no randomness: {error}")))?;
    Ok(bits)
}

/// 256 secret bits from which all noise of one fit is drawn.
///
/// There is no way to choose them: no seed, flag or environment variable reaches this type.
pub struct NoiseKey([u8; 32]);

impl NoiseKey {
    /// A fresh key from the operating system.
    pub fn from_os() -> std::io::Result<Self> {
        secret().map(NoiseKey)
    }

    /// The key's bytes, for keeping it until its fit ends, so that a retried attempt repeats the same draws.
    pub(crate) fn sealed(&self) -> [u8; 32] {
        self.0
    }

    /// A key that was kept.
    pub(crate) fn unsealed(kept: [u8; 32]) -> Self {
        NoiseKey(kept)
    }

    /// The subkey of one measurement: HMAC-SHA256(key, label).
    fn subkey(&self, label: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(label.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Drop for NoiseKey {
    fn drop(&mut self) {
        // Best effort: the bytes are overwritten before the memory is given back.
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

impl Noise for NoiseKey {
    fn answer(&self, query: &Query, scale: NoiseScale, truth: Vec<i64>, stop: Stop<'_>) -> Option<Noisy> {
        let subkey = self.subkey(&query.label);
        let sampler = Sampler::new(scale);
        let mut values = truth;
        values.par_chunks_mut(BLOCK).enumerate().try_for_each(|(block, cells)| {
            if stop() {
                return None;
            }
            let mut rng = ChaCha20Rng::from_seed(subkey);
            rng.set_stream(block as u64);
            for cell in cells {
                *cell = cell.saturating_add(sampler.sample(&mut rng));
            }
            Some(())
        })?;
        Some(Noisy { values, scale })
    }
}

#[cfg(test)]
impl NoiseKey {
    /// A key that a test can repeat.
    pub(crate) fn for_test(seed: u8) -> Self {
        NoiseKey([seed; 32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{MaxRecords, Rho, Sensitivity};

    fn answer(key: u8, label: &str, threads: usize) -> Vec<i64> {
        let query = Query {
            label: label.into(),
            stage: "test",
            sensitivity: Sensitivity::histogram(MaxRecords::ONE),
            rho: Rho::from_units(1_000_000),
            cells: 10_000,
        };
        let scale = NoiseScale::for_cost(query.sensitivity, query.rho).unwrap();
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            NoiseKey::for_test(key).answer(&query, scale, vec![0; 10_000], &|| false).unwrap().values
        })
    }

    #[test]
    fn the_same_for_any_number_of_threads() {
        assert_eq!(answer(1, "a", 1), answer(1, "a", 3));
    }

    #[test]
    fn keys_labels_and_blocks_are_independent() {
        let a = answer(1, "a", 2);
        for other in [answer(2, "a", 2), answer(1, "b", 2)] {
            assert!(a.iter().zip(&other).filter(|(x, y)| x == y).count() < 100);
        }
        assert!(a[..BLOCK] != a[BLOCK..2 * BLOCK]);
    }

    #[test]
    fn two_keys_from_the_system_differ() {
        assert_ne!(NoiseKey::from_os().unwrap().0, NoiseKey::from_os().unwrap().0);
    }
}
