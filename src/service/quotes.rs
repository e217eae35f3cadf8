//! What a fit would cost, before anybody asks for it: privacy, memory, time.

use super::app::{App, Caller};
use super::budget::left;
use super::datasets::{own, schema_of};
use super::jobs::{FitRequest, plan};
use super::looks;
use super::problem::Problem;
use crate::ledger;
use crate::privacy::Rho;
use crate::storage::looks::Look;
use crate::trace::{Schema, Trace};
use serde::Serialize;

/// Memory that a job takes whatever its size, and bytes that a column of a record takes while codes are counted and records are
/// generated and restored. Upper bounds of what docs/PERFORMANCE.md measures.
const BASE_BYTES: u64 = 160 << 20;
const BYTES_A_COLUMN: u64 = 8;
/// Time that a job takes whatever its size, and that a column of a record takes from reading to writing, on two cores.
const BASE_SECONDS: f64 = 1.0;
const SECONDS_A_COLUMN: f64 = 6e-7;

/// What a fit would cost.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"required_rho": 0.0558, "left_rho": 0.31, "fits": true, "largest_epsilon": 5.42,
    "resources": {"private": true, "memory_bytes": 209000000, "seconds": 3}}))]
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
    /// Memory and time; absent until a trace is parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// What fitting and generating as many records take, roughly.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Resources {
    /// It follows from the number of raw records: for the steward alone.
    pub private: bool,
    /// Memory at the peak.
    pub memory_bytes: u64,
    /// Time from the first record read to the last one written, on two cores, once a worker has it.
    pub seconds: u64,
}

impl Resources {
    fn of(schema: &Schema, records: u64) -> Self {
        let columns = schema.columns.len() as u64;
        let a_record = Trace::empty(schema).bytes_per_row() as u64 + columns * BYTES_A_COLUMN;
        Resources {
            private: true,
            memory_bytes: BASE_BYTES + records * a_record,
            seconds: (BASE_SECONDS + SECONDS_A_COLUMN * (records * columns) as f64).ceil() as u64,
        }
    }
}

/// What a fit would cost; nothing is reserved.
pub async fn quote(app: &App, caller: &Caller, request: FitRequest) -> Result<QuoteView, Problem> {
    let tenant = caller.steward()?;
    let required = plan(&request)?.allowance();
    let mut tx = app.read().await?;
    let dataset = own(&mut tx, tenant, request.dataset_id).await?;
    let left = Rho::from_units(left(&mut tx, tenant, dataset.population_id).await?.rho);
    drop(tx);
    looks::record(app, dataset.population_id, Look::Quote).await?;
    let parsed = dataset.report.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let records = parsed.and_then(|report: serde_json::Value| report["records"].as_u64());
    let schema = schema_of(&dataset)?;
    Ok(QuoteView {
        required_rho: required.as_f64(),
        left_rho: left.as_f64(),
        fits: required <= left,
        largest_epsilon: ledger::largest_epsilon(left, request.delta),
        resources: records.map(|records| Resources::of(&schema, records)),
    })
}
