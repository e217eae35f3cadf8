//! A trace instead of independent records: one population of hosts, and which of them meet.
//!
//! ```text
//! trees and looks ─► hosts of either side, known and unknown ─► one space of hosts ─► a host for each record
//!                 ─► exchanged until pairs and degrees fit ─► times exchanged until gaps of pairs do
//! ```
//!
//! Everything here is post-processing. A record keeps its bins as far as tables distinguish them, so the
//! measured tables of single records stay as they are; only the choice of host within a bin changes. The
//! population is generated when a model is opened, so that all parts of a trace share it.
//!
//! | file | idea |
//! | --- | --- |
//! | [`tails`] | one side: the hosts that a tree isolates, and the number of others |
//! | [`meet`] | which sources are also destinations |
//! | [`draw`] | the hosts of records |
//! | [`swap`] | which hosts meet |
//! | [`rhythm`] | the wanted gaps between the records of a pair |
//! | [`paces`], [`pacing`] | the times of records: of all kinds, and of one kind |

pub mod draw;
pub mod meet;
pub mod paces;
pub mod pacing;
pub mod rhythm;
pub mod swap;
pub mod tails;

use crate::codes::{self, Codes};
use draw::Bins;
use netdpsyn_model::table::Variance;
use netdpsyn_model::{Ends, LookSubject, Model, RankAnswer};
use netdpsyn_trace::progress::{Cancelled, Step};
use netdpsyn_trace::{Role, Values};
use paces::Paces;
use rand::Rng;
use std::ops::Range;
use swap::{Search, TargetRanks};
use tails::Side;

/// A trace counts as large as the measured one up to this relative difference.
const AS_LARGE: f64 = 0.02;

/// The hosts of a model.
pub struct Structure {
    /// The attributes of source and destination.
    pub attributes: [usize; 2],
    /// Their columns.
    pub columns: [usize; 2],
    /// Class and side, and the number of bins of each.
    context: Vec<(usize, u32)>,
    /// By side, the map from fine to coarse bins, and the number of these.
    coarse: [(Vec<u32>, u32); 2],
    addresses: Vec<u64>,
    bins: [Bins; 2],
    /// Looks at pairs, fan-out, fan-in and mutual pairs.
    looks: [RankAnswer; 4],
    /// The number of measured records.
    records: f64,
    /// Which families of addresses occur together.
    ends: Option<Ends>,
    paces: Option<Paces>,
}

impl Structure {
    /// The structure of a model with looks across records.
    pub fn of(model: &Model, rng: &mut impl Rng) -> Option<Structure> {
        let look = |of: LookSubject| model.looks.iter().find(|look| look.of == of);
        let columns =
            [Role::SourceAddress, Role::DestinationAddress].map(|role| model.schema.column_of(role));
        let columns = [columns[0]?, columns[1]?];
        let layers = model.layers.as_ref()?;
        let fine = layers.coarse.len();
        let attribute = |column: usize| model.attributes[..fine].iter().position(|a| a.column == column);
        let attributes = [attribute(columns[0])?, attribute(columns[1])?];
        let context = layers.context().into_iter().map(|a| (a, model.attributes[a].bins() as u32)).collect();
        let coarse = attributes.map(|a| {
            let bins = model.attributes[layers.coarse[a]].bins() as u32;
            (layers.map(a, &model.attributes).unwrap_or_default(), bins)
        });
        let mut sides = [side(model, attributes[0])?, side(model, attributes[1])?];
        let known = [0, 1].map(|side: usize| {
            sides[side].known.iter().map(|host| host.address).collect::<std::collections::HashSet<u64>>()
        });
        for (at, of) in [LookSubject::Sources, LookSubject::Destinations].into_iter().enumerate() {
            sides[at].settle(look(of)?, |address| known[1 - at].contains(&address), rng);
        }
        let hosts = meet::meet(sides, look(LookSubject::BothSides)?, rng);
        let mut addresses: Vec<u64> = hosts.iter().flatten().flatten().map(|(address, _)| *address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let bins = [0, 1].map(|side: usize| Bins::new(&hosts[side], &addresses));
        let looks =
            [LookSubject::Pairs, LookSubject::FanOut, LookSubject::FanIn, LookSubject::MutualPairs].map(look);
        let [Some(pairs), Some(out), Some(into), Some(mutual)] = looks.map(|look| look.cloned()) else {
            return None;
        };
        Some(Structure {
            attributes,
            columns,
            context,
            coarse,
            addresses,
            bins,
            looks: [pairs, out, into, mutual],
            records: model.records,
            ends: model.rules.ends.clone(),
            paces: Paces::of(model),
        })
    }

    /// The columns of some parts of a trace that depend on other records, by part: the addresses of source
    /// and destination and, where gaps are measured, the times.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn together(
        &self,
        parts: &[&Codes],
        rng: &mut impl Rng,
        step: &Step,
    ) -> Result<Vec<Vec<(usize, Values)>>, Cancelled> {
        let bins = self.attributes.map(|attribute| codes::joined(parts, attribute));
        let mut hosts = [self.bins[0].draw(&bins[0], rng, step)?, self.bins[1].draw(&bins[1], rng, step)?];
        let mut times = None;
        if let Some(targets) = self.targets(bins[0].len() as f64) {
            let kinds = self.kinds(parts);
            let mut search = Search::new(&mut hosts, self.addresses.len(), &targets);
            search.within(&bins, rng, step)?;
            let [source, destination] = &bins;
            let coarse = [self.coarse(0, source, &kinds), self.coarse(1, destination, &kinds)];
            let families = self.families(&kinds, source);
            drop(bins);
            search.within(&coarse, rng, step)?;
            search.across(families.as_deref().unwrap_or(&kinds), rng, step)?;
            drop((search, coarse, families));
            if let Some(paces) = &self.paces {
                times = Some((paces.column, paces.times(parts, &hosts, &kinds, rng, step)?));
            }
        }
        let mut at = 0;
        let part = |codes: &&Codes| {
            let rows = at..at + codes[self.attributes[0]].len();
            at = rows.end;
            let top = self.addresses.last().copied().unwrap_or(0);
            let side = |side: usize| {
                let own = &hosts[side][rows.clone()];
                let addresses = own.iter().map(|&host| self.addresses[host as usize]);
                (self.columns[side], Values::collect(top, addresses))
            };
            let times = times.iter().map(|(column, times)| {
                (*column, Values::collect(u64::MAX, times[rows.clone()].iter().copied()))
            });
            [side(0), side(1)].into_iter().chain(times).collect()
        };
        Ok(parts.iter().map(part).collect())
    }

    /// Class and side of each record, as one number. A condition may have codes beyond the bins of its
    /// attribute.
    fn kinds(&self, parts: &[&Codes]) -> Vec<u32> {
        let most = |attribute: usize| {
            let mut most = 0;
            parts.iter().for_each(|codes| codes[attribute].for_each(|code| most = most.max(code as u32 + 1)));
            most
        };
        let context: Vec<(usize, u32)> =
            self.context.iter().map(|&(attribute, bins)| (attribute, bins.max(most(attribute)))).collect();
        let kind = |codes: &Codes, row: usize| {
            context.iter().fold(0, |kind, &(attribute, bins)| kind * bins + codes[attribute].get(row) as u32)
        };
        let all =
            parts.iter().flat_map(|codes| (0..codes[self.attributes[0]].len()).map(|row| kind(codes, row)));
        all.collect()
    }

    /// The kind of each record combined with the family of its source, where families matter: records with
    /// equal numbers exchange hosts, and families that do not occur together stay separate.
    fn families(&self, kinds: &[u32], sources: &[u32]) -> Option<Vec<u32>> {
        let ends = self.ends.as_ref()?;
        let family = |source: u32| ends.family(0, source.into()) as u32;
        let with = |(&kind, &source): (&u32, &u32)| kind * Ends::kinds() as u32 + family(source);
        Some(kinds.iter().zip(sources).map(with).collect())
    }

    /// The kind of each record combined with its coarse bin of one side.
    fn coarse(&self, side: usize, fine: &[u32], kinds: &[u32]) -> Vec<u32> {
        let (map, bins) = &self.coarse[side];
        fine.iter().zip(kinds).map(|(&bin, &kind)| kind * bins + map[bin as usize]).collect()
    }

    /// The targets of pairs, degrees and mutual pairs for `rows` records. Fewer records than measured are a
    /// sample, for which the looks give no targets; more make the same pairs and degrees larger, so that only
    /// their number is a target.
    fn targets(&self, rows: f64) -> Option<[TargetRanks; 4]> {
        let scale = rows / self.records.max(1.0);
        if scale < 1.0 - AS_LARGE {
            return None;
        }
        Some(std::array::from_fn(|at| {
            let look = &self.looks[at];
            let mut ranks: Vec<f64> = look.ranks.iter().map(|&count| (count as f64).max(0.0)).collect();
            let counts_records = matches!(look.of, LookSubject::Pairs | LookSubject::MutualPairs);
            if scale > 1.0 + AS_LARGE && counts_records {
                ranks.truncate(1);
            }
            TargetRanks { ranks, sigma: look.scale.sigma() }
        }))
    }
}

/// What the tree of an attribute shows of its side, in records.
fn side(model: &Model, attribute: usize) -> Option<Side> {
    let one_way = model.one_ways.iter().find(|table| table.attributes() == [attribute])?;
    let Variance::Even(variance) = one_way.variance else { return None };
    let mut bins: Vec<Vec<(Range<u64>, f64)>> = model.attributes[attribute].partition.intervals();
    for (intervals, &records) in bins.iter_mut().zip(&one_way.values) {
        let sum: f64 = intervals.iter().map(|(_, weight)| weight).sum();
        let scale = if sum > 0.0 { records.max(0.0) / sum } else { 0.0 };
        intervals.iter_mut().for_each(|(_, weight)| *weight *= scale);
    }
    Some(Side::new(bins, variance.sqrt()))
}
