//! Fits and quotes of one dataset side by side: what each costs, how close its traces were foretold to come and, where somebody compared one with the raw trace, how close it came.

mod query;

pub use query::{ComparisonQuery, MOST};

use super::app::{App, Caller, shown_time};
use super::datasets::{own, schema_of};
use super::problem::Problem;
use super::quotes::{self, ForetoldFidelity, QuoteRequest};
use super::releases::{PrivateReport, kept_back};
use super::requests::{FitRequest, asked};
use crate::account::Rho;
use crate::evaluate::private::classify::{Classification, Classifier};
use crate::fit::{Method, foretell};
use crate::storage::datasets::Dataset;
use crate::storage::jobs::{self, Job, JobKind, Wanted};
use crate::storage::looks::{self, PrivateLook};
use crate::storage::releases::{self, Release};
use crate::storage::{Tx, models, populations};
use crate::trace::Schema;
use serde::Serialize;
use uuid::Uuid;

/// Fits that are there to be chosen, at most.
const CHOICES: i64 = 200;

/// An ε that may be quoted.
#[derive(utoipa::ToSchema)]
#[schema(value_type = f64, minimum = 0.01, maximum = 10_000, example = 2.0)]
#[allow(dead_code)]
pub struct Epsilon(f64);

/// Fits and quotes of a dataset side by side.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"dataset_id": "0199c0de-0000-7000-8000-000000000001", "private": true,
    "choices": [{"model_id": "0199c0de-0000-7000-8000-000000000002", "epsilon": 2.0, "hold_out": true, "compared": true, "created_at": "2026-01-05T09:00:00Z"}],
    "items": [{"model_id": "0199c0de-0000-7000-8000-000000000002", "release_id": "0199c0de-0000-7000-8000-000000000003", "epsilon": 2.0, "delta": 1e-9,
            "method": "adaptive", "hold_out": true, "rho": 0.0558,
            "foretold": {"private": false, "two_way": {"lower": 0.012, "middle": 0.03, "upper": 0.052}, "beyond_measured": false},
            "measured": {"private": true, "two_way": 0.028, "two_way_floor": 0.011, "accuracy_loss": 0.006}},
        {"epsilon": 0.5, "delta": 1e-9, "method": "adaptive", "hold_out": false, "rho": 0.0041, "fits": true,
            "foretold": {"private": true, "two_way": {"lower": 0.05, "middle": 0.08, "upper": 0.14}, "beyond_measured": false}}]}))]
pub struct ComparisonView {
    /// The dataset.
    pub dataset_id: Uuid,
    /// Whether any figure depends on raw records without having been paid for: then all of it is for the steward alone.
    pub private: bool,
    /// Fits of the dataset that may be compared: the first 200.
    pub choices: Vec<ComparisonChoice>,
    /// Requested fits, then quotes, in the order of the query.
    pub items: Vec<Compared>,
}

/// A fit that may be compared.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ComparisonChoice {
    /// Model.
    pub model_id: Uuid,
    /// ε.
    pub epsilon: f64,
    /// Whether a fifth was held out.
    pub hold_out: bool,
    /// Whether one of its traces was compared with the raw one.
    pub compared: bool,
    /// Time of acceptance of the fit.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A fit, or a quote for one.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"model_id": "0199c0de-0000-7000-8000-000000000002", "release_id": "0199c0de-0000-7000-8000-000000000003", "epsilon": 2.0, "delta": 1e-9,
    "method": "adaptive", "hold_out": true, "rho": 0.0558,
    "foretold": {"private": false, "two_way": {"lower": 0.012, "middle": 0.03, "upper": 0.052}, "beyond_measured": false},
    "measured": {"private": true, "two_way": 0.028, "two_way_floor": 0.011, "accuracy_loss": 0.006}}))]
pub struct Compared {
    /// The model of a fit; absent for a quote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<Uuid>,
    /// The release that was compared with the raw trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_id: Option<Uuid>,
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: f64,
    /// Method.
    pub method: Method,
    /// Whether a fifth is held out.
    pub hold_out: bool,
    /// ρ that was charged, or would be reserved.
    pub rho: f64,
    /// For a quote: whether the budget covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fits: Option<bool>,
    /// Expected fidelity: for a fit from its noisy number of records, for a quote from the private one. Absent where there is no forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foretold: Option<ForetoldFidelity>,
    /// Figures of the private report, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredFidelity>,
    /// Reason why a fit has no measured figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub not_measured: Option<&'static str>,
}

/// Figures of a private report in the measures that are foretold.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MeasuredFidelity {
    /// Always true: it depends on the raw records, and is for the steward alone.
    pub private: bool,
    /// Two-way distance: the mean over all pairs of columns, 0 to 1.
    pub two_way: f64,
    /// The same between fitted and held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_way_floor: Option<f64>,
    /// Accuracy of decision tree and random forest after training on raw records, less that after training on synthetic ones: their mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_loss: Option<f64>,
}

impl MeasuredFidelity {
    /// Of a report, where its pairs were measured.
    fn of(report: &PrivateReport) -> Option<Self> {
        let two_way = report.two_way.measured()?;
        Some(MeasuredFidelity {
            private: true,
            two_way: two_way.mean,
            two_way_floor: two_way.floor,
            accuracy_loss: report.classification.measured().and_then(accuracy_loss),
        })
    }
}

/// Accuracy loss of tree and forest, as curves foretell it.
fn accuracy_loss(found: &Classification) -> Option<f64> {
    let trees = found
        .classifiers
        .iter()
        .filter(|one| matches!(one.classifier, Classifier::DecisionTree | Classifier::RandomForest));
    let losses: Vec<f64> =
        trees.map(|one| one.scores.real.accuracy - one.scores.synthetic.accuracy).collect();
    (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
}

/// Fits and quotes side by side. What this shows of a private report is a look like opening that one, and is recorded so, on each release and of the population;
/// so is every quote.
pub async fn comparison(
    app: &App,
    caller: &Caller,
    id: Uuid,
    query: &ComparisonQuery,
) -> Result<ComparisonView, Problem> {
    let tenant = caller.steward()?;
    for epsilon in &query.epsilons {
        QuoteRequest::usual(id, *epsilon, query.hold_out).plan()?;
    }
    // Whoever only looks for what there is to choose keeps nobody waiting.
    let mut tx = match query.models.is_empty() {
        true => app.read("comparison.choices").await?,
        false => app.begin("comparison.comparison").await?,
    };
    let dataset = own(&mut tx, tenant, id).await?;
    let schema = schema_of(&dataset)?;
    let strict =
        populations::find(&mut tx, dataset.population_id).await?.is_some_and(|population| population.strict);
    let choices = choices(&mut tx, tenant, &dataset).await?;
    let mut items = Vec::new();
    for model in &query.models {
        items.push(fitted(&mut tx, tenant, &dataset, &schema, *model, strict).await?);
    }
    let opened: Vec<Uuid> =
        items.iter().filter(|item| item.measured.is_some()).filter_map(|item| item.release_id).collect();
    if !opened.is_empty() {
        let now = tx.now().await?;
        for release in opened {
            releases::opened(&mut tx, release, now).await?;
        }
        looks::add(&mut tx, dataset.population_id, PrivateLook::PrivateReport, now).await?;
    }
    tx.commit().await?;
    for epsilon in &query.epsilons {
        items.push(quoted(app, caller, id, *epsilon, query.hold_out).await?);
    }
    let is_private = |item: &Compared| {
        item.measured.is_some() || item.foretold.as_ref().is_some_and(|foretold| foretold.private)
    };
    Ok(ComparisonView { dataset_id: id, private: items.iter().any(is_private), choices, items })
}

async fn choices(tx: &mut Tx, tenant: Uuid, dataset: &Dataset) -> Result<Vec<ComparisonChoice>, Problem> {
    let wanted = Wanted {
        tenant,
        kind: Some(JobKind::Fit),
        state: Some(jobs::JobState::Succeeded),
        dataset: Some(dataset.id),
    };
    let compared = models::compared(tx, dataset.id).await?;
    let choice = |job: Job| {
        let (model_id, request) = (job.model_id?, asked::<FitRequest>(&job).ok()?);
        Some(ComparisonChoice {
            model_id,
            epsilon: request.epsilon,
            hold_out: request.hold_out,
            compared: compared.contains(&model_id),
            created_at: shown_time(job.created_at),
        })
    };
    Ok(jobs::list(tx, &wanted, None, CHOICES).await?.into_iter().filter_map(choice).collect())
}

/// A fit. What is foretold follows from its noisy number of records, which was paid for.
async fn fitted(
    tx: &mut Tx,
    tenant: Uuid,
    dataset: &Dataset,
    schema: &Schema,
    model: Uuid,
    strict: bool,
) -> Result<Compared, Problem> {
    let found = models::find(tx, tenant, model).await?.filter(|model| model.dataset_id == dataset.id);
    let model = found.ok_or_else(|| Problem::not_found("model of this dataset"))?;
    let job = jobs::find(tx, tenant, model.job_id).await?.ok_or_else(Problem::internal)?;
    let request: FitRequest = asked(&job)?;
    let plan = request.plan()?;
    let foretold = model.records.and_then(|records| foretell::foretold(&plan, schema, records.max(0) as f64));
    let release = models::compared_release(tx, model.id).await?;
    let (measured, not_measured) = match release.as_ref().map(|release| measured(release, strict)) {
        None => (None, Some("none of its traces was compared with the raw one; submit an evaluate job")),
        Some(Ok(measured)) => (Some(measured), None),
        Some(Err(why)) => (None, Some(why)),
    };
    Ok(Compared {
        model_id: Some(model.id),
        release_id: release.map(|release| release.id),
        epsilon: request.epsilon,
        delta: request.delta,
        method: request.method,
        hold_out: request.hold_out,
        rho: Rho::from_units(job.cost().rho).as_f64(),
        fits: None,
        foretold: foretold.map(|foretold| ForetoldFidelity { private: false, foretold }),
        measured,
        not_measured,
    })
}

/// What the private report of a release says, or why it says nothing here.
fn measured(release: &Release, strict: bool) -> Result<MeasuredFidelity, &'static str> {
    kept_back(release, strict).map_or(Ok(()), Err)?;
    let report = release.private_report.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let report: PrivateReport =
        report.ok_or("its private report was made by an earlier version; submit an evaluate job")?;
    MeasuredFidelity::of(&report).ok_or("its private report has no pairs of columns")
}

async fn quoted(
    app: &App,
    caller: &Caller,
    dataset_id: Uuid,
    epsilon: f64,
    hold_out: bool,
) -> Result<Compared, Problem> {
    let request = QuoteRequest::usual(dataset_id, epsilon, hold_out);
    let quote = quotes::quote(app, caller, request.clone()).await?;
    Ok(Compared {
        model_id: None,
        release_id: None,
        epsilon,
        delta: request.delta,
        method: request.method,
        hold_out,
        rho: quote.required_rho,
        fits: Some(quote.fits),
        foretold: quote.fidelity,
        measured: None,
        not_measured: None,
    })
}
