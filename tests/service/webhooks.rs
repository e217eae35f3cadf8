//! Webhooks: real receivers on a socket, which fail, redirect, say that they are gone, or take what they get.

use crate::both;
use crate::harness::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

both!(
    a_delivery_succeeds_after_five_failures,
    an_event_is_stored_in_the_transaction_of_its_change,
    a_secret_is_replaced_and_both_sign,
    a_receiver_that_is_gone_is_left_alone,
);

/// A request that a receiver got.
#[derive(Clone, Debug)]
struct Got {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Got {
    /// Whether one of its signatures is that of a secret, by the letter of the specification.
    fn is_signed(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(self.headers["webhook-id"].as_bytes());
        mac.update(b".");
        mac.update(self.headers["webhook-timestamp"].as_bytes());
        mac.update(b".");
        mac.update(self.body.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.headers["webhook-signature"].split(' ').any(|one| one == expected)
    }
}

/// A receiver that answers with these in turn, and with the last of them from then on.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    fn answering(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                let mut headers = BTreeMap::new();
                lines.read_line(&mut line).unwrap();
                loop {
                    line.clear();
                    lines.read_line(&mut line).unwrap();
                    let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                    headers.insert(name.to_lowercase(), value.to_string());
                }
                let mut body = vec![0; headers["content-length"].parse().unwrap()];
                lines.read_exact(&mut body).unwrap();
                let body = String::from_utf8(body).unwrap();
                let turn = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(Got { headers, body });
                    kept.len() - 1
                };
                let answer = answers[turn.min(answers.len() - 1)];
                write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .unwrap();
            }
        });
        Receiver { url, got }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

/// This machine may be called, and nobody waits long.
const LOCAL: [(&str, &str); 2] =
    [("NETDPSYN_WEBHOOK_NETWORKS", "127.0.0.0/8"), ("NETDPSYN_WEBHOOK_RETRY_SECONDS", "0,0,1,0,0,1,0")];

fn hook(server: &Server, key: &str, receiver: &Receiver, events: Value) -> (String, String) {
    let made = server.made("/v1/webhooks", key, &json!({"url": receiver.url, "events": events}));
    let text = |member: &str| made[member].as_str().unwrap().to_string();
    (text("id"), text("secret"))
}

/// The log once nothing of it waits any more.
fn ended(server: &Server, key: &str, webhook: &str) -> Vec<Value> {
    wait(|| {
        let log = server.json(&format!("/v1/webhooks/{webhook}/deliveries"), key);
        let log = log["items"].as_array().unwrap().clone();
        (!log.is_empty() && log.iter().all(|one| one["state"] != "pending")).then_some(log)
    })
}

fn a_delivery_succeeds_after_five_failures(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&LOCAL);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let receiver = Receiver::answering(&[
        "500 No",
        "503 No",
        "404 No",
        "302 Found\r\nlocation: /other",
        "500 No",
        "204 Yes",
    ]);
    let (id, secret) = hook(&server, &tenant.steward, &receiver, json!(["webhook.test"]));
    let sent = server.made(&format!("/v1/webhooks/{id}/test"), &tenant.steward, &json!({}));
    let log = ended(&server, &tenant.steward, &id);
    assert_eq!(log.len(), 1);
    assert_eq!(
        (&log[0]["state"], &log[0]["attempts"], &log[0]["status"]),
        (&json!("delivered"), &json!(6), &json!(204))
    );
    let got = receiver.got();
    assert_eq!(got.len(), 6, "five that failed and one that did not");
    for one in &got {
        assert_eq!(one.headers["webhook-id"], sent["id"].as_str().unwrap(), "the same in every try");
        assert_eq!((&one.body, &one.headers["content-type"][..]), (&got[0].body, "application/json"));
        assert!(one.is_signed(&secret));
        let spoilt = Got { body: one.body.replace("test", "tesT"), ..one.clone() };
        assert!(!spoilt.is_signed(&secret));
    }
    // Once more by hand.
    let retry = format!("/v1/webhooks/{id}/deliveries/{}/retry", log[0]["id"].as_str().unwrap());
    server.made(&retry, &tenant.steward, &json!({}));
    ended(&server, &tenant.steward, &id);
    assert_eq!(receiver.got().len(), 7);
    let server_log = server.log.lock().unwrap().clone();
    assert!(
        !server_log.contains(&secret[6..]) && !server_log.contains("/hook"),
        "neither secret nor address"
    );
}

/// A job's end and a publication are told, with nothing but what stands in the list here; also after a crash before anything was sent.
fn an_event_is_stored_in_the_transaction_of_its_change(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&LOCAL);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let foreign = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let receiver = Receiver::answering(&["200 Yes"]);
    let other = Receiver::answering(&["200 Yes"]);
    let all =
        json!(["release.published", "release.withdrawn", "job.succeeded", "job.failed", "job.cancelled"]);
    let (id, secret) = hook(&server, &tenant.steward, &receiver, all.clone());
    let (theirs, _) = hook(&server, &foreign.steward, &other, all);
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}));
    let jobs = server.idle(&tenant.steward);
    let release = jobs.iter().find_map(|job| job["release_id"].as_str()).unwrap().to_string();
    ended(&server, &tenant.steward, &id);
    assert!(server.terminate().success());

    let server = lab.serve(&[LOCAL[0], LOCAL[1], ("NETDPSYN_WORKERS", "0")]);
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    let why = json!({"reason": "the window was wrong"});
    server.made(&format!("/v1/releases/{release}/withdraw"), &tenant.steward, &why);
    let job = server.made(
        "/v1/jobs",
        &tenant.steward,
        &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}),
    );
    server.made(&format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap()), &tenant.steward, &json!({}));
    server.kill();

    let server = lab.serve(&LOCAL);
    let log = ended(&server, &tenant.steward, &id);
    let told: Vec<&str> = log.iter().rev().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        ["job.succeeded", "job.succeeded", "release.published", "release.withdrawn", "job.cancelled"]
    );
    let got = receiver.got();
    assert_eq!(got.len(), 5);
    let allowed =
        ["job_id", "kind", "state", "dataset_id", "model_id", "release_id", "url", "access", "page"];
    for one in &got {
        assert!(one.is_signed(&secret));
        let body: Value = serde_json::from_str(&one.body).unwrap();
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["data", "timestamp", "type"]);
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z') && !one.body.contains("wrong"), "{body}");
        let data = body["data"].as_object().unwrap();
        assert!(data.keys().all(|member| allowed.contains(&&member[..])), "{body}");
        assert!(data.values().all(|value| value.is_string() || value.is_null()), "no number: {body}");
    }
    assert!(other.got().is_empty(), "another tenant is told nothing");
    for path in ["", "/deliveries"] {
        let path = format!("/v1/webhooks/{id}{path}");
        assert_eq!(server.get(&path, &foreign.steward).status(), 404);
        assert_eq!(server.get(&path, &tenant.reader).status(), 403);
    }
    let remove = server.client.delete(format!("{}/v1/webhooks/{theirs}", server.url));
    assert_eq!(remove.bearer_auth(&foreign.steward).send().unwrap().status(), 204);
    assert_eq!(server.json("/v1/webhooks", &foreign.steward)["items"], json!([]));
}

fn a_secret_is_replaced_and_both_sign(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&LOCAL);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let receiver = Receiver::answering(&["200 Yes"]);
    let (id, first) = hook(&server, &tenant.steward, &receiver, json!(["webhook.test"]));
    let second = server.made(&format!("/v1/webhooks/{id}/secret"), &tenant.steward, &json!({}));
    let second = second["secret"].as_str().unwrap();
    let test = format!("/v1/webhooks/{id}/test");
    server.made(&test, &tenant.steward, &json!({}));
    ended(&server, &tenant.steward, &id);
    let got = receiver.got();
    assert!(first != second && got[0].is_signed(&first) && got[0].is_signed(second));
    lab.execute("UPDATE webhooks SET both_until = 1");
    server.made(&test, &tenant.steward, &json!({}));
    ended(&server, &tenant.steward, &id);
    let got = receiver.got();
    assert!(!got[1].is_signed(&first) && got[1].is_signed(second));
    let shown = server.json(&format!("/v1/webhooks/{id}"), &tenant.steward);
    assert!(shown.get("secret").is_none());
}

fn a_receiver_that_is_gone_is_left_alone(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&LOCAL);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let receiver = Receiver::answering(&["410 Gone", "200 Yes"]);
    let (id, _) = hook(&server, &tenant.steward, &receiver, json!(["webhook.test"]));
    let test = format!("/v1/webhooks/{id}/test");
    server.made(&test, &tenant.steward, &json!({}));
    assert_eq!(ended(&server, &tenant.steward, &id)[0]["state"], "failed");
    assert_eq!(server.json(&format!("/v1/webhooks/{id}"), &tenant.steward)["paused"], "receiver");
    assert_eq!(server.post(&test, &tenant.steward, &json!({})).status(), 409);
    let change = server.client.patch(format!("{}/v1/webhooks/{id}", server.url)).bearer_auth(&tenant.steward);
    assert_eq!(change.json(&json!({"paused": false})).send().unwrap().status(), 200);
    server.made(&test, &tenant.steward, &json!({}));
    assert_eq!(ended(&server, &tenant.steward, &id)[0]["state"], "delivered");
}

/// Nothing behind the firewall is called: not by its number, not by a name that stands for it, not by a redirect.
#[test]
fn private_receivers_are_refused_when_they_are_named_and_when_they_are_called() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_WEBHOOK_RETRY_SECONDS", "0")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let receiver = Receiver::answering(&["200 Yes"]);
    let (_, port) = receiver.url.strip_suffix("/hook").unwrap().rsplit_once(':').unwrap();
    for url in [
        receiver.url.clone(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://169.254.169.254/latest/meta-data".into(),
        "http://hooks.example.org/".into(),
    ] {
        let refused = server.post("/v1/webhooks", &tenant.steward, &json!({"url": url}));
        assert_eq!(refused.status(), 422, "{url}");
        let problem: Value = refused.json().unwrap();
        assert_eq!(
            (&problem["type"], &problem["field"]),
            (&json!("/problems/webhook-refused"), &json!("url")),
            "{url}"
        );
    }
    // One that was allowed when it was made, and is not any more.
    assert!(server.terminate().success());
    let server = lab.serve(&LOCAL);
    let (id, _) = hook(&server, &tenant.steward, &receiver, json!(["webhook.test"]));
    // A name that the text cannot tell from any other.
    let change = server.client.patch(format!("{}/v1/webhooks/{id}", server.url)).bearer_auth(&tenant.steward);
    let named = json!({"url": format!("http://localhost:{port}/hook")});
    assert_eq!(change.json(&named).send().unwrap().status(), 200);
    assert!(server.terminate().success());
    let server =
        lab.serve(&[("NETDPSYN_WEBHOOK_NETWORKS", "10.0.0.0/8"), ("NETDPSYN_WEBHOOK_RETRY_SECONDS", "0")]);
    server.made(&format!("/v1/webhooks/{id}/test"), &tenant.steward, &json!({}));
    let log = ended(&server, &tenant.steward, &id);
    assert_eq!((&log[0]["state"], &log[0]["attempts"]), (&json!("failed"), &json!(2)));
    assert_eq!(log[0]["failure"], "the address may not be called");
    assert!(log[0].get("status").is_none() && receiver.got().is_empty());
}
