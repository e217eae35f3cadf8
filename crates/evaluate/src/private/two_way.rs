//! Every pair of columns: total variation distance over classes of each column.

use super::joint::{Cuts, JointDistance};
use super::skipped::{NotTaken, Skipped};
use super::{Traces, compared};
use netdpsyn_trace::progress::{Cancelled, Progress};
use serde::{Deserialize, Serialize};

/// Largest numbers of classes of a column: first that of the distance itself, then others.
const CLASSES: [usize; 4] = [20, 13, 27, 40];

/// The distances of pairs of columns from the raw ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TwoWay {
    /// Mean of the pairs' total variation distances at 20 classes, 0 (equal) to 1 (disjoint).
    pub mean: f64,
    /// The same between the fitted and the held-out records: the error of sampling alone. Good is a mean near
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Every pair, worst first.
    pub pairs: Vec<JointDistance>,
    /// The same at 13, 27 and 40 classes: a method whose bins happen to coincide with 20 classes looks better
    /// there than it is. Reports before version 3 have none.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub other_cuts: Vec<OtherCut>,
}

/// Distances of pairs at another number of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OtherCut {
    /// Largest number of classes of a column.
    pub classes: usize,
    /// Mean of the distances of all pairs.
    pub mean: f64,
    /// The same between the fitted and the held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// The pair with the largest distance.
    pub worst: JointDistance,
}

/// Total variation distance of every pair.
///
/// # Errors
/// [`NotTaken`] when there are fewer than two columns, or `progress` asks to stop.
pub fn two_way(traces: &Traces, progress: &dyn Progress) -> Result<TwoWay, NotTaken> {
    let columns = compared(traces.schema).len();
    let pairs: Vec<[usize; 2]> = (0..columns).flat_map(|a| (a + 1..columns).map(move |b| [a, b])).collect();
    if pairs.is_empty() {
        return Err(Skipped::because("a pair needs two measured columns").into());
    }
    let cuts = Cuts::of(traces, &CLASSES, progress)?;
    let at = |at: usize| {
        let mut found = cuts.distances(at, &pairs, progress)?;
        // Equal distances keep the order of their columns.
        found.sort_by(|a, b| b.distance.total_cmp(&a.distance));
        let (mean, floor) = JointDistance::mean(&found);
        Ok::<_, Cancelled>((mean, floor, found))
    };
    let other_cuts = (1..CLASSES.len()).map(|other| {
        let (mean, floor, mut found) = at(other)?;
        Ok(OtherCut { classes: CLASSES[other], mean, floor, worst: found.swap_remove(0) })
    });
    let other_cuts = other_cuts.collect::<Result<_, Cancelled>>()?;
    let (mean, floor, pairs) = at(0)?;
    Ok(TwoWay { mean, floor, pairs, other_cuts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Column, Field, RecordKind, Schema, Trace, Values};
    use proptest::prelude::*;

    fn schema() -> Schema {
        Schema {
            name: "t".into(),
            kind: RecordKind::Flow,
            columns: vec![
                Column::new("p", Field::Port),
                Column::new("n", Field::IntegerExponential { max: 1_000, base: 2.0 }),
            ],
            facts: vec![],
            mtu: None,
            window: None,
            reading: netdpsyn_trace::Reading::default(),
        }
    }

    fn trace(rows: &[(u64, u64)]) -> Trace {
        let column = |f: fn(&(u64, u64)) -> u64| Values::collect(65_535, rows.iter().map(f));
        Trace::new(vec![column(|r| r.0), column(|r| r.1)])
    }

    #[test]
    fn a_fit_comes_as_close_as_it_foretells() {
        use netdpsyn_fit::{Method, Plan, fit, foretell::foretold};
        use netdpsyn_generate::{Request, generate};
        use netdpsyn_privacy::{Guarantee, NoiseKey, Sensitive};
        use netdpsyn_trace::simulate::flows;
        let (schema, real) = (flows::schema(), flows::simulate(30_000, 1));
        for epsilon in [0.5, 4.0] {
            let plan = Plan::new(Guarantee::new(epsilon, 1e-9).unwrap(), Method::Adaptive);
            let told = foretold(&plan, &schema, real.rows() as f64).unwrap();
            let raw = Sensitive::new(real.clone());
            let bundle = fit(raw, &schema, &plan, &NoiseKey::for_test(1), &Quiet).unwrap().bundle;
            let model = netdpsyn_model::Model::from_bundle(&bundle, &Quiet).unwrap();
            let synthetic = generate(&model, &Request::default(), &Quiet).unwrap().trace;
            let traces = Traces { real: &real, held_out: None, synthetic: &synthetic, schema: &schema };
            let found = two_way(&traces, &Quiet).unwrap().mean;
            let range = told.two_way;
            assert!(
                (0.5 * range.lower..2.0 * range.upper).contains(&found),
                "{found} for {range:?} at {epsilon}"
            );
        }
    }

    fn mean(real: &[(u64, u64)], synthetic: &[(u64, u64)]) -> f64 {
        let (real, synthetic, schema) = (trace(real), trace(synthetic), schema());
        two_way(&Traces { real: &real, held_out: None, synthetic: &synthetic, schema: &schema }, &Quiet)
            .unwrap()
            .mean
    }

    proptest! {
        #[test]
        fn any_two_traces(a in rows(), b in rows()) {
            prop_assert!((0.0..=1.0).contains(&mean(&a, &b)));
            prop_assert_eq!(mean(&a, &a), 0.0);
        }
    }

    fn rows() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0u64..40, 0u64..1_000), 0..60)
    }

    #[test]
    fn equal_is_zero_and_disjoint_is_one() {
        let a = [(80, 1), (80, 2), (443, 900)];
        assert_eq!(mean(&a, &a), 0.0);
        assert!((mean(&a, &[(22, 1), (22, 2), (22, 900)]) - 1.0).abs() < 1e-12);
        assert_eq!(mean(&a, &[]), 1.0);
    }

    #[test]
    fn a_constant_column_is_told_from_another_constant() {
        assert_eq!(mean(&[(80, 5); 30], &[(80, 9); 30]), 1.0);
    }

    #[test]
    fn twenty_values_leave_a_class_for_the_rest() {
        let twenty: Vec<_> = (0..20).map(|port| (port, 1)).collect();
        let mut other = twenty.clone();
        other[0].0 = 99;
        assert!((mean(&twenty, &other) - 0.05).abs() < 1e-12);
    }

    #[test]
    fn lost_structure_shows() {
        let linked: Vec<_> = (0..100).map(|i| (i % 2, i % 2 * 500)).collect();
        let independent: Vec<_> = (0..100).map(|i| (i % 2, i / 2 % 2 * 500)).collect();
        assert!((mean(&linked, &independent) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_floor_is_the_distance_of_the_held_out_records() {
        let (real, other, schema) = (trace(&[(80, 1), (443, 2)]), trace(&[(80, 1)]), schema());
        let traces = Traces { real: &real, held_out: Some(&other), synthetic: &real, schema: &schema };
        let found = two_way(&traces, &Quiet).unwrap();
        assert_eq!((found.mean, found.floor), (0.0, Some(0.5)));
    }

    #[test]
    fn every_ruler_keeps_a_class_for_the_rest() {
        // Forty values once each. One of the synthetic records has another value: 1/40 moves to the rest,
        // unless it was in the rest before.
        let forty: Vec<_> = (0..40).map(|port| (port, 1)).collect();
        let mut first = forty.clone();
        first[0].0 = 99;
        let mut middle = forty.clone();
        middle[15].0 = 99;
        let at = |synthetic: &[(u64, u64)]| {
            let (real, synthetic, schema) = (trace(&forty), trace(synthetic), schema());
            let traces =
                Traces { real: &real, held_out: Some(&synthetic), synthetic: &synthetic, schema: &schema };
            let found = two_way(&traces, &Quiet).unwrap();
            let others = found.other_cuts.iter();
            assert!(others.clone().all(|cut| cut.floor == Some(cut.mean) && cut.worst.distance == cut.mean));
            let others = others.map(|cut| (cut.classes, cut.mean));
            let all = [(20, found.mean)].into_iter().chain(others);
            all.map(|(classes, mean)| (classes, (mean * 1_000.0).round() as u32)).collect::<Vec<_>>()
        };
        assert_eq!(at(&first), [(20, 25), (13, 25), (27, 25), (40, 25)]);
        assert_eq!(at(&middle), [(20, 25), (13, 0), (27, 25), (40, 25)]);
    }
}
