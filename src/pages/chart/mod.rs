//! Plots in SVG, drawn here: a figure with its title and unit, a text alternative, and its numbers in a collapsed table. Colours are the stylesheet's; what is
//! measured is hollow or dashed and what is synthetic is full, so that they differ in black and white, too.

mod epsilon;
mod grid;
mod rows;
mod sides;

pub use epsilon::{Course, Stand, course_of_epsilon, side_by_side};
pub use grid::grid;
pub use rows::{Bar, Span, bars, ratios, spans};
pub use sides::{MEASURED, RAW, course, doubling, histogram, power, tail};

use super::table;
use maud::{Markup, html};

/// Units of a plot's width; the stylesheet says how large it is shown.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 120.0;
/// Space above the plot, for the largest value, and below it, for the axis.
const ABOVE: f64 = 18.0;
const BELOW: f64 = 20.0;

/// A figure: title, plot, what the plot shows, its numbers in the rows of a table.
fn figure(
    title: &str,
    unit: &str,
    shown: &str,
    size: (f64, f64),
    drawn: Markup,
    head: &[&str],
    rows: impl Iterator<Item = Markup>,
) -> Markup {
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
                (table(&format!("Figures: {title}"), head, rows))
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
    fn a_tail_falls_by_decades_and_ends_before_nothing() {
        let drawn = tail("t", "", RAW, &doubling(3), [&[1.0, 0.1, 0.01], &[1.0, 0.5, 0.0]]).into_string();
        // Two decades: a tenth is halfway down, a hundredth at the bottom.
        let half = ABOVE + HEIGHT / 2.0;
        assert!(drawn.contains(&format!("146.7,{half:.1} 293.3,{half:.1} ")), "{drawn}");
        assert!(drawn.contains(&format!("440.0,{:.1} \"", ABOVE + HEIGHT)), "{drawn}");
        assert_eq!(drawn.matches("<polyline").count(), 2);
        for nothing in [[&[][..], &[]], [&[0.0; 4], &[0.0; 4]]] {
            let drawn = tail("t", "", RAW, &[], nothing).into_string();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }

    #[test]
    fn a_grid_has_a_cell_for_every_pair_in_one_half() {
        let drawn =
            grid("g", "", &["a", "b", "c"], &[(["c", "a"], 1.0), (["a", "b"], 0.0), (["x", "a"], 0.5)])
                .into_string();
        assert_eq!(drawn.matches("<rect").count(), 2, "{drawn}");
        // c × a: the third row, the first column.
        assert!(
            drawn.contains("x=\"80.0\" y=\"240.0\"")
                && drawn.contains("fill-opacity=\"0.45\"")
                && drawn.contains(">100</text>"),
            "{drawn}"
        );
        assert!(!grid("g", "", &[], &[]).into_string().contains("NaN"));
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
