//! Classes in other shares than the raw trace has them, from an adaptive model.

use netdpsyn_fit::{self as fit, Method, Plan};
use netdpsyn_generate::{Asked, Request, generate};
use netdpsyn_model::Model;
use netdpsyn_privacy::{Guarantee, NoiseKey, Sensitive};
use netdpsyn_trace::Trace;
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::simulate::flows;
use std::collections::BTreeMap;

/// Of the records of a class, the share of each value of a column, of ports of each 1,024.
fn given(trace: &Trace, class: u64, column: usize) -> BTreeMap<u64, f64> {
    let apart = if flows::schema().columns[column].field.tree().is_some() { 1_024 } else { 1 };
    let key = flows::schema().key_column().unwrap();
    let rows: Vec<usize> = (0..trace.rows()).filter(|&row| trace.column(key).get(row) == class).collect();
    let mut shares = BTreeMap::new();
    for &row in &rows {
        *shares.entry(trace.column(column).get(row) / apart).or_default() += 1.0 / rows.len() as f64;
    }
    shares
}

#[test]
fn a_blend_has_the_shares_that_are_wanted_and_else_what_the_model_has() {
    let (schema, trace) = (flows::schema(), flows::simulate(60_000, 1));
    let plan = Plan::new(Guarantee::new(4.0, 1e-9).unwrap(), Method::Adaptive);
    let bundle =
        fit::fit(Sensitive::new(trace), &schema, &plan, &NoiseKey::for_test(1), &Quiet).unwrap().bundle;
    let model = Model::from_bundle(&bundle, &Quiet).unwrap();
    let made = |condition: Option<&str>| {
        let condition = condition.map(|text| text.parse::<Asked>().unwrap().on(&model).unwrap());
        let request = Request { rows: Some(40_000), seed: 3, condition, ..Request::default() };
        generate(&model, &request, &Quiet).unwrap().trace
    };
    let (key, types) = (schema.key_column().unwrap(), ["normal", "ddos", "portscan", "bruteforce"]);
    let free = made(None);
    for (text, shares) in
        [("type=bruteforce", [0.0, 0.0, 0.0, 1.0]), ("type=normal:.25,portscan:.75", [0.25, 0.0, 0.75, 0.0])]
    {
        let blended = made(Some(text));
        for (class, share) in shares.into_iter().enumerate() {
            let own = blended.column(key).iter().filter(|&value| value == class as u64).count();
            assert_eq!(own, (share * 40_000.0) as usize, "{} of {text}", types[class]);
            if own == 0 {
                continue;
            }
            for column in ["proto", "dstport", "pkt"] {
                let column = schema.position(column).unwrap();
                let (a, b) = (given(&free, class as u64, column), given(&blended, class as u64, column));
                let values = a.keys().chain(b.keys()).collect::<std::collections::BTreeSet<_>>();
                let of = |shares: &BTreeMap<u64, f64>, value| shares.get(value).copied().unwrap_or(0.0);
                let apart = values.into_iter().map(|v| (of(&a, v) - of(&b, v)).abs()).sum::<f64>() / 2.0;
                // Two samples of one distribution: of the rarest class, 1,000 records.
                assert!(
                    apart < 0.12,
                    "{text}: {} of {} is {apart} off",
                    schema.columns[column].name,
                    types[class]
                );
            }
        }
    }
}
