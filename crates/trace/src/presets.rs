//! Reserved column names, and the schemas of [layouts](super::layouts) by name.

use super::layouts::layout;
use super::{Role, Schema};

/// The name of the column of gaps that a fit derives. No column of a file may have it.
pub const GAP: &str = "tsdiff";

/// The roles that column names imply in version 1, whatever the type. `label` and `tcp_flags` had no meaning
/// originally, and have one now for columns whose type fits the role. The list is closed: presets may name
/// their columns differently in future.
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

/// The schema of a layout.
pub fn preset(name: &str) -> Option<Schema> {
    layout(name).map(|layout| layout.schema.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Field, Notation, Reading, RecordKind};

    fn categories(values: &[&str]) -> Field {
        Field::Categorical(Some(values.iter().map(|v| v.to_string()).collect()))
    }

    #[test]
    fn faults_are_named() {
        let with = |field| Schema {
            name: "x".into(),
            kind: RecordKind::Flow,
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
            // A network that contains the other one, even with host bits set.
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
        // Neither field is written unless it is declared, so that programs that do not know them can read the
        // file.
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
