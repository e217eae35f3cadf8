//! Datasets: what is declared, what parsing found, and the forms to make, fill, declare, quote and erase one.

use super::job::list;
use super::quote::asking;
use super::release::looked_at;
use super::{Curl, Frame, check, field, from_raw_records, more};
use crate::pages::table;
use crate::pages::words::{about, when};
use crate::service::app::Page;
use crate::service::budget::PopulationBudget;
use crate::service::datasets::DatasetView;
use crate::service::jobs::JobView;
use crate::storage::datasets::DatasetState;
use crate::trace::layouts;
use maud::{Markup, html};
use serde_json::Value;

fn state(dataset: &DatasetView) -> Markup {
    let class = match dataset.state {
        DatasetState::Ready => "good",
        DatasetState::Rejected => "poor",
        _ => "state",
    };
    html! { span class=(class) { (dataset.state) } }
}

/// The tenant's datasets, and the form to make one.
pub fn datasets(frame: &Frame, page: &Page<DatasetView>) -> String {
    let body = html! {
        h1 { "Datasets" }
        @if page.items.is_empty() { p { "None yet." } } @else {
            (table("Datasets", &["name", "state", "declaration", "made"], page.items.iter().map(|dataset| html! {
                th scope="row" { a href=(format!("/console/datasets/{}", dataset.id)) { (dataset.name) } }
                td { (state(dataset)) }
                td {
                    @if dataset.frozen { "frozen: a fit was accepted" }
                    @else if dataset.undeclared.is_empty() { "complete" }
                    @else { "incomplete" }
                }
                td { (when(&dataset.created_at)) }
            })))
        }
        (more("/console/datasets", page.next))
        (frame.form("/console/datasets", "panel", html! {
            h2 { "A new dataset" }
            p { "Declare what is publicly known about the trace before anybody looks at it." }
            (field("name", "Name", "", "", true))
            label for="preset" { "Layout" small { "How the file's columns are named and written." } }
            select id="preset" name="preset" required {
                @for name in layouts::names() { option value=(name) selected[name == "flow"] { (name) } }
            }
            (field("window", "Capture window", "Start and end of the capture, as 2026-01-05T08:00:00Z/2026-01-05T09:00:00Z. It may be declared later.", "", false))
            button { "Make the dataset" }
        }))
        (Curl::get("/v1/datasets").same())
    };
    frame.page("/console/datasets", "Datasets", html! {}, body)
}

/// Columns of a schema as it is shown.
fn columns(schema: &Value) -> impl Iterator<Item = &Value> {
    schema["columns"].as_array().into_iter().flatten()
}

/// The word for a column's type.
fn type_of(column: &Value) -> &str {
    let of = &column["type"];
    of.as_str().or_else(|| of.as_object()?.keys().next().map(String::as_str)).unwrap_or("–")
}

/// The categories of a column that has some or should; none of others.
fn categories(column: &Value) -> Option<Vec<&str>> {
    match type_of(column) {
        "categorical" => Some(
            column["type"]["categorical"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect(),
        ),
        _ => None,
    }
}

/// One dataset.
pub fn dataset(
    frame: &Frame,
    dataset: &DatasetView,
    budget: Option<&PopulationBudget>,
    jobs: &[JobView],
) -> String {
    let api = format!("/v1/datasets/{}", dataset.id);
    let here = |end: &str| format!("/console/datasets/{}/{end}", dataset.id);
    let open = dataset.state != DatasetState::Erased;
    let body = html! {
        h1 { (dataset.name) }
        dl {
            dt { "State" } dd { (state(dataset)) }
            dt { "Id" } dd.id { (dataset.id) }
            dt { "Declaration" }
            dd {
                @if dataset.frozen { "frozen: a fit was accepted" }
                @else { "may be changed until a fit is accepted" }
            }
            @if let Some(budget) = budget {
                dt { "Budget left" } dd { "ρ = " (about(budget.account.left.rho)) " of " (about(budget.account.cap.rho)) " for population " (budget.name)
                    " (one fit of ε = " (about(budget.account.left.epsilon)) " at most)" }
            }
            dt { "Made" } dd { (when(&dataset.created_at)) }
        }
        @if let Some(problem) = &dataset.problem {
            (rejected(frame, dataset, problem, &here("declare"), &api))
        }
        @if !dataset.undeclared.is_empty() {
            section.panel {
                h2 { "Still to be declared" }
                ul { @for open in &dataset.undeclared { li { (open) } } }
            }
        }
        h2 { "Declaration" }
        (table("Columns", &["column", "type", "role", "declared"], columns(&dataset.schema).map(|column| html! {
            th scope="row" { (column["name"].as_str().unwrap_or_default()) }
            td { (type_of(column)) }
            td { (column["role"].as_str().unwrap_or("–")) }
            td { @if let Some(values) = categories(column) { (values.join(", ")) } }
        })))
        @if let Some(window) = window(&dataset.schema) { p { "Capture window: " code { (window) } } }
        details { summary { "The whole schema" } pre tabindex="0" { (format!("{:#}", dataset.schema)) } }
        @if open && !dataset.frozen { (declaring(frame, dataset, &here("declare"), &api)) }
        @if let Some(report) = &dataset.parse_report { (parsed(report)) }
        @if open { (uploading(frame, dataset, &here("upload"), &api)) }
        @if dataset.state == DatasetState::Ready {
            (asking(frame, dataset.id, 2.0, false, "Quote a fit"))
        }
        @if dataset.state == DatasetState::Ready || dataset.frozen {
            p { a.button href=(here("compare")) { "Compare fits and quotes" } }
        }
        h2 { "Jobs on it" }
        (list(jobs))
        @if open {
            (frame.form(&here("erase"), "panel", html! {
                h2 { "Erase" }
                p {
                    "Removed permanently: the raw trace, its parse report, and the private reports of its releases. No comparison and no fit is possible afterwards."
                }
                p {
                    "Kept: ledger, models, releases, and the record of private data that were looked at, which readers of later releases see. No budget is returned."
                }
                @if let Some(budget) = budget { (looked_at(&budget.looks)) }
                (check("sure", "Yes, erase it", false, true))
                button.grave { "Erase the dataset" }
                (Curl::of("DELETE", api.clone()).hint())
            }))
        }
        (Curl::get(api).same())
    };
    frame.page("/console/datasets", &dataset.name, html! {}, body)
}

/// The capture window of a schema as it is written.
fn window(schema: &Value) -> Option<String> {
    match &schema["window"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Why a trace was rejected and, where it could be read otherwise, what would have to be declared.
fn rejected(frame: &Frame, dataset: &DatasetView, problem: &Value, action: &str, api: &str) -> Markup {
    let proposal = problem.get("proposal").filter(|_| !dataset.frozen);
    let reads = &problem["proposal_reads"];
    html! {
        (from_raw_records())
        div.refused {
            p { strong { "The trace was refused" } }
            p { (problem["detail"].as_str().unwrap_or_default()) }
        }
        @if let Some(proposal) = proposal {
            (frame.form(action, "panel", html! {
                h2 { "Proposed declaration" }
                p {
                    "With this, " (reads["records"].as_u64().unwrap_or(0)) " of the first "
                    (reads["of"].as_u64().unwrap_or(0)) " records can be read. "
                    strong {
                        "It depends on the records: readers will see that it was declared after looking."
                    }
                }
                label for="proposal" { "Proposal" small { "As the API takes it; change it as you like." } }
                textarea id="proposal" name="proposal" spellcheck="false" required {
                    (format!("{proposal:#}"))
                }
                button { "Declare it so" }
                (Curl::of("PATCH", api).with(proposal.clone()).hint())
            }))
        }
    }
}

fn declaring(frame: &Frame, dataset: &DatasetView, action: &str, api: &str) -> Markup {
    let late = dataset.state != DatasetState::Empty;
    frame.form(action, "panel", html! {
        h2 { "Declare" }
        p { "What is declared is public, and never taken from the records. "
            @if late { strong { "A trace of this population has been uploaded: readers will see later changes as declared after looking." } } }
        (field("window", "Capture window", "START/END; empty keeps it", &window(&dataset.schema).unwrap_or_default(), false))
        @for column in columns(&dataset.schema) {
            @if let (Some(name), Some(values)) = (column["name"].as_str(), categories(column)) {
                @let id = format!("categories.{name}");
                label for=(id) {
                    "Categories of " (name) small { "One per line; empty keeps them." }
                }
                textarea id=(id) name=(id) spellcheck="false" { (values.join("\n")) }
            }
        }
        button { "Declare" }
        (Curl::of("PATCH", api).with(serde_json::json!({"window": "START/END"})).hint())
    })
}

fn parsed(report: &Value) -> Markup {
    let number = |name: &str| report[name].as_u64().unwrap_or(0);
    let texts = |name: &'static str| report[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    html! {
        h2 { "Parse report" }
        (from_raw_records())
        dl {
            dt { "Records" }
            dd {
                (number("records")) " read, " (number("bad")) " refused, " (number("left_out"))
                " outside the window"
            }
            @for warning in texts("warnings") { dt { "Mind" } dd { (warning) } }
            @for note in texts("notes") { dt { "Note" } dd { (note) } }
            @let ignored: Vec<&str> = texts("ignored_columns").collect();
            @if !ignored.is_empty() { dt { "Columns left out" } dd { (ignored.join(", ")) } }
        }
        @let bad: Vec<&Value> = report["first_bad"].as_array().into_iter().flatten().collect();
        @if !bad.is_empty() {
            (table("The first records that could not be read", &["line", "column", "reason"], bad.into_iter().map(|bad| html! {
                th scope="row" { (bad["line"].as_u64().unwrap_or(0)) }
                td { (bad["column"].as_str().unwrap_or("–")) }
                td { (bad["reason"].as_str().unwrap_or_default()) }
            })))
        }
    }
}

fn uploading(frame: &Frame, dataset: &DatasetView, action: &str, api: &str) -> Markup {
    let again = !matches!(dataset.state, DatasetState::Empty | DatasetState::Rejected);
    html! {
        form.panel method="post" action=(action) enctype="multipart/form-data" data-upload {
            // First, so that it is judged before the file is taken.
            input type="hidden" name="token" value=(frame.token);
            h2 { @if again { "Replace the trace" } @else { "Upload the trace" } }
            label for="trace" {
                "File"
                small {
                    "CSV or JSON lines, plain or packed; Parquet; Arrow; packet captures. Choose it, or drop it here."
                }
            }
            input id="trace" name="trace" type="file" required;
            button { "Upload" }
            // For the script, which shows how far it is.
            div data-sent hidden {
                label for="sent" { "Sent" }
                progress id="sent" max="100" value="0" {}
                p role="status" data-rate {}
                button.grave type="button" data-stop { "Stop" }
            }
            (Curl::of("PUT", format!("{api}/trace")).file("FILE").hint())
        }
    }
}
