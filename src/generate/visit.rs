//! One visit of GUM to one table: records leave cells that have too many for cells that have too few.
//!
//! A cell that has records grows by **duplicating** whole ones over victims (which keeps what the other tables like about
//! them) or by **replacing** just the table's attributes in a victim; a cell that has none can only be filled by replacing.
//!
//! A visit is two passes over a column of cells, one that counts and one that picks, and work on the records that move.

use super::codes::{Codes, Grid};
use super::target::Target;
use super::whole::Whole;
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus, seq::SliceRandom};

/// Records whose cells are computed at a time where all are counted.
const STRIDE: usize = 1 << 11;

/// Records that are picked in the order they stand in; such blocks are taken in random order. Larger ones keep what was written in
/// one visit together: blocks of 512 ended with 1 % more error.
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
    grid: Grid,
    /// What each cell wants, negated: adding the records leaves what is too much.
    unfilled: Vec<i32>,
    /// L1 distance when last counted, as a share of the records.
    pub error: f64,
}

/// Memory that visits share.
#[derive(Default)]
pub struct Scratch {
    /// Cell of every record.
    cells: Vec<u32>,
    /// By cell: first how many records are too many (negative: too few); then how many victims to take from it
    /// (negative: donors).
    excess: Vec<i32>,
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
        let mut unfilled = vec![0; target.cells()];
        for &(cell, count) in &target.counts {
            unfilled[cell as usize] = -(count as i32);
        }
        let axes = target.attributes.iter().copied().zip(target.shape.iter().copied());
        Working { grid: Grid::new(axes), unfilled, error: f64::INFINITY }
    }

    /// Counts the records and measures the distance; returns how many records are in excess.
    pub fn count(&mut self, codes: &Codes, scratch: &mut Scratch) -> u64 {
        let Scratch { cells, excess, .. } = scratch;
        let rows = self.grid.rows(codes);
        excess.clear();
        excess.extend_from_slice(&self.unfilled);
        cells.resize(rows, 0);
        for (first, cells) in (0..).step_by(STRIDE).zip(cells.chunks_mut(STRIDE)) {
            self.grid.cells(codes, first, cells);
            for &cell in &*cells {
                excess[cell as usize] += 1;
            }
        }
        // Both sides have the same total, so the distance is twice what is too much.
        let over = excess.iter().map(|&e| i64::from(e.max(0))).sum::<i64>() as u64;
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
        let over = self.count(codes, scratch);
        let (copied, victims) = self.decide(pace, over, scratch, rng);
        scratch.pick(victims + copied, rng);
        // Victims are shuffled, so that which of them takes what is random.
        scratch.victims.shuffle(rng);
        let (replaced, copied) = scratch.victims.split_at(scratch.replaced.len().min(scratch.victims.len()));
        for (&victim, &cell) in replaced.iter().zip(&scratch.replaced) {
            self.grid.write(cell, codes, victim as usize);
        }
        for &attribute in members {
            codes[attribute].copy_rows(&scratch.donors, copied);
        }
        scratch.victims.len()
    }

    /// Turns what is too much or too few into what to take. Returns the numbers of donors and victims.
    ///
    /// Cells grow by α of what they lack, but at most double by α; empty ones are filled by α of what they want.
    fn decide(&self, pace: Pace, over: u64, scratch: &mut Scratch, rng: &mut impl Rng) -> (usize, usize) {
        let (mut added, mut copied) = (Whole::new(rng), Whole::new(rng));
        scratch.replaced.clear();
        for (cell, (excess, unfilled)) in scratch.excess.iter_mut().zip(&self.unfilled).enumerate() {
            if *excess >= 0 {
                continue;
            }
            let held = *excess - unfilled;
            let grow = match held {
                0 => pace.alpha * f64::from(-*excess),
                held => pace.alpha * f64::from(held.min(-*excess)),
            };
            // Sums of floating-point numbers may carry one too many.
            let grow = (added.next(grow) as i32).min(-*excess);
            let copies = match held {
                0 => 0,
                held => (copied.next(pace.duplicated * f64::from(grow)) as i32).min(grow).min(held),
            };
            scratch.replaced.extend(std::iter::repeat_n(cell as u32, (grow - copies) as usize));
            *excess = -copies;
        }
        // What to take away: the same number, every excess reduced by the same factor β.
        let beta = added.given() as f64 / over.max(1) as f64;
        let mut taken = Whole::new(rng);
        for excess in scratch.excess.iter_mut().filter(|excess| **excess > 0) {
            *excess = (taken.next(beta * f64::from(*excess)) as i32).min(*excess);
        }
        (copied.given() as usize, taken.given() as usize)
    }
}

impl Scratch {
    /// Picks `left` victims and donors: of each cell the first that come, along blocks of records in random order. Copies were
    /// written to random places, so neighbours are strangers.
    fn pick(&mut self, mut left: usize, rng: &mut impl Rng) {
        let Scratch { cells, excess, victims, donors, .. } = self;
        victims.clear();
        donors.clear();
        let mut candidates = [0; BLOCK];
        let mut walk = Walk::new(cells.len().div_ceil(BLOCK), rng);
        while left > 0
            && let Some(block) = walk.next()
        {
            let first = block * BLOCK;
            let cells = &cells[first..cells.len().min(first + BLOCK)];
            // Few are, and without a branch the many cost little.
            let mut found = 0;
            for (at, &cell) in cells.iter().enumerate() {
                candidates[found] = at as u32;
                found += usize::from(excess[cell as usize] != 0);
            }
            for &at in &candidates[..found] {
                let take = &mut excess[cells[at as usize] as usize];
                if *take != 0 {
                    if *take > 0 { &mut *victims } else { &mut *donors }.push(first as u32 + at);
                    *take -= take.signum();
                    left -= 1;
                }
            }
        }
    }
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
            let target = Target { attributes: vec![0, 2], shape: vec![3, 4], counts };
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let zeros = || vec![0; rows as usize];
            let mut codes = codes(400, [zeros(), (0..u64::from(rows)).collect(), zeros()]);
            let mut table = Working::new(&target);
            let mut scratch = Scratch::default();
            for _ in 0..3 {
                table.visit(&mut codes, &[0, 1, 2], Pace { alpha: 1.0, duplicated }, &mut scratch, &mut rng);
            }
            table.count(&codes, &mut scratch);
            prop_assert_eq!(table.error, 0.0);
            prop_assert!(codes.iter().all(|column| column.len() == rows as usize));
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
        let target = Target { attributes: vec![0], shape: vec![2], counts: vec![(0, 400), (1, 600)] };
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
        let target = Target { attributes: vec![0], shape: vec![2], counts: vec![(1, 2)] };
        let mut made = codes(9, [vec![0, 1], vec![5, 6], vec![7, 8]]);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let pace = Pace { alpha: 1.0, duplicated: 1.0 };
        Working::new(&target).visit(&mut made, &[0, 1], pace, &mut Scratch::default(), &mut rng);
        assert_eq!(made, codes(9, [vec![1, 1], vec![6, 6], vec![7, 8]]));
    }
}
