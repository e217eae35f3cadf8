//! Records made by hand: every way in which exporters tell what a flow is.

mod build;

use build::*;
use netdpsyn_export::{Exports, Flow, Limits, Note, Skip, Tally};

const MILLI: u64 = 1_000_000;
const NOW_MILLIS: u64 = NOW as u64 * 1_000;

/// Fields with the value of each.
type Told<'a> = &'a [(u16, u32, Vec<u8>)];

fn sets(version: u16, told: Told<'_>) -> Vec<u8> {
    let fields: Vec<_> = told.iter().map(|(number, of, value)| (*number, value.len() as u16, *of)).collect();
    let record: Vec<u8> = told.iter().flat_map(|(_, _, value)| value.clone()).collect();
    let message = if version == 9 { v9 } else { ipfix };
    message(1, &[set(if version == 9 { 0 } else { 2 }, &template(256, &fields)), set(256, &record)])
}

/// The only flow of a record, and what was noted.
fn flow(version: u16, told: Told<'_>) -> (Flow, Tally) {
    let (flows, tally) = read(&sets(version, told));
    assert_eq!((flows.len(), tally.skips().count()), (1, 0), "{told:?}");
    (flows[0], tally)
}

/// The reason why a record is not a flow.
fn skip(version: u16, told: Told<'_>) -> Skip {
    let (flows, tally) = read(&sets(version, told));
    assert_eq!(flows.len(), 0);
    tally.skips().next().expect("a reason").0
}

fn read(datagram: &[u8]) -> (Vec<Flow>, Tally) {
    let (mut exports, mut out) = (Exports::new(Limits::default()), Vec::new());
    exports.datagram(None, None, datagram, &mut out);
    (out, exports.tally().clone())
}

/// A field of the common registry with a number of so many bytes.
fn field(number: u16, value: u64, bytes: usize) -> (u16, u32, Vec<u8>) {
    (number, 0, be(value, bytes))
}

/// What every flow needs: addresses, bytes and packets.
fn base(more: &[(u16, u32, Vec<u8>)]) -> Vec<(u16, u32, Vec<u8>)> {
    let base = [field(8, 0x0a00_0001, 4), field(12, 0x0a00_0002, 4), field(1, 100, 4), field(2, 2, 4)];
    [&base[..], more].concat()
}

#[test]
fn a_record_of_netflow_v9() {
    let datagram = v9(1, &[set(0, &template(256, &V9_FIELDS)), set(256, &v9_record(3))]);
    let (flows, tally) = read(&datagram);
    let flow = Flow {
        start: (NOW_MILLIS - 10_000) * MILLI,
        end: (NOW_MILLIS - 5_000) * MILLI,
        source: "192.0.2.1".parse().unwrap(),
        destination: "198.51.100.7".parse().unwrap(),
        source_port: 1_027,
        destination_port: 443,
        protocol: 6,
        packets: 5,
        bytes: 4_200,
        reverse_packets: None,
        reverse_bytes: None,
        tcp_flags: Some(0x1b),
        tos: Some(8),
    };
    assert_eq!(flows, [flow]);
    assert_eq!((tally.skips().count(), tally.notes().count()), (0, 0));
}

#[test]
fn both_directions_with_unknown_enterprises_and_texts_of_any_length() {
    let records: Vec<u8> =
        [0, 1, 254, 255, 256, 3_000].iter().flat_map(|&text| biflow_record(text as u16, text)).collect();
    let (flows, tally) = read(&ipfix(
        1,
        &[set(2, &template(256, &BIFLOW_FIELDS)), set(256, &[&records[..], &[0, 0, 0]].concat())],
    ));
    assert_eq!((flows.len(), tally.skips().count(), tally.notes().count()), (6, 0, 0));
    assert_eq!(
        flows[5],
        Flow {
            start: (NOW_MILLIS - 5_000) * MILLI,
            end: (NOW_MILLIS - 1_250) * MILLI,
            source: "2001:db8::1".parse().unwrap(),
            destination: "2001:db8::2".parse().unwrap(),
            source_port: 4_024,
            destination_port: 443,
            protocol: 6,
            packets: 5,
            bytes: 4_200,
            reverse_packets: Some(70),
            reverse_bytes: Some(99_000),
            // The ninth bit of two bytes is no flag of today's TCP.
            tcp_flags: Some(0x1b),
            tos: None,
        }
    );
}

#[test]
fn a_text_longer_than_its_set_is_malformed() {
    let record = biflow_record(0, 9);
    let cut = &record[..record.len() - 1];
    let (flows, tally) =
        read(&ipfix(1, &[set(2, &template(256, &BIFLOW_FIELDS)), set(256, &[&record, cut].concat())]));
    assert_eq!((flows.len(), tally.skipped(Skip::Malformed)), (1, 1));
}

#[test]
fn counters_of_every_name() {
    let addresses = &base(&[])[..2];
    let counted = |version, fields: &[(u16, u32, Vec<u8>)]| {
        let (flow, tally) = flow(version, &[addresses, fields].concat());
        (flow.packets, flow.bytes, flow.reverse_packets, flow.reverse_bytes, tally.noted(Note::NoPackets))
    };
    assert_eq!(
        counted(10, &[field(85, 9, 3), field(86, 1, 1), field(1, 8, 8), field(2, 2, 5)]),
        (2, 8, None, None, 0)
    );
    assert_eq!(counted(10, &[field(85, 9, 8), field(86, 1, 8)]), (1, 9, None, None, 0));
    assert_eq!(counted(9, &[field(23, 9, 4), field(24, 1, 4)]), (1, 9, None, None, 0));
    // What a middlebox sends on is not the way back.
    assert_eq!(
        counted(9, &[field(1, 5, 4), field(2, 1, 4), field(23, 9, 4), field(24, 3, 4)]),
        (1, 5, None, None, 0)
    );
    let both = [field(231, 5, 4), field(232, 6, 4), field(298, 1, 4), field(299, 2, 4)];
    assert_eq!(counted(9, &both), (1, 5, Some(2), Some(6), 0));
    let both = [field(85, 5, 4), field(86, 1, 4), (85, 29305, be(6, 4)), (86, 29305, be(2, 4))];
    assert_eq!(counted(10, &both), (1, 5, Some(2), Some(6), 0));
    assert_eq!(counted(9, &[field(231, 5, 4), field(232, 0, 4)]), (0, 5, None, Some(0), 1));
    // Zeros alone are a flow where nothing speaks of an event.
    assert_eq!(counted(9, &[field(1, 0, 4), field(2, 0, 4)]), (0, 0, None, None, 0));
    let (_, tally) = flow(9, &[addresses, &[field(2, 7, 4)]].concat());
    assert_eq!(tally.noted(Note::NoBytes), 1);
    // Of two fields of one number the first counts.
    assert_eq!(counted(9, &[field(1, 5, 4), field(2, 1, 4), field(1, 6, 4)]).1, 5);
}

#[test]
fn records_that_are_no_flows_say_why() {
    let addresses = &base(&[])[..2];
    let with = |fields: &[(u16, u32, Vec<u8>)]| [addresses, fields].concat();
    assert_eq!(skip(9, &with(&[])), Skip::NoCounters);
    assert_eq!(skip(10, &with(&[field(230, 1, 1)])), Skip::NatEvent);
    assert_eq!(skip(10, &with(&[field(233, 1, 1), field(1, 0, 4), field(2, 0, 4)])), Skip::FirewallEvent);
    assert_eq!(skip(9, &with(&[field(40005, 1, 1)])), Skip::FirewallEvent);
    assert_eq!(skip(10, &with(&[field(40005 & 0x7fff, 1, 1)])), Skip::NoCounters);
    assert_eq!(
        flow(10, &with(&[field(233, 2, 1), field(231, 0, 4), field(232, 7, 4)])).0.reverse_bytes,
        Some(7)
    );
    assert_eq!(skip(9, &[field(56, 1, 6), field(1, 5, 4)]), Skip::LayerTwo);
    assert_eq!(skip(9, &[field(8, 1, 4), field(1, 5, 4)]), Skip::NoAddresses);
    // Three bytes are no address.
    assert_eq!(skip(9, &[field(8, 1, 3), field(12, 1, 4), field(1, 5, 4)]), Skip::NoAddresses);
}

#[test]
fn addresses_of_both_families_in_one_record() {
    let (four, six) = (be(0x0a00_0001, 4), [be(0x2001_0db8, 8), be(7, 8)].concat());
    let record = |four: &Vec<u8>, more: &[(u16, u32, Vec<u8>)]| {
        let fields =
            [(8, 0, four.clone()), (12, 0, four.clone()), (27, 0, six.clone()), (28, 0, six.clone())];
        flow(10, &[&fields[..], &[field(1, 5, 4), field(2, 1, 4)], more].concat()).0.source.is_ipv6()
    };
    assert!(!record(&four, &[]));
    assert!(record(&be(0, 4), &[]));
    assert!(record(&four, &[field(60, 6, 1)]));
    assert!(!record(&be(0, 4), &[field(60, 4, 1)]));
}

#[test]
fn icmp_has_type_and_code_in_the_port() {
    let port = |version, protocol, more: &[(u16, u32, Vec<u8>)]| {
        flow(version, &base(&[&[field(4, protocol, 1)], more].concat())).0.destination_port
    };
    assert_eq!(port(9, 1, &[field(11, 2_048, 2)]), 2_048);
    assert_eq!(port(9, 1, &[field(11, 2_048, 2), field(32, 0, 2)]), 2_048);
    assert_eq!(port(9, 1, &[field(11, 0, 2), field(32, 771, 2)]), 771);
    assert_eq!(port(9, 58, &[field(32, 0x8700, 2)]), 0x8700);
    assert_eq!(port(10, 58, &[field(139, 0x8700, 2)]), 0x8700);
    assert_eq!(port(10, 58, &[field(178, 128, 1), field(179, 3, 1)]), 128 * 256 + 3);
    // An echo reply of Cisco's firewalls, which have the identifier for a port.
    assert_eq!(port(9, 1, &[field(11, 17_549, 2), field(176, 0, 1), field(177, 0, 1)]), 0);
    // Of what is no ICMP they say nothing.
    assert_eq!(port(9, 6, &[field(11, 80, 2), field(32, 771, 2)]), 80);
}

#[test]
fn protocol_ports_flags_and_tos() {
    let (told, tally) = flow(10, &base(&[field(182, 5, 2), field(183, 6, 2), field(6, 0x1ff, 2)]));
    assert_eq!(
        (told.protocol, told.source_port, told.destination_port, told.tcp_flags),
        (6, 5, 6, Some(0xff))
    );
    assert_eq!(tally.noted(Note::NoProtocol), 0);
    let (told, _) =
        flow(10, &base(&[field(180, 5, 2), field(181, 6, 2), field(6, 0x10, 1), field(195, 46, 1)]));
    // Flags of UDP are none, though some routers fill them.
    assert_eq!((told.protocol, told.source_port, told.tcp_flags, told.tos), (17, 5, None, Some(184)));
    // Fields for both protocols: those of the other are 0.
    let both = [field(182, 0, 2), field(183, 0, 2), field(180, 5, 2), field(181, 53, 2)];
    let (told, _) = flow(10, &base(&both));
    assert_eq!((told.protocol, told.source_port, told.destination_port), (17, 5, 53));
    let (told, tally) = flow(9, &base(&[field(7, 70_000, 4), field(5, 3, 1)]));
    assert_eq!(
        (told.protocol, told.source_port, told.tos, tally.noted(Note::NoProtocol)),
        (0, 0, Some(3), 1)
    );
}

#[test]
fn options_are_skipped_and_what_they_tell_of_the_exporter_is_remembered() {
    let boot = NOW_MILLIS - 50_000;
    let options = set(3, &[&[1, 0, 0, 3, 0, 1, 0, 144, 0, 4, 0, 160, 0, 8, 1, 49, 0, 4][..]].concat());
    let told = set(256, &[be(1, 4), be(boot, 8), be(512, 4)].concat());
    let fields = [(8, 4, 0), (12, 4, 0), (1, 4, 0), (2, 4, 0), (22, 4, 0), (21, 4, 0)];
    let values = base(&[field(22, 20_000, 4), field(21, 30_000, 4)]);
    let record: Vec<u8> = values.into_iter().flat_map(|(_, _, value)| value).collect();
    let flows = [set(2, &template(300, &fields)), set(300, &record)].concat();

    let (known, tally) = read(&ipfix(1, &[options.clone(), told.clone(), flows.clone()]));
    assert_eq!(
        (known[0].start, known[0].end),
        ((NOW_MILLIS - 30_000) * MILLI, (NOW_MILLIS - 20_000) * MILLI)
    );
    assert_eq!((tally.skipped(Skip::Options), tally.noted(Note::Sampled), tally.sampling()), (1, 1, 512));
    assert_eq!(tally.noted(Note::ExportTime), 0);

    // Without them only the duration is known.
    let (unknown, tally) = read(&ipfix(1, &[flows]));
    assert_eq!((unknown[0].start, unknown[0].end), ((NOW_MILLIS - 10_000) * MILLI, NOW_MILLIS * MILLI));
    assert_eq!((tally.noted(Note::ExportTime), tally.noted(Note::Sampled)), (1, 0));
}

#[test]
fn sampling_in_records() {
    let noted = |fields: &[(u16, u32, Vec<u8>)]| {
        let (_, tally) = flow(10, &base(fields));
        (tally.noted(Note::Sampled), tally.sampling())
    };
    assert_eq!(noted(&[field(34, 100, 4)]), (1, 100));
    assert_eq!(noted(&[field(34, 1, 4)]), (0, 0));
    // One packet in 1,000 is sampled.
    assert_eq!(noted(&[field(305, 1, 4), field(306, 999, 4)]), (1, 1_000));
}
