//! Declaring after the upload, and what a steward must confirm.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

both!(
    declared_later_is_checked_like_declared_before,
    a_trace_outlives_a_wrong_declaration,
    a_fit_outweighed_by_noise_needs_confirmation,
    nothing_changes_while_a_trace_is_parsed,
    columns_are_shown_with_their_roles_and_may_have_any_name,
    an_older_server_keeps_schemas_out_that_it_cannot_read,
    names_of_version_1_make_flows_whatever_their_types
);

impl Server {
    fn patch(&self, dataset: &str, steward: &str, change: &Value) -> reqwest::blocking::Response {
        let url = format!("{}/v1/datasets/{dataset}", self.url);
        self.client.patch(url).bearer_auth(steward).json(change).send().unwrap()
    }
}

fn declared_later_is_checked_like_declared_before(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.flows(steward);
    let past =
        json!({"window": "2000-01-01T00:00:00Z/2001-01-01T00:00:00Z", "categories": {"type": ["a", "b"]}});
    let changed: Value = server.patch(&dataset, steward, &past).json().unwrap();
    assert!(changed["state"] == "parsing" && changed.get("parse_report").is_none(), "{changed}");
    let parsed = server.parsed(&dataset, steward);
    let report = &parsed["parse_report"];
    assert_eq!(report["outside"], json!([["ts", 40_000], ["type", 40_000]]));
    assert!(report["private"] == true && report["warnings"].as_array().unwrap().len() == 2, "{report}");

    let quote = server.made("/v1/quotes", steward, &json!({"dataset_id": dataset, "epsilon": 1.0}));
    assert!(quote["outside"]["private"] == true && quote["outside"]["accept_outside"] == true, "{quote}");
    assert_eq!(quote["outside"]["warnings"], report["warnings"]);
    let fit = |more: Value| {
        let mut fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
        fit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/v1/jobs", steward, &fit)
    };
    let refused = fit(json!({"accept_noise": true}));
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().unwrap();
    assert_eq!(
        (&problem["type"], &problem["field"]),
        (&json!("/problems/unconfirmed"), &json!("accept_outside"))
    );
    assert!(problem["private"] == true && problem["outside"] == json!({"ts": 1.0, "type": 1.0}), "{problem}");
    assert_eq!(server.json("/v1/budget", steward)["tenant"]["reserved"]["rho"], 0.0);
    assert_eq!(server.json(&format!("/v1/datasets/{dataset}"), steward)["frozen"], false);

    assert_eq!(fit(json!({"accept_outside": true, "accept_noise": true})).status(), 202);
    assert!(server.idle(steward).iter().all(|job| job["state"] == "succeeded"));
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE request LIKE '%accept%'"), 0);
}

fn a_trace_outlives_a_wrong_declaration(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.flows(steward);
    let before = server.json(&format!("/v1/datasets/{dataset}"), steward);
    server.patch(&dataset, steward, &json!({"preset": "packet"}));
    let rejected = server.parsed(&dataset, steward);
    assert!(rejected["state"] == "rejected" && rejected["problem"]["private"] == true, "{rejected}");
    assert!(lab.files().iter().any(|file| file.contains("/traces/")), "the raw trace stays");
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    assert!(server.post("/v1/jobs", steward, &fit).status().is_client_error());
    let mut back = declared_flows();
    back.as_object_mut().unwrap().remove("name");
    server.patch(&dataset, steward, &back);
    let after = server.parsed(&dataset, steward);
    assert_eq!((&after["state"], &after["parse_report"]), (&json!("ready"), &before["parse_report"]));
    server.made("/v1/jobs", steward, &fit);
    assert!(server.idle(steward).iter().all(|job| job["state"] == "succeeded"));
}

fn a_fit_outweighed_by_noise_needs_confirmation(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.dataset(steward);
    let mut text = String::new();
    let mut unzipped = flate2::read::GzDecoder::new(std::io::Cursor::new(sample("flows.csv.gz")));
    std::io::Read::read_to_string(&mut unzipped, &mut text).unwrap();
    let ten: Vec<&str> = text.lines().take(11).collect();
    server.upload(&dataset, steward, ten.join("\n").into_bytes());
    server.parsed(&dataset, steward);

    let quoted = |rows: Value, epsilon: f64| {
        let asked = json!({"dataset_id": dataset, "epsilon": epsilon, "hold_out": true, "rows": rows, "method": "adaptive"});
        server.made("/v1/quotes", steward, &asked)["fidelity"].clone()
    };
    let own = quoted(Value::Null, 2.0);
    assert!(own["private"] == true && own["beyond_measured"] == true, "{own}");
    assert_eq!(quoted(json!(10), 2.0)["two_way"], own["two_way"]);
    let (given, better) = (quoted(json!(40_000), 0.5), quoted(json!(40_000), 8.0));
    assert!(given["private"] == false && given["beyond_measured"] == false, "{given}");
    for figure in ["two_way", "accuracy_loss"] {
        assert!(better[figure]["middle"].as_f64() < given[figure]["middle"].as_f64(), "{better} {given}");
    }

    let quote = |rows: Value| {
        let asked = json!({"dataset_id": dataset, "epsilon": 2.0, "hold_out": true, "rows": rows});
        server.made("/v1/quotes", steward, &asked)["expected"].clone()
    };
    let own = quote(Value::Null);
    assert!(own["private"] == true && own["accept_noise"] == true && own["enough_rows"].is_number(), "{own}");
    assert!(quote(own["enough_rows"].clone())["accept_noise"] == false);
    let given = quote(json!(40_000));
    assert!(given["private"] == false && given["accept_noise"] == false, "{given}");
    assert_eq!(quote(json!(10))["records_error"], own["records_error"]);

    let mut fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "hold_out": true});
    let refused = server.post("/v1/jobs", steward, &fit);
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().unwrap();
    assert!(problem["private"] == true && problem["field"] == "accept_noise", "{problem}");
    assert_eq!(problem["records_error"], own["records_error"]);
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'reserve'"), 0);

    fit["accept_noise"] = true.into();
    server.made("/v1/jobs", steward, &fit);
    let jobs = server.idle(steward);
    assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
    let release = jobs[1]["release_id"].as_str().unwrap();
    let report = server.json(&format!("/v1/releases/{release}/report"), steward);
    assert!(report["statement"]["expected"]["cell_error"].is_number(), "{report}");
    assert!(!report.to_string().contains("accept_"), "{report}");
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE request LIKE '%accept%'"), 0);
}

fn nothing_changes_while_a_trace_is_parsed(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let dataset = server.dataset(&tenant.steward);
    server.upload(&dataset, &tenant.steward, sample("flows.csv.gz"));
    assert_eq!(server.patch(&dataset, &tenant.steward, &json!({"window": "0/60"})).status(), 409);
    assert_eq!(server.patch(&dataset, &tenant.steward, &json!({"name": "another"})).status(), 200);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    assert_eq!(server.post("/v1/jobs", &tenant.steward, &fit).status(), 409);
}

/// What is stored is what the version before reads, where that says the same.
fn columns_are_shown_with_their_roles_and_may_have_any_name(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.dataset(steward);
    let stored = || serde_json::from_str::<Value>(&lab.text("SELECT schema FROM datasets")).unwrap();
    let shown = server.json(&format!("/v1/datasets/{dataset}"), steward)["schema"].clone();
    let column = |schema: &Value, at: usize, what: &str| schema["columns"][at][what].clone();
    assert_eq!((&shown["version"], column(&shown, 0, "role")), (&json!(2), json!("source-address")));
    assert_eq!((&stored()["version"], column(&stored(), 0, "role")), (&Value::Null, Value::Null));
    assert_eq!(stored()["key"], "type");
    // What is stored of version 1 gives the same roles again; what is shown is the same declaration.
    for schema in [stored(), shown.clone()] {
        let same: Value = server.patch(&dataset, steward, &json!({"schema": schema})).json().unwrap();
        assert_eq!(same["schema"], shown);
    }
    let mut renamed = shown.clone();
    for (at, column) in renamed["columns"].as_array_mut().unwrap().iter_mut().enumerate() {
        column["name"] = format!("c{at}").into();
    }
    let problem: Value = server.patch(&dataset, steward, &json!({"schema": renamed})).json().unwrap();
    assert_eq!(problem["detail"], "key names type, which is no column");
    renamed["key"] = json!("c10");
    let changed: Value = server.patch(&dataset, steward, &json!({"schema": renamed})).json().unwrap();
    assert_eq!(changed["schema"], renamed);
    assert_eq!(stored(), renamed);
    renamed["columns"][1]["role"] = json!("source-address");
    let refused = server.patch(&dataset, steward, &json!({"schema": renamed}));
    assert_eq!(refused.status(), 422);
    let problem: Value = refused.json().unwrap();
    let detail = "columns c0 and c1 both have the role source-address, which one column can have";
    assert_eq!((&problem["field"], &problem["detail"]), (&json!("schema"), &json!(detail)));
    renamed["columns"][1]["role"] = json!("of my own");
    let problem: Value = server.patch(&dataset, steward, &json!({"schema": renamed})).json().unwrap();
    assert_eq!(problem["field"], "schema.columns[1].role");
}

/// Its worker would reject the trace.
fn an_older_server_keeps_schemas_out_that_it_cannot_read(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.dataset(steward);
    let column = json!({"name": "c", "type": "protocol", "role": "protocol"});
    let schema = json!({"name": "own", "kind": "flow", "columns": [column]});
    let new = json!({"name": "n", "schema": schema});
    // It says that it runs as it ever did.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let id = "00000000-0000-0000-0000-000000000001".to_string();
    let id = if kind == Kind::Sqlite { format!("X'{}'", id.replace('-', "")) } else { format!("'{id}'") };
    lab.execute(&format!("INSERT INTO servers (id, memory, seen_at) VALUES ({id}, 1, {now})"));
    let made = server.post("/v1/datasets", steward, &new);
    let changed = server.patch(&dataset, steward, &json!({"schema": schema}));
    for refused in [made, changed] {
        assert_eq!(refused.status(), 409);
        let problem: Value = refused.json().unwrap();
        assert_eq!(problem["type"], "/problems/older-server", "{problem}");
    }
    assert_eq!(lab.number("SELECT COUNT(*) FROM datasets"), 1);
    // What it reads is taken.
    let named = json!({"window": "0/60"});
    assert_eq!(server.patch(&dataset, steward, &named).status(), 200);
    server.dataset(steward);
    // One that stopped without a word counts for a minute; servers of this version read the schema.
    lab.execute(&format!("UPDATE servers SET seen_at = {} WHERE memory = 1", now - 61_000_000));
    assert_eq!(server.patch(&dataset, steward, &json!({"schema": schema})).status(), 200);
    server.made("/v1/datasets", steward, &new);
    assert!(lab.number("SELECT COUNT(*) FROM servers WHERE schemas = 5") > 0);
    // One that knows roles, and not how text is read.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    lab.execute(&format!("UPDATE servers SET seen_at = {now}, schemas = 2 WHERE memory = 1"));
    let reading = json!({"reading": {"separator": "tab"}});
    assert_eq!(server.patch(&dataset, steward, &reading).status(), 409);
    lab.execute(&format!("UPDATE servers SET seen_at = {} WHERE memory = 1", now - 61_000_000));
    assert_eq!(server.patch(&dataset, steward, &reading).status(), 200);
}

fn names_of_version_1_make_flows_whatever_their_types(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.dataset(steward);
    let mut schema: Value = serde_json::from_str(&lab.text("SELECT schema FROM datasets")).unwrap();
    schema["columns"][4] = json!({"name": "proto", "type": {"categorical": ["tcp", "udp"]}});
    let changed: Value = server.patch(&dataset, steward, &json!({"schema": schema})).json().unwrap();
    schema["version"] = json!(1);
    assert_eq!(changed["schema"], schema, "shown as what it is");
    server.upload(&dataset, steward, sample("flows.csv.gz"));
    assert_eq!(server.parsed(&dataset, steward)["state"], "ready");
    server.made(
        "/v1/jobs",
        steward,
        &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "method": "netdpsyn", "accept_outside": true}),
    );
    let jobs = server.idle(steward);
    assert!(jobs.len() > 1 && jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:?}");
    let releases = server.json("/v1/releases", steward);
    let id = releases["items"][0]["id"].as_str().unwrap();
    let report = server.json(&format!("/v1/releases/{id}/report"), steward);
    assert!(report.to_string().contains("tsdiff"), "{report}");
}
