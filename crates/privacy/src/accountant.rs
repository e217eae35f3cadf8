//! The accountant: a fixed allowance of ρ for one fit, spent query by query.
//!
//! Queries may be chosen adaptively, from earlier answers. A fixed allowance that refuses whatever would
//! exceed it is a privacy filter, and under zCDP the filter costs nothing extra (Feldman & Zrnic 2021,
//! *Individual Privacy Accounting via a Rényi Filter*; Whitehouse et al. 2023, *Fully-Adaptive Composition in
//! Differential Privacy*, Thm. 1). Unspent ρ is not refunded.

use super::noise::{Noise, Stop};
use super::{CellMap, Charge, CostTooSmall, NoiseScale, Rho, Sensitivity, Stage, Stream};
use std::collections::BTreeSet;
use thiserror::Error;

/// A query on raw data with its cost: the noise scale follows from sensitivity and ρ.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is queried, for people: the label of the charge. Unique within the fit.
    pub label: String,
    /// What is queried, for the noise. Unique within the fit.
    pub stream: Stream,
    /// The stage of the method that queries, for the statement.
    pub stage: Stage,
    /// How far one privacy unit moves the answer.
    pub sensitivity: Sensitivity,
    /// The ρ that the answer costs at most.
    pub rho: Rho,
    /// Number of integers in the answer. It follows from the plan and from earlier noisy answers, never from
    /// raw data.
    pub cells: usize,
    /// What each cell stands for.
    pub map: CellMap,
}

/// A noisy answer: integers around the true ones, with the scale of their noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Noisy {
    /// The noisy value of each cell.
    pub values: Vec<i64>,
    /// σ² of the noise in each cell.
    pub scale: NoiseScale,
}

/// Why the accountant gives no answer. Except for [`Refused::Stopped`], nothing is drawn and nothing is
/// charged.
#[derive(Debug, Error, PartialEq)]
pub enum Refused {
    /// The query would exceed the allowance.
    #[error("query {label} asks for ρ = {asked}, but only {left} of the allowance {allowance} is left")]
    Exhausted {
        /// The label of the query.
        label: String,
        /// The ρ of the query.
        asked: Rho,
        /// The remaining ρ.
        left: Rho,
        /// The allowance of this fit.
        allowance: Rho,
    },
    /// The stream or the label was used before. The same stream twice would draw the same noise twice, and
    /// the difference of the answers would be exact. The same label twice would not, but the statement could
    /// not tell which charge paid for which answer.
    #[error("query {label} was already answered in this fit")]
    Repeated {
        /// The label of the query.
        label: String,
    },
    /// The noise would be too large to be represented.
    #[error(transparent)]
    TooSmall(#[from] CostTooSmall),
    /// Drawing was stopped on request. The query is charged: payment comes before drawing.
    #[error("stopped on request")]
    Stopped,
}

/// Spends the allowance of one fit.
pub struct Accountant<'n> {
    allowance: Rho,
    spent: Rho,
    streams: BTreeSet<Stream>,
    labels: BTreeSet<String>,
    charges: Vec<Charge>,
    noise: &'n dyn Noise,
    stop: Stop<'n>,
}

impl<'n> Accountant<'n> {
    /// An accountant that never spends more than `allowance`.
    pub fn new(allowance: Rho, noise: &'n dyn Noise) -> Self {
        let (streams, labels, charges) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        Accountant { allowance, spent: Rho::ZERO, streams, labels, charges, noise, stop: &|| false }
    }

    /// The same accountant, with drawing interrupted when `stop` returns true.
    pub fn until(self, stop: Stop<'n>) -> Self {
        Accountant { stop, ..self }
    }

    /// Charges `query`, then draws the noisy answer. Only [`super::Raw::measure`] calls it.
    pub(super) fn answer(
        &mut self,
        query: Query,
        truth: impl FnOnce() -> Vec<i64>,
    ) -> Result<Noisy, Refused> {
        let left = self.left();
        if query.rho > left {
            let allowance = self.allowance;
            return Err(Refused::Exhausted { label: query.label, asked: query.rho, left, allowance });
        }
        let scale = NoiseScale::for_cost(query.sensitivity, query.rho)?;
        if !self.streams.insert(query.stream.clone()) {
            return Err(Refused::Repeated { label: query.label });
        }
        if !self.labels.insert(query.label.clone()) {
            return Err(Refused::Repeated { label: query.label });
        }
        self.spent = Rho::from_units(self.spent.units() + query.rho.units());
        self.charges.push(Charge {
            label: query.label.clone(),
            stage: query.stage,
            sensitivity: query.sensitivity,
            rho: query.rho,
            scale,
            cells: query.cells,
        });
        let truth = truth();
        assert_eq!(truth.len(), query.cells, "the answer to {} has another length", query.label);
        self.noise.answer(&query, scale, truth, self.stop).ok_or(Refused::Stopped)
    }

    /// The remaining ρ.
    pub fn left(&self) -> Rho {
        Rho::from_units(self.allowance.units() - self.spent.units())
    }

    /// The total ρ that this fit may spend.
    pub fn allowance(&self) -> Rho {
        self.allowance
    }

    /// All charges, in order.
    pub fn into_charges(self) -> Vec<Charge> {
        self.charges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MaxRecords, NoiseKey, Raw, Sensitive};
    use proptest::prelude::*;

    fn query(number: usize, units: u64) -> Query {
        Query {
            label: number.to_string(),
            stream: Stream::new("test", [number]),
            stage: Stage::Pairs,
            sensitivity: Sensitivity::histogram(MaxRecords::ONE),
            rho: Rho::from_units(units),
            cells: 2,
            map: CellMap::of(|_| {}),
        }
    }

    proptest! {
        #[test]
        fn never_beyond_its_allowance(allowance in 1u64..1_000, asked in prop::collection::vec(0u64..400, 1..20)) {
            let key = NoiseKey::for_test(1);
            let mut accountant = Accountant::new(Rho::from_units(allowance), &key);
            let raw = Sensitive::new(vec![3i64, 4]);
            let mut spent = 0;
            for (i, units) in asked.into_iter().enumerate() {
                let answer = raw.measure(&mut accountant, query(i, units), Vec::clone);
                prop_assert_eq!(answer.is_ok(), units > 0 && spent + units <= allowance);
                if answer.is_ok() {
                    spent += units;
                }
                prop_assert_eq!(accountant.left().units(), allowance - spent);
            }
            prop_assert_eq!(accountant.into_charges().iter().map(|c| c.rho.units()).sum::<u64>(), spent);
        }
    }

    #[test]
    fn a_stream_and_a_label_are_asked_once() {
        let key = NoiseKey::for_test(1);
        let mut accountant = Accountant::new(Rho::from_units(100), &key);
        let raw = Sensitive::new(vec![3i64, 4]);
        raw.measure(&mut accountant, query(0, 1), Vec::clone).unwrap();
        for (stream, label) in [(0, 0), (0, 1), (2, 0)] {
            let again = Query { label: label.to_string(), ..query(stream, 1) };
            let refused = raw.measure(&mut accountant, again, Vec::clone);
            assert_eq!(refused, Err(Refused::Repeated { label: label.to_string() }));
        }
        assert_eq!(accountant.left(), Rho::from_units(99));
    }

    #[test]
    fn refused_before_the_data_is_touched() {
        let key = NoiseKey::for_test(1);
        let mut accountant = Accountant::new(Rho::from_units(1), &key);
        let answer = Sensitive::new(()).measure(&mut accountant, query(0, 2), |_| {
            panic!("the raw data was read for a query that cannot be paid")
        });
        assert!(matches!(answer, Err(Refused::Exhausted { .. })));
    }

    #[test]
    fn stopped_while_drawing_is_charged_all_the_same() {
        let key = NoiseKey::for_test(1);
        let mut accountant = Accountant::new(Rho::from_units(100), &key).until(&|| true);
        let answer = Sensitive::new(vec![3i64, 4]).measure(&mut accountant, query(0, 1), Vec::clone);
        assert_eq!(answer, Err(Refused::Stopped));
        assert_eq!(accountant.left(), Rho::from_units(99));
    }
}
