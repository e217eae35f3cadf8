//! The house rules, read from the source: who may use whom, and where raw data may be opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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
    let above = fs::read_to_string(file.with_file_name("mod.rs"));
    above.is_ok_and(|text| text.contains(&format!("#[cfg(test)]\nmod {name};")))
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

/// The table of `lib.rs`: what each module may use.
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let engine = [
        "trace", "scratch", "privacy", "progress", "domain", "formats", "model", "fit", "generate",
        "evaluate", "simulate", "whole",
    ];
    let and = |more: &[&'static str]| engine.iter().chain(more).copied().collect::<Vec<_>>();
    BTreeMap::from([
        ("trace", vec!["progress"]),
        ("scratch", vec!["trace"]),
        ("privacy", vec![]),
        ("progress", vec![]),
        ("whole", vec![]),
        ("domain", vec!["trace", "progress"]),
        ("formats", vec!["trace", "privacy", "progress"]),
        ("model", vec!["domain", "trace", "privacy", "progress"]),
        ("fit", vec!["model", "domain", "trace", "privacy", "progress", "whole"]),
        ("generate", vec!["model", "domain", "scratch", "trace", "progress", "whole"]),
        ("evaluate", vec!["model", "domain", "scratch", "trace", "privacy", "progress"]),
        ("simulate", vec!["generate", "trace"]),
        ("config", vec![]),
        ("telemetry", vec!["config"]),
        ("ledger", vec!["privacy"]),
        ("storage", vec!["ledger"]),
        ("service", and(&["storage", "ledger", "config"])),
        ("jobs", and(&["service", "storage"])),
        ("http", vec!["service", "storage", "jobs"]),
        ("cli", and(&["service", "storage", "http", "config", "telemetry"])),
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

#[test]
fn the_engine_knows_no_http_no_sql_no_runtime() {
    for file in production() {
        for forbidden in ["axum", "sqlx", "tokio", "utoipa"] {
            let outer =
                ["service", "storage", "jobs", "http", "cli", "ledger"].contains(&module(&file).as_str());
            // A type may describe its JSON form, as it serialises itself.
            let code = code(&file).replace("utoipa::ToSchema", "");
            assert!(
                outer || !code.contains(&format!("{forbidden}::")),
                "{} uses {forbidden}",
                file.display()
            );
        }
    }
}

/// Where each way out of `Sensitive` may be taken.
#[test]
fn raw_data_has_two_exits() {
    let exits = [
        (".measure(", &["fit"][..]),
        (".privately(", &["evaluate", "formats"]),
        (".derive(", &["fit"]),
        // Lets out that work was stopped, and nothing else.
        (".finished_or(", &["fit", "evaluate", "service"]),
        ("Sensitive::new(", &["formats"]),
        ("Private::new(", &["formats"]),
        ("for_steward(", &["cli", "service", "jobs"]),
        ("Steward::local(", &["cli", "service"]),
        ("Steward::keeper(", &["jobs"]),
        ("NoiseKey::of_halves(", &["jobs"]),
        ("KeyHalf::kept(", &["jobs"]),
        ("SplitKey::of_population(", &["jobs"]),
    ];
    for file in production() {
        let own = module(&file);
        if own == "privacy" {
            continue;
        }
        for (call, rooms) in exits {
            let taken = code(&file).contains(call);
            assert!(!taken || rooms.contains(&own.as_str()), "{} calls {call}", file.display());
        }
    }
}

/// Choosing noise would break the promise: production code has keys from the operating system alone.
#[test]
fn noise_cannot_be_seeded() {
    for file in production() {
        let code = code(&file);
        // Answers come from a key, and a fit takes nothing else: what forces them is compiled for tests alone.
        let answers = code.contains("Noise for ");
        assert!(!answers || file.ends_with("privacy/noise.rs"), "{} answers queries", file.display());
        let forced = code.contains("fit_with(");
        assert!(!forced || file.ends_with("fit/mod.rs"), "{} fits with noise of its own", file.display());
        let made = code.contains("NoiseKey {") && !file.ends_with("privacy/noise.rs");
        assert!(!made, "{} makes a key by hand", file.display());
        let seeds = code.contains("seed_from_u64") || code.contains("from_seed");
        let own = module(&file);
        let free = ["generate", "simulate"].contains(&own.as_str()) || file.ends_with("private/draws.rs");
        // In `privacy` the stream of a block is seeded by the subkey; nowhere else does a seed meet noise.
        assert!(!seeds || free || file.ends_with("privacy/noise.rs"), "{} seeds a generator", file.display());
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
