//! Models of two resolutions: tables with few attributes have fine bins, tables with many have coarse ones.
//!
//! ```text
//! class × side                                the key attribute and the protocol
//! class × side × X, fine                      the shape of every other attribute
//! class × X coarse                            the same, with less noise
//! X coarse × Y coarse                         pairs
//! class × X coarse × Y coarse                 triples
//! ```
//!
//! Both partitions of a column are separate attributes that name the same column; the fine one comes first.
//!
//! | file | idea |
//! | --- | --- |
//! | [`estimate`] | reconciling noisy tables of this form in one pass |
//! | [`bayes`] | shrinking counts towards expected ones |
//! | [`margins`] | scaling tables to given margins |

pub mod bayes;
pub mod estimate;
pub mod margins;

use crate::domain::Attribute;
use crate::{Cells, Measurement, Table};
use netdpsyn_trace::Values;
use netdpsyn_trace::progress::{Cancelled, Progress};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The roles of the attributes in a model of two resolutions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layers {
    /// The class: the key attribute, or the protocol where there is no key.
    pub class: Option<usize>,
    /// The side: the protocol, where it is not the class.
    pub side: Option<usize>,
    /// For every fine attribute, its coarse one: itself, where one partition serves as both.
    pub coarse: Vec<usize>,
}

impl Layers {
    /// The class and the side, as far as they exist.
    pub fn context(&self) -> Vec<usize> {
        self.class.into_iter().chain(self.side).collect()
    }

    /// The fine attributes other than class and side.
    pub fn free(&self) -> Vec<usize> {
        (0..self.coarse.len()).filter(|a| Some(*a) != self.class && Some(*a) != self.side).collect()
    }

    /// What is inconsistent with these attributes, if anything.
    pub fn fault(&self, attributes: &[Attribute]) -> Option<&'static str> {
        let fine = self.coarse.len();
        let column = |a: usize| attributes.get(a).map(|a| a.column);
        let context = self.context();
        if fine > attributes.len()
            || context.iter().any(|&a| a >= fine)
            || self.side.is_some() && self.side == self.class
        {
            Some("its layers name attributes that it has not")
        } else if (1..fine).any(|a| (0..a).any(|b| column(a) == column(b))) {
            Some("two of its fine attributes are one column")
        } else if self
            .coarse
            .iter()
            .enumerate()
            .any(|(a, &coarse)| column(coarse).is_none() || column(coarse) != column(a))
        {
            Some("a coarse attribute is not one of its column")
        } else if (0..fine).any(|a| self.map(a, attributes).is_none()) {
            Some("a coarse cut is no coarser cut of the same values")
        } else {
            None
        }
    }

    /// For every bin of a fine attribute, the coarse bin that contains it; `None` where bins overlap.
    pub fn map(&self, fine: usize, attributes: &[Attribute]) -> Option<Vec<u32>> {
        let coarse = &attributes[self.coarse[fine]].partition;
        let bin_of = |intervals: Vec<(std::ops::Range<u64>, f64)>| {
            let mut codes =
                intervals.iter().flat_map(|(i, _)| [coarse.code(i.start), coarse.code(i.end - 1)]);
            let first = codes.next()?;
            codes.all(|code| code == first).then_some(first)
        };
        attributes[fine].partition.intervals().into_iter().map(bin_of).collect()
    }
}

/// The attributes of a bundle of two resolutions, and their roles.
pub struct Layout<'a> {
    /// All attributes.
    pub attributes: &'a [Attribute],
    /// Their roles.
    pub layers: &'a Layers,
    /// By fine attribute: the map from fine to coarse bins.
    pub maps: Vec<Vec<u32>>,
}

impl<'a> Layout<'a> {
    /// The layout of attributes whose layers have no fault.
    pub fn new(attributes: &'a [Attribute], layers: &'a Layers) -> Self {
        let map = |a| layers.map(a, attributes).unwrap_or_default();
        Layout { attributes, layers, maps: (0..layers.coarse.len()).map(map).collect() }
    }

    /// Number of bins of an attribute; 1 for `None`.
    pub fn bins(&self, attribute: Option<usize>) -> usize {
        attribute.map_or(1, |a| self.attributes[a].bins())
    }

    /// Number of bins of the coarse partition of a fine attribute.
    pub fn coarse_bins(&self, fine: usize) -> usize {
        self.bins(Some(self.layers.coarse[fine]))
    }

    /// Appends the codes of the coarse attributes to those of the fine ones.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn append_coarse(&self, codes: &mut Vec<Values>, progress: &dyn Progress) -> Result<(), Cancelled> {
        let own = (0..self.maps.len()).into_par_iter().filter(|&fine| self.layers.coarse[fine] != fine);
        let coarse = own.map(|fine| {
            let (map, top) = (&self.maps[fine], self.coarse_bins(fine) as u64 - 1);
            codes[fine].map(top, |code| u64::from(map[code as usize]), progress)
        });
        let coarse: Vec<Values> = coarse.collect::<Result<_, Cancelled>>()?;
        codes.extend(coarse);
        Ok(())
    }

    /// The measurement of these attributes, whatever their order: its counts, with the last named attribute
    /// varying fastest, and its σ.
    pub fn counts(&self, measurements: &[Measurement], of: &[Option<usize>]) -> Option<Noisy> {
        let of: Vec<usize> = of.iter().copied().flatten().collect();
        let mut sorted = of.clone();
        sorted.sort_unstable();
        let measured = measurements.iter().find(|m| m.attributes == sorted)?;
        let table = Table::measured(measured, self.attributes);
        let counts = table.project(&table.cells.map_onto(&of), table.values.len());
        Some(Noisy { counts, sigma: measured.scale.sigma() })
    }

    /// A table over these attributes, in any order, in the form of the model: attributes ascend.
    pub fn table(&self, of: &[Option<usize>], values: &[f64], sigma: f64) -> Table {
        let of: Vec<usize> = of.iter().copied().flatten().collect();
        let mut sorted = of.clone();
        sorted.sort_unstable();
        let given = Cells::of(&of, self.attributes);
        let mut sorted_values = vec![0.0; values.len()];
        for (&cell, &value) in given.map_onto(&sorted).iter().zip(values) {
            sorted_values[cell as usize] = value;
        }
        let variance = crate::table::Variance::Even(sigma * sigma);
        Table { cells: Cells::of(&sorted, self.attributes), values: sorted_values, variance }
    }
}

/// Noisy counts, and the σ of each.
#[derive(Clone, Debug)]
pub struct Noisy {
    /// Counts.
    pub counts: Vec<f64>,
    /// σ.
    pub sigma: f64,
}
