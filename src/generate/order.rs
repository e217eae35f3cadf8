//! The records of all shards joined into one trace, in order of time where the schema has a time.
//!
//! Each shard is put in order first, while it is in cache; then the span of time is cut into slices, and each slice merges
//! its piece of every shard. A shard's columns are given back as soon as they are copied.

use crate::progress::{Cancelled, Progress};
use crate::trace::{Schema, Trace, Values};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a record stands: its shard, and its row there.
type Place = (u32, u32);

/// Joins the columns (by shard, then column) of shards that are [`sorted`].
pub fn join(schema: &Schema, shards: Vec<Vec<Values>>, progress: &dyn Progress) -> Result<Trace, Cancelled> {
    let slices: Vec<Vec<Place>> = match schema.time_column() {
        Some(time) => in_order(&shards.iter().map(|shard| &shard[time]).collect::<Vec<_>>(), progress)?,
        None => (0u32..).zip(&shards).map(|(at, shard)| whole(at, shard)).collect(),
    };
    let rows = slices.iter().map(Vec::len).sum();
    // By column, then shard.
    let mut pieces: Vec<Vec<Values>> = schema.columns.iter().map(|_| Vec::new()).collect();
    for shard in shards {
        for (column, values) in pieces.iter_mut().zip(shard) {
            column.push(values);
        }
    }
    let done = AtomicU64::new(0);
    let total = (slices.len() * pieces.len()) as u64;
    let columns = pieces
        .into_par_iter()
        .zip(&schema.columns)
        .map(|(shards, column)| {
            let mut joined = Values::with_capacity(column.field.storage_max(), rows);
            for slice in &slices {
                progress.step("restore", done.fetch_add(1, Ordering::Relaxed), total)?;
                slice.iter().for_each(|&(shard, row)| joined.push(shards[shard as usize].get(row as usize)));
            }
            Ok(joined)
        })
        .collect::<Result<_, _>>()?;
    Ok(Trace::new(columns))
}

/// All rows of a shard as they stand.
fn whole(at: u32, shard: &[Values]) -> Vec<Place> {
    let rows = shard.first().map_or(0, Values::len);
    (0..rows as u32).map(|row| (at, row)).collect()
}

/// A shard's records in order of time; those of one time stay as they stand.
pub fn sorted(schema: &Schema, shard: Vec<Values>) -> Vec<Values> {
    let Some(time) = schema.time_column() else { return shard };
    let mut rows: Vec<(u64, u32)> = shard[time].iter().zip(0..).collect();
    rows.sort_unstable();
    let rows: Vec<u32> = rows.into_iter().map(|(_, row)| row).collect();
    shard.iter().map(|column| column.select(&rows)).collect()
}

/// All places in order of time, in slices, from shards that are in order. Records of one time stand in the order of shards.
fn in_order(shards: &[&Values], progress: &dyn Progress) -> Result<Vec<Vec<Place>>, Cancelled> {
    // As many slices as shards, of about equal size: a shard is a sample of all.
    let sample = shards.iter().max_by_key(|times| times.len()).filter(|times| !times.is_empty());
    let Some(sample) = sample else { return Ok(Vec::new()) };
    let cut = |slice: usize| sample.get(slice * sample.len() / shards.len());
    (0..shards.len())
        .into_par_iter()
        .map(|slice| {
            progress.step("restore", 0, 1)?;
            let mut places: Vec<(u64, Place)> = Vec::new();
            for (shard, times) in (0..).zip(shards) {
                let first = if slice == 0 { 0 } else { before(times, cut(slice)) };
                let end = if slice + 1 == shards.len() { times.len() } else { before(times, cut(slice + 1)) };
                places.extend((first..end).map(|row| (times.get(row), (shard, row as u32))));
            }
            // A stable sort merges the runs that it finds.
            places.sort();
            Ok(places.into_iter().map(|(_, place)| place).collect())
        })
        .collect()
}

/// How many of the sorted times lie before `time`.
fn before(times: &Values, time: u64) -> usize {
    let (mut low, mut high) = (0, times.len());
    while low < high {
        let middle = low.midpoint(high);
        if times.get(middle) < time { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Quiet;
    use crate::trace::presets;
    use proptest::prelude::*;

    /// A schema of a time and a port.
    fn schema() -> Schema {
        let mut schema = presets::preset("flow").unwrap();
        schema.columns.retain(|c| ["ts", "srcport"].contains(&c.name.as_str()));
        schema
    }

    proptest! {
        #[test]
        fn the_same_records_in_order_of_time(
            shards in prop::collection::vec(prop::collection::vec((0u64..40, 0u64..1_000), 0..60), 1..7),
        ) {
            let schema = schema();
            let columns = |records: &Vec<(u64, u64)>| {
                let ports = Values::collect(65_535, records.iter().map(|r| r.1));
                let times = Values::collect(u64::MAX, records.iter().map(|r| r.0));
                if schema.time_column() == Some(0) { vec![times, ports] } else { vec![ports, times] }
            };
            let ordered = shards.iter().map(|records| sorted(&schema, columns(records))).collect();
            let trace = join(&schema, ordered, &Quiet).unwrap();
            let time = schema.time_column().unwrap();
            let joined: Vec<(u64, u64)> =
                (0..trace.rows()).map(|r| (trace.column(time).get(r), trace.column(1 - time).get(r))).collect();
            // In order of time, then of shards, then as they stood.
            let mut all: Vec<(u64, u64)> = shards.concat();
            all.sort_by_key(|record| record.0);
            prop_assert_eq!(joined, all);
        }
    }

    #[test]
    fn without_a_time_records_stay_as_they_stand() {
        let mut schema = schema();
        schema.columns.retain(|c| c.name == "srcport");
        let shard = |values: [u64; 3]| sorted(&schema, vec![Values::collect(65_535, values)]);
        let trace = join(&schema, vec![shard([3, 1, 2]), shard([9, 7, 8])], &Quiet).unwrap();
        assert_eq!(trace.column(0).iter().collect::<Vec<_>>(), [3, 1, 2, 9, 7, 8]);
        assert_eq!(join(&schema, Vec::new(), &Quiet).unwrap().rows(), 0);
    }
}
