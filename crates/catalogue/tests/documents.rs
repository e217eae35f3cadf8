//! What stands in the documents, and what must not. Programs of others read them in `./run portal`.

mod sample;

use netdpsyn_catalogue::describe::Release;
use netdpsyn_catalogue::{croissant, dcat, frictionless, schema_org};
use sample::{all, bare, catalogue, full, page};
use serde_json::{Value, json};

/// The node of a graph with this name.
fn node<'a>(document: &'a Value, id: &str) -> &'a Value {
    document["@graph"].as_array().unwrap().iter().find(|node| node["@id"] == id).unwrap()
}

#[test]
fn a_page_names_its_releases_and_the_next_page() {
    let (about, of) = catalogue();
    let document = dcat::catalogue(&about, &of, &all());
    let pages: Vec<Value> = ["a", "b", "b2", "c"].map(|id| json!({"@id": page(id)})).to_vec();
    assert_eq!(node(&document, &about.url)["dcat:dataset"], json!(pages));
    assert_eq!(node(&document, &of.url)["hydra:next"]["@id"], of.next.clone().unwrap());
    let last = dcat::catalogue(&about, &dcat::Page { next: None, ..of.clone() }, &[]);
    assert!(
        node(&last, &of.url).get("hydra:next").is_none()
            && node(&last, &about.url).get("dcat:dataset").is_none()
    );
    assert_eq!(document, dcat::catalogue(&about, &of, &all()), "the same facts, the same document");
}

#[test]
fn series_and_versions_stand_once_and_lead_both_ways() {
    let (about, of) = catalogue();
    let document = dcat::catalogue(&about, &of, &all());
    let series: Vec<&Value> = document["@graph"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|n| n["@type"] == "dcat:DatasetSeries")
        .collect();
    assert_eq!(series.len(), 1);
    for (id, previous) in [("b", "a"), ("b2", "b")] {
        let release = node(&document, &page(id));
        assert_eq!(release["dcat:inSeries"]["@id"], series[0]["@id"]);
        assert_eq!(release["dcat:prev"]["@id"], page(previous));
        let whole = node(&document, release["dcat:isVersionOf"]["@id"].as_str().unwrap());
        assert!(whole["dcat:hasVersion"].as_array().unwrap().contains(&json!({"@id": page(id)})));
    }
    assert!(node(&document, &page("c")).get("dcat:inSeries").is_none());
}

#[test]
fn a_release_carries_its_promise_its_digest_and_its_licence() {
    let document = dcat::release(&full("a", "day 1", None));
    let release = node(&document, &page("a"));
    assert_eq!(release["prov:wasGeneratedBy"]["dct:description"]["@value"], full("a", "", None).promise.text);
    let [csv, parquet] = release["dcat:distribution"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!(
        csv["spdx:checksum"]["spdx:checksumValue"]["@value"],
        full("a", "", None).files[0].known.clone().unwrap().1
    );
    assert!(parquet.get("spdx:checksum").is_none() && parquet.get("dcat:byteSize").is_none());
    assert_eq!(csv["dct:license"]["@id"], "https://spdx.org/licenses/CC-BY-4.0");
}

/// What is withdrawn says so first, in every document, and offers nothing to fetch.
#[test]
fn a_tombstone_has_no_files() {
    let gone: Release = all().remove(0);
    let sentence = "Withdrawn on 2026-03-01: the window was declared wrongly";
    let dcat = dcat::release(&gone);
    let release = node(&dcat, &gone.page);
    assert!(release.get("dcat:distribution").is_none());
    assert!(release["adms:status"]["@id"].as_str().unwrap().ends_with("/WITHDRAWN"));
    assert!(release["dct:description"]["@value"].as_str().unwrap().starts_with(sentence));
    assert_eq!(release["dct:modified"]["@value"], "2026-03-01");
    for document in [croissant::document(&gone), frictionless::package(&gone), schema_org::dataset(&gone)] {
        assert!(document["description"].as_str().unwrap().starts_with(sentence));
        assert!(!document.to_string().contains("/content"), "{document}");
    }
    assert_eq!(frictionless::package(&gone)["resources"], json!([]));
}

#[test]
fn columns_have_types() {
    let release = full("a", "day 1", None);
    let package = frictionless::package(&release);
    let types: Vec<&str> = package["resources"][0]["schema"]["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["string", "integer", "datetime", "number"]);
    assert_eq!(package["resources"][0]["schema"]["missingValues"], json!([]));
    let document = croissant::document(&release);
    let types: Vec<&str> = document["recordSet"][0]["field"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["dataType"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["sc:Text", "sc:Integer", "sc:DateTime", "sc:Float"]);
    assert_eq!(
        document["distribution"].as_array().unwrap().len(),
        1,
        "a file without a digest has no place in it"
    );
}

/// Whatever a steward writes, it ends no element of the page and no field of the citation.
#[test]
fn texts_stay_texts() {
    let release = Release { title: "</script>{\\x}&".into(), ..bare("a") };
    let text = schema_org::in_page(&release);
    assert!(!text.contains(['<', '>', '&']), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), schema_org::dataset(&release));
    let cited = croissant::document(&release)["citeAs"].as_str().unwrap().to_string();
    assert_eq!(cited.matches(['{', '\\']).count(), 5, "{cited}");
}

#[test]
fn nothing_unknown_is_said() {
    let release = bare("c");
    for document in [
        dcat::release(&release),
        croissant::document(&release),
        frictionless::package(&release),
        schema_org::dataset(&release),
    ] {
        assert!(!document.to_string().contains("null"), "{document}");
    }
}
