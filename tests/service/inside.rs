//! The service inside the test's own process, without workers and by a clock that the test moves on: the test is its worker.

use crate::harness::Lab;
use netdpsyn::config::Config;
use netdpsyn::jobs::attempt;
use netdpsyn::service::app::{App, Caller, Role};
use netdpsyn::service::datasets::{self, NewDataset};
use netdpsyn::service::problem::Problem;
use netdpsyn::service::tenants::{self, NewTenant};
use netdpsyn::service::{jobs, uploads};
use netdpsyn::storage::Clock;
use netdpsyn::storage::claims::{self, Claim};
use netdpsyn::storage::jobs::Job;
use netdpsyn::trace::presets;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime};
use uuid::Uuid;

/// A clock that is moved on, all of its times together. What a process remembers by it stands still in between.
pub struct Moved {
    start: Instant,
    by: AtomicU64,
    /// By how much the database's clock alone is ahead.
    ahead: AtomicU64,
}

impl Moved {
    pub fn on(&self, by: Duration) {
        self.by.fetch_add(by.as_micros() as u64, SeqCst);
    }

    /// The database's clock alone is ahead by this, until it is told otherwise.
    pub fn leap(&self, ahead: Duration) {
        self.ahead.store(ahead.as_micros() as u64, SeqCst);
    }

    fn by(&self) -> Duration {
        Duration::from_micros(self.by.load(SeqCst))
    }
}

impl Clock for Moved {
    fn tell(&self, database: i64) -> i64 {
        database + self.by().as_micros() as i64 + self.ahead.load(SeqCst) as i64
    }

    fn instant(&self) -> Instant {
        self.start + self.by()
    }

    fn files(&self) -> SystemTime {
        SystemTime::now() + self.by()
    }
}

/// The settings of a lab, and further ones by name.
pub fn config(lab: &Lab, settings: &[(&str, &str)]) -> Config {
    let data = lab.data().display().to_string();
    Config::from(|name| match name {
        "NETDPSYN_DATABASE_URL" => Some(lab.database.clone()),
        "NETDPSYN_DATA_DIR" => Some(data.clone()),
        _ => settings.iter().find(|(set, _)| *set == name).map(|(_, value)| value.to_string()),
    })
    .unwrap()
}

/// A declaration of two columns: its fits take a moment.
pub fn declared() -> NewDataset {
    let mut schema = presets::preset("flow").unwrap();
    schema.columns.retain(|column| ["proto", "pkt"].contains(&column.name.as_str()));
    serde_json::from_value(json!({"name": "two columns", "schema": schema})).unwrap()
}

pub struct Inside {
    pub app: App,
    pub clock: Arc<Moved>,
}

impl Inside {
    pub async fn open(lab: &Lab, settings: &[(&str, &str)]) -> Inside {
        let clock =
            Arc::new(Moved { start: Instant::now(), by: AtomicU64::new(0), ahead: AtomicU64::new(0) });
        let app = App::open(config(lab, settings)).await.unwrap().with_clock(clock.clone());
        Inside { app, clock }
    }

    /// A steward of a new tenant with this cap.
    pub async fn steward(&self, cap: serde_json::Value) -> Caller {
        let admin = Caller { key: "admin".into(), role: Role::Admin, tenant: None };
        let cap = serde_json::from_value(cap).unwrap();
        let new = NewTenant { name: Uuid::now_v7().to_string(), cap };
        let tenant = tenants::create(&self.app, &admin, new).await.unwrap().id;
        Caller { key: "steward".into(), role: Role::Steward, tenant: Some(tenant) }
    }

    /// A dataset of forty records, parsed.
    pub async fn dataset(&self, steward: &Caller) -> Uuid {
        let id = datasets::create(&self.app, steward, declared()).await.unwrap().id;
        let rows = (0..40).map(|n| format!("{},{}\n", [6, 17][n % 2], 1 + n));
        let trace = "proto,pkt\n".to_string() + &rows.collect::<String>();
        let body = futures_util::stream::iter([Ok::<_, Problem>(trace.into())]);
        uploads::upload(&self.app, steward, id, None, None, body).await.unwrap();
        assert_eq!(self.work().await, ["parse"]);
        id
    }

    /// The job that a worker would claim now.
    pub async fn claim(&self) -> Option<Job> {
        let mut tx = self.app.begin("test").await.unwrap();
        let now = tx.now().await.unwrap();
        let claim = Claim {
            now,
            lease_until: self.app.lease(now),
            build: netdpsyn::fit::BUILD,
            orphaned_before: now - self.app.config.orphan_seconds * 1_000_000,
            parse_only: false,
            room: i64::MAX,
            least: 0,
        };
        let job = claims::claim(&mut tx, &claim).await.unwrap();
        tx.commit().await.unwrap();
        job
    }

    /// Does all that waits; the kinds of jobs in their order.
    pub async fn work(&self) -> Vec<String> {
        let mut done = Vec::new();
        while let Some(job) = self.claim().await {
            done.push(job.kind.to_string());
            let (_stop, stopping) = tokio::sync::watch::channel(false);
            attempt::run(&self.app, job, stopping).await;
        }
        done
    }

    /// A job as its steward sees it, in JSON.
    pub async fn job(&self, steward: &Caller, id: Uuid) -> serde_json::Value {
        serde_json::to_value(jobs::find(&self.app, steward, id).await.unwrap()).unwrap()
    }
}
