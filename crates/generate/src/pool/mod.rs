//! Records of a model of two resolutions: a larger pool is drawn along a chain, weighted until it meets every
//! table, and then sampled.
//!
//! ```text
//! class × side, whole counts ─► chain: each attribute given the earlier ones
//!                            ─► rake weights to all tables ─► systematic draw ─► codes
//! ```
//!
//! Only records that the chain draws can occur, but among these the weights select those that agree with
//! pairs and triples outside the chain. Cells of mere noise have little effect ([`rake`]).
//!
//! | file | idea |
//! | --- | --- |
//! | [`chain`] | the order in which attributes are drawn, and the tables |
//! | [`start`] | the records of a pool |
//! | [`rake`] | their weights |

pub mod chain;
pub mod rake;
pub mod start;

use super::codes::Codes;
use super::gum::Convergence;
use chain::Chain;
use netdpsyn_model::layers::Layout;
use netdpsyn_model::{Ends, Layers, Model, Table};
use netdpsyn_trace::Values;
use netdpsyn_trace::progress::{Cancelled, Quiet, Step};
use rake::Raked;
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus};
use rayon::prelude::*;

/// Number of pool records per wanted record.
const DRAWN_FOR_ONE: usize = 3;
/// Records of a part that is drawn and weighted separately: its codes and cells fit in cache.
const PART: usize = 1 << 15;
/// Least number of pool records of a part: weights of a few records cannot meet a table.
const LEAST_DRAWN: usize = 20_000;
/// Number of sweeps of raking over all tables.
const SWEEPS: usize = 25;

/// A pool, before its records are drawn.
pub struct Pool<'a> {
    layout: Layout<'a>,
    chain: Chain,
    tables: Vec<Raked<'a>>,
    blend: Option<Blend>,
    ends: Option<&'a Ends>,
}

/// Class shares that differ from the model's. Half of the pool is drawn with the shares of the model, so that
/// tables without the class still constrain the records, and half with the requested shares. Initial weights
/// give the mixture the model's shares; final weights give it the requested ones.
struct Blend {
    /// By class, the weight of a record before raking.
    begin: Vec<f64>,
    /// By class, the factor of its weight after raking.
    end: Vec<f64>,
}

impl<'a> Pool<'a> {
    /// The pool of a model of two resolutions, with these class shares if given.
    pub fn new(model: &'a Model, layers: &'a Layers, shares: Option<&[f64]>) -> Pool<'a> {
        let layout = Layout::new(&model.attributes, layers);
        let mut chain = Chain::of(&layout, &model.tables);
        let raked = |table: &'a Table| Raked::new(table, model.records);
        let blend = shares.map(|shares| Blend::of(&mut chain, shares));
        let tables = model.tables.iter().map(raked).collect();
        Pool { layout, chain, tables, blend, ends: model.rules.ends.as_ref() }
    }

    /// Whether records of this model can be generated with any shares of an attribute.
    pub fn blends(model: &Model, attribute: usize) -> bool {
        model.layers.as_ref().is_some_and(|layers| layers.class == Some(attribute))
    }

    /// `rows` records, as codes of the fine attributes. Each part has a random number generator of its own,
    /// drawn from `rng` in order.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn draw(
        &self,
        rows: usize,
        rng: &mut Xoshiro256PlusPlus,
        step: &Step,
    ) -> Result<(Codes, Convergence), Cancelled> {
        let parts = rows.div_ceil(PART).max(1);
        let sizes = (0..parts).map(|part| rows * (part + 1) / parts - rows * part / parts);
        let streams: Vec<(usize, Xoshiro256PlusPlus)> =
            sizes.map(|size| (size, rand::SeedableRng::from_rng(rng))).collect();
        let drawn: Vec<(Codes, Convergence)> = streams
            .into_par_iter()
            .map(|(size, mut rng)| self.part(size, &mut rng, step))
            .collect::<Result<_, Cancelled>>()?;
        let ends: Vec<(usize, Convergence)> = drawn.iter().map(|(_, end)| (1, *end)).collect();
        let mut drawn = drawn.into_iter().map(|(codes, _)| codes);
        let mut all = drawn.next().unwrap_or_default();
        drawn.for_each(|part| all.iter_mut().zip(&part).for_each(|(to, from)| to.append(from)));
        Ok((all, Convergence::over(&ends)))
    }

    fn part(
        &self,
        rows: usize,
        rng: &mut Xoshiro256PlusPlus,
        step: &Step,
    ) -> Result<(Codes, Convergence), Cancelled> {
        let drawn = (rows * DRAWN_FOR_ONE).max(LEAST_DRAWN.min(rows * 10));
        step()?;
        let mut codes = start::records(&self.layout, &self.chain, drawn, rng, step)?;
        self.layout.append_coarse(&mut codes, &Quiet)?;
        let class = |row: usize| self.layout.layers.class.map_or(0, |class| codes[class].get(row) as usize);
        let each = |by_class: &[f64]| (0..drawn).map(|row| by_class[class(row)]).collect();
        let mut weights: Vec<f64> = self.blend.as_ref().map_or(vec![1.0; drawn], |blend| each(&blend.begin));
        if let Some(ends) = self.ends {
            let own = |row: usize| ends.attributes.map(|end| codes[end].get(row));
            let apart: Vec<usize> = (0..drawn).filter(|&row| !ends.meet(own(row))).collect();
            // If it would remove everything it is ignored.
            if apart.len() < drawn {
                apart.into_iter().for_each(|row| weights[row] = 0.0);
            }
        }
        let cells: Vec<Vec<u32>> = self.tables.iter().map(|table| table.cells(&codes)).collect();
        rake::rake(&self.tables, &cells, &mut weights, SWEEPS, step)?;
        if let Some(Blend { end, .. }) = &self.blend {
            weights.iter_mut().enumerate().for_each(|(row, weight)| *weight *= end[class(row)]);
        }
        let chosen = systematic(&weights, rows, rng);
        step()?;
        let errors = self.tables.iter().zip(&cells).map(|(table, cells)| table.error(cells, &chosen));
        let error = errors.sum::<f64>() / self.tables.len().max(1) as f64;
        let fine = self.layout.layers.coarse.len();
        let codes: Codes = codes[..fine].iter().map(|column| column.select(&chosen)).collect();
        Ok((codes, Convergence { rounds: SWEEPS, error, moved: 0, settled: true }))
    }
}

impl Blend {
    /// Makes the chain draw both mixtures.
    fn of(chain: &mut Chain, shares: &[f64]) -> Blend {
        let total: f64 = chain.context.iter().sum();
        let of_class: Vec<f64> =
            chain.context.chunks(chain.sides).map(|row| row.iter().sum::<f64>() / total).collect();
        let drawn: Vec<f64> = of_class.iter().zip(shares).map(|(own, wanted)| 0.5 * (own + wanted)).collect();
        let over =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a / b.max(1e-12)).collect::<Vec<f64>>();
        let scale = over(&drawn, &of_class);
        for (row, scale) in chain.context.chunks_mut(chain.sides).zip(scale) {
            row.iter_mut().for_each(|cell| *cell *= scale);
        }
        Blend { begin: over(&of_class, &drawn), end: over(shares, &of_class) }
    }
}

/// Samples `rows` of the weighted records systematically: the k-th is the one at which the running sum of
/// weights passes k plus a random offset. Each is taken as often as its weight, to within one.
fn systematic(weights: &[f64], rows: usize, rng: &mut impl Rng) -> Vec<u32> {
    let step = weights.iter().sum::<f64>() / rows.max(1) as f64;
    let (mut sum, mut next) = (0.0, step * rng.random::<f64>());
    let mut chosen = Vec::with_capacity(rows);
    for (row, weight) in weights.iter().enumerate() {
        sum += weight;
        while next < sum && chosen.len() < rows {
            chosen.push(row as u32);
            next += step;
        }
    }
    // The remainder from rounding of the sums.
    let last = weights.len().saturating_sub(1) as u32;
    chosen.resize(rows, last);
    chosen
}

/// An empty pool of codes: one column per fine attribute.
fn empty(layout: &Layout<'_>, rows: usize) -> Codes {
    let fine = 0..layout.layers.coarse.len();
    fine.map(|a| Values::zeros(layout.bins(Some(a)) as u64 - 1, rows)).collect()
}
