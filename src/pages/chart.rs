//! Plots of a report in SVG.

use super::escaped;
use std::fmt::Write;

const RAW: &str = "#999";
const SYNTHETIC: &str = "#0b6e99";
/// Pixels of a plot, without what names take.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 110.0;
/// Pixels of names beside bars, of titles above plots, and of a bar with its distance to the next.
const NAMES: f64 = 290.0;
const TITLE: f64 = 24.0;
const ROW: f64 = 19.0;
/// Ratios beyond this are drawn at the edge.
const FARTHEST: f64 = 10.0;

/// A bar from 0 to 1 and a mark beside it.
pub struct Bar {
    pub name: String,
    pub value: f64,
    pub mark: Option<f64>,
}

fn framed(title: &str, width: f64, height: f64, drawn: &str) -> String {
    let (title, all) = (escaped(title), height + TITLE);
    format!(
        "<svg viewBox=\"0 0 {width} {all}\" width=\"{width}\" height=\"{all}\" role=\"img\" font-size=\"12\">\
        <title>{title}</title><text y=\"14\">{title}</text><g transform=\"translate(0 {TITLE})\">{drawn}</g></svg>\n"
    )
}

/// Raw and synthetic values over equal steps.
pub fn course(title: &str, real: &[f64], synthetic: &[f64]) -> String {
    let most = real.iter().chain(synthetic).copied().fold(f64::MIN_POSITIVE, f64::max);
    let path = |values: &[f64], colour| {
        let step = WIDTH / values.len().max(2) as f64;
        let mut points = String::new();
        for (i, value) in values.iter().enumerate() {
            let _ = write!(points, "{:.1},{:.1} ", (i as f64 + 0.5) * step, HEIGHT * (1.0 - value / most));
        }
        format!("<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>")
    };
    let floor = format!("<path d=\"M0 {HEIGHT}H{WIDTH}\" stroke=\"#ccc\"/>");
    framed(title, WIDTH, HEIGHT + 4.0, &(floor + &path(real, RAW) + &path(synthetic, SYNTHETIC)))
}

/// Raw and synthetic shares side by side in bins that double: 0, 1, 2 to 3 and so on.
pub fn histogram(title: &str, real: &[f64], synthetic: &[f64]) -> String {
    let most = real.iter().chain(synthetic).copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = WIDTH / real.len().max(1) as f64;
    let mut drawn = String::new();
    for (bin, pair) in real.iter().zip(synthetic).enumerate() {
        for (side, (value, colour)) in [(pair.0, RAW), (pair.1, SYNTHETIC)].into_iter().enumerate() {
            let (x, height) = ((bin as f64 + 0.45 * side as f64) * step, HEIGHT * value / most);
            let _ = write!(
                drawn,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>",
                HEIGHT - height,
                0.42 * step,
            );
        }
        // The least of the bin; of many bins every fourth.
        if real.len() <= 12 || bin % 4 == 1 {
            let least = if bin == 0 { "0".into() } else { format!("2^{}", bin - 1) };
            let _ = write!(
                drawn,
                "<text x=\"{:.1}\" y=\"{:.1}\">{least}</text>",
                bin as f64 * step,
                HEIGHT + 14.0
            );
        }
    }
    framed(title, WIDTH, HEIGHT + 20.0, &drawn)
}

fn named(row: usize, name: &str) -> String {
    format!("<text y=\"{:.1}\">{}</text>", (row as f64 + 0.7) * ROW, escaped(name))
}

/// Bars from 0 to 1, each with its figure.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    let mut drawn = String::new();
    for (row, bar) in bars.iter().enumerate() {
        let at = |value: f64| NAMES + WIDTH * value.clamp(0.0, 1.0);
        let top = row as f64 * ROW + 2.0;
        drawn += &named(row, &format!("{} {:.3}", bar.name, bar.value));
        let _ = write!(
            drawn,
            "<rect x=\"{NAMES}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"14\" fill=\"{SYNTHETIC}\"/>",
            at(bar.value) - NAMES,
        );
        if let Some(mark) = bar.mark.map(at) {
            let _ = write!(
                drawn,
                "<rect x=\"{mark:.1}\" y=\"{top:.1}\" width=\"2\" height=\"14\" fill=\"#000\"/>"
            );
        }
    }
    framed(title, NAMES + WIDTH + 4.0, bars.len() as f64 * ROW, &drawn)
}

/// Ratios on a logarithmic line from a tenth to ten; the line in the middle is 1.
pub fn ratios(title: &str, ratios: &[(String, f64)]) -> String {
    let middle = NAMES + WIDTH / 2.0;
    let height = ratios.len() as f64 * ROW;
    let mut drawn = format!("<path d=\"M{middle} 0V{height}\" stroke=\"#999\"/>");
    for (row, (name, ratio)) in ratios.iter().enumerate() {
        let far = ratio.clamp(1.0 / FARTHEST, FARTHEST).ln() / FARTHEST.ln();
        drawn += &named(row, &format!("{name} ({ratio:.2})"));
        let _ = write!(
            drawn,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"{SYNTHETIC}\"/>",
            middle + far * WIDTH / 2.0,
            (row as f64 + 0.5) * ROW,
        );
    }
    framed(title, NAMES + WIDTH + 6.0, height, &drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_anything_is_drawn_within_the_frame() {
        let far = [("far".to_string(), 1e300), ("gone".to_string(), 0.0), ("same".to_string(), 1.0)];
        let drawn = ratios("r", &far);
        let places: Vec<&str> =
            drawn.split("cx=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(places, ["730.0", "290.0", "510.0"]);
        let bar = Bar { name: "b".into(), value: 7.0, mark: Some(0.5) };
        let drawn = bars("b", &[bar]);
        assert!(drawn.contains("width=\"440.0\"") && drawn.contains("x=\"510.0\""), "{drawn}");
        for drawn in [course("c", &[0.0; 20], &[0.0; 20]), course("c", &[], &[]), histogram("h", &[], &[])] {
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
        let drawn = histogram("h", &[0.0, 1.0], &[0.5, 0.5]);
        assert_eq!(drawn.matches("height=\"55.0\"").count(), 2, "{drawn}");
    }
}
