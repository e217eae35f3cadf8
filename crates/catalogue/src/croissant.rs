//! Croissant 1.1: a release as loaders of machine learning read it, with the type of every column.

use crate::describe::{CellType, Column, File, Period, Release};
use crate::known;
use serde_json::{Map, Value, json};

/// The document of a release. The first file is the one whose columns it describes; those whose digest is not known beforehand are left out, since the format wants it of every file.
pub fn document(of: &Release) -> Value {
    let files: Vec<Value> = of.files().iter().filter_map(file).collect();
    let described = of.files().first().filter(|file| file.known.is_some());
    let licence = of.licence.as_ref().map(|licence| licence.address());
    known(json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "@id": of.page,
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": of.full_title(),
        "description": of.full_description(),
        "url": of.page,
        "sameAs": of.kept.iter().map(|kept| &kept.page).collect::<Vec<_>>(),
        "version": format!("{}.0.0", of.number),
        "alternateName": of.version,
        "datePublished": of.issued,
        "license": licence,
        "keywords": of.keywords,
        "creator": organisation(of),
        "publisher": organisation(of),
        "citeAs": citation(of),
        "inLanguage": "en",
        "creativeWorkStatus": of.withdrawn.as_ref().map(|_| "Withdrawn"),
        "temporalCoverage": of.temporal.as_ref().map(|Period { start, end }| format!("{start}/{end}")),
        "spatialCoverage": of.spatial.as_ref().map(|place| json!({"@type": "sc:Place", "sc:name": place.name})),
        "rai:dataPreprocessingProtocol": [of.promise.text],
        "rai:personalSensitiveInformation": ["Every record is made from noisy counts under differential privacy; none is copied from the raw trace."],
        "rai:dataLimitations": ["Records are synthetic. What was measured, and how noisy it is, stands in the release report."],
        "distribution": files,
        "recordSet": described.map(|file| json!([records(file, &of.columns)])),
    }))
}

/// The context that the format prescribes, and one word more.
fn context() -> Value {
    let mut context: Map<String, Value> = Map::new();
    for word in [
        "arrayShape",
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isArray",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
    ] {
        context.insert(word.into(), format!("cr:{word}").into());
    }
    for word in ["name", "description"] {
        context.insert(word.into(), json!({"@container": "@language"}));
    }
    for word in ["data", "examples"] {
        context.insert(word.into(), json!({"@id": format!("cr:{word}"), "@type": "@json"}));
    }
    for (word, means) in [
        ("@language", json!("en")),
        ("@vocab", json!("https://schema.org/")),
        ("conformsTo", json!("dct:conformsTo")),
        ("cr", json!("http://mlcommons.org/croissant/")),
        ("dataType", json!({"@id": "cr:dataType", "@type": "@vocab"})),
        ("dct", json!("http://purl.org/dc/terms/")),
        ("rai", json!("http://mlcommons.org/croissant/RAI/")),
        ("sc", json!("https://schema.org/")),
    ] {
        context.insert(word.into(), means);
    }
    Value::Object(context)
}

fn organisation(of: &Release) -> Value {
    known(json!({"@type": "sc:Organization", "name": of.publisher.name, "url": of.publisher.url}))
}

/// How to cite it, as BibTeX. What would end a field is left out.
fn citation(of: &Release) -> String {
    let plain = |text: &str| text.replace(['{', '}', '\\', '\n'], " ");
    let year = of.issued.get(..4).unwrap_or_default();
    format!(
        "@misc{{netdpsyn-{}, title={{{}}}, publisher={{{}}}, year={{{year}}}, url={{{}}}}}",
        of.id,
        plain(&of.full_title()),
        plain(&of.publisher.name),
        of.page
    )
}

fn file(of: &File) -> Option<Value> {
    let (bytes, digest) = of.known.as_ref()?;
    Some(json!({
        "@type": "cr:FileObject",
        "@id": of.name,
        "name": of.name,
        "contentUrl": of.url,
        "contentSize": format!("{bytes} B"),
        "encodingFormat": of.media_type,
        "sha256": digest,
    }))
}

fn records(file: &File, columns: &[Column]) -> Value {
    let field = |column: &Column| {
        known(json!({
            "@type": "cr:Field",
            "@id": format!("records/{}", column.name),
            "name": column.name,
            "description": column.about,
            "dataType": kind(column.kind),
            "source": {"fileObject": {"@id": file.name}, "extract": {"column": column.name}},
        }))
    };
    json!({
        "@type": "cr:RecordSet",
        "@id": "records",
        "name": "records",
        "description": "One synthetic record a line.",
        "field": columns.iter().map(field).collect::<Vec<_>>(),
    })
}

fn kind(of: CellType) -> &'static str {
    match of {
        CellType::Text => "sc:Text",
        CellType::Integer => "sc:Integer",
        CellType::Number => "sc:Float",
        CellType::Time => "sc:DateTime",
    }
}
