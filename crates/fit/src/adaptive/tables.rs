//! Which tables are measured: shapes of every attribute, and the pairs and triples that add most.
//!
//! The gain of a pair or triple is its distance from the table expected from earlier answers if its
//! attributes are independent within each class: Σ |H − E|, with E in whole numbers, so that one record moves
//! it by at most 1. All distances are one vector query. After the noise is drawn, the distance that sampling
//! noise alone would cause is subtracted, and features of the declared task are weighted by half as much
//! again.

use super::shares::Tables;
use crate::FitError;
use crate::count::{self, Marginal, Pass};
use netdpsyn_account::statement::Unit;
use netdpsyn_model::domain::Attribute;
use netdpsyn_model::layers::{Layers, Layout, estimate::Singles};
use netdpsyn_privacy::{Accountant, CellMap, Query, Raw, Sensitive, Sensitivity, Stream};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, Role, Schema, Stage, Values};

/// The weight of the task's features relative to other attributes.
const OF_THE_TASK: f64 = 1.5;

/// Largest number of cells of all candidate pairs, with their classes: 12 bytes each.
const MOST_CELLS: u64 = 1 << 24;

/// Roles of the features from which the key attribute is predicted.
const TASK: [Role; 8] = [
    Role::SourcePort,
    Role::DestinationPort,
    Role::Duration,
    Role::Packets,
    Role::Bytes,
    Role::Length,
    Role::Ttl,
    Role::Tos,
];

/// The marginal of some attributes; `None` if there are none.
pub fn of(attributes: &[Attribute], some: &[Option<usize>]) -> Option<Marginal> {
    let mut of: Vec<usize> = some.iter().copied().flatten().collect();
    of.sort_unstable();
    of.dedup();
    (!of.is_empty()).then(|| Marginal::new(&of, attributes))
}

/// class × side × X fine for every X, except X alone, which is already measured.
pub fn shapes(layout: &Layout<'_>) -> Vec<Marginal> {
    let layers = layout.layers;
    let of = |x: usize| of(layout.attributes, &[layers.class, layers.side, Some(x)]);
    let joint = |marginal: &Marginal| marginal.attributes().len() > 1;
    layers.free().into_iter().filter_map(of).filter(joint).collect()
}

/// Number of cells of all shapes together.
pub fn shape_cells(attributes: &[Attribute], layers: &Layers) -> u64 {
    let bins = |a: usize| attributes[a].bins() as u64;
    let context: u64 = layers.context().into_iter().map(bins).product();
    layers.free().into_iter().map(|x| context.saturating_mul(bins(x))).fold(0, u64::saturating_add)
}

/// class × X coarse for every X, where there is a side; otherwise the shapes contain it.
pub fn by_class(layout: &Layout<'_>) -> Vec<Marginal> {
    let layers = layout.layers;
    let of = |x: usize| of(layout.attributes, &[layers.class, Some(layers.coarse[x])]);
    let told = |_: &usize| layers.class.is_some() && layers.side.is_some();
    layers.free().into_iter().filter(told).filter_map(of).collect()
}

/// The inputs of the choice.
pub struct ChoiceInputs<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// The attributes.
    pub layout: &'a Layout<'a>,
    /// Estimates of single attributes.
    pub singles: &'a Singles<'a>,
    /// The privacy unit.
    pub unit: Unit,
    /// The directory of addresses of any family.
    pub addresses: Option<&'a Directory>,
}

impl ChoiceInputs<'_> {
    /// The pairs and triples to measure: as many as the budget affords, those with the largest gain.
    ///
    /// # Errors
    /// [`FitError`] when the accountant refuses the query, or `progress` asks to stop.
    pub fn choose(
        &self,
        codes: &Sensitive<Vec<Values>>,
        tables: &Tables,
        accountant: &mut Accountant<'_>,
        progress: &dyn Progress,
    ) -> Result<(Vec<Marginal>, Vec<Marginal>), FitError> {
        progress.step(Stage::Selection, 0, 1)?;
        let layers = self.layout.layers;
        let varied = |&x: &usize| self.layout.coarse_bins(x) > 1;
        let free: Vec<usize> = layers.free().into_iter().filter(varied).collect();
        let couples: Vec<[usize; 2]> =
            free.iter().enumerate().flat_map(|(i, &x)| free[i + 1..].iter().map(move |&y| [x, y])).collect();
        let couples = affordable(couples, |&[x, y]| {
            let bins = |x: usize| self.layout.coarse_bins(x) as u64;
            bins(x) * bins(y) * self.layout.bins(layers.class) as u64
        });
        if couples.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let coarse = |x: usize| Some(layers.coarse[x]);
        let pairs: Vec<Marginal> = couples
            .iter()
            .filter_map(|&[x, y]| of(self.layout.attributes, &[coarse(x), coarse(y)]))
            .collect();
        let triples: Vec<Marginal> = couples
            .iter()
            .filter_map(|&[x, y]| of(self.layout.attributes, &[layers.class, coarse(x), coarse(y)]))
            .collect();
        let [most_triples, most_pairs] = tables.carried;
        let all_pairs = most_pairs >= pairs.len();
        if all_pairs && (most_triples == 0 || most_triples >= triples.len()) {
            let triples = if most_triples == 0 { Vec::new() } else { triples };
            return Ok((pairs, triples));
        }
        let expected: Vec<Vec<i64>> = couples.iter().map(|&[x, y]| self.expected(x, y)).collect();
        let distances = self.distances(codes, &triples, &expected, tables, accountant, progress)?;
        let (of_triples, of_pairs) =
            distances.split_at(if layers.class.is_some() { couples.len() } else { 0 });
        let gains = |distances: &[i64], in_class: bool| -> Vec<f64> {
            let gain = |(at, &distance): (usize, &i64)| {
                let chance = match in_class {
                    true => by_chance(&expected[at]),
                    false => by_chance(&summed(&expected[at], &self.onto_pair(&triples[at]))),
                };
                let favoured = in_class && couples[at].iter().all(|&x| self.is_of_task(x));
                (distance as f64 - chance) * if favoured { OF_THE_TASK } else { 1.0 }
            };
            distances.iter().enumerate().map(gain).collect()
        };
        let chosen_triples = best(&gains(of_triples, true), most_triples);
        let mut chosen_pairs = best(&gains(of_pairs, false), most_pairs);
        chosen_pairs.extend(&chosen_triples);
        chosen_pairs.sort_unstable();
        chosen_pairs.dedup();
        let take = |marginals: &[Marginal], chosen: &[usize]| {
            chosen.iter().map(|&at| marginals[at].clone()).collect()
        };
        Ok((take(&pairs, &chosen_pairs), take(&triples, &chosen_triples)))
    }

    /// For every cell of a triple, that of its pair.
    fn onto_pair(&self, triple: &Marginal) -> Vec<u32> {
        let beside = |a: &usize| Some(*a) != self.layout.layers.class;
        triple.cells.map_onto(&triple.attributes().iter().copied().filter(beside).collect::<Vec<usize>>())
    }

    fn is_of_task(&self, attribute: usize) -> bool {
        let roles = &self.schema.columns[self.layout.attributes[attribute].column].roles;
        TASK.iter().any(|&role| roles.has(role))
    }

    /// The expected counts of class × X × Y, as whole numbers, in the order of the marginal's cells.
    fn expected(&self, x: usize, y: usize) -> Vec<i64> {
        let layers = self.layout.layers;
        let of = [layers.class, Some(layers.coarse[x]), Some(layers.coarse[y])];
        let table = self.layout.table(&of, &self.singles.apart(x, y), 1.0);
        table.values.iter().map(|value| value.round() as i64).collect()
    }

    /// Noisy distances of all triples, then of all pairs; of pairs alone where there is no class.
    fn distances(
        &self,
        codes: &Sensitive<Vec<Values>>,
        triples: &[Marginal],
        expected: &[Vec<i64>],
        tables: &Tables,
        accountant: &mut Accountant<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<i64>, FitError> {
        let class = self.layout.layers.class;
        let both = if class.is_some() { 2 } else { 1 };
        let cuts = count::cuts(self.layout.attributes, self.addresses);
        let query = Query {
            label: "distances of all pairs and triples from what is expected".into(),
            stream: Stream::new("distances", []),
            stage: Stage::Selection,
            sensitivity: Sensitivity::distances(self.unit.max_records(), (both * triples.len()) as u64),
            rho: tables.choice,
            cells: both * triples.len(),
            map: CellMap::of(|say| {
                for (triple, expected) in triples.iter().zip(expected) {
                    say(triple.map(&cuts).bytes());
                    say(&expected.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
                }
            }),
        };
        let pass = Pass::over(triples, Stage::Selection, progress);
        // The table of a pair is that of the triple, summed over classes: every record counts in one cell of
        // either.
        let onto: Vec<Vec<u32>> = triples.iter().map(|triple| self.onto_pair(triple)).collect();
        let counted = codes.derive(|codes| {
            count::count(codes, triples, &pass, |at, table| {
                let (expected, onto) = (&expected[at], &onto[at]);
                let apart = |counts: &[i64], expected: &[i64]| -> i64 {
                    counts.iter().zip(expected).map(|(h, e)| (h - e).abs()).sum()
                };
                let counts: Vec<i64> = table.into_iter().map(i64::from).collect();
                [apart(&counts, expected), apart(&summed(&counts, onto), &summed(expected, onto))]
            })
        });
        let noisy = counted.finished_or(Cancelled)?.measure(accountant, query, |distances| {
            let of = |which: usize| distances.iter().map(move |both| both[which]);
            if class.is_some() { of(0).chain(of(1)).collect() } else { of(1).collect() }
        })?;
        Ok(noisy.values)
    }
}

/// The candidates that fit in the limit of cells: the smallest, in their order.
fn affordable<T>(all: Vec<T>, cells: impl Fn(&T) -> u64) -> Vec<T> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&at| (cells(&all[at]), at));
    let (mut sum, mut kept) = (0, vec![false; all.len()]);
    for at in order {
        sum += cells(&all[at]);
        if sum > MOST_CELLS {
            break;
        }
        kept[at] = true;
    }
    all.into_iter().zip(kept).filter_map(|(one, kept)| kept.then_some(one)).collect()
}

/// Sums of counts over a map of their cells.
fn summed(counts: &[i64], map: &[u32]) -> Vec<i64> {
    let mut sums = vec![0; map.iter().max().map_or(0, |&last| last as usize + 1)];
    counts.iter().zip(map).for_each(|(count, &cell)| sums[cell as usize] += count);
    sums
}

/// The expected distance of Poisson counts from their mean: Σ √(2 min(E, E²) / π).
fn by_chance(expected: &[i64]) -> f64 {
    let one = |e: f64| (2.0 * e.min(e * e) / std::f64::consts::PI).sqrt();
    expected.iter().map(|&e| one(e as f64)).sum()
}

/// The indices of the `most` largest gains, in order.
fn best(gains: &[f64], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..gains.len()).collect();
    order.sort_by(|&a, &b| gains[b].total_cmp(&gains[a]).then(a.cmp(&b)));
    order.truncate(most);
    order.sort_unstable();
    order
}
