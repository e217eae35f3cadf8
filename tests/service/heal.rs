//! A disk that fills up and a database that goes away: what is refused meanwhile, and that everything goes on by itself afterwards.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};

both!(readiness_proves_a_write, many_probes_are_one_write);

/// A tenant of which the database keeps this many letters.
fn tenant(server: &Server, letters: usize) -> (u16, Value) {
    let name = format!("{} {}", uuid::Uuid::now_v7(), "x".repeat(letters));
    let answer = server.post("/v1/tenants", ADMIN, &json!({"name": name, "cap": {"rho": 1.0}}));
    (answer.status().as_u16(), answer.json().unwrap_or_default())
}

/// The write-ahead log may grow no further, wherever in a transaction that is noticed: whatever is written is refused with 507, and all goes on when there is room.
#[test]
fn the_embedded_database_goes_on_when_there_is_room_again() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve_within(64 << 20);
    let wal = format!("{}-wal", lab.database.strip_prefix("sqlite:").unwrap());
    for round in 0..5 {
        let (status, made) = tenant(&server, 100);
        assert_eq!(status, 201, "round {round}: {made}");
        let id = made["id"].as_str().unwrap().to_string();
        // Some pages more, so that the fault comes at another place every time.
        let full = std::fs::metadata(&wal).unwrap().len() + round * 4_500;
        server.limit_files(Some(full));
        let refused = wait(|| Some(tenant(&server, 100)).filter(|(status, _)| *status != 201));
        assert_eq!((refused.0, &refused.1["type"]), (507, &json!("/problems/disk-full")), "{}", refused.1);
        for _ in 0..10 {
            assert_eq!(tenant(&server, 100).0, 507, "refused as long as it is full");
            assert_eq!(server.get(&format!("/v1/tenants/{id}"), ADMIN).status(), 200, "reading goes on");
        }
        server.limit_files(None);
    }
    assert_eq!(tenant(&server, 100).0, 201);
    // Whatever was under way when the disk filled up ends, and is charged if there is a model for it.
    let payer = server.tenant(json!({"rho": 10.0}));
    let dataset = server.flows(&payer.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0});
    for round in 0..5 {
        server.made("/v1/jobs", &payer.steward, &fit);
        std::thread::sleep(std::time::Duration::from_millis(40 * round));
        server.limit_files(Some(0));
        let refused = server.post("/v1/jobs", &payer.steward, &fit);
        assert_eq!(refused.status(), 507, "{}", refused.text().unwrap());
        server.limit_files(None);
        for job in server.idle(&payer.steward).iter().filter(|job| job["kind"] == "fit") {
            assert_eq!(job["charged"], job["state"] == "succeeded", "{job:#?}");
        }
    }
    assert_eq!(lab.number("SELECT reserved_rho FROM tenants WHERE cap_rho = 10000000000000"), 0);
    assert!(!server.log.lock().unwrap().contains("non-zero transaction depth"));
}

/// What `/readyz` answers: its status, and what it says is wrong.
fn ready(server: &Server) -> (u16, Value) {
    let answer = server.client.get(format!("{}/readyz", server.url)).send().unwrap();
    (answer.status().as_u16(), answer.json().unwrap_or_default())
}

fn until_ready(server: &Server, expected: u16) -> Value {
    wait(|| Some(ready(server)).filter(|(status, _)| *status == expected)).1
}

/// A database that answers and takes nothing is not ready, whatever keeps it from writing.
fn readiness_proves_a_write(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve_within(64 << 20);
    assert_eq!(ready(&server).0, 200);
    let held = lab.hold_writes();
    let problem = until_ready(&server, 503);
    assert_eq!(
        (&problem["type"], &problem["failing"]),
        (&json!("/problems/unavailable"), &json!("database"))
    );
    assert_eq!(server.get("/v1/tenants", ADMIN).status(), 200, "it answers");
    drop(held);
    until_ready(&server, 200);
    // The files have no room for one byte more.
    server.limit_files(Some(0));
    let problem = until_ready(&server, 503);
    let failing = if kind == Kind::Sqlite { "database" } else { "data directory" };
    assert_eq!(problem["failing"], failing, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("disk is full"), "{problem}");
    server.limit_files(None);
    until_ready(&server, 200);
}

/// Probes need no key: however many there are, the database is written to once a second.
fn many_probes_are_one_write(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let mut written = std::collections::HashSet::new();
    let start = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(ready(&server).0, 200);
        written.insert(lab.number("SELECT written_at FROM probes"));
    }
    let most = start.elapsed().as_secs() as usize + 2;
    assert!((1..=most).contains(&written.len()), "{} writes, at most {most}", written.len());
}

/// A full disk of the database's server is told apart from one that is away, and connections that were cut heal by themselves.
#[test]
fn postgres_without_room_and_cut_off() {
    let lab = Lab::new(Kind::Postgres);
    let server = lab.serve(&[]);
    assert_eq!(tenant(&server, 1).0, 201);
    lab.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
    );
    for table in ["tenants", "probes"] {
        lab.execute(&format!("CREATE TRIGGER fail BEFORE INSERT ON {table} EXECUTE FUNCTION fail()"));
    }
    let (status, problem) = tenant(&server, 1);
    assert_eq!((status, &problem["type"]), (507, &json!("/problems/disk-full")), "{problem}");
    assert!(until_ready(&server, 503)["detail"].as_str().unwrap().contains("disk is full"));
    lab.execute("DROP FUNCTION fail() CASCADE");
    assert_eq!(tenant(&server, 1).0, 201);
    until_ready(&server, 200);
    for _ in 0..5 {
        lab.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        for _ in 0..20 {
            let (status, problem) = tenant(&server, 1);
            assert!(status == 201 || status == 503, "{problem}");
        }
        assert_eq!(tenant(&server, 1).0, 201, "the pool has new connections");
    }
}
