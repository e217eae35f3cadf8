//! Fits and quotes of one dataset side by side, for a steward to choose from.

use super::quote::range;
use super::{Curl, Frame, from_raw_records};
use crate::account::statement::percent;
use crate::fit::foretell::ForetoldRange;
use crate::pages::chart::{Stand, side_by_side};
use crate::pages::table;
use crate::pages::words::{about, when};
use crate::service::comparison::{Compared, ComparisonChoice, ComparisonView, MOST};
use crate::service::datasets::DatasetView;
use maud::{Markup, html};

/// Letter of a fit or quote on the page.
fn letter(place: usize) -> String {
    char::from(b'A' + (place % 26) as u8).to_string()
}

fn stands(
    items: &[Compared],
    foretold: impl Fn(&Compared) -> Option<ForetoldRange>,
    measured: impl Fn(&Compared) -> Option<f64>,
) -> Vec<Stand> {
    let stand = |(place, item): (usize, &Compared)| Stand {
        name: letter(place),
        epsilon: item.epsilon,
        foretold: foretold(item).map(|range| [range.lower, range.middle, range.upper]),
        measured: measured(item),
    };
    items.iter().enumerate().map(stand).collect()
}

fn charts(items: &[Compared]) -> Markup {
    let two_way = stands(
        items,
        |item| Some(item.foretold.as_ref()?.foretold.two_way),
        |item| Some(item.measured.as_ref()?.two_way),
    );
    let loss = stands(
        items,
        |item| item.foretold.as_ref()?.foretold.accuracy_loss,
        |item| item.measured.as_ref()?.accuracy_loss,
    );
    let tells = loss.iter().any(|stand| stand.foretold.is_some() || stand.measured.is_some());
    html! {
        div.charts {
            (side_by_side("Two-way distance", "mean over pairs of columns; 0 is equal; box expected, point measured", &two_way))
            @if tells {
                (side_by_side("Accuracy lost by trees", "share of records; 0 is nothing; box expected, point measured", &loss))
            }
        }
    }
}

/// Action for one of them.
fn choose(frame: &Frame, dataset: &DatasetView, item: &Compared) -> Markup {
    html! {
        @match (item.model_id, item.release_id) {
            (Some(_), Some(release)) => a href=(format!("/console/releases/{release}")) { "Its release" },
            (Some(_), None) => a href="/console/releases" { "Releases" },
            (None, _) => (frame.form(&format!("/console/datasets/{}/quote", dataset.id), "plain", html! {
                input type="hidden" name="epsilon" value=(item.epsilon);
                @if item.hold_out { input type="hidden" name="hold_out" value="yes"; }
                button { "Quote" }
            })),
        }
    }
}

fn figures(frame: &Frame, dataset: &DatasetView, items: &[Compared]) -> Markup {
    let head = [
        "",
        "what",
        ">ε",
        ">ρ",
        ">two-way distance: expected",
        ">measured",
        ">floor",
        ">accuracy lost (points): expected",
        ">measured",
        "choose",
    ];
    table("Fits and quotes", &head, items.iter().enumerate().map(|(place, item)| html! {
        th scope="row" { (letter(place)) }
        td.words {
            @if item.model_id.is_some() { "fit" } @else { "quote" }
            @if item.hold_out { ", a fifth held out" }
            @match item.fits { Some(true) => ", within the budget", Some(false) => ", beyond the budget", None => "" }
        }
        td.n { (item.epsilon) }
        td.n { (about(item.rho)) }
        @let told = item.foretold.as_ref().map(|foretold| &foretold.foretold);
        td.n.range {
            (told.map_or("–".into(), |told| range(&told.two_way, 1.0)))
            @if told.is_some_and(|told| told.beyond_measured) { " *" }
        }
        @let found = item.measured.as_ref();
        td.n { (found.map_or("–".into(), |found| about(found.two_way))) }
        td.n { (found.and_then(|found| found.two_way_floor).map_or("–".into(), about)) }
        td.n.range {
            (told.and_then(|told| told.accuracy_loss.as_ref()).map_or("–".into(), |loss| range(loss, 100.0)))
        }
        td.n {
            (found.and_then(|found| found.accuracy_loss).map_or("–".into(), percent))
        }
        td { (choose(frame, dataset, item)) }
    }))
}

fn choosing(dataset: &DatasetView, view: &ComparisonView) -> Markup {
    let chosen =
        |choice: &ComparisonChoice| view.items.iter().any(|item| item.model_id == Some(choice.model_id));
    let quotes: Vec<&Compared> = view.items.iter().filter(|item| item.model_id.is_none()).collect();
    html! {
        form.panel method="get" action=(format!("/console/datasets/{}/compare", dataset.id)) {
            h2 { "Choose what to compare" }
            p {
                "Up to " (MOST) " together. " strong { "Looking is recorded: " }
                "a fit that was compared with the raw trace shows figures of its private report, which counts as opening it; "
                "an ε without a fit is quoted. Both are recorded for the population permanently, and shown to readers."
            }
            @if view.choices.is_empty() { p { "No fit of this dataset has ended yet." } } @else {
                fieldset {
                    legend { "Fits" }
                    @for choice in &view.choices {
                        label.check {
                            input type="checkbox" name="model" value=(choice.model_id) checked[chosen(choice)];
                            " ε = " (choice.epsilon) ", " (when(&choice.created_at))
                            @if choice.hold_out { ", a fifth held out" }
                            @if choice.compared { ", compared with the raw trace" } @else { ", not compared" }
                        }
                    }
                }
            }
            fieldset {
                legend { "Quotes" }
                @for place in 0..3 {
                    @let id = format!("epsilon-{place}");
                    label for=(id) { "ε of quote " (place + 1) }
                    input id=(id) name="epsilon" type="number" min="0.01" max="10000" step="any" value=[quotes.get(place).map(|quote| quote.epsilon)];
                }
                label.check {
                    input type="checkbox" name="hold_out" value="true" checked[quotes.iter().any(|quote| quote.hold_out)];
                    " Quotes hold out a fifth of the records"
                }
            }
            button { "Compare and record" }
        }
    }
}

/// What was asked for side by side, and the form to ask for others. `query` is that of the page.
pub fn compare(frame: &Frame, dataset: &DatasetView, view: &ComparisonView, query: &str) -> String {
    let ask = if query.is_empty() { String::new() } else { format!("?{query}") };
    let beyond = view
        .items
        .iter()
        .any(|item| item.foretold.as_ref().is_some_and(|told| told.foretold.beyond_measured));
    let body = html! {
        @if view.private { (from_raw_records()) }
        h1 { "Fits and quotes of " (dataset.name) }
        @if !view.items.is_empty() {
            (charts(&view.items))
            (figures(frame, dataset, &view.items))
            @if beyond {
                p.quiet {
                    "* fewer or more records over noise than were ever measured: the nearest that was stands here"
                }
            }
            p.quiet {
                "Expected values come from measurements on public traces: for a fit by its noisy number of records, for a quote by the private one."
            }
            @for (place, item) in view.items.iter().enumerate() {
                @if let Some(why) = item.not_measured { p.quiet { (letter(place)) ": " (why) "." } }
            }
        }
        (choosing(dataset, view))
        p { a href=(format!("/console/datasets/{}", dataset.id)) { "Back to the dataset" } }
        (Curl::get(format!("/v1/datasets/{}/comparison{ask}", dataset.id)).same())
        @if view.private {
            p.private { "PRIVATE: do not share this page; readers get the release report" }
        }
    };
    match view.private {
        true => frame.private_page("/console/datasets", "PRIVATE comparison", body),
        false => frame.page("/console/datasets", "Compare", html! {}, body),
    }
}
