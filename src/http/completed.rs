//! What follows from an operation's shape, written once into the OpenAPI document: refusals that need no word of the handler, headers that
//! every answer has, and what the derived schemas cannot say.

use serde_json::{Map, Value, json};

/// Refusals that operations share: status, name of the component, when.
const REFUSALS: [(&str, &str, &str); 14] = [
    ("400", "Malformed", "The request cannot be read."),
    ("401", "Unauthorised", "No valid key."),
    ("403", "Forbidden", "The key's role does not allow it."),
    (
        "404",
        "NotFound",
        "The resource, or one that the request names, does not exist or belongs to another tenant.",
    ),
    ("408", "TimedOut", "The request did not arrive in time."),
    ("413", "TooLarge", "The body is too large."),
    ("414", "TooLong", "Path or query is too long."),
    ("415", "UnsupportedType", "The body has another content type, or a content encoding."),
    ("422", "Invalid", "A value is refused."),
    ("429", "TooMany", "Too many requests; wait as long as `Retry-After` says."),
    ("431", "HeaderTooLarge", "The header is too large."),
    ("500", "Internal", "An error of the server."),
    ("503", "Unavailable", "Not available now; try again after `Retry-After`."),
    ("507", "Full", "No storage left, for the tenant or on the disk."),
];

/// Refusals that any request may meet; most of them before it is one.
const ANY: [&str; 6] = ["400", "408", "414", "431", "500", "503"];

/// Completes the document that utoipa derives.
pub fn complete(document: &mut Value) {
    let mut responses = Map::new();
    for (status, name, when) in REFUSALS {
        let mut refusal = json!({"description": when});
        as_problem(status, &mut refusal);
        responses.insert(name.into(), refusal);
    }
    document["components"]["responses"] = responses.into();
    for operations in members(&mut document["paths"]) {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            add_refusals(method, operation);
            // What is sent as text is never null.
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let schema = &mut parameter["schema"];
                if schema["type"].is_array() {
                    schema["type"] = schema["type"][0].take();
                } else if schema["oneOf"][1]["type"] == "null" {
                    *schema = schema["oneOf"][0].take();
                }
            }
            // A body that may be left out is no null.
            let schema = operation.pointer_mut("/requestBody/content/application~1json/schema");
            if let Some(schema) = schema.filter(|schema| schema["oneOf"][1]["type"] == "null") {
                *schema = schema["oneOf"][0].take();
                operation["requestBody"]["required"] = false.into();
            }
            for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
                match status.as_str() >= "400" {
                    true if response.get("$ref").is_none() => as_problem(status, response),
                    true => {}
                    false => with_headers(status, response),
                }
            }
        }
    }
    let schemas = &mut document["components"]["schemas"];
    name_items(schemas);
    tag_within(schemas, "NewJob");
    ["Field", "Notation"].iter().for_each(|choice| close(schemas, choice));
}

/// Adds the refusals that follow from the method, the parameters and the body, unless the handler describes them.
fn add_refusals(method: &str, operation: &mut Value) {
    let has = |place: &str| {
        operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["in"] == place)
    };
    let keyed = operation.get("security").is_none();
    let mut statuses = ANY.to_vec();
    if keyed {
        statuses.extend(["401", "403", "429"]);
    }
    // A key may be sent, and is then held against the same.
    if operation["security"].as_array().is_some_and(|ways| ways.len() > 1) {
        statuses.extend(["401", "429"]);
    }
    if has("path") {
        statuses.push("404");
    }
    if has("query") {
        statuses.push("422");
    }
    if operation.get("requestBody").is_some() {
        statuses.extend(["413", "415", "422"]);
    }
    if method != "get" {
        statuses.push("507");
    }
    for (status, name, _) in REFUSALS.iter().filter(|(status, ..)| statuses.contains(status)) {
        let responses = &mut operation["responses"];
        if responses.get(status).is_none() {
            responses[status] = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
}

/// A refusal is a problem document.
fn as_problem(status: &str, response: &mut Value) {
    response["content"] =
        json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    with_headers(status, response);
}

/// Every answer names its request, unless it comes before there was one; some say more. These headers are always there.
fn with_headers(status: &str, response: &mut Value) {
    let header = |what: &str, schema: Value| json!({"description": what, "schema": schema});
    let headers = &mut response["headers"];
    headers["x-request-id"] =
        header("The request's id, as sent or made here.", json!({"type": "string", "maxLength": 128}));
    if status == "401" {
        headers["WWW-Authenticate"] = header("How to send the key.", json!({"type": "string"}));
    }
    if ["408", "429", "503"].contains(&status) {
        headers["Retry-After"] =
            header("Seconds to wait before the next try.", json!({"type": "integer", "minimum": 1}));
    }
    members(headers).for_each(|header| header["required"] = true.into());
    headers["x-request-id"]["required"] = (status == "500" || !ANY.contains(&status)).into();
}

/// Lets the pages name what they hold: the derived schemas of generics repeat it.
fn name_items(schemas: &mut Value) {
    for (name, schema) in schemas.as_object_mut().into_iter().flatten() {
        if let Some(item) = name.strip_prefix("Page_") {
            schema["properties"]["items"]["items"] = json!({"$ref": format!("#/components/schemas/{item}")});
        }
    }
}

/// Moves the tag of a tagged choice into its variants. Derived, it stands beside them, and a variant that allows no other fields could never hold it.
fn tag_within(schemas: &mut Value, choice: &str) {
    let mut mapping = Map::new();
    let variants: Vec<Value> = schemas[choice]["oneOf"].as_array().cloned().unwrap_or_default();
    let mut named = Vec::new();
    for variant in &variants {
        let (reference, beside) = (variant["allOf"][0]["$ref"].as_str(), &variant["allOf"][1]["properties"]);
        let tag = beside.as_object().and_then(|tags| tags.iter().next());
        let (Some(reference), Some((tag, value))) = (reference, tag) else { return };
        let within = &mut schemas[reference.rsplit('/').next().unwrap_or_default()];
        within["properties"][tag] = value.clone();
        within["required"].as_array_mut().into_iter().for_each(|required| required.push(tag.as_str().into()));
        mapping.insert(value["enum"][0].as_str().unwrap_or_default().into(), reference.into());
        named.push(json!({"$ref": reference}));
        schemas[choice]["discriminator"] = json!({"propertyName": tag});
    }
    schemas[choice]["oneOf"] = named.into();
    schemas[choice]["discriminator"]["mapping"] = mapping.into();
}

/// Says that the variants of a choice take no other fields than their own, and names what they hold.
fn close(schemas: &mut Value, choice: &str) {
    let mut variants = schemas[choice]["oneOf"].take();
    for variant in variants.as_array_mut().into_iter().flatten().filter(|v| v["type"] == "object") {
        variant["additionalProperties"] = false.into();
        for (tag, inner) in variant["properties"].as_object_mut().into_iter().flatten() {
            if inner["type"] == "object" {
                let name = format!("{choice}_{tag}");
                inner["additionalProperties"] = false.into();
                let reference = json!({"$ref": format!("#/components/schemas/{name}")});
                schemas[name] = std::mem::replace(inner, reference);
            }
        }
    }
    schemas[choice]["oneOf"] = variants;
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(|object| object.values_mut())
}
