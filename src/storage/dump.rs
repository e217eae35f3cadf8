//! The tables as lines of JSON, one a row: what a backup of the database is, the same for both databases.
//!
//! Tables and columns come from the database's own catalogue, so that what a later version adds is in it. Halves of noise keys are not: their columns are
//! never selected, so that no copy ever holds one, not even for a moment. Bytes and ids are hex, truth is 0 or 1: rows of one database can be put into the other.

use super::statement::{changed, query, query_as, query_scalar, sql};
use super::tx::{Connection, on};
use super::{StorageError, Tx};
use futures_util::TryStreamExt;
use std::io::Write;

/// What a column that holds a part of a noise key begins with.
const NEVER: &str = "noise_";
/// Tables that tell of the database itself, and of the servers that run on it now.
const OWN: [&str; 4] = ["_sqlx_migrations", "later_migrations", "probes", "servers"];
/// Tables whose rows the embedded database numbers itself, in the order in which they come.
const NUMBERED: [&str; 3] = ["populations", "datasets", "releases"];

/// A table and its columns, without those that are never copied.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Name.
    pub name: String,
    columns: Vec<(String, String)>,
}

impl Table {
    /// The names of its columns, but for those that are never copied.
    pub fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// The tables, each after those that it refers to: the order in which rows can be put back.
pub async fn tables(tx: &mut Tx) -> Result<Vec<Table>, StorageError> {
    let (names, columns, refers) = match &tx.on {
        Connection::Postgres(_) => (
            sql!(tables, "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1"),
            sql!(tables, "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns
             WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"),
            sql!(tables, "SELECT CAST(a.relname AS TEXT), CAST(b.relname AS TEXT) FROM pg_constraint
             JOIN pg_class a ON a.oid = conrelid JOIN pg_class b ON b.oid = confrelid WHERE contype = 'f'"),
        ),
        Connection::Sqlite(_) => (
            sql!(tables, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"),
            sql!(tables, "SELECT s.name, c.name, c.type FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table' ORDER BY s.name, c.cid"),
            sql!(tables, "SELECT s.name, f.\"table\" FROM sqlite_schema s, pragma_foreign_key_list(s.name) f WHERE s.type = 'table'"),
        ),
    };
    let names: Vec<String> = on!(tx, c => query_scalar(names).fetch_all(c).await)?;
    let columns: Vec<(String, String, String)> = on!(tx, c => query_as(columns).fetch_all(c).await)?;
    let refers: Vec<(String, String)> = on!(tx, c => query_as(refers).fetch_all(c).await)?;
    let mut left: Vec<String> = names.into_iter().filter(|name| !OWN.contains(&&**name)).collect();
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let waits = |name: &String| refers.iter().any(|(a, b)| a == name && b != name && left.contains(b));
        let (later, now): (Vec<_>, Vec<_>) = left.iter().cloned().partition(waits);
        if now.is_empty() {
            return Err(StorageError::Stored("tables refer to each other in a circle".into()));
        }
        sorted.extend(now);
        left = later;
    }
    let table = |name: String| {
        let of_table =
            columns.iter().filter(|(table, column, _)| *table == name && !column.starts_with(NEVER));
        let columns = of_table.map(|(_, column, kind)| (column.clone(), kind.to_lowercase())).collect();
        Table { name, columns }
    };
    Ok(sorted.into_iter().map(table).collect())
}

/// Writes the rows of a table, one line each; how many.
pub async fn rows(tx: &mut Tx, table: &Table, to: &mut impl Write) -> Result<u64, StorageError> {
    let postgres = matches!(tx.on, Connection::Postgres(_));
    let value = |(name, kind): &(String, String)| match &**kind {
        "uuid" => format!("encode(uuid_send(\"{name}\"), 'hex')"),
        "bytea" => format!("encode(\"{name}\", 'hex')"),
        "boolean" => format!("CAST(\"{name}\" AS INTEGER)"),
        "blob" => format!("CASE WHEN \"{name}\" IS NULL THEN NULL ELSE lower(hex(\"{name}\")) END"),
        _ => format!("\"{name}\""),
    };
    let order = if table.columns.iter().any(|(name, _)| name == "seq") { " ORDER BY seq" } else { "" };
    let Table { name: of, columns } = table;
    let sql = if postgres {
        let values: Vec<_> = columns.iter().map(|c| format!("{} AS \"{}\"", value(c), c.0)).collect();
        let inner = format!("SELECT {} FROM \"{of}\"{order}", values.join(", "));
        sql!(rows, "SELECT CAST(row_to_json(r) AS TEXT) FROM ({}) r", inner)
    } else {
        let values: Vec<_> = columns.iter().map(|c| format!("'{}', {}", c.0, value(c))).collect();
        sql!(rows, "SELECT json_object({}) FROM \"{of}\"{order}", values.join(", "), of = of, order = order)
    };
    on!(tx, c => {
        let mut rows = query_scalar::<_, String>(sql).fetch(c);
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            to.write_all(row.as_bytes())?;
            to.write_all(b"\n")?;
            count += 1;
        }
        Ok(count)
    })
}

/// Whether somebody's rows are in any of the tables.
pub async fn is_empty(tx: &mut Tx) -> Result<bool, StorageError> {
    let count: i64 = on!(tx, c => query_scalar(
        sql!(is_empty, "SELECT CAST((SELECT COUNT(*) FROM tenants) + (SELECT COUNT(*) FROM keys) AS BIGINT)"))
        .fetch_one(c).await)?;
    Ok(count == 0)
}

/// Connections of others to this database: a server, or somebody at work. The embedded database does not tell.
pub async fn others(tx: &mut Tx) -> Result<i64, StorageError> {
    match &mut tx.on {
        Connection::Sqlite(_) => Ok(0),
        Connection::Postgres(tx) => Ok(query_scalar(sql!(
            others,
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
             AND backend_type = 'client backend' AND application_name <> current_setting('application_name')"
        ))
        .fetch_one(&mut **tx)
        .await?),
    }
}

/// Removes what migrations put into a table of an empty database.
pub async fn clear(tx: &mut Tx, table: &Table) -> Result<(), StorageError> {
    let of = &table.name;
    let count: i64 =
        on!(tx, c => query_scalar(sql!(clear, "SELECT COUNT(*) FROM \"{}\"", of)).fetch_one(c).await)?;
    if count > 0 {
        // Where there is nothing, nothing is deleted: the ledger forbids the word.
        changed!(tx => sql!(clear, "DELETE FROM \"{}\"", of))?;
    }
    Ok(())
}

/// Puts rows back, given as a JSON array of objects. A column that is not in them gets its default.
pub async fn put_back(tx: &mut Tx, table: &Table, given: &[String], rows: &str) -> Result<(), StorageError> {
    let postgres = matches!(tx.on, Connection::Postgres(_));
    let numbered = !postgres && NUMBERED.contains(&&*table.name);
    let columns: Vec<_> = table
        .columns
        .iter()
        .filter(|(name, _)| given.contains(name) && !(numbered && name == "seq"))
        .collect();
    let names: Vec<_> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let value = |(name, kind): &&(String, String)| match &**kind {
        "bytea" => format!("decode(j ->> '{name}', 'hex')"),
        "boolean" => format!("CAST(CAST(j ->> '{name}' AS INTEGER) AS BOOLEAN)"),
        kind if postgres => format!("CAST(j ->> '{name}' AS {kind})"),
        "blob" => format!("unhex(json_extract(value, '$.{name}'))"),
        _ => format!("json_extract(value, '$.{name}')"),
    };
    let values: Vec<_> = columns.iter().map(value).collect();
    let from = if postgres { "jsonb_array_elements(CAST($1 AS JSONB)) AS j" } else { "json_each($1)" };
    let sql = sql!(
        put_back,
        "INSERT INTO \"{}\" ({}) SELECT {} FROM {from}",
        table.name,
        names.join(", "),
        values.join(", "),
        from = from
    );
    changed!(tx => sql, rows)?;
    Ok(())
}

/// Lets Postgres's sequences go on after the rows that were put back.
pub async fn go_on(tx: &mut Tx, table: &Table) -> Result<(), StorageError> {
    let Connection::Postgres(tx) = &mut tx.on else { return Ok(()) };
    let of = &table.name;
    for (name, _) in &table.columns {
        let own: Option<String> = query_scalar(sql!(go_on, "SELECT pg_get_serial_sequence($1, $2)"))
            .bind(format!("\"{of}\""))
            .bind(name)
            .fetch_one(&mut **tx)
            .await?;
        if let Some(sequence) = own {
            let next = sql!(
                go_on,
                "SELECT setval(CAST(CAST($1 AS TEXT) AS regclass), (SELECT COALESCE(MAX(\"{}\"), 0) + 1 FROM \"{}\"), false)",
                name,
                of
            );
            query(next).bind(sequence).execute(&mut **tx).await?;
        }
    }
    Ok(())
}
