//! What a steward and a reader do, from the upload to the download.

use crate::both;
use crate::harness::*;
use serde_json::json;
use sha2::{Digest, Sha256};

both!(
    from_upload_to_download,
    a_hold_out_gives_floors_and_classification,
    another_trace_is_not_compared_with,
    the_same_request_twice_is_one_job,
    a_terminated_server_loses_nothing
);

fn from_upload_to_download(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let (steward, reader) = (tenant.steward.as_str(), tenant.reader.as_str());
    let dataset = server.flows(steward);

    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "evaluate": true});
    let quote = server.made("/v1/quotes", steward, &json!({"dataset_id": dataset, "epsilon": 2.0}));
    assert_eq!(quote["fits"], true);
    assert!(quote["resources"]["private"] == true && quote["resources"]["memory_bytes"].as_u64() > Some(0));
    let accepted = server.post("/v1/jobs", steward, &fit);
    assert_eq!(accepted.status(), 202);
    assert!(accepted.headers()["location"].to_str().unwrap().starts_with("/v1/jobs/"));

    let jobs = server.idle(steward);
    let kinds: Vec<_> = jobs.iter().map(|job| (&job["kind"], &job["state"], &job["charged"])).collect();
    let done = json!("succeeded");
    assert_eq!(
        kinds,
        [
            (&json!("fit"), &done, &json!(true)),
            (&json!("generate"), &done, &json!(null)),
            (&json!("evaluate"), &done, &json!(null)),
        ]
    );
    assert_eq!(jobs[0]["percent"], 100);

    let release = jobs[1]["release_id"].as_str().unwrap();
    let model = jobs[0]["model_id"].as_str().unwrap();
    for path in [format!("/v1/releases/{release}"), format!("/v1/models/{model}")] {
        assert_eq!(server.get(&path, reader).status(), 404, "a reader sees nothing of a draft");
    }
    let private = server.json(&format!("/v1/releases/{release}/report/private"), steward);
    assert!(private["private"] == true && private["two_way"]["mean"].as_f64().unwrap() < 0.3);
    let published = server.made(&format!("/v1/releases/{release}/publish"), steward, &json!({}));
    assert_eq!(published["state"], "published");
    assert!(published["private_report_opened_at"].is_string(), "opening the private report is recorded");
    let seen = json!(["parse report", "quote", "private report"]);
    assert_eq!(published["opened_before"], seen);

    let shown = server.json(&format!("/v1/releases/{release}"), reader);
    assert!(shown.get("private_report_opened_at").is_none());
    assert_eq!(server.json("/v1/releases", reader)["items"].as_array().unwrap().len(), 1);
    let content = server.get(shown["content"].as_str().unwrap(), reader);
    assert_eq!(content.headers()["content-type"], "text/csv; charset=utf-8");
    let tag = content.headers()["etag"].to_str().unwrap().to_string();
    let bytes = content.bytes().unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(shown["sha256"], digest.as_str());
    assert!(bytes.starts_with(b"srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,label,type\n"));
    let url = format!("{}/v1/releases/{release}/content", server.url);
    let again = server.client.get(url).bearer_auth(reader).header("if-none-match", tag).send().unwrap();
    assert_eq!(again.status(), 304);

    let report = server.json(&format!("/v1/releases/{release}/report"), reader);
    assert_eq!(report["private"], false);
    assert_eq!(report["statement"]["guarantee"]["epsilon"], 2.0);
    assert_eq!(report["population"]["cap"]["rho"], 0.2);
    assert_eq!(report["choices"]["opened_before_publication"], seen);
    assert_eq!(report["choices"]["declared_after_upload"], false);
    let entries = server.json("/v1/budget/entries", steward)["items"].as_array().unwrap().clone();
    let commit = entries.iter().find(|entry| entry["kind"] == "commit").unwrap();
    for charge in [&report["ledger"], &server.json(&format!("/v1/models/{model}"), reader)["ledger"]] {
        assert_eq!((&charge["entry_id"], &charge["rho"]), (&commit["id"], &commit["rho"]));
        assert_eq!(charge["population_id"], commit["population_id"]);
    }
    assert!(report["mean_distance"].as_f64().unwrap() < 3.0 * report["mean_noise"].as_f64().unwrap());
    assert!(
        server.json(&format!("/v1/models/{model}"), reader).get("job_id").is_none(),
        "it would tell how long the fit took"
    );
    let marginals = server.json(&format!("/v1/models/{model}/marginals"), reader);
    assert!(marginals["marginals"].as_array().unwrap().len() > 11);

    // A further trace costs nothing; the budget and the ledger tell the same story.
    server.made(
        "/v1/jobs",
        steward,
        &json!({"kind": "generate", "model_id": model, "rows": 1234, "seed": 5}),
    );
    let jobs = server.idle(steward);
    let second = server.json(&format!("/v1/releases/{}", jobs[3]["release_id"].as_str().unwrap()), steward);
    assert!(second["rows"] == 1_200 && second["rows_by_hand"] == true && second["seed"] == "5");
    // Its steward looks at the trace itself; what was seen of the first is known.
    let path = format!("/v1/releases/{}", jobs[3]["release_id"].as_str().unwrap());
    server.get(&format!("{path}/content"), steward);
    let published = server.made(&format!("{path}/publish"), steward, &json!({}));
    assert_eq!(published["opened_before"], json!(["parse report", "quote", "draft trace", "private report"]));
    let budget = server.json("/v1/budget", steward);
    for account in [&budget["tenant"], &budget["populations"][0]] {
        assert_eq!(account["spent"]["rho"], jobs[0]["rho"]);
        assert_eq!(account["reserved"]["rho"], 0.0);
    }
    let entries = server.json("/v1/budget/entries", steward);
    let kinds: Vec<_> =
        entries["items"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["grant", "grant", "reserve", "commit"]);

    // The declaration stands; erasing takes the raw trace and the private report, and nothing else.
    let patch = format!("{}/v1/datasets/{dataset}", server.url);
    let frozen =
        server.client.patch(&patch).bearer_auth(steward).json(&json!({"window": "0/60"})).send().unwrap();
    assert_eq!(frozen.status(), 409);
    assert!(lab.files().iter().any(|file| file.contains("/traces/")));
    assert_eq!(server.client.delete(&patch).bearer_auth(steward).send().unwrap().status(), 204);
    assert!(!lab.files().iter().any(|file| file.contains("/traces/")));
    assert_eq!(server.get(&format!("/v1/releases/{release}/report/private"), steward).status(), 404);
    assert_eq!(server.get(&format!("/v1/releases/{release}/content"), reader).status(), 200);

    let log = server.log.lock().unwrap().clone();
    for secret in [steward, reader, ADMIN] {
        assert!(!log.contains(&secret[16..]), "no secret in the log");
    }
    assert!(!log.contains("10.20.") && log.contains("/v1/jobs"), "no raw data in the log");
}

fn a_hold_out_gives_floors_and_classification(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let dataset = server.flows(&tenant.steward);
    server.made(
        "/v1/jobs",
        &tenant.steward,
        &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "hold_out": true, "evaluate": true}),
    );
    let jobs = server.idle(&tenant.steward);
    assert_eq!(jobs[2]["state"], "succeeded", "{jobs:#?}");
    let release = jobs[1]["release_id"].as_str().unwrap();
    let report = server.json(&format!("/v1/releases/{release}/report/private"), &tenant.steward);
    let rows = |part: &str| report["rows"][part].as_u64().unwrap();
    let records =
        server.json(&format!("/v1/datasets/{dataset}"), &tenant.steward)["parse_report"]["records"].clone();
    assert_eq!(rows("fitted") + rows("held_out"), records.as_u64().unwrap());
    assert!((0.17..0.23).contains(&(rows("held_out") as f64 / records.as_f64().unwrap())));
    assert!(report["two_way"]["floor"].as_f64().unwrap() < report["two_way"]["mean"].as_f64().unwrap());
    assert_eq!(report["classification"]["classifiers"].as_array().unwrap().len(), 5);
    assert!(report["attacks"]["membership"]["auc"].is_number());
    // The readers' report knows nothing of all this.
    let public = server.json(&format!("/v1/releases/{release}/report"), &tenant.steward);
    assert!(public.get("rows").is_none() && public["statement"]["held_out"] == true);
}

fn another_trace_is_not_compared_with(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let dataset = server.flows(&tenant.steward);
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}));
    let release = server.idle(&tenant.steward)[1]["release_id"].clone();
    let mut other = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&sample("flows.csv.gz")[..]), &mut other)
        .unwrap();
    assert_eq!(server.upload(&dataset, &tenant.steward, other).status(), 202);
    server.parsed(&dataset, &tenant.steward);
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "evaluate", "release_id": release}));
    let jobs = server.idle(&tenant.steward);
    assert_eq!(jobs[2]["problem"]["type"], "/problems/trace-replaced", "{jobs:#?}");
}

fn the_same_request_twice_is_one_job(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let submit = |epsilon: f64| {
        let body = json!({"kind": "fit", "dataset_id": dataset, "epsilon": epsilon});
        let url = format!("{}/v1/jobs", server.url);
        server
            .client
            .post(url)
            .bearer_auth(&tenant.steward)
            .header("idempotency-key", "k1")
            .json(&body)
            .send()
            .unwrap()
    };
    let first: serde_json::Value = submit(1.0).json().unwrap();
    let again: serde_json::Value = submit(1.0).json().unwrap();
    assert_eq!(first["id"], again["id"]);
    assert_eq!(submit(1.5).status(), 422);
    let fits = server.idle(&tenant.steward).iter().filter(|job| job["kind"] == "fit").count();
    assert_eq!(fits, 1);
}

fn a_terminated_server_loses_nothing(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    for _ in 0..4 {
        server.made(
            "/v1/jobs",
            &tenant.steward,
            &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}),
        );
    }
    assert!(server.terminate().success());
    let server = lab.serve(&[]);
    let jobs = server.idle(&tenant.steward);
    assert_eq!(jobs.len(), 8);
    assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
    let spent = server.json("/v1/budget", &tenant.steward)["tenant"]["spent"]["rho"].as_f64().unwrap();
    assert!((spent - 4.0 * jobs[0]["rho"].as_f64().unwrap()).abs() < 1e-11);
}
