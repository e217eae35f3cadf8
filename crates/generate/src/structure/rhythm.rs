//! The wanted gaps between the records of a pair, from noisy histograms.

use netdpsyn_model::Rhythm as Noisy;
use netdpsyn_model::rhythm::{Counted, OCTAVES, PARTS, octave};
use rand::{Rng, RngExt};
use std::sync::LazyLock;

/// σ by which a count stands above the noise.
const STANDS: f64 = 3.0;

/// Gaps of every row, and whether they persist.
pub struct Rhythm {
    /// The row of each class.
    rows: Vec<u32>,
    /// Gaps by octave, by row.
    octaves: Vec<[f64; OCTAVES]>,
    /// For each octave, the cumulative sums of its parts.
    parts: [[f64; PARTS]; OCTAVES],
    /// The probability that a gap of an octave is followed by one like it, beyond what independent gaps would
    /// have.
    lasts: [f64; OCTAVES],
}

/// The remaining gaps of one row.
#[derive(Clone)]
pub struct Left<'a> {
    of: &'a Rhythm,
    octaves: [f64; OCTAVES],
}

/// How much shorter gaps have to be to fit a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Haste {
    /// The index in [`ODDS`]; the last one leaves gaps as they are.
    step: usize,
    /// Number of possible octaves.
    octaves: usize,
    /// The mean of the drawn gaps.
    pub mean: f64,
}

/// Steps of haste per octave.
const STEPS: usize = 4;
/// The odds of a gap of each octave by haste: exp(−gap/τ), where τ grows by a quarter of an octave per step.
static ODDS: LazyLock<Vec<[f64; OCTAVES]>> = LazyLock::new(|| {
    let odds = |step: usize| {
        let tau = 2f64.powf(step as f64 / STEPS as f64);
        std::array::from_fn(|octave| (-middle(octave) / tau).exp())
    };
    (0..OCTAVES * STEPS).map(odds).chain([[1.0; OCTAVES]]).collect()
});

impl Rhythm {
    /// From noisy histograms; `None` where no gap stands out.
    pub fn of(noisy: &Noisy) -> Option<Rhythm> {
        let number = noisy.number();
        let mut octaves: Vec<[f64; OCTAVES]> = vec![[0.0; OCTAVES]; number];
        for (cell, count) in standing(&noisy.octaves).enumerate() {
            octaves[cell / OCTAVES][cell % OCTAVES] = count;
        }
        let all: [f64; OCTAVES] = std::array::from_fn(|octave| octaves.iter().map(|row| row[octave]).sum());
        let total: f64 = all.iter().sum();
        if total <= 0.0 {
            return None;
        }
        octaves.iter_mut().filter(|row| row.iter().all(|&count| count == 0.0)).for_each(|row| *row = all);

        // Parts that stand out keep their counts; the others of an octave share the remainder.
        let stands: Vec<f64> = standing(&noisy.parts).collect();
        let parts: [[f64; PARTS]; OCTAVES] = std::array::from_fn(|octave| {
            let own = &stands[octave * PARTS..(octave + 1) * PARTS];
            let others = own.iter().filter(|&&count| count == 0.0).count();
            let rest = (all[octave] - own.iter().sum::<f64>()).max(0.0) / others.max(1) as f64;
            let sum = own.iter().map(|&count| if count > 0.0 { count } else { rest }).sum::<f64>().max(1e-9);
            std::array::from_fn(|part| if own[part] > 0.0 { own[part] / sum } else { rest / sum })
        });

        // The part of a gap and its neighbours approximate the gaps that are as long to within an eighth.
        let share = |part: usize| parts[part / PARTS][part % PARTS] * all[part / PARTS] / total;
        let alike = |part: usize| {
            (part.saturating_sub(1)..(part + 2).min(OCTAVES * PARTS)).map(share).sum::<f64>().min(1.0)
        };
        let steady: Vec<f64> = standing(&noisy.steady).collect();
        let lasts = std::array::from_fn(|octave| {
            if all[octave] <= 0.0 {
                return 0.0;
            }
            let seen = (steady[octave] / all[octave]).min(1.0);
            let own = (0..PARTS).map(|part| parts[octave][part] * alike(octave * PARTS + part)).sum::<f64>();
            ((seen - own) / (1.0 - own).max(1e-9)).clamp(0.0, 1.0)
        });
        let parts = parts.map(|own| {
            let mut sum = 0.0;
            own.map(|share| {
                sum += share;
                sum
            })
        });
        Some(Rhythm { rows: noisy.rows.clone(), octaves, parts, lasts })
    }

    /// The gaps for the records of one class, of which `gaps` follow another record. A class outside the
    /// model, as a condition may have, counts as the last one.
    pub fn left(&self, class: usize, gaps: f64) -> Left<'_> {
        let row = self.rows.get(class).or(self.rows.last()).map_or(0, |&row| row as usize);
        let own = &self.octaves[row];
        let scale = gaps / own.iter().sum::<f64>();
        Left { of: self, octaves: own.map(|count| count * scale) }
    }
}

/// Counts that stand above the noise; 0 for the others.
fn standing(counted: &Counted) -> impl Iterator<Item = f64> + '_ {
    let least = STANDS * counted.scale.sigma();
    counted.counts.iter().map(move |&count| if count as f64 > least { count as f64 } else { 0.0 })
}

/// The middle of each octave.
static MIDDLES: LazyLock<[f64; OCTAVES]> = LazyLock::new(|| std::array::from_fn(middle));

fn middle(octave: usize) -> f64 {
    if octave == 0 { 0.0 } else { 0.75 * 2f64.powi(octave as i32) }
}

impl Left<'_> {
    /// The distance of gaps from the remaining ones, by octave, from 0 to 1.
    pub fn distance(&self, counts: &[f64; OCTAVES]) -> f64 {
        let [sum, wanted] = [counts, &self.octaves].map(|counts| counts.iter().sum::<f64>().max(1.0));
        let apart = |(count, left): (&f64, &f64)| (count / sum - left / wanted).abs();
        counts.iter().zip(&self.octaves).map(apart).sum::<f64>() / 2.0
    }

    /// Subtracts an assigned gap.
    pub fn gave(&mut self, gap: u64) {
        self.octaves[octave(gap)] -= 1.0;
    }

    /// The haste at which the mean gap is at most `mean`, as far as possible, and no gap is much longer than
    /// `most`.
    pub fn within(&self, mean: f64, most: f64) -> Haste {
        let octaves = MIDDLES.partition_point(|&gap| gap <= most).max(1);
        let of = |step: usize| Haste { step, octaves, mean: self.mean(step, octaves) };
        let none = of(OCTAVES * STEPS);
        if none.mean <= mean {
            return none;
        }
        // The mean increases from that of the shortest remaining gaps; below it odds underflow.
        let (mut low, mut high) = (0, OCTAVES * STEPS);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if self.mean(middle, octaves) <= mean { low = middle } else { high = middle }
        }
        let is_any = self.weights(low, octaves).iter().any(|&weight| weight > 0.0);
        of(if is_any { low } else { high })
    }

    fn weights(&self, step: usize, octaves: usize) -> [f64; OCTAVES] {
        let odds = &ODDS[step];
        std::array::from_fn(|octave| match octave < octaves {
            true => self.octaves[octave].max(0.0) * odds[octave],
            false => 0.0,
        })
    }

    /// The mean gap; 0 where none remains.
    fn mean(&self, step: usize, octaves: usize) -> f64 {
        let weights = self.weights(step, octaves);
        let sum: f64 = weights.iter().sum();
        let gaps: f64 = weights.iter().zip(&*MIDDLES).map(|(weight, gap)| weight * gap).sum();
        if sum > 0.0 { gaps / sum } else { 0.0 }
    }

    /// Draws a gap, and whether the following ones repeat it; `None` where none remains.
    pub fn draw(&self, haste: Haste, rng: &mut impl Rng) -> Option<(u64, bool)> {
        let octave = pick(&self.weights(haste.step, haste.octaves), rng)?;
        if octave == 0 {
            return Some((0, false));
        }
        let sums = &self.of.parts[octave];
        let drawn = rng.random::<f64>() * sums[PARTS - 1];
        let part = sums.partition_point(|&sum| sum <= drawn).min(PARTS - 1);
        let least = 2f64.powi(octave as i32 - 1);
        let gap = least * (1.0 + (part as f64 + rng.random::<f64>()) / PARTS as f64);
        Some((gap as u64, self.lasts(octave, rng)))
    }

    /// Draws whether a gap of an octave is followed by one like it.
    pub fn lasts(&self, octave: usize, rng: &mut impl Rng) -> bool {
        rng.random::<f64>() < self.of.lasts[octave]
    }
}

/// Draws an index by weight.
fn pick(weights: &[f64], rng: &mut impl Rng) -> Option<usize> {
    let mut drawn = rng.random::<f64>() * weights.iter().sum::<f64>();
    let mut last = None;
    for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = Some(at);
        drawn -= weight;
        if drawn < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use netdpsyn_account::{MaxRecords, NoiseScale, Rho, Sensitivity};
    use netdpsyn_model::rhythm::part;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    /// Histograms of gaps, each with its number and the number that persists, with noise of σ = 10.
    pub fn noisy(gaps: &[(u64, i64, i64)]) -> Noisy {
        let scale =
            NoiseScale::for_cost(Sensitivity::histogram(MaxRecords::ONE), Rho::from_units(Rho::ONE / 200))
                .unwrap();
        let counted = |cells: usize| Counted { label: String::new(), counts: vec![3; cells], scale };
        let mut noisy = Noisy {
            rows: vec![0, 1],
            octaves: counted(2 * OCTAVES),
            parts: counted(OCTAVES * PARTS),
            steady: counted(OCTAVES),
        };
        for &(gap, count, steady) in gaps {
            noisy.octaves.counts[octave(gap)] += count;
            noisy.parts.counts[octave(gap) * PARTS + part(gap)] += count;
            noisy.steady.counts[octave(gap)] += steady;
        }
        noisy
    }

    #[test]
    fn gaps_are_as_many_as_stand_out() {
        assert!(Rhythm::of(&noisy(&[])).is_none(), "noise alone");
        let rhythm = Rhythm::of(&noisy(&[(1_000, 3_000, 0), (1 << 30, 1_000, 900)])).unwrap();
        let left = rhythm.left(1, 8_000.0);
        assert!((left.octaves[octave(1_000)] - 6_000.0).abs() < 20.0, "a row of nothing has the gaps of all");
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        let all = left.within(f64::INFINITY, f64::INFINITY);
        let drawn: Vec<(u64, bool)> = (0..4_000).map(|_| left.draw(all, rng).unwrap()).collect();
        let short = drawn.iter().filter(|(gap, _)| part(*gap) == part(1_000) && octave(*gap) == 10);
        assert!((2_850..3_150).contains(&short.count()));
        assert!(drawn.iter().filter(|(gap, _)| octave(*gap) == 10).all(|(_, lasts)| !lasts));
        let long: Vec<bool> =
            drawn.iter().filter(|(gap, _)| octave(*gap) == 31).map(|(_, lasts)| *lasts).collect();
        let lasting = long.iter().filter(|lasts| **lasts).count() as f64 / long.len() as f64;
        // One in four would be as long by chance: (0.9 − 0.25) / 0.75.
        assert!((lasting - 0.867).abs() < 0.05, "{lasting}");
    }

    #[test]
    fn haste_makes_gaps_fit() {
        let gaps = [(100, 900, 0), (100_000, 900, 0), (100_000_000, 900, 0)];
        let rhythm = Rhythm::of(&noisy(&gaps)).unwrap();
        let mut left = rhythm.left(0, 2_700.0);
        for mean in [1e9, 1e6, 4e4, 300.0, 100.0] {
            let haste = left.within(mean, f64::INFINITY);
            assert!(haste.mean <= mean && haste.mean > 0.0, "{haste:?}");
        }
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        let (gap, _) = left.draw(left.within(10.0, f64::INFINITY), rng).unwrap();
        assert_eq!(octave(gap), octave(100), "the shortest there are, where none is short enough");
        assert!(left.within(1e9, 1e6).mean < 1e5, "none of the longest");
        (0..900).for_each(|_| left.gave(100_000_000));
        assert!(left.within(f64::INFINITY, f64::INFINITY).mean < 1e5, "what was given is not given again");
        for _ in 0..900 {
            left.gave(100);
            left.gave(100_000);
        }
        assert_eq!(left.draw(left.within(1e9, f64::INFINITY), rng), None);
    }
}
