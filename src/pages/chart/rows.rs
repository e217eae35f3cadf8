//! Plots of rows: bars, ratios, and points beside what noise explains.

use super::{WIDTH, at, figure, text};
use crate::pages::words::about;
use maud::{Markup, html};

/// A row: its name above, what is drawn below.
const ROW: f64 = 38.0;
const BAR: f64 = 13.0;
/// Ratios beyond this are drawn at the edge.
const FARTHEST: f64 = 10.0;

/// A bar from 0 to 1 and a mark beside it.
pub struct Bar {
    /// Name.
    pub name: String,
    /// Length.
    pub value: f64,
    /// Mark that it is compared with.
    pub mark: Option<f64>,
}

/// What noise explains of a distance, and the distance: an interval and a point.
pub struct Span {
    /// Name.
    pub name: String,
    /// The point.
    pub value: f64,
    /// The middle of the interval.
    pub middle: f64,
    /// From there to its ends.
    pub reach: f64,
}

/// Bars from 0 to 1, each with its figure; what a mark across a bar is, or nothing where none has one.
pub fn bars(title: &str, marked: &str, bars: &[Bar]) -> Markup {
    let x = |value: f64| WIDTH * value.clamp(0.0, 1.0);
    let drawn = html! {
        @for (row, bar) in bars.iter().enumerate() {
            @let top = row as f64 * ROW;
            (text(0.0, top + 14.0, "start", &format!("{}  {:.3}", bar.name, bar.value)))
            path.axis d=(format!("M0 {}H{WIDTH}", top + 19.0 + BAR)) {}
            rect.made x="0" y=(at(top + 19.0)) width=(at(x(bar.value))) height=(BAR) {}
            @if let Some(mark) = bar.mark {
                rect.floor x=(at((x(mark) - 1.5).max(0.0))) y=(at(top + 16.0)) width="3" height=(BAR + 6.0) {}
            }
        }
    };
    let rows = bars.iter().map(|bar| {
        html! {
            th scope="row" { (bar.name) }
            td.n { (format!("{:.3}", bar.value)) }
            @if !marked.is_empty() {
                td.n { (bar.mark.map_or("–".into(), |mark| format!("{mark:.3}"))) }
            }
        }
    });
    let mark_of = format!(">{marked}");
    let head = &["of", ">value", &mark_of][..if marked.is_empty() { 2 } else { 3 }];
    let (unit, mark) = match marked {
        "" => ("0 to 1".to_string(), String::new()),
        marked => {
            (format!("0 to 1; the mark is the {marked}"), format!("; a mark across a bar is the {marked}"))
        }
    };
    let shown = format!("{} bars from 0 to 1{mark}.", bars.len());
    figure(title, &unit, &shown, (WIDTH, bars.len() as f64 * ROW), drawn, head, rows)
}

/// Ratios on a logarithmic line from a tenth to ten; the line in the middle is 1.
pub fn ratios(title: &str, ratios: &[(String, f64)]) -> Markup {
    let (middle, height) = (WIDTH / 2.0, ratios.len() as f64 * ROW);
    let drawn = html! {
        path.axis d=(format!("M{middle} 0V{height}")) {}
        @for (row, (name, ratio)) in ratios.iter().enumerate() {
            @let far = ratio.clamp(1.0 / FARTHEST, FARTHEST).ln() / FARTHEST.ln();
            @let y = row as f64 * ROW + 19.0 + BAR / 2.0;
            (text(0.0, y - 11.5, "start", &format!("{name}  × {ratio:.2}")))
            path.axis d=(format!("M0 {y}H{WIDTH}")) {}
            circle.made cx=(at((middle + far * middle).clamp(6.0, WIDTH - 6.0))) cy=(at(y)) r="6" {}
        }
    };
    let rows = ratios.iter().map(|(name, ratio)| {
        html! { th scope="row" { (name) } td.n { (format!("{ratio:.2}")) } }
    });
    let shown = format!(
        "{} points on a line from a tenth to ten times; the middle is 1, where both are equal.",
        ratios.len()
    );
    figure(
        title,
        "from × 0.1 to × 10; the middle is × 1",
        &shown,
        (WIDTH, height),
        drawn,
        &["of", ">synthetic / raw"],
        rows,
    )
}

/// Points, each beside the interval in which noise alone would put it.
pub fn spans(title: &str, unit: &str, spans: &[Span]) -> Markup {
    let most = spans
        .iter()
        .flat_map(|span| [span.value, span.middle + span.reach])
        .fold(f64::MIN_POSITIVE, f64::max);
    let x = |value: f64| (WIDTH - 12.0) * (value / most).clamp(0.0, 1.0) + 6.0;
    let drawn = html! {
        @for (row, span) in spans.iter().enumerate() {
            @let y = row as f64 * ROW + 19.0 + BAR / 2.0;
            @let (from, to) = (x(span.middle - span.reach), x(span.middle + span.reach));
            (text(0.0, y - 11.5, "start", &format!("{}  {}", span.name, about(span.value))))
            path.axis d=(format!("M0 {y}H{WIDTH}")) {}
            rect.told x=(at(from)) y=(at(y - 5.0)) width=(at((to - from).max(1.0))) height="10" {}
            path.error d=(format!("M{:.1} {:.1}v14", x(span.middle), y - 7.0)) {}
            circle.made cx=(at(x(span.value))) cy=(at(y)) r="5" {}
        }
    };
    let rows = spans.iter().map(|span| {
        html! {
            th scope="row" { (span.name) }
            td.n { (about(span.value)) }
            td.n { (about(span.middle)) " ± " (about(span.reach)) }
        }
    });
    let shown = format!(
        "{} points, each beside a box: where noise alone would put it. The axis goes from 0 to {}.",
        spans.len(),
        about(most)
    );
    figure(
        title,
        unit,
        &shown,
        (WIDTH, spans.len() as f64 * ROW),
        drawn,
        &["of", ">distance", ">noise alone"],
        rows,
    )
}
