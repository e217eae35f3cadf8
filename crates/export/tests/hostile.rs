//! Whatever comes, nothing panics, memory stays bounded, and no more flows come out than bytes went in.

mod build;

use build::*;
use netdpsyn_export::{Datagrams, Exports, Limits, format_of};
use proptest::collection::vec;
use proptest::prelude::*;

const LIMITS: Limits = Limits { templates: 16, fields: 64, waiting: 4_096 };

/// A datagram of each kind, with templates, options and data.
fn good() -> Vec<Vec<u8>> {
    let records: Vec<u8> = (0..5).flat_map(v9_record).collect();
    let texts: Vec<u8> = [0, 9, 300].iter().flat_map(|&text| biflow_record(1, text)).collect();
    let options = set(1, &[1, 44, 0, 4, 0, 8, 0, 1, 0, 4, 0, 34, 0, 4, 0, 160, 0, 8]);
    let told = set(300, &[be(1, 4), be(100, 4), be(u64::from(NOW) * 1_000, 8)].concat());
    vec![
        v5(5, 10),
        v9(1, &[set(256, &records), set(0, &template(256, &V9_FIELDS)), set(256, &records), options, told]),
        ipfix(1, &[set(256, &texts), set(2, &template(256, &BIFLOW_FIELDS)), set(256, &texts)]),
        ipfix(1, &[set(2, &[1, 0, 0, 0]), set(256, &texts)]),
    ]
}

/// Reads them all, one after the other and as a file.
fn survive(datagrams: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let (mut exports, mut out) = (Exports::new(LIMITS), Vec::new());
    let mut bytes = 0;
    for datagram in datagrams {
        exports.datagram(None, Some(1), datagram, &mut out);
        bytes += datagram.len();
        prop_assert!(out.len() <= bytes / 8 + 1, "{} flows of {bytes} bytes", out.len());
        prop_assert!(exports.templates() <= LIMITS.templates);
        prop_assert!(exports.waiting() * 512 <= LIMITS.waiting);
    }
    for flow in &out {
        prop_assert!(flow.start <= flow.end);
    }
    prop_assert_eq!(exports.tally().flows(), out.len() as u64);
    prop_assert_eq!(exports.tally().datagrams(), datagrams.len() as u64);

    let file = datagrams.concat();
    let _ = format_of(&file);
    let mut found = Datagrams::new(file.as_slice());
    let mut length = 0;
    while let Some(datagram) = found.next_datagram().expect("no errors in memory") {
        prop_assert!(!datagram.is_empty());
        length += datagram.len();
        exports.datagram(None, None, datagram, &mut out);
    }
    prop_assert!(length <= file.len());
    Ok(())
}

/// Datagrams that are nearly right: a header, and sets with small ids and lengths.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![0u16..4, 250u16..262, Just(u16::MAX), 4u16..40, any::<u16>()];
    (prop_oneof![Just(5u8), Just(9), Just(10)], vec(word, 0..200), any::<u16>()).prop_map(
        |(version, words, length)| {
            let mut datagram = vec![0, version];
            let whole = 2 * words.len() as u16 + 4;
            datagram.extend(if length % 4 == 0 { length } else { whole }.to_be_bytes());
            datagram.extend(words.iter().flat_map(|word| word.to_be_bytes()));
            datagram
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

    #[test]
    fn random_datagrams_never_panic(datagrams in vec(vec(any::<u8>(), 0..600), 0..8)) {
        survive(&datagrams)?;
    }

    #[test]
    fn random_sets_never_panic(datagrams in vec(nearly(), 0..24)) {
        survive(&datagrams)?;
    }

    #[test]
    fn truncated_datagrams_never_panic(cuts in vec(any::<prop::sample::Index>(), 4)) {
        let mut datagrams = good();
        for (datagram, cut) in datagrams.iter_mut().zip(cuts) {
            datagram.truncate(cut.index(datagram.len()));
        }
        survive(&datagrams)?;
    }

    #[test]
    fn datagrams_with_flipped_bits_never_panic(flips in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..8), 1..12)) {
        let mut datagrams = good();
        for (which, place, bit) in flips {
            let datagram = which.get(&datagrams).len();
            let which = which.index(datagrams.len());
            datagrams[which][place.index(datagram)] ^= 1 << bit;
        }
        survive(&datagrams)?;
    }

    #[test]
    fn the_order_of_datagrams_does_not_matter(order in Just((0..6).collect::<Vec<_>>()).prop_shuffle()) {
        let records: Vec<u8> = (0..5).flat_map(v9_record).collect();
        let texts: Vec<u8> = [0, 9, 300].iter().flat_map(|&text| biflow_record(1, text)).collect();
        let datagrams = [
            v9(1, &[set(0, &template(256, &V9_FIELDS))]),
            v9(1, &[set(256, &records)]),
            v9(2, &[set(0, &template(256, &V9_FIELDS)), set(256, &records)]),
            ipfix(1, &[set(2, &template(256, &BIFLOW_FIELDS))]),
            ipfix(1, &[set(256, &texts)]),
            v5(4, 0),
        ];
        let (mut exports, mut out) = (Exports::new(Limits::default()), Vec::new());
        for place in order {
            exports.datagram(None, None, &datagrams[place], &mut out);
        }
        prop_assert_eq!((out.len(), exports.waiting(), exports.finish().skips().count()), (17, 0, 0));
    }
}

#[test]
fn templates_without_end_take_no_memory() {
    let mut exports = Exports::new(LIMITS);
    let mut out = Vec::new();
    for domain in 0..2_000 {
        let sets: Vec<_> = (256..266).map(|id| set(0, &template(id, &V9_FIELDS))).collect();
        exports.datagram(None, None, &v9(domain, &sets), &mut out);
        exports.datagram(None, None, &v9(domain, &[set(999, &[7; 1_000])]), &mut out);
    }
    assert_eq!((exports.templates(), exports.waiting()), (LIMITS.templates, 2));
}

#[test]
fn fields_without_bytes_take_no_time() {
    // A record of one byte, and 63 fields of none: each of 60,000 records takes one step.
    let fields: Vec<_> = (0..63).map(|_| (1, 0, 0)).chain([(99, 1, 0)]).collect();
    let (mut exports, mut out) = (Exports::new(LIMITS), Vec::new());
    exports.datagram(
        None,
        None,
        &v9(1, &[set(0, &template(256, &fields)), set(256, &[1; 60_000])]),
        &mut out,
    );
    assert_eq!(exports.tally().skips().map(|(_, count)| count).sum::<u64>(), 60_000);
}
