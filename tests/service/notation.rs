//! Notations are frozen when a trace is parsed: its synthetic trace is written in them and read back in them, whatever its values look like.

use crate::both;
use crate::harness::*;
use netdpsyn::trace::{Notation, TimeUnit, presets};
use serde_json::{Value, json};

both!(every_notation_goes_from_upload_to_evaluation, old_schemas_without_notations_work);

/// Flows of the first minute since 1970, whose times are written by `time`, which gets nanoseconds.
fn trace(
    time: impl Fn(u64) -> String,
    address: impl Fn(u32) -> String,
    protocol: &str,
    rows: u64,
) -> Vec<u8> {
    let mut text = String::from("srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,type\n");
    for row in 0..rows {
        let (from, to) = (address(0x0a00_0000 + row as u32 % 50), address(0xc000_0200 + row as u32 % 7));
        let at = time(row * 60_000_000_000 / rows);
        text += &format!("{from},{to},{},443,{protocol},{at},0.5,3,300,a\n", 1024 + row % 300);
    }
    text.into_bytes()
}

fn dotted(address: u32) -> String {
    std::net::Ipv4Addr::from(address).to_string()
}

/// A dataset of flows in these notations.
fn declared(notations: &[(&str, Notation)], window: &str) -> Value {
    let mut schema = presets::preset("flow").unwrap();
    for (column, notation) in notations {
        let at = schema.position(column).unwrap();
        schema.columns[at].notation = Some(*notation);
    }
    let schema = serde_json::to_value(schema).unwrap();
    json!({"name": "flows", "schema": schema, "window": window, "categories": {"type": ["a"]}})
}

/// Uploads, fits, generates and evaluates: the trace that was made.
fn through(server: &Server, steward: &str, dataset: &Value, trace: Vec<u8>) -> String {
    let id = server.made("/v1/datasets", steward, dataset)["id"].as_str().unwrap().to_string();
    assert_eq!(server.upload(&id, steward, trace).status(), 202);
    let parsed = server.parsed(&id, steward);
    assert_eq!(parsed["state"], "ready", "{parsed:#?}");
    let fit = json!({"kind": "fit", "dataset_id": id, "epsilon": 1.0, "evaluate": true,
        "accept_noise": true, "accept_outside": true});
    server.made("/v1/jobs", steward, &fit);
    server.idle(steward);
    let jobs = server.json(&format!("/v1/jobs?dataset_id={id}"), steward)["items"].clone();
    for job in jobs.as_array().unwrap() {
        assert_eq!(job["state"], "succeeded", "{dataset:#?} {job:#?}");
    }
    let release = jobs.as_array().unwrap().iter().find_map(|job| job["release_id"].as_str()).unwrap();
    server.json(&format!("/v1/releases/{release}/report/private"), steward);
    server.get(&format!("/v1/releases/{release}/content"), steward).text().unwrap()
}

fn every_notation_goes_from_upload_to_evaluation(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let steward = server.tenant(json!({"rho": 10.0})).steward;
    let epoch = |unit, decimal| ("ts", Notation::Epoch { unit, decimal });
    let ns = epoch(TimeUnit::Nanoseconds, false);
    for rows in [400, 3] {
        let made = through(
            &server,
            &steward,
            &declared(&[ns], "0/60"),
            trace(|t| t.to_string(), dotted, "tcp", rows),
        );
        let times: Vec<u64> =
            made.lines().skip(1).map(|line| line.split(',').nth(5).unwrap().parse().unwrap()).collect();
        assert!(times.iter().all(|time| *time < 60_000_000_000), "{made}");
    }
    for (time, unit) in [
        (epoch(TimeUnit::Seconds, false), 1_000_000_000),
        (epoch(TimeUnit::Milliseconds, false), 1_000_000),
        (epoch(TimeUnit::Microseconds, true), 1_000),
    ] {
        let notations = [
            time,
            ("srcip", Notation::AddressNumber),
            ("proto", Notation::ProtocolNumber),
            ("byt", Notation::Decimal),
        ];
        let raw = trace(|t| (t / unit).to_string(), |address| address.to_string(), "6", 400);
        let made = through(&server, &steward, &declared(&notations, "0/60"), raw);
        let first: Vec<&str> = made.lines().nth(1).unwrap().split(',').collect();
        assert!(first[0].parse::<u32>().is_ok() && first[4].parse::<u8>().is_ok(), "{first:?}");
        assert!(first[8].ends_with(".0"), "{first:?}");
    }
    // Told from the file, where nothing is declared.
    let raw = trace(|t| format!("2026-01-05T08:00:{:02}Z", t / 1_000_000_000), dotted, "tcp", 400);
    let made = through(&server, &steward, &declared(&[], "2026-01-05T08:00:00Z/2026-01-05T08:01:00Z"), raw);
    assert!(made.lines().nth(1).unwrap().contains("2026-01-05T08:00:"), "{made}");
    // What is no notation of its column cannot be declared.
    let refused = server.post("/v1/datasets", &steward, &declared(&[("ts", Notation::Dotted)], "0/60"));
    assert_eq!(refused.status(), 422);
}

/// A schema that an earlier version stored need not say how every column is written.
fn old_schemas_without_notations_work(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let steward = server.tenant(json!({"rho": 10.0})).steward;
    let id = server.flows(&steward);
    let mut schema: Value = serde_json::from_str(&lab.text("SELECT bound_schema FROM datasets")).unwrap();
    for column in schema["columns"].as_array_mut().unwrap() {
        column.as_object_mut().unwrap().remove("notation");
    }
    lab.execute(&format!("UPDATE datasets SET bound_schema = '{schema}'"));
    let fit = json!({"kind": "fit", "dataset_id": id, "epsilon": 2.0, "evaluate": true});
    server.made("/v1/jobs", &steward, &fit);
    let jobs = server.idle(&steward);
    assert!(jobs.len() == 3 && jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
}
