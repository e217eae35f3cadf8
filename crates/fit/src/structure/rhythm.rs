//! Gaps between the records of each pair of source and destination, separately for each class and side.
//!
//! The records of such a group are sorted by time. Each but the first then has a gap, which is counted by its
//! octave and the row of its class, by its part of an octave and, where it is about as long as the previous
//! gap, once more ([`Sensitivity::lagged`], [`Sensitivity::steady`]). The group of a record follows from the
//! record alone, and the order of records with the same group and time does not affect the counts.
//!
//! Gaps over all records of a pair would be shorter where it has several classes, and traces are generated
//! class by class.

use super::Sides;
use crate::FitError;
use crate::plan::Plan;
use netdpsyn_model::domain::{Attribute, codes};
use netdpsyn_model::labels;
use netdpsyn_model::rhythm::{Counted, MOST_ROWS, OCTAVES, PARTS, Rhythm, is_steady, number, octave, part};
use netdpsyn_privacy::{Accountant, CellMap, MaxRecords, Query, Raw, Rho, Sensitive, Sensitivity, Stream};
use netdpsyn_trace::directory::SPACE;
use netdpsyn_trace::groups::mix;
use netdpsyn_trace::progress::{Cancelled, Progress, blocks, sort_by};
use netdpsyn_trace::{Schema, Stage, Trace, Values, Window, special};

/// Parts of ρ: gaps by class, parts of octaves, steady gaps.
const PARTS_OF_RHO: [f64; 3] = [0.016, 0.008, 0.006];
/// A class has a row of its own from this many records on, in σ of the gaps by class.
const STANDS: f64 = 25.0;

/// Bits of a time within the window, in nanoseconds: two years. Later times are capped.
const TIME_BITS: u32 = 56;
const ROW_BITS: u32 = 64 - TIME_BITS;
const _: () = assert!(MOST_ROWS < 1 << ROW_BITS, "rows fit beside times");

/// The columns between which gaps are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    sides: [usize; 2],
    time: usize,
    window: Window,
}

/// Exact histograms.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counts {
    octaves: Vec<i64>,
    parts: Vec<i64>,
    steady: Vec<i64>,
}

/// One of the histograms.
type Part = fn(&Counts) -> &Vec<i64>;

impl Pace {
    /// The part of ρ of all three histograms.
    pub const PART: f64 = PARTS_OF_RHO[0] + PARTS_OF_RHO[1] + PARTS_OF_RHO[2];

    /// The columns of a schema with looks at hosts and measured times.
    pub fn of(sides: &Sides, schema: &Schema) -> Option<Pace> {
        let time = schema.time_column().filter(|&column| schema.columns[column].is_measured())?;
        Some(Pace { sides: sides.0, time, window: schema.window? })
    }

    /// Measures gaps. `context` are the attributes of class and side, as far as they exist, and `classes`
    /// noisy counts of the bins of the first.
    ///
    /// # Errors
    /// [`FitError`] when the accountant refuses a query, or `progress` asks to stop.
    pub fn measure(
        &self,
        trace: &Sensitive<Trace>,
        context: &[Attribute],
        classes: &[f64],
        plan: &Plan,
        accountant: &mut Accountant<'_>,
        progress: &dyn Progress,
    ) -> Result<Rhythm, FitError> {
        progress.check()?;
        let k = plan.unit.max_records();
        let sensitivities = sensitivities(k);
        let share = |part: f64| Rho::from_units((accountant.allowance().units() as f64 * part) as u64);
        let rhos = PARTS_OF_RHO.map(share);
        let sigma = (sensitivities[0].squared() as f64 / (2.0 * rhos[0].as_f64().max(1e-12))).sqrt();
        let rows = rows(classes, STANDS * sigma);
        let counts = trace
            .derive(|trace| -> Result<Counts, Cancelled> {
                self.count(trace, &codes::encode(trace, context, None, progress)?, &rows, progress)
            })
            .finished_or(Cancelled)?;
        let asked: [(&str, Part); 3] = [
            (labels::GAPS, |counts| &counts.octaves),
            (labels::GAP_PARTS, |counts| &counts.parts),
            (labels::STEADY_GAPS, |counts| &counts.steady),
        ];
        let cells = [number(&rows) * OCTAVES, OCTAVES * PARTS, OCTAVES];
        let mut answers = Vec::with_capacity(asked.len());
        for (at, (label, of)) in asked.into_iter().enumerate() {
            let query = Query {
                label: label.into(),
                stream: Stream::new("rhythm", [at, self.sides[0], self.sides[1], self.time]),
                stage: Stage::Trees,
                sensitivity: sensitivities[at],
                rho: rhos[at],
                cells: cells[at],
                map: CellMap::of(|say| {
                    self.sides.iter().chain([&self.time]).for_each(|column| say(&column.to_le_bytes()));
                    context.iter().for_each(|attribute| attribute.partition.describe(say));
                    rows.iter().for_each(|row| say(&row.to_le_bytes()));
                }),
            };
            let noisy = counts.measure(accountant, query, |counts| of(counts).clone())?;
            answers.push(Counted { label: label.into(), counts: noisy.values, scale: noisy.scale });
        }
        let [octaves, parts, steady] =
            answers.try_into().unwrap_or_else(|_| unreachable!("three answers to three queries"));
        Ok(Rhythm { rows, octaves, parts, steady })
    }

    /// The exact histograms, given the codes of class and side and the rows of classes.
    fn count(
        &self,
        trace: &Trace,
        context: &[Values],
        rows: &[u32],
        progress: &dyn Progress,
    ) -> Result<Counts, Cancelled> {
        // The hash of a group, then time and row.
        let mut keys = vec![0u128; trace.rows()];
        let (start, most) = (self.window.start(), (1u64 << TIME_BITS) - 1);
        let hash = |key: &mut u128, value: u64| *key = u128::from(mix((*key >> 64) as u64, value)) << 64;
        for block in blocks(0..trace.rows(), progress) {
            let block = block?;
            let own = &mut keys[block.clone()];
            for side in self.sides {
                let directory = trace.directory(side);
                let told = |host: u64| match directory.filter(|_| host < SPACE).map(|own| own.key(host)) {
                    // By the address itself: its number depends on how many others precede it.
                    Some(key) => mix(mix(0, (key >> 64) as u64), key as u64),
                    None => special::host(host).into(),
                };
                trace.column(side).zip_block(block.start, own, |key, host| hash(key, told(host)));
            }
            context.iter().for_each(|codes| codes.zip_block(block.start, own, hash));
            trace.column(self.time).zip_block(block.start, own, |key, time| {
                *key |= u128::from(time.saturating_sub(start).min(most)) << ROW_BITS
            });
            if let Some(classes) = context.first() {
                classes.zip_block(block.start, own, |key, class| *key |= u128::from(rows[class as usize]));
            }
        }
        sort_by(&mut keys, &|a: &u128, b: &u128| a.cmp(b), progress)?;
        let mut counts = Counts {
            octaves: vec![0; number(rows) * OCTAVES],
            parts: vec![0; OCTAVES * PARTS],
            steady: vec![0; OCTAVES],
        };
        for group in keys.chunk_by(|a, b| a >> 64 == b >> 64) {
            let mut before = 0;
            for two in group.windows(2) {
                let [a, b] = [two[0], two[1]].map(|key| key as u64 >> ROW_BITS);
                let (gap, row) = (b - a, two[1] as usize & ((1 << ROW_BITS) - 1));
                let octave = octave(gap);
                counts.octaves[row * OCTAVES + octave] += 1;
                counts.parts[octave * PARTS + part(gap)] += 1;
                counts.steady[octave] += i64::from(is_steady(before, gap));
                before = gap;
            }
        }
        Ok(counts)
    }
}

/// How far one unit moves each histogram.
fn sensitivities(k: MaxRecords) -> [Sensitivity; 3] {
    [Sensitivity::lagged(k), Sensitivity::lagged(k), Sensitivity::steady(k)]
}

/// The row of each class: one for each class with at least `least` records, the largest first, and one for
/// all others. A single row where there are no classes.
fn rows(counts: &[f64], least: f64) -> Vec<u32> {
    if counts.is_empty() {
        return vec![0];
    }
    let mut order: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] >= least).collect();
    order.sort_by(|&a, &b| counts[b].total_cmp(&counts[a]).then(a.cmp(&b)));
    order.truncate(MOST_ROWS);
    let mut rows = vec![order.len() as u32; counts.len()];
    order.iter().enumerate().for_each(|(row, &class)| rows[class] = row as u32);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

    /// A record: source, destination, time, class.
    type Record = [u64; 4];

    fn of(records: &[Record]) -> Counts {
        let column = |at: usize| Values::collect(u64::MAX, records.iter().map(|record| record[at]));
        let trace = Trace::new(vec![column(0), column(1), column(2)]);
        let pace = Pace { sides: [0, 1], time: 2, window: Window::new(1_000, 2_000).unwrap() };
        pace.count(&trace, &[column(3)], &[0, 1], &Quiet).unwrap()
    }

    #[test]
    fn by_hand() {
        // Three beats of ten, one of them late by one; a record of another pair, and one of another class.
        let found = of(&[
            [1, 2, 1_010, 1],
            [1, 2, 1_000, 1],
            [1, 2, 1_021, 1],
            [2, 1, 1_001, 1],
            [1, 2, 1_021, 1],
            [1, 2, 1_015, 0],
        ]);
        let ten = octave(10);
        assert_eq!(found.octaves[..OCTAVES], [0; OCTAVES]);
        assert_eq!((found.octaves[OCTAVES + ten], found.octaves[OCTAVES]), (2, 1));
        assert_eq!((found.parts[ten * PARTS + part(10)], found.parts[ten * PARTS + part(11)]), (1, 1));
        assert_eq!(found.parts.iter().sum::<i64>(), 3);
        assert_eq!((found.steady[ten], found.steady.iter().sum::<i64>()), (1, 1));
    }

    #[test]
    fn large_classes_have_rows_of_their_own() {
        assert_eq!(rows(&[5.0, 90.0, 70.0, 1.0], 50.0), [2, 0, 1, 2]);
        assert_eq!(rows(&[90.0, 70.0], 50.0), [0, 1]);
        assert_eq!((rows(&[1.0, 2.0], 50.0), rows(&[], 50.0)), (vec![0, 0], vec![0]));
        assert_eq!(number(&rows(&[60.0; 40], 50.0)), MOST_ROWS + 1);
    }

    /// Random small traces and one record more: every bound is reached and never exceeded.
    #[test]
    fn one_record_moves_each_histogram_by_its_sensitivity_at_most() {
        let bounds = sensitivities(MaxRecords::ONE);
        let mut reached = [0; 3];
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        for number in 0..20_000u64 {
            // Beats with some missing, coinciding times, and the window's edges.
            let beat = [1, 4, 10, 11, 160][number as usize % 5];
            let time = |rng: &mut Xoshiro256PlusPlus| match rng.random_range(0..4u32) {
                0 => rng.random_range(1_000..2_000),
                _ => (1_000 + beat * rng.random_range(0..9u64)).min(1_999),
            };
            let record = |rng: &mut Xoshiro256PlusPlus| {
                [rng.random_range(0..2u64), 1, time(rng), rng.random_range(0..2u64)]
            };
            let mut records: Vec<Record> = (0..rng.random_range(0..14)).map(|_| record(rng)).collect();
            let before = of(&records);
            records.insert(rng.random_range(0..=records.len()), record(rng));
            let after = of(&records);
            let pairs = [
                (&before.octaves, &after.octaves),
                (&before.parts, &after.parts),
                (&before.steady, &after.steady),
            ];
            for (at, (before, after)) in pairs.into_iter().enumerate() {
                let moved: i64 = before.iter().zip(after).map(|(a, b)| (a - b).pow(2)).sum();
                assert!(moved as u64 <= bounds[at].squared(), "{moved} of {at}: {records:?}");
                reached[at] = reached[at].max(moved as u64);
            }
        }
        assert_eq!(reached, bounds.map(Sensitivity::squared));
    }
}
