//! Bad input: the problem document of each, and nothing half-stored.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};
use std::io::Write;

both!(bad_traces, bad_requests);

const HEADER: &str = "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,label,type";
const ROW: &str = "10.0.0.1,10.0.0.2,1234,80,tcp,1767600000000000000,0.5,3,300,0,normal";

/// A problem document without what differs from run to run.
fn shown(problem: &Value) -> String {
    serde_json::to_string_pretty(problem).unwrap()
}

fn bad_traces(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_MAX_UPLOAD_BYTES", "100000")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let row = |from: &str, to: &str| format!("{HEADER}\n{ROW}\n{}\n", ROW.replacen(from, to, 1)).into_bytes();
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(format!("{HEADER}\n{}", format!("{ROW}\n").repeat(5_000)).as_bytes()).unwrap();
    let zipped = zipped.finish().unwrap();
    let cases: [(&str, Vec<u8>); 10] = [
        ("not a CSV", vec![0x89, b'P', b'N', b'G', 0, 1]),
        ("missing column", b"srcip,dstip\n1,2\n".to_vec()),
        ("address 300.1.1.1", row("10.0.0.1", "300.1.1.1")),
        ("port 70000", row("1234", "70000")),
        ("negative bytes", row(",300,", ",-300,")),
        ("IPv6", row("10.0.0.1", "2001:db8::1")),
        ("truncated gzip", zipped[..zipped.len() / 2].to_vec()),
        ("empty body", Vec::new()),
        ("header only", format!("{HEADER}\n").into_bytes()),
        ("over the limit", vec![b'x'; 100_001]),
    ];
    let dataset = server.dataset(&tenant.steward);
    let mut table = String::new();
    for (what, body) in cases {
        let response = server.upload(&dataset, &tenant.steward, body);
        let status = response.status().as_u16();
        let answer: Value = response.json().unwrap();
        let after = server.parsed(&dataset, &tenant.steward);
        let problem = if status == 202 { &after["problem"] } else { &answer };
        table +=
            &format!("{what} → {status}, dataset {}\n{}\n", after["state"].as_str().unwrap(), shown(problem));
        assert!(!lab.files().iter().any(|file| file.contains("/traces/")), "{what}: the bytes are deleted");
    }
    insta::assert_snapshot!("bad_traces", table);

    // A damaged transfer is noticed, and what was there before stays.
    assert_eq!(
        server.upload(&dataset, &tenant.steward, format!("{HEADER}\n{ROW}\n").into_bytes()).status(),
        202
    );
    server.parsed(&dataset, &tenant.steward);
    let before = lab.files();
    let url = format!("{}/v1/datasets/{dataset}/trace", server.url);
    let digest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    let damaged = server.client.put(&url).bearer_auth(&tenant.steward).header("content-digest", digest);
    assert_eq!(damaged.body("other bytes").send().unwrap().status(), 422);
    assert_eq!(lab.files(), before);
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "ready");
}

fn bad_requests(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"epsilon": 1.0}));
    let foreign = server.tenant(json!({"epsilon": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let empty = server.dataset(&tenant.steward);
    let bare = server.made("/v1/datasets", &tenant.steward, &json!({"name": "bare", "preset": "packet"}));
    let fit =
        |dataset: &Value, epsilon: f64| json!({"kind": "fit", "dataset_id": dataset, "epsilon": epsilon});
    let (id, empty) = (json!(dataset), json!(empty));
    let rows = || lab.number("SELECT (SELECT COUNT(*) FROM jobs) + (SELECT COUNT(*) FROM entries)");
    let before = rows();
    let mut table = String::new();
    let mut note = |what: &str, response: reqwest::blocking::Response| {
        let status = response.status().as_u16();
        let problem: Value = response.json().unwrap();
        let text = shown(&problem).replace(&dataset, "DATASET");
        table += &format!("{what} → {status}\n{text}\n");
    };
    let steward = tenant.steward.as_str();
    note("ε = 0", server.post("/v1/jobs", steward, &fit(&id, 0.0)));
    note("ε over the budget", server.post("/v1/jobs", steward, &fit(&id, 4.0)));
    note(
        "δ = 0.5",
        server.post(
            "/v1/jobs",
            steward,
            &json!({"kind": "fit", "dataset_id": id, "epsilon": 1.0, "delta": 0.5}),
        ),
    );
    note(
        "unknown field",
        server.post(
            "/v1/jobs",
            steward,
            &json!({"kind": "fit", "dataset_id": id, "epsilon": 1.0, "colour": 1}),
        ),
    );
    note("no window", server.post("/v1/jobs", steward, &fit(&bare["id"], 1.0)));
    note("no trace", server.post("/v1/jobs", steward, &fit(&empty, 1.0)));
    note("another tenant's dataset", server.post("/v1/jobs", &foreign.steward, &fit(&id, 1.0)));
    note("unknown dataset", server.post("/v1/jobs", steward, &fit(&json!(uuid::Uuid::nil()), 1.0)));
    note("wrong key", server.get("/v1/jobs", "ndp_0123456789abcdef"));
    note("a reader", server.post("/v1/jobs", &tenant.reader, &fit(&id, 1.0)));
    note(
        "no JSON",
        server.client.post(format!("{}/v1/jobs", server.url)).bearer_auth(steward).body("{}").send().unwrap(),
    );
    note("odd page", server.get("/v1/jobs?limit=1000", steward));
    note("unknown route", server.get("/v1/nothing", steward));
    assert_eq!(rows(), before, "nothing was queued, reserved or charged");
    insta::assert_snapshot!("bad_requests", table);

    // While a fit waits, the trace cannot be replaced.
    let server = {
        server.terminate();
        lab.serve(&[("NETDPSYN_WORKERS", "0")])
    };
    let job = server.made("/v1/jobs", steward, &fit(&id, 0.5));
    let second = server.upload(&dataset, steward, sample("flows.csv.gz"));
    assert_eq!(second.status(), 409);
    assert_eq!(second.json::<Value>().unwrap()["type"], "/problems/busy");
    // Cancelled before it measured, it gives everything back.
    let cancelled =
        server.made(&format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap()), steward, &json!({}));
    assert!(cancelled["state"] == "cancelled" && cancelled["charged"] == false);
    let budget = server.json("/v1/budget", steward);
    assert!(budget["tenant"]["reserved"]["rho"] == 0.0 && budget["tenant"]["spent"]["rho"] == 0.0);
}
