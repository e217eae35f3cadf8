//! Rough days, each of some minutes: `./run chaos` runs them.

use crate::harness::*;
use crate::stuck::Half;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

mod forty_jobs_on_two_servers_and_twenty_kills {
    #[test]
    #[ignore = "minutes: ./run chaos"]
    fn on_sqlite() {
        super::forty_jobs(crate::harness::Kind::Sqlite);
    }
    #[test]
    #[ignore = "minutes: ./run chaos"]
    fn on_postgres() {
        super::forty_jobs(crate::harness::Kind::Postgres);
    }
}

/// Every job ends once, and the ledger holds what its fits say.
fn books(lab: &Lab, jobs: &[Value], fits: usize) {
    let of = |kind: &str| jobs.iter().filter(|job| job["kind"] == kind).collect::<Vec<_>>();
    assert_eq!(of("fit").len(), fits);
    for job in jobs {
        assert_eq!(job["state"], "succeeded", "{job:#}");
    }
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), fits as i64);
    assert_eq!(lab.number("SELECT COUNT(*) FROM models"), fits as i64, "nothing is charged without a model");
    assert_eq!(lab.number("SELECT CAST(SUM(reserved_rho) AS BIGINT) FROM tenants"), 0);
    assert_eq!(
        lab.number("SELECT spent_rho FROM tenants"),
        fits as i64 * lab.number("SELECT MAX(rho) FROM jobs")
    );
}

fn forty_jobs(kind: Kind) {
    let lab = Lab::new(kind);
    let mut servers: Vec<Option<Server>> = vec![Some(lab.serve(&[])), Some(lab.serve(&[]))];
    let first = servers[0].as_ref().unwrap();
    let tenant = first.tenant(json!({"rho": 10.0}));
    let dataset = first.flows(&tenant.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    // Each makes a fit and a generation.
    for i in 0..20usize {
        servers[i % 2].as_ref().unwrap().made("/v1/jobs", &tenant.steward, &fit);
    }
    for kill in 0..20u64 {
        // Spread over the length of a job; a job whose worker dies five times is given up, so kills are spread over jobs as well.
        std::thread::sleep(Duration::from_millis(400 + kill * 137 % 700));
        let at = kill as usize % 2;
        servers[at].take().unwrap().kill();
        servers[at] = Some(lab.serve(&[]));
    }
    let jobs = servers[0].as_ref().unwrap().idle(&tenant.steward);
    assert_eq!(jobs.len(), 40);
    books(&lab, &jobs, 20);
    let attempts: i64 = jobs.iter().filter_map(|job| job["attempt"].as_i64()).sum();
    println!("{kind:?}: 40 jobs in {attempts} attempts under 20 kills; 20 fits charged once each, 20 models");
}

/// The database stops for thirty seconds in the middle of uploads and fits.
#[test]
#[ignore = "minutes, and stops the cluster under every other test: ./run chaos"]
fn a_database_stopped_for_thirty_seconds() {
    let control = std::env::var("NETDPSYN_TEST_PG_CTL").expect("./run chaos names the cluster's control");
    let control = |what: &str| {
        let ran = Command::new("sh").args(["-c", &format!("{control} {what}")]).status().unwrap();
        assert!(ran.success(), "pg_ctl {what}");
    };
    let lab = Lab::new(Kind::Postgres);
    let servers = [(); 2].map(|()| lab.serve(&[("NETDPSYN_LEASE_SECONDS", "10")]));
    let tenant = servers[0].tenant(json!({"rho": 10.0}));
    let dataset = servers[0].flows(&tenant.steward);
    let uploads: Vec<(String, Half)> = servers
        .iter()
        .map(|server| {
            let dataset = server.dataset(&tenant.steward);
            let half = Half::of(server, &dataset, &tenant.steward);
            (dataset, half)
        })
        .collect();
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    for i in 0..8usize {
        servers[i % 2].made("/v1/jobs", &tenant.steward, &fit);
    }
    std::thread::sleep(Duration::from_millis(300));
    control("stop -m immediate");
    assert_eq!(servers[0].client.get(format!("{}/readyz", servers[0].url)).send().unwrap().status(), 503);
    let sent: Vec<_> = uploads
        .into_iter()
        .map(|(dataset, half)| (dataset, std::thread::spawn(move || half.finish())))
        .collect();
    std::thread::sleep(Duration::from_secs(30));
    control("start -w");
    for (dataset, sent) in sent {
        // Given up after ten seconds, and said so: the dataset is free again.
        assert_eq!(sent.join().unwrap(), "503");
        wait(|| {
            let again = servers[0].upload(&dataset, &tenant.steward, sample("flows.csv.gz"));
            (again.status() == 202).then_some(())
        });
        assert_eq!(servers[0].parsed(&dataset, &tenant.steward)["state"], "ready");
    }
    let jobs = servers[1].idle(&tenant.steward);
    books(&lab, &jobs, 8);
    println!("two uploads answered 503 and sent again; 8 fits charged once each, 8 models");
}
