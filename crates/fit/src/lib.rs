//! Raw data in, paid measurements out. **The auditor's boundary**: the only paid exit from [`Sensitive`].
//!
//! ```text
//! split ─► derive ─► grow trees ─► code ─► one-ways ─► merge rare bins
//!                    paid (trees)         paid (one-ways)
//!       ─► select pairs ─► join cliques ─► measure ─► bundle
//!          paid (selection)                paid (pairs)
//! ```
//!
//! Every use of the data is a query that the accountant has charged first. The queries depend only on the
//! schema, the plan and earlier noisy answers. The replay test checks this: the same noisy answers lead to
//! the same queries on any neighbouring trace.
//!
//! ```
//! use netdpsyn_account::Guarantee;
//! use netdpsyn_fit::{Method, Plan, fit, keys::NoiseKey};
//! use netdpsyn_privacy::Sensitive;
//! use netdpsyn_trace::{progress::Quiet, simulate::flows};
//!
//! let trace = Sensitive::new(flows::simulate(2_000, 1)); // in practice from the readers of netdpsyn-formats
//! let plan = Plan::new(Guarantee::new(2.0, 1e-9)?, Method::Independent);
//! let fitted = fit(trace, &flows::schema(), &plan, &NoiseKey::from_os()?, &Quiet)?;
//! assert!(fitted.bundle.statement.spent() <= plan.allowance());
//! fitted.bundle.write(std::io::sink())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | idea |
//! | --- | --- |
//! | [`plan`] | the parameters of a fit, and how ρ is divided |
//! | [`room`] | the largest size of a bundle on disk, and how a fit stays within it |
//! | [`split`] | a fifth held out by keyed hash |
//! | [`trees`] | prefix trees of addresses and ports grown level by level |
//! | [`count`] | codes, and exact counts of marginals over them |
//! | [`select`] | DenseMarg: which pairs are worth measuring |
//! | [`cliques`] | pairs that are measured as one marginal |
//! | [`keys`] | the secrets of a fit |
//! | [`adaptive`] | the adaptive method: resolution and tables that follow the data as far as noise allows |
//! | [`structure`] | looks across records: hosts, pairs, degrees |
//! | [`sessions`] | packets as sessions: structure across records |
//! | [`across`] | how records will be related, known beforehand |
//! | [`expect`] | the expected noise, before it is paid for |
//! | [`foretell`] | the expected fidelity, from measurements over public traces |

#![warn(clippy::missing_errors_doc)]

pub mod across;
pub mod adaptive;
pub mod cliques;
pub mod count;
pub mod expect;
pub mod foretell;
pub mod keys;
pub mod plan;
pub mod room;
pub mod select;
pub mod sessions;
pub mod split;
pub mod structure;
pub mod trees;

#[cfg(test)]
mod address_tests;
#[cfg(test)]
mod gap_tests;
#[cfg(test)]
mod rename_tests;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod special_tests;

pub use plan::{FitOptions, Method, Plan, Structure};
pub use room::Room;

use count::{Marginal, Pass, Reach};
use netdpsyn_account::{Protects, Statement};
use netdpsyn_model::domain::{self, Attribute, Kinship, Partition, Undeclared, codes};
use netdpsyn_model::{
    self as model, Bundle, Layers, Measurement, Packets, Profile, RankAnswer, Rhythm, labels,
};
use netdpsyn_privacy::noise::Noise;
use netdpsyn_privacy::{Accountant, NoiseKey, Query, Raw, Refused, Rho, Sensitive};
use netdpsyn_trace::gaps::{self, FlowColumns};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, Field, RecordKind, Schema, SchemaError, Stage, Trace, Values};
use std::ops::Range;
use thiserror::Error;
use trees::Grown;

/// The identity of the code that computes fits: a hash over the lock file and the sources that a fit uses,
/// and the version of the noise derivation. A program never continues the fit of a program with another
/// identity.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("NETDPSYN_BUILD"));

/// Why a fit ended without measurements.
#[derive(Debug, Error)]
pub enum FitError {
    /// The schema leaves a domain open.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The accountant refused a query.
    #[error(transparent)]
    Refused(Refused),
    /// (ε, δ) does not pay for a single query.
    #[error("epsilon {epsilon} is too small to pay for a single answer; ask for more")]
    NothingToSpend {
        /// The requested ε.
        epsilon: f64,
    },
    /// Methods with fixed trees have none for addresses of any family.
    #[error(
        "column {column} holds addresses of any family, which only the method adaptive measures: take that method, or declare the column as ip"
    )]
    Families {
        /// The column.
        column: String,
    },
    /// Stopped on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<Refused> for FitError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Stopped => FitError::Cancelled(Cancelled),
            refused => FitError::Refused(refused),
        }
    }
}

/// The result of a fit: the paid measurements and, if requested, the held-out raw records.
pub struct Fitted {
    /// The measurements with their statement.
    pub bundle: Bundle,
    /// A fifth of the raw records, which no query has used.
    pub held_out: Option<Sensitive<Trace>>,
}

/// Measures a trace under `plan`, with noise from `key`.
///
/// # Errors
/// [`FitError`] when the schema is incomplete, (ε, δ) pays for nothing, the accountant refuses a query, or
/// `progress` asks to stop.
pub fn fit(
    trace: Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    key: &NoiseKey,
    progress: &dyn Progress,
) -> Result<Fitted, FitError> {
    fit_with(trace, schema, plan, key, progress)
}

/// A fit with noise that a test forces.
///
/// # Errors
/// As [`fit`].
#[cfg(feature = "forced-noise")]
pub fn fit_forced(
    trace: Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    noise: &dyn Noise,
    progress: &dyn Progress,
) -> Result<Fitted, FitError> {
    fit_with(trace, schema, plan, noise, progress)
}

/// The whole fit, over any source of noise. Private to this module: only the replay tests below it force
/// answers here.
fn fit_with(
    trace: Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    noise: &dyn Noise,
    progress: &dyn Progress,
) -> Result<Fitted, FitError> {
    let (trace, held_out) = match &plan.hold_out {
        None => (trace, None),
        Some(split_key) => {
            let (kept, held) = split::split(trace, schema, split_key, progress)?;
            (kept, Some(held))
        }
    };
    // Derived only after the split, so that no gap reaches across records that are held out.
    let (trace, schema) = derive_gaps(trace, schema, plan, progress)?;
    let bundle = measure(&trace, &schema, plan, noise, progress)?;
    Ok(Fitted { bundle, held_out })
}

/// Adds the gap to the previous record of the same flow, where the plan requests it and the trace has flows
/// and times.
fn derive_gaps(
    trace: Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<(Sensitive<Trace>, Schema), Cancelled> {
    match FlowColumns::of(schema).filter(|_| plan.options.gaps && plan.method == Method::Netdpsyn) {
        None => Ok((trace, schema.clone())),
        Some(columns) => {
            progress.step(Stage::Gaps, 0, 1)?;
            let derived = |t: Trace| gaps::gaps(&t, &columns, progress).map(|gaps| t.with(gaps));
            Ok((trace.map(derived).finished_or(Cancelled)?, schema.with_gaps()))
        }
    }
}

/// The main path, after hold-out and gaps.
fn measure(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    noise: &dyn Noise,
    progress: &dyn Progress,
) -> Result<Bundle, FitError> {
    schema.check_complete()?;
    plan.check_families(schema)?;
    let allowance = plan.allowance();
    if allowance < plan.least(schema) {
        return Err(FitError::NothingToSpend { epsilon: plan.guarantee.epsilon() });
    }
    let stop = || progress.is_cancelled();
    let mut accountant = Accountant::new(allowance, noise).until(&stop);
    let found = match plan.method {
        Method::Adaptive => adaptive_or_sessions(trace, schema, plan, &mut accountant, progress)?,
        Method::Netdpsyn | Method::Independent => {
            let (attributes, measurements) = marginals(trace, schema, plan, &mut accountant, progress)?;
            MethodResult { attributes, measurements, ..MethodResult::default() }
        }
    };
    let MethodResult { attributes, layers, profiles, looks, rhythm, measurements, packets, addresses } =
        found;
    let statement = Statement {
        unit: plan.unit,
        guarantee: plan.guarantee,
        rho: allowance,
        charges: accountant.into_charges(),
        version: env!("CARGO_PKG_VERSION").into(),
        held_out: plan.hold_out.is_some(),
        protects: Some(Protects::of(schema.kind, plan.guarantee, allowance).made(made_of(schema))),
        expected: None,
    };
    let mut bundle = Bundle {
        version: model::bundle::VERSION,
        schema: schema.clone(),
        statement,
        attributes,
        layers,
        profiles,
        looks,
        rhythm,
        measurements,
        packets,
        addresses,
    };
    bundle.version = bundle.version_of_parts();
    // From N̂, never from the number of records.
    bundle.statement.expected = expect::expected(plan, schema, model::records(&bundle));
    Ok(bundle)
}

/// How records were derived from a capture, where they were: it is declared, and so public.
fn made_of(schema: &Schema) -> Option<String> {
    schema.reading.capture.as_ref()?.made()
}

/// The results of a method.
#[derive(Default)]
struct MethodResult {
    /// With two resolutions, fine attributes, then coarse ones.
    attributes: Vec<Attribute>,
    /// With two resolutions, the roles of the attributes.
    layers: Option<Layers>,
    /// Numbers of distinct addresses.
    profiles: Vec<Profile>,
    /// Looks across records.
    looks: Vec<RankAnswer>,
    /// Gaps between the records of a pair.
    rhythm: Option<Rhythm>,
    /// Measurements of single records.
    measurements: Vec<Measurement>,
    /// Measurements of packets as sessions, or why there are none.
    packets: Option<Packets>,
    /// The directory of addresses of any family.
    addresses: Option<Directory>,
}

/// The adaptive method: packets as sessions where the plan has structure, everything else record by record.
fn adaptive_or_sessions(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<MethodResult, FitError> {
    if schema.kind != RecordKind::Packet || plan.options.structure == Structure::None {
        return adaptive::measure(trace, schema, plan, accountant, progress);
    }
    match sessions::measure(trace, schema, plan, accountant, progress)? {
        Ok(found) => Ok(found),
        Err(reason) => {
            let found = adaptive::measure(trace, schema, plan, accountant, progress)?;
            Ok(MethodResult { packets: Some(Packets::Single(reason)), ..found })
        }
    }
}

/// Marginals over one partition of every column: fixed bins, and the leaves of paid trees.
fn marginals(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<Attribute>, Vec<Measurement>), FitError> {
    let shares = plan.share_out(schema);
    let room = Room::of(plan, schema);
    let allowed = trees::Allowed { unit: plan.unit, rho: shares.trees, leaves: room.leaves_a_tree() };
    let (attributes, trees) = cut(trace, schema, allowed, accountant, progress)?;
    let reach = Reach::of(plan.unit, schema, &attributes);
    progress.step(Stage::Code, 0, 1)?;
    let codes = trace.derive(|t| codes::encode(t, &attributes, None, progress)).finished_or(Cancelled)?;

    let one_way_rho = match plan.method {
        Method::Independent => accountant.left(),
        Method::Netdpsyn | Method::Adaptive => shares.one_ways,
    };
    // The leaves of a tree were counted while it grew.
    let left: Vec<usize> = (0..attributes.len()).filter(|&a| trees[a].is_none()).collect();
    let singles: Vec<Marginal> = left.iter().map(|&a| Marginal::new(&[a], &attributes)).collect();
    let mut measured: Vec<Measurement> =
        attributes.iter().enumerate().zip(&trees).filter_map(of_leaves).collect();
    if !singles.is_empty() {
        let terms = Terms { stage: Stage::OneWays, reach, rho: one_way_rho, addresses: None };
        measured.extend(measure_all(&codes, &singles, &attributes, terms, accountant, progress)?);
    }
    measured.sort_by_key(|m| m.attributes[0]);
    let (attributes, codes, mut measurements) =
        merge_rare(schema, attributes, &trees, codes, measured, progress)?;

    if plan.method == Method::Netdpsyn && attributes.len() > 1 {
        let candidates = select::candidates(&attributes, plan.options.max_cells);
        let rho = shares.selection;
        let scores = select::score(&codes, &candidates, &attributes, reach, rho, accountant, progress)?;
        let chosen = select::choose(&candidates, &scores, attributes.len(), reach, accountant.left());
        let chosen = room.fitting(cliques::join(chosen, &attributes, plan.options.clique_cells));
        if !chosen.is_empty() {
            let terms = Terms { stage: Stage::Pairs, reach, rho: accountant.left(), addresses: None };
            let pairs = measure_all(&codes, &chosen, &attributes, terms, accountant, progress)?;
            measurements.extend(pairs);
        }
    }

    Ok((attributes, measurements))
}

/// Partitions the value space of every measured column: fixed bins from the schema, or the leaves of paid
/// trees.
fn cut(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    allowed: trees::Allowed,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<Attribute>, Vec<Option<Grown>>), FitError> {
    let mut grown = trees::grow(trace, schema, allowed, accountant, progress)?;
    let mut attributes = Vec::new();
    let mut trees = Vec::new();
    for (column, declared) in schema.columns.iter().enumerate().filter(|(_, c)| c.is_measured()) {
        progress.check()?;
        let tree = grown.remove(&column);
        let partition: Partition = match (&tree, domain::fixed::partition(declared, schema.window)) {
            (Some(tree), _) => tree.leaves.partition(),
            (None, Some(fixed)) => fixed,
            (None, None) => unreachable!("a complete schema declares every domain that no tree finds"),
        };
        attributes.push(Attribute { column, name: declared.name.clone(), partition });
        trees.push(tree);
    }
    Ok((attributes, trees))
}

/// The one-way marginal of an attribute with a tree: the estimate of its leaves from all levels.
fn of_leaves(((index, attribute), tree): ((usize, &Attribute), &Option<Grown>)) -> Option<Measurement> {
    let tree = tree.as_ref()?;
    Some(Measurement {
        label: labels::leaves(&attribute.name),
        attributes: vec![index],
        counts: tree.leaves.counts(),
        scale: tree.scale,
        joined: None,
    })
}

/// The terms of measuring a set of marginals: stage, sensitivity, and total cost.
struct Terms<'a> {
    stage: Stage,
    reach: Reach,
    rho: Rho,
    /// The directory of addresses of any family.
    addresses: Option<&'a Directory>,
}

/// Measures marginals with `rho` in all, divided as ρ_i ∝ (c_i·Δ_i)^(2/3), in one counting pass.
fn measure_all(
    codes: &Sensitive<Vec<Values>>,
    marginals: &[Marginal],
    attributes: &[Attribute],
    Terms { stage, reach, rho, addresses }: Terms<'_>,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>, FitError> {
    let weights: Vec<f64> = marginals.iter().map(|m| m.weight(reach)).collect();
    let parts = rho.divide(&weights);
    let cuts = count::cuts(attributes, addresses);
    // Every cell is counted, then answered.
    let mut done = count::cells(marginals);
    let pass = Pass { stage, total: 2 * done, progress };
    pass.step(0)?;
    let tables = codes.derive(|codes| count::count(codes, marginals, &pass, |_, table| table));
    let tables = tables.finished_or(Cancelled)?;
    let mut measurements = Vec::new();
    for (index, (marginal, rho)) in marginals.iter().zip(parts).enumerate() {
        pass.step(done)?;
        done += marginal.cells.count() as u64;
        let label = marginal.label(attributes);
        let sensitivity = marginal.sensitivity(reach);
        let (cells, map) = (marginal.cells.count(), marginal.map(&cuts));
        let stream = marginal.stream(attributes);
        let query = Query { label: label.clone(), stream, stage, sensitivity, rho, cells, map };
        let noisy =
            tables.measure(accountant, query, |t| t[index].iter().map(|&n| i64::from(n)).collect())?;
        measurements.push(Measurement {
            label,
            attributes: marginal.attributes().to_vec(),
            counts: noisy.values,
            scale: noisy.scale,
            joined: None,
        });
    }
    Ok(measurements)
}

/// Attributes, codes and one-way measurements, after rare bins were merged.
type Merged = (Vec<Attribute>, Sensitive<Vec<Values>>, Vec<Measurement>);

/// Merges rare bins by the noisy one-way counts, and updates codes and measurements.
fn merge_rare(
    schema: &Schema,
    mut attributes: Vec<Attribute>,
    trees: &[Option<Grown>],
    codes: Sensitive<Vec<Values>>,
    mut measured: Vec<Measurement>,
    progress: &dyn Progress,
) -> Result<Merged, Cancelled> {
    let mut maps = Vec::new();
    for (attribute, (tree, one_way)) in attributes.iter_mut().zip(trees.iter().zip(&mut measured)) {
        let declared = &schema.columns[attribute.column];
        let field = &declared.field;
        let intervals = attribute.partition.intervals();
        let values: Vec<Range<u64>> = intervals.iter().map(|own| own[0].0.clone()).collect();
        let kinship = match (tree, field) {
            (Some(tree), _) => Kinship::Prefixes(&tree.leaves),
            (None, Field::Protocol) => Kinship::Listed,
            (None, Field::Categorical(_)) if field.names_numbers() => Kinship::Declared(Undeclared::Never),
            (None, Field::Categorical(_)) => Kinship::Declared(Undeclared::StandsOut),
            (None, Field::Ip { .. }) => Kinship::Declared(Undeclared::None),
            (None, field) => {
                Kinship::Ordered { values: &values, summed: field.adds_up(), special: declared.special.len() }
            }
        };
        progress.check()?;
        let merged = domain::merge::merge(&one_way.counts, one_way.scale.sigma(), &kinship, progress)?;
        progress.check()?;
        attribute.partition = attribute.partition.relabel(&merged.map, &merged.weights);
        one_way.counts = merged.counts;
        one_way.joined = Some(merged.sizes);
        maps.push(merged.map);
    }
    let codes = codes.map(|codes| codes::relabel(&codes, &maps, progress)).finished_or(Cancelled)?;
    Ok((attributes, codes, measured))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_privacy::Guarantee;
    use netdpsyn_trace::progress::Counting;
    use netdpsyn_trace::simulate::flows;

    /// Largest average number of records between two cancellation checks of a stage.
    const OFTEN: u64 = 1 << 13;

    fn fitted(rows: usize, progress: &Counting) -> Result<Fitted, FitError> {
        let mut plan = Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), Method::Netdpsyn);
        plan.hold_out = Some(split::SplitKey::of_population([3; 32]));
        // Small tables: drawing noise checks for cancellation once per 4,096 cells.
        plan.options.max_cells = 20_000;
        let trace = Sensitive::new(flows::simulate(rows, 1));
        fit(trace, &flows::schema(), &plan, &NoiseKey::for_test(1), progress)
    }

    #[test]
    fn it_ends_at_whatever_check_says_so() {
        let counted = Counting::default();
        fitted(5_000, &counted).unwrap();
        let checks = counted.all();
        // Every one of the first checks, where stages are short, then a sample of the others.
        for check in (0..60).chain((60..checks).step_by(checks as usize / 40)) {
            let ended = fitted(5_000, &Counting::stopping_at(check));
            assert!(matches!(ended, Err(FitError::Cancelled(_))), "check {check} of {checks}");
        }
    }

    #[test]
    fn every_stage_checks_as_often_as_it_has_records() {
        const ROWS: usize = 200_000;
        let counted = Counting::default();
        fitted(ROWS, &counted).unwrap();
        let stages = counted.stages();
        // Four fifths remain when a fifth is held out.
        let least = ROWS as u64 * 4 / 5 / OFTEN;
        for stage in [
            Stage::Split,
            Stage::Gaps,
            Stage::Trees,
            Stage::Code,
            Stage::OneWays,
            Stage::Selection,
            Stage::Pairs,
        ] {
            assert!(stages.get(&Some(stage)).is_some_and(|&checks| checks >= least), "{stage} of {stages:?}");
        }
    }
}
