//! One visit of GUM to one table: records leave cells that have too many for cells that have too few.
//!
//! A cell that has records grows by **duplicating** whole ones over victims (which keeps what the other tables like about
//! them) or by **replacing** just the table's attributes in a victim; a cell that has none can only be filled by replacing.
//!
//! A visit passes over the records once. It counts them and strings those of each cell together, so that picking costs what is
//! picked, however rare the cell is. To keep all counts up to date instead, move by move, would cost more: a move changes two cells
//! of every table. With 28 tables that took as long as counting 150 records, while a visit moves one in 55.

use super::codes::Codes;
use super::target::Target;
use super::whole::Whole;
use netdpsyn_model::Cells;
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus, seq::SliceRandom};

/// Records whose cells are computed at a time, so that they are still in the nearest cache when the next digit comes.
const STRIDE: usize = 1 << 11;

/// Records that are counted in the order they stand in; such blocks are taken in random order. Larger ones keep together what was
/// written in one visit: blocks of 256 ended with up to 1 % more error, blocks of 16 took up to a quarter longer.
const BLOCK: usize = 64;

/// How far one visit goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// α, the step towards the wanted counts.
    pub alpha: f64,
    /// Of what can be duplicated, the share that is.
    pub duplicated: f64,
}

/// A table while records move.
pub struct Working {
    cells: Cells,
    /// What each cell wants, negated: adding the records leaves what is too much.
    unfilled: Vec<i32>,
    /// L1 distance when last counted, as a share of the records.
    pub error: f64,
}

/// A cell as the records are counted.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// How many records are too many; negative: too few.
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
    /// By record: the one of the same cell that was counted before it.
    before: Vec<u32>,
    /// Cells to give to records.
    replaced: Vec<u32>,
    /// Records to overwrite.
    victims: Vec<u32>,
    /// Records to copy.
    donors: Vec<u32>,
}

impl Working {
    /// Ready for a first visit.
    pub fn new(target: &Target) -> Working {
        let mut unfilled = vec![0; target.cells.count()];
        for &(cell, count) in &target.counts {
            unfilled[cell as usize] = -(count as i32);
        }
        Working { cells: target.cells.clone(), unfilled, error: f64::INFINITY }
    }

    /// Counts the records and measures the distance; returns how many records are in excess.
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
        // Both sides have the same total, so the distance is twice what is too much.
        let over = counted.iter().map(|cell| i64::from(cell.excess.max(0))).sum::<i64>() as u64;
        self.error = 2.0 * over as f64 / rows.max(1) as f64;
        over
    }

    /// Moves records a step towards the wanted counts; returns how many. `members` are the attributes that a copy takes over.
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
        // Victims are shuffled, so that which of them takes what is random.
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

    /// Picks cells to give, records to copy and records to overwrite.
    ///
    /// Cells grow by α of what they lack, but at most double by α; empty ones are filled by α of what they want.
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
        // What to take away: the same number, every excess reduced by the same factor β.
        let beta = added.given() as f64 / over.max(1) as f64;
        let mut taken = Whole::new(rng);
        for cell in counted.iter().filter(|cell| cell.excess > 0) {
            let take = (taken.next(beta * f64::from(cell.excess)) as i32).min(cell.excess);
            victims.extend(latest(cell, take, before));
        }
    }
}

/// Counts the records from `first` on, each of which remembers the one of its cell before it.
fn string(cells: &[u32], first: u32, before: &mut [u32], counted: &mut [Cell]) {
    for ((&cell, before), record) in cells.iter().zip(before).zip(first..) {
        let cell = &mut counted[cell as usize];
        *before = cell.last;
        *cell = Cell { excess: cell.excess + 1, last: record };
    }
}

/// The records of a cell that were counted last, of which it holds at least so many. Blocks were counted in random order, and
/// copies are written to random places, so that these are any.
fn latest(cell: &Cell, records: i32, before: &[u32]) -> impl Iterator<Item = u32> {
    let mut next = cell.last;
    (0..records).map(move |_| {
        let record = next;
        next = before[record as usize];
        record
    })
}

/// All numbers below a bound, once each, in an order that looks random: a random start and a random stride coprime to it.
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
            // Every cell holds enough records to grow to what it wants within one doubling or is filled by replacing.
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
