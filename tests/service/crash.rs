//! Killed at the worst moments.
//!
//! Invariants: every job ends once; a fit is charged once or not at all, and what is charged equals what the ledger says; a second attempt
//! of the same computation repeats the same noise; another computation draws nothing.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

both!(
    a_second_attempt_repeats_the_noise,
    another_trace_is_charged_and_gives_no_model,
    killed_at_random_moments
);

/// Waits until a fit has begun to measure, then holds the accounts, so that it can write its bundle and not commit.
fn hold(lab: &Lab) -> Held {
    use sqlx::{Connection, Executor};
    lab.runtime.block_on(async {
        let begun = "SELECT COUNT(*) FROM jobs WHERE measuring_started_at IS NOT NULL AND state = 'running'";
        if lab.database.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&lab.database).await.unwrap();
            connection.execute("PRAGMA busy_timeout = 30000").await.unwrap();
            let measuring = async {
                while sqlx::query_scalar::<_, i64>(begun).fetch_one(&mut connection).await.unwrap() == 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), measuring).await.expect("no fit began to measure");
            connection.execute("BEGIN IMMEDIATE").await.unwrap();
            Held::Sqlite(connection)
        } else {
            // Locked before the fit, which updates the tenant's row only when it commits.
            let mut connection = sqlx::PgConnection::connect(&lab.database).await.unwrap();
            connection.execute("BEGIN").await.unwrap();
            connection.execute("SELECT * FROM tenants FOR UPDATE").await.unwrap();
            Held::Postgres(connection)
        }
    })
}

/// Bundles in the artifact store.
pub fn bundles(lab: &Lab) -> Vec<PathBuf> {
    lab.files().into_iter().filter(|file| file.ends_with(".bundle")).map(PathBuf::from).collect()
}

/// A fit that has written its bundle and cannot commit.
pub struct Paused {
    pub lab: Lab,
    pub tenant: Tenant,
    pub server: Server,
    pub lock: Held,
}

impl Paused {
    /// Lets the fit go on.
    pub fn release(self) -> (Lab, Tenant, Server) {
        drop(self.lock);
        (self.lab, self.tenant, self.server)
    }
}

/// Runs a fit up to the moment when its bundle is written and not committed.
pub fn pause_before_commit(kind: Kind) -> Paused {
    pause_while(kind, 1, |_, _, _| {})
}

/// The same with more fits, which wait, after something was done with the dataset.
pub fn pause_while(kind: Kind, fits: usize, mut before: impl FnMut(&Server, &Tenant, &str)) -> Paused {
    loop {
        // A fit that was faster than the lock, which can happen on SQLite alone, is tried again.
        if let Some(paused) = try_to_pause(Lab::new(kind), fits, &mut before) {
            return paused;
        }
    }
}

/// The same, and kills the server there.
pub fn kill_before_commit(kind: Kind) -> (Lab, Tenant) {
    let Paused { lab, tenant, server, lock } = pause_before_commit(kind);
    server.kill();
    drop(lock);
    assert_eq!(lab.number("SELECT COUNT(*) FROM models"), 0, "nothing of the attempt is visible");
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), 0);
    (lab, tenant)
}

fn try_to_pause(lab: Lab, fits: usize, before: &mut impl FnMut(&Server, &Tenant, &str)) -> Option<Paused> {
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    before(&server, &tenant, &dataset);
    let models = lab.number("SELECT COUNT(*) FROM models");
    // The job waits for a server with workers while the lock is prepared.
    assert!(server.terminate().success());
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    for _ in 0..fits {
        let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0});
        server.made("/v1/jobs", &tenant.steward, &fit);
    }
    assert!(server.terminate().success());
    let postgres = lab.database.starts_with("postgres");
    let early = postgres.then(|| hold(&lab));
    let server = lab.serve(&[]);
    let lock = early.unwrap_or_else(|| hold(&lab));
    if !postgres && lab.number("SELECT COUNT(*) FROM models") > models {
        return None;
    }
    wait(|| (bundles(&lab).len() as i64 > models).then_some(()));
    Some(Paused { lab, tenant, server, lock })
}

fn a_second_attempt_repeats_the_noise(kind: Kind) {
    let (lab, tenant) = kill_before_commit(kind);
    let only = || {
        let bundles = bundles(&lab);
        assert_eq!(bundles.len(), 1, "{bundles:?}");
        (bundles[0].clone(), std::fs::read(&bundles[0]).unwrap())
    };
    let first = only();
    let server = lab.serve(&[]);
    let jobs = server.idle(&tenant.steward);
    assert!(jobs[0]["state"] == "succeeded" && jobs[0]["attempt"] == 2, "{jobs:#?}");
    let second = only();
    assert_ne!(first.0, second.0, "the first attempt's goes with the second's commit");
    assert_eq!(first.1, second.1, "the same computation draws the same noise");
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), 1);
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE noise_half IS NOT NULL"), 0, "the key is erased");
}

fn another_trace_is_charged_and_gives_no_model(kind: Kind) {
    let (lab, tenant) = kill_before_commit(kind);
    // Somebody alters the stored trace: one record less.
    let trace = lab.files().into_iter().find(|file| file.contains("/traces/")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(std::fs::File::open(&trace).unwrap()),
        &mut text,
    )
    .unwrap();
    let cut = text.trim_end().rfind('\n').unwrap();
    std::fs::write(&trace, &text[..=cut]).unwrap();
    let server = lab.serve(&[]);
    let jobs = server.idle(&tenant.steward);
    assert!(jobs[0]["state"] == "failed" && jobs[0]["charged"] == true, "{jobs:#?}");
    assert_eq!(jobs[0]["problem"]["type"], "/problems/not-repeatable");
    assert_eq!((bundles(&lab).len(), lab.number("SELECT COUNT(*) FROM models")), (1, 0));
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), 1);
}

fn killed_at_random_moments(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 10.0}));
    let dataset = server.flows(&tenant.steward);
    let mut server = Some(server);
    for round in 0..10u64 {
        let running = server.take().unwrap_or_else(|| lab.serve(&[]));
        running.made(
            "/v1/jobs",
            &tenant.steward,
            &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}),
        );
        // Spread over the length of a fit and what follows it.
        std::thread::sleep(Duration::from_millis(13 + round * 37 % 300));
        running.kill();
    }
    let server = lab.serve(&[]);
    let jobs = server.idle(&tenant.steward);
    let fits: Vec<&Value> = jobs.iter().filter(|job| job["kind"] == "fit").collect();
    assert_eq!(fits.len(), 10);
    let charged = fits.iter().filter(|job| job["charged"] == true).count() as i64;
    assert!(fits.iter().all(|job| job["charged"].is_boolean()), "every end says whether it was charged");
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), charged);
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind IN ('commit', 'release')"), 10);
    assert_eq!(lab.number("SELECT CAST(SUM(reserved_rho) AS BIGINT) FROM tenants"), 0);
    assert_eq!(
        lab.number("SELECT spent_rho FROM tenants"),
        charged * lab.number("SELECT MAX(rho) FROM jobs")
    );
}
