//! What a release promises, in words and figures.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};

both!(the_report_says_what_bounds_all_releases);

fn patch(server: &Server, path: &str, cap: f64) {
    let url = format!("{}{path}", server.url);
    let body = json!({"cap": {"rho": cap}});
    assert_eq!(server.client.patch(url).bearer_auth(ADMIN).json(&body).send().unwrap().status(), 200);
}

fn the_report_says_what_bounds_all_releases(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let dataset = server.flows(&tenant.steward);
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}));
    let release = server.idle(&tenant.steward)[1]["release_id"].as_str().unwrap().to_string();
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    let report = || server.json(&format!("/v1/releases/{release}/report"), &tenant.reader);
    let day = jiff::Timestamp::now().to_string()[..10].to_string();

    let first = report();
    let protects = &first["statement"]["protects"];
    assert_eq!((&protects["one"], &protects["not"]), (&json!("flow"), &json!("host")));
    let text = protects["text"].as_str().unwrap();
    assert_eq!(
        text,
        "for one flow, added or removed; a host is not protected: at ε = 2 for a record, ten of its records together have about ε = 26, a hundred about ε = 770"
    );
    let account = |report: &Value| {
        let of = &report["population"];
        (of["cap"]["rho"].as_f64().unwrap(), of["cap_set"].clone(), of["cap_raised"].clone())
    };
    assert_eq!(account(&first), (0.2, json!(day), json!(0)));

    // The smaller of two caps bounds what is let out: raising one alone raises nothing.
    patch(&server, &format!("/v1/tenants/{}", tenant.id), 0.5);
    assert_eq!(account(&report()), (0.2, json!(day), json!(0)));
    let population = first["ledger"]["population_id"].as_str().unwrap();
    patch(&server, &format!("/v1/populations/{population}"), 0.3);
    assert_eq!(account(&report()), (0.3, json!(day), json!(1)));
    patch(&server, &format!("/v1/populations/{population}"), 0.1);
    assert_eq!(account(&report()), (0.1, json!(day), json!(1)), "lowering is no raise");
    patch(&server, &format!("/v1/populations/{population}"), 0.9);
    let last = report();
    assert_eq!(account(&last), (0.5, json!(day), json!(2)), "the tenant's cap holds too");
    let (cap, spent) = (&last["population"]["cap"], &last["population"]["spent"]);
    let text = last["population"]["text"].as_str().unwrap();
    let words = format!(
        "all releases about this population together: ({}, 1e-9)-differential privacy for one flow, while the cap stays at ρ = 0.5 (set {day}, raised 2 times); spent so far, for information: ρ = {}, ε = {}",
        cap["epsilon"].as_f64().unwrap(),
        spent["rho"].as_f64().unwrap(),
        spent["epsilon"].as_f64().unwrap()
    );
    assert_eq!(text, words);
}
