//! The ledger cannot overspend: in concurrent requests, in SQL, against the rules.

use crate::both;
use crate::harness::*;
use netdpsyn::ledger::{Account, Amount, Refusal};
use netdpsyn::storage::accounts::{self, Holder};
use netdpsyn::storage::ledger::{Purpose, commit, release, reserve};
use netdpsyn::storage::populations::{self, Population};
use netdpsyn::storage::tenants::{self, Tenant as TenantRow};
use netdpsyn::storage::{Db, Pools, StorageError};
use serde_json::{Value, json};
use uuid::Uuid;

both!(
    a_hundred_submissions_against_a_cap_for_five,
    sql_follows_the_rules,
    no_way_around_the_rules,
    ledger_entries_are_never_changed_or_deleted,
    a_restored_database_gets_back_its_lost_spends,
    a_restored_queue_gives_nothing_back,
    an_upload_waits_for_a_fit_that_is_being_accepted,
);

/// A backup forgets a fit; no further one is accepted before its spend is brought back.
fn a_restored_database_gets_back_its_lost_spends(kind: Kind) {
    let (mut lab, tenant, dataset, backup) = Lab::backed_up(kind, json!({"rho": 0.05}));
    let server = lab.serve(&[]);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    server.made("/v1/jobs", &tenant.steward, &fit);
    let spent = server.idle(&tenant.steward)[0]["rho"].clone();
    assert!(server.terminate().success());

    lab.database = backup;
    let server = lab.serve(&[]);
    let refused = server.post("/v1/jobs", &tenant.steward, &fit);
    assert_eq!(refused.status(), 409);
    assert_eq!(refused.json::<Value>().unwrap()["type"], "/problems/ledger-behind");
    assert!(lab.run(&["admin", "reconcile"]).contains("1 brought back, 0 not"));
    assert_eq!(server.json("/v1/budget", &tenant.steward)["tenant"]["spent"]["rho"], spent);
    server.made("/v1/jobs", &tenant.steward, &fit);
    server.idle(&tenant.steward);
    let both = server.json("/v1/budget", &tenant.steward)["tenant"]["spent"]["rho"].as_f64().unwrap();
    assert!((both - 2.0 * spent.as_f64().unwrap()).abs() < 1e-11);
    assert!(lab.run(&["admin", "reconcile"]).contains("0 brought back"));
}

/// A backup holds a fit that waits; it ran and its release is out. Cancelling the restored job gives nothing back.
fn a_restored_queue_gives_nothing_back(kind: Kind) {
    let mut lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 0.05}));
    let dataset = server.flows(&tenant.steward);
    assert!(server.terminate().success());
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    let job = server.made("/v1/jobs", &tenant.steward, &fit)["id"].as_str().unwrap().to_string();
    assert!(server.terminate().success());
    let backup = lab.backup();
    let server = lab.serve(&[]);
    let spent = server.idle(&tenant.steward)[0]["rho"].clone();
    assert!(server.terminate().success());

    lab.database = backup;
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    server.made(&format!("/v1/jobs/{job}/cancel"), &tenant.steward, &json!({}));
    assert!(server.terminate().success());
    let server = lab.serve(&[]);
    let ended = server.idle(&tenant.steward)[0].clone();
    assert!(ended["state"] == "cancelled" && ended["charged"] == true, "{ended:#?}");
    assert_eq!(server.json("/v1/budget", &tenant.steward)["tenant"]["spent"]["rho"], spent);
}

/// An upload that waits for the dataset must see the fit that was accepted meanwhile.
fn an_upload_waits_for_a_fit_that_is_being_accepted(kind: Kind) {
    use sqlx::{Connection, Executor};
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    assert!(server.terminate().success());
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let accepted =
        "INSERT INTO jobs (id, tenant_id, population_id, dataset_id, kind, state, request, created_at)
        SELECT id, tenant_id, population_id, id, 'fit', 'queued', '{}', 0 FROM datasets";
    let uploaded = std::thread::scope(|scope| {
        let upload = || server.upload(&dataset, &tenant.steward, sample("flows.csv.gz")).status();
        let pause = || tokio::time::sleep(std::time::Duration::from_millis(400));
        lab.runtime.block_on(async {
            if lab.database.starts_with("sqlite:") {
                let mut connection = sqlx::SqliteConnection::connect(&lab.database).await.unwrap();
                connection.execute("BEGIN IMMEDIATE").await.unwrap();
                let upload = scope.spawn(upload);
                pause().await;
                connection.execute(accepted).await.unwrap();
                connection.execute("COMMIT").await.unwrap();
                upload.join().unwrap()
            } else {
                let mut connection = sqlx::PgConnection::connect(&lab.database).await.unwrap();
                connection.execute("BEGIN").await.unwrap();
                connection.execute("SELECT * FROM datasets FOR UPDATE").await.unwrap();
                let upload = scope.spawn(upload);
                pause().await;
                connection.execute(accepted).await.unwrap();
                connection.execute("COMMIT").await.unwrap();
                upload.join().unwrap()
            }
        })
    });
    assert_eq!(uploaded, 409);
}

fn a_hundred_submissions_against_a_cap_for_five(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let scout = server.tenant(json!({"rho": 1.0}));
    let own = server.flows(&scout.steward);
    let quote = server.made("/v1/quotes", &scout.steward, &json!({"dataset_id": own, "epsilon": 0.5}));
    let one = quote["required_rho"].as_f64().unwrap();
    let tenant = server.tenant(json!({"rho": 5.0 * one + 1e-11}));
    let dataset = server.flows(&tenant.steward);

    let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let submit = || {
            let body = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 0.5});
            let response = server.post("/v1/jobs", &tenant.steward, &body);
            (response.status().as_u16(), response.json().unwrap())
        };
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(submit)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let accepted = answers.iter().filter(|(status, _)| *status == 202).count();
    let refused: Vec<&Value> =
        answers.iter().filter(|(status, _)| *status == 409).map(|(_, body)| body).collect();
    assert_eq!((accepted, refused.len()), (5, 95));
    assert!(refused.iter().all(|body| body["type"] == "/problems/budget-exhausted"));
    assert!(
        refused.iter().all(|body| body["required_rho"] == one && body["left_rho"].as_f64().unwrap() < one)
    );
    server.idle(&tenant.steward);
    let budget = server.json("/v1/budget", &tenant.steward);
    assert!((budget["tenant"]["spent"]["rho"].as_f64().unwrap() - 5.0 * one).abs() < 1e-10);
}

/// A tenant and its population, directly in the database.
async fn account(db: &Db, cap: Amount) -> (Uuid, Uuid) {
    let (tenant, population) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = db.begin("test").await.unwrap();
    let row = TenantRow { id: tenant, name: tenant.to_string(), created_at: 0 };
    tenants::add(&mut tx, &row, cap).await.unwrap();
    let row = Population {
        id: population,
        tenant_id: tenant,
        name: "default".into(),
        is_default: true,
        strict: false,
        split_key: netdpsyn::storage::populations::SplitSecret(vec![0; 32]),
        created_at: 0,
    };
    populations::add(&mut tx, &row, cap).await.unwrap();
    tx.commit().await.unwrap();
    (tenant, population)
}

/// Whether so much more fits, in plain arithmetic: the rules as this test knows them, apart from those that it tests.
fn fits(books: &Account, more: Amount) -> bool {
    books.spent.rho + books.reserved.rho + more.rho <= books.cap.rho
        && books.spent.delta + books.reserved.delta + more.delta <= books.cap.delta
}

/// Random operations (seeded, 400 of them) in plain arithmetic and on the database, compared after each.
fn sql_follows_the_rules(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let db = Db::connect(&lab.database).await.unwrap();
        let amount = |n: u64| Amount { rho: n, delta: n / 3 };
        let (tenant, population) = account(&db, amount(500)).await;
        let holders = [Holder::Tenant(tenant), Holder::Population(population)];
        let mut books = Account { cap: amount(500), ..Account::default() };
        let mut open: Vec<(Uuid, u64)> = Vec::new();
        let mut state = 42u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..400 {
            let mut tx = db.begin("test").await.unwrap();
            let purpose = |job| Purpose { tenant, population, job, actor: "test", now: 0 };
            match random(4) {
                0 | 1 => {
                    let (job, n) = (Uuid::now_v7(), random(120));
                    let held = reserve(&mut tx, &purpose(job), amount(n)).await.unwrap();
                    assert_eq!(held, fits(&books, amount(n)));
                    if !held {
                        continue;
                    }
                    open.push((job, n));
                    books.reserved.rho += n;
                    books.reserved.delta += n / 3;
                }
                2 if !open.is_empty() => {
                    let (job, n) = open.swap_remove(random(open.len() as u64) as usize);
                    commit(&mut tx, &purpose(job), amount(n)).await.unwrap();
                    books.reserved.rho -= n;
                    books.reserved.delta -= n / 3;
                    books.spent.rho += n;
                    books.spent.delta += n / 3;
                }
                3 if !open.is_empty() => {
                    let (job, n) = open.swap_remove(random(open.len() as u64) as usize);
                    release(&mut tx, &purpose(job), amount(n)).await.unwrap();
                    books.reserved.rho -= n;
                    books.reserved.delta -= n / 3;
                }
                _ => {
                    let cap = amount(300 + random(700));
                    let set = fits(&Account { cap, ..books }, amount(0));
                    for holder in holders {
                        assert_eq!(accounts::set_cap(&mut tx, holder, cap).await.unwrap(), set);
                    }
                    if set {
                        books.cap = cap;
                    }
                }
            }
            tx.commit().await.unwrap();
            let mut tx = db.read("test").await.unwrap();
            for holder in holders {
                assert_eq!(accounts::find(&mut tx, holder).await.unwrap(), Some(books));
            }
        }
        // No code path can commit or give back what was never reserved.
        let purpose = Purpose { tenant, population, job: Uuid::now_v7(), actor: "test", now: 0 };
        let mut tx = db.begin("test").await.unwrap();
        for refused in [
            commit(&mut tx, &purpose, amount(100_000)).await.unwrap_err(),
            release(&mut tx, &purpose, amount(100_000)).await.unwrap_err(),
        ] {
            assert!(matches!(refused, StorageError::Ledger(Refusal::NotReserved)), "{refused}");
        }
        for holder in holders {
            assert_eq!(accounts::find(&mut tx, holder).await.unwrap(), Some(books), "nothing was written");
        }
    });
}

/// Whoever comes by another way than the rules: the tables' own constraints refuse it, and an account that changed since it was read is not written over.
fn no_way_around_the_rules(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let db = Db::connect(&lab.database).await.unwrap();
        let (tenant, population) = account(&db, Amount { rho: 10, delta: 10 }).await;
        for table in ["tenants", "populations"] {
            for change in [
                "spent_rho = 11",
                "reserved_rho = -1",
                "spent_delta = 11",
                "cap_rho = -1",
                "reserved_delta = -1",
            ] {
                let sql = sqlx::AssertSqlSafe(format!("UPDATE {table} SET {change}"));
                let refused = match &db.pools {
                    Pools::Postgres(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
                    Pools::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await.map(|_| ()),
                };
                let refused = refused.unwrap_err();
                let constraint = refused.as_database_error().is_some_and(|error| error.is_check_violation());
                assert!(constraint, "{table} {change}: {refused}");
            }
        }
        let purpose = |job| Purpose { tenant, population, job, actor: "test", now: 0 };
        let one = Amount { rho: 1, delta: 0 };
        for holder in [Holder::Tenant(tenant), Holder::Population(population)] {
            let mut tx = db.begin("test").await.unwrap();
            let mut stale = accounts::lock(&mut tx, holder).await.unwrap().unwrap();
            assert!(reserve(&mut tx, &purpose(Uuid::now_v7()), one).await.unwrap());
            stale.account.reserve(one).unwrap();
            let refused = accounts::write(&mut tx, &stale).await.unwrap_err().to_string();
            assert_eq!(refused, "netdpsyn::storage::accounts::write changed 0 rows, not one");
        }
        let mut tx = db.begin("test").await.unwrap();
        let nobody = Holder::Tenant(Uuid::now_v7());
        assert!(!accounts::set_cap(&mut tx, nobody, one).await.unwrap());
        let stranger = Purpose { tenant: nobody.id(), ..purpose(Uuid::now_v7()) };
        assert!(reserve(&mut tx, &stranger, one).await.is_err());
    });
}

fn ledger_entries_are_never_changed_or_deleted(kind: Kind) {
    let lab = Lab::new(kind);
    lab.runtime.block_on(async {
        let db = Db::connect(&lab.database).await.unwrap();
        let (tenant, population) = account(&db, Amount { rho: 10, delta: 0 }).await;
        let mut tx = db.begin("test").await.unwrap();
        let purpose = Purpose { tenant, population, job: Uuid::now_v7(), actor: "test", now: 0 };
        assert!(reserve(&mut tx, &purpose, Amount { rho: 1, delta: 0 }).await.unwrap());
        tx.commit().await.unwrap();
        for sql in ["UPDATE entries SET rho = 0", "DELETE FROM entries"] {
            let refused = match &db.pools {
                Pools::Postgres(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
                Pools::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await.map(|_| ()),
            };
            assert!(refused.unwrap_err().to_string().contains("never changed or deleted"));
        }
    });
}
