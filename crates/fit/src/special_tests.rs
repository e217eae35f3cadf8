//! Special values are ordinary cells: neighbouring traces lead to the same queries, and move no count by more
//! than is paid for.

use super::Method;
use super::replay::{check_replay, plan, real};
use netdpsyn_trace::{Schema, Window, presets};
use proptest::prelude::*;

/// Every column that can have special values has two; those of the protocol precede its value for undeclared
/// protocols.
fn schema() -> Schema {
    let mut schema = presets::preset("ton").unwrap();
    schema.window = Window::new(1_000, 2_000_000);
    schema.declare_special("*", &["".into(), "-".into()]).unwrap();
    schema
}

/// Rows of few values, of which many are special.
fn rows() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let cell = prop_oneof![3 => (0u64..4).prop_map(Ok), 2 => (0u64..2).prop_map(Err)];
    let columns = schema().columns;
    let filled = move |row: Vec<Result<u64, u64>>| {
        let value = |(cell, first): (&Result<u64, u64>, Option<u64>)| match (cell, first) {
            (Err(special), Some(first)) => first + special,
            (Ok(value) | Err(value), _) => *value,
        };
        row.iter().zip(columns.iter().map(|column| column.first_special())).map(value).collect()
    };
    prop::collection::vec(prop::collection::vec(cell, schema().columns.len()).prop_map(filled), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn special_values_ask_the_same_of_neighbours(rows in rows(), at in any::<prop::sample::Index>(), high in any::<bool>(), hold_out in any::<bool>()) {
        let epsilon = if high { 400.0 } else { 2.0 };
        for method in [Method::Adaptive, Method::Netdpsyn, Method::Independent] {
            check_replay(&rows, at.index(rows.len()), &schema(), &plan(method, epsilon, hold_out), real());
        }
    }
}
