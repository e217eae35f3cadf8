//! Addresses of any family from file to file: IPv4, IPv6 and hardware addresses in one column.

use netdpsyn_account::Guarantee;
use netdpsyn_fit::keys::NoiseKey;
use netdpsyn_fit::split::{SplitKey, split};
use netdpsyn_fit::{Method, Plan, fit_forced};
use netdpsyn_formats::{Limits, ReadOptions, bind, read, read_synthetic, write};
use netdpsyn_generate::{Request, generate};
use netdpsyn_model::{Bundle, Model};
use netdpsyn_privacy::{Raw, Steward};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Address, Directory, Families, Schema, Trace, presets};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

const ROWS: usize = 20_000;

/// An address of one side: of five one is IPv6; of those heavy hosts, and one network of random identifiers. A hundred hosts are known by their hardware.
fn address(rng: &mut Xoshiro256PlusPlus) -> String {
    let squared = |rng: &mut Xoshiro256PlusPlus, many: u32| {
        let part: f64 = rng.random();
        (part * part * f64::from(many)) as u32
    };
    match rng.random_range(0..100) {
        0..12 => format!("2001:db8:{}::{:x}", rng.random_range(1..3), 1 + squared(rng, 12)),
        12..20 => {
            // Each of two hundred hosts has an identifier of its own.
            let host = u64::from(squared(rng, 200)) + 1;
            let mut identifier = Xoshiro256PlusPlus::seed_from_u64(host);
            let [a, b, c, d]: [u16; 4] = identifier.random();
            format!("2001:db8:aaaa:7:{a:x}:{b:x}:{c:x}:{d:x}")
        }
        20..26 => format!("02:00:5e:00:00:{:02x}", squared(rng, 100)),
        26..30 => format!("::ffff:198.51.100.{}", squared(rng, 4)),
        _ => format!("10.{}.{}.{}", squared(rng, 3), squared(rng, 5), squared(rng, 40)),
    }
}

fn record(rng: &mut Xoshiro256PlusPlus) -> String {
    let packets = rng.random_range(1..6u64);
    let (source, destination) = (address(rng), address(rng));
    format!(
        "{source},{destination},{},{},tcp,{}.0,1.5,{packets},{},0,benign",
        rng.random_range(40_000..50_000),
        [80, 443, 53][rng.random_range(0..3)],
        1_767_600_000 + rng.random_range(0..3_600),
        packets * rng.random_range(40..800),
    )
}

fn schema() -> Schema {
    let mut schema = presets::preset("flow").unwrap();
    schema.window = Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".parse().unwrap());
    schema.declare_categories("type", vec!["benign".into(), "attack".into()]).unwrap();
    schema.declare_families(Families::Any).unwrap();
    schema
}

/// The addresses of one side.
fn side(text: &str, column: usize) -> Vec<Address> {
    let cell = |line: &str| Address::read(line.split(',').nth(column).unwrap().as_bytes()).unwrap();
    text.lines().skip(1).map(cell).collect()
}

/// Shares of IPv4, IPv6 and hardware.
fn families(addresses: &[Address]) -> [f64; 3] {
    let share = |of: fn(&Address) -> bool| {
        addresses.iter().filter(|address| of(address)).count() as f64 / addresses.len() as f64
    };
    [
        share(|a| matches!(a, Address::V4(_))),
        share(|a| matches!(a, Address::V6(_))),
        share(|a| matches!(a, Address::Hardware(_))),
    ]
}

/// The heaviest addresses, each with its share.
fn heaviest(addresses: &[Address], most: usize) -> Vec<(f64, Address)> {
    let mut records: BTreeMap<u128, usize> = BTreeMap::new();
    addresses.iter().for_each(|address| *records.entry(address.key().unwrap()).or_default() += 1);
    let share = |(key, count): (u128, usize)| (count as f64 / addresses.len() as f64, Address::of(key));
    let mut shares: Vec<(f64, Address)> = records.into_iter().map(share).collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    shares.truncate(most);
    shares
}

fn hosts(text: &str) -> usize {
    let sides = [side(text, 0), side(text, 1)];
    sides.iter().flatten().map(|address| address.key().unwrap()).collect::<BTreeSet<u128>>().len()
}

#[test]
fn families_heavy_hosts_and_numbers_of_hosts_come_through() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let rows: Vec<String> = (0..ROWS).map(|_| record(&mut rng)).collect();
    let header = "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,label,type";
    let raw = format!("{header}\n{}\n", rows.join("\n"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(raw.as_bytes()).unwrap();
    let bound = bind(file.path(), schema(), Limits::NONE, &Quiet).unwrap();
    let (trace, report) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
    assert_eq!(report.for_steward(&Steward::local()).bad, 0);
    let plan = Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), Method::Adaptive);
    let bundle = fit_forced(trace, &bound.schema, &plan, &NoiseKey::for_test(3), &Quiet).unwrap().bundle;
    assert_eq!(bundle.version, 7);
    // As it is stored and read again.
    let mut stored = Vec::new();
    bundle.write(&mut stored).unwrap();
    let read_again = Bundle::read(&stored[..]).unwrap();
    assert_eq!(bundle, read_again);
    let model = Model::from_bundle(&read_again, &Quiet).unwrap();
    let made = generate(&model, &Request { seed: 1, ..Request::default() }, &Quiet).unwrap();
    let mut text = Vec::new();
    write(&made.trace, &bound.schema, &mut text, &Quiet).unwrap();
    let made = String::from_utf8(text).unwrap();

    let paid = bundle.addresses.unwrap();
    for column in [0, 1] {
        let (was, is) = (side(&raw, column), side(&made, column));
        for (was, is) in families(&was).into_iter().zip(families(&is)) {
            assert!((was - is).abs() < 0.02, "a family of {was:.3} became {is:.3}");
        }
        let (heavy, all) = (heaviest(&was, 10), heaviest(&is, usize::MAX));
        for (share, address) in heavy {
            let made = all.iter().find(|(_, other)| *other == address).map_or(0.0, |(share, _)| *share);
            // Noise is that of some twenty records; of IPv6, whose levels are many, of twice as many: there a host takes what its neighbours have that do not stand out, and
            // one of less than about a hundredth of the records may be such a neighbour.
            let six = matches!(address, Address::V6(_));
            if six && share < 0.012 {
                continue;
            }
            let part = if six { 0.5 } else { 0.2 };
            assert!((made - share).abs() < part * share + 0.002, "{address}: {share:.4} became {made:.4}");
        }
        // No address lies outside the leaves that were paid for.
        let outside =
            is.iter().find(|address| paid.key(paid.number(address.key().unwrap())) != address.key().unwrap());
        assert_eq!(outside, None);
    }
    let (was, is) = (hosts(&raw) as f64, hosts(&made) as f64);
    assert!(is < 1.3 * was && is > was / 1.3, "{was} hosts became {is}");
    // What was made is read again, each address as its canonical text.
    let mut again = tempfile::NamedTempFile::new().unwrap();
    again.write_all(made.as_bytes()).unwrap();
    let trace = read_synthetic(again.path(), &bound, &Quiet).unwrap();
    let directory: &Directory = trace.directory(0).unwrap();
    let first: Vec<Address> = trace.column(0).iter().map(|number| directory.address(number)).collect();
    assert_eq!(first, side(&made, 0));
}

/// The lines of a trace, less the header.
fn lines(trace: &Trace, schema: &Schema) -> BTreeSet<String> {
    let mut text = Vec::new();
    write(trace, schema, &mut text, &Quiet).unwrap();
    String::from_utf8(text).unwrap().lines().skip(1).map(String::from).collect()
}

#[test]
fn a_record_less_holds_out_no_other() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(8);
    // The first record has addresses before all others of their families, which no other record has.
    let first = "::1,2001:db8::,443,53,tcp,1767600000.0,1.5,1,100,0,benign".to_string();
    let rows: Vec<String> = [first].into_iter().chain((0..600).map(|_| record(&mut rng))).collect();
    let parts = |rows: &[String]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let header = "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,label,type";
        write!(file, "{header}\n{}\n", rows.join("\n")).unwrap();
        let bound = bind(file.path(), schema(), Limits::NONE, &Quiet).unwrap();
        let (trace, _) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
        let (kept, held) = split(trace, &bound.schema, &SplitKey::of_population([7; 32]), &Quiet).unwrap();
        let shown = |part: netdpsyn_privacy::Sensitive<Trace>| {
            part.privately(|part| lines(part, &bound.schema)).for_steward(&Steward::local())
        };
        [shown(kept), shown(held)]
    };
    let (all, fewer) = (parts(&rows), parts(&rows[1..]));
    assert!(fewer[1].len() > 60, "{} are held out", fewer[1].len());
    for (all, fewer) in all.iter().zip(&fewer) {
        assert!(fewer.is_subset(all), "a record changed sides");
        assert!(all.difference(fewer).all(|line| line.starts_with("::1,")));
    }
}
