//! Single columns: Jensen–Shannon distance for names, Wasserstein distance for sizes and times.

use super::profile::spread;
use super::{Traces, compared, is_nominal, log_size, sorted};
use netdpsyn_trace::directory::SPACE;
use netdpsyn_trace::progress::{Cancelled, Progress, checked};
use netdpsyn_trace::{Field, Schema, Trace, address};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Number of most frequent values.
const TOP: usize = 10;

/// The distance of one column's distribution from the raw one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OneWay {
    /// The column.
    pub column: String,
    /// The kind of distance.
    pub measure: Distance,
    /// The distance between raw and synthetic values: 0 is equal. The Jensen–Shannon distance is at most 1;
    /// the Wasserstein distance is relative to the raw range, and above 1 only where synthetic values are far
    /// outside it.
    pub distance: f64,
    /// The same between the fitted and the held-out records: the error of sampling alone. Good is a distance
    /// near it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// For addresses and ports, the Jensen–Shannon distance over coarse values: /16 networks (of IPv6 /32, of
    /// hardware addresses the vendor); ports above 1023 in bands of 1,024. 0 to 1, 0 is equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coarse: Option<f64>,
    /// The floor of the coarse distance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coarse_floor: Option<f64>,
    /// For sizes, the shares of the most frequent exact values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_ten: Option<TopTen>,
    /// For sizes and durations, how they are spread; reports that were made before this was taken have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<AmountSpread>,
}

/// How amounts are spread: shares of the records in bins that double, 0, 1, 2 to 3, 4 to 7 and so on in whole steps of the column (durations: microseconds), up to
/// the last bin that any has. What has no amount is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AmountSpread {
    /// Of the fitted records.
    pub real: Vec<f64>,
    /// Of the synthetic records.
    pub synthetic: Vec<f64>,
}

impl AmountSpread {
    /// The share of records with at least so much, for the least amount of every bin: 1 at first, falling, and 0
    /// above the largest. Summed from the end, where differences would leave the rounding error.
    pub fn at_least(shares: &[f64]) -> Vec<f64> {
        let mut above = 0.0;
        let add = |share: &f64| {
            above += share;
            f64::min(above, 1.0)
        };
        let mut falling: Vec<f64> = shares.iter().rev().map(add).collect();
        falling.reverse();
        falling
    }
}

/// The records with one of the ten most frequent raw values of a column: often a few sizes dominate, and a
/// method that draws within bins spreads them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopTen {
    /// Share of the fitted records, 0 to 1.
    pub real: f64,
    /// Share of the synthetic records.
    pub synthetic: f64,
    /// The synthetic share, divided by the raw one; 1 where both are 0. Good is near 1.
    pub ratio: f64,
    /// Share of the held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
}

/// A distance between distributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// Jensen–Shannon distance, base 2, over exact values: 0 to 1.
    JensenShannon,
    /// Wasserstein-1 distance over log(1+x), divided by the raw range; where all raw values are equal, the
    /// share of the other values that differ.
    WassersteinLog,
    /// Wasserstein-1 distance over time, divided by the window.
    WassersteinTime,
}

/// The distance of every compared column.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn one_way(traces: &Traces, progress: &dyn Progress) -> Result<Vec<OneWay>, Cancelled> {
    compared(traces.schema).into_par_iter().map(|column| one(traces, column, progress)).collect()
}

fn one(traces: &Traces, column: usize, progress: &dyn Progress) -> Result<OneWay, Cancelled> {
    let sorted = |trace: &Trace| sorted(trace.column(column), progress);
    let (real, synthetic) = (sorted(traces.real)?, sorted(traces.synthetic)?);
    let held_out = traces.held_out.map(sorted).transpose()?;
    let declared = &traces.schema.columns[column];
    let field = &declared.field;
    // Amounts have distances, special values have none: these come last.
    let amounts = |values: &[u64]| {
        declared.first_special().map_or(values.len(), |first| values.partition_point(|&value| value < first))
    };
    let measure = match measure(traces.schema, column) {
        Distance::WassersteinLog if amounts(&real) == 0 => Distance::JensenShannon,
        measure => measure,
    };
    let from_real = |other: &[u64]| match measure {
        Distance::JensenShannon => jensen_shannon(&real, other, progress),
        Distance::WassersteinLog => {
            // The share of records with an amount also counts as a distance.
            let (all_real, all_other) = (real.len(), other.len());
            let (real, other) = (&real[..amounts(&real)], &other[..amounts(other)]);
            let shares = (real.len() as f64 / all_real as f64, other.len() as f64 / all_other.max(1) as f64);
            let apart = (shares.0 - shares.1).abs();
            Ok(wasserstein(real, other, log_size(field), None, progress)?.max(apart))
        }
        Distance::WassersteinTime => {
            let window = traces.schema.window;
            let start = window.map_or(real.first().copied().unwrap_or(0), |w| w.start());
            let since = |v: u64| (i128::from(v) - i128::from(start)) as f64;
            wasserstein(&real, other, since, window.map(|w| w.length() as f64), progress)
        }
    };
    // Coarsening keeps the order, so that the samples stay sorted.
    let directory = traces.real.directory(column);
    let network = |number: u64| match directory.filter(|_| number < SPACE) {
        Some(directory) => address::coarse(directory.key(number)),
        None => number,
    };
    let coarse: Option<&(dyn Fn(u64) -> u64 + Sync)> = match field {
        Field::Ip { .. } => Some(&|address| address >> 16),
        Field::Address {} => Some(&network),
        // Bands from 1024 on are numbered consecutively: 1024..2047 is 1024, and so on.
        Field::Port | Field::PortTree { .. } => {
            Some(&|port| if port < 1_024 { port } else { 1_023 + port / 1_024 })
        }
        _ => None,
    };
    let coarsened = |other: &[u64]| {
        let map = |values: &[u64]| values.iter().map(|&v| coarse.map_or(v, |c| c(v))).collect::<Vec<_>>();
        coarse.map(|_| jensen_shannon(&map(&real), &map(other), progress)).transpose()
    };
    Ok(OneWay {
        column: traces.schema.columns[column].name.clone(),
        measure,
        distance: from_real(&synthetic)?,
        floor: held_out.as_deref().map(from_real).transpose()?,
        coarse: coarsened(&synthetic)?,
        coarse_floor: held_out.as_deref().map(coarsened).transpose()?.flatten(),
        top_ten: match measure {
            Distance::WassersteinLog => Some(top_ten(&real, &synthetic, held_out.as_deref(), progress)?),
            Distance::JensenShannon | Distance::WassersteinTime => None,
        },
        spread: match measure {
            Distance::WassersteinLog => {
                let [real, synthetic] =
                    spread(&real[..amounts(&real)], &synthetic[..amounts(&synthetic)], progress)?;
                Some(AmountSpread { real, synthetic })
            }
            Distance::JensenShannon | Distance::WassersteinTime => None,
        },
    })
}

/// The shares of the ten most frequent values of a sample in ascending order, in it and in others; of equally
/// frequent ones the smallest are taken.
fn top_ten(
    real: &[u64],
    synthetic: &[u64],
    held_out: Option<&[u64]>,
    progress: &dyn Progress,
) -> Result<TopTen, Cancelled> {
    let mut commonest: Vec<(Reverse<usize>, u64)> = Vec::with_capacity(TOP + 1);
    for run in checked(runs(real, &[]), progress) {
        let (value, count, _) = run?;
        let ranked = (Reverse(count), value);
        let at = commonest.partition_point(|other| *other < ranked);
        if at < TOP {
            commonest.insert(at, ranked);
            commonest.truncate(TOP);
        }
    }
    let share = |sample: &[u64]| {
        let count = |&(_, value): &(Reverse<usize>, u64)| {
            sample.partition_point(|&v| v <= value) - sample.partition_point(|&v| v < value)
        };
        commonest.iter().map(count).sum::<usize>() as f64 / sample.len().max(1) as f64
    };
    let shown = share(real);
    // Without a frequent value there are no raw records.
    let ratio = |other: f64| if shown > 0.0 { other / shown } else { 1.0 };
    let synthetic = share(synthetic);
    Ok(TopTen {
        real: shown,
        synthetic,
        ratio: ratio(synthetic),
        floor: held_out.map(|sample| ratio(share(sample))),
    })
}

fn measure(schema: &Schema, column: usize) -> Distance {
    match schema.columns[column].field {
        _ if is_nominal(schema, column) => Distance::JensenShannon,
        Field::Timestamp { .. } => Distance::WassersteinTime,
        _ => Distance::WassersteinLog,
    }
}

/// Jensen–Shannon distance, base 2, between two samples in ascending order: √(½ KL(P‖M) + ½ KL(Q‖M)), M =
/// (P+Q)/2. An empty sample has distance 1 from any other.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn jensen_shannon(a: &[u64], b: &[u64], progress: &dyn Progress) -> Result<f64, Cancelled> {
    if a.is_empty() || b.is_empty() {
        return Ok(if a.is_empty() && b.is_empty() { 0.0 } else { 1.0 });
    }
    let term = |p: f64, m: f64| if p > 0.0 { p * (p / m).log2() } else { 0.0 };
    let mut divergence = 0.0;
    for run in checked(runs(a, b), progress) {
        let (_, in_a, in_b) = run?;
        let (p, q) = (in_a as f64 / a.len() as f64, in_b as f64 / b.len() as f64);
        let m = 0.5 * (p + q);
        divergence += 0.5 * (term(p, m) + term(q, m));
    }
    Ok(divergence.clamp(0.0, 1.0).sqrt())
}

/// The distinct values of two samples in ascending order, with their counts in each.
fn runs<'a>(mut a: &'a [u64], mut b: &'a [u64]) -> impl Iterator<Item = (u64, usize, usize)> + 'a {
    std::iter::from_fn(move || {
        let value = match (a.first(), b.first()) {
            (Some(&x), Some(&y)) => x.min(y),
            (one, other) => *one.or(other)?,
        };
        let pass = |values: &mut &[u64]| {
            let run = values.iter().take_while(|&&v| v == value).count();
            *values = &values[run..];
            run
        };
        Some((value, pass(&mut a), pass(&mut b)))
    })
}

/// Wasserstein-1 distance between two samples in ascending order after an increasing map, divided by `range`,
/// by default that of the first sample. Where the range is 0, the share of the second sample that differs
/// from the first one's only value.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn wasserstein(
    a: &[u64],
    b: &[u64],
    map: impl Fn(u64) -> f64,
    range: Option<f64>,
    progress: &dyn Progress,
) -> Result<f64, Cancelled> {
    if a.is_empty() || b.is_empty() {
        return Ok(if a.is_empty() && b.is_empty() { 0.0 } else { 1.0 });
    }
    // ∫ |F_a − F_b|, from each value to the next.
    let (mut i, mut j) = (0, 0);
    let mut at = map(a[0].min(b[0]));
    let mut distance = 0.0;
    for run in checked(runs(a, b), progress) {
        let (next, in_a, in_b) = run?;
        let gap = (i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs();
        distance += gap * (map(next) - at);
        at = map(next);
        (i, j) = (i + in_a, j + in_b);
    }
    let range = range.unwrap_or_else(|| map(a[a.len() - 1]) - map(a[0]));
    Ok(if range > 0.0 {
        distance / range
    } else {
        b.iter().filter(|&&value| value != a[0]).count() as f64 / b.len() as f64
    })
}

#[cfg(test)]
mod tests {
    use netdpsyn_trace::progress::Quiet;
    use proptest::prelude::*;

    fn jensen_shannon(a: &[u64], b: &[u64]) -> f64 {
        super::jensen_shannon(a, b, &Quiet).unwrap()
    }

    fn wasserstein(a: &[u64], b: &[u64], map: impl Fn(u64) -> f64, range: Option<f64>) -> f64 {
        super::wasserstein(a, b, map, range, &Quiet).unwrap()
    }

    /// A sample in ascending order, possibly empty or with repeated values.
    fn sample() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(0u64..12, 0..30).prop_map(|mut values| {
            values.sort_unstable();
            values
        })
    }

    proptest! {
        #[test]
        fn distances_are_distances(a in sample(), b in sample()) {
            let jsd = jensen_shannon(&a, &b);
            prop_assert!((0.0..=1.0).contains(&jsd));
            prop_assert!((jsd - jensen_shannon(&b, &a)).abs() < 1e-12);
            prop_assert_eq!(jensen_shannon(&a, &a), 0.0);
            let emd = |a: &[u64], b: &[u64]| wasserstein(a, b, |v| v as f64, Some(11.0));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&emd(&a, &b)));
            prop_assert!((emd(&a, &b) - emd(&b, &a)).abs() < 1e-12);
            prop_assert_eq!(emd(&a, &a), 0.0);
            // Without a range, the result is finite.
            prop_assert!(wasserstein(&a, &b, |v| v as f64, None).is_finite());
        }
    }

    #[test]
    fn jensen_shannon_by_hand() {
        assert_eq!(jensen_shannon(&[1, 1, 2], &[1, 1, 2]), 0.0);
        assert_eq!(jensen_shannon(&[1], &[2]), 1.0);
        assert_eq!(jensen_shannon(&[], &[2]), 1.0);
        // P = (1, 0), Q = (½, ½): M = (¾, ¼); divergence ½·log₂(4/3) + ½·(½·log₂(2/3) + ½·log₂2) = 0.311278.
        let distance = jensen_shannon(&[1, 1], &[1, 2]);
        assert!((distance - 0.311_278_124_459_132_8f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_ten_commonest_values_by_hand() {
        let top_ten = |real: &[u64], synthetic: &[u64], held_out| {
            super::top_ten(real, synthetic, held_out, &Quiet).unwrap()
        };
        // Twelve values, each as often as its value: 3 to 12 hold 75 of 78.
        let real: Vec<u64> = (1..=12).flat_map(|value| vec![value; value as usize]).collect();
        let found = top_ten(&real, &[1, 2, 3, 12, 99], Some(&[5, 5]));
        assert_eq!((found.real, found.synthetic), (75.0 / 78.0, 0.4));
        assert_eq!((found.ratio, found.floor), (0.4 / (75.0 / 78.0), Some(78.0 / 75.0)));
        // Of values that occur once each, the smallest.
        let once: Vec<u64> = (0..40).collect();
        assert_eq!(top_ten(&once, &[9, 10], None).synthetic, 0.5);
        assert_eq!(top_ten(&[], &[1], None).ratio, 1.0);
        assert_eq!(top_ten(&[1], &[], None).ratio, 0.0);
    }

    #[test]
    fn wasserstein_by_hand() {
        let plain = |v: u64| v as f64;
        // Moving half the mass by 2 and half by 1: 1.5; range of the first sample 10.
        assert_eq!(wasserstein(&[0, 10], &[2, 11], plain, None), 0.15);
        assert_eq!(wasserstein(&[3], &[3, 3], plain, None), 0.0);
        assert_eq!(wasserstein(&[3], &[3, 4, 3, 3], plain, None), 0.25);
        assert_eq!(wasserstein(&[0, 1, 2, 3], &[0, 3], plain, Some(1.0)), 0.5);
    }
}
