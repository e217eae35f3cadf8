//! Descriptions of published releases, in the words of those who collect them. Plain facts go in, documents come out: nothing is read, asked or counted here.
//!
//! | module | what it writes | who reads it |
//! | --- | --- | --- |
//! | [`describe`] | – | the facts of a release that every document is made of |
//! | [`dcat`] | DCAT-AP 3.0.1 as JSON-LD, in pages | CKAN, data.gouv, the European data portal |
//! | [`croissant`] | Croissant 1.1 | loaders of machine learning |
//! | [`frictionless`] | `datapackage.json` | Frictionless, and validators of tables |
//! | [`schema_org`] | a schema.org `Dataset` | search engines, in the release's page |
//!
//! The same facts give the same bytes: who harvests twice finds nothing changed. Times are days, because a release tells its readers no more.

#![warn(clippy::missing_errors_doc)]

pub mod croissant;
pub mod dcat;
pub mod describe;
pub mod frictionless;
pub mod schema_org;

use serde_json::{Map, Value};

/// An object without its members that are null or hold nothing: what is not known is left out rather than said to be nothing.
fn known(members: Value) -> Value {
    let nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match members {
        Value::Object(members) => {
            let kept: Map<String, Value> = members.into_iter().filter(|(_, value)| !nothing(value)).collect();
            Value::Object(kept)
        }
        other => other,
    }
}
