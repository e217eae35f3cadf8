//! Records from the packets of sessions: values of every column.

use super::hosts::Leaves;
use super::place::SLOTS;
use super::sizes::Sizes;
use super::tables::{Noisy, pick, scale_to};
use super::{Made, VALUES};
use crate::restore::Picker;
use crate::stream;
use netdpsyn_model::Model;
use netdpsyn_model::sessions::{Part, SessionQuery, Sessions};
use netdpsyn_trace::progress::{Cancelled, Step};
use netdpsyn_trace::sessions::{ECHOES, Sessions as View};
use netdpsyn_trace::{Column, Facts, Field, Values, protocols};
use rand::{Rng, RngExt};
use std::ops::Range;

/// Ports of every session: that of the service, and the client's, which is not the lower.
pub fn ports(
    model: &Model,
    sessions: &Sessions,
    sizes: &Sizes,
    codes: &[Vec<u32>],
    rng: &mut impl Rng,
) -> [Vec<u64>; 2] {
    let [service, high] = [Part::Service, Part::High].map(|part| Leaves::of(sessions.axis(part)));
    let drawn = [service.draw(&codes[2], rng), high.draw(&codes[3], rng)];
    let with_ports = with_ports(model, sessions);
    let (mut services, mut highs) = (Vec::with_capacity(sizes.len()), Vec::with_capacity(sizes.len()));
    for session in 0..sizes.len() {
        let mut own = service.value(drawn[0][session], rng);
        let mut other = high.value(drawn[1][session], rng);
        if !with_ports[sessions.classes.protocols[sizes.class[session] as usize] as usize] {
            (own, other) = (0, 0);
        }
        // A fragment has no port on either side.
        if own == 0 {
            other = 0;
        }
        if other < own {
            other = high.value_from(own, rng).unwrap_or(own);
        }
        services.push(own);
        highs.push(other);
    }
    [services, highs]
}

/// By bin of the protocol, whether all its numbers have ports.
fn with_ports(model: &Model, sessions: &Sessions) -> Vec<bool> {
    let cut = &model.attributes[sessions.protocol].partition;
    let drawn = |intervals: Vec<(Range<u64>, f64)>| {
        let mut numbers =
            intervals.into_iter().filter(|(_, weight)| *weight > 0.0).flat_map(|(numbers, _)| numbers);
        numbers.all(protocols::has_ports)
    };
    cut.intervals().into_iter().map(drawn).collect()
}

/// The probability that a packet has the exact length of the previous one, given equal direction and coarse
/// length in a direction without one constant length: by lagged class and coarse length. A generated packet
/// represents `scale` measured ones.
fn repeats(made: &Made<'_>, scale: f64) -> Vec<f64> {
    let sessions = made.model;
    let lengths = sessions.axis(Part::Length).coarse_bins();
    let mut table = Noisy::of(sessions, SessionQuery::Repeats).shrunk(2 * lengths, None);
    let mut alike = vec![0.0; table.len()];
    for session in 0..made.sizes.len() {
        let class = sessions.classes.lagged[made.sizes.class[session] as usize] as usize;
        for direction in 0..2 {
            if let Some(length) = made.constant[direction][session] {
                let sent = f64::from(made.sizes.sent[direction][session]);
                let part = sent / made.sizes.packets(session) as f64;
                alike[(class * lengths + usize::from(length)) * 2 + 1] += (sent - 1.0) * part * scale;
            }
        }
    }
    table.iter_mut().zip(alike).for_each(|(n, alike)| *n = (*n - alike).max(0.05 * *n));
    table.chunks(2).map(|both| both[1] / (both[0] + both[1]).max(1e-9)).collect()
}

/// Weights of joint cells by class and direction, and the columns with their pickers and bins.
type Manner = (Vec<f64>, Vec<(usize, Picker, usize)>);

/// Converts sessions to records.
pub struct Writer<'a> {
    model: &'a Model,
    made: &'a Made<'a>,
    view: View,
    facts: Facts,
    protocol: Picker,
    length: Picker,
    ttl: Leaves,
    /// The column of flags, with the picker of its bins.
    flags: Option<(usize, Picker)>,
    /// Fine bins of each coarse length, by class and direction.
    lengths: Vec<f64>,
    /// The probability that a packet repeats the exact length of the previous one, by lagged class and coarse
    /// length.
    repeats: Vec<f64>,
    /// By group: weights by class and direction, with the attributes' pickers and bins.
    manners: Vec<Manner>,
    /// By direction, weights of echoes.
    echoes: Vec<f64>,
    /// Unmodelled columns, with the range of their values.
    unmodelled: Vec<(usize, Range<u64>)>,
    seed: u64,
    start: u64,
    /// Nanoseconds of which all times are multiples.
    grain: u64,
}

impl<'a> Writer<'a> {
    /// A writer of these sessions; `None` where the schema has none.
    pub fn new(model: &'a Model, made: &'a Made<'a>, seed: u64) -> Option<Writer<'a>> {
        let sessions = made.model;
        let view = View::of(&model.schema).ok()?;
        let group = |(number, group): (u32, &Vec<usize>)| {
            let own: Vec<(usize, Picker, usize)> = group
                .iter()
                .map(|&a| &model.attributes[a])
                .map(|a| (a.column, Picker::new(&a.partition), a.bins()))
                .collect();
            let cells = own.iter().map(|(.., bins)| bins).product();
            (Noisy::of(sessions, SessionQuery::Manner(number)).shrunk(cells, None), own)
        };
        let mut echoes = Noisy::of(sessions, SessionQuery::Echoes);
        let standing = echoes.sigma * 4.0;
        echoes.counts.iter_mut().for_each(|n| *n = if *n > standing { *n } else { 0.0 });
        let unmodelled = model.schema.columns.iter().enumerate();
        let unmodelled = unmodelled.filter(|(_, c)| !c.modelled && c.field != Field::IpChecksum);
        Some(Writer {
            facts: Facts::of(&model.schema),
            protocol: Picker::new(&model.attributes[sessions.protocol].partition),
            length: Picker::new(&sessions.axis(Part::Length).partition),
            ttl: Leaves::of(sessions.axis(Part::Ttl)),
            flags: sessions
                .flags
                .map(|flags| &model.attributes[flags])
                .map(|flags| (flags.column, Picker::new(&flags.partition))),
            lengths: Noisy::of(sessions, SessionQuery::Sent)
                .shrunk(sessions.axis(Part::Length).fine_bins(), None),
            repeats: repeats(made, model.records / made.walked.packets.len().max(1) as f64),
            manners: (0u32..).zip(&sessions.manners).map(group).collect(),
            echoes: echoes.counts,
            unmodelled: unmodelled
                .filter_map(|(column, c)| Some((column, c.ordinary(model.schema.window)?)))
                .collect(),
            start: super::window(&model.schema).0,
            grain: model.schema.grain().map_or(1, |(_, grain)| grain.nanoseconds()),
            view,
            model,
            made,
            seed,
        })
    }

    /// Divides sessions into pieces of about `packets` packets.
    pub fn pieces(&self, packets: usize) -> Vec<Range<usize>> {
        let starts = &self.made.walked.starts;
        let mut pieces = Vec::new();
        let mut from = 0;
        while from + 1 < starts.len() {
            let to = starts.partition_point(|&start| start <= starts[from] + packets);
            let to = (to - 1).max(from + 1);
            pieces.push(from..to);
            from = to;
        }
        pieces
    }

    /// The records of some sessions, by column.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn write(&self, piece: usize, sessions: Range<usize>, step: &Step) -> Result<Vec<Values>, Cancelled> {
        let rng = &mut stream(self.seed, VALUES + piece);
        let starts = &self.made.walked.starts;
        let rows = starts[sessions.end] - starts[sessions.start];
        let empty = |column: &Column| Values::with_capacity(column.storage_max(), rows);
        let mut columns: Vec<Values> = self.model.schema.columns.iter().map(empty).collect();
        let mut records = [vec![0; self.view.echo + 1], vec![0; self.view.echo + 1]];
        let weights = self.length_weights();
        let mut last: Vec<Option<u64>> = vec![None; 2 * weights.1];
        for session in sessions {
            if session % 256 == 0 {
                step()?;
            }
            self.common(session, &mut records, rng);
            last.fill(None);
            for packet in self.made.walked.of(session) {
                let mut record = records[usize::from(packet.direction)].clone();
                let time = self.start + (self.made.begins[session] + packet.at) as u64;
                record[self.view.time] = time / self.grain * self.grain;
                let class = self.made.sizes.class[session] as usize;
                let row =
                    (class * 2 + usize::from(packet.direction)) * weights.1 + usize::from(packet.length);
                let bin = pick(&weights.0[row], rng);
                let (first, _) = weights.2[usize::from(packet.length)];
                if let Some(length) = self.view.length {
                    let lagged = self.made.model.classes.lagged[class] as usize;
                    let again = self.repeats[lagged * weights.1 + usize::from(packet.length)];
                    let last =
                        &mut last[usize::from(packet.direction) * weights.1 + usize::from(packet.length)];
                    let alike = self.made.constant[usize::from(packet.direction)][session].is_some();
                    let before = last.filter(|_| alike || rng.random::<f64>() < again);
                    record[length] = before.unwrap_or_else(|| self.length.draw((first + bin) as u32, rng));
                    *last = Some(record[length]);
                }
                if let Some((column, picker)) = &self.flags {
                    record[*column] = picker.draw(u32::from(packet.flags), rng);
                }
                for (column, space) in &self.unmodelled {
                    record[*column] = rng.random_range(space.clone());
                }
                self.view.back(&mut record);
                record.truncate(columns.len());
                for (column, bounds) in self.facts.bounds(&record) {
                    if !bounds.contains(&record[column]) {
                        record[column] = match Some(column) == self.view.length {
                            true => self.length.draw_within((first + bin) as u32, bounds, rng),
                            false => record[column].clamp(*bounds.start(), *bounds.end()),
                        };
                    }
                }
                self.facts.finish(&mut record);
                columns.iter_mut().zip(&record).for_each(|(column, &value)| column.push(value));
            }
        }
        Ok(columns)
    }

    /// By class, direction and coarse length: weights of its fine bins; with the number of coarse lengths,
    /// and the fine bins of each.
    fn length_weights(&self) -> (Vec<Vec<f64>>, usize, Vec<(usize, usize)>) {
        let axis = self.made.model.axis(Part::Length);
        let coarse = axis.coarse_bins();
        let ranges: Vec<(usize, usize)> = (0..coarse as u32)
            .map(|bin| {
                (axis.coarse.partition_point(|&c| c < bin), axis.coarse.partition_point(|&c| c <= bin))
            })
            .collect();
        let rows = self.lengths.chunks(axis.fine_bins());
        let weights = rows.flat_map(|row| {
            ranges
                .iter()
                .map(|&(from, to)| row[from..to].iter().map(|n| n + 1e-9).collect::<Vec<f64>>())
                .collect::<Vec<_>>()
        });
        (weights.collect(), coarse, ranges)
    }

    /// The common values of the packets of a session, by direction.
    fn common(&self, session: usize, records: &mut [Vec<u64>; 2], rng: &mut impl Rng) {
        let (made, view) = (self.made, &self.view);
        let class = made.sizes.class[session] as usize;
        let protocol = self.protocol.draw(made.model.classes.protocols[class], rng);
        for (direction, record) in records.iter_mut().enumerate() {
            record[view.client] = made.addresses[0][session];
            record[view.server] = made.addresses[1][session];
            record[view.service] = made.ports[0][session];
            record[view.high] = made.ports[1][session];
            record[view.protocol] = protocol;
            record[view.direction] = direction as u64;
            if let Some(ttl) = view.ttl {
                let code = made.codes[SLOTS - 2 + direction][session];
                record[ttl] = self.ttl_value(code, rng);
            }
            for (weights, group) in &self.manners {
                let cells: usize = group.iter().map(|(.., bins)| bins).product();
                let row = (class * 2 + direction) * cells;
                let mut cell = pick(&weights[row..row + cells], rng);
                for (column, picker, bins) in group.iter().rev() {
                    record[*column] = picker.draw((cell % bins) as u32, rng);
                    cell /= bins;
                }
            }
        }
        self.echo(protocol, records, rng);
    }

    /// Restores echoes in the ports of ICMP: the answer to a request is a reply.
    fn echo(&self, protocol: u64, records: &mut [Vec<u64>; 2], rng: &mut impl Rng) {
        records.iter_mut().for_each(|record| record[self.view.echo] = 0);
        if protocol != protocols::ICMP || self.echoes.iter().skip(1).sum::<f64>() <= 0.0 {
            return;
        }
        let kinds = ECHOES as usize;
        let of = |direction: usize| &self.echoes[direction * kinds..(direction + 1) * kinds];
        if of(0).iter().chain(of(1)).all(|n| *n <= 0.0) {
            return;
        }
        let asks = usize::from(rng.random::<f64>() * (of(0)[1] + of(1)[1]) >= of(0)[1]);
        let replies = [of(0)[0] + of(1)[0], of(0)[2] + of(1)[2]];
        records[asks][self.view.echo] = u64::from(of(0)[1] + of(1)[1] > 0.0);
        records[1 - asks][self.view.echo] = if pick(&replies, rng) == 1 { 2 } else { 0 };
    }

    /// A time to live of a coarse bin.
    fn ttl_value(&self, code: u32, rng: &mut impl Rng) -> u64 {
        let axis = self.made.model.axis(Part::Ttl);
        let inside = |(&coarse, &n): (&u32, &i64)| if coarse == code { n.max(0) as f64 + 1e-9 } else { 0.0 };
        let mut weights: Vec<f64> = axis.coarse.iter().zip(&axis.counts).map(inside).collect();
        scale_to(&mut weights, 1.0);
        let fine = pick(&weights, rng) as u32;
        let leaf = self.ttl.draw(&[fine], rng)[0];
        self.ttl.value(leaf, rng)
    }
}
