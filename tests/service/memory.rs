//! Memory is a budget: what fits no server is refused, what fits another one waits for it, and rows are bounded.

use crate::both;
use crate::harness::*;
use netdpsyn::storage::claims::{self, Claim};
use netdpsyn::storage::{Db, servers};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

both!(
    rows_are_bounded_by_what_was_measured,
    a_fit_that_no_server_can_hold_is_refused,
    a_job_waits_for_the_server_that_can_hold_it,
    a_large_job_is_not_passed_for_ever,
);

/// Little more than a job takes whatever its size.
const SMALL: &str = "168772160";

fn fit(dataset: &str) -> Value {
    json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0})
}

fn rows_are_bounded_by_what_was_measured(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_MAX_ROWS", "30000000")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let mut first = fit(&dataset);
    first["rows"] = 2_000_000_000u64.into();
    let refused = server.post("/v1/jobs", &tenant.steward, &first);
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().unwrap();
    assert_eq!((&problem["field"], &problem["most_rows"]), (&json!("rows"), &json!(30_000_000)));

    // More than a hundred times the records: known only when they have been counted, and paid for.
    first["rows"] = 9_000_000.into();
    server.made("/v1/jobs", &tenant.steward, &first);
    let jobs = server.idle(&tenant.steward);
    assert_eq!((&jobs[0]["state"], &jobs[1]["state"]), (&json!("succeeded"), &json!("failed")));
    assert_eq!(jobs[1]["problem"]["field"], "rows");
    let most = jobs[1]["problem"]["most_rows"].as_u64().unwrap();
    assert!((3_700_000..4_300_000).contains(&most), "{most}");

    // The model's noisy count is known now.
    let ask = |rows: u64| {
        let body = json!({"kind": "generate", "model_id": jobs[0]["model_id"], "rows": rows});
        server.post("/v1/jobs", &tenant.steward, &body)
    };
    for rows in [0, most + most / 10, 2_000_000_000, u64::MAX] {
        let refused = ask(rows);
        assert_eq!(refused.status(), 422, "{rows}");
        let problem: Value = refused.json().unwrap();
        assert_eq!((&problem["field"], &problem["most_rows"]), (&json!("rows"), &json!(most)));
    }
    let accepted = ask(most);
    assert_eq!(accepted.status(), 202);
    let id = accepted.json::<Value>().unwrap()["id"].as_str().unwrap().to_string();
    server.made(&format!("/v1/jobs/{id}/cancel"), &tenant.steward, &json!({}));
    server.idle(&tenant.steward);
    let left = lab.files().into_iter().filter(|file| file.contains("scratch/")).collect::<Vec<_>>();
    assert!(left.is_empty(), "{left:?}");
}

fn a_fit_that_no_server_can_hold_is_refused(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_MEMORY_BYTES", SMALL)]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let quote = server.made("/v1/quotes", &tenant.steward, &json!({"dataset_id": dataset, "epsilon": 1.0}));
    let resources = &quote["resources"];
    assert_eq!((&resources["private"], &resources["fits"]), (&json!(true), &json!(false)));
    assert_eq!(resources["server_bytes"], SMALL.parse::<u64>().unwrap());

    let refused = server.post("/v1/jobs", &tenant.steward, &fit(&dataset));
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().unwrap();
    assert_eq!((&problem["type"], &problem["private"]), (&json!("/problems/too-much-memory"), &json!(true)));
    assert_eq!(
        (&problem["memory_bytes"], &problem["needed_bytes"]),
        (&resources["server_bytes"], &resources["memory_bytes"])
    );
    // What would fit is what the estimate says: a trace of so many records is accepted.
    let rows = problem["rows"].as_u64().unwrap() as usize;
    assert!((1_000..40_000).contains(&rows), "{rows}");
    let text = gunzipped(&sample("flows.csv.gz"));
    let fewer: String = text.lines().take(rows + 1).map(|line| format!("{line}\n")).collect();
    assert_eq!(server.upload(&dataset, &tenant.steward, fewer.into_bytes()).status(), 202);
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "ready");
    assert_eq!(server.json("/v1/budget", &tenant.steward)["tenant"]["reserved"]["rho"], 0.0);
    let mut accepted = fit(&dataset);
    accepted["accept_noise"] = true.into();
    assert_eq!(server.post("/v1/jobs", &tenant.steward, &accepted).status(), 202);
}

fn a_job_waits_for_the_server_that_can_hold_it(kind: Kind) {
    let lab = Lab::new(kind);
    let small = lab.serve(&[("NETDPSYN_MEMORY_BYTES", SMALL)]);
    let tenant = small.tenant(json!({"rho": 1.0}));
    let dataset = small.flows(&tenant.steward);
    // A large server was seen a moment ago.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let id = if kind == Kind::Sqlite {
        "X'00000000000000000000000000000001'"
    } else {
        "'00000000-0000-0000-0000-000000000001'"
    };
    lab.execute(&format!(
        "INSERT INTO servers (id, memory, seen_at, schemas, requests) VALUES ({id}, 8000000000, {now}, 2, 3)"
    ));
    let job = small.made("/v1/jobs", &tenant.steward, &fit(&dataset))["id"].as_str().unwrap().to_string();
    let seen = || small.json(&format!("/v1/jobs/{job}"), &tenant.steward);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((&seen()["state"], seen().get("waits_for")), (&json!("queued"), None));

    // It is gone: nobody saw it for more than a minute, and whoever is seen next forgets it.
    lab.execute(&format!("UPDATE servers SET seen_at = {} WHERE memory = 8000000000", now - 61_000_000));
    let waits = seen()["waits_for"].as_str().unwrap().to_string();
    assert!(waits.contains("NETDPSYN_MEMORY_BYTES") && waits.contains(SMALL), "{waits}");
    let listed = small.json("/v1/jobs?kind=fit", &tenant.steward);
    assert_eq!(listed["items"][0]["waits_for"], waits);
    wait(|| small.log.lock().unwrap().contains("waiting for a server with more memory").then_some(()));
    wait(|| (lab.number("SELECT COUNT(*) FROM servers") == 1).then_some(()));

    let large = lab.serve(&[("NETDPSYN_MEMORY_BYTES", "8000000000")]);
    let jobs = large.idle(&tenant.steward);
    assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:?}");
    let worked = |server: &Server| {
        let log = server.log.lock().unwrap();
        log.lines().any(|line| line.contains(&job) && line.contains(r#""started""#))
    };
    assert_eq!((worked(&small), worked(&large)), (false, true));

    // A clean stop takes a server off the list at once.
    assert!(large.terminate().success());
    assert_eq!(lab.number("SELECT COUNT(*) FROM servers"), 1);
    assert_eq!(small.post("/v1/jobs", &tenant.steward, &fit(&dataset)).status(), 422);
}

fn a_large_job_is_not_passed_for_ever(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    assert!(server.terminate().success());
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    server.made("/v1/jobs", &tenant.steward, &fit(&dataset));
    server.made("/v1/jobs", &tenant.steward, &fit(&dataset));
    let jobs = server.json("/v1/jobs?kind=fit", &tenant.steward);
    let [large, little] = [0, 1].map(|at| jobs["items"][at]["id"].as_str().unwrap().to_string());
    assert!(server.terminate().success());
    lab.execute("UPDATE jobs SET memory = 10 WHERE kind = 'fit'");
    lab.execute(
        "UPDATE jobs SET memory = 500 WHERE created_at = (SELECT MIN(created_at) FROM jobs WHERE kind = 'fit')",
    );
    lab.runtime.block_on(async {
        let db = Db::connect(&lab.database).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        let now = tx.now().await.unwrap();
        // There is room for 100 of this server's 1,000; a server of 400 never has enough.
        assert!(servers::passed(&mut tx, 100, 1_000, now, "").await.unwrap() == Some(500));
        assert_eq!(servers::passed(&mut tx, 600, 1_000, now, "").await.unwrap(), None);
        assert_eq!(servers::passed(&mut tx, 100, 400, now, "").await.unwrap(), None);
        assert_eq!(servers::passed(&mut tx, 100, 1_000, now - 3_600_000_000, "").await.unwrap(), None);
        let mut claimed = Vec::new();
        for (room, least) in [(5, 0), (900, 501), (900, 500), (100, 0), (100, 0)] {
            let claim = Claim {
                now,
                lease_until: now + 60_000_000,
                build: "",
                orphaned_before: 0,
                parse_only: false,
                room,
                least,
            };
            claimed.push(claims::claim(&mut tx, &claim).await.unwrap().map(|job| job.id.to_string()));
        }
        // The large one, which was passed, is claimed before those that came later.
        assert_eq!(claimed, [None, None, Some(large), Some(little), None]);
        drop(tx);
        db.close().await;
    });
}

fn gunzipped(bytes: &[u8]) -> String {
    use std::io::Read;
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}
