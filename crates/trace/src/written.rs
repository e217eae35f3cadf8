//! Schemas as JSON: versions 1 and 2.
//!
//! In version 1 names were what columns meant, and `key` named one of them. Version 2 says it by roles. What is read of version 1 gains roles here, wherever it
//! comes from: every schema is read through [`Written`]. A schema is written as version 1 where that says the same, which servers of the version before
//! read; [`Schema::shown`] writes the roles all the same, for people.

use super::{Column, Fact, Kind, Role, Roles, Schema, Window, presets};
use serde::{Deserialize, Serialize};

/// The version that has roles.
const VERSION: u32 = 2;

/// The columns of a trace and what is publicly known of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename = "Schema")]
#[cfg_attr(feature = "openapi", schema(as = Schema))]
pub struct Written {
    /// Of the schema's meaning. 2, the usual where a column says its role: roles say what columns are. 1, the usual where none does: the names of the
    /// presets' columns do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2))]
    version: Option<u32>,
    /// The preset it came from, or a name of the steward's.
    name: String,
    /// Flows or packets.
    kind: Kind,
    /// Columns, in the order of the file.
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    columns: Vec<Column>,
    /// The column that has the role `key`, too: how version 1 says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Protocol facts that synthetic records must respect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Fact>,
    /// The declared capture window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "capture-window"))]
    window: Option<Window>,
}

impl TryFrom<Written> for Schema {
    type Error = String;

    fn try_from(written: Written) -> Result<Schema, String> {
        let Written { version, name, kind, mut columns, key, facts, window } = written;
        let said = columns.iter().any(|column| column.roles.are_said());
        let version = version.unwrap_or(if said { VERSION } else { 1 });
        if !(1..=VERSION).contains(&version) {
            return Err(format!("schemas have version 1 or {VERSION}, not {version}"));
        }
        if version == 1 && said {
            return Err(format!(
                "a schema of version 1 has no roles: leave them out, or declare version {VERSION}"
            ));
        }
        for column in &mut columns {
            column.roles = std::mem::take(&mut column.roles).in_order();
        }
        let mut schema = Schema { name, kind, columns, facts, window };
        if version == 1 {
            schema = schema.with_roles_of_version_1();
        }
        match key.as_ref().map(|key| (key, schema.columns.iter_mut().find(|c| c.name == *key))) {
            Some((_, Some(column))) => column.roles = std::mem::take(&mut column.roles).and(Role::Key),
            // Version 1 took a key that is no column for none.
            Some((key, None)) if version > 1 => return Err(format!("key names {key}, which is no column")),
            _ => {}
        }
        Ok(schema)
    }
}

impl From<Schema> for Written {
    fn from(schema: Schema) -> Written {
        let shown = schema.shown();
        let mut named = shown.clone();
        (named.version, named.key) = (None, schema.key_column().map(|key| schema.columns[key].name.clone()));
        named.columns.iter_mut().for_each(|column| column.roles = Roles::default());
        match Schema::try_from(named.clone()) {
            Ok(same) if same == schema => named,
            _ => shown,
        }
    }
}

impl Schema {
    /// With all that it means said: for people, who may rename columns.
    pub fn shown(&self) -> Written {
        let Schema { name, kind, columns, facts, window } = self.clone();
        Written { version: Some(VERSION), name, kind, columns, key: None, facts, window }
    }

    /// The version that it is written as.
    pub fn version(&self) -> u32 {
        Written::from(self.clone()).version.unwrap_or(1)
    }

    /// With the roles that columns of these names had in version 1, where their types fit. Times were known by their type alone.
    fn with_roles_of_version_1(mut self) -> Schema {
        for column in &mut self.columns {
            let named = presets::NAMES_OF_VERSION_1.iter().filter(|(name, _)| *name == column.name);
            let mut roles = named.map(|(_, role)| *role).chain([Role::Start]);
            let role = roles.find(|role| role.fits(&column.field));
            column.roles = role.map_or_else(Roles::default, |role| Roles::default().and(role));
        }
        self
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
        for (name, _) in presets::NAMES {
            let schema = preset(name).unwrap();
            let text = serde_json::to_value(&schema).unwrap();
            let key = if schema.kind == Kind::Flow { "type" } else { "flag" };
            assert!(text["version"].is_null() && !text.to_string().contains("\"role\""), "{text}");
            assert_eq!((schema.version(), &text["key"]), (1, &json!(key)));
            assert_eq!(read(&text).as_ref(), Ok(&schema));
            // The same with all said, whatever columns are called.
            let mut shown = serde_json::to_value(schema.shown()).unwrap();
            assert_eq!((&shown["version"], &shown["key"]), (&json!(2), &Value::Null));
            assert_eq!(read(&shown).as_ref(), Ok(&schema));
            for (i, column) in shown["columns"].as_array_mut().unwrap().iter_mut().enumerate() {
                column["name"] = format!("c{i}").into();
            }
            let renamed = read(&shown).unwrap();
            assert_eq!((renamed.version(), roles(&renamed)), (2, roles(&schema)));
            assert_eq!(serde_json::to_value(&renamed).unwrap(), shown);
        }
    }

    #[test]
    fn names_mean_something_in_version_1_alone_and_only_where_types_fit() {
        let mut schema = json!({"name": "own", "kind": "flow", "key": "proto", "columns": [
            {"name": "srcip", "type": {"ip": {}}},
            {"name": "dstip", "type": "port"},
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
        // One role that is said, be it none, says that names mean nothing.
        schema.as_object_mut().unwrap().remove("version");
        schema["columns"][1]["role"] = json!("none");
        assert_eq!(roles(&read(&schema).unwrap()), json!(["none", "none", "key", "none"]));
        assert_eq!(read(&schema).unwrap().version(), 2);
        for (version, said) in
            [(1, "has no roles"), (0, "version 1 or 2, not 0"), (3, "version 1 or 2, not 3")]
        {
            schema["version"] = json!(version);
            assert!(read(&schema).unwrap_err().contains(said), "{version}");
        }
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
            "column a: the role source-address is for a column of type ip"
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
