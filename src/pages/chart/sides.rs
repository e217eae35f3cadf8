//! Plots of two sides: over time, and in bins.

use super::{ABOVE, BELOW, HEIGHT, WIDTH, at, figure, text};
use crate::pages::words::about;
use maud::{Markup, html};
use std::fmt::Write;

/// What stands on both sides of a comparison: of the hollow bars or the dashed line, and of the full ones.
pub type Sides = [&'static str; 2];

/// The sides of the private report.
pub const RAW: Sides = ["raw", "synthetic"];
/// The sides of the release report.
pub const MEASURED: Sides = ["measured, with noise", "synthetic"];

/// Key of the two sides.
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
    let rows = real.iter().zip(synthetic).enumerate().map(|(i, (real, synthetic))| {
        html! {
            th scope="row" { (about(seconds * i as f64)) }
            td.n { (about(*real)) }
            td.n { (about(*synthetic)) }
        }
    });
    let [raw, synthetic] = RAW.map(|side| format!(">{side}"));
    let shown = format!(
        "Two lines over {} steps: {} dashed, {} drawn through; the highest value is {}.",
        real.len(),
        RAW[0],
        RAW[1],
        about(most)
    );
    figure(title, unit, &shown, (WIDTH, ABOVE + HEIGHT + BELOW), drawn, &["from (s)", &raw, &synthetic], rows)
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
        html! {
            rect class=(class) x=(at(x)) y=(at(base - height)) width=(at(0.42 * step)) height=(at(height)) {}
        }
    };
    // Of many bins every so many are named.
    let every = told.len().div_ceil(8).max(1);
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
            @if bin % every == 0 && (bin as f64) * step < WIDTH - 30.0 {
                @if let Some(name) = bins.get(bin) {
                    (text((bin as f64 + 0.06) * step, base + 14.0, "start", name))
                }
            }
        }
    };
    let rows = told.iter().zip(made).enumerate().map(|(bin, (told, made))| {
        html! {
            th scope="row" { (bins.get(bin).map_or("", String::as_str)) }
            td.n { (about(*told)) @if error.is_some() { " ± " (about(reach)) } }
            td.n { (about(*made)) }
        }
    });
    let [one, other] = sides.map(|side| format!(">{side}"));
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
    figure(title, unit, &shown, (WIDTH, base + BELOW), drawn, &["from", &one, &other], rows)
}

/// Decades below 1 that a tail shows at most.
const DECADES: f64 = 6.0;

/// Shares from 1 down of both sides, on a logarithmic axis: of each bin that of the records in it or above.
pub fn tail(title: &str, unit: &str, sides: Sides, bins: &[String], values: [&[f64]; 2]) -> Markup {
    let least = values.iter().flat_map(|side| side.iter()).copied().filter(|share| *share > 0.0);
    let decades = (-least.fold(1.0, f64::min).log10()).ceil().clamp(1.0, DECADES);
    let count = values.iter().map(|side| side.len()).max().unwrap_or(0);
    let (step, base) = (WIDTH / count.max(1) as f64, ABOVE + HEIGHT);
    let down = |share: f64| ABOVE + HEIGHT * (-share.log10() / decades).clamp(0.0, 1.0);
    // A share of 0 is below any axis: the line ends before it.
    let line = |side: &[f64]| {
        let mut points = String::new();
        for (bin, share) in side.iter().enumerate().take_while(|(_, share)| **share > 0.0) {
            let _ = write!(points, "{:.1},{:.1} ", bin as f64 * step, down(*share));
            let _ = write!(points, "{:.1},{:.1} ", (bin + 1) as f64 * step, down(*share));
        }
        points
    };
    let every = count.div_ceil(8).max(1);
    let drawn = html! {
        (frame(1.0))
        (key(sides, true))
        @for decade in 1..=(decades as u32) {
            @let y = ABOVE + HEIGHT * f64::from(decade) / decades;
            path.axis d=(format!("M0 {y:.1}H8")) {}
            @if f64::from(decade) < decades { (text(12.0, y + 4.0, "start", &format!("1e-{decade}"))) }
        }
        polyline.course.told points=(line(values[0])) {}
        polyline.course.made points=(line(values[1])) {}
        @for bin in (0..count).step_by(every) {
            @if (bin as f64) * step < WIDTH - 30.0 {
                @if let Some(name) = bins.get(bin) { (text(bin as f64 * step, base + 14.0, "start", name)) }
            }
        }
    };
    let rows = values[0].iter().zip(values[1]).enumerate().map(|(bin, (one, other))| {
        html! {
            th scope="row" { (bins.get(bin).map_or("", String::as_str)) }
            td.n { (about(*one)) }
            td.n { (about(*other)) }
        }
    });
    let [one, other] = sides.map(|side| format!(">{side}"));
    let shown = format!(
        "Two falling lines over {count} bins, {} dashed and {} drawn through, from 1 down to 1e-{decades} on a logarithmic axis.",
        sides[0], sides[1],
    );
    figure(title, unit, &shown, (WIDTH, base + BELOW), drawn, &["at least", &one, &other], rows)
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
