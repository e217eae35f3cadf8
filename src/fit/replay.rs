//! Record and replay: the fit on one trace, then on its neighbour with the same noisy answers forced.
//!
//! Every query, every scale and every branch must be identical, and every true answer within its claimed sensitivity
//! (Re:cord-play, PETS '26). A look at the data that is not paid for shows up as a query or a bundle that differs.

use super::*;
use crate::privacy::noise::{Noise, Stop};
use crate::privacy::{Guarantee, NoiseScale, Noisy};
use crate::progress::Quiet;
use crate::trace::{Window, presets};
use proptest::prelude::*;
use std::cell::RefCell;

/// What was asked, at which scale, the true answer, and the noisy one.
type Entry = (Query, NoiseScale, Vec<i64>, Noisy);

/// Answers with real noise, or with another run's answers; keeps what was asked.
struct Tape {
    key: NoiseKey,
    forced: Option<Vec<Entry>>,
    played: RefCell<Vec<Entry>>,
}

impl Noise for Tape {
    fn answer(&self, query: &Query, scale: NoiseScale, truth: Vec<i64>, stop: Stop<'_>) -> Option<Noisy> {
        let at = self.played.borrow().len();
        let noisy = match &self.forced {
            Some(tape) => tape[at].3.clone(),
            None => self.key.answer(query, scale, truth.clone(), stop)?,
        };
        self.played.borrow_mut().push((query.clone(), scale, truth, noisy.clone()));
        Some(noisy)
    }
}

fn run(rows: &[Vec<u64>], schema: &Schema, plan: &Plan, forced: Option<Vec<Entry>>) -> (Bundle, Vec<Entry>) {
    let mut trace = Trace::empty(schema);
    for row in rows {
        trace.push(row);
    }
    let tape = Tape { key: NoiseKey::for_test(9), forced, played: RefCell::default() };
    let (trace, schema) = derive_gaps(Sensitive::new(trace), schema, plan, &Quiet).unwrap();
    let bundle = measure(&trace, &schema, plan, &tape, &Quiet).unwrap();
    (bundle, tape.played.into_inner())
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

fn schema(name: &str) -> Schema {
    let mut schema = presets::preset(name).unwrap();
    schema.window = Window::new(1_000, 2_000_000);
    if name == "flow" {
        schema.declare_categories("type", vec!["a".into(), "b".into()]).unwrap();
    }
    schema
}

fn check_neighbours(name: &str, method: Method, rows: &[Vec<u64>], removed: usize, epsilon: f64) {
    check_options(name, method, Options::default(), rows, removed, epsilon);
}

fn check_options(
    name: &str,
    method: Method,
    options: Options,
    rows: &[Vec<u64>],
    removed: usize,
    epsilon: f64,
) {
    check_schema(&schema(name), method, options, rows, removed, epsilon);
}

fn check_schema(
    schema: &Schema,
    method: Method,
    options: Options,
    rows: &[Vec<u64>],
    removed: usize,
    epsilon: f64,
) {
    let plan = Plan { options, ..Plan::new(Guarantee::new(epsilon, 1e-9).unwrap(), method) };
    let (bundle, tape) = run(rows, schema, &plan, None);
    let mut fewer = rows.to_vec();
    fewer.remove(removed);
    let (replayed, played) = run(&fewer, schema, &plan, Some(tape.clone()));
    assert_eq!(tape.len(), played.len());
    for ((query, scale, truth, _), (other, other_scale, other_truth, _)) in tape.iter().zip(&played) {
        assert_eq!((query, scale), (other, other_scale));
        let moved: i128 = truth.iter().zip(other_truth).map(|(a, b)| i128::from(a - b).pow(2)).sum();
        assert!(moved <= i128::from(query.sensitivity.squared()), "{}: moved {moved}", query.label);
    }
    assert_eq!(bundle, replayed);
    let spent: Rho = bundle.statement.spent();
    assert!(spent <= plan.allowance());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn flows_ask_the_same_of_neighbours(rows in any_rows(11), at in any::<prop::sample::Index>(), high in any::<bool>()) {
        let epsilon = if high { 400.0 } else { 1.0 };
        for name in ["flow", "ton", "ugr16", "cidds"] {
            check_neighbours(name, Method::Netdpsyn, &rows, at.index(rows.len()), epsilon);
        }
    }

    #[test]
    fn packets_ask_the_same_of_neighbours(rows in any_rows(15), at in any::<prop::sample::Index>(), high in any::<bool>()) {
        let epsilon = if high { 400.0 } else { 1.0 };
        for name in ["packet", "caida", "dc"] {
            check_neighbours(name, Method::Netdpsyn, &rows, at.index(rows.len()), epsilon);
        }
    }

    #[test]
    fn gaps_move_by_no_more_than_they_claim(hosts in prop::collection::vec((0u64..2, 0u64..6, 0u64..3), 1..40), at in any::<prop::sample::Index>()) {
        // Few flows and times, so that one record less moves another's gap.
        let rows: Vec<Vec<u64>> = hosts
            .iter()
            .map(|&(host, time, size)| vec![host, 9, 80, 80, 6, 1_000 + time * 200_000, size, size, size, 0, 0])
            .collect();
        let options = Options { gaps: true, ..Options::default() };
        for epsilon in [2.0, 400.0] {
            check_options("ton", Method::Netdpsyn, options, &rows, at.index(rows.len()), epsilon);
        }
    }

    #[test]
    fn declared_networks_ask_the_same_of_neighbours(rows in any_rows(11), at in any::<prop::sample::Index>()) {
        let mut schema = schema("ton");
        for column in ["srcip", "dstip"] {
            schema.declare_networks(column, &["192.168.0.0/16".into(), "0.0.0.2".into(), "10.0.0.0/8".into()]).unwrap();
        }
        let options = Options { gaps: true, clique_cells: 1 << 20, ..Options::default() };
        check_schema(&schema, Method::Netdpsyn, options, &rows, at.index(rows.len()), 400.0);
    }

    #[test]
    fn independent_columns_ask_the_same_of_neighbours(rows in any_rows(11), at in any::<prop::sample::Index>()) {
        check_neighbours("ton", Method::Independent, &rows, at.index(rows.len()), 2.0);
    }
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
            check_schema(&schema, Method::Netdpsyn, Options::default(), &rows, at.index(rows.len()), 400.0);
        }
    }
}

#[test]
fn an_empty_trace_is_measured_like_any_other() {
    let schema = schema("ton");
    let plan = Plan::new(Guarantee::new(1.0, 1e-9).unwrap(), Method::Netdpsyn);
    let (bundle, tape) = run(&[], &schema, &plan, None);
    // Every level of every tree is asked, open or not; what no pair is left to spend on stays unspent.
    let levels = tape.iter().filter(|(query, ..)| query.stage == "trees").count();
    assert_eq!(levels, 2 * 4 + 2 * 3);
    assert!(bundle.statement.spent() <= plan.allowance() && bundle.attributes.iter().all(|a| a.bins() >= 1));
}

#[test]
fn an_allowance_is_spent_to_the_last_unit_even_when_tiny() {
    let schema = schema("dc");
    // Enough records that two ports stand out of the noise of the smaller budget, so that there are pairs to spend on.
    let rows: Vec<Vec<u64>> = (0..100_000).map(|i| vec![5 + 75 * (i % 2); 15]).collect();
    for epsilon in [0.01, 1_000.0] {
        let plan = Plan::new(Guarantee::new(epsilon, 1e-9).unwrap(), Method::Netdpsyn);
        let (bundle, _) = run(&rows, &schema, &plan, None);
        assert_eq!(bundle.statement.spent(), plan.allowance());
    }
}

#[test]
fn an_allowance_is_spent_to_the_last_unit_where_trees_are_all_there_is() {
    let mut schema = schema("ton");
    schema.columns.retain(|column| ["srcip", "dstip"].contains(&column.name.as_str()));
    (schema.key, schema.facts) = (None, Vec::new());
    let rows: Vec<Vec<u64>> = (0..10_000).map(|i| vec![5 + 75 * (i % 2); 2]).collect();
    let plan = Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), Method::Independent);
    let (bundle, _) = run(&rows, &schema, &plan, None);
    // Less than one unit a level may be left over by the division.
    assert!(plan.allowance().units() - bundle.statement.spent().units() < 8);
}
