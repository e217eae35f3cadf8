//! Options of the generation from a model. They cost no privacy, and any number of them may be tried on one
//! model.
//!
//! The names are those of NetDPSyn (section 3.4) and PrivSyn (section 5).

use serde::{Deserialize, Serialize};

/// Largest number of rounds: far beyond it nothing changes any more.
pub const MAX_ROUNDS: u32 = 1_000;

/// Options of the generation from a model of method `netdpsyn` or `independent`. The defaults measured best.
/// A model of method `adaptive` ignores them: its records come from a weighted pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", schema(example = json!({"start": "gummi", "update": "alternate", "decay": "step", "rounds": 200})))]
pub struct GenerateOptions {
    /// Initial records.
    pub start: Start,
    /// How cells with too few records are filled.
    pub update: Update,
    /// How the step size shrinks from round to round.
    pub decay: Decay,
    /// Largest number of rounds of GUM; 0 keeps the initial records.
    #[serde(deserialize_with = "netdpsyn_trace::whole::number")]
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub rounds: u32,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        GenerateOptions { start: Start::Tree, update: Update::Alternate, decay: Decay::Linear, rounds: 24 }
    }
}

impl GenerateOptions {
    /// The options of NetDPSyn: GUMMI, alternating updates, step decay, at most 200 rounds.
    pub fn of_the_paper() -> Self {
        GenerateOptions { start: Start::Gummi, update: Update::Alternate, decay: Decay::Step, rounds: 200 }
    }
}

/// Initial records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Attributes conditioned on the key attribute where a table holds both, else on their strongest
    /// neighbour (the paper's)
    Gummi,
    /// Attributes along the spanning tree of largest mutual information
    Tree,
    /// Every attribute independently
    Independent,
}

/// How cells with too few records are filled: by duplicating whole records of the cell, or by replacing the
/// codes of other records by those of the cell. Empty cells can only be filled by replacing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// Half duplicated and half replaced, and all duplicated, in turn (the paper's)
    Alternate,
    /// All replaced
    Replace,
    /// All duplicated
    Duplicate,
    /// Half duplicated, half replaced
    Half,
}

impl Update {
    /// The share of the possible duplications that round `round` makes.
    pub fn duplicated(self, round: u32) -> f64 {
        match self {
            Update::Alternate if round.is_multiple_of(2) => 0.5,
            Update::Alternate | Update::Duplicate => 1.0,
            Update::Replace => 0.0,
            Update::Half => 0.5,
        }
    }

    /// Whether `round` is a good last one: where rounds differ, a round that only duplicates, because
    /// replacing blurs what the current table does not contain.
    pub fn may_end(self, round: u32) -> bool {
        self != Update::Alternate || self.duplicated(round) == 1.0
    }
}

/// How the step size α shrinks from round t to round t + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// α = 0.84^⌊t/20⌋ (the paper's)
    Step,
    /// α = 0.9^t
    Exponential,
    /// α = 1 − t/T, where T is the largest number of rounds: ends in fine adjustments
    Linear,
    /// α = 1/√(t + 1)
    SquareRoot,
}

impl Decay {
    /// α of round `round` (from 0) of at most `rounds`, in (0, 1].
    pub fn alpha(self, round: u32, rounds: u32) -> f64 {
        let t = f64::from(round);
        match self {
            Decay::Step => 0.84f64.powi((round / 20) as i32),
            Decay::Exponential => 0.9f64.powf(t),
            Decay::Linear => 1.0 - t / f64::from(rounds.max(round + 1)),
            Decay::SquareRoot => 1.0 / (t + 1.0).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_shrink_and_stay_positive() {
        for decay in [Decay::Step, Decay::Exponential, Decay::Linear, Decay::SquareRoot] {
            let alphas: Vec<f64> = (0..60).map(|t| decay.alpha(t, 60)).collect();
            assert_eq!(alphas[0], 1.0);
            assert!(alphas.windows(2).all(|pair| pair[1] <= pair[0] && pair[1] > 0.0), "{decay:?}");
            assert!(alphas[59] < 0.75, "{decay:?}");
        }
        assert_eq!(Decay::Step.alpha(19, 200), 1.0);
        assert_eq!(Decay::Step.alpha(20, 200), 0.84);
        assert_eq!(Decay::Linear.alpha(1, 4), 0.75);
        assert_eq!(Decay::SquareRoot.alpha(3, 4), 0.5);
    }

    #[test]
    fn updates_are_what_their_names_say() {
        let shares = |update: Update| [0, 1, 2].map(|round| update.duplicated(round));
        assert_eq!(shares(Update::Alternate), [0.5, 1.0, 0.5]);
        assert_eq!(shares(Update::Replace), [0.0; 3]);
        assert_eq!(shares(Update::Duplicate), [1.0; 3]);
        assert_eq!(shares(Update::Half), [0.5; 3]);
        assert!(!Update::Alternate.may_end(0) && Update::Alternate.may_end(1) && Update::Half.may_end(0));
    }

    #[test]
    fn parts_may_be_left_out_and_unknown_ones_are_refused() {
        let some: GenerateOptions = serde_json::from_str(r#"{"decay": "square-root", "rounds": 9}"#).unwrap();
        assert_eq!(
            some,
            GenerateOptions { decay: Decay::SquareRoot, rounds: 9, ..GenerateOptions::default() }
        );
        assert!(serde_json::from_str::<GenerateOptions>(r#"{"round": 9}"#).is_err());
        assert!(serde_json::from_str::<GenerateOptions>(r#"{"update": "none"}"#).is_err());
    }
}
