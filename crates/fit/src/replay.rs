//! Record and replay: the fit on one trace, then on its neighbour with the same noisy answers forced.
//!
//! Every query, every scale and every branch must be identical, and every true answer must be within its
//! claimed sensitivity (Re:cord-play, PETS '26). An unpaid use of the data shows as a query or a bundle that
//! differs. The whole fit is replayed, including hold-out and gaps; and each time the tape is compared with
//! the account: every answer is charged, at the scale that the charge pays for.

use super::split::SplitKey;
use super::*;
use netdpsyn_account::statement::Statement;
use netdpsyn_model::labels;
use netdpsyn_privacy::noise::{Noise, Stop};
use netdpsyn_privacy::{Charge, Guarantee, NoiseScale, Noisy, Query, Rho};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::simulate::{flows, packets};
use netdpsyn_trace::{Field, Window, presets};
use proptest::prelude::*;
use std::cell::RefCell;

/// A query, its scale, the true answer, and the noisy one.
#[derive(Clone)]
pub(super) struct Entry {
    pub query: Query,
    pub scale: NoiseScale,
    pub truth: Vec<i64>,
    pub noisy: Noisy,
}

/// The source of noisy answers.
pub(super) enum Source {
    /// A key: real noise.
    Key(NoiseKey),
    /// The tape of another run.
    Tape(Vec<Entry>),
    /// The same large count in every cell, so that no bin is rare.
    Plenty,
}

/// Answers queries, and records them.
struct Recorder {
    source: Source,
    played: RefCell<Vec<Entry>>,
}

impl netdpsyn_privacy::noise::forced::Answers for Recorder {}

impl Noise for Recorder {
    fn answer(&self, query: &Query, scale: NoiseScale, truth: Vec<i64>, stop: Stop<'_>) -> Option<Noisy> {
        let at = self.played.borrow().len();
        let noisy = match &self.source {
            Source::Tape(tape) => tape[at].noisy.clone(),
            Source::Key(key) => key.answer(query, scale, truth.clone(), stop)?,
            Source::Plenty => Noisy { values: vec![1_000_000; query.cells], scale },
        };
        self.played.borrow_mut().push(Entry { query: query.clone(), scale, truth, noisy: noisy.clone() });
        Some(noisy)
    }
}

/// A key that gives real noise, the same each time.
pub(super) fn real() -> Source {
    Source::Key(NoiseKey::for_test(9))
}

/// A whole fit: its bundle and its tape.
pub(super) fn run(rows: &[Vec<u64>], schema: &Schema, plan: &Plan, source: Source) -> (Bundle, Vec<Entry>) {
    let mut trace = Trace::empty(schema);
    for row in rows {
        trace.push(row);
    }
    let trace = super::address_tests::numbered(trace, schema);
    let recorder = Recorder { source, played: RefCell::default() };
    let fitted = fit_with(Sensitive::new(trace), schema, plan, &recorder, &Quiet).unwrap();
    assert_eq!(fitted.held_out.is_some(), plan.hold_out.is_some());
    (fitted.bundle, recorder.played.into_inner())
}

/// The squared L2 distance of two tapes' true answers to one query.
pub(super) fn moved(a: &Entry, b: &Entry) -> i128 {
    a.truth.iter().zip(&b.truth).map(|(a, b)| i128::from(a - b).pow(2)).sum()
}

/// Fits `rows`, then the same without record `removed` under the noisy answers of the first run. Returns both
/// tapes.
pub(super) fn check_replay(
    rows: &[Vec<u64>],
    removed: usize,
    schema: &Schema,
    plan: &Plan,
    source: Source,
) -> [Vec<Entry>; 2] {
    let (bundle, tape) = run(rows, schema, plan, source);
    check_account(&bundle, &tape, plan);
    let mut fewer = rows.to_vec();
    fewer.remove(removed);
    let (replayed, played) = run(&fewer, schema, plan, Source::Tape(tape.clone()));
    assert_eq!(tape.len(), played.len());
    for (entry, other) in tape.iter().zip(&played) {
        assert_eq!((&entry.query, entry.scale), (&other.query, other.scale));
        let (label, moved) = (&entry.query.label, moved(entry, other));
        assert!(moved <= i128::from(entry.query.sensitivity.squared()), "{label}: moved {moved}");
    }
    assert_eq!(bundle, replayed);
    [tape, played]
}

/// The tape against the account: every answer is charged, in order, at the scale that its charge pays for;
/// the charges sum to the allowance minus what the plan leaves unspent; and the bundle holds the answers.
fn check_account(bundle: &Bundle, tape: &[Entry], plan: &Plan) {
    let Statement { rho, charges, .. } = &bundle.statement;
    assert_eq!(*rho, plan.allowance());
    let asked: Vec<Charge> = tape
        .iter()
        .map(|Entry { query, scale, truth, .. }| Charge {
            label: query.label.clone(),
            stage: query.stage,
            sensitivity: query.sensitivity,
            rho: query.rho,
            scale: *scale,
            cells: truth.len(),
        })
        .collect();
    assert_eq!(&asked, charges, "what was answered is what was charged");
    for entry in tape {
        let (label, scale) = (&entry.query.label, entry.scale);
        assert_eq!(NoiseScale::for_cost(entry.query.sensitivity, entry.query.rho), Ok(scale), "{label}");
        let variance = entry.query.sensitivity.squared() as f64 / (2.0 * entry.query.rho.as_f64());
        let excess = scale.variance() / variance;
        assert!((1.0 - 1e-12..1.0 + 1e-6).contains(&excess), "{label}: σ² is {excess} of Δ²/2ρ");
        assert_eq!(entry.noisy.scale, scale, "{label}");
    }
    assert_eq!(bundle.statement.spent(), spendable(bundle, tape, plan));
    for look in bundle.sessions().iter().flat_map(|sessions| &sessions.looks) {
        let paying = tape.iter().find(|entry| entry.query.label == look.label);
        let answered = paying.map(|entry| (&entry.noisy.values, entry.scale));
        assert_eq!(answered, Some((&look.counts, look.scale)), "{}", look.label);
    }
    for measurement in bundle.measurements.iter() {
        let charges = bundle.charges_of(measurement);
        let paid = |entry: &&Entry| charges.clone().any(|charge| charge.label == entry.query.label);
        let mut paying = tape.iter().filter(paid).peekable();
        assert!(paying.peek().is_some(), "{} was never asked", measurement.label);
        // The levels of an adaptive tree have different noise, and its leaves are stated to have the
        // smallest.
        let paying: Vec<&Entry> = paying.collect();
        let least = paying.iter().map(|entry| entry.scale.variance()).fold(f64::INFINITY, f64::min);
        assert_eq!(least, measurement.scale.variance(), "{}", measurement.label);
        for entry in paying {
            assert!(bundle.layers.is_some() || entry.scale == measurement.scale, "{}", measurement.label);
            let kept = measurement.joined.is_some() || entry.noisy.values == measurement.counts;
            assert!(kept, "{} is not what was answered", measurement.label);
        }
    }
}

/// What a method spends of its allowance: all of it, with two exceptions. Trees divide ρ into whole units per
/// level, and where nothing is measured after them the remainder stays unspent; where no pair can be
/// measured, the part of the pairs stays unspent.
fn spendable(bundle: &Bundle, tape: &[Entry], plan: &Plan) -> Rho {
    if bundle.sessions().is_some() {
        // Pairs of parts take what remains.
        return plan.allowance();
    }
    if let Some(layers) = &bundle.layers {
        // What remains goes to the last pairs or triples. Where there are none it stays unspent.
        let coarse =
            |a: &usize| Some(*a) != layers.class && Some(*a) != layers.side && layers.coarse.contains(a);
        let couple = |m: &Measurement| m.attributes.iter().filter(|a| coarse(a)).count() == 2;
        return match bundle.measurements.iter().any(couple) {
            true => plan.allowance(),
            false => tape.iter().map(|entry| entry.query.rho).sum(),
        };
    }
    let asked = |stage: Stage| tape.iter().filter(|entry| entry.query.stage == stage).count() as u64;
    let last = if plan.method == Method::Independent { Stage::OneWays } else { Stage::Pairs };
    if asked(last) > 0 {
        return plan.allowance();
    }
    let shares = plan.share_out(&bundle.schema);
    let rest = shares.trees.units().checked_rem(asked(Stage::Trees)).unwrap_or(0);
    let trees = if asked(Stage::Trees) > 0 { shares.trees.units() - rest } else { 0 };
    let one_ways = if asked(Stage::OneWays) > 0 { shares.one_ways.units() } else { 0 };
    let selection = if asked(Stage::Selection) > 0 { shares.selection.units() } else { 0 };
    Rho::from_units(trees + one_ways + selection)
}

/// The noise of a tape has the scale of its charges: Σ z²/σ² of n cells is χ² with n degrees, which leaves
/// the bounds with probability below e⁻²⁵ on either side (Laurent & Massart 2000, Lemma 1). Where σ < 1 the
/// variance of discrete noise differs.
fn check_noise(tape: &[Entry]) {
    let mut noticed = 0;
    for Entry { query, scale, truth, noisy } in tape.iter().filter(|entry| entry.scale.sigma() >= 1.0) {
        let cells = truth.len() as f64;
        let squares = truth.iter().zip(&noisy.values).map(|(t, n)| ((n - t) as f64).powi(2));
        let statistic = squares.sum::<f64>() / scale.variance();
        let (below, above) =
            (cells - 2.0 * (cells * 25.0).sqrt(), cells + 2.0 * (cells * 25.0).sqrt() + 50.0);
        assert!(
            (below..above).contains(&statistic),
            "{}: Σ z²/σ² is {statistic} in {cells} cells",
            query.label
        );
        // Enough cells that half the σ would leave the bounds.
        noticed += usize::from(below > cells / 4.0);
    }
    assert!(noticed > 0, "no answer is large enough to tell");
}

/// Rows with some structure: heavy hosts and ports, and values far outside every declared domain.
fn any_rows(columns: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
    let value = prop_oneof![
        4 => 0u64..4,
        2 => prop::sample::select(vec![443u64, 3_232_235_777, 167_772_161, 1_500]),
        1 => any::<u64>(),
    ];
    prop::collection::vec(prop::collection::vec(value, columns), 1..120)
}

/// A method that measures attributes jointly.
fn any_method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![Method::Netdpsyn, Method::Adaptive])
}

fn schema(name: &str) -> Schema {
    let mut schema = presets::preset(name).unwrap();
    schema.window = Window::new(1_000, 2_000_000);
    if name == "flow" {
        schema.declare_categories("type", vec!["a".into(), "b".into()]).unwrap();
    }
    schema
}

/// A plan under ε, with the population's key if records are held out.
pub(super) fn plan(method: Method, epsilon: f64, hold_out: bool) -> Plan {
    let hold_out = hold_out.then(|| SplitKey::of_population([3; 32]));
    Plan { hold_out, ..Plan::new(Guarantee::new(epsilon, 1e-9).unwrap(), method) }
}

fn check_neighbours(schema: &Schema, plan: &Plan, rows: &[Vec<u64>], removed: prop::sample::Index) {
    check_replay(rows, removed.index(rows.len()), schema, plan, real());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn flows_ask_the_same_of_neighbours(rows in any_rows(11), at in any::<prop::sample::Index>(), high in any::<bool>(), hold_out in any::<bool>(), method in any_method()) {
        let plan = plan(method, if high { 400.0 } else { 1.0 }, hold_out);
        for name in ["flow", "ton", "ugr16", "cidds"] {
            check_neighbours(&schema(name), &plan, &rows, at);
        }
    }

    #[test]
    fn packets_ask_the_same_of_neighbours(rows in any_rows(16), at in any::<prop::sample::Index>(), high in any::<bool>(), hold_out in any::<bool>(), method in any_method()) {
        let plan = plan(method, if high { 400.0 } else { 1.0 }, hold_out);
        for name in ["packet", "packet-flags", "caida", "dc"] {
            let schema = schema(name);
            let rows: Vec<Vec<u64>> = rows.iter().map(|row| row[..schema.columns.len()].to_vec()).collect();
            check_neighbours(&schema, &plan, &rows, at);
        }
    }

    #[test]
    fn gaps_move_by_no_more_than_they_claim(hosts in prop::collection::vec((0u64..2, 0u64..6, 0u64..3), 1..40), at in any::<prop::sample::Index>(), hold_out in any::<bool>()) {
        // Few flows and times, so that removing a record changes another's gap.
        let rows: Vec<Vec<u64>> = hosts
            .iter()
            .map(|&(host, time, size)| vec![host, 9, 80, 80, 6, 1_000 + time * 200_000, size, size, size, 0, 0])
            .collect();
        for epsilon in [2.0, 400.0] {
            check_neighbours(&schema("ton"), &plan(Method::Netdpsyn, epsilon, hold_out), &rows, at);
        }
    }

    #[test]
    fn declared_networks_ask_the_same_of_neighbours(rows in any_rows(11), at in any::<prop::sample::Index>()) {
        let mut schema = schema("ton");
        for column in ["srcip", "dstip"] {
            schema.declare_networks(column, &["192.168.0.0/16".into(), "0.0.0.2".into(), "10.0.0.0/8".into()]).unwrap();
        }
        let mut plan = plan(Method::Netdpsyn, 400.0, false);
        plan.options.clique_cells = 1 << 20;
        check_neighbours(&schema, &plan, &rows, at);
    }

    #[test]
    fn independent_columns_ask_the_same_of_neighbours(rows in any_rows(11), at in any::<prop::sample::Index>(), hold_out in any::<bool>()) {
        check_neighbours(&schema("ton"), &plan(Method::Independent, 2.0, hold_out), &rows, at);
    }
}

/// Few hosts, ports, times and lengths, so that sessions are long and removing a packet changes the following
/// one; including echoes, ties and the window's edges.
fn few_sessions() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let ports = prop::sample::select(vec![(5_000, 80), (80, 5_000), (8, 0), (0, 0), (0, 8), (53, 53)]);
    let packet = (0u64..3, 0u64..3, ports, prop::sample::select(vec![1u64, 6, 17]), 0u64..6, 0u64..3);
    let packet = packet.prop_map(|(from, to, (source, destination), protocol, time, rest)| {
        let time = [0, 1_000, 1_001, 1_200_000, 1_999_999, 9_000_000][time as usize];
        vec![
            from,
            to,
            source,
            destination,
            protocol,
            time,
            40 + rest * 700,
            4,
            5,
            rest,
            0,
            rest,
            0,
            64 * rest,
            0,
            rest,
        ]
    });
    prop::collection::vec(packet, 40..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn sessions_ask_the_same_of_neighbours(rows in few_sessions(), at in any::<prop::sample::Index>(), hold_out in any::<bool>()) {
        let plan = plan(Method::Adaptive, 4_000.0, hold_out);
        let [tape, _] = check_replay(&rows, at.index(rows.len()), &schema("packet-flags"), &plan, real());
        let (bundle, _) = run(&rows, &schema("packet-flags"), &plan, Source::Tape(tape));
        prop_assert!(hold_out || bundle.sessions().is_some(), "{:?}", bundle.packets);
    }

    /// Packets are ordered only by what they hold: every query and every true answer is the same after the
    /// rows are permuted.
    #[test]
    fn sessions_do_not_hang_on_the_order_of_rows(rows in few_sessions()) {
        let plan = plan(Method::Adaptive, 4_000.0, false);
        let (bundle, tape) = run(&rows, &schema("packet-flags"), &plan, real());
        let turned: Vec<Vec<u64>> = rows.iter().rev().cloned().collect();
        let (other, played) = run(&turned, &schema("packet-flags"), &plan, real());
        for (a, b) in tape.iter().zip(&played) {
            prop_assert_eq!((&a.query, &a.truth), (&b.query, &b.truth));
        }
        prop_assert_eq!(bundle, other);
    }
}

/// Units of several records: bounds hold by the triangle inequality, and only the noisy number of sessions
/// decides whether there are too few.
#[test]
fn sessions_stand_or_fall_by_their_noisy_number() {
    let schema = schema("packet");
    let packet =
        |host: u64, time: u64| vec![host, 9, 5_000 + host, 80, 6, 1_000 + time, 40, 4, 5, 0, 0, 2, 0, 64, 0];
    let mut rows: Vec<Vec<u64>> = (0..160).map(|i| packet(i % 20, i)).collect();
    let mut told = Vec::new();
    for more in 0..12 {
        rows.push(packet(20 + more, 0));
        let plan = plan(Method::Adaptive, 60.0, false);
        let [tape, _] = check_replay(&rows, rows.len() - 1, &schema, &plan, real());
        let (bundle, _) = run(&rows, &schema, &plan, Source::Tape(tape));
        told.push(bundle.sessions().is_some());
    }
    assert!(told.contains(&true), "enough to tell of sessions");
    let plan = plan(Method::Adaptive, 0.5, false);
    let (bundle, tape) = run(&rows, &schema, &plan, real());
    assert_eq!(
        bundle.packets,
        Some(netdpsyn_model::Packets::Single(netdpsyn_trace::sessions::NoSessions::TooFew))
    );
    check_account(&bundle, &tape, &plan);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn fixed_ports_and_odd_trees_ask_the_same_of_neighbours(rows in any_rows(11), at in any::<prop::sample::Index>()) {
        for (ports, addresses) in [(Field::Port, vec![8]), (Field::PortTree { levels: vec![3, 3] }, vec![4, 8, 8])] {
            let mut schema = schema("ton");
            for (column, field) in [("srcport", ports.clone()), ("dstport", ports), ("dstip", Field::ip(&addresses))] {
                let at = schema.position(column).unwrap();
                schema.columns[at].field = field;
            }
            check_neighbours(&schema, &plan(Method::Netdpsyn, 400.0, false), &rows, at);
        }
    }
}

/// The records of a simulated trace.
fn records(trace: &Trace) -> Vec<Vec<u64>> {
    (0..trace.rows()).map(|row| trace.columns().iter().map(|column| column.get(row)).collect()).collect()
}

#[test]
fn every_method_is_charged_for_what_it_draws() {
    let traces =
        [(flows::schema(), flows::simulate(3_000, 1)), (packets::schema(), packets::simulate(3_000, 1))];
    for (schema, trace) in &traces {
        for method in [Method::Adaptive, Method::Netdpsyn, Method::Independent] {
            for (hold_out, gaps, clique_cells, structure) in [
                (false, true, 5_000, Structure::Auto),
                (true, true, 0, Structure::Auto),
                (true, false, 5_000, Structure::None),
            ] {
                let mut plan = plan(method, 2.0, hold_out);
                plan.options = FitOptions { gaps, clique_cells, max_cells: 50_000, structure };
                let [tape, _] = check_replay(&records(trace), 1_000, schema, &plan, real());
                check_noise(&tape);
            }
        }
    }
}

/// The removed record would shift every later one if the position of records mattered: the first one is
/// removed, and equal ones stay.
#[test]
fn a_hold_out_asks_the_same_of_neighbours() {
    let rows: Vec<Vec<u64>> = (0..200).map(|i| vec![i / 2 % 20; 15]).collect();
    for (name, columns) in [("ton", 11), ("dc", 15)] {
        let rows: Vec<Vec<u64>> = rows.iter().map(|row| row[..columns].to_vec()).collect();
        for method in [Method::Adaptive, Method::Netdpsyn, Method::Independent] {
            for removed in [0, 1, 100, 199] {
                let [tape, played] =
                    check_replay(&rows, removed, &schema(name), &plan(method, 400.0, true), real());
                // N, from any histogram of declared values: the record was in one of the parts.
                let records = |tape: &[Entry]| {
                    let histogram =
                        tape.iter().find(|entry| entry.query.label == labels::marginal(&["proto"])).unwrap();
                    histogram.truth.iter().sum::<i64>()
                };
                assert!((120..200).contains(&records(&tape)), "a fifth is held out");
                assert!((0..=1).contains(&(records(&tape) - records(&played))));
            }
        }
    }
}

/// One record after the other: code that compares a raw count with a threshold (a bin is rare, a node opens,
/// a pair is chosen) takes another branch at one of these traces than at its neighbour.
#[test]
fn no_raw_count_decides_a_branch() {
    let mut schema = schema("ton");
    schema
        .columns
        .retain(|column| ["srcip", "dstport", "proto", "pkt", "type"].contains(&column.name.as_str()));
    schema.facts = Vec::new();
    let plans = [Method::Netdpsyn, Method::Adaptive].map(|method| {
        let mut plan = plan(method, 60.0, false);
        plan.options.max_cells = 5_000;
        plan
    });
    let base = (0..40).map(|i| vec![u64::from(i % 2 == 0) << 31, 443, 6, 9, i % 3]);
    let mut rows: Vec<Vec<u64>> = base.collect();
    for _ in 0..60 {
        rows.push(vec![1 << 30, 80, 17, 100_000, 7]);
        for plan in &plans {
            check_replay(&rows, rows.len() - 1, &schema, plan, real());
        }
    }
}

/// A single record stands out of the noise here: code that tests whether a value occurs at all takes another
/// branch without it.
#[test]
fn no_occurrence_decides_a_branch() {
    let mut schema = schema("ton");
    schema.columns.retain(|column| ["proto", "pkt", "type"].contains(&column.name.as_str()));
    schema.facts = Vec::new();
    let mut rows: Vec<Vec<u64>> = (0..40).map(|i| vec![6, 9, i % 3]).collect();
    rows.push(vec![17, 100_000, 7]);
    for method in [Method::Independent, Method::Adaptive] {
        check_replay(&rows, 40, &schema, &plan(method, 400.0, false), real());
    }
}

#[test]
fn an_empty_trace_is_measured_like_any_other() {
    let plan = plan(Method::Netdpsyn, 1.0, false);
    let (bundle, tape) = run(&[], &schema("ton"), &plan, real());
    // Every level of every tree is queried, open or not; without pairs, their part stays unspent.
    let levels = tape.iter().filter(|entry| entry.query.stage == Stage::Trees).count();
    assert_eq!(levels, 2 * 4 + 2 * 3);
    check_account(&bundle, &tape, &plan);
    assert!(bundle.attributes.iter().all(|a| a.bins() >= 1));
}

/// With and without class, side, and other attributes: nothing is queried twice, and records can be
/// generated.
#[test]
fn whatever_columns_there_are_have_an_adaptive_model() {
    let all: [&[&str]; 11] = [
        &["label"],
        &["proto", "pkt"],
        &["pkt"],
        &["type"],
        &["proto"],
        &["ts"],
        &["srcip", "pkt"],
        &["label", "type"],
        &["proto", "type"],
        &["type", "byt"],
        &["srcip", "dstip", "srcport", "ts", "td"],
    ];
    let trace = flows::simulate(3_000, 1);
    for kept in all {
        let mut schema = flows::schema();
        let at: Vec<usize> = kept.iter().map(|name| schema.position(name).unwrap()).collect();
        schema.columns.retain(|column| kept.contains(&column.name.as_str()));
        schema.facts = Vec::new();
        let rows: Vec<Vec<u64>> = (0..trace.rows())
            .map(|row| at.iter().map(|&column| trace.column(column).get(row)).collect())
            .collect();
        for epsilon in [0.1, 20.0] {
            let [tape, _] = check_replay(&rows, 7, &schema, &plan(Method::Adaptive, epsilon, false), real());
            let plan = plan(Method::Adaptive, epsilon, false);
            let (bundle, _) = run(&rows, &schema, &plan, Source::Tape(tape));
            let model = netdpsyn_model::Model::from_bundle(&bundle, &Quiet).unwrap();
            let request = netdpsyn_generate::Request { seed: 1, ..Default::default() };
            let made = netdpsyn_generate::generate(&model, &request, &Quiet).unwrap().trace;
            assert!(made.rows() > 1_000 || epsilon < 1.0, "{kept:?}: {}", made.rows());
            // Not all records are of the first class.
            let varied =
                |column: usize| made.column(column).iter().any(|value| value != made.column(column).get(0));
            assert!(epsilon < 1.0 || (0..kept.len()).all(varied), "{kept:?}");
        }
    }
}

/// Amounts that begin above 0 are divided by octaves, too.
#[test]
fn amounts_may_begin_anywhere() {
    for (min, max) in [(1, 1 << 40), (1_500, 3_000_000), (1_048_570, 4_000_000)] {
        let mut schema = schema("ton");
        schema.columns.retain(|column| ["proto", "pkt", "type"].contains(&column.name.as_str()));
        schema.facts = Vec::new();
        schema.columns[1].field = Field::Integer { min, max, width: (max - min) / 1_000, exact_below: 0 };
        let rows: Vec<Vec<u64>> = (0..3_000).map(|i| vec![6, min + i * i % 2_000, i % 3]).collect();
        for epsilon in [0.1, 400.0] {
            let plan = plan(Method::Adaptive, epsilon, false);
            let [tape, _] = check_replay(&rows, 1, &schema, &plan, real());
            let (bundle, _) = run(&rows, &schema, &plan, Source::Tape(tape));
            let model = netdpsyn_model::Model::from_bundle(&bundle, &Quiet).unwrap();
            let made = netdpsyn_generate::generate(&model, &Default::default(), &Quiet).unwrap().trace;
            assert!(made.column(1).iter().all(|value| (min..=max).contains(&value)));
        }
    }
}

/// Whatever the number of columns, the shares sum to at most the allowance, and no share is zero.
#[test]
fn many_columns_share_one_allowance() {
    for lists in [26, 60] {
        let mut schema = schema("ton");
        schema.columns.retain(|column| ["pkt", "type"].contains(&column.name.as_str()));
        schema.facts = Vec::new();
        for list in 0..lists {
            let values = Some(["a", "b", "c"].map(String::from).into());
            schema
                .columns
                .push(netdpsyn_trace::Column::new(&format!("list{list}"), Field::Categorical(values)));
        }
        let rows: Vec<Vec<u64>> =
            (0..100).map(|i| (0..lists + 2).map(|column| (i + i * column) % 3).collect()).collect();
        for epsilon in [0.02, 1.0, 1_000.0] {
            check_replay(&rows, 50, &schema, &plan(Method::Adaptive, epsilon, false), real());
        }
    }
}

#[test]
fn an_empty_trace_has_an_adaptive_model_too() {
    for name in ["ton", "caida"] {
        let plan = plan(Method::Adaptive, 1.0, false);
        let (bundle, tape) = run(&[], &schema(name), &plan, real());
        check_account(&bundle, &tape, &plan);
        assert!(bundle.attributes.iter().all(|a| a.bins() >= 1));
    }
}

#[test]
fn an_allowance_is_spent_to_the_last_unit_even_when_tiny() {
    // Enough records that two ports stand out of the noise of the smaller budget, so that pairs are measured.
    let rows: Vec<Vec<u64>> = (0..100_000).map(|i| vec![5 + 75 * (i % 2); 15]).collect();
    for epsilon in [0.01, 1_000.0] {
        let plan = plan(Method::Netdpsyn, epsilon, false);
        let (bundle, _) = run(&rows, &schema("dc"), &plan, real());
        assert_eq!(bundle.statement.spent(), plan.allowance());
    }
}

#[test]
fn an_allowance_is_spent_to_the_last_unit_where_trees_are_all_there_is() {
    let mut schema = schema("ton");
    schema.columns.retain(|column| ["srcip", "dstip"].contains(&column.name.as_str()));
    schema.facts = Vec::new();
    let rows: Vec<Vec<u64>> = (0..10_000).map(|i| vec![5 + 75 * (i % 2); 2]).collect();
    let plan = plan(Method::Independent, 2.0, false);
    let (bundle, tape) = run(&rows, &schema, &plan, real());
    check_account(&bundle, &tape, &plan);
    // The division may leave less than one unit per level.
    assert!(plan.allowance().units() - bundle.statement.spent().units() < 8);
}
