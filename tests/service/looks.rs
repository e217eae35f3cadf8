//! What a steward looked at stays known: of a population, for ever, whatever becomes of the datasets.

use crate::both;
use crate::harness::*;
use serde_json::{Value, json};

both!(
    a_copy_with_one_newline_more_forgets_nothing,
    erasing_first_forgets_nothing,
    another_population_has_looks_of_its_own,
    every_parse_and_quote_is_recorded,
    recorded_looks_are_never_changed_or_deleted,
    a_report_that_is_being_made_names_its_job,
);

/// Every kind of look at the people of a dataset: its parse report, a quote, the draft trace and the private report of a release.
fn look_at_everything(server: &Server, tenant: &Tenant) -> String {
    let dataset = server.flows(&tenant.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0, "evaluate": true});
    server.made("/v1/quotes", &tenant.steward, &json!({"dataset_id": dataset, "epsilon": 1.0}));
    server.made("/v1/jobs", &tenant.steward, &fit);
    let release = release_of(&server.idle(&tenant.steward), &dataset);
    server.json(&format!("/v1/releases/{release}/report/private"), &tenant.steward);
    assert_eq!(server.get(&format!("/v1/releases/{release}/content"), &tenant.steward).status(), 200);
    dataset
}

/// The release that the jobs made of a dataset.
fn release_of(jobs: &[Value], dataset: &str) -> String {
    let made = jobs.iter().find(|job| job["kind"] == "generate" && job["dataset_id"] == dataset);
    made.and_then(|job| job["release_id"].as_str()).expect("a release").to_string()
}

/// Fits a dataset, publishes the release and gives what the readers' report says of choices.
fn published_choices(server: &Server, tenant: &Tenant, dataset: &str) -> Value {
    server.made("/v1/jobs", &tenant.steward, &json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0}));
    let release = release_of(&server.idle(&tenant.steward), dataset);
    let published = server.made(&format!("/v1/releases/{release}/publish"), &tenant.steward, &json!({}));
    let report = server.json(&format!("/v1/releases/{release}/report"), &tenant.reader);
    assert_eq!(report["choices"]["opened_before_publication"], published["opened_before"]);
    report["choices"].clone()
}

fn all_kinds() -> Value {
    json!(["parse report", "quote", "draft trace", "private report"])
}

/// Uploads another file of the same records to a new dataset.
fn upload_again(server: &Server, tenant: &Tenant, trace: Vec<u8>) -> String {
    let dataset = server.dataset(&tenant.steward);
    assert_eq!(server.upload(&dataset, &tenant.steward, trace).status(), 202);
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "ready");
    dataset
}

fn a_copy_with_one_newline_more_forgets_nothing(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    look_at_everything(&server, &tenant);
    let mut copy = Vec::new();
    let compressed = sample("flows.csv.gz");
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&compressed[..]), &mut copy).unwrap();
    copy.push(b'\n');
    let copy = upload_again(&server, &tenant, copy);
    let choices = published_choices(&server, &tenant, &copy);
    assert_eq!(choices["opened_before_publication"], all_kinds());
    assert_eq!(choices["declared_after_upload"], true, "the copy was declared after its people were seen");
    let about = choices["about"].as_str().unwrap();
    assert!(about.contains("outside the service are not recorded"), "{about}");
    assert!(about.contains("used at every parse and every quote"), "{about}");
}

fn erasing_first_forgets_nothing(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let first = look_at_everything(&server, &tenant);
    let url = format!("{}/v1/datasets/{first}", server.url);
    assert_eq!(server.client.delete(url).bearer_auth(&tenant.steward).send().unwrap().status(), 204);
    let again = upload_again(&server, &tenant, sample("flows.csv.gz"));
    let choices = published_choices(&server, &tenant, &again);
    assert_eq!(choices["opened_before_publication"], all_kinds());
    assert_eq!(choices["declared_after_upload"], true);
}

fn another_population_has_looks_of_its_own(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    look_at_everything(&server, &tenant);
    let others = json!({"tenant_id": tenant.id, "name": "others", "cap": {"rho": 1.0}});
    let others = server.made("/v1/populations", ADMIN, &others)["id"].clone();
    let mut declared = declared_flows();
    declared["population_id"] = others;
    let dataset = server.made("/v1/datasets", &tenant.steward, &declared);
    let dataset = dataset["id"].as_str().unwrap();
    assert_eq!(server.upload(dataset, &tenant.steward, sample("flows.csv.gz")).status(), 202);
    server.parsed(dataset, &tenant.steward);
    let choices = published_choices(&server, &tenant, dataset);
    assert_eq!(choices["opened_before_publication"], json!(["parse report"]), "parsing consults the count");
    assert_eq!(choices["declared_after_upload"], false);
}

/// Whatever they said: of a trace that is refused, and of a dataset without one.
fn every_parse_and_quote_is_recorded(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.dataset(&tenant.steward);
    let parses = || lab.number("SELECT COUNT(*) FROM looks WHERE kind = 'parse report'");
    let quotes = || lab.number("SELECT COUNT(*) FROM looks WHERE kind = 'quote'");
    assert_eq!((parses(), quotes()), (0, 0));
    for _ in 0..2 {
        server.made("/v1/quotes", &tenant.steward, &json!({"dataset_id": dataset, "epsilon": 1.0}));
        assert_eq!((parses(), quotes()), (0, 1), "once: not how often");
    }
    assert_eq!(server.upload(&dataset, &tenant.steward, b"a,b\n1,2\n".to_vec()).status(), 202);
    assert_eq!(server.parsed(&dataset, &tenant.steward)["state"], "rejected");
    assert_eq!((parses(), quotes()), (1, 1));
    // What is declared from now on may follow from what was refused.
    let late = server.dataset(&tenant.steward);
    assert_eq!(server.upload(&late, &tenant.steward, sample("flows.csv.gz")).status(), 202);
    assert_eq!(server.parsed(&late, &tenant.steward)["state"], "ready");
    // It foretells by the private number, and says so.
    let adaptive = json!({"dataset_id": late, "epsilon": 1.0, "method": "adaptive"});
    assert_eq!(server.made("/v1/quotes", &tenant.steward, &adaptive)["fidelity"]["private"], true);
    let choices = published_choices(&server, &tenant, &late);
    assert_eq!(choices["opened_before_publication"], json!(["parse report", "quote"]));
    assert_eq!(choices["declared_after_upload"], true);
}

fn recorded_looks_are_never_changed_or_deleted(kind: Kind) {
    use netdpsyn::storage::{Db, Pools, looks, looks::PrivateLook};
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let others = json!({"tenant_id": tenant.id, "name": "others", "cap": {"rho": 1.0}});
    let others: uuid::Uuid =
        server.made("/v1/populations", ADMIN, &others)["id"].as_str().unwrap().parse().unwrap();
    let all = server.json("/v1/populations", &tenant.steward)["items"].as_array().unwrap().clone();
    let own: uuid::Uuid = all[0]["id"].as_str().unwrap().parse().unwrap();
    lab.runtime.block_on(async {
        let db = Db::connect(&lab.database).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        looks::add(&mut tx, own, PrivateLook::Quote, 5).await.unwrap();
        looks::add(&mut tx, own, PrivateLook::Quote, 7).await.unwrap();
        looks::add(&mut tx, others, PrivateLook::Quote, 9).await.unwrap();
        // A dataset that moves takes the looks at it along.
        looks::add(&mut tx, own, PrivateLook::DraftTrace, 6).await.unwrap();
        looks::follow(&mut tx, own, others).await.unwrap();
        assert_eq!(looks::of(&mut tx, others).await.unwrap(), [PrivateLook::Quote, PrivateLook::DraftTrace]);
        tx.commit().await.unwrap();
        for sql in ["UPDATE looks SET kind = 'quote'", "DELETE FROM looks"] {
            let refused = match &db.pools {
                Pools::Postgres(pool) => sqlx::query(sql).execute(pool).await.map(|_| ()),
                Pools::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await.map(|_| ()),
            };
            assert!(refused.unwrap_err().to_string().contains("never changed or deleted"));
        }
    });
    let followed = "SELECT CAST(SUM(first_at) AS BIGINT) FROM looks";
    assert_eq!(lab.number(followed), 5 + 6 + 9 + 5 + 6, "the earlier time comes along, the later one stays");
}

/// Whoever asks for the private report while a job makes it is told which, and that counts as no look.
fn a_report_that_is_being_made_names_its_job(kind: Kind) {
    let lab = Lab::new(kind);
    let server = lab.serve(&[]);
    let tenant = server.tenant(json!({"rho": 1.0}));
    let dataset = server.flows(&tenant.steward);
    let fit = json!({"kind": "fit", "dataset_id": dataset, "epsilon": 1.0});
    server.made("/v1/jobs", &tenant.steward, &fit);
    let release = release_of(&server.idle(&tenant.steward), &dataset);
    assert!(server.terminate().success());

    let server = lab.serve(&[("NETDPSYN_WORKERS", "0")]);
    let report = format!("/v1/releases/{release}/report/private");
    let refused = || -> String {
        let answer = server.get(&report, &tenant.steward);
        assert_eq!(answer.status(), 404);
        answer.json::<Value>().unwrap()["detail"].as_str().unwrap().into()
    };
    assert!(refused().contains("submit an evaluate job"));
    let evaluate = json!({"kind": "evaluate", "release_id": release});
    let job = server.made("/v1/jobs", &tenant.steward, &evaluate)["id"].clone();
    let told = refused();
    assert!(told.contains(&format!("/v1/jobs/{}", job.as_str().unwrap())), "{told}");
    let seen = server.json(&format!("/v1/releases/{release}"), &tenant.steward);
    assert!(seen.get("private_report_opened_at").is_none() && seen["dataset"] == "flows", "{seen}");
}
