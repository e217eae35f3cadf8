//! Traces of chosen categories: made from any model, and told to whoever reads them.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

both!(
    a_trace_of_chosen_categories_says_so_to_all_who_read_it,
    a_fit_gives_its_first_trace_the_categories_that_are_asked_for,
    impossible_conditions_are_refused_with_the_possible_ones,
    an_older_server_keeps_out_what_it_cannot_do
);

impl Server {
    /// How many records of a release have which type, and which label.
    fn types(&self, release: &Value, key: &str) -> BTreeMap<(String, String), usize> {
        let content = self.get(&format!("/v1/releases/{}/content", text(&release["id"])), key);
        let mut counts = BTreeMap::new();
        for line in content.text().unwrap().lines().skip(1) {
            let mut cells = line.rsplit(',').map(String::from);
            let (kind, label) = (cells.next().unwrap(), cells.next().unwrap());
            *counts.entry((kind, label)).or_default() += 1;
        }
        counts
    }

    /// The release of the tenant's last generation.
    fn last_release(&self, steward: &str) -> Value {
        let jobs = self.idle(steward);
        assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
        self.json("/v1/releases?limit=200", steward)["items"].as_array().unwrap().last().unwrap().clone()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn pair(kind: &str, label: &str) -> (String, String) {
    (kind.into(), label.into())
}

fn a_trace_of_chosen_categories_says_so_to_all_who_read_it(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let (steward, reader) = (tenant.steward.as_str(), tenant.reader.as_str());
    let model = server.model(steward);
    let raw_mix = server.last_release(steward);
    let shares = json!({"type": {"normal": 1, "ddos": 1}});
    let new = json!({"kind": "generate", "model_id": model, "rows": 2_000, "seed": 3, "condition": shares, "evaluate": true});
    server.made("/v1/jobs", steward, &new);
    let mixed = server.last_release(steward);
    // As many of each as were asked for, and the label goes with them.
    let counts = server.types(&mixed, steward);
    assert_eq!(counts, BTreeMap::from([(pair("ddos", "1"), 1_000), (pair("normal", "0"), 1_000)]));
    // The private report says it first.
    let path = format!("/v1/releases/{}", text(&mixed["id"]));
    let private = server.json(&format!("{path}/report/private"), steward);
    let asked = json!({"type": {"normal": 0.5, "ddos": 0.5}});
    assert_eq!(private["condition"], asked);
    assert!(text(&private["verdict"][0]["text"]).starts_with("not the raw mix"), "{}", private["verdict"]);
    // So do release and report, to readers as well; the other release has nothing to say.
    for id in [&mixed["id"], &raw_mix["id"]] {
        assert_eq!(
            server.post(&format!("/v1/releases/{}/publish", text(id)), steward, &json!({})).status(),
            200
        );
    }
    for key in [steward, reader] {
        let listed = server.json("/v1/releases", key)["items"].as_array().unwrap().clone();
        let listed = listed.into_iter().find(|release| release["id"] == mixed["id"]).unwrap();
        for told in [server.json(&path, key), server.json(&format!("{path}/report"), key), listed] {
            assert_eq!(told["condition"]["asked"], asked, "{told}");
            assert!(
                text(&told["condition"]["about"]).starts_with("The shares of categories were set by hand")
            );
        }
        let path = format!("/v1/releases/{}", text(&raw_mix["id"]));
        for path in [path.clone(), format!("{path}/report")] {
            assert!(server.json(&path, key).get("condition").is_none());
        }
    }
    // The same seed gives the same trace.
    server.made("/v1/jobs", steward, &new);
    assert_eq!(server.last_release(steward)["sha256"], mixed["sha256"]);
    // One category alone, as a word.
    server.made(
        "/v1/jobs",
        steward,
        &json!({"kind": "generate", "model_id": model, "condition": {"proto": "udp"}}),
    );
    let udp = server.last_release(steward);
    let content = server.get(&format!("/v1/releases/{}/content", text(&udp["id"])), steward).text().unwrap();
    assert!(content.lines().skip(1).all(|line| line.split(',').nth(4) == Some("udp")));
    assert_eq!(udp["condition"]["asked"], json!({"proto": {"udp": 1.0}}));
    // It costs nothing.
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE rho > 0"), 1);
}

fn a_fit_gives_its_first_trace_the_categories_that_are_asked_for(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.flows(steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "condition": {"type": "ddos"}});
    server.made("/v1/jobs", steward, &fit);
    let release = server.last_release(steward);
    let counts = server.types(&release, steward);
    assert_eq!(counts, BTreeMap::from([(pair("ddos", "1"), release["rows"].as_u64().unwrap() as usize)]));
    assert_eq!(release["condition"]["asked"], json!({"type": {"ddos": 1.0}}));
    assert_eq!(release["rows_by_hand"], false);
}

fn impossible_conditions_are_refused_with_the_possible_ones(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let dataset = server.flows(steward);
    let refused = |body: Value| {
        let response = server.post("/v1/jobs", steward, &body);
        assert_eq!(response.status(), 422, "{body}");
        let problem: Value = response.json().unwrap();
        (text(&problem["field"]).to_string(), text(&problem["detail"]).to_string())
    };
    let fit = |condition: Value| {
        refused(json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "condition": condition}))
    };
    let (field, detail) = fit(json!({"colour": "red"}));
    assert!(field == "condition" && detail.ends_with("it may name proto, label, type"), "{field}: {detail}");
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE kind = 'fit'"), 0);
    server.made("/v1/jobs", steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}));
    let model = server.idle(steward)[0]["model_id"].clone();
    let new = |condition: Value| json!({"kind": "generate", "model_id": model, "condition": condition});
    let generate = |condition: Value| refused(new(condition));
    let (field, detail) = generate(json!({"type": {"normal": 0.5, "flood": 0.5}}));
    assert!(field == "condition" && detail.contains("no category \"flood\""), "{field}: {detail}");
    assert!(detail.ends_with("may say normal, ddos, portscan, bruteforce"), "{detail}");
    for (condition, place) in [
        (json!({"pkt": "5"}), "condition"),
        (json!({}), "condition"),
        (json!({"type": "ddos", "proto": "tcp"}), "condition"),
        (json!({"type": {"ddos": -1}}), "condition"),
        (json!({"type": {"ddos": 0}}), "condition"),
        (json!({"type": {"ddos": "all"}}), "condition.type.ddos"),
        (json!({"type": 5}), "condition.type"),
        (json!("ddos"), "condition"),
    ] {
        assert_eq!(generate(condition.clone()).0, place, "{condition}");
    }
    // Only the model knows what the noise left of a protocol.
    server.made("/v1/jobs", steward, &new(json!({"proto": "gre"})));
    let jobs = server.idle(steward);
    let (last, problem) = (jobs.last().unwrap(), &jobs.last().unwrap()["problem"]);
    assert_eq!((&last["state"], &problem["status"]), (&json!("failed"), &json!(422)), "{last}");
    assert_eq!(problem["field"], "condition");
    assert!(
        text(&problem["detail"]).contains("proto = gre") && text(&problem["detail"]).contains("tcp"),
        "{problem}"
    );
}

/// Its worker would fail the job.
fn an_older_server_keeps_out_what_it_cannot_do(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.2}));
    let steward = tenant.steward.as_str();
    let model = server.model(steward);
    let dataset = server.json("/v1/datasets", steward)["items"][0]["id"].clone();
    // It says that it runs as the version before did, which read schemas of version 2 and knew neither conditions nor the adaptive method.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let id = "00000000-0000-0000-0000-000000000001".to_string();
    let id = if kind == Kind::Sqlite { format!("X'{}'", id.replace('-', "")) } else { format!("'{id}'") };
    lab.execute(&format!("INSERT INTO servers (id, memory, seen_at, schemas) VALUES ({id}, 1, {now}, 2)"));
    let condition = json!({"type": "ddos"});
    let generate = json!({"kind": "generate", "model_id": model, "condition": condition});
    let fit = |more: Value| {
        let mut fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 0.5});
        fit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fit
    };
    let conditioned = fit(json!({"method": "netdpsyn", "condition": condition}));
    let (usual, adaptive) = (fit(json!({})), fit(json!({"method": "adaptive"})));
    let before = lab.number("SELECT COUNT(*) FROM jobs");
    for new in [&generate, &conditioned, &usual, &adaptive] {
        let refused = server.post("/v1/jobs", steward, new);
        assert_eq!(refused.status(), 409);
        assert_eq!(refused.json::<Value>().unwrap()["type"], "/problems/older-server");
    }
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs"), before);
    // What it does is taken.
    server.made("/v1/jobs", steward, &json!({"kind": "generate", "model_id": model}));
    server.made("/v1/jobs", steward, &fit(json!({"method": "netdpsyn"})));
    // One that stopped without a word counts for a minute.
    lab.execute(&format!("UPDATE servers SET seen_at = {} WHERE memory = 1", now - 61_000_000));
    for new in [&generate, &conditioned, &usual, &adaptive] {
        server.made("/v1/jobs", steward, new);
    }
    server.last_release(steward);
}
