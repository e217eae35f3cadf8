//! Uploads that are small and unpack to very much: refused by what they unpack to, and cancelled while they are read.

use crate::both;
use crate::harness::*;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

both!(a_file_that_unpacks_to_too_much_is_refused, parsing_stops_when_cancelled_whatever_the_file_holds);

const HEADER: &str = "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,type\n";
const RECORD: &str = "10.0.0.1,10.0.0.2,1234,80,tcp,1767600000000000000,0.5,3,300,ddos\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::default());
    to.write_all(text).unwrap();
    to.finish().unwrap()
}

/// A header, and one piece again and again: a member each, so that a gigabyte is made in no time.
fn members(piece: &[u8], times: usize) -> Vec<u8> {
    under(HEADER, piece, times)
}

fn under(header: &str, piece: &[u8], times: usize) -> Vec<u8> {
    [gzip(header.as_bytes()), gzip(piece).repeat(times)].concat()
}

/// What a rejected upload says.
fn rejected(server: &Server, steward: &str, body: Vec<u8>) -> Value {
    let dataset = server.dataset(steward);
    assert_eq!(server.upload(&dataset, steward, body).status(), 202);
    let parsed = server.parsed(&dataset, steward);
    assert_eq!(parsed["state"], "rejected", "{parsed:#?}");
    parsed["problem"].clone()
}

fn a_file_that_unpacks_to_too_much_is_refused(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab
        .serve(&[("NETDPSYN_MAX_DECOMPRESSED_BYTES", "50000000"), ("NETDPSYN_MAX_COMPRESSION_RATIO", "20")]);
    let steward = server.tenant(json!({"rho": 1.0})).steward;
    let records = RECORD.repeat(20_000);
    for (pieces, setting) in
        [(20, "NETDPSYN_MAX_COMPRESSION_RATIO"), (400, "NETDPSYN_MAX_DECOMPRESSED_BYTES")]
    {
        let mut body = members(records.as_bytes(), pieces);
        if pieces == 400 {
            // As dense as it may be: noise that is never read makes up for the rest.
            let mut state = 1u64;
            let noise = (0..4_000_000).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            });
            let noise: Vec<u8> = noise.collect();
            body.extend(gzip(&noise));
        }
        let problem = rejected(&server, &steward, body);
        assert_eq!((&problem["type"], &problem["status"]), (&json!("/problems/trace-refused"), &json!(422)));
        assert!(problem["private"] == true && problem["limit"] == setting, "{problem:#?}");
        assert!(problem["detail"].as_str().unwrap().contains(setting), "{problem:#?}");
    }
    // What a real trace does is fine, and so is whatever is small.
    server.flows(&steward);
    let small = server.dataset(&steward);
    assert_eq!(server.upload(&small, &steward, members(records.as_bytes(), 5)).status(), 202);
    assert_eq!(server.parsed(&small, &steward)["state"], "ready");
    // A gigabyte of blank lines, and one of a line that never ends.
    for piece in [b"\n".repeat(1 << 20), b"1".repeat(1 << 20)] {
        let start = Instant::now();
        let problem = rejected(&server, &steward, members(&piece, 1 << 10));
        assert!(problem["detail"].as_str().unwrap().contains("longer than 1 MiB"), "{problem:#?}");
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}

fn parsing_stops_when_cancelled_whatever_the_file_holds(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_MAX_COMPRESSION_RATIO", "1000000")]);
    let steward = server.tenant(json!({"rho": 1.0})).steward;
    // Blank lines with a record here and there, so that no run of them is too long, and records with a very long note each: gigabytes of both.
    let sparse = [b"\n".repeat(1 << 19), RECORD.as_bytes().to_vec()].concat();
    let note = format!("\"{}\",{RECORD}", "\n".repeat(1 << 19));
    for body in [members(&sparse, 16 << 10), under(&format!("note,{HEADER}"), note.as_bytes(), 16 << 10)] {
        let dataset = server.dataset(&steward);
        assert_eq!(server.upload(&dataset, &steward, body).status(), 202);
        let path = format!("/v1/jobs?kind=parse&dataset_id={dataset}");
        let running = |state: &str| {
            let job = server.json(&path, &steward)["items"][0].clone();
            (job["state"] == state).then_some(job)
        };
        let job = wait(|| running("running"));
        std::thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        server.made(&format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap()), &steward, &json!({}));
        wait(|| running("cancelled"));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}
