//! How fast the service answers beside everything that slows it down: `./run soak`.
//!
//! A server of its own (release build, embedded database) works on one fit after another, while connections wait in silence and readers take a large release
//! slowly. A hundred times a second somebody asks for a job. Times count from the moment at which a request was due, so that one slow answer makes those behind it
//! late as well. The figures are printed, and written into docs/PERFORMANCE.md between their two marks; the program fails when the target is missed.

mod table;

use netdpsyn::progress::Quiet;
use netdpsyn::service::local;
use netdpsyn::simulate::flows;
use reqwest::blocking::Client;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ADMIN: &str = "ndp_00000000000000000000000000000000000000000000000000000000000000aa";
/// Connections that wait in silence, and readers that take their time.
const IDLE: usize = 1_000;
const READERS: usize = 64;
/// Requests a second, and connections that they are spread over.
const A_SECOND: u32 = 100;
const ASKERS: u32 = 32;
/// What the 99th percentile may be, in milliseconds.
const TARGET: f64 = 25.0;
/// Records of the trace that is fitted, and of the release that is read.
const FITTED: usize = 300_000;
const RELEASED: u64 = 1_000_000;
/// Bytes that a reader takes at a time, and how long it rests then.
const SIP: usize = 4 << 10;
const REST: Duration = Duration::from_millis(250);
/// Where the figures stand in docs/PERFORMANCE.md.
const MARKS: [&str; 2] = ["<!-- soak: begin -->\n", "<!-- soak: end -->\n"];

fn main() {
    // Cargo passes --bench; what is left is how many seconds.
    let word = std::env::args().skip(1).find(|word| word != "--bench");
    let seconds: u64 = word.map_or(300, |word| word.parse().expect("a number of seconds"));
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("more open files");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path());
    let (key, job, release) = server.prepare(folder.path());
    let (stop, fits, drained) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let before = load();
    let (idle, mut times, failed) = std::thread::scope(|scope| {
        let idle: Vec<TcpStream> = (0..IDLE).map(|_| server.waiting()).collect();
        scope.spawn(|| server.fit_again_and_again(&key, &job, &fits, &stop));
        for _ in 0..READERS {
            scope.spawn(|| server.sip(&key, &release, &drained, &stop));
        }
        eprintln!("{IDLE} connections wait, {READERS} readers read, a fit runs; asking for {seconds} s …");
        let (times, failed) =
            server.ask(&key, &format!("/v1/jobs/{}", job["id"].as_str().expect("an id")), seconds);
        stop.store(true, Ordering::Relaxed);
        (idle, times, failed)
    });
    let open = idle.iter().filter(|stream| is_open(stream)).count();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
    let line = format!(
        "| {seconds} s | {} | {failed} | {p50:.1} | {:.1} | {p99:.1} | {:.1} | {most:.1} | {} | {open} | {} |",
        times.len(),
        at(0.9),
        at(0.999),
        fits.load(Ordering::Relaxed),
        READERS - drained.load(Ordering::Relaxed),
    );
    let table = format!(
        "{}{}, server and clients together; load of the machine before and at the end: {before}, {}.\n\n\
         | for | requests | failed | p50 ms | p90 ms | p99 ms | p99.9 ms | most ms | fits meanwhile | idle connections still open | slow readers still reading |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n{line}\n",
        if cfg!(debug_assertions) { "Debug build; " } else { "" },
        table::machine(),
        load()
    );
    println!("{table}");
    if !cfg!(debug_assertions) {
        table::write_down(MARKS, &table);
    }
    assert!(
        failed == 0 && open == IDLE,
        "{failed} requests failed, {open} of {IDLE} idle connections stayed open"
    );
    assert!(p99 <= TARGET, "the 99th percentile is {p99:.1} ms; the target is {TARGET} ms");
}

/// The server under load.
struct Server {
    child: Child,
    address: String,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(folder: &Path) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_netdpsyn"))
            .arg("serve")
            .env("NETDPSYN_DATA_DIR", folder.join("data"))
            .env("NETDPSYN_LISTEN", "127.0.0.1:0")
            .env("NETDPSYN_ADMIN_KEY", ADMIN)
            .env("NETDPSYN_LOG_FORMAT", "json")
            // All come from one address, and wait for the whole run.
            .env("NETDPSYN_MAX_CONNECTIONS_PER_ADDRESS", "4096")
            .env("NETDPSYN_IDLE_SECONDS", "3600")
            .env("NETDPSYN_MAX_REQUESTS_PER_SECOND", "1000")
            .env("NETDPSYN_DRAIN_SECONDS", "2")
            .env("NETDPSYN_DRAIN_MEASURING_SECONDS", "2")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let event: Value = serde_json::from_str(&line).ok()?;
            event["fields"]["address"].as_str().map(str::to_owned)
        });
        std::thread::spawn(move || lines.for_each(drop));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(None).build().expect("a client");
        Server { child, address: address.expect("where it listens"), client }
    }

    fn send(&self, method: &str, path: &str, key: &str, body: &Value) -> Value {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth(key);
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.text().unwrap_or_default());
        answer.json().expect("JSON")
    }

    fn get(&self, path: &str, key: &str) -> Value {
        self.send("GET", path, key, &Value::Null)
    }

    /// A tenant's key, a fit that is done, and a large release of it.
    fn prepare(&self, folder: &Path) -> (String, Value, String) {
        let tenant =
            self.send("POST", "/v1/tenants", ADMIN, &json!({"name": "soak", "cap": {"rho": 1_000.0}}));
        let keys = format!("/v1/tenants/{}/keys", tenant["id"].as_str().expect("an id"));
        let key = self.send("POST", &keys, ADMIN, &json!({"role": "steward", "name": "soak"}));
        let key = key["secret"].as_str().expect("a key").to_string();
        let (schema, trace) = (flows::schema(), flows::simulate(FITTED, 1));
        let raw = folder.join("raw.csv");
        local::write_trace(&raw, &trace, &schema, &Quiet).expect("a trace");
        let dataset = self.send("POST", "/v1/datasets", &key, &json!({"name": "soak", "schema": schema}));
        let path = format!("/v1/datasets/{}", dataset["id"].as_str().expect("an id"));
        let body = std::fs::File::open(raw).expect("the trace");
        let url = format!("http://{}{path}/trace", self.address);
        let put = self.client.put(url).bearer_auth(&key).body(body).send().expect("an answer");
        assert!(put.status().is_success());
        self.until(|| self.get(&path, &key)["state"] == "ready");
        let fit = json!({"kind": "fit", "dataset_id": dataset["id"], "epsilon": 1.0, "rows": RELEASED, "generate": {"rounds": 0}});
        let job = self.send("POST", "/v1/jobs", &key, &fit);
        self.until(|| {
            self.get("/v1/releases", &key)["items"].as_array().is_some_and(|items| !items.is_empty())
        });
        let release = self.get("/v1/releases", &key)["items"][0]["id"].as_str().expect("an id").to_string();
        (key, job, release)
    }

    fn until(&self, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < Duration::from_secs(300), "waited five minutes in vain");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// One fit after another, each with its trace, until it is told to stop.
    fn fit_again_and_again(&self, key: &str, like: &Value, fits: &AtomicUsize, stop: &AtomicBool) {
        let fit = json!({"kind": "fit", "dataset_id": like["dataset_id"], "epsilon": 1.0});
        while !stop.load(Ordering::Relaxed) {
            let job = self.send("POST", "/v1/jobs", key, &fit);
            let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
            let state = loop {
                let state = self.get(&path, key)["state"].as_str().expect("a state").to_string();
                if !matches!(&*state, "queued" | "running") || stop.load(Ordering::Relaxed) {
                    break state;
                }
                std::thread::sleep(Duration::from_millis(200));
            };
            assert!(matches!(&*state, "succeeded" | "queued" | "running"), "a fit {state}");
            fits.fetch_add(usize::from(state == "succeeded"), Ordering::Relaxed);
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        stream
    }

    /// A connection that has asked once and then waits.
    fn waiting(&self) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: soak\r\n\r\n").expect("a request");
        assert!(answered(&mut stream));
        stream
    }

    /// Reads a release a little at a time, until it is told to stop.
    fn sip(&self, key: &str, release: &str, drained: &AtomicUsize, stop: &AtomicBool) {
        let mut stream = self.connect();
        let request = format!(
            "GET /v1/releases/{release}/content HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut sip = vec![0; SIP];
        while !stop.load(Ordering::Relaxed) {
            if !stream.read(&mut sip).is_ok_and(|read| read > 0) {
                drained.fetch_add(1, Ordering::Relaxed);
                return;
            }
            std::thread::sleep(REST);
        }
    }

    /// Asks for this path so many times a second: milliseconds of each answer from when it was due, and how many failed.
    fn ask(&self, key: &str, path: &str, seconds: u64) -> (Vec<f64>, usize) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {key}\r\n\r\n");
        let start = Instant::now() + Duration::from_millis(500);
        let asker = |first: u32| {
            let mut stream = self.connect();
            let (mut times, mut failed) = (Vec::new(), 0);
            for tick in (first..A_SECOND * seconds as u32).step_by(ASKERS as usize) {
                let due = start + Duration::from_secs(1) * tick / A_SECOND;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let answered = stream.write_all(request.as_bytes()).is_ok() && answered(&mut stream);
                times.push(due.elapsed().as_secs_f64() * 1e3);
                if !answered {
                    failed += 1;
                    stream = self.connect();
                }
            }
            (times, failed)
        };
        std::thread::scope(|scope| {
            let askers: Vec<_> = (0..ASKERS).map(|first| scope.spawn(move || asker(first))).collect();
            let mut all = (Vec::new(), 0);
            for asker in askers {
                let (times, failed) = asker.join().expect("an asker");
                all.0.extend(times);
                all.1 += failed;
            }
            all
        })
    }
}

/// Reads one answer to its end; whether it is 200.
fn answered(stream: &mut TcpStream) -> bool {
    let (mut text, mut chunk) = (Vec::new(), [0; 4 << 10]);
    loop {
        if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if text.len() >= end + 4 + length.unwrap_or(0) {
                return head.starts_with("http/1.1 200");
            }
        }
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => text.extend_from_slice(&chunk[..read]),
            _ => return false,
        }
    }
}

fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).is_ok()
        && matches!((&mut &*stream).read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_string()
}
