//! A model in, a synthetic trace out: post-processing, repeatable at no cost in privacy, seedable.
//!
//! ```text
//! model ─► whole counts ─► shards: start, GUM ─► codes ─► restore ─► trace
//! ```
//! Records are made in shards of fixed size, each towards its part of every table's counts, so that the result depends on
//! the seed alone, not on the number of threads, and the work stays in cache.
//!
//! | file | idea |
//! | --- | --- |
//! | [`target`] | tables of real numbers as whole counts, dealt to shards |
//! | [`gum`] | the gradual update method |
//! | [`restore`] | codes back to values |

pub mod gum;
pub mod restore;
pub mod target;

use crate::model::Model;
use crate::progress::{Cancelled, Progress};
use crate::trace::Trace;
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use target::Target;

/// Records that are made together.
const SHARD: usize = 1 << 16;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Number of records; N̂ when absent.
    pub rows: Option<usize>,
    /// The same seed gives the same trace.
    pub seed: u64,
}

/// A synthetic trace and how its making went.
pub struct Generated {
    /// The records, in order of time where the schema has one.
    pub trace: Trace,
    /// How close the records came to the model's tables.
    pub convergence: gum::Convergence,
}

/// A row count set by hand, rounded to two significant digits: an exact one would be a number from outside the promise.
pub fn rounded_rows(rows: usize) -> usize {
    let unit = 10usize.pow(rows.max(1).ilog10().saturating_sub(1));
    (rows + unit / 2) / unit * unit
}

/// Generates a trace.
pub fn generate(model: &Model, request: &Request, progress: &dyn Progress) -> Result<Generated, Cancelled> {
    let rows = request.rows.unwrap_or(model.records.round().max(0.0) as usize);
    let mut source = ChaCha20Rng::seed_from_u64(request.seed);
    let one_ways: Vec<Target> = model.one_ways.iter().map(|t| Target::round(t, rows, &mut source)).collect();
    let tables: Vec<Target> = model.tables.iter().map(|t| Target::round(t, rows, &mut source)).collect();

    let shards = rows.div_ceil(SHARD);
    let steps = AtomicU64::new(0);
    let total = (shards * gum::MAX_ROUNDS) as u64;
    let made: Vec<gum::Shard> = (0..shards)
        .into_par_iter()
        .map(|shard| {
            let step = || progress.step("generate", steps.fetch_add(1, Ordering::Relaxed), total);
            let deal = |targets: &[Target]| -> Vec<Target> {
                targets.iter().map(|t| t.deal(shard, shards)).collect()
            };
            gum::synthesise(&deal(&one_ways), &deal(&tables), &mut stream(request.seed, shard), &step)
        })
        .collect::<Result<_, _>>()?;

    progress.step("restore", 0, 1)?;
    let convergence = gum::Convergence::over(&made);
    let codes: Vec<Vec<Vec<u32>>> = made.into_iter().map(|shard| shard.codes).collect();
    let trace = restore::restore(model, &codes, |shard| stream(request.seed, shards + shard));
    Ok(Generated { trace, convergence })
}

/// A generator of its own for each shard. It needs no secrecy, only speed and portability.
fn stream(seed: u64, shard: usize) -> Xoshiro256PlusPlus {
    let mut source = ChaCha20Rng::seed_from_u64(seed);
    source.set_stream(shard as u64 + 1);
    Xoshiro256PlusPlus::from_rng(&mut source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_set_by_hand_keep_two_digits() {
        let rounded = [0, 7, 42, 145_136, 149_999, 999].map(rounded_rows);
        assert_eq!(rounded, [0, 7, 42, 150_000, 150_000, 1_000]);
    }
}
