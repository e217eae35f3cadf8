//! Triples of columns, or a sample of them where there are many: dependencies that pairs do not show.

use super::joint::{Cuts, JointDistance};
use super::skipped::{NotTaken, Skipped};
use super::{Traces, compared, draws};
use netdpsyn_trace::progress::Progress;
use serde::{Deserialize, Serialize};

/// Largest number of classes of a column.
const CLASSES: [usize; 1] = [20];
/// Largest number of compared triples.
const TRIPLES: usize = 30;

/// The distances of triples of columns from the raw ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreeWay {
    /// Mean of the triples' total variation distances at 20 classes, 0 (equal) to 1 (disjoint).
    pub mean: f64,
    /// The same between the fitted and the held-out records: the error of sampling alone. Good is a mean near
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Every compared triple, worst first: all of them, or a seeded sample of 30.
    pub triples: Vec<JointDistance>,
}

/// Total variation distance of triples, with the same classes as pairs. The sample of triples depends only on
/// the number of columns.
///
/// # Errors
/// [`NotTaken`] when there are fewer than three columns, or `progress` asks to stop.
pub fn three_way(traces: &Traces, progress: &dyn Progress) -> Result<ThreeWay, NotTaken> {
    let triples = chosen(compared(traces.schema).len());
    if triples.is_empty() {
        return Err(Skipped::because("a triple needs three measured columns").into());
    }
    let mut triples = Cuts::of(traces, &CLASSES, progress)?.distances(0, &triples, progress)?;
    // Equal distances keep the order of their columns.
    triples.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    let (mean, floor) = JointDistance::mean(&triples);
    Ok(ThreeWay { mean, floor, triples })
}

/// At most [`TRIPLES`] of the triples of this many columns.
fn chosen(columns: usize) -> Vec<[usize; 3]> {
    let pairs = (0..columns).flat_map(|a| (a + 1..columns).map(move |b| (a, b)));
    let all: Vec<[usize; 3]> = pairs.flat_map(|(a, b)| (b + 1..columns).map(move |c| [a, b, c])).collect();
    draws::sample(all.len(), TRIPLES, 9).into_iter().map(|triple| all[triple as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Column, Field, RecordKind, Schema, Trace, Values};

    fn schema(columns: &str) -> Schema {
        Schema {
            name: "t".into(),
            kind: RecordKind::Flow,
            columns: columns.chars().map(|name| Column::new(&name.to_string(), Field::Port)).collect(),
            facts: vec![],
            mtu: None,
            window: None,
            reading: netdpsyn_trace::Reading::default(),
        }
    }

    fn trace<const N: usize>(rows: &[[u64; N]]) -> Trace {
        Trace::new((0..N).map(|i| Values::collect(65_535, rows.iter().map(|row| row[i]))).collect())
    }

    #[test]
    fn a_dependence_of_three_shows_in_a_triple() {
        // The third bit is the sum of the others, or it is not: every pair has the same distribution in both.
        let parity = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]];
        let odd = parity.map(|[a, b, c]| [a, b, 1 - c]);
        let (real, both) = (trace(&parity), trace(&[parity, odd].concat()));
        let (odd, schema) = (trace(&odd), schema("abc"));
        let traces = Traces { real: &real, held_out: Some(&both), synthetic: &odd, schema: &schema };
        assert_eq!(super::super::two_way::two_way(&traces, &Quiet).unwrap().mean, 0.0);
        let found = three_way(&traces, &Quiet).unwrap();
        assert_eq!((found.mean, found.floor, found.triples.len()), (1.0, Some(0.5), 1));
        assert_eq!(found.triples[0].columns, ["a", "b", "c"]);
    }

    #[test]
    fn all_triples_or_thirty_and_always_the_same() {
        assert_eq!(chosen(4), [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]);
        let drawn = chosen(11);
        assert!(drawn.len() == 30 && drawn.is_sorted_by(|a, b| a < b), "{drawn:?}");
        assert!(drawn.iter().all(|[a, b, c]| a < b && b < c && *c < 11));
        assert_eq!(drawn, chosen(11));
        assert!((0..11).all(|column| drawn.iter().any(|triple| triple.contains(&column))), "{drawn:?}");
    }

    #[test]
    fn two_columns_are_no_triple() {
        let (none, schema) = (trace::<2>(&[]), schema("ab"));
        let traces = Traces { real: &none, held_out: None, synthetic: &none, schema: &schema };
        assert!(matches!(three_way(&traces, &Quiet), Err(NotTaken::Skipped(_))));
    }
}
