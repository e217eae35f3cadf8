//! Looks across records: the number of hosts and pairs, their sizes, degrees, and who answers.
//!
//! Tables of single records do not show this: for a leaf of a thousand addresses they give the number of
//! records, not whether three hosts sent them or three hundred. Each look is a rank histogram over groups of
//! records, in which adding one record adds one count ([`Sensitivity::ranks`]); together they take
//! [`Sides::PART`] of ρ.
//!
//! | file | idea |
//! | --- | --- |
//! | [`hosts`] | the exact ranks of all looks, from the pairs of a trace |
//! | [`rhythm`] | gaps between the records of a pair |

pub mod hosts;
pub mod rhythm;

use super::FitError;
use super::plan::{Method, Plan, Structure};
use netdpsyn_model::ranks::BINS;
use netdpsyn_model::{LookSubject, RankAnswer, labels};
use netdpsyn_privacy::{Accountant, CellMap, Query, Raw, Rho, Sensitive, Sensitivity, Stream};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Role, Schema, Stage, Trace};

/// The columns of source and destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides(pub [usize; 2]);

impl Sides {
    /// The part of ρ of all looks.
    pub const PART: f64 = 0.077;

    /// The columns of a schema that declares source and destination, whose addresses are measured by trees,
    /// under a plan with structure.
    pub fn of(plan: &Plan, schema: &Schema) -> Option<Sides> {
        if plan.method != Method::Adaptive || plan.options.structure == Structure::None {
            return None;
        }
        let column = |role| {
            let grown = |&column: &usize| schema.columns[column].field.tells_hosts();
            schema.column_of(role).filter(|&column| schema.columns[column].is_measured()).filter(grown)
        };
        Some(Sides([column(Role::SourceAddress)?, column(Role::DestinationAddress)?]))
    }

    /// Measures every look.
    ///
    /// # Errors
    /// [`FitError`] when the accountant refuses a query, or `progress` asks to stop.
    pub fn measure(
        &self,
        trace: &Sensitive<Trace>,
        plan: &Plan,
        accountant: &mut Accountant<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<RankAnswer>, FitError> {
        progress.check()?;
        let all = trace.derive(|t| hosts::ranks(t, self.0, progress)).finished_or(Cancelled)?;
        let k = plan.unit.max_records();
        let mut looks = Vec::new();
        for (at, of) in LookSubject::ALL.into_iter().enumerate() {
            let label = labels::look(of);
            let sensitivity = match of {
                LookSubject::BothSides => Sensitivity::ranks_of_both_sides(k),
                _ => Sensitivity::ranks(k),
            };
            let query = Query {
                label: label.clone(),
                stream: Stream::new("look", [at, self.0[0], self.0[1]]),
                stage: Stage::Trees,
                sensitivity,
                rho: Rho::from_units((accountant.allowance().units() as f64 * part(of)) as u64),
                cells: BINS,
                map: CellMap::of(|say| self.0.iter().for_each(|column| say(&column.to_le_bytes()))),
            };
            let noisy = all.measure(accountant, query, |ranks| ranks[at].clone())?;
            looks.push(RankAnswer { label, of, ranks: noisy.values, scale: noisy.scale });
        }
        Ok(looks)
    }
}

/// The part of each look: the number of hosts is most in demand, and everything else depends on it.
const fn part(of: LookSubject) -> f64 {
    match of {
        LookSubject::Sources | LookSubject::Destinations | LookSubject::BothSides => 0.018,
        LookSubject::Pairs => 0.013,
        LookSubject::MutualPairs => 0.006,
        LookSubject::FanOut | LookSubject::FanIn => 0.002,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up() {
        let sum: f64 = LookSubject::ALL.into_iter().map(part).sum();
        assert!((sum - Sides::PART).abs() < 1e-12);
    }
}
