//! What clients send, read: a fault names where it stands, as `options.gaps` or `schema.columns[3].type`, and says it in JSON's words.

use super::objects::Objects;
use super::problem::Problem;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Letters of a message at most: it may repeat what was sent.
const MESSAGE: usize = 400;

/// Reads a JSON body.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // The library calls some values of a wrong kind bad syntax: what is JSON at all is asked first.
    serde_json::from_slice::<IgnoredAny>(bytes)
        .map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    let mut text = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(Objects(&mut text))
        .map_err(|error| refusal("", error.path(), error.inner()))
}

/// Reads what stands under a name of a body that is read already.
pub fn part<T: DeserializeOwned>(name: &str, value: &serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Objects(value))
        .map_err(|error| refusal(name, error.path(), error.inner()))
}

/// Reads a query.
pub fn query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| refusal("", error.path(), error.inner()))
}

/// What an object may be: what it says that it is, and how its other members are read then.
pub type Choice<T> = (&'static str, fn(Others) -> Result<T, Problem>);

/// Reads an object that says under `name` which of some choices it is.
pub fn tagged<T>(bytes: &[u8], name: &str, choices: &[Choice<T>]) -> Result<T, Problem> {
    let Members(members) = json(bytes)?;
    let (tags, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|(member, _)| member == name);
    let known = || choices.iter().map(|(one, _)| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    let refused = |what: &str| Problem::invalid(name, format!("{what}; it is one of {}", known()));
    let [(_, tag)] = &tags[..] else {
        return Err(refused(if tags.is_empty() { "it is missing" } else { "it occurs twice" }));
    };
    let tag: Option<String> = serde_json::from_str(tag.get()).ok();
    let chosen = choices.iter().find(|(one, _)| tag.as_deref() == Some(one));
    let (_, read) = chosen.ok_or_else(|| refused("it is unknown"))?;
    read(Others(others))
}

/// The members of an object except its tag. They keep their text, so that duplicates are noticed.
pub struct Others(Vec<(String, Box<RawValue>)>);

impl Others {
    /// What they are, read.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let members = self.0.iter().map(|(name, text)| (name.as_str(), &**text));
        serde_path_to_error::deserialize(Objects(MapDeserializer::new(members))).map_err(
            |error: serde_path_to_error::Error<serde_json::Error>| refusal("", error.path(), error.inner()),
        )
    }
}

/// The members of an object, in their order, those that stand there twice included.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The refusal of what stands at `path` under `name`.
fn refusal(name: &str, path: &serde_path_to_error::Path, error: &impl fmt::Display) -> Problem {
    let said = error.to_string();
    // Where in the text it stands, the path tells better.
    let said = said.rfind(" at line ").map_or(&*said, |end| &said[..end]);
    let mut field = name.to_string();
    let mut add = |step: &str| {
        let apart = if field.is_empty() || step.starts_with('[') { "" } else { "." };
        field = format!("{field}{apart}{step}");
    };
    path.iter().map(ToString::to_string).for_each(|step| add(&step));
    // A member that is missing, unknown, or there twice is named by the message, and may stand at the path's end as well.
    let member = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| said.strip_prefix(start)?.split_once('`'))
        .map(|(member, _)| member);
    let last = path.iter().next_back().map(ToString::to_string);
    if let Some(member) = member.filter(|member| last.as_deref() != Some(member)) {
        add(member);
    }
    let detail: String = in_json_words(said).chars().take(MESSAGE).collect();
    if field.is_empty() {
        return Problem { field: None, ..Problem::invalid("", detail) };
    }
    Problem::invalid(&field, detail)
}

/// A message of the library without the names that types have in the source.
fn in_json_words(said: &str) -> String {
    let Some((before, expected)) = said.rsplit_once("expected ") else { return said.to_string() };
    let is = |starts: &[&str]| starts.iter().any(|start| expected.starts_with(start));
    let words = if is(&["value"]) {
        "another kind of value"
    } else if is(&["struct ", "internally tagged enum ", "a map", "map", "struct variant "]) {
        "an object"
    } else if is(&["a sequence", "sequence", "tuple"]) {
        "an array"
    } else if is(&["u8", "u16", "u32", "u64", "usize"]) {
        "a whole number, not negative"
    } else if is(&["i8", "i16", "i32", "i64"]) {
        "a whole number"
    } else if is(&["f32", "f64"]) {
        "a number"
    } else if is(&["unit variant ", "enum ", "variant identifier", "string only"]) {
        "a known name"
    } else if is(&["newtype variant "]) {
        "a value"
    } else {
        expected
    };
    let before =
        before.replace("floating point", "number").replace("unit value", "null").replace("sequence", "array");
    format!("{}expected {words}", before.replace("map", "object"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::budget::Cap;
    use crate::service::datasets::NewDataset;
    use crate::service::keys::NewKey;
    use crate::service::requests::NewJob;
    use crate::service::tenants::NewTenant;

    /// Field and detail of a refusal.
    fn refused<T>(read: Result<T, Problem>) -> (u16, String, String) {
        let problem = read.err().expect("a refusal");
        (problem.status, problem.field.unwrap_or_default(), problem.detail)
    }

    /// Of an object whose members may all be absent the library would take any list, too.
    #[test]
    fn a_list_is_no_object() {
        #[derive(Debug, serde::Deserialize)]
        struct Change {
            #[serde(default)]
            paused: Option<bool>,
        }
        assert_eq!(json::<Change>(b" {}").unwrap().paused, None);
        for list in ["[]", "[null]", " [true]", "5", "null"] {
            let refused = json::<Change>(list.as_bytes()).unwrap_err();
            assert_eq!((refused.status, refused.field), (422, None), "{list}");
        }
        let dataset = |more: &str| json::<NewDataset>(format!(r#"{{"name": "x", {more}}}"#).as_bytes());
        let id = "0199c0de-0000-7000-8000-000000000001";
        let fit = |more: &str| {
            let body = format!(r#"{{"dataset_id": "{id}", "kind": "fit", "epsilon": 1, {more}}}"#);
            NewJob::read(body.as_bytes())
        };
        assert!(dataset(r#""reading": {"capture": {}}"#).is_ok() && fit(r#""options": {}"#).is_ok());
        for (more, field) in [
            (r#""reading": []"#, "reading"),
            (r#""reading": {"capture": [null, null]}"#, "reading.capture"),
            (r#""reading": {"only": [["a", []]]}"#, "reading.only[0]"),
            (r#""about": []"#, "about"),
            (r#""about": {"contact": [null]}"#, "about.contact"),
        ] {
            let (status, found, detail) = refused(dataset(more));
            assert_eq!((status, &*found), (422, field), "{more}: {detail}");
        }
        for member in ["options", "generate", "condition"] {
            let (status, found, detail) = refused(fit(&format!(r#""{member}": []"#)));
            assert_eq!((status, &*found), (422, member), "{detail}");
        }
        let schema = serde_json::json!({"name": "own", "kind": "flow", "columns": [["a", "port"]]});
        assert_eq!(refused(part::<crate::trace::Schema>("schema", &schema)).1, "schema.columns[0]");
    }

    #[test]
    fn a_fault_is_named_by_its_path() {
        let id = "0199c0de-0000-7000-8000-000000000001";
        let fit =
            |more: &str| NewJob::read(format!(r#"{{"dataset_id": "{id}", "kind": "fit"{more}}}"#).as_bytes());
        assert!(fit(r#", "epsilon": 1"#).is_ok());
        for (more, field) in [
            ("", "epsilon"),
            (r#", "epsilon": "two""#, "epsilon"),
            (r#", "epsilon": 1, "options": {"gaps": 3}"#, "options.gaps"),
            (r#", "epsilon": 1, "options": {"gaps": true, "gaps": false}"#, "options.gaps"),
            (r#", "epsilon": 1, "options": {"colour": 3}"#, "options.colour"),
            (r#", "epsilon": 1, "generate": {"start": "anywhere"}"#, "generate.start"),
            (r#", "epsilon": 1, "epsilon": 8"#, "epsilon"),
            (r#", "epsilon": 1, "colour": 1"#, "colour"),
            (r#", "epsilon": 1, "rows": -5"#, "rows"),
            (r#", "epsilon": 1, "kind": "generate""#, "kind"),
        ] {
            let (status, found, detail) = refused(fit(more));
            assert_eq!((status, &*found), (422, field), "{more}: {detail}");
        }
        assert_eq!(refused(NewJob::read(b"{}")).1, "kind");
        assert_eq!(refused(NewJob::read(br#"{"kind": "dance"}"#)).1, "kind");
        assert_eq!(refused(NewJob::read(br#"{"kind": "generate"}"#)).1, "model_id");
        for (body, field) in [
            (r#"{"name": "x", "cap": {"epsilon": "much"}}"#, "cap.epsilon"),
            (r#"{"name": "x", "cap": {"rho": 1, "epsilon": 1}}"#, "cap"),
            (r#"{"name": "x", "cap": {}}"#, "cap"),
            (r#"{"name": "x", "cap": {"colour": 1}}"#, "cap.colour"),
            (r#"{"name": "x"}"#, "cap"),
            (r#"{"name": 7, "cap": {"rho": 1}}"#, "name"),
            ("[]", ""),
        ] {
            assert_eq!(refused(json::<NewTenant>(body.as_bytes())).1, field, "{body}");
        }
        for (body, field) in [
            (r#"{"name": "x", "categories": {"type": ["a", 5]}}"#, "categories.type[1]"),
            (r#"{"name": "x", "window": 5}"#, "window"),
            (r#"{"name": "x", "colour": 5}"#, "colour"),
            (r#"{"preset": "flow"}"#, "name"),
        ] {
            assert_eq!(refused(json::<NewDataset>(body.as_bytes())).1, field, "{body}");
        }
        let schema = serde_json::json!({"name": "own", "kind": "flow", "columns": [
            {"name": "a", "type": "port"}, {"name": "b", "type": {"integer": {"max": "many"}}}]});
        let (_, field, detail) = refused(part::<crate::trace::Schema>("schema", &schema));
        assert_eq!(field, "schema.columns[1].type.integer.max", "{detail}");
        assert_eq!(refused(query::<crate::service::app::PageQuery>("limit=many")).1, "limit");
        assert_eq!(refused(query::<crate::service::app::PageQuery>("after=x")).1, "after");
        assert_eq!(refused(query::<crate::service::app::PageQuery>("colour=x")).1, "colour");
    }

    #[test]
    fn no_message_tells_a_name_of_the_source() {
        let said = [
            refused(json::<NewTenant>(b"[]")),
            refused(json::<NewTenant>(br#"{"name": "x", "cap": 5}"#)),
            refused(json::<NewTenant>(br#"{"name": {}, "cap": {"rho": 1}}"#)),
            refused(json::<Cap>(br#"{"rho": []}"#)),
            refused(json::<NewKey>(br#"{"role": 5, "name": "x"}"#)),
            refused(json::<NewKey>(br#"{"role": {"x": 5}, "name": "x"}"#)),
            refused(json::<NewDataset>(br#"{"name": "x", "categories": 5}"#)),
            refused(json::<NewDataset>(br#"{"name": "x", "networks": {"a": 5}}"#)),
            refused(part::<crate::trace::Schema>("schema", &serde_json::json!(5))),
            refused(part::<crate::trace::Schema>(
                "schema",
                &serde_json::json!({"name": "x", "kind": [], "columns": [{"name": "a", "type": {"ip": 4}}]}),
            )),
            refused(part::<crate::trace::Schema>(
                "schema",
                &serde_json::json!({"name": "x", "kind": "flow", "columns": [{"name": "a", "type": 5}]}),
            )),
            refused(NewJob::read(b"5")),
            refused(NewJob::read(br#"{"kind": "evaluate", "release_id": []}"#)),
        ];
        let names = [
            "New",
            "Cap",
            "Schema",
            "struct",
            "enum",
            "Field",
            "Request",
            "u64",
            "f64",
            "Members",
            "Role",
            "Kind",
            "variant i",
        ];
        for (status, field, detail) in &said {
            assert!(*status == 422 && !names.iter().any(|name| detail.contains(name)), "{field}: {detail}");
        }
    }

    #[test]
    fn invalid_json_is_malformed() {
        for body in ["", "{", r#"{"name": "x"} x"#, "nothing", r#"{"name": }"#] {
            let (status, field, _) = refused(json::<NewTenant>(body.as_bytes()));
            assert_eq!((status, &*field), (400, ""), "{body}");
        }
    }
}
