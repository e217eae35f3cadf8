//! Brute-force tests of the sensitivity of every query on sessions: on random small traces and one record
//! more, each bound is reached and never exceeded.

use super::data::{Cuts, Data};
use super::group::Order;
use super::{classes, sensitivity};
use netdpsyn_model::domain::{Attribute, Partition};
use netdpsyn_model::sessions::{Axis, Classes, Part, SessionQuery, Sessions};
use netdpsyn_privacy::{MaxRecords, NoiseScale, Rho, Sensitivity};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::sessions::Sessions as View;
use netdpsyn_trace::{Trace, presets};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use std::collections::BTreeMap;

/// Number of traces tried.
const TRACES: usize = 6_000;

/// Bins that begin at these values; two bins form a coarse one.
fn axis(starts: &[u64], end: u64) -> Axis {
    let coarse: Vec<u32> = (0..starts.len() as u32).map(|bin| bin / 2).collect();
    Axis {
        partition: Partition::from_starts(starts.to_vec(), end),
        counts: vec![1; coarse.len()],
        coarse,
        scale: NoiseScale::for_cost(Sensitivity::histogram(MaxRecords::ONE), Rho::from_units(1 << 40)).ok(),
    }
}

/// The queries over small domains.
struct Small {
    view: View,
    sessions: Sessions,
    attributes: Vec<Attribute>,
}

impl Small {
    fn new() -> Small {
        let schema = presets::preset("packet-flags").unwrap();
        let view = View::of(&schema).unwrap();
        let attribute = |column: usize, starts: &[u64], end| Attribute {
            column,
            name: schema.columns[column].name.clone(),
            partition: Partition::from_starts(starts.to_vec(), end),
        };
        let attributes = vec![
            attribute(view.protocol, &[0, 6, 7], 257),
            attribute(11, &[0, 1], 8),
            attribute(view.flags.unwrap(), &[0, 1, 2], 13),
        ];
        let axes = vec![
            axis(&[0, 1, 2], 1 << 32),
            axis(&[0, 1, 2], 1 << 32),
            axis(&[0, 1, 80], 1 << 16),
            axis(&[0, 100], 1 << 16),
            axis(&[0, 10, 20, 30], 1_000),
            axis(&[0, 50, 60], 65_536),
            axis(&[0, 64, 128], 256),
        ];
        let services = axes[Part::Service as usize].coarse_bins();
        let classes = Classes {
            of: (0..3 * services as u32).map(|cell| cell % 3).collect(),
            records: vec![1.0; 3 * services],
            protocols: vec![0, 1, 2],
            lagged: vec![0, 1, 1],
        };
        let mut gaps = classes::ungrouped();
        (0..netdpsyn_model::sessions::OCTAVES).for_each(|octave| {
            gaps[0][octave] = (octave as u32).min(7);
            gaps[1][octave] = (octave as u32).min(23);
        });
        let sessions = Sessions {
            axes,
            protocol: 0,
            manners: vec![vec![1]],
            flags: Some(2),
            classes,
            gaps,
            range: [0, 40],
            looks: Vec::new(),
        };
        Small { view, sessions, attributes }
    }

    /// The exact answers to all queries.
    fn answers(&self, rows: &[Vec<u64>]) -> BTreeMap<SessionQuery, Vec<i64>> {
        let schema = presets::preset("packet-flags").unwrap();
        let of_view = self.view.schema(&schema);
        let mut trace = Trace::empty(&schema);
        rows.iter().for_each(|row| trace.push(row));
        let view = self.view.view(trace, &of_view, &Quiet).unwrap();
        let order = Order::of(&view, &self.view, &Quiet).unwrap();
        let cuts = Cuts {
            columns: &self.view,
            axes: &self.sessions.axes,
            attributes: &self.attributes,
            protocol: self.sessions.protocol,
            manners: &self.sessions.manners,
            flags: self.sessions.flags,
            addresses: None,
        };
        let data = Data::of(&view, order, &cuts, &Quiet).unwrap().classified(&self.sessions.classes);
        let answer = |what: SessionQuery| {
            let shape = self.sessions.shape(what, &self.attributes);
            (what, data.answer(what, &shape, &self.sessions.gaps, &Quiet).unwrap())
        };
        self.sessions.asked().into_iter().map(answer).collect()
    }
}

/// A packet of few hosts, ports, times and lengths: ties, identical packets and the window's edges are
/// frequent.
fn packet(rng: &mut Xoshiro256PlusPlus, hosts: u64) -> Vec<u64> {
    let mut one = |values: &[u64]| values[rng.random_range(0..values.len())];
    let [source, destination] = match one(&[0, 1, 2]) {
        0 => [5_000, 80],
        1 => [80, 5_000],
        _ => [0, 0],
    };
    let protocol = one(&[1, 6, 6]);
    let (time, length) = (one(&[0, 5, 12, 13, 25, 999]), one(&[40, 45, 55, 1_500]));
    let (flag, ttl, set) = (one(&[0, 2]), one(&[1, 64, 200]), one(&[0, 1, 5]));
    let [from, to] = [0, 1].map(|_| rng.random_range(0..hosts));
    vec![from, to, source, destination, protocol, time, length, 4, 5, 0, 0, flag, 0, ttl, 0, set]
}

#[test]
fn one_record_moves_every_look_by_its_bound_at_most_and_reaches_it() {
    let small = Small::new();
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(4);
    let mut worst: BTreeMap<SessionQuery, u64> = BTreeMap::new();
    for number in 0..TRACES {
        // With two hosts sessions are long; with six there are many.
        let hosts = if number % 3 == 0 { 6 } else { 2 };
        let many = rng.random_range(0..28);
        let mut rows: Vec<Vec<u64>> = (0..many).map(|_| packet(rng, hosts)).collect();
        if number % 3 == 1 && !rows.is_empty() {
            // A single session, so that positions reach the last class.
            let first = rows[0].clone();
            for row in &mut rows {
                row[..5].copy_from_slice(&first[..5]);
                if rng.random_bool(0.5) {
                    row.swap(0, 1);
                    row.swap(2, 3);
                }
            }
        }
        let before = small.answers(&rows);
        let mut more = packet(rng, hosts);
        if number % 3 == 1 && !rows.is_empty() {
            more[..5].copy_from_slice(&rows[0][..5]);
        }
        rows.insert(rng.random_range(0..=rows.len()), more);
        for (what, after) in small.answers(&rows) {
            let moved: i64 = after.iter().zip(&before[&what]).map(|(a, b)| (a - b).pow(2)).sum();
            let bound = sensitivity(what, MaxRecords::ONE).squared();
            assert!(moved as u64 <= bound, "{what:?} moves by {moved} where {bound} is charged: {rows:?}");
            let seen = worst.entry(what).or_default();
            *seen = (*seen).max(moved as u64);
        }
    }
    for (what, moved) in worst {
        assert_eq!(moved, sensitivity(what, MaxRecords::ONE).squared(), "{what:?} never moves by its bound");
    }
}
