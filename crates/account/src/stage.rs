//! Stages of work.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A name that is not the name of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not the name of a stage")]
pub struct UnknownStage(String);

/// A stage of reading, fitting, generating or comparing: the unit of progress reports, of grouped charges and
/// of measured times. Stages follow from the plan, never from what records hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Reading a file.
    Read,
    /// Holding out a fifth of the records.
    Split,
    /// Deriving the times since the previous record of the same flow.
    Gaps,
    /// Growing prefix trees: paid.
    Trees,
    /// Encoding values as codes.
    Code,
    /// Measuring one-way marginals: paid.
    OneWays,
    /// Selecting pairs of attributes to measure: paid.
    Selection,
    /// Measuring pairs: paid.
    Pairs,
    /// Reconciling noisy tables.
    Reconcile,
    /// Planning what to generate.
    Plan,
    /// Generating records.
    Generate,
    /// Writing a file.
    Write,
    /// Comparing a synthetic trace with a raw one.
    Compare,
}

impl Stage {
    /// All stages, in the order in which a trace passes through them.
    pub const ALL: [Stage; 13] = [
        Stage::Read,
        Stage::Split,
        Stage::Gaps,
        Stage::Trees,
        Stage::Code,
        Stage::OneWays,
        Stage::Selection,
        Stage::Pairs,
        Stage::Reconcile,
        Stage::Plan,
        Stage::Generate,
        Stage::Write,
        Stage::Compare,
    ];

    /// The name of the stage, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Read => "read",
            Stage::Split => "split",
            Stage::Gaps => "gaps",
            Stage::Trees => "trees",
            Stage::Code => "code",
            Stage::OneWays => "one-ways",
            Stage::Selection => "selection",
            Stage::Pairs => "pairs",
            Stage::Reconcile => "reconcile",
            Stage::Plan => "plan",
            Stage::Generate => "generate",
            Stage::Write => "write",
            Stage::Compare => "compare",
        }
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(name: &str) -> Result<Self, UnknownStage> {
        Stage::ALL.into_iter().find(|stage| stage.name() == name).ok_or_else(|| UnknownStage(name.into()))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_the_name_that_json_has() {
        for stage in Stage::ALL {
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.name());
            assert_eq!(stage.name().parse(), Ok(stage));
        }
        assert!("".parse::<Stage>().is_err());
        assert!(Stage::ALL.windows(2).all(|two| two[0] < two[1]));
    }
}
