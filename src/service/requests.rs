//! What jobs are asked for, and the plan that a fit is asked for by.

use super::problem::Problem;
use super::reading::Tagged;
use crate::account::Guarantee;
use crate::fit::{self, Method, Plan};
use crate::generate;
use crate::ledger;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A job to be done.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NewJob {
    /// Measure a dataset: pays. A first trace is generated from it.
    Fit(FitRequest),
    /// Generate a further trace from a model: costs no privacy.
    Generate(GenerateRequest),
    /// Compare a release with the raw trace: private to the steward, costs no privacy.
    Evaluate(EvaluateRequest),
}

impl NewJob {
    /// Reads a request for a job; a fault names its place.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        let request = Tagged::read(body, "kind", &["fit", "generate", "evaluate"])?;
        Ok(match request.tag() {
            "fit" => NewJob::Fit(request.others()?),
            "generate" => NewJob::Generate(request.others()?),
            _ => NewJob::Evaluate(request.others()?),
        })
    }
}

/// What a fit is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "fit", "dataset_id": "0199c0de-0000-7000-8000-000000000001", "epsilon": 2.0, "delta": 1e-9, "evaluate": true}))]
pub struct FitRequest {
    /// The dataset.
    pub dataset_id: Uuid,
    /// ε: smaller protects more and keeps less.
    #[schema(minimum = 0.01, maximum = 10000)]
    pub epsilon: f64,
    /// δ.
    #[serde(default = "super::budget::default_delta")]
    #[schema(default = 1e-9, minimum = 1e-30, maximum = 1e-4)]
    pub delta: f64,
    /// `netdpsyn` or `independent`.
    #[serde(default = "default_method")]
    pub method: Method,
    /// What may be set otherwise than the method does.
    #[serde(default)]
    pub options: fit::Options,
    /// Hold out a fifth of the records, by keyed hash.
    #[serde(default)]
    pub hold_out: bool,
    /// Records of the first trace, rounded to two digits; by default as many as the noisy counts say.
    #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
    #[schema(minimum = 1, maximum = 2147483648u64, format = "int64")]
    pub rows: Option<u64>,
    /// Seed of the first trace; drawn by default.
    #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
    #[schema(maximum = 18446744073709551615u64, format = "uint64")]
    pub seed: Option<u64>,
    /// How its records are made.
    #[serde(default)]
    pub generate: generate::Options,
    /// Also compare the first trace with the raw one.
    #[serde(default)]
    pub evaluate: bool,
    /// Measure although noise leaves little; a quote says what to expect. It is not kept.
    #[serde(default, skip_serializing_if = "unkept")]
    pub accept_noise: bool,
    /// Measure although more than half of a column lies outside what is declared. It is not kept.
    #[serde(default, skip_serializing_if = "unkept")]
    pub accept_outside: bool,
}

/// That something was confirmed is never written down: neither with the job nor in a digest of its request.
fn unkept(_: &bool) -> bool {
    true
}

pub(super) fn default_method() -> Method {
    Method::Netdpsyn
}

/// What a generation is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "generate", "model_id": "0199c0de-0000-7000-8000-000000000002", "rows": 50000, "seed": 7}))]
pub struct GenerateRequest {
    /// The model.
    pub model_id: Uuid,
    /// Records, rounded to two digits; by default as many as the noisy counts say.
    #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
    #[schema(minimum = 1, maximum = 2147483648u64, format = "int64")]
    pub rows: Option<u64>,
    /// The same seed gives the same trace.
    #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
    #[schema(maximum = 18446744073709551615u64, format = "uint64")]
    pub seed: Option<u64>,
    /// How records are made: choices that cost no privacy.
    #[serde(default)]
    pub options: generate::Options,
    /// Also compare the trace with the raw one.
    #[serde(default)]
    pub evaluate: bool,
}

/// What an evaluation is asked for.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "evaluate", "release_id": "0199c0de-0000-7000-8000-000000000003"}))]
pub struct EvaluateRequest {
    /// The release.
    pub release_id: Uuid,
}

/// The plan of a fit.
pub fn plan(request: &FitRequest) -> Result<Plan, Problem> {
    plan_of(request.epsilon, request.delta, request.method, request.options)
}

/// The plan of what is asked for.
pub(super) fn plan_of(
    epsilon: f64,
    delta: f64,
    method: Method,
    options: fit::Options,
) -> Result<Plan, Problem> {
    let guarantee = Guarantee::new(epsilon, delta).map_err(|error| {
        let field = match error {
            crate::account::budget::GuaranteeError::Epsilon { .. } => "epsilon",
            crate::account::budget::GuaranteeError::Delta { .. } => "delta",
        };
        Problem::invalid(field, error.to_string())
    })?;
    if let Some((option, reason)) = options.fault() {
        return Err(Problem::invalid(&format!("options.{option}"), reason));
    }
    // At any δ this pays for every answer of a fit.
    if epsilon < ledger::LEAST_EPSILON {
        let least = ledger::LEAST_EPSILON;
        return Err(Problem::invalid("epsilon", format!("epsilon must be at least {least}, not {epsilon}")));
    }
    Ok(Plan { options, ..Plan::new(guarantee, method) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_epsilon_pays_for_a_fit_at_any_delta() {
        for delta in [Guarantee::MIN_DELTA, 1e-9, Guarantee::MAX_DELTA] {
            let plan =
                plan_of(ledger::LEAST_EPSILON, delta, Method::Netdpsyn, fit::Options::default()).unwrap();
            assert!(plan.allowance() >= Plan::LEAST, "{delta}");
        }
    }
}
