//! What each role, and a foreign tenant's key, get on every route of the document.

use crate::harness::*;
use serde_json::{Value, json};

#[test]
fn every_route_for_every_role() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let foreign = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let erasable = server.dataset(&tenant.steward);
    server.made(
        "/v1/jobs",
        &tenant.steward,
        &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "evaluate": true}),
    );
    let jobs = server.idle(&tenant.steward);
    let (job, model, release) = (&jobs[0]["id"], &jobs[0]["model_id"], &jobs[1]["release_id"]);

    // One that its tenant's readers may see at its public address, and nobody else.
    server.model(&tenant.steward);
    let list = server.json("/v1/releases", &tenant.steward);
    let of = |listed: &&Value| listed["id"] != *release;
    let shared =
        list["items"].as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap().to_string();
    server.made(&format!("/v1/releases/{shared}/publish"), &tenant.steward, &json!({"access": "tenant"}));

    // Receivers that nobody sends anything to while this runs.
    let receiver = json!({"url": "https://hooks.example.invalid/", "events": ["release.withdrawn"]});
    let hook = || server.made("/v1/webhooks", &tenant.steward, &receiver)["id"].as_str().unwrap().to_string();
    let (webhook, removable) = (hook(), hook());

    let document: Value =
        server.client.get(format!("{}/openapi.json", server.url)).send().unwrap().json().unwrap();
    let mut table = format!("{:<48} none admin steward reader foreign\n", "");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(
                operation["summary"].is_string() || operation["description"].is_string(),
                "{method} {path}"
            );
            let id = match path.split('/').nth(2) {
                Some("tenants") => tenant.id.clone(),
                Some("datasets") if method == "delete" => erasable.clone(),
                Some("datasets") => dataset.clone(),
                Some("jobs") => job.as_str().unwrap().to_string(),
                Some("models") => model.as_str().unwrap().to_string(),
                Some("releases") => release.as_str().unwrap().to_string(),
                Some("{release}") => shared.clone(),
                Some("webhooks") if method == "delete" => removable.clone(),
                Some("webhooks") => webhook.clone(),
                _ => uuid::Uuid::nil().to_string(),
            };
            let url = format!(
                "{}{}",
                server.url,
                path.replace("{id}", &id)
                    .replace("{key_id}", &id)
                    .replace("{delivery}", &id)
                    .replace("{release}", &id)
            );
            let ask = |key: Option<&str>| {
                let request = server.client.request(method.to_uppercase().parse().unwrap(), &url);
                let request = match key {
                    Some(key) => request.bearer_auth(key),
                    None => request,
                };
                let nil = uuid::Uuid::nil();
                let name = uuid::Uuid::now_v7().to_string();
                let cap = json!({"rho": 1.0});
                // Bodies that are understood, so that what refuses is the role.
                let body = match (method.as_str(), path.as_str()) {
                    ("post", "/v1/quotes") => json!({"dataset_id": nil, "epsilon": 1.0}),
                    ("post", "/v1/jobs") => json!({"kind": "generate", "model_id": nil}),
                    ("post", "/v1/datasets") => json!({"name": name, "preset": "flow"}),
                    ("post", "/v1/tenants") => json!({"name": name, "cap": cap}),
                    ("post", "/v1/populations") => json!({"tenant_id": tenant.id, "name": name, "cap": cap}),
                    ("post", "/v1/tenants/{id}/keys") => json!({"role": "reader", "name": name}),
                    ("post", "/v1/releases/{id}/links") => json!({"seconds": 60}),
                    ("post", "/v1/releases/{id}/withdraw") => json!({"reason": "tried"}),
                    ("patch", "/v1/datasets/{id}") => json!({"name": name}),
                    ("post", "/v1/webhooks") => receiver.clone(),
                    ("post", "/v1/releases/{id}/deposits") => json!({"repository": "none"}),
                    ("patch", "/v1/webhooks/{id}") => json!({"paused": false}),
                    ("patch", _) => json!({"cap": cap}),
                    _ => json!({}),
                };
                let request = match method.as_str() {
                    "post" | "patch" => request.json(&body),
                    "put" => request.body("x"),
                    _ => request,
                };
                let response = request.send().unwrap();
                let status = response.status().as_u16();
                if status >= 400 {
                    assert_eq!(
                        response.headers()["content-type"],
                        "application/problem+json",
                        "{method} {path}"
                    );
                }
                status
            };
            let keys =
                [None, Some(ADMIN), Some(&*foreign.steward), Some(&*tenant.reader), Some(&*tenant.steward)];
            let [none, admin, foreign, reader, steward] = keys.map(ask);
            let route = format!("{} {path}", method.to_uppercase());
            table += &format!("{route:<48} {none:<4} {admin:<5} {steward:<7} {reader:<6} {foreign}\n");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_administrator_at_the_machine() {
    let lab = Lab::new(Kind::Sqlite);
    assert!(lab.run(&["config", "check"]).contains("the database answers"));
    let made = lab.run(&["admin", "tenant", "campus", "--rho", "0.5"]);
    let word = |name: &str| {
        let line = made.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_string()
    };
    let another = lab.run(&["admin", "key", &word("tenant"), "--role", "reader"]);
    let server = lab.serve(&[]);
    assert_eq!(server.json("/v1/budget", &word("steward"))["tenant"]["cap"]["rho"], 0.5);
    let reader = another.split_whitespace().nth(1).unwrap();
    assert_eq!(server.get("/v1/releases", reader).status(), 200);
    assert_eq!(server.get("/v1/budget", reader).status(), 403);
}

#[test]
fn the_openapi_document_is_the_one_checked_in() {
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_netdpsyn")).arg("openapi").output().unwrap();
    let kept = include_str!("../../openapi/openapi.json");
    let same = String::from_utf8(printed.stdout).unwrap() == kept;
    assert!(same, "the API changed: cargo run -- openapi > openapi/openapi.json, and look at the difference");
}

#[test]
fn every_operation_is_described_with_examples_and_errors() {
    let document: Value = serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap();
    let shown = |reference: &str| {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        // A page shows its items; a choice shows its variants.
        let inner = schema.pointer("/properties/items/items").cloned();
        let schema = inner.unwrap_or_else(|| schema.clone());
        let one = |schema: &Value| {
            let named = schema["$ref"].as_str().map(|r| document.pointer(r.trim_start_matches('#')).unwrap());
            !named.unwrap_or(schema)["example"].is_null()
        };
        match schema["oneOf"].as_array() {
            Some(variants) => {
                variants.iter().all(|v| v["allOf"].as_array().map_or(one(v), |all| all.iter().any(one)))
            }
            None => one(&schema),
        }
    };
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{name}");
            let responses = operation["responses"].as_object().unwrap();
            let mut refusals = vec!["400", "408", "414", "431", "500", "503"];
            if path.starts_with("/v1") {
                refusals.extend(["401", "429"]);
            }
            // Where no key is needed, no role is.
            if path.starts_with("/v1") && operation["security"].is_null() {
                refusals.push("403");
            }
            if path.contains('{') {
                refusals.push("404");
            }
            if !operation["requestBody"].is_null() {
                refusals.extend(["413", "415", "422"]);
            }
            assert!(refusals.iter().all(|code| responses.contains_key(*code)), "{name}");
            let bodies = responses
                .values()
                .chain(operation.get("requestBody"))
                .map(|body| &body["content"]["application/json"]);
            for body in bodies.filter(|body| !body.is_null()) {
                let reference = body["schema"]["$ref"].as_str();
                assert!(!body["example"].is_null() || reference.is_some_and(shown), "{name}: {body}");
            }
        }
    }
}

#[test]
fn the_first_start_prints_one_key() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_ADMIN_KEY", "")]);
    let log = server.log.lock().unwrap().clone();
    let line = log.lines().find(|line| line.starts_with("First administrator key")).unwrap();
    let key = line.rsplit(' ').next().unwrap().to_string();
    assert_eq!(server.get("/v1/tenants", &key).status(), 200);
    server.kill();
    let server = lab.serve(&[("NETDPSYN_ADMIN_KEY", "")]);
    assert!(!server.log.lock().unwrap().contains("First administrator key"));
    let docs = server.client.get(format!("{}/docs/", server.url)).send().unwrap();
    assert!(docs.status().is_success() && docs.text().unwrap().contains("swagger"));
}
