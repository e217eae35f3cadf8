//! What time does by itself. It passes at once: the service runs inside the test, by a clock that the test moves on.

use crate::both;
use crate::crash::kill_before_commit;
use crate::harness::{Kind, Lab};
use crate::inside::Inside;
use netdpsyn::jobs::keeper;
use netdpsyn::service::app::{Caller, Role};
use netdpsyn::service::idempotency::{Forgetting, KEPT_FOR};
use netdpsyn::service::limits::count_request;
use netdpsyn::service::sweep::{UNNAMED_FOR, sweep};
use netdpsyn::service::{keys, readiness, submit};
use netdpsyn::storage::accounts::{self, Holder};
use netdpsyn::storage::uploads::{self, Upload};
use netdpsyn::storage::{datasets, populations};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

both!(
    an_idempotency_key_lasts_a_week,
    an_idempotency_key_outlasts_its_job,
    files_that_nothing_names_go_after_a_day,
    an_upload_ends_with_its_lease,
    another_build_leaves_a_measuring_fit_alone,
    a_readiness_probe_is_reused_for_a_second,
    wrong_keys_have_a_try_again_after_a_while,
    a_tenant_at_its_limit_goes_on_after_a_second,
);

const MINUTE: Duration = Duration::from_secs(60);

async fn submitted(inside: &Inside, steward: &Caller, body: &Value, key: &str) -> Uuid {
    let new = serde_json::from_value(body.clone()).unwrap();
    submit::submit(&inside.app, steward, new, Some(key)).await.unwrap().id
}

/// ρ that the steward's tenant has spent and holds.
async fn used(inside: &Inside, steward: &Caller) -> (u64, u64) {
    let mut tx = inside.app.read("test").await.unwrap();
    let account = accounts::find(&mut tx, Holder::Tenant(steward.tenant.unwrap())).await.unwrap().unwrap();
    (account.spent.rho, account.reserved.rho)
}

fn an_idempotency_key_lasts_a_week(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let inside = Inside::open(&lab, &[]).await;
        let steward = inside.steward(json!({"rho": 1.0})).await;
        let dataset = inside.dataset(&steward).await;
        let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "accept_noise": true});
        let first = submitted(&inside, &steward, &fit, "k").await;
        assert_eq!(inside.work().await, ["fit", "generate"]);
        let (one, reserved) = used(&inside, &steward).await;
        assert!(one > 0 && reserved == 0);

        let mut keys = Forgetting::default();
        let mut forgotten = async || keys.look(&inside.app).await.unwrap();
        assert_eq!(forgotten().await, 0);
        inside.clock.on(KEPT_FOR - MINUTE);
        assert_eq!(forgotten().await, 0);
        assert_eq!(submitted(&inside, &steward, &fit, "k").await, first);
        let other = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "accept_noise": true});
        let new = serde_json::from_value(other.clone()).unwrap();
        let refused = submit::submit(&inside.app, &steward, new, Some("k")).await.unwrap_err();
        assert_eq!((refused.status, refused.field.as_deref()), (422, Some("Idempotency-Key")));
        assert_eq!(used(&inside, &steward).await, (one, 0));

        // The database's clock alone is years ahead for a moment: that is no reason.
        inside.clock.leap(1_000 * KEPT_FOR);
        assert_eq!(forgotten().await, 0);
        inside.clock.leap(Duration::ZERO);
        assert_eq!(forgotten().await, 0);
        inside.clock.on(2 * MINUTE);
        assert_eq!(forgotten().await, 1);
        let second = submitted(&inside, &steward, &fit, "k").await;
        assert_ne!(second, first);
        assert_eq!(used(&inside, &steward).await, (one, one), "the new job's cost stands beside the first");
        assert_eq!(submitted(&inside, &steward, &fit, "k").await, second);
        assert_eq!(inside.work().await, ["fit", "generate"]);
        assert_eq!(used(&inside, &steward).await, (2 * one, 0));
    });
}

/// However long a job waits: the same request never makes a second one beside it.
fn an_idempotency_key_outlasts_its_job(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let inside = Inside::open(&lab, &[]).await;
        let steward = inside.steward(json!({"rho": 1.0})).await;
        let dataset = inside.dataset(&steward).await;
        let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "accept_noise": true});
        let waiting = submitted(&inside, &steward, &fit, "k").await;
        let held = used(&inside, &steward).await;
        let mut keys = Forgetting::default();
        let mut forgotten = async || keys.look(&inside.app).await.unwrap();
        assert_eq!(forgotten().await, 0);
        inside.clock.on(30 * KEPT_FOR);
        assert_eq!(forgotten().await, 0);
        assert_eq!(submitted(&inside, &steward, &fit, "k").await, waiting);
        inside.claim().await.unwrap();
        assert_eq!(forgotten().await, 0);
        assert_eq!(submitted(&inside, &steward, &fit, "k").await, waiting);
        assert_eq!(used(&inside, &steward).await, held);
    });
}

fn files_that_nothing_names_go_after_a_day(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let inside = Inside::open(&lab, &[]).await;
        let steward = inside.steward(json!({"rho": 1.0})).await;
        inside.dataset(&steward).await;
        inside.app.artifacts.put_small("traces/of/nobody", "raw records".into()).await.unwrap();
        let unnamed = inside.app.artifacts.path("traces/of/nobody").unwrap();
        inside.clock.on(UNNAMED_FOR - MINUTE);
        assert_eq!(sweep(&inside.app, UNNAMED_FOR).await.unwrap(), 0);
        assert!(unnamed.exists());
        inside.clock.on(2 * MINUTE);
        assert_eq!(sweep(&inside.app, UNNAMED_FOR).await.unwrap(), 1, "and not the dataset's trace");
        assert!(!unnamed.exists());
    });
}

/// The keeper of any server ends an upload whose server is gone, and no sooner than its lease.
fn an_upload_ends_with_its_lease(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let inside = Inside::open(&lab, &[]).await;
        let steward = inside.steward(json!({"rho": 1.0})).await;
        let (tenant, dataset) = (steward.tenant.unwrap(), inside.dataset(&steward).await);
        let upload = Upload { dataset, token: Uuid::now_v7() };
        let mut tx = inside.app.begin("test").await.unwrap();
        let until = inside.app.lease(tx.now().await.unwrap());
        assert!(uploads::begin(&mut tx, upload, until).await.unwrap());
        tx.commit().await.unwrap();
        let looked = async || {
            let ended = keeper::look(&inside.app).await.unwrap();
            let mut tx = inside.app.read("test").await.unwrap();
            let state = datasets::find(&mut tx, tenant, dataset).await.unwrap().unwrap().state.to_string();
            (ended.0, state)
        };
        let lease = Duration::from_secs(inside.app.config.lease_seconds.unsigned_abs());
        inside.clock.on(lease * 9 / 10);
        assert_eq!(looked().await, (0, "receiving".into()));
        inside.clock.on(lease / 5);
        assert_eq!(looked().await, (1, "ready".into()));
        let mut tx = inside.app.begin("test").await.unwrap();
        assert!(!uploads::renew(&mut tx, upload, until).await.unwrap(), "whoever comes back has lost it");
    });
}

/// A server of another build waits for one that can repeat the noise; if none comes, the fit ends charged.
fn another_build_leaves_a_measuring_fit_alone(kind: Kind) {
    let (lab, _) = kill_before_commit(kind);
    let own = netdpsyn::fit::BUILD;
    lab.execute(&format!("UPDATE jobs SET build = 'another', measuring = REPLACE(measuring, '{own}', 'another') WHERE kind = 'fit'"));
    lab.runtime.block_on(async {
        let inside = Inside::open(&lab, &[]).await;
        let orphaned = Duration::from_secs(inside.app.config.orphan_seconds.unsigned_abs());
        inside.clock.on(orphaned - MINUTE);
        assert!(inside.claim().await.is_none(), "left alone");
        // It does not stand in the way of others.
        let other = inside.steward(json!({"rho": 1.0})).await;
        inside.dataset(&other).await;
        inside.clock.on(2 * MINUTE);
        let job = inside.claim().await.unwrap();
        let steward = Caller { key: "steward".into(), role: Role::Steward, tenant: Some(job.tenant_id) };
        let mut tx = inside.app.read("test").await.unwrap();
        assert!(populations::find(&mut tx, job.population_id).await.unwrap().is_some());
        drop(tx);
        let (id, rho, population) = (job.id, job.rho as u64, job.population_id);
        let (_stop, stopping) = tokio::sync::watch::channel(false);
        netdpsyn::jobs::attempt::run(&inside.app, job, stopping).await;
        let ended = inside.job(&steward, id).await;
        assert!(ended["state"] == "failed" && ended["charged"] == true, "{ended:#}");
        assert_eq!(ended["problem"]["type"], "/problems/not-repeatable");
        assert!(ended["problem"]["detail"].as_str().unwrap().contains("build"), "{ended:#}");
        assert_eq!(used(&inside, &steward).await, (rho, 0));
        let mut tx = inside.app.read("test").await.unwrap();
        let account = accounts::find(&mut tx, Holder::Population(population)).await.unwrap().unwrap();
        assert_eq!((account.spent.rho, account.reserved.rho), (rho, 0));
    });
}

fn a_readiness_probe_is_reused_for_a_second(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let inside = Inside::open(&lab, &[("NETDPSYN_MIN_FREE_BYTES", "0")]).await;
        readiness::check(&inside.app).await.unwrap();
        std::fs::remove_dir_all(inside.app.artifacts.scratch()).unwrap();
        readiness::check(&inside.app).await.unwrap();
        inside.clock.on(Duration::from_secs(1));
        assert_eq!(readiness::check(&inside.app).await.unwrap_err().status, 503);
        std::fs::create_dir(inside.app.artifacts.scratch()).unwrap();
        assert_eq!(readiness::check(&inside.app).await.unwrap_err().status, 503);
        inside.clock.on(Duration::from_secs(1));
        readiness::check(&inside.app).await.unwrap();
    });
}

fn wrong_keys_have_a_try_again_after_a_while(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let right = format!("ndp_{}", "7".repeat(64));
        let inside = Inside::open(&lab, &[("NETDPSYN_ADMIN_KEY", &right)]).await;
        assert_eq!(keys::bootstrap(&inside.app).await.unwrap(), None);
        let here = "192.0.2.1/32".parse().unwrap();
        let status = async |key: &str| {
            keys::authenticate(&inside.app, here, key).await.map_or_else(|refused| refused.status, |_| 200)
        };
        assert_eq!(status(&right).await, 200);
        let mut tried = Vec::new();
        for n in 0..30 {
            tried.push(status(&format!("ndp_{n:064}")).await);
        }
        let wrong = tried.iter().filter(|status| **status == 401).count();
        assert!(wrong == 20 && tried.ends_with(&[429; 10]), "{tried:?}");
        assert_eq!(status(&right).await, 200, "it was right lately");
        inside.clock.on(Duration::from_secs(7));
        assert_eq!(status(&format!("ndp_{:064}", 77)).await, 401, "one more try");
        // After an hour nothing is known of it: it is a try like any other, and right.
        inside.clock.on(Duration::from_secs(2 * 3_600));
        inside.app.forget_the_quiet();
        assert_eq!(status(&right).await, 200);
    });
}

fn a_tenant_at_its_limit_goes_on_after_a_second(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let inside = Inside::open(&lab, &[("NETDPSYN_MAX_REQUESTS_PER_SECOND", "2")]).await;
        let tenant = Some(Uuid::now_v7());
        let passed = || (0..30).filter(|_| count_request(&inside.app, tenant).is_ok()).count();
        assert_eq!((passed(), passed()), (10, 0), "five seconds' worth at once");
        inside.clock.on(Duration::from_secs(1));
        assert_eq!(passed(), 2);
        inside.clock.on(MINUTE);
        assert_eq!(passed(), 10);
    });
}
