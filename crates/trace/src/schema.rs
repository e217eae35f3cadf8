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

use super::gaps::FlowColumns;
use super::{
    Facts, Families, Grain, Notation, Reading, RecordKind, Role, Roles, Window, presets, protocols,
    roles::OneOrTwo, written::Written,
};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;
use thiserror::Error;

/// The columns of a trace and what is publicly known of them. For its JSON form see [`super::written`].
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

/// The type of a column: its value space and how that is partitioned, by fixed bins (NetDPSyn, section 4.1)
/// or by a paid tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Field {
    /// An IPv4 address. Bins are the leaves of a paid prefix tree with these bits per level (at most 32
    /// together), or declared networks.
    Ip {
        /// Bits of each level, from the most significant.
        #[serde(default = "address_levels")]
        levels: Vec<u8>,
        /// Publicly known networks, one bin each and one for all other addresses, instead of the tree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
        networks: Option<Vec<Ipv4Net>>,
    },
    /// An address of IPv4, IPv6 or hardware, or a token of two numbers. Bins are the leaves of one paid
    /// prefix tree over all of them.
    Address {},
    /// A port. Bins are those of the paper: one for each port below 1024, and bins of 10 above. Real traces
    /// may hold ICMP type and code here.
    Port,
    /// A port. Bins are the leaves of a paid prefix tree with these bits per level (at most 16 together).
    PortTree {
        /// Bits of each level, from the most significant.
        #[serde(default = "port_levels")]
        levels: Vec<u8>,
    },
    /// An IP protocol number, whose domain is public; one bin each.
    Protocol,
    /// One of the declared values, one bin each. Any other value counts as `other`.
    Categorical(Option<Vec<String>>),
    /// A time within the capture window, which is divided into this many equal bins.
    Timestamp {
        /// Number of bins.
        #[serde(default = "time_bins")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 65536))]
        windows: u32,
        /// The step of which times are whole multiples, as 1s or 10ms; it applies to synthetic times too.
        /// When absent: nanoseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^[0-9]+(s|ms|us|ns)$"))]
        grain: Option<Grain>,
    },
    /// A whole number from `min` to `max`. One bin for each value below `exact_below`, bins of `width` above.
    Integer {
        /// Smallest value.
        #[serde(default)]
        min: u64,
        /// Largest value.
        #[cfg_attr(feature = "openapi", schema(maximum = 9223372036854775807u64))]
        max: u64,
        /// Width of a bin.
        #[serde(default = "one")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1))]
        width: u64,
        /// Values below this have one bin each.
        #[serde(default)]
        exact_below: u64,
    },
    /// A whole number from 0 to `max`. One bin each for 0 and 1, then bins (base^(b−1), base^b].
    IntegerExponential {
        /// Largest value.
        #[cfg_attr(feature = "openapi", schema(maximum = 9223372036854775807u64))]
        max: u64,
        /// Ratio of consecutive bin edges.
        #[serde(default = "two")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1.01, maximum = 1000000))]
        base: f64,
    },
    /// A decimal number from 0 to `max` in steps of `resolution`. One bin each for 0 and the first step, then
    /// exponential bins.
    FloatExponential {
        /// Smallest step, in the unit of the file.
        resolution: f64,
        /// Largest value, in the unit of the file.
        max: f64,
        /// Ratio of consecutive bin edges.
        #[serde(default = "two")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1.01, maximum = 1000000))]
        base: f64,
    },
    /// The time since the previous record of the same five-tuple, which is derived: see [`super::gaps`]. One
    /// bin for the first record of a flow, then exponential bins of microseconds.
    FlowGap {
        /// Ratio of consecutive bin edges.
        #[serde(default = "two")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1.01, maximum = 1000000))]
        base: f64,
    },
    /// The IPv4 header checksum: never measured, computed from the other header fields.
    IpChecksum,
}

/// Down to single addresses: a fourth level of 8 bits costs no more than the 6 bits of the paper, whose bins
/// are /30 networks, and heavy hosts keep their own address.
fn address_levels() -> Vec<u8> {
    vec![8, 8, 8, 8]
}
/// Bands of 1,024 ports, then of 32, then single ports.
fn port_levels() -> Vec<u8> {
    vec![6, 5, 5]
}
fn time_bins() -> u32 {
    100
}
fn one() -> u64 {
    1
}
fn two() -> f64 {
    2.0
}

/// The smallest maximum packet size of any link (RFC 791).
const LEAST_MTU: u16 = 68;

/// Names for a category outside the declared list: the first one that is not declared itself is written. It
/// does not depend on raw values.
const OTHERS: [&str; 2] = ["other", "undeclared"];

/// The name for a protocol outside the public list.
pub const OTHER: &str = OTHERS[0];

/// The name for a category outside a declared list.
pub fn undeclared(declared: &[String]) -> String {
    let free = |word: &&&str| !declared.iter().any(|value| value == **word);
    let numbered = || (2..).map(|n| format!("{} {n}", OTHERS[1])).find(|word| !declared.contains(word));
    OTHERS.iter().find(free).map(|word| word.to_string()).or_else(numbered).unwrap_or_default()
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

impl Field {
    /// An address column whose bins a tree with these bits per level finds.
    pub fn ip(levels: &[u8]) -> Self {
        Field::Ip { levels: levels.into(), networks: None }
    }

    /// A column of times, divided into this many bins.
    pub fn timestamp(windows: u32) -> Self {
        Field::Timestamp { windows, grain: None }
    }

    /// A port column whose bins a tree with the default levels finds.
    pub fn port_tree() -> Self {
        Field::PortTree { levels: port_levels() }
    }

    /// Total bits and bits of each level, where a paid prefix tree finds the partition.
    pub fn tree(&self) -> Option<(u32, &[u8])> {
        match self {
            Field::Ip { levels, networks: None } => Some((32, levels)),
            Field::PortTree { levels } => Some((16, levels)),
            _ => None,
        }
    }

    /// The value space as a half-open range; `None` where it is not declared yet. Times need the window.
    pub fn space(&self, window: Option<Window>) -> Option<std::ops::Range<u64>> {
        Some(match self {
            Field::Ip { .. } => 0..1 << 32,
            Field::Address {} => 0..super::directory::SPACE,
            Field::Port | Field::PortTree { .. } | Field::IpChecksum => 0..1 << 16,
            // One more than the protocol numbers or declared values: the last stands for `other`.
            Field::Protocol => 0..protocols::COUNT + 1,
            Field::Categorical(values) => 0..values.as_ref()?.len() as u64 + 1,
            Field::Timestamp { .. } => window?.start()..window?.end(),
            Field::FlowGap { .. } => 0..super::gaps::value_of(window?.length()) + 1,
            Field::Integer { min, max, .. } => *min..max.saturating_add(1),
            Field::IntegerExponential { max, .. } => 0..max.saturating_add(1),
            Field::FloatExponential { resolution, max, .. } => {
                0..((max / resolution).round() as u64).saturating_add(1)
            }
        })
    }

    /// The largest value that a column of raw records must be able to hold. Raw times may be outside the
    /// window.
    pub fn storage_max(&self) -> u64 {
        match self {
            Field::Timestamp { .. } | Field::FlowGap { .. } => u64::MAX,
            other => other.space(None).map_or(u64::from(u16::MAX), |space| space.end - 1),
        }
    }

    /// Decimal digits after the point in the unit of the file: 6 for a resolution of 10⁻⁶, 0 for whole
    /// numbers.
    pub fn decimals(&self) -> u32 {
        match self {
            Field::FloatExponential { resolution, .. } => (-resolution.log10()).round() as u32,
            _ => 0,
        }
    }

    /// Whether values are addresses.
    pub fn is_address(&self) -> bool {
        matches!(self, Field::Ip { .. } | Field::Address {})
    }

    /// Whether single hosts are distinguished as far as noise allows: addresses whose bins a tree finds.
    pub fn tells_hosts(&self) -> bool {
        matches!(self, Field::Ip { networks: None, .. } | Field::Address {})
    }

    /// Whether values have no meaningful order.
    pub fn is_categorical(&self) -> bool {
        matches!(self, Field::Protocol | Field::Categorical(_))
    }

    /// Whether values are amounts, whose sum is meaningful: neither names nor times.
    pub fn adds_up(&self) -> bool {
        use Field::{FloatExponential, FlowGap, Integer, IntegerExponential};
        matches!(self, Integer { .. } | IntegerExponential { .. } | FloatExponential { .. } | FlowGap { .. })
    }

    /// Whether all categories are declared as numbers, so that a word among them would be reported as a
    /// fault.
    pub fn names_numbers(&self) -> bool {
        let number = |value: &String| value.trim().parse::<f64>().is_ok_and(f64::is_finite);
        matches!(self, Field::Categorical(Some(values)) if values.iter().all(number))
    }

    /// What is wrong with the parameters, if anything.
    fn fault(&self) -> Option<String> {
        let base_fault = |base: f64| {
            (!(1.01..=1e6).contains(&base)).then(|| format!("base must be 1.01 to 10⁶, not {base}"))
        };
        let levels_fault = |levels: &[u8], most: u32| {
            let bits: u32 = levels.iter().map(|&b| u32::from(b)).sum();
            let fits = (1..=most).contains(&bits) && levels.iter().all(|b| (1..=8).contains(b));
            (!fits).then(|| format!("levels must be 1 to 8 bits each and at most {most} together"))
        };
        match self {
            Field::PortTree { levels } => levels_fault(levels, 16),
            Field::Ip { levels, networks } => {
                let mut networks = networks.clone();
                if let Some(networks) = &mut networks {
                    networks.iter_mut().for_each(|net| *net = net.trunc());
                    networks.sort_unstable();
                }
                levels_fault(levels, 32).or_else(|| match networks.as_deref() {
                    Some([]) => Some("declare at least one network".into()),
                    Some(all) if all.len() > 1 << 16 => Some("declare at most 65,536 networks".into()),
                    // In sorted order, a network that contains another one is directly before one that it
                    // contains.
                    Some(all) => all
                        .windows(2)
                        .find(|two| two[0].contains(&two[1]))
                        .map(|two| format!("network {} lies within {}: declare one of them", two[1], two[0])),
                    None => None,
                })
            }
            Field::Categorical(Some(values)) => {
                let mut sorted = values.clone();
                sorted.sort_unstable();
                sorted.dedup();
                if values.is_empty() || values.len() >= usize::from(u16::MAX) {
                    Some("declare 1 to 65,534 categories".into())
                } else if sorted.len() < values.len() {
                    Some("a category is declared twice".into())
                } else {
                    None
                }
            }
            Field::Timestamp { windows, .. } => (!(1..=65_536).contains(windows))
                .then(|| format!("windows must be 1 to 65,536, not {windows}")),
            Field::Integer { min, max, width, exact_below } => {
                if min > max || *max >= 1 << 63 {
                    Some(format!("min {min} and max {max} are no range below 2⁶³"))
                } else if *width == 0 {
                    Some("width must be at least 1".into())
                } else {
                    let bins = (max - min) / width + exact_below.saturating_sub(*min).min(max - min);
                    (bins > 1 << 20).then(|| format!("{bins} bins are too many: at most 2²⁰; widen them"))
                }
            }
            Field::FlowGap { base } => base_fault(*base),
            Field::IntegerExponential { max, base } => {
                base_fault(*base).or_else(|| (*max >= 1 << 63).then(|| "max must be below 2⁶³".into()))
            }
            Field::FloatExponential { resolution, max, base } => base_fault(*base).or_else(|| {
                let steps = max / resolution;
                let power_of_ten = (-9..=0).any(|p| 10f64.powi(p) == *resolution);
                (!power_of_ten || !(1.0..9e18).contains(&steps))
                    .then(|| "resolution must be 1, 0.1, … 10⁻⁹ and max at least as large".to_string())
            }),
            _ => None,
        }
    }
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
    pub(super) fn may_be_called(name: &str) -> bool {
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

    /// Declares the networks of an address column, each as 192.0.2.0/24 or a single address.
    ///
    /// # Errors
    /// [`SchemaError`] when there is no such address column, or an entry is not a network.
    pub fn declare_networks(&mut self, column: &str, declared: &[String]) -> Result<(), SchemaError> {
        let wrong = |reason: String| SchemaError::Parameter { column: column.into(), reason };
        let known = self.columns.iter_mut().find(|c| c.name == column).map(|c| &mut c.field);
        let Some(Field::Ip { networks, .. }) = known else {
            return Err(wrong(
                "it is no column of IPv4 addresses (type `ip`) of this trace, so it takes no networks".into(),
            ));
        };
        let parse = |text: &String| {
            let net =
                text.parse::<Ipv4Net>().ok().or_else(|| text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from));
            net.map(|net| net.trunc())
                .ok_or_else(|| wrong(format!("{text:?} is no IPv4 network; write 192.0.2.0/24")))
        };
        *networks = Some(declared.iter().map(parse).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// Declares the grain of times.
    ///
    /// # Errors
    /// [`SchemaError`] when the schema has no column of times.
    pub fn declare_grain(&mut self, declared: Grain) -> Result<(), SchemaError> {
        let times = self.columns.iter_mut().find_map(|column| match &mut column.field {
            Field::Timestamp { grain, .. } => Some(grain),
            _ => None,
        });
        let grain = times.ok_or_else(|| {
            SchemaError::Shape("it has no column of times, so it cannot have a grain".into())
        })?;
        *grain = Some(declared);
        Ok(())
    }

    /// Declares the values of a categorical column.
    ///
    /// # Errors
    /// [`SchemaError`] when there is no such categorical column.
    pub fn declare_categories(&mut self, column: &str, values: Vec<String>) -> Result<(), SchemaError> {
        let known = self.columns.iter_mut().find(|c| c.name == column);
        match known.map(|c| &mut c.field) {
            Some(Field::Categorical(declared)) => {
                *declared = Some(values);
                Ok(())
            }
            Some(_) => Err(SchemaError::Parameter {
                column: column.into(),
                reason: "it is not categorical, so it takes no --categories".into(),
            }),
            None => Err(SchemaError::Shape(format!(
                "--categories names {column}, which is no column of this trace"
            ))),
        }
    }

    /// Checks everything that can be wrong with the schema itself. For completeness see
    /// [`Schema::check_complete`].
    ///
    /// # Errors
    /// [`SchemaError`] with the first fault.
    pub fn check(&self) -> Result<(), SchemaError> {
        if self.columns.is_empty() {
            return Err(SchemaError::Shape("a schema needs at least one column".into()));
        }
        for (i, column) in self.columns.iter().enumerate() {
            if !Column::may_be_called(&column.name) {
                return Err(SchemaError::Shape(format!("{:?} is not a valid column name", column.name)));
            }
            if column.name == presets::GAP && !matches!(column.field, Field::FlowGap { .. }) {
                let reason = "that name belongs to the gap between records of a flow, which a fit derives itself; leave the column out";
                return Err(SchemaError::Parameter { column: column.name.clone(), reason: reason.into() });
            }
            if self.position(&column.name) != Some(i) {
                return Err(SchemaError::Shape(format!("column {} is declared twice", column.name)));
            }
            let fault = column.field.fault().or_else(|| column.special_fault());
            if let Some(reason) = fault.or_else(|| self.address_fault(column)) {
                return Err(SchemaError::Parameter { column: column.name.clone(), reason });
            }
        }
        let times = self.columns.iter().filter(|c| matches!(c.field, Field::Timestamp { .. }));
        if times.count() > 1 {
            return Err(SchemaError::Shape(
                "a schema has one timestamp column, that of the start; give one that holds the time of the end the role end, and declare the role start of the other".into(),
            ));
        }
        if let Some(fault) = self.ends_fault() {
            return Err(SchemaError::Shape(fault));
        }
        let derived = self.columns.iter().filter(|c| matches!(c.field, Field::FlowGap { .. })).count();
        if derived > 0 && (derived > 1 || self.derived() != Some(self.columns.len() - 1)) {
            return Err(SchemaError::Shape("the derived column is one and comes last".into()));
        }
        if derived > 0 && FlowColumns::of(self).is_none() {
            return Err(SchemaError::Shape(
                "it has a column of gaps between records of a flow, and lacks some of the five-tuple and the time that these follow from".into(),
            ));
        }
        if self.version() != 1 {
            self.check_said_roles()?;
        }
        self.check_grain()?;
        self.check_mtu()?;
        self.reading.check_under(Some(self.kind))?;
        self.check_special_is_written()?;
        self.check_window_is_written()?;
        if !self.columns.iter().any(Column::is_measured) {
            return Err(SchemaError::Shape("no column of the schema is measured".into()));
        }
        Ok(())
    }

    /// What is wrong with a column of addresses of any family, if anything.
    fn address_fault(&self, column: &Column) -> Option<String> {
        let other_end =
            |role| self.column_of(role).is_some_and(|end| self.columns[end].field != column.field);
        let ends = [Role::SourceAddress, Role::DestinationAddress];
        let checksums = || self.columns.iter().any(|other| other.field == Field::IpChecksum);
        match column.field {
            Field::Address {} if !column.modelled => {
                Some("there are too many addresses to draw any: measure it, or leave it out".into())
            }
            Field::Address {}
                if ends.iter().any(|&role| column.roles.has(role)) && ends.into_iter().any(other_end) =>
            {
                Some("source and destination are both of type `ip`, or both of type `address`".into())
            }
            Field::Address {} if checksums() => {
                Some("a header checksum is of IPv4: leave its column out of the schema, or declare addresses as `ip` beside it".into())
            }
            _ => None,
        }
    }

    /// Declares the families of all address columns. With [`Families::Any`] the IPv4 header checksum is
    /// removed, because IPv6 has none.
    ///
    /// # Errors
    /// [`SchemaError`] when a column cannot have the declared families.
    pub fn declare_families(&mut self, families: Families) -> Result<(), SchemaError> {
        if families == Families::Any {
            self.columns.retain(|column| column.field != Field::IpChecksum);
        }
        let mut columns = self.columns.iter_mut().filter(|column| column.field.is_address()).peekable();
        if columns.peek().is_none() {
            return Err(SchemaError::Shape("it has no addresses, so they are of no family".into()));
        }
        for column in columns {
            match (families, &column.field) {
                (Families::Any, _) => (column.field, column.notation) = (Field::Address {}, None),
                (Families::Ipv4, Field::Address {}) => column.field = Field::ip(&[8, 8, 8, 8]),
                (Families::Ipv4, _) => {}
            }
        }
        Ok(())
    }

    /// The column of times with a declared grain, and the grain.
    pub fn grain(&self) -> Option<(usize, Grain)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find_map(|(index, column)| match column.field {
            Field::Timestamp { grain, .. } => Some((index, grain?)),
            _ => None,
        })
    }

    /// Checks that the window begins and ends at multiples of the grain, so that every time in it has a
    /// multiple at or before it.
    fn check_grain(&self) -> Result<(), SchemaError> {
        let Some(((column, grain), window)) = self.grain().zip(self.window) else { return Ok(()) };
        let even = |time: u64| time.is_multiple_of(grain.nanoseconds());
        if even(window.start()) && even(window.end()) {
            return Ok(());
        }
        Err(SchemaError::Parameter {
            column: self.columns[column].name.clone(),
            reason: format!(
                "the window {window} does not begin and end at multiples of the grain {grain}: widen it to such, or declare a finer grain"
            ),
        })
    }

    /// Checks that the window begins and ends at times that the declared format can write: a format rounds
    /// times down.
    fn check_window_is_written(&self) -> Result<(), SchemaError> {
        let Some((times, window)) = self.reading.times.as_ref().zip(self.window) else { return Ok(()) };
        if times.told_twice(window.start(), window.end()).is_some() {
            return Err(SchemaError::Shape(format!(
                "clocks are set back within the window {window}, so that {} tells two times alike: declare the zone by an offset as +01:00, or let times tell theirs (%z)",
                times.format
            )));
        }
        match [window.start(), window.end()].into_iter().all(|time| times.keeps(time)) {
            true => Ok(()),
            false => Err(SchemaError::Shape(format!(
                "the window {window} begins or ends between two times as {} tells them: widen it, or tell times more finely",
                times.format
            ))),
        }
    }

    fn check_mtu(&self) -> Result<(), SchemaError> {
        let wrong = |reason: String| Err(SchemaError::Shape(reason));
        match self.mtu {
            None => Ok(()),
            Some(mtu) if mtu < LEAST_MTU => {
                wrong(format!("mtu must be {LEAST_MTU} to 65,535 bytes, not {mtu}"))
            }
            Some(_) if Facts::of(self).bytes_fit().is_none() => wrong(
                "mtu bounds the bytes of flows: it needs the fact bytes-fit-packets and columns with the roles packets and bytes".into(),
            ),
            Some(_) => Ok(()),
        }
    }

    /// Checks that every declared notation fits its field, and that the notation of times distinguishes times
    /// of the declared grain. In a schema that is already bound, a notation that does not fit counts as
    /// undeclared.
    ///
    /// # Errors
    /// [`SchemaError`] with the first notation that does not fit.
    pub fn check_notations(&self) -> Result<(), SchemaError> {
        let wrong = |column: &&Column| column.notation.is_some_and(|notation| !notation.fits(&column.field));
        match self.columns.iter().find(wrong) {
            None => self.check_grain_is_written(),
            Some(column) => Err(SchemaError::Parameter {
                column: column.name.clone(),
                reason: "values of its type are not written in the notation that it declares; leave the notation out".into(),
            }),
        }
    }

    /// Checks the grain against the unit of times: a finer grain is lost where times are written in whole
    /// units.
    fn check_grain_is_written(&self) -> Result<(), SchemaError> {
        let Some((index, grain)) = self.grain() else { return Ok(()) };
        let column = &self.columns[index];
        match column.notation {
            Some(Notation::Epoch { unit, decimal })
                if !grain.nanoseconds().is_multiple_of(unit.shown(decimal).nanoseconds()) =>
            {
                Err(SchemaError::Parameter {
                    column: column.name.clone(),
                    reason: format!(
                        "its times are written in whole {}, in which the grain {grain} cannot be told: declare a coarser one",
                        unit.shown(decimal)
                    ),
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks that every public domain is declared: a fit must never derive one from the values.
    ///
    /// # Errors
    /// [`SchemaError`] with the first domain that is not declared.
    pub fn check_complete(&self) -> Result<(), SchemaError> {
        self.check()?;
        self.undeclared().into_iter().next().map_or(Ok(()), Err)
    }

    /// The domains that are not declared yet, as the errors that a fit would return.
    pub fn undeclared(&self) -> Vec<SchemaError> {
        let open = self.columns.iter().filter(|c| c.space(self.window).is_none());
        open.map(|column| {
            let name = column.name.clone();
            match column.field {
                Field::Timestamp { .. } => SchemaError::NoWindow { column: name },
                _ => SchemaError::NoCategories { column: name },
            }
        })
        .collect()
    }
}
