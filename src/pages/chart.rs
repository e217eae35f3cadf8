//! Plots in SVG, drawn here: a figure with its title and unit, what it shows in words for whoever cannot see it, and its numbers in a table behind a fold. Colours are
//! the stylesheet's; what is measured is hollow or dashed and what is synthetic is full, so that they differ in black and white, too.

use super::words::about;
use maud::{Markup, html};
use std::fmt::Write;

/// Units of a plot's width; the stylesheet says how large it is shown.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 120.0;
/// Above the plot, where the largest value is told, and below it, where the axis is.
const ABOVE: f64 = 18.0;
const BELOW: f64 = 20.0;
/// A row of bars: its name above, the bar below.
const ROW: f64 = 38.0;
const BAR: f64 = 13.0;
/// Ratios beyond this are drawn at the edge.
const FARTHEST: f64 = 10.0;

/// A bar from 0 to 1 and a mark beside it.
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// What it is compared with.
    pub mark: Option<f64>,
}

/// What noise explains of a distance, and the distance: an interval and a point.
pub struct Span {
    /// What it is of.
    pub name: String,
    /// The point.
    pub value: f64,
    /// The middle of the interval.
    pub middle: f64,
    /// From there to its ends.
    pub reach: f64,
}

/// What stands on both sides of a comparison: of the hollow bars or the dashed line, and of the full ones.
pub type Sides = [&'static str; 2];

/// The sides of the private report.
pub const RAW: Sides = ["raw", "synthetic"];
/// The sides of the release report.
pub const MEASURED: Sides = ["measured, with noise", "synthetic"];

/// A figure: title, plot, what the plot shows, its numbers.
fn figure(title: &str, unit: &str, shown: &str, size: (f64, f64), drawn: Markup, table: Markup) -> Markup {
    let (width, height) = size;
    html! {
        figure {
            figcaption { (title) @if !unit.is_empty() { " " span { "(" (unit) ")" } } }
            svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(format!("{title}. {shown}")) {
                title { (title) }
                (drawn)
            }
            details {
                summary { "Figures: " (title) }
                div.scroll tabindex="0" role="group" aria-label=(format!("Figures: {title}")) { (table) }
            }
        }
    }
}

/// Text in a plot.
fn text(x: f64, y: f64, anchor: &str, what: &str) -> Markup {
    html! { text x=(at(x)) y=(at(y)) text-anchor=(anchor) { (what) } }
}

/// A place in a plot: a tenth of a unit is enough.
fn at(x: f64) -> String {
    format!("{x:.1}")
}

/// Which side is drawn how.
fn key([hollow, full]: Sides, line: bool) -> Markup {
    let y = ABOVE - 6.0;
    html! {
        @if line {
            path.course.told d=(format!("M{} {}h22", WIDTH - 250.0, y - 4.0)) {}
            path.course.made d=(format!("M{} {}h22", WIDTH - 76.0 - 22.0, y - 4.0)) {}
        } @else {
            rect.told x=(at(WIDTH - 238.0)) y=(at(y - 9.0)) width="10" height="9" {}
            rect.made x=(at(WIDTH - 86.0)) y=(at(y - 9.0)) width="10" height="9" {}
        }
        (text(WIDTH - 222.0, y, "start", hollow))
        (text(WIDTH - 70.0, y, "start", full))
    }
}

/// The base line, and what the top of the plot stands for.
fn frame(most: f64) -> Markup {
    let base = ABOVE + HEIGHT;
    html! {
        path.axis d=(format!("M0 {base}H{WIDTH}")) {}
        path.axis d=(format!("M0 {ABOVE}H8")) {}
        (text(0.0, ABOVE - 6.0, "start", &about(most)))
    }
}

/// Values of both sides over equal steps of this many seconds.
pub fn course(title: &str, unit: &str, seconds: f64, real: &[f64], synthetic: &[f64]) -> Markup {
    let most = real.iter().chain(synthetic).copied().fold(f64::MIN_POSITIVE, f64::max);
    let line = |values: &[f64]| {
        let step = WIDTH / values.len().max(2) as f64;
        let mut points = String::new();
        for (i, value) in values.iter().enumerate() {
            let _ = write!(
                points,
                "{:.1},{:.1} ",
                (i as f64 + 0.5) * step,
                ABOVE + HEIGHT * (1.0 - value / most)
            );
        }
        points
    };
    let drawn = html! {
        (frame(if most > f64::MIN_POSITIVE { most } else { 0.0 }))
        (key(RAW, true))
        polyline.course.told points=(line(real)) {}
        polyline.course.made points=(line(synthetic)) {}
        (text(0.0, ABOVE + HEIGHT + 14.0, "start", "0 s"))
        (text(WIDTH, ABOVE + HEIGHT + 14.0, "end", &format!("{} s", about(seconds * real.len() as f64))))
    };
    let table = html! {
        table {
            thead { tr { th scope="col" { "from (s)" } th.n scope="col" { (RAW[0]) } th.n scope="col" { (RAW[1]) } } }
            tbody { @for (i, (real, synthetic)) in real.iter().zip(synthetic).enumerate() {
                tr { th scope="row" { (about(seconds * i as f64)) } td.n { (about(*real)) } td.n { (about(*synthetic)) } }
            } }
        }
    };
    let shown = format!(
        "Two lines over {} steps: {} dashed, {} drawn through; the highest value is {}.",
        real.len(),
        RAW[0],
        RAW[1],
        about(most)
    );
    figure(title, unit, &shown, (WIDTH, ABOVE + HEIGHT + BELOW), drawn, table)
}

/// Values of both sides in bins beside one another, each named by the least that falls into it. `error`: how far a hollow bar may be off.
pub fn histogram(
    title: &str,
    unit: &str,
    sides: Sides,
    bins: &[String],
    values: [&[f64]; 2],
    error: Option<f64>,
) -> Markup {
    let [told, made] = values;
    let reach = error.unwrap_or(0.0);
    let highest = told.iter().map(|value| value + reach).chain(made.iter().copied());
    let most = highest.fold(f64::MIN_POSITIVE, f64::max);
    let (step, base) = (WIDTH / told.len().max(1) as f64, ABOVE + HEIGHT);
    let height = |value: f64| HEIGHT * (value / most).clamp(0.0, 1.0);
    let bar = |class: &str, bin: usize, side: f64, value: f64| {
        let (x, height) = ((bin as f64 + 0.06 + 0.44 * side) * step, height(value));
        html! { rect class=(class) x=(at(x)) y=(at(base - height)) width=(at(0.42 * step)) height=(at(height)) {} }
    };
    // Of many bins every so many are named.
    let every = told.len().div_ceil(12).max(1);
    let drawn = html! {
        (frame(if most > f64::MIN_POSITIVE { most } else { 0.0 }))
        (key(sides, false))
        @for (bin, (told, made)) in told.iter().zip(made).enumerate() {
            (bar("told", bin, 0.0, *told))
            (bar("made", bin, 1.0, *made))
            @if error.is_some() {
                @let x = (bin as f64 + 0.27) * step;
                path.error d=(format!("M{x:.1} {:.1}V{:.1}m-3 0h6", base - height(told - reach), base - height(told + reach))) {}
            }
            @if bin % every == 0 { @if let Some(name) = bins.get(bin) { (text((bin as f64 + 0.06) * step, base + 14.0, "start", name)) } }
        }
    };
    let table = html! {
        table {
            thead { tr { th scope="col" { "from" } th.n scope="col" { (sides[0]) } th.n scope="col" { (sides[1]) } } }
            tbody { @for (bin, (told, made)) in told.iter().zip(made).enumerate() {
                tr {
                    th scope="row" { (bins.get(bin).map_or("", String::as_str)) }
                    td.n { (about(*told)) @if error.is_some() { " ± " (about(reach)) } }
                    td.n { (about(*made)) }
                }
            } }
        }
    };
    let errors = if error.is_some() {
        " A line shows how far noise may put a hollow bar off: two standard deviations either way."
    } else {
        ""
    };
    let shown = format!(
        "Bars in {} bins: {} hollow, {} full; the highest is {}.{errors}",
        told.len(),
        sides[0],
        sides[1],
        about(most)
    );
    figure(title, unit, &shown, (WIDTH, base + BELOW), drawn, table)
}

/// The names of bins that double: 0, 1, 2 to 3 and so on.
pub fn doubling(bins: usize) -> Vec<String> {
    (0..bins).map(|bin| if bin == 0 { "0".into() } else { power(bin - 1) }).collect()
}

/// 2 to this power, short.
pub fn power(of: usize) -> String {
    match of {
        0..14 => (1u64 << of).to_string(),
        14..20 => format!("{}k", 1u64 << (of - 10)),
        20..30 => format!("{}M", 1u64 << (of - 20)),
        _ => format!("2^{of}"),
    }
}

/// Bars from 0 to 1, each with its figure.
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
    let table = html! {
        table {
            thead { tr { th scope="col" { "of" } th.n scope="col" { "value" } th.n scope="col" { (marked) } } }
            tbody { @for bar in bars {
                tr { th scope="row" { (bar.name) } td.n { (format!("{:.3}", bar.value)) } td.n { (bar.mark.map_or("–".into(), |mark| format!("{mark:.3}"))) } }
            } }
        }
    };
    let shown = format!("{} bars from 0 to 1; a mark across a bar is the {marked}.", bars.len());
    figure(
        title,
        &format!("0 to 1; the mark is the {marked}"),
        &shown,
        (WIDTH, bars.len() as f64 * ROW),
        drawn,
        table,
    )
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
    let table = html! {
        table {
            thead { tr { th scope="col" { "of" } th.n scope="col" { "synthetic / raw" } } }
            tbody { @for (name, ratio) in ratios { tr { th scope="row" { (name) } td.n { (format!("{ratio:.2}")) } } } }
        }
    };
    let shown = format!(
        "{} points on a line from a tenth to ten times; the middle is 1, where both are equal.",
        ratios.len()
    );
    figure(title, "from × 0.1 to × 10; the middle is × 1", &shown, (WIDTH, height), drawn, table)
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
    let table = html! {
        table {
            thead { tr { th scope="col" { "of" } th.n scope="col" { "distance" } th.n scope="col" { "noise alone" } } }
            tbody { @for span in spans {
                tr { th scope="row" { (span.name) } td.n { (about(span.value)) } td.n { (about(span.middle)) " ± " (about(span.reach)) } }
            } }
        }
    };
    let shown = format!(
        "{} points, each beside a box: where noise alone would put it. The axis goes from 0 to {}.",
        spans.len(),
        about(most)
    );
    figure(title, unit, &shown, (WIDTH, spans.len() as f64 * ROW), drawn, table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_anything_is_drawn_within_the_frame() {
        let far = [("far".to_string(), 1e300), ("gone".to_string(), 0.0), ("same".to_string(), 1.0)];
        let drawn = ratios("r", &far).into_string();
        let places: Vec<&str> =
            drawn.split("cx=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(places, ["434.0", "6.0", "220.0"]);
        let bar = Bar { name: "b".into(), value: 7.0, mark: Some(0.5) };
        let drawn = bars("b", "floor", &[bar]).into_string();
        assert!(drawn.contains("width=\"440.0\"") && drawn.contains("x=\"218.5\""), "{drawn}");
        let nothing = Span { name: "s".into(), value: 0.0, middle: 0.0, reach: 0.0 };
        for drawn in [
            course("c", "", 1.0, &[0.0; 20], &[0.0; 20]),
            course("c", "", 1.0, &[], &[]),
            histogram("h", "", RAW, &[], [&[], &[]], None),
            spans("s", "", &[nothing]),
            spans("s", "", &[]),
        ] {
            let drawn = drawn.into_string();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
        let drawn = histogram("h", "", RAW, &doubling(2), [&[0.0, 1.0], &[0.5, 0.5]], None).into_string();
        assert_eq!(drawn.matches("height=\"60.0\"").count(), 2, "{drawn}");
    }

    #[test]
    fn every_plot_tells_its_title_its_unit_and_its_figures() {
        let drawn =
            histogram("<h>", "records", MEASURED, &doubling(2), [&[-3.0, 10.0], &[0.0, 9.0]], Some(4.0))
                .into_string();
        for part in [
            "<title>&lt;h&gt;</title>",
            "(records)",
            "role=\"img\"",
            "aria-label=\"&lt;h&gt;. Bars",
            "<details>",
            "10.0 ± 4",
        ] {
            assert!(drawn.contains(part), "{part} in {drawn}");
        }
        // In HTML an element of a plot that is left open would hold those that follow it.
        for name in ["path", "rect", "text"] {
            assert_eq!(
                drawn.matches(&format!("<{name} ")).count(),
                drawn.matches(&format!("</{name}>")).count(),
                "{name}"
            );
        }
        // Below nothing there is nothing to draw, whatever noise says.
        assert!(!drawn.contains("height=\"-"), "{drawn}");
        assert_eq!([power(0), power(13), power(14), power(22), power(40)].join(" "), "1 8192 16k 4M 2^40");
    }
}
