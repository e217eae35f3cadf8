//! The drill: a backup while a fit measures, more fits, a loss, a restore, and every budget as it was charged.

use crate::both;
use crate::crash::{Paused, pause_while};
use crate::edges::{files, half_in_database, half_in_file, holding};
use crate::harness::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

both!(
    the_drill,
    an_upload_under_way_ends_by_itself,
    a_dataset_erased_during_a_backup_is_erased_after_the_restore,
    a_folder_that_is_no_backup_is_refused,
    a_backup_moves_to_the_other_database,
    the_files_alone,
);

/// A fit's cost at ε = 2, as every fit here has.
fn cost(lab: &Lab) -> i64 {
    lab.number("SELECT MAX(rho) FROM jobs WHERE kind = 'fit'")
}

fn fit(server: &Server, tenant: &Tenant, dataset: &str) {
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}));
}

/// Publishes the only release and gives its id and content's digest.
fn published(server: &Server, tenant: &Tenant) -> (String, Vec<u8>) {
    let release =
        server.json("/v1/releases", &tenant.steward)["items"][0]["id"].as_str().unwrap().to_string();
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    let digest = content(server, tenant, &release);
    (release, digest)
}

fn content(server: &Server, tenant: &Tenant, release: &str) -> Vec<u8> {
    let answer = server.get(&format!("/v1/releases/{release}/content"), &tenant.reader);
    assert_eq!(answer.status(), 200);
    Sha256::digest(answer.bytes().unwrap()).to_vec()
}

/// Runs a command that must fail; what it says.
fn refused(lab: &Lab, args: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netdpsyn"));
    command.args(args).env("NETDPSYN_DATABASE_URL", &lab.database).env("NETDPSYN_DATA_DIR", lab.data());
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn backup(lab: &Lab) -> PathBuf {
    let folder = lab.folder.path().join("backup");
    let said = lab.run(&["admin", "backup", folder.to_str().unwrap()]);
    assert!(said.contains("it holds raw traces"), "{said}");
    folder
}

fn restore(lab: &Lab, folder: &Path, more: &[&str]) -> String {
    lab.run(&[&["admin", "restore", folder.to_str().unwrap()], more].concat())
}

/// An empty database in place of the lab's.
fn lose_the_database(lab: &mut Lab, kind: Kind) {
    lab.database = lab.another_database(kind);
}

fn fits(server: &Server, tenant: &Tenant) -> Vec<Value> {
    server.idle(&tenant.steward).into_iter().filter(|job| job["kind"] == "fit").collect()
}

fn spent(lab: &Lab) -> [i64; 3] {
    ["SELECT spent_rho FROM tenants", "SELECT spent_rho FROM populations", "SELECT reserved_rho FROM tenants"]
        .map(|sql| lab.number(sql))
}

/// A restore that ends after its files were put in place, and before its rows were: marks that it has put there itself tell nothing.
fn restored_at_the_second_try(lab: &Lab, folder: &Path, kind: Kind) {
    lab.run(&["config", "check"]);
    let (block, free) = match kind {
        Kind::Sqlite => (
            "CREATE TRIGGER in_the_way BEFORE INSERT ON releases BEGIN SELECT RAISE(ABORT, 'in the way'); END",
            "DROP TRIGGER in_the_way",
        ),
        Kind::Postgres => (
            "ALTER TABLE releases ADD CONSTRAINT in_the_way CHECK (bytes < 0)",
            "ALTER TABLE releases DROP CONSTRAINT in_the_way",
        ),
    };
    lab.execute(block);
    assert!(
        refused(lab, &["admin", "restore", folder.to_str().unwrap()]).contains("in_the_way")
            || kind == Kind::Sqlite
    );
    assert!(refused(lab, &["serve"]).contains("did not end"));
    lab.execute(free);
    let said = restore(lab, folder, &["--keep-files"]);
    assert_eq!(said.matches("will end charged and without a model").count(), 2, "{said}");
    assert!(said.contains("UNKNOWN"), "{said}");
}

fn the_drill(kind: Kind) {
    // One fit is published, one measures, one waits.
    let mut first = None;
    let paused = pause_while(kind, 2, |server, tenant, dataset| {
        fit(server, tenant, dataset);
        server.idle(&tenant.steward);
        first = Some((published(server, tenant), dataset.to_string(), server.flows(&tenant.steward)));
    });
    let ((release, digest), dataset, regretted) = first.unwrap();
    let halves = [half_in_database(&paused.lab), half_in_file(&paused.lab).1];
    let folder = backup(&paused.lab);
    for half in &halves {
        assert_eq!(holding(&folder, half), Vec::<PathBuf>::new(), "no half of a noise key is in it");
    }
    assert!(!holding(&paused.lab.data(), &halves[1]).is_empty(), "the search finds what is there");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in files(&folder) {
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700), "{}", file.display());
    }
    // The fits that were open at the backup end, and another one runs and is published.
    let Paused { mut lab, tenant, server, lock } = paused;
    drop(lock);
    server.idle(&tenant.steward);
    fit(&server, &tenant, &dataset);
    let erased = server.client.delete(format!("{}/v1/datasets/{regretted}", server.url));
    assert_eq!(erased.bearer_auth(&tenant.steward).send().unwrap().status(), 204);
    assert!(fits(&server, &tenant).iter().all(|fit| fit["charged"] == true && fit["state"] == "succeeded"));
    let cost = cost(&lab);
    assert_eq!(spent(&lab), [4 * cost, 4 * cost, 0]);
    assert!(refused(&lab, &["admin", "restore", folder.to_str().unwrap()]).contains("a server uses"));
    assert!(server.terminate().success());
    assert!(refused(&lab, &["admin", "restore", folder.to_str().unwrap()]).contains("--keep-files"));
    assert!(
        refused(&lab, &["admin", "restore", folder.to_str().unwrap(), "--keep-files"])
            .contains("the database is not empty")
    );

    // The database alone is lost: the data directory remembers every spend.
    lose_the_database(&mut lab, kind);
    let said = restore(&lab, &folder, &["--keep-files"]);
    assert_eq!(said.matches("will end charged and without a model").count(), 2, "{said}");
    assert_eq!(said.matches("to reconcile: ρ = ").count(), 1, "{said}");
    assert!(said.contains("no fit is accepted until") && !said.contains("UNKNOWN"), "{said}");
    assert_eq!(said.matches("erased since the backup, and stays so: traces/").count(), 1, "{said}");
    let traces = || files(&lab.data().join("artifacts/traces")).len();
    assert_eq!(traces(), 1, "no backup brings back what was erased");
    let reconciled = lab.run(&["admin", "reconcile"]);
    assert!(reconciled.contains("1 brought back, 0 not"), "{reconciled}");
    let server = lab.serve(&[]);
    let ended = fits(&server, &tenant);
    assert_eq!(
        ended.iter().map(|fit| fit["state"].as_str().unwrap()).collect::<Vec<_>>(),
        ["succeeded", "failed", "failed"]
    );
    assert!(ended.iter().all(|fit| fit["charged"] == true), "{ended:#?}");
    assert_eq!(spent(&lab), [4 * cost, 4 * cost, 0], "as it was charged");
    assert_eq!(content(&server, &tenant, &release), digest);
    assert_eq!(server.json(&format!("/v1/datasets/{regretted}"), &tenant.steward)["state"], "erased");
    fit(&server, &tenant, &dataset);
    assert_eq!(fits(&server, &tenant).last().unwrap()["state"], "succeeded", "everything goes on");
    assert_eq!(spent(&lab), [5 * cost, 5 * cost, 0]);
    assert!(server.terminate().success());

    // Both are lost: what cannot be known is said, and no fit draws that may have drawn.
    let lab = Lab::new(kind);
    restored_at_the_second_try(&lab, &folder, kind);
    let lab = Lab::new(kind);
    let said = restore(&lab, &folder, &[]);
    assert_eq!(said.matches("will end charged and without a model").count(), 2, "{said}");
    assert!(said.contains("UNKNOWN") && !said.contains("to reconcile"), "{said}");
    lab.run(&["admin", "reconcile"]);
    let server = lab.serve(&[]);
    let ended = fits(&server, &tenant);
    assert_eq!(ended.iter().filter(|fit| fit["problem"]["type"] == "/problems/not-repeatable").count(), 2);
    assert_eq!(spent(&lab), [3 * cost, 3 * cost, 0], "all that the backup knows of");
    assert_eq!(content(&server, &tenant, &release), digest);
    fit(&server, &tenant, &dataset);
    assert_eq!(fits(&server, &tenant).last().unwrap()["state"], "succeeded", "everything goes on");
}

fn an_upload_under_way_ends_by_itself(kind: Kind) {
    use std::io::Write;
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.dataset(&tenant.steward);
    let address = server.url.strip_prefix("http://").unwrap();
    let mut upload = std::net::TcpStream::connect(address).unwrap();
    write!(
        upload,
        "PUT /v1/datasets/{dataset}/trace HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {}\r\nContent-Length: 1000\r\n\r\nhalf",
        tenant.steward
    )
    .unwrap();
    let state =
        |server: &Server| server.json(&format!("/v1/datasets/{dataset}"), &tenant.steward)["state"].clone();
    wait(|| (state(&server) == "receiving").then_some(()));
    let folder = backup(&lab);
    assert!(files(&folder.join("artifacts")).is_empty(), "half a trace is none");
    let other = Lab::new(kind);
    restore(&other, &folder, &[]);
    let server = other.serve(&[]);
    wait(|| (state(&server) == "empty").then_some(()));
    assert_eq!(server.upload(&dataset, &tenant.steward, sample("flows.csv.gz")).status(), 202);
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "ready");
}

/// As if the steward had erased it between the snapshot and the copy.
fn a_dataset_erased_during_a_backup_is_erased_after_the_restore(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let trace = lab.files().into_iter().find(|file| file.contains("/traces/")).unwrap();
    std::fs::remove_file(trace).unwrap();
    let folder = lab.folder.path().join("backup");
    let said = lab.run(&["admin", "backup", folder.to_str().unwrap()]);
    assert!(said.contains("erased meanwhile: traces/"), "{said}");
    let other = Lab::new(kind);
    restore(&other, &folder, &[]);
    let server = other.serve(&[]);
    assert_eq!(server.json(&format!("/v1/datasets/{dataset}"), &tenant.steward)["state"], "erased");
}

fn a_folder_that_is_no_backup_is_refused(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    server.flows(&tenant.steward);
    let folder = backup(&lab);
    let path = folder.to_str().unwrap();
    assert!(refused(&lab, &["admin", "backup", path]).contains("is not empty"));
    // No room in the middle: nothing of it stays.
    let small = lab.folder.path().join("small");
    let limited = format!(
        "ulimit -f 1; trap '' XFSZ; exec {} admin backup {}",
        env!("CARGO_BIN_EXE_netdpsyn"),
        small.display()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &limited]).env("NETDPSYN_DATABASE_URL", &lab.database);
    let output = command.env("NETDPSYN_DATA_DIR", lab.data()).output().unwrap();
    assert!(!output.status.success() && !small.exists());

    let other = Lab::new(kind);
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let trace = files(&folder.join("artifacts/traces")).remove(0);
    let bytes = std::fs::read(&trace).unwrap();
    // What is linked to the store must not be written to: put another file in its place.
    let replace = |with: &[u8]| {
        std::fs::remove_file(&trace).unwrap();
        std::fs::write(&trace, with).unwrap();
    };
    let said = |expected: &str| {
        let said = refused(&other, &["admin", "restore", path]);
        assert!(said.contains(expected), "{said}");
        assert!(!other.data().join("artifacts").exists(), "nothing was written");
    };
    replace(&[&bytes[..bytes.len() - 1], b"x"].concat());
    said("is not what it was when the backup was made");
    replace(&bytes);
    for (from, to, expected) in [
        ("\"format\": 1", "\"format\": 2", "is not of a backup of format 1"),
        ("\"schema\": ", "\"schema\": 9", "and this program knows"),
        ("\"path\": \"artifacts/", "\"path\": \"artifacts/../../", "is not what it was"),
    ] {
        std::fs::write(folder.join("manifest.json"), manifest.replace(from, to)).unwrap();
        said(expected);
    }
    std::fs::remove_file(folder.join("manifest.json")).unwrap();
    said("is no complete backup");
    std::fs::write(folder.join("manifest.json"), &manifest).unwrap();
    restore(&other, &folder, &[]);
}

fn a_backup_moves_to_the_other_database(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    fit(&server, &tenant, &dataset);
    server.idle(&tenant.steward);
    let (release, digest) = published(&server, &tenant);
    let paths = ["/v1/budget", "/v1/budget/entries", "/v1/jobs", "/v1/releases", "/v1/datasets"];
    let told = |server: &Server| paths.map(|path| server.json(path, &tenant.steward));
    let before = told(&server);
    let folder = backup(&lab);
    let other = Lab::new(if kind == Kind::Sqlite { Kind::Postgres } else { Kind::Sqlite });
    restore(&other, &folder, &[]);
    let server = other.serve(&[]);
    assert_eq!(told(&server), before);
    assert_eq!(content(&server, &tenant, &release), digest);
    // What is numbered counts on.
    server.flows(&tenant.steward);
    fit(&server, &tenant, &dataset);
    assert!(fits(&server, &tenant).iter().all(|fit| fit["state"] == "succeeded"));
    assert_eq!(server.json("/v1/datasets", &tenant.steward)["items"].as_array().unwrap().len(), 2);
}

/// The data directory is lost and the database is not: what was made since is named and not there, and that is said.
fn the_files_alone(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    fit(&server, &tenant, &dataset);
    server.idle(&tenant.steward);
    let (release, digest) = published(&server, &tenant);
    let folder = backup(&lab);
    fit(&server, &tenant, &dataset);
    server.idle(&tenant.steward);
    assert!(server.terminate().success());
    std::fs::remove_dir_all(lab.data()).unwrap();
    let said = restore(&lab, &folder, &["--files-only"]);
    assert_eq!(said.matches("named by the database: ").count(), 2, "a bundle and a trace: {said}");
    let server = lab.serve(&[]);
    assert_eq!(content(&server, &tenant, &release), digest);
    assert_eq!(spent(&lab), [2 * cost(&lab), 2 * cost(&lab), 0]);
    fit(&server, &tenant, &dataset);
    assert_eq!(fits(&server, &tenant).last().unwrap()["state"], "succeeded");
}
