//! Heavy hitters: those that a sketch finds in the addresses of a synthetic trace, compared with those in the
//! raw ones.
//!
//! Testing sketches is a typical use of a trace. A good synthetic trace makes a sketch behave as the raw one
//! does: relative errors are near their floors, or within about 10 % of the raw figures.

pub mod sketch;

use super::skipped::{NotTaken, Skipped};
use super::{Traces, relative_error};
use netdpsyn_trace::progress::{self, Cancelled, Progress};
use netdpsyn_trace::{Trace, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sketch::{Counted, Sketch};

/// A heavy hitter has at least this share of a trace's records.
const THRESHOLD: f64 = 0.001;

const SKETCHES: [(&str, Sketch); 4] = [
    ("count-min", sketch::count_min),
    ("count-sketch", sketch::count_sketch),
    ("univmon", sketch::univ_mon),
    ("nitrosketch", sketch::nitro_sketch),
];

/// One sketch on one address column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeavyHitters {
    /// `count-min`, `count-sketch`, `univmon` or `nitrosketch`, of 5 rows of 1,000 counters.
    pub sketch: String,
    /// The column.
    pub column: String,
    /// Number of heavy hitters that the sketch finds in the fitted records: values whose estimated count is
    /// at least 0.1 % of the rows.
    pub real_found: usize,
    /// Number of heavy hitters that it finds in the synthetic records.
    pub synthetic_found: usize,
    /// Relative error of the number found, |synthetic − real| / real. From 0, which is best; where the real
    /// number is 0, 0 if the synthetic one is 0 as well, otherwise 1.
    pub count_error: f64,
    /// The same between the fitted and the held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count_floor: Option<f64>,
    /// Mean over the true heavy hitters of the fitted records of |estimate − count| / count; 0 where there
    /// are none.
    pub real_estimation: f64,
    /// The same for the synthetic records.
    pub synthetic_estimation: f64,
    /// Relative error of the mean estimation error, by the same rule as `count_error`. If a sketch hardly
    /// errs on the raw records this may be large without harm: compare the two means.
    pub estimation_error: f64,
    /// The same between the fitted and the held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimation_floor: Option<f64>,
}

/// The result of a sketch on a column.
struct Reading {
    found: usize,
    estimation: f64,
}

/// Every sketch on every address column.
///
/// # Errors
/// [`NotTaken`] when the schema has no addresses, or `progress` asks to stop.
pub fn sketches(traces: &Traces, progress: &dyn Progress) -> Result<Vec<HeavyHitters>, NotTaken> {
    let columns: Vec<usize> = (0..traces.schema.columns.len())
        .filter(|&column| traces.schema.columns[column].field.is_address())
        .collect();
    if columns.is_empty() {
        return Err(Skipped::because("the trace has no address column").into());
    }
    let per_column = columns.into_par_iter().map(|column| {
        let counts = |trace: &Trace| counted(trace.column(column), progress);
        let (real, synthetic) = (counts(traces.real)?, counts(traces.synthetic)?);
        let held_out = traces.held_out.map(counts).transpose()?;
        let compared = SKETCHES.into_par_iter().map(|(name, sketch)| {
            let reading = |counts: &[Counted]| read(counts, sketch, progress);
            let (real, synthetic) = (reading(&real)?, reading(&synthetic)?);
            let held_out = held_out.as_deref().map(reading).transpose()?;
            let found = |other: &Reading| relative_error(other.found as f64, real.found as f64);
            let estimation = |other: &Reading| relative_error(other.estimation, real.estimation);
            Ok(HeavyHitters {
                sketch: name.into(),
                column: traces.schema.columns[column].name.clone(),
                real_found: real.found,
                synthetic_found: synthetic.found,
                count_error: found(&synthetic),
                count_floor: held_out.as_ref().map(found),
                real_estimation: real.estimation,
                synthetic_estimation: synthetic.estimation,
                estimation_error: estimation(&synthetic),
                estimation_floor: held_out.as_ref().map(estimation),
            })
        });
        compared.collect::<Result<Vec<_>, Cancelled>>()
    });
    Ok(per_column.collect::<Result<Vec<_>, Cancelled>>()?.concat())
}

/// The distinct values of a column, ascending, with their counts.
fn counted(column: &Values, progress: &dyn Progress) -> Result<Vec<Counted>, Cancelled> {
    let mut values: Vec<u32> = Vec::with_capacity(column.len());
    // An address has 32 bits.
    column.visit(progress, |value| values.push(value as u32))?;
    progress::sort(&mut values, progress)?;
    Ok(values.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect())
}

fn read(counts: &[Counted], sketch: Sketch, progress: &dyn Progress) -> Result<Reading, Cancelled> {
    let rows: u64 = counts.iter().map(|(_, count)| count).sum();
    let threshold = THRESHOLD * rows as f64;
    let estimates = sketch(counts, progress)?;
    let found = estimates.iter().filter(|&&estimate| estimate >= threshold).count();
    let errors = counts.iter().zip(&estimates).filter_map(|(&(_, count), estimate)| {
        let count = count as f64;
        (count >= threshold).then(|| (estimate - count).abs() / count)
    });
    let (sum, heavy) = errors.fold((0.0, 0u64), |(sum, n), error| (sum + error, n + 1));
    Ok(Reading { found, estimation: sum / heavy.max(1) as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;

    /// A flow trace of these source addresses and one destination.
    fn trace(sources: impl Iterator<Item = u64>) -> Trace {
        let mut trace = Trace::empty(&presets::preset("ton").unwrap());
        sources.for_each(|source| trace.push(&[source, 9, 0, 0, 6, 0, 0, 1, 40, 0, 0]));
        trace
    }

    fn measured(real: &Trace, synthetic: &Trace) -> Vec<HeavyHitters> {
        let schema = presets::preset("ton").unwrap();
        sketches(&Traces { real, held_out: Some(real), synthetic, schema: &schema }, &Quiet).unwrap()
    }

    #[test]
    fn the_same_trace_has_no_error() {
        let same = trace((0..4_000).map(|i| i % 97 * 1_000));
        for found in measured(&same, &same) {
            assert_eq!((found.count_error, found.estimation_error), (0.0, 0.0), "{found:?}");
            assert_eq!((found.count_floor, found.estimation_floor), (Some(0.0), Some(0.0)));
        }
    }

    #[test]
    fn lost_heavy_hitters_are_counted() {
        // 40 heavy sources; in the synthetic trace 20 of them.
        let real = trace((0..40_000).map(|i| i % 40));
        let found = measured(&real, &trace((0..40_000).map(|i| i % 20)));
        let columns: Vec<_> = found.iter().map(|f| f.column.as_str()).collect();
        assert_eq!(columns, ["srcip", "srcip", "srcip", "srcip", "dstip", "dstip", "dstip", "dstip"]);
        assert!(
            found[..4].iter().all(|f| (f.real_found, f.synthetic_found) == (40, 20) && f.count_error == 0.5)
        );
        assert!(found[4..].iter().all(|f| f.count_error == 0.0));
    }

    #[test]
    fn no_records_give_numbers() {
        let (none, some) = (trace(0..0), trace((0..2_000).map(|i| i % 10)));
        for (real, synthetic, error) in [(&some, &none, 1.0), (&none, &some, 1.0), (&none, &none, 0.0)] {
            for found in measured(real, synthetic) {
                assert_eq!(found.count_error, error);
                assert!(found.estimation_error.is_finite());
            }
        }
    }

    #[test]
    fn without_addresses_there_is_a_reason() {
        let mut schema = presets::preset("ton").unwrap();
        schema.columns.drain(..2);
        let empty = Trace::empty(&schema);
        let traces = Traces { real: &empty, held_out: None, synthetic: &empty, schema: &schema };
        let NotTaken::Skipped(reason) = sketches(&traces, &Quiet).unwrap_err() else {
            panic!("nobody stops it")
        };
        assert!(reason.0.contains("address"));
    }
}
