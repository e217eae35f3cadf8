//! The packets of a session, one after the other: direction, gap and length, each given those of the previous
//! packet.
//!
//! Directions follow the odds of the lagged answer, corrected for the remaining packets of either direction,
//! so that sizes stay as they were drawn. Lengths follow the previous one by their joint answer, with the
//! lengths by position as margins.

use super::flags::Chain;
use super::sizes::Sizes;
use super::tables::{Noisy, column_sums, draw_rows, pick, rake, row_sums, scale_to};
use netdpsyn_model::sessions::{
    Classes, GAP_GROUPS, MANY, OCTAVES, POSITIONS, Part, SessionQuery, Sessions, many_bin, position_class,
};
use rand::{Rng, RngExt};
use std::borrow::Cow;

/// Steps between positions: within a class of positions, and from one to the next.
const STEPS: usize = 2 * POSITIONS.len();
/// The part of a length's count that is kept where packets of one length seem to account for all of it.
const KEPT: f64 = 0.05;
/// The part of an even share that every direction keeps.
const LEAST: f64 = 1e-3;

/// The tables from which packets of sessions are drawn.
pub struct Walk {
    lengths: usize,
    /// By lagged class, second or later, previous direction, direction: weights of groups of gaps.
    turns: Vec<f64>,
    /// By lagged class: shares of both directions among followers.
    shares: Vec<[f64; 2]>,
    /// By lagged class, whether the direction changes, group of gaps: weights of octaves.
    octaves: Vec<f64>,
    /// By lagged class, direction: lengths of first packets.
    first: Vec<f64>,
    /// By lagged class, previous direction, direction, step, previous length: lengths.
    follow: Vec<f64>,
    /// Directions and flags, where the trace has flags.
    chain: Option<Chain>,
}

/// By direction and session, the coarse length if all of its packets have the same exact length.
pub type Constant = [Vec<Option<u16>>; 2];

/// Chooses the directions of sessions whose packets all have one length.
pub fn constant(model: &Sessions, sizes: &Sizes, rng: &mut impl Rng) -> Constant {
    let cells = model.axis(Part::Length).coarse_bins() + 1;
    let table = Noisy::of(model, SessionQuery::Constant).shrunk(2 * MANY * cells, None);
    [0, 1].map(|direction| {
        let many: Vec<usize> =
            (0..sizes.len()).filter(|&session| sizes.sent[direction][session] > 1).collect();
        let row = |&session: &usize| {
            let class = model.classes.lagged[sizes.class[session] as usize] as usize;
            (class * 2 + direction) * MANY + many_bin(u64::from(sizes.sent[direction][session]))
        };
        let drawn =
            draw_rows(many.iter().map(row), |row| Cow::Borrowed(&table[row * cells..(row + 1) * cells]), rng);
        let mut of = vec![None; sizes.len()];
        for (session, cell) in many.into_iter().zip(drawn).filter(|(_, cell)| (*cell as usize) < cells - 1) {
            of[session] = Some(cell as u16);
        }
        of
    })
}

/// A packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Packet {
    /// Nanoseconds since the first packet of its session.
    pub at: f64,
    /// Its coarse length.
    pub length: u16,
    /// 1 where the server sends.
    pub direction: u8,
    /// The bin of its TCP flags, if there are any.
    pub flags: u8,
}

impl Walk {
    /// The tables of a model.
    pub fn of(
        model: &Sessions,
        sent: &[f64],
        sizes: &Sizes,
        constant: &Constant,
        times: f64,
        chain: Option<Chain>,
    ) -> Walk {
        let (classes, lagged) = (&model.classes, model.classes.lagged_count());
        let lengths = model.axis(Part::Length).coarse_bins();
        let groups = GAP_GROUPS[0];
        let turns = Noisy::of(model, SessionQuery::Turns).shrunk(8 * groups, None);
        let shares = turns.chunks(8 * groups).map(|own| {
            let of = |direction: usize| -> f64 {
                own.chunks(groups)
                    .enumerate()
                    .filter(|(at, _)| at % 2 == direction)
                    .flat_map(|(_, row)| row)
                    .sum()
            };
            let (a, b) = (of(0), of(1));
            [a / (a + b).max(1e-9), b / (a + b).max(1e-9)].map(|share: f64| share.max(LEAST))
        });
        let shares = shares.collect();
        let mut positions = positions(model, classes, sent, lagged, lengths);
        let mut after = Noisy::of(model, SessionQuery::Lengths).shrunk(4 * lengths * lengths, None);
        without(model, sizes, constant, times, &mut positions, &mut after);
        let (first, follow) = follow(&positions, after, lagged, lengths);
        Walk { lengths, turns, shares, octaves: octaves(model, lagged), first, follow, chain }
    }

    /// Draws the packets of a session of lagged class `class`, within a window of `window` nanoseconds.
    pub fn packets(
        &self,
        class: usize,
        sent: [u32; 2],
        constant: [Option<u16>; 2],
        window: f64,
        to: &mut Vec<Packet>,
        rng: &mut impl Rng,
    ) {
        let from = to.len();
        let mut left = sent.map(f64::from);
        let groups = GAP_GROUPS[0];
        let mut last = Packet::default();
        let mut path = self.chain.as_ref().map(|chain| (chain, chain.start(sent)));
        let (mut scratch, mut weighed) = (Vec::new(), Vec::new());
        for position in 0..(sent[0] + sent[1]) as usize {
            let later = usize::from(position > 1);
            let row = |direction: usize| {
                let row = ((class * 2 + later) * 2 + usize::from(last.direction)) * 2 + direction;
                &self.turns[row * groups..(row + 1) * groups]
            };
            let odds = |direction: usize| {
                let own = match position {
                    0 => self.first
                        [(class * 2 + direction) * self.lengths..(class * 2 + direction + 1) * self.lengths]
                        .iter()
                        .sum(),
                    _ => {
                        row(direction).iter().sum::<f64>() * left[direction]
                            / (left[0] + left[1])
                            / self.shares[class][direction]
                    }
                };
                if left[direction] > 0.0 { f64::max(own, 1e-12) } else { 0.0 }
            };
            let (direction, flags) = match &mut path {
                Some((chain, at)) => chain.next(class, at, &mut scratch, rng),
                None => {
                    let odds = [0, 1].map(odds);
                    let direction = usize::from(rng.random::<f64>() * (odds[0] + odds[1]) >= odds[0]);
                    (if left[direction] > 0.0 { direction } else { 1 - direction }, 0)
                }
            };
            left[direction] -= 1.0;
            let mut packet = Packet { direction: direction as u8, flags: flags as u8, ..last };
            let weights = if position == 0 {
                &self.first[(class * 2 + direction) * self.lengths..][..self.lengths]
            } else {
                let group = pick(row(direction), rng);
                let turns = usize::from(packet.direction != last.direction);
                let octaves = &self.octaves[((class * 2 + turns) * groups + group) * OCTAVES..][..OCTAVES];
                packet.at += (pick(octaves, rng) as f64 + rng.random::<f64>()).exp2() - 1.0;
                let step = 2 * position_class(position as u64)
                    + usize::from(POSITIONS[2..].contains(&(position as u64)) || position == 1);
                let before = usize::from(last.direction);
                let row = (((class * 2 + before) * 2 + direction) * STEPS + step) * self.lengths
                    + usize::from(last.length);
                &self.follow[row * self.lengths..(row + 1) * self.lengths]
            };
            packet.length = constant[direction].unwrap_or_else(|| {
                let Some(chain) = &self.chain else { return pick(weights, rng) as u16 };
                weighed.clear();
                let own = chain.lengths(class, direction, flags);
                weighed.extend(weights.iter().zip(own).map(|(n, likelier)| n * likelier));
                pick(&weighed, rng) as u16
            });
            to.push(packet);
            last = packet;
        }
        // Longer than the window: all gaps shrink by one factor.
        let own = &mut to[from..];
        if last.at > window {
            own.iter_mut().for_each(|packet| packet.at *= window / last.at);
        }
    }
}

/// By lagged class, class of positions, direction: lengths, whose sums match those of all records.
fn positions(model: &Sessions, classes: &Classes, sent: &[f64], lagged: usize, lengths: usize) -> Vec<f64> {
    let mut table = Noisy::of(model, SessionQuery::Positions).shrunk(POSITIONS.len() * 2 * lengths, None);
    let length = model.axis(Part::Length);
    let mut wanted = vec![0.0; lagged * 2 * lengths];
    for (row, own) in sent.chunks(length.fine_bins()).enumerate() {
        let (class, direction) = (classes.lagged[row / 2] as usize, row % 2);
        for (n, &coarse) in own.iter().zip(&length.coarse) {
            wanted[(class * 2 + direction) * lengths + coarse as usize] += n;
        }
    }
    scale_to(&mut wanted, table.iter().sum());
    let rows = row_sums(&table, lengths);
    for _ in 0..10 {
        let mut sums = vec![0.0; wanted.len()];
        let cell = |at: usize| {
            let (class, direction) = (at / (POSITIONS.len() * 2 * lengths), at / lengths % 2);
            (class * 2 + direction) * lengths + at % lengths
        };
        table.iter().enumerate().for_each(|(at, n)| sums[cell(at)] += n);
        for (at, n) in table.iter_mut().enumerate() {
            let sum = sums[cell(at)];
            *n *= if sum > 1e-9 { wanted[cell(at)] / sum } else { 0.0 };
        }
        for (row, &sum) in table.chunks_mut(lengths).zip(&rows) {
            scale_to(row, sum);
        }
    }
    table
}

/// Subtracts the packets of directions with one constant length from lengths by position and from lengths
/// after lengths, down to a kept part.
fn without(
    model: &Sessions,
    sizes: &Sizes,
    constant: &Constant,
    times: f64,
    positions: &mut [f64],
    after: &mut [f64],
) {
    let lengths = model.axis(Part::Length).coarse_bins();
    let (mut placed, mut followed) = (vec![0.0; positions.len()], vec![0.0; after.len()]);
    for (session, &class) in sizes.class.iter().enumerate() {
        let class = model.classes.lagged[class as usize] as usize;
        let sent = [0, 1].map(|direction| f64::from(sizes.sent[direction][session]));
        for direction in 0..2 {
            let Some(length) = constant[direction][session] else { continue };
            // Packets of a direction are spread evenly over those of the session.
            let part = sent[direction] / (sent[0] + sent[1]) / times;
            for (position, &from) in POSITIONS.iter().enumerate() {
                let to = POSITIONS.get(position + 1).map_or(f64::INFINITY, |&to| to as f64);
                let own = (to.min(sent[0] + sent[1]) - from as f64).max(0.0);
                placed[((class * POSITIONS.len() + position) * 2 + direction) * lengths
                    + usize::from(length)] += own * part;
            }
            let cell =
                ((class * 4 + direction * 3) * lengths + usize::from(length)) * lengths + usize::from(length);
            followed[cell] += (sent[direction] - 1.0) * part;
        }
    }
    for (table, taken) in [(positions, placed), (after, followed)] {
        table.iter_mut().zip(taken).for_each(|(n, taken)| *n = (*n - taken).max(KEPT * *n));
    }
}

/// Lengths of first packets, and of following ones, by position.
fn follow(positions: &[f64], mut after: Vec<f64>, lagged: usize, lengths: usize) -> (Vec<f64>, Vec<f64>) {
    let square = lengths * lengths;
    let place = |class: usize, position: usize, direction: usize| {
        let from = ((class * POSITIONS.len() + position) * 2 + direction) * lengths;
        &positions[from..from + lengths]
    };
    let mut follow = vec![0.0; lagged * 4 * STEPS * square];
    let mut first = Vec::with_capacity(lagged * 2 * lengths);
    for class in 0..lagged {
        (0..2).for_each(|direction| first.extend_from_slice(place(class, 0, direction)));
        // Followers in either direction, by length.
        let mut later = vec![vec![0.0; lengths]; 2];
        for (direction, later) in later.iter_mut().enumerate() {
            for position in 1..POSITIONS.len() {
                later.iter_mut().zip(place(class, position, direction)).for_each(|(sum, n)| *sum += n);
            }
            scale_to(later, 1.0);
        }
        for turn in 0..4 {
            let (before, direction) = (turn / 2, turn % 2);
            let own = &mut after[(class * 4 + turn) * square..(class * 4 + turn + 1) * square];
            let total: f64 = own.iter().sum::<f64>().max(1e-9);
            for (cell, n) in own.iter_mut().enumerate() {
                *n += 1e-3 * total * later[before][cell / lengths] * later[direction][cell % lengths];
            }
            let (rows, columns) = (row_sums(own, lengths), column_sums(own, lengths));
            let sum: f64 = own.iter().sum::<f64>().max(1e-9);
            let lift: Vec<f64> = own
                .iter()
                .enumerate()
                .map(|(cell, n)| n * sum / (rows[cell / lengths] * columns[cell % lengths]).max(1e-9))
                .map(|lift| lift.max(1e-3))
                .collect();
            for position in 1..POSITIONS.len() {
                for step in 0..2 {
                    let mut from = place(class, position - step, before).to_vec();
                    let mut onto = place(class, position, direction).to_vec();
                    scale_to(&mut from, 1.0);
                    scale_to(&mut onto, 1.0);
                    let at = ((class * 4 + turn) * STEPS + 2 * position + step) * square;
                    let table = &mut follow[at..at + square];
                    for (cell, n) in table.iter_mut().enumerate() {
                        *n = (from[cell / lengths] * onto[cell % lengths] + 1e-9) * lift[cell];
                    }
                    rake(table, &from, &onto, 8);
                    // A length that never preceded another is followed as by the average.
                    for row in table.chunks_mut(lengths) {
                        if row.iter().sum::<f64>() <= 0.0 {
                            row.copy_from_slice(&onto);
                        }
                    }
                }
            }
        }
    }
    (first, follow)
}

/// By lagged class, whether the direction changes, and group of gaps: weights of octaves.
fn octaves(model: &Sessions, lagged: usize) -> Vec<f64> {
    let finer = Noisy::of(model, SessionQuery::Gaps).shrunk(2 * GAP_GROUPS[1], None);
    let noisy = Noisy::of(model, SessionQuery::Octaves);
    let mut all = noisy.counts.clone();
    for half in all.chunks_mut(OCTAVES) {
        half[..model.range[0]].fill(0.0);
        half[model.range[1] + 1..].fill(0.0);
        let sum: f64 = half.iter().sum::<f64>().max(1.0);
        netdpsyn_model::domain::simplex::norm_sub_to(half, sum);
        half[..model.range[0]].fill(0.0);
        half[model.range[1] + 1..].fill(0.0);
    }
    let groups = GAP_GROUPS[0];
    let mut weights = vec![0.0; lagged * 2 * groups * OCTAVES];
    for class in 0..lagged {
        for turns in 0..2 {
            let own = &all[turns * OCTAVES..(turns + 1) * OCTAVES];
            let mut of_group = vec![0.0; GAP_GROUPS[1]];
            own.iter().zip(&model.gaps[1]).for_each(|(n, &group)| of_group[group as usize] += n);
            for octave in 0..OCTAVES {
                let (group, fine) = (model.gaps[0][octave] as usize, model.gaps[1][octave] as usize);
                let within = own[octave] / of_group[fine].max(1e-9);
                let row = (class * 2 + turns) * groups + group;
                weights[row * OCTAVES + octave] = finer[(class * 2 + turns) * GAP_GROUPS[1] + fine] * within;
            }
            for group in 0..groups {
                let row = &mut weights[((class * 2 + turns) * groups + group) * OCTAVES..][..OCTAVES];
                if row.iter().sum::<f64>() <= 0.0 {
                    let inside = |o: usize| {
                        model.gaps[0][o] as usize == group && (model.range[0]..=model.range[1]).contains(&o)
                    };
                    (0..OCTAVES).for_each(|o| row[o] = f64::from(u8::from(inside(o))));
                }
                if row.iter().sum::<f64>() <= 0.0 {
                    row[model.range[0]] = 1.0;
                }
            }
        }
    }
    weights
}

/// The packets of all sessions, and the start of each session.
pub struct Walked {
    /// Session by session.
    pub packets: Vec<Packet>,
    /// The start of each session, and the end of the last one.
    pub starts: Vec<usize>,
}

impl Walked {
    /// Packets of one session.
    pub fn of(&self, session: usize) -> &[Packet] {
        &self.packets[self.starts[session]..self.starts[session + 1]]
    }

    /// The duration of a session, and the mean of its packets' times.
    pub fn extent(&self, session: usize) -> (f64, f64) {
        let own = self.of(session);
        let mean = own.iter().map(|packet| packet.at).sum::<f64>() / own.len().max(1) as f64;
        (own.last().map_or(0.0, |packet| packet.at), mean)
    }
}

/// The start of each session in the list of packets.
pub fn starts(sizes: &Sizes) -> Vec<usize> {
    let mut starts = vec![0];
    for session in 0..sizes.len() {
        starts.push(starts[session] + sizes.packets(session));
    }
    starts
}
