//! A catalogue in DCAT-AP 3.0.1, as JSON-LD with its context in it, so that it is read without fetching another.
//!
//! A page of the catalogue holds some releases, and names the next page in Hydra's words. What a release refers to (its series, what it is a version of, its publisher) stands in
//! the page with it: a harvester that sees one page alone knows all of it.

use crate::describe::{Access, Contact, Document, File, Period, Place, Promise, Release, Series, Versions};
use crate::known;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const AUTHORITY: &str = "http://publications.europa.eu/resource/authority";

/// What a catalogue says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Its address, without a page.
    pub url: String,
    /// What it is called.
    pub title: String,
    /// What it holds.
    pub description: String,
    /// Who runs it.
    pub publisher: crate::describe::Agent,
}

/// Where a page of a catalogue stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its own address.
    pub url: String,
    /// The address of the first one.
    pub first: String,
    /// That of the next, where one follows.
    pub next: Option<String>,
}

/// A page of a catalogue.
pub fn catalogue(about: &Catalogue, page: &Page, releases: &[Release]) -> Value {
    let view = known(json!({
        "@id": page.url,
        // The older of the two words is what some harvesters follow.
        "@type": ["hydra:PartialCollectionView", "hydra:PagedCollection"],
        "hydra:first": {"@id": page.first},
        "hydra:next": page.next.as_ref().map(|url| json!({"@id": url})),
    }));
    let catalogue = known(json!({
        "@id": about.url,
        "@type": "dcat:Catalog",
        "dct:title": said(&about.title),
        "dct:description": said(&about.description),
        "dct:publisher": agent(&about.publisher.name, about.publisher.url.as_deref()),
        "dct:language": node(&format!("{AUTHORITY}/language/ENG"), "dct:LinguisticSystem"),
        "dcat:dataset": releases.iter().map(|release| json!({"@id": release.page})).collect::<Vec<_>>(),
    }));
    let mut graph = vec![catalogue, view];
    graph.extend(shared(releases));
    graph.extend(releases.iter().map(dataset));
    json!({"@context": context(), "@graph": graph})
}

/// One release by itself.
pub fn release(release: &Release) -> Value {
    let mut graph = shared(std::slice::from_ref(release));
    graph.push(dataset(release));
    json!({"@context": context(), "@graph": graph})
}

fn context() -> Value {
    json!({
        "adms": "http://www.w3.org/ns/adms#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "dcatap": "http://data.europa.eu/r5r/",
        "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "hydra": "http://www.w3.org/ns/hydra/core#",
        "prov": "http://www.w3.org/ns/prov#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "spdx": "http://spdx.org/rdf/terms#",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    })
}

fn said(text: &str) -> Value {
    json!({"@value": text, "@language": "en"})
}

/// A node with the class that the profile wants of it.
fn node(url: &str, class: &str) -> Value {
    json!({"@id": url, "@type": class})
}

fn named(url: String, class: &str, label: &str) -> Value {
    json!({"@id": url, "@type": class, "skos:prefLabel": said(label)})
}

fn day(day: &str) -> Value {
    json!({"@value": day, "@type": "xsd:date"})
}

fn time(text: &str) -> Value {
    let kind = if text.contains('T') { "xsd:dateTime" } else { "xsd:date" };
    json!({"@value": text, "@type": kind})
}

/// Series, and what releases are versions of: each once, however many releases of the page belong to it.
fn shared(releases: &[Release]) -> Vec<Value> {
    let mut nodes = BTreeMap::new();
    for of in releases {
        if let Some(Series { url, title, .. }) = &of.series {
            let series = known(json!({
                "@id": url,
                "@type": "dcat:DatasetSeries",
                "dct:title": said(title),
                "dct:description": said(&format!("The releases of the series {title}.")),
                "dct:publisher": agent(&of.publisher.name, of.publisher.url.as_deref()),
            }));
            nodes.insert(url, series);
        }
        if let Some(Versions { url, title, pages }) = &of.versions {
            // No dcat:Dataset: what has no files of its own is nothing that a portal lists.
            let whole = json!({
                "@id": url,
                "@type": "dcat:Resource",
                "dct:title": said(title),
                "dcat:hasVersion": pages.iter().map(|page| json!({"@id": page})).collect::<Vec<_>>(),
            });
            nodes.insert(url, whole);
        }
    }
    nodes.into_values().collect()
}

fn dataset(of: &Release) -> Value {
    let series = of.series.as_ref();
    let status = match of.withdrawn {
        Some(_) => ("WITHDRAWN", "withdrawn"),
        None => ("COMPLETED", "completed"),
    };
    let access = match of.access {
        Access::Public => "PUBLIC",
        Access::Restricted => "RESTRICTED",
    };
    let changed = of.withdrawn.as_ref().map_or(&of.issued, |withdrawn| &withdrawn.on);
    known(json!({
        "@id": of.page,
        "@type": "dcat:Dataset",
        "dct:identifier": of.page,
        "adms:identifier": of.kept.iter().filter_map(|kept| kept.identifier.as_ref()).map(|identifier| {
            json!({"@type": "adms:Identifier", "skos:notation": identifier})
        }).collect::<Vec<_>>(),
        "dct:title": said(&of.full_title()),
        "dct:description": said(&of.full_description()),
        "dct:publisher": agent(&of.publisher.name, of.publisher.url.as_deref()),
        "dcat:contactPoint": of.contact.as_ref().map(contact),
        "dcat:keyword": of.keywords.iter().map(|word| said(word)).collect::<Vec<_>>(),
        "dct:spatial": of.spatial.as_ref().map(place),
        "dct:temporal": of.temporal.as_ref().map(period),
        "dcat:theme": named(format!("{AUTHORITY}/data-theme/TECH"), "skos:Concept", "Science and technology"),
        "dct:language": node(&format!("{AUTHORITY}/language/ENG"), "dct:LinguisticSystem"),
        "dct:accessRights": node(&format!("{AUTHORITY}/access-right/{access}"), "dct:RightsStatement"),
        "dcat:version": of.version,
        "dct:issued": day(&of.issued),
        "dct:modified": day(changed),
        "adms:status": named(format!("{AUTHORITY}/dataset-status/{}", status.0), "skos:Concept", status.1),
        "adms:versionNotes": of.withdrawn.as_ref().map(|withdrawn| said(&withdrawn.sentence())),
        "dcat:inSeries": series.map(|series| json!({"@id": series.url})),
        "dcat:prev": series.and_then(|series| series.previous.as_ref()).map(|page| json!({"@id": page})),
        "dcat:isVersionOf": of.versions.as_ref().map(|versions| json!({"@id": versions.url})),
        "dcat:landingPage": node(&of.page_document(), "foaf:Document"),
        "foaf:page": of.documents.iter().map(document).collect::<Vec<_>>(),
        "prov:wasGeneratedBy": generation(of),
        "dcat:distribution": of.files().iter().map(|file| distribution(of, file)).collect::<Vec<_>>(),
    }))
}

/// How the release came about: the statement of privacy in words, and where the whole of it is.
fn generation(of: &Release) -> Value {
    let Promise { text, url, epsilon, delta } = &of.promise;
    json!({
        "@id": format!("{}#generation", of.page),
        "@type": "prov:Activity",
        "rdfs:label": said(&format!("Synthesis under ({epsilon}, {delta:e})-differential privacy")),
        "dct:description": said(text),
        "rdfs:seeAlso": {"@id": url},
    })
}

fn distribution(of: &Release, file: &File) -> Value {
    let media = format!("https://www.iana.org/assignments/media-types/{}", file.media_type);
    let (bytes, digest) = match &file.known {
        Some((bytes, digest)) => {
            (json!({"@value": bytes.to_string(), "@type": "xsd:nonNegativeInteger"}), checksum(digest))
        }
        None => (Value::Null, Value::Null),
    };
    known(json!({
        "@id": format!("{}#{}", of.page, file.name),
        "@type": "dcat:Distribution",
        "dct:title": said(&file.name),
        "dct:description": said(&format!("The records as {}.", file.media_type)),
        "dcatap:availability": named(format!("{AUTHORITY}/planned-availability/STABLE"), "skos:Concept", "stable"),
        "dcat:accessURL": node(&file.url, "rdfs:Resource"),
        "dcat:downloadURL": node(&file.url, "rdfs:Resource"),
        "dcat:mediaType": node(&media, "dct:MediaType"),
        "dct:format": format_of(&file.media_type),
        "dct:license": of.licence.as_ref().map(|licence| node(&licence.address(), "dct:LicenseDocument")),
        "dct:issued": day(&of.issued),
        "dcat:byteSize": bytes,
        "spdx:checksum": digest,
    }))
}

/// The file type of the European list, for those that it has.
fn format_of(media_type: &str) -> Value {
    let name = match media_type {
        "text/csv" => "CSV",
        "application/vnd.apache.parquet" => "PARQUET",
        _ => return Value::Null,
    };
    node(&format!("{AUTHORITY}/file-type/{name}"), "dct:MediaTypeOrExtent")
}

fn checksum(digest: &str) -> Value {
    json!({
        "@type": "spdx:Checksum",
        "spdx:algorithm": node("http://spdx.org/rdf/terms#checksumAlgorithm_sha256", "spdx:ChecksumAlgorithm"),
        "spdx:checksumValue": {"@value": digest, "@type": "xsd:hexBinary"},
    })
}

fn agent(name: &str, url: Option<&str>) -> Value {
    known(json!({
        "@id": url,
        "@type": "foaf:Agent",
        "foaf:name": said(name),
        "foaf:homepage": url.map(|url| node(url, "foaf:Document")),
    }))
}

fn contact(of: &Contact) -> Value {
    known(json!({
        "@type": "vcard:Kind",
        "vcard:fn": of.name,
        "vcard:hasEmail": of.email.as_ref().map(|email| json!({"@id": format!("mailto:{email}")})),
        "vcard:hasURL": of.url.as_ref().map(|url| json!({"@id": url})),
    }))
}

fn place(of: &Place) -> Value {
    known(json!({"@id": of.url, "@type": "dct:Location", "skos:prefLabel": said(&of.name)}))
}

fn period(of: &Period) -> Value {
    json!({"@type": "dct:PeriodOfTime", "dcat:startDate": time(&of.start), "dcat:endDate": time(&of.end)})
}

fn document(of: &Document) -> Value {
    json!({"@id": of.url, "@type": "foaf:Document", "dct:title": said(&of.title)})
}

impl Release {
    /// The address of the page as a document, which is another thing than the release that it is about.
    fn page_document(&self) -> String {
        format!("{}/", self.page)
    }
}
