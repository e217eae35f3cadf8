//! Random operations in random order, with a clock that jumps: whatever happens, balances are right in the end.
//!
//! A sequence has a tenant of its own and some twenty operations: submit, claim, run, crash in the middle, go on late, hand back, cancel, upload, erase, back up,
//! restore, let the clock jump. Then the clock goes on, everything that is open ends, and the books are looked at. `NETDPSYN_CHAOS` is the number of sequences
//! on each database, 100 by default; `NETDPSYN_CHAOS_FIRST` is the first seed.

use crate::both;
use crate::harness::{Kind, Lab, sample};
use crate::inside::{config, declared};
use netdpsyn::jobs::watch::Observer;
use netdpsyn::jobs::{attempt, keeper, measuring};
use netdpsyn::ledger::Amount;
use netdpsyn::progress::Progress;
use netdpsyn::service::app::{App, Caller, Role};
use netdpsyn::service::budget::{Cap, RhoCap};
use netdpsyn::service::problem::Problem;
use netdpsyn::service::publishing::{self, NewPublication};
use netdpsyn::service::tenants::NewTenant;
use netdpsyn::service::{datasets, jobs as asked, journal, submit, tenants, uploads};
use netdpsyn::storage::accounts::{self, Holder};
use netdpsyn::storage::claims::{self, Claim};
use netdpsyn::storage::datasets::DatasetState as Received;
use netdpsyn::storage::jobs::{self, Job, JobState};
use netdpsyn::storage::uploads::{self as received, Upload};
use netdpsyn::storage::{Clock, ledger};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use tokio::runtime::Handle;
use uuid::Uuid;

both!(random_operations);

/// Sequences that share a database: backups and marks stay small.
const TOGETHER: u64 = 50;
const LEASE: i64 = 30_000_000;
const HOUR: i64 = 3_600_000_000;
/// What a planted crash says.
const CRASH: &str = "planted crash";

/// Counts down to a crash; below zero there is none.
struct Fuse(AtomicI64);

impl Fuse {
    fn burn(&self) {
        if self.0.load(SeqCst) >= 0 && self.0.fetch_sub(1, SeqCst) == 0 {
            panic!("{CRASH}");
        }
    }
}

/// A clock that jumps, and ends whoever asks it at the wrong moment.
struct Jumping {
    offset: AtomicI64,
    fuse: Fuse,
}

impl Clock for Jumping {
    fn tell(&self, database: i64) -> i64 {
        self.fuse.burn();
        database + self.offset.load(SeqCst)
    }
}

/// Ends the work at one of its steps.
struct Crashing(Fuse);

impl Progress for Crashing {
    fn report(&self, _: netdpsyn::trace::Stage, _: u64, _: u64) {
        self.0.burn();
    }

    fn is_cancelled(&self) -> bool {
        self.0.burn();
        false
    }
}

impl Observer for Crashing {
    fn measuring(&self) {
        self.0.burn();
    }
}

/// A service without workers: the test is its worker.
struct World {
    lab: Lab,
    kind: Kind,
    app: App,
    clock: Arc<Jumping>,
    admin: Caller,
}

/// One tenant and what was done for it.
struct Sequence {
    seed: u64,
    rng: StdRng,
    steward: Caller,
    tenant: Uuid,
    dataset: Uuid,
    /// Attempts that go on later.
    held: Vec<Job>,
    backup: Option<String>,
    /// Whether nothing was done after which a fit may rightly be charged without a model.
    calm: bool,
    /// Bundles by job: every attempt's are the same.
    bundles: BTreeMap<Uuid, Vec<u8>>,
    log: Vec<String>,
}

async fn open(lab: &Lab, clock: &Arc<Jumping>) -> App {
    App::open(config(lab, &[])).await.unwrap().with_clock(clock.clone())
}

impl World {
    async fn new(lab: Lab, kind: Kind) -> World {
        let clock = Arc::new(Jumping { offset: AtomicI64::new(0), fuse: Fuse(AtomicI64::new(-1)) });
        let app = open(&lab, &clock).await;
        let admin = Caller { key: "chaos".into(), role: Role::Admin, tenant: None };
        World { lab, kind, app, clock, admin }
    }

    async fn claim(&self) -> Option<Job> {
        let mut tx = self.app.begin("test").await.unwrap();
        let now = tx.now().await.unwrap();
        let build = netdpsyn::fit::BUILD;
        let orphaned_before = now - 600_000_000;
        let lease_until = now + LEASE;
        let claim =
            Claim { now, lease_until, build, orphaned_before, parse_only: false, room: i64::MAX, least: 0 };
        let job = claims::claim(&mut tx, &claim).await.unwrap();
        tx.commit().await.unwrap();
        job
    }

    async fn run(&self, job: Job) {
        let (_stop, stopping) = tokio::sync::watch::channel(false);
        attempt::run(&self.app, job, stopping).await;
    }

    /// Runs an attempt that dies at the n-th look at the clock or at the n-th step of its work.
    async fn crash(&self, job: Job, at_clock: bool, n: i64) {
        let app = self.app.clone();
        let crashing = Crashing(Fuse(AtomicI64::new(if at_clock { -1 } else { n })));
        self.clock.fuse.0.store(if at_clock { n } else { -1 }, SeqCst);
        let handle = Handle::current();
        let work = move || {
            let _ = catch_unwind(AssertUnwindSafe(|| attempt::perform(&app, &handle, &job, &crashing)));
        };
        tokio::task::spawn_blocking(work).await.unwrap();
        self.clock.fuse.0.store(-1, SeqCst);
    }

    fn jump(&self, by: i64) {
        self.clock.offset.fetch_add(by, SeqCst);
    }

    /// Closes the database, does something to it, and opens it as another process would.
    async fn reopen(&mut self, between: impl FnOnce(&mut Lab)) {
        self.app.db.close().await;
        tokio::task::block_in_place(|| between(&mut self.lab));
        self.app = open(&self.lab, &self.clock).await;
    }
}

/// Forty records of two columns.
fn trace(rng: &mut StdRng) -> String {
    let rows = (0..40).map(|_| format!("{},{}\n", [6, 17][rng.random_range(0..2)], rng.random_range(1..90)));
    "proto,pkt\n".to_string() + &rows.collect::<String>()
}

impl Sequence {
    async fn begin(world: &World, seed: u64) -> Sequence {
        let mut rng = StdRng::seed_from_u64(seed);
        let cap = Cap::Rho(RhoCap { rho: rng.random_range(0.005..0.12) });
        let new = NewTenant { name: format!("{seed}-{}", Uuid::now_v7()), cap };
        let tenant = tenants::create(&world.app, &world.admin, new).await.unwrap().id;
        let steward = Caller { key: "steward".into(), role: Role::Steward, tenant: Some(tenant) };
        let dataset = datasets::create(&world.app, &steward, declared()).await.unwrap().id;
        let mut sequence = Sequence {
            seed,
            rng,
            steward,
            tenant,
            dataset,
            held: Vec::new(),
            backup: None,
            calm: true,
            bundles: BTreeMap::new(),
            log: Vec::new(),
        };
        sequence.upload(world).await;
        if let Some(job) = world.claim().await {
            world.run(job).await;
        }
        sequence
    }

    async fn upload(&mut self, world: &World) {
        let body = futures_util::stream::iter([Ok::<_, Problem>(trace(&mut self.rng).into())]);
        let sent = uploads::upload(&world.app, &self.steward, self.dataset, None, None, body).await;
        self.note("upload", sent);
    }

    fn note<T>(&mut self, what: &str, outcome: Result<T, Problem>) -> Option<T> {
        let said = match &outcome {
            Ok(_) => "ok".to_string(),
            Err(problem) => {
                assert!(problem.status < 500, "{what}: {problem:?}\n{:#?}", self.log);
                problem.kind.to_string()
            }
        };
        self.log.push(format!("{what}: {said}"));
        outcome.ok()
    }

    async fn submit(&mut self, world: &World, what: serde_json::Value) {
        let key = self.rng.random_bool(0.3).then(|| format!("key {}", self.rng.random_range(0..3)));
        let kind = what["kind"].to_string();
        let new = serde_json::from_value(what).unwrap();
        let accepted = submit::submit(&world.app, &self.steward, new, key.as_deref()).await;
        self.note(&kind, accepted);
    }

    /// Jobs of the tenant.
    async fn jobs(&self, world: &World) -> Vec<Job> {
        let mut tx = world.app.read("test").await.unwrap();
        let wanted = jobs::Wanted { tenant: self.tenant, kind: None, state: None, dataset: None };
        jobs::list(&mut tx, &wanted, None, 1_000).await.unwrap()
    }

    /// What a fit's attempts have stored is the same for all.
    async fn compare_bundles(&mut self, world: &World) {
        for job in self.jobs(world).await.iter().filter(|job| job.kind == jobs::JobKind::Fit) {
            let folder = world.lab.data().join(format!("artifacts/models/{}", job.id));
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let Ok(bytes) = std::fs::read(entry.path()) else { continue };
                let first = self.bundles.entry(job.id).or_insert_with(|| bytes.clone());
                assert_eq!(*first, bytes, "another noise: seed {}\n{:#?}", self.seed, self.log);
            }
        }
    }

    async fn step(&mut self, world: &mut World) {
        match self.rng.random_range(0..100) {
            0..18 => {
                let epsilon = [0.5, 1.0, 2.0][self.rng.random_range(0..3)];
                let hold_out = self.rng.random_bool(0.2);
                let fit = json!({"kind": "fit", "dataset_id": self.dataset, "epsilon": epsilon, "accept_noise": true, "hold_out": hold_out});
                self.submit(world, fit).await;
            }
            18..24 => {
                let models: Vec<Uuid> =
                    self.jobs(world).await.iter().filter_map(|job| job.model_id).collect();
                if let Some(model) = models.first() {
                    self.submit(world, json!({"kind": "generate", "model_id": model, "rows": 20})).await;
                }
            }
            24..28 => {
                let mut releases = self.jobs(world).await.into_iter().filter_map(|job| job.release_id);
                if let Some(release) = releases.next_back() {
                    self.submit(world, json!({"kind": "evaluate", "release_id": release})).await;
                    let published =
                        publishing::publish(&world.app, &self.steward, release, NewPublication::default())
                            .await;
                    self.note("publish", published);
                }
            }
            28..46 => {
                if let Some(job) = world.claim().await {
                    self.log.push(format!("run {} {}", job.kind, job.attempt));
                    world.run(job).await;
                }
            }
            46..60 => {
                if let Some(job) = world.claim().await {
                    // A job that brings its worker down again and again is given up, and that is no fault.
                    self.calm &= job.failures < 4;
                    let (at_clock, n) = match self.rng.random_bool(0.4) {
                        true => (true, self.rng.random_range(0..4)),
                        false => (false, self.rng.random_range(0..120)),
                    };
                    self.log.push(format!("crash {} {} clock {at_clock} {n}", job.kind, job.attempt));
                    world.crash(job, at_clock, n).await;
                }
            }
            60..66 => {
                if let Some(job) = world.claim().await {
                    self.log.push(format!("hold {} {}", job.kind, job.attempt));
                    self.held.push(job);
                }
            }
            66..72 => {
                if !self.held.is_empty() {
                    let job = self.held.swap_remove(self.rng.random_range(0..self.held.len()));
                    self.log.push(format!("late {} {}", job.kind, job.attempt));
                    world.run(job).await;
                }
            }
            72..74 => {
                if let Some(job) = self.held.pop() {
                    self.log.push(format!("hand back {} {}", job.kind, job.attempt));
                    let mut tx = world.app.begin("test").await.unwrap();
                    let now = tx.now().await.unwrap();
                    claims::hand_back(&mut tx, &job, now, None, false).await.unwrap();
                    tx.commit().await.unwrap();
                }
            }
            74..78 => {
                let jobs = self.jobs(world).await;
                if !jobs.is_empty() {
                    let job = &jobs[self.rng.random_range(0..jobs.len())];
                    self.calm = false;
                    let cancelled = asked::cancel(&world.app, &self.steward, job.id).await;
                    self.note("cancel", cancelled);
                }
            }
            78..81 => self.upload(world).await,
            81..83 => {
                // The server that receives is killed.
                let upload = Upload { dataset: self.dataset, token: Uuid::now_v7() };
                let mut tx = world.app.begin("test").await.unwrap();
                let until = tx.now().await.unwrap() + LEASE;
                netdpsyn::storage::datasets::lock(&mut tx, self.tenant, self.dataset).await.unwrap();
                received::begin(&mut tx, upload, until).await.unwrap();
                tx.commit().await.unwrap();
                self.log.push("an upload dies".into());
            }
            83..84 => {
                let erased = datasets::erase(&world.app, &self.steward, self.dataset).await;
                if self.note("erase", erased).is_some() {
                    self.dataset = datasets::create(&world.app, &self.steward, declared()).await.unwrap().id;
                    self.upload(world).await;
                }
            }
            84..92 => {
                let by = [LEASE + 1, -HOUR, HOUR, 61_000_000, -LEASE][self.rng.random_range(0..5)];
                self.log.push(format!("jump {by}"));
                world.jump(by);
            }
            92..96 => {
                keeper::look(&world.app).await.unwrap();
            }
            96..98 => {
                self.log.push("back up".into());
                let mut made = None;
                world.reopen(|lab| made = Some(lab.backup())).await;
                self.backup = made;
            }
            _ => {
                if let Some(backup) = self.backup.take() {
                    self.log.push("restore".into());
                    self.calm = false;
                    world.reopen(|lab| lab.put_back(&backup)).await;
                    if self.rng.random_bool(0.5) {
                        self.reconcile(world).await;
                    }
                }
            }
        }
        self.compare_bundles(world).await;
    }

    async fn reconcile(&mut self, world: &World) {
        let found = journal::reconcile(&world.app, &world.admin).await;
        let found = self.note("reconcile", found).unwrap();
        // A tenant that the backup does not know is another sequence's, which is over.
        assert!(found.lost.iter().all(|spend| spend.tenant != self.tenant));
    }

    /// Time passes, and everything that is open ends.
    async fn end(&mut self, world: &mut World) {
        self.reconcile(world).await;
        for round in 0..40 {
            world.jump(2 * LEASE + 1_000_000);
            keeper::look(&world.app).await.unwrap();
            while let Some(job) = world.claim().await {
                world.run(job).await;
            }
            let open = self
                .jobs(world)
                .await
                .iter()
                .any(|j| [JobState::Queued, JobState::Running].contains(&j.state));
            // What a clock that went back left in the future is brought back first, and ends later.
            if !open && round >= 2 {
                break;
            }
        }
        for job in std::mem::take(&mut self.held) {
            world.run(job).await;
        }
        self.compare_bundles(world).await;
        measuring::sweep(&world.app).await.unwrap();
    }

    /// The books.
    async fn check(&self, world: &World) {
        let told = || format!("seed {} on {:?}\n{:#?}", self.seed, world.kind, self.log);
        let all = self.jobs(world).await;
        for job in &all {
            assert!(
                ![JobState::Queued, JobState::Running].contains(&job.state),
                "{job:#?} is open: {}",
                told()
            );
            assert!(job.noise_half.is_none(), "{}", told());
            assert_eq!(job.charged.is_some(), job.kind == jobs::JobKind::Fit, "{}", told());
        }
        assert!(world.app.halves.fits(world.app.clock().files()).unwrap().is_empty(), "{}", told());
        let fits: Vec<&Job> = all.iter().filter(|job| job.kind == jobs::JobKind::Fit).collect();
        let charged: Vec<&&Job> = fits.iter().filter(|fit| fit.charged == Some(true)).collect();

        let mut tx = world.app.read("test").await.unwrap();
        let entries = ledger::entries(&mut tx, self.tenant, 0, 10_000).await.unwrap();
        let committed: BTreeMap<Uuid, i64> = entries
            .iter()
            .filter(|entry| entry.kind == ledger::EntryKind::Commit)
            .map(|entry| (entry.job_id.unwrap(), entry.rho))
            .collect();
        // What drew is charged, whatever became of the database.
        for fit in self.bundles.keys() {
            assert!(committed.contains_key(fit), "drawn and not charged: {fit} {}", told());
        }
        // What is charged stands in the ledger.
        for fit in &charged {
            assert_eq!(committed.get(&fit.id), Some(&fit.rho), "{}", told());
        }
        for fit in fits.iter().filter(|fit| fit.state == JobState::Succeeded) {
            assert!(fit.charged == Some(true) && fit.model_id.is_some(), "{}", told());
        }
        let spent = committed.values().sum::<i64>() as u64;
        let account = accounts::find(&mut tx, Holder::Tenant(self.tenant)).await.unwrap().unwrap();
        assert_eq!(account.spent, Amount { rho: spent, ..account.spent }, "{}", told());
        assert_eq!(account.reserved.rho, 0, "{}", told());
        assert!(account.spent.rho <= account.cap.rho, "{}", told());
        let state = netdpsyn::storage::datasets::find(&mut tx, self.tenant, self.dataset).await.unwrap();
        let state = state.map(|dataset| dataset.state);
        assert!(!matches!(state, Some(Received::Receiving | Received::Parsing)), "{state:?} {}", told());
        drop(tx);
        assert_eq!(journal::forgotten(&world.app).await.unwrap().len(), 0, "{}", told());
        if self.calm {
            for fit in fits {
                assert_eq!(fit.state, JobState::Succeeded, "{:?} {}", fit.problem, told());
            }
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().unwrap())
}

fn random_operations(kind: Kind) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<String>().is_none_or(|what| what != CRASH)
            && panic.payload().downcast_ref::<&str>().is_none_or(|what| *what != CRASH)
        {
            usual(panic);
        }
    }));
    assert!(!sample("flows.csv.gz").is_empty());
    let (first, sequences) = (setting("NETDPSYN_CHAOS_FIRST", 0), setting("NETDPSYN_CHAOS", 100));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (mut done, mut counts) = (0, BTreeMap::<String, u64>::new());
    while done < sequences {
        let lab = Lab::new(kind);
        // The lab has a runtime of its own, and that is not dropped inside another.
        let lab = runtime.block_on(async {
            let mut world = World::new(lab, kind).await;
            for seed in first + done..first + sequences.min(done + TOGETHER) {
                let mut sequence = Sequence::begin(&world, seed).await;
                for _ in 0..sequence.rng.random_range(10..30) {
                    sequence.step(&mut world).await;
                }
                sequence.end(&mut world).await;
                sequence.check(&world).await;
                *counts.entry("calm".into()).or_default() += u64::from(sequence.calm);
                for line in &sequence.log {
                    let what = line.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default().trim();
                    *counts.entry(what.into()).or_default() += 1;
                }
            }
            world.app.db.close().await;
            world.lab
        });
        drop(lab);
        done += TOGETHER.min(sequences - done);
    }
    println!("{sequences} sequences on {kind:?}, 0 wrong balances; operations: {counts:#?}");
    for needed in ["run fit", "crash fit", "late fit", "restore", "cancel: ok", "\"fit\": ok"] {
        assert!(sequences < 100 || counts.contains_key(needed), "{needed} never came: {counts:#?}");
    }
}
