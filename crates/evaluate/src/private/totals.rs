//! Totals: the sums of packets, bytes and durations. A few records with many bytes dominate a total, so it
//! shows tails that were lost or invented.

use super::skipped::{NotTaken, Skipped};
use super::{Traces, compared};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Field, Trace};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Columns of whole numbers up to this are identifiers, not sizes: times to live, flags, versions.
const LARGEST_MARK: u64 = 255;

/// The raw total is clipped at the value with this rank from above.
const CLIPPED_AT: usize = 100;

/// The total of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Total {
    /// The column.
    pub column: String,
    /// Sum over the fitted records, in the unit of the file.
    pub real: f64,
    /// Sum over the synthetic records.
    pub synthetic: f64,
    /// The mean of the synthetic records divided by that of the raw records, so that different numbers of
    /// records do not matter. Good is near 1. A raw total of 0 counts as one step of the column, if the
    /// synthetic one is not 0 as well.
    pub ratio: f64,
    /// The same for the held-out records: the error of sampling alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// The total of the raw records, each clipped at their 100th largest value, divided by the raw total: the
    /// part that does not depend on a few records. A private method that keeps it cannot be much closer to 1.
    /// Reports before version 3 have none.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub clipped: f64,
    /// `ratio` divided by `clipped`: the synthetic total relative to the clipped one. Missing where the
    /// clipped one is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_clipped: Option<f64>,
}

/// The distance of a ratio from 1: 0 is equal, 0.5 is half as much again or two thirds.
pub fn off(ratio: f64) -> f64 {
    ratio.max(1.0 / ratio.max(f64::MIN_POSITIVE)) - 1.0
}

/// The totals of all columns of sizes and durations: those of exponential bins, and whole numbers that exceed
/// a byte.
///
/// # Errors
/// [`NotTaken`] when there is no such column, or `progress` asks to stop.
pub fn totals(traces: &Traces, progress: &dyn Progress) -> Result<Vec<Total>, NotTaken> {
    let is_size = |column: &usize| match traces.schema.columns[*column].field {
        Field::IntegerExponential { .. } | Field::FloatExponential { .. } => true,
        Field::Integer { max, .. } => max > LARGEST_MARK,
        _ => false,
    };
    let columns: Vec<usize> = compared(traces.schema).into_iter().filter(is_size).collect();
    if columns.is_empty() {
        return Err(Skipped::because("no column of this trace is a size or a duration").into());
    }
    columns.into_par_iter().map(|column| Ok(one(traces, column, progress)?)).collect()
}

fn one(traces: &Traces, column: usize, progress: &dyn Progress) -> Result<Total, Cancelled> {
    let sum = |trace: &Trace| {
        let mut sum = 0u128;
        trace.column(column).visit(progress, |value| sum += u128::from(value))?;
        Ok((sum as f64, trace.rows().max(1) as f64))
    };
    let ((real, real_rows), (synthetic, synthetic_rows)) = (sum(traces.real)?, sum(traces.synthetic)?);
    let ratio = |sum: f64, rows: f64| match real == 0.0 && sum == 0.0 {
        true => 1.0,
        false => sum / rows / (real.max(1.0) / real_rows),
    };
    let held_out = traces.held_out.map(sum).transpose()?;
    let clipped = match real == 0.0 {
        true => 1.0,
        false => 1.0 - above_clip(traces.real, column, progress)? / real,
    };
    let ratio_of_synthetic = ratio(synthetic, synthetic_rows);
    let declared = &traces.schema.columns[column];
    let unit = 10f64.powi(declared.field.decimals() as i32);
    Ok(Total {
        column: declared.name.clone(),
        real: real / unit,
        synthetic: synthetic / unit,
        ratio: ratio_of_synthetic,
        floor: held_out.map(|(sum, rows)| ratio(sum, rows)),
        clipped,
        to_clipped: (clipped > 0.0).then(|| ratio_of_synthetic / clipped),
    })
}

/// The sum of the excess of the largest values over the 100th largest, or over the smallest where there are
/// fewer.
fn above_clip(trace: &Trace, column: usize, progress: &dyn Progress) -> Result<f64, Cancelled> {
    let mut largest = BinaryHeap::with_capacity(CLIPPED_AT + 1);
    trace.column(column).visit(progress, |value| {
        if largest.len() < CLIPPED_AT {
            largest.push(Reverse(value));
        } else if let Some(mut least) = largest.peek_mut().filter(|least| least.0 < value) {
            *least = Reverse(value);
        }
    })?;
    let clip = largest.peek().map_or(0, |least| least.0);
    Ok(largest.iter().map(|value| u128::from(value.0 - clip)).sum::<u128>() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;

    #[test]
    fn totals_a_record_by_hand() {
        let schema = presets::preset("flow").unwrap();
        let trace = |records: &[[u64; 3]]| {
            let mut trace = Trace::empty(&schema);
            records.iter().for_each(|&[td, pkt, byt]| trace.push(&[1, 2, 80, 443, 6, 0, td, pkt, byt, 0, 0]));
            trace
        };
        let real = trace(&[[0, 1, 40], [2_000_000, 3, 160]]);
        let synthetic = trace(&[[0, 1, 400], [0, 2, 0], [0, 3, 200], [3_000_000, 2, 0]]);
        let traces = Traces { real: &real, held_out: Some(&real), synthetic: &synthetic, schema: &schema };
        let found = totals(&traces, &Quiet).unwrap();
        let shown: Vec<_> = found.iter().map(|t| (t.column.as_str(), t.real, t.synthetic, t.ratio)).collect();
        assert_eq!(shown, [("td", 2.0, 3.0, 0.75), ("pkt", 4.0, 8.0, 1.0), ("byt", 200.0, 600.0, 1.5)]);
        assert!(found.iter().all(|total| total.floor == Some(1.0)));
        assert_eq!([1.5, 0.5, 1.0].map(off), [0.5, 1.0, 0.0]);

        let nothing = trace(&[[0; 3]; 2]);
        let from_nothing = Traces { real: &nothing, held_out: Some(&nothing), ..traces };
        let found = totals(&from_nothing, &Quiet).unwrap();
        assert_eq!((found[1].ratio, found[1].floor), (4.0, Some(1.0)), "two packets a record for one of two");
        let empty = Trace::empty(&schema);
        let found = totals(&Traces { synthetic: &empty, ..traces }, &Quiet).unwrap();
        assert!(found.iter().all(|total| total.ratio == 0.0 && off(total.ratio).is_finite()));
    }

    #[test]
    fn a_total_is_clipped_at_the_hundredth_largest_value() {
        let schema = presets::preset("flow").unwrap();
        let trace = |packets: &[u64]| {
            let mut trace = Trace::empty(&schema);
            packets.iter().for_each(|&pkt| trace.push(&[1, 2, 80, 443, 6, 0, 0, pkt, 0, 0, 0]));
            trace
        };
        let packets = |real: &[u64], synthetic: &[u64]| {
            let (real, synthetic) = (trace(real), trace(synthetic));
            let traces = Traces { real: &real, held_out: None, synthetic: &synthetic, schema: &schema };
            totals(&traces, &Quiet).unwrap().swap_remove(1)
        };
        // 98 values of 8, one of 208, and the 100th largest is 4: 98 · 4 + 204 = 596 of 98 · 8 + 208 + 100 ·
        // 4 = 1,392 are clipped.
        let tail: Vec<u64> = [vec![8; 50], vec![4; 100], vec![208], vec![8; 48]].concat();
        let found = packets(&tail, &[3; 5]);
        let left = 1.0 - 596.0 / 1_392.0;
        assert_eq!(found.clipped, left);
        assert_eq!(found.to_clipped, Some(found.ratio / left));
        // Fewer than a hundred: clipped at the smallest.
        assert_eq!(packets(&[2, 8], &[5]).clipped, 0.4);
        // No value exceeds the hundredth.
        assert_eq!((packets(&[7; 200], &[7]).clipped, packets(&[7; 200], &[7]).to_clipped), (1.0, Some(1.0)));
        assert_eq!((packets(&[0; 3], &[0]).clipped, packets(&[0; 3], &[0]).to_clipped), (1.0, Some(1.0)));
        let lone: Vec<u64> = [vec![0; 150], vec![9]].concat();
        assert_eq!((packets(&lone, &[9]).clipped, packets(&lone, &[9]).to_clipped), (0.0, None));
    }

    #[test]
    fn marks_are_no_sizes() {
        let schema = presets::preset("packet").unwrap();
        let none = Trace::empty(&schema);
        let traces = Traces { real: &none, held_out: None, synthetic: &none, schema: &schema };
        let found = totals(&traces, &Quiet).unwrap();
        assert_eq!(found.iter().map(|t| t.column.as_str()).collect::<Vec<_>>(), ["pkt_len", "off"]);
        let mut marks = schema.clone();
        marks.columns.retain(|c| ["ttl", "proto"].contains(&c.name.as_str()));
        let none = Trace::empty(&marks);
        let traces = Traces { real: &none, held_out: None, synthetic: &none, schema: &marks };
        assert!(matches!(totals(&traces, &Quiet), Err(NotTaken::Skipped(_))));
    }
}
