//! Records under a condition: where a method cannot choose the category, it generates more records than
//! wanted, and the wanted number of each code is kept. A pool generates its class in the requested shares
//! ([`super::pool`]), and only rounding remainders are filled up.
//!
//! A rare category may need very many records: at most [`FACTOR`] times the requested number are generated,
//! or one batch where that is more. Missing records are then copies of those with the code, in turn: their
//! codes repeat, their values are drawn anew. They represent all that the model knows of the code, whose
//! noise is that of few records in any case.

use super::SHARD;
use super::codes::Codes;
use super::condition::{Condition, Part, mass};
use super::gum::Convergence;
use super::pool::Pool;
use netdpsyn_model::Model;
use netdpsyn_trace::progress::Cancelled;
use netdpsyn_trace::{Schema, Values};
use rand::{rngs::Xoshiro256PlusPlus, seq::SliceRandom};

/// Largest ratio of generated to wanted records.
pub const FACTOR: usize = 16;
/// Least number of generated records of each code, as far as the ratio permits, so that not a single one is
/// repeated.
const LEAST: f64 = 64.0;

/// The wanted records of every code, and how many to generate for them.
pub struct Quota {
    attribute: usize,
    /// Number of bins of the attribute when values are restored.
    bins: usize,
    parts: Vec<Part>,
    /// Number of generated records.
    rows: usize,
    /// Number of batches per shard.
    times: usize,
}

impl Quota {
    /// The quota for `rows` records in shards of at most `size`.
    pub fn new(condition: &Condition, model: &Model, rows: usize, size: usize) -> Quota {
        let (attribute, parts) = (condition.attribute, condition.parts(rows));
        // The shares in which records are generated.
        let mass = match Pool::blends(model, attribute) {
            true => condition.shares(model),
            false => mass(model, attribute),
        };
        let mut wanted = vec![0; mass.len()];
        parts.iter().for_each(|part| wanted[part.code as usize] += part.rows);
        let needed = wanted.iter().zip(&mass).filter(|(rows, _)| **rows > 0);
        let needed = needed.map(|(&rows, mass)| (rows as f64).max(LEAST) / mass).fold(0.0, f64::max);
        let most = rows.saturating_mul(FACTOR).max(if rows > 0 { size } else { 0 });
        // Counts of a cell are kept in 32 bits.
        let most = most.min(u32::MAX as usize).max(rows);
        let made = (needed.ceil() as usize).clamp(rows, most);
        let times = made.div_ceil(rows.div_ceil(size).max(1) * size).max(1);
        let bins = condition.restored_bins(model);
        Quota { attribute, bins, parts, rows: made, times }
    }

    /// Number of records to generate.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Generates the records of shard `shard` of `shards`. `make` generates a batch, given its number and
    /// that of all batches. It is called until there are enough of each code, or until the limit.
    ///
    /// # Errors
    /// The error of `make`.
    pub fn fill(
        &self,
        shard: usize,
        shards: usize,
        rng: &mut Xoshiro256PlusPlus,
        make: impl Fn(usize, usize, &mut Xoshiro256PlusPlus) -> Result<(Codes, Convergence), Cancelled>,
    ) -> Result<(Codes, Convergence), Cancelled> {
        let parts = dealt(&self.parts, shard, shards);
        let mut open = Open::new(&parts);
        let mut ends = Vec::new();
        for time in 0..self.times {
            let (codes, end) = make(shard * self.times + time, shards * self.times, rng)?;
            ends.push((1, end));
            open.keep(&codes, self.attribute, rng);
            if open.is_full() {
                break;
            }
        }
        Ok((open.close(&parts, self.attribute, self.bins, rng), Convergence::over(&ends)))
    }
}

/// The part of shard `shard` of `shards`: records are numbered through the parts and distributed in turn.
fn dealt(parts: &[Part], shard: usize, shards: usize) -> Vec<Part> {
    let mine = |upto: usize| (upto + shards - 1 - shard) / shards;
    let mut before = 0;
    let deal = |part: &Part| {
        let after = before + part.rows;
        let rows = mine(after) - mine(before);
        before = after;
        Part { rows, ..*part }
    };
    parts.iter().map(deal).filter(|part| part.rows > 0).collect()
}

/// A quota while it is filled.
struct Open {
    /// By code, ascending: the number wanted, and the kept records with this code, in random order.
    codes: Vec<(u32, usize, Vec<u32>)>,
    kept: Option<Codes>,
}

impl Open {
    fn new(parts: &[Part]) -> Open {
        let mut codes: Vec<(u32, usize, Vec<u32>)> = Vec::new();
        for part in parts {
            match codes.iter_mut().find(|(code, ..)| *code == part.code) {
                Some((_, wanted, _)) => *wanted += part.rows,
                None => codes.push((part.code, part.rows, Vec::new())),
            }
        }
        codes.sort_unstable();
        Open { codes, kept: None }
    }

    fn is_full(&self) -> bool {
        self.codes.iter().all(|(_, wanted, own)| own.len() >= *wanted)
    }

    /// Keeps as many of these records as are still wanted, a random choice for each code.
    fn keep(&mut self, codes: &Codes, attribute: usize, rng: &mut Xoshiro256PlusPlus) {
        let mut found = vec![Vec::new(); self.codes.len()];
        for (row, code) in codes[attribute].iter().enumerate() {
            if let Ok(at) = self.codes.binary_search_by_key(&code, |(own, ..)| u64::from(*own)) {
                found[at].push(row as u32);
            }
        }
        let kept = self.kept.get_or_insert_with(|| codes.iter().map(|column| column.select(&[])).collect());
        for (found, (_, wanted, own)) in found.iter_mut().zip(&mut self.codes) {
            found.shuffle(rng);
            found.truncate(*wanted - own.len());
            let first = kept[attribute].len() as u32;
            own.extend((first..).take(found.len()));
            kept.iter_mut().zip(codes).for_each(|(kept, column)| kept.append(&column.select(found)));
        }
    }

    /// The records, in random order, with the codes to be written. Missing records of a code repeat the
    /// existing ones in turn; without any, those of any code.
    fn close(self, parts: &[Part], attribute: usize, bins: usize, rng: &mut Xoshiro256PlusPlus) -> Codes {
        let Some(mut codes) = self.kept else { return Codes::new() };
        let all: Vec<u32> = (0..codes[attribute].len() as u32).collect();
        let mut records: Vec<(u32, u32)> = Vec::new();
        for (code, _, own) in &self.codes {
            let mut from = if own.is_empty() { &all } else { own }.iter().cycle();
            for part in parts.iter().filter(|part| part.code == *code) {
                records.extend(from.by_ref().take(part.rows).map(|&row| (row, part.written)));
            }
        }
        records.shuffle(rng);
        let rows: Vec<u32> = records.iter().map(|(row, _)| *row).collect();
        codes.iter_mut().for_each(|column| *column = column.select(&rows));
        codes[attribute] =
            Values::collect(bins as u64 - 1, records.iter().map(|(_, written)| u64::from(*written)));
        codes
    }
}

/// An upper bound of the memory in bytes for generating `rows` records under a condition: whole shards, and
/// the kept codes beside those of the current batch.
pub fn memory_bytes(schema: &Schema, rows: u64) -> u64 {
    let shards = rows.div_ceil(SHARD as u64).max(1);
    let at_once = shards.min(rayon::current_num_threads() as u64) * SHARD as u64;
    super::memory_bytes(schema, shards * SHARD as u64) + at_once * 4 * schema.columns.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked::Asked;
    use crate::models_for_tests::labelled;
    use crate::restore::Restorer;
    use crate::{Request, generate, order::Sizes};
    use netdpsyn_trace::Trace;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::scratch::Scratch;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn asked(text: &str) -> Asked {
        text.parse().unwrap()
    }

    /// In shards of at most `size`.
    fn made(text: &str, rows: usize, seed: u64, size: usize) -> Trace {
        let model = labelled();
        let condition = Some(asked(text).on(&model).unwrap());
        let request = Request { rows: Some(rows), seed, condition, ..Request::default() };
        let sizes = Sizes { block: 50, slice: 3 };
        let made = crate::make_in(size, sizes, Scratch::memory(), &model, &request, &Quiet).unwrap();
        let mut trace = Trace::empty(&model.schema);
        made.in_order(&Quiet, |slice| {
            let record = |row| slice.columns().iter().map(|column| column.get(row)).collect::<Vec<u64>>();
            (0..slice.rows()).for_each(|row| trace.push(&record(row)));
            Ok(())
        })
        .unwrap();
        trace
    }

    /// The number of records with each of the first values of a column.
    fn counts<const N: usize>(trace: &Trace, column: usize) -> [usize; N] {
        let mut counts = [0; N];
        trace.column(column).iter().for_each(|value| counts[value as usize] += 1);
        counts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_shares_give_exactly_their_counts_and_the_label_follows(
            shares in (0u32..20, 0u32..20, 0u32..20), rows in 0usize..3_000, seed: u64, size in 200usize..4_000
        ) {
            let (a, b, c) = shares;
            prop_assume!(a + b + c > 0);
            let text = format!("type=a:{a},b:{b},c:{c}");
            let trace = made(&text, rows, seed, size);
            prop_assert_eq!(trace.rows(), rows);
            let wanted = |share: u32| rows as f64 * f64::from(share) / f64::from(a + b + c);
            let found: [usize; 5] = counts(&trace, 3);
            for (found, share) in found.iter().zip([a, b, c, 0, 0]) {
                prop_assert!((*found as f64 - wanted(share)).abs() < 1.0, "{:?}", found);
            }
            prop_assert_eq!(counts::<3>(&trace, 2), [found[0], found[1] + found[2], 0]);
            prop_assert_eq!(&made(&text, rows, seed, size), &trace, "the same seed makes the same");
        }

        #[test]
        fn missing_codes_are_drawn_from_records_at_hand(
            found in prop::collection::vec(0u64..3, 0..60), wanted in prop::collection::vec((0u32..4, 1usize..50), 1..5), seed: u64
        ) {
            let parts: Vec<Part> =
                wanted.iter().map(|&(code, rows)| Part { code, written: code + 10, rows }).collect();
            let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut open = Open::new(&parts);
            // The second column repeats the first one.
            let codes: Codes = vec![Values::collect(9, found.clone()), Values::collect(9, found.clone())];
            open.keep(&codes, 0, rng);
            open.keep(&codes, 0, rng);
            let closed = open.close(&parts, 0, 20, rng);
            let any = parts.iter().any(|part| found.contains(&u64::from(part.code)));
            let rows: usize = parts.iter().map(|part| part.rows).sum();
            prop_assert_eq!(closed[0].len(), if any { rows } else { 0 });
            for (written, own) in closed[0].iter().zip(closed[1].iter()) {
                prop_assert!(written == own + 10 || !found.contains(&(written - 10)));
            }
        }
    }

    #[test]
    fn within_a_category_records_are_as_without_a_condition() {
        let rows = 20_000;
        let model = labelled();
        let free =
            generate(&model, &Request { rows: Some(rows), seed: 1, ..Request::default() }, &Quiet).unwrap();
        // 20,000 records are made of 1,443 of b and c.
        for (text, wanted) in [("type=b", [1, 2]), ("type=c:.7,a:.3", [1, 2]), ("type=a", [0, 0])] {
            let trace = made(text, rows, 2, SHARD);
            for (column, step) in [(0, 1_000), (1, 1)] {
                let share = |trace: &Trace, value: u64| {
                    let own = |row: &usize| wanted.contains(&trace.column(3).get(*row));
                    let own: Vec<usize> = (0..trace.rows()).filter(own).collect();
                    let found =
                        own.iter().filter(|row| trace.column(column).get(**row) / step == value).count();
                    (found as f64 / own.len() as f64, own.len() as f64)
                };
                for value in 0..18 {
                    let ((p, n), (q, m)) = (share(&free.trace, value), share(&trace, value));
                    let error = (p * (1.0 - p) * (1.0 / n + 1.0 / m)).sqrt();
                    assert!((p - q).abs() < 4.0 * error + 0.002, "{text} {column} {value}: {p} {q}");
                }
            }
        }
    }

    #[test]
    fn work_is_bounded_and_what_is_plenty_is_not_made_often() {
        let mut model = labelled();
        let rows = |model: &Model, text: &str, rows| {
            let quota = Quota::new(&asked(text).on(model).unwrap(), model, rows, SHARD);
            (quota.rows, quota.times)
        };
        assert_eq!(rows(&model, "type=a", 100_000), (107_778, 1));
        assert_eq!(rows(&model, "type=b", 100_000), (1_385_715, 6));
        assert_eq!(rows(&model, "type=b", 10), (887, 1), "of a few more are made");
        assert_eq!(rows(&model, "type=b", 0), (0, 1));
        model.one_ways[3].values = vec![999.0, 1.0, 0.0];
        assert_eq!(rows(&model, "type=b", 1_000_000), (16_000_000, 16));
        assert_eq!(rows(&model, "type=b", 1 << 31).0, u32::MAX as usize);
        assert_eq!(rows(&model, "type=b", 10), (64_000, 1));
        assert_eq!(rows(&model, "type=b", 1_000), (SHARD, 1));
    }

    #[test]
    fn the_value_of_a_group_is_the_wanted_one_before_rules_are_applied() {
        let model = labelled();
        let condition = asked("type=c").on(&model).unwrap();
        let (attributes, rules) = condition.restored(&model);
        let codes: Codes = [[0, 0], [0, 1], [0, 0], [2, 1]].map(|codes| Values::collect(9, codes)).into();
        let restorer = Restorer::new(&model.schema, &attributes, &rules);
        let made =
            restorer.restore(&codes, &[], &mut Xoshiro256PlusPlus::seed_from_u64(1), &|| Ok(())).unwrap();
        let column = |at: usize| made[at].iter().collect::<Vec<u64>>();
        assert_eq!((column(2), column(3)), (vec![1, 1], vec![2, 1]));
    }
}
