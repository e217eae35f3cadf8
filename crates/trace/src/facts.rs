//! Protocol facts: public knowledge that synthetic records respect at no privacy cost, and by which any trace
//! can be checked.

use super::{Fact, Field, RecordKind, Role, Schema, protocols};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// The smallest IPv4 packet, in bytes.
pub const LEAST_PACKET: u64 = 20;

/// A property of records that can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Checked {
    /// A fact that the schema declares.
    Declared(Fact),
    /// The header checksum is correct.
    HeaderChecksum,
    /// The IP version is 4 or 6.
    Version,
    /// Ports are 0 where the protocol has none. Raw traces violate it where exporters write ICMP type and
    /// code into the ports.
    Ports,
}

impl Checked {
    /// The name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Checked::Declared(fact) => fact.name(),
            Checked::HeaderChecksum => "header-checksum",
            Checked::Version => "version-is-4-or-6",
            Checked::Ports => "ports-where-protocols-have-them",
        }
    }
}

impl From<Checked> for &'static str {
    fn from(checked: Checked) -> Self {
        checked.name()
    }
}

impl TryFrom<String> for Checked {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let declared = [Fact::BytesFitPackets, Fact::OnePacketNoDuration, Fact::LengthHoldsHeaders];
        let others = [Checked::HeaderChecksum, Checked::Version, Checked::Ports];
        let mut all = declared.into_iter().map(Checked::Declared).chain(others);
        all.find(|one| one.name() == name).ok_or_else(|| format!("{name:?} is no fact"))
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The facts of a schema whose columns are present, by column index.
pub struct Facts {
    bytes_fit: Option<(usize, usize)>,
    most_packet: u64,
    instant: Option<(usize, usize)>,
    length: Option<Length>,
    checksum: Option<Header>,
    version: Option<usize>,
    ports: Option<(usize, Vec<usize>)>,
    /// Columns with special values, each with the first special value. No fact applies to special values.
    special: Vec<(usize, u64)>,
}

struct Length {
    length: usize,
    header_words: usize,
    protocol: Option<usize>,
}

/// Fields of an IPv4 header, from which its checksum is computed.
const HEADER: [Role; 11] = [
    Role::IpVersion,
    Role::HeaderWords,
    Role::Tos,
    Role::Length,
    Role::Identification,
    Role::IpFlags,
    Role::FragmentOffset,
    Role::Ttl,
    Role::Protocol,
    Role::SourceAddress,
    Role::DestinationAddress,
];

/// Columns of an IPv4 header in the order of [`HEADER`]; `None` where the trace has no such column.
struct Header {
    checksum: usize,
    fields: [Option<usize>; 11],
}

impl Facts {
    /// The facts that `schema` declares and whose columns are present.
    pub fn of(schema: &Schema) -> Self {
        let at = |role: Role| schema.column_of(role);
        let declared = |fact: Fact| schema.facts.contains(&fact);
        let pair = |fact: Fact, a: Role, b: Role| declared(fact).then(|| at(a).zip(at(b))).flatten();
        let length = declared(Fact::LengthHoldsHeaders)
            .then(|| at(Role::Length).zip(at(Role::HeaderWords)))
            .flatten()
            .map(|(length, header_words)| Length { length, header_words, protocol: at(Role::Protocol) });
        let checksum = schema.columns.iter().position(|c| c.field == Field::IpChecksum);
        let of_type = |wanted: fn(&Field) -> bool| {
            schema.columns.iter().enumerate().filter(move |(_, c)| wanted(&c.field)).map(|(index, _)| index)
        };
        let ports: Vec<usize> =
            of_type(|field| matches!(field, Field::Port | Field::PortTree { .. })).collect();
        let protocol = of_type(|field| *field == Field::Protocol).next().filter(|_| !ports.is_empty());
        Facts {
            bytes_fit: pair(Fact::BytesFitPackets, Role::Packets, Role::Bytes),
            most_packet: schema.mtu.unwrap_or(u16::MAX).into(),
            instant: pair(Fact::OnePacketNoDuration, Role::Packets, Role::Duration),
            length,
            checksum: checksum.map(|checksum| Header { checksum, fields: HEADER.map(at) }),
            version: at(Role::IpVersion).filter(|_| schema.kind == RecordKind::Packet),
            ports: protocol.map(|protocol| (protocol, ports)),
            special: schema
                .columns
                .iter()
                .enumerate()
                .filter_map(|(index, column)| Some((index, column.first_special()?)))
                .collect(),
        }
    }

    /// Whether a record has a special value in one of these columns.
    fn has_special(&self, record: &[u64], columns: &[usize]) -> bool {
        self.special.iter().any(|(column, first)| columns.contains(column) && record[*column] >= *first)
    }

    /// The columns of packets and bytes, where the schema declares that they fit.
    pub fn bytes_fit(&self) -> Option<(usize, usize)> {
        self.bytes_fit
    }

    /// The bounds that the facts impose on columns of a record.
    pub fn bounds(&self, record: &[u64]) -> impl Iterator<Item = (usize, RangeInclusive<u64>)> + use<> {
        self.ruled(record).into_iter().flatten().map(|(_, column, bounds)| (column, bounds))
    }

    /// All properties that can be checked, each with whether the record violates it, in the same order for
    /// every record. Properties without a declaration are checked where the trace has the columns.
    pub fn broken(&self, record: &[u64]) -> impl Iterator<Item = (Checked, bool)> {
        let ruled = self.ruled(record).into_iter().flatten();
        let bounded =
            ruled.map(|(fact, column, bounds)| (Checked::Declared(fact), !bounds.contains(&record[column])));
        let checksum = self.checksum.iter();
        let checksum = checksum.map(|header| {
            let computed = u64::from(header.checksum(record));
            (Checked::HeaderChecksum, record[header.checksum] != computed)
        });
        let version = self.version.iter().filter(|&&version| !self.has_special(record, &[version]));
        let version = version.map(|&version| (Checked::Version, !matches!(record[version], 4 | 6)));
        let ports = self.ports.iter().map(|(protocol, ports)| {
            let portless = !protocols::has_ports(record[*protocol]);
            let given = |&port: &usize| record[port] != 0 && !self.has_special(record, &[port]);
            (Checked::Ports, portless && ports.iter().any(given))
        });
        bounded.chain(checksum).chain(version).chain(ports)
    }

    /// Column and bounds of each fact.
    fn ruled(&self, record: &[u64]) -> [Option<(Fact, usize, RangeInclusive<u64>)>; 3] {
        let plain = |columns: &[usize]| !self.has_special(record, columns);
        let bytes =
            self.bytes_fit.filter(|&(packets, bytes)| plain(&[packets, bytes])).map(|(packets, bytes)| {
                let packets = record[packets];
                (
                    Fact::BytesFitPackets,
                    bytes,
                    packets.saturating_mul(LEAST_PACKET)..=packets.saturating_mul(self.most_packet),
                )
            });
        let instant = self.instant.filter(|&(packets, td)| plain(&[packets, td])).map(|(packets, td)| {
            (Fact::OnePacketNoDuration, td, 0..=if record[packets] <= 1 { 0 } else { u64::MAX })
        });
        let length = self.length.as_ref().filter(|l| plain(&[l.length, l.header_words])).map(|length| {
            let transport = match length.protocol.map(|p| record[p]) {
                Some(protocols::TCP) => 20,
                Some(protocols::UDP | protocols::ICMP) => 8,
                _ => 0,
            };
            (
                Fact::LengthHoldsHeaders,
                length.length,
                record[length.header_words].saturating_mul(4).saturating_add(transport)..=65_535,
            )
        });
        [bytes, instant, length]
    }

    /// Sets the values that follow from public knowledge or from the rest of the record: the IP version is 4
    /// or 6, and the header checksum is correct.
    pub fn finish(&self, record: &mut [u64]) {
        if let Some(version) = self.version
            && !matches!(record[version], 4 | 6)
            && !self.has_special(record, &[version])
        {
            record[version] = 4;
        }
        if let Some(header) = &self.checksum {
            record[header.checksum] = u64::from(header.checksum(record));
        }
    }
}

impl Header {
    /// The ones' complement of the ones' complement sum of the header's 16-bit words (RFC 791, section 3.1;
    /// RFC 1071). Options are not in the trace and count as zeros.
    fn checksum(&self, record: &[u64]) -> u16 {
        // A column of a custom schema may hold numbers that exceed the header field; truncating them to 32
        // bits keeps the sum from overflowing.
        let value =
            |i: usize, default: u64| self.fields[i].map_or(default, |column| record[column] & 0xffff_ffff);
        let [version, words, tos, length] = [value(0, 4), value(1, 5), value(2, 0), value(3, 0)];
        let [id, flags, offset] = [value(4, 0), value(5, 0), value(6, 0)];
        let [ttl, protocol, source, destination] = [value(7, 0), value(8, 0), value(9, 0), value(10, 0)];
        let sum = (version << 12 | words << 8 | tos)
            + length
            + id
            + ((flags & 7) << 13 | offset & 0x1fff)
            + (ttl << 8 | protocol & 0xff)
            + (source >> 16)
            + (source & 0xffff)
            + (destination >> 16)
            + (destination & 0xffff);
        let folded = (sum & 0xffff) + (sum >> 16);
        !((folded & 0xffff) + (folded >> 16)) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;

    #[test]
    fn the_checksum_of_a_known_header() {
        // 45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7, the worked example found in many
        // textbooks.
        let schema = presets::preset("packet").unwrap();
        let facts = Facts::of(&schema);
        let mut record = vec![0xc0a8_0001, 0xc0a8_00c7, 0, 0, 17, 0, 0x73, 4, 5, 0, 0, 2, 0, 64, 0];
        facts.finish(&mut record);
        assert_eq!(record[14], 0xb861);
    }

    #[test]
    fn bounds_of_flows_and_packets() {
        let flow = Facts::of(&presets::preset("flow").unwrap());
        let mut record = vec![0; 11];
        record[7] = 1;
        let bounds: Vec<_> = flow.bounds(&record).collect();
        assert_eq!(bounds, [(8, 20..=65_535), (6, 0..=0)]);
        record[7] = 0;
        assert_eq!(flow.bounds(&record).next(), Some((8, 0..=0)));
        record[7] = 2;
        let mtu = Schema { mtu: Some(1_500), ..presets::preset("flow").unwrap() };
        assert_eq!(Facts::of(&mtu).bounds(&record).next(), Some((8, 40..=3_000)));
        assert_eq!(flow.bounds(&record).last(), Some((6, 0..=u64::MAX)));

        let packet = Facts::of(&presets::preset("dc").unwrap());
        let mut record = vec![0; 15];
        (record[4], record[8]) = (6, 5);
        assert_eq!(packet.bounds(&record).collect::<Vec<_>>(), [(6, 40..=65_535)]);
    }
    #[test]
    fn the_facts_that_a_record_violates() {
        let schema = presets::preset("dc").unwrap();
        let facts = Facts::of(&schema);
        let mut record = vec![0; 15];
        (record[4], record[6], record[8]) = (6, 39, 5);
        facts.finish(&mut record);
        let broken: Vec<_> = facts.broken(&record).collect();
        let expected = [
            (Checked::Declared(Fact::LengthHoldsHeaders), true),
            (Checked::HeaderChecksum, false),
            (Checked::Version, false),
            (Checked::Ports, false),
        ];
        assert_eq!(broken, expected);
        assert_eq!(serde_json::to_value(&schema.facts).unwrap(), serde_json::json!([broken[0].0]));
        record[14] ^= 1;
        assert_eq!(facts.broken(&record).nth(1), Some((Checked::HeaderChecksum, true)));
        // Version 5 does not exist; echo requests with their type in a port.
        (record[7], record[2], record[4]) = (5, 8, protocols::ICMP);
        let broken: Vec<bool> = facts.broken(&record).skip(2).map(|(_, broken)| broken).collect();
        assert_eq!(broken, [true, true]);
        facts.finish(&mut record);
        assert_eq!(record[7], 4);

        let flow = presets::preset("flow").unwrap();
        let mut record = vec![0; 11];
        (record[6], record[7], record[8]) = (1, 1, 20);
        let broken: Vec<_> = Facts::of(&flow).broken(&record).collect();
        let [fit, instant] = [Fact::BytesFitPackets, Fact::OnePacketNoDuration].map(Checked::Declared);
        assert_eq!(broken[..2], [(fit, false), (instant, true)]);
        let names: Vec<_> = broken[..2].iter().map(|(checked, _)| checked).collect();
        assert_eq!(serde_json::to_value(&flow.facts).unwrap(), serde_json::json!(names));
    }
}
