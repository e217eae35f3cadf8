//! Settings and keys: what is refused, what is said aloud, and which account a cap leaves short.

use crate::harness::*;
use serde_json::{Value, json};
use std::process::{Command, Output};

/// The binary on this lab's database, with a setting.
fn run(lab: &Lab, args: &[&str], name: &str, value: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netdpsyn"));
    command.args(args).env("NETDPSYN_DATABASE_URL", &lab.database).env("NETDPSYN_DATA_DIR", lab.data());
    command.env("NETDPSYN_LISTEN", "127.0.0.1:0").env(name, value).output().unwrap()
}

#[test]
fn a_setting_out_of_range_is_refused_at_the_start() {
    let lab = Lab::new(Kind::Sqlite);
    for (name, value, range) in [
        ("NETDPSYN_LEASE_SECONDS", "0", "1 to 3600"),
        ("NETDPSYN_MAX_REQUESTS_PER_SECOND", "0", "1 to 1000000"),
        ("NETDPSYN_MAX_UPLOAD_BYTES", "99999999999999999999", "1 to 1 PiB"),
        ("NETDPSYN_WORKERS", "1000000", "0 to 256"),
        ("NETDPSYN_MAX_OPEN_JOBS", "-1", "1 to 1000000"),
    ] {
        for args in [&["serve"][..], &["config", "check"], &["admin", "reconcile"]] {
            let refused = run(&lab, args, name, value);
            let said = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(2), "{args:?}: {said}");
            assert_eq!(said, format!("error: {name}={value:?}: it may be {range}\n"));
        }
    }
    assert!(!lab.data().exists(), "nothing was begun");
    let shown = run(&lab, &["config", "check"], "NETDPSYN_WORKER", "4").stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("NETDPSYN_WORKER is not a setting"), "{shown}");
    let lease = shown.lines().find(|line| line.starts_with("NETDPSYN_LEASE_SECONDS")).unwrap();
    assert!(lease.ends_with("1 to 3600") && lease.contains(" 30 "), "{lease}");
}

#[test]
fn a_changed_administrators_key_is_said_aloud() {
    let lab = Lab::new(Kind::Sqlite);
    let said = |server: &Server| {
        let log = server.log.lock().unwrap().clone();
        log.contains("NETDPSYN_ADMIN_KEY is not an administrator's key of this database")
    };
    let server = lab.serve(&[]);
    assert!(!said(&server));
    assert!(server.terminate().success());
    let server = lab.serve(&[]);
    assert!(!said(&server), "the same key again");
    let steward = server.tenant(json!({"rho": 1.0})).steward;
    assert!(server.terminate().success());
    for other in [ADMIN.replace("aa", "bb"), format!("{}ff", &ADMIN[..ADMIN.len() - 2]), steward] {
        let server = lab.serve(&[("NETDPSYN_ADMIN_KEY", &other)]);
        assert!(said(&server), "{}", server.log.lock().unwrap());
        assert!(!server.log.lock().unwrap().contains(&other[16..]), "the key itself is not said");
        assert!(server.get("/v1/tenants", &other).status().is_client_error());
        assert_eq!(server.get("/v1/tenants", ADMIN).status(), 200);
        assert!(server.terminate().success());
    }
}

#[test]
fn administrators_keys_are_issued_and_revoked_at_the_machine() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let issued = lab.run(&["admin", "key", "--role", "admin"]);
    let second = issued.split_whitespace().nth(1).unwrap();
    assert_eq!(server.get("/v1/tenants", second).status(), 200);
    let listed = lab.run(&["admin", "keys"]);
    assert!(listed.contains(&ADMIN[..16]) && listed.contains(&second[..16]), "{listed}");
    assert!(!listed.contains(&second[..20]), "no secret is listed");
    let said = lab.run(&["admin", "revoke", &ADMIN[..16]]);
    assert!(said.starts_with(&format!("revoked  {} (admin", &ADMIN[..16])), "{said}");
    assert_eq!(server.get("/v1/tenants", ADMIN).status(), 401);
    assert_eq!(server.get("/v1/tenants", second).status(), 200);
    let again = run(&lab, &["admin", "revoke", &ADMIN[..16]], "NETDPSYN_LOG", "info");
    assert!(!again.status.success(), "it is no valid key any more");
    // A reader's goes by its id, as well.
    let tenant = server.made("/v1/tenants", second, &json!({"name": "one", "cap": {"rho": 1.0}}));
    let keys = format!("/v1/tenants/{}/keys", tenant["id"].as_str().unwrap());
    let reader = server.made(&keys, second, &json!({"role": "reader", "name": "one"}));
    lab.run(&["admin", "revoke", reader["id"].as_str().unwrap()]);
    assert_eq!(server.get("/v1/releases", reader["secret"].as_str().unwrap()).status(), 401);
    let nobody = run(&lab, &["admin", "key", "--role", "steward"], "NETDPSYN_LOG", "info");
    assert!(String::from_utf8(nobody.stderr).unwrap().contains("name the tenant"));
}

#[test]
fn a_cap_that_is_raised_says_which_account_stays_short() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.02}));
    let dataset = server.flows(&tenant.steward);
    let set = |path: &str, rho: f64| {
        let patch = server.client.patch(format!("{}{path}", server.url));
        let answer = patch.bearer_auth(ADMIN).json(&json!({"cap": {"rho": rho}})).send().unwrap();
        assert_eq!(answer.status(), 200);
        answer.json::<Value>().unwrap()
    };
    let refused = || {
        let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0});
        let answer = server.post("/v1/jobs", &tenant.steward, &fit);
        assert_eq!(answer.status(), 409);
        answer.json::<Value>().unwrap()
    };
    assert_eq!(refused()["short"], json!(["tenant", "population"]));
    let of_tenant = format!("/v1/tenants/{}", tenant.id);
    let raised = set(&of_tenant, 1.0);
    assert_eq!((&raised["left"]["rho"], raised["id"].as_str()), (&json!(1.0), Some(&*tenant.id)));
    let short = &raised["short"];
    assert_eq!(short.as_array().unwrap().len(), 1);
    assert_eq!((&short[0]["account"], &short[0]["left"]["rho"]), (&json!("population"), &json!(0.02)));
    let problem = refused();
    assert_eq!(problem["short"], json!(["population"]));
    assert!(problem["detail"].as_str().unwrap().contains("in the population's account"), "{problem}");
    let of_population = format!("/v1/populations/{}", short[0]["id"].as_str().unwrap());
    let raised = set(&of_population, 5.0);
    assert_eq!(raised["short"][0]["account"], "tenant");
    assert_eq!(
        (&raised["short"][0]["id"], &raised["short"][0]["left"]["rho"]),
        (&json!(tenant.id), &json!(1.0))
    );
    assert_eq!(set(&of_population, 1.0)["short"], json!([]));
    assert_eq!(set(&of_tenant, 1.0)["short"], json!([]));
}
