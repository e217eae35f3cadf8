//! Traces in and out in other formats than CSV: the same flows, whoever wrote them, and one trace in three forms.

use crate::both;
use crate::harness::*;
use netdpsyn::formats::{self, OutputFormat};
use netdpsyn::progress::Quiet;
use netdpsyn::simulate::flows;
use netdpsyn::trace::{Notation, Schema, TimeUnit};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

both!(
    parquet_comes_in_and_every_format_goes_out,
    uploads_tell_their_format,
    an_older_server_keeps_out_formats_that_it_cannot_read
);

const PARQUET: &str = "application/vnd.apache.parquet";
const ARROW: &str = "application/vnd.apache.arrow.file";

/// Simulated flows as a file in a format.
fn file(format: OutputFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let trace = flows::simulate(6_000, 3);
    formats::write_as(format, &trace, &flows::schema(), &mut bytes, &Quiet).unwrap();
    bytes
}

fn uploads_tell_their_format(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let lines: Vec<String> =
        String::from_utf8(file(OutputFormat::Csv)).unwrap().lines().map(String::from).collect();
    let names: Vec<&str> = lines[0].split(',').collect();
    let object = |line: &String| {
        let members = names.iter().zip(line.split(',')).map(|(name, cell)| (name.to_string(), json!(cell)));
        serde_json::Value::Object(members.collect()).to_string()
    };
    let ndjson = lines[1..].iter().map(object).collect::<Vec<_>>().join("\n").into_bytes();
    let uploads = [
        ("csv", file(OutputFormat::Csv)),
        ("ndjson", ndjson),
        ("parquet", file(OutputFormat::Parquet)),
        ("arrow", file(OutputFormat::Arrow)),
    ];
    let mut declared = Vec::new();
    for (format, body) in uploads {
        let id = server.dataset(&tenant.steward);
        assert_eq!(server.upload(&id, &tenant.steward, body).status(), 202, "{format}");
        let parsed = server.parsed(&id, &tenant.steward);
        assert_eq!(parsed["state"], "ready", "{parsed:#}");
        let report = server.json(&format!("/v1/datasets/{id}"), &tenant.steward)["parse_report"].clone();
        assert_eq!((&report["format"], &report["records"]), (&json!(format), &json!(6_000)), "{report:#}");
        declared.push(parsed["schema"].clone());
    }
    // Columns come in the order of the file and are written as there, whatever the format.
    assert!(declared.iter().all(|schema| schema == &declared[0]), "{declared:#?}");
}

/// It would take any file for text, and reject the trace.
fn an_older_server_keeps_out_formats_that_it_cannot_read(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let steward = tenant.steward.as_str();
    let dataset = server.flows(steward);
    let before = server.json(&format!("/v1/datasets/{dataset}"), steward);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let id = "00000000-0000-0000-0000-000000000001".to_string();
    let id = if kind == Kind::Sqlite { format!("X'{}'", id.replace('-', "")) } else { format!("'{id}'") };
    lab.execute(&format!(
        "INSERT INTO servers (id, memory, seen_at, schemas, requests) VALUES ({id}, 1, {now}, 3, 3)"
    ));
    let objects = b"{\"srcip\":\"10.0.0.1\"}\n".to_vec();
    for (name, body) in
        [("Parquet", file(OutputFormat::Parquet)), ("Arrow", file(OutputFormat::Arrow)), ("NDJSON", objects)]
    {
        let refused = server.upload(&dataset, steward, body);
        assert_eq!(refused.status(), 409, "{name}");
        let problem: serde_json::Value = refused.json().unwrap();
        assert_eq!(problem["type"], "/problems/older-server", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("cannot read {name}")), "{problem}");
    }
    // What was there stays, and nothing of what was refused.
    assert_eq!(server.json(&format!("/v1/datasets/{dataset}"), steward), before);
    let traces = std::fs::read_dir(lab.data().join("artifacts/traces").join(&dataset)).unwrap();
    assert_eq!(traces.count(), 1);
    // What it reads is taken; and when it stopped, all of it.
    for body in [file(OutputFormat::Csv), sample("flows.csv.gz")] {
        assert_eq!(server.upload(&dataset, steward, body).status(), 202);
        assert_eq!(server.parsed(&dataset, steward)["state"], "ready");
    }
    lab.execute(&format!("UPDATE servers SET seen_at = {} WHERE memory = 1", now - 61_000_000));
    assert_eq!(server.upload(&dataset, steward, file(OutputFormat::Parquet)).status(), 202);
    assert_eq!(server.parsed(&dataset, steward)["state"], "ready");
}

fn parquet_comes_in_and_every_format_goes_out(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let (steward, reader) = (tenant.steward.as_str(), tenant.reader.as_str());
    let dataset = server.dataset(steward);
    assert_eq!(server.upload(&dataset, steward, file(OutputFormat::Parquet)).status(), 202);
    let schema = server.parsed(&dataset, steward)["schema"].clone();
    let mut schema: Schema = serde_json::from_value(schema).unwrap();
    // The unit of a typed column is what it is written in again.
    let at = schema.position("ts").unwrap();
    schema.columns[at].notation = Some(Notation::epoch(TimeUnit::Nanoseconds));
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0, "accept_noise": true, "accept_outside": true});
    server.made("/v1/jobs", steward, &fit);
    let release =
        server.idle(steward).iter().find_map(|job| job["release_id"].as_str().map(String::from)).unwrap();
    let url = format!("{}/v1/releases/{release}/content", server.url);
    let asked = |key: &str, headers: &[(&str, &str)], query: &str| {
        let mut request = server.client.get(format!("{url}{query}")).bearer_auth(key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().unwrap()
    };
    for format in ["csv", "parquet", "arrow"] {
        assert_eq!(
            asked(reader, &[], &format!("?format={format}")).status(),
            404,
            "a draft is the steward's"
        );
    }
    server.made(&format!("/v1/releases/{release}/publish"), steward, &json!({}));
    let folder = tempfile::tempdir().unwrap();
    let mut traces = Vec::new();
    for (format, accept) in [("csv", "text/csv"), ("parquet", PARQUET), ("arrow", ARROW)] {
        let answer = asked(reader, &[("accept", accept)], "");
        assert_eq!(answer.status(), 200, "{format}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_string();
        assert!(header("content-type").starts_with(accept) && header("vary").eq_ignore_ascii_case("accept"));
        assert!(header("content-disposition").ends_with(&format!("{release}.{format}\"")));
        let (tag, length) = (header("etag"), header("content-length"));
        let bytes = answer.bytes().unwrap();
        let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            (tag.clone(), length.clone()),
            (format!("\"{digest}\""), bytes.len().to_string()),
            "{format}"
        );
        // By link, without its body, when it is known, and in part.
        let query = format!("?format={format}");
        let by_link = asked(reader, &[("accept", "application/json")], &query);
        assert_eq!(by_link.headers()["etag"], tag.as_str());
        assert_eq!(by_link.bytes().unwrap(), bytes);
        let head = server.client.head(format!("{url}{query}")).bearer_auth(reader).send().unwrap();
        assert_eq!(head.headers()["etag"], tag.as_str());
        assert_eq!(head.headers()["content-length"], length.as_str());
        for known in [&tag, "*", &format!("W/{tag}"), &format!("\"other\", {tag}")] {
            assert_eq!(asked(reader, &[("if-none-match", known)], &query).status(), 304, "{known}");
        }
        assert_eq!(asked(reader, &[("if-none-match", "\"other\"")], &query).status(), 200);
        let end = asked(reader, &[("range", "bytes=-4"), ("if-range", &tag)], &query);
        let (from, to) = (bytes.len() - 4, bytes.len() - 1);
        assert_eq!(
            (end.status().as_u16(), end.headers()["content-range"].to_str().unwrap()),
            (206, &*format!("bytes {from}-{to}/{length}"))
        );
        assert_eq!(end.bytes().unwrap(), bytes[from..]);
        assert_eq!(asked(reader, &[("range", "bytes=0-1"), ("if-range", "\"other\"")], &query).status(), 200);
        let outside = asked(reader, &[("range", &format!("bytes={length}-"))], &query);
        assert_eq!(
            (outside.status().as_u16(), outside.headers()["content-range"].to_str().unwrap()),
            (416, &*format!("bytes */{length}"))
        );
        if format != "csv" {
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                text.contains("netdpsyn") && text.contains("\"guarantee\""),
                "the statement goes with {format}"
            );
        }
        let path = folder.path().join(format);
        std::fs::write(&path, &bytes).unwrap();
        traces.push(formats::read_written(&path, &schema, &Quiet).unwrap());
    }
    assert!(
        traces[0].rows() > 1_000 && traces[1] == traces[0] && traces[2] == traces[0],
        "the same records in the same order"
    );

    let refused = asked(reader, &[("accept", "application/json")], "");
    assert_eq!(refused.status(), 406);
    assert_eq!(refused.json::<serde_json::Value>().unwrap()["type"], "/problems/not-acceptable");
    assert_eq!(asked(reader, &[], "?format=xlsx").status(), 422);

    // What was swept is made again, to the byte.
    let derived = lab.data().join("artifacts/derived");
    let tag = asked(reader, &[], "?format=parquet").headers()["etag"].clone();
    assert_eq!(std::fs::read_dir(derived.join(&release)).unwrap().count(), 2);
    std::fs::remove_dir_all(&derived).unwrap();
    assert_eq!(asked(reader, &[], "?format=parquet").headers()["etag"], tag);
    // Two at once want it once.
    std::fs::remove_dir_all(&derived).unwrap();
    std::thread::scope(|scope| {
        let several: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| asked(reader, &[], "?format=parquet").headers()["etag"].clone()))
            .collect();
        assert!(several.into_iter().all(|one| one.join().unwrap() == tag));
    });
    assert_eq!(std::fs::read_dir(derived.join(&release)).unwrap().count(), 1);
    let scratch = std::fs::read_dir(lab.data().join("artifacts/scratch")).unwrap().count();
    assert_eq!(scratch, 0, "nothing unfinished stays");
}
