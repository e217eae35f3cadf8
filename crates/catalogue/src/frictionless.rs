//! A Frictionless data package: a release as those read it who check tables.

use crate::describe::{CellType, Column, File, Release};
use crate::known;
use serde_json::{Value, json};

/// `datapackage.json` of a release. Its one table is the first file.
pub fn package(of: &Release) -> Value {
    let licences: Vec<Value> =
        of.licence.iter().map(|l| known(json!({"name": l.name(), "path": l.address()}))).collect();
    let mut contributors =
        vec![known(json!({"title": of.publisher.name, "path": of.publisher.url, "role": "publisher"}))];
    if let Some(contact) = &of.contact {
        let name = contact.name.as_deref().or(contact.email.as_deref()).or(contact.url.as_deref());
        contributors.push(known(
            json!({"title": name, "path": contact.url, "email": contact.email, "role": "contact"}),
        ));
    }
    let table = of.files().first().map(|file| table(file, &of.columns));
    let mut package = known(json!({
        "profile": if table.is_some() { "tabular-data-package" } else { "data-package" },
        "name": format!("netdpsyn-{}", of.id),
        "id": of.page,
        "title": of.full_title(),
        "description": of.full_description(),
        "homepage": of.page,
        "version": of.version,
        "created": format!("{}T00:00:00Z", of.issued),
        "keywords": of.keywords,
        "licenses": licences,
        "contributors": contributors,
        "privacy": {
            "epsilon": of.promise.epsilon,
            "delta": of.promise.delta,
            "text": of.promise.text,
            "statement": of.promise.url,
        },
        "withdrawn": of.withdrawn.as_ref().map(|w| json!({"on": w.on, "reason": w.reason})),
    }));
    // The format wants the list even where nothing is left to list.
    package["resources"] = json!(table.into_iter().collect::<Vec<_>>());
    package
}

fn table(file: &File, columns: &[Column]) -> Value {
    let field = |column: &Column| {
        let form = (column.kind == CellType::Time).then_some("any");
        known(json!({
            "name": column.name,
            "type": kind(column.kind),
            "format": form,
            "description": column.about,
        }))
    };
    let (bytes, hash) = file
        .known
        .as_ref()
        .map_or((None, None), |(bytes, digest)| (Some(*bytes), Some(format!("sha256:{digest}"))));
    // No cell means that nothing is there: an empty one is a value like any other.
    let schema = json!({"fields": columns.iter().map(field).collect::<Vec<_>>(), "missingValues": []});
    known(json!({
        "profile": "tabular-data-resource",
        "name": "records",
        "path": file.url,
        "scheme": if file.url.starts_with("https:") { "https" } else { "http" },
        "format": "csv",
        "mediatype": file.media_type,
        "encoding": "utf-8",
        "bytes": bytes,
        "hash": hash,
        "schema": schema,
    }))
}

fn kind(of: CellType) -> &'static str {
    match of {
        CellType::Text => "string",
        CellType::Integer => "integer",
        CellType::Number => "number",
        CellType::Time => "datetime",
    }
}
