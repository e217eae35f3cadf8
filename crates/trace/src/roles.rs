//! Roles: the meaning of columns, independent of their names.
//!
//! A role states what the values of a column are in a record. One role, [`Role::Key`], states what users of
//! the trace do with the column, and any column can have it: the flags of a packet can be both flags and the
//! key. So a column has a small set of roles: at most one meaning, and optionally `key`. A single role is
//! written as one word. A separate field for the key would not be shorter and would allow two ways of stating
//! the same thing.

use super::{Column, Field, Schema, SchemaError};
use serde::de::value::StrDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The role of a column: what its values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Source address of a flow or packet.
    SourceAddress,
    /// Destination address.
    DestinationAddress,
    /// Source port.
    SourcePort,
    /// Destination port.
    DestinationPort,
    /// Protocol above IP.
    Protocol,
    /// Time at which a flow begins or a packet is captured. Records are sorted by it.
    Start,
    /// Time at which a flow ends.
    End,
    /// Duration of a flow.
    Duration,
    /// Number of packets of a flow.
    Packets,
    /// Number of bytes of a flow.
    Bytes,
    /// Number of packets in the reverse direction.
    ReversePackets,
    /// Number of bytes in the reverse direction.
    ReverseBytes,
    /// Length of a packet in bytes, with its headers.
    Length,
    /// IP version.
    IpVersion,
    /// IP header length in words of 32 bits.
    HeaderWords,
    /// Type of service.
    Tos,
    /// IP identification, which fragments of one packet share.
    Identification,
    /// Flags of the IP header.
    IpFlags,
    /// Offset of a fragment in its packet, in units of 8 bytes.
    FragmentOffset,
    /// Time to live.
    Ttl,
    /// Flags of the TCP header.
    TcpFlags,
    /// The key attribute: what users of the trace predict.
    Key,
    /// A class that was assigned to the record.
    Label,
    /// No known meaning.
    None,
}

impl Role {
    /// The column type that the role requires, in the words of a schema; `None` where any type can have it.
    fn wants(self) -> Option<&'static str> {
        match self {
            Role::SourceAddress | Role::DestinationAddress => Some("ip or address"),
            Role::SourcePort | Role::DestinationPort => Some("port or port-tree"),
            Role::Protocol => Some("protocol"),
            Role::Start | Role::End => Some("timestamp"),
            Role::Duration => Some("integer, integer-exponential or float-exponential"),
            Role::Label => Some("categorical or integer"),
            Role::TcpFlags => Some("categorical, integer or integer-exponential"),
            Role::Key | Role::None => None,
            _ => Some("integer or integer-exponential"),
        }
    }

    /// Whether a column of this type can have the role.
    pub fn fits(self, field: &Field) -> bool {
        let counts = matches!(field, Field::Integer { .. } | Field::IntegerExponential { .. });
        match self {
            Role::SourceAddress | Role::DestinationAddress => field.is_address(),
            Role::SourcePort | Role::DestinationPort => matches!(field, Field::Port | Field::PortTree { .. }),
            Role::Protocol => *field == Field::Protocol,
            Role::Start | Role::End => matches!(field, Field::Timestamp { .. }),
            Role::Duration => counts || matches!(field, Field::FloatExponential { .. }),
            Role::Label => matches!(field, Field::Categorical(_) | Field::Integer { .. }),
            Role::TcpFlags => counts || matches!(field, Field::Categorical(_)),
            Role::Key | Role::None => true,
            _ => counts,
        }
    }

    /// Whether several columns can have the role.
    fn is_plural(self) -> bool {
        matches!(self, Role::Label | Role::None)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The roles of a column: usually one or none; a meaning and `key` where the key is a column with a meaning
/// of its own. In version 1 a column of times can also have a meaning by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "OneOrTwo")]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Whether the column has no role.
    pub fn is_none(&self) -> bool {
        self.0.iter().all(|role| *role == Role::None)
    }

    /// Whether roles are declared, including an explicit `none`.
    pub(super) fn are_said(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether the column has this role.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Adds a role.
    pub fn and(mut self, role: Role) -> Self {
        self.0.push(role);
        self.in_order()
    }

    /// Without duplicates, the meaning first, and without [`Role::None`].
    pub(super) fn in_order(mut self) -> Self {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.retain(|role| *role != Role::None);
        self
    }
}

/// One role, or two where the key is a column with a meaning of its own.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", schema(as = Roles))]
pub enum OneOrTwo {
    /// One role.
    One(Role),
    /// A list of one or two roles.
    Two(List),
}

/// One role, or a meaning and `key`.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = RoleList, min_items = 1, max_items = 2))]
pub struct List(Vec<Role>);

impl From<Roles> for OneOrTwo {
    fn from(roles: Roles) -> Self {
        match roles.0.as_slice() {
            [] => OneOrTwo::One(Role::None),
            [one] => OneOrTwo::One(*one),
            _ => OneOrTwo::Two(List(roles.0)),
        }
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Spelt;
        impl<'de> Visitor<'de> for Spelt {
            type Value = Roles;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a role or a list of roles")
            }
            fn visit_str<E: serde::de::Error>(self, role: &str) -> Result<Roles, E> {
                Role::deserialize(StrDeserializer::new(role)).map(|role| Roles(vec![role]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut roles: A) -> Result<Roles, A::Error> {
                let mut all = Vec::new();
                while let Some(role) = roles.next_element()? {
                    all.push(role);
                }
                match all.len() {
                    1 | 2 => Ok(Roles(all)),
                    other => Err(serde::de::Error::invalid_length(other, &"one or two roles")),
                }
            }
        }
        from.deserialize_any(Spelt)
    }
}

impl Column {
    /// Whether values of this column can replace those of `other`, whatever their notations.
    pub fn means(&self, other: &Column) -> bool {
        use Field::{Categorical, FloatExponential, Integer, IntegerExponential, Port, PortTree};
        let shared = |role: &&Role| **role != Role::None && other.roles.has(**role);
        let Some(role) = self.roles.0.iter().find(shared) else { return false };
        match (&self.field, &other.field) {
            (Port | PortTree { .. }, Port | PortTree { .. }) => true,
            // Programs spell flags in many ways.
            (Categorical(own), Categorical(others)) if *role == Role::TcpFlags => own == others,
            (
                Integer { .. } | IntegerExponential { .. } | FloatExponential { .. },
                Integer { .. } | IntegerExponential { .. } | FloatExponential { .. },
            ) => true,
            (own, others) => std::mem::discriminant(own) == std::mem::discriminant(others),
        }
    }
}

impl Role {
    /// The default type of a column with this role; `None` where the role implies none.
    pub fn usual(self) -> Option<Field> {
        let integer = |max| Field::Integer { min: 0, max, width: 1, exact_below: 0 };
        let amount = |max| Field::IntegerExponential { max, base: 2.0 };
        Some(match self {
            Role::SourceAddress | Role::DestinationAddress => Field::ip(&[8, 8, 8, 8]),
            Role::SourcePort | Role::DestinationPort => Field::port_tree(),
            Role::Protocol => Field::Protocol,
            Role::Start | Role::End => Field::timestamp(100),
            Role::Duration => Field::FloatExponential { resolution: 1e-6, max: 604_800.0, base: 2.0 },
            Role::Packets | Role::ReversePackets => amount(1 << 32),
            Role::Bytes | Role::ReverseBytes => amount(1 << 40),
            Role::Length => Field::Integer { min: 0, max: 65_535, width: 64, exact_below: 1_536 },
            Role::IpVersion => Field::Integer { min: 4, max: 6, width: 1, exact_below: 0 },
            Role::HeaderWords => Field::Integer { min: 5, max: 15, width: 1, exact_below: 0 },
            Role::IpFlags => integer(7),
            Role::Tos | Role::Ttl => integer(255),
            Role::Identification => integer(65_535),
            Role::FragmentOffset => amount(8_191),
            Role::TcpFlags | Role::Key | Role::Label => Field::Categorical(None),
            Role::None => return None,
        })
    }
}

impl Schema {
    /// Gives a role to a column, and takes it from the column that had it. A column that the schema lacks is
    /// added, with the default type of the role.
    ///
    /// # Errors
    /// [`SchemaError`] when the type of the column does not fit the role, or the schema lacks the column and
    /// the role implies no type.
    pub fn declare_role(&mut self, column: &str, role: Role) -> Result<(), SchemaError> {
        let wrong = |reason: String| Err(SchemaError::Parameter { column: column.into(), reason });
        if role == Role::End {
            return self.declare_end(column);
        }
        let place = match (self.position(column), role.usual()) {
            (Some(place), _) => place,
            (None, Some(field)) => {
                self.columns.push(Column::new(column, field));
                self.columns.len() - 1
            }
            (None, None) => return wrong("the schema has no column with this name".into()),
        };
        if let Some(wanted) = role.wants().filter(|_| !role.fits(&self.columns[place].field)) {
            return wrong(format!("the role {role} is for a column of type {wanted}"));
        }
        if !role.is_plural() {
            self.columns.iter_mut().for_each(|column| column.roles.0.retain(|own| *own != role));
        }
        let own = &mut self.columns[place];
        if role != Role::Key {
            own.roles.0.retain(|own| *own == Role::Key);
        }
        own.roles = std::mem::take(&mut own.roles).and(role);
        own.optional = false;
        Ok(())
    }

    /// The index of the first column with this role.
    pub fn column_of(&self, role: Role) -> Option<usize> {
        self.columns.iter().position(|column| column.roles.has(role))
    }

    /// Checks that roles fit the types of their columns, that a column has at most one meaning, and that at
    /// most one column has a role. Roles that names imply in version 1 are not checked.
    pub(super) fn check_said_roles(&self) -> Result<(), SchemaError> {
        for (i, column) in self.columns.iter().enumerate() {
            let wrong = |reason: String| Err(SchemaError::Parameter { column: column.name.clone(), reason });
            for &role in &column.roles.0 {
                if let Some(wanted) = role.wants().filter(|_| !role.fits(&column.field)) {
                    return wrong(format!("the role {role} is for a column of type {wanted}"));
                }
                let other = self.columns[..i].iter().find(|other| other.roles.has(role) && !role.is_plural());
                if let Some(other) = other {
                    let (first, second) = (&other.name, &column.name);
                    return Err(SchemaError::Shape(format!(
                        "columns {first} and {second} both have the role {role}, which one column can have"
                    )));
                }
            }
            let mut meanings = column.roles.0.iter().filter(|role| **role != Role::Key);
            if let (Some(one), Some(other)) = (meanings.next(), meanings.next()) {
                return wrong(format!("it cannot have both roles {one} and {other}: one, and key beside it"));
            }
        }
        Ok(())
    }
}
