//! Presets: schemas of well-known kinds of traces.
//!
//! `flow` and `packet` leave the categories of the key attribute to the steward; the five of the paper (NetDPSyn,
//! Table 1) declare the classes that those data sets document. `ugr16` and `caida` declare names of protocols in upper case, as their
//! published tables have them. No preset knows a capture window. Flags are a preset of their own, because only version 2 of schemas can say them.

use super::{Column, Fact, Field, Kind, Notation, Reading, Role, Schema};

/// Names of all presets, with a line on each for `--help`.
pub const NAMES: &[(&str, &str)] = &[
    ("flow", "flow records; declare the categories of type, where present"),
    ("packet", "IPv4 packet headers"),
    ("packet-flags", "IPv4 packet headers with TCP flags"),
    ("ton", "TON_IoT: IoT telemetry flows, ten traffic types"),
    ("ugr16", "UGR'16: NetFlow of an ISP"),
    ("cidds", "CIDDS-001: flows of a small business, with attacks"),
    ("caida", "CAIDA: packet headers of a backbone link"),
    ("dc", "data-centre packet headers"),
];

/// The name of the column of gaps that a fit derives. No file's column has it.
pub const GAP: &str = "tsdiff";

/// What names of columns mean in version 1, whatever the type; `label` and `tcp_flags` meant nothing once, and mean something of a type that has the role.
/// Closed: presets may come to name their columns otherwise.
pub(super) const NAMES_OF_VERSION_1: [(&str, Role); 18] = [
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
    ("tcp_flags", Role::TcpFlags),
];

/// The schema of a preset.
pub fn preset(name: &str) -> Option<Schema> {
    let types = match name {
        "ton" => Some(
            &[
                "normal",
                "backdoor",
                "ddos",
                "dos",
                "injection",
                "mitm",
                "password",
                "ransomware",
                "scanning",
                "xss",
            ][..],
        ),
        "ugr16" => Some(
            &[
                "background",
                "blacklist",
                "dos",
                "scan11",
                "scan44",
                "nerisbotnet",
                "anomaly-spam",
                "anomaly-sshscan",
                "anomaly-udpscan",
            ][..],
        ),
        "cidds" => Some(&["normal", "dos", "portscan", "pingscan", "bruteforce"][..]),
        _ => None,
    };
    let mut schema = match name {
        "flow" | "ton" | "ugr16" | "cidds" => flow(name, types),
        "packet" | "packet-flags" | "caida" | "dc" => packet(name),
        _ => return None,
    };
    if matches!(name, "ugr16" | "caida") {
        let proto = schema.columns.iter_mut().filter(|column| column.field == Field::Protocol);
        proto.for_each(|column| column.notation = Some(Notation::UpperName));
    }
    Some(schema)
}

fn address(name: &str, role: Role) -> Column {
    Column::new(name, Field::ip(&[8, 8, 8, 8])).with(role)
}

fn five_tuple() -> Vec<Column> {
    vec![
        address("srcip", Role::SourceAddress),
        address("dstip", Role::DestinationAddress),
        Column::new("srcport", Field::port_tree()).with(Role::SourcePort),
        Column::new("dstport", Field::port_tree()).with(Role::DestinationPort),
        Column::new("proto", Field::Protocol).with(Role::Protocol),
    ]
}

fn integer(name: &str, role: Role, min: u64, max: u64) -> Column {
    Column::new(name, Field::Integer { min, max, width: 1, exact_below: 0 }).with(role)
}

fn categories(values: &[&str]) -> Field {
    Field::Categorical(Some(values.iter().map(|v| v.to_string()).collect()))
}

fn flow(name: &str, types: Option<&[&str]>) -> Schema {
    let exponential = |max| Field::IntegerExponential { max, base: 2.0 };
    let week = 604_800.0;
    let types = types.map_or(Field::Categorical(None), categories);
    let mut columns = five_tuple();
    columns.extend([
        Column::new("ts", Field::timestamp(100)).with(Role::Start),
        Column::new("td", Field::FloatExponential { resolution: 1e-6, max: week, base: 2.0 })
            .with(Role::Duration),
        Column::new("pkt", exponential(1 << 32)).with(Role::Packets),
        Column::new("byt", exponential(1 << 40)).with(Role::Bytes),
        Column { optional: true, ..Column::new("label", categories(&["0", "1"])) }.with(Role::Label),
        Column { optional: true, ..Column::new("type", types) }.with(Role::Key),
    ]);
    Schema {
        name: name.into(),
        kind: Kind::Flow,
        columns,
        facts: vec![Fact::BytesFitPackets, Fact::OnePacketNoDuration],
        mtu: None,
        window: None,
        reading: Reading::default(),
    }
}

/// Sets of TCP flags as most exporters write them, the commonest first; without TCP there are none.
pub(super) const TCP_FLAGS: [&str; 12] =
    ["A", "PA", "S", "SA", "FA", "R", "RA", "FPA", "F", "SEC", "SAE", ""];

fn packet(name: &str) -> Schema {
    let length = Field::Integer { min: 0, max: 65_535, width: 64, exact_below: 1_536 };
    let mut columns = five_tuple();
    columns.extend([
        Column::new("time", Field::timestamp(100)).with(Role::Start),
        Column::new("pkt_len", length).with(Role::Length),
        integer("version", Role::IpVersion, 4, 6),
        integer("ihl", Role::HeaderWords, 5, 15),
        integer("tos", Role::Tos, 0, 255),
        // Some 56,000 distinct values without structure: drawn uniformly rather than paid for.
        Column { modelled: false, ..integer("id", Role::Identification, 0, 65_535) },
        integer("flag", Role::IpFlags, 0, 7).with(Role::Key),
        Column::new("off", Field::IntegerExponential { max: 8_191, base: 2.0 }).with(Role::FragmentOffset),
        integer("ttl", Role::Ttl, 0, 255),
        Column::new("chksum", Field::IpChecksum),
    ]);
    if name == "packet-flags" {
        columns.push(Column::new("tcp_flags", categories(&TCP_FLAGS)).with(Role::TcpFlags));
    }
    Schema {
        name: name.into(),
        kind: Kind::Packet,
        columns,
        // Captures taken behind segmentation offload hold packets of impossible lengths; backbone links do not.
        facts: if name.starts_with("packet") { Vec::new() } else { vec![Fact::LengthHoldsHeaders] },
        mtu: None,
        window: None,
        reading: Reading::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SchemaError;

    #[test]
    fn every_preset_is_sound_and_asks_for_its_window() {
        for (name, _) in NAMES {
            let mut schema = preset(name).unwrap();
            schema.check().unwrap();
            assert!(matches!(schema.check_complete(), Err(SchemaError::NoWindow { .. })), "{name}");
            schema.window = Some("0/60".parse().unwrap());
            match (*name, schema.check_complete()) {
                ("flow", Err(SchemaError::NoCategories { column })) => assert_eq!(column, "type"),
                (_, other) => other.unwrap(),
            }
        }
        assert_eq!(preset("nothing"), None);
    }

    #[test]
    fn a_schema_survives_json() {
        for (name, _) in NAMES {
            let schema = preset(name).unwrap();
            let text = serde_json::to_string(&schema).unwrap();
            assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
        }
    }

    #[test]
    fn faults_are_named() {
        let with = |field| Schema {
            name: "x".into(),
            kind: Kind::Flow,
            columns: vec![Column::new("c", field)],
            facts: vec![],
            mtu: None,
            window: None,
            reading: Reading::default(),
        };
        let twice = Field::Categorical(Some(vec!["a".into(), "a".into()]));
        for field in [
            twice,
            categories(&[]),
            Field::ip(&[16, 17]),
            Field::PortTree { levels: vec![8, 8, 1] },
            Field::PortTree { levels: vec![] },
            Field::Ip { levels: vec![8], networks: Some(vec![]) },
            // A network that holds the other, whatever its host bits.
            Field::Ip {
                levels: vec![8],
                networks: Some(["10.0.0.0/32", "10.0.0.5/8"].map(|n| n.parse().unwrap()).into()),
            },
            Field::Integer { min: 2, max: 1, width: 1, exact_below: 0 },
            Field::Integer { min: 0, max: 1 << 40, width: 1, exact_below: 0 },
            Field::IntegerExponential { max: 5, base: 1.0 },
            Field::FloatExponential { resolution: 0.3, max: 5.0, base: 2.0 },
            Field::timestamp(0),
        ] {
            assert!(with(field.clone()).check().is_err(), "{field:?}");
        }
    }

    #[test]
    fn a_grain_and_an_mtu_are_checked_and_survive_json() {
        let mut schema = preset("flow").unwrap();
        schema.declare_grain("1s".parse().unwrap()).unwrap();
        schema.mtu = Some(1_500);
        assert_eq!((schema.check(), schema.grain()), (Ok(()), Some((5, "1s".parse().unwrap()))));
        let text = serde_json::to_string(&schema).unwrap();
        assert!(text.contains(r#""grain":"1s""#) && text.contains(r#""mtu":1500"#), "{text}");
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
        let refused = serde_json::from_str::<Schema>(&text.replace("1s", "1m")).unwrap_err().to_string();
        assert!(refused.contains("a whole number and a unit"), "{refused}");
        // Neither is written where it is not declared, so that programs that know neither go on.
        let text = serde_json::to_string(&preset("flow").unwrap()).unwrap();
        assert!(!text.contains("grain") && !text.contains("mtu"), "{text}");

        let fault = |change: &dyn Fn(&mut Schema)| {
            let mut changed = schema.clone();
            change(&mut changed);
            changed.check().and_then(|()| changed.check_notations()).unwrap_err().to_string()
        };
        let half = "1970-01-01T00:00:00.5Z/1970-01-01T00:00:09Z";
        assert!(fault(&|s| s.window = half.parse().ok()).contains("multiples of the grain 1s"));
        let unit = crate::TimeUnit::Seconds;
        for (grain, decimal, told) in [("10ms", false, "seconds"), ("100ns", true, "microseconds")] {
            let fault = fault(&|s| {
                s.declare_grain(grain.parse().unwrap()).unwrap();
                s.columns[5].notation = Some(Notation::Epoch { unit, decimal });
            });
            assert!(fault.contains(&format!("written in whole {told}")), "{fault}");
        }
        assert!(fault(&|s| s.mtu = Some(67)).contains("68 to 65,535"));
        assert!(fault(&|s| s.facts.clear()).contains("needs the fact bytes-fit-packets"));
        let mut timeless = preset("flow").unwrap();
        timeless.columns.remove(5);
        assert!(timeless.declare_grain("1s".parse().unwrap()).is_err());
    }
}
