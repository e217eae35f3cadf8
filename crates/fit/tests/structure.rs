//! Hosts, pairs and who answers, from a trace through a fit to a synthetic trace.

use netdpsyn_account::Guarantee;
use netdpsyn_fit::keys::NoiseKey;
use netdpsyn_fit::{Method, Plan, Structure, fit_forced};
use netdpsyn_generate::{Request, generate};
use netdpsyn_model::Model;
use netdpsyn_privacy::Sensitive;
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Schema, Trace, Values, simulate::flows};
use std::collections::BTreeSet;

/// Simulated flows whose hosts are those of three networks: each client talks to two servers of its own, which answer.
fn trace() -> (Schema, Trace) {
    let schema = flows::schema();
    let rows = 30_000;
    let mut columns = flows::simulate(rows, 1).into_columns();
    let host = |network: u64, at: u64| 0x0a00_0000 + network * 0x1_0000 + at * 7;
    let ends = (0..rows as u64).map(|row| {
        let call = row / 2;
        let client = call * call % 600;
        let (client, server) = (host(1 + client % 2, client), host(9, (client * 3 + call / 600 % 2) % 80));
        if row % 2 == 0 { [client, server] } else { [server, client] }
    });
    let ends: Vec<[u64; 2]> = ends.collect();
    for side in 0..2 {
        columns[side] = Values::collect(u64::from(u32::MAX), ends.iter().map(|end| end[side]));
    }
    (schema, Trace::new(columns))
}

struct Seen {
    hosts: f64,
    both: f64,
    pairs: f64,
    mutual: f64,
}

fn seen(trace: &Trace) -> Seen {
    let pairs: BTreeSet<[u64; 2]> =
        (0..trace.rows()).map(|row| [trace.column(0).get(row), trace.column(1).get(row)]).collect();
    let side = |side: usize| pairs.iter().map(|pair| pair[side]).collect::<BTreeSet<u64>>();
    let [sources, destinations] = [side(0), side(1)];
    Seen {
        hosts: sources.union(&destinations).count() as f64,
        both: sources.intersection(&destinations).count() as f64,
        pairs: pairs.len() as f64,
        mutual: pairs.iter().filter(|pair| pairs.contains(&[pair[1], pair[0]])).count() as f64,
    }
}

fn synthetic(structure: Structure, seed: u64) -> Seen {
    let (schema, trace) = trace();
    let mut plan = Plan::new(Guarantee::new(8.0, 1e-9).unwrap(), Method::Adaptive);
    plan.options.structure = structure;
    let fitted =
        fit_forced(Sensitive::new(trace), &schema, &plan, &NoiseKey::for_test(seed as u8), &Quiet).unwrap();
    assert_eq!(fitted.bundle.version, if structure == Structure::Auto { 7 } else { 3 });
    let model = Model::from_bundle(&fitted.bundle, &Quiet).unwrap();
    seen(&generate(&model, &Request { seed, ..Request::default() }, &Quiet).unwrap().trace)
}

/// How many times too many or too few.
fn off(made: f64, raw: f64) -> f64 {
    (made / raw).max(raw / made)
}

#[test]
fn hosts_pairs_and_answers_come_through() {
    let raw = seen(&trace().1);
    for seed in [1, 2] {
        let (made, single) = (synthetic(Structure::Auto, seed), synthetic(Structure::None, seed));
        for (name, made, raw) in [("hosts", made.hosts, raw.hosts), ("both sides", made.both, raw.both)] {
            assert!(off(made, raw) < 1.3, "{name}: {made} for {raw}");
        }
        for (name, made, single, raw) in [
            ("pairs", made.pairs, single.pairs, raw.pairs),
            ("mutual", made.mutual, single.mutual, raw.mutual),
        ] {
            assert!(
                off(made, raw) < off(single, raw),
                "{name}: {made}, as single records {single}, for {raw}"
            );
        }
    }
}
