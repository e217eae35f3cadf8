//! Codes back to values: uniform inside a bin, exact where a bin holds one value; protocol facts respected.

use crate::domain::Partition;
use crate::model::Model;
use crate::trace::{Facts, Field, Trace, Values};
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus};
use rayon::prelude::*;
use std::ops::{Range, RangeInclusive};

/// Draws values of a bin.
pub struct Picker {
    /// Intervals of each bin that can be drawn, and the sums of their weights up to each.
    bins: Vec<(Vec<Range<u64>>, Vec<f64>)>,
}

impl Picker {
    /// For a partition.
    pub fn new(partition: &Partition) -> Self {
        let cumulate = |mut intervals: Vec<(Range<u64>, f64)>| {
            if intervals.iter().any(|(_, weight)| *weight > 0.0) {
                intervals.retain(|(_, weight)| *weight > 0.0);
            } else {
                intervals.iter_mut().for_each(|(_, weight)| *weight = 1.0);
            }
            let mut sum = 0.0;
            intervals
                .into_iter()
                .map(|(interval, weight)| {
                    sum += weight;
                    (interval, sum)
                })
                .unzip()
        };
        Picker { bins: partition.intervals().into_iter().map(cumulate).collect() }
    }

    /// An interval of the bin by weight, then uniform inside.
    pub fn draw(&self, bin: u32, rng: &mut impl Rng) -> u64 {
        let (intervals, sums) = &self.bins[bin as usize];
        let at = match sums.as_slice() {
            [_] => 0,
            sums => {
                let drawn = rng.random::<f64>() * sums[sums.len() - 1];
                sums.partition_point(|&sum| sum <= drawn).min(sums.len() - 1)
            }
        };
        uniform(&intervals[at], rng)
    }

    /// Uniform among the bin's values within `bounds`; the nearest bound where the bin has none there.
    pub fn draw_within(&self, bin: u32, bounds: RangeInclusive<u64>, rng: &mut impl Rng) -> u64 {
        let (low, high) = (*bounds.start(), (*bounds.end()).max(*bounds.start()));
        let (intervals, _) = &self.bins[bin as usize];
        let inside: Vec<Range<u64>> = intervals
            .iter()
            .map(|i| i.start.max(low)..i.end.min(high.saturating_add(1)))
            .filter(|i| i.start < i.end)
            .collect();
        match inside.as_slice() {
            [] => self.draw(bin, rng).clamp(low, high),
            some => uniform(&some[rng.random_range(0..some.len())], rng),
        }
    }
}

fn uniform(interval: &Range<u64>, rng: &mut impl Rng) -> u64 {
    if interval.end - interval.start == 1 { interval.start } else { rng.random_range(interval.clone()) }
}

/// Turns the shards' codes (shard, attribute, record) into a trace, ordered by time.
pub fn restore(
    model: &Model,
    shards: &[Vec<Vec<u32>>],
    stream: impl Fn(usize) -> Xoshiro256PlusPlus + Sync,
) -> Trace {
    let pickers: Vec<Picker> = model.attributes.iter().map(|a| Picker::new(&a.partition)).collect();
    let facts = Facts::of(&model.schema);
    let records: Vec<Vec<u64>> = shards
        .par_iter()
        .enumerate()
        .map(|(shard, codes)| records(model, &pickers, &facts, codes, &mut stream(shard)))
        .collect();
    let width = model.schema.columns.len();
    let columns: Vec<Values> = (0..width)
        .into_par_iter()
        .map(|column| {
            let top = model.schema.columns[column].field.storage_max();
            let values = records.iter().flat_map(|shard| shard.iter().skip(column).step_by(width));
            Values::collect(top, values.copied())
        })
        .collect();
    drop(records);
    let trace = Trace::new(columns);
    match model.schema.time_column() {
        Some(time) => in_order_of(time, &trace),
        None => trace,
    }
}

/// The records of a shard, row after row.
fn records(
    model: &Model,
    pickers: &[Picker],
    facts: &Facts,
    codes: &[Vec<u32>],
    rng: &mut Xoshiro256PlusPlus,
) -> Vec<u64> {
    let schema = &model.schema;
    let rows = codes.first().map_or(0, Vec::len);
    let width = schema.columns.len();
    let unmodelled: Vec<(usize, Range<u64>)> = schema
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| !c.modelled && c.field != Field::IpChecksum)
        .filter_map(|(index, c)| Some((index, c.field.declared(schema.window)?)))
        .collect();
    let mut records = vec![0; rows * width];
    for (row, record) in records.chunks_mut(width).enumerate() {
        for (attribute, (picker, codes)) in model.attributes.iter().zip(pickers.iter().zip(codes)) {
            record[attribute.column] = picker.draw(codes[row], rng);
        }
        for (column, space) in &unmodelled {
            record[*column] = rng.random_range(space.clone());
        }
        for (column, bounds) in facts.bounds(record) {
            if !bounds.contains(&record[column])
                && let Some(at) = model.attributes.iter().position(|a| a.column == column)
            {
                record[column] = pickers[at].draw_within(codes[at][row], bounds, rng);
            }
        }
        facts.finish(record);
    }
    records
}

fn in_order_of(column: usize, trace: &Trace) -> Trace {
    let times = trace.column(column);
    let mut rows: Vec<u32> = (0..trace.rows() as u32).collect();
    rows.par_sort_by_key(|&row| times.get(row as usize));
    trace.select(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    proptest! {
        #[test]
        fn draws_code_back_to_their_bin(starts in prop::collection::btree_set(0u64..900, 1..30), groups in 1u32..6, seed: u64) {
            let starts: Vec<u64> = starts.into_iter().collect();
            let partition = Partition::from_starts(starts, 1_000);
            let groups = groups.min(partition.bins() as u32);
            let map: Vec<u32> = (0..partition.bins() as u32).map(|b| b % groups).collect();
            let weights: Vec<f64> = (0..map.len()).map(|i| (i % 3) as f64).collect();
            let partition = partition.relabel(&map, &weights);
            let picker = Picker::new(&partition);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            for bin in 0..partition.bins() as u32 {
                prop_assert_eq!(partition.code(picker.draw(bin, &mut rng)), bin);
                let bounded = picker.draw_within(bin, 100..=500, &mut rng);
                prop_assert!((100..=500).contains(&bounded));
            }
        }
    }

    #[test]
    fn a_rare_group_never_yields_the_undeclared_value() {
        let partition = Partition::with_undeclared(vec![0, 1, 2, 3], 4).relabel(&[0, 1, 1, 1], &[1.0; 4]);
        let picker = Picker::new(&partition);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        assert!((0..200).all(|_| picker.draw(1, &mut rng) < 3));
    }
}
