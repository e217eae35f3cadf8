//! Kinds and states are enums in the program and text in both databases, which check it: the two lists are one.

use crate::both;
use crate::harness::*;
use netdpsyn::storage::{Db, Pools, datasets, jobs, keys::Role, ledger, looks::PrivateLook, releases};
use serde_json::{Value, json};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};
use std::fmt::Debug;

both!(the_databases_take_the_words_that_there_are, a_kind_that_nobody_knows_is_said_and_not_done);

trait Both: for<'q> Encode<'q, Postgres> + for<'q> Encode<'q, Sqlite> + Type<Postgres> + Type<Sqlite> {}
impl<T> Both for T where
    T: for<'q> Encode<'q, Postgres> + for<'q> Encode<'q, Sqlite> + Type<Postgres> + Type<Sqlite>
{
}

/// Puts a word where `sql` says, and gives what stands there then; nothing of it stays.
async fn put<T, W>(db: &Db, sql: &'static str, word: W) -> Result<T, sqlx::Error>
where
    T: Both + for<'r> Decode<'r, Postgres> + for<'r> Decode<'r, Sqlite> + Send + Unpin,
    W: Both + Send,
{
    match &db.pools {
        Pools::Postgres(pool) => {
            let mut tx = pool.begin().await?;
            sqlx::query_scalar(sql).bind(word).fetch_one(&mut *tx).await
        }
        Pools::Sqlite { writer, .. } => {
            let mut tx = writer.begin().await?;
            sqlx::query_scalar(sql).bind(word).fetch_one(&mut *tx).await
        }
    }
}

/// The words that the database's own definition of a column lists.
async fn listed(db: &Db, table: &str, column: &str) -> Vec<String> {
    let (definition, start) = match &db.pools {
        Pools::Postgres(pool) => {
            let sql = "SELECT string_agg(pg_get_constraintdef(oid), E'\n') FROM pg_constraint
                 WHERE contype = 'c' AND conrelid = CAST($1 AS regclass)";
            let found: String = sqlx::query_scalar(sql).bind(table).fetch_one(pool).await.unwrap();
            (found, format!("(({column} = ANY (ARRAY["))
        }
        Pools::Sqlite { reader, .. } => {
            let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = $1";
            let found: String = sqlx::query_scalar(sql).bind(table).fetch_one(reader).await.unwrap();
            (found, format!("CHECK ({column} IN ("))
        }
    };
    let (_, list) = definition.split_once(&start).unwrap_or_else(|| panic!("{start} in {definition}"));
    let (list, _) = list.split_once(')').unwrap();
    list.split('\'').skip(1).step_by(2).map(String::from).collect()
}

/// Every word is taken and comes back as it was; the database lists these, and takes no other.
async fn same<T>(db: &Db, (table, column): (&str, &str), sql: &'static str, all: &[T], names: &[&str])
where
    T: Both + for<'r> Decode<'r, Postgres> + for<'r> Decode<'r, Sqlite>,
    T: Copy + Debug + PartialEq + Send + Unpin,
{
    for word in all {
        let back: T = put(db, sql, *word).await.unwrap_or_else(|error| panic!("{word:?}: {error}"));
        assert_eq!(back, *word, "{table}.{column}");
    }
    assert_eq!(listed(db, table, column).await, names, "{table}.{column}");
    let refused = put::<String, _>(db, sql, "dance".to_string()).await.unwrap_err();
    let violated = refused.as_database_error().is_some_and(|error| error.is_check_violation());
    assert!(violated, "{table}.{column}: {refused}");
}

fn the_databases_take_the_words_that_there_are(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    server.model(&tenant.steward);
    assert!(server.terminate().success());
    lab.runtime.block_on(async {
        let db = Db::connect(&lab.database).await.unwrap();
        let sql = "UPDATE jobs SET kind = $1 RETURNING kind";
        same(&db, ("jobs", "kind"), sql, jobs::JobKind::ALL, jobs::JobKind::NAMES).await;
        let sql = "UPDATE jobs SET state = $1 RETURNING state";
        same(&db, ("jobs", "state"), sql, jobs::JobState::ALL, jobs::JobState::NAMES).await;
        let sql = "UPDATE datasets SET state = $1 RETURNING state";
        same(&db, ("datasets", "state"), sql, datasets::DatasetState::ALL, datasets::DatasetState::NAMES)
            .await;
        let sql = "UPDATE releases SET state = $1 RETURNING state";
        same(&db, ("releases", "state"), sql, releases::StoredState::ALL, releases::StoredState::NAMES).await;
        let sql = "UPDATE releases SET access = $1 RETURNING access";
        same(&db, ("releases", "access"), sql, releases::ReleaseAccess::ALL, releases::ReleaseAccess::NAMES)
            .await;
        let sql = "UPDATE keys SET role = CAST($1 AS TEXT), tenant_id =
             CASE WHEN CAST($1 AS TEXT) <> 'admin' THEN (SELECT id FROM tenants) END RETURNING role";
        same(&db, ("keys", "role"), sql, Role::ALL, Role::NAMES).await;
        let sql = "INSERT INTO entries (id, tenant_id, kind, rho, delta, actor, created_at)
             SELECT id, id, CAST($1 AS TEXT), 0, 0, 'nobody', 0 FROM tenants RETURNING kind";
        same(&db, ("entries", "kind"), sql, ledger::EntryKind::ALL, ledger::EntryKind::NAMES).await;
        let sql = "INSERT INTO looks (population_id, kind, first_at)
             SELECT id, CAST($1 AS TEXT), -1 FROM populations RETURNING kind";
        same(&db, ("looks", "kind"), sql, PrivateLook::ALL, PrivateLook::NAMES).await;
        db.close().await;
    });
}

/// A job of a later version's kind waits for that one: others are done meanwhile, and whoever asks for it hears why not.
fn a_kind_that_nobody_knows_is_said_and_not_done(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let model = server.model(&tenant.steward);
    assert!(server.terminate().success());
    let generate = json!({"kind": "generate", "model_id": model, "rows": 100});
    let server = lab.serve(&[("NETDPSYN_WORKERS", "0"), ("NETDPSYN_PARSE_WORKERS", "0")]);
    let ask = || server.made("/v1/jobs", &tenant.steward, &generate)["id"].as_str().unwrap().to_string();
    let (unknown, known) = (ask(), ask());
    assert!(server.terminate().success());
    let strange = "UPDATE jobs SET kind = 'dance' WHERE id = (SELECT id FROM jobs WHERE state = 'queued' ORDER BY created_at, id LIMIT 1)";
    match kind {
        Kind::Sqlite => lab.execute(&format!("PRAGMA ignore_check_constraints = ON; {strange}")),
        Kind::Postgres => {
            lab.execute("ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check");
            lab.execute(strange);
        }
    }

    let server = lab.serve(&[]);
    let path = |id: &str| format!("/v1/jobs/{id}");
    wait(|| (server.json(&path(&known), &tenant.steward)["state"] == "succeeded").then_some(()));
    let refused = server.get(&path(&unknown), &tenant.steward);
    assert_eq!(refused.status(), 500);
    assert_eq!(refused.json::<Value>().unwrap()["type"], "/problems/internal");
    let said = "\\\"dance\\\" is not one of parse, fit, generate, evaluate";
    // The log comes through a pipe.
    wait(|| server.log.lock().unwrap().contains(said).then_some(()));
    assert_eq!(lab.number("SELECT attempt FROM jobs WHERE kind = 'dance' AND state = 'queued'"), 0);
}
