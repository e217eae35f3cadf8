//! Merges the records of all shards in order of time, a slice at a time.
//!
//! Each shard is sorted while it is in cache and set aside in blocks. A slice of the trace takes the blocks
//! with the earliest first records, so that no record before the first remaining block is missing. Records
//! with the same time are ordered by shard, and within a shard in the order of generation; without a time
//! column this holds for all records.

use netdpsyn_trace::progress::{Cancelled, Halted, Progress, Step};
use netdpsyn_trace::scratch::{Block, Scratch};
use netdpsyn_trace::{Schema, Trace, Values};
use rayon::prelude::*;

/// Number of records that a slice adds to the waiting ones.
const SLICE: usize = 1 << 18;
/// Number of records of all waiting blocks, one per shard, unless blocks would be too small.
const WAITING: usize = 1 << 19;
/// Smallest and largest number of records of a block.
const BLOCK: [usize; 2] = [512, 4_096];

/// Sizes of blocks and slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Records per block.
    pub block: usize,
    /// Blocks per slice.
    pub slice: usize,
}

impl Sizes {
    /// Sizes such that one block of each of `shards` shards fits in memory beside a slice.
    pub fn of(shards: usize) -> Self {
        let block = (WAITING / shards.max(1)).clamp(BLOCK[0], BLOCK[1]);
        Sizes { block, slice: SLICE / block }
    }
}

/// The order of records: by time, then by shard, then by block of the shard.
type Place = (u64, u32, u32);

/// A block set aside, and the place of its first record.
pub struct Piece {
    first: Place,
    block: Block,
}

/// Sorts the records of a shard by time and sets them aside in blocks. `step` is called before each.
///
/// # Errors
/// [`Halted`] when the scratch file cannot be written, or `step` stops the work.
pub fn set_aside(
    schema: &Schema,
    shard: usize,
    columns: &[Values],
    sizes: Sizes,
    scratch: &Scratch,
    step: &Step,
) -> Result<Vec<Piece>, Halted> {
    let time = schema.time_column();
    let mut rows: Vec<(u64, u32)> = match time {
        Some(time) => columns[time].iter().zip(0..).collect(),
        None => (0..columns.first().map_or(0, Values::len) as u32).map(|row| (0, row)).collect(),
    };
    rows.sort_unstable();
    let piece = |(number, rows): (usize, &[(u64, u32)])| {
        step()?;
        let first = (rows[0].0, shard as u32, number as u32);
        let rows: Vec<u32> = rows.iter().map(|&(_, row)| row).collect();
        let block = scratch.put(columns.iter().map(|column| column.select(&rows)).collect())?;
        Ok(Piece { first, block })
    };
    rows.chunks(sizes.block).enumerate().map(piece).collect()
}

/// A block whose records are not all emitted.
struct Waiting {
    shard: u32,
    number: u32,
    columns: Vec<Values>,
    /// Number of emitted records.
    done: usize,
}

impl Waiting {
    /// The number of its records before `end`; all without an `end`.
    fn before(&self, time: Option<usize>, end: Option<Place>) -> usize {
        let rows = self.columns.first().map_or(0, Values::len);
        let Some((upto, shard, number)) = end else { return rows };
        let at_once = (self.shard, self.number) < (shard, number);
        let comes = |row| {
            let at = time.map_or(0, |time| self.columns[time].get(row));
            at < upto || at == upto && at_once
        };
        let (mut low, mut high) = (self.done, rows);
        while low < high {
            let middle = low.midpoint(high);
            if comes(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

/// Passes all records to `sink`, in slices. Besides a slice, at most one block of each shard is in memory.
///
/// # Errors
/// [`Halted`] when the scratch file cannot be read, when `progress` asks to stop, or as `sink` returns it.
pub fn in_order(
    schema: &Schema,
    mut pieces: Vec<Piece>,
    sizes: Sizes,
    scratch: &Scratch,
    progress: &dyn Progress,
    mut sink: impl FnMut(Trace) -> Result<(), Halted>,
) -> Result<(), Halted> {
    let time = schema.time_column();
    pieces.par_sort_unstable_by_key(|piece| piece.first);
    let mut pieces = pieces.into_iter().peekable();
    let mut waiting: Vec<Waiting> = Vec::new();
    while pieces.peek().is_some() {
        progress.check()?;
        let next: Vec<Piece> = pieces.by_ref().take(sizes.slice).collect();
        let end = pieces.peek().map(|piece| piece.first);
        let read = |piece: Piece| {
            progress.check()?;
            let (_, shard, number) = piece.first;
            Ok(Waiting { shard, number, columns: scratch.take(piece.block)?, done: 0 })
        };
        let read: Vec<Waiting> = next.into_par_iter().map(read).collect::<Result<_, Halted>>()?;
        waiting.extend(read);
        waiting.sort_unstable_by_key(|block| (block.shard, block.number));
        // Slots ascend as shards and blocks do: sorting by time, slot and row gives the right order.
        let mut places: Vec<(u64, u32, u32)> = Vec::new();
        for (slot, block) in (0..).zip(&mut waiting) {
            let upto = block.before(time, end);
            let at = |row| time.map_or(0, |time| block.columns[time].get(row));
            places.extend((block.done..upto).map(|row| (at(row), slot, row as u32)));
            block.done = upto;
        }
        // A stable sort merges the runs that it finds.
        places.par_sort();
        progress.check()?;
        sink(gathered(schema, &waiting, &places, progress)?)?;
        waiting.retain(|block| block.done < block.columns.first().map_or(0, Values::len));
    }
    Ok(())
}

/// The records at these places: time, slot in `waiting`, row.
fn gathered(
    schema: &Schema,
    waiting: &[Waiting],
    places: &[(u64, u32, u32)],
    progress: &dyn Progress,
) -> Result<Trace, Cancelled> {
    let columns = schema.columns.par_iter().enumerate().map(|(index, column)| {
        progress.check()?;
        let mut values = Values::with_capacity(column.storage_max(), places.len());
        for &(_, slot, row) in places {
            values.push(waiting[slot as usize].columns[index].get(row as usize));
        }
        Ok(values)
    });
    Ok(Trace::new(columns.collect::<Result<_, Cancelled>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;
    use proptest::prelude::*;

    /// A schema of a time and a port.
    fn schema() -> Schema {
        let mut schema = presets::preset("flow").unwrap();
        schema.columns.retain(|c| ["ts", "srcport"].contains(&c.name.as_str()));
        schema
    }

    /// All slices, concatenated.
    fn joined(schema: &Schema, shards: &[Vec<Values>], sizes: Sizes, scratch: &Scratch) -> Vec<Vec<u64>> {
        let pieces = shards.iter().enumerate();
        let pieces = pieces
            .flat_map(|(at, columns)| set_aside(schema, at, columns, sizes, scratch, &|| Ok(())).unwrap())
            .collect();
        let mut joined = vec![Vec::new(); schema.columns.len()];
        in_order(schema, pieces, sizes, scratch, &Quiet, |slice| {
            joined.iter_mut().zip(slice.columns()).for_each(|(to, column)| to.extend(column.iter()));
            Ok(())
        })
        .unwrap();
        joined
    }

    proptest! {
        #[test]
        fn the_same_records_in_order_of_time(
            shards in prop::collection::vec(prop::collection::vec((0u64..40, 0u64..1_000), 0..60), 1..7),
            (block, slice) in (1usize..20, 1usize..6),
            filed: bool,
        ) {
            let schema = schema();
            let time = schema.time_column().unwrap();
            let columns = |records: &Vec<(u64, u64)>| {
                let ports = Values::collect(65_535, records.iter().map(|r| r.1));
                let times = Values::collect(u64::MAX, records.iter().map(|r| r.0));
                if time == 0 { vec![times, ports] } else { vec![ports, times] }
            };
            let folder = tempfile::tempdir().unwrap();
            let scratch = Scratch::of(Some(folder.path()), !filed).unwrap();
            let found = joined(&schema, &shards.iter().map(columns).collect::<Vec<_>>(), Sizes { block, slice }, &scratch);
            let found: Vec<(u64, u64)> = found[time].iter().copied().zip(found[1 - time].iter().copied()).collect();
            // In order of time, then of shards, then of generation.
            let mut all: Vec<(u64, u64)> = shards.concat();
            all.sort_by_key(|record| record.0);
            prop_assert_eq!(found, all);
        }
    }

    #[test]
    fn without_a_time_records_stay_as_they_stand() {
        let mut schema = schema();
        schema.columns.retain(|c| c.name == "srcport");
        let shards = [[3, 1, 2], [9, 7, 8]].map(|values| vec![Values::collect(65_535, values)]);
        let sizes = Sizes { block: 2, slice: 1 };
        assert_eq!(joined(&schema, &shards, sizes, &Scratch::memory()), [[3, 1, 2, 9, 7, 8]]);
        assert_eq!(joined(&schema, &[], sizes, &Scratch::memory()), [[0u64; 0]]);
    }

    #[test]
    fn blocks_of_all_shards_fit_into_memory() {
        assert_eq!(
            [0, 1, 128, 1_000, 100_000].map(|shards| Sizes::of(shards).block),
            [4_096, 4_096, 4_096, 524, 512]
        );
    }
}
