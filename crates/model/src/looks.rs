//! Looks across records: queries about groups of records, such as hosts and pairs, instead of single ones.

use crate::ranks::{self, BINS};
use netdpsyn_account::NoiseScale;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What a look counts, each as a rank histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LookSubject {
    /// Records of each source.
    Sources,
    /// Records of each destination.
    Destinations,
    /// For each host, the smaller of the numbers of records that it sends and receives.
    BothSides,
    /// Records of each pair of source and destination.
    Pairs,
    /// Destinations of each source.
    FanOut,
    /// Sources of each destination.
    FanIn,
    /// For each two hosts that talk to each other, the smaller of the numbers of records in either direction.
    MutualPairs,
}

impl LookSubject {
    /// All subjects, in the order in which they are measured.
    pub const ALL: [LookSubject; 7] = [
        LookSubject::Sources,
        LookSubject::Destinations,
        LookSubject::BothSides,
        LookSubject::Pairs,
        LookSubject::FanOut,
        LookSubject::FanIn,
        LookSubject::MutualPairs,
    ];
}

/// A noisy look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RankAnswer {
    /// The label of the charge that paid for it.
    pub label: String,
    /// What it counts.
    pub of: LookSubject,
    /// Noisy numbers of ranks, by bin.
    pub ranks: Vec<i64>,
    /// σ² of their noise.
    pub scale: NoiseScale,
}

impl RankAnswer {
    /// Whether it is well-formed.
    pub fn is_whole(&self) -> bool {
        self.ranks.len() == BINS && self.scale.variance() > 0.0 && self.scale.variance().is_finite()
    }

    /// The number of groups: the noisy count where it differs from `known`, another estimate, by at least
    /// `sigmas` σ, otherwise `known`.
    pub fn number(&self, known: f64, sigmas: f64) -> f64 {
        let seen = self.ranks[0] as f64;
        if (seen - known).abs() > sigmas * self.scale.sigma() { seen.max(0.0) } else { known }
    }
}

/// A pair of source and destination, and its number of records.
pub type Pair = ((u32, u32), u64);

/// The rank histogram of every [`LookSubject`], in order. The argument lists every pair of a trace once, in
/// order.
pub fn ranks_of_pairs(there: Vec<Pair>) -> Vec<Vec<i64>> {
    let mut back: Vec<Pair> =
        there.iter().map(|&((source, destination), count)| ((destination, source), count)).collect();
    back.par_sort_unstable();
    let (sources, destinations) = (hosts(&there), hosts(&back));
    let all = LookSubject::ALL.map(|of| match of {
        LookSubject::Sources => ranks::of(sources.iter().map(|host| host.records)),
        LookSubject::Destinations => ranks::of(destinations.iter().map(|host| host.records)),
        LookSubject::BothSides => ranks::of(common(&sources, &destinations)),
        LookSubject::Pairs => ranks::of(there.iter().map(|&(_, count)| count)),
        LookSubject::FanOut => ranks::of(sources.iter().map(|host| host.peers)),
        LookSubject::FanIn => ranks::of(destinations.iter().map(|host| host.peers)),
        LookSubject::MutualPairs => ranks::of(answered(&there, &back)),
    });
    all.into()
}

struct Host {
    address: u32,
    records: u64,
    peers: u64,
}

/// The sums over the first host of each pair, from pairs in order.
fn hosts(pairs: &[Pair]) -> Vec<Host> {
    let own = pairs.chunk_by(|(a, _), (b, _)| a.0 == b.0);
    let host = |own: &[Pair]| Host {
        address: own[0].0.0,
        records: own.iter().map(|&(_, count)| count).sum(),
        peers: own.len() as u64,
    };
    own.map(host).collect()
}

/// The smaller number of records of every host in both lists.
fn common<'a>(sources: &'a [Host], destinations: &'a [Host]) -> impl Iterator<Item = u64> + 'a {
    let mut rest = destinations;
    sources.iter().filter_map(move |source| {
        rest = &rest[rest.partition_point(|host| host.address < source.address)..];
        let same = rest.first().filter(|host| host.address == source.address)?;
        Some(source.records.min(same.records))
    })
}

/// The smaller number of records of every two hosts that send to each other, each once.
fn answered<'a>(there: &'a [Pair], back: &'a [Pair]) -> impl Iterator<Item = u64> + 'a {
    let mut rest = back;
    there.iter().filter_map(move |&(pair, count)| {
        // `back` is the other direction, swapped: the keys are the same.
        while rest.first().is_some_and(|&(own, _)| own < pair) {
            rest = &rest[1..];
        }
        let &(_, other) = rest.first().filter(|&&(own, _)| own == pair && pair.0 < pair.1)?;
        Some(count.min(other))
    })
}
