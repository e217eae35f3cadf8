//! Packet captures in and out of the service, and flows that exporters tell.

use crate::both;
use crate::harness::*;
use netdpsyn_capture::write::{Container, WriteOptions, Writer};
use netdpsyn_capture::{Packet, Reader, Step, Tunnels};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

both!(a_capture_comes_in_and_goes_out, exported_flows_are_fitted, an_older_server_keeps_captures_out);

const START: u64 = 1_767_600_000_000_000_000;
const MILLISECOND: u64 = 1_000_000;
const WINDOW: &str = "2026-01-05T08:00:00Z/2026-01-05T08:10:00Z";

/// Clients that fetch pages: they shake hands, ask, are answered and part.
fn http() -> Vec<u8> {
    let mut packets = Vec::new();
    for session in 0..700u64 {
        let client = Ipv4Addr::new(10, 0, (session % 7) as u8, 1 + (session * 13 % 40) as u8);
        let server = Ipv4Addr::new(192, 0, 2, 1 + (session * session % 5) as u8);
        let port = 30_000 + (session * 37 % 20_000) as u16;
        let start = START + session * 800 * MILLISECOND;
        let steps: [(bool, u8, u32); 9] = [
            (true, 0x02, 60),
            (false, 0x12, 60),
            (true, 0x10, 52),
            (true, 0x18, 300 + (session % 100) as u32),
            (false, 0x10, 1_500),
            (false, 0x18, 700),
            (true, 0x11, 52),
            (false, 0x11, 52),
            (true, 0x10, 52),
        ];
        for (at, (asks, flags, length)) in steps.into_iter().enumerate() {
            let (source, destination) = if asks { (client, server) } else { (server, client) };
            packets.push(Packet {
                time: start + at as u64 * (3 + session % 5) * MILLISECOND,
                source: source.into(),
                destination: destination.into(),
                protocol: 6,
                source_port: if asks { port } else { 80 },
                destination_port: if asks { 80 } else { port },
                length,
                ttl: if asks { 64 } else { 57 },
                header_words: 5,
                identification: at as u16,
                ip_flags: 2,
                tcp_flags: Some(flags),
                ..Packet::default()
            });
        }
    }
    packets.sort();
    let mut writer =
        Writer::new(Vec::new(), WriteOptions { container: Container::Pcapng, ..WriteOptions::default() })
            .unwrap();
    packets.iter().for_each(|packet| writer.write(packet).unwrap());
    writer.finish().unwrap().0
}

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

/// What tshark finds wrong with a capture, or how sessions begin; `None` where there is no tshark.
fn tshark(path: &std::path::Path, filter: &str) -> Option<String> {
    let fields = ["-T", "fields", "-e", "frame.number", "-e", "tcp.stream", "-e", "tcp.flags.syn"];
    let checked = ["ip", "tcp", "udp"].map(|name| format!("{name}.check_checksum:TRUE"));
    let options = checked.iter().flat_map(|option| ["-o", option.as_str()]);
    let output =
        Command::new("tshark").arg("-r").arg(path).args(options).args(["-Y", filter]).args(fields).output();
    let output =
        output.inspect_err(|error| eprintln!("tshark is not here, so it does not look: {error}")).ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn dataset(server: &Server, steward: &str, body: Value) -> String {
    server.made("/v1/datasets", steward, &body)["id"].as_str().unwrap().to_string()
}

/// Fits a dataset and publishes what comes of it: the release's id.
fn published(server: &Server, steward: &str, dataset: &str) -> String {
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 8.0, "accept_noise": true, "accept_outside": true});
    server.made("/v1/jobs", steward, &fit);
    let jobs = server.idle(steward);
    let own = jobs.iter().filter(|job| job["dataset_id"] == dataset);
    let release = own.filter_map(|job| job["release_id"].as_str()).next();
    let release = release.unwrap_or_else(|| panic!("{jobs:#?}")).to_string();
    server.made(&format!("/v1/releases/{release}/publish"), steward, &json!({}));
    release
}

fn a_capture_comes_in_and_goes_out(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"epsilon": 100.0}));
    let (steward, reader) = (tenant.steward.as_str(), tenant.reader.as_str());
    let body = http();
    let id = dataset(&server, steward, json!({"name": "web", "layout": "packet-flags", "window": WINDOW}));
    assert_eq!(server.upload(&id, steward, body.clone()).status(), 202);
    let parsed = server.parsed(&id, steward);
    assert_eq!(parsed["state"], "ready", "{parsed:#}");
    let report = &server.json(&format!("/v1/datasets/{id}"), steward)["parse_report"];
    assert_eq!((&report["format"], &report["records"]), (&json!("capture"), &json!(6_300)), "{report:#}");
    assert_eq!(report["what"], "a pcapng capture of link type Ethernet");

    let release = published(&server, steward, &id);
    let content = |key: &str, accept: &str, query: &str| {
        let url = format!("{}/v1/releases/{release}/content{query}", server.url);
        server.client.get(url).bearer_auth(key).header("accept", accept).send().unwrap()
    };
    let csv = content(reader, "text/csv", "").text().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (format, media) in [("pcap", "application/vnd.tcpdump.pcap"), ("pcapng", "application/x-pcapng")] {
        let answer = content(reader, "*/*", &format!("?format={format}"));
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], media);
        let name = answer.headers()["content-disposition"].to_str().unwrap().to_string();
        assert!(name.ends_with(&format!("{release}.{format}\"")), "{name}");
        let bytes = answer.bytes().unwrap();
        assert_eq!(content(reader, media, "").bytes().unwrap(), bytes, "by Accept");
        let packets = packets_of(&bytes);
        assert_eq!(packets.len(), csv.lines().count() - 1, "as many as records of CSV");
        assert!(packets.is_sorted_by_key(|packet| packet.time));
        let path = folder.path().join(format);
        std::fs::write(&path, &bytes).unwrap();
        let wrong =
            "_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0";
        if let Some(found) = tshark(&path, wrong) {
            assert_eq!(found, "", "{format}");
            let found = tshark(&path, "tcp").unwrap_or_default();
            let mut streams = std::collections::BTreeMap::new();
            for line in found.lines() {
                let cells: Vec<&str> = line.split('\t').collect();
                streams.entry(cells[1].to_string()).or_insert(matches!(cells[2], "1" | "True"));
            }
            let begun = streams.values().filter(|syn| **syn).count();
            assert!(begun * 10 >= streams.len() * 8, "{begun} of {} sessions begin with SYN", streams.len());
        }
    }

    // The same capture as flows, and what says of which kind they are.
    let declared = json!({"name": "flows", "layout": "flow", "window": WINDOW,
        "reading": {"capture": {"records": "flows", "directions": 2, "idle": "15s"}}});
    let id = dataset(&server, steward, declared);
    assert_eq!(server.upload(&id, steward, body).status(), 202);
    let parsed = server.parsed(&id, steward);
    let capture = &parsed["schema"]["reading"]["capture"];
    assert_eq!(capture, &json!({"records": "flows", "idle": "15s", "directions": 2}), "{parsed:#}");
    assert_eq!(server.json(&format!("/v1/datasets/{id}"), steward)["parse_report"]["records"], 700);
    let release = published(&server, steward, &id);
    let url = format!("{}/v1/releases/{release}/content?format=pcap", server.url);
    let refused = server.client.get(url).bearer_auth(reader).send().unwrap();
    assert_eq!(refused.status(), 406);
    let problem: Value = refused.json().unwrap();
    assert_eq!(problem["type"], "/problems/not-acceptable");
    assert!(problem["detail"].as_str().unwrap().contains("a trace of flows"), "{problem}");
    let report = server.json(&format!("/v1/releases/{release}/report"), reader).to_string();
    assert!(report.contains("a flow is a record made from packets of both directions"), "{report}");

    // What is no capture is refused where flows of one are declared, and so is a declaration that makes no sense.
    assert_eq!(server.upload(&id, steward, sample("flows.csv.gz")).status(), 202);
    let parsed = server.parsed(&id, steward);
    assert_eq!(parsed["state"], "rejected");
    assert!(parsed["problem"]["detail"].as_str().unwrap().contains("not a packet capture"), "{parsed:#}");
    let wrong = json!({"name": "x", "layout": "packet", "reading": {"capture": {"records": "flows"}}});
    assert_eq!(server.post("/v1/datasets", steward, &wrong).status(), 422);
    let wrong = json!({"name": "x", "layout": "flow", "reading": {"capture": {"idle": "an hour"}}});
    assert_eq!(server.post("/v1/datasets", steward, &wrong).status(), 422);
}

/// NetFlow 5 datagrams of thirty flows each.
fn netflow() -> Vec<u8> {
    let mut bytes = Vec::new();
    for datagram in 0..60u32 {
        let uptime = 1_000_000 + datagram * 5_000;
        bytes.extend([0, 5, 0, 30]);
        bytes.extend(uptime.to_be_bytes());
        bytes.extend(((START / 1_000_000_000) as u32 + datagram * 5).to_be_bytes());
        bytes.extend([0; 12]);
        for flow in 0..30u32 {
            let number = datagram * 30 + flow;
            bytes.extend([10, 0, (number % 3) as u8, (number % 50) as u8, 192, 0, 2, (number % 7) as u8]);
            bytes.extend([0; 8]);
            bytes.extend((1 + number % 9).to_be_bytes());
            bytes.extend((100 * (1 + number % 9)).to_be_bytes());
            bytes.extend((uptime - 1_000 - flow).to_be_bytes());
            bytes.extend((uptime - flow).to_be_bytes());
            bytes.extend((1_024 + (number % 5_000) as u16).to_be_bytes());
            bytes.extend(if flow % 3 == 0 { 53u16 } else { 443 }.to_be_bytes());
            bytes.extend([0, 0x1b, if flow % 3 == 0 { 17 } else { 6 }, 0]);
            bytes.extend([0; 8]);
        }
    }
    bytes
}

fn exported_flows_are_fitted(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"epsilon": 100.0}));
    let steward = tenant.steward.as_str();
    let window = "2026-01-05T07:55:00Z/2026-01-05T08:10:00Z";
    let id = dataset(&server, steward, json!({"name": "exports", "layout": "flow", "window": window}));
    assert_eq!(server.upload(&id, steward, netflow()).status(), 202);
    let parsed = server.parsed(&id, steward);
    assert_eq!(parsed["state"], "ready", "{parsed:#}");
    let report = &server.json(&format!("/v1/datasets/{id}"), steward)["parse_report"];
    assert_eq!((&report["format"], &report["records"]), (&json!("export"), &json!(1_800)), "{report:#}");
    let release = published(&server, steward, &id);
    let content = server.get(&format!("/v1/releases/{release}/content"), steward).text().unwrap();
    assert!(content.lines().count() > 1_000 && content.starts_with("srcip,dstip,"), "{content}");
    // Messages of IPFIX that tell a template and nothing else: the reason is said.
    let template = [&[0, 10, 0, 28][..], &[0; 12], &[0, 2, 0, 12, 1, 0, 0, 1, 0, 8, 0, 4]].concat();
    let id = dataset(&server, steward, json!({"name": "none", "layout": "flow", "window": window}));
    assert_eq!(server.upload(&id, steward, template).status(), 202);
    let parsed = server.parsed(&id, steward);
    assert_eq!(parsed["state"], "rejected", "{parsed:#}");
    assert!(parsed["problem"]["detail"].as_str().unwrap().contains("no record can be made"), "{parsed:#}");
}

fn an_older_server_keeps_captures_out(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let steward = tenant.steward.as_str();
    let id = dataset(&server, steward, json!({"name": "web", "layout": "packet", "window": WINDOW}));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let older = "00000000-0000-0000-0000-000000000001".to_string();
    let older =
        if kind == Kind::Sqlite { format!("X'{}'", older.replace('-', "")) } else { format!("'{older}'") };
    lab.execute(&format!(
        "INSERT INTO servers (id, memory, seen_at, schemas, requests) VALUES ({older}, 1, {now}, 4, 4)"
    ));
    for (name, body) in [("packet capture", http()), ("flow export", netflow())] {
        let refused = server.upload(&id, steward, body);
        assert_eq!(refused.status(), 409, "{name}");
        let problem: Value = refused.json().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(&format!("cannot read {name}")), "{problem}");
    }
    let flows = json!({"name": "x", "layout": "flow", "reading": {"capture": {"records": "flows"}}});
    let refused = server.post("/v1/datasets", steward, &flows);
    assert_eq!(refused.json::<Value>().unwrap()["type"], "/problems/older-server");
}
