//! Looks across records: what the records of a trace are together, not what each of them is.

use crate::ranks::BINS;
use netdpsyn_account::NoiseScale;
use serde::{Deserialize, Serialize};

/// What a look counts, each as a rank histogram ([`crate::ranks`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Records of each source.
    Sources,
    /// Records of each destination.
    Destinations,
    /// Of each host the smaller of how many records it sends and how many it gets.
    BothSides,
    /// Records of each pair of source and destination.
    Pairs,
    /// Destinations of each source.
    FanOut,
    /// Sources of each destination.
    FanIn,
    /// Of each two hosts that talk to each other the smaller number of records of either direction.
    MutualPairs,
}

impl Subject {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Subject; 7] = [
        Subject::Sources,
        Subject::Destinations,
        Subject::BothSides,
        Subject::Pairs,
        Subject::FanOut,
        Subject::FanIn,
        Subject::MutualPairs,
    ];
}

/// A noisy look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// That of the charge that paid for it.
    pub label: String,
    /// What it counts.
    pub of: Subject,
    /// Noisy numbers of ranks, by bin.
    pub ranks: Vec<i64>,
    /// σ² of their noise.
    pub scale: NoiseScale,
}

impl Look {
    /// Whether it has the form of one.
    pub fn is_whole(&self) -> bool {
        self.ranks.len() == BINS && self.scale.variance() > 0.0 && self.scale.variance().is_finite()
    }

    /// How many groups there are; what else is `known` of their number where noise hides them: they are told from it at `sigmas` σ.
    pub fn number(&self, known: f64, sigmas: f64) -> f64 {
        let seen = self.ranks[0] as f64;
        if (seen - known).abs() > sigmas * self.scale.sigma() { seen.max(0.0) } else { known }
    }
}
