//! What is written is opened by the programs that people have: tshark, capinfos, nfpcapd, tcpprep and tcprewrite. A missing program is named and
//! passed over.

mod common;

use netdpsyn_capture::Packet;
use netdpsyn_capture::write::{Container, Link, Payload, Resolution, WriteOptions, Writer};
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MILLISECOND: u64 = 1_000_000;

fn host(number: u16, six: bool) -> IpAddr {
    if six {
        Ipv6Addr::new(0x2001, 0xdb8, 0, number, 0, 0, 0, 9).into()
    } else {
        Ipv4Addr::new(10, 1, (number >> 8) as u8, number as u8).into()
    }
}

/// Conversations of TCP from their first packet to their last, of UDP and of pings, errors, fragments and rarer protocols, in order of time.
fn traffic() -> Vec<Packet> {
    let mut packets = Vec::new();
    for session in 0..60u16 {
        let six = session % 3 == 0;
        let (client, server) = (host(session, six), host(1000 + session % 7, six));
        let mut at = 1_700_000_000_000 * MILLISECOND + u64::from(session) * 7 * MILLISECOND;
        let mut send = |there: bool, protocol: u8, length: u32, change: &dyn Fn(&mut Packet)| {
            let (source, destination) = if there { (client, server) } else { (server, client) };
            let ports = if there { (40_000 + session, 39_000) } else { (39_000, 40_000 + session) };
            let mut packet = Packet {
                time: at,
                source,
                destination,
                protocol,
                source_port: ports.0,
                destination_port: ports.1,
                length,
                ttl: 64,
                header_words: if six { 10 } else { 5 },
                identification: session,
                ..Packet::default()
            };
            change(&mut packet);
            at += MILLISECOND;
            packets.push(packet);
        };
        let flags = |flags: u8| move |packet: &mut Packet| packet.tcp_flags = Some(flags);
        let icmp = |kind: u8| move |packet: &mut Packet| packet.icmp = Some((kind, 0));
        let fragment = |offset: u16, more: bool| {
            move |packet: &mut Packet| {
                (packet.fragment_offset, packet.ip_flags) = (offset, more.into());
            }
        };
        let head = if six { 60 } else { 40 };
        send(true, 6, head + 20, &flags(0x02));
        send(false, 6, head + 13, &flags(0x12));
        send(true, 6, head, &flags(0x10));
        for round in 0..u32::from(session % 5) {
            send(true, 6, head + 101 + round, &flags(0x18));
            send(false, 6, 1500, &flags(0x10));
            send(false, 6, 9000, &flags(0x18));
        }
        send(true, 6, head, &flags(0x11));
        send(false, 6, head, &flags(0x11));
        send(true, 6, head, &flags(0x10));
        send(true, 17, 77, &|_| ());
        send(false, 17, 20, &|_| ());
        let (asked, answered, failed) = if six { (128, 129, 1) } else { (8, 0, 3) };
        let ping = if six { 58 } else { 1 };
        send(true, ping, 84, &icmp(asked));
        send(false, ping, 84, &icmp(answered));
        send(false, ping, 60, &icmp(failed));
        send(true, 17, 1500 - 1500 % 8 + head % 8, &fragment(0, true));
        send(true, 17, 700, &fragment(185, false));
        for protocol in [47, 50, 89, 103, 132, 136] {
            send(true, protocol, 120, &|_| ());
        }
        if !six {
            send(true, 17, 100, &|packet| packet.header_words = 8);
        }
    }
    packets.sort_by_key(|packet| packet.time);
    packets
}

/// Every way to write, by a name.
fn ways() -> Vec<(String, WriteOptions)> {
    let mut ways = Vec::new();
    for container in [Container::Pcap, Container::Pcapng] {
        for link in [Link::Ethernet, Link::Ip] {
            for payload in [Payload::Zeros, Payload::Absent] {
                let resolution =
                    if link == Link::Ip { Resolution::Microseconds } else { Resolution::Nanoseconds };
                let options =
                    WriteOptions { container, link, payload, resolution, ..WriteOptions::default() };
                ways.push((format!("{container:?} {link:?} {payload:?}"), options));
            }
        }
    }
    ways.push((
        "cut".into(),
        WriteOptions { mtu: Some(1500), payload: Payload::Zeros, ..WriteOptions::default() },
    ));
    ways
}

fn write(folder: &Path, options: WriteOptions) -> (PathBuf, u64) {
    let path = folder.join("written");
    let mut writer = Writer::new(File::create(&path).expect("a file"), options).expect("a header");
    for packet in traffic() {
        writer.write(&packet).expect("written");
    }
    let (_, counts) = writer.finish().expect("all of it");
    (path, counts.frames)
}

/// The output of a program, or a note that it is missing.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program).args(arguments).output();
    if output.is_err() {
        println!("no {program}: not tried");
    }
    output.ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn tshark_finds_nothing_malformed_and_no_bad_checksum() {
    let bad = "_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0 \
               || icmp.checksum.status==0 || icmpv6.checksum.status==0 || tcp.analysis.lost_segment \
               || tcp.analysis.ack_lost_segment || tcp.analysis.retransmission || tcp.analysis.out_of_order";
    for (name, options) in ways() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, frames) = write(folder.path(), options);
        let path = path.to_string_lossy();
        let checks = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"];
        let mut arguments = vec!["-n", "-r", &path];
        arguments.extend(checks.iter().flat_map(|check| ["-o", check]));
        let Some(found) = run("tshark", &[&arguments[..], &["-Y", bad]].concat()) else {
            return;
        };
        assert_eq!(text(&found.stdout), "", "{name}");
        let all = run("tshark", &[&arguments[..], &["-T", "fields", "-e", "frame.number"]].concat());
        let lines = all.map(|all| text(&all.stdout).lines().count() as u64);
        assert_eq!(lines, Some(frames), "{name}: {}", text(&found.stderr));
        // With payloads, checksums are verified.
        let good = run("tshark", &[&arguments[..], &["-Y", "tcp.checksum.status==1"]].concat());
        let good = good.map_or(0, |good| text(&good.stdout).lines().count());
        let syn = "tcp.flags.syn==1 && !tcp.options.mss_val && tcp.hdr_len > 20";
        let silent = run("tshark", &[&arguments[..], &["-Y", syn]].concat());
        assert_eq!(silent.map(|silent| text(&silent.stdout)).as_deref(), Some(""), "{name}");
        assert!(options.payload == Payload::Absent || good > 500, "{name}: {good} checksums of TCP");
    }
}

#[test]
fn capinfos_counts_the_packets() {
    for (name, options) in ways() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, frames) = write(folder.path(), options);
        let Some(output) = run("capinfos", &["-Mc", &path.to_string_lossy()]) else {
            return;
        };
        let said = text(&output.stdout);
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        assert!(said.contains(&format!(" {frames}\n")), "{name}: {frames} frames, and {said}");
    }
}

#[test]
fn nfpcapd_makes_flows_of_it() {
    for (name, options) in ways() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, _) = write(folder.path(), options);
        let out = folder.path().join("flows");
        std::fs::create_dir(&out).expect("a folder");
        let (path, out) = (path.to_string_lossy(), out.to_string_lossy());
        let Some(made) = run("nfpcapd", &["-r", &path, "-l", &out]) else {
            return;
        };
        let listed = run("nfdump", &["-q", "-R", &out, "-o", "csv"]).map(|listed| text(&listed.stdout));
        let flows = listed.map_or(0, |listed| listed.lines().count());
        println!("{name}: {flows} flows of nfpcapd");
        assert!(flows > 300, "{name}: {flows} flows, {} {}", text(&made.stdout), text(&made.stderr));
    }
}

#[test]
fn tcpreplay_prepares_and_rewrites_it() {
    for (name, options) in ways() {
        // Its programs read what libpcap reads, and want addresses of hardware.
        if options.link == Link::Ip {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (path, frames) = write(folder.path(), options);
        let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (path, cache, rewritten) = (path.to_string_lossy(), place("cache"), place("rewritten"));
        let (input, caching) = (format!("--pcap={path}"), format!("--cachefile={cache}"));
        let Some(output) = run("tcpprep", &["--auto=client", &input, &caching]) else {
            return;
        };
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let arguments = [
            "--fixcsum",
            "--seed=7",
            &format!("--infile={path}"),
            &format!("--outfile={rewritten}"),
            &caching,
        ];
        let Some(output) = run("tcprewrite", &arguments) else {
            return;
        };
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let bytes = std::fs::read(&rewritten).expect("what was rewritten");
        let all = common::read_all(&bytes, netdpsyn_capture::Tunnels::Outer);
        assert_eq!(all.packets.len() as u64, frames, "{name}");
    }
}
