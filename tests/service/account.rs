//! One figure in five places: what is quoted, what a job holds, what the ledger commits, what the budget shows as spent, and what the statement says
//! was allowed and charged are the same ρ, to the unit of 10⁻¹².

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};

both!(quote_job_ledger_budget_and_statement_agree);

/// ρ in units of 10⁻¹², from the number that is shown. A figure that is not a whole number of units is a fault of its own.
fn units(shown: &Value) -> i64 {
    let units = (shown.as_f64().unwrap_or_else(|| panic!("{shown} is no ρ")) * 1e12).round();
    assert_eq!(units / 1e12, shown.as_f64().unwrap(), "{shown} holds less than a unit");
    units as i64
}

fn quote_job_ledger_budget_and_statement_agree(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 5.0}));
    let steward = tenant.steward.as_str();
    let dataset = server.flows(steward);
    let mut spent = 0;
    let asked = [
        json!({"epsilon": 2.0, "hold_out": true}),
        json!({"epsilon": 1.0, "method": "independent"}),
        json!({"epsilon": 3.7, "delta": 1e-7, "options": {"gaps": false}}),
    ];
    for mut fit in asked {
        fit["dataset_id"] = json!(dataset);
        let quote = units(&server.made("/v1/quotes", steward, &fit)["required_rho"]);
        fit["kind"] = json!("fit");
        let job = server.made("/v1/jobs", steward, &fit)["id"].as_str().unwrap().to_string();
        let jobs = server.idle(steward);
        let ended = jobs.iter().find(|j| j["id"] == job.as_str()).unwrap();
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
        assert_eq!(units(&ended["rho"]), quote, "the job");

        let entries = server.json("/v1/budget/entries", steward)["items"].as_array().unwrap().clone();
        let of_job: Vec<&Value> = entries.iter().filter(|e| e["job_id"] == job.as_str()).collect();
        let kinds: Vec<_> = of_job.iter().map(|e| (e["kind"].as_str().unwrap(), units(&e["rho"]))).collect();
        assert_eq!(kinds, [("reserve", quote), ("commit", quote)], "the ledger");

        spent += quote;
        let budget = server.json("/v1/budget", steward);
        for account in [&budget["tenant"], &budget["populations"][0]] {
            assert_eq!(units(&account["spent"]["rho"]), spent, "the budget");
            assert_eq!(units(&account["reserved"]["rho"]), 0);
        }

        let model = ended["model_id"].as_str().unwrap();
        let shown = server.json(&format!("/v1/models/{model}"), steward);
        let release = jobs.iter().find(|j| j["kind"] == "generate" && j["model_id"] == model).unwrap();
        let release = release["release_id"].as_str().unwrap();
        let report = server.json(&format!("/v1/releases/{release}/report"), steward);
        for view in [shown, report] {
            // A statement counts in whole units.
            let statement = &view["statement"];
            assert_eq!(statement["rho"], quote, "the statement");
            let charges = statement["charges"].as_array().unwrap();
            let charged: i64 = charges.iter().map(|charge| charge["rho"].as_i64().unwrap()).sum();
            assert_eq!(charged, quote, "what the statement's answers cost together");
            assert_eq!(units(&view["ledger"]["rho"]), quote, "what paid for it");
            assert_eq!(view["ledger"]["entry_id"], of_job[1]["id"]);
        }
    }
    assert!(server.terminate().success());
    assert_eq!(lab.number("SELECT spent_rho FROM tenants"), spent);
    assert_eq!(lab.number("SELECT spent_rho FROM populations"), spent);
    assert_eq!(lab.number("SELECT CAST(SUM(rho) AS BIGINT) FROM entries WHERE kind = 'commit'"), spent);
    assert_eq!(lab.number("SELECT CAST(SUM(rho) AS BIGINT) FROM jobs WHERE kind = 'fit'"), spent);
}
