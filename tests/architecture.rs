//! The house rules that the compiler cannot hold: who may use whom within the service, and what the shipped program is built of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every Rust file under `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates")
}

/// The module of the crate that a file belongs to.
fn module(file: &Path) -> String {
    let inside = file.strip_prefix(source()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

/// The file's code: without comments, and without what is compiled for tests alone, which stands at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let tests = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\nimpl "];
    let end = tests.iter().filter_map(|start| text.find(start)).min().unwrap_or(text.len());
    let text = &text[..end];
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a file is compiled for tests alone: the module above it says so.
fn is_test(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_string_lossy();
    let above = ["mod.rs", "lib.rs"].map(|above| fs::read_to_string(file.with_file_name(above)));
    above.into_iter().flatten().any(|text| text.contains(&format!("#[cfg(test)]\nmod {name};")))
}

/// Every other Rust file of the crate.
fn production() -> Vec<PathBuf> {
    files(&source()).into_iter().filter(|file| !is_test(file)).collect()
}

/// Modules of the crate that a piece of code names: `crate::x`, and `crate::{x::…, y}`.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let name = |text: &str| -> String {
            text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        match after.strip_prefix('{') {
            None => {
                names.insert(name(after));
            }
            Some(list) => {
                let mut depth = 0;
                let mut part = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            names.insert(name(part.trim()));
                            part.clear();
                            continue;
                        }
                        _ => {}
                    }
                    part.push(c);
                }
                names.insert(name(part.trim()));
            }
        }
    }
    names.remove("");
    names
}

/// The table of `lib.rs`: what each module of the service may use. Between crates the compiler holds it.
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let engine = ["account", "trace", "formats", "model", "fit", "generate", "evaluate"];
    let and = |more: &[&'static str]| engine.iter().chain(more).copied().collect::<Vec<_>>();
    BTreeMap::from([
        ("account", vec![]),
        ("trace", vec![]),
        ("formats", vec![]),
        ("model", vec![]),
        ("fit", vec![]),
        ("generate", vec![]),
        ("evaluate", vec![]),
        ("config", vec![]),
        ("telemetry", vec!["config"]),
        ("ledger", vec!["account"]),
        ("storage", vec!["ledger", "account"]),
        ("service", and(&["storage", "ledger", "config"])),
        ("jobs", and(&["service", "storage"])),
        ("pages", and(&["service", "storage"])),
        ("http", vec!["pages", "service", "storage", "jobs"]),
        ("cli", and(&["pages", "service", "storage", "http", "config", "telemetry"])),
        ("main", vec![]),
        ("lib", vec![]),
    ])
}

#[test]
fn arrows_point_downwards_only() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for file in production() {
        let own = module(&file);
        let may = allowed.get(own.as_str()).unwrap_or_else(|| panic!("{own} is no room of this house"));
        for name in used(&code(&file)) {
            let is_module = allowed.contains_key(name.as_str());
            if is_module && name != own && !may.contains(&name.as_str()) {
                wrong.push(format!("{} uses {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What cargo says of the workspace.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .args(["--locked", "--offline"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Who works on raw data: the crates that list the privacy core, and no other. `crates/walls` shows what the compiler says to all others.
#[test]
fn three_crates_work_on_raw_data() {
    let metadata: serde_json::Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap();
    let mut users = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let needs = package["dependencies"].as_array().unwrap();
        let core = |need: &&serde_json::Value| need["name"] == "netdpsyn-privacy" && need["kind"].is_null();
        if needs.iter().any(|need| core(&need)) {
            users.push(package["name"].as_str().unwrap().to_string());
        }
    }
    users.sort();
    assert_eq!(users, ["netdpsyn-evaluate", "netdpsyn-fit", "netdpsyn-formats"]);
}

/// The feature by which tests force noise is in nothing that is shipped.
#[test]
fn no_program_forces_noise() {
    let tree = ["tree", "--package", "netdpsyn", "--edges", "normal,build", "--prefix", "none"];
    let shipped = cargo(&[&tree[..], &["--format", "{p} [{f}]"]].concat());
    let of = |name: &str| shipped.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
    assert!(!of("netdpsyn-privacy v").is_empty() && !of("netdpsyn-fit v").is_empty(), "{shipped}");
    assert!(!shipped.contains("forced-noise"), "{shipped}");
    // It is found where it is on.
    let tested = cargo(&[
        "tree",
        "--package",
        "netdpsyn-fit",
        "--edges",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p} [{f}]",
    ]);
    assert!(tested.contains("forced-noise"), "{tested}");
}

/// The engine has no HTTP, no SQL, no runtime, and no command line; what describes its types to those is a feature.
#[test]
fn the_engine_knows_no_http_no_sql_no_runtime() {
    for engine in [
        "account",
        "capture",
        "catalogue",
        "export",
        "privacy",
        "seal",
        "trace",
        "model",
        "fit",
        "generate",
        "formats",
        "evaluate",
    ] {
        let package = format!("netdpsyn-{engine}");
        let tree = cargo(&["tree", "--package", &package, "--edges", "normal", "--prefix", "none"]);
        for forbidden in ["axum ", "sqlx ", "tokio ", "utoipa ", "clap "] {
            assert!(!tree.lines().any(|line| line.starts_with(forbidden)), "{package} needs {forbidden}");
        }
    }
}

/// Who opens what is kept for a steward, and who keeps secrets: rooms of one crate, which the compiler does not tell apart.
#[test]
fn doors_of_the_service() {
    let doors = [
        ("for_steward(", &["cli", "service", "jobs"][..]),
        ("Steward::local(", &["cli", "service"]),
        ("Steward::keeper(", &["jobs"]),
        ("NoiseKey::of_halves(", &["jobs"]),
        ("KeyHalf::kept(", &["jobs"]),
        ("SplitKey::of_population(", &["jobs"]),
    ];
    for file in production() {
        let own = module(&file);
        for (call, rooms) in doors {
            let taken = code(&file).contains(call);
            assert!(!taken || rooms.contains(&own.as_str()), "{} calls {call}", file.display());
        }
    }
}

/// Each exit of raw data stays where it belongs, though all three crates could take each: only `fit` measures, only the readers and the comparisons with the
/// raw trace make private results, and no crate opens one. And only generating and simulating may be seeded.
#[test]
fn exits_stay_where_they_belong_and_seeds_are_for_generating() {
    for file in files(&crates()).into_iter().filter(|file| !is_test(file)) {
        let inside = file.strip_prefix(crates()).unwrap();
        let own = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        if !inside.components().any(|part| part.as_os_str() == "src") || own == "walls" {
            continue;
        }
        let code = code(&file);
        assert!(!code.contains(".measure(") || own == "fit", "{} measures", file.display());
        assert!(
            !code.contains("Sensitive::new(") || own == "formats",
            "{} takes raw data in",
            file.display()
        );
        let seeds = code.contains("seed_from_u64") || code.contains("from_seed");
        let free = own == "generate"
            || inside.starts_with("trace/src/simulate")
            || inside.ends_with("private/draws.rs")
            || inside.ends_with("privacy/src/noise.rs");
        assert!(!seeds || free, "{} seeds a generator", file.display());
    }
    for file in production() {
        let code = code(&file);
        for call in ["seed_from_u64", "from_seed", "Sensitive::new(", "Private::new(", ".privately("] {
            assert!(!code.contains(call), "{} calls {call}", file.display());
        }
    }
}

#[test]
fn the_reader_of_this_test_sees_nested_uses() {
    let names = used("use crate::{a::{b, c}, d};\nuse crate::e::f; let x = crate::g::h();");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "d", "e", "g"]);
}

/// A word after each place where `start` stands in a piece of code, and the function that it stands in.
fn named(code: &str, start: &str) -> Vec<(String, String)> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || "_.".contains(*c)).collect()
    };
    let places = code.match_indices(start).map(|(at, _)| at);
    places
        .map(|at| {
            let function = code[..at].rfind("fn ").map_or(String::new(), |place| word(&code[place + 3..]));
            (word(&code[at + start.len()..]), function)
        })
        .collect()
}

/// Nobody but `storage` asks a database, and there every statement says which function asks: the macro holds that it is one of its module, and this that it is
/// the one it stands in.
#[test]
fn every_statement_names_its_function() {
    let mut statements = 0;
    for file in production().into_iter().filter(|file| !file.ends_with("storage/statement.rs")) {
        let code = code(&file);
        for way in ["sqlx::query", "sqlx::raw_sql", "query!(", "Executor"] {
            assert!(!code.contains(way), "{} asks by {way}", file.display());
        }
        for (name, function) in named(&code, "sql!(") {
            statements += 1;
            assert_eq!(name, function, "{}", file.display());
        }
    }
    assert!(statements > 90, "{statements}");
}

/// A transaction's name in the log leads to one place.
#[test]
fn every_transaction_has_a_name_of_its_own() {
    let mut places = BTreeMap::new();
    for file in production() {
        let code = code(&file);
        for start in [
            "app.begin(\"",
            "app.read(\"",
            "db.begin(\"",
            "db.read(\"",
            "db.open(\"",
            "self.begin(\"",
            "self.read(\"",
        ] {
            for (name, function) in named(&code, start) {
                let place = format!("{} {function}", file.display());
                let (room, what) = name.split_once('.').unwrap_or_default();
                assert!(
                    Some(room) == file.file_stem().and_then(|stem| stem.to_str()) && !what.is_empty(),
                    "{place}: {name}"
                );
                if let Some(other) = places.insert(name.clone(), place.clone()) {
                    panic!("{name} is in {place} and in {other}");
                }
            }
        }
    }
    assert!(places.len() > 70, "{}", places.len());
}
