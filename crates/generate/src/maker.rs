//! The method that generates the records of a shard: the gradual update method, or a weighted pool.

use super::Request;
use super::codes::Codes;
use super::draw_order::DrawOrder;
use super::gum::Convergence;
use super::pool::Pool;
use super::shard::{self, Targets};
use super::target::Target;
use netdpsyn_model::{Model, Table};
use netdpsyn_trace::Stage;
use netdpsyn_trace::progress::{Cancelled, Progress, Step};
use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_chacha::ChaCha20Rng;

/// The method that generates the records of a shard.
pub(super) enum Maker<'a> {
    /// The gradual update method, towards tables of one resolution.
    Gum {
        /// The targets of all shards together.
        targets: Targets,
        /// The order of attributes.
        order: DrawOrder,
    },
    /// A weighted pool, towards tables of two resolutions.
    Pool(Pool<'a>),
}

impl<'a> Maker<'a> {
    /// The method for a model and this number of records.
    pub(super) fn of(
        model: &'a Model,
        request: &Request,
        rows: usize,
        progress: &dyn Progress,
    ) -> Result<Maker<'a>, Cancelled> {
        if let Some(layers) = &model.layers {
            progress.step(Stage::Plan, 0, 1)?;
            let blended = request.condition.as_ref().filter(|c| Pool::blends(model, c.attribute));
            let shares = blended.map(|condition| condition.shares(model));
            return Ok(Maker::Pool(Pool::new(model, layers, shares.as_deref())));
        }
        let mut source = ChaCha20Rng::seed_from_u64(request.seed);
        let mut round = |tables: &[Table]| -> Result<Vec<Target>, Cancelled> {
            let whole = |table| {
                progress.step(Stage::Plan, 0, 1)?;
                Ok(Target::round(table, rows, &mut source))
            };
            tables.iter().map(whole).collect()
        };
        let targets = Targets { one_ways: round(&model.one_ways)?, tables: round(&model.tables)? };
        Ok(Maker::Gum { targets, order: DrawOrder::new(model, request.options.start) })
    }

    /// The codes of shard `shard` of `shards`, which have `rows` records together.
    pub(super) fn make(
        &self,
        shard: usize,
        shards: usize,
        request: &Request,
        rows: usize,
        rng: &mut Xoshiro256PlusPlus,
        step: &Step,
    ) -> Result<(Codes, Convergence), Cancelled> {
        match self {
            Maker::Gum { targets, order } => {
                let own = targets.deal(shard, shards, step)?;
                shard::generate(&own, order, &request.options, rng, step)
            }
            Maker::Pool(pool) => pool.draw(rows * (shard + 1) / shards - rows * shard / shards, rng, step),
        }
    }
}
