//! Redistributes times among records so that the records of a pair follow each other at the wanted gaps.
//!
//! Records of one class and side exchange their times within a coarse bin of time. So no measured table of
//! single records changes: each table contains a time by its coarse bin, and by class and side alone by its
//! fine one. Within its interval, a time is moved to where it should be.
//!
//! Pairs are processed one after the other, those with most records first. A walk goes through the records of
//! a pair in order of time: the gap to the next record is drawn from the remaining gaps of the class, or
//! repeats the previous one where that persists. The nearest free time is taken. Where more records have to
//! fit in a coarse bin than such gaps allow, shorter gaps are more likely ([`Haste`]), and a remaining excess
//! is shrunk.

use super::rhythm::{Haste, Left};
use crate::grid::Grid;
use netdpsyn_model::rhythm::{OCTAVES, octave};
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::{Rng, RngExt};
use std::ops::Range;

/// A record that is assigned a time.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its pair.
    pub pair: u64,
    /// Its current time.
    pub time: u64,
    /// The coarse bin of the time.
    pub coarse: u32,
    /// The index of the record.
    pub row: u32,
}

/// The intervals in which times may lie.
pub struct Leaves {
    /// Intervals, ascending.
    intervals: Vec<Range<u64>>,
    grid: Grid,
}

impl Leaves {
    /// From the intervals of all bins.
    pub fn new(bins: Vec<Vec<(Range<u64>, f64)>>, grid: Grid) -> Leaves {
        let mut intervals: Vec<Range<u64>> =
            bins.into_iter().flatten().map(|(interval, _)| interval).collect();
        intervals.sort_by_key(|interval| interval.start);
        Leaves { intervals, grid }
    }

    /// The possible time in the interval of `time` that is nearest to `wanted`, or `time` where `wanted` is
    /// in another interval.
    fn moved(&self, time: u64, wanted: u64) -> u64 {
        let at = self.intervals.partition_point(|interval| interval.start <= time).saturating_sub(1);
        let interval = &self.intervals[at];
        if !interval.contains(&time) || !interval.contains(&wanted) {
            return time;
        }
        let places = self.grid.places(interval);
        let place = *self.grid.within(&(interval.start..=wanted)).end();
        if places.contains(&place) { self.grid.value(place) } else { time }
    }
}

/// Times of one class and side, by coarse bin and then ascending, and which of them are taken.
struct Slots {
    times: Vec<u64>,
    /// By coarse bin, the range of its times.
    runs: Vec<(u32, Range<usize>)>,
    /// The next free slot at or after each, and at or before; an index beyond either end means none.
    after: Vec<u32>,
    before: Vec<u32>,
}

impl Slots {
    fn new(members: &[Member]) -> Slots {
        let mut slots: Vec<(u32, u64)> = members.iter().map(|member| (member.coarse, member.time)).collect();
        slots.sort_unstable();
        let mut start = 0;
        let runs = slots.chunk_by(|a, b| a.0 == b.0).map(|run| {
            start += run.len();
            (run[0].0, start - run.len()..start)
        });
        let runs = runs.collect();
        let places = 0..=slots.len() as u32 + 1;
        Slots {
            runs,
            after: places.clone().collect(),
            before: places.collect(),
            times: slots.into_iter().map(|(_, time)| time).collect(),
        }
    }

    /// The times of a coarse bin.
    fn run(&self, coarse: u32) -> Range<usize> {
        let at = self.runs.partition_point(|(own, _)| *own < coarse);
        self.runs[at].1.clone()
    }

    /// The first and the last time of a run.
    fn ends(&self, run: &Range<usize>) -> [u64; 2] {
        [self.times[run.start], self.times[run.end - 1]]
    }

    /// Takes the free slot of a run whose time is nearest to `wanted`, not before `least` if possible. A run
    /// has as many slots as records.
    fn take(&mut self, run: &Range<usize>, wanted: u64, least: u64) -> u64 {
        let at = run.start + self.times[run.clone()].partition_point(|&time| time < wanted);
        // Indices are one more than slots, so that 0 is before the first.
        let after = find(&mut self.after, at as u32 + 1) as usize - 1;
        let before = find(&mut self.before, at as u32) as usize;
        let late = (after < run.end).then_some(after);
        let early = before.checked_sub(1).filter(|&slot| slot >= run.start);
        let slot = match (early, late) {
            (Some(early), Some(late)) => {
                let nearer = wanted.abs_diff(self.times[early]) < self.times[late].abs_diff(wanted);
                if nearer && self.times[early] >= least { early } else { late }
            }
            (early, late) => early.or(late).unwrap_or_else(|| unreachable!("a slot a record")),
        };
        self.after[slot + 1] = slot as u32 + 2;
        self.before[slot + 1] = slot as u32;
        self.times[slot]
    }
}

/// The end of a chain of links, which are shortened on the way (path compression).
fn find(links: &mut [u32], mut at: u32) -> u32 {
    while links[at as usize] != at {
        let next = links[links[at as usize] as usize];
        links[at as usize] = next;
        at = next;
    }
    at
}

/// The number of gaps of some records, which are ordered by pair.
pub fn gaps(members: &[Member]) -> usize {
    members.windows(2).filter(|two| two[0].pair == two[1].pair).count()
}

/// The gaps of records, which are ordered by pair, by octave.
fn octaves(members: &[Member]) -> [f64; OCTAVES] {
    let (mut counts, mut times) = ([0.0; OCTAVES], Vec::new());
    for own in members.chunk_by(|a, b| a.pair == b.pair) {
        times.clear();
        times.extend(own.iter().map(|member| member.time));
        times.sort_unstable();
        times.windows(2).for_each(|two| counts[octave(two[1] - two[0])] += 1.0);
    }
    counts
}

/// Redistributes the times of some records among them, unless their gaps are nearer to the wanted ones as
/// they are. `members` are ordered by pair, then by time.
///
/// # Errors
/// [`Cancelled`] when `step` returns it.
pub fn deal(
    members: &mut [Member],
    leaves: &Leaves,
    mut left: Left<'_>,
    rng: &mut impl Rng,
    step: &Step,
) -> Result<(), Cancelled> {
    let before: Vec<u64> = members.iter().map(|member| member.time).collect();
    let (wanted, distance) = (left.clone(), left.distance(&octaves(members)));
    let mut slots = Slots::new(members);
    let mut start = 0;
    let mut pairs: Vec<Range<usize>> = members
        .chunk_by(|a, b| a.pair == b.pair)
        .map(|own| {
            start += own.len();
            start - own.len()..start
        })
        .collect();
    pairs.sort_by_key(|own| (std::cmp::Reverse(own.len()), own.start));
    for (at, own) in pairs.into_iter().enumerate() {
        if at % 1_024 == 0 {
            step()?;
        }
        match &mut members[own] {
            [one] => one.time = slots.take(&slots.run(one.coarse), one.time, 0),
            many => walk(many, &mut slots, leaves, &mut left, rng),
        }
    }
    if distance <= wanted.distance(&octaves(members)) {
        members.iter_mut().zip(before).for_each(|(member, time)| member.time = time);
    }
    Ok(())
}

/// Assigns times to the records of a pair.
fn walk(own: &mut [Member], slots: &mut Slots, leaves: &Leaves, left: &mut Left<'_>, rng: &mut impl Rng) {
    let mut walker = Walker { last: None, beat: None };
    let mut gaps = Vec::new();
    let mut given: Option<u64> = None;
    let mut at = 0;
    while at < own.len() {
        let coarse = own[at].coarse;
        let run = slots.run(coarse);
        let [first, end] = slots.ends(&run);
        let many = own[at..].iter().take_while(|member| member.coarse == coarse).count();
        let start = walker.course(first, end, many, &mut gaps, left, rng);
        let mut wanted = start;
        for (member, gap) in own[at..at + many].iter_mut().zip(&gaps) {
            wanted = (wanted + gap).min(end);
            let time = leaves.moved(slots.take(&run, wanted, given.unwrap_or(0)), wanted);
            if let Some(given) = given {
                left.gave(time.saturating_sub(given));
            }
            member.time = time;
            given = Some(time);
        }
        walker.last = Some(wanted);
        at += many;
    }
}

/// Distributes the remaining time of a run over its gaps: of n gaps √n become longer by random parts of it.
/// Gaps so rare that they do not stand out of the noise may account for most of the time. Returns the part
/// before the first gap; another part is after the last one.
fn pause(gaps: &mut [u64], slack: u64, rng: &mut impl Rng) -> u64 {
    let mut ends: Vec<u64> = (0..gaps.len().isqrt()).map(|_| rng.random_range(0..=slack)).collect();
    ends.sort_unstable();
    for two in ends.windows(2) {
        gaps[rng.random_range(1..gaps.len())] += two[1] - two[0];
    }
    ends.first().copied().unwrap_or(0)
}

/// The state of a walk.
struct Walker {
    /// Where the last record should have been.
    last: Option<u64>,
    /// A persistent gap.
    beat: Option<u64>,
}

impl Walker {
    /// The start of the next `many` records, which lie from `first` to `end`, and the gap before each; that
    /// of the first one is already used.
    fn course(
        &mut self,
        first: u64,
        end: u64,
        many: usize,
        gaps: &mut Vec<u64>,
        left: &Left<'_>,
        rng: &mut impl Rng,
    ) -> u64 {
        let begun = self.last.map_or(first, |last| last.max(first));
        let mean = (end - begun.min(end)) as f64 / many as f64;
        // Longer gaps would leave holes in the measured distribution of times.
        let haste = left.within(mean, (end - first) as f64 / (many as f64).sqrt());
        let start = self.last.and_then(|last| {
            let beats = self.beat.is_some();
            let gap = self.gap(haste, left, rng)?;
            // Beats that fall between two runs are skipped.
            let times = if beats { first.saturating_sub(last).div_ceil(gap).max(1) } else { 1 };
            last.checked_add(gap.checked_mul(times)?).filter(|time| (first..=end).contains(time))
        });
        gaps.clear();
        gaps.push(0);
        for _ in 1..many {
            let gap = self.gap(haste, left, rng);
            gaps.push(gap.unwrap_or_else(|| (2.0 * mean * rng.random::<f64>()) as u64));
        }
        let (long, room) = (gaps.iter().fold(0u64, |sum, &gap| sum.saturating_add(gap)), end - first);
        if long > room {
            let scale = room as f64 / long as f64;
            gaps.iter_mut().for_each(|gap| *gap = (*gap as f64 * scale) as u64);
            self.beat = self.beat.map(|beat| ((beat as f64 * scale) as u64).max(1));
            return first;
        }
        let begun = start.map_or(first, |start| start.min(end - long));
        let before = pause(gaps, end - begun - long, rng);
        if start.is_some() { begun } else { begun + before }
    }

    /// The next gap: the previous one where that persists, otherwise one of the remaining gaps.
    fn gap(&mut self, haste: Haste, left: &Left<'_>, rng: &mut impl Rng) -> Option<u64> {
        if let Some(gap) = self.beat {
            self.beat = left.lasts(octave(gap), rng).then_some(gap);
            return Some(gap);
        }
        let (gap, lasts) = left.draw(haste, rng)?;
        self.beat = lasts.then_some(gap.max(1));
        Some(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::rhythm::{Rhythm, tests::noisy};
    use netdpsyn_model::rhythm::is_steady;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    /// Leaves of a hundred, which `bins` coarse bins share.
    fn leaves(end: u64, grid: Grid) -> Leaves {
        Leaves::new((0..end / 100).map(|at| vec![(100 * at..100 * at + 100, 1.0)]).collect(), grid)
    }

    fn members(pairs: &[u64], times: &[u64], bin: u64) -> Vec<Member> {
        let member = |(row, (&pair, &time)): (usize, (&u64, &u64))| Member {
            pair,
            time,
            coarse: (time / bin) as u32,
            row: row as u32,
        };
        let mut members: Vec<Member> = pairs.iter().zip(times).enumerate().map(member).collect();
        members.sort_unstable_by_key(|member| (member.pair, member.time, member.row));
        members
    }

    /// Where a bin holds no time of the grid, its records have the last one before it, which belongs to
    /// another bin.
    #[test]
    fn coarse_bins_may_share_a_time() {
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        let rhythm = Rhythm::of(&noisy(&[(100, 500, 0)])).unwrap();
        let mut dealt = members(&[0; 60], &[(); 60].map(|()| 1_000 * rng.random_range(0..3u64)), 1_000);
        dealt.iter_mut().enumerate().for_each(|(at, member)| member.coarse = at as u32 / 7);
        let before = dealt.clone();
        deal(&mut dealt, &leaves(3_000, Grid::of_step(1_000)), rhythm.left(0, 59.0), rng, &|| Ok(()))
            .unwrap();
        let times = |all: &[Member]| {
            let mut times: Vec<(u32, u64)> = all.iter().map(|member| (member.coarse, member.time)).collect();
            times.sort_unstable();
            times
        };
        assert_eq!(times(&dealt), times(&before), "nothing but the grid's times, each in its coarse bin");
    }

    proptest! {
        /// Whatever gaps are wanted, each record keeps its coarse bin, and each leaf its number of records.
        #[test]
        fn records_exchange_their_times_within_coarse_bins(
            records in prop::collection::vec((0u64..4, 0u64..3_000), 1..120),
            wanted in 1u64..2_000,
            steady in 0i64..500,
            grain in 1u64..30,
            seed: u64,
        ) {
            let (pairs, times): (Vec<u64>, Vec<u64>) =
                records.into_iter().map(|(pair, time)| (pair, time / grain * grain)).unzip();
            let rhythm = Rhythm::of(&noisy(&[(0, 100, 0), (wanted, 500, steady)])).unwrap();
            let mut dealt = members(&pairs, &times, 1_000);
            let before = dealt.clone();
            let gaps = gaps(&dealt) as f64;
            let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
            let grid = Grid::of_step(grain);
            deal(&mut dealt, &leaves(3_000, grid), rhythm.left(0, gaps), rng, &|| Ok(())).unwrap();
            let by_row = |all: &[Member]| {
                let mut all = all.to_vec();
                all.sort_unstable_by_key(|member| member.row);
                all
            };
            for (after, before) in by_row(&dealt).iter().zip(by_row(&before)) {
                prop_assert_eq!((after.row, after.pair), (before.row, before.pair));
                prop_assert_eq!(after.time / 1_000, before.time / 1_000);
                prop_assert_eq!(after.time % grain, 0);
            }
            let leaves_of = |all: &[Member]| {
                let mut leaves: Vec<u64> = all.iter().map(|member| member.time / 100).collect();
                leaves.sort_unstable();
                leaves
            };
            prop_assert_eq!(leaves_of(&dealt), leaves_of(&before));
        }
    }

    /// Twenty pairs of two hundred records at random times, half of which should be periodic.
    #[test]
    fn beats_beat_and_bursts_burst() {
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        let pairs: Vec<u64> = (0..4_000).map(|row| row % 20).collect();
        let times: Vec<u64> = pairs.iter().map(|_| rng.random_range(0..1_000_000)).collect();
        let steady = |members: &[Member]| {
            let own = members.chunk_by(|a, b| a.pair == b.pair);
            let of = |own: &[Member]| {
                let mut times: Vec<u64> = own.iter().map(|member| member.time).collect();
                times.sort_unstable();
                times.windows(3).filter(|three| is_steady(three[1] - three[0], three[2] - three[1])).count()
            };
            own.map(of).sum::<usize>()
        };
        let mut dealt = members(&pairs, &times, 250_000);
        assert!(steady(&dealt) < 500);
        let rhythm = Rhythm::of(&noisy(&[(5_000, 4_000, 3_800)])).unwrap();
        let leaves = Leaves::new(vec![vec![(0..1_000_000, 1.0)]], Grid::ALL);
        deal(&mut dealt, &leaves, rhythm.left(0, 3_980.0), rng, &|| Ok(())).unwrap();
        assert!(steady(&dealt) > 2_500, "{}", steady(&dealt));

        let mut dealt = members(&pairs, &times, 250_000);
        let rhythm = Rhythm::of(&noisy(&[(10, 4_000, 0)])).unwrap();
        deal(&mut dealt, &leaves, rhythm.left(0, 3_980.0), rng, &|| Ok(())).unwrap();
        let bursts = dealt
            .windows(2)
            .filter(|two| two[0].pair == two[1].pair && two[1].time.abs_diff(two[0].time) < 20);
        // Of fifty gaps in a row seven are pauses.
        assert!(bursts.clone().count() > 3_300, "{}", bursts.count());
    }
}
