//! Statements. Each begins with a comment that names the function it stands in, so that a slow one in a database's log leads to its line: there is no
//! other way to ask.

use super::StorageError;
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{AssertSqlSafe, Database, FromRow, SqlSafeStr, SqlStr};

/// A statement and the function that it stands in; `sql!` makes it.
pub(super) struct Sql {
    name: &'static str,
    text: SqlStr,
}

impl Sql {
    /// The SQL text, with `?` for parameters.
    pub fn fixed(name: &'static str, text: &'static str) -> Sql {
        Sql { name, text: text.into_sql_str() }
    }

    /// With names of tables and columns, or what only one database needs, put in.
    pub fn put_together(name: &'static str, text: String) -> Sql {
        Sql { name, text: AssertSqlSafe(text).into_sql_str() }
    }

    /// Name, for logs.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The statement of a function of this module: its text, and what is put into that. A name that no function of the module has does not compile.
macro_rules! sql {
    ($function:ident, $text:literal) => {
        $crate::storage::statement::Sql::fixed(
            $crate::storage::statement::sql!(@name $function),
            concat!("/* ", module_path!(), "::", stringify!($function), " */ ", $text),
        )
    };
    ($function:ident, $text:literal, $($put_in:tt)+) => {
        $crate::storage::statement::Sql::put_together(
            $crate::storage::statement::sql!(@name $function),
            format!(concat!("/* ", module_path!(), "::", stringify!($function), " */ ", $text), $($put_in)+),
        )
    };
    (@name $function:ident) => {{
        #[allow(unused_imports)]
        use self::$function as _;
        concat!(module_path!(), "::", stringify!($function))
    }};
}
pub(super) use sql;

/// Runs the statement; returns the number of changed rows.
pub(super) fn query<'q, DB: Database>(sql: Sql) -> Query<'q, DB, DB::Arguments> {
    sqlx::query(sql.text)
}

/// Runs the statement; returns rows.
pub(super) fn query_as<'q, DB: Database, O>(sql: Sql) -> QueryAs<'q, DB, O, DB::Arguments>
where
    O: for<'r> FromRow<'r, DB::Row>,
{
    sqlx::query_as(sql.text)
}

/// Runs the statement; returns the values of its one column.
pub(super) fn query_scalar<'q, DB: Database, O>(sql: Sql) -> QueryScalar<'q, DB, O, DB::Arguments>
where
    (O,): for<'r> FromRow<'r, DB::Row>,
{
    sqlx::query_scalar(sql.text)
}

/// Runs a statement with these values in place of `$1`, `$2`, …; how many rows it changed.
macro_rules! changed {
    ($tx:expr => $sql:expr $(, $value:expr)*) => {{
        let sql = $sql;
        let done = $crate::storage::tx::on!($tx, c => {
            $crate::storage::statement::query(sql)$(.bind($value))*.execute(c).await.map(|done| done.rows_affected())
        });
        done.map_err($crate::storage::StorageError::from)
    }};
}
pub(super) use changed;

/// The same for a statement that changes exactly one row: everything else is an error that names it.
macro_rules! one {
    ($tx:expr => $sql:expr $(, $value:expr)*) => {{
        let sql = $sql;
        let name = sql.name();
        let changed = $crate::storage::statement::changed!($tx => sql $(, $value)*);
        changed.and_then(|rows| $crate::storage::statement::exactly_one(name, rows))
    }};
}
pub(super) use one;

/// Fails unless exactly one row was changed.
pub(super) fn exactly_one(statement: &'static str, rows: u64) -> Result<(), StorageError> {
    if rows == 1 { Ok(()) } else { Err(StorageError::NotOne { statement, rows }) }
}
