//! Plots over ε, on a logarithmic axis: what was foretold as a hollow box or band, and what was measured as a point.

use super::{ABOVE, BELOW, WIDTH, at, figure, text};
use crate::pages::words::about;
use maud::{Markup, html};
use std::fmt::Write;

/// Height of these plots.
const TALL: f64 = 170.0;
/// Room of the vertical axis's figures, and to the right of the last point.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;

/// ε beyond these are drawn at the edge: no service takes a smaller one, and no larger one protects.
const ENDS: [f64; 2] = [0.001, 1e5];

/// Something that stands at an ε.
pub struct Stand {
    /// Letter in the plot.
    pub name: String,
    /// ε.
    pub epsilon: f64,
    /// The lowest, middle and highest that were foretold.
    pub foretold: Option<[f64; 3]>,
    /// Measured figure.
    pub measured: Option<f64>,
}

/// Expected fidelity over ε.
pub struct Course {
    /// ε, and the lowest, middle and highest there, in ascending order.
    pub points: Vec<(f64, [f64; 3])>,
    /// The ε that is chosen.
    pub chosen: f64,
    /// The largest ε that the budget pays for.
    pub largest: Option<f64>,
}

/// The axes of a plot: ε from the one to the other, values from 0 to the most.
struct Axes {
    from: f64,
    to: f64,
    most: f64,
}

impl Axes {
    fn of(epsilons: impl Iterator<Item = f64>, values: impl Iterator<Item = f64>) -> Self {
        let (mut from, mut to) = (f64::INFINITY, 0.0f64);
        for epsilon in epsilons.filter(|epsilon| epsilon.is_finite()) {
            let epsilon = epsilon.clamp(ENDS[0], ENDS[1]);
            (from, to) = (from.min(epsilon), to.max(epsilon));
        }
        if from > to {
            (from, to) = (0.1, 10.0);
        }
        // A single ε stands in the middle.
        if to / from < 1.5 {
            (from, to) = (from / 2.0, to * 2.0);
        }
        // Above the highest there is room for its name.
        let most = 1.1 * values.filter(|value| value.is_finite()).fold(f64::MIN_POSITIVE, f64::max);
        Axes { from, to, most }
    }

    fn x(&self, epsilon: f64) -> f64 {
        let along = (epsilon.clamp(self.from, self.to) / self.from).ln() / (self.to / self.from).ln();
        LEFT + 16.0 + (WIDTH - LEFT - RIGHT - 32.0) * along
    }

    fn y(&self, value: f64) -> f64 {
        ABOVE + TALL * (1.0 - (value / self.most).clamp(0.0, 1.0))
    }

    /// Round numbers of ε between the ends.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.from.log10().floor() as i32)..=(self.to.log10().ceil() as i32);
        let all = decades.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
        let all: Vec<f64> = all.filter(|tick| (self.from * 0.999..=self.to * 1.001).contains(tick)).collect();
        // Of many decades their first number alone.
        if all.len() > 9 {
            all.into_iter().filter(|tick| (tick.log10() - tick.log10().round()).abs() < 1e-6).collect()
        } else {
            all
        }
    }

    fn drawn(&self) -> Markup {
        let base = ABOVE + TALL;
        html! {
            path.axis d=(format!("M{LEFT} {ABOVE}V{base}H{}", WIDTH - RIGHT)) {}
            @for (value, label) in [(0.0, "0".to_string()), (self.most, if self.most > 1e-300 { about(self.most) } else { String::new() })] {
                (text(LEFT - 6.0, self.y(value) + 4.0, "end", &label))
            }
            @for tick in self.ticks() {
                path.axis d=(format!("M{:.1} {base}v4", self.x(tick))) {}
                (text(self.x(tick), base + 16.0, "middle", &plain(tick)))
            }
            (text(LEFT - 6.0, base + 16.0, "end", "ε"))
        }
    }
}

/// ε as it is written.
fn plain(epsilon: f64) -> String {
    let text = format!("{epsilon:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn foretold([lower, middle, upper]: [f64; 3]) -> String {
    format!("{} ({} to {})", about(middle), about(lower), about(upper))
}

/// Fits and quotes side by side: each a box where it was foretold to come, with its middle, and a point where it came.
pub fn side_by_side(title: &str, unit: &str, stands: &[Stand]) -> Markup {
    let values = stands.iter().flat_map(|stand| stand.foretold.into_iter().flatten().chain(stand.measured));
    let axes = Axes::of(stands.iter().map(|stand| stand.epsilon), values);
    // Those of one ε stand beside one another.
    let places: Vec<f64> = (0..stands.len())
        .map(|i| {
            let same = |other: &&Stand| (axes.x(other.epsilon) - axes.x(stands[i].epsilon)).abs() < 14.0;
            let (before, all) = (stands[..i].iter().filter(same).count(), stands.iter().filter(same).count());
            axes.x(stands[i].epsilon) + 15.0 * (before as f64 - (all as f64 - 1.0) / 2.0)
        })
        .collect();
    let drawn = html! {
        (axes.drawn())
        @for (stand, &x) in stands.iter().zip(&places) {
            @let highest = stand.foretold.into_iter().flatten().chain(stand.measured).fold(0.0, f64::max);
            @if let Some([lower, middle, upper]) = stand.foretold {
                rect.told x=(at(x - 5.0)) y=(at(axes.y(upper))) width="10" height=(at((axes.y(lower) - axes.y(upper)).max(1.0))) {}
                path.error d=(format!("M{:.1} {:.1}h14", x - 7.0, axes.y(middle))) {}
            }
            @if let Some(measured) = stand.measured.filter(|measured| measured.is_finite()) {
                circle.made cx=(at(x)) cy=(at(axes.y(measured))) r="5" {}
            }
            (text(x, (axes.y(highest) - 8.0).max(10.0), "middle", &stand.name))
        }
    };
    let rows = stands.iter().map(|stand| {
        html! {
            th scope="row" { (stand.name) }
            td.n { (plain(stand.epsilon)) }
            td.n { (stand.foretold.map_or("–".into(), foretold)) }
            td.n { (stand.measured.map_or("–".into(), about)) }
        }
    });
    let head = ["of", ">ε", ">expected", ">measured"];
    let shown = format!(
        "{} fits and quotes over ε; a box with a middle is the expected range, a point the measured value. The axis goes from 0 to {}.",
        stands.len(),
        about(axes.most)
    );
    figure(title, unit, &shown, (WIDTH, ABOVE + TALL + BELOW), drawn, &head, rows)
}

/// What is foretold over ε as a band with its middle, and a line at the ε that is chosen. The line says where the ends of the axis are, for a script that moves it.
pub fn course_of_epsilon(title: &str, unit: &str, course: &Course) -> Markup {
    let Course { points, chosen, largest } = course;
    let epsilons = points.iter().map(|(epsilon, _)| *epsilon).chain([*chosen]);
    let axes = Axes::of(epsilons, points.iter().flat_map(|(_, values)| *values));
    let line = |values: &mut dyn Iterator<Item = (f64, f64)>| {
        values.fold(String::new(), |mut line, (epsilon, value)| {
            let _ = write!(line, "{:.1},{:.1} ", axes.x(epsilon), axes.y(value));
            line
        })
    };
    let of = |which: usize| points.iter().map(move |(epsilon, values)| (*epsilon, values[which]));
    let band = line(&mut of(2).chain(of(0).rev()));
    let base = ABOVE + TALL;
    let drawn = html! {
        (axes.drawn())
        polygon.told points=(band) {}
        polyline.course.made points=(line(&mut of(1))) {}
        @if let Some(largest) = largest.filter(|largest| (axes.from..axes.to).contains(largest)) {
            @let x = axes.x(largest);
            path.course.told d=(format!("M{x:.1} {}V{base}", ABOVE + 8.0)) {}
            (text(x + 4.0, ABOVE + 18.0, "start", "budget ends"))
        }
        g data-chosen=(chosen) data-from=(axes.from) data-to=(axes.to) data-left=(axes.x(axes.from)) data-right=(axes.x(axes.to))
            transform=(format!("translate({:.1} 0)", axes.x(*chosen))) {
            path.error d=(format!("M0 {ABOVE}V{}", base + 4.0)) {}
            text x="0" y=(at(ABOVE - 6.0)) text-anchor="middle" { "ε = " (plain(*chosen)) }
        }
    };
    let rows = points.iter().map(|(epsilon, values)| {
        html! { td.n { (plain(*epsilon)) } td.n { (foretold(*values)) } }
    });
    let ends =
        largest.map_or(String::new(), |largest| format!(" The budget pays up to ε = {}.", about(largest)));
    let shown = format!(
        "The expected range with its middle as a line, over ε from {} to {}; the axis goes from 0 to {}. Chosen is ε = {}.{ends}",
        plain(axes.from),
        plain(axes.to),
        about(axes.most),
        plain(*chosen)
    );
    figure(title, unit, &shown, (WIDTH, base + BELOW), drawn, &[">ε", ">expected"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand(name: &str, epsilon: f64, foretold: Option<[f64; 3]>, measured: Option<f64>) -> Stand {
        Stand { name: name.into(), epsilon, foretold, measured }
    }

    #[test]
    fn fits_of_one_epsilon_stand_beside_one_another_within_the_frame() {
        let stands = [
            stand("A", 2.0, Some([0.1, 0.2, 0.4]), Some(0.3)),
            stand("B", 2.0, Some([0.1, 0.2, 0.4]), None),
            stand("C", 1e300, None, Some(f64::NAN)),
            stand("D", 0.0, None, None),
        ];
        let drawn = side_by_side("t", "u", &stands[..2]).into_string();
        let places: Vec<f64> = drawn
            .split("<rect class=\"told\" x=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(places[1] - places[0], 15.0, "{drawn}");
        assert!(
            drawn.contains("0.20 (0.10 to 0.40)") && drawn.contains("<td class=\"n\">0.30</td>"),
            "{drawn}"
        );
        for drawn in [side_by_side("t", "", &stands), side_by_side("t", "", &[])] {
            let svg = drawn.into_string();
            let svg = svg.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
            assert!(!svg.contains("inf") && !svg.contains("=\"NaN"), "{svg}");
        }
    }

    #[test]
    fn the_line_at_the_chosen_epsilon_tells_a_script_where_it_may_go() {
        let points = vec![(0.1, [0.2, 0.3, 0.4]), (1.0, [0.1, 0.15, 0.2]), (10.0, [0.0, 0.05, 0.1])];
        let drawn =
            course_of_epsilon("t", "u", &Course { points, chosen: 1.0, largest: Some(5.0) }).into_string();
        let middle = (LEFT + 16.0 + WIDTH - RIGHT - 16.0) / 2.0;
        assert!(drawn.contains(&format!("translate({middle:.1} 0)")), "{drawn}");
        assert!(
            drawn.contains("data-from=\"0.1\" data-to=\"10\"") && drawn.contains("budget ends"),
            "{drawn}"
        );
        let empty = Course { points: Vec::new(), chosen: 2.0, largest: None };
        assert!(!course_of_epsilon("t", "u", &empty).into_string().contains("NaN"));
    }
}
