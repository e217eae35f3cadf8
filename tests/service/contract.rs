//! The OpenAPI document and the service say the same. `./run contract` tries that with generated clients and requests; here stands what it found.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

both!(values_beyond_the_documents_bounds_are_refused);

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap()
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = document();
    let names: Vec<&str> = operations(&document).map(|o| o["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

/// A variant that allows no field but its own must have the tag among them.
#[test]
fn every_kind_of_job_can_be_asked_for() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut kinds = Vec::new();
    for variant in schemas["NewJob"]["oneOf"].as_array().unwrap() {
        let name = variant["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let schema = &schemas[name];
        assert!(schema["additionalProperties"] == false, "{name}");
        assert!(schema["required"].as_array().unwrap().contains(&json!("kind")), "{name}");
        kinds.push(schema["properties"]["kind"]["enum"][0].as_str().unwrap());
    }
    assert_eq!(kinds, ["fit", "generate", "evaluate"]);
}

/// The document keeps schemas by name: of two with one name only one would stand there.
#[test]
fn every_schema_has_a_name_of_its_own() {
    fn sources(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["src", "crates"] {
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    let mut names = Vec::new();
    for source in &found {
        for derived in source.split("utoipa::ToSchema)").skip(1) {
            let (attributes, item) = derived.split_once("pub ").unwrap();
            let own = attributes.split_once("(as = ").map(|(_, name)| name);
            let name = own.unwrap_or_else(|| item.split_once(' ').unwrap().1);
            names.push(name.split(|c: char| !c.is_alphanumeric()).next().unwrap());
        }
    }
    assert!(names.len() > 50 && names.contains(&"FitOptions"), "{names:?}");
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|two| two[0] == two[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// The document lists the words that there are; `words.rs` compares those with the database.
#[test]
fn stored_names_are_those_of_the_document() {
    use netdpsyn::service::{app::Role, budget::Payer, problem::ProblemType};
    use netdpsyn::storage::{datasets, jobs, ledger, releases};
    let document = document();
    let schemas = &document["components"]["schemas"];
    for (schema, words) in [
        ("DatasetState", datasets::DatasetState::NAMES),
        ("JobKind", jobs::JobKind::NAMES),
        ("JobState", jobs::JobState::NAMES),
        ("ReleaseState", releases::ReleaseState::NAMES),
        ("ReleaseAccess", releases::ReleaseAccess::NAMES),
        ("EntryKind", ledger::EntryKind::NAMES),
        ("TenantRole", &Role::NAMES[1..]),
        ("Payer", Payer::NAMES),
    ] {
        assert_eq!(schemas[schema]["enum"], json!(words), "{schema}");
    }
    // Later versions may have more types of problems: the document has their form alone.
    assert_eq!(schemas["Problem"]["properties"]["type"]["pattern"], "^(/problems/[a-z-]+|about:blank)$");
    for name in ProblemType::NAMES {
        let own = name.strip_prefix("/problems/").unwrap_or("");
        let fits = !own.is_empty() && own.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
        assert!(fits || *name == "about:blank", "{name}");
    }
}

fn values_beyond_the_documents_bounds_are_refused(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let tenant = server.tenant(json!({"epsilon": 5.0}));
    let dataset = server.dataset(&tenant.steward);
    let refused = |response: reqwest::blocking::Response, field: &str| {
        let status = response.status();
        let problem: Value = response.json().unwrap();
        assert!(status == 422 && problem["field"] == field, "{status} {problem}");
    };
    let steward = tenant.steward.as_str();
    for name in [" ".to_string(), format!(" {}", "n".repeat(200)), "a\0b".into(), "a\u{85}b".into()] {
        let cap = json!({"rho": 1.0});
        refused(server.post("/v1/tenants", ADMIN, &json!({"name": name, "cap": cap})), "name");
        refused(server.post("/v1/datasets", steward, &json!({"name": name, "preset": "flow"})), "name");
        let keys = format!("/v1/tenants/{}/keys", tenant.id);
        refused(server.post(&keys, ADMIN, &json!({"name": name, "role": "reader"})), "name");
    }
    for (cap, field) in [
        (json!({"epsilon": 1.0, "delta": null}), "cap.delta"),
        (json!({"rho": null, "epsilon": 1.0}), "cap.rho"),
    ] {
        refused(server.post("/v1/tenants", ADMIN, &json!({"name": "null", "cap": cap})), field);
    }
    let quote = |more: Value| {
        let mut body = json!({"dataset_id": dataset, "epsilon": 1.0});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post("/v1/quotes", steward, &body)
    };
    refused(quote(json!({"rows": 0})), "rows");
    refused(quote(json!({"rows": (1u64 << 31) + 1})), "rows");
    refused(quote(json!({"epsilon": 0.0099})), "epsilon");
    assert_eq!(quote(json!({"rows": 1u64 << 31, "epsilon": 0.01, "delta": 1e-30})).status(), 200);

    let model = uuid::Uuid::nil();
    let job = server.client.post(format!("{}/v1/jobs", server.url)).bearer_auth(steward);
    let body = json!({"kind": "generate", "model_id": model, "seed": u64::MAX});
    refused(job.header("idempotency-key", "two words").json(&body).send().unwrap(), "Idempotency-Key");
    assert_eq!(server.post("/v1/jobs", steward, &body).status(), 404);

    let patch = server.client.patch(format!("{}/v1/jobs", server.url)).bearer_auth(steward).send().unwrap();
    assert_eq!(patch.status(), 405);
    let mut allowed: Vec<&str> = patch.headers()["allow"].to_str().unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}
