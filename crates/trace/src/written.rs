//! Schemas as JSON, in versions 1 to 5.
//!
//! In version 1 the names of columns imply their meaning, whatever their types, and `key` names one of them.
//! Version 2 declares roles, which fit types. Version 3 declares how text is read. Version 4 has special
//! values and addresses of any family. Version 5 has end times and how records are derived from a capture.
//! Older programs refuse newer versions.
//!
//! Every schema is read through [`Written`], which adds the roles that version 1 implies. A schema is written
//! in the lowest version that expresses it; version 1 is readable by servers of the previous release.
//! [`Schema::shown`] writes the roles explicitly, for people, unless only version 1 can express them.

use super::{Column, Fact, Field, Reading, RecordKind, Role, Roles, Schema, Window, presets};
use serde::{Deserialize, Serialize};

/// The newest version, which has end times and how records are derived from a capture.
pub const VERSION: u32 = 5;
/// The first version with special values and addresses of any family.
const SPECIAL: u32 = 4;
/// The first version that declares how text is read.
const READING: u32 = 3;
/// The first version with roles.
const ROLES: u32 = 2;

/// The columns of a trace and what is publicly known of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "Schema")]
#[cfg_attr(feature = "openapi", schema(as = Schema))]
pub struct Written {
    /// Version of the schema. When absent, the lowest one that expresses it: 5 with end times or records
    /// derived from a capture, 4 with special values or addresses of any family, 3 with declarations of how
    /// text is read, 2 with roles, otherwise 1, in which the names of the presets' columns imply their
    /// meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5))]
    version: Option<u32>,
    /// The preset it is derived from, or a name chosen by the steward.
    name: String,
    /// The kind of records: flows or packets.
    kind: RecordKind,
    /// Columns, in the order of the file.
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    columns: Vec<Column>,
    /// The column with the role `key`: the notation of version 1, accepted in version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Protocol facts that synthetic records must respect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Fact>,
    /// The largest packet of a flow in bytes, if it is known: bytes fit packets of this size. When absent:
    /// 65,535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 68, maximum = 65535))]
    mtu: Option<u16>,
    /// The declared capture window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "capture-window"))]
    window: Option<Window>,
    /// How the text of the trace is laid out, and how its cells are written.
    #[serde(default, skip_serializing_if = "Reading::is_plain")]
    reading: Reading,
}

impl TryFrom<Written> for Schema {
    type Error = String;

    fn try_from(written: Written) -> Result<Schema, String> {
        let Written { version, name, kind, mut columns, key, facts, mtu, window, reading } = written;
        let said = columns.iter().any(|column| column.roles.are_said());
        let newer = first_version(&columns, &reading);
        let usual = if let Some((version, _)) = newer {
            version
        } else if !reading.is_plain() {
            READING
        } else if said {
            ROLES
        } else {
            1
        };
        // Names imply the meaning of version 1 unless roles are declared, however the text is laid out.
        let said_version = version;
        let by_names = version.is_none_or(|version| version == 1) && !said;
        let version = version.unwrap_or(usual);
        if !(1..=VERSION).contains(&version) {
            return Err(format!("schemas have version 1 to {VERSION}, not {version}"));
        }
        if version == 1 && said {
            return Err(format!(
                "a schema of version 1 has no roles: leave them out, or declare version {ROLES}"
            ));
        }
        if version < READING && !reading.is_plain() {
            return Err(format!(
                "a schema of version {version} does not say how text is read: leave reading out, or declare version {READING}"
            ));
        }
        if let Some((first, what)) = newer.filter(|(first, _)| version < *first) {
            return Err(format!(
                "a schema of version {version} has no {what}: leave them out, or declare version {first}"
            ));
        }
        for column in &mut columns {
            column.roles = std::mem::take(&mut column.roles).in_order();
        }
        let mut schema = Schema { name, kind, columns, facts, mtu, window, reading };
        if by_names {
            schema.columns.iter_mut().for_each(|column| column.roles = roles_of_version_1(column));
        }
        if let Some(key) = key {
            match (schema.position(&key), schema.key_column()) {
                (Some(named), Some(said)) if named != said => {
                    let said = &schema.columns[said].name;
                    return Err(format!(
                        "key names {key}, and column {said} has the role key: one column is the key"
                    ));
                }
                (Some(named), _) => {
                    let roles = &mut schema.columns[named].roles;
                    *roles = std::mem::take(roles).and(Role::Key);
                }
                // Version 1 ignores a key that is not a column.
                (None, _) if by_names => {}
                (None, _) => return Err(format!("key names {key}, which is no column")),
            }
        }
        schema.settle_ends();
        let settled = first_version(&schema.columns, &schema.reading);
        if let Some((first, what)) = settled.filter(|(first, _)| said_version.is_some_and(|own| own < *first))
        {
            return Err(format!(
                "a schema of version {version} has no {what}: leave them out, or declare version {first}"
            ));
        }
        if version > 1 {
            schema.check_said_roles().map_err(|error| error.to_string())?;
        }
        Ok(schema)
    }
}

/// The first version that can express columns and reading, with what older versions lack; `None` where the
/// rest of the schema decides.
fn first_version(columns: &[Column], reading: &Reading) -> Option<(u32, &'static str)> {
    if reading.ends.is_some() || columns.iter().any(Column::is_end) {
        return Some((VERSION, "times at which records end"));
    }
    if reading.capture.is_some() {
        return Some((VERSION, "records that are made of captures"));
    }
    let special = |column: &Column| match column.field {
        Field::Address {} => Some((SPECIAL, "addresses of any family")),
        _ => (!column.special.is_empty()).then_some((SPECIAL, "special values")),
    };
    columns.iter().find_map(special)
}

impl From<Schema> for Written {
    fn from(schema: Schema) -> Written {
        if schema.version() == 1 { schema.named(None) } else { schema.shown() }
    }
}

/// The roles of a column in version 1: implied by its name, whatever its type; for times, by the type alone.
/// The names of a label and of TCP flags had no meaning originally; now they have one where the type fits.
fn roles_of_version_1(column: &Column) -> Roles {
    let named = presets::NAMES_OF_VERSION_1.iter().filter(|(name, _)| *name == column.name);
    let named = named
        .map(|(_, role)| *role)
        .filter(|role| !matches!(role, Role::Label | Role::TcpFlags) || role.fits(&column.field));
    let time = matches!(column.field, Field::Timestamp { .. }).then_some(Role::Start);
    named.chain(time).fold(Roles::default(), Roles::and)
}

impl Schema {
    /// The schema with every implied meaning declared, for people, who may rename columns. A meaning that a
    /// name implies for a type that no role fits remains implied.
    pub fn shown(&self) -> Written {
        if self.version() == 1 && self.check_said_roles().is_err() {
            return self.named(Some(1));
        }
        self.written(Some(self.version().max(ROLES)))
    }

    /// As version 1, where names imply the meaning.
    fn named(&self, version: Option<u32>) -> Written {
        let mut named = self.written(version);
        named.columns.iter_mut().for_each(|column| column.roles = Roles::default());
        named
    }

    fn written(&self, version: Option<u32>) -> Written {
        let key = self.key_column().map(|key| self.columns[key].name.clone());
        let Schema { name, kind, columns, facts, mtu, window, reading } = self.clone();
        Written { version, name, kind, columns, key, facts, mtu, window, reading }
    }

    /// The version in which the schema is written.
    pub fn version(&self) -> u32 {
        if let Some((version, _)) = first_version(&self.columns, &self.reading) {
            return version;
        }
        match (self.reading.is_plain(), self.is_of_version_1()) {
            (false, _) => READING,
            (true, false) => ROLES,
            (true, true) => 1,
        }
    }

    /// Whether the names and types of the columns imply their meaning under version 1.
    pub(super) fn is_of_version_1(&self) -> bool {
        let keys = self.columns.iter().filter(|column| column.roles.has(Role::Key)).count();
        let alike = |column: &Column| {
            let roles = roles_of_version_1(column);
            column.roles == if column.roles.has(Role::Key) { roles.and(Role::Key) } else { roles }
        };
        keys <= 1 && self.columns.iter().all(alike)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::preset;
    use serde_json::{Value, json};

    fn read(schema: &Value) -> Result<Schema, String> {
        serde_json::from_value(schema.clone()).map_err(|error| error.to_string())
    }

    fn roles(schema: &Schema) -> Value {
        schema.columns.iter().map(|column| serde_json::to_value(&column.roles).unwrap()).collect()
    }

    #[test]
    fn presets_are_written_as_version_1_and_read_with_their_roles() {
        for name in ["flow", "packet", "packet-flags", "ton", "ugr16", "cidds", "caida", "dc"] {
            let schema = preset(name).unwrap();
            let text = serde_json::to_value(&schema).unwrap();
            let key = if schema.kind == RecordKind::Flow { "type" } else { "flag" };
            assert!(text["version"].is_null() && !text.to_string().contains("\"role\""), "{text}");
            assert_eq!((schema.version(), &text["key"]), (1, &json!(key)));
            assert_eq!(read(&text).as_ref(), Ok(&schema));
            // The same with all roles declared, whatever the columns are called.
            let mut shown = serde_json::to_value(schema.shown()).unwrap();
            assert_eq!((&shown["version"], &shown["key"]), (&json!(2), &json!(key)));
            assert_eq!(read(&shown).as_ref(), Ok(&schema));
            for (i, column) in shown["columns"].as_array_mut().unwrap().iter_mut().enumerate() {
                column["name"] = format!("c{i}").into();
            }
            assert_eq!(read(&shown), Err(format!("key names {key}, which is no column")));
            shown["key"] = json!(format!("c{}", schema.key_column().unwrap()));
            let renamed = read(&shown).unwrap();
            assert_eq!((renamed.version(), roles(&renamed)), (2, roles(&schema)));
            assert_eq!(serde_json::to_value(&renamed).unwrap(), shown);
        }
    }

    #[test]
    fn a_schema_with_a_reading_has_version_3() {
        let mut text = json!({"name": "own", "kind": "flow", "reading": {"separator": "tab", "comment": "#"},
            "columns": [{"name": "a", "type": "port", "role": "source-port"}]});
        let schema = read(&text).unwrap();
        assert_eq!((schema.version(), schema.check()), (3, Ok(())));
        let written = serde_json::to_value(&schema).unwrap();
        assert_eq!((&written["version"], &written["reading"]), (&json!(3), &text["reading"]));
        assert_eq!(read(&written).as_ref(), Ok(&schema));
        // Presets keep their roles, which are then declared.
        let mut preset = preset("flow").unwrap();
        preset.reading.skip = 1;
        let written = serde_json::to_value(&preset).unwrap();
        assert_eq!(
            (&written["version"], &written["columns"][0]["role"]),
            (&json!(3), &json!("source-address"))
        );
        assert_eq!(read(&written), Ok(preset));
        text["version"] = json!(2);
        assert!(read(&text).unwrap_err().contains("does not say how text is read"));
        text["version"] = json!(3);
        text["columns"][0]["special"] = json!(["", "-"]);
        assert!(read(&text).unwrap_err().contains("no special values: leave them out, or declare version 4"));
        text.as_object_mut().unwrap().remove("version");
        let special = read(&text).unwrap();
        assert_eq!((special.version(), special.columns[0].special.len()), (4, 2));
        assert_eq!(read(&serde_json::to_value(&special).unwrap()), Ok(special));
        text["columns"][0].as_object_mut().unwrap().remove("special");
        text["version"] = json!(3);
        text["reading"] = json!({"separators": "tab"});
        assert!(read(&text).unwrap_err().contains("unknown field `separators`"));
    }

    #[test]
    fn names_mean_something_in_version_1_alone() {
        let mut schema = json!({"name": "own", "kind": "flow", "key": "proto", "columns": [
            {"name": "srcip", "type": {"ip": {}}},
            {"name": "label", "type": "port"},
            {"name": "when", "type": {"timestamp": {}}},
            {"name": "proto", "type": "protocol"}]});
        assert_eq!(
            roles(&read(&schema).unwrap()),
            json!(["source-address", "none", "start", ["protocol", "key"]])
        );
        schema["key"] = json!("gone");
        assert_eq!(read(&schema).unwrap().key_column(), None, "as version 1 had it");
        schema["version"] = json!(2);
        assert!(read(&schema).unwrap_err().contains("key names gone"));
        schema["key"] = json!("when");
        assert_eq!(roles(&read(&schema).unwrap()), json!(["none", "none", "key", "none"]));
        // One declared role, even `none`, disables the meaning of names.
        schema.as_object_mut().unwrap().remove("version");
        schema["columns"][1]["role"] = json!("none");
        assert_eq!(roles(&read(&schema).unwrap()), json!(["none", "none", "key", "none"]));
        assert_eq!(read(&schema).unwrap().version(), 2);
        for (version, said) in
            [(1, "has no roles"), (0, "version 1 to 5, not 0"), (6, "version 1 to 5, not 6")]
        {
            schema["version"] = json!(version);
            assert!(read(&schema).unwrap_err().contains(said), "{version}");
        }
    }

    #[test]
    fn version_1_means_by_names_what_no_role_of_version_2_can() {
        let text = json!({"name": "own", "kind": "flow", "key": "srcport", "facts": ["bytes-fit-packets"], "columns": [
            {"name": "srcip", "type": {"categorical": ["a"]}},
            {"name": "dstip", "type": {"integer": {"max": 9}}},
            {"name": "srcport", "type": {"integer": {"max": 65_535}}},
            {"name": "dstport", "type": "port"},
            {"name": "proto", "type": {"categorical": ["TCP", "UDP"]}},
            {"name": "td", "type": {"timestamp": {}}},
            {"name": "byt", "type": {"float-exponential": {"resolution": 1.0, "max": 1e9}}}]});
        let schema = read(&text).unwrap();
        assert_eq!((schema.check(), schema.version()), (Ok(()), 1));
        let flow = crate::gaps::FlowColumns::of(&schema).unwrap();
        assert_eq!((flow.flow, flow.time), ([0, 1, 2, 3, 4], 5));
        assert_eq!(
            [Role::Key, Role::Duration, Role::Bytes].map(|role| schema.column_of(role)),
            [2, 5, 6].map(Some)
        );
        // It is written and shown as version 1, and reads back.
        let written = serde_json::to_value(&schema).unwrap();
        let mut shown = serde_json::to_value(schema.shown()).unwrap();
        assert!(!shown.to_string().contains("\"role\""), "{shown}");
        assert_eq!((read(&written).as_ref(), read(&shown).as_ref()), (Ok(&schema), Ok(&schema)));
        assert_eq!((&written["version"], &shown["version"]), (&Value::Null, &json!(1)));
        // With declared roles the same is refused, and so it is with other names.
        shown["version"] = json!(2);
        shown["columns"][4]["role"] = json!("protocol");
        let refused = "column proto: the role protocol is for a column of type protocol";
        assert_eq!(read(&shown).unwrap_err(), refused);
        let mut renamed = schema;
        renamed.columns[5].name = "when".into();
        assert!(renamed.check().unwrap_err().to_string().contains("the role source-address is for"));
    }

    #[test]
    fn a_key_is_named_and_said_alike_or_not_at_all() {
        let column = |name: &str, role: &str| json!({"name": name, "type": "port", "role": role});
        let mut schema = json!({"name": "own", "kind": "flow", "key": "a",
            "columns": [column("a", "key"), column("b", "none")]});
        assert_eq!(read(&schema).unwrap().key_column(), Some(0));
        schema["key"] = json!("b");
        assert_eq!(
            read(&schema).unwrap_err(),
            "key names b, and column a has the role key: one column is the key"
        );
    }

    #[test]
    fn faults_of_roles_are_named() {
        let fault = |columns: Value| {
            let schema = read(&json!({"name": "own", "kind": "flow", "columns": columns}))?;
            schema.check().map_err(|error| error.to_string())
        };
        let port = |name: &str, role: Value| json!({"name": name, "type": "port", "role": role});
        assert_eq!(
            fault(json!([port("a", json!("source-port")), port("b", json!("destination-port"))])),
            Ok(())
        );
        assert_eq!(
            fault(json!([port("a", json!("source-port")), port("b", json!(["key", "source-port"]))]))
                .unwrap_err(),
            "columns a and b both have the role source-port, which one column can have"
        );
        assert_eq!(
            fault(json!([port("a", json!("source-address"))])).unwrap_err(),
            "column a: the role source-address is for a column of type ip or address"
        );
        assert_eq!(
            fault(json!([port("a", json!(["source-port", "destination-port"]))])).unwrap_err(),
            "column a: it cannot have both roles source-port and destination-port: one, and key beside it"
        );
        let label = |name: &str| json!({"name": name, "type": {"categorical": ["x"]}, "role": "label"});
        assert_eq!(fault(json!([label("a"), label("b"), port("c", json!("none"))])), Ok(()));
        assert!(fault(json!([port("a", json!("colour"))])).unwrap_err().contains("unknown variant `colour`"));
        for none_and_three in [json!([]), json!(["key", "key", "key"])] {
            assert!(fault(json!([port("a", none_and_three)])).unwrap_err().contains("one or two roles"));
        }
        assert!(fault(json!([port("a", json!(7))])).unwrap_err().contains("a role or a list of roles"));
    }

    #[test]
    fn every_role_has_a_type_that_fits_and_one_that_does_not() {
        let roles = preset("flow").unwrap().columns.into_iter().chain(preset("packet").unwrap().columns);
        for column in roles {
            let Value::String(role) = serde_json::to_value(&column.roles).unwrap() else { continue };
            let role: Role = serde_json::from_value(role.into()).unwrap();
            assert!(role.fits(&column.field), "{role}");
            assert!(matches!(role, Role::Key | Role::None) || !role.fits(&crate::Field::IpChecksum));
        }
    }
}
