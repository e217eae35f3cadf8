//! Good, fair or poor: the bounds of every measure, and the rule of floors.

use serde::{Deserialize, Serialize};

/// A distance up to this is close, whatever its floor.
pub const CLOSE: f64 = 0.05;
/// A figure up to this many floors is close, however large it is: samples of raw records differ as much.
pub const CLOSE_FLOORS: f64 = 2.0;
/// A distance up to this is loose; above it, little is preserved.
pub const LOOSE: f64 = 0.2;
/// A figure up to this many floors is loose.
pub const LOOSE_FLOORS: f64 = 3.0;
/// Mean values that differ from the raw ones by at most this factor minus one are close.
pub const CLOSE_TOTAL: f64 = 0.05;
/// Totals up to half as large again, or no smaller than two thirds, are loose.
pub const LOOSE_TOTAL: f64 = 0.5;
/// Numbers of hosts, pairs and sessions that differ by at most this factor minus one are close: a tool with
/// state per item needs about as much of it. Counts have no floor.
pub const CLOSE_COUNT: f64 = 0.15;
/// Counts up to half as large again, or no smaller than two thirds, are loose.
pub const LOOSE_COUNT: f64 = 0.5;
/// A volume over time is close if its correlation is at least one minus this: quiet and busy times are
/// preserved.
pub const CLOSE_LACK: f64 = 0.1;
/// A volume over time is loose if its correlation is at least one minus this: half of the variance is lost.
pub const LOOSE_LACK: f64 = 0.3;
/// A top list is close if at most this share is missing: three of twenty, which are near its end.
pub const CLOSE_MISSING: f64 = 0.15;
/// A top list is loose if at most this share is missing: half of it.
pub const LOOSE_MISSING: f64 = 0.5;
/// Relative errors of heavy hitters up to this are close.
pub const CLOSE_ERROR: f64 = 0.1;
/// Relative errors up to this are loose.
pub const LOOSE_ERROR: f64 = 0.3;
/// Classification is close up to this loss of accuracy or macro-F1.
pub const CLOSE_LOSS: f64 = 0.02;
/// Classification is loose up to this loss of accuracy or macro-F1.
pub const LOOSE_LOSS: f64 = 0.1;
/// Validity is close up to this share of violating records beyond the raw one.
pub const CLOSE_BROKEN: f64 = 0.001;
/// Validity is loose up to this share of violating records beyond the raw one.
pub const LOOSE_BROKEN: f64 = 0.01;
/// With fewer held-out records floors are imprecise, which the verdict mentions.
pub const FEW_HELD_OUT: usize = 1_000;
/// Standard errors above chance from which on an attack counts as successful. Of several attacks that learn
/// nothing, each exceeds this in one of 44 cases.
pub const FOUND_ERRORS: f64 = 2.0;

/// The rule of grades, for the reader of the report.
pub const RULE: &str = "good: small, or at most twice its floor, however large; fair: moderate, or at most three times its floor; \
    POOR: all else. A floor is the same measure between fitted and held-out records. A sentence on several columns has the worst of their grades.";

/// The grade of a finding. A figure is good up to a fixed bound or twice its floor, whichever is larger, so
/// that a figure near its floor is good whatever its size; fair up to a second bound or three times its
/// floor; otherwise poor. Without held-out records there are no floors, and only the bounds apply. A sentence
/// on several columns has the worst of their grades and names the column with that grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// No objection.
    Good,
    /// Usable with care.
    Fair,
    /// Not preserved, or disclosed.
    Poor,
}

impl Grade {
    /// Good up to `close`, fair up to `loose`.
    pub(super) fn of(figure: f64, close: f64, loose: f64) -> Grade {
        match figure {
            figure if figure <= close => Grade::Good,
            figure if figure <= loose => Grade::Fair,
            _ => Grade::Poor,
        }
    }

    /// The adverb for how well something is preserved.
    pub(super) fn preserved(self) -> &'static str {
        match self {
            Grade::Good => "closely",
            Grade::Fair => "loosely",
            Grade::Poor => "badly",
        }
    }
}

/// A figure with a floor, graded by the rule of [`Grade`].
pub(super) struct Graded {
    pub grade: Grade,
    /// Multiples of the bound of close: of equal grades, the larger is worse.
    pub strain: f64,
}

impl Graded {
    pub(super) fn of(figure: f64, floor: Option<f64>, close: f64, loose: f64) -> Graded {
        let floor = floor.unwrap_or(0.0);
        let close = close.max(CLOSE_FLOORS * floor);
        let grade = Grade::of(figure, close, loose.max(LOOSE_FLOORS * floor));
        Graded { grade, strain: figure / close }
    }

    pub(super) fn distance(distance: f64, floor: Option<f64>) -> Graded {
        Graded::of(distance, floor, CLOSE, LOOSE)
    }
}

/// The worst of some items, its grade, and how many are good.
pub(super) fn worst<T>(of: &[T], graded: impl Fn(&T) -> Graded) -> Option<(&T, Grade, usize)> {
    let close = of.iter().filter(|one| graded(one).grade == Grade::Good).count();
    let all = of.iter().map(|one| (one, graded(one)));
    let (worst, found) =
        all.max_by(|(_, a), (_, b)| a.grade.cmp(&b.grade).then(a.strain.total_cmp(&b.strain)))?;
    Some((worst, found.grade, close))
}
