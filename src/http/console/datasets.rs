//! Datasets: made, filled, declared, quoted, fitted, erased.

use super::super::extract::{Path, Query, arriving};
use super::answer::Shown;
use super::visitor::{Fields, Form, Visitor};
use crate::pages::console::{self, Curl};
use crate::service::app::{App, PageQuery};
use crate::service::budget;
use crate::service::comparison::{self, ComparisonQuery};
use crate::service::datasets;
use crate::service::jobs::{self, JobQuery};
use crate::service::problem::Problem;
use crate::service::quotes::{self, QuoteRequest};
use crate::service::reading;
use crate::service::requests::NewJob;
use crate::service::{submit, uploads};
use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use futures_util::stream::try_unfold;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

pub async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Query(page): Query<PageQuery>,
) -> Result<Shown, Problem> {
    let page = datasets::list(&app, &visitor.caller, page).await?;
    Ok(Shown(console::datasets(&visitor.frame(), &page)))
}

pub async fn find(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Result<Shown, Problem> {
    let caller = &visitor.caller;
    let dataset = datasets::find(&app, caller, id).await?;
    let budget = budget::budget(&app, caller).await?;
    let budget = budget.populations.into_iter().find(|own| own.id == dataset.population_id);
    let jobs = jobs::list(&app, caller, JobQuery { dataset_id: Some(id), ..JobQuery::default() }).await?;
    Ok(Shown(console::dataset(&visitor.frame(), &dataset, budget.as_ref(), &jobs.items)))
}

/// Path of a dataset's page.
fn place(id: Uuid) -> String {
    format!("/console/datasets/{id}")
}

pub async fn create(State(app): State<App>, Form { visitor, fields }: Form) -> Result<Shown, Problem> {
    let mut body = json!({"name": fields.text("name")?, "preset": fields.text("preset")?});
    if let Some(window) = fields.get("window") {
        body["window"] = window.into();
    }
    let dataset = datasets::create(&app, &visitor.caller, reading::part("", &body)?).await?;
    let curl = Curl::of("POST", "/v1/datasets").with(body);
    Ok(Shown(visitor.frame().done(
        "The dataset is made",
        "Declare what is still open, then upload the trace.",
        (&place(dataset.id), "To the dataset"),
        &curl,
    )))
}

/// What a form declares: a proposal as it stands there, or the fields that are filled in.
fn declared(fields: &Fields) -> Result<Value, Problem> {
    if let Some(proposal) = fields.get("proposal") {
        return serde_json::from_str(proposal)
            .map_err(|error| Problem::invalid("proposal", format!("this is not JSON: {error}")));
    }
    let mut body = Map::new();
    if let Some(window) = fields.get("window") {
        body.insert("window".into(), window.into());
    }
    let lines = |value: &str| {
        value.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect::<Vec<_>>()
    };
    let categories = fields
        .0
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("categories.")?.to_string(), lines(value))));
    let categories: Map<String, Value> = categories
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| (name, values.into()))
        .collect();
    if !categories.is_empty() {
        body.insert("categories".into(), categories.into());
    }
    Ok(body.into())
}

pub async fn declare(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    let body = declared(&fields)?;
    datasets::patch(&app, &visitor.caller, id, reading::part("", &body)?).await?;
    let curl = Curl::of("PATCH", format!("/v1/datasets/{id}")).with(body);
    Ok(Shown(visitor.frame().done(
        "Declared",
        "A trace that is there is parsed again by what is declared now.",
        (&place(id), "To the dataset"),
        &curl,
    )))
}

pub async fn upload(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    request: Request,
) -> Response {
    match receive(&app, &visitor, id, request).await {
        Ok(page) => page.into_response(),
        Err(problem) => {
            // The rest of the body is still to come: the connection cannot carry another request.
            let mut response = problem.into_response();
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

/// A form with a file: the token comes first, and nothing of the file is taken before it is judged.
async fn receive(app: &App, visitor: &Visitor, id: Uuid, request: Request) -> Result<Shown, Problem> {
    let silence = Duration::from_secs(app.config.idle_seconds);
    let (parts, body) = request.into_parts();
    let body = Body::from_stream(arriving(body, silence).map_err(|problem| axum::Error::new(Fault(problem))));
    let mut form = Multipart::from_request(Request::from_parts(parts, body), app)
        .await
        .map_err(|_| Problem::unsupported("this takes the form that its page shows"))?;
    let mut field = form.next_field().await.map_err(broken)?.ok_or_else(Problem::forged)?;
    let mut token = Vec::new();
    while let Some(bytes) =
        field.chunk().await.map_err(broken)?.filter(|_| field.name() == Some("token") && token.len() < 256)
    {
        token.extend_from_slice(&bytes);
    }
    drop(field);
    app.sessions.check_form(visitor.session.name(), std::str::from_utf8(&token).ok())?;
    let field = form.next_field().await.map_err(broken)?.filter(|field| field.name() == Some("trace"));
    let field = field.ok_or_else(|| Problem::invalid("trace", "choose a file"))?;
    let file = try_unfold(field, async |mut field| {
        Ok(field.chunk().await.map_err(broken)?.map(|bytes| (bytes, field)))
    });
    uploads::upload(app, &visitor.caller, id, None, None, Box::pin(file)).await?;
    let curl = Curl::of("PUT", format!("/v1/datasets/{id}/trace")).file("FILE");
    Ok(Shown(visitor.frame().done(
        "Received",
        "The trace is being parsed.",
        (&place(id), "To the dataset"),
        &curl,
    )))
}

/// A fault of what arrives, on its way through the reader of forms.
#[derive(Debug)]
struct Fault(Problem);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Fault {}

/// What went wrong with a form: what arrived, if that was it.
fn broken(error: axum::extract::multipart::MultipartError) -> Problem {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(Fault(problem)) = error.downcast_ref() {
            return problem.clone();
        }
        cause = error.source();
    }
    Problem::malformed("the form cannot be read, or ended before it was complete")
}

pub async fn quote(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    let caller = &visitor.caller;
    let body = json!({"dataset_id": id, "epsilon": fields.number("epsilon")?, "hold_out": fields.ticked("hold_out")});
    let request: QuoteRequest = reading::part("", &body)?;
    let quote = quotes::quote(&app, caller, request.clone()).await?;
    let dataset = datasets::find(&app, caller, id).await?;
    Ok(Shown(console::quote(&visitor.frame(), &dataset, &request, &quote, &Uuid::new_v4().to_string())))
}

pub async fn compare(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    uri: Uri,
) -> Result<Shown, Problem> {
    let caller = &visitor.caller;
    // A browser sends fields that are left empty as well.
    let pairs: Vec<(String, String)> = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .filter(|(_, value)| !value.trim().is_empty())
        .collect();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let comparison = comparison::comparison(&app, caller, id, &ComparisonQuery::of(pairs)?).await?;
    let dataset = datasets::find(&app, caller, id).await?;
    Ok(Shown(console::compare(&visitor.frame(), &dataset, &comparison, &query)))
}

pub async fn fit(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    let mut body = json!({"kind": "fit", "dataset_id": id, "epsilon": fields.number("epsilon")?});
    for choice in ["hold_out", "evaluate", "accept_noise", "accept_outside"] {
        if fields.ticked(choice) {
            body[choice] = true.into();
        }
    }
    let request = NewJob::read(body.to_string().as_bytes())?;
    let job = submit::submit(&app, &visitor.caller, request, fields.get("key")).await?;
    let on = format!("/console/jobs/{}", job.id);
    let curl = Curl::of("POST", "/v1/jobs").with(body);
    Ok(Shown(visitor.frame().done("The fit is accepted", "Its cost is reserved.", (&on, "Watch it"), &curl)))
}

pub async fn erase(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Form { visitor, fields }: Form,
) -> Result<Shown, Problem> {
    visitor.caller.steward()?;
    fields.confirmed("sure")?;
    datasets::erase(&app, &visitor.caller, id).await?;
    let curl = Curl::of("DELETE", format!("/v1/datasets/{id}"));
    Ok(Shown(visitor.frame().done(
        "Erased",
        "The raw trace is gone; ledger, models and releases stay.",
        (&place(id), "To the dataset"),
        &curl,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_declares_only_the_fields_filled_in() {
        let fields = |all: &[(&str, &str)]| {
            Fields(all.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
        };
        let all = fields(&[
            ("token", "x"),
            ("window", " 0/60 "),
            ("categories.type", "a\r\n b \r\n\r\n"),
            ("categories.label", " \n"),
        ]);
        assert_eq!(declared(&all).unwrap(), json!({"window": "0/60", "categories": {"type": ["a", "b"]}}));
        assert_eq!(declared(&fields(&[("token", "x"), ("window", "")])).unwrap(), json!({}));
        assert_eq!(
            declared(&fields(&[("proposal", "{\"window\": \"0/1\"}"), ("window", "0/60")])).unwrap(),
            json!({"window": "0/1"})
        );
        assert_eq!(declared(&fields(&[("proposal", "{")])).unwrap_err().field.as_deref(), Some("proposal"));
    }
}
