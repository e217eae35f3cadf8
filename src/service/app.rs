//! What every use case has at hand, and who is asking.

use super::capacity::Capacity;
use super::guesses::Guesses;
use super::limits::{Lines, Rates, Strangers, lines, rates, strangers};
use super::problem::Problem;
use super::readiness::Readiness;
use super::receivers::Receivers;
use super::repositories::Repositories;
use super::sessions::Sessions;
use super::slots::Slots;
use crate::config::Config;
pub use crate::storage::keys::Role;
use crate::storage::signing::SecretFile;
use crate::storage::{Artifacts, Clock, Db, Halves, StorageError, Tx, closed};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// The service: database, artifacts, settings.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// Files.
    pub artifacts: Artifacts,
    /// The halves of noise keys that stand in files.
    pub halves: Halves,
    /// The way out to receivers of webhooks.
    pub receivers: Arc<Receivers>,
    /// Repositories that releases may be deposited in.
    pub repositories: Arc<Repositories>,
    /// File of the key that signs releases.
    pub signing: SecretFile,
    /// Settings.
    pub config: Arc<Config>,
    /// Whether every spend noted beside the artifacts was known to the ledger when this process looked; see [`super::journal`].
    pub remembers: Arc<AtomicBool>,
    /// Whether this server was ready at the last check.
    pub readiness: Arc<Readiness>,
    /// Requests by tenant; see [`super::limits`].
    pub rates: Arc<Rates>,
    /// The memory that this server may use for jobs.
    pub capacity: Arc<Capacity>,
    /// Lines of the log by address; see [`super::limits`].
    pub lines: Arc<Lines>,
    /// Requests without a key by address.
    pub strangers: Arc<Strangers>,
    /// Wrong keys by address.
    pub guesses: Arc<Guesses>,
    /// Sessions of the console.
    pub sessions: Arc<Sessions>,
    /// The slots of this server's workers.
    pub slots: Arc<Slots>,
    /// Held while a trace is written in another format; see [`super::content`].
    pub deriving: Arc<tokio::sync::Mutex<()>>,
    /// Wakes the workers of this server when a job is queued.
    pub queued: Arc<Notify>,
    /// Wakes the watchers of this server's running jobs when one is cancelled.
    pub cancelled: Arc<Notify>,
}

impl App {
    /// Connects to everything the settings name.
    pub async fn open(config: Config) -> Result<App, StorageError> {
        closed::folder(&config.data_dir)?;
        let artifacts = Artifacts::open(&config.data_dir.join("artifacts"))?;
        let halves = Halves::open(&config.data_dir.join("noise"))?;
        let sessions = Sessions::of(Halves::open(&config.data_dir.join("console"))?);
        let signing = SecretFile::open(&config.data_dir.join("signing"))?;
        let repositories = Repositories::read(&config.repositories).map_err(StorageError::Stored)?;
        let db = Db::connect(&config.database_url).await?;
        let opened = closed::tree(&config.data_dir)?;
        if opened > 0 {
            tracing::warn!(
                files = opened,
                "files and folders of the data directory were open to other users; they are closed now"
            );
        }
        Ok(App {
            artifacts,
            halves,
            signing,
            repositories: Arc::new(repositories),
            receivers: Arc::new(Receivers::of(&config)),
            strangers: Arc::new(strangers(config.max_requests, db.clock())),
            rates: Arc::new(rates(config.max_requests, db.clock())),
            capacity: Arc::new(Capacity::of(&config)),
            lines: Arc::new(lines(db.clock())),
            db,
            guesses: Arc::default(),
            config: Arc::new(config),
            remembers: Arc::default(),
            readiness: Arc::default(),
            sessions: Arc::new(sessions),
            slots: Arc::default(),
            deriving: Arc::default(),
            queued: Arc::new(Notify::new()),
            cancelled: Arc::new(Notify::new()),
        })
    }

    /// Forgets tenants and addresses that have been quiet: who comes once must not be kept for ever.
    pub fn forget_the_quiet(&self) {
        self.rates.retain_recent();
        self.lines.retain_recent();
        self.strangers.retain_recent();
        self.strangers.shrink_to_fit();
        self.rates.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.guesses.forget(self.clock().instant());
    }

    /// The clock that the service goes by.
    pub fn clock(&self) -> &dyn Clock {
        &**self.db.clock()
    }

    /// The same service by another clock, before it has begun to count.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> App {
        let (rates, lines) = (rates(self.config.max_requests, &clock), lines(&clock));
        let strangers = Arc::new(strangers(self.config.max_requests, &clock));
        let (rates, lines) = (Arc::new(rates), Arc::new(lines));
        App { rates, lines, strangers, db: self.db.with_clock(clock), ..self }
    }

    /// End of a lease that is given now.
    pub fn lease(&self, now: i64) -> i64 {
        now + self.config.lease_seconds * 1_000_000
    }

    /// Interval at which a lease is renewed.
    pub fn beat(&self) -> Duration {
        Duration::from_secs(1).min(Duration::from_secs(self.config.lease_seconds.unsigned_abs()) / 3)
    }

    /// A transaction that may write, under its name in the log.
    pub async fn begin(&self, name: &'static str) -> Result<Tx, Problem> {
        Ok(self.db.begin(name).await?)
    }

    /// A transaction that reads, under its name in the log.
    pub async fn read(&self, name: &'static str) -> Result<Tx, Problem> {
        Ok(self.db.read(name).await?)
    }
}

/// A time in the database as people read it: RFC 3339.
pub fn shown_time(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| micros.to_string(), |t| t.to_string())
}

/// The day of a time in the database (UTC): all that readers are told of when something ran.
pub fn shown_day(micros: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(micros);
    time.map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// Schema of what [`shown_time`] or [`shown_day`] returns.
pub fn time_or_day() -> utoipa::openapi::Schema {
    use utoipa::openapi::schema::AnyOfBuilder;
    use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
    let text = |format| {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
    };
    let (time, day) = (text(KnownFormat::DateTime), text(KnownFormat::Date));
    AnyOfBuilder::new().item(time).item(day).into()
}

/// Caller: the holder of a key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key's public part, for the ledger and the log.
    pub key: String,
    /// Role.
    pub role: Role,
    /// Owning tenant; none for an administrator.
    pub tenant: Option<Uuid>,
}

impl Caller {
    /// Refuses callers who are not administrators.
    pub fn admin(&self) -> Result<(), Problem> {
        if self.role == Role::Admin { Ok(()) } else { Err(Problem::forbidden("admin")) }
    }

    /// The tenant of a steward; refuses everyone else.
    pub fn steward(&self) -> Result<Uuid, Problem> {
        match (self.role, self.tenant) {
            (Role::Steward, Some(tenant)) => Ok(tenant),
            _ => Err(Problem::forbidden("steward")),
        }
    }

    /// The tenant of a steward or reader.
    pub fn member(&self) -> Result<Uuid, Problem> {
        self.tenant.ok_or_else(|| Problem::forbidden("steward or reader"))
    }

    /// Whether only published things are shown.
    pub fn is_reader(&self) -> bool {
        self.role == Role::Reader
    }
}

/// A page of a list: pass `next` as `after` for the following one.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items, oldest first.
    pub items: Vec<T>,
    /// Cursor of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// Requested page.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the previous page: its last id.
    pub after: Option<Uuid>,
    /// Items on a page: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
}

impl PageQuery {
    /// One item more than a page holds, which tells whether another page follows.
    pub fn fetched(&self) -> Result<i64, Problem> {
        match self.limit.unwrap_or(50) {
            limit @ 1..=200 => Ok(i64::from(limit) + 1),
            _ => Err(Problem::invalid("limit", "limit is 1 to 200")),
        }
    }

    /// The place in a list after which its page begins, where `after` is looked up: at the list's beginning without one. Refuses an `after` that has no place
    /// there: an empty page would look like the list's end.
    pub async fn start(
        after: Option<impl Future<Output = Result<Option<i64>, StorageError>>>,
    ) -> Result<i64, Problem> {
        let Some(place) = after else { return Ok(0) };
        place.await?.ok_or_else(|| {
            Problem::invalid("after", "no item of this list has that id; pass `next` of one of its pages")
        })
    }

    /// A page of the rows that were fetched.
    pub fn page<R, T>(rows: Vec<R>, limit: i64, id: impl Fn(&R) -> Uuid, view: impl Fn(R) -> T) -> Page<T> {
        let more = rows.len() as i64 == limit;
        let kept: Vec<R> = rows.into_iter().take(limit as usize - 1).collect();
        let next = if more { kept.last().map(id) } else { None };
        Page { items: kept.into_iter().map(view).collect(), next }
    }
}
