//! Four sketches of a column, each of which estimates every value's count.
//!
//! All have [`ROWS`] rows of [`COLUMNS`] counters. Their hash functions are multiply-add-shift
//! (Dietzfelbinger: *Universal hashing and k-wise independent random variables via integer arithmetic without
//! primes*, STACS 1996), pairwise independent, with fixed coefficients. A sketch is linear in the counts, so
//! it is filled value by value instead of record by record.

use super::super::draws::mix;
use netdpsyn_trace::progress::{Cancelled, Progress, blocks, chunks};

/// Rows of counters.
pub const ROWS: usize = 5;
/// Counters per row.
pub const COLUMNS: usize = 1_000;
/// Levels of a universal sketch: each holds half the values of the previous one.
const LEVELS: usize = 8;
/// Share of updates that NitroSketch makes.
const SAMPLED: f64 = 0.1;

/// A distinct value and its count.
pub type Counted = (u32, u64);

/// Estimates the counts, in the order of the counts.
pub type Sketch = fn(&[Counted], &dyn Progress) -> Result<Vec<f64>, Cancelled>;

/// Puts every value with its count into a sketch.
fn fill(counts: &[Counted], progress: &dyn Progress, mut put: impl FnMut(u32, u64)) -> Result<(), Cancelled> {
    for counts in chunks(counts, progress) {
        counts?.iter().for_each(|&(value, count)| put(value, count));
    }
    Ok(())
}

/// Queries a sketch for every value.
fn estimates(
    counts: &[Counted],
    progress: &dyn Progress,
    estimate: impl Fn(u32) -> f64,
) -> Result<Vec<f64>, Cancelled> {
    let mut estimates = Vec::with_capacity(counts.len());
    fill(counts, progress, |value, _| estimates.push(estimate(value)))?;
    Ok(estimates)
}

/// x ↦ the upper half of a·x + b mod 2⁶⁴.
#[derive(Clone, Copy)]
struct Hash {
    a: u64,
    b: u64,
}

impl Hash {
    /// The function number `number` of the family `seed`.
    fn new(seed: u64, number: usize) -> Hash {
        let number = 2 * number as u64;
        Hash { a: mix(seed, number), b: mix(seed, number + 1) }
    }

    fn of(self, value: u32) -> u32 {
        (self.a.wrapping_mul(value.into()).wrapping_add(self.b) >> 32) as u32
    }

    fn counter(self, value: u32) -> usize {
        ((u64::from(self.of(value)) * COLUMNS as u64) >> 32) as usize
    }

    fn bit(self, value: u32) -> bool {
        self.of(value) >> 31 == 1
    }
}

/// Count-Min (Cormode, Muthukrishnan: *An improved data stream summary: the count-min sketch and its
/// applications*, Journal of Algorithms 55, 2005): every row adds a value's count to one counter; the
/// estimate is the smallest of them, never too low.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn count_min(counts: &[Counted], progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
    let hashes: [Hash; ROWS] = std::array::from_fn(|row| Hash::new(1, row));
    let mut counters = vec![[0u64; COLUMNS]; ROWS];
    fill(counts, progress, |value, count| {
        for (row, hash) in counters.iter_mut().zip(hashes) {
            row[hash.counter(value)] += count;
        }
    })?;
    let least = |value| counters.iter().zip(hashes).map(|(row, hash)| row[hash.counter(value)]).min();
    estimates(counts, progress, |value| least(value).unwrap_or(0) as f64)
}

/// Rows that add a value's count to one counter, with a sign that depends on the value.
struct Signed {
    hashes: [(Hash, Hash); ROWS],
    counters: Vec<[f64; COLUMNS]>,
}

impl Signed {
    fn new(seed: u64) -> Signed {
        let hashes = std::array::from_fn(|row| (Hash::new(seed, 2 * row), Hash::new(seed, 2 * row + 1)));
        Signed { hashes, counters: vec![[0.0; COLUMNS]; ROWS] }
    }

    /// Adds to a value, a separate amount in each row.
    fn add(&mut self, value: u32, amounts: [f64; ROWS]) {
        for (counters, ((place, sign), amount)) in
            self.counters.iter_mut().zip(self.hashes.iter().zip(amounts))
        {
            counters[place.counter(value)] += if sign.bit(value) { amount } else { -amount };
        }
    }

    /// The median of the rows.
    fn estimate(&self, value: u32) -> f64 {
        let mut rows: [f64; ROWS] = std::array::from_fn(|row| {
            let (place, sign) = self.hashes[row];
            let counter = self.counters[row][place.counter(value)];
            if sign.bit(value) { counter } else { -counter }
        });
        rows.sort_unstable_by(f64::total_cmp);
        rows[ROWS / 2]
    }
}

/// Count Sketch (Charikar, Chen, Farach-Colton: *Finding frequent items in data streams*, ICALP 2002): with
/// random signs other values cancel; the estimate is the median of the rows.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn count_sketch(counts: &[Counted], progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
    let mut sketch = Signed::new(2);
    fill(counts, progress, |value, count| sketch.add(value, [count as f64; ROWS]))?;
    estimates(counts, progress, |value| sketch.estimate(value))
}

/// UnivMon (Liu, Manousis, Vorsanger, Sekar, Braverman: *One sketch to rule them all*, SIGCOMM 2016): a Count
/// Sketch of all values, one of about half of them, of a quarter, and so on. A value is estimated at the last
/// level that holds it, which has the fewest other values.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn univ_mon(counts: &[Counted], progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
    let halves: [Hash; LEVELS - 1] = std::array::from_fn(|level| Hash::new(3, level));
    let last = |value| halves.iter().take_while(|half| half.bit(value)).count();
    let mut levels: Vec<Signed> = (0..LEVELS).map(|level| Signed::new(30 + level as u64)).collect();
    fill(counts, progress, |value, count| {
        for level in &mut levels[..=last(value)] {
            level.add(value, [count as f64; ROWS]);
        }
    })?;
    estimates(counts, progress, |value| levels[last(value)].estimate(value))
}

/// NitroSketch (Liu, Ben-Basat, Einziger, Kassner, Braverman, Friedman, Sekar: *NitroSketch: robust and
/// general sketch-based monitoring in software switches*, SIGCOMM 2019) over a Count Sketch: each row takes a
/// record with probability [`SAMPLED`] and then adds its inverse. The choice depends on the value and the
/// number of the record among those with that value, so the order of a trace does not matter.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn nitro_sketch(counts: &[Counted], progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
    let mut sketch = Signed::new(4);
    let below = (SAMPLED * u64::MAX as f64) as u64;
    for &(value, count) in counts {
        let streams: [u64; ROWS] = std::array::from_fn(|row| mix(40 + row as u64, value.into()));
        let mut taken = [0u64; ROWS];
        for numbers in blocks(0..count as usize, progress) {
            let numbers = numbers?;
            for (taken, stream) in taken.iter_mut().zip(streams) {
                let is_taken = |&number: &usize| mix(stream, number as u64) < below;
                *taken += numbers.clone().filter(is_taken).count() as u64;
            }
        }
        sketch.add(value, taken.map(|taken| taken as f64 / SAMPLED));
    }
    estimates(counts, progress, |value| sketch.estimate(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;

    const ALL: [Sketch; 4] = [count_min, count_sketch, univ_mon, nitro_sketch];

    /// Ten heavy values among many light ones.
    fn counts() -> Vec<Counted> {
        (0..5_000).map(|i| (i * 7_919, if i < 10 { 2_000 } else { 1 + u64::from(i % 3) })).collect()
    }

    #[test]
    fn few_values_are_counted_exactly_unless_sampled() {
        let counts: Vec<Counted> = (0..20).map(|i| (i, u64::from(i) * 100)).collect();
        for (sketch, slack) in ALL.into_iter().zip([0.0, 0.0, 0.0, 0.3]) {
            for (&(_, count), estimate) in counts.iter().zip(sketch(&counts, &Quiet).unwrap()) {
                assert!((estimate - count as f64).abs() <= slack * count as f64, "{estimate} for {count}");
            }
        }
        assert!(ALL.iter().all(|sketch| sketch(&[], &Quiet) == Ok(Vec::new())));
    }

    #[test]
    fn heavy_values_are_found_within_the_sketches_error() {
        let counts = counts();
        let total: u64 = counts.iter().map(|(_, n)| n).sum();
        let second = (counts.iter().map(|(_, n)| (n * n) as f64).sum::<f64>() / COLUMNS as f64).sqrt();
        let nitro = second + (2_000.0 * (1.0 - SAMPLED) / SAMPLED).sqrt();
        // Count-Min errs by at most e/w of all records in all but e^-1 of the rows; the others by a few
        // √(F₂/w).
        let bounds =
            [std::f64::consts::E * total as f64 / COLUMNS as f64, 3.0 * second, 3.0 * second, 3.0 * nitro];
        for (sketch, bound) in ALL.into_iter().zip(bounds) {
            for (&(_, count), estimate) in counts.iter().zip(sketch(&counts, &Quiet).unwrap()).take(10) {
                assert!((estimate - count as f64).abs() <= bound, "{estimate} for {count}, {bound}");
            }
        }
    }

    #[test]
    fn count_min_is_never_too_low() {
        let counts = counts();
        assert!(
            counts
                .iter()
                .zip(count_min(&counts, &Quiet).unwrap())
                .all(|(&(_, n), estimate)| estimate >= n as f64)
        );
    }

    #[test]
    fn hashes_spread_evenly() {
        let hash = Hash::new(9, 0);
        let mut cells = vec![0u32; COLUMNS];
        (0..100_000).for_each(|value| cells[hash.counter(value)] += 1);
        // 100 per cell; consecutive values spread more evenly than random ones.
        assert!(cells.iter().all(|n| (50..150).contains(n)));
        let ones = (0..100_000).filter(|&value| hash.bit(value)).count();
        assert!((49_000..51_000).contains(&ones));
    }
}
