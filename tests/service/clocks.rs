//! What readers learn of time: the day. Ids are random, so lists order by a sequence; rows of earlier versions keep their order.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};
use uuid::Uuid;

both!(readers_see_no_clock, lists_page_in_order, rows_of_earlier_versions_keep_their_order_and_looks);

/// What tells a time finer than a day, or an id that holds one, in a JSON answer.
fn clocks(at: &str, value: &Value, found: &mut Vec<String>) {
    let now = jiff::Timestamp::now().as_second() as f64;
    let of_today = |n: f64| [1.0, 1e3, 1e6, 1e9].iter().any(|unit| (n / unit - now).abs() < 172_800.0);
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| clocks(&format!("{at}/{key}"), value, found))
        }
        Value::Array(list) => list.iter().for_each(|value| clocks(&format!("{at}/*"), value, found)),
        Value::Number(n) if n.as_f64().is_some_and(of_today) => found.push(format!("{at}: {n}")),
        Value::String(text) => clocks_in(at, text, found),
        _ => {}
    }
}

fn clocks_in(at: &str, text: &str, found: &mut Vec<String>) {
    // A day as a time, and the name of a digest before it, are none.
    let text = &text.replace("T00:00:00Z", "").replace("sha256:", "");
    let letters = text.as_bytes();
    let time = letters.windows(3).any(|w| w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit());
    let ids = (0..letters.len().saturating_sub(35)).filter_map(|i| text.get(i..i + 36));
    let dated = ids.filter_map(|id| id.parse::<Uuid>().ok()).any(|id| id.get_version_num() == 7);
    if time || dated {
        found.push(format!("{at}: {text}"));
    }
}

fn readers_see_no_clock(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[("NETDPSYN_PUBLIC_URL", "https://data.example.org")]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "evaluate": true});
    server.made("/v1/jobs", &tenant.steward, &fit);
    let jobs = server.idle(&tenant.steward);
    let id = |job: usize, name: &str| jobs[job][name].as_str().unwrap().to_string();
    let (job, model, release) = (id(0, "id"), id(0, "model_id"), id(1, "release_id"));
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    let of_steward = server.json(&format!("/v1/releases/{release}"), &tenant.steward);
    for time in ["created_at", "published_at"] {
        assert!(of_steward[time].as_str().unwrap().contains("T"), "stewards see the time: {of_steward}");
    }

    let url = format!("{}/openapi.json", server.url);
    let document: Value = server.client.get(url).send().unwrap().json().unwrap();
    let (mut found, mut readable) = (Vec::new(), 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        if methods.get("get").is_none() {
            continue;
        }
        let id = match path.split('/').nth(2) {
            Some("tenants") => &tenant.id,
            Some("datasets") => &dataset,
            Some("jobs") => &job,
            Some("models") => &model,
            _ => &release,
        };
        let answer = server.get(&path.replace("{id}", id).replace("{release}", id), &tenant.reader);
        let shows = path.starts_with("/v1") || path.starts_with("/p/") || path.starts_with("/.well-known");
        readable += usize::from(answer.status() == 200 && shows);
        for (name, text) in answer.headers() {
            // The time of the answer itself.
            if name != "date" {
                clocks_in(&format!("{path} {name}"), text.to_str().unwrap(), &mut found);
            }
        }
        match answer.headers()["content-type"].to_str().unwrap() {
            json if json.contains("json") => clocks(path, &answer.json().unwrap(), &mut found),
            html if html.contains("html") => clocks_in(path, &answer.text().unwrap(), &mut found),
            _ => {}
        }
    }
    let what = "the list, a release, its trace, its report and that as a page, its model and marginals; the catalogue, two descriptions; at the public \
         address its page, trace, report, statement, signature and two descriptions; keys";
    assert_eq!(readable, 7 + 3 + 7 + 1, "{what}");
    assert!(found.is_empty(), "{found:#?}");
    let day = server.json(&format!("/v1/releases/{release}"), &tenant.reader)["created_at"].clone();
    assert!(of_steward["created_at"].as_str().unwrap().starts_with(day.as_str().unwrap()), "{day}");
}

/// All ids of a list, in pages of two, and the number of pages.
fn walk(server: &Server, path: &str, key: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page = server.json(&format!("{path}?limit=2{after}"), key);
        pages += 1;
        ids.extend(page["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_string()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return (ids, pages),
        }
    }
}

fn lists_page_in_order(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let (tenant, foreign) = (server.tenant(json!({"rho": 1.0})), server.tenant(json!({"rho": 1.0})));
    let dataset = server.flows(&tenant.steward);
    let mut datasets = vec![dataset.clone()];
    datasets.extend((0..4).map(|_| server.dataset(&tenant.steward)));
    assert_eq!(walk(&server, "/v1/datasets", &tenant.steward), (datasets.clone(), 3));

    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}));
    let model = server.idle(&tenant.steward)[0]["model_id"].clone();
    let generate = json!({"kind": "generate", "model_id": model, "rows": 100, "options": {"rounds": 1}});
    for _ in 0..4 {
        server.made("/v1/jobs", &tenant.steward, &generate);
        server.idle(&tenant.steward);
    }
    let jobs = server.idle(&tenant.steward);
    let generated = jobs.iter().filter(|job| job["kind"] == "generate");
    let releases: Vec<String> = generated.map(|j| j["release_id"].as_str().unwrap().to_string()).collect();
    assert_eq!(walk(&server, "/v1/releases", &tenant.steward), (releases.clone(), 3));
    for published in &releases[1..4] {
        server.made(&format!("/v1/releases/{published}/publish"), &tenant.steward, &json!({}));
    }
    assert_eq!(walk(&server, "/v1/releases", &tenant.reader), (releases[1..4].to_vec(), 2));

    let named = |name: &str| json!({"tenant_id": tenant.id, "name": name, "cap": {"rho": 1.0}});
    let populations: Vec<String> = ["a", "b", "c", "d"]
        .map(|name| server.made("/v1/populations", ADMIN, &named(name))["id"].as_str().unwrap().into())
        .to_vec();
    let (listed, pages) = walk(&server, "/v1/populations", &tenant.steward);
    assert_eq!((&listed[1..], pages), (&populations[..], 3), "the default one comes first");
    assert_eq!(walk(&server, "/v1/populations", ADMIN).0[2..], populations);

    // An id that is not in the list is refused: an empty page would look like its end.
    let refused = |path: &str, key: &str, after: &str| {
        let answer = server.get(&format!("{path}?after={after}"), key);
        assert_eq!(answer.status(), 422, "{path}");
        assert_eq!(answer.json::<Value>().unwrap()["field"], "after");
    };
    let nobody = Uuid::new_v4().to_string();
    for path in ["/v1/datasets", "/v1/releases", "/v1/populations", "/v1/budget/entries"] {
        refused(path, &tenant.steward, &nobody);
    }
    refused("/v1/datasets", &foreign.steward, &datasets[0]);
    refused("/v1/releases", &foreign.steward, &releases[1]);
    refused("/v1/releases", &tenant.reader, &releases[0]);
    refused("/v1/populations", &foreign.steward, &populations[0]);
}

/// A database as version 0.1 left it.
async fn of_version_0_1(kind: Kind, database: &str, rows: &[String]) {
    use sqlx::migrate::Migrator;
    let old = |all: Migrator| Migrator {
        migrations: all.iter().filter(|m| m.version <= 2).cloned().collect::<Vec<_>>().into(),
        ..Migrator::DEFAULT
    };
    let text: Vec<_> = rows.iter().map(|row| sqlx::AssertSqlSafe(row.clone())).collect();
    match kind {
        Kind::Sqlite => {
            let pool = sqlx::SqlitePool::connect(&format!("{database}?mode=rwc")).await.unwrap();
            old(sqlx::migrate!("migrations/sqlite")).run(&pool).await.unwrap();
            for row in text {
                sqlx::query(row).execute(&pool).await.unwrap();
            }
            pool.close().await;
        }
        Kind::Postgres => {
            let pool = sqlx::PgPool::connect(database).await.unwrap();
            old(sqlx::migrate!("migrations/postgres")).run(&pool).await.unwrap();
            for row in text {
                sqlx::query(row).execute(&pool).await.unwrap();
            }
            pool.close().await;
        }
    }
}

fn rows_of_earlier_versions_keep_their_order_and_looks(kind: Kind) {
    let lab = Lab::new(kind);
    // Ids in the order of time, as they were.
    let uuid = |n: u32| Uuid::from_u128(0x0199_c0de_0000_7000_8000_0000_0000_0000 + u128::from(n));
    let id = |n: u32| match kind {
        Kind::Sqlite => format!("X'{}'", uuid(n).simple()),
        Kind::Postgres => format!("'{}'", uuid(n)),
    };
    let bytes = if kind == Kind::Sqlite { "X'00'" } else { r"'\x00'" };
    let (tenant, seen, unseen) = (id(1), id(2), id(3));
    let mut rows = vec![format!(
        "INSERT INTO tenants (id, name, cap_rho, cap_delta, created_at) VALUES ({tenant}, 'old', 1000, 0, 1)"
    )];
    for (population, name, default) in [(&unseen, "unseen", "FALSE"), (&seen, "default", "TRUE")] {
        rows.push(format!(
            "INSERT INTO populations (id, tenant_id, name, is_default, strict, split_key, cap_rho, cap_delta, created_at)
             VALUES ({population}, {tenant}, '{name}', {default}, FALSE, {bytes}, 1000, 0, 1)"
        ));
    }
    // Written in another order than they were made. The last one was made after the first one's report, the one before it was not looked at.
    for (dataset, population, created) in [(12, &seen, 900), (10, &seen, 100), (11, &unseen, 500)] {
        let dataset = id(dataset);
        rows.push(format!(
            "INSERT INTO datasets (id, tenant_id, population_id, name, schema, state, created_at)
             VALUES ({dataset}, {tenant}, {population}, 'd', '{{}}', 'empty', {created})"
        ));
    }
    rows.push(format!(
        "INSERT INTO jobs (id, tenant_id, population_id, dataset_id, kind, state, request, created_at, finished_at)
         VALUES ({}, {tenant}, {seen}, {}, 'parse', 'succeeded', '{{}}', 150, 200)",
        id(20),
        id(10)
    ));
    let report = r#"{"version": 1, "private": false, "estimated_records": 1.0, "synthetic_rows": 1, "mean_distance": 0.0, "mean_noise": 0.0,
        "marginals": [], "statement": {"unit": "record", "guarantee": {"epsilon": 1.0, "delta": 1e-9}, "rho": 1, "charges": [], "version": "0.1.0", "held_out": false},
        "ledger": null, "convergence": {"rounds": 0, "error": 0.0, "moved": 0, "settled": true}}"#;
    let statement = r#"{"unit": "record", "guarantee": {"epsilon": 1.0, "delta": 1e-9}, "rho": 1, "charges": [], "version": "0.1.0", "held_out": false}"#;
    for (n, dataset) in [(33, 12), (31, 10), (32, 11)] {
        let (model, release, job) = (id(n), id(n + 10), id(n + 20));
        let dataset = id(dataset);
        rows.push(format!(
            "INSERT INTO models (id, tenant_id, dataset_id, job_id, bundle_path, bundle_sha256, statement, created_at)
             VALUES ({model}, {tenant}, {dataset}, {job}, 'b', '', '{statement}', 1)"
        ));
        let (opened, state, before, at) = match n {
            31 => ("300", "draft", "NULL", "NULL"),
            33 => ("NULL", "published", "'[]'", "1000"),
            _ => ("NULL", "draft", "NULL", "NULL"),
        };
        rows.push(format!(
            "INSERT INTO releases (id, tenant_id, dataset_id, model_id, job_id, state, trace_path, trace_sha256, bytes, row_count, rows_by_hand, seed,
                 report, private_report, private_opened_at, content_opened_at, created_at, opened_before, published_at)
             VALUES ({release}, {tenant}, {dataset}, {model}, {job}, '{state}', 't{n}', '', 1, 1, FALSE, '1', '{report}', '{{}}', {opened}, {opened}, 1,
                 {before}, {at})"
        ));
    }
    lab.runtime.block_on(of_version_0_1(kind, &lab.database, &rows));

    let server = lab.serve(&[]);
    let tenant = uuid(1).to_string();
    let steward =
        server.made(&format!("/v1/tenants/{tenant}/keys"), ADMIN, &json!({"role": "steward", "name": "new"}))
            ["secret"]
            .clone();
    let steward = steward.as_str().unwrap();
    let ids = |numbers: [u32; 3]| numbers.map(|n| uuid(n).to_string()).to_vec();
    assert_eq!(walk(&server, "/v1/datasets", steward).0, ids([10, 11, 12]));
    assert_eq!(walk(&server, "/v1/releases", steward).0, ids([41, 42, 43]));
    assert_eq!(walk(&server, "/v1/populations", steward).0, ids([2, 3, 0])[..2]);
    // What is new comes after what is old.
    let new = server.dataset(steward);
    assert_eq!(walk(&server, "/v1/datasets", steward).0[3], new);

    // Looks of old are those that were written down.
    assert_eq!(lab.number("SELECT COUNT(*) FROM looks"), 3);
    assert_eq!(lab.number("SELECT first_at FROM looks WHERE kind = 'parse report'"), 200);
    assert_eq!(lab.number("SELECT first_at FROM looks WHERE kind = 'private report'"), 300);
    assert_eq!(lab.number("SELECT first_at FROM looks WHERE kind = 'draft trace'"), 300);
    // What is published keeps what it said; what is published from now on says what is known.
    let choices = |release: u32| {
        server.json(&format!("/v1/releases/{}/report", uuid(release)), steward)["choices"].clone()
    };
    assert_eq!(choices(43)["opened_before_publication"], json!([]));
    assert_eq!(choices(43)["declared_after_upload"], false);
    for release in [41, 42] {
        server.made(&format!("/v1/releases/{}/publish", uuid(release)), steward, &json!({}));
    }
    let all = json!(["parse report", "draft trace", "private report"]);
    assert_eq!(choices(41)["opened_before_publication"], all);
    assert_eq!(choices(41)["declared_after_upload"], false, "it was declared before its trace came");
    assert_eq!(choices(42)["opened_before_publication"], json!([]));
    assert_eq!(choices(43)["opened_before_publication"], json!([]));
    // A dataset that was made after its people had been seen is a late one, whoever publishes next.
    assert_eq!(lab.number("SELECT COUNT(*) FROM datasets WHERE declared_late"), 2);
}
