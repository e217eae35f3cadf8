//! Whatever passes has an owner with a lease, and ends by itself when its owner is gone.

use crate::both;
use crate::harness::*;
use crate::proxy::Proxy;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

both!(
    an_upload_whose_server_dies_ends_by_itself,
    a_starting_server_leaves_its_neighbours_uploads_alone,
    leases_of_another_time_end_by_themselves,
    six_drains_are_no_failure,
    a_schema_of_a_later_version_is_no_fault,
    parsing_can_be_cancelled,
    a_job_that_runs_too_long_ends,
);

/// An upload half sent.
pub struct Half {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Half {
    pub fn of(server: &Server, dataset: &str, steward: &str) -> Half {
        let body = sample("flows.csv.gz");
        let host = server.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "PUT /v1/datasets/{dataset}/trace HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {steward}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let (half, rest) = body.split_at(body.len() / 2);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(half).unwrap();
        wait(|| (state(server, dataset, steward) == "receiving").then_some(()));
        Half { stream, rest: rest.to_vec() }
    }

    /// Sends the rest: the status of the answer.
    pub fn finish(mut self) -> String {
        self.stream.write_all(&self.rest).unwrap();
        let mut answer = [0; 12];
        self.stream.read_exact(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[9..]).into_owned()
    }
}

fn state(server: &Server, dataset: &str, steward: &str) -> String {
    server.json(&format!("/v1/datasets/{dataset}"), steward)["state"].as_str().unwrap().to_string()
}

fn an_upload_whose_server_dies_ends_by_itself(kind: Kind) {
    let lab = Lab::new(kind);
    let (dying, other) = (lab.serve(&[]), lab.serve(&[]));
    let tenant = dying.tenant(json!({"rho": 1.0}));
    let (empty, ready) = (dying.dataset(&tenant.steward), dying.flows(&tenant.steward));
    let halves = [&empty, &ready].map(|dataset| Half::of(&dying, dataset, &tenant.steward));
    dying.kill();
    for (dataset, before) in [(&empty, "empty"), (&ready, "ready")] {
        wait(|| (state(&other, dataset, &tenant.steward) == before).then_some(()));
        assert_eq!(other.upload(dataset, &tenant.steward, sample("flows.csv.gz")).status(), 202);
    }
    drop(halves);
}

fn a_starting_server_leaves_its_neighbours_uploads_alone(kind: Kind) {
    let lab = Lab::new(kind);
    let receiving = lab.serve(&[]);
    let tenant = receiving.tenant(json!({"rho": 1.0}));
    let dataset = receiving.dataset(&tenant.steward);
    let half = Half::of(&receiving, &dataset, &tenant.steward);
    let started = lab.serve(&[]);
    // Longer than a lease, and than the keeper waits.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(state(&started, &dataset, &tenant.steward), "receiving");
    assert_eq!(half.finish(), "202");
    assert_eq!(started.parsed(&dataset, &tenant.steward)["state"], "ready");
}

/// The database goes away when half of an upload is there, and comes back after the rest was sent.
#[test]
fn an_upload_outlasts_a_database_that_is_away() {
    let lab = Lab::new(Kind::Postgres);
    let proxy = Proxy::before(&lab.database);
    let url = proxy.url(&lab.database);
    let server = lab.serve(&[("NETDPSYN_DATABASE_URL", &url), ("NETDPSYN_LEASE_SECONDS", "10")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.dataset(&tenant.steward);
    let half = Half::of(&server, &dataset, &tenant.steward);
    proxy.cut();
    let sent = std::thread::spawn(move || half.finish());
    std::thread::sleep(Duration::from_secs(3));
    proxy.mend();
    assert_eq!(sent.join().unwrap(), "202");
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "ready");
}

/// It stays away until the upload is given up: the dataset is free again by itself.
#[test]
fn an_upload_given_up_leaves_its_dataset_free() {
    let lab = Lab::new(Kind::Postgres);
    let proxy = Proxy::before(&lab.database);
    let server = lab.serve(&[("NETDPSYN_DATABASE_URL", &proxy.url(&lab.database))]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.dataset(&tenant.steward);
    let half = Half::of(&server, &dataset, &tenant.steward);
    proxy.cut();
    assert_eq!(half.finish(), "503");
    proxy.mend();
    wait(|| (lab.number("SELECT COUNT(*) FROM datasets WHERE state = 'empty'") == 1).then_some(()));
    assert_eq!(server.upload(&dataset, &tenant.steward, sample("flows.csv.gz")).status(), 202);
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "ready");
}

/// The database goes away while jobs run, for longer than their lease: each ends once, with its result.
#[test]
fn jobs_outlast_a_database_that_is_away() {
    let lab = Lab::new(Kind::Postgres);
    let proxy = Proxy::before(&lab.database);
    let server = lab.serve(&[("NETDPSYN_DATABASE_URL", &proxy.url(&lab.database))]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "evaluate": true});
    for round in 0..4u64 {
        server.made("/v1/jobs", &tenant.steward, &fit);
        std::thread::sleep(Duration::from_millis(50 + 150 * round));
        proxy.cut();
        std::thread::sleep(Duration::from_secs(3));
        proxy.mend();
        // A pool whose connections were all cut needs a moment.
        wait(|| server.get("/v1/jobs", &tenant.steward).status().is_success().then_some(()));
    }
    let jobs = server.idle(&tenant.steward);
    assert_eq!(jobs.len(), 12, "{jobs:#?}");
    assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), 4);
    assert_eq!(lab.number("SELECT spent_rho FROM tenants"), 4 * lab.number("SELECT MAX(rho) FROM jobs"));
}

/// The clock goes back an hour while a server is dead: its jobs, uploads and waits lie in the future.
fn leases_of_another_time_end_by_themselves(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let steward = &tenant.steward;
    let (first, second) = (server.dataset(steward), server.dataset(steward));
    for dataset in [&first, &second] {
        assert_eq!(server.upload(dataset, steward, sample("flows.csv.gz")).status(), 202);
    }
    let half = server.dataset(steward);
    let half_sent = Half::of(&server, &half, steward);
    server.kill();
    drop(half_sent);
    let later = |sql: &str| lab.execute(&sql.replace("LATER", &(jiff_now() + 3_600_000_000).to_string()));
    later("UPDATE jobs SET lease_until = LATER");
    later("UPDATE datasets SET upload_until = LATER WHERE state = 'receiving'");
    let one = "(SELECT MIN(created_at) FROM jobs)";
    lab.execute(&format!("UPDATE jobs SET state = 'running', attempt = 1 WHERE created_at = {one}"));
    // What waits is not waited for longer than the longest wait, a minute; here it is shorter already.
    lab.execute(&format!("UPDATE jobs SET lease_until = 1 WHERE created_at > {one}"));
    let server = lab.serve(&[]);
    for dataset in [&first, &second] {
        assert_eq!(server.parsed(dataset, steward)["state"], "ready");
    }
    wait(|| (state(&server, &half, steward) == "empty").then_some(()));
}

fn jiff_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_micros() as i64
}

/// A queue with a long generation, drained six times in its middle: the seventh server ends it.
fn six_drains_are_no_failure(kind: Kind) {
    let lab = Lab::new(kind);
    let mut server = lab.serve(&[("NETDPSYN_DRAIN_SECONDS", "0")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let model = server.model(&tenant.steward);
    let long = json!({"kind": "generate", "model_id": model, "rows": 300_000});
    server.made("/v1/jobs", &tenant.steward, &long);
    for _ in 0..6 {
        wait(|| (lab.number("SELECT COUNT(*) FROM jobs WHERE state = 'running'") == 1).then_some(()));
        assert!(server.terminate().success());
        assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE state = 'queued'"), 1, "handed back");
        server = lab.serve(&[("NETDPSYN_DRAIN_SECONDS", "0")]);
    }
    let jobs = server.idle(&tenant.steward);
    let last = jobs.last().unwrap();
    assert!(last["state"] == "succeeded" && last["attempt"].as_i64() > Some(6), "{last:#}");
}

/// Servers are replaced one by one: a new one has added to the schema, and this one is started again.
fn a_schema_of_a_later_version_is_no_fault(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    lab.execute("INSERT INTO later_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'of a later version', TRUE, '', 0)");
    for table in ["tenants", "populations", "keys", "datasets", "jobs", "models", "releases", "entries"] {
        lab.execute(&format!("ALTER TABLE {table} ADD COLUMN of_a_later_version INTEGER"));
    }
    lab.execute("CREATE TABLE of_a_later_version (id INTEGER)");
    assert!(server.terminate().success());
    let server = lab.serve(&[]);
    let dataset = server.flows(&tenant.steward);
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}));
    assert!(server.idle(&tenant.steward).iter().all(|job| job["state"] == "succeeded"));
}

fn parsing_can_be_cancelled(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let steward = &tenant.steward;
    let dataset = server.dataset(steward);
    assert_eq!(server.upload(&dataset, steward, sample("flows.csv.gz")).status(), 202);
    let listed = server.json("/v1/jobs?kind=parse&state=queued", steward);
    let parse = listed["items"][0]["id"].as_str().unwrap();
    let busy = server.client.delete(format!("{}/v1/datasets/{dataset}", server.url)).bearer_auth(steward);
    assert_eq!(busy.send().unwrap().status(), 409, "busy with its parsing");
    let cancelled = server.made(&format!("/v1/jobs/{parse}/cancel"), steward, &json!({}));
    assert_eq!(cancelled["state"], "cancelled");
    let after = server.json(&format!("/v1/datasets/{dataset}"), steward);
    assert!(after["state"] == "rejected" && after["problem"]["type"] == "/problems/cancelled", "{after}");
    assert!(!lab.files().iter().any(|file| file.contains("/traces/")), "the bytes are gone");
    assert_eq!(server.upload(&dataset, steward, sample("flows.csv.gz")).status(), 202);
}

fn a_job_that_runs_too_long_ends(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let model = server.model(&tenant.steward);
    assert!(server.terminate().success());
    let server = lab.serve(&[("NETDPSYN_MAX_JOB_SECONDS", "1")]);
    let long = json!({"kind": "generate", "model_id": model, "rows": 380_000, "options": {"rounds": 1000}});
    server.made("/v1/jobs", &tenant.steward, &long);
    let last = server.idle(&tenant.steward).pop().unwrap();
    assert!(last["state"] == "failed" && last["problem"]["type"] == "/problems/too-long", "{last:#}");
}
