//! What a tenant may take, what is cleaned up, and what cancelling costs.

use crate::both;
use crate::crash::kill_before_commit;
use crate::harness::*;
use serde_json::json;

both!(
    a_full_disk_refuses_and_keeps_nothing,
    files_that_nothing_names_are_swept,
    a_waiting_fit_is_cancelled_for_nothing,
    a_fit_that_measured_is_charged_when_cancelled,
    a_running_job_stops_when_cancelled
);

fn a_full_disk_refuses_and_keeps_nothing(kind: Kind) {
    let lab = Lab::new(kind);
    let trace = sample("flows.csv.gz");
    // Room for one trace, not for two, and not for a release beside it.
    let room = (trace.len() + 100).to_string();
    let server = lab.serve(&[("NETDPSYN_MAX_TENANT_BYTES", &room)]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let files = lab.files();
    let second = server.dataset(&tenant.steward);
    let refused = server.upload(&second, &tenant.steward, trace.clone());
    assert_eq!(refused.status(), 507);
    assert_eq!(refused.json::<serde_json::Value>().unwrap()["type"], "/problems/storage-full");
    // Without a length the body itself must be cut off.
    let url = format!("{}/v1/datasets/{second}/trace", server.url);
    let body = reqwest::blocking::Body::new(std::io::Cursor::new(trace.clone()));
    // The server closes the connection on whoever goes on sending, so the answer may not be read.
    if let Ok(refused) = server.client.put(url).bearer_auth(&tenant.steward).body(body).send() {
        assert_eq!(refused.status(), 507);
    }
    assert_eq!(server.json(&format!("/v1/datasets/{second}"), &tenant.steward)["state"], "empty");
    assert_eq!(lab.files(), files, "nothing of a refused trace stays");
    // What replaces a trace takes its place; another tenant has room of its own.
    assert_eq!(server.upload(&dataset, &tenant.steward, trace.clone()).status(), 202);
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "ready");
    server.flows(&server.tenant(json!({"rho": 1.0})).steward);

    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}));
    let jobs = server.idle(&tenant.steward);
    assert_eq!((&jobs[0]["state"], &jobs[1]["state"]), (&json!("succeeded"), &json!("failed")));
    assert_eq!(jobs[1]["problem"]["type"], "/problems/storage-full");
}

#[test]
fn too_many_requests_wait() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_MAX_REQUESTS_PER_SECOND", "1")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let answers: Vec<_> = (0..8).map(|_| server.get("/v1/budget", &tenant.steward)).collect();
    let refused =
        answers.iter().find(|answer| answer.status() == 429).expect("five at once, then one a second");
    assert!(refused.headers().contains_key("retry-after"));
    assert!(answers[..5].iter().all(|answer| answer.status() == 200));
    assert_eq!(server.get("/v1/tenants", ADMIN).status(), 200, "others are not held up");
}

fn files_that_nothing_names_are_swept(kind: Kind) {
    let (lab, tenant) = kill_before_commit(kind);
    let server = lab.serve(&[]);
    server.idle(&tenant.steward);
    let dataset =
        server.json("/v1/datasets", &tenant.steward)["items"][0]["id"].as_str().unwrap().to_string();
    assert!(server.terminate().success());
    let lost = lab.data().join("artifacts/models/of a lost attempt");
    std::fs::create_dir(&lost).unwrap();
    std::fs::write(lost.join("1.bundle"), "").unwrap();
    let raw = lab.data().join(format!("artifacts/traces/{dataset}/cut-off#1"));
    std::fs::write(&raw, "srcip,dstip\n10.0.0.1,").unwrap();
    let all = lab.files();
    assert_eq!(lab.run(&["admin", "sweep"]), "0 files removed\n", "what is young may still be named");
    assert_eq!(lab.run(&["admin", "sweep", "--older-than", "0"]), "2 files removed\n");
    let left = lab.files();
    let gone: Vec<&String> = all.iter().filter(|file| !left.contains(file)).collect();
    assert!(
        gone.len() == 2
            && gone.iter().any(|f| f.ends_with("1.bundle"))
            && gone.iter().any(|f| f.ends_with("#1"))
    );
    let server = lab.serve(&[]);
    let jobs = server.idle(&tenant.steward);
    let release = jobs[1]["release_id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/releases/{release}/content"), &tenant.steward).status(), 200);
}

fn a_waiting_fit_is_cancelled_for_nothing(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.06}));
    let dataset = server.flows(&tenant.steward);
    assert!(server.terminate().success());
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0});
    let job = server.made("/v1/jobs", &tenant.steward, &fit);
    assert_eq!(server.post("/v1/jobs", &tenant.steward, &fit).status(), 409, "the budget is held");
    let cancel = format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap());
    let cancelled = server.made(&cancel, &tenant.steward, &json!({}));
    assert!(cancelled["state"] == "cancelled" && cancelled["charged"] == false);
    // An end never changes.
    assert_eq!(server.made(&cancel, &tenant.steward, &json!({}))["state"], "cancelled");
    assert_eq!(server.json("/v1/budget", &tenant.steward)["tenant"]["reserved"]["rho"], 0.0);
    assert_eq!(server.post("/v1/jobs", &tenant.steward, &fit).status(), 202, "the budget is free again");
}

fn a_fit_that_measured_is_charged_when_cancelled(kind: Kind) {
    let (lab, tenant) = kill_before_commit(kind);
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let job = server.json("/v1/jobs?kind=fit", &tenant.steward)["items"][0].clone();
    let cancel = format!("/v1/jobs/{}/cancel", job["id"].as_str().unwrap());
    assert_eq!(server.post(&cancel, &tenant.steward, &json!({})).status(), 202);
    assert!(server.terminate().success());
    let server = lab.serve(&[]);
    let jobs = server.idle(&tenant.steward);
    assert!(jobs[0]["state"] == "cancelled" && jobs[0]["charged"] == true, "{jobs:#?}");
    assert_eq!((jobs.len(), lab.number("SELECT COUNT(*) FROM models")), (1, 0));
    assert_eq!(server.json("/v1/budget", &tenant.steward)["tenant"]["spent"]["rho"], jobs[0]["rho"]);
}

fn a_running_job_stops_when_cancelled(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let model = server.model(&tenant.steward);
    // Far more records than any machine makes between two heartbeats.
    let generation = json!({"kind": "generate", "model_id": model, "rows": 3_800_000});
    let job = server.made("/v1/jobs", &tenant.steward, &generation);
    let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    wait(|| (server.json(&path, &tenant.steward)["stage"] == "generate").then_some(()));
    server.made(&format!("{path}/cancel"), &tenant.steward, &json!({}));
    let ended = wait(|| {
        let job = server.json(&path, &tenant.steward);
        (job["state"] != "running").then_some(job)
    });
    assert_eq!(ended["state"], "cancelled");
    assert!(ended["charged"].is_null() && ended["release_id"].is_null(), "{ended:#?}");
    assert_eq!(lab.number("SELECT COUNT(*) FROM releases"), 1);
}
