//! One visit of GUM to one table: records move from cells that have too many to cells that have too few.
//!
//! A cell that has records grows by **duplicating** whole ones over victims (which keeps their other
//! attributes consistent) or by **replacing** only the table's attributes in a victim; an empty cell can only
//! be filled by replacing.
//!
//! A visit passes over the records once. It counts them and links those of each cell together, so that the
//! cost of picking is proportional to the number picked, however rare the cell is. Updating all counts after
//! each move would cost more: a move changes two cells of every table. With 28 tables that took as long as
//! counting 150 records, while a visit moves one in 55.

use super::codes::Codes;
use super::target::Target;
use super::whole::Whole;
use netdpsyn_model::Cells;
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus, seq::SliceRandom};

/// Number of records whose cells are computed at a time, so that they are still in the first-level cache for
/// the next digit.
const STRIDE: usize = 1 << 11;

/// Number of records that are counted in their order; such blocks are taken in random order. Larger blocks
/// keep together what one visit wrote: blocks of 256 ended with up to 1 % more error, blocks of 16 took up to
/// a quarter longer.
const BLOCK: usize = 64;

/// The step size of a visit.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// α, the step towards the target counts.
    pub alpha: f64,
    /// The share of the possible duplications that are made.
    pub duplicated: f64,
}

/// A table while records are updated.
pub struct Working {
    cells: Cells,
    /// The target of each cell, negated: adding the records gives the excess.
    unfilled: Vec<i32>,
    /// L1 distance at the last count, as a share of the records.
    pub error: f64,
}

/// A cell while records are counted.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// Excess of records; negative for a deficit.
    excess: i32,
    /// The record that was counted last.
    last: u32,
}

/// Memory that visits share.
#[derive(Default)]
pub struct Scratch {
    /// Cell of every record.
    cells: Vec<u32>,
    /// By cell.
    counted: Vec<Cell>,
    /// By record: the previously counted one of the same cell.
    before: Vec<u32>,
    /// Cells to write into records.
    replaced: Vec<u32>,
    /// Records to overwrite.
    victims: Vec<u32>,
    /// Records to copy.
    donors: Vec<u32>,
}

impl Working {
    /// Before the first visit.
    pub fn new(target: &Target) -> Working {
        let mut unfilled = vec![0; target.cells.count()];
        for &(cell, count) in &target.counts {
            unfilled[cell as usize] = -(count as i32);
        }
        Working { cells: target.cells.clone(), unfilled, error: f64::INFINITY }
    }

    /// Counts the records and measures the distance; returns the number of excess records.
    pub fn count(&mut self, codes: &Codes, scratch: &mut Scratch, rng: &mut impl Rng) -> u64 {
        let Scratch { cells, counted, before, .. } = scratch;
        let rows = self.cells.attributes().first().map_or(0, |&attribute| codes[attribute].len());
        cells.resize(rows, 0);
        for (first, cells) in (0..).step_by(STRIDE).zip(cells.chunks_mut(STRIDE)) {
            self.cells.number(codes, first, cells);
        }
        counted.clear();
        counted.extend(self.unfilled.iter().map(|&excess| Cell { excess, last: 0 }));
        before.resize(rows, 0);
        for block in Walk::new(rows.div_ceil(BLOCK), rng) {
            let first = block * BLOCK;
            let end = rows.min(first + BLOCK);
            string(&cells[first..end], first as u32, &mut before[first..end], counted);
        }
        // Both sides have the same total, so the distance is twice the excess.
        let over = counted.iter().map(|cell| i64::from(cell.excess.max(0))).sum::<i64>() as u64;
        self.error = 2.0 * over as f64 / rows.max(1) as f64;
        over
    }

    /// Moves records a step towards the target counts; returns their number. `members` are the attributes
    /// that a copy takes over.
    pub fn visit(
        &mut self,
        codes: &mut Codes,
        members: &[usize],
        pace: Pace,
        scratch: &mut Scratch,
        rng: &mut Xoshiro256PlusPlus,
    ) -> usize {
        let over = self.count(codes, scratch, rng);
        self.pick(pace, over, scratch, rng);
        // Victims are shuffled, so that their assignment is random.
        scratch.victims.shuffle(rng);
        let (replaced, copied) = scratch.victims.split_at(scratch.replaced.len().min(scratch.victims.len()));
        for (&victim, &cell) in replaced.iter().zip(&scratch.replaced) {
            self.cells.write(cell, codes, victim as usize);
        }
        for &attribute in members {
            codes[attribute].copy_rows(&scratch.donors, copied);
        }
        scratch.victims.len()
    }

    /// Picks cells to write, records to copy and records to overwrite.
    ///
    /// A cell grows by α of its deficit, but at most by α of its size; an empty one is filled by α of its
    /// target.
    fn pick(&self, pace: Pace, over: u64, scratch: &mut Scratch, rng: &mut impl Rng) {
        let Scratch { counted, before, replaced, victims, donors, .. } = scratch;
        replaced.clear();
        victims.clear();
        donors.clear();
        let (mut added, mut copied) = (Whole::new(rng), Whole::new(rng));
        for (at, (cell, unfilled)) in counted.iter().zip(&self.unfilled).enumerate() {
            if cell.excess >= 0 {
                continue;
            }
            let held = cell.excess - unfilled;
            let grow = match held {
                0 => pace.alpha * f64::from(-cell.excess),
                held => pace.alpha * f64::from(held.min(-cell.excess)),
            };
            // Sums of floating-point numbers may carry one too many.
            let grow = (added.next(grow) as i32).min(-cell.excess);
            let copies = match held {
                0 => 0,
                held => (copied.next(pace.duplicated * f64::from(grow)) as i32).min(grow).min(held),
            };
            replaced.extend(std::iter::repeat_n(at as u32, (grow - copies) as usize));
            donors.extend(latest(cell, copies, before));
        }
        // The same number is removed: every excess is reduced by the same factor β.
        let beta = added.given() as f64 / over.max(1) as f64;
        let mut taken = Whole::new(rng);
        for cell in counted.iter().filter(|cell| cell.excess > 0) {
            let take = (taken.next(beta * f64::from(cell.excess)) as i32).min(cell.excess);
            victims.extend(latest(cell, take, before));
        }
    }
}

/// Counts the records from `first` on and links each to the previous one of its cell.
fn string(cells: &[u32], first: u32, before: &mut [u32], counted: &mut [Cell]) {
    for ((&cell, before), record) in cells.iter().zip(before).zip(first..) {
        let cell = &mut counted[cell as usize];
        *before = cell.last;
        *cell = Cell { excess: cell.excess + 1, last: record };
    }
}

/// The last `records` counted records of a cell, which has at least as many. Blocks are counted in random
/// order, and copies are written to random places, so that these are a random choice.
fn latest(cell: &Cell, records: i32, before: &[u32]) -> impl Iterator<Item = u32> {
    let mut next = cell.last;
    (0..records).map(move |_| {
        let record = next;
        next = before[record as usize];
        record
    })
}

/// All numbers below a bound, once each, in a pseudo-random order: a random start and a random stride coprime
/// to the bound.
struct Walk {
    at: usize,
    stride: usize,
    bound: usize,
    left: usize,
}

impl Walk {
    fn new(bound: usize, rng: &mut impl Rng) -> Walk {
        let some = bound.max(1);
        let mut stride = rng.random_range(0..some);
        while gcd(stride, some) != 1 {
            stride += 1;
        }
        Walk { at: rng.random_range(0..some), stride, bound, left: bound }
    }
}

impl Iterator for Walk {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        self.at = (at + self.stride) % self.bound;
        Some(at)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::codes::for_tests::codes;
    use super::super::target::for_tests::target;
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    proptest! {
        #[test]
        fn a_full_step_meets_its_table(
            wanted in prop::collection::vec(0u32..30, 12), duplicated in 0.0f64..=1.0, seed: u64,
        ) {
            // Every cell holds enough records to grow to its target within one doubling or is filled by
            // replacing.
            let rows: u32 = wanted.iter().sum();
            let counts = (0..).zip(&wanted).filter(|(_, n)| **n > 0).map(|(c, &n)| (c, n)).collect();
            let target = Target { cells: Cells::new([(0, 3), (2, 4)]), counts };
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let zeros = || vec![0; rows as usize];
            let mut codes = codes(400, [zeros(), (0..u64::from(rows)).collect(), zeros()]);
            let mut table = Working::new(&target);
            let mut scratch = Scratch::default();
            for _ in 0..3 {
                table.visit(&mut codes, &[0, 1, 2], Pace { alpha: 1.0, duplicated }, &mut scratch, &mut rng);
            }
            table.count(&codes, &mut scratch, &mut rng);
            prop_assert_eq!(table.error, 0.0);
            prop_assert!(codes.iter().all(|column| column.len() == rows as usize));
        }

        #[test]
        fn every_cell_strings_the_records_that_it_holds(
            column in prop::collection::vec(0u64..5, 0..400), wanted in prop::collection::vec(0u32..90, 5), seed: u64,
        ) {
            let mut table = Working::new(&target(&[0], &[5], &wanted));
            let (codes, mut scratch) = (codes(5, [column.clone()]), Scratch::default());
            let over = table.count(&codes, &mut scratch, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            let mut too_many = 0;
            for (bin, cell) in scratch.counted.iter().enumerate() {
                let own = |record: &u32| column[*record as usize] == bin as u64;
                let own: Vec<u32> = (0..column.len() as u32).filter(own).collect();
                prop_assert_eq!(cell.excess, own.len() as i32 - wanted[bin] as i32);
                too_many += cell.excess.max(0) as u64;
                let mut strung: Vec<u32> = latest(cell, own.len() as i32, &scratch.before).collect();
                strung.sort_unstable();
                prop_assert_eq!(strung, own);
            }
            prop_assert_eq!(over, too_many);
        }

        #[test]
        fn a_walk_comes_by_every_number_once(bound in 0usize..300, seed: u64) {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut seen: Vec<usize> = Walk::new(bound, &mut rng).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..bound).collect::<Vec<_>>());
        }
    }

    #[test]
    fn half_a_step_moves_half_of_the_excess() {
        let target = Target { cells: Cells::new([(0, 2)]), counts: vec![(0, 400), (1, 600)] };
        let mut codes = codes(2, [[vec![0; 600], vec![1; 400]].concat()]);
        let mut table = Working::new(&target);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut scratch = Scratch::default();
        let moved =
            table.visit(&mut codes, &[0], Pace { alpha: 0.5, duplicated: 1.0 }, &mut scratch, &mut rng);
        assert!(moved.abs_diff(100) <= 1);
        assert_eq!(table.error, 0.4);
    }

    #[test]
    fn a_copy_takes_over_the_members_alone() {
        let target = Target { cells: Cells::new([(0, 2)]), counts: vec![(1, 2)] };
        let mut made = codes(9, [vec![0, 1], vec![5, 6], vec![7, 8]]);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let pace = Pace { alpha: 1.0, duplicated: 1.0 };
        Working::new(&target).visit(&mut made, &[0, 1], pace, &mut Scratch::default(), &mut rng);
        assert_eq!(made, codes(9, [vec![1, 1], vec![6, 6], vec![7, 8]]));
    }
}
