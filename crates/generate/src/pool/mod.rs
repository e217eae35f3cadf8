//! Records of a model of two resolutions: more of them than are wanted, drawn along a chain, weighted until they meet every table, and then thinned out.
//!
//! ```text
//! class × side, whole counts ─► chain: each attribute given what is there ─► rake weights to all tables ─► systematic draw ─► codes
//! ```
//! A record that no chain would have drawn never appears, but among those that it draws the weights choose such as agree with pairs and triples that the
//! chain does not hold. Cells of mere noise pull little ([`rake`]).
//!
//! | file | idea |
//! | --- | --- |
//! | [`chain`] | in which order attributes are drawn, and from what |
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

/// Records drawn for each one that is wanted.
const DRAWN_FOR_ONE: usize = 3;
/// Records of a part that is drawn and weighted on its own: its codes and cells stay in cache.
const PART: usize = 1 << 15;
/// Records that a part draws at least: of a few, no weights can meet a table.
const LEAST_DRAWN: usize = 20_000;
/// Times that weights are raked to every table.
const SWEEPS: usize = 25;

/// A pool, before its records are drawn.
pub struct Pool<'a> {
    layout: Layout<'a>,
    chain: Chain,
    tables: Vec<Raked<'a>>,
    blend: Option<Blend>,
    ends: Option<&'a Ends>,
}

/// Classes in other shares than the model's. Half of the records of a pool are drawn as the model has them, so that tables without the class still say something
/// of them, and half as is wanted; weights begin with what makes the model's mix of both, and end with what makes the one that is wanted.
struct Blend {
    /// By class, what a record counts before the tables.
    begin: Vec<f64>,
    /// And after them.
    end: Vec<f64>,
}

impl<'a> Pool<'a> {
    /// Of a model of two resolutions; its classes in these shares, if they are given.
    pub fn new(model: &'a Model, layers: &'a Layers, shares: Option<&[f64]>) -> Pool<'a> {
        let layout = Layout::new(&model.attributes, layers);
        let mut chain = Chain::of(&layout, &model.tables);
        let raked = |table: &'a Table| Raked::new(table, model.records);
        let blend = shares.map(|shares| Blend::of(&mut chain, shares));
        let tables = model.tables.iter().map(raked).collect();
        Pool { layout, chain, tables, blend, ends: model.rules.ends.as_ref() }
    }

    /// Whether records of this model are made in any shares of an attribute.
    pub fn blends(model: &Model, attribute: usize) -> bool {
        model.layers.as_ref().is_some_and(|layers| layers.class == Some(attribute))
    }

    /// `rows` records, as codes of the fine attributes. Each part has a source of random numbers of its own, drawn from `rng` in order.
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
            // What would leave nothing says nothing.
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
    /// Makes the chain draw both mixes.
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

/// `rows` of the weighted records: the k-th is the one in which the running sum of weights passes k and a random offset. Each is taken as often as its
/// weight says, to within one.
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
    // What rounding of the sums leaves out.
    let last = weights.len().saturating_sub(1) as u32;
    chosen.resize(rows, last);
    chosen
}

/// An empty pool of codes: a column a fine attribute.
fn empty(layout: &Layout<'_>, rows: usize) -> Codes {
    let fine = 0..layout.layers.coarse.len();
    fine.map(|a| Values::zeros(layout.bins(Some(a)) as u64 - 1, rows)).collect()
}
