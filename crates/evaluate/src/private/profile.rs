//! Profiles: distributions of amounts, in doubling bins and by quantiles.

use super::joint::total_variation;
use super::sides::{Sides, ratio};
use netdpsyn_trace::progress::{Cancelled, Progress, chunks};
use serde::{Deserialize, Serialize};

/// Number of bins of amounts: 0, then [1, 2), [2, 4) and so on.
const BINS: usize = 65;

/// Quantile levels of groups.
pub const USUAL: [f64; 3] = [0.5, 0.9, 0.99];
/// Quantile levels of times between records.
pub const TIMES: [f64; 3] = [0.1, 0.5, 0.9];

/// The distribution of amounts over groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// The kind of amount.
    pub of: ProfiledAmount,
    /// Total variation distance between the shares of groups in doubling bins, 0 (equal) to 1 (disjoint).
    pub distance: f64,
    /// The same between the held-out records and a random sample of as many fitted ones: fewer records make
    /// smaller groups, so that whole parts cannot be compared. Good is a distance near it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Quantiles of the amounts.
    pub quantiles: Vec<Quantile>,
    /// Share of the raw groups in each bin: 0, 1, 2 to 3, 4 to 7, 8 to 15 and so on, up to the last non-empty
    /// bin; times in nanoseconds.
    pub real: Vec<f64>,
    /// Share of the synthetic groups in each bin.
    pub synthetic: Vec<f64>,
}

/// A kind of amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProfiledAmount {
    /// Records that a host sends or receives.
    RecordsAHost,
    /// Records of an ordered pair of hosts.
    RecordsAPair,
    /// Records of a service.
    RecordsAService,
    /// Records of a five-tuple.
    RecordsAFiveTuple,
    /// Distinct destinations of a source.
    FanOut,
    /// Distinct sources of a destination.
    FanIn,
    /// Distinct own ports at which a host sends or receives.
    PortsAHost,
    /// Records of a session.
    RecordsASession,
    /// Packets of a session's flows.
    PacketsASession,
    /// Time between consecutive records of a session.
    GapsInside,
    /// Time between consecutive records of an ordered pair of hosts.
    GapsOfPairs,
    /// Time between consecutive records of the trace.
    InterArrival,
}

impl ProfiledAmount {
    /// Whether it is a time.
    pub fn is_time(self) -> bool {
        matches!(
            self,
            ProfiledAmount::GapsInside | ProfiledAmount::GapsOfPairs | ProfiledAmount::InterArrival
        )
    }

    /// A description for people.
    pub fn words(self) -> &'static str {
        match self {
            ProfiledAmount::RecordsAHost => "records a host",
            ProfiledAmount::RecordsAPair => "records a pair",
            ProfiledAmount::RecordsAService => "records a service",
            ProfiledAmount::RecordsAFiveTuple => "records a five-tuple",
            ProfiledAmount::FanOut => "destinations a source",
            ProfiledAmount::FanIn => "sources a destination",
            ProfiledAmount::PortsAHost => "ports a host",
            ProfiledAmount::RecordsASession => "records a session",
            ProfiledAmount::PacketsASession => "packets a session",
            ProfiledAmount::GapsInside => "gaps inside sessions, s",
            ProfiledAmount::GapsOfPairs => "gaps between records of a pair, s",
            ProfiledAmount::InterArrival => "inter-arrival times, s",
        }
    }
}

/// One quantile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quantile {
    /// The share of amounts that are at most as large, 0 to 1.
    pub at: f64,
    /// The quantile of the fitted records, in the unit of the file; times between records in seconds.
    pub real: f64,
    /// The quantile of the synthetic records.
    pub synthetic: f64,
    /// The synthetic quantile divided by the raw one; 1 where both are 0, otherwise a raw 0 counts as one
    /// step of the column. Good is near 1.
    pub ratio: f64,
    /// The ratio for held-out records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
}

impl Profile {
    /// The profile of amounts in ascending order.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(
        of: ProfiledAmount,
        sorted: &Sides<&[u64]>,
        at: &[f64],
        progress: &dyn Progress,
    ) -> Result<Profile, Cancelled> {
        let bins = sorted.try_each(|amounts| binned(amounts, progress))?;
        let (distance, floor) = bins.between(|a, b| total_variation(a, b));
        let [real, synthetic] = shares([&bins.real, &bins.synthetic]);
        // Times are counted in nanoseconds and reported in seconds.
        let quantiles = quantiles(sorted, at, if of.is_time() { 1e9 } else { 1.0 });
        Ok(Profile { of, distance, floor, quantiles, real, synthetic })
    }
}

/// Quantiles of amounts in ascending order, reported in a unit of `unit` steps.
pub fn quantiles(sorted: &Sides<&[u64]>, at: &[f64], unit: f64) -> Vec<Quantile> {
    let one = |&at: &f64| {
        let of = sorted.each(|amounts| quantile(amounts, at));
        let (ratio, floor) = of.between(|&a, &b| ratio(a, b));
        Quantile { at, real: of.real as f64 / unit, synthetic: of.synthetic as f64 / unit, ratio, floor }
    };
    at.iter().map(one).collect()
}

/// The smallest of some ascending amounts that is at least as large as this share of them; 0 where there are
/// none.
fn quantile(sorted: &[u64], at: f64) -> u64 {
    let rank = (at * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// The share that each bin has on both sides, up to the last bin that any has.
fn shares(sides: [&[u64; BINS]; 2]) -> [Vec<f64>; 2] {
    let last = |bins: &[u64; BINS]| bins.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    let shown = sides.map(last).into_iter().max().unwrap_or(0);
    sides.map(|bins| {
        let all = bins.iter().sum::<u64>().max(1) as f64;
        bins[..shown].iter().map(|&count| count as f64 / all).collect()
    })
}

/// Shares of raw and synthetic amounts in bins that double, as [`Profile`] has them.
pub(super) fn spread(
    real: &[u64],
    synthetic: &[u64],
    progress: &dyn Progress,
) -> Result<[Vec<f64>; 2], Cancelled> {
    Ok(shares([&binned(real, progress)?, &binned(synthetic, progress)?]))
}

fn binned(amounts: &[u64], progress: &dyn Progress) -> Result<[u64; BINS], Cancelled> {
    let mut bins = [0; BINS];
    for block in chunks(amounts, progress) {
        block?.iter().for_each(|amount| bins[(u64::BITS - amount.leading_zeros()) as usize] += 1);
    }
    Ok(bins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use proptest::prelude::*;

    fn profile(real: &[u64], synthetic: &[u64]) -> Profile {
        let sides = Sides { real, synthetic, parts: None };
        Profile::of(ProfiledAmount::FanOut, &sides, &USUAL, &Quiet).unwrap()
    }

    #[test]
    fn bins_double_and_quantiles_are_amounts() {
        let found = profile(&[0, 1, 2, 3], &[1, 4, 7, 8]);
        assert_eq!(found.real, [0.25, 0.25, 0.5, 0.0, 0.0]);
        assert_eq!(found.synthetic, [0.0, 0.25, 0.0, 0.5, 0.25]);
        assert_eq!(found.distance, 0.75);
        let shown: Vec<_> = found.quantiles.iter().map(|q| (q.at, q.real, q.synthetic)).collect();
        assert_eq!(shown, [(0.5, 1.0, 4.0), (0.9, 3.0, 8.0), (0.99, 3.0, 8.0)]);
        assert_eq!(found.quantiles[0].ratio, 4.0);
        assert_eq!(profile(&[], &[]).distance, 0.0);
        let far = profile(&[], &[u64::MAX]);
        assert_eq!((far.distance, far.synthetic.len()), (1.0, BINS));
    }

    proptest! {
        #[test]
        fn a_profile_lies_on_itself(mut amounts in prop::collection::vec(any::<u64>(), 0..40)) {
            amounts.sort_unstable();
            let found = profile(&amounts, &amounts);
            prop_assert_eq!(found.distance, 0.0);
            prop_assert!(found.quantiles.iter().all(|quantile| quantile.ratio == 1.0));
        }
    }
}
