//! Where noise comes from: one key per fit, one ChaCha20 stream for each (query, block of 4,096 cells).
//!
//! A stream is read in cell order, so the noise does not depend on the number of threads or the order of
//! execution, and the same key gives the same noise again: a retried attempt of the same computation reveals
//! nothing new. The streams of a query are derived from everything that identifies it (stream, sensitivity,
//! ρ, cells, what each cell stands for) and from the computation that it belongs to (trace, schema, plan,
//! build). Where two attempts differ in any of these, their noise is independent, and no difference of
//! answers is exact.

use super::gaussian::Sampler;
use super::{NoiseScale, Noisy, Query};
use hmac::{Hmac, KeyInit, Mac};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use zeroize::ZeroizeOnDrop;

/// Cells a stream covers.
const BLOCK: usize = 4_096;

/// Whether drawing should be interrupted; called once per block.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// Answers a query with noise. The trait is sealed: [`NoiseKey`] is its only implementation, except under the
/// feature `forced-noise`, with which tests force answers and which no program enables.
pub trait Noise: sealed::Sealed {
    /// The noisy answer to `query`, whose true answer is `truth`; `None` when interrupted.
    fn answer(&self, query: &Query, scale: NoiseScale, truth: Vec<i64>, stop: Stop<'_>) -> Option<Noisy>;
}

mod sealed {
    /// Seals [`Noise`](super::Noise).
    pub trait Sealed {}
    impl Sealed for super::NoiseKey {}
}

/// Lets tests force noise.
#[cfg(feature = "forced-noise")]
pub mod forced {
    /// Lets a test implement [`Noise`](super::Noise).
    pub use super::sealed::Sealed as Answers;
}

/// 256 bits from the operating system, for any kind of secret.
///
/// # Errors
/// When the operating system gives no random bits.
pub fn secret() -> std::io::Result<[u8; 32]> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).map_err(|error| std::io::Error::other(format!("no randomness: {error}")))?;
    Ok(bits)
}

/// 256 secret bits from which all noise of one fit is drawn.
///
/// Nobody can choose them: no seed, flag or environment variable reaches this type. They are wiped when the
/// key is dropped.
#[derive(ZeroizeOnDrop)]
pub struct NoiseKey {
    key: [u8; 32],
    /// A digest of what is computed under the key.
    computation: [u8; 32],
}

/// One of the two secrets that together determine a stored noise key. One half alone reveals nothing of the
/// key. The halves are stored in different places, so that no log, backup or copy of one place holds the key.
#[derive(ZeroizeOnDrop)]
pub struct KeyHalf([u8; 32]);

impl KeyHalf {
    /// A fresh half from the operating system.
    ///
    /// # Errors
    /// When the operating system gives no random bits.
    pub fn from_os() -> std::io::Result<Self> {
        secret().map(KeyHalf)
    }

    /// A half that was stored; `None` when the length of `bytes` is wrong.
    pub fn kept(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(KeyHalf)
    }

    /// The bytes of the half, for storing it until its fit ends.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl NoiseKey {
    /// A fresh key from the operating system, for a single run: it is never stored.
    ///
    /// # Errors
    /// When the operating system gives no random bits.
    pub fn from_os() -> std::io::Result<Self> {
        Ok(NoiseKey { key: secret()?, computation: [0; 32] })
    }

    /// The key HMAC-SHA256(one half, the other). It draws noise for `computation` alone: a digest that
    /// identifies trace, schema, plan and build.
    pub fn of_halves(one: &KeyHalf, other: &KeyHalf, computation: &[u8]) -> Self {
        let mut mac = keyed(&one.0);
        mac.update(&other.0);
        NoiseKey { key: mac.finalize().into_bytes().into(), computation: Sha256::digest(computation).into() }
    }

    /// The subkey of one query: HMAC-SHA256(key, stream ‖ Δ² ‖ ρ ‖ cells ‖ cell map ‖ computation). The text
    /// of the stream is prefixed with its length and all other parts have a fixed one, so that no two queries
    /// give the same input. The label, which names columns, has no part in it.
    fn subkey(&self, query: &Query) -> [u8; 32] {
        let stream = query.stream.to_string();
        let mut mac = keyed(&self.key);
        mac.update(&(stream.len() as u64).to_le_bytes());
        mac.update(stream.as_bytes());
        for number in [query.sensitivity.squared(), query.rho.units(), query.cells as u64] {
            mac.update(&number.to_le_bytes());
        }
        mac.update(query.map.bytes());
        mac.update(&self.computation);
        mac.finalize().into_bytes().into()
    }
}

/// HMAC-SHA256 under a key, before any input.
pub fn keyed(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

impl Noise for NoiseKey {
    fn answer(&self, query: &Query, scale: NoiseScale, truth: Vec<i64>, stop: Stop<'_>) -> Option<Noisy> {
        let subkey = self.subkey(query);
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

#[cfg(any(test, feature = "forced-noise"))]
impl NoiseKey {
    /// A key that a test can repeat.
    pub fn for_test(seed: u8) -> Self {
        NoiseKey { key: [seed; 32], computation: [0; 32] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellMap, MaxRecords, Rho, Sensitivity, Stage, Stream};

    fn query(number: usize) -> Query {
        Query {
            label: number.to_string(),
            stream: Stream::new("test", [number]),
            stage: Stage::Pairs,
            sensitivity: Sensitivity::histogram(MaxRecords::ONE),
            rho: Rho::from_units(1_000_000),
            cells: 10_000,
            map: CellMap::of(|_| {}),
        }
    }

    fn answer(key: &NoiseKey, query: &Query, threads: usize) -> Vec<i64> {
        let scale = NoiseScale::for_cost(query.sensitivity, query.rho).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| key.answer(query, scale, vec![0; query.cells], &|| false).unwrap().values)
    }

    /// Whether two answers agree in no more cells than chance explains: σ is about 700 here.
    fn independent(a: &[i64], b: &[i64]) -> bool {
        a.iter().zip(b).filter(|(x, y)| x == y).count() < 100
    }

    #[test]
    fn the_same_for_any_number_of_threads() {
        let key = NoiseKey::for_test(1);
        assert_eq!(answer(&key, &query(0), 1), answer(&key, &query(0), 3));
    }

    #[test]
    fn different_queries_have_different_noise() {
        let key = NoiseKey::for_test(1);
        let a = answer(&key, &query(0), 2);
        let gaps = Sensitivity::histogram_of_gaps(MaxRecords::ONE);
        let others = [
            query(1),
            Query { sensitivity: gaps, ..query(0) },
            Query { rho: Rho::from_units(1_000_001), ..query(0) },
            Query { cells: 10_001, ..query(0) },
            Query { map: CellMap::of(|say| say(b"another cut")), ..query(0) },
        ];
        for other in &others {
            assert!(independent(&a, &answer(&key, other, 2)), "{other:?}");
        }
        assert_eq!(a, answer(&key, &Query { label: "another name".into(), ..query(0) }, 2));
        assert!(independent(&a, &answer(&NoiseKey::for_test(2), &query(0), 2)));
        assert!(a[..BLOCK] != a[BLOCK..2 * BLOCK]);
    }

    #[test]
    fn a_kept_key_takes_both_halves_and_the_computation() {
        let half = |byte| KeyHalf::kept(&[byte; 32]).unwrap();
        let noise = |one, other, what: &str| {
            answer(&NoiseKey::of_halves(&half(one), &half(other), what.as_bytes()), &query(0), 2)
        };
        let a = noise(1, 2, "trace 1, plan 1");
        assert_eq!(a, noise(1, 2, "trace 1, plan 1"));
        for other in
            [noise(1, 3, "trace 1, plan 1"), noise(3, 2, "trace 1, plan 1"), noise(1, 2, "trace 2, plan 1")]
        {
            assert!(independent(&a, &other));
        }
        assert!(KeyHalf::kept(&[1; 31]).is_none());
    }

    #[test]
    fn two_keys_from_the_system_differ() {
        assert_ne!(NoiseKey::from_os().unwrap().key, NoiseKey::from_os().unwrap().key);
        assert_ne!(KeyHalf::from_os().unwrap().0, KeyHalf::from_os().unwrap().0);
    }
}
