//! Packets and flows as typed arrays, a column at a time.

use super::super::holds::{Holds, Unit};
use crate::source::Head;
use netdpsyn_capture::Packet;
use netdpsyn_export::Flow;
use netdpsyn_trace::TimeUnit;
use polars_arrow::array::{Array, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray, Utf8Array};
use polars_arrow::datatypes::ArrowDataType;
use polars_arrow::types::NativeType;
use std::net::IpAddr;
use std::sync::LazyLock;

const NANOSECONDS: Unit = Unit::Of(TimeUnit::Nanoseconds);
const TIME: Holds = Holds::Time { unit: NANOSECONDS, zoned: true };

/// Columns of packets, with the names of layout `packet-flags`.
const PACKETS: [(&str, Holds); 16] = [
    ("srcip", Holds::Bytes),
    ("dstip", Holds::Bytes),
    ("srcport", Holds::Number),
    ("dstport", Holds::Number),
    ("proto", Holds::Number),
    ("time", TIME),
    ("pkt_len", Holds::Number),
    ("version", Holds::Number),
    ("ihl", Holds::Number),
    ("tos", Holds::Number),
    ("id", Holds::Number),
    ("flag", Holds::Number),
    ("off", Holds::Number),
    ("ttl", Holds::Number),
    ("chksum", Holds::Number),
    ("tcp_flags", Holds::Text),
];

/// Columns of flows, with the names of layout `flow` and some more.
const FLOWS: [(&str, Holds); 13] = [
    ("srcip", Holds::Bytes),
    ("dstip", Holds::Bytes),
    ("srcport", Holds::Number),
    ("dstport", Holds::Number),
    ("proto", Holds::Number),
    ("ts", TIME),
    ("td", Holds::Duration(NANOSECONDS)),
    ("pkt", Holds::Number),
    ("byt", Holds::Number),
    ("tcp_flags", Holds::Text),
    ("tos", Holds::Number),
    ("rpkt", Holds::Number),
    ("rbyt", Holds::Number),
];

fn heads(columns: &[(&str, Holds)]) -> Vec<Head> {
    columns.iter().map(|&(name, holds)| Head { name: name.into(), holds }).collect()
}

pub fn packet_heads() -> Vec<Head> {
    heads(&PACKETS)
}

pub fn flow_heads() -> Vec<Head> {
    heads(&FLOWS)
}

/// The column at an index; `four` where all addresses are of IPv4.
pub fn of_packets(position: usize, packets: &[Packet], four: bool) -> Box<dyn Array> {
    match position {
        0 => addresses(packets, four, |packet| packet.source),
        1 => addresses(packets, four, |packet| packet.destination),
        2 => numbers(packets, |packet| packet.source_port),
        3 => numbers(packets, |packet| packet.destination_port),
        4 => numbers(packets, |packet| packet.protocol),
        5 => numbers(packets, |packet| packet.time),
        6 => numbers(packets, |packet| packet.length),
        7 => numbers(packets, |packet| if packet.source.is_ipv4() { 4u8 } else { 6 }),
        8 => numbers(packets, |packet| packet.header_words),
        9 => numbers(packets, |packet| packet.tos),
        10 => numbers(packets, |packet| packet.identification),
        11 => numbers(packets, |packet| packet.ip_flags),
        12 => numbers(packets, |packet| packet.fragment_offset),
        13 => numbers(packets, |packet| packet.ttl),
        // The checksum follows from the other fields, and is computed where packets are written.
        14 => numbers(packets, |_| 0u16),
        _ => flags(packets, |packet| packet.tcp_flags),
    }
}

/// The column at an index; `four` where all addresses are of IPv4.
pub fn of_flows(position: usize, flows: &[Flow], four: bool) -> Box<dyn Array> {
    match position {
        0 => addresses(flows, four, |flow| flow.source),
        1 => addresses(flows, four, |flow| flow.destination),
        2 => numbers(flows, |flow| flow.source_port),
        3 => numbers(flows, |flow| flow.destination_port),
        4 => numbers(flows, |flow| flow.protocol),
        5 => numbers(flows, |flow| flow.start),
        6 => numbers(flows, |flow| flow.end.saturating_sub(flow.start)),
        7 => numbers(flows, |flow| flow.packets),
        8 => numbers(flows, |flow| flow.bytes),
        9 => flags(flows, |flow| flow.tcp_flags),
        10 => some_numbers(flows, |flow| flow.tos),
        11 => some_numbers(flows, |flow| flow.reverse_packets),
        _ => some_numbers(flows, |flow| flow.reverse_bytes),
    }
}

fn numbers<T, N: NativeType>(records: &[T], of: impl Fn(&T) -> N) -> Box<dyn Array> {
    PrimitiveArray::from_vec(records.iter().map(of).collect()).boxed()
}

fn some_numbers<T, N: NativeType>(records: &[T], of: impl Fn(&T) -> Option<N>) -> Box<dyn Array> {
    PrimitiveArray::from_iter(records.iter().map(of)).boxed()
}

/// Four bytes each, or sixteen with IPv4 addresses in IPv4-mapped form.
fn addresses<T>(records: &[T], four: bool, of: impl Fn(&T) -> IpAddr) -> Box<dyn Array> {
    let size = if four { 4 } else { 16 };
    let mut bytes = Vec::with_capacity(size * records.len());
    for record in records {
        match (of(record), four) {
            (IpAddr::V4(address), true) => bytes.extend_from_slice(&address.octets()),
            (IpAddr::V4(address), false) => bytes.extend_from_slice(&address.to_ipv6_mapped().octets()),
            (IpAddr::V6(address), false) => bytes.extend_from_slice(&address.octets()),
            // These records were skipped before.
            (IpAddr::V6(_), true) => bytes.extend_from_slice(&[0; 4]),
        }
    }
    FixedSizeBinaryArray::new(ArrowDataType::FixedSizeBinary(size), bytes.into(), None).boxed()
}

/// All sets of flags, in letters from FIN to CWR.
static SETS: LazyLock<Utf8Array<i64>> = LazyLock::new(|| {
    let letters = |set: u8| {
        let of = |(bit, letter): (u32, char)| (set >> bit & 1 == 1).then_some(letter);
        (0..8).zip("FSRPAUEC".chars()).filter_map(of).collect::<String>()
    };
    Utf8Array::from_slice((0..=u8::MAX).map(letters).collect::<Vec<_>>())
});

/// Sets of flags, and the empty one where there are none.
fn flags<T>(records: &[T], of: impl Fn(&T) -> Option<u8>) -> Box<dyn Array> {
    let keys = PrimitiveArray::from_vec(records.iter().map(|record| of(record).unwrap_or(0)).collect());
    match DictionaryArray::try_from_keys(keys, SETS.clone().boxed(), false) {
        Ok(array) => array.boxed(),
        Err(_) => unreachable!("every byte is a set"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::{Field, layout};

    #[test]
    fn columns_and_flags_are_called_as_the_layouts_call_them() {
        for (name, heads) in
            [("packet-flags", packet_heads()), ("packet", packet_heads()), ("flow", flow_heads())]
        {
            let layout = layout(name).unwrap();
            assert!(layout.needed().all(|needed| heads.iter().any(|head| head.name == needed)), "{name}");
        }
        let sets: Vec<&str> = SETS.values_iter().collect();
        let flags = &layout("packet-flags").unwrap().schema.columns[15];
        let Field::Categorical(Some(known)) = &flags.field else { panic!("{flags:?}") };
        assert!(known.iter().all(|set| sets.contains(&set.as_str())), "{known:?}");
        assert_eq!([0, 2, 18, 24, 25, 194].map(|set| sets[set]), ["", "S", "SA", "PA", "FPA", "SEC"]);
        for (set, text) in sets.iter().enumerate() {
            assert_eq!(netdpsyn_trace::tcp::bits(text), Some(set as u64));
        }
    }
}
