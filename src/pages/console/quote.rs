//! What a fit would cost and how good it would be, over ε; and the forms that ask for another ε and start the fit.

use super::{Curl, Frame, check};
use crate::account::statement::percent;
use crate::fit::foretell::ForetoldRange;
use crate::pages::chart::{Course, course_of_epsilon};
use crate::pages::words::{about, bytes};
use crate::service::datasets::DatasetView;
use crate::service::quotes::{AtEpsilon, QuoteRequest, QuoteView};
use maud::{Markup, html};
use serde_json::json;
use uuid::Uuid;

/// The ends of the slider, as powers of ten.
const SLIDER: [i32; 2] = [-1, 1];

/// ε as a number and, where a script runs, by a slider: the script shows it and keeps both alike. Along a slider ε is a power of ten.
fn epsilon(value: f64) -> Markup {
    html! {
        label for="epsilon" { "ε" small { "Smaller protects more and keeps less; 2 is common." } }
        input id="epsilon" name="epsilon" type="number" min="0.01" max="10000" step="any" value=(value) required;
        input data-slides="epsilon" type="range" min=(SLIDER[0]) max=(SLIDER[1]) step="0.01" aria-label="ε, by slider" hidden;
        output for="epsilon" data-foretold {}
    }
}

/// The form that asks what a fit would cost.
pub(super) fn asking(frame: &Frame, dataset: Uuid, value: f64, hold_out: bool, heading: &str) -> Markup {
    frame.form(&format!("/console/datasets/{dataset}/quote"), "panel", html! {
        h2 { (heading) }
        p {
            "A quote reserves nothing. It uses the private number of records; this is recorded and shown to readers."
        }
        (epsilon(value))
        (check("hold_out", "Hold out a fifth of the records, so that the private report has floors", hold_out, false))
        button { "Quote" }
    })
}

/// What is foretold over ε. The script reads its points, which are in the table as well.
fn curves(request: &QuoteRequest, quote: &QuoteView) -> Markup {
    let course = |of: fn(&AtEpsilon) -> Option<ForetoldRange>| Course {
        points: quote
            .curve
            .iter()
            .filter_map(|at| of(at).map(|range| (at.epsilon, [range.lower, range.middle, range.upper])))
            .collect(),
        chosen: request.epsilon,
        largest: quote.largest_epsilon,
    };
    let (two_way, loss) = (course(|at| Some(at.two_way)), course(|at| at.accuracy_loss));
    let points: Vec<_> = quote
        .curve
        .iter()
        .map(|at| json!([at.epsilon, at.rho, at.two_way.lower, at.two_way.middle, at.two_way.upper]))
        .collect();
    html! {
        @if !quote.curve.is_empty() {
            div.charts data-points=(json!(points)) data-left=(quote.left_rho) {
                (course_of_epsilon("Expected two-way distance", "mean over pairs of columns; 0 is equal", &two_way))
                @if !loss.points.is_empty() {
                    (course_of_epsilon("Expected accuracy loss of trees", "share of records; 0 is nothing", &loss))
                }
            }
        }
    }
}

/// The rho of a quote as a picture: what the fit takes of what is left.
fn picture(quote: &QuoteView) -> Markup {
    let share =
        if quote.left_rho > 0.0 { (quote.required_rho / quote.left_rho).clamp(0.0, 1.0) } else { 1.0 };
    let label = format!("The fit takes {} % of the ρ that is left", percent(share));
    html! {
        figure {
            figcaption { "Share of the remaining budget" }
            svg viewBox="0 0 440 26" role="img" aria-label=(label) {
                title { (label) }
                rect.left x="1" y="2" width="438" height="20" {}
                rect.made x="1" y="2" width=(format!("{:.1}", 438.0 * share)) height="20" {}
            }
            p.hint { (label) "." }
        }
    }
}

/// A forecast in words: the middle value and its range, both times `scale`.
pub(super) fn range(range: &ForetoldRange, scale: f64) -> String {
    let [lower, middle, upper] = [range.lower, range.middle, range.upper].map(|x| about(scale * x));
    format!("{middle} ({lower} to {upper})")
}

/// The quote, and the form for a fit by it. `key` makes a form that is sent twice one fit.
pub fn quote(
    frame: &Frame,
    dataset: &DatasetView,
    request: &QuoteRequest,
    quote: &QuoteView,
    key: &str,
) -> String {
    let mut asked = json!({"dataset_id": dataset.id, "epsilon": request.epsilon});
    if request.hold_out {
        asked["hold_out"] = true.into();
    }
    let mut fit = asked.clone();
    fit["kind"] = "fit".into();
    let noise = quote.expected.as_ref().is_some_and(|expected| expected.accept_noise);
    let outside = quote.outside.as_ref().is_some_and(|outside| outside.accept_outside);
    let body = html! {
        h1 { "A fit of " (dataset.name) " at ε = " (request.epsilon) }
        div.verdict {
            p { @if quote.fits { "The budget pays for it." } @else { "The budget does not pay for it." } }
            @if let (false, Some(largest)) = (quote.fits, quote.largest_epsilon) {
                p { "The largest ε that still fits is " (about(largest)) "." }
            }
            @if noise { p { strong { "Noise leaves little of so few records." } } }
            @if outside { p { strong { "More than half of a column lies outside what is declared." } } }
        }
        @if !quote.curve.is_empty() {
            p.private { "PRIVATE: the forecast depends on the number of raw records" }
        }
        (picture(quote))
        (curves(request, quote))
        dl {
            dt { "It would reserve" } dd { "ρ = " (about(quote.required_rho)) }
            dt { "Left" } dd { "ρ = " (about(quote.left_rho)) }
            @if let Some(expected) = &quote.expected {
                dt { "Noise" }
                dd {
                    (percent(expected.records_error)) " % of the number of records, "
                    (percent(expected.cell_error)) " % of one cell of the median column"
                }
                @if let Some(enough) = expected.enough_epsilon {
                    dt { "Enough would be" } dd { "ε = " (about(enough)) }
                }
            }
            @if let Some(fidelity) = &quote.fidelity {
                dt { "Two-way distance" }
                dd {
                    (range(&fidelity.foretold.two_way, 1.0)) ", from public traces"
                    @if fidelity.foretold.beyond_measured { "; the nearest measured value" }
                }
                @if let Some(loss) = &fidelity.foretold.accuracy_loss {
                    dt { "Accuracy of trees" } dd { (range(loss, 100.0)) " points lower" }
                }
            }
            @if let Some(outside) = &quote.outside {
                @for warning in &outside.warnings { dt { "Mind" } dd { (warning) } }
            }
            @if let Some(resources) = &quote.resources {
                dt { "Memory" }
                dd {
                    (bytes(resources.memory_bytes))
                    @if !resources.fits { ", which no server that runs has" }
                }
                dt { "Time" } dd { "about " (resources.seconds) " s" }
            }
            dt { "Disk" } dd { (bytes(quote.disk.bytes)) @if !quote.disk.fits { ", which is not free" } }
        }
        @if quote.curve.is_empty() {
            p.private { "PRIVATE: the forecast depends on the number of raw records" }
        }
        (asking(frame, dataset.id, request.epsilon, request.hold_out, "Ask for another ε"))
        @if quote.fits {
            (frame.form(&format!("/console/datasets/{}/fit", dataset.id), "panel", html! {
                h2 { "Start the fit at ε = " (request.epsilon) }
                p { "The charge is not returned." }
                input type="hidden" name="key" value=(key);
                input type="hidden" name="epsilon" value=(request.epsilon);
                @if request.hold_out { input type="hidden" name="hold_out" value="yes"; }
                (check("evaluate", "Compare the first trace with the raw one: a private report for you", true, false))
                @if noise { (check("accept_noise", "Measure although noise leaves little", false, true)) }
                @if outside {
                    (check("accept_outside", "Measure although much lies outside what is declared", false, true))
                }
                button { "Fit" }
                (Curl::of("POST", "/v1/jobs").with(fit).hint())
            }))
        }
        p {
            a href=(format!("/console/datasets/{}/compare", dataset.id)) {
                "Compare it with fits and other quotes"
            }
            ", or go "
            a href=(format!("/console/datasets/{}", dataset.id)) { "back to the dataset" } "."
        }
        (Curl::of("POST", "/v1/quotes").with(asked).done())
    };
    frame.private_page("/console/datasets", "Quote", body)
}
