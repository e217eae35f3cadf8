//! Cells outside the type, from file to file: missing ports, durations that are not numbers, names instead of addresses.

use netdpsyn_account::Guarantee;
use netdpsyn_fit::keys::NoiseKey;
use netdpsyn_fit::{Method, Plan, fit_forced};
use netdpsyn_formats::{Limits, ReadOptions, bind, read, write};
use netdpsyn_generate::{Request, generate};
use netdpsyn_model::{Bundle, Model};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Schema, presets};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use std::io::Write;

const ROWS: usize = 20_000;
const NAMES: [&str; 11] =
    ["srcip", "dstip", "srcport", "dstport", "proto", "ts", "td", "pkt", "byt", "label", "type"];

/// A quarter of the records is ICMP, without ports; one in ten comes from `EXT_SERVER`; a twentieth, all of them attacks, has NaN bytes; flows of one packet
/// have no duration.
fn record(rng: &mut Xoshiro256PlusPlus) -> String {
    let icmp = rng.random_bool(0.25);
    let attack = rng.random_bool(0.2);
    let source = match rng.random_bool(0.1) {
        true => "EXT_SERVER".to_string(),
        false => format!("10.0.{}.{}", rng.random_range(0..3), rng.random_range(1..60)),
    };
    let (srcport, dstport) = match icmp {
        true => (String::new(), "-".to_string()),
        false => {
            (rng.random_range(40_000..50_000).to_string(), [80, 443, 53][rng.random_range(0..3)].to_string())
        }
    };
    let packets = rng.random_range(1..6u64);
    let td = if packets == 1 { "-".to_string() } else { format!("{}.5", rng.random_range(0..9)) };
    let bytes = match attack && rng.random_bool(0.25) {
        true => "NaN".to_string(),
        false => (packets * rng.random_range(40..800)).to_string(),
    };
    let time = 1_767_600_000 + rng.random_range(0..3_600);
    let kind = if attack { "attack" } else { "benign" };
    format!(
        "{source},192.168.1.{},{srcport},{dstport},{},{time}.0,{td},{packets},{bytes},{},{kind}",
        rng.random_range(1..5),
        if icmp { "icmp" } else { "tcp" },
        u8::from(attack),
    )
}

fn schema() -> Schema {
    let mut schema = presets::preset("flow").unwrap();
    schema.window = Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".parse().unwrap());
    schema.declare_categories("type", vec!["benign".into(), "attack".into()]).unwrap();
    for (column, cells) in [
        ("srcip", &["EXT_SERVER"][..]),
        ("srcport", &[""]),
        ("dstport", &["-"]),
        ("td", &["-", "Infinity"]),
        ("byt", &["NaN"]),
    ] {
        let cells: Vec<String> = cells.iter().map(|&cell| cell.into()).collect();
        schema.declare_special(column, &cells).unwrap();
    }
    schema
}

/// Share of the records of which this holds, among those of which that does.
fn share(text: &str, of: impl Fn(&[&str]) -> bool, holds: impl Fn(&[&str]) -> bool) -> f64 {
    let records: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let of: Vec<_> = records.iter().filter(|record| of(record)).collect();
    of.iter().filter(|record| holds(record)).count() as f64 / of.len() as f64
}

#[test]
fn special_cells_keep_their_share_and_their_company() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let rows: Vec<String> = (0..ROWS).map(|_| record(&mut rng)).collect();
    let raw = format!("{}\n{}\n", NAMES.join(","), rows.join("\n"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(raw.as_bytes()).unwrap();
    let bound = bind(file.path(), schema(), Limits::NONE, &Quiet).unwrap();
    let at = |name: &str| bound.schema.position(name).unwrap();
    let (srcip, srcport, dstport, proto, td, pkt, byt, kind) =
        (at("srcip"), at("srcport"), at("dstport"), at("proto"), at("td"), at("pkt"), at("byt"), at("type"));
    for method in [Method::Adaptive, Method::Netdpsyn, Method::Independent] {
        let (trace, report) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
        assert_eq!(report.for_steward(&netdpsyn_privacy::Steward::local()).bad, 0);
        let plan = Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), method);
        let bundle = fit_forced(trace, &bound.schema, &plan, &NoiseKey::for_test(3), &Quiet).unwrap().bundle;
        // As it is stored and read again.
        let bundle: Bundle = serde_json::from_slice(&serde_json::to_vec(&bundle).unwrap()).unwrap();
        let model = Model::from_bundle(&bundle, &Quiet).unwrap();
        let made = generate(&model, &Request { seed: 1, ..Request::default() }, &Quiet).unwrap();
        let mut text = Vec::new();
        write(&made.trace, &bound.schema, &mut text, &Quiet).unwrap();
        let made = String::from_utf8(text).unwrap();

        let both = |of: &dyn Fn(&[&str]) -> bool, holds: &dyn Fn(&[&str]) -> bool| {
            (share(&raw, of, holds), share(&made, of, holds))
        };
        let close = |(raw, made): (f64, f64), what: &str| {
            assert!((raw - made).abs() < 0.03, "{method:?}, {what}: {raw:.3} became {made:.3}");
        };
        let all = |_: &[&str]| true;
        close(both(&all, &|r| r[srcip] == "EXT_SERVER"), "no address");
        close(both(&all, &|r| r[srcport].is_empty()), "no source port");
        close(both(&all, &|r| r[dstport] == "-"), "no destination port");
        close(both(&all, &|r| r[td] == "-"), "no duration");
        close(both(&all, &|r| r[byt] == "NaN"), "no bytes");
        assert!(share(&made, all, |r| r[td] == "Infinity") < 0.005, "{method:?}");
        if method == Method::Adaptive {
            close(
                both(&|r| r[proto] == "icmp" || r[proto] == "1", &|r| r[srcport].is_empty()),
                "ports of ICMP",
            );
            close(both(&|r| r[proto] == "tcp" || r[proto] == "6", &|r| r[dstport] == "-"), "ports of TCP");
            close(both(&|r| r[kind] == "benign", &|r| r[byt] == "NaN"), "bytes of what is benign");
            close(both(&|r| r[pkt] == "1", &|r| r[td] == "-"), "durations of one packet");
        }
        // What was made is read again, and no size above those of the raw trace was invented.
        let mut again = tempfile::NamedTempFile::new().unwrap();
        again.write_all(made.as_bytes()).unwrap();
        netdpsyn_formats::read_synthetic(again.path(), &bound, &Quiet).unwrap();
        let largest = made
            .lines()
            .skip(1)
            .filter_map(|l| l.split(',').nth(byt)?.parse::<f64>().ok())
            .fold(0.0, f64::max);
        assert!(largest <= 8_192.0, "{method:?}: {largest}");
    }
}
