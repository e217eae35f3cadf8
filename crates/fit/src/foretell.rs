//! The expected fidelity of a synthetic trace, before it is paid for: the two-way distance, and the loss of
//! accuracy of decision tree and random forest in predicting the key. It is a function of plan, schema and a
//! number of records; a caller that passes the private number must keep the result private.
//!
//! It is interpolated from curves measured over public and simulated traces (`./run fidelity --curves` writes
//! them). At each number of records over noise, N·√(2ρ)/k, a curve has the lowest, the middle and the highest
//! value of the traces. Between its points it is linear in ln x; beyond its ends it is constant, and marked
//! as such. More records or a larger ε never give a worse prediction.

use super::across::{Across, foreseen};
use super::adaptive::shares::Scale;
use super::{FitOptions, Method, Plan};
use netdpsyn_trace::Schema;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// The expected fidelity of a synthetic trace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Foretold {
    /// Two-way distance, as in the private report with 20 classes: the mean over all pairs of columns, 0 to
    /// 1.
    pub two_way: ForetoldRange,
    /// Accuracy of decision tree and random forest after training on raw records, minus that after training
    /// on synthetic ones: the mean of both. Absent where the schema has no key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_loss: Option<ForetoldRange>,
    /// Whether the number of records over noise is outside the measured range. Then this is the value at the
    /// nearest end: too good below the range, too bad above it.
    pub beyond_measured: bool,
}

/// The range over the measured traces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForetoldRange {
    /// The lowest value.
    pub lower: f64,
    /// The middle value.
    pub middle: f64,
    /// The highest value.
    pub upper: f64,
}

/// The curves of a method.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Curves {
    two_way: Curve,
    accuracy_loss: Curve,
}

/// Records over noise, and the lowest, middle and highest value there.
#[derive(Deserialize)]
#[serde(transparent)]
struct Curve(Vec<[f64; 4]>);

/// The curves of every measured method. The adaptive method generates packets as sessions, which have curves
/// of their own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Measured {
    adaptive: Option<Curves>,
    sessions: Option<Curves>,
    netdpsyn: Option<Curves>,
    independent: Option<Curves>,
}

static MEASURED: LazyLock<Measured> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../curves.json")).unwrap_or_else(|error| unreachable!("{error}"))
});

/// The expected fidelity where `rows` records are measured under `plan`. `None` for methods and options that
/// were not measured.
pub fn foretold(plan: &Plan, schema: &Schema, rows: f64) -> Option<Foretold> {
    let curves = match plan.method {
        Method::Adaptive if foreseen(plan, schema).across == Across::Sessions => &MEASURED.sessions,
        Method::Adaptive => &MEASURED.adaptive,
        Method::Netdpsyn if plan.options != FitOptions::default() => return None,
        Method::Netdpsyn => &MEASURED.netdpsyn,
        Method::Independent => &MEASURED.independent,
    };
    let curves = curves.as_ref()?;
    let told_apart = Scale { records: rows.max(1.0), ..Scale::of(plan, None) }.told_apart();
    let (two_way, beyond_measured) = curves.two_way.at(told_apart)?;
    let accuracy_loss = schema.key_column().and_then(|_| curves.accuracy_loss.at(told_apart));
    Some(Foretold {
        two_way,
        accuracy_loss: accuracy_loss.map(|(range, _)| range),
        beyond_measured: beyond_measured || accuracy_loss.is_some_and(|(_, beyond)| beyond),
    })
}

impl Curve {
    /// The range at this number of records over noise, and whether it is beyond the ends.
    fn at(&self, told_apart: f64) -> Option<(ForetoldRange, bool)> {
        let Curve(points) = self;
        let (first, last) = (points.first()?, points.last()?);
        let above = points.partition_point(|[x, ..]| *x < told_apart).clamp(1, points.len());
        let low = points[above - 1];
        let high = points.get(above).unwrap_or(last);
        let x = told_apart.clamp(first[0], last[0]);
        let along = if high[0] > low[0] { (x / low[0]).ln() / (high[0] / low[0]).ln() } else { 0.0 };
        // In steps of 10⁻⁴, the precision of the measurements.
        let value = |of: usize| ((low[of] + (high[of] - low[of]) * along) * 1e4).round() / 1e4;
        let range = ForetoldRange { lower: value(1), middle: value(2), upper: value(3) };
        Some((range, x != told_apart))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_privacy::Guarantee;
    use netdpsyn_trace::simulate::flows;
    use proptest::prelude::*;

    const METHODS: [Method; 3] = [Method::Adaptive, Method::Netdpsyn, Method::Independent];

    fn plan(epsilon: f64, method: Method) -> Plan {
        Plan::new(Guarantee::new(epsilon, 1e-9).unwrap(), method)
    }

    #[test]
    fn between_points_by_hand() {
        let curve = Curve(vec![[100.0, 0.2, 0.4, 0.6], [10_000.0, 0.1, 0.2, 0.5], [20_000.0, 0.0, 0.1, 0.5]]);
        let at = |x: f64| {
            let (ForetoldRange { lower, middle, upper }, beyond) = curve.at(x).unwrap();
            ([lower, middle, upper], beyond)
        };
        assert_eq!(at(1_000.0), ([0.15, 0.3, 0.55], false), "half the way over ln x");
        assert_eq!(at(100.0), ([0.2, 0.4, 0.6], false));
        assert_eq!(at(10_000.0), ([0.1, 0.2, 0.5], false));
        assert_eq!(at(20_000.0), ([0.0, 0.1, 0.5], false));
        assert_eq!(at(99.0), ([0.2, 0.4, 0.6], true));
        assert_eq!(at(1e9), ([0.0, 0.1, 0.5], true));
        assert!(Curve(vec![[5.0, 0.1, 0.2, 0.3]]).at(5.0).is_some_and(|(_, beyond)| !beyond));
        assert!(Curve(Vec::new()).at(1.0).is_none());
    }

    #[test]
    fn measured_curves_fall_with_more_budget() {
        let Measured { adaptive, sessions, netdpsyn, independent } = &*MEASURED;
        assert!(adaptive.is_some() && sessions.is_some());
        for curves in [adaptive, sessions, netdpsyn, independent].into_iter().flatten() {
            for Curve(points) in [&curves.two_way, &curves.accuracy_loss] {
                assert!(points.len() > 2 && points.is_sorted_by(|a, b| a[0] < b[0]));
                for of in 1..4 {
                    assert!(points.is_sorted_by(|a, b| a[of] >= b[of]), "{points:?}");
                }
                assert!(points.iter().all(|[_, lower, middle, upper]| lower <= middle && middle <= upper));
            }
        }
    }

    #[test]
    fn a_schema_without_a_key_loses_no_accuracy() {
        let mut schema = flows::schema();
        let plan = plan(2.0, Method::Adaptive);
        let with = foretold(&plan, &schema, 1e5).unwrap();
        schema.columns.retain(|column| column.name != "type");
        let without = foretold(&plan, &schema, 1e5).unwrap();
        assert!(with.accuracy_loss.is_some() && without.accuracy_loss.is_none());
        assert_eq!(with.two_way, without.two_way);
    }

    #[test]
    fn other_options_were_not_measured() {
        let mut plan = plan(2.0, Method::Netdpsyn);
        plan.options.max_cells = 1_000;
        assert!(foretold(&plan, &flows::schema(), 1e5).is_none());
        plan.method = Method::Adaptive;
        assert!(foretold(&plan, &flows::schema(), 1e5).is_some(), "which has none");
    }

    proptest! {
        #[test]
        fn more_never_foretells_worse(
            method in prop::sample::select(METHODS.to_vec()),
            (epsilon, more_epsilon) in (-2.3..4.0f64, 0.0..2.0f64),
            (rows, more_rows) in (0.0..18.0f64, 0.0..4.0f64),
        ) {
            let schema = flows::schema();
            let less = foretold(&plan(epsilon.exp(), method), &schema, rows.exp());
            let more = foretold(&plan((epsilon + more_epsilon).exp(), method), &schema, (rows + more_rows).exp());
            prop_assert_eq!(less.is_some(), more.is_some());
            if let (Some(less), Some(more)) = (less, more) {
                for (less, more) in [(Some(less.two_way), Some(more.two_way)), (less.accuracy_loss, more.accuracy_loss)] {
                    let (less, more) = (less.unwrap(), more.unwrap());
                    prop_assert!(less.lower >= more.lower && less.middle >= more.middle && less.upper >= more.upper);
                    prop_assert!(more.lower <= more.middle && more.middle <= more.upper);
                }
            }
        }
    }
}
