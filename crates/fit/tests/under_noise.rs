//! The whole way from a raw trace to synthetic records under many noise keys: what the worst of them does.

use netdpsyn_fit::{self as fit, Method, Plan};
use netdpsyn_generate::{Request, generate};
use netdpsyn_model::Model;
use netdpsyn_privacy::{Guarantee, NoiseKey, Sensitive};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Schema, Trace, presets, protocols};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: u64 = 3_600_000_000_000;
const TYPES: [&str; 4] = ["benign", "flood", "control", "scan"];

fn schema() -> Schema {
    let mut schema = presets::preset("flow").unwrap();
    schema.columns.retain(|column| !["srcip", "dstip"].contains(&column.name.as_str()));
    schema.window = Some("1767600000/1767603600".parse().unwrap());
    schema.declare_categories("type", TYPES.map(String::from).into()).unwrap();
    schema
}

/// Flows of infected devices: most are empty or tiny, a few carry nearly all bytes. Three protocols, of which one has no ports.
fn simulate(rows: usize) -> Trace {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut trace = Trace::empty(&schema());
    let start = schema().window.unwrap().start();
    for row in 0..rows {
        let class: u64 = [1, 1, 1, 1, 1, 1, 2, 2, 2, 0][row % 10];
        let class = if row % 150 == 0 { 3 } else { class };
        let pkt = match class {
            1 => 0,
            _ if row % 1_000 == 9 => rng.random_range(500..5_000),
            _ => rng.random_range(1..20),
        };
        let td = if pkt < 2 { 0 } else { pkt * rng.random_range(500..400_000) };
        let proto = [protocols::TCP, protocols::TCP, protocols::UDP][row % 3];
        let proto = if row % 40 == 9 { protocols::ICMP } else { proto };
        let ports = u64::from(proto != protocols::ICMP);
        let srcport = rng.random_range(32_768..61_000) * ports;
        let dstport = [80, 6_667, 23, 53][class as usize] * ports;
        let ts = start + rng.random_range(0..HOUR);
        let label = u64::from(class > 0);
        trace.push(&[srcport, dstport, proto, ts, td, pkt, pkt * rng.random_range(40..1_400), label, class]);
    }
    trace
}

fn synthetic(raw: &Trace, method: Method, key: u8) -> Trace {
    let plan = Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), method);
    let raw = Sensitive::new(raw.clone());
    let fitted = fit::fit(raw, &schema(), &plan, &NoiseKey::for_test(key), &Quiet).unwrap();
    let model = Model::from_bundle(&fitted.bundle, &Quiet).unwrap();
    generate(&model, &Request { seed: key.into(), ..Request::default() }, &Quiet).unwrap().trace
}

fn mean(trace: &Trace, column: usize) -> f64 {
    trace.column(column).iter().map(|value| value as f64).sum::<f64>() / trace.rows() as f64
}

/// Sums are those of the largest values: noise must not invent any.
#[test]
fn no_noise_key_multiplies_a_total() {
    let (raw, schema) = (simulate(16_000), schema());
    for method in [Method::Adaptive, Method::Netdpsyn, Method::Independent] {
        let ratios: Vec<[f64; 3]> = (0..50)
            .into_par_iter()
            .map(|key| {
                let made = synthetic(&raw, method, key);
                ["td", "pkt", "byt"].map(|name| {
                    let column = schema.position(name).unwrap();
                    mean(&made, column) / mean(&raw, column)
                })
            })
            .collect();
        let all = || ratios.iter().flatten();
        let (least, most) =
            all().fold((f64::MAX, 0.0f64), |(low, high), &ratio| (low.min(ratio), high.max(ratio)));
        println!("{method:?}: totals a record are {least:.3} to {most:.3} of the raw ones");
        assert!(most < 1.5 && least > 0.2, "{method:?}: {least:.3} to {most:.3} of the raw totals");
    }
}

#[test]
fn no_noise_key_draws_what_cannot_be() {
    let (raw, schema) = (simulate(16_000), schema());
    let at = |name: &str| schema.position(name).unwrap();
    for method in [Method::Adaptive, Method::Netdpsyn, Method::Independent] {
        let faults: BTreeMap<&str, u64> = (0..20)
            .into_par_iter()
            .map(|key| {
                let made = synthetic(&raw, method, key);
                let value = |name: &str, row| made.column(at(name)).get(row);
                let count =
                    |wrong: &dyn Fn(usize) -> bool| (0..made.rows()).filter(|&row| wrong(row)).count() as u64;
                let kinds: BTreeSet<u64> = made.column(at("proto")).iter().collect();
                let types = (0..TYPES.len() as u64 + 1).map(|class| {
                    let of =
                        |label| count(&|row| (value("type", row), value("label", row)) == (class, label));
                    of(0).min(of(1))
                });
                let against: u64 = types.sum();
                let ports = |row| value("srcport", row) + value("dstport", row);
                let portless = |row| !protocols::has_ports(value("proto", row)) && ports(row) > 0;
                [
                    ("other in a column of numbers", count(&|row| value("label", row) > 1)),
                    ("protocols too many", (kinds.len() as u64).saturating_sub(3 + 2)),
                    ("ports without ports", count(&portless)),
                    // One-way marginals alone do not tell.
                    ("label against type", if method == Method::Independent { 0 } else { against }),
                ]
            })
            .fold(BTreeMap::new, |mut sums: BTreeMap<&str, u64>, found| {
                found.into_iter().for_each(|(name, count)| *sums.entry(name).or_default() += count);
                sums
            })
            .reduce(BTreeMap::new, |mut a, b| {
                b.into_iter().for_each(|(name, count)| *a.entry(name).or_default() += count);
                a
            });
        println!("{method:?}: {faults:?}");
        assert!(faults.values().all(|&count| count == 0), "{method:?}: {faults:?}");
    }
}
