//! What is written reads back as it was, to ourselves and to a library that knows nothing of us.

mod common;

use common::read_all;
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use netdpsyn_capture::write::{
    Container, Counts, Link, Payload, Resolution, WriteError, WriteOptions, Writer,
};
use netdpsyn_capture::{Packet, Tunnels};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn written(packets: &[Packet], options: WriteOptions) -> (Vec<u8>, Counts) {
    let mut writer = Writer::new(Vec::new(), options).expect("a header");
    for packet in packets {
        writer.write(packet).expect("written");
    }
    writer.finish().expect("all of it")
}

fn packet(protocol: u8, length: u32, six: bool) -> Packet {
    let (source, destination) = if six {
        (
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 7, 2).into(),
        )
    } else {
        (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)))
    };
    Packet {
        time: 1_700_000_000_123_456_789,
        source,
        destination,
        protocol,
        source_port: 40_001,
        destination_port: 5001,
        length,
        ttl: 61,
        tos: 0x28,
        header_words: if six { 10 } else { 5 },
        identification: if six { 0 } else { 999 },
        ip_flags: if six { 0 } else { 2 },
        tcp_flags: (protocol == 6).then_some(0x18),
        ..Packet::default()
    }
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let kinds = prop::sample::select(vec![1u8, 6, 17, 47, 50, 58, 89, 132, 136]);
    let lengths = prop_oneof![0u32..200, 1000u32..1600, Just(65_535), Just(70_000)];
    (kinds, lengths, any::<[bool; 3]>(), any::<[u16; 3]>(), any::<[u8; 5]>()).prop_map(
        |(protocol, length, [six, fragment, more], [from, to, id], [flags, ttl, tos, kind, words])| {
            let mut packet = packet(protocol, length, six);
            (packet.ttl, packet.tos) = (ttl, tos);
            packet.time += u64::from(id) * 1_000_003;
            let later = fragment && id % 2 == 0;
            if fragment {
                packet.fragment_offset = if later { 1 + id % 100 } else { 0 };
                packet.ip_flags = u8::from(more || !later);
            }
            packet.identification = if six && !fragment { 0 } else { id };
            if !six {
                packet.header_words = 5 + words % 11;
            }
            let ports = matches!(protocol, 6 | 17 | 132 | 136) && !later;
            (packet.source_port, packet.destination_port) = if ports { (from, to) } else { (0, 0) };
            packet.tcp_flags = (protocol == 6 && !later).then_some(flags);
            packet.icmp = (matches!(protocol, 1 | 58) && !later).then_some((kind, flags));
            packet
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn packets_read_back_as_they_were(
        packets in prop::collection::vec(any_packet(), 1..20),
        ng: bool, ip: bool, absent: bool, micro: bool,
    ) {
        let options = WriteOptions {
            container: if ng { Container::Pcapng } else { Container::Pcap },
            link: if ip { Link::Ip } else { Link::Ethernet },
            payload: if absent { Payload::Absent } else { Payload::Zeros },
            resolution: if micro { Resolution::Microseconds } else { Resolution::Nanoseconds },
            ..WriteOptions::default()
        };
        let (bytes, counts) = written(&packets, options);
        let all = read_all(&bytes, Tunnels::Outer);
        prop_assert!(all.error.is_none() && all.skipped.is_empty(), "{:?}", all.skipped);
        prop_assert_eq!(all.packets.len(), packets.len());
        prop_assert_eq!((counts.packets, counts.frames), (packets.len() as u64, packets.len() as u64));
        let mut changed = 0;
        for (read, packet) in all.packets.iter().zip(&packets) {
            changed += u64::from(read.length != packet.length);
            let time = if micro { packet.time / 1000 * 1000 } else { packet.time };
            let below = if ip { 0 } else { 14 };
            // Of other protocols nothing is known that could follow.
            let known = matches!(packet.protocol, 6 | 17 | 132 | 136) || packet.fragment_offset > 0;
            if !absent && known {
                prop_assert_eq!(read.captured, read.length + below);
            }
            // Lengths are raised to the headers and lowered to what the field holds, and nothing else changes.
            let as_written = Packet { time, length: read.length, captured: read.captured, ..*packet };
            prop_assert_eq!(*read, as_written);
            prop_assert!(read.length >= packet.length || packet.length > 65_575 || (!packet.source.is_ipv6() && packet.length > 65_535));
        }
        prop_assert_eq!(counts.lengthened + counts.shortened, changed);
    }

    /// Whatever protocol, type and length are put together.
    #[test]
    fn any_fields_make_one_frame_of_the_length_that_it_says(
        protocol in prop_oneof![3 => any::<u8>(), 1 => Just(6u8)], kind in 0u8..160, length in 0u32..90, six: bool, flags: u8, words: u8, ip_flags: u8,
        offset in prop_oneof![4 => Just(0u16), 1 => any::<u16>()],
        mtu in prop::option::of(0u32..100),
    ) {
        let mut packet = packet(protocol, length, six);
        packet.icmp = Some((kind, flags));
        packet.tcp_flags = Some(flags);
        (packet.header_words, packet.ip_flags, packet.fragment_offset) = (words, ip_flags, offset);
        for payload in [Payload::Absent, Payload::Zeros] {
            let (bytes, counts) = written(&[packet], WriteOptions { payload, mtu, ..WriteOptions::default() });
            let mut rest = &bytes[24..];
            for _ in 0..counts.frames {
                let word = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
                let (captured, original) = (word(8), word(12));
                let (upper, lower) = if six { (rest[34], rest[35]) } else { (rest[32], rest[33]) };
                let said = u32::from(u16::from_be_bytes([upper, lower])) + if six { 40 } else { 0 };
                prop_assert_eq!(original, said + 14);
                prop_assert!(captured <= original && (counts.cut == 1 || said >= length));
                rest = &rest[16 + captured as usize..];
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(counts.cut == 1, counts.frames > 1);
        }
    }

    #[test]
    fn another_library_reads_the_same_and_finds_the_checksums_right(packet in any_packet()) {
        let (bytes, _) = written(&[packet], WriteOptions { payload: Payload::Zeros, ..WriteOptions::default() });
        let sliced = LaxSlicedPacket::from_ethernet(&bytes[40..]).expect("a packet");
        match sliced.net.expect("IP") {
            LaxNetSlice::Ipv4(four) => {
                let header = four.header().to_header();
                prop_assert_eq!(header.header_checksum, header.calc_header_checksum());
                prop_assert_eq!(header.total_len, read_all(&bytes, Tunnels::Outer).packets[0].length as u16);
            }
            LaxNetSlice::Ipv6(six) => prop_assert_eq!(six.header().traffic_class(), packet.tos),
            LaxNetSlice::Arp(_) => prop_assert!(false),
        }
        let cut = bytes.len() as u32 - 54 < read_all(&bytes, Tunnels::Outer).packets[0].length;
        if packet.ip_flags & 1 == 1 || packet.fragment_offset > 0 || cut {
            return Ok(());
        }
        match (sliced.transport, packet.source, packet.destination) {
            (Some(TransportSlice::Tcp(tcp)), IpAddr::V4(from), IpAddr::V4(to)) => {
                prop_assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(from.octets(), to.octets()).expect("lengths"));
            }
            (Some(TransportSlice::Tcp(tcp)), IpAddr::V6(from), IpAddr::V6(to)) => {
                prop_assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv6(from.octets(), to.octets()).expect("lengths"));
            }
            (Some(TransportSlice::Udp(udp)), IpAddr::V4(from), IpAddr::V4(to)) => {
                let header = udp.to_header();
                let expected = header.calc_checksum_ipv4_raw(from.octets(), to.octets(), udp.payload());
                prop_assert_eq!(header.checksum, expected.expect("lengths"));
            }
            (Some(TransportSlice::Udp(udp)), IpAddr::V6(from), IpAddr::V6(to)) => {
                let header = udp.to_header();
                let expected = header.calc_checksum_ipv6_raw(from.octets(), to.octets(), udp.payload());
                prop_assert_eq!(header.checksum, expected.expect("lengths"));
            }
            (Some(TransportSlice::Icmpv6(icmp)), IpAddr::V6(from), IpAddr::V6(to)) => {
                prop_assert!(icmp.is_checksum_valid(from.octets(), to.octets()));
            }
            _ => {}
        }
    }
}

#[test]
fn long_packets_of_tcp_are_cut_where_it_is_asked_for() {
    let mut long = packet(6, 4000, false);
    long.tcp_flags = Some(0x99);
    let options = WriteOptions { mtu: Some(1500), payload: Payload::Zeros, ..WriteOptions::default() };
    let (bytes, counts) = written(&[long, packet(17, 4000, false), packet(6, 1500, true)], options);
    let read = read_all(&bytes, Tunnels::Outer).packets;
    assert_eq!(counts, Counts { packets: 3, frames: 5, cut: 1, ..Counts::default() });
    let brief: Vec<_> =
        read.iter().map(|packet| (packet.length, packet.tcp_flags, packet.identification)).collect();
    assert_eq!(
        brief,
        [
            (1500, Some(0x90), 999),
            (1500, Some(0x10), 1000),
            (1080, Some(0x19), 1001),
            (4000, None, 999),
            (1500, Some(0x18), 0)
        ]
    );
    // The payload is what it was: 4000 without 40, in pieces of 1460 at most.
    assert_eq!(brief[..3].iter().map(|(length, ..)| length - 40).sum::<u32>(), 3960);
    let sequence = |at: usize| {
        let frame = &bytes[40 + at * 1530..];
        u32::from_be_bytes([frame[38], frame[39], frame[40], frame[41]])
    };
    assert_eq!(sequence(1).wrapping_sub(sequence(0)), 1460);
    // A limit below the headers lets one byte through at a time, and ends.
    let (_, counts) =
        written(&[packet(6, 60, false)], WriteOptions { mtu: Some(1), ..WriteOptions::default() });
    assert_eq!(counts.frames, 20);
}

#[test]
fn packets_that_cannot_be_written_are_refused() {
    let mut mixed = packet(6, 100, true);
    mixed.source = Ipv4Addr::LOCALHOST.into();
    let mut late = packet(6, 100, false);
    late.time = u64::MAX;
    let mut writer = Writer::new(Vec::new(), WriteOptions::default()).expect("a header");
    assert!(matches!(writer.write(&mixed), Err(WriteError::Families(..))));
    assert!(matches!(writer.write(&late), Err(WriteError::TooLate)));
    assert_eq!(writer.counts(), Counts::default());
    let (bytes, _) =
        written(&[late], WriteOptions { container: Container::Pcapng, ..WriteOptions::default() });
    assert_eq!(read_all(&bytes, Tunnels::Outer).packets[0].time, u64::MAX);
}

#[test]
fn absent_payloads_keep_the_original_length() {
    let options = WriteOptions { payload: Payload::Absent, ..WriteOptions::default() };
    let (bytes, _) = written(&[packet(6, 1500, false)], options);
    assert_eq!(bytes.len(), 24 + 16 + 14 + 40);
    assert_eq!(bytes[36..40], 1514u32.to_le_bytes());
}

#[test]
fn every_protocol_and_every_type_of_icmp_is_written_in_both_families() {
    let types = |protocol| if matches!(protocol, 1 | 58) { 0..=255u8 } else { 0..=0 };
    let mut packets = Vec::new();
    for (protocol, six) in (0..=255).flat_map(|protocol| [(protocol, false), (protocol, true)]) {
        for (kind, length) in types(protocol).flat_map(|kind| [0, 40, 61, 100].map(|length| (kind, length))) {
            packets.push(Packet { icmp: Some((kind, 1)), ..packet(protocol, length, six) });
        }
    }
    for payload in [Payload::Absent, Payload::Zeros] {
        let (bytes, counts) = written(&packets, WriteOptions { payload, ..WriteOptions::default() });
        let all = read_all(&bytes, Tunnels::Outer);
        assert_eq!((counts.frames, all.packets.len()), (packets.len() as u64, packets.len()));
        for (read, packet) in all.packets.iter().zip(&packets) {
            // An IPv6 extension given as the protocol has no header after it.
            let extension =
                packet.source.is_ipv6() && matches!(packet.protocol, 0 | 43 | 44 | 51 | 60 | 135 | 139 | 140);
            assert_eq!(read.protocol, if extension { 59 } else { packet.protocol });
            assert!(read.length >= packet.length);
        }
    }
}
