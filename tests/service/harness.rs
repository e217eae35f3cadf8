//! A server of one's own: data directory, database, process, keys.

use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};
use sqlx::Connection;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const ADMIN: &str = "ndp_00000000000000000000000000000000000000000000000000000000000000aa";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// What outlives a server: its files and database. Both are gone when the lab is dropped.
pub struct Lab {
    pub folder: tempfile::TempDir,
    pub database: String,
    pub runtime: tokio::runtime::Runtime,
    /// Databases in Postgres that were created for this lab, by name.
    created: Mutex<Vec<String>>,
}

/// Hundreds of databases would fill a small disk.
impl Drop for Lab {
    fn drop(&mut self) {
        let created = std::mem::take(&mut *self.created.lock().unwrap());
        if created.is_empty() {
            return;
        }
        // A database that cannot be dropped goes with its cluster.
        let _ = self.runtime.block_on(async {
            let mut connection = sqlx::PgConnection::connect(&cluster()).await?;
            for name in created {
                let sql = sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                sqlx::query(sql).execute(&mut connection).await?;
            }
            Ok::<_, sqlx::Error>(())
        });
    }
}

/// A name that nothing has yet.
fn a_name(kind: &str) -> String {
    format!("{kind}{}", uuid::Uuid::now_v7().simple())
}

/// The Postgres cluster of the tests.
fn cluster() -> String {
    std::env::var("NETDPSYN_TEST_POSTGRES").expect(
        "NETDPSYN_TEST_POSTGRES is not set: run these tests through ./run test, which starts a Postgres",
    )
}

impl Lab {
    pub fn new(kind: Kind) -> Lab {
        // Clients are built for encrypted connections as well, though no test opens one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut lab = Lab { folder, database: String::new(), runtime, created: Mutex::default() };
        lab.database = lab.another_database(kind);
        lab
    }

    /// A database that no server has used: where it is.
    pub fn another_database(&self, kind: Kind) -> String {
        match kind {
            Kind::Sqlite => format!("sqlite:{}", self.folder.path().join(a_name("db")).display()),
            Kind::Postgres => self.create("template1"),
        }
    }

    /// A Postgres database that is a copy of this one, by name: where it is.
    fn create(&self, from: &str) -> String {
        let name = a_name("t");
        self.runtime.block_on(async {
            let mut connection = sqlx::PgConnection::connect(&cluster()).await.unwrap();
            let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {from}"));
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        });
        let place = format!("{}/{name}", cluster().rsplit_once('/').unwrap().0);
        self.created.lock().unwrap().push(name);
        place
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A copy of the database, while no server uses it: where it is.
    pub fn backup(&self) -> String {
        let Some(file) = self.database.strip_prefix("sqlite:") else {
            let (_, own) = self.database.rsplit_once('/').unwrap();
            return self.create(own);
        };
        let copy = self.folder.path().join(a_name("b"));
        for end in ["", "-wal"] {
            let from = format!("{file}{end}");
            if Path::new(&from).exists() {
                std::fs::copy(from, format!("{}{end}", copy.display())).unwrap();
            }
        }
        format!("sqlite:{}", copy.display())
    }

    /// A lab whose database was copied after a tenant with this cap had uploaded a trace: the lab, the tenant, its dataset, and where the copy is.
    pub fn backed_up(kind: Kind, cap: Value) -> (Lab, Tenant, String, String) {
        let lab = Lab::new(kind);
        let server = lab.serve(&[]);
        let tenant = server.tenant(cap);
        let dataset = server.flows(&tenant.steward);
        assert!(server.terminate().success());
        let backup = lab.backup();
        (lab, tenant, dataset, backup)
    }

    /// Runs the binary on this lab's database and files.
    pub fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netdpsyn"));
        let command = command.args(args).env("NETDPSYN_DATABASE_URL", &self.database);
        let output = command.env("NETDPSYN_DATA_DIR", self.data()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a server; settings beyond the usual ones by name.
    pub fn serve(&self, settings: &[(&str, &str)]) -> Server {
        self.start(Command::new(env!("CARGO_BIN_EXE_netdpsyn")).arg("serve").envs(settings.iter().copied()))
    }

    /// Starts another version of the program.
    pub fn serve_as(&self, program: &str) -> Server {
        self.start(Command::new(program).arg("serve"))
    }

    /// Starts a server none of whose files may have more bytes than this, until [`Server::limit_files`] says otherwise.
    pub fn serve_within(&self, bytes: u64) -> Server {
        let limited = format!(
            "ulimit -Sf {}; trap '' XFSZ; exec {} serve",
            bytes / 512,
            env!("CARGO_BIN_EXE_netdpsyn")
        );
        self.start(Command::new("sh").args(["-c", &limited]))
    }

    /// Starts a server whose data directory, with the embedded database in it, is a disk of its own with this many bytes: in a mount namespace, where the
    /// machine lets us make one. Else none of its files may grow beyond what [`Disk::fill`] leaves.
    pub fn serve_on_disk(&mut self, bytes: u64, settings: &[(&str, &str)]) -> (Server, Disk) {
        std::fs::create_dir_all(self.data()).unwrap();
        if self.database.starts_with("sqlite:") {
            self.database = format!("sqlite:{}", self.data().join("db.sqlite").display());
        }
        let spaces = match rustix::process::geteuid().is_root() {
            true => vec!["--mount"],
            false => vec!["--mount", "--user", "--map-root-user"],
        };
        let mount = format!("mount -t tmpfs -o size={bytes},mode=700 none '{}'", self.data().display());
        let unshare = |then: &str| {
            let mut command = Command::new("unshare");
            command.args(&spaces).args(["sh", "-c", &format!("{mount} && {then}")]);
            command
        };
        if !unshare("true").output().is_ok_and(|tried| tried.status.success()) {
            eprintln!("no disk can be mounted here: the server's files are limited instead");
            let server = self.serve_within(bytes);
            return (server, Disk::Files(self.data()));
        }
        let serve = format!("exec {} serve", env!("CARGO_BIN_EXE_netdpsyn"));
        let server = self.start(unshare(&serve).envs(settings.iter().copied()));
        let folder = PathBuf::from(format!("/proc/{}/root{}", server.child.id(), self.data().display()));
        if self.database.starts_with("sqlite:") {
            self.database = format!("sqlite:{}", folder.join("db.sqlite").display());
        }
        (server, Disk::Mounted(folder))
    }

    fn start(&self, command: &mut Command) -> Server {
        let set: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let mut child = command
            .env("NETDPSYN_DATABASE_URL", &self.database)
            .env("NETDPSYN_DATA_DIR", self.data())
            .env("NETDPSYN_LISTEN", "127.0.0.1:0")
            .env("NETDPSYN_ADMIN_KEY", ADMIN)
            .env("NETDPSYN_LOG_FORMAT", "json")
            .env("NETDPSYN_LEASE_SECONDS", "2")
            .envs(set)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = String::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            *log.lock().unwrap() += &format!("{line}\n");
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["fields"]["message"] == "serving" {
                address = event["fields"]["address"].as_str().unwrap().to_string();
                break;
            }
        }
        assert!(!address.is_empty(), "the server did not start: {}", log.lock().unwrap());
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *kept.lock().unwrap() += &format!("{line}\n");
            }
        });
        Server {
            child,
            url: format!("http://{address}"),
            log,
            client: Client::builder().timeout(None).build().unwrap(),
        }
    }

    /// Raw artifacts and whatever else lies in the data directory.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.data(), &mut found);
        found.sort();
        found
    }

    /// One number from the database.
    pub fn number(&self, sql: &str) -> i64 {
        self.scalar(sql)
    }

    /// One value of bytes from the database.
    pub fn value(&self, sql: &str) -> Vec<u8> {
        self.scalar(sql)
    }

    /// One text from the database.
    pub fn text(&self, sql: &str) -> String {
        self.scalar(sql)
    }

    /// A copy of a database that stands on a server's own disk: SQLite would resolve the link that leads there. A file that is written to meanwhile is
    /// copied again.
    fn copied(&self) -> Option<tempfile::TempDir> {
        let file = Path::new(self.database.strip_prefix("sqlite:")?).to_path_buf();
        let folder = file.starts_with("/proc").then(|| tempfile::tempdir().unwrap())?;
        let read =
            || ["", "-wal"].map(|end| std::fs::read(format!("{}{end}", file.display())).unwrap_or_default());
        wait(|| {
            let (one, other) = (read(), read());
            let [database, log] = &one;
            std::fs::write(folder.path().join("db.sqlite"), database).unwrap();
            std::fs::write(folder.path().join("db.sqlite-wal"), log).unwrap();
            (one == other).then_some(())
        });
        Some(folder)
    }

    fn scalar<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let sql = sqlx::AssertSqlSafe(sql.to_string());
        self.runtime.block_on(async {
            if self.database.starts_with("sqlite:") {
                let copied = self.copied();
                let database = copied.as_ref().map_or(self.database.clone(), |copy| {
                    format!("sqlite:{}", copy.path().join("db.sqlite").display())
                });
                let pool = sqlx::SqlitePool::connect(&database).await.unwrap();
                let found = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
                pool.close().await;
                found
            } else {
                let pool = sqlx::PgPool::connect(&self.database).await.unwrap();
                let found = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
                pool.close().await;
                found
            }
        })
    }

    /// Changes the database, as somebody who has it can.
    pub fn execute(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_string());
        self.runtime.block_on(async {
            if self.database.starts_with("sqlite:") {
                let pool = sqlx::SqlitePool::connect(&self.database).await.unwrap();
                sqlx::query(sql).execute(&pool).await.unwrap();
                pool.close().await;
            } else {
                let pool = sqlx::PgPool::connect(&self.database).await.unwrap();
                sqlx::query(sql).execute(&pool).await.unwrap();
                pool.close().await;
            }
        });
    }

    /// Puts a backup in the place of the database, which nobody uses; the backup stays.
    pub fn put_back(&self, backup: &str) {
        let Some(file) = self.database.strip_prefix("sqlite:") else { return self.restore(backup) };
        let copy = backup.strip_prefix("sqlite:").unwrap();
        for end in ["", "-wal", "-shm"] {
            let (from, to) = (format!("{copy}{end}"), format!("{file}{end}"));
            match Path::new(&from).exists() && end != "-shm" {
                true => drop(std::fs::copy(from, to).unwrap()),
                false => drop(std::fs::remove_file(to)),
            }
        }
    }

    /// Keeps every other connection from writing until dropped.
    pub fn hold_writes(&self) -> Held {
        use sqlx::Executor;
        self.runtime.block_on(async {
            if self.database.starts_with("sqlite:") {
                let mut connection = sqlx::SqliteConnection::connect(&self.database).await.unwrap();
                connection.execute("PRAGMA busy_timeout = 30000").await.unwrap();
                connection.execute("BEGIN IMMEDIATE").await.unwrap();
                Held::Sqlite(connection)
            } else {
                let mut connection = sqlx::PgConnection::connect(&self.database).await.unwrap();
                connection.execute("BEGIN").await.unwrap();
                connection.execute("LOCK TABLE probes, tenants IN EXCLUSIVE MODE").await.unwrap();
                Held::Postgres(connection)
            }
        })
    }

    /// Drops the Postgres database under whoever uses it, and puts a backup in its place.
    pub fn restore(&self, backup: &str) {
        let (server, own) = self.database.rsplit_once('/').unwrap();
        let (_, backup) = backup.rsplit_once('/').unwrap();
        self.runtime.block_on(async {
            let pool = sqlx::PgPool::connect(&format!("{server}/postgres")).await.unwrap();
            for sql in [
                format!("DROP DATABASE {own} WITH (FORCE)"),
                format!("CREATE DATABASE {own} TEMPLATE {backup}"),
            ] {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await.unwrap();
            }
        });
    }
}

fn walk(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, found) } else { found.push(path.display().to_string()) }
    }
}

/// The disk of a server.
pub enum Disk {
    /// One of its own, as it is seen from here.
    Mounted(PathBuf),
    /// The machine's, on which the server's files are limited.
    Files(PathBuf),
}

impl Disk {
    pub fn folder(&self) -> &Path {
        match self {
            Disk::Mounted(folder) | Disk::Files(folder) => folder,
        }
    }

    fn free(&self) -> u64 {
        let about = rustix::fs::statvfs(self.folder()).unwrap();
        about.f_bavail * about.f_frsize
    }

    /// Leaves this many bytes free.
    pub fn fill(&self, server: &Server, leave: u64) {
        let Disk::Mounted(folder) = self else {
            let log = std::fs::metadata(self.folder().join("db.sqlite-wal")).map_or(0, |about| about.len());
            return server.limit_files(Some(log + leave));
        };
        let ballast = std::fs::File::create(folder.join("ballast")).unwrap();
        let mut length = 0;
        // The server may write meanwhile.
        while self.free() > leave {
            length += self.free() - leave;
            let flags = rustix::fs::FallocateFlags::empty();
            if rustix::fs::fallocate(&ballast, flags, 0, length.div_ceil(4096) * 4096).is_err() {
                length = ballast.metadata().unwrap().len();
            }
        }
    }

    pub fn make_room(&self, server: &Server) {
        match self {
            Disk::Mounted(folder) => std::fs::remove_file(folder.join("ballast")).unwrap(),
            Disk::Files(_) => server.limit_files(None),
        }
    }

    /// Raw traces, bundles, synthetic traces and unfinished work: their keys.
    pub fn artifacts(&self) -> Vec<String> {
        let root = self.folder().join("artifacts");
        let mut found = Vec::new();
        for name in ["traces", "models", "releases", "scratch"] {
            walk(&root.join(name), &mut found);
        }
        found.iter().map(|path| path[root.display().to_string().len() + 1..].to_string()).collect()
    }
}

/// A connection that holds a lock.
pub enum Held {
    Sqlite(#[allow(dead_code)] sqlx::SqliteConnection),
    Postgres(#[allow(dead_code)] sqlx::PgConnection),
}

/// A running server.
pub struct Server {
    pub child: Child,
    pub url: String,
    pub log: Arc<Mutex<String>>,
    pub client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// From now on none of the server's files may have more bytes than this.
    pub fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Fsize, limit).unwrap();
    }

    /// Asks the server to stop and waits until it has.
    pub fn terminate(mut self) -> std::process::ExitStatus {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap()
    }

    pub fn get(&self, path: &str, key: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).bearer_auth(key).send().unwrap()
    }

    pub fn post(&self, path: &str, key: &str, body: &Value) -> Response {
        self.client.post(format!("{}{path}", self.url)).bearer_auth(key).json(body).send().unwrap()
    }

    pub fn json(&self, path: &str, key: &str) -> Value {
        let response = self.get(path, key);
        assert!(response.status().is_success(), "{path}: {}", response.text().unwrap());
        response.json().unwrap()
    }

    pub fn made(&self, path: &str, key: &str, body: &Value) -> Value {
        let response = self.post(path, key, body);
        assert!(response.status().is_success(), "{path}: {}", response.text().unwrap());
        response.json().unwrap()
    }

    /// A tenant with this cap, and its keys.
    pub fn tenant(&self, cap: Value) -> Tenant {
        let name = uuid::Uuid::now_v7().to_string();
        let tenant = self.made("/v1/tenants", ADMIN, &json!({"name": name, "cap": cap}));
        let id = tenant["id"].as_str().unwrap().to_string();
        let key = |role: &str| {
            let issued =
                self.made(&format!("/v1/tenants/{id}/keys"), ADMIN, &json!({"role": role, "name": role}));
            issued["secret"].as_str().unwrap().to_string()
        };
        Tenant { steward: key("steward"), reader: key("reader"), name, id }
    }

    pub fn upload(&self, dataset: &str, key: &str, body: Vec<u8>) -> Response {
        let url = format!("{}/v1/datasets/{dataset}/trace", self.url);
        self.client.put(url).bearer_auth(key).body(body).send().unwrap()
    }

    /// A dataset of the sample flows, ready to be fitted.
    pub fn flows(&self, steward: &str) -> String {
        let id = self.dataset(steward);
        assert_eq!(self.upload(&id, steward, sample("flows.csv.gz")).status(), 202);
        assert_eq!(self.parsed(&id, steward)["state"], "ready");
        id
    }

    /// The model of a fit of the sample flows.
    pub fn model(&self, steward: &str) -> Value {
        let dataset = self.flows(steward);
        let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
        self.made("/v1/jobs", steward, &fit);
        self.idle(steward)[0]["model_id"].clone()
    }

    pub fn dataset(&self, steward: &str) -> String {
        let dataset = self.made("/v1/datasets", steward, &declared_flows());
        dataset["id"].as_str().unwrap().to_string()
    }

    /// Waits until a dataset is parsed.
    pub fn parsed(&self, id: &str, steward: &str) -> Value {
        wait(|| {
            let dataset = self.json(&format!("/v1/datasets/{id}"), steward);
            (dataset["state"] != "parsing").then_some(dataset)
        })
    }

    /// Waits until a dataset is parsed that is declared otherwise now: a trace that is kept is parsed again, one that is not is sent again.
    pub fn parsed_again(&self, id: &str, steward: &str, trace: Vec<u8>) -> Value {
        if self.parsed(id, steward)["state"] != "ready" {
            assert_eq!(self.upload(id, steward, trace).status(), 202);
        }
        self.parsed(id, steward)
    }

    /// Waits until nothing of a tenant waits or runs, and gives all its jobs but for parsing.
    pub fn idle(&self, steward: &str) -> Vec<Value> {
        let jobs = || self.json("/v1/jobs?limit=200", steward)["items"].as_array().unwrap().clone();
        let is_open = |job: &Value| job["state"] == "queued" || job["state"] == "running";
        // Crowded machines are slow; jobs that never end are named.
        let ended =
            within(Duration::from_secs(180), || Some(jobs()).filter(|jobs| !jobs.iter().any(is_open)));
        let ended = ended.unwrap_or_else(|| panic!("{:#?}\n{}", jobs(), self.log.lock().unwrap()));
        ended.into_iter().filter(|job| job["kind"] != "parse").collect()
    }
}

pub struct Tenant {
    pub id: String,
    pub name: String,
    pub steward: String,
    pub reader: String,
}

pub fn declared_flows() -> Value {
    json!({
        "name": "flows",
        "preset": "flow",
        "window": "2026-01-05T08:00:00Z/2026-01-05T09:00:00Z",
        "categories": {"type": ["normal", "ddos", "portscan", "bruteforce"]},
    })
}

pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)).unwrap()
}

/// Looks again until there is an answer; a minute at most.
pub fn wait<T>(look: impl FnMut() -> Option<T>) -> T {
    within(Duration::from_secs(60), look).expect("waited a minute in vain")
}

/// The same for so long at most; `None` if there is no answer by then.
fn within<T>(most: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() >= most {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
