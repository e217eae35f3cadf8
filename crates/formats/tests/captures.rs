//! Packet captures and datagrams of flow exporters in, and packet captures out.

use netdpsyn_capture::write::{Container, Link, WriteOptions, Writer};
use netdpsyn_capture::{Packet, Reader, Step, Tunnels};
use netdpsyn_formats::{
    FileFormat, Limits, OutputFormat, ParseReport, ReadError, ReadOptions, Sensitive, Steward, ToldBy,
    TraceWriter, bind, bind_like, check, read, read_synthetic, recognise, write_as, write_raw,
};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::simulate::packets;
use netdpsyn_trace::{Capture, Families, Reading, Schema, Trace, layout};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const START: u64 = 1_767_600_000_000_000_000;
const SECOND: u64 = 1_000_000_000;

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn host(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, number).into()
}

fn tcp(time: u64, (source, destination): (u8, u8), ports: (u16, u16), flags: u8, length: u32) -> Packet {
    Packet {
        time: START + time,
        source: host(source),
        destination: host(destination),
        protocol: 6,
        source_port: ports.0,
        destination_port: ports.1,
        length,
        ttl: 61,
        header_words: 5,
        ip_flags: 2,
        tcp_flags: Some(flags),
        ..Packet::default()
    }
}

/// Two connections, of which one is silent for a while, a question and its answer, and a ping.
fn conversation() -> Vec<Packet> {
    let mut packets = Vec::new();
    for (at, port) in [(0, 40_000), (5 * SECOND, 40_001), (100 * SECOND, 40_001)] {
        packets.push(tcp(at, (1, 2), (port, 80), 0x02, 60));
        packets.push(tcp(at + 1_000, (2, 1), (80, port), 0x12, 60));
        packets.push(tcp(at + 2_000, (1, 2), (port, 80), 0x10, 52));
        packets.push(tcp(at + 3_000, (1, 2), (port, 80), 0x18, 500));
        packets.push(tcp(at + 4_000, (2, 1), (80, port), 0x18, 1_500));
    }
    let udp = Packet { protocol: 17, tcp_flags: None, length: 70, ..tcp(7, (1, 3), (5_353, 53), 0, 70) };
    packets.push(udp);
    packets.push(Packet {
        source: host(3),
        destination: host(1),
        source_port: 53,
        destination_port: 5_353,
        length: 200,
        time: udp.time + 9,
        ..udp
    });
    packets.push(Packet {
        protocol: 1,
        tcp_flags: None,
        icmp: Some((8, 0)),
        length: 84,
        ..tcp(SECOND, (1, 4), (0, 0), 0, 84)
    });
    packets.sort();
    packets
}

fn six(time: u64) -> Packet {
    Packet {
        source: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        destination: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2).into(),
        header_words: 10,
        ip_flags: 0,
        ..tcp(time, (1, 2), (1_234, 443), 0x02, 60)
    }
}

fn capture(packets: &[Packet], container: Container) -> Vec<u8> {
    capture_on(packets, container, Link::Ethernet)
}

fn capture_on(packets: &[Packet], container: Container, link: Link) -> Vec<u8> {
    let options = WriteOptions { container, link, ..WriteOptions::default() };
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    packets.iter().for_each(|packet| writer.write(packet).unwrap());
    writer.finish().unwrap().0
}

fn schema(name: &str) -> Schema {
    let mut schema = layout(name).unwrap().schema.clone();
    schema.window = Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".parse().unwrap());
    schema
}

fn declared(name: &str, capture: serde_json::Value) -> Schema {
    let mut schema = schema(name);
    schema.reading.capture = Some(serde_json::from_value::<Capture>(capture).unwrap());
    schema
}

/// What is read of some bytes, as CSV.
fn through(bytes: &[u8], schema: Schema) -> Result<(Vec<String>, ParseReport, Schema), ReadError> {
    let file = file(bytes);
    let bound = bind(file.path(), schema, Limits::NONE, &Quiet)?;
    let (trace, report) = read(file.path(), &bound, ReadOptions::default(), &Quiet)?;
    let checked = check(file.path(), &bound, ReadOptions::default(), &Quiet)?;
    let (report, checked) = (report.for_steward(&Steward::local()), checked.for_steward(&Steward::local()));
    assert_eq!(report, checked);
    Ok((lines(&trace, &bound.schema), report, bound.schema))
}

fn lines(trace: &Sensitive<Trace>, schema: &Schema) -> Vec<String> {
    let mut text = Vec::new();
    write_raw(OutputFormat::Csv, trace, schema, &mut text, &Quiet).for_steward(&Steward::local()).unwrap();
    String::from_utf8(text).unwrap().lines().map(String::from).collect()
}

#[test]
fn packets_are_records_in_either_format_however_they_are_packed() {
    let plain = capture(&conversation(), Container::Pcap);
    let (expected, report, bound) = through(&plain, schema("packet-flags")).unwrap();
    assert_eq!((report.format, report.records, report.bad), (FileFormat::Capture, 18, 0));
    assert_eq!(report.what.as_deref(), Some("a pcap capture of link type Ethernet"));
    assert_eq!(bound.version(), 1, "packets need no declaration");
    assert_eq!(expected[1], "10.0.0.1,10.0.0.2,40000,80,tcp,1767600000000000000,60,4,5,0,0,2,0,61,0,S");
    assert_eq!(expected[2], "10.0.0.1,10.0.0.3,5353,53,udp,1767600000000000007,70,4,5,0,0,2,0,61,0,");
    assert_eq!(expected[4], "10.0.0.2,10.0.0.1,80,40000,tcp,1767600000000001000,60,4,5,0,0,2,0,61,0,SA");
    assert!(expected[6].ends_with(",PA"), "{}", expected[6]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let ng = capture_on(&conversation(), Container::Pcapng, Link::Ip);
    let packed = [
        (gzip.finish().unwrap(), "a pcap capture of link type Ethernet, packed by gzip"),
        (zstd::encode_all(&ng[..], 3).unwrap(), "a pcapng capture of link type raw IP, packed by zstd"),
        (ng, "a pcapng capture of link type raw IP"),
    ];
    for (bytes, what) in packed {
        let (lines, report, _) = through(&bytes, schema("packet-flags")).unwrap();
        assert_eq!((&lines, report.what.as_deref()), (&expected, Some(what)));
    }
    for name in ["packet", "caida"] {
        assert_eq!(through(&plain, schema(name)).unwrap().1.records, 18, "{name}");
    }
}

#[test]
fn packets_make_flows_as_declared_and_in_any_order() {
    let packets = conversation();
    let (one, report, bound) = through(&capture(&packets, Container::Pcap), schema("flow")).unwrap();
    assert_eq!(report.records, 9);
    let settled = bound.reading.capture.clone().unwrap();
    assert_eq!(
        serde_json::to_value(&settled).unwrap(),
        serde_json::json!({"records": "flows", "active": "300s", "idle": "60s", "directions": 1, "tunnels": "outer"})
    );
    assert_eq!(bound.version(), 5);
    assert_eq!(one[1], "10.0.0.1,10.0.0.2,40000,80,tcp,1767600000000000000,0.000003,3,612");
    // Type and code of a ping, and what is in two directions.
    let two =
        through(&capture(&packets, Container::Pcap), declared("flow", serde_json::json!({"directions": 2})));
    let (two, ..) = two.unwrap();
    assert_eq!(two.len() - 1, 5);
    assert_eq!(two[4], "10.0.0.1,10.0.0.2,40001,80,tcp,1767600005000000000,0.000004,3,612");
    assert!(one.iter().any(|line| line.starts_with("10.0.0.1,10.0.0.4,0,2048,icmp,")), "{one:#?}");
    let long = declared("flow", serde_json::json!({"idle": "200s"}));
    assert_eq!(through(&capture(&packets, Container::Pcap), long).unwrap().1.records, 7);
    let mut shuffled = packets;
    for step in [5, 7, 11] {
        let count = shuffled.len();
        shuffled = (0..count).map(|i| shuffled[i * step % count]).collect();
        assert_eq!(through(&capture(&shuffled, Container::Pcap), schema("flow")).unwrap().0, one);
    }
}

#[test]
fn omitted_packets_are_counted_by_reason() {
    let mut packets = conversation();
    packets.extend([six(SECOND), six(2 * SECOND), tcp(7_200 * SECOND, (1, 2), (1, 2), 2, 60)]);
    let mut bytes = capture(&packets, Container::Pcap);
    // ARP, and a packet that the file ends in.
    let arp = [&[2u8; 12][..], &[8, 6], &[0; 28]].concat();
    for record in [&arp[..], &arp] {
        bytes.extend([0; 8]);
        bytes.extend((record.len() as u32).to_le_bytes());
        bytes.extend((record.len() as u32).to_le_bytes());
        bytes.extend(record);
    }
    bytes.truncate(bytes.len() - 3);
    let (_, report, _) = through(&bytes, schema("packet-flags")).unwrap();
    assert_eq!((report.records, report.bad, report.left_out), (18, 0, 1));
    for note in [
        "1 packets are left out: not IP: ARP",
        "the file ends within packet 23",
        "2 packets of IPv6 are left out; addresses of any family (--addresses any) read them",
    ] {
        assert!(report.notes.iter().any(|own| own == note), "{note}: {:#?}", report.notes);
    }
    let mut any = schema("packet-flags");
    any.declare_families(Families::Any).unwrap();
    let (lines, report, _) = through(&bytes, any).unwrap();
    assert_eq!(report.records, 20);
    // One that nobody has is no bad record, which would refuse the file.
    let nobodys = Packet { source: Ipv6Addr::new(0x4000, 0, 0, 0, 0, 0, 0, 1).into(), ..six(SECOND) };
    let mut families = schema("packet-flags");
    families.declare_families(Families::Any).unwrap();
    let (_, own, _) = through(&capture(&[nobodys, six(SECOND)], Container::Pcap), families).unwrap();
    assert_eq!((own.records, own.bad), (1, 0));
    assert!(own.notes[0].ends_with("nobody has assigned"), "{:?}", own.notes);
    assert!(lines.iter().any(|line| line.starts_with("2001:db8::1,2001:db8::2,1234,443,tcp,")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("10.0.0.1,10.0.0.2,40000,80,tcp,")), "{lines:#?}");
    // Nothing is left: the reasons are said.
    let refused = through(&capture(&[six(0)], Container::Pcap), schema("packet")).unwrap_err().to_string();
    assert!(refused.contains("a pcap capture of link type Ethernet, and no record"), "{refused}");
    assert!(refused.contains("1 packets of IPv6"), "{refused}");
    let refused = through(&capture(&[], Container::Pcapng), schema("packet")).unwrap_err().to_string();
    assert_eq!(refused, "a pcapng capture, and no record can be made of it: there are none");
    // Damage within is no end.
    let mut damaged = capture(&conversation(), Container::Pcap);
    damaged.extend([0xff; 100_000]);
    let refused = through(&damaged, schema("packet")).unwrap_err().to_string();
    assert!(refused.contains("packet 19 claims"), "{refused}");
}

#[test]
fn a_capture_tells_its_layout_and_other_files_none() {
    let looked = |bytes: &[u8], reading: &Reading| recognise(file(bytes).path(), reading, &Quiet);
    let bytes = capture(&conversation(), Container::Pcapng);
    let looks = looked(&bytes, &Reading::default()).unwrap();
    let near = &looks.near[0];
    assert_eq!((near.layout.name(), near.told_by, near.missing.len()), ("packet-flags", ToldBy::Header, 0));
    let reading = declared("flow", serde_json::json!({"records": "flows"})).reading;
    assert_eq!(looked(&bytes, &reading).unwrap().near[0].layout.name(), "flow");
    let csv = b"srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt\n10.0.0.1,10.0.0.2,1,2,6,0,0,1,60\n";
    assert!(matches!(looked(csv, &reading), Err(ReadError::NoCapture { .. })));
    let mismatched = through(&bytes, declared("packet", serde_json::json!({"records": "flows"})));
    assert!(mismatched.unwrap_err().to_string().contains("schema of kind flow"));
    // Columns of text are what nfcapd writes, of which there is no reader.
    let nfcapd = [&[0x0c, 0xa5, 2, 0][..], &[0; 200]].concat();
    let refused = looked(&nfcapd, &Reading::default()).unwrap_err().to_string();
    assert!(refused.contains("nfdump -r FILE -o csv"), "{refused}");
}

/// A message of IPFIX with a template of nine fields and two records, of which one is IPv6's.
fn ipfix() -> Vec<u8> {
    // Both addresses, ports, protocol, packets, bytes, start and end in milliseconds.
    let fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (152, 8), (153, 8)];
    let six = [(27, 16), (28, 16), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (152, 8), (153, 8)];
    let words = |number: u64, size: usize| number.to_be_bytes()[8 - size..].to_vec();
    let template = |id: u64, fields: &[(u64, u64)]| {
        let mut set = [words(id, 2), words(fields.len() as u64, 2)].concat();
        fields.iter().for_each(|(field, size)| set.extend([words(*field, 2), words(*size, 2)].concat()));
        set
    };
    let set = |id: u64, body: Vec<u8>| [words(id, 2), words(body.len() as u64 + 4, 2), body].concat();
    let start = START / 1_000_000;
    let rest = [
        words(1_024, 2),
        words(53, 2),
        vec![17],
        words(3, 4),
        words(300, 4),
        words(start, 8),
        words(start + 1_500, 8),
    ];
    let four = [vec![192, 0, 2, 1], vec![192, 0, 2, 2], rest.concat()].concat();
    let six_record = [vec![0x20; 16], vec![0x21; 16], rest.concat()].concat();
    let sets = [
        set(2, [template(256, &fields), template(257, &six)].concat()),
        set(256, four),
        set(257, six_record),
    ]
    .concat();
    let head = [words(10, 2), words(sets.len() as u64 + 16, 2), words(START / SECOND + 2, 4), vec![0; 8]];
    [head.concat(), sets].concat()
}

#[test]
fn exported_flows_are_read_from_datagrams_and_from_captures_of_them() {
    let stream = [ipfix(), ipfix(), ipfix()].concat();
    let (lines, report, bound) = through(&stream, schema("flow")).unwrap();
    assert_eq!((report.format, report.records), (FileFormat::Export, 3));
    assert_eq!(report.what.as_deref(), Some("IPFIX messages, 3 of them"));
    assert_eq!(lines[1], "192.0.2.1,192.0.2.2,1024,53,udp,1767600000000000000,1.5,3,300");
    assert!(report.notes.iter().any(|note| note.starts_with("3 flows of IPv6 are left out")), "{report:?}");
    assert_eq!(bound.reading.capture, None, "they are what their exporter made");
    let packed = zstd::encode_all(&stream[..], 3).unwrap();
    assert_eq!(through(&packed, schema("flow")).unwrap().0, lines);
    let flows = declared("flow", serde_json::json!({"records": "flows"}));
    assert!(through(&stream, flows).unwrap_err().to_string().contains("each flow of which is a record"));
    // In packets: a header of UDP over IPv4 before each.
    let carried = |port: u16| {
        let mut bytes =
            [&0xa1b2_c3d4u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0, 0, 4, 0], &[101, 0, 0, 0]]
                .concat();
        for payload in [ipfix(), ipfix()] {
            let total = 28 + payload.len() as u16;
            let head =
                [&[0x45, 0][..], &total.to_be_bytes(), &[0, 7, 0, 0, 64, 17, 0, 0, 10, 0, 0, 9, 10, 0, 0, 8]]
                    .concat();
            let udp =
                [4_000u16.to_be_bytes(), port.to_be_bytes(), (total - 20).to_be_bytes(), [0, 0]].concat();
            let packet = [head, udp, payload].concat();
            bytes.extend(((START / SECOND) as u32 + 3).to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend((packet.len() as u32).to_le_bytes());
            bytes.extend((packet.len() as u32).to_le_bytes());
            bytes.extend(packet);
        }
        bytes
    };
    let exports = declared("flow", serde_json::json!({"records": "exports"}));
    let (told, report, _) = through(&carried(4_739), exports.clone()).unwrap();
    assert_eq!((report.records, &told[1..]), (2, &lines[1..3]));
    let refused = through(&carried(9_000), exports).unwrap_err().to_string();
    assert!(refused.contains("2 packets carry no flow exports"), "{refused}");
    let ports = declared("flow", serde_json::json!({"records": "exports", "ports": [9_000]}));
    assert_eq!(through(&carried(9_000), ports).unwrap().0, told);
}

/// Packets of a capture's bytes.
fn packets_of(bytes: &[u8]) -> Vec<Packet> {
    let mut reader = Reader::new(bytes, Tunnels::Outer).unwrap();
    let (mut packet, mut packets) = (Packet::default(), Vec::new());
    loop {
        match reader.next(&mut packet).unwrap() {
            Step::Packet => packets.push(packet),
            Step::Skipped(why) => panic!("{why}"),
            Step::End => return packets,
        }
    }
}

#[test]
fn packets_go_out_as_they_came_in() {
    let packets = conversation();
    let bytes = capture(&packets, Container::Pcap);
    let from = file(&bytes);
    let bound = bind(from.path(), schema("packet-flags"), Limits::NONE, &Quiet).unwrap();
    let (trace, _) = read(from.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
    for format in [OutputFormat::Pcap, OutputFormat::Pcapng] {
        let mut out = Vec::new();
        let written = write_raw(format, &trace, &bound.schema, &mut out, &Quiet);
        written.for_steward(&Steward::local()).unwrap();
        // What no column holds is another: of a ping, that it is one.
        let kept = |packet: &Packet| Packet { icmp: None, captured: 0, ..*packet };
        let all = |packets: &[Packet]| packets.iter().map(kept).collect::<Vec<_>>();
        assert_eq!(all(&packets_of(&out)), all(&packets));
        // What is beside a raw capture may be one, too.
        let beside = file(&out);
        let like = bind_like(beside.path(), &bound, &Quiet).unwrap();
        assert_eq!(read_synthetic(beside.path(), &like, &Quiet).unwrap().rows(), packets.len());
    }
}

#[test]
fn a_simulated_trace_of_packets_is_a_capture_and_one_of_flows_is_none() {
    let (schema, trace) = (packets::schema(), packets::simulate(3_000, 5));
    let mut out = Vec::new();
    write_as(OutputFormat::Pcap, &trace, &schema, &mut out, &Quiet).unwrap();
    assert_eq!(packets_of(&out).len(), 3_000);
    let mut writer =
        TraceWriter::new(OutputFormat::Pcapng, &schema, Vec::new(), 3_000, None).unwrap().with_zeros();
    writer.write(&trace, &Quiet).unwrap();
    assert_eq!(writer.notes().iter().filter(|note| note.contains("before the packet before")).count(), 0);
    let mut reversed = TraceWriter::new(OutputFormat::Pcap, &schema, Vec::new(), 3_000, None).unwrap();
    reversed.write(&trace.select(&(0..3_000).rev().collect::<Vec<_>>()), &Quiet).unwrap();
    assert!(reversed.notes().iter().any(|note| note.ends_with("packets come before the packet before them")));
    let refused = |schema: &Schema| {
        let writer = TraceWriter::new(OutputFormat::Pcap, schema, Vec::new(), 0, None);
        writer.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(refused(&layout("flow").unwrap().schema).contains("a trace of flows"));
    let mut bare = schema;
    bare.columns.retain(|column| column.name != "proto" && column.name != "srcip");
    assert_eq!(refused(&bare), "a capture needs columns with the roles source-address, protocol");
}
