//! What a generation takes at most: memory, and scratch files.

use super::made::TOGETHER;
use super::order::Sizes;
use super::{HELD_SHARDS, SHARD, sessions};
use netdpsyn_trace::scratch::Scratch;
use netdpsyn_trace::{Schema, Trace};

/// Largest number of bytes per packet while sessions are generated, in the worst case of one packet per
/// session: the packet, the common values of its session, and its entries in the search.
const SESSIONS_A_ROW: usize = sessions::BYTES_A_PACKET + 160;

/// Bytes per record while hosts and times are exchanged, in addition to its codes.
const MEETING_A_ROW: usize = 96;

/// An upper bound of the bytes of scratch files for `rows` records of a schema, during generation and
/// counting for a report.
pub fn scratch_bytes(schema: &Schema, rows: u64) -> u64 {
    let shards = (rows as usize).div_ceil(SHARD);
    if shards <= HELD_SHARDS {
        return 0;
    }
    let (width, columns) = (Trace::empty(schema).bytes_per_row() as u64, schema.columns.len() as u64);
    2 * Scratch::most_bytes(rows, width, columns, Sizes::of(shards).block as u64)
}

/// An upper bound of the memory in bytes for generating and sorting `rows` records of a schema, without the
/// model.
pub fn memory_bytes(schema: &Schema, rows: u64) -> u64 {
    let rows = rows as usize;
    let (width, columns) = (Trace::empty(schema).bytes_per_row(), schema.columns.len());
    let shards = rows.div_ceil(SHARD);
    // Records that meet are held as codes with the search structures, and then with their times.
    let meeting = rows.min(TOGETHER * SHARD) * (2 * columns + MEETING_A_ROW);
    // While it is sorted, a shard has its values twice, codes, and the links between records of a cell or a
    // flow.
    let making = rows.min(rayon::current_num_threads() * SHARD) * (2 * width + 4 * columns + 48);
    let sizes = Sizes::of(shards);
    let held = if shards <= HELD_SHARDS { rows } else { sizes.block * shards };
    // Waiting blocks, of the shards and of the buckets of flows; a slice that is read, sorted, gathered and
    // written.
    let merging = (2 * held + 2 * sizes.slice * sizes.block) * 2 * width + rows / sizes.block * 64;
    // Sessions are generated all at once.
    let whole =
        if netdpsyn_trace::sessions::Sessions::of(schema).is_ok() { rows * SESSIONS_A_ROW } else { 0 };
    ((making + meeting).max(merging) + whole) as u64
}
