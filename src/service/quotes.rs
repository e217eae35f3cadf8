//! What a fit would cost, before anybody asks for it: privacy, memory, time; and what to expect of it.

use super::app::{App, Caller};
use super::budget::left;
use super::datasets::{own, report_of, schema_of};
use super::disk;
use super::estimate;
use super::looks;
use super::problem::Problem;
pub use super::requests::QuoteRequest;
use crate::account::statement::Expected;
use crate::fit::across::{ForeseenStructure, foreseen};
use crate::fit::foretell::{self, Foretold};
use crate::fit::{Plan, Room, expect};
use crate::ledger;
use crate::storage::{looks::PrivateLook, servers};
use crate::trace::Schema;
use serde::Serialize;

/// Time that a job takes whatever its size, and that a column of a record takes from reading to writing, on two cores.
const BASE_SECONDS: f64 = 1.0;
const SECONDS_A_COLUMN: f64 = 6e-7;

/// Cost of a fit.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"required_rho": 0.0558, "left_rho": 0.31, "fits": true, "largest_epsilon": 5.42,
    "expected": {"private": true, "records_error": 0.0019, "cell_error": 0.0571, "accept_noise": false},
    "structure": {"across": "hosts"},
    "fidelity": {"private": true, "two_way": {"lower": 0.012, "middle": 0.03, "upper": 0.052},
        "accuracy_loss": {"lower": 0.004, "middle": 0.02, "upper": 0.061}, "beyond_measured": false},
    "curve": [{"epsilon": 1.0, "rho": 0.0148, "two_way": {"lower": 0.019, "middle": 0.043, "upper": 0.07}, "accuracy_loss": {"lower": 0.006, "middle": 0.024, "upper": 0.09}},
        {"epsilon": 2.0, "rho": 0.0558, "two_way": {"lower": 0.012, "middle": 0.03, "upper": 0.052}, "accuracy_loss": {"lower": 0.004, "middle": 0.02, "upper": 0.061}}],
    "resources": {"private": true, "memory_bytes": 209000000, "server_bytes": 12884901888u64, "fits": true, "seconds": 3},
    "disk": {"private": true, "bytes": 110490112, "room_bytes": 42949672960u64, "fits": true}}))]
pub struct QuoteView {
    /// ρ that the fit would reserve.
    pub required_rho: f64,
    /// ρ that is left, in the tenant's and the population's budget together.
    pub left_rho: f64,
    /// Whether it would be accepted.
    pub fits: bool,
    /// The largest ε, at the same δ, that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_epsilon: Option<f64>,
    /// Expected noise; absent until a trace is parsed or `rows` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expectation>,
    /// Expected structure across records of a synthetic trace.
    pub structure: ForeseenStructure,
    /// Expected fidelity of a synthetic trace, from measurements on public traces; absent until a trace is parsed or `rows` is given, and where nothing
    /// comparable was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<ForetoldFidelity>,
    /// Forecasts at other values of ε, ascending, the requested one included; as private as `fidelity`, and absent with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub curve: Vec<AtEpsilon>,
    /// The part of the trace outside the declaration; absent until a trace is parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// Memory and time; absent until a trace is parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Room on the disk.
    pub disk: Disk,
}

/// Expected relative noise: standard deviations divided by counts.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Expectation {
    /// Whether it depends on the number of raw records: then it is for the steward alone.
    pub private: bool,
    /// For the number of records.
    pub records_error: f64,
    /// For one cell, if records were spread evenly over its column: the median over the columns.
    pub cell_error: f64,
    /// Whether a fit needs `accept_noise`, because the first is above 0.05 or the second above 0.5.
    pub accept_noise: bool,
    /// Smallest ε that needs no `accept_noise`, for the same number of records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enough_epsilon: Option<f64>,
    /// Smallest number of records that needs no `accept_noise`, for the same ε.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enough_rows: Option<u64>,
}

impl Expectation {
    /// For as many records; `private` where that is the number of raw ones.
    fn of(plan: &Plan, schema: &Schema, rows: u64, hold_out: bool, private: bool) -> Option<Self> {
        let expected = expect::expected(plan, schema, expect::measured_rows(rows, hold_out))?;
        let accept_noise = expect::is_too_little(&expected);
        let enough = accept_noise.then(|| expect::enough(plan, schema, rows, hold_out));
        let (enough_epsilon, enough_rows) = enough.unwrap_or_default();
        let Expected { records_error, cell_error } = expected;
        Some(Expectation { private, records_error, cell_error, accept_noise, enough_epsilon, enough_rows })
    }
}

/// How close a synthetic trace will come: a middle value and a range, over traces that were measured.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ForetoldFidelity {
    /// Whether it depends on the number of raw records: then it is for the steward alone.
    pub private: bool,
    /// Expected fidelity.
    #[serde(flatten)]
    pub foretold: Foretold,
}

/// Cost and expected fidelity at another ε, all else equal.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AtEpsilon {
    /// ε.
    pub epsilon: f64,
    /// ρ that a fit would reserve.
    pub rho: f64,
    /// Two-way distance.
    pub two_way: foretell::ForetoldRange,
    /// Accuracy loss of trees; absent where the schema has no key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_loss: Option<foretell::ForetoldRange>,
}

/// The ε of a curve: twenty steps from a tenth to ten.
const STEPS: i32 = 20;

impl AtEpsilon {
    /// The curve through what is asked for, of so many records.
    fn curve(request: &QuoteRequest, schema: &Schema, rows: u64) -> Vec<AtEpsilon> {
        let rounded = |epsilon: f64| format!("{epsilon:.2e}").parse().unwrap_or(epsilon);
        let steps = (0..=STEPS).map(|step| rounded(0.1 * 100f64.powf(f64::from(step) / f64::from(STEPS))));
        let mut epsilons: Vec<f64> = steps.chain([request.epsilon]).collect();
        epsilons.sort_by(f64::total_cmp);
        epsilons.dedup();
        let at = |epsilon: f64| {
            let plan = QuoteRequest { epsilon, ..request.clone() }.plan().ok()?;
            let told = foretell::foretold(&plan, schema, expect::measured_rows(rows, request.hold_out))?;
            let rho = plan.allowance().as_f64();
            Some(AtEpsilon { epsilon, rho, two_way: told.two_way, accuracy_loss: told.accuracy_loss })
        };
        epsilons.into_iter().filter_map(at).collect()
    }
}

/// Part of a trace outside its declaration.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Undeclared)]
pub struct Outside {
    /// It depends on the raw records: for the steward alone.
    pub private: bool,
    /// Columns with more than a hundredth outside, in words.
    pub warnings: Vec<String>,
    /// Whether a fit needs `accept_outside`, because more than half of a column is.
    pub accept_outside: bool,
}

/// Rough time and memory of fitting and generating as many records.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Resources {
    /// It depends on the number of raw records: for the steward alone.
    pub private: bool,
    /// Memory at the peak.
    pub memory_bytes: u64,
    /// Memory that the largest server may use for jobs; absent while none runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_bytes: Option<u64>,
    /// Whether a running server has enough memory; otherwise the fit is refused.
    pub fits: bool,
    /// Time from the first record read to the last one written, on two cores, without waiting for a worker.
    pub seconds: u64,
}

impl Resources {
    fn of(plan: &Plan, schema: &Schema, records: u64, server_bytes: Option<u64>) -> Self {
        let columns = schema.columns.len() as u64;
        let memory_bytes = estimate::fit(schema, &plan.options, records);
        Resources {
            private: true,
            memory_bytes,
            server_bytes,
            fits: server_bytes.is_none_or(|most| memory_bytes <= most),
            seconds: (BASE_SECONDS + SECONDS_A_COLUMN * (records * columns) as f64).ceil() as u64,
        }
    }
}

/// Disk space for the measurements of a fit and for a trace of that many records.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Disk {
    /// Whether it depends on the number of raw records: then it is for the steward alone.
    pub private: bool,
    /// Largest number of bytes that they take.
    pub bytes: u64,
    /// Bytes that may still be written, in steps of 16 MiB; absent if the server keeps no reserve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_bytes: Option<u64>,
    /// Whether there is enough space for them now.
    pub fits: bool,
}

impl Disk {
    /// For as many records, `private` where that is the number of raw ones, beside this much room.
    fn of(plan: &Plan, schema: &Schema, rows: u64, private: bool, room: u64) -> Self {
        let bytes = Room::of(plan, schema).bytes() + estimate::disk_of_generation(schema, rows);
        Disk { private, bytes, room_bytes: (room < u64::MAX).then_some(room), fits: bytes <= room }
    }
}

/// Refuses a number of records that no trace may have.
fn check_rows(rows: Option<u64>) -> Result<(), Problem> {
    match rows {
        Some(rows) if !(1..=1 << 31).contains(&rows) => Err(Problem::invalid("rows", "rows is 1 to 2³¹")),
        _ => Ok(()),
    }
}

/// Cost and expected fidelity of a fit; nothing is reserved.
pub async fn quote(app: &App, caller: &Caller, request: QuoteRequest) -> Result<QuoteView, Problem> {
    let tenant = caller.steward()?;
    let plan = request.plan()?;
    check_rows(request.rows)?;
    let required = plan.allowance();
    let mut tx = app.read("quotes.quote").await?;
    let dataset = own(&mut tx, tenant, request.dataset_id).await?;
    let left = left(&mut tx, tenant, dataset.population_id).await?.rho();
    let server = servers::largest(&mut tx).await?.map(|bytes| bytes as u64);
    drop(tx);
    // Here the private number of records is consulted, whatever is asked.
    looks::record(app, dataset.population_id, PrivateLook::Quote).await?;
    let report = report_of(&dataset);
    let schema = schema_of(&dataset)?;
    let rows = request.rows.or(report.as_ref().map(|report| report.records));
    let private = request.rows.is_none();
    Ok(QuoteView {
        required_rho: required.as_f64(),
        left_rho: left.as_f64(),
        fits: required <= left,
        largest_epsilon: ledger::largest_epsilon(left, request.delta),
        expected: rows.and_then(|rows| Expectation::of(&plan, &schema, rows, request.hold_out, private)),
        structure: foreseen(&plan, &schema),
        fidelity: rows.and_then(|rows| {
            let foretold = foretell::foretold(&plan, &schema, expect::measured_rows(rows, request.hold_out))?;
            Some(ForetoldFidelity { private, foretold })
        }),
        curve: rows.map(|rows| AtEpsilon::curve(&request, &schema, rows)).unwrap_or_default(),
        outside: report.as_ref().map(|report| Outside {
            private: true,
            warnings: report.warnings.clone(),
            accept_outside: !report.mostly_outside().is_empty(),
        }),
        disk: Disk::of(&plan, &schema, rows.unwrap_or(0), private && rows.is_some(), disk::room(app)),
        resources: report.map(|report| Resources::of(&plan, &schema, report.records, server)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::flows;

    #[test]
    fn a_curve_goes_through_what_is_asked_for_and_more_is_never_worse() {
        for (epsilon, points) in [(2.0, 21), (1.0, 21), (3.0, 22), (50.0, 22), (0.05, 22)] {
            let request = QuoteRequest::usual(uuid::Uuid::nil(), epsilon, true);
            let schema = flows::schema();
            let curve = AtEpsilon::curve(&request, &schema, 40_000);
            assert_eq!(curve.len(), points, "{epsilon}");
            assert!(curve.is_sorted_by(|a, b| a.epsilon < b.epsilon && a.rho < b.rho));
            assert!(curve.is_sorted_by(|a, b| a.two_way.middle >= b.two_way.middle));
            let at = curve.iter().find(|at| at.epsilon == epsilon).unwrap();
            let plan = request.plan().unwrap();
            let told = foretell::foretold(&plan, &schema, expect::measured_rows(40_000, true)).unwrap();
            assert_eq!((at.rho, at.two_way), (plan.allowance().as_f64(), told.two_way));
        }
    }
}
