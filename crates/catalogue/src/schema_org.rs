//! A schema.org `Dataset` for the page of a release: what search engines for data read.

use crate::describe::{Access, Contact, File, Period, Release};
use crate::known;
use serde_json::{Value, json};

/// The description of a release.
pub fn dataset(of: &Release) -> Value {
    let publisher = known(json!({
        "@type": "Organization",
        "name": of.publisher.name,
        "url": of.publisher.url,
        "contactPoint": of.contact.as_ref().map(contact),
    }));
    let identifiers: Vec<&String> =
        [&of.page].into_iter().chain(of.kept.iter().filter_map(|kept| kept.identifier.as_ref())).collect();
    known(json!({
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": of.page,
        "name": of.full_title(),
        "description": of.full_description(),
        "url": of.page,
        "identifier": identifiers,
        "sameAs": of.kept.iter().map(|kept| &kept.page).collect::<Vec<_>>(),
        "version": of.version,
        "datePublished": of.issued,
        "keywords": of.keywords,
        "license": of.licence.as_ref().map(|licence| licence.address()),
        "isAccessibleForFree": of.access == Access::Public,
        "publisher": publisher,
        "creator": publisher,
        "creativeWorkStatus": of.withdrawn.as_ref().map(|_| "Withdrawn"),
        "temporalCoverage": of.temporal.as_ref().map(|Period { start, end }| format!("{start}/{end}")),
        "spatialCoverage": of.spatial.as_ref().map(|place| known(json!({"@type": "Place", "name": place.name, "sameAs": place.url}))),
        "measurementTechnique": "differentially private synthesis",
        "isPartOf": of.series.as_ref().map(|series| json!({"@type": "CreativeWorkSeries", "@id": series.url, "name": series.title})),
        "variableMeasured": of.columns.iter().map(|column| known(json!({"@type": "PropertyValue", "name": column.name, "description": column.about}))).collect::<Vec<_>>(),
        "distribution": of.files().iter().map(download).collect::<Vec<_>>(),
    }))
}

fn contact(of: &Contact) -> Value {
    known(json!({"@type": "ContactPoint", "name": of.name, "email": of.email, "url": of.url}))
}

fn download(of: &File) -> Value {
    let (bytes, digest) =
        of.known.as_ref().map_or((None, None), |(bytes, digest)| (Some(format!("{bytes} B")), Some(digest)));
    known(json!({
        "@type": "DataDownload",
        "name": of.name,
        "contentUrl": of.url,
        "encodingFormat": of.media_type,
        "contentSize": bytes,
        "sha256": digest,
    }))
}

/// The same as the content of a `script` element of type `application/ld+json`: nothing in it ends the element, whatever its texts hold.
pub fn in_page(of: &Release) -> String {
    dataset(of).to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
