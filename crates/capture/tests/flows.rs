//! Flows of packets: time-outs, directions, and that neither order nor memory changes them.

use netdpsyn_capture::Packet;
use netdpsyn_capture::flows::{Builder, Directions, Flow, FlowOptions};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const SECOND: u64 = 1_000_000_000;

fn host(number: u8) -> IpAddr {
    match number {
        0..4 => IpAddr::V4(Ipv4Addr::new(10, 0, 0, number)),
        _ => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into())),
    }
}

/// TCP between two hosts.
fn tcp(seconds: u64, from: (u8, u16), to: (u8, u16), flags: u8) -> Packet {
    Packet {
        time: seconds * SECOND,
        source: host(from.0),
        destination: host(to.0),
        source_port: from.1,
        destination_port: to.1,
        protocol: 6,
        length: 100,
        tos: 8,
        tcp_flags: Some(flags),
        ..Packet::default()
    }
}

fn icmp(seconds: u64, from: u8, to: u8, kind: u8) -> Packet {
    let packet = tcp(seconds, (from, 0), (to, 0), 0);
    Packet { protocol: 1, icmp: Some((kind, 3)), tcp_flags: None, ..packet }
}

fn flows(packets: &[Packet], options: FlowOptions) -> (Vec<Flow>, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut builder = Builder::new(options, folder.path());
    for packet in packets {
        builder.add(packet).expect("added");
    }
    let flows = builder.finish().expect("flows");
    let early = flows.early();
    (flows.map(|flow| flow.expect("a flow")).collect(), early)
}

fn with(directions: Directions) -> FlowOptions {
    FlowOptions { directions, ..FlowOptions::default() }
}

#[test]
fn a_conversation_is_two_flows_or_one() {
    let (a, b) = ((2, 40_000), (1, 443));
    let packets = [tcp(5, a, b, 2), tcp(6, b, a, 0x12), tcp(7, a, b, 0x10), tcp(9, b, a, 0x11)];
    let (one, early) = flows(&packets, with(Directions::One));
    assert_eq!((one.len(), early), (2, 0));
    let expected = Flow {
        start: 5 * SECOND,
        source: host(2),
        destination: host(1),
        source_port: 40_000,
        destination_port: 443,
        protocol: 6,
        end: 7 * SECOND,
        packets: 2,
        bytes: 200,
        reverse_packets: 0,
        reverse_bytes: 0,
        tcp_flags: Some(0x12),
        tos: 8,
    };
    assert_eq!(one[0], expected);
    assert_eq!((one[1].source, one[1].packets, one[1].tcp_flags), (host(1), 2, Some(0x13)));
    let (two, _) = flows(&packets, with(Directions::Two));
    let end = 9 * SECOND;
    assert_eq!(
        two,
        [Flow { end, reverse_packets: 2, reverse_bytes: 200, tcp_flags: Some(0x13), ..expected }]
    );
}

#[test]
fn time_outs_end_flows_when_they_are_passed() {
    let (a, b) = ((0, 1), (1, 2));
    let lengths = |times: &[u64]| -> Vec<u64> {
        let packets: Vec<Packet> = times.iter().map(|time| tcp(*time, a, b, 0)).collect();
        flows(&packets, FlowOptions::default()).0.iter().map(|flow| flow.packets).collect()
    };
    assert_eq!(lengths(&[0, 60]), [2]);
    assert_eq!(lengths(&[0, 61]), [1, 1]);
    assert_eq!(lengths(&[0, 50, 100, 150, 200, 250, 300]), [7]);
    assert_eq!(lengths(&[0, 50, 100, 150, 200, 250, 301]), [6, 1]);
}

#[test]
fn requests_of_icmp_and_replies_are_one_flow_of_two_directions() {
    let packets = [icmp(1, 2, 1, 8), icmp(2, 1, 2, 0), icmp(3, 2, 1, 8), icmp(4, 1, 2, 3)];
    let (two, _) = flows(&packets, with(Directions::Two));
    let brief: Vec<_> = two
        .iter()
        .map(|flow| (flow.source, flow.destination_port, flow.packets, flow.reverse_packets))
        .collect();
    assert_eq!(brief, [(host(2), 8 * 256 + 3, 2, 1), (host(1), 3 * 256 + 3, 1, 0)]);
    let (one, _) = flows(&packets, with(Directions::One));
    let ports: Vec<u16> = one.iter().map(|flow| flow.destination_port).collect();
    assert_eq!(ports, [8 * 256 + 3, 3, 3 * 256 + 3]);
    assert_eq!(one[0].tcp_flags, None);
}

#[test]
fn a_full_table_ends_the_flow_that_was_idle_longest() {
    let to = (3, 9);
    let packets = [
        tcp(0, (0, 1), to, 0),
        tcp(1, (1, 1), to, 0),
        tcp(2, (0, 1), to, 0),
        tcp(3, (2, 1), to, 0),
        tcp(4, (1, 1), to, 0),
    ];
    let options = FlowOptions { open: 2, ..FlowOptions::default() };
    let (flows, early) = flows(&packets, options);
    let brief: Vec<_> = flows.iter().map(|flow| (flow.source, flow.packets)).collect();
    // Host 1 makes room for 2, and 0 then for 1 again.
    assert_eq!((brief, early), (vec![(host(0), 2), (host(1), 1), (host(2), 1), (host(1), 1)], 2));
}

#[test]
fn options_out_of_range_are_brought_into_it() {
    let packets = [tcp(0, (0, 1), (1, 1), 0), tcp(1, (1, 1), (0, 1), 0)];
    let none = FlowOptions { open: 0, held: 0, ..FlowOptions::default() };
    assert_eq!(flows(&packets, none).0.len(), 2);
    let all = FlowOptions { open: usize::MAX, held: usize::MAX, ..FlowOptions::default() };
    assert_eq!(flows(&packets, all).0.len(), 2);
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let ends = (
        0u8..4,
        0u8..4,
        prop::sample::select(vec![0u16, 1, 2, 53]),
        prop::sample::select(vec![0u16, 1, 2, 53]),
    );
    (0u64..600, ends, prop::sample::select(vec![1u8, 6, 17]), 0u32..2000, any::<u8>(), any::<bool>())
        .prop_map(|(seconds, (a, b, from, to), protocol, length, flags, six)| {
            let six = if six { 4 } else { 0 };
            let mut packet = tcp(seconds, (a + six, from), (b + six, to), flags);
            (packet.protocol, packet.length, packet.tos) = (protocol, length, flags & 3);
            if protocol != 6 {
                packet.tcp_flags = None;
            }
            if protocol == 1 {
                (packet.source_port, packet.destination_port) = (0, 0);
                packet.icmp = Some((if flags > 127 { 0 } else { 8 }, 0));
            }
            packet
        })
}

/// The same without a table or files: walks all packets for every key.
fn plainly(packets: &[Packet], options: FlowOptions) -> u64 {
    let mut sorted = packets.to_vec();
    sorted.sort_by_key(|packet| packet.time);
    let mut open: Vec<(Packet, u64, u64)> = Vec::new();
    let mut flows = 0;
    for packet in sorted {
        let port = |packet: &Packet| {
            packet.icmp.map_or(packet.destination_port, |(kind, code)| u16::from_be_bytes([kind, code]))
        };
        let same = |other: &Packet| {
            (other.source, other.destination, other.source_port, port(other), other.protocol)
                == (packet.source, packet.destination, packet.source_port, port(&packet), packet.protocol)
        };
        match open.iter_mut().find(|(other, _, _)| same(other)) {
            Some((_, start, end)) => {
                if packet.time - *end > options.idle || packet.time - *start > options.active {
                    *start = packet.time;
                    flows += 1;
                }
                *end = packet.time;
            }
            None => {
                open.push((packet, packet.time, packet.time));
                flows += 1;
            }
        }
    }
    flows
}

proptest! {
    #[test]
    fn order_and_memory_change_nothing_and_nothing_is_lost(
        packets in prop::collection::vec(any_packet(), 0..200),
        order in any::<u64>(),
        open in 1usize..20,
        two: bool,
    ) {
        let directions = if two { Directions::Two } else { Directions::One };
        let options = FlowOptions { directions, open, ..FlowOptions::default() };
        let (expected, early) = flows(&packets, options);
        let mut shuffled = packets.clone();
        // A permutation by a generator of one line.
        let mut state = order | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        let small = FlowOptions { held: 3, ..options };
        prop_assert_eq!(flows(&shuffled, small), (expected.clone(), early));
        prop_assert!(expected.is_sorted());
        let sum = |of: fn(&Flow) -> u64| expected.iter().map(of).sum::<u64>();
        prop_assert_eq!(sum(|flow| flow.packets + flow.reverse_packets), packets.len() as u64);
        let bytes: u64 = packets.iter().map(|packet| u64::from(packet.length)).sum();
        prop_assert_eq!(sum(|flow| flow.bytes + flow.reverse_bytes), bytes);
        for flow in &expected {
            prop_assert!(flow.end - flow.start <= options.active && flow.packets > 0);
            prop_assert!(two || flow.reverse_packets == 0);
        }
    }

    #[test]
    fn flows_are_those_of_a_plain_walk(packets in prop::collection::vec(any_packet(), 0..100)) {
        let options = FlowOptions::default();
        prop_assert_eq!(flows(&packets, options).0.len() as u64, plainly(&packets, options));
    }
}

#[test]
fn the_packets_of_the_properties_make_flows_of_several() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let tree = prop::collection::vec(any_packet(), 150..200).new_tree(&mut runner).expect("packets");
    let packets = tree.current();
    let (flows, _) = flows(&packets, with(Directions::Two));
    assert!(flows.len() < packets.len() && flows.iter().any(|flow| flow.reverse_packets > 0));
}
