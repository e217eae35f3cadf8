//! Every packet of the shared captures, compared with tshark. Without tshark or the shared data, the tests say so and end. `cargo test -p
//! netdpsyn-capture --test tshark -- --ignored --nocapture` prints the table.

mod common;

use common::theirs::{Theirs, files, has_tshark, number, shared, theirs};
use netdpsyn_capture::{Packet, Reader, Skip, Step, Tunnels};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// Where the two differ, and why: the file, what the difference begins with, the reason.
const KNOWN: [(&str, &str, &str); 8] = [
    (
        "timestamp_invalid_nano.pcap",
        "3 time",
        "a fraction of more than two seconds, which overflows there and is carried here",
    ),
    ("fuzz-2021-06-07-c6c72a0a56.pcap", "1 time", "the same"),
    ("gre-heapoverflow-1.pcap", "2 is skipped", "a version that is none: no addresses there, either"),
    ("ipv4_invalid_hdr_length.pcap", "1 is skipped", "a bad header length: no addresses there, either"),
    ("ip_ts_opts_asan.pcap", "1 is skipped", "the type of ICMP is cut off"),
    (
        "icmp-icmp_print-oobr-1.pcap",
        "1 icmp.type",
        "three bytes of ICMP, of which nothing is shown there and the first two are read here",
    ),
    ("icmp-icmp_print-oobr-1.pcap", "1 icmp.code", "the same"),
    (
        "quic_32_bit_pointer_overflow.pcap",
        "1 length",
        "a jumbogram, whose length field says 0 there and whose option counts here",
    ),
];

enum Ours {
    Packet(Packet),
    Skipped(Skip),
}

fn ours(path: &Path) -> (Vec<Ours>, Option<String>) {
    let mut all = Vec::new();
    let mut reader = match Reader::new(File::open(path).expect("a file"), Tunnels::Outer) {
        Ok(reader) => reader,
        Err(error) => return (all, Some(error.to_string())),
    };
    let mut packet = Packet::default();
    loop {
        match reader.next(&mut packet) {
            Ok(Step::Packet) => all.push(Ours::Packet(packet)),
            Ok(Step::Skipped(why)) => all.push(Ours::Skipped(why)),
            Ok(Step::End) => return (all, None),
            Err(error) => return (all, Some(error.to_string())),
        }
    }
}

/// The protocol that follows all extension headers of the outer IPv6 header.
fn last_header(theirs: &Theirs) -> u64 {
    let mut seen = BTreeMap::new();
    let mut next = theirs.number("ipv6.nxt").unwrap_or(u64::MAX);
    loop {
        let field = match next {
            0 => "ipv6.hopopts.nxt",
            43 => "ipv6.routing.nxt",
            44 => "ipv6.fraghdr.nxt",
            60 => "ipv6.dstopts.nxt",
            51 => "ah.next_header",
            _ => return next,
        };
        let count = seen.entry(field).or_insert(0);
        let Some(following) = theirs.all(field).get(*count).and_then(|text| number(text)) else {
            return next;
        };
        *count += 1;
        next = following;
        if field == "ipv6.fraghdr.nxt" && theirs.number("ipv6.fraghdr.offset") > Some(0) {
            return next;
        }
    }
}

/// What differs, as `field ours theirs`.
fn differences(packet: &Packet, theirs: &Theirs) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |field: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(format!("{field} {ours} {theirs}"));
        }
    };
    let text = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let six = theirs.version() == Some(6);
    let of = |four: &'static str, or: &'static str| if six { or } else { four };
    let (seconds, fraction) = theirs.first("frame.time_epoch").split_once('.').unwrap_or(("0", "0"));
    let time = seconds.parse::<u64>().unwrap_or(0) * 1_000_000_000 + fraction.parse::<u64>().unwrap_or(0);
    // Simple packets of pcapng have none.
    if !theirs.first("frame.time_epoch").is_empty() {
        compare("time", packet.time.to_string(), time.to_string());
    }
    compare("captured", packet.captured.to_string(), theirs.first("frame.cap_len").to_string());
    compare("source", packet.source.to_string(), theirs.first(of("ip.src", "ipv6.src")).to_string());
    compare(
        "destination",
        packet.destination.to_string(),
        theirs.first(of("ip.dst", "ipv6.dst")).to_string(),
    );
    let protocol = if six { Some(last_header(theirs)) } else { theirs.number("ip.proto") };
    compare("protocol", packet.protocol.to_string(), text(protocol));
    let length =
        theirs.number(of("ip.len", "ipv6.plen")).map(|length| if six { length + 40 } else { length });
    compare("length", packet.length.to_string(), text(length));
    compare("ttl", packet.ttl.to_string(), text(theirs.number(of("ip.ttl", "ipv6.hlim"))));
    compare("tos", packet.tos.to_string(), text(theirs.number(of("ip.dsfield", "ipv6.tclass"))));
    let header = if six { Some(40) } else { theirs.number("ip.hdr_len") };
    compare("header", (u64::from(packet.header_words) * 4).to_string(), text(header));
    let offset = theirs.number(of("ip.frag_offset", "ipv6.fraghdr.offset"));
    if six {
        compare("offset", (u64::from(packet.fragment_offset)).to_string(), text(offset.or(Some(0))));
    } else {
        compare("id", packet.identification.to_string(), text(theirs.number("ip.id")));
        compare("flags", packet.ip_flags.to_string(), text(theirs.number("ip.flags")));
        compare("offset", packet.fragment_offset.to_string(), text(offset));
    }
    let names = match protocol {
        _ if packet.fragment_offset > 0 || packet.ip_flags & 1 == 1 => return found,
        Some(6) => ("tcp.srcport", "tcp.dstport"),
        Some(17 | 136) => ("udp.srcport", "udp.dstport"),
        Some(132) => ("sctp.srcport", "sctp.dstport"),
        Some(33) => ("dccp.srcport", "dccp.dstport"),
        Some(1) => ("icmp.type", "icmp.code"),
        Some(58) => ("icmpv6.type", "icmpv6.code"),
        _ => return found,
    };
    let pair = match packet.icmp {
        Some((kind, code)) => (kind.into(), code.into()),
        None => (packet.source_port, packet.destination_port),
    };
    compare(names.0, pair.0.to_string(), text(theirs.number(names.0)));
    compare(names.1, pair.1.to_string(), text(theirs.number(names.1)));
    if protocol == Some(6) {
        let flags = theirs.number("tcp.flags").map(|flags| flags & 0xff);
        compare("tcp flags", packet.tcp_flags.map_or(String::new(), |flags| flags.to_string()), text(flags));
    }
    found
}

/// A row of the table, and what differs.
fn row(path: &Path, theirs: &[Theirs]) -> (String, Vec<String>) {
    let (ours, error) = ours(path);
    let (mut equal, mut read, mut expected) = (0, 0, 0);
    let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
    let mut troubles = Vec::new();
    for (at, ours) in ours.iter().enumerate() {
        let theirs = theirs.get(at);
        let has_ip = theirs.is_some_and(|theirs| theirs.version().is_some());
        expected += u64::from(has_ip);
        match (ours, theirs) {
            (Ours::Packet(packet), Some(theirs)) => {
                read += 1;
                let differences = differences(packet, theirs);
                equal += u64::from(differences.is_empty());
                troubles.extend(differences.iter().map(|what| format!("{} {what}", at + 1)));
            }
            (Ours::Packet(_), None) => troubles.push(format!("{} is a packet of ours alone", at + 1)),
            (Ours::Skipped(why), _) => {
                *skipped.entry(why.to_string()).or_default() += 1;
                if has_ip {
                    let stack = theirs.map_or("", |theirs| theirs.first("frame.protocols"));
                    troubles.push(format!("{} is skipped ({why}), of {stack}", at + 1));
                }
            }
        }
    }
    if theirs.len() > ours.len() {
        troubles.push(format!("{} frames are theirs alone", theirs.len() - ours.len()));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let reasons: Vec<String> = skipped.iter().map(|(why, count)| format!("{why}: {count}")).collect();
    let (reasons, error) = (reasons.join("; "), error.unwrap_or_default());
    let row = format!("| {name} | {expected} | {read} | {equal} | {reasons} | {error} |");
    (row, troubles)
}

#[test]
#[ignore = "runs tshark over 140 files, which takes a minute"]
fn packets_are_those_of_tshark() {
    let Some(data) = shared() else {
        return;
    };
    if !has_tshark() {
        return;
    }
    println!("| file | tshark | read | equal | skipped | error |\n| --- | ---: | ---: | ---: | --- | --- |");
    let mut found = Vec::new();
    for folder in ["captures", "formats/pcap", "formats/pcapng", "formats/malformed", "formats/fuzzed"] {
        for path in files(&data.join(folder)) {
            let theirs = theirs(&path).expect("tshark runs");
            let (row, troubles) = row(&path, &theirs);
            println!("{row}");
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.extend(troubles.into_iter().map(|what| (name.clone(), what)));
        }
    }
    println!("\n| file | packet, field, ours, tshark's | why |\n| --- | --- | --- |");
    let mut unknown = Vec::new();
    for (file, what) in found {
        let known = KNOWN.iter().find(|(name, start, _)| *name == file && what.starts_with(start));
        match known {
            Some((_, _, why)) => println!("| {file} | {what} | {why} |"),
            None => unknown.push(format!("{file} {what}")),
        }
    }
    assert!(unknown.is_empty(), "differences that nobody has explained:\n{}", unknown.join("\n"));
}

/// The innermost header that is not quoted by an error of ICMP: its version, and how many of the same version stand before it.
fn innermost(theirs: &Theirs) -> Option<(u8, usize)> {
    let parts = theirs.first("frame.protocols").split(':').take_while(|part| !part.starts_with("icmp"));
    let versions: Vec<u8> = parts
        .filter_map(|part| ["ip", "ipv6"].iter().position(|name| *name == part))
        .map(|at| [4, 6][at])
        .collect();
    let last = *versions.last()?;
    Some((last, versions.iter().filter(|version| **version == last).count() - 1))
}

#[test]
fn tunnels_carry_what_tshark_finds() {
    let Some(data) = shared() else {
        return;
    };
    if !has_tshark() {
        return;
    }
    let mut inner = 0;
    for name in ["4in6_tunnel", "geneve", "gre", "gtp", "ipv6_in_ipv4", "vxlan", "mpls_vlan_mixed"] {
        let path = data.join(format!("formats/pcap/eth_{name}.pcap"));
        let bytes = std::fs::read(&path).expect("a file");
        let ours = common::read_all(&bytes, Tunnels::Inner).packets;
        let outer = common::read_all(&bytes, Tunnels::Outer).packets;
        let theirs = theirs(&path).expect("tshark runs");
        let with_ip: Vec<_> = theirs.iter().filter_map(|line| Some((line, innermost(line)?))).collect();
        assert_eq!(ours.len(), with_ip.len(), "{name}");
        for ((packet, outer), (line, (version, at))) in ours.iter().zip(&outer).zip(with_ip) {
            inner += u64::from(packet != outer);
            let field = |four: &str, six: &str| line.all(if version == 4 { four } else { six })[at].clone();
            let said = (packet.source.to_string(), packet.destination.to_string(), packet.ttl.to_string());
            let expected =
                (field("ip.src", "ipv6.src"), field("ip.dst", "ipv6.dst"), field("ip.ttl", "ipv6.hlim"));
            assert_eq!(said, expected, "{name}");
            let length = field("ip.len", "ipv6.plen").parse::<u32>().expect("a length");
            assert_eq!(packet.length, if version == 4 { length } else { length + 40 }, "{name}");
            let last = |field: &str| line.all(field).last().and_then(|text| number(text));
            let ports = match packet.protocol {
                6 => ("tcp.srcport", "tcp.dstport"),
                17 => ("udp.srcport", "udp.dstport"),
                _ => continue,
            };
            let pair = (last(ports.0), last(ports.1));
            assert_eq!(
                (Some(packet.source_port.into()), Some(packet.destination_port.into())),
                pair,
                "{name}"
            );
        }
    }
    assert!(inner > 100, "only {inner} packets of tunnels");
}
