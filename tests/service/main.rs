//! The running service: the real binary over a real socket, on SQLite and on Postgres.
//!
//! Postgres: `./run test` starts a private cluster and names it in `NETDPSYN_TEST_POSTGRES`. Without it these tests fail rather than
//! pass unseen.

mod access;
mod account;
mod backup;
mod bombs;
mod captures;
mod chaos;
mod clients;
mod clocks;
mod columns;
mod conditions;
mod contract;
mod crash;
mod declare;
mod deploys;
mod deposits;
mod disk;
mod edges;
mod fair;
mod families;
mod harness;
mod heal;
mod inside;
mod ledger;
mod limits;
mod looks;
mod memory;
mod notation;
mod pages;
mod passing;
mod portal;
mod promise;
mod proxy;
mod refusals;
mod rough;
mod settings;
mod stuck;
mod text;
mod tour;
mod webhooks;
mod words;

/// One test on both databases.
macro_rules! both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn on_sqlite() {
                super::$name(crate::harness::Kind::Sqlite);
            }
            #[test]
            fn on_postgres() {
                super::$name(crate::harness::Kind::Postgres);
            }
        }
    )*};
}
pub(crate) use both;
