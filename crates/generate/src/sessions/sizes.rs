//! The number of sessions of each class, and of packets of each in either direction.
//!
//! Both follow from ranks: a session of n packets in one direction contributes the ranks 1 to n, so rank 1
//! counts sessions and high ranks hold the mass of the large ones. The numbers of sessions by size are the
//! non-negative ones that fit the ranks best. Sizes above the last bin of ranks that stands out are never
//! drawn.

use super::tables::{Noisy, column_sums, rake, row_sums};
use netdpsyn_model::ranks::{self, BINS as RANKS};
use netdpsyn_model::sessions::{SIZES, SessionQuery, Sessions, size_bin};
use rand::{Rng, seq::SliceRandom};

/// σ by which the last bin of ranks stands above the noise.
const STANDS: f64 = 4.0;
/// Number of sweeps of raking the sizes of both directions to their margins.
const SWEEPS: usize = 60;

/// The sessions of a trace, of which only the sizes are decided.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    /// By session, its class.
    pub class: Vec<u32>,
    /// By direction and session, its number of packets.
    pub sent: [Vec<u32>; 2],
}

impl Sizes {
    /// Number of sessions.
    pub fn len(&self) -> usize {
        self.class.len()
    }

    /// Whether there are no sessions.
    pub fn is_empty(&self) -> bool {
        self.class.is_empty()
    }

    /// Number of packets of a session.
    pub fn packets(&self, session: usize) -> usize {
        (self.sent[0][session] + self.sent[1][session]) as usize
    }

    /// Number of packets in all.
    pub fn rows(&self) -> usize {
        (0..self.len()).map(|session| self.packets(session)).sum()
    }
}

/// Number of groups by bin of their size, from counts of ranks; none above the last bin that stands out.
pub fn groups(counts: &[f64], sigma: f64) -> [f64; RANKS] {
    let mut groups = [0.0; RANKS];
    if let Some(top) = counts.iter().rposition(|&n| n > STANDS * sigma) {
        groups.iter_mut().zip(ranks::groups(&counts[..=top])).for_each(|(to, n)| *to = n);
    }
    groups
}

/// Draws `times` as many sessions as the model has, but at most `rows` of a class, the number of all packets:
/// each session has one.
pub fn sizes(model: &Sessions, times: f64, rows: usize, rng: &mut impl Rng) -> Sizes {
    let classes = model.classes.count();
    let (of_ranks, smaller) =
        (Noisy::of(model, SessionQuery::Ranks), Noisy::of(model, SessionQuery::Smaller));
    let bins = SIZES.len();
    let shapes = Noisy::of(model, SessionQuery::Sizes).shrunk(bins * bins, None);
    let coarse: Vec<usize> = (0..RANKS).map(|bin| size_bin(ranks::least(bin))).collect();
    let onto = |groups: &[f64; RANKS]| {
        let mut sums = vec![0.0; bins];
        groups.iter().zip(&coarse).for_each(|(n, &bin)| sums[bin] += n);
        sums
    };
    let mut made = Sizes::default();
    for class in 0..classes {
        let row = |direction: usize| {
            let from = (class * 2 + direction) * RANKS;
            groups(&of_ranks.counts[from..from + RANKS], of_ranks.sigma)
        };
        let own = [row(0), row(1)];
        let both = groups(&smaller.counts[class * RANKS..(class + 1) * RANKS], smaller.sigma);
        let [mut served, mut asked] = [onto(&own[1]), onto(&own[0])];
        let sums = [asked.iter().sum::<f64>(), served.iter().sum::<f64>()];
        if sums[0] + sums[1] < 0.5 {
            continue;
        }
        let mut least = onto(&both);
        let mutual = least.iter().sum::<f64>().min(sums[0]).min(sums[1]);
        super::tables::scale_to(&mut least, mutual);
        let sessions = (sums[0] + sums[1] - mutual).max(1.0);
        (asked[0], served[0]) = (sessions - sums[0], sessions - sums[1]);
        let mut table: Vec<f64> =
            shapes[class * bins * bins..(class + 1) * bins * bins].iter().map(|n| n + 1e-3).collect();
        table[0] = 0.0;
        for _ in 0..SWEEPS {
            // By the smaller direction, then by which directions have packets, then by both.
            let mut sums = vec![0.0; bins];
            for (cell, n) in table.iter().enumerate() {
                sums[(cell / bins).min(cell % bins)] += n;
            }
            for (cell, n) in table.iter_mut().enumerate() {
                let bin = (cell / bins).min(cell % bins);
                if bin > 0 {
                    *n *= if sums[bin] > 0.0 { least[bin] / sums[bin].max(1e-9) } else { 0.0 };
                }
            }
            let one_way: f64 = (1..bins).map(|b| table[b * bins]).sum();
            (1..bins).for_each(|b| table[b * bins] *= served[0] / one_way.max(1e-9));
            let other: f64 = table[1..bins].iter().sum();
            table[1..bins].iter_mut().for_each(|n| *n *= asked[0] / other.max(1e-9));
            rake(&mut table, &asked, &served, 1);
            table[0] = 0.0;
        }
        let times = times.min(rows as f64 / table.iter().sum::<f64>().max(1e-9));
        dealt(&table, &own, &coarse, class as u32, times, &mut made, rng);
    }
    made
}

/// Distributes sessions to the bins of both directions, each with a size in either.
fn dealt(
    table: &[f64],
    own: &[[f64; RANKS]; 2],
    coarse: &[usize],
    class: u32,
    times: f64,
    made: &mut Sizes,
    rng: &mut impl Rng,
) {
    let bins = SIZES.len();
    let mut whole = crate::whole::Whole::new(rng);
    let counts: Vec<f64> = table.iter().map(|n| whole.next(n * times) as f64).collect();
    let many = [row_sums(&counts, bins), column_sums(&counts, bins)];
    // By direction and bin, sizes that are not assigned yet.
    let mut waiting: [Vec<Vec<u32>>; 2] = Default::default();
    for direction in 0..2 {
        for bin in 0..bins {
            let many = many[direction][bin] as usize;
            let mut groups: Vec<f64> =
                (0..RANKS).map(|b| if coarse[b] == bin { own[direction][b] } else { 0.0 }).collect();
            if groups.iter().sum::<f64>() <= 0.0 {
                // Nothing stands out: use the smallest of its sizes.
                groups = vec![0.0; RANKS];
                if let Some(first) = coarse.iter().position(|&b| b == bin) {
                    groups[first] = 1.0;
                }
            }
            let mut sizes: Vec<u32> = match bin > 0 && many > 0 {
                true => ranks::sizes(&groups, many).into_iter().map(|size| size as u32).collect(),
                false => Vec::new(),
            };
            sizes.shuffle(rng);
            waiting[direction].push(sizes);
        }
    }
    for (cell, &count) in counts.iter().enumerate() {
        let (asked, served) = (cell / bins, cell % bins);
        let mut take = |direction: usize, bin: usize| -> Vec<u32> {
            if bin == 0 {
                return vec![0; count as usize];
            }
            let waiting = &mut waiting[direction][bin];
            let mut sizes = waiting.split_off(waiting.len() - count as usize);
            // Within a cell larger sizes are matched with larger ones.
            sizes.sort_unstable();
            sizes
        };
        let [a, b] = [take(0, asked), take(1, served)];
        made.class.extend(std::iter::repeat_n(class, count as usize));
        made.sent[0].extend(a);
        made.sent[1].extend(b);
    }
}

/// Brings the packets of all sessions to `rows`: those with more packets change by more, and none ends with
/// less than one.
pub fn fit_rows(made: &mut Sizes, rows: usize, rng: &mut impl Rng) {
    if made.len() > rows {
        // More sessions than packets: some are removed.
        let mut kept: Vec<usize> = (0..made.len()).collect();
        kept.shuffle(rng);
        kept.truncate(rows);
        kept.sort_unstable();
        made.class = kept.iter().map(|&session| made.class[session]).collect();
        let one =
            |direction: usize| kept.iter().map(|&session| made.sent[direction][session].min(1)).collect();
        let asked: Vec<u32> = one(0);
        made.sent[1] = one(1).iter().zip(&asked).map(|(served, asked)| (1 - asked).min(*served)).collect();
        made.sent[0] = asked;
    }
    if made.is_empty() && rows > 0 {
        made.class.push(0);
        made.sent.iter_mut().zip([1, 0]).for_each(|(sent, n)| sent.push(n));
    }
    let beyond = |made: &Sizes, direction: usize, session: usize| {
        let (own, other) = (made.sent[direction][session], made.sent[1 - direction][session]);
        f64::from(own.saturating_sub(1)) * f64::from(u8::from(own + other > 1))
    };
    for _ in 0..64 {
        let missing = rows as i64 - made.rows() as i64;
        if missing == 0 {
            return;
        }
        // Large sessions are stretched; where all have one packet, all are.
        let weights: Vec<f64> =
            (0..made.len()).flat_map(|s| [beyond(made, 0, s), beyond(made, 1, s)]).collect();
        let total: f64 = weights.iter().sum();
        let mut whole = crate::whole::Whole::new(rng);
        let mut left = missing.unsigned_abs();
        for (cell, weight) in weights.iter().enumerate() {
            let (session, direction) = (cell / 2, cell % 2);
            let share = match total > 0.0 {
                true => whole.next(weight / total * missing.unsigned_abs() as f64),
                false => whole.next(missing.unsigned_abs() as f64 / weights.len() as f64),
            }
            .min(left);
            let sent = &mut made.sent[direction][session];
            if missing > 0 {
                *sent += share as u32;
                left -= share;
            } else {
                let share = share.min(*weight as u64);
                *sent -= share as u32;
                left -= share;
            }
        }
    }
    // Rounding leaves one or two.
    let missing = rows as i64 - made.rows() as i64;
    if missing > 0
        && let Some(largest) = (0..made.len()).max_by_key(|&s| made.packets(s))
    {
        let direction = usize::from(made.sent[1][largest] > made.sent[0][largest]);
        made.sent[direction][largest] += missing as u32;
    }
    for _ in 0..(-missing).max(0) {
        if let Some(largest) = (0..made.len()).max_by_key(|&s| made.packets(s)) {
            let direction = usize::from(made.sent[1][largest] > made.sent[0][largest]);
            made.sent[direction][largest] -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    proptest! {
        #[test]
        fn sessions_come_to_the_packets_that_are_asked_for(sent in prop::collection::vec((0u32..40, 0u32..40), 0..60), rows in 0usize..3_000, seed: u64) {
            let sent: Vec<(u32, u32)> = sent.into_iter().filter(|(a, b)| a + b > 0).collect();
            let mut made = Sizes {
                class: vec![0; sent.len()],
                sent: [sent.iter().map(|s| s.0).collect(), sent.iter().map(|s| s.1).collect()],
            };
            fit_rows(&mut made, rows, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            prop_assert_eq!(made.rows(), rows);
            prop_assert!((0..made.len()).all(|session| made.packets(session) > 0));
        }
    }

    #[test]
    fn no_size_is_above_what_stands_out() {
        // Ranks of ten groups of 4, and a ghost far above them.
        let mut counts = vec![0.0; RANKS];
        counts[..3].copy_from_slice(&[1_000.0, 1_000.0, 2_000.0]);
        counts[15] = 30.0;
        let groups = groups(&counts, 10.0);
        assert!(groups[3..].iter().all(|n| *n == 0.0) && groups[2] > 500.0);
    }
}
