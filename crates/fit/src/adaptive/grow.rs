//! Grows the trees of all ordered columns together, level by level, so that budget that one tree cannot use
//! goes to the others.
//!
//! The first levels share a part of ρ evenly; each later round divides the remaining ρ by the remaining
//! rounds, and among columns by their open cells. A node opens where its count stands out of its own noise
//! and of that of the level below. Each level is one histogram over the children of the open nodes: a public
//! domain given earlier noisy answers, in which each record counts at most once, Δ = k.

use super::cuts::{self, Cut};
use super::shares::Scale;
use crate::FitError;
use crate::trees::{by_key, level_counts, level_of_keys};
use netdpsyn_account::statement::Unit;
use netdpsyn_model::domain::shrink::{Counted, Leaf, Shrinkage, leaves};
use netdpsyn_model::domain::{Order, PrefixTree, tree};
use netdpsyn_model::labels;
use netdpsyn_privacy::{Accountant, CellMap, NoiseScale, Query, Raw, Rho, Sensitive, Sensitivity, Stream};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, Field, Schema, Stage, Trace};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The part of the trees' ρ for first levels.
const FIRST: f64 = 0.22;
/// Added to it where there is little data: then few nodes open below.
const FIRST_OF_LITTLE: f64 = 0.2;
/// The part of a round that is shared evenly, regardless of cells, so that no column is starved.
const EVEN: f64 = 0.6;
/// σ that open a node of amounts, or of the first level of addresses, where a ghost would open false
/// children.
const CAREFULLY: f64 = 4.0;
const ELSEWHERE: f64 = 2.5;
/// Largest number of open nodes per level (those with the largest noisy counts). It bounds time and memory,
/// whatever the trace.
const MAX_OPEN: usize = 4_096;
/// Largest number of cells of one tree.
const MAX_CELLS: u64 = 1 << 20;
/// Rounds in which trees of addresses of any family open families and then IPv4 networks, beside other trees
/// in all but the last. Each round takes one part in this many of the remaining ρ.
const PARTS: [usize; 4] = [4, 4, 4, 3];
/// Rounds in which nodes of these trees open at the ordinary threshold. Before, a false family or large
/// network would open false children; after, a ghost would have hundreds of children on each of many levels.
const ORDINARY: RangeInclusive<usize> = 3..=PARTS.len();
/// Thresholds and shares depend on each other; this many iterations converge.
const STEPS: usize = 6;

/// ρ of one first level where all trees together have `rho`.
pub fn first_level(rho: Rho, scale: &Scale, trees: usize) -> Rho {
    let part = FIRST + FIRST_OF_LITTLE * scale.little();
    Rho::from_units((rho.units() as f64 * part / trees.max(1) as f64) as u64)
}

/// Parameters of a kind of column.
#[derive(Clone, Copy)]
struct Manner {
    /// Its weight in a round, relative to other columns.
    weight: f64,
    /// σ that open a node: on the first level, and on later ones.
    opens: [f64; 2],
    shrinkage: Shrinkage,
}

impl Manner {
    fn of(field: &Field) -> Manner {
        match field {
            Field::Ip { .. } | Field::Address {} => {
                Manner { weight: 4.0, opens: [CAREFULLY, ELSEWHERE], shrinkage: Shrinkage::ADDRESSES }
            }
            Field::Timestamp { .. } => {
                Manner { weight: 0.3, opens: [ELSEWHERE; 2], shrinkage: Shrinkage::TIMES }
            }
            Field::Port | Field::PortTree { .. } => {
                Manner { weight: 1.0, opens: [ELSEWHERE; 2], shrinkage: Shrinkage::PORTS }
            }
            _ => Manner { weight: 1.0, opens: [CAREFULLY; 2], shrinkage: Shrinkage::AMOUNTS },
        }
    }
}

struct Growing<'a> {
    column: usize,
    name: &'a str,
    order: &'a Order,
    /// For addresses of any family, the number of records of each: no level iterates over the records again.
    keys: Option<Sensitive<Vec<(u128, u32)>>>,
    manner: Manner,
    tree: PrefixTree,
    scales: Vec<NoiseScale>,
    /// Number of cells that may still be queried.
    room: u64,
    /// The counts of the last answered level before it is decided which of its nodes open, and which of them
    /// may.
    waiting: Option<(Vec<i64>, Vec<bool>)>,
}

/// Trees while they grow.
pub struct Forest<'a> {
    unit: Unit,
    /// Largest number of leaves of a tree.
    most_leaves: usize,
    trees: Vec<Growing<'a>>,
}

impl<'a> Forest<'a> {
    /// A forest of these columns; each tree has at most `most_leaves` leaves.
    pub fn new(schema: &'a Schema, columns: &'a [(usize, Order)], unit: Unit, most_leaves: u64) -> Self {
        let growing = |(column, order): &'a (usize, Order)| Growing {
            column: *column,
            name: &schema.columns[*column].name,
            order,
            keys: None,
            manner: Manner::of(&schema.columns[*column].field),
            tree: PrefixTree::new(order.bits(), order.levels()).beside(order.special()),
            scales: Vec::new(),
            room: MAX_CELLS,
            waiting: None,
        };
        Forest { unit, most_leaves: most_leaves as usize, trees: columns.iter().map(growing).collect() }
    }

    /// Grows the trees with `rho`, of which some may remain; returns the number of records according to the
    /// first levels.
    ///
    /// # Errors
    /// [`FitError`] when the accountant refuses a level, or `progress` asks to stop.
    pub fn grow(
        &mut self,
        trace: &Sensitive<Trace>,
        rho: Rho,
        scale: &Scale,
        accountant: &mut Accountant<'_>,
        progress: &dyn Progress,
    ) -> Result<f64, FitError> {
        let rounds = self.trees.iter().map(|t| t.order.levels().len()).max().unwrap_or(0);
        let levels: usize = self.trees.iter().map(|t| t.order.levels().len()).sum();
        if levels == 0 {
            return Ok(scale.records);
        }
        let first = first_level(rho, scale, self.trees.len());
        let (mut left, mut done) = (rho.units(), 0);
        let mut sums = Vec::new();
        for at in 0..self.trees.len() {
            progress.step(Stage::Trees, done, levels as u64)?;
            done += 1;
            left -= first.units();
            self.ask(at, trace, first, accountant, progress)?;
            let (counts, _) = self.trees[at].waiting.as_ref().unwrap_or(&NONE);
            // The variance of a sum is proportional to its number of cells.
            sums.push((counts.iter().sum::<i64>() as f64, counts.len().max(1) as f64));
        }
        let deep = self.trees.iter().any(|tree| tree.order.is_addresses());
        for round in 1..rounds {
            // Addresses of any family leave other trees about what these would have without them.
            let parts = PARTS.get(round - 1).filter(|_| deep).map_or(rounds - round, |&parts| parts);
            let budget = left / parts as u64;
            let (opened, shares) = self.decide(round, budget as f64, accountant.allowance(), scale);
            for (at, (opened, share)) in opened.into_iter().zip(shares).enumerate() {
                let tree = &mut self.trees[at];
                let Some((counts, _)) = tree.waiting.take() else { continue };
                // Without a share the next level is not queried, and its nodes remain leaves.
                let more = !opened.is_empty() && share > 0;
                tree.tree.open_nodes(&counts, if more { opened } else { Vec::new() });
                if more {
                    progress.step(Stage::Trees, done, levels as u64)?;
                    let share = share.min(left);
                    left -= share;
                    self.ask(at, trace, Rho::from_units(share), accountant, progress)?;
                }
                done += 1;
            }
        }
        for tree in &mut self.trees {
            if let Some((counts, _)) = tree.waiting.take() {
                tree.tree.open_nodes(&counts, Vec::new());
            }
        }
        let weights: f64 = sums.iter().map(|(_, cells)| 1.0 / cells).sum();
        Ok((sums.iter().map(|(sum, cells)| sum / cells).sum::<f64>() / weights).max(1.0))
    }

    /// Queries one level of one tree.
    fn ask(
        &mut self,
        at: usize,
        trace: &Sensitive<Trace>,
        rho: Rho,
        accountant: &mut Accountant<'_>,
        progress: &dyn Progress,
    ) -> Result<(), FitError> {
        let growing = &mut self.trees[at];
        let level = growing.scales.len() + 1;
        let query = Query {
            label: labels::level(growing.name, level),
            stream: Stream::new("tree level", [growing.column, level]),
            stage: Stage::Trees,
            sensitivity: Sensitivity::histogram(self.unit.max_records()),
            rho,
            cells: growing.tree.level_cells(),
            map: CellMap::of(|say| {
                growing.order.describe(say);
                growing.tree.describe(say);
            }),
        };
        let (column, order, tree) = (growing.column, growing.order, &growing.tree);
        let counts = if order.is_addresses() {
            let keys = match growing.keys.take() {
                Some(keys) => keys,
                None => trace.derive(|t| by_key(t, column, order, progress)).finished_or(Cancelled)?,
            };
            let counts = keys.derive(|keys| level_of_keys(keys, tree, progress));
            growing.keys = Some(keys);
            counts
        } else {
            trace.derive(|t| level_counts(t, column, |value| order.key(value), tree, progress))
        };
        let counts = counts.finished_or(Cancelled)?;
        let noisy = counts.measure(accountant, query, Vec::clone)?;
        growing.scales.push(noisy.scale);
        growing.room = growing.room.saturating_sub(noisy.values.len() as u64);
        let (prefixes, length) = growing.tree.next_prefixes();
        let below = growing.order.bits() - length;
        // A node of one value cannot be divided.
        let open = |p: u128| growing.order.holds(p << below..(p + 1) << below) > 1;
        let mut may_open: Vec<bool> = prefixes.map(open).collect();
        may_open.resize(noisy.values.len(), false);
        growing.waiting = Some((noisy.values, may_open));
        progress.check()?;
        Ok(())
    }

    /// The nodes that open in this round, and the ρ of each tree's next level.
    fn decide(
        &self,
        round: usize,
        budget: f64,
        allowance: Rho,
        scale: &Scale,
    ) -> (Vec<Vec<usize>>, Vec<u64>) {
        let sigma = |units: f64| scale.sigma(units / allowance.units() as f64);
        let mut next = vec![0.0; self.trees.len()];
        let (mut opened, mut units) = (Vec::new(), Vec::new());
        for _ in 0..STEPS {
            opened = self
                .trees
                .iter()
                .zip(&next)
                .map(|(tree, &next)| tree.standing(round, next))
                .collect::<Vec<_>>();
            let cells = |(tree, opened): (&Growing<'_>, &Vec<usize>)| {
                tree.order.levels().get(round).map_or(0.0, |&bits| (opened.len() << bits) as f64)
            };
            let cells: Vec<f64> = self.trees.iter().zip(&opened).map(cells).collect();
            units = shares(&cells, &self.trees, budget);
            next =
                units.iter().map(|&units| if units > 0.0 { sigma(units) } else { f64::INFINITY }).collect();
        }
        (opened, units.into_iter().map(|units| units as u64).collect())
    }

    /// The cuts of the finished trees over `records` records, and the directory of addresses of any family:
    /// the leaves of all their trees.
    pub fn finish(self, records: f64) -> (Vec<Cut>, Option<Directory>) {
        let most = self.most_leaves;
        let finished = |growing: Growing<'a>| {
            let sigmas: Vec<NoiseScale> = growing.scales;
            let levels = growing.tree.into_levels().into_iter().zip(&sigmas);
            let counted: Vec<Counted> = levels
                .map(|((parents, level), scale)| Counted { parents, level, sigma: scale.sigma() })
                .collect();
            let leaves = leaves(&counted, growing.order, records, growing.manner.shrinkage, most);
            let least = sigmas.into_iter().min_by(|a, b| a.variance().total_cmp(&b.variance()));
            least.map(|scale| (growing.column, growing.name, growing.order.clone(), leaves, scale))
        };
        let mut grown: Vec<_> = self.trees.into_iter().filter_map(finished).collect();
        let addresses = || grown.iter().filter(|(_, _, order, ..)| order.is_addresses());
        let leaves =
            addresses().flat_map(|(_, _, order, leaves, _)| &leaves[..leaves.len() - order.special()]);
        let directory =
            addresses().next().is_some().then(|| Directory::covering(leaves.map(|leaf| &leaf.keys)));
        if let Some(directory) = directory.clone().map(Arc::new) {
            grown.iter_mut().for_each(|(_, _, order, ..)| *order = order.clone().explained(&directory));
        }
        let cut = |(column, name, order, leaves, scale): (usize, &str, Order, Vec<Leaf>, NoiseScale)| {
            cuts::grown(column, name, &order, leaves, records, scale)
        };
        (grown.into_iter().map(cut).collect(), directory)
    }
}

static NONE: (Vec<i64>, Vec<bool>) = (Vec::new(), Vec::new());

impl Growing<'_> {
    /// The nodes of the level before `round` that open if the next level has noise `next`.
    fn standing(&self, round: usize, next: f64) -> Vec<usize> {
        let (Some((counts, may_open)), Some(&bits)) = (&self.waiting, self.order.levels().get(round)) else {
            return Vec::new();
        };
        let own = self.scales.last().map_or(f64::INFINITY, |scale| scale.sigma());
        let ordinary = if self.order.is_addresses() { ORDINARY.contains(&round) } else { round > 1 };
        let opens = self.manner.opens[usize::from(ordinary)];
        let least = opens * own.max(next);
        let standing =
            (0..counts.len()).filter(|&cell| may_open[cell] && counts[cell] as f64 > least).collect();
        tree::largest(standing, counts, MAX_OPEN.min((self.room >> bits) as usize))
    }
}

/// Units of ρ for the next level of each tree, by the number of its cells.
fn shares(cells: &[f64], trees: &[Growing<'_>], budget: f64) -> Vec<f64> {
    let by_cells: Vec<f64> =
        cells.iter().zip(trees).map(|(c, t)| t.manner.weight * c.powf(2.0 / 3.0)).collect();
    let evenly: Vec<f64> =
        cells.iter().zip(trees).map(|(c, t)| if *c > 0.0 { t.manner.weight } else { 0.0 }).collect();
    let (sum, even): (f64, f64) = (by_cells.iter().sum(), evenly.iter().sum());
    if sum <= 0.0 {
        return vec![0.0; cells.len()];
    }
    by_cells.iter().zip(&evenly).map(|(c, e)| budget * ((1.0 - EVEN) * c / sum + EVEN * e / even)).collect()
}
