//! Flows a second of datagrams with 30 records: `cargo bench -p netdpsyn-export`.

#[path = "../tests/build/mod.rs"]
mod build;

use build::*;
use divan::Bencher;
use divan::counter::ItemsCount;
use netdpsyn_export::{Exports, Limits};

fn main() {
    divan::main();
}

const RECORDS: u16 = 30;
const DATAGRAMS: u16 = 100;

fn run(bencher: Bencher, template: Option<Vec<u8>>, datagram: Vec<u8>) {
    let mut exports = Exports::new(Limits::default());
    let mut out = Vec::new();
    if let Some(template) = template {
        exports.datagram(None, None, &template, &mut out);
    }
    bencher.counter(ItemsCount::new(RECORDS * DATAGRAMS)).bench_local(|| {
        out.clear();
        for _ in 0..DATAGRAMS {
            exports.datagram(None, None, &datagram, &mut out);
        }
        assert_eq!(out.len(), usize::from(RECORDS * DATAGRAMS));
    });
}

#[divan::bench]
fn netflow_v5(bencher: Bencher) {
    run(bencher, None, v5(RECORDS, 0));
}

#[divan::bench]
fn netflow_v9(bencher: Bencher) {
    let records: Vec<u8> = (0..RECORDS).flat_map(v9_record).collect();
    run(bencher, Some(v9(1, &[set(0, &template(256, &V9_FIELDS))])), v9(1, &[set(256, &records)]));
}

/// Both directions, IPv6, a field of any length.
#[divan::bench]
fn ipfix_biflow(bencher: Bencher) {
    let records: Vec<u8> = (0..RECORDS).flat_map(|place| biflow_record(place, 9)).collect();
    run(bencher, Some(ipfix(1, &[set(2, &template(256, &BIFLOW_FIELDS))])), ipfix(1, &[set(256, &records)]));
}
