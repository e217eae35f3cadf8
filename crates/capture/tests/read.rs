//! Captures of all shapes, made here, and what is read of them.

mod common;

use common::{Bytes, block, enhanced, ethernet, interface, pcap, pcapng, read_all, section, udp};
use netdpsyn_capture::{Packet, Skip, Tunnels};
use std::net::IpAddr;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn one(frame: Vec<u8>) -> Result<Packet, Skip> {
    tunnelled(frame, Tunnels::Outer)
}

fn tunnelled(frame: Vec<u8>, tunnels: Tunnels) -> Result<Packet, Skip> {
    let all = read_all(&pcap(&[frame], false), tunnels);
    assert!(all.error.is_none());
    all.packets.first().copied().ok_or_else(|| all.skipped[0])
}

#[test]
fn every_field_of_a_packet() {
    let mut packet = udp(53, &[1, 2, 3]);
    packet[1] = 0xb8;
    let read = one(ethernet(&[8, 0], &packet)).expect("a packet");
    let expected = Packet {
        time: 1_000_001_000,
        source: address("10.0.0.1"),
        destination: address("10.0.0.2"),
        protocol: 17,
        source_port: 1234,
        destination_port: 53,
        length: 31,
        ttl: 64,
        tos: 0xb8,
        header_words: 5,
        identification: 7,
        ip_flags: 2,
        captured: 45,
        ..Packet::default()
    };
    assert_eq!(read, expected);
}

#[test]
fn both_formats_and_orders_say_the_same() {
    let frames: Vec<Vec<u8>> = (0..5).map(|at| ethernet(&[8, 0], &udp(at, &vec![0; at as usize]))).collect();
    let expected = read_all(&pcap(&frames, false), Tunnels::Outer).packets;
    assert_eq!(expected.len(), 5);
    assert_eq!(read_all(&pcap(&frames, true), Tunnels::Outer).packets, expected);
    for big in [false, true] {
        let mut packets = read_all(&pcapng(&frames, big), Tunnels::Outer).packets;
        for (packet, at) in packets.iter_mut().zip(1..) {
            assert_eq!(packet.time, at * 1000);
            packet.time += at * 1_000_000_000;
        }
        assert_eq!(packets, expected);
    }
}

#[test]
fn nanoseconds_and_the_modified_format() {
    let frame = ethernet(&[8, 0], &udp(53, &[]));
    for big in [false, true] {
        let nano = Bytes(Vec::new(), big).four(0xa1b2_3c4d).0;
        let mut file = pcap(std::slice::from_ref(&frame), big);
        file[..4].copy_from_slice(&nano);
        assert_eq!(read_all(&file, Tunnels::Outer).packets[0].time, 1_000_000_001);
        let mut file = pcap(std::slice::from_ref(&frame), big);
        file[..4].copy_from_slice(&Bytes(Vec::new(), big).four(0xa1b2_cd34).0);
        file.splice(40..40, [9; 8]);
        let all = read_all(&file, Tunnels::Outer);
        assert_eq!((all.packets.len(), all.packets[0].time), (1, 1_000_001_000));
    }
}

#[test]
fn sections_of_either_order_with_interfaces_of_their_own() {
    let ip = udp(53, &[]);
    let frame = ethernet(&[8, 0], &ip);
    let simple = |big| {
        let length = ip.len() as u32;
        block(3, Bytes(Vec::new(), big).four(length).all(&ip).0, big)
    };
    let old = |big| {
        let length = frame.len() as u32;
        let head = Bytes(Vec::new(), big).two(1).two(9).four(0).four(77).four(length).four(length);
        block(2, head.all(&frame).0, big)
    };
    let mut file = Vec::new();
    for big in [true, false] {
        file.extend(section(big));
        let nanoseconds = Bytes(Vec::new(), big).two(9).two(1).all(&[9, 0, 0, 0]).0;
        file.extend(interface(101, 0, &nanoseconds, big));
        file.extend(interface(1, 0, &[], big));
        file.extend(block(0xbad, vec![1; 1000], big));
        file.extend(enhanced(0, 5 << 32, &ip, big));
        file.extend(enhanced(2, 5, &ip, big));
        file.extend(simple(big));
        file.extend(old(big));
    }
    let all = read_all(&file, Tunnels::Outer);
    assert!(all.error.is_none());
    assert_eq!(all.skipped, [Skip::Interface; 2]);
    let times: Vec<u64> = all.packets.iter().map(|packet| packet.time).collect();
    // The simple one has the time of the one before.
    assert_eq!(times, [5 << 32, 5 << 32, 77_000].repeat(2));
}

#[test]
fn a_block_larger_than_the_buffer_is_passed_over() {
    let frame = ethernet(&[8, 0], &udp(53, &[]));
    let mut file = pcapng(std::slice::from_ref(&frame), false);
    file.extend(block(10, vec![7; 3 << 20], false));
    file.extend(enhanced(0, 2, &frame, false));
    // A comment longer than the buffer: the packet is read all the same.
    let mut long =
        Bytes(Vec::new(), false).four(0).four(0).four(3).four(42).four(42).all(&frame).all(&[0, 0]).0;
    long.extend(vec![0; 1 << 20]);
    file.extend(block(6, long, false));
    file.extend(enhanced(0, 4, &frame, false));
    let all = read_all(&file, Tunnels::Outer);
    assert_eq!((all.packets.len(), all.skipped.len(), all.error.is_none()), (4, 0, true));
}

#[test]
fn short_snap_lengths_lose_ports_but_not_lengths() {
    let whole = ethernet(&[8, 0], &udp(53, &[0; 100]));
    let cut = |length: usize| {
        let mut file = pcap(&[whole[..length].to_vec()], false);
        file[36..40].copy_from_slice(&(whole.len() as u32).to_le_bytes());
        let all = read_all(&file, Tunnels::Outer);
        all.packets
            .first()
            .map(|packet| (packet.length, packet.destination_port))
            .ok_or_else(|| all.skipped[0])
    };
    assert_eq!(cut(38), Ok((128, 53)));
    assert_eq!(cut(37), Err(Skip::PortsCut));
    assert_eq!(cut(33), Err(Skip::IpHeader));
    assert_eq!(cut(13), Err(Skip::LinkHeader));
    // Padding of Ethernet is no transport header.
    let mut short = udp(53, &[]);
    short[3] = 22;
    assert_eq!(one(ethernet(&[8, 0], &short)), Err(Skip::NoPorts));
}

#[test]
fn flags_of_tcp_may_be_cut_off() {
    let mut tcp = udp(443, &[0; 12]);
    tcp[9] = 6;
    tcp[33] = 0x12;
    let frame = ethernet(&[8, 0], &tcp);
    assert_eq!(one(frame.clone()).map(|packet| packet.tcp_flags), Ok(Some(0x12)));
    assert_eq!(one(frame[..40].to_vec()).map(|packet| packet.tcp_flags), Ok(None));
}

#[test]
fn offloaded_packets_have_the_length_of_the_wire() {
    let mut ip = udp(53, &[0; 50]);
    ip[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(one(ethernet(&[8, 0], &ip)).map(|packet| packet.length), Ok(78));
    ip[3] = 19;
    assert_eq!(one(ethernet(&[8, 0], &ip)), Err(Skip::TotalLength));
    ip[0] = 0x44;
    assert_eq!(one(ethernet(&[8, 0], &ip)), Err(Skip::HeaderLength));
    ip[0] = 0x54;
    assert_eq!(one(ethernet(&[8, 0], &ip)), Err(Skip::Version));
}

#[test]
fn fragments_have_ports_in_the_first_alone() {
    let mut ip = udp(53, &[0; 8]);
    ip[6..8].copy_from_slice(&[0x20, 0]);
    let first = one(ethernet(&[8, 0], &ip)).expect("a packet");
    assert_eq!((first.ip_flags, first.fragment_offset, first.destination_port), (1, 0, 53));
    ip[6..8].copy_from_slice(&[0, 2]);
    let second = one(ethernet(&[8, 0], &ip)).expect("a packet");
    assert_eq!((second.ip_flags, second.fragment_offset, second.destination_port), (0, 2, 0));
}

/// IPv6 from ::1 to ::2, of this next header and payload.
fn six(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x6a, 0xb0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next, 63]);
    bytes.extend([&[0; 15][..], &[1], &[0; 15], &[2]].concat());
    bytes.extend(payload);
    bytes
}

#[test]
fn extension_headers_lead_to_the_ports() {
    let udp = [0, 53, 0, 54, 0, 8, 0, 0];
    let chain = [
        &[43, 0, 1, 4, 0, 0, 0, 0][..],
        &[44, 0, 0, 0, 0, 0, 0, 0],
        &[60, 0, 0, 1, 0, 0, 1, 2],
        &[51, 0, 0, 0, 0, 0, 0, 0],
        &[17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &udp,
    ]
    .concat();
    let ip = six(0, &chain);
    let read = one(ethernet(&[0x86, 0xdd], &ip)).expect("a packet");
    let expected = Packet {
        time: 1_000_001_000,
        source: address("::1"),
        destination: address("::2"),
        protocol: 17,
        source_port: 53,
        destination_port: 54,
        length: ip.len() as u32,
        ttl: 63,
        tos: 0xab,
        header_words: 10,
        identification: 0x0102,
        ip_flags: 1,
        captured: ip.len() as u32 + 14,
        ..Packet::default()
    };
    assert_eq!(read, expected);
    assert_eq!(one(ethernet(&[0x86, 0xdd], &ip[..70])), Err(Skip::Extension));
    assert_eq!(one(ethernet(&[0x86, 0xdd], &ip[..39])), Err(Skip::IpHeader));
    let icmp = one(ethernet(&[0x86, 0xdd], &six(58, &[135, 0, 0, 0]))).expect("a packet");
    assert_eq!((icmp.icmp, icmp.protocol, icmp.destination_port), (Some((135, 0)), 58, 0));
    let later = six(44, &[17, 0, 0, 8, 0, 0, 0, 1, 9, 9, 9, 9]);
    let later = one(ethernet(&[0x86, 0xdd], &later)).expect("a packet");
    assert_eq!((later.fragment_offset, later.source_port, later.protocol), (1, 0, 17));
}

#[test]
fn a_jumbogram_says_its_length_in_an_option() {
    let mut ip = six(0, &[17, 0, 0xc2, 4, 0, 1, 0, 0, 0, 53, 0, 54, 0, 0, 0, 0]);
    ip[4..6].copy_from_slice(&[0, 0]);
    let read = one(ethernet(&[0x86, 0xdd], &ip)).expect("a packet");
    assert_eq!((read.length, read.destination_port), (65576, 54));
}

#[test]
fn tunnels_are_opened_on_request() {
    let inner = udp(99, &[1, 2, 3, 4]);
    let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet(&[8, 0], &inner)[..]].concat();
    let outer = ethernet(&[0x86, 0xdd], &six(4, &udp(4789, &vxlan)));
    let ports = |tunnels| {
        tunnelled(outer.clone(), tunnels)
            .map(|packet| (packet.protocol, packet.destination_port, packet.length))
    };
    let total = (outer.len() - 14) as u32;
    assert_eq!(ports(Tunnels::Outer), Ok((4, 0, total)));
    assert_eq!(ports(Tunnels::Inner), Ok((17, 99, inner.len() as u32)));
    // What carries no IP is kept as it is.
    let arp = [&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet(&[8, 6], &inner)[..]].concat();
    let packet = tunnelled(ethernet(&[8, 0], &udp(4789, &arp)), Tunnels::Inner).expect("a packet");
    assert_eq!(packet.destination_port, 4789);
}

#[test]
fn link_types_that_are_not_read_are_named() {
    let mut file = pcap(&[vec![0; 20]], false);
    file[20] = 195;
    assert_eq!(read_all(&file, Tunnels::Outer).skipped, [Skip::LinkType(195)]);
    assert_eq!(Skip::LinkType(195).to_string(), "link type 195 (802.15.4) is not read");
    // The upper half of the field has the length of check sums.
    file[23] = 0x14;
    assert_eq!(read_all(&file, Tunnels::Outer).skipped, [Skip::LinkType(195)]);
}
