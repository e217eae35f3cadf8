//! Bringing the schema of a database up to date.

use super::StorageError;
use super::statement::{query, query_as, query_scalar, sql};
use sqlx::migrate::Migrator;
use sqlx::{PgPool, SqlitePool};

/// Migrates Postgres up to a version, if necessary.
pub(super) async fn postgres(pool: &PgPool, version: i64) -> Result<(), StorageError> {
    let before = added(pool).await?;
    for migrator in of_postgres() {
        up_to(migrator, version).run(pool).await?;
    }
    if before.is_some() && before < added(pool).await? {
        send_others_back(pool).await?;
    }
    Ok(())
}

/// Migrates the embedded database up to a version, if necessary. The caller keeps other processes out.
pub(super) async fn sqlite(pool: &SqlitePool, version: i64) -> Result<(), StorageError> {
    for migrator in of_sqlite() {
        up_to(migrator, version).run(pool).await?;
    }
    Ok(())
}

/// The version that this program brings a database to.
pub(super) fn newest() -> i64 {
    let versions = of_sqlite().into_iter().flat_map(|m| m.iter().map(|m| m.version).collect::<Vec<_>>());
    versions.max().unwrap_or_default()
}

/// The first ones, then those that only add.
fn of_postgres() -> [Migrator; 2] {
    [sqlx::migrate!("migrations/postgres"), later(sqlx::migrate!("migrations/later/postgres"))]
}

fn of_sqlite() -> [Migrator; 2] {
    [sqlx::migrate!("migrations/sqlite"), later(sqlx::migrate!("migrations/later/sqlite"))]
}

/// Those up to a version. What is there beyond it stays.
fn up_to(mut migrator: Migrator, version: i64) -> Migrator {
    migrator.migrations.to_mut().retain(|migration| migration.version <= version);
    migrator
}

/// Migrations that only add, so that the previous version keeps working on the schema of the next: servers are replaced one by one. They are noted in a
/// table of their own, and those of a later version are no fault. The first ones stand apart because the programs of their time refuse a database that
/// knows others.
fn later(mut migrator: Migrator) -> Migrator {
    migrator.dangerous_set_table_name("later_migrations");
    migrator.set_ignore_missing(true);
    migrator
}

/// How many migrations that add are noted; none on a database that is new.
async fn added(pool: &PgPool) -> Result<Option<i64>, StorageError> {
    let there = sql!(
        added,
        "SELECT to_regclass('_sqlx_migrations') IS NOT NULL, to_regclass('later_migrations') IS NOT NULL"
    );
    let count = sql!(added, "SELECT COUNT(*) FROM later_migrations");
    match query_as(there).fetch_one(pool).await? {
        (false, _) => Ok(None),
        (true, false) => Ok(Some(0)),
        (true, true) => Ok(query_scalar(count).fetch_one(pool).await?),
    }
}

/// Closes the connections of servers that were there before tables got more columns: what they have prepared selects rows of the old shape, and Postgres refuses to
/// run it again. They connect anew. Whoever waits to migrate is left alone.
async fn send_others_back(pool: &PgPool) -> Result<(), StorageError> {
    let closed = query(sql!(send_others_back,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
         AND usename = current_user AND backend_type = 'client backend' AND wait_event IS DISTINCT FROM 'advisory'"))
    .fetch_all(pool)
    .await?;
    tracing::info!(connections = closed.len(), "migrated; running servers reconnect");
    Ok(())
}
