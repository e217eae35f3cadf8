//! What the records of a packet capture are: its packets, the flows derived from them, or the flow exports
//! that they carry.
//!
//! This is declared, and a public part of the schema: it determines what one record is, and so what the
//! guarantee protects.

use super::{RecordKind, SchemaError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How records are derived from a packet capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// What a record is. When absent: a packet under a schema of packets, a flow under one of flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Records>,
    /// Active timeout: a flow ends when it is older than this. When absent: 300s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^[0-9]+(ms|s|m|h)$", example = "300s"))]
    pub active: Option<Timeout>,
    /// Idle timeout: a flow ends when it has no packet for longer than this. When absent: 60s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^[0-9]+(ms|s|m|h)$", example = "60s"))]
    pub idle: Option<Timeout>,
    /// Whether a flow holds the packets of one direction (1) or of both (2). When absent: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u8>, minimum = 1, maximum = 2))]
    pub directions: Option<Directions>,
    /// Which IP headers of tunnelled packets are read. When absent: the outer ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnels: Option<Tunnels>,
    /// UDP ports that receive flow exports. When absent: 2055, 4739, 6343, 9995 and 9996.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(schema_with = ports))]
    pub ports: Vec<u16>,
}

/// Ports as the API describes them: the derived schema of `u16` has no upper bound.
#[cfg(feature = "openapi")]
fn ports() -> utoipa::openapi::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let port = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(u16::MAX));
    let told = "UDP ports that receive flow exports. When absent: 2055, 4739, 6343, 9995 and 9996.";
    ArrayBuilder::new().items(port).max_items(Some(64)).description(Some(told)).build()
}

/// What one record of a capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CaptureRecords))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Records {
    /// A packet.
    Packets,
    /// A flow of packets, ended by timeouts.
    Flows,
    /// A flow reported by an exporter in NetFlow or IPFIX datagrams that the capture contains.
    Exports,
}

/// Which IP headers of tunnelled packets are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Tunnels {
    /// The outer headers, which routers see.
    #[default]
    Outer,
    /// The innermost headers.
    Inner,
}

/// Number of directions of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Directions {
    /// One direction, as in NetFlow.
    #[default]
    One,
    /// Both directions: the source is that of the first packet.
    Two,
}

impl TryFrom<u8> for Directions {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Directions::One),
            2 => Ok(Directions::Two),
            other => Err(format!("flows have 1 or 2 directions, not {other}")),
        }
    }
}

impl From<Directions> for u8 {
    fn from(directions: Directions) -> u8 {
        match directions {
            Directions::One => 1,
            Directions::Two => 2,
        }
    }
}

impl std::str::FromStr for Directions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number: Option<u8> = text.trim().parse().ok();
        number.ok_or_else(|| format!("flows have 1 or 2 directions, not {text:?}"))?.try_into()
    }
}

/// A flow timeout, from a millisecond to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timeout(u64);

const MILLISECOND: u64 = 1_000_000;
/// Units by suffix. Milliseconds come first, because `ms` ends in `s`.
const UNITS: [(&str, u64); 4] = [
    ("ms", MILLISECOND),
    ("s", 1_000 * MILLISECOND),
    ("m", 60_000 * MILLISECOND),
    ("h", 3_600_000 * MILLISECOND),
];
const LONGEST: u64 = 86_400_000 * MILLISECOND;

impl Timeout {
    /// The default active timeout.
    pub const ACTIVE: Timeout = Timeout(300_000 * MILLISECOND);
    /// The default idle timeout.
    pub const IDLE: Timeout = Timeout(60_000 * MILLISECOND);

    /// The timeout in nanoseconds.
    pub fn nanoseconds(self) -> u64 {
        self.0
    }
}

impl std::str::FromStr for Timeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let split = UNITS.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)));
        let read = split.and_then(|(number, unit)| {
            let whole = number.bytes().all(|digit| digit.is_ascii_digit());
            number.parse::<u64>().ok().filter(|_| whole)?.checked_mul(*unit)
        });
        read.filter(|length| (MILLISECOND..=LONGEST).contains(length)).map(Timeout).ok_or_else(|| {
            format!(
                "a time-out is a whole number and a unit, as 300s, 5m or 500ms, from 1ms to 24h, not {text:?}"
            )
        })
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = 1_000 * MILLISECOND;
        match self.0.is_multiple_of(second) {
            true => write!(f, "{}s", self.0 / second),
            false => write!(f, "{}ms", self.0 / MILLISECOND),
        }
    }
}

impl TryFrom<String> for Timeout {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Timeout> for String {
    fn from(timeout: Timeout) -> String {
        timeout.to_string()
    }
}

/// Default ports of collectors: NetFlow, IPFIX, sFlow.
const PORTS: [u16; 5] = [2055, 4739, 6343, 9995, 9996];

impl Capture {
    /// Whether nothing is declared.
    pub fn is_plain(&self) -> bool {
        *self == Capture::default()
    }

    /// Fills in from `other` what is not declared here.
    pub fn over(self, other: Capture) -> Capture {
        Capture {
            records: self.records.or(other.records),
            active: self.active.or(other.active),
            idle: self.idle.or(other.idle),
            directions: self.directions.or(other.directions),
            tunnels: self.tunnels.or(other.tunnels),
            ports: if self.ports.is_empty() { other.ports } else { self.ports },
        }
    }

    /// What a record is under a schema of this kind, or without a schema.
    pub fn records(&self, kind: Option<RecordKind>) -> Records {
        self.records.unwrap_or(match kind {
            Some(RecordKind::Flow) => Records::Flows,
            Some(RecordKind::Packet) | None => Records::Packets,
        })
    }

    /// The active timeout, declared or default.
    pub fn active(&self) -> Timeout {
        self.active.unwrap_or(Timeout::ACTIVE)
    }

    /// The idle timeout, declared or default.
    pub fn idle(&self) -> Timeout {
        self.idle.unwrap_or(Timeout::IDLE)
    }

    /// Number of directions of a flow, declared or default.
    pub fn directions(&self) -> Directions {
        self.directions.unwrap_or_default()
    }

    /// Which headers of tunnelled packets are read, declared or default.
    pub fn tunnels(&self) -> Tunnels {
        self.tunnels.unwrap_or_default()
    }

    /// The ports that receive exports, declared or default.
    pub fn ports(&self) -> Vec<u16> {
        if self.ports.is_empty() { PORTS.to_vec() } else { self.ports.clone() }
    }

    /// The same with all defaults that determine how flows are derived made explicit, where flows are
    /// derived.
    pub fn settled(self, kind: RecordKind) -> Capture {
        if self.records(Some(kind)) != Records::Flows {
            return self;
        }
        Capture {
            records: Some(Records::Flows),
            active: Some(self.active()),
            idle: Some(self.idle()),
            directions: Some(self.directions()),
            tunnels: Some(self.tunnels()),
            ports: self.ports,
        }
    }

    /// How flows are derived from packets, in words; `None` where they are not.
    pub fn made(&self) -> Option<String> {
        let of = match self.directions() {
            Directions::One => "one direction",
            Directions::Two => "both directions",
        };
        let inner = match self.tunnels() {
            Tunnels::Outer => "",
            Tunnels::Inner => ", by the inner headers of tunnels",
        };
        let (idle, active) = (self.idle(), self.active());
        (self.records == Some(Records::Flows)).then(|| {
            format!(
                "a flow is a record made from packets of {of} between the same ends{inner}, which ends after {idle} without a packet and after {active} in any case: a longer connection is several"
            )
        })
    }

    /// Checks the declaration under a schema of this kind, or without a schema.
    pub(super) fn check(&self, kind: Option<RecordKind>) -> Result<(), SchemaError> {
        let wrong = |reason: &str| Err(SchemaError::Shape(format!("reading: capture: {reason}")));
        let records = self.records(kind);
        let of_flows = self.active.is_some() || self.idle.is_some() || self.directions.is_some();
        // Without a schema it is not yet known what records are.
        let known = kind.is_some() || self.records.is_some();
        if known && of_flows && records != Records::Flows {
            return wrong("active, idle and directions are of flows that are made from packets");
        }
        if !self.ports.is_empty() && known && records != Records::Exports {
            return wrong("ports are those that flow exports are sent to: records are exports then");
        }
        if self.ports.len() > 64 {
            return wrong("ports are at most 64");
        }
        if self.idle() > self.active() {
            return wrong("idle is at most active");
        }
        match (kind, records) {
            (Some(RecordKind::Packet), Records::Flows | Records::Exports) => {
                wrong("flows are records of a schema of kind flow, not packet")
            }
            (Some(RecordKind::Flow), Records::Packets) => {
                wrong("packets are records of a schema of kind packet, not flow")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn timeouts_are_read_and_written() {
        for (text, seconds, shown) in [
            ("300s", 300.0, "300s"),
            ("5m", 300.0, "300s"),
            ("500ms", 0.5, "500ms"),
            ("24h", 86_400.0, "86400s"),
        ] {
            let timeout: Timeout = text.parse().unwrap();
            assert_eq!((timeout.nanoseconds() as f64 / 1e9, &*timeout.to_string()), (seconds, shown));
            assert_eq!(shown.parse(), Ok(timeout));
        }
        for text in ["", "s", "300", "0s", "-1s", "1.5s", "25h", "99999999999999999h", "5 m"] {
            assert!(text.parse::<Timeout>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_declared_is_written_and_read() {
        let text =
            json!({"records": "flows", "active": "300s", "idle": "15s", "directions": 2, "tunnels": "inner"});
        let capture: Capture = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&capture).unwrap(), text);
        assert_eq!(
            capture.made().unwrap(),
            "a flow is a record made from packets of both directions between the same ends, by the inner headers of tunnels, which ends after 15s without a packet and after 300s in any case: a longer connection is several"
        );
        for wrong in [json!({"directions": 3}), json!({"active": "long"}), json!({"colour": 1})] {
            assert!(serde_json::from_value::<Capture>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_kind_of_records_fits_a_kind_of_schema() {
        let of = |text: serde_json::Value| serde_json::from_value::<Capture>(text).unwrap();
        let fits = |text, kind| of(text).check(kind).is_ok();
        assert!(
            fits(json!({}), Some(RecordKind::Packet))
                && fits(json!({}), Some(RecordKind::Flow))
                && fits(json!({}), None)
        );
        assert!(fits(json!({"idle": "1s"}), None) && fits(json!({"idle": "1s"}), Some(RecordKind::Flow)));
        assert!(!fits(json!({"idle": "1s"}), Some(RecordKind::Packet)));
        assert!(!fits(json!({"idle": "1s", "records": "exports"}), None));
        assert!(!fits(json!({"idle": "301s"}), Some(RecordKind::Flow)));
        assert!(!fits(json!({"records": "packets"}), Some(RecordKind::Flow)));
        assert!(!fits(json!({"records": "flows"}), Some(RecordKind::Packet)));
        assert!(fits(json!({"records": "exports", "ports": [9000]}), Some(RecordKind::Flow)));
        assert!(!fits(json!({"ports": [9000]}), Some(RecordKind::Flow)));
        let settled = Capture::default().settled(RecordKind::Flow);
        assert_eq!(settled.records, Some(Records::Flows));
        assert_eq!((settled.active, settled.idle), (Some(Timeout::ACTIVE), Some(Timeout::IDLE)));
        assert!(Capture::default().settled(RecordKind::Packet).is_plain());
    }
}
