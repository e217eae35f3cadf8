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
//! | `measured` | marginals counted in one pass, and answered with noise |
//! | `paper` | the paper's method, and that of independent columns |
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
mod measured;
mod paper;
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

use netdpsyn_account::{Protects, Statement};
use netdpsyn_model::domain::Attribute;
use netdpsyn_model::{self as model, Bundle, Layers, Measurement, Packets, Profile, RankAnswer, Rhythm};
use netdpsyn_privacy::noise::Noise;
use netdpsyn_privacy::{Accountant, NoiseKey, Raw, Refused, Sensitive};
use netdpsyn_trace::gaps::{self, FlowColumns};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, RecordKind, Schema, SchemaError, Stage, Trace};
use thiserror::Error;

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
            let (attributes, measurements) =
                paper::marginals(trace, schema, plan, &mut accountant, progress)?;
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
