//! Schemas: the public declaration of the columns of a trace, made before any value is read.
//!
//! ```
//! use netdpsyn_trace::{Field, Schema};
//!
//! let schema: Schema = serde_json::from_str(
//!     r#"{"version": 2, "name": "volumes", "kind": "flow", "columns": [
//!         {"name": "src", "type": {"ip": {}}, "role": "source-address"},
//!         {"name": "size", "type": {"integer-exponential": {"max": 1000000}}, "role": "bytes"}
//!     ]}"#,
//! )?;
//! schema.check()?;
//! assert!(matches!(schema.columns[1].field, Field::IntegerExponential { max: 1_000_000, .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything here is public: names, types, ranges, categories, the capture window and notations. Nothing in
//! a schema may be derived from the values of a trace; what the preset leaves open, the steward declares.

mod check;
mod declare;
mod field;
mod others;

use crate::RecordKind;
#[cfg(feature = "openapi")]
use crate::roles::OneOrTwo;
use crate::{Notation, Reading, Role, Roles, Window, written::Written};
pub use field::Field;
pub use others::{OTHER, undeclared};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The columns of a trace and what is publicly known of them. For its JSON form see [`crate::written`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Schema {
    /// The preset it is derived from, or a name chosen by the steward.
    pub name: String,
    /// The kind of records: flows or packets.
    pub kind: RecordKind,
    /// Columns, in the order of the file.
    pub columns: Vec<Column>,
    /// Protocol facts that synthetic records must respect.
    pub facts: Vec<Fact>,
    /// The largest packet of a flow in bytes, where it is known; otherwise 65,535.
    pub mtu: Option<u16>,
    /// The declared capture window.
    pub window: Option<Window>,
    /// How the text of the trace is laid out, and how its cells are written.
    pub reading: Reading,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name in the header.
    #[cfg_attr(feature = "openapi", schema(min_length = 1))]
    pub name: String,
    /// Type of the values.
    #[serde(rename = "type")]
    pub field: Field,
    /// Meaning of the values.
    #[serde(default, rename = "role", skip_serializing_if = "Roles::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = OneOrTwo))]
    pub roles: Roles,
    /// Whether a file may lack the column.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether the column is measured. Values of an unmeasured column are drawn uniformly; use it for columns
    /// without structure worth paying for.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub modelled: bool,
    /// How the values are written. When absent: addresses and times as in the file, all else canonically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notation: Option<Notation>,
    /// Cells that are not values of the type: an empty one, `-`, `NaN`, `EXT_SERVER`. Each is a separate
    /// value, written as declared here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special: Vec<String>,
}

fn yes() -> bool {
    true
}

/// A protocol fact: public knowledge that synthetic records respect at no privacy cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// Flows: 20·packets ≤ bytes ≤ 65,535·packets, or the schema's `mtu` in place of 65,535. A flow of no
    /// packets has no bytes.
    BytesFitPackets,
    /// Flows: the duration is 0 where there is at most 1 packet.
    OnePacketNoDuration,
    /// Packets: the length is at least the header length that follows from header words and protocol.
    LengthHoldsHeaders,
}

impl Fact {
    /// The name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Fact::BytesFitPackets => "bytes-fit-packets",
            Fact::OnePacketNoDuration => "one-packet-no-duration",
            Fact::LengthHoldsHeaders => "length-holds-headers",
        }
    }
}

/// Why a schema cannot be used.
#[derive(Debug, Error, PartialEq)]
pub enum SchemaError {
    /// A timestamp column without a declared window.
    #[error(
        "column {column} needs the capture window, which is never taken from the records: declare it with --window START/END"
    )]
    NoWindow {
        /// The timestamp column.
        column: String,
    },
    /// A categorical column without declared values.
    #[error(
        "column {column} needs its categories, which are never taken from the records: declare them with --categories {column}=a,b,…"
    )]
    NoCategories {
        /// The categorical column.
        column: String,
    },
    /// A parameter outside its range.
    #[error("column {column}: {reason}")]
    Parameter {
        /// The column.
        column: String,
        /// What is wrong.
        reason: String,
    },
    /// A fault of the schema as a whole.
    #[error("{0}")]
    Shape(String),
}

impl Column {
    /// A measured column that every file has.
    pub fn new(name: &str, field: Field) -> Self {
        let roles = Roles::default();
        let special = Vec::new();
        Column { name: name.into(), field, roles, optional: false, modelled: true, notation: None, special }
    }

    /// Whether a column can have this name. The sign × joins names in the labels of charges, and every label
    /// must be unique.
    pub(crate) fn may_be_called(name: &str) -> bool {
        !name.is_empty() && !name.contains(['×', '\n', '\r'])
    }

    /// Adds a role.
    pub fn with(self, role: Role) -> Self {
        Column { roles: self.roles.and(role), ..self }
    }

    /// Whether noisy counts of the column are taken.
    pub fn is_measured(&self) -> bool {
        self.modelled && self.field != Field::IpChecksum
    }
}

impl Schema {
    /// The index of the column called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The index of the column of times by which records are sorted.
    pub fn time_column(&self) -> Option<usize> {
        self.column_of(Role::Start)
    }

    /// The index of the key attribute, if the trace has one.
    pub fn key_column(&self) -> Option<usize> {
        self.column_of(Role::Key)
    }
}
