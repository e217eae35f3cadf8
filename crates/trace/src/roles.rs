//! What columns mean: the role of a column, whatever its name.
//!
//! A role says what a column's values are in a record; one of them, [`Role::Key`], says what users of the trace do with the column, and any column
//! can be it: the flags of a packet are flags and the key. So a column has a small set of roles, one meaning at most beside `key`, written as one word
//! where there is one. A second field for the key alone would be shorter by nothing and leave two ways of saying what a column is for.

use super::{Column, Field, Schema, SchemaError};
use serde::de::value::StrDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The address that a flow or packet comes from.
    SourceAddress,
    /// The address that it goes to.
    DestinationAddress,
    /// The port that it comes from.
    SourcePort,
    /// The port that it goes to.
    DestinationPort,
    /// The protocol above IP.
    Protocol,
    /// When a flow begins, or a packet is seen: what records are in order of.
    Start,
    /// When a flow ends.
    End,
    /// How long a flow lasts.
    Duration,
    /// Packets of a flow.
    Packets,
    /// Bytes of a flow.
    Bytes,
    /// Packets of the other direction.
    ReversePackets,
    /// Bytes of the other direction.
    ReverseBytes,
    /// Bytes of a packet, with its headers.
    Length,
    /// The version of IP.
    IpVersion,
    /// Words of 32 bits in the IP header.
    HeaderWords,
    /// Type of service.
    Tos,
    /// What tells the fragments of one packet from those of another.
    Identification,
    /// The flags of the IP header.
    IpFlags,
    /// Where a fragment stands in its packet, in units of 8 bytes.
    FragmentOffset,
    /// Time to live.
    Ttl,
    /// The flags of the TCP header.
    TcpFlags,
    /// The key attribute: what users of the trace predict.
    Key,
    /// A class that somebody gave the record.
    Label,
    /// Nothing that the program knows of.
    None,
}

impl Role {
    /// The type of column that can have the role, in the words of a schema; `None` where any can.
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

    /// Whether several columns can have it.
    fn is_plural(self) -> bool {
        matches!(self, Role::Label | Role::None)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The roles of a column: usually one or none; a meaning and `key` where the key is a column with a meaning of its own. In version 1 a column of times can have
/// a meaning by its name, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "OneOrTwo")]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        self.0.iter().all(|role| *role == Role::None)
    }

    /// Whether anything is said, be it that there are none.
    pub(super) fn are_said(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether this is one of them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// The same and one more.
    pub fn and(mut self, role: Role) -> Self {
        self.0.push(role);
        self.in_order()
    }

    /// Each once, the meaning first; none is nothing.
    pub(super) fn in_order(mut self) -> Self {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.retain(|role| *role != Role::None);
        self
    }
}

/// What the values of the column are: a role, or two where the key is a column with a meaning of its own.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", schema(as = Roles))]
pub enum OneOrTwo {
    /// One role.
    One(Role),
    /// A list of one or two.
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
    /// Whether values of this column can stand where `other` does, however they are written there.
    pub fn means(&self, other: &Column) -> bool {
        use Field::{Categorical, FloatExponential, Integer, IntegerExponential, Port, PortTree};
        let shared = |role: &&Role| **role != Role::None && other.roles.has(**role);
        let Some(role) = self.roles.0.iter().find(shared) else { return false };
        match (&self.field, &other.field) {
            (Port | PortTree { .. }, Port | PortTree { .. }) => true,
            // Flags have as many spellings as programs.
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
    /// The type of a column of which nothing is known but its role; none where that says nothing.
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
    /// Gives a column a role in place of the one that had it. One that the schema does not have yet comes to it, of the usual type of the role.
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
            (None, None) => return wrong("no column of the schema is called so".into()),
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

    /// The index of the first column of a role.
    pub fn column_of(&self, role: Role) -> Option<usize> {
        self.columns.iter().position(|column| column.roles.has(role))
    }

    /// Checks that roles fit the types of their columns, that a column has one meaning, and that a role is of one column. What names say in version 1
    /// is whatever they say.
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
