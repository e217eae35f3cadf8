//! The records of one shard: initial records and updates of each part, then the draws of the tail.

use super::codes::Codes;
use super::draw::draw;
use super::draw_order::{Draw, DrawOrder, Source};
use super::gum::{Convergence, update};
use super::options::GenerateOptions;
use super::target::Target;
use netdpsyn_trace::Values;
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::rngs::Xoshiro256PlusPlus;

/// The targets of the records: whole counts of every one-way and every table.
pub struct Targets {
    /// By attribute.
    pub one_ways: Vec<Target>,
    /// By table of the model.
    pub tables: Vec<Target>,
}

impl Targets {
    /// The part of shard `shard` of `shards`. `step` is called before every table.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn deal(&self, shard: usize, shards: usize, step: &Step) -> Result<Targets, Cancelled> {
        let deal = |targets: &[Target]| {
            let part = |target: &Target| {
                step()?;
                Ok(target.deal(shard, shards))
            };
            targets.iter().map(part).collect::<Result<_, _>>()
        };
        Ok(Targets { one_ways: deal(&self.one_ways)?, tables: deal(&self.tables)? })
    }

    fn of(&self, source: Source) -> &Target {
        match source {
            Source::OneWay(attribute) => &self.one_ways[attribute],
            Source::Table(table) => &self.tables[table],
        }
    }
}

/// Generates the records of a shard. `step` is called before every draw and visit.
///
/// # Errors
/// [`Cancelled`] when `step` returns it.
pub fn generate(
    targets: &Targets,
    order: &DrawOrder,
    options: &GenerateOptions,
    rng: &mut Xoshiro256PlusPlus,
    step: &Step,
) -> Result<(Codes, Convergence), Cancelled> {
    let rows = targets.one_ways.first().map_or(0, Target::rows);
    let mut codes: Codes = vec![Values::for_max(0); targets.one_ways.len()];
    let mut ends = Vec::new();
    let take = |draws: &[Draw], codes: &mut Codes, rng: &mut Xoshiro256PlusPlus| {
        draws.iter().try_for_each(|d| {
            step()?;
            draw(targets.of(d.from), &d.given, &d.new, codes, rows, rng);
            Ok(())
        })
    };
    for part in &order.parts {
        take(&part.start, &mut codes, rng)?;
        if part.tables.len() > 1 {
            let tables: Vec<&Target> = part.tables.iter().map(|&t| &targets.tables[t]).collect();
            ends.push((tables.len(), update(&tables, &part.attributes, &mut codes, options, rng, step)?));
        }
    }
    take(&order.tail, &mut codes, rng)?;
    Ok((codes, Convergence::over(&ends)))
}
