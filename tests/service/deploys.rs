//! The version before and this one on one database: `./run deploys` builds the former and names it in `NETDPSYN_PREVIOUS`.

use crate::harness::*;
use crate::stuck::Half;
use serde_json::json;

mod the_version_before_goes_on_beside_this_one {
    #[test]
    #[ignore = "needs the program of the version before: ./run deploys"]
    fn on_sqlite() {
        super::beside(crate::harness::Kind::Sqlite);
    }
    #[test]
    #[ignore = "needs the program of the version before: ./run deploys"]
    fn on_postgres() {
        super::beside(crate::harness::Kind::Postgres);
    }
}

fn beside(kind: Kind) {
    let previous = std::env::var("NETDPSYN_PREVIOUS").expect("./run deploys names the program");
    let lab = Lab::new(kind);
    let old = lab.serve_as(&previous);
    let tenant = old.tenant(json!({"rho": 10.0}));
    let steward = &tenant.steward;
    let (dataset, received) = (old.flows(steward), old.dataset(steward));
    let half = Half::of(&old, &received, steward);
    // The new version adds to the schema under the old one, and leaves its upload alone for longer than a lease.
    let new = lab.serve(&[]);
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert_eq!(half.finish(), "202");
    assert_eq!(new.parsed(&received, steward)["state"], "ready");
    // Both take requests and do jobs of both.
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "method": "netdpsyn"});
    for round in 0..8 {
        [&old, &new][round % 2].made("/v1/jobs", steward, &fit);
    }
    assert!(old.terminate().success());
    // It starts again on the schema of this one.
    let old = lab.serve_as(&previous);
    for round in 0..4 {
        [&old, &new][round % 2].made("/v1/jobs", steward, &fit);
    }
    // What the version before cannot do waits for its end.
    let model = new.json("/v1/jobs?limit=200&kind=fit", steward)["items"][0]["model_id"].clone();
    let condition = json!({"kind": "generate", "model_id": model, "condition": {"type": "ddos"}});
    let adaptive = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    for waits in [&condition, &adaptive] {
        assert_eq!(new.post("/v1/jobs", steward, waits).status(), 409);
    }
    assert_eq!(old.post("/v1/jobs", steward, &condition).status(), 422);
    let objects = b"{\"srcip\":\"10.0.0.1\"}\n".to_vec();
    assert_eq!(new.upload(&received, steward, objects).status(), 409);
    assert_eq!(new.json(&format!("/v1/datasets/{received}"), steward)["state"], "ready");
    let another = old.flows(steward);
    assert_eq!(new.json(&format!("/v1/datasets/{another}"), steward)["state"], "ready");
    let jobs = new.idle(steward);
    assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
    assert_eq!((jobs.len(), lab.number("SELECT COUNT(*) FROM models")), (24, 12));
    assert_eq!(lab.number("SELECT spent_rho FROM tenants"), 12 * lab.number("SELECT MAX(rho) FROM jobs"));
    assert!(old.terminate().success());
    for waited in [&condition, &adaptive] {
        new.made("/v1/jobs", steward, waited);
    }
    assert!(new.idle(steward).iter().all(|job| job["state"] == "succeeded"));
    assert_eq!(new.upload(&another, steward, sample("flows.csv.gz")).status(), 202);
    // And on a database that only this one has made.
    let fresh = Lab::new(kind);
    assert!(fresh.serve(&[]).terminate().success());
    let old = fresh.serve_as(&previous);
    let tenant = old.tenant(json!({"rho": 1.0}));
    old.flows(&tenant.steward);
}
