//! All records of a trace, generated shard by shard and set aside, then sorted by time.

use super::codes::Codes;
use super::gum::Convergence;
use super::maker::Maker;
use super::order::{self, Piece, Sizes};
use super::quota::Quota;
use super::structure::Structure;
use super::{Request, addresses, restore, sessions, stream};
use netdpsyn_model::Model;
use netdpsyn_model::domain::Attribute;
use netdpsyn_trace::progress::{Cancelled, Halted, Progress};
use netdpsyn_trace::scratch::Scratch;
use netdpsyn_trace::{Addresses, Schema, Stage, Trace, Values};
use rand::rngs::Xoshiro256PlusPlus;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// The streams from which hosts, and who meets whom, are drawn; no shard uses them.
const HOSTS: usize = usize::MAX - 1;
const MEETING: usize = usize::MAX - 2;

/// Number of shards whose hosts meet each other: four million records. Each such part of a longer trace has
/// the same hosts, pairs and degrees.
pub(super) const TOGETHER: usize = 16;

/// Generated records that are not sorted yet.
pub struct Made<'a> {
    /// Number of records.
    pub rows: usize,
    /// Their distance from the tables of the model.
    pub convergence: Convergence,
    schema: &'a Schema,
    addresses: Option<Addresses>,
    pieces: Vec<Piece>,
    sizes: Sizes,
    scratch: Scratch,
}

impl Made<'_> {
    /// Passes the records to `sink` sorted by time, in slices of a few hundred thousand.
    ///
    /// # Errors
    /// [`Halted`] when the scratch file cannot be read, when `progress` asks to stop, or as `sink` returns
    /// it.
    pub fn in_order(
        self,
        progress: &dyn Progress,
        mut sink: impl FnMut(Trace) -> Result<(), Halted>,
    ) -> Result<(), Halted> {
        let sink = |slice: Trace| sink(slice.with_addresses(self.addresses.clone()));
        order::in_order(self.schema, self.pieces, self.sizes, &self.scratch, progress, sink)
    }
}

/// Generates records in shards of at most `size`.
pub(super) fn make_in<'a>(
    size: usize,
    sizes: Sizes,
    scratch: Scratch,
    model: &'a Model,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Made<'a>, Halted> {
    let rows = request.rows(model);
    let quota = request.condition.as_ref().map(|condition| Quota::new(condition, model, rows, size));
    let to_make = quota.as_ref().map_or(rows, Quota::rows);
    let maker = Maker::of(model, request, to_make, progress)?;
    let restored = request.condition.as_ref().map(|condition| condition.restored(model));
    let (attributes, rules) = restored.as_ref().map_or((drawn(model), &model.rules), |(a, r)| (a, r));
    let hosts = &mut stream(request.seed, HOSTS);
    let restorer =
        restore::Restorer::new(&model.schema, attributes, rules).with_hosts(&model.profiles, hosts);

    let structure = Structure::of(model, hosts);

    let shards = rows.div_ceil(size);
    let done = AtomicU64::new(0);
    let step = || progress.step(Stage::Generate, done.load(Ordering::Relaxed), shards as u64);
    let make = |part, parts, rng: &mut _| maker.make(part, parts, request, to_make, rng, &step);
    let codes_of = |shard: usize| -> Result<Coded, Cancelled> {
        let mut rng = stream(request.seed, shard);
        let (codes, end) = match &quota {
            Some(quota) => quota.fill(shard, shards, &mut rng, make)?,
            None => make(shard, shards, &mut rng)?,
        };
        Ok(Coded { shard, codes, end, rng })
    };
    let set_aside = |of: Coded, given: &[(usize, Values)]| -> Result<(Vec<Piece>, Convergence), Halted> {
        let Coded { shard, codes, end, mut rng } = of;
        let columns = restorer.restore(&codes, given, &mut rng, &step)?;
        let pieces = order::set_aside(&model.schema, shard, &columns, sizes, &scratch, &step)?;
        done.fetch_add(1, Ordering::Relaxed);
        Ok((pieces, end))
    };
    let made: Vec<(Vec<Piece>, Convergence)> = match &structure {
        None => (0..shards)
            .into_par_iter()
            .map(|shard| set_aside(codes_of(shard)?, &[]))
            .collect::<Result<_, Halted>>()?,
        Some(structure) => {
            let mut made = Vec::with_capacity(shards);
            for together in (0..shards).step_by(TOGETHER) {
                let all = (together..shards.min(together + TOGETHER)).into_par_iter();
                let coded: Vec<Coded> = all.map(codes_of).collect::<Result<_, Cancelled>>()?;
                let parts: Vec<&Codes> = coded.iter().map(|part| &part.codes).collect();
                let mut rng = stream(request.seed, MEETING - together);
                let given = structure.together(&parts, &mut rng, &step)?;
                let both = coded.into_par_iter().zip(given);
                let pieces = both.map(|(part, given)| set_aside(part, &given));
                made.extend(pieces.collect::<Result<Vec<_>, Halted>>()?);
            }
            made
        }
    };

    let ends: Vec<(usize, Convergence)> = made.iter().map(|(_, end)| (1, *end)).collect();
    let convergence = Convergence::over(&ends);
    let pieces = made.into_iter().flat_map(|(pieces, _)| pieces).collect();
    Ok(Made { rows, convergence, schema: &model.schema, addresses: addresses(model), pieces, sizes, scratch })
}

/// Generates packets as sessions, and their records in pieces of about `size`.
pub(super) fn make_sessions<'a>(
    size: usize,
    sizes: Sizes,
    scratch: Scratch,
    model: &'a Model,
    of: &netdpsyn_model::sessions::Sessions,
    request: &Request,
    progress: &dyn Progress,
) -> Result<Made<'a>, Halted> {
    let rows = request.rows(model);
    let sessions = sessions::make(model, of, rows, request.seed, progress)?;
    let step = || progress.check();
    let writer = sessions::write::Writer::new(model, &sessions, request.seed);
    let writer = writer.unwrap_or_else(|| unreachable!("a bundle of sessions has a schema of some"));
    let pieces = writer.pieces(size).into_par_iter().enumerate().map(|(piece, own)| {
        let columns = writer.write(piece, own, &step)?;
        order::set_aside(&model.schema, piece, &columns, sizes, &scratch, &step)
    });
    let pieces = pieces.collect::<Result<Vec<_>, Halted>>()?.into_iter().flatten().collect();
    let convergence = sessions.convergence;
    Ok(Made { rows, convergence, schema: &model.schema, addresses: addresses(model), pieces, sizes, scratch })
}

/// The codes of a shard, before values are drawn.
struct Coded {
    shard: usize,
    codes: Codes,
    end: Convergence,
    rng: Xoshiro256PlusPlus,
}

/// The attributes whose codes records have: with two resolutions the fine ones.
pub(super) fn drawn(model: &Model) -> &[Attribute] {
    match &model.layers {
        Some(layers) => &model.attributes[..layers.coarse.len()],
        None => &model.attributes,
    }
}
