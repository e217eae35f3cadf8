//! A disk that fills up and a database that goes away: what is refused meanwhile, and that everything goes on by itself afterwards.

use crate::harness::*;
use serde_json::{Value, json};

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
    assert!(!server.log.lock().unwrap().contains("non-zero transaction depth"));
}
