//! Text in a layout of its own through the service: what is declared of it, what reading says of it, and how the synthetic trace is written.

use crate::both;
use crate::harness::*;
use netdpsyn::formats;
use netdpsyn::progress::Quiet;
use netdpsyn::simulate::flows;
use serde_json::json;

both!(an_export_with_a_layout_comes_in_and_its_times_go_out, needed_declarations_are_proposed);

/// Simulated flows as an exporter may have written them: semicolons, CRLF, decimal commas, times of day, no header, a footer.
fn export() -> (Vec<String>, String) {
    let mut bytes = Vec::new();
    formats::write(&flows::simulate(6_000, 3), &flows::schema(), &mut bytes, &Quiet).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split(',').map(String::from).collect();
    let (ts, td) = ["ts", "td"].map(|name| names.iter().position(|own| own == name).unwrap()).into();
    let mut rows = Vec::new();
    for line in lines {
        let mut cells: Vec<String> = line.split(',').map(String::from).collect();
        let time = jiff::Timestamp::from_nanosecond(cells[ts].parse().unwrap()).unwrap();
        cells[ts] = time.strftime("%d.%m.%Y %H:%M:%S").to_string();
        cells[td] = cells[td].replace('.', ",");
        rows.push(cells.join(";"));
    }
    (names, format!("{}\r\nSummary: 6000 flows\r\n", rows.join("\r\n")))
}

fn an_export_with_a_layout_comes_in_and_its_times_go_out(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let steward = tenant.steward.as_str();
    let (names, text) = export();
    // Nothing of it is guessed, and no record is shown as a header.
    let dataset = server.dataset(steward);
    assert_eq!(server.upload(&dataset, steward, text.clone().into_bytes()).status(), 202);
    let parsed = server.parsed(&dataset, steward);
    assert_eq!(parsed["state"], "rejected", "{parsed:#}");
    assert!(parsed["problem"].to_string().contains("has no header"), "{parsed:#}");

    let reading = json!({"columns": names, "separator": "semicolon", "end": "Summary",
        "numbers": {"decimal": "comma"}, "times": {"format": "%d.%m.%Y %H:%M:%S"}});
    let url = format!("{}/v1/datasets/{dataset}", server.url);
    let patch =
        |body: serde_json::Value| server.client.patch(&url).bearer_auth(steward).json(&body).send().unwrap();
    let wrong = patch(json!({"reading": {"times": {"format": "%H:%M"}}}));
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().unwrap().contains("no format that times can be read in"));
    assert_eq!(patch(json!({"reading": reading})).status(), 200);
    let parsed = server.parsed_again(&dataset, steward, text.into_bytes());
    assert_eq!(parsed["state"], "ready", "{parsed:#}");
    assert_eq!(
        (&parsed["schema"]["version"], &parsed["parse_report"]["records"]),
        (&json!(3), &json!(6_000))
    );

    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "accept_noise": true, "accept_outside": true, "hold_out": true, "evaluate": true});
    server.made("/v1/jobs", steward, &fit);
    let jobs = server.idle(steward);
    assert!(jobs.iter().all(|job| job["state"] == "succeeded"), "{jobs:#?}");
    let release = jobs.iter().find_map(|job| job["release_id"].as_str().map(String::from)).unwrap();
    let place = format!("{}/v1/releases/{release}/content", server.url);
    let laid_out = |query: &str| {
        let url = format!("{place}?{query}");
        server.client.get(url).bearer_auth(steward).send().unwrap()
    };
    let source = laid_out("layout=source");
    assert_eq!(source.headers()["content-type"], "text/plain; charset=utf-8");
    let (tag, source) = (source.headers()["etag"].clone(), source.text().unwrap());
    let first = source.lines().next().unwrap();
    assert_eq!(first.split(';').count(), names.len(), "{first}");
    assert!(first.contains("05.01.2026 08:"), "no header, times as they came: {first}");
    assert_eq!(laid_out("layout=source").headers()["etag"], tag);
    let zeek = laid_out("layout=zeek-conn");
    assert_eq!(zeek.headers()["content-type"], "text/tab-separated-values; charset=utf-8");
    let zeek = zeek.text().unwrap();
    assert!(zeek.lines().any(|line| line.starts_with("#fields\tts\t")), "{}", &zeek[..300]);
    for (query, detail) in [
        ("layout=nonesuch", "there is no layout nonesuch"),
        ("layout=source&format=parquet", "omit the format"),
    ] {
        let refused = laid_out(query);
        assert_eq!(refused.status(), 422);
        assert!(refused.text().unwrap().contains(detail), "{query}");
    }
    let content = place.clone();
    let content = server.client.get(content).bearer_auth(steward).send().unwrap().text().unwrap();
    let mut lines = content.lines();
    assert_eq!(lines.next(), Some(names.join(",").as_str()), "plain CSV with a header");
    let at = names.iter().position(|name| name == "ts").unwrap();
    for line in lines.take(100) {
        let time = line.split(',').nth(at).unwrap();
        assert!(time.starts_with("05.01.2026 08:"), "{line}");
    }
}

fn needed_declarations_are_proposed(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let steward = tenant.steward.as_str();
    let mut bytes = Vec::new();
    formats::write(&flows::simulate(600, 3), &flows::schema(), &mut bytes, &Quiet).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    // Every tenth port is hexadecimal, and some durations are missing.
    let mut lines = text.lines();
    let mut out = vec![lines.next().unwrap().to_string()];
    let at = |name: &str| out[0].split(',').position(|own| own == name).unwrap();
    let (port, duration) = (at("srcport"), at("td"));
    for (row, line) in lines.enumerate() {
        let mut cells: Vec<String> = line.split(',').map(String::from).collect();
        if row % 10 == 0 {
            cells[port] = format!("0x{:04x}", cells[port].parse::<u16>().unwrap());
        }
        if row % 7 == 0 {
            cells[duration] = "-".into();
        }
        out.push(cells.join(","));
    }
    let text = out.join("\n").into_bytes();
    let dataset = server.dataset(steward);
    assert_eq!(server.upload(&dataset, steward, text.clone()).status(), 202);
    let parsed = server.parsed(&dataset, steward);
    assert_eq!(parsed["state"], "rejected", "{parsed:#}");
    let problem = &parsed["problem"];
    let proposal = json!({"reading": {"numbers": {"hexadecimal": true}}, "special": {"td": ["-"]}});
    assert_eq!((&problem["proposal"], &problem["private"]), (&proposal, &json!(true)), "{problem:#}");
    assert_eq!(problem["proposal_reads"], json!({"records": 600, "of": 600}));
    // It is what the dataset takes.
    let url = format!("{}/v1/datasets/{dataset}", server.url);
    assert_eq!(server.client.patch(&url).bearer_auth(steward).json(&proposal).send().unwrap().status(), 200);
    let parsed = server.parsed_again(&dataset, steward, text);
    assert_eq!(
        (&parsed["state"], &parsed["parse_report"]["records"]),
        (&json!("ready"), &json!(600)),
        "{parsed:#}"
    );
}
