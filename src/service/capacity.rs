//! What servers can do: the memory that one may use for jobs, what running jobs hold of it, and what fits no server at all; the schemas and requests that all know.

use super::app::App;
use super::problem::{Problem, ProblemType};
use super::requests;
use crate::config::Config;
use crate::fit;
use crate::formats::FileKind;
use crate::storage::{Tx, servers};
use crate::trace::{Schema, written};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// Interval at which a server registers.
pub const SEEN_EVERY: Duration = Duration::from_secs(5);
/// How long a job waits for room, in microseconds, before jobs that came later stand back on servers that could hold it.
const PATIENCE: i64 = 30_000_000;

/// Memory that this server may use.
pub struct Capacity {
    id: Uuid,
    /// Bytes for all jobs together.
    pub memory: i64,
    held: AtomicI64,
    /// What the job needs that was passed for want of room; 0 where none was.
    passed: AtomicI64,
    /// Slots claim one after another, each knowing what the one before took.
    claiming: Mutex<()>,
}

/// Memory of a running job; returned when dropped.
pub struct Held {
    of: Arc<Capacity>,
    bytes: i64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.held.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Capacity {
    /// Memory by the settings, or else by the machine.
    pub fn of(config: &Config) -> Self {
        let memory = config.memory_bytes.unwrap_or_else(usual);
        let memory = i64::try_from(memory).unwrap_or(i64::MAX);
        Capacity {
            id: Uuid::new_v4(),
            memory,
            held: AtomicI64::new(0),
            passed: AtomicI64::new(0),
            claiming: Mutex::new(()),
        }
    }

    /// The turn to claim a job.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.claiming.lock().await
    }

    /// What a job may need at most and at least that is claimed now. While one that waited too long has no room, those that came later get none; as soon as
    /// all is free, it is its turn.
    pub async fn room(&self, tx: &mut Tx) -> Result<(i64, i64), Problem> {
        let held = self.held.load(Ordering::Acquire);
        let free = self.memory.saturating_sub(held);
        let since = tx.now().await? - PATIENCE;
        if held == 0 {
            return Ok((free, self.passed.swap(0, Ordering::AcqRel)));
        }
        let passed = servers::passed(tx, free, self.memory, since, fit::BUILD).await?;
        self.passed.store(passed.unwrap_or(0), Ordering::Release);
        Ok((if passed.is_some() { 0 } else { free }, 0))
    }

    /// Holds the memory of a claimed job.
    pub fn hold(self: &Arc<Self>, bytes: Option<i64>) -> Held {
        let bytes = bytes.unwrap_or(0);
        self.held.fetch_add(bytes, Ordering::AcqRel);
        Held { of: Arc::clone(self), bytes }
    }
}

/// Says that this server runs and what it may use; how many jobs wait for more than any server has.
pub async fn register(app: &App) -> Result<i64, Problem> {
    let mut tx = app.begin("capacity.register").await?;
    let known = servers::Known { schemas: written::VERSION.into(), requests: requests::VERSION };
    servers::seen(&mut tx, app.capacity.id, app.capacity.memory, known).await?;
    let too_large = servers::too_large(&mut tx).await?;
    tx.commit().await?;
    Ok(too_large)
}

/// Says that this server takes no more jobs.
pub async fn leave(app: &App) -> Result<(), Problem> {
    let mut tx = app.begin("capacity.leave").await?;
    servers::gone(&mut tx, app.capacity.id).await?;
    Ok(tx.commit().await?)
}

/// Refuses what needs more than the largest server has. `bytes` of `rows` tells how many would fit. Without any server it waits for one.
pub async fn admit(tx: &mut Tx, needed: u64, bytes: impl Fn(u64) -> u64) -> Result<(), Problem> {
    let Some(largest) = servers::largest(tx).await? else { return Ok(()) };
    let largest = largest as u64;
    if needed <= largest {
        return Ok(());
    }
    Err(Problem::too_much_memory(needed, largest, fitting(largest, bytes)))
}

/// Refuses a schema that a server cannot read that runs: it would reject the trace. Servers are replaced one by one.
pub async fn admit_schema(tx: &mut Tx, schema: &Schema) -> Result<(), Problem> {
    match servers::known(tx).await? {
        Some(known) if known.schemas < schema.version().into() => Err(older("read this schema")),
        _ => Ok(()),
    }
}

/// Refuses a job that a server cannot do that runs: it would fail it.
pub async fn admit_request(tx: &mut Tx, version: i64) -> Result<(), Problem> {
    match servers::known(tx).await? {
        Some(known) if known.requests < version => Err(older("do this job")),
        _ => Ok(()),
    }
}

/// Refuses a trace that a server cannot read that runs: it would reject it.
pub async fn admit_trace(tx: &mut Tx, kind: FileKind) -> Result<(), Problem> {
    match servers::known(tx).await? {
        Some(known) if known.requests < requests::version_for(kind) => Err(older(&format!("read {kind}"))),
        _ => Ok(()),
    }
}

fn older(cannot: &str) -> Problem {
    let detail = format!(
        "a server of an earlier version still runs, which cannot {cannot}; replace it first, and try again a minute after it stopped"
    );
    Problem::conflict(ProblemType::OlderServer, detail)
}

/// The most rows that take no more than `room`.
pub fn fitting(room: u64, bytes: impl Fn(u64) -> u64) -> u64 {
    let (mut low, mut high) = (0, 1 << 40);
    while low < high {
        let middle = u64::midpoint(low, high) + 1;
        if bytes(middle) <= room { low = middle } else { high = middle - 1 }
    }
    low
}

/// Three quarters of the limit of the process's control group, or else of the machine's memory: the rest is for everything besides jobs.
fn usual() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let physical = physical(&read("/proc/meminfo"));
    let limit = limit_of(&read("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"));
    let all = [physical, limit].into_iter().flatten().min();
    all.map_or(u64::MAX, |all| all / 4 * 3)
}

/// The machine's memory as /proc/meminfo has it.
fn physical(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1_024)
}

/// The least limit of a process's control group and those that it lies in; of both versions, where both are there.
fn limit_of(groups: &str, root: &Path) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (id, controllers, path) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
        let (root, file) = match controllers.split(',').any(|name| name == "memory") {
            true => (root.join("memory"), "memory.limit_in_bytes"),
            false if id == Some("0") => (root.to_path_buf(), "memory.max"),
            false => return Vec::new(),
        };
        let own = Path::new(path.unwrap_or_default().trim_start_matches('/'));
        // A group that is not to be seen from here leaves those above it.
        let limit = |group: &Path| {
            std::fs::read_to_string(root.join(group).join(file)).ok()?.trim().parse::<u64>().ok()
        };
        own.ancestors().filter_map(limit).collect()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_a_group_and_those_above_it() {
        let root = tempfile::tempdir().unwrap();
        let set = |file: &str, limit: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, limit).unwrap();
        };
        set("a/memory.max", "3000\n");
        set("a/b/memory.max", "max\n");
        set("a/b/c/memory.max", "5000\n");
        set("memory/x/memory.limit_in_bytes", "9223372036854771712\n");
        set("memory/x/y/memory.limit_in_bytes", "700\n");
        let limit = |groups| limit_of(groups, root.path());
        assert_eq!(limit("0::/a/b/c\n"), Some(3_000));
        assert_eq!(limit("0::/a/b\n"), Some(3_000));
        assert_eq!(limit("0::/elsewhere/a\n"), None);
        assert_eq!(limit("12:cpu,memory:/x/y\n1:name=systemd:/a\n"), Some(700));
        assert_eq!(limit("12:memory:/x\n0::/a/b\n"), Some(3_000));
        assert_eq!(limit(""), None);
    }

    #[test]
    fn the_memory_of_the_machine_is_read() {
        assert_eq!(physical("MemTotal:       24576 kB\nMemFree: 1 kB\n"), Some(24_576 << 10));
        assert_eq!(physical("nothing"), None);
        assert!(usual() > 1 << 20);
    }

    #[test]
    fn the_most_rows_that_fit() {
        assert_eq!([99, 100, 107, 3_000].map(|room| fitting(room, |rows| 100 + 7 * rows)), [0, 0, 1, 414]);
    }
}
