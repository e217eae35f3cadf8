//! From a model to a synthetic trace: post-processing, repeatable at no privacy cost, reproducible by seed.
//!
//! ```text
//! model ─► whole counts ─► shards: start, GUM, tail ─► codes ─► values
//!       ─► set aside ─► in order of time ─► slices of the trace
//! ```
//!
//! Records are generated in shards of fixed size, each towards its part of every table's counts, so that the
//! result depends on the seed alone, not on the number of threads, and the working set fits in cache.
//!
//! ```
//! use netdpsyn_generate::{Request, generate};
//! use netdpsyn_model::{Bundle, Model};
//! use netdpsyn_trace::progress::Quiet;
//!
//! let bundle = Bundle::read(std::fs::File::open("../../tests/version_1/flows.bundle")?)?;
//! let model = Model::from_bundle(&bundle, &Quiet)?;
//! let request = Request { rows: Some(100), seed: 7, ..Request::default() };
//! let synthetic = generate(&model, &request, &Quiet)?.trace;
//! assert_eq!(synthetic.rows(), 100);
//! assert_eq!(synthetic, generate(&model, &request, &Quiet)?.trace);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | idea |
//! | --- | --- |
//! | [`options`] | options of the generation |
//! | [`asked`] | a condition as users state it: shares of categories, by name |
//! | [`condition`] | a condition on a model: the number of records of each code, and the value written for them |
//! | [`quota`] | generating records until there are enough of each code |
//! | [`draw_order`] | the order in which a record gets its attributes |
//! | [`target`] | tables of real numbers as whole counts, distributed to shards |
//! | [`whole`] | systematic rounding |
//! | [`codes`] | records during generation |
//! | [`draw`] | drawing attributes from a table, given others |
//! | [`gum`], [`visit`] | the gradual update method, and its visit to one table |
//! | [`shard`] | all of this for one shard |
//! | `maker` | the method that generates a shard: this one, or the pool |
//! | `made` | all shards, set aside |
//! | `bounds` | memory and scratch files at most |
//! | [`pool`] | records of a model of two resolutions, by chain and weights |
//! | [`sessions`] | packets as sessions |
//! | [`restore`] | codes back to values |
//! | [`grid`] | the possible values, where times have a grain |
//! | [`hosts`] | the number of addresses of the tail, and which |
//! | [`structure`] | for a model with looks across records: one population of hosts, and who meets whom |
//! | [`chain`] | chaining the records of a flow |
//! | [`order`] | shards set aside, and merged in order of time |

#![warn(clippy::missing_errors_doc)]

pub mod asked;
mod bounds;
pub mod chain;
pub mod codes;
pub mod condition;
pub mod draw;
pub mod draw_order;
pub mod grid;
pub mod gum;
pub mod hosts;
mod made;
mod maker;
#[cfg(test)]
mod models_for_tests;
pub mod options;
pub mod order;
pub mod pool;
pub mod quota;
pub mod restore;
pub mod sessions;
pub mod shard;
pub mod structure;
pub mod target;
pub mod visit;
pub mod whole;

pub use asked::{Asked, ConditionError};
pub use bounds::{memory_bytes, scratch_bytes};
pub use condition::Condition;
pub use made::Made;
pub use options::GenerateOptions;

use gum::Convergence;
use made::{make_in, make_sessions};
use netdpsyn_model::Model;
use netdpsyn_trace::progress::{Cancelled, Halted, Progress};
use netdpsyn_trace::scratch::Scratch;
use netdpsyn_trace::{Addresses, Trace, Values};
use order::Sizes;
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_chacha::ChaCha20Rng;
use std::path::Path;

/// Number of records that are generated together: enough that cells of few records are not lost to rounding,
/// few enough for the cache. On a table of 20,000 cells, shards a quarter of this size ended with one and a
/// half times the error.
const SHARD: usize = 1 << 18;

/// Number of shards that are kept in memory instead of a scratch file.
const HELD_SHARDS: usize = 4;

/// The parameters of a generation.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Number of records; when absent, N̂ of the model.
    pub rows: Option<usize>,
    /// The same seed gives the same trace.
    pub seed: u64,
    /// Options of the generation.
    pub options: GenerateOptions,
    /// The shares of categories; when absent, as in the model.
    pub condition: Option<Condition>,
}

impl Request {
    /// The number of records to generate from a model.
    pub fn rows(&self, model: &Model) -> usize {
        self.rows.unwrap_or(model.records.round().max(0.0) as usize)
    }
}

/// A synthetic trace and the convergence of its generation.
pub struct Generated {
    /// The records, sorted by time where the schema has one.
    pub trace: Trace,
    /// The distance of the records from the tables of the model.
    pub convergence: Convergence,
}

/// A row count set by hand, rounded to two significant digits: an exact one could reveal the private number
/// of records.
pub fn rounded_rows(rows: usize) -> usize {
    let unit = 10usize.pow(rows.max(1).ilog10().saturating_sub(1));
    rows.saturating_add(unit / 2) / unit * unit
}

/// Generates a trace in memory, for as many records as fit there. See [`make`] for any number.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn generate(model: &Model, request: &Request, progress: &dyn Progress) -> Result<Generated, Cancelled> {
    let rows = request.rows(model);
    let mut columns: Vec<Values> =
        model.schema.columns.iter().map(|c| Values::with_capacity(c.storage_max(), rows)).collect();
    let joined = make(model, request, None, progress).and_then(|made| {
        let convergence = made.convergence;
        made.in_order(progress, |slice| {
            columns.iter_mut().zip(slice.columns()).for_each(|(to, values)| to.append(values));
            Ok(())
        })?;
        Ok(convergence)
    });
    match joined {
        Ok(convergence) => {
            let trace = Trace::new(columns).with_addresses(addresses(model));
            Ok(Generated { trace, convergence })
        }
        Err(Halted::Cancelled(cancelled)) => Err(cancelled),
        Err(Halted::Io(_)) => unreachable!("memory is no file"),
    }
}

/// The directory of the addresses that a model generates.
fn addresses(model: &Model) -> Option<Addresses> {
    Addresses::of(&model.schema, model.addresses.clone()?)
}

/// Generates the records of a trace. Everything beyond a few shards is written to a scratch file in `folder`,
/// if there is one, so that memory is bounded for any number of records. The records are the same in either
/// case.
///
/// ```
/// use netdpsyn_generate::{Request, make};
/// use netdpsyn_model::{Bundle, Model};
/// use netdpsyn_trace::progress::Quiet;
///
/// let bundle = Bundle::read(std::fs::File::open("../../tests/version_1/flows.bundle")?)?;
/// let model = Model::from_bundle(&bundle, &Quiet)?;
/// let made = make(&model, &Request::default(), None, &Quiet)?;
/// let (mut rows, expected) = (0, made.rows);
/// made.in_order(&Quiet, |slice| {
///     rows += slice.rows(); // in practice a writer of netdpsyn-formats
///     Ok(())
/// })?;
/// assert_eq!(rows, expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Halted`] when the scratch file cannot be written, or `progress` asks to stop.
pub fn make<'a>(
    model: &'a Model,
    request: &Request,
    folder: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Made<'a>, Halted> {
    let shards = request.rows(model).div_ceil(SHARD);
    let scratch = Scratch::of(folder, shards <= HELD_SHARDS)?;
    if let Some(sessions) = &model.sessions {
        return make_sessions(SHARD, Sizes::of(shards), scratch, model, sessions, request, progress);
    }
    make_in(SHARD, Sizes::of(shards), scratch, model, request, progress)
}

/// The random number generator of a shard. It needs no secrecy, only speed and portability.
pub fn stream(seed: u64, shard: usize) -> Xoshiro256PlusPlus {
    let mut source = ChaCha20Rng::seed_from_u64(seed);
    source.set_stream(shard as u64 + 1);
    Xoshiro256PlusPlus::from_rng(&mut source)
}

#[cfg(test)]
mod tests {
    use super::models_for_tests::{flows, ports};
    use super::target::Target;
    use super::*;
    use netdpsyn_trace::Schema;
    use netdpsyn_trace::progress::{Counting, Quiet};
    use sha2::{Digest, Sha256};
    use std::collections::BTreeSet;

    /// In shards of at most `size`, with tiny blocks and slices; through a file if there is a folder.
    fn generate_in(size: usize, model: &Model, request: &Request, folder: Option<&Path>) -> Generated {
        let sizes = Sizes { block: 7, slice: 3 };
        let scratch = Scratch::of(folder, false).unwrap();
        let made = make_in(size, sizes, scratch, model, request, &Quiet).unwrap();
        let (convergence, mut trace) = (made.convergence, Trace::empty(&model.schema));
        made.in_order(&Quiet, |slice| {
            let record = |row| slice.columns().iter().map(|column| column.get(row)).collect::<Vec<u64>>();
            (0..slice.rows()).for_each(|row| trace.push(&record(row)));
            Ok(())
        })
        .unwrap();
        Generated { trace, convergence }
    }

    #[test]
    fn a_trace_depends_on_its_seed_alone() {
        let model = ports();
        let on = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let request = Request { seed, ..Request::default() };
            let made = pool.install(|| generate_in(600, &model, &request, None));
            assert_eq!(made.trace.rows(), 4_000);
            (made.trace, made.convergence)
        };
        assert_eq!(on(1, 1), on(3, 1));
        assert_ne!(on(1, 1).0, on(1, 2).0);
    }

    #[test]
    fn it_stops_wherever_it_is_told_to() {
        let (model, request) = (flows(), Request { seed: 1, ..Request::default() });
        let folder = tempfile::tempdir().unwrap();
        let run = |progress: &Counting| {
            let scratch = Scratch::file_in(folder.path()).unwrap();
            let made = make_in(600, Sizes { block: 50, slice: 3 }, scratch, &model, &request, progress)?;
            made.in_order(progress, |_| Ok(()))
        };
        let all = Counting::default();
        run(&all).unwrap();
        for check in (0..all.all()).step_by(97).chain([all.all() - 1]) {
            let stopped = run(&Counting::stopping_at(check));
            assert!(matches!(stopped, Err(Halted::Cancelled(_))), "check {check}: {stopped:?}");
        }
    }

    #[test]
    fn the_error_is_that_of_the_records() {
        let model = ports();
        let request = Request { seed: 1, ..Request::default() };
        let made = generate(&model, &request, &Quiet).unwrap();
        let mut source = ChaCha20Rng::seed_from_u64(1);
        let targets: Vec<Target> = [&model.one_ways, &model.tables]
            .into_iter()
            .flatten()
            .map(|table| Target::round(table, 4_000, &mut source))
            .collect();
        let errors = targets[3..].iter().map(|target| {
            let mut left = vec![0i32; target.cells.count()];
            target.counts.iter().for_each(|&(cell, count)| left[cell as usize] = count as i32);
            for row in 0..4_000 {
                let code = |axis: usize| made.trace.column(target.cells.attributes()[axis]).get(row) as usize;
                left[code(0) * target.cells.shape()[1] + code(1)] -= 1;
            }
            left.iter().map(|n| f64::from(n.abs())).sum::<f64>() / 4_000.0
        });
        assert!((made.convergence.error - errors.sum::<f64>() / 3.0).abs() < 1e-12);
        assert!(made.convergence.moved > 0 && made.convergence.rounds == 24);
        let seen: BTreeSet<u64> = made.trace.column(0).iter().collect();
        assert!(seen.iter().any(|&port| port > 255), "two bytes");
    }

    /// The SHA-256 of the written file.
    fn written(trace: &Trace, schema: &Schema) -> String {
        let mut text = Vec::new();
        netdpsyn_formats::write(trace, schema, &mut text, &Quiet).unwrap();
        Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_seed_gives_the_bytes_that_it_always_gave_in_memory_and_by_a_file() {
        let model = flows();
        let request = Request { seed: 1, ..Request::default() };
        let folder = tempfile::tempdir().unwrap();
        let of_shards = "3886f121088a16e1b275733c9c50acefc47f3b1daf806f8843ee6cf29a1d1b85";
        let of_one = "410694dfcdf52ba11c5c7aa323910568c89c63236296fe3821539c37c7f9888f";
        for folder in [None, Some(folder.path())] {
            let bytes = |size| written(&generate_in(size, &model, &request, folder).trace, &model.schema);
            assert_eq!((bytes(600).as_str(), bytes(SHARD).as_str()), (of_shards, of_one));
        }
        assert_eq!(written(&generate(&model, &request, &Quiet).unwrap().trace, &model.schema), of_one);
        let convergence = |folder| generate_in(600, &model, &request, folder).convergence;
        assert_eq!(convergence(None), convergence(Some(folder.path())));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
