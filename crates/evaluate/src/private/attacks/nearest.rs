//! The nearest synthetic records of a raw one.
//!
//! The distance of two records is the sum over the compared columns of a difference between 0 and 1. Names
//! are equal or not. Addresses have 1 − (common leading bits)/32; those of other families than IPv4 have
//! their own length, and different families a difference of 1. Sizes are compared by log(1+x) and times
//! linearly, both relative to the range of the synthetic trace and capped at 1. The attacker has only the
//! synthetic trace, so it sets the scale.

use super::super::{is_nominal, log_size};
use netdpsyn_trace::{Field, Schema, Trace, Values, address, directory};
use std::collections::HashMap;

/// Synthetic records compared at a time: their distances and columns fit in the first-level cache.
const BLOCK: usize = 1_024;

/// A synthetic trace, prepared for searching.
pub struct Neighbours<'a> {
    /// All compared columns except the key attribute.
    columns: Vec<Prepared>,
    key: Option<Key<'a>>,
    rows: usize,
}

struct Key<'a> {
    column: usize,
    values: &'a Values,
}

struct Prepared {
    column: usize,
    values: Compared,
}

enum Compared {
    Names(Vec<u32>),
    Addresses(Vec<u32>),
    /// Addresses of any family.
    Keys(Vec<u128>),
    Numbers {
        values: Vec<f32>,
        scale: Scale,
    },
}

/// Maps values linearly, with 0 at the smallest and 1 at the largest of the synthetic trace.
struct Scale {
    place: Box<dyn Fn(u64) -> f64 + Sync>,
    low: f64,
    range: f64,
}

impl Scale {
    fn new(field: &Field, column: &Values) -> Scale {
        let place: Box<dyn Fn(u64) -> f64 + Sync> = match field {
            Field::Timestamp { .. } => Box::new(|time| time as f64),
            _ => Box::new(log_size(field)),
        };
        let (mut low, mut high) = (u64::MAX, 0);
        column.for_each(|value| (low, high) = (low.min(value), high.max(value)));
        let (low, high) = (place(low), place(high));
        // In a constant column any other value has the largest difference.
        let range = if high > low { high - low } else { f64::MIN_POSITIVE };
        Scale { place, low, range }
    }

    fn of(&self, value: u64) -> f32 {
        // Values far outside are clamped to a distance of 2, which counts as 1 like any difference beyond the
        // range.
        (((self.place)(value) - self.low) / self.range).clamp(-2.0, 3.0) as f32
    }
}

/// 32 bits that identify a name; only keys that are large numbers could collide.
fn name(value: u64) -> u32 {
    (value ^ (value >> 32)) as u32
}

/// The key of an address of any family; a special value has no bits in common with any address.
fn key_of(trace: &Trace, column: usize, value: u64) -> u128 {
    match trace.directory(column).filter(|_| value < directory::SPACE) {
        Some(directory) => directory.key(value),
        None => 1 << (u128::BITS - 1) | u128::from(value),
    }
}

/// The result of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Distance to the nearest synthetic record, over all compared columns.
    pub distance: f32,
    /// The most frequent key among the synthetic records that are nearest on all other columns; of equally
    /// frequent ones the smallest.
    pub key: Option<u64>,
}

impl<'a> Neighbours<'a> {
    /// Prepares `synthetic`, which has at least one record, for searches over `columns`.
    pub fn new(synthetic: &'a Trace, schema: &Schema, columns: &[usize]) -> Neighbours<'a> {
        let key = schema.key_column().filter(|key| columns.contains(key));
        let prepared = columns.iter().filter(|&&column| Some(column) != key).map(|&column| {
            let (field, values) = (&schema.columns[column].field, synthetic.column(column));
            let values = match field {
                Field::Ip { .. } => Compared::Addresses(values.iter().map(|v| v as u32).collect()),
                Field::Address {} => {
                    Compared::Keys(values.iter().map(|value| key_of(synthetic, column, value)).collect())
                }
                _ if is_nominal(schema, column) => Compared::Names(values.iter().map(name).collect()),
                _ => {
                    let scale = Scale::new(field, values);
                    Compared::Numbers { values: values.iter().map(|v| scale.of(v)).collect(), scale }
                }
            };
            Prepared { column, values }
        });
        let columns = prepared.collect();
        let key = key.map(|column| Key { column, values: synthetic.column(column) });
        Neighbours { columns, key, rows: synthetic.rows() }
    }

    /// The nearest synthetic records of the record in `row` of `trace`.
    pub fn nearest(&self, trace: &Trace, row: usize) -> Nearest {
        let own_key = self.key.as_ref().map(|key| trace.column(key.column).get(row));
        let (mut nearest, mut nearest_elsewhere) = (f32::INFINITY, f32::INFINITY);
        let mut ties: Vec<u64> = Vec::new();
        let mut distances = [0f32; BLOCK];
        for from in (0..self.rows).step_by(BLOCK) {
            let block = &mut distances[..BLOCK.min(self.rows - from)];
            block.fill(0.0);
            for prepared in &self.columns {
                prepared.add(trace, row, from, block);
            }
            match &self.key {
                None => nearest = block.iter().copied().fold(nearest, f32::min),
                Some(key) => {
                    for (i, &distance) in block.iter().enumerate() {
                        // Few records are this near; only for them the key matters.
                        if distance <= nearest_elsewhere || distance < nearest {
                            let theirs = key.values.get(from + i);
                            let differs = f32::from(u8::from(own_key != Some(theirs)));
                            nearest = nearest.min(distance + differs);
                            if distance < nearest_elsewhere {
                                nearest_elsewhere = distance;
                                ties.clear();
                            }
                            if distance == nearest_elsewhere {
                                ties.push(theirs);
                            }
                        }
                    }
                }
            }
        }
        Nearest { distance: nearest, key: most_frequent(ties) }
    }
}

impl Prepared {
    /// Adds the differences between the record in `row` of `trace` and the synthetic records from `from` on.
    fn add(&self, trace: &Trace, row: usize, from: usize, distances: &mut [f32]) {
        let value = trace.column(self.column).get(row);
        let rows = from..from + distances.len();
        match &self.values {
            Compared::Names(names) => {
                let value = name(value);
                for (distance, &other) in distances.iter_mut().zip(&names[rows]) {
                    *distance += if other == value { 0.0 } else { 1.0 };
                }
            }
            Compared::Addresses(addresses) => {
                let value = value as u32;
                for (distance, &other) in distances.iter_mut().zip(&addresses[rows]) {
                    *distance += (32 - (other ^ value).leading_zeros()) as f32 / 32.0;
                }
            }
            Compared::Keys(keys) => {
                let value = key_of(trace, self.column, value);
                let (shift, length) = (address::step(value).ilog2(), address::length(value) as f32);
                for (distance, &other) in distances.iter_mut().zip(&keys[rows]) {
                    let apart = u128::BITS - ((other ^ value) >> shift).leading_zeros();
                    *distance += (apart as f32 / length).min(1.0);
                }
            }
            Compared::Numbers { values, scale } => {
                let value = scale.of(value);
                for (distance, &other) in distances.iter_mut().zip(&values[rows]) {
                    *distance += (other - value).abs().min(1.0);
                }
            }
        }
    }
}

/// The most frequent value; of equally frequent ones the smallest.
pub fn most_frequent(values: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(value, count)| (count, std::cmp::Reverse(value))).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::super::super::compared;
    use super::*;
    use netdpsyn_trace::presets;

    fn trace(records: &[[u64; 11]]) -> Trace {
        let mut trace = Trace::empty(&presets::preset("ton").unwrap());
        records.iter().for_each(|record| trace.push(record));
        trace
    }

    fn nearest(synthetic: &[[u64; 11]], raw: [u64; 11]) -> Nearest {
        let (schema, synthetic) = (presets::preset("ton").unwrap(), trace(synthetic));
        Neighbours::new(&synthetic, &schema, &compared(&schema)).nearest(&trace(&[raw]), 0)
    }

    const RECORD: [u64; 11] = [0x0a00_0001, 2, 80, 443, 6, 100, 5, 3, 300, 0, 1];

    #[test]
    fn distances_by_hand() {
        let with = |changes: &[(usize, u64)]| {
            let mut record = RECORD;
            changes.iter().for_each(|&(column, value)| record[column] = value);
            record
        };
        let far = with(&[(0, 0xf000_0000), (2, 1), (3, 1), (5, 200), (8, 30_000), (10, 4)]);
        let at = |changes| nearest(&[far, RECORD], with(changes)).distance;
        assert_eq!(at(&[]), 0.0);
        assert_eq!(at(&[(2, 81)]), 1.0, "a port is a name");
        assert_eq!(at(&[(0, 0x0a00_0003)]), 2.0 / 32.0, "30 bits in common");
        assert_eq!(at(&[(5, 125)]), 0.25, "a quarter of the time");
        assert_eq!(at(&[(5, 5_000)]), 1.0, "no more than a range");
        assert_eq!(at(&[(4, 17), (10, 7)]), 2.0, "the key is a name as any other");
        assert_eq!(at(&[(7, 4)]), 1.0, "any difference from a constant column");
        let share = (301f64 / 151.0).ln() / (30_001f64 / 301.0).ln();
        assert!((f64::from(at(&[(8, 150)])) - share).abs() < 1e-6);
    }

    #[test]
    fn addresses_of_any_family_differ_by_their_own_bits() {
        let mut schema = presets::preset("ton").unwrap();
        schema.declare_families(netdpsyn_trace::Families::Any).unwrap();
        let of = |text: &str| netdpsyn_trace::Address::read(text.as_bytes()).unwrap().key().unwrap();
        let at = |theirs: &str, own: &str| {
            let known =
                std::sync::Arc::new(netdpsyn_trace::Directory::of_all([theirs, own].map(of).into_iter()));
            let trace = |text: &str| {
                let mut trace = Trace::empty(&schema);
                trace.push(&[
                    known.number(of(text)),
                    known.number(of(own)),
                    80,
                    443,
                    6,
                    100,
                    5,
                    3,
                    300,
                    0,
                    1,
                ]);
                trace.with_addresses(netdpsyn_trace::Addresses::of(&schema, known.clone()))
            };
            let (synthetic, raw) = (trace(theirs), trace(own));
            Neighbours::new(&synthetic, &schema, &compared(&schema)).nearest(&raw, 0).distance
        };
        assert_eq!(at("10.0.0.1", "10.0.0.1"), 0.0);
        assert_eq!(at("10.0.0.1", "10.0.0.3"), 2.0 / 32.0);
        assert_eq!(at("00:00:00:00:00:01", "00:00:00:00:01:01"), 9.0 / 48.0);
        assert_eq!(at("10008_1", "10008_3"), 2.0 / 60.0);
        assert_eq!(at("2001:db8::1", "2001:db8::1:0:0"), 33.0 / 124.0);
        assert_eq!(at("2001:db8::1", "10.0.0.1"), 1.0);
    }

    #[test]
    fn the_key_of_the_nearest_is_a_vote() {
        let keyed = |key| {
            let mut record = RECORD;
            record[10] = key;
            record
        };
        let mut far = keyed(9);
        far[3] = 1;
        let votes = [far, keyed(2), keyed(5), far, keyed(5), far];
        assert_eq!(nearest(&votes, keyed(2)), Nearest { distance: 0.0, key: Some(5) });
        assert_eq!(nearest(&votes[..3], keyed(3)), Nearest { distance: 1.0, key: Some(2) });
        let many: Vec<_> = (0..3 * BLOCK as u64).map(|i| keyed(i % 2 + i / (BLOCK as u64 + 3))).collect();
        assert_eq!(nearest(&many, keyed(1)).key, Some(1));
        assert_eq!(most_frequent([]), None);
    }
}
