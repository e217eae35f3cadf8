//! What anybody finds of a release: catalogue, descriptions, public address, links; and what is left of it once it is withdrawn.

use crate::both;
use crate::harness::*;
use netdpsyn_seal::{Envelope, KeySet};
use reqwest::blocking::Response;
use serde_json::{Value, json};
use std::process::Command;

both!(
    what_is_public_is_found_without_a_key,
    a_withdrawal_is_final,
    keys_are_rotated_and_old_signatures_hold,
    links_open_one_release_until_they_lapse,
);

/// What a steward says of the dataset.
fn about() -> Value {
    json!({"title": "Campus uplink", "description": "Flows of the uplink of a campus.", "publisher": {"name": "Example University"},
        "licence": "CC-BY-4.0", "keywords": ["netflow"], "temporal": {"start": "2026-01-05", "end": "2026-01-06"}, "series": "uplink"})
}

/// A server with a tenant, and drafts of one model of it.
struct Portal {
    lab: Lab,
    server: Server,
    tenant: Tenant,
    dataset: String,
    releases: Vec<String>,
}

impl Portal {
    fn with_drafts(kind: Kind, count: usize) -> Portal {
        let lab = Lab::new(kind);
        let server = lab.serve(&[("NETDPSYN_PUBLIC_URL", "https://data.example.org")]);
        let tenant = server.tenant(json!({"rho": 1.0}));
        let steward = &tenant.steward;
        let dataset = server.flows(steward);
        server.made("/v1/jobs", steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 2.0}));
        let model = server.idle(steward)[0]["model_id"].clone();
        for seed in 1..count {
            server.made(
                "/v1/jobs",
                steward,
                &json!({"kind": "generate", "model_id": model, "rows": 300, "seed": seed}),
            );
        }
        server.idle(steward);
        let list = server.json("/v1/releases", steward);
        let id = |release: &Value| release["id"].as_str().unwrap().to_string();
        let releases: Vec<String> = list["items"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(releases.len(), count);
        Portal { lab, server, tenant, dataset, releases }
    }

    fn say(&self, about: &Value) {
        let url = format!("{}/v1/datasets/{}", self.server.url, self.dataset);
        let patch = self.server.client.patch(url).bearer_auth(&self.tenant.steward);
        let said = patch.json(&json!({"about": about})).send().unwrap();
        assert_eq!(said.status(), 200, "{}", said.text().unwrap());
    }

    fn publish(&self, release: usize, how: &Value) -> Response {
        let path = format!("/v1/releases/{}/publish", self.releases[release]);
        self.server.post(&path, &self.tenant.steward, how)
    }

    /// Asks without a key.
    fn open(&self, path: &str) -> Response {
        self.server.client.get(format!("{}{path}", self.server.url)).send().unwrap()
    }

    fn public(&self, release: usize, end: &str) -> Response {
        self.open(&format!("/p/{}{end}", self.releases[release]))
    }
}

fn status(response: Response) -> u16 {
    response.status().as_u16()
}

fn datasets(catalogue: &Value) -> Vec<Value> {
    let graph = catalogue["@graph"].as_array().unwrap();
    graph.iter().filter(|node| node["@type"] == "dcat:Dataset").cloned().collect()
}

fn what_is_public_is_found_without_a_key(kind: Kind) {
    let portal = Portal::with_drafts(kind, 3);
    let Portal { lab, server, tenant, releases, .. } = &portal;
    // What nobody could attribute is not public.
    let refused: Value = portal.publish(0, &json!({"access": "public"})).json().unwrap();
    assert_eq!((&refused["status"], &refused["field"]), (&json!(422), &json!("about.title")));
    assert_eq!(server.json(&format!("/v1/releases/{}", releases[0]), &tenant.steward)["state"], "draft");
    let empty: Value = portal.open("/v1/catalog").json().unwrap();
    assert!(datasets(&empty).is_empty());
    // A fit has frozen the declaration, and not what is said.
    portal.say(&about());
    let shown: Value = portal.publish(0, &json!({"access": "public", "version": "day 1"})).json().unwrap();
    assert_eq!((&shown["state"], &shown["access"]), (&json!("published"), &json!("public")));
    assert_eq!(shown["page"], format!("/p/{}", releases[0]));
    // Without a body it is for readers.
    let path = format!("{}/v1/releases/{}/publish", server.url, releases[1]);
    let plain = server.client.post(path).bearer_auth(&tenant.steward).send().unwrap();
    assert_eq!(plain.json::<Value>().unwrap()["access"], "tenant");

    let text = portal.open("/v1/catalog").text().unwrap();
    let open: Value = serde_json::from_str(&text).unwrap();
    let found = datasets(&open);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["@id"], format!("https://data.example.org/p/{}", releases[0]));
    assert_eq!(found[0]["dcat:version"], "day 1");
    assert_eq!(portal.open("/v1/catalog").text().unwrap(), text, "harvested again, nothing has changed");
    let own = server.json("/v1/catalog", &tenant.reader);
    assert_eq!(datasets(&own).len(), 2, "a reader sees what is for readers");
    assert_eq!(datasets(&own)[1]["dcat:version"], "2");
    let foreign = server.tenant(json!({"rho": 1.0}));
    assert_eq!(datasets(&server.json("/v1/catalog", &foreign.steward)).len(), 1);
    assert_eq!(server.get("/v1/catalog", "ndp_0000000000000000000000000000000000000000").status(), 401);
    // Nothing of the raw trace: not how many records it had, nor what its dataset is called among stewards.
    for raw in ["4000", "4,000", "parse_report", "flows.csv.gz"] {
        assert!(!text.contains(raw), "{raw}");
    }

    let content = portal.public(0, "/content?format=csv");
    assert_eq!(
        (content.status().as_u16(), &content.headers()["content-type"]),
        (200, &"text/csv; charset=utf-8".parse().unwrap())
    );
    let content = content.bytes().unwrap();
    let kept = server.get(&format!("/v1/releases/{}/content", releases[0]), &tenant.reader).bytes().unwrap();
    assert_eq!(content, kept);
    let page = portal.public(0, "");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_string();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().unwrap();
    assert!(page.contains("application/ld+json") && page.contains("Campus uplink, day 1"));
    for end in [
        "/report",
        "/statement",
        "/attestation",
        "/croissant.json",
        "/datapackage.json",
        "/content?format=parquet",
    ] {
        assert_eq!(status(portal.public(0, end)), 200, "{end}");
        assert_eq!(status(portal.public(1, end)), 404, "{end} is for readers");
        assert_eq!(status(portal.public(2, end)), 404, "{end} of a draft");
        let own = server.get(&format!("/p/{}{end}", releases[1]), &tenant.reader);
        assert_eq!(own.status(), 200, "{end} with a reader's key");
        assert_eq!(server.get(&format!("/p/{}{end}", releases[1]), &foreign.steward).status(), 404);
        assert_eq!(
            server.get(&format!("/p/{}{end}", releases[2]), &tenant.steward).status(),
            404,
            "drafts have no public address"
        );
    }
    let croissant: Value = portal.public(0, "/croissant.json").json().unwrap();
    let header = String::from_utf8_lossy(&content).lines().next().unwrap().to_string();
    let columns: Vec<&str> = croissant["recordSet"][0]["field"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    assert_eq!(columns.join(","), header);

    // What is for readers may be opened later, never closed again.
    let opened: Value = portal.publish(1, &json!({"access": "public"})).json().unwrap();
    assert_eq!(opened["access"], "public");
    let still: Value = portal.publish(1, &json!({"access": "tenant", "version": "other"})).json().unwrap();
    assert_eq!(still["access"], "public");
    let both: Value = portal.open("/v1/catalog?limit=1").json().unwrap();
    let view = both["@graph"].as_array().unwrap().iter().find(|node| node["hydra:next"].is_object()).unwrap();
    let next = view["hydra:next"]["@id"].as_str().unwrap().strip_prefix("https://data.example.org").unwrap();
    let last: Value = portal.open(next).json().unwrap();
    assert_eq!(datasets(&last)[0]["@id"], format!("https://data.example.org/p/{}", releases[1]));
    assert!(!last.to_string().contains("hydra:next"));
    assert_eq!(datasets(&last)[0]["dcat:prev"]["@id"], datasets(&both)[0]["@id"], "one series, in order");
    let series = datasets(&last)[0]["dcat:inSeries"]["@id"].as_str().unwrap().to_string();
    let series: Value = portal.open(series.strip_prefix("https://data.example.org").unwrap()).json().unwrap();
    assert_eq!(datasets(&series).len(), 2, "a series leads to its releases");
    // What was published by a server of an earlier version has no description, and gets one by publishing again.
    lab.execute("UPDATE releases SET state = 'published', published_at = created_at WHERE state = 'draft'");
    assert_eq!(status(portal.public(2, "")), 404);
    assert_eq!(status(portal.publish(2, &json!({"access": "public"}))), 200);
    assert_eq!(status(portal.public(2, "/attestation")), 200);
}

fn a_withdrawal_is_final(kind: Kind) {
    let portal = Portal::with_drafts(kind, 2);
    let Portal { lab, server, tenant, releases, .. } = &portal;
    let withdraw = |release: usize, reason: &str, key: &str| {
        let path = format!("/v1/releases/{}/withdraw", releases[release]);
        server.post(&path, key, &json!({"reason": reason}))
    };
    let path = |end: &str| format!("/v1/releases/{}{end}", releases[0]);
    portal.say(&about());
    assert_eq!(status(withdraw(0, "why", &tenant.steward)), 409, "a draft was never there");
    assert_eq!(status(portal.publish(0, &json!({"access": "public"}))), 200);
    assert_eq!(status(portal.public(0, "/content?format=parquet")), 200);
    assert_eq!(status(withdraw(0, "why", &tenant.reader)), 403);
    assert_eq!(status(withdraw(0, " ", &tenant.steward)), 422);
    let gone: Value = withdraw(0, "the window was declared wrongly", &tenant.steward).json().unwrap();
    assert_eq!(
        (&gone["state"], &gone["withdrawn_reason"]),
        (&json!("withdrawn"), &json!("the window was declared wrongly"))
    );
    // Said again it stands; said otherwise it is refused; and nothing brings it back.
    assert_eq!(status(withdraw(0, "the window was declared wrongly", &tenant.steward)), 200);
    assert_eq!(status(withdraw(0, "another reason", &tenant.steward)), 409);
    let again: Value = portal.publish(0, &json!({"access": "public"})).json().unwrap();
    assert_eq!((&again["status"], &again["type"]), (&json!(409), &json!("/problems/withdrawn")));

    for key in [&tenant.steward, &tenant.reader] {
        let refused: Value = server.get(&path("/content"), key).json().unwrap();
        assert_eq!(
            (&refused["status"], &refused["reason"]),
            (&json!(410), &json!("the window was declared wrongly"))
        );
        assert_eq!(server.json(&path(""), key)["state"], "withdrawn");
    }
    assert_eq!(server.get(&path("/report"), &tenant.reader).status(), 410);
    assert_eq!(server.get(&path("/report"), &tenant.steward).status(), 200);
    let model = gone["model_id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/models/{model}/marginals"), &tenant.reader).status(), 404);
    for end in ["/content", "/content?format=parquet", "/report"] {
        let refused = portal.public(0, end);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        assert_eq!(status(refused), 410, "{end}");
    }
    let page = portal.public(0, "").text().unwrap();
    assert!(
        page.contains("Withdrawn")
            && page.contains("the window was declared wrongly")
            && !page.contains("/content")
    );
    let catalogue: Value = portal.open("/v1/catalog").json().unwrap();
    let tombstone = &datasets(&catalogue)[0];
    assert!(tombstone["adms:status"]["@id"].as_str().unwrap().ends_with("WITHDRAWN"));
    assert!(tombstone.get("dcat:distribution").is_none());
    // It is signed, and covers what the release's signature covers.
    let keys = KeySet::read(&portal.open("/.well-known/netdpsyn-keys.json").bytes().unwrap()).unwrap().keys();
    let signed = |end: &str| {
        let text = portal.public(0, end).bytes().unwrap();
        Envelope::read(&text).unwrap().verify(&keys).unwrap().0
    };
    let (attestation, withdrawal) = (signed("/attestation"), signed("/withdrawal"));
    assert_eq!(attestation.subject, withdrawal.subject);
    assert_eq!(withdrawal.predicate["reason"], "the window was declared wrongly");
    assert_eq!(attestation.subject.len(), 3);
    // To a server of an earlier version it is a draft, and the database lets none of them publish it.
    let state = format!(
        "SELECT state FROM releases WHERE withdrawn_at IS NOT NULL AND id = {}",
        literal(kind, &releases[0])
    );
    assert_eq!(lab.text(&state), "draft");
    let publish = "UPDATE releases SET state = 'published' WHERE withdrawn_at IS NOT NULL";
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lab.execute(publish))).is_err());
}

fn literal(kind: Kind, id: &str) -> String {
    match kind {
        Kind::Postgres => format!("'{id}'"),
        Kind::Sqlite => format!("x'{}'", id.replace('-', "")),
    }
}

fn verify(lab: &Lab, file: &str, more: &[&str]) -> (Option<i32>, String) {
    let folder = lab.folder.path();
    let output = Command::new(env!("CARGO_BIN_EXE_netdpsyn"))
        .current_dir(folder)
        .args(["verify", file, "--attestation", "attestation.json"])
        .args(more)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn keys_are_rotated_and_old_signatures_hold(kind: Kind) {
    let portal = Portal::with_drafts(kind, 2);
    let Portal { lab, server, releases, .. } = &portal;
    portal.say(&about());
    assert_eq!(status(portal.publish(0, &json!({"access": "public"}))), 200);
    let folder = lab.folder.path();
    let fetch = |release: usize, end: &str, name: &str| {
        std::fs::write(folder.join(name), portal.public(release, end).bytes().unwrap()).unwrap();
    };
    let keys = || KeySet::read(&portal.open("/.well-known/netdpsyn-keys.json").bytes().unwrap()).unwrap();
    fetch(0, "/attestation", "attestation.json");
    for (end, name) in
        [("/content?format=csv", "trace.csv"), ("/report", "report"), ("/statement", "statement")]
    {
        fetch(0, end, name);
    }
    let before = keys();
    assert_eq!(before.0.len(), 1);
    std::fs::write(folder.join("key.pem"), before.0[0].key.to_pem().unwrap()).unwrap();
    let save = || {
        let keys = portal.open("/.well-known/netdpsyn-keys.json").bytes().unwrap();
        std::fs::write(folder.join("keys.json"), keys).unwrap();
    };
    let told = lab.run(&["admin", "signing", "rotate"]);
    let after = keys();
    assert_eq!(after.0.len(), 2);
    assert!(told.contains(&after.0[0].key.id()) && after.0[0].until.is_none());
    assert_eq!(after.0[1].key, before.0[0].key);
    assert!(after.0[1].until.is_some());
    save();
    // The running server signs with the new one; what the old one signed is verified by it.
    for name in ["trace.csv", "report", "statement"] {
        for by in [["--keys", "keys.json"], ["--key", "key.pem"]] {
            let (code, said) = verify(lab, name, &by);
            assert!(code == Some(0) && said.contains(&releases[0]), "{name}: {said}");
        }
    }
    assert_eq!(status(portal.publish(1, &json!({"access": "public"}))), 200);
    let text = portal.public(1, "/attestation").bytes().unwrap();
    let (_, by) = Envelope::read(&text).unwrap().verify(&after.keys()).unwrap();
    assert_eq!(by, after.0[0].key);
    // One changed byte, a file of another release, a key of somebody else.
    let mut changed = std::fs::read(folder.join("trace.csv")).unwrap();
    let last = changed.len() - 2;
    changed[last] ^= 1;
    std::fs::write(folder.join("changed.csv"), changed).unwrap();
    assert_eq!(verify(lab, "changed.csv", &["--keys", "keys.json"]).0, Some(3));
    fetch(1, "/content?format=csv", "other.csv");
    assert_eq!(verify(lab, "other.csv", &["--keys", "keys.json"]).0, Some(3));
    fetch(1, "/attestation", "attestation.json");
    let (code, said) = verify(lab, "other.csv", &["--key", "key.pem"]);
    assert!(code == Some(3) && said.contains("no signature is by one of the 1 keys"), "{said}");
    // Of a withdrawn release the signature of the withdrawal says so.
    let withdraw = format!("/v1/releases/{}/withdraw", releases[1]);
    assert_eq!(server.post(&withdraw, &portal.tenant.steward, &json!({"reason": "wrong"})).status(), 200);
    fetch(1, "/withdrawal", "attestation.json");
    let (code, said) = verify(lab, "other.csv", &["--keys", "keys.json"]);
    assert!(code == Some(3) && said.contains("withdrawn on") && said.contains("wrong"), "{said}");
    // The secret is in a file that nobody else reads, and in no backup; the public keys are.
    let secret = lab.data().join("signing/ed25519.pem");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&secret).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let copy = folder.join("copy");
    lab.run(&["admin", "backup", copy.to_str().unwrap()]);
    let kept = std::fs::read_to_string(copy.join("database/signing_keys.ndjson")).unwrap();
    assert_eq!(kept.lines().count(), 2);
    let secret = std::fs::read_to_string(secret).unwrap();
    let seed = secret.lines().nth(1).unwrap();
    let found = Command::new("grep").args(["-rl", seed]).arg(&copy).output().unwrap();
    assert!(found.stdout.is_empty(), "the secret key is in the backup");
    let log = server.log.lock().unwrap().clone();
    assert!(!log.contains(seed) && !log.contains("PRIVATE"));
}

fn links_open_one_release_until_they_lapse(kind: Kind) {
    let portal = Portal::with_drafts(kind, 2);
    let Portal { server, tenant, releases, .. } = &portal;
    let make = |release: usize, seconds: i64, key: &str| {
        server.post(&format!("/v1/releases/{}/links", releases[release]), key, &json!({"seconds": seconds}))
    };
    assert_eq!(status(make(0, 60, &tenant.steward)), 409, "a draft is nobody's");
    for release in [0, 1] {
        assert_eq!(status(portal.publish(release, &json!({}))), 200);
    }
    assert_eq!(status(make(0, 60, &tenant.reader)), 403);
    assert_eq!(status(make(0, 0, &tenant.steward)), 422);
    let link: Value = make(0, 3_600, &tenant.steward).json().unwrap();
    let (_, behind) = link["url"].as_str().unwrap().split_once('?').unwrap();
    assert_eq!(status(portal.public(0, "")), 404);
    let page = portal.public(0, &format!("?{behind}")).text().unwrap();
    assert!(page.contains("Synthetic network trace") && page.contains("noindex"));
    // The name of the dataset is the steward's own.
    assert!(!page.contains("flows"), "{page}");
    assert_eq!(status(portal.public(0, &format!("/content?format=csv&{behind}"))), 200);
    assert_eq!(status(portal.public(0, &format!("/attestation?{behind}"))), 200);
    assert_eq!(status(portal.public(1, &format!("?{behind}"))), 404, "it opens one release");
    let longer = behind.replacen("until=", "until=9", 1);
    assert_eq!(status(portal.public(0, &format!("?{longer}"))), 404, "its time is signed");
    let short: Value = make(0, 1, &tenant.steward).json().unwrap();
    let (_, short) = short["url"].as_str().unwrap().split_once('?').unwrap();
    wait(|| (status(portal.public(0, &format!("?{short}"))) == 404).then_some(()));
    assert_eq!(status(portal.public(0, &format!("?{behind}"))), 200);
}
