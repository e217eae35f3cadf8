//! GUM, the gradual update method (PrivSyn, section 5; NetDPSyn, section 3.4): records are moved, table by table and round by
//! round, until their counts match the model's.
//!
//! A visit of one table: where records are too few, some are added; where they are too many, as many victims are drawn at
//! random. A cell that has records grows by **duplicating** whole ones over victims (which keeps what the other tables
//! like about them) or by **replacing** just the table's attributes in a victim; a cell that has none can only be filled
//! by replacing.

use super::target::Target;
use crate::progress::Cancelled;
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus, seq::SliceRandom};

/// Rounds at most.
pub const MAX_ROUNDS: usize = 200;
/// Step α of round t: DECAY^⌊t / PLATEAU⌋.
const DECAY: f64 = 0.84;
const PLATEAU: i32 = 20;
/// The error has settled when this many rounds brought it down by less than 3 % of itself.
const PATIENCE: usize = 6;
const SETTLED: f64 = 0.97;

/// Records of one shard.
pub struct Shard {
    /// Codes by attribute, then record.
    pub codes: Vec<Vec<u32>>,
    /// Rounds done.
    pub rounds: usize,
    /// Mean L1 distance of the tables at the end, as a share of the records.
    pub error: f64,
}

/// How generating went, over all shards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convergence {
    /// The largest number of rounds.
    pub rounds: usize,
    /// Mean L1 distance to the tables, as a share of the records.
    pub error: f64,
}

impl Convergence {
    /// Over shards.
    pub fn over(shards: &[Shard]) -> Self {
        let count = shards.len().max(1) as f64;
        Convergence {
            rounds: shards.iter().map(|s| s.rounds).max().unwrap_or(0),
            error: shards.iter().map(|s| s.error).sum::<f64>() / count,
        }
    }
}

/// Makes the records of a shard: independent columns from the one-ways, then rounds over the tables.
pub fn synthesise(
    one_ways: &[Target],
    tables: &[Target],
    rng: &mut Xoshiro256PlusPlus,
    step: &dyn Fn() -> Result<(), Cancelled>,
) -> Result<Shard, Cancelled> {
    let mut codes: Vec<Vec<u32>> = one_ways.iter().map(|target| column(target, rng)).collect();
    let mut tables: Vec<Working> = tables.iter().map(Working::new).collect();
    let mut scratch = Scratch::default();
    let mut best = (f64::INFINITY, 0);
    let mut rounds = 0;
    for round in 0..MAX_ROUNDS {
        step()?;
        let alpha = DECAY.powi(round as i32 / PLATEAU);
        let duplicated = if round % 2 == 0 { 0.5 } else { 1.0 };
        // Worst first, by the error each table had when it was last visited.
        tables.sort_by(|a, b| b.error.total_cmp(&a.error));
        for table in &mut tables {
            table.visit(&mut codes, alpha, duplicated, &mut scratch, rng);
        }
        rounds = round + 1;
        let error = mean_error(&tables);
        if error < best.0 * SETTLED {
            best = (error, round);
        } else if round >= best.1 + PATIENCE && duplicated == 1.0 {
            // The last round only duplicates: replacing blurs what the tables do not show.
            break;
        }
    }
    for table in &mut tables {
        table.count(&codes, &mut scratch);
    }
    Ok(Shard { codes, rounds, error: mean_error(&tables) })
}

fn mean_error(tables: &[Working]) -> f64 {
    tables.iter().map(|t| t.error).sum::<f64>() / tables.len().max(1) as f64
}

/// A column with the one-way's counts, in random order.
fn column(target: &Target, rng: &mut impl Rng) -> Vec<u32> {
    let mut codes: Vec<u32> =
        target.counts.iter().flat_map(|&(code, count)| std::iter::repeat_n(code, count as usize)).collect();
    codes.shuffle(rng);
    codes
}

/// A table while records move.
struct Working {
    attributes: Vec<usize>,
    shape: Vec<usize>,
    /// Wanted count of every cell.
    wanted: Vec<u32>,
    /// Non-empty cells of `wanted`.
    filled: Vec<u32>,
    /// L1 distance at the last visit, as a share of the records.
    error: f64,
}

/// Memory that visits share. Dense arrays are all zero between visits.
#[derive(Default)]
struct Scratch {
    /// Cell of every record.
    cell: Vec<u32>,
    /// Records a cell.
    count: Vec<u32>,
    /// Records still to be drawn from a cell.
    draw: Vec<u32>,
    /// Cells with records.
    seen: Vec<u32>,
}

impl Working {
    fn new(target: &Target) -> Self {
        let mut wanted = vec![0; target.cells()];
        for &(cell, count) in &target.counts {
            wanted[cell as usize] = count;
        }
        Working {
            attributes: target.attributes.clone(),
            shape: target.shape.clone(),
            wanted,
            filled: target.counts.iter().map(|&(cell, _)| cell).collect(),
            error: f64::INFINITY,
        }
    }

    /// Counts the records into `scratch` and measures the distance. The caller clears the counts.
    fn count_into(&mut self, codes: &[Vec<u32>], scratch: &mut Scratch) {
        let rows = codes[self.attributes[0]].len();
        scratch.cell.clear();
        scratch.cell.extend_from_slice(&codes[self.attributes[0]]);
        for (&attribute, &size) in self.attributes[1..].iter().zip(&self.shape[1..]) {
            for (cell, &code) in scratch.cell.iter_mut().zip(&codes[attribute]) {
                *cell = *cell * size as u32 + code;
            }
        }
        if scratch.count.len() < self.wanted.len() {
            scratch.count.resize(self.wanted.len(), 0);
            scratch.draw.resize(self.wanted.len(), 0);
        }
        scratch.seen.clear();
        for &cell in &scratch.cell {
            let count = &mut scratch.count[cell as usize];
            if *count == 0 {
                scratch.seen.push(cell);
            }
            *count += 1;
        }
        // Both sides have the same total, so the distance is twice what is too much.
        let excess: u64 = scratch
            .seen
            .iter()
            .map(|&c| u64::from(scratch.count[c as usize].saturating_sub(self.wanted[c as usize])))
            .sum();
        self.error = 2.0 * excess as f64 / rows.max(1) as f64;
    }

    /// Measures the distance alone.
    fn count(&mut self, codes: &[Vec<u32>], scratch: &mut Scratch) {
        self.count_into(codes, scratch);
        scratch.clear();
    }

    /// Moves records a step of size `alpha` towards the wanted counts; of what can be duplicated, the share `duplicated` is.
    fn visit(
        &mut self,
        codes: &mut [Vec<u32>],
        alpha: f64,
        duplicated: f64,
        scratch: &mut Scratch,
        rng: &mut Xoshiro256PlusPlus,
    ) {
        self.count_into(codes, scratch);
        // What to add: cells grow by at most α of what they hold, empty ones are filled by α of what they want.
        let mut missing = 0u64;
        let mut replaced: Vec<u32> = Vec::new();
        let mut growing: Vec<(u32, u32)> = Vec::new();
        let mut added = 0usize;
        for &cell in &self.filled {
            let (count, wanted) = (scratch.count[cell as usize], self.wanted[cell as usize]);
            if count >= wanted {
                continue;
            }
            missing += u64::from(wanted - count);
            if count == 0 {
                let fill = round_at_random(alpha * f64::from(wanted), rng).min(wanted);
                replaced.extend(std::iter::repeat_n(cell, fill as usize));
                added += fill as usize;
            } else {
                let grow = round_at_random(alpha * f64::from(count), rng).min(wanted - count);
                let copies = round_at_random(duplicated * f64::from(grow), rng).min(grow);
                replaced.extend(std::iter::repeat_n(cell, (grow - copies) as usize));
                if copies > 0 {
                    growing.push((cell, copies));
                }
                added += grow as usize;
            }
        }
        if added == 0 {
            scratch.clear();
            return;
        }
        // What to take away: the same number, every excess reduced by the same factor β.
        let beta = added as f64 / missing as f64;
        for &cell in &scratch.seen {
            let (count, wanted) = (scratch.count[cell as usize], self.wanted[cell as usize]);
            if count > wanted {
                let excess = count - wanted;
                scratch.draw[cell as usize] = round_at_random(beta * f64::from(excess), rng).min(excess);
            }
        }
        for &(cell, copies) in &growing {
            scratch.draw[cell as usize] = copies;
        }
        // One pass draws victims from the cells with too many and donors from those that grow: each record of a cell is
        // taken with probability (still to draw)/(still to see), which takes exactly as many as asked, all sets alike.
        let mut victims: Vec<u32> = Vec::with_capacity(added);
        let mut donors: Vec<u32> = Vec::with_capacity(added);
        for (record, &cell) in scratch.cell.iter().enumerate() {
            let draw = &mut scratch.draw[cell as usize];
            if *draw == 0 {
                continue;
            }
            let left = &mut scratch.count[cell as usize];
            // `count` runs down to tell how many of the cell are still to see; `scratch.clear` needs only `seen`.
            if (u64::from(rng.next_u32()) * u64::from(*left)) >> 32 < u64::from(*draw) {
                *draw -= 1;
                let grows = self.wanted[cell as usize] > 0 && is_growing(&growing, cell);
                if grows { &mut donors } else { &mut victims }.push(record as u32);
            }
            *left -= 1;
        }
        victims.shuffle(rng);
        donors.shuffle(rng);
        replaced.shuffle(rng);
        let mut victims = victims.into_iter();
        for (cell, victim) in replaced.into_iter().zip(victims.by_ref()) {
            self.write(codes, victim, cell);
        }
        for (donor, victim) in donors.into_iter().zip(victims) {
            for column in codes.iter_mut() {
                column[victim as usize] = column[donor as usize];
            }
        }
        scratch.clear();
    }

    /// Gives a record the codes of a cell.
    fn write(&self, codes: &mut [Vec<u32>], record: u32, mut cell: u32) {
        for (&attribute, &size) in self.attributes.iter().zip(&self.shape).rev() {
            codes[attribute][record as usize] = cell % size as u32;
            cell /= size as u32;
        }
    }
}

fn is_growing(growing: &[(u32, u32)], cell: u32) -> bool {
    growing.binary_search_by_key(&cell, |&(cell, _)| cell).is_ok()
}

impl Scratch {
    fn clear(&mut self) {
        for &cell in &self.seen {
            self.count[cell as usize] = 0;
            self.draw[cell as usize] = 0;
        }
    }
}

/// x up or down to a whole number, with the probabilities that keep its mean.
fn round_at_random(x: f64, rng: &mut impl RngExt) -> u32 {
    let whole = x.floor();
    whole as u32 + u32::from(rng.random::<f64>() < x - whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn target(attributes: &[usize], shape: &[usize], wanted: &[u32]) -> Target {
        let counts =
            wanted.iter().enumerate().filter(|(_, n)| **n > 0).map(|(c, &n)| (c as u32, n)).collect();
        Target { attributes: attributes.to_vec(), shape: shape.to_vec(), counts }
    }

    /// One-ways, pairs (a, b) and (b, c) of one joint table of 8,000 records over 3 × 4 × 5 cells with strong structure.
    fn consistent() -> (Vec<Target>, Vec<Target>) {
        let (mut ab, mut bc) = (vec![0; 12], vec![0; 20]);
        let (mut a1, mut b1, mut c1) = (vec![0; 3], vec![0; 4], vec![0; 5]);
        let mut left = 8_000;
        for i in 0..60u32 {
            let (a, b, c) = ((i / 20) as usize, (i / 5 % 4) as usize, (i % 5) as usize);
            let weight = if (a + b) % 3 == 0 && (b + c) % 2 == 0 { 700 } else { 7 * (i % 3) };
            let n = if i == 59 { left } else { weight.min(left) };
            left -= n;
            ab[a * 4 + b] += n;
            bc[b * 5 + c] += n;
            a1[a] += n;
            b1[b] += n;
            c1[c] += n;
        }
        (
            vec![target(&[0], &[3], &a1), target(&[1], &[4], &b1), target(&[2], &[5], &c1)],
            vec![target(&[0, 1], &[3, 4], &ab), target(&[1, 2], &[4, 5], &bc)],
        )
    }

    #[test]
    fn reaches_consistent_tables_within_a_percent() {
        let (one_ways, tables) = consistent();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let shard = synthesise(&one_ways, &tables, &mut rng, &|| Ok(())).unwrap();
        assert!(shard.error < 0.01, "{} after {}", shard.error, shard.rounds);
        assert!(shard.rounds < MAX_ROUNDS);
        assert!(shard.codes.iter().all(|column| column.len() == 8_000));
    }

    #[test]
    fn codes_stay_inside_their_bins_when_tables_contradict_each_other() {
        let one_ways = vec![target(&[0], &[2], &[50, 50]), target(&[1], &[2], &[50, 50])];
        let tables =
            vec![target(&[0, 1], &[2, 2], &[100, 0, 0, 0]), target(&[0, 1], &[2, 2], &[0, 0, 0, 100])];
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let shard = synthesise(&one_ways, &tables, &mut rng, &|| Ok(())).unwrap();
        assert!(shard.codes.iter().flatten().all(|&code| code < 2));
    }

    #[test]
    fn nothing_to_make_is_made_of_nothing() {
        let one_ways = vec![target(&[0], &[2], &[0, 0])];
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let shard = synthesise(&one_ways, &one_ways, &mut rng, &|| Ok(())).unwrap();
        assert!(shard.codes[0].is_empty());
    }

    #[test]
    fn stops_when_told() {
        let (one_ways, tables) = consistent();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        assert!(synthesise(&one_ways, &tables, &mut rng, &|| Err(Cancelled)).is_err());
    }
}
