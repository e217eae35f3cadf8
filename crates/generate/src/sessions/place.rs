//! A search that exchanges clients, servers, ports, times and times to live between whole sessions until
//! record and session tables are met.
//!
//! The packets of a session share these values, so the weight of a single record cannot be changed. A move
//! exchanges one value between two sessions, or copies it from one to the other; it is kept where the tables
//! are met better. Tables are met up to their noise: the misfit of a cell is √((n − target)² + (2σ)²), so
//! that cells of mere noise have little effect. Sessions of many packets are moved more often and first: they
//! dominate joint tables.

use super::sizes::Sizes;
use super::tables::{Noisy, draw, scale_to};
use super::walk::Walked;
use netdpsyn_model::sessions::{Part, SessionQuery, Sessions};
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::{Rng, RngExt};

/// Number of slots, the values that the packets of a session share: parts, and times to live of both
/// directions.
pub const SLOTS: usize = 7;
const TTL: usize = 5;
/// The part of each slot.
const PARTS: [Part; SLOTS] =
    [Part::Client, Part::Server, Part::Service, Part::High, Part::Time, Part::Ttl, Part::Ttl];
/// Denotes the class in place of a slot of a table.
const CLASS: usize = SLOTS;

/// Number of rounds, and how often a round moves large sessions before all.
const ROUNDS: usize = 20;
const LARGE: usize = 6;
/// One in this many sessions is large.
const LARGE_PART: usize = 10;
const LEAST_LARGE: usize = 50;
/// Largest number of moves in all rounds together: large traces get fewer rounds.
const TRIES: usize = 12_000_000;
/// Tolerance of single parts, in records and in sessions: they are met closely.
const CLOSE: [f64; 2] = [20.0, 15.0];
/// Number of values that large sessions may take from all records.
const VALUES: usize = 4_096;

/// A cell of a table.
#[derive(Clone, Copy)]
struct Cell {
    now: f64,
    target: f64,
    /// (2σ)².
    noise: f64,
    weight: f64,
}

impl Cell {
    /// Adds to the count; returns the increase of the misfit.
    fn add(&mut self, n: f64) -> f64 {
        let misfit = |now: f64| ((now - self.target).powi(2) + self.noise).sqrt();
        let grown = misfit(self.now + n) - misfit(self.now);
        self.now += n;
        self.weight * grown
    }
}

/// A table over two slots (or a slot and the class), both coarse.
struct Joint {
    a: usize,
    b: usize,
    width: usize,
    from: usize,
    /// Whether it counts records, by direction, or sessions.
    records: bool,
    /// Number of cells of one direction.
    size: usize,
}

/// The sessions, and the tables that they are to meet.
pub struct Places<'a> {
    sizes: &'a Sizes,
    /// By slot and session: a fine code, coarse for times to live.
    pub codes: Vec<Vec<u32>>,
    /// Fine to coarse, by slot.
    coarse: Vec<Vec<u32>>,
    joints: Vec<Joint>,
    /// The tables of each slot, as indices of `joints`.
    of_slot: Vec<Vec<usize>>,
    /// By slot, the first cell of its table with lengths.
    with_length: Vec<usize>,
    /// By slot, tables of fine codes over records and over sessions.
    alone: Vec<[Option<usize>; 2]>,
    lengths: usize,
    /// Lengths of each session: direction, length, packets.
    sent: Vec<(u8, u16, f64)>,
    sent_starts: Vec<usize>,
    cells: Vec<Cell>,
    classes: Vec<Vec<u32>>,
    values: Vec<Vec<u32>>,
}

/// Target tables over sessions, besides those over records.
pub struct Wanted<'a> {
    /// class × server, class × client, server × client, class × start; coarse.
    pub coarse: [&'a [f64]; 4],
    /// Sessions by fine client, server, service and high port.
    pub fine: [&'a [f64]; 4],
}

impl<'a> Places<'a> {
    /// Sessions with these codes.
    pub fn new(
        model: &Sessions,
        sizes: &'a Sizes,
        walked: &Walked,
        codes: Vec<Vec<u32>>,
        wanted: &Wanted<'_>,
        rng: &mut impl Rng,
    ) -> Places<'a> {
        let coarse: Vec<Vec<u32>> = (0..SLOTS)
            .map(|slot| match slot {
                TTL.. => (0..model.axis(Part::Ttl).coarse_bins() as u32).collect(),
                _ => model.axis(PARTS[slot]).coarse.clone(),
            })
            .collect();
        let lengths = model.axis(Part::Length).coarse_bins();
        let mut places = Places {
            sizes,
            codes,
            coarse,
            joints: Vec::new(),
            of_slot: vec![Vec::new(); SLOTS],
            with_length: vec![0; SLOTS],
            alone: vec![[None, None]; SLOTS],
            lengths,
            sent: Vec::new(),
            sent_starts: vec![0],
            cells: Vec::new(),
            classes: vec![Vec::new(); model.classes.count()],
            values: Vec::new(),
        };
        (0u32..).zip(&sizes.class).for_each(|(at, &class)| places.classes[class as usize].push(at));
        places.gather_lengths(walked);
        places.tables(model, walked.packets.len() as f64, wanted);
        places.fill();
        for part in &PARTS[..TTL] {
            let records: Vec<f64> = model.axis(*part).counts.iter().map(|&n| n.max(0) as f64).collect();
            places.values.push(draw(&records, VALUES, rng));
        }
        places
    }

    fn gather_lengths(&mut self, walked: &Walked) {
        let mut counts = vec![0u32; 2 * self.lengths];
        for session in 0..self.sizes.len() {
            let cell = |packet: &super::walk::Packet| {
                usize::from(packet.direction) * self.lengths + usize::from(packet.length)
            };
            walked.of(session).iter().for_each(|packet| counts[cell(packet)] += 1);
            for packet in walked.of(session) {
                let count = std::mem::take(&mut counts[cell(packet)]);
                if count > 0 {
                    self.sent.push((packet.direction, packet.length, f64::from(count)));
                }
            }
            self.sent_starts.push(self.sent.len());
        }
    }

    /// Adds a table; returns its first cell.
    fn add(&mut self, target: impl IntoIterator<Item = f64>, sigma: f64, weight: f64) -> usize {
        let from = self.cells.len();
        let noise = 4.0 * sigma * sigma;
        self.cells.extend(target.into_iter().map(|target| Cell { now: 0.0, target, noise, weight }));
        from
    }

    fn join(&mut self, a: usize, b: usize, size: usize, width: usize, from: usize, records: bool) {
        let at = self.joints.len();
        self.joints.push(Joint { a, b, width, from, records, size });
        self.of_slot[a].push(at);
        if b < SLOTS {
            self.of_slot[b].push(at);
        }
        if records && b == TTL {
            // The other direction's time to live is in the same table.
            self.of_slot[TTL + 1].push(at);
        }
    }

    fn tables(&mut self, model: &Sessions, rows: f64, wanted: &Wanted<'_>) {
        let slot = |part: Part| PARTS.iter().position(|&p| p == part);
        for (a, b) in Part::pairs() {
            let noisy = Noisy::of(model, SessionQuery::Joint(a, b));
            // A pair that was not measured has no weight.
            let weight = f64::from(u8::from(model.look(SessionQuery::Joint(a, b)).is_some()));
            let target = joint_target(model, &noisy, a, b, rows);
            let (n, m) = (model.axis(a).coarse_bins(), model.axis(b).coarse_bins());
            match (slot(a), slot(b)) {
                (Some(a), Some(b)) => {
                    let from = self.add(target, noisy.sigma, weight);
                    self.join(a, b, n * m, m, from, true);
                }
                (Some(a), None) => self.with_length[a] = self.add(target, noisy.sigma, weight),
                (None, Some(b)) => {
                    // Lengths first: the transpose.
                    let turned = (0..2 * n * m).map(|cell| {
                        let (direction, code, length) = (cell / (n * m), cell / n % m, cell % n);
                        target[(direction * n + length) * m + code]
                    });
                    let from = self.add(turned.collect::<Vec<f64>>(), noisy.sigma, weight);
                    (self.with_length[b], self.with_length[b + 1]) = (from, from);
                }
                (None, None) => {}
            }
        }
        let sessions = self.sizes.len() as f64;
        // A session weighs half of what its packets do on average.
        let weight = 0.5 * rows / sessions.max(1.0);
        let classes = model.classes.count();
        let clients = model.axis(Part::Client).coarse_bins();
        for ((a, b, width), target) in
            [(1, CLASS, classes), (0, CLASS, classes), (1, 0, clients), (4, CLASS, classes)]
                .into_iter()
                .zip(wanted.coarse)
        {
            let mut target = match b {
                CLASS => {
                    let codes = target.len() / classes;
                    (0..target.len()).map(|cell| target[cell % classes * codes + cell / classes]).collect()
                }
                _ => target.to_vec(),
            };
            scale_to(&mut target, sessions);
            let from = self.add(target, CLOSE[1], weight);
            self.join(a, b, 0, width, from, false);
        }
        for (slot, part) in PARTS[..TTL].iter().enumerate() {
            let records = model.axis(*part).counts.iter().map(|&n| n.max(0) as f64);
            let mut target: Vec<f64> = records.collect();
            scale_to(&mut target, rows);
            self.alone[slot][0] = Some(self.add(target, CLOSE[0], 2.0));
        }
        for (slot, fine) in wanted.fine.into_iter().enumerate() {
            let mut target: Vec<f64> = fine.iter().map(|n| n.max(0.0)).collect();
            scale_to(&mut target, sessions);
            self.alone[slot][1] = Some(self.add(target, CLOSE[1], weight));
        }
    }

    fn packets(&self, slot: usize, session: usize) -> f64 {
        match slot {
            TTL => f64::from(self.sizes.sent[0][session]),
            slot if slot == TTL + 1 => f64::from(self.sizes.sent[1][session]),
            _ => self.sizes.packets(session) as f64,
        }
    }

    /// The coarse code of a slot, or the class.
    fn code(&self, slot: usize, session: usize) -> usize {
        match slot {
            CLASS => self.sizes.class[session] as usize,
            slot => self.coarse[slot][self.codes[slot][session] as usize] as usize,
        }
    }

    /// Counts all sessions.
    fn fill(&mut self) {
        for session in 0..self.sizes.len() {
            for at in 0..self.joints.len() {
                let Joint { a, b, width, from, records, size } = self.joints[at];
                if !records {
                    let cell = from + self.code(a, session) * width + self.code(b, session);
                    self.cells[cell].now += 1.0;
                    continue;
                }
                for direction in 0..2 {
                    let of = |slot: usize| if slot == TTL { TTL + direction } else { slot };
                    let cell = from
                        + direction * size
                        + self.code(of(a), session) * width
                        + self.code(of(b), session);
                    self.cells[cell].now += f64::from(self.sizes.sent[direction][session]);
                }
            }
            for slot in 0..SLOTS {
                let code = self.codes[slot][session] as usize;
                for (kind, count) in [(0, self.sizes.packets(session) as f64), (1, 1.0)] {
                    if let Some(from) = self.alone[slot][kind] {
                        self.cells[from + code].now += count;
                    }
                }
                let rows = self.coarse[slot].last().map_or(1, |&last| last as usize + 1);
                for at in self.sent_starts[session]..self.sent_starts[session + 1] {
                    let (direction, length, count) = self.sent[at];
                    if slot < TTL || slot == TTL + usize::from(direction) {
                        let row = usize::from(direction) * rows + self.code(slot, session);
                        self.cells[self.with_length[slot] + row * self.lengths + usize::from(length)].now +=
                            count;
                    }
                }
            }
        }
    }

    /// Changes a code of a session; returns the increase of the misfit.
    fn set(&mut self, session: usize, slot: usize, code: u32) -> f64 {
        let old = self.codes[slot][session];
        if old == code {
            return 0.0;
        }
        let (before, after) =
            (self.coarse[slot][old as usize] as usize, self.coarse[slot][code as usize] as usize);
        let mut grown = 0.0;
        if before != after {
            let base = slot.min(TTL);
            for index in 0..self.of_slot[slot].len() {
                let Joint { a, b, width, from, records, size } = self.joints[self.of_slot[slot][index]];
                let first = a == base;
                let other = if first { b } else { a };
                let directions = if records { 0..2 } else { 0..1 };
                for direction in directions {
                    let count = if records { f64::from(self.sizes.sent[direction][session]) } else { 1.0 };
                    if count == 0.0 || records && slot >= TTL && slot != TTL + direction {
                        continue;
                    }
                    let beside = self.code(if other == TTL { TTL + direction } else { other }, session);
                    let cell = |own: usize| {
                        let (a, b) = if first { (own, beside) } else { (beside, own) };
                        from + direction * size + a * width + b
                    };
                    grown += self.cells[cell(before)].add(-count) + self.cells[cell(after)].add(count);
                }
            }
            let rows = self.coarse[slot].last().map_or(1, |&last| last as usize + 1);
            for at in self.sent_starts[session]..self.sent_starts[session + 1] {
                let (direction, length, count) = self.sent[at];
                if slot < TTL || slot == TTL + usize::from(direction) {
                    let cell = |own: usize| {
                        self.with_length[slot]
                            + (usize::from(direction) * rows + own) * self.lengths
                            + usize::from(length)
                    };
                    let (lost, won) = (cell(before), cell(after));
                    grown += self.cells[lost].add(-count) + self.cells[won].add(count);
                }
            }
        }
        for (kind, count) in [(0, self.packets(slot, session)), (1, 1.0)] {
            if let Some(from) = self.alone[slot][kind] {
                grown += self.cells[from + old as usize].add(-count);
                grown += self.cells[from + code as usize].add(count);
            }
        }
        self.codes[slot][session] = code;
        grown
    }

    /// Tries to move every slot of a session once.
    fn attempt(&mut self, session: usize, large: bool, rng: &mut impl Rng) {
        for (slot, part) in PARTS.into_iter().enumerate() {
            if self.packets(slot, session) == 0.0 {
                continue;
            }
            // Service ports remain in their class.
            let class = &self.classes[self.sizes.class[session] as usize];
            let other = match part == Part::Service || rng.random_bool(0.5) {
                true => class[rng.random_range(0..class.len())] as usize,
                false => rng.random_range(0..self.sizes.len()),
            };
            let mut swap = rng.random_bool(0.7);
            let (own, mut code) = (self.codes[slot][session], self.codes[slot][other]);
            if large && slot < TTL && part != Part::Service && rng.random_bool(0.4) {
                code = self.values[slot][rng.random_range(0..VALUES)];
                swap = false;
            }
            if own == code {
                continue;
            }
            let mut grown = self.set(session, slot, code);
            if swap {
                grown += self.set(other, slot, own);
            }
            if grown > 0.0 {
                if swap {
                    self.set(other, slot, code);
                }
                self.set(session, slot, own);
            }
        }
    }

    /// Runs the whole search.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn search(&mut self, rng: &mut impl Rng, step: &Step) -> Result<(), Cancelled> {
        let sessions = self.sizes.len();
        let mut order: Vec<usize> = (0..sessions).collect();
        order.sort_by_key(|&session| std::cmp::Reverse(self.sizes.packets(session)));
        let large = (sessions / LARGE_PART).max(LEAST_LARGE).min(sessions);
        let a_round = (sessions + LARGE * large) * SLOTS;
        let rounds = (TRIES / a_round.max(1)).clamp(3, ROUNDS);
        for _ in 0..rounds {
            for _ in 0..LARGE {
                for (at, &session) in order[..large].iter().enumerate() {
                    if at % 1_024 == 0 {
                        step()?;
                    }
                    self.attempt(session, true, rng);
                }
            }
            for (at, &session) in order.iter().enumerate() {
                if at % 1_024 == 0 {
                    step()?;
                }
                self.attempt(session, false, rng);
            }
        }
        Ok(())
    }

    /// Mean misfit of records: the absolute difference, relative to all records of all joint tables.
    pub fn error(&self) -> f64 {
        let (mut off, mut all) = (0.0, 0.0);
        let asked = |joint: &&Joint| joint.records && self.cells[joint.from].weight > 0.0;
        for joint in self.joints.iter().filter(asked) {
            for cell in &self.cells[joint.from..joint.from + 2 * joint.size] {
                off += (cell.now - cell.target).abs();
                all += cell.target;
            }
        }
        off / f64::max(all, 1.0)
    }
}

/// A joint table of records, shrunk towards independence given the direction, scaled to `rows` records.
fn joint_target(model: &Sessions, noisy: &Noisy, a: Part, b: Part, rows: f64) -> Vec<f64> {
    let share = |part: Part| {
        let axis = model.axis(part);
        let mut sums = vec![0.0; axis.coarse_bins()];
        axis.counts.iter().zip(&axis.coarse).for_each(|(&n, &bin)| sums[bin as usize] += n.max(0) as f64);
        scale_to(&mut sums, 1.0);
        sums
    };
    let (first, second) = (share(a), share(b));
    let half = noisy.counts.len() / 2;
    let directions: Vec<f64> =
        noisy.counts.chunks(half.max(1)).map(|d| d.iter().sum::<f64>().max(1.0)).collect();
    let all: f64 = directions.iter().sum();
    let expected: Vec<f64> = directions
        .iter()
        .flat_map(|d| first.iter().flat_map(|p| second.iter().map(move |q| d * p * q)).collect::<Vec<f64>>())
        .collect();
    let mut table =
        netdpsyn_model::layers::bayes::shrink(&noisy.counts, &expected, noisy.sigma, super::tables::STANDS);
    netdpsyn_model::domain::simplex::norm_sub_to(&mut table, all);
    scale_to(&mut table, rows);
    table
}
