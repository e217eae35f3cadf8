//! Clients that are slow, silent, many, guessing, or odd, over bare sockets.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

both!(a_request_that_takes_too_long_is_a_problem, wrong_keys_wait_and_right_ones_do_not);

/// An answer: its status, its head in lower case, its body.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn problem(&self) -> Value {
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status, "{problem}");
        problem
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

fn address(server: &Server) -> &str {
    server.url.strip_prefix("http://").unwrap()
}

/// A connection that gives up after ten seconds of silence.
fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(address(server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Reads one answer; none where the connection ends without.
fn answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&head)),
        }
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: Vec::new() };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    answer.body.resize(length, 0);
    stream.read_exact(&mut answer.body).unwrap();
    Some(answer)
}

/// Whether the other side has ended the connection.
fn ended(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
            true
        }
    }
}

/// Sends this and reads one answer.
fn say(server: &Server, request: &str) -> Option<Answer> {
    let mut stream = connect(server);
    // Whoever is refused early may not be able to say everything.
    let _ = stream.write_all(request.as_bytes());
    answer(&mut stream)
}

/// A connection that had its first request answered.
fn used(server: &Server) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(answer(&mut stream).unwrap().status, 200);
    stream
}

fn terminate(server: &Server) {
    assert!(Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_slow_header_is_cut() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_HEADER_SECONDS", "1")]);
    let (mut stream, start) = (connect(&server), Instant::now());
    // A byte now and then does not help.
    let mut writer = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".chunks(1) {
            let _ = writer.write_all(byte);
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let late = answer(&mut stream).expect("a word of goodbye");
    assert_eq!((late.status, &late.problem()["type"]), (408, &json!("/problems/timed-out")));
    assert!(ended(&mut stream));
    assert!((1..10).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[test]
fn silent_connections_are_let_go() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_IDLE_SECONDS", "1")]);
    let (mut fresh, mut used, start) = (connect(&server), used(&server), Instant::now());
    assert!(ended(&mut fresh) && ended(&mut used));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_connection_too_many_is_told_so() {
    let lab = Lab::new(Kind::Sqlite);
    let check = |settings: &[(&str, &str)], named: &str| {
        let server = lab.serve(settings);
        let mut held: Vec<_> = (0..4).map(|_| used(&server)).collect();
        let mut fifth = connect(&server);
        let refused = answer(&mut fifth).unwrap();
        assert_eq!(
            (refused.status, &refused.problem()["type"]),
            (503, &json!("/problems/too-many-connections"))
        );
        assert!(refused.problem()["detail"].as_str().unwrap().contains(named));
        assert!(refused.header("retry-after").is_some() && ended(&mut fifth));
        // Those that have their place keep it, and a free place is given away.
        held[0].write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(answer(&mut held[0]).unwrap().status, 200);
        assert!(ended(&mut held[0]));
        wait(|| {
            say(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").filter(|answer| answer.status == 200)
        });
        // A line takes a moment from the server to here.
        wait(|| server.log.lock().unwrap().contains("are refused").then_some(()));
        let lines = server.log.lock().unwrap().lines().filter(|line| line.contains("are refused")).count();
        assert_eq!(lines, 1, "one line a minute, however many come");
    };
    check(&[("NETDPSYN_MAX_CONNECTIONS_PER_ADDRESS", "4")], "NETDPSYN_MAX_CONNECTIONS_PER_ADDRESS");
    check(&[("NETDPSYN_MAX_CONNECTIONS", "4")], "NETDPSYN_MAX_CONNECTIONS)");
    // A trusted proxy speaks for many.
    let server = lab
        .serve(&[("NETDPSYN_MAX_CONNECTIONS_PER_ADDRESS", "4"), ("NETDPSYN_TRUSTED_PROXIES", "127.0.0.0/8")]);
    let _held: Vec<_> = (0..9).map(|_| used(&server)).collect();
}

#[test]
fn a_body_that_stalls_is_a_problem() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_HEADER_SECONDS", "1"), ("NETDPSYN_IDLE_SECONDS", "2")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.dataset(&tenant.steward);
    let head = format!("Host: x\r\nAuthorization: Bearer {}\r\nContent-Length: 1000\r\n", tenant.steward);
    let json =
        format!("POST /v1/datasets HTTP/1.1\r\n{head}Content-Type: application/json\r\n\r\n{{\"name\": ");
    let upload = format!("PUT /v1/datasets/{dataset}/trace HTTP/1.1\r\n{head}\r\nsrcip,dstip");
    for request in [json, upload] {
        let late = say(&server, &request).unwrap();
        assert_eq!((late.status, &late.problem()["type"]), (408, &json!("/problems/timed-out")));
        assert_eq!(late.header("connection"), Some("close"));
    }
    assert_eq!(server.json(&format!("/v1/datasets/{dataset}"), &tenant.steward)["state"], "empty");
    assert!(!lab.files().iter().any(|file| file.contains("/traces/")));
}

#[test]
fn a_download_that_nobody_reads_is_cut_off() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_IDLE_SECONDS", "1")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    // More bytes than sockets hold on their own.
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "rows": 200_000, "generate": {"rounds": 0}});
    server.made("/v1/jobs", &tenant.steward, &fit);
    let release = server.idle(&tenant.steward)[1]["release_id"].as_str().unwrap().to_string();
    let mut stream = connect(&server);
    let request = format!(
        "GET /v1/releases/{release}/content HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        tenant.steward
    );
    stream.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let (mut read, mut chunk) = (0, vec![0; 1 << 16]);
    let cut = loop {
        match stream.read(&mut chunk) {
            Ok(0) => break false,
            Ok(more) => read += more,
            Err(error) => break error.kind() == ErrorKind::ConnectionReset,
        }
    };
    let whole = server.json(&format!("/v1/releases/{release}"), &tenant.steward)["bytes"].as_u64().unwrap();
    assert!(cut && (read as u64) < whole, "{read} bytes of {whole}");
    // Who takes it slowly, but takes it, gets all of it.
    let mut stream = connect(&server);
    stream.write_all(request.replace("Host", "Connection: close\r\nHost").as_bytes()).unwrap();
    let mut read = 0;
    loop {
        match stream.read(&mut chunk).unwrap() {
            0 => break,
            more => read += more,
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(read as u64 > whole, "{read} bytes of {whole} and a head");
}

#[test]
fn stopping_ends_what_waits_at_once_and_lets_a_request_end() {
    let lab = Lab::new(Kind::Sqlite);
    let mut server = lab.serve(&[("NETDPSYN_DRAIN_SECONDS", "20")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.dataset(&tenant.steward);
    let (mut fresh, mut idle, mut busy) = (connect(&server), used(&server), connect(&server));
    let trace = sample("flows.csv.gz");
    let head = format!(
        "PUT /v1/datasets/{dataset}/trace HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        tenant.steward,
        trace.len()
    );
    busy.write_all(head.as_bytes()).unwrap();
    busy.write_all(&trace[..1_000]).unwrap();
    wait(|| (lab.number("SELECT COUNT(*) FROM datasets WHERE state = 'receiving'") == 1).then_some(()));
    let start = Instant::now();
    terminate(&server);
    assert!(ended(&mut fresh) && ended(&mut idle));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    wait(|| TcpStream::connect(address(&server)).is_err().then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    busy.write_all(&trace[1_000..]).unwrap();
    let answered = answer(&mut busy).unwrap();
    assert_eq!((answered.status, answered.header("connection")), (202, Some("close")));
    assert!(server.child.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(18), "{:?}", start.elapsed());
}

#[test]
fn no_client_holds_a_server_that_stops() {
    let lab = Lab::new(Kind::Sqlite);
    let mut server = lab.serve(&[("NETDPSYN_DRAIN_SECONDS", "2"), ("NETDPSYN_DRAIN_MEASURING_SECONDS", "2")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.dataset(&tenant.steward);
    let mut header = connect(&server);
    header.write_all(b"GET /healthz HT").unwrap();
    let mut upload = connect(&server);
    let request = format!(
        "PUT /v1/datasets/{dataset}/trace HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 1000\r\n\r\nsrcip",
        tenant.steward
    );
    upload.write_all(request.as_bytes()).unwrap();
    wait(|| (lab.number("SELECT COUNT(*) FROM datasets WHERE state = 'receiving'") == 1).then_some(()));
    let start = Instant::now();
    terminate(&server);
    assert!(server.child.wait().unwrap().success());
    assert!((2..10).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[test]
fn running_out_of_descriptors_does_not_end_it() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    drop(used(&server));
    let pid = server.child.id();
    let open = || std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    let limit = |most: u64| {
        let limit = Rlimit { current: Some(most), maximum: getrlimit(Resource::Nofile).maximum };
        prlimit(Pid::from_raw(pid as i32), Resource::Nofile, limit).unwrap()
    };
    let before = limit(open() + 4);
    let held: Vec<_> = (0..20).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    wait(|| server.log.lock().unwrap().contains("accept error").then_some(()));
    prlimit(Pid::from_raw(pid as i32), Resource::Nofile, before).unwrap();
    drop(held);
    drop(used(&server));
}

#[test]
fn a_client_names_its_request_within_reason() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let id = |given: &str| {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: {given}\r\n\r\n");
        say(&server, &request).unwrap().header("x-request-id").unwrap().to_string()
    };
    assert_eq!(id("build-7/3"), "build-7/3");
    let made = id(&"x".repeat(10_000));
    assert!(made.parse::<uuid::Uuid>().is_ok(), "{made}");
    assert!(!server.log.lock().unwrap().contains(&"x".repeat(129)));
}

fn wrong_keys_wait_and_right_ones_do_not(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_LOG", "info,sqlx::query=debug")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    assert_eq!(server.get("/v1/budget", &tenant.steward).status(), 200);
    // Questions about keys, and lines of the log beside those of questions.
    let told = || {
        // The log comes through a pipe.
        std::thread::sleep(Duration::from_millis(300));
        let log = server.log.lock().unwrap();
        let (queries, others): (Vec<_>, Vec<_>) = log.lines().partition(|line| line.contains("sqlx::query"));
        (
            queries.iter().filter(|line| line.contains("/* netdpsyn::storage::keys::find */")).count(),
            others.len(),
        )
    };
    let before = told();
    assert!(before.0 > 0);
    // What has not the shape of a key is no guess.
    for _ in 0..100 {
        assert_eq!(server.get("/v1/budget", "ndp_0123456789abcdef").status(), 401);
    }
    let answers: Vec<_> = (0..200).map(|n| server.get("/v1/budget", &format!("ndp_f{n:063x}"))).collect();
    let count = |status: u16| answers.iter().filter(|answer| answer.status() == status).count();
    let tried = count(401);
    assert!((20..=25).contains(&tried) && tried + count(429) == 200, "{tried} tries");
    let refused = answers.into_iter().find(|answer| answer.status() == 429).unwrap();
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=7).contains(&seconds), "{seconds}");
    assert_eq!(refused.json::<Value>().unwrap()["type"], "/problems/too-many");
    let after = told();
    assert_eq!(after.0 - before.0, tried, "what is refused is not asked for");
    assert!(after.1 - before.1 <= 1, "{} lines for 300 refusals", after.1 - before.1);
    // Neighbours go on working, but a revoked key does not.
    assert_eq!(server.get("/v1/budget", &tenant.steward).status(), 200);
    let keys = format!("/v1/tenants/{}/keys", tenant.id);
    let listed = server.json(&keys, ADMIN);
    let steward = listed["items"].as_array().unwrap().iter().find(|key| key["role"] == "steward").unwrap();
    let url = format!("{}{keys}/{}", server.url, steward["id"].as_str().unwrap());
    assert_eq!(server.client.delete(url).bearer_auth(ADMIN).send().unwrap().status(), 204);
    assert_eq!(server.get("/v1/budget", &tenant.steward).status(), 401);
    assert_eq!(
        server.get("/v1/budget", &tenant.steward).status(),
        429,
        "from then on it is a guess like any other"
    );
    // A reader's key that was never seen has to wait its turn; another address has its own tries.
    assert_eq!(server.get("/v1/releases", &tenant.reader).status(), 429);
}

#[test]
fn a_trusted_proxy_tells_who_guesses() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[("NETDPSYN_TRUSTED_PROXIES", "127.0.0.1")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let ask = |key: &str, from: &str| {
        let request = server.client.get(format!("{}/v1/releases", server.url)).bearer_auth(key);
        request.header("x-forwarded-for", from).send().unwrap().status()
    };
    let guesses: Vec<_> = (0..40).map(|n| ask(&format!("ndp_f{n:063x}"), "2001:db8::bad")).collect();
    assert_eq!((guesses[0].as_u16(), guesses[39].as_u16()), (401, 429));
    assert_eq!(ask(&tenant.reader, "2001:db8::5").as_u16(), 429, "the same /64");
    assert_eq!(ask(&tenant.reader, "2001:db8:0:1::5").as_u16(), 200);
}

#[test]
fn the_scheme_of_a_key_may_be_written_in_any_case() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let status = |scheme: &str| {
        let request = server.client.get(format!("{}/v1/tenants", server.url));
        request.header("authorization", format!("{scheme} {ADMIN}")).send().unwrap().status().as_u16()
    };
    assert_eq!(["Bearer", "bearer", "BEARER", "Basic"].map(status), [200, 200, 200, 401]);
}

fn a_request_that_takes_too_long_is_a_problem(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_REQUEST_SECONDS", "1")]);
    let new = json!({"name": "late", "cap": {"rho": 1.0}});
    assert_eq!(
        server.post("/v1/tenants", ADMIN, &json!({"name": "in time", "cap": {"rho": 1.0}})).status(),
        201
    );
    let held = lab.hold_writes();
    let (start, late) = (Instant::now(), server.post("/v1/tenants", ADMIN, &new));
    assert!((1..10).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(
        (late.status().as_u16(), late.headers()["content-type"].to_str().unwrap()),
        (503, "application/problem+json")
    );
    assert!(late.headers().contains_key("retry-after"));
    assert_eq!(late.json::<Value>().unwrap()["type"], "/problems/timed-out");
    drop(held);
}

#[test]
fn every_refusal_is_a_problem_document() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let key = format!("Host: x\r\nAuthorization: Bearer {}\r\n", tenant.steward);
    let json = format!("{key}Content-Type: application/json\r\n");
    let long = "a".repeat(70_000);
    let many: String = (0..150).map(|n| format!("x-{n}: 1\r\n")).collect();
    let cases = [
        ("no HTTP at all", "hello\r\n\r\n".to_string()),
        ("a method of odd letters", "G@T /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        ("a method that there is not", format!("BREW /v1/jobs HTTP/1.1\r\n{key}\r\n")),
        ("a method that the route has not", format!("DELETE /v1/jobs HTTP/1.1\r\n{key}\r\n")),
        ("TRACE", format!("TRACE /v1/jobs HTTP/1.1\r\n{key}\r\n")),
        ("CONNECT", format!("CONNECT example.org:443 HTTP/1.1\r\n{key}\r\n")),
        ("OPTIONS *", format!("OPTIONS * HTTP/1.1\r\n{key}\r\n")),
        ("another version", "GET /v1/jobs HTTP/3.7\r\nHost: x\r\n\r\n".into()),
        ("an odd path encoding", format!("GET /v1/jobs/%ff%fe HTTP/1.1\r\n{key}\r\n")),
        ("half a path encoding", format!("GET /v1/jobs/%4 HTTP/1.1\r\n{key}\r\n")),
        ("an odd query encoding", format!("GET /v1/jobs?limit=%ff HTTP/1.1\r\n{key}\r\n")),
        ("a parameter twice", format!("GET /v1/jobs?limit=1&limit=2 HTTP/1.1\r\n{key}\r\n")),
        ("a parameter that there is not", format!("GET /v1/jobs?colour=1 HTTP/1.1\r\n{key}\r\n")),
        ("a path that is too long", format!("GET /v1/{long} HTTP/1.1\r\n{key}\r\n")),
        ("a header that is too long", format!("GET /v1/jobs HTTP/1.1\r\nX-Long: {long}\r\n{key}\r\n")),
        ("too many headers", format!("GET /v1/jobs HTTP/1.1\r\n{many}{key}\r\n")),
        (
            "a length that is none",
            format!("POST /v1/jobs HTTP/1.1\r\n{json}Content-Length: many\r\n\r\n{{}}"),
        ),
        ("a negative length", format!("POST /v1/jobs HTTP/1.1\r\n{json}Content-Length: -1\r\n\r\n{{}}")),
        (
            "two lengths",
            format!("POST /v1/jobs HTTP/1.1\r\n{json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
        ),
        (
            "chunks that are none",
            format!("POST /v1/jobs HTTP/1.1\r\n{json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n"),
        ),
        (
            "a body that is too long",
            format!(
                "POST /v1/jobs HTTP/1.1\r\n{json}Content-Length: 1100000\r\n\r\n{}",
                " ".repeat(1_100_000)
            ),
        ),
        ("no content type", format!("POST /v1/jobs HTTP/1.1\r\n{key}Content-Length: 2\r\n\r\n{{}}")),
        (
            "another content type",
            format!("POST /v1/jobs HTTP/1.1\r\n{key}Content-Type: text/xml\r\nContent-Length: 2\r\n\r\n{{}}"),
        ),
        ("a body that is no JSON", format!("POST /v1/jobs HTTP/1.1\r\n{json}Content-Length: 2\r\n\r\n{{x")),
        (
            "an encoded body",
            format!(
                "PUT /v1/datasets/{}/trace HTTP/1.1\r\n{key}Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{{}}",
                uuid::Uuid::nil()
            ),
        ),
        ("no key", "GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (
            "a key that is no text",
            "GET /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \u{e9}\r\n\r\n".into(),
        ),
        ("no such page of the documentation", "GET /docs/nothing.js HTTP/1.1\r\nHost: x\r\n\r\n".into()),
        (
            "a method that the documentation has not",
            "POST /docs/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".into(),
        ),
        (
            "a method that the document has not",
            "POST /openapi.json HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".into(),
        ),
    ];
    let mut table = String::new();
    for (what, request) in cases {
        let answer = say(&server, &request).unwrap_or_else(|| panic!("{what}: no answer"));
        assert!(answer.status >= 400, "{what}: {answer:?}");
        let problem = answer.problem();
        let allow = answer.header("allow").map_or(String::new(), |allow| format!(", allow {allow}"));
        let field = problem["field"].as_str().map_or(String::new(), |field| format!(", field {field}"));
        table +=
            &format!("{what:<42} {} {}{field}{allow}\n", answer.status, problem["type"].as_str().unwrap());
    }
    insta::assert_snapshot!(table);
    // The connection after a pipelined request that cannot be read tells both.
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nG@T / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(answer(&mut stream).unwrap().status, 200);
    assert_eq!(answer(&mut stream).unwrap().problem()["type"], "/problems/malformed");
}

#[test]
fn a_fault_of_a_body_is_named_by_its_path() {
    let lab = Lab::new(Kind::Sqlite);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let columns = json!([{"name": "a", "type": "port"}, {"name": "b", "type": "colour"}]);
    let id = uuid::Uuid::nil();
    for (path, body, field) in [
        (
            "/v1/jobs",
            json!({"kind": "fit", "dataset_id": id, "epsilon": 1, "options": {"gaps": 1}}),
            "options.gaps",
        ),
        ("/v1/jobs", json!({"kind": "fit", "dataset_id": id}), "epsilon"),
        ("/v1/jobs", json!({"kind": "fit", "dataset_id": 5, "epsilon": 1}), "dataset_id"),
        ("/v1/jobs", json!({"dataset_id": id}), "kind"),
        ("/v1/quotes", json!({"dataset_id": id, "epsilon": []}), "epsilon"),
        (
            "/v1/datasets",
            json!({"name": "x", "schema": {"name": "x", "kind": "flow", "columns": columns}}),
            "schema.columns[1].type",
        ),
        (
            "/v1/datasets",
            json!({"name": "x", "preset": "flow", "categories": {"type": [1]}}),
            "categories.type[0]",
        ),
        (
            "/v1/datasets",
            json!({"name": "x", "preset": "flow", "networks": {"srcip": ["home"]}}),
            "networks.srcip",
        ),
    ] {
        let refused = server.post(path, &tenant.steward, &body);
        assert_eq!(refused.status(), 422);
        let problem: Value = refused.json().unwrap();
        assert_eq!(problem["field"], field, "{problem}");
    }
    let problem: Value = server.get("/v1/jobs?limit=many", &tenant.steward).json().unwrap();
    assert_eq!(problem["field"], "limit", "{problem}");
}
