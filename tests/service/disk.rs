//! A disk that is full: every write is refused with 507 and leaves nothing, and when there is room again everything goes on without a restart.

use crate::both;
use crate::harness::*;
use reqwest::blocking::Response;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::Duration;

both!(nothing_is_lost_at_ten_sizes_of_a_full_disk, the_reserve_is_left_free);

/// Bytes of the disk: room for the measurements of a fit with declared networks, and some megabytes besides.
const DISK: u64 = 96 << 20;

/// A small trace of the sample flows.
fn trace(records: usize) -> Vec<u8> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&sample("flows.csv.gz")[..]).read_to_string(&mut text).unwrap();
    let lines: Vec<&str> = text.lines().take(records + 1).collect();
    (lines.join("\n") + "\n").into_bytes()
}

fn dataset(server: &Server, steward: &str) -> Response {
    let mut declared = declared_flows();
    declared["networks"] = json!({"srcip": ["10.0.0.0/8"], "dstip": ["10.0.0.0/8"]});
    server.post("/v1/datasets", steward, &declared)
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_string()
}

fn ready(server: &Server, steward: &str) -> String {
    let made = id(&dataset(server, steward).json().unwrap());
    assert_eq!(server.upload(&made, steward, trace(3_000)).status(), 202);
    assert_eq!(server.parsed(&made, steward)["state"], "ready");
    made
}

fn fit(dataset: &str) -> Value {
    json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "method": "netdpsyn", "accept_noise": true})
}

/// A dataset, its model and a draft of it.
struct Made {
    dataset: String,
    model: String,
    draft: String,
}

fn made(server: &Server, steward: &str, dataset: String) -> Made {
    server.made("/v1/jobs", steward, &fit(&dataset));
    let jobs = server.idle(steward);
    let of = |kind: &str| jobs.iter().rfind(|job| job["kind"] == kind).unwrap().clone();
    let (fitted, generated) = (of("fit"), of("generate"));
    assert_eq!(
        (&fitted["state"], &generated["state"]),
        (&json!("succeeded"), &json!("succeeded")),
        "{jobs:#?}"
    );
    let text = |value: &Value| value.as_str().unwrap().to_string();
    Made { dataset, model: text(&fitted["model_id"]), draft: text(&generated["release_id"]) }
}

/// Everything that writes: what it is called, and the answer.
fn writes(server: &Server, tenant: &Tenant, made: &Made, empty: &str) -> Vec<(&'static str, Response)> {
    let steward = tenant.steward.as_str();
    let generate = json!({"kind": "generate", "model_id": made.model, "rows": 20_000});
    let key = json!({"role": "reader", "name": "another"});
    let patch = |path: String, body: &Value| {
        server.client.patch(format!("{}{path}", server.url)).bearer_auth(steward).json(body).send().unwrap()
    };
    vec![
        ("upload", server.upload(empty, steward, trace(6_000))),
        ("fit", server.post("/v1/jobs", steward, &fit(&made.dataset))),
        ("generate", server.post("/v1/jobs", steward, &generate)),
        ("publish", server.post(&format!("/v1/releases/{}/publish", made.draft), steward, &json!({}))),
        ("dataset", dataset(server, steward)),
        ("declare", patch(format!("/v1/datasets/{empty}"), &json!({"name": "another"}))),
        (
            "tenant",
            server.post("/v1/tenants", ADMIN, &json!({"name": uuid::Uuid::now_v7(), "cap": {"rho": 1.0}})),
        ),
        ("key", server.post(&format!("/v1/tenants/{}/keys", tenant.id), ADMIN, &key)),
        ("quote", server.post("/v1/quotes", steward, &json!({"dataset_id": made.dataset, "epsilon": 1.0}))),
    ]
}

/// Nothing is reserved or charged without a model, every state is one to go on from, and every file is named by the database.
fn is_whole(lab: &Lab, disk: &Disk) {
    let commits = lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'");
    assert_eq!(commits, lab.number("SELECT COUNT(*) FROM models"), "a charge is a model");
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE kind = 'fit' AND charged"), commits);
    assert_eq!(lab.number("SELECT CAST(SUM(reserved_rho) AS BIGINT) FROM tenants"), 0);
    assert_eq!(lab.number("SELECT COUNT(*) FROM datasets WHERE state NOT IN ('empty', 'ready')"), 0);
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running')"), 0);
    for key in disk.artifacts() {
        let named = format!(
            "SELECT (SELECT COUNT(*) FROM datasets WHERE trace_path = '{key}') + (SELECT COUNT(*) FROM models WHERE bundle_path = '{key}')
                + (SELECT COUNT(*) FROM releases WHERE trace_path = '{key}')"
        );
        wait(|| (lab.number(&named) == 1 || !disk.artifacts().contains(&key)).then_some(()));
    }
}

fn nothing_is_lost_at_ten_sizes_of_a_full_disk(kind: Kind) {
    let mut lab = Lab::new(kind);
    // Without a reserve: whoever writes finds out.
    let (server, disk) = lab.serve_on_disk(DISK, &[("NETDPSYN_MIN_FREE_BYTES", "0")]);
    let tenant = server.tenant(json!({"rho": 100.0}));
    let steward = tenant.steward.as_str();
    let mut before = made(&server, steward, ready(&server, steward));
    let mut refused = std::collections::BTreeMap::<&str, u32>::new();
    for kilobytes in [8, 16, 24, 40, 64, 100, 160, 240, 340, 440] {
        let empty = id(&dataset(&server, steward).json().unwrap());
        disk.fill(&server, kilobytes << 10);
        for (what, answer) in writes(&server, &tenant, &before, &empty) {
            let (status, text) = (answer.status().as_u16(), answer.text().unwrap());
            if status == 507 {
                *refused.entry(what).or_default() += 1;
                assert!(text.contains("/problems/disk-full"), "{kilobytes} kB, {what}: {text}");
            }
            assert!((200..300).contains(&status) || status == 507, "{kilobytes} kB, {what}: {status} {text}");
        }
        // What was accepted meets the full disk, too.
        std::thread::sleep(Duration::from_secs(2));
        disk.make_room(&server);
        server.idle(steward);
        let settled =
            || lab.number("SELECT COUNT(*) FROM datasets WHERE state IN ('receiving', 'parsing')") == 0;
        wait(|| settled().then_some(()));
        is_whole(&lab, &disk);
        for job in server.idle(steward) {
            let failed = job["state"] == "failed";
            assert!(!failed || job["problem"]["type"] == "/problems/disk-full", "{kilobytes} kB: {job:#?}");
            assert!(!failed || job["kind"] != "fit" || job["charged"] == false, "{kilobytes} kB: {job:#?}");
        }
        // And all of it works again, by the same server.
        before = made(&server, steward, ready(&server, steward));
        server.made(&format!("/v1/releases/{}/publish", before.draft), steward, &json!({}));
        before = made(&server, steward, before.dataset);
    }
    println!("refused with 507: {refused:?}");
    assert!(refused.get("upload").is_some_and(|times| *times >= 8), "{refused:?}");
    assert!(kind == Kind::Postgres || refused.len() >= 6, "{refused:?}");
    assert!(!server.log.lock().unwrap().contains("non-zero transaction depth"));
}

/// An upload outlives a database that is full when its parsing ends.
#[test]
fn parsing_waits_for_room() {
    let lab = Lab::new(Kind::Postgres);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    lab.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$",
    );
    lab.execute("CREATE TRIGGER fail BEFORE UPDATE ON datasets FOR EACH ROW WHEN (NEW.state = 'ready') EXECUTE FUNCTION fail()");
    let made = server.dataset(&tenant.steward);
    assert_eq!(server.upload(&made, &tenant.steward, trace(100)).status(), 202);
    let waiting = wait(|| {
        let job = server.json("/v1/jobs?kind=parse", &tenant.steward)["items"][0].clone();
        assert_ne!(job["state"], "failed", "{job:#}");
        (job["state"] == "queued" && job["attempt"] == 1).then_some(job)
    });
    assert_eq!(waiting["problem"]["type"], "/problems/disk-full", "{waiting:#}");
    lab.execute("DROP FUNCTION fail() CASCADE");
    assert_eq!(server.parsed(&made, &tenant.steward)["state"], "ready");
}

/// What the server answers to a request of which nothing but the head is sent.
fn head_alone(server: &Server, steward: &str, dataset: &str, length: u64) -> String {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "PUT /v1/datasets/{dataset}/trace HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {steward}\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn the_reserve_is_left_free(kind: Kind) {
    let mut lab = Lab::new(kind);
    let (server, disk) = lab.serve_on_disk(DISK, &[("NETDPSYN_MIN_FREE_BYTES", &(4 << 20).to_string())]);
    let Disk::Mounted(_) = disk else {
        // Without a disk of its own the reserve is more than any machine has.
        drop(server);
        let server = lab.serve(&[("NETDPSYN_MIN_FREE_BYTES", &(1u64 << 60).to_string())]);
        return refuses_what_is_large(&lab, &server, None);
    };
    let tenant = server.tenant(json!({"rho": 100.0}));
    let steward = tenant.steward.as_str();
    let before = made(&server, steward, ready(&server, steward));
    let empty = id(&dataset(&server, steward).json().unwrap());
    // Room for small traces and not for measurements.
    disk.fill(&server, 24 << 20);
    assert_eq!(server.client.get(format!("{}/readyz", server.url)).send().unwrap().status(), 200);
    let quote = server.made("/v1/quotes", steward, &json!({"dataset_id": before.dataset, "epsilon": 1.0}));
    assert!(quote["disk"]["private"] == true && quote["disk"]["fits"] == false, "{quote:#}");
    assert_eq!(quote["disk"]["room_bytes"], 16 << 20);
    assert!(quote["disk"]["bytes"].as_u64() > Some(16 << 20), "{quote:#}");
    let public = json!({"dataset_id": before.dataset, "epsilon": 1.0, "rows": 10});
    assert_eq!(server.made("/v1/quotes", steward, &public)["disk"]["private"], false);
    assert!(head_alone(&server, steward, &empty, 17 << 20).starts_with("HTTP/1.1 507"));
    assert_eq!(server.post("/v1/jobs", steward, &fit(&before.dataset)).status(), 507);
    disk.make_room(&server);
    disk.fill(&server, 3 << 20);
    refuses_what_is_large(&lab, &server, Some((&tenant, &before, &empty)));
    disk.make_room(&server);
    wait(|| {
        (server.client.get(format!("{}/readyz", server.url)).send().unwrap().status() == 200).then_some(())
    });
    made(&server, steward, ready(&server, steward));
    is_whole(&lab, &disk);
}

/// Below the reserve a server is not ready, takes nothing large, and still writes what is small.
fn refuses_what_is_large(lab: &Lab, server: &Server, made: Option<(&Tenant, &Made, &str)>) {
    let ready = wait(|| {
        let answer = server.client.get(format!("{}/readyz", server.url)).send().unwrap();
        (answer.status() == 503).then(|| answer.json::<Value>().unwrap())
    });
    assert!(ready["detail"].as_str().unwrap().contains("NETDPSYN_MIN_FREE_BYTES"), "{ready:#}");
    let Some((tenant, before, empty)) = made else {
        let tenant = server.tenant(json!({"rho": 1.0}));
        let empty = server.dataset(&tenant.steward);
        assert!(head_alone(server, &tenant.steward, &empty, 100).starts_with("HTTP/1.1 507"));
        return;
    };
    let steward = tenant.steward.as_str();
    // Refused before a byte of it is sent.
    assert!(head_alone(server, steward, empty, 100).starts_with("HTTP/1.1 507"));
    let large = ["upload", "fit", "generate"];
    for (what, answer) in writes(server, tenant, before, empty) {
        let (status, text) = (answer.status().as_u16(), answer.text().unwrap());
        assert_eq!(status == 507, large.contains(&what), "{what}: {status} {text}");
        assert!(status == 507 || status < 300, "{what}: {status} {text}");
    }
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running')"), 0);
}
