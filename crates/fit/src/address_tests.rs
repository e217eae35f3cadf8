//! Addresses of any family: the number of an address depends on the other addresses of the trace, and the
//! queries must not.

use super::Method;
use super::replay::{check_replay, plan, real};
use super::trees::{by_key, level_of_keys};
use netdpsyn_model::domain::{Order, PrefixTree};
use netdpsyn_privacy::{MaxRecords, Sensitivity};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{
    Address, Addresses, Column, Directory, Families, Field, Schema, Trace, Window, presets,
};
use proptest::prelude::*;
use std::sync::Arc;

/// Some addresses of each family, near to each other and far apart.
const SOME: [&str; 12] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.9.0.1",
    "192.0.2.1",
    "02:00:5e:00:00:01",
    "02:00:5e:00:00:02",
    "aa:00:00:00:00:01",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:0:1:a1b2:c3d4:e5f6:1",
    "2001:db8:ffff::1",
    "fe80::1",
];

fn key(text: &str) -> u128 {
    Address::read(text.as_bytes()).unwrap().key().unwrap()
}

/// A trace whose address values are indices into all of these, renumbered as a reader does: only those that
/// occur have numbers.
pub(super) fn numbered(trace: Trace, schema: &Schema) -> Trace {
    let all = Arc::new(Directory::of_all(SOME.into_iter().map(key)));
    let trace = trace.with_addresses(Addresses::of(schema, all));
    let own = Arc::new(Directory::of_all(trace.keys().into_iter()));
    trace.under(&own, &Quiet).unwrap()
}

fn schema(preset: &str) -> Schema {
    let mut schema = presets::preset(preset).unwrap();
    schema.window = Window::new(1_000, 2_000_000);
    schema.declare_families(Families::Any).unwrap();
    schema.columns[0].special = vec!["-".into()];
    // Packets are viewed as sessions where both ends have the same special values.
    let destination = schema.position("dstip").unwrap();
    let special = if preset == "packet" { "-" } else { "EXT_SERVER" };
    schema.columns[destination].special = vec![special.into()];
    schema
}

/// Rows with small values, so that addresses are indices into [`SOME`].
fn rows(columns: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
    prop::collection::vec(prop::collection::vec(0u64..12, columns), 2..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn neighbours_ask_the_same(rows in rows(schema("ton").columns.len()), at in any::<prop::sample::Index>(), epsilon in prop::sample::select(vec![2.0, 400.0]), hold_out in any::<bool>()) {
        check_replay(&rows, at.index(rows.len()), &schema("ton"), &plan(Method::Adaptive, epsilon, hold_out), real());
    }

    #[test]
    fn neighbours_ask_the_same_of_packets(rows in rows(schema("packet").columns.len()), at in any::<prop::sample::Index>(), hold_out in any::<bool>()) {
        check_replay(&rows, at.index(rows.len()), &schema("packet"), &plan(Method::Adaptive, 400.0, hold_out), real());
    }

    #[test]
    fn a_record_moves_one_cell_of_a_level(values in prop::collection::vec(0u64..13, 1..60), removed in any::<prop::sample::Index>(), open in prop::collection::vec(any::<bool>(), 17)) {
        let column = Column { special: vec!["-".into()], ..Column::new("c", Field::Address {}) };
        let order = Order::of(&column, None).unwrap();
        let schema = Schema { columns: vec![column], ..schema("ton") };
        let keys = |values: &[u64]| {
            let mut trace = Trace::empty(&schema);
            let number = |value: u64| if value == 12 { netdpsyn_trace::directory::SPACE } else { value };
            values.iter().for_each(|&value| trace.push(&[number(value)]));
            by_key(&numbered(trace, &schema), 0, &order, &Quiet).unwrap()
        };
        let mut fewer = values.clone();
        fewer.remove(removed.index(values.len()));
        let (all, fewer) = (keys(&values), keys(&fewer));
        let mut tree = PrefixTree::new(order.bits(), order.levels()).beside(order.special());
        let bound = Sensitivity::histogram(MaxRecords::ONE).squared();
        for (level, &open) in open.iter().enumerate().take(tree.levels()) {
            let [a, b] = [&all, &fewer].map(|keys| level_of_keys(keys, &tree, &Quiet).unwrap());
            let moved: i64 = a.iter().zip(&b).map(|(a, b)| (a - b).pow(2)).sum();
            prop_assert!(moved as u64 <= bound, "level {}: {}", level, moved);
            // Any choice of open nodes: some or all of those with records.
            let (prefixes, _) = tree.next_prefixes();
            let nodes = prefixes.count();
            let opened = (0..nodes).filter(|&cell| a[cell] > 0 && (open || cell % 2 == 0)).collect();
            tree.open_nodes(&a, if level + 1 < order.levels().len() { opened } else { Vec::new() });
        }
        prop_assert_eq!(all.iter().map(|(_, records)| *records as usize).sum::<usize>(), values.len());
    }
}

/// Without that record every other address may have another number.
#[test]
fn an_address_of_one_record_alone_holds_out_no_other() {
    for preset in ["ton", "packet"] {
        let schema = schema(preset);
        let columns = schema.columns.len();
        let source = schema.position("srcip").unwrap();
        for alone in 0..SOME.len() as u64 {
            let others = (0..60).map(|row| (0..columns as u64).map(move |column| (row * (column + 3)) % 11));
            let mut rows: Vec<Vec<u64>> =
                others.map(|row| row.map(|value| value + u64::from(value >= alone)).collect()).collect();
            rows[0][source] = alone;
            check_replay(&rows, 0, &schema, &plan(Method::Adaptive, 2.0, true), real());
        }
    }
}

#[test]
fn other_methods_refuse_before_anything_is_paid() {
    let schema = schema("ton");
    for method in [Method::Netdpsyn, Method::Independent] {
        let error = plan(method, 2.0, false).check_families(&schema).unwrap_err().to_string();
        assert!(error.contains("only the method adaptive"), "{error}");
    }
    assert!(plan(Method::Adaptive, 2.0, false).check_families(&schema).is_ok());
}
