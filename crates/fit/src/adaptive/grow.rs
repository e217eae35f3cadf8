//! Trees of all ordered columns, grown level by level together, so that what one has no use for goes to the others.
//!
//! The first levels share a part of ρ evenly; each later round shares what is left over the rounds that are left, by the cells that columns have open. A
//! node opens where its count stands out of its own noise and of that of the level below. Each level is one histogram over the children of the open
//! nodes: a public domain given earlier noisy answers, in which each record counts at most once, Δ = k.

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

/// Part of the trees' ρ that first levels take.
const FIRST: f64 = 0.22;
/// Added where there is little data: then not much opens below.
const FIRST_OF_LITTLE: f64 = 0.2;
/// Of a round, the part that is shared whatever the cells, so that no column is starved.
const EVEN: f64 = 0.6;
/// σ that open a node of amounts, or of an address's first level, where a ghost would drag in others.
const CAREFULLY: f64 = 4.0;
const ELSEWHERE: f64 = 2.5;
/// Open nodes a level at most (those with the largest noisy counts): bounds time and memory, whatever the trace.
const MAX_OPEN: usize = 4_096;
/// Cells of one tree at most.
const MAX_CELLS: u64 = 1 << 20;
/// Rounds in which addresses of any family open families and then networks of IPv4, beside other trees but for the last. Of what is left each has one of so many parts.
const PARTS: [usize; 4] = [4, 4, 4, 3];
/// Rounds in which their nodes open as those of other trees do. Before, a family or a large network would drag in false children; after, a ghost would have hundreds of
/// children on each of many levels.
const ORDINARY: RangeInclusive<usize> = 3..=PARTS.len();
/// Thresholds and shares hang on each other; they settle in so many steps.
const STEPS: usize = 6;

/// ρ of one first level where all trees together have `rho`.
pub fn first_level(rho: Rho, scale: &Scale, trees: usize) -> Rho {
    let part = FIRST + FIRST_OF_LITTLE * scale.little();
    Rho::from_units((rho.units() as f64 * part / trees.max(1) as f64) as u64)
}

/// What a kind of column asks for.
#[derive(Clone, Copy)]
struct Manner {
    /// Its part of a round, beside other columns.
    weight: f64,
    /// σ that open a node, on the first level and after.
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
    /// Of addresses of any family, how many records each has: no level goes over the records again.
    keys: Option<Sensitive<Vec<(u128, u32)>>>,
    manner: Manner,
    tree: PrefixTree,
    scales: Vec<NoiseScale>,
    /// Cells that may still be asked about.
    room: u64,
    /// The counts of the level that was answered last, before it is decided which of its nodes open, and those that may.
    waiting: Option<(Vec<i64>, Vec<bool>)>,
}

/// Trees while they grow.
pub struct Forest<'a> {
    unit: Unit,
    /// Leaves that a tree keeps at most.
    most_leaves: usize,
    trees: Vec<Growing<'a>>,
}

impl<'a> Forest<'a> {
    /// Of these columns; each keeps at most so many leaves.
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

    /// Grows them with `rho`, of which something may be left; returns how many records the first levels make out.
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
            // Each sum has the variance of its cells.
            sums.push((counts.iter().sum::<i64>() as f64, counts.len().max(1) as f64));
        }
        let deep = self.trees.iter().any(|tree| tree.order.is_addresses());
        for round in 1..rounds {
            // Addresses of any family leave other trees about what they would have without them.
            let parts = PARTS.get(round - 1).filter(|_| deep).map_or(rounds - round, |&parts| parts);
            let budget = left / parts as u64;
            let (opened, shares) = self.decide(round, budget as f64, accountant.allowance(), scale);
            for (at, (opened, share)) in opened.into_iter().zip(shares).enumerate() {
                let tree = &mut self.trees[at];
                let Some((counts, _)) = tree.waiting.take() else { continue };
                // Without a share the next level is not asked, and what it would have told apart stays together.
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

    /// One level of one tree.
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
        // A node of one value has nothing to tell apart.
        let open = |p: u128| growing.order.holds(p << below..(p + 1) << below) > 1;
        let mut may_open: Vec<bool> = prefixes.map(open).collect();
        may_open.resize(noisy.values.len(), false);
        growing.waiting = Some((noisy.values, may_open));
        progress.check()?;
        Ok(())
    }

    /// Which nodes open in this round, and the ρ of each tree's next level.
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

    /// The cuts of the finished trees over `records` records, and what the numbers of addresses of any family stand for: the leaves of all their trees.
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

/// Units of ρ for the next level of each tree, by the cells that it would have.
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
