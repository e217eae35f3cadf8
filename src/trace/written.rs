//! Schemas as JSON: versions 1 and 2.
//!
//! In version 1 names were what columns meant, and `key` named one of them. Version 2 says it by roles. What is read of version 1 gains roles here, wherever it
//! comes from: every schema is read through [`Written`]. A schema is written as version 1 where that says the same, which servers of the version before
//! read; [`Schema::shown`] writes the roles all the same, for people.

use super::{Column, Fact, Kind, Role, Roles, Schema, Window};
use serde::{Deserialize, Serialize};

/// The version that has roles.
const VERSION: u32 = 2;

/// The columns of a trace and what is publicly known of them.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, rename = "Schema")]
#[schema(as = Schema)]
pub struct Written {
    /// Of the schema's meaning. 2, the usual where a column says its role: roles say what columns are. 1, the usual where none does: the names of the
    /// presets' columns do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2)]
    version: Option<u32>,
    /// The preset it came from, or a name of the steward's.
    name: String,
    /// Flows or packets.
    kind: Kind,
    /// Columns, in the order of the file.
    #[schema(min_items = 1)]
    columns: Vec<Column>,
    /// The column that has the role `key`, too: how version 1 says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Protocol facts that synthetic records must respect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Fact>,
    /// The declared capture window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "capture-window")]
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
            let named =
                NAMES_OF_VERSION_1.iter().find(|(name, _)| *name == column.name).map(|(_, role)| *role);
            let role = named.into_iter().chain([Role::Start]).find(|role| role.fits(&column.field));
            column.roles = role.map_or_else(Roles::default, |role| Roles::default().and(role));
        }
        self
    }
}

/// What names of columns meant in version 1. Closed: presets may name their columns otherwise.
const NAMES_OF_VERSION_1: [(&str, Role); 17] = [
    ("srcip", Role::SourceAddress),
    ("dstip", Role::DestinationAddress),
    ("srcport", Role::SourcePort),
    ("dstport", Role::DestinationPort),
    ("proto", Role::Protocol),
    ("td", Role::Duration),
    ("pkt", Role::Packets),
    ("byt", Role::Bytes),
    ("label", Role::Label),
    ("pkt_len", Role::Length),
    ("version", Role::IpVersion),
    ("ihl", Role::HeaderWords),
    ("tos", Role::Tos),
    ("id", Role::Identification),
    ("flag", Role::IpFlags),
    ("off", Role::FragmentOffset),
    ("ttl", Role::Ttl),
];

impl utoipa::PartialSchema for Schema {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <Written as utoipa::PartialSchema>::schema()
    }
}

impl utoipa::ToSchema for Schema {
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        <Written as utoipa::ToSchema>::schemas(schemas);
    }
}
