//! The promise at its edges: what a stopped server leaves in files, restored databases, one key for two computations, disks without room.

use crate::both;
use crate::crash::{Paused, bundles, kill_before_commit, pause_before_commit};
use crate::harness::*;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

both!(
    no_file_of_a_stopped_server_holds_a_noise_key,
    files_are_closed_to_other_users,
    a_database_put_back_under_a_live_server_accepts_no_fit,
    a_ledger_behind_its_mark_is_noticed_whatever_was_added_since,
    a_restore_that_undoes_caps_and_revocations_is_said_aloud,
    a_fit_that_the_database_has_forgotten_draws_nothing,
    one_key_serves_one_computation,
    a_lost_half_ends_the_fit_charged,
    halves_without_a_fit_are_unlinked_at_the_start,
    a_fit_that_measures_ends_before_the_server_does,
    a_bundle_that_cannot_be_stored_is_measured_again,
    a_fit_that_has_begun_waits_for_room,
    another_database_unlinks_no_half,
    a_disk_without_room_costs_nothing,
);

const NONE: [PathBuf; 0] = [];

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Files below a folder that hold a secret, as it is or in hex.
pub fn holding(folder: &Path, secret: &[u8]) -> Vec<PathBuf> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        [secret, hex.as_bytes(), hex.to_uppercase().as_bytes()]
            .iter()
            .any(|needle| memchr::memmem::find(&bytes, needle).is_some())
    };
    files(folder).into_iter().filter(holds).collect()
}

pub fn half_in_database(lab: &Lab) -> Vec<u8> {
    lab.value("SELECT noise_half FROM jobs WHERE noise_half IS NOT NULL")
}

pub fn half_in_file(lab: &Lab) -> (PathBuf, Vec<u8>) {
    let halves = files(&lab.data().join("noise"));
    assert_eq!(halves.len(), 1, "{halves:?}");
    (halves[0].clone(), std::fs::read(&halves[0]).unwrap())
}

/// After fit, publication, erasure and a clean stop, half of a key is at most in Postgres's own files.
fn no_file_of_a_stopped_server_holds_a_noise_key(kind: Kind) {
    let paused = pause_before_commit(kind);
    let (database, (_, file)) = (half_in_database(&paused.lab), half_in_file(&paused.lab));
    let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(&file).unwrap();
    mac.update(&database);
    let key = mac.finalize().into_bytes();
    let everything = paused.lab.folder.path().to_path_buf();
    assert!(!holding(&everything, &file).is_empty(), "the search finds what is there");
    if kind == Kind::Sqlite {
        assert!(!holding(&everything, &database).is_empty(), "the search finds what is there");
    }
    let (lab, tenant, server) = paused.release();
    let jobs = server.idle(&tenant.steward);
    let release = jobs.iter().find_map(|job| job["release_id"].as_str()).unwrap();
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    let dataset = jobs[0]["dataset_id"].as_str().unwrap();
    let erased = server.client.delete(format!("{}/v1/datasets/{dataset}", server.url));
    assert_eq!(erased.bearer_auth(&tenant.steward).send().unwrap().status(), 204);
    let told = "SELECT COUNT(*) FROM jobs WHERE memory IS NOT NULL";
    assert_eq!(lab.number(told), 0, "the number of records is told by what memory they took");
    assert!(server.terminate().success());

    for secret in [&database[..], &file, &key] {
        assert_eq!(holding(&everything, secret), NONE);
    }
    if kind == Kind::Postgres {
        let cluster =
            PathBuf::from(
                String::from_utf8(lab.value(
                    "SELECT convert_to(setting, 'UTF8') FROM pg_settings WHERE name = 'data_directory'",
                ))
                .unwrap(),
            );
        assert!(!holding(&cluster.join("pg_wal"), &database).is_empty(), "half of it stays in the log");
        for secret in [&file[..], &key] {
            assert_eq!(holding(&cluster, secret), NONE);
        }
    }
}

fn files_are_closed_to_other_users(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "evaluate": true});
    server.made("/v1/jobs", &tenant.steward, &fit);
    server.idle(&tenant.steward);
    let open = || {
        let mut all = files(lab.folder.path());
        all.extend(all.clone().iter().filter_map(|file| file.parent().map(Path::to_path_buf)));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode();
        all.retain(|path| mode(path) & 0o077 != 0 && path != lab.folder.path());
        all
    };
    assert_eq!(open(), NONE);
    assert!(server.terminate().success());
    // Files of an older version, or unpacked from a backup, are closed at the next start.
    for path in files(lab.folder.path()) {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    }
    std::fs::set_permissions(lab.data().join("artifacts"), PermissionsExt::from_mode(0o755)).unwrap();
    let server = lab.serve(&[]);
    assert_eq!(open(), NONE);
    assert!(server.log.lock().unwrap().contains("were open to other users"));
}

/// The database is dropped and restored from a backup while the server runs: nothing draws before its spends are brought back.
fn a_database_put_back_under_a_live_server_accepts_no_fit(kind: Kind) {
    let one_fit = json!({"rho": 0.02});
    let (mut lab, tenant, dataset, backup) = Lab::backed_up(kind, one_fit);
    let server = lab.serve(&[]);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    server.made("/v1/jobs", &tenant.steward, &fit);
    server.idle(&tenant.steward);
    assert_eq!(server.post("/v1/jobs", &tenant.steward, &fit).status(), 409, "the cap pays for one");
    // An embedded database has no server of its own that could be put back under it.
    let server = match kind {
        Kind::Postgres => {
            lab.restore(&backup);
            server
        }
        Kind::Sqlite => {
            assert!(server.terminate().success());
            lab.database = backup;
            lab.serve(&[])
        }
    };
    // Connections of the pool find out first.
    let refused = wait(|| {
        let answer = server.post("/v1/jobs", &tenant.steward, &fit);
        (answer.status() != 503 && answer.status() != 500).then_some(answer)
    });
    assert_eq!(refused.status(), 409);
    assert_eq!(refused.json::<Value>().unwrap()["type"], "/problems/ledger-behind");
    let raised = server.client.patch(format!("{}/v1/tenants/{}", server.url, tenant.id));
    let raised = raised.bearer_auth(ADMIN).json(&json!({"cap": {"rho": 9.0}})).send().unwrap();
    assert_eq!(raised.status(), 409, "no cap is set before the spends are back");
    assert_eq!(lab.number("SELECT COUNT(*) FROM models"), 0);
    assert_eq!(lab.number("SELECT COUNT(*) FROM jobs WHERE kind = 'fit'"), 0);
    let said = lab.run(&["admin", "reconcile"]);
    assert!(said.contains("1 brought back, 0 not"), "{said}");
    let full = server.post("/v1/jobs", &tenant.steward, &fit).json::<Value>().unwrap();
    assert_eq!(full["type"], "/problems/budget-exhausted");
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'grant'"), 2, "no cap was raised");
}

/// Entries that are added after a restore do not hide what was lost, and reconciling raises a cap by a grant alone.
fn a_ledger_behind_its_mark_is_noticed_whatever_was_added_since(kind: Kind) {
    let (mut lab, tenant, dataset, backup) = Lab::backed_up(kind, json!({"rho": 0.02}));
    let server = lab.serve(&[]);
    let cap = |rho: f64| {
        let patch = server.client.patch(format!("{}/v1/tenants/{}", server.url, tenant.id));
        patch.bearer_auth(ADMIN).json(&json!({"cap": {"rho": rho}})).send().unwrap().status()
    };
    assert_eq!(cap(0.5), 200);
    let population = server.json("/v1/populations", ADMIN)["items"][0]["id"].as_str().unwrap().to_string();
    let patch = server.client.patch(format!("{}/v1/populations/{population}", server.url));
    assert_eq!(patch.bearer_auth(ADMIN).json(&json!({"cap": {"rho": 0.5}})).send().unwrap().status(), 200);
    for _ in 0..2 {
        let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
        server.made("/v1/jobs", &tenant.steward, &fit);
    }
    server.idle(&tenant.steward);
    let spent = lab.number("SELECT spent_rho FROM tenants");
    let last = lab.number("SELECT MAX(seq) FROM entries");
    assert!(server.terminate().success());

    lab.database = backup;
    // More tenants than entries were lost: the numbers pass the mark's.
    let server = lab.serve(&[]);
    for _ in 0..last {
        server.tenant(json!({"rho": 0.1}));
    }
    assert!(lab.number("SELECT MAX(seq) FROM entries") > last);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 0.5});
    assert_eq!(server.post("/v1/jobs", &tenant.steward, &fit).status(), 409);
    assert!(lab.run(&["admin", "reconcile"]).contains("2 brought back, 0 not"));
    // Both accounts held 0.02, which two fits of about 0.015 exceed: raised to what is spent, and the ledger says so.
    let of_tenant = format!("tenant_id = '{}'", tenant.id);
    let id = match kind {
        Kind::Postgres => of_tenant,
        Kind::Sqlite => format!("tenant_id = X'{}'", tenant.id.replace('-', "")),
    };
    assert_eq!(lab.number(&format!("SELECT COUNT(*) FROM entries WHERE kind = 'grant' AND {id}")), 4);
    let raised = format!("SELECT MAX(rho) FROM entries WHERE kind = 'grant' AND {id}");
    assert_eq!(lab.number(&raised), spent);
    assert!(lab.run(&["admin", "reconcile"]).contains("0 brought back"));
    let exhausted = server.post("/v1/jobs", &tenant.steward, &fit).json::<Value>().unwrap();
    assert_eq!(exhausted["type"], "/problems/budget-exhausted");
}

fn a_restore_that_undoes_caps_and_revocations_is_said_aloud(kind: Kind) {
    let (mut lab, tenant, dataset, backup) = Lab::backed_up(kind, json!({"rho": 1.0}));
    let server = lab.serve(&[]);
    let patch = server.client.patch(format!("{}/v1/tenants/{}", server.url, tenant.id));
    assert_eq!(patch.bearer_auth(ADMIN).json(&json!({"cap": {"rho": 0.25}})).send().unwrap().status(), 200);
    let keys = server.json(&format!("/v1/tenants/{}/keys", tenant.id), ADMIN);
    let key =
        keys["items"].as_array().unwrap().iter().find(|key| key["role"] == "reader").unwrap()["id"].clone();
    let key = key.as_str().unwrap();
    let revoked = server.client.delete(format!("{}/v1/tenants/{}/keys/{key}", server.url, tenant.id));
    assert_eq!(revoked.bearer_auth(ADMIN).send().unwrap().status(), 204);
    assert!(server.terminate().success());
    assert!(!lab.run(&["admin", "reconcile"]).contains("undone"));

    lab.database = backup;
    let server = lab.serve(&[]);
    // No fit is forgotten: the mark alone tells that the cap was lower.
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    let refused = server.post("/v1/jobs", &tenant.steward, &fit).json::<Value>().unwrap();
    assert_eq!(refused["type"], "/problems/ledger-behind");
    let said = lab.run(&["admin", "reconcile"]);
    for expected in
        [format!("tenant {} is ρ = 1.000000000000 again", tenant.id), format!("key {key} of tenant")]
    {
        assert!(said.contains(&expected), "{said}");
        assert!(server.log.lock().unwrap().contains(&expected), "said in the log at the start, too");
    }
}

/// The one fit of a tenant, when it has ended.
fn ended(server: &Server, tenant: &Tenant) -> Value {
    server.idle(&tenant.steward).into_iter().find(|job| job["kind"] == "fit").unwrap()
}

fn not_repeated(lab: &Lab, server: &Server, tenant: &Tenant, why: &str) {
    let fit = ended(server, tenant);
    assert!(fit["state"] == "failed" && fit["charged"] == true, "{fit:#?}");
    assert_eq!(fit["problem"]["type"], "/problems/not-repeatable");
    let detail = fit["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains(why) && detail.contains("was charged"), "{detail}");
    assert_eq!(lab.number("SELECT COUNT(*) FROM models"), 0);
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), 1);
    assert_eq!(lab.number("SELECT spent_rho FROM tenants"), lab.number("SELECT MAX(rho) FROM jobs"));
}

/// The database goes back to before the fit began to measure, with another ε: as if that fit had never drawn.
fn a_fit_that_the_database_has_forgotten_draws_nothing(kind: Kind) {
    let (lab, tenant) = kill_before_commit(kind);
    lab.execute(
        "UPDATE jobs SET state = 'queued', lease_until = NULL, measuring = NULL, measuring_started_at = NULL, noise_half = NULL, build = NULL,
         request = REPLACE(request, '\"epsilon\":2.0', '\"epsilon\":1.0') WHERE kind = 'fit'",
    );
    let server = lab.serve(&[]);
    not_repeated(&lab, &server, &tenant, "forgotten");
    assert_eq!(bundles(&lab).len(), 1, "the first attempt's alone");
}

/// A snapshot brings back both halves, and the digests in the database are gone: the note beside the artifacts tells two computations apart.
fn one_key_serves_one_computation(kind: Kind) {
    let (lab, tenant) = kill_before_commit(kind);
    lab.execute("UPDATE jobs SET measuring = NULL, request = REPLACE(request, '\"epsilon\":2.0', '\"epsilon\":1.0') WHERE kind = 'fit'");
    assert_eq!(half_in_database(&lab).len(), 32);
    half_in_file(&lab);
    let server = lab.serve(&[]);
    not_repeated(&lab, &server, &tenant, "measured something else");
    assert_eq!(bundles(&lab).len(), 1, "the first attempt's alone");
}

fn a_lost_half_ends_the_fit_charged(kind: Kind) {
    for lose in [
        |lab: &Lab| std::fs::remove_file(half_in_file(lab).0).unwrap(),
        |lab: &Lab| lab.execute("UPDATE jobs SET noise_half = NULL"),
    ] {
        let (lab, tenant) = kill_before_commit(kind);
        lose(&lab);
        let server = lab.serve(&[]);
        not_repeated(&lab, &server, &tenant, "is lost");
        assert!(files(&lab.data().join("noise")).is_empty());
    }
}

fn halves_without_a_fit_are_unlinked_at_the_start(kind: Kind) {
    let lab = Lab::new(kind);
    assert!(lab.serve(&[]).terminate().success());
    std::fs::write(lab.data().join("noise").join(uuid::Uuid::new_v4().to_string()), [7; 32]).unwrap();
    let _server = lab.serve(&[]);
    assert!(files(&lab.data().join("noise")).is_empty());
}

fn a_fit_that_measures_ends_before_the_server_does(kind: Kind) {
    let paused = pause_before_commit(kind);
    let pid = paused.server.child.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let Paused { lab, tenant, mut server, lock } = paused;
    drop(lock);
    assert!(server.child.wait().unwrap().success());
    assert_eq!(
        lab.number("SELECT COUNT(*) FROM jobs WHERE kind = 'fit' AND state = 'succeeded' AND attempt = 1"),
        1
    );
    let server = lab.serve(&[]);
    assert_eq!(ended(&server, &tenant)["state"], "succeeded");
}

fn a_bundle_that_cannot_be_stored_is_measured_again(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    // The store has no place for models.
    let models = lab.data().join("artifacts/models");
    std::fs::write(&models, "").unwrap();
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}));
    let waiting = wait(|| {
        let job = server.json("/v1/jobs?kind=fit", &tenant.steward)["items"][0].clone();
        assert_ne!(job["state"], "failed", "{job:#?}");
        (job["state"] == "queued" && job["attempt"] == 2).then_some(job)
    });
    assert!(waiting["problem"]["detail"].as_str().unwrap().contains("It is charged once"), "{waiting:#?}");
    // However often it is put back, that is no failure of the fit.
    assert_eq!(lab.number("SELECT CAST(SUM(failures) AS BIGINT) FROM jobs"), 0);
    lab.execute("UPDATE jobs SET attempt = 40 WHERE kind = 'fit' AND state = 'queued'");
    std::fs::remove_file(&models).unwrap();
    let fit = ended(&server, &tenant);
    assert!(fit["state"] == "succeeded" && fit["charged"] == true && fit["problem"].is_null(), "{fit:#?}");
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), 1);
    assert!(files(&lab.data().join("artifacts/scratch")).is_empty(), "nothing of the attempts stays");
}

/// A fit that has begun to measure waits for room, too, and ends as if nothing had been.
fn a_fit_that_has_begun_waits_for_room(kind: Kind) {
    let (lab, tenant) = kill_before_commit(kind);
    let server = lab.serve_within(64 << 20);
    let waiting = wait(|| {
        let job = server.json("/v1/jobs?kind=fit", &tenant.steward)["items"][0].clone();
        assert_ne!(job["state"], "failed", "{job:#?}");
        (job["state"] == "queued").then_some(job)
    });
    assert_eq!(waiting["problem"]["type"], "/problems/disk-full");
    assert!(server.terminate().success());
    let server = lab.serve(&[]);
    let fit = ended(&server, &tenant);
    assert!(fit["state"] == "succeeded" && fit["charged"] == true, "{fit:#?}");
    assert_eq!(lab.number("SELECT COUNT(*) FROM entries WHERE kind = 'commit'"), 1);
    assert_eq!(bundles(&lab).len(), 1, "the bundle of the attempt that could not commit is gone");
}

/// A server that is started on another database knows none of the fits, and leaves their halves alone.
fn another_database_unlinks_no_half(kind: Kind) {
    let (mut lab, tenant) = kill_before_commit(kind);
    let elsewhere = lab.another_database(kind);
    let own = std::mem::replace(&mut lab.database, elsewhere);
    assert!(lab.serve(&[]).terminate().success());
    half_in_file(&lab);
    lab.database = own;
    let server = lab.serve(&[]);
    assert_eq!(ended(&server, &tenant)["state"], "succeeded");
}

/// Room for the bundle is reserved before anything is drawn; without it the fit ends free of charge and says so.
fn a_disk_without_room_costs_nothing(kind: Kind) {
    let lab = Lab::new(kind);
    // No file of this server may grow beyond 64 MiB: as if the disk had no more.
    let server = lab.serve_within(64 << 20);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}));
    let fit = ended(&server, &tenant);
    assert!(fit["state"] == "failed" && fit["charged"] == false, "{fit:#?}");
    assert_eq!(fit["problem"]["type"], "/problems/disk-full");
    assert!(fit["problem"]["detail"].as_str().unwrap().ends_with("nothing was charged"), "{fit:#?}");
    assert_eq!(lab.number("SELECT reserved_rho + spent_rho FROM tenants"), 0);
    assert!(files(&lab.data().join("artifacts/scratch")).is_empty());
}
