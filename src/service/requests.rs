//! What jobs are asked for, and the plan that a fit is asked for by.

use super::problem::Problem;
use super::reading;
use crate::account::Guarantee;
use crate::fit::{self, Method, Plan};
use crate::formats::{FileFormat, FileKind, Packing};
use crate::generate::{self, Asked};
use crate::ledger;
use crate::storage::jobs::{Job, JobKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of requests for jobs that this program does. Version 2 has conditions, version 3 the adaptive method as it is with looks across records, version
/// 4 traces that are neither CSV nor packed by gzip, version 5 packet captures and datagrams of flow exporters: a server of an earlier version fails such a job, or fits without them.
pub const VERSION: i64 = 5;

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
    /// The least version of requests that says this: a server must do it.
    pub fn version(&self) -> i64 {
        let conditional = |asked: bool| if asked { 2 } else { 1 };
        match self {
            NewJob::Fit(request) if request.method == Method::Adaptive => 3,
            NewJob::Fit(request) => conditional(request.condition.is_some()),
            NewJob::Generate(request) => conditional(request.condition.is_some()),
            NewJob::Evaluate(_) => 1,
        }
    }

    /// Reads a request for a job; a fault names its place.
    pub fn read(body: &[u8]) -> Result<Self, Problem> {
        reading::tagged(
            body,
            "kind",
            &[
                (JobKind::Fit.name(), |others| others.read().map(NewJob::Fit)),
                (JobKind::Generate.name(), |others| others.read().map(NewJob::Generate)),
                (JobKind::Evaluate.name(), |others| others.read().map(NewJob::Evaluate)),
            ],
        )
    }
}

/// Request of one kind of job, as stored with the job.
pub trait JobRequest: Serialize + DeserializeOwned {
    /// The kind of job that does it.
    const KIND: JobKind;
}

impl JobRequest for ParseRequest {
    const KIND: JobKind = JobKind::Parse;
}

impl JobRequest for FitRequest {
    const KIND: JobKind = JobKind::Fit;
}

impl JobRequest for GenerateRequest {
    const KIND: JobKind = JobKind::Generate;
}

impl JobRequest for EvaluateRequest {
    const KIND: JobKind = JobKind::Evaluate;
}

/// A request as it is kept with its job.
pub fn kept(request: &impl JobRequest) -> Result<String, Problem> {
    serde_json::to_string(request).map_err(|error| {
        tracing::error!(%error, "a request cannot be kept");
        Problem::internal()
    })
}

/// Request of a job.
pub fn asked<T: JobRequest>(job: &Job) -> Result<T, Problem> {
    serde_json::from_str(&job.request).map_err(|error| {
        tracing::error!(%error, job = %job.id, "a stored request cannot be read");
        Problem::internal()
    })
}

/// The least version of requests whose servers read a trace that is written so.
pub fn version_for(trace: FileKind) -> i64 {
    match (trace.format, trace.packing) {
        (FileFormat::Csv, None | Some(Packing::Gzip)) => 1,
        (FileFormat::Capture | FileFormat::Export, _) => 5,
        _ => 4,
    }
}

/// Request of a parse job.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ParseRequest {
    /// Whether the trace had been received before: then it stays, whatever comes of it.
    pub again: bool,
}

/// A request that declares how a dataset is measured: the common members of all such requests. `flatten` would take two things from whoever writes one:
/// the place of a fault, and that a member which stands there twice is noticed.
macro_rules! measured {
    ($(#[$about:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The dataset.
            pub dataset_id: Uuid,
            /// ε: smaller protects more and keeps less.
            #[schema(minimum = 0.01, maximum = 10000)]
            pub epsilon: f64,
            /// δ.
            #[serde(default = "super::budget::default_delta")]
            #[schema(default = 1e-9, minimum = 1e-30, maximum = 1e-4)]
            pub delta: f64,
            /// Method; `adaptive` by default.
            #[serde(default)]
            pub method: Method,
            /// Options of method `netdpsyn`; `structure` is for method `adaptive`.
            #[serde(default)]
            pub options: fit::FitOptions,
            /// Hold out a fifth of the records, by keyed hash.
            #[serde(default)]
            pub hold_out: bool,
            $($own)*
        }

        impl $name {
            /// The plan that is asked for; it does not hold out yet.
            pub fn plan(&self) -> Result<Plan, Problem> {
                plan(self.epsilon, self.delta, self.method, self.options)
            }
        }
    };
}

measured! {
    /// Request of a fit.
    #[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
    #[schema(example = json!({"kind": "fit", "dataset_id": "0199c0de-0000-7000-8000-000000000001", "epsilon": 2.0, "delta": 1e-9, "method": "adaptive", "evaluate": true}))]
    pub struct FitRequest {
        /// Number of records of the first trace, rounded to two digits; by default the noisy number.
        #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
        #[schema(minimum = 1, maximum = 2147483648u64, format = "int64")]
        pub rows: Option<u64>,
        /// Seed of the first trace; drawn by default.
        #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
        #[schema(maximum = 18446744073709551615u64, format = "uint64")]
        pub seed: Option<u64>,
        /// Options of its generation.
        #[serde(default)]
        pub generate: generate::GenerateOptions,
        /// Categories of its records; by default as in the raw trace, up to noise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub condition: Option<Asked>,
        /// Also compare the first trace with the raw one.
        #[serde(default)]
        pub evaluate: bool,
        /// Confirms a fit in which noise outweighs the data; a quote says what to expect. Not stored.
        #[serde(default, skip_serializing_if = "unkept")]
        pub accept_noise: bool,
        /// Confirms a fit of which more than half of a column lies outside its declaration. Not stored.
        #[serde(default, skip_serializing_if = "unkept")]
        pub accept_outside: bool,
    }
}

measured! {
    /// A fit whose cost is requested.
    #[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
    #[schema(example = json!({"dataset_id": "0199c0de-0000-7000-8000-000000000001", "epsilon": 2.0, "rows": 40000}))]
    pub struct QuoteRequest {
        /// Number of records to assume. By default the parsed number; then the forecast is private.
        #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
        #[schema(minimum = 1, maximum = 2147483648u64, format = "int64")]
        pub rows: Option<u64>,
    }
}

impl QuoteRequest {
    /// A fit in the usual way, of as many records as there are.
    pub fn usual(dataset_id: Uuid, epsilon: f64, hold_out: bool) -> Self {
        let delta = super::budget::default_delta();
        QuoteRequest {
            dataset_id,
            epsilon,
            delta,
            method: Method::default(),
            options: fit::FitOptions::default(),
            hold_out,
            rows: None,
        }
    }
}

/// That something was confirmed is never written down: neither with the job nor in a digest of its request.
fn unkept(_: &bool) -> bool {
    true
}

/// Request of a generation.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "generate", "model_id": "0199c0de-0000-7000-8000-000000000002", "rows": 50000, "seed": 7, "condition": {"type": {"normal": 0.5, "ddos": 0.5}}}))]
pub struct GenerateRequest {
    /// The model.
    pub model_id: Uuid,
    /// Number of records, rounded to two digits; by default the noisy number.
    #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
    #[schema(minimum = 1, maximum = 2147483648u64, format = "int64")]
    pub rows: Option<u64>,
    /// The same seed gives the same trace.
    #[serde(default, deserialize_with = "crate::trace::whole::maybe")]
    #[schema(maximum = 18446744073709551615u64, format = "uint64")]
    pub seed: Option<u64>,
    /// Options of generation, which cost no privacy.
    #[serde(default)]
    pub options: generate::GenerateOptions,
    /// Categories of the records; by default as in the raw trace, up to noise. All other columns follow the model, given the category. The release states the
    /// condition, because its mix is not that of the raw trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Asked>,
    /// Also compare the trace with the raw one.
    #[serde(default)]
    pub evaluate: bool,
}

/// Request of an evaluation.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "evaluate", "release_id": "0199c0de-0000-7000-8000-000000000003"}))]
pub struct EvaluateRequest {
    /// The release.
    pub release_id: Uuid,
}

/// The plan of what is asked for.
fn plan(epsilon: f64, delta: f64, method: Method, options: fit::FitOptions) -> Result<Plan, Problem> {
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

    /// Digests of requests are compared with those of the version before, and of attempts before: the text stays.
    #[test]
    fn stored_requests_are_the_same_text_in_every_version() {
        let id = "0199c0de-0000-7000-8000-000000000001";
        let fit = format!(
            r#"{{"kind":"fit","dataset_id":"{id}","epsilon":2,"method":"netdpsyn","accept_noise":true}}"#
        );
        let kept_fit = format!(
            r#""dataset_id":"{id}","epsilon":2.0,"delta":1e-9,"method":"netdpsyn","options":{{"max_cells":1048576,"clique_cells":5000,"gaps":true}},"hold_out":false,"rows":null,"seed":null,"generate":{{"start":"tree","update":"alternate","decay":"linear","rounds":24}},"evaluate":false}}"#
        );
        let new = NewJob::read(fit.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&new).unwrap(), format!(r#"{{"kind":"fit",{kept_fit}"#));
        let NewJob::Fit(request) = &new else { panic!("it is a fit") };
        assert_eq!(kept(request).unwrap(), format!("{{{kept_fit}"));
        assert_eq!(kept(&ParseRequest { again: true }).unwrap(), r#"{"again":true}"#);
        // A server of the version before does not know the member, and would refuse what has it: it is there where it says something.
        let generate = format!(r#"{{"kind":"generate","model_id":"{id}","condition":{{"type":"ddos"}}}}"#);
        let conditioned = NewJob::read(generate.as_bytes()).unwrap();
        let NewJob::Generate(request) = &conditioned else { panic!("it is a generation") };
        assert!(kept(request).unwrap().contains(r#""condition":{"type":{"ddos":1.0}}"#));
        assert_eq!((conditioned.version(), new.version()), (2, 1));
        let usual = format!(r#"{{"kind":"fit","dataset_id":"{id}","epsilon":2}}"#);
        let usual = NewJob::read(usual.as_bytes()).unwrap();
        assert_eq!(usual.version(), 3);
        assert!(serde_json::to_string(&usual).unwrap().contains(r#""method":"adaptive""#));
        // The version before kept nothing of a first parsing.
        assert!(!serde_json::from_str::<ParseRequest>("{}").unwrap().again);
    }

    #[test]
    fn every_request_names_the_kind_of_job_that_does_it() {
        fn kind<T: JobRequest>(_: &T) -> &'static str {
            T::KIND.name()
        }
        let id = Uuid::from_u128(1);
        for kind_asked in JobKind::ALL.iter().filter(|kind| **kind != JobKind::Parse) {
            let body = match kind_asked {
                JobKind::Fit => format!(r#"{{"kind":"{kind_asked}","dataset_id":"{id}","epsilon":1}}"#),
                JobKind::Generate => format!(r#"{{"kind":"{kind_asked}","model_id":"{id}"}}"#),
                _ => format!(r#"{{"kind":"{kind_asked}","release_id":"{id}"}}"#),
            };
            let new = NewJob::read(body.as_bytes()).unwrap();
            let told = match &new {
                NewJob::Fit(request) => kind(request),
                NewJob::Generate(request) => kind(request),
                NewJob::Evaluate(request) => kind(request),
            };
            let written = serde_json::to_value(&new).unwrap();
            assert_eq!((told, &written["kind"]), (kind_asked.name(), &serde_json::json!(kind_asked)));
        }
    }

    #[test]
    fn the_least_epsilon_pays_for_a_fit_at_any_delta() {
        for delta in [Guarantee::MIN_DELTA, 1e-9, Guarantee::MAX_DELTA] {
            let plan =
                plan(ledger::LEAST_EPSILON, delta, Method::Netdpsyn, fit::FitOptions::default()).unwrap();
            assert!(plan.allowance() >= Plan::LEAST, "{delta}");
        }
    }
}
