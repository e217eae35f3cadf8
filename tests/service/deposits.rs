//! Deposits of a running server in a repository that answers as InvenioRDM and Dataverse do.

use crate::both;
use crate::harness::*;
use netdpsyn_deposit::stand_in::{Fault, StandIn, TOKEN};
use serde_json::{Value, json};

both!(
    a_release_is_deposited_with_its_signature_and_later_as_a_new_version,
    a_deposit_is_retried_after_a_failure_or_a_crash,
);

/// A lab with a stand-in that its settings name twice, as both kinds of repository.
struct Place {
    lab: Lab,
    stand_in: StandIn,
    settings: String,
    _runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new(kind: Kind) -> Self {
        Place::with_token(kind, TOKEN)
    }

    fn with_token(kind: Kind, token: &str) -> Self {
        let lab = Lab::new(kind);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let stand_in = runtime.block_on(StandIn::start()).unwrap();
        let settings = lab.folder.path().join("repositories.json");
        let url = stand_in.url();
        let written = json!({
            "zenodo": {"kind": "invenio-rdm", "url": url, "token": token},
            "dataverse": {"kind": "dataverse", "url": url, "token": token, "collection": "traces"},
        });
        std::fs::write(&settings, written.to_string()).unwrap();
        let settings = settings.display().to_string();
        Place { lab, stand_in, settings, _runtime: runtime }
    }

    fn serve(&self) -> Server {
        self.lab.serve(&[("NETDPSYN_REPOSITORIES", &self.settings)])
    }
}

/// A release that is published for everybody.
fn public(server: &Server, tenant: &Tenant) -> String {
    let release = draft(server, tenant);
    server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({"access": "public"}));
    release
}

/// A release of a dataset that says what it is.
fn draft(server: &Server, tenant: &Tenant) -> String {
    let dataset = server.flows(&tenant.steward);
    let about = json!({"about": {"title": "Campus uplink", "description": "Flows of one hour.",
        "publisher": {"name": "Example University"}, "contact": {"email": "desk@example.org"}, "licence": "CC-BY-4.0"}});
    let path = format!("{}/v1/datasets/{dataset}", server.url);
    let said = server.client.patch(path).bearer_auth(&tenant.steward).json(&about).send().unwrap();
    assert_eq!(said.status(), 200);
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}));
    let jobs = server.idle(&tenant.steward);
    let made = jobs.iter().find(|job| job["kind"] == "generate" && job["dataset_id"] == dataset[..]);
    made.unwrap()["release_id"].as_str().unwrap().into()
}

fn ended(server: &Server, key: &str, deposit: &Value) -> Value {
    let path = format!("/v1/deposits/{}", deposit["id"].as_str().unwrap());
    wait(|| Some(server.json(&path, key)).filter(|deposit| deposit["state"] != "pending"))
}

fn a_release_is_deposited_with_its_signature_and_later_as_a_new_version(kind: Kind) {
    let place = Place::new(kind);
    let server = place.serve();
    let tenant = server.tenant(json!({"rho": 1.0}));
    let release = public(&server, &tenant);
    let path = format!("/v1/releases/{release}/deposits");
    let listed = server.json("/v1/repositories", &tenant.steward);
    assert_eq!(listed["items"][1]["name"], "zenodo");
    assert!(!listed.to_string().contains(TOKEN));
    for repository in ["zenodo", "dataverse"] {
        // What would be sent first; nothing is.
        let before = place.stand_in.kept().log.len();
        let dry = server.made(&path, &tenant.steward, &json!({"repository": repository, "dry_run": true}));
        let steps = dry["steps"].as_array().unwrap();
        assert!(
            steps.iter().any(|step| step["file"] == "trace.csv")
                && dry.to_string().contains("Campus uplink, 1")
        );
        assert_eq!(place.stand_in.kept().log.len(), before);

        let made = server.made(&path, &tenant.steward, &json!({"repository": repository}));
        let first = ended(&server, &tenant.steward, &made);
        assert_eq!((&first["state"], &first["percent"]), (&json!("deposited"), &json!(100)), "{first}");
        assert!(first["identifier"].as_str().unwrap().starts_with("10.5072/"), "{first}");
        assert!(first["page"].as_str().unwrap().starts_with(&place.stand_in.url()), "{first}");
        let kept = place.stand_in.kept().versions.values().next_back().unwrap().clone();
        let trace = server.get(&format!("/p/{release}/content?format=csv"), &tenant.reader).bytes().unwrap();
        assert!(kept.is_published && kept.files["trace.csv"] == trace[..]);
        let report = server.get(&format!("/p/{release}/report"), &tenant.reader).bytes().unwrap();
        assert_eq!(kept.files["report.json"], report[..], "as it was signed");
        let names: Vec<&String> = kept.files.keys().collect();
        assert_eq!(names, ["attestation.json", "report.json", "statement.json", "trace.csv"]);
        assert!(kept.metadata.to_string().contains("differential privacy"));

        let again = json!({"repository": repository, "new_version_of": first["id"]});
        let second = ended(&server, &tenant.steward, &server.made(&path, &tenant.steward, &again));
        assert_eq!(second["state"], "deposited", "{second}");
        let other = if repository == "zenodo" { "dataverse" } else { "zenodo" };
        let wrong = json!({"repository": other, "new_version_of": first["id"]});
        assert_eq!(server.post(&path, &tenant.steward, &wrong).status(), 422);
    }
    assert_eq!(place.stand_in.kept().versions.len(), 4);
    for where_it_is in
        ["/v1/catalog".to_owned(), format!("/p/{release}/croissant.json"), format!("/p/{release}")]
    {
        let told = server.get(&where_it_is, &tenant.reader).text().unwrap();
        assert!(told.contains("10.5072") || told.contains(&place.stand_in.url()), "{where_it_is}: {told}");
    }
    assert_eq!(server.json(&path, &tenant.steward)["items"].as_array().unwrap().len(), 4);
    let foreign = server.tenant(json!({"rho": 1.0}));
    let one = json!({"repository": "zenodo"});
    assert_eq!(server.post(&path, &foreign.steward, &one).status(), 404);
    assert_eq!(
        server.post(&path, &foreign.steward, &json!({"repository": "figshare"})).status(),
        404,
        "whose it is comes first"
    );
    assert_eq!(server.post(&path, &tenant.reader, &one).status(), 403);
    assert_eq!(server.post(&path, &tenant.steward, &json!({"repository": "figshare"})).status(), 422);
    let log = server.log.lock().unwrap().clone();
    assert!(!log.contains(TOKEN), "no token in the log");
}

fn a_deposit_is_retried_after_a_failure_or_a_crash(kind: Kind) {
    let place = Place::new(kind);
    let server = place.serve();
    let tenant = server.tenant(json!({"rho": 1.0}));
    let release = public(&server, &tenant);
    let path = format!("/v1/releases/{release}/deposits");
    for (repository, fault) in [("zenodo", Fault::Spoilt), ("dataverse", Fault::Dropped)] {
        place.stand_in.kept().faults.push(fault);
        let before = place.stand_in.kept().versions.len();
        let made = server.made(&path, &tenant.steward, &json!({"repository": repository}));
        let done = ended(&server, &tenant.steward, &made);
        assert_eq!((&done["state"], &done["attempts"]), (&json!("deposited"), &json!(2)), "{done}");
        assert_eq!(place.stand_in.kept().versions.len(), before + 1, "the draft of the first attempt");
    }
    // A server that dies between the publication there and its word here: another attempt asks, and publishes nothing.
    place.lab.execute("UPDATE deposits SET state = 'pending', ended_at = NULL, remote = NULL, page = NULL");
    let before = place.stand_in.kept().log.len();
    for deposit in server.json(&path, &tenant.steward)["items"].as_array().unwrap() {
        assert_eq!(ended(&server, &tenant.steward, deposit)["state"], "deposited");
    }
    let kept = place.stand_in.kept();
    assert!(kept.log[before..].iter().all(|line| line.starts_with("GET ")), "{:?}", &kept.log[before..]);
    assert!(kept.versions.values().all(|version| version.is_published));
}

/// Drafts, releases of a tenant's own readers and withdrawn ones stay here; a refusal is told and is final until somebody tries again.
#[test]
fn only_what_is_public_goes_out_and_refusals_are_told() {
    let place = Place::with_token(Kind::Sqlite, "wrong-token");
    let server = place.serve();
    let tenant = server.tenant(json!({"rho": 1.0}));
    let release = draft(&server, &tenant);
    let path = format!("/v1/releases/{release}/deposits");
    let one = json!({"repository": "zenodo"});
    assert_eq!(server.post(&path, &tenant.steward, &one).status(), 409);
    let publish = format!("/v1/releases/{release}/publish");
    server.made(&publish, &tenant.steward, &json!({}));
    assert_eq!(server.post(&path, &tenant.steward, &one).status(), 409, "for its own readers alone");
    server.made(&publish, &tenant.steward, &json!({"access": "public"}));
    assert!(place.stand_in.kept().log.is_empty());

    let refused = ended(&server, &tenant.steward, &server.made(&path, &tenant.steward, &one));
    assert_eq!((&refused["state"], &refused["attempts"]), (&json!("failed"), &json!(1)));
    let problem = refused["problem"].as_str().unwrap();
    assert!(problem.contains("401") && !problem.contains("wrong-token"), "{problem}");
    assert_eq!(place.stand_in.kept().log.len(), 1);
    let retry = format!("/v1/deposits/{}/retry", refused["id"].as_str().unwrap());
    assert_eq!(
        ended(&server, &tenant.steward, &server.made(&retry, &tenant.steward, &json!({})))["state"],
        "failed"
    );
    let why = json!({"reason": "the window was wrong"});
    server.made(&format!("/v1/releases/{release}/withdraw"), &tenant.steward, &why);
    assert_eq!(server.post(&path, &tenant.steward, &one).status(), 410);
    let log = server.log.lock().unwrap().clone();
    assert!(!log.contains("wrong-token"));
}
