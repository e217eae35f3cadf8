//! Tenants take turns, and short work does not wait behind long.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};

both!(tenants_take_turns, parsing_waits_behind_no_other_work);

/// Jobs by when they ended, as tenant and kind.
fn in_order(lab: &Lab) -> Vec<String> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM jobs WHERE finished_at IS NOT NULL";
    let ended = lab.number(sql);
    (0..ended)
        .map(|i| {
            let sql = format!(
                "SELECT t.name || ' ' || j.kind FROM jobs j JOIN tenants t ON t.id = j.tenant_id WHERE j.finished_at IS NOT NULL
                 ORDER BY j.finished_at, j.id LIMIT 1 OFFSET {i}"
            );
            lab.text(&sql)
        })
        .collect()
}

fn generation(model: &Value) -> Value {
    json!({"kind": "generate", "model_id": model, "rows": 1000})
}

fn tenants_take_turns(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenants = [server.tenant(json!({"rho": 1.0})), server.tenant(json!({"rho": 1.0}))];
    let models = tenants.each_ref().map(|tenant| server.model(&tenant.steward));
    assert!(server.terminate().success());
    for (tenant, name) in tenants.iter().zip(["many", "one"]) {
        lab.execute(&format!("UPDATE tenants SET name = '{name}' WHERE name = '{}'", tenant.name));
    }
    lab.execute("UPDATE jobs SET finished_at = NULL");
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    for _ in 0..6 {
        server.made("/v1/jobs", &tenants[0].steward, &generation(&models[0]));
    }
    server.made("/v1/jobs", &tenants[1].steward, &generation(&models[1]));
    assert!(server.terminate().success());
    let server = lab.serve(&[]);
    for tenant in &tenants {
        server.idle(&tenant.steward);
    }
    let order = in_order(&lab);
    let turn = order.iter().position(|job| job == "one generate");
    assert!(turn.is_some_and(|turn| turn <= 1), "served second at the latest: {order:?}");
}

fn parsing_waits_behind_no_other_work(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let model = server.model(&tenant.steward);
    let long = json!({"kind": "generate", "model_id": model, "rows": 380_000, "options": {"rounds": 1000}});
    let long = server.made("/v1/jobs", &tenant.steward, &long);
    let long = format!("/v1/jobs/{}", long["id"].as_str().unwrap());
    wait(|| (server.json(&long, &tenant.steward)["state"] == "running").then_some(()));
    // The only slot for all kinds has a generation of many rounds.
    server.flows(&tenant.steward);
    assert_eq!(server.json(&long, &tenant.steward)["state"], "running");
}
