//! The packets and flows of flow tables, and their encoding in scratch files.

use super::Flow;
use crate::packet::Packet;
use crate::sort::Record;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The fields of a packet that a flow uses, in the order by which packets are sorted: packets with equal
/// fields are interchangeable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub time: u64,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub source_port: u16,
    /// For ICMP, its type and code.
    pub destination_port: u16,
    pub protocol: u8,
    pub tos: u8,
    pub tcp_flags: Option<u8>,
    pub length: u32,
}

impl Seen {
    pub fn of(packet: &Packet) -> Seen {
        let icmp = packet.icmp.map(|(kind, code)| u16::from_be_bytes([kind, code]));
        Seen {
            time: packet.time,
            source: packet.source,
            destination: packet.destination,
            source_port: packet.source_port,
            destination_port: icmp.unwrap_or(packet.destination_port),
            protocol: packet.protocol,
            tos: packet.tos,
            tcp_flags: packet.tcp_flags,
            length: packet.length,
        }
    }
}

/// A record as bytes, one field after the other.
#[derive(Clone, Copy)]
pub(crate) struct Fixed<const N: usize>([u8; N]);

impl<const N: usize> Default for Fixed<N> {
    fn default() -> Self {
        Fixed([0; N])
    }
}

impl<const N: usize> AsRef<[u8]> for Fixed<N> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> AsMut<[u8]> for Fixed<N> {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Writes fields to a sufficiently long slice, or reads them from it.
struct Cursor<'a>(&'a mut [u8]);

impl Cursor<'_> {
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        let rest = std::mem::take(&mut self.0);
        if let Some((here, rest)) = rest.split_first_chunk_mut::<N>() {
            *here = bytes;
            self.0 = rest;
        }
    }

    fn put_address(&mut self, address: IpAddr) {
        let (family, bytes) = match address {
            IpAddr::V4(four) => (4, four.to_ipv6_mapped().octets()),
            IpAddr::V6(six) => (6, six.octets()),
        };
        self.put([family]);
        self.put(bytes);
    }

    fn put_flags(&mut self, flags: Option<u8>) {
        self.put([u8::from(flags.is_some()), flags.unwrap_or_default()]);
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((here, rest)) = self.0.split_first_chunk::<N>() else {
            return [0; N];
        };
        self.0 = rest;
        *here
    }

    fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    fn port(&mut self) -> u16 {
        u16::from_be_bytes(self.take())
    }

    fn address(&mut self) -> IpAddr {
        let [family] = self.take();
        let bytes: [u8; 16] = self.take();
        match family {
            4 => IpAddr::V4(Ipv4Addr::new(bytes[12], bytes[13], bytes[14], bytes[15])),
            _ => IpAddr::V6(Ipv6Addr::from(bytes)),
        }
    }

    fn flags(&mut self) -> Option<u8> {
        let [any, flags] = self.take();
        (any == 1).then_some(flags)
    }
}

impl Record for Seen {
    type Bytes = Fixed<54>;

    fn encode(&self) -> Fixed<54> {
        let mut bytes = Fixed::default();
        let mut to = Cursor(&mut bytes.0);
        to.put(self.time.to_be_bytes());
        to.put_address(self.source);
        to.put_address(self.destination);
        to.put(self.source_port.to_be_bytes());
        to.put(self.destination_port.to_be_bytes());
        to.put([self.protocol, self.tos]);
        to.put_flags(self.tcp_flags);
        to.put(self.length.to_be_bytes());
        bytes
    }

    fn decode(bytes: &Fixed<54>) -> Seen {
        let mut from = Bytes(&bytes.0);
        let (time, source, destination) = (from.number(), from.address(), from.address());
        let (source_port, destination_port, [protocol, tos]) = (from.port(), from.port(), from.take());
        let (tcp_flags, length) = (from.flags(), u32::from_be_bytes(from.take()));
        Seen { time, source, destination, source_port, destination_port, protocol, tos, tcp_flags, length }
    }
}

impl Record for Flow {
    type Bytes = Fixed<90>;

    fn encode(&self) -> Fixed<90> {
        let mut bytes = Fixed::default();
        let mut to = Cursor(&mut bytes.0);
        to.put(self.start.to_be_bytes());
        to.put_address(self.source);
        to.put_address(self.destination);
        to.put(self.source_port.to_be_bytes());
        to.put(self.destination_port.to_be_bytes());
        to.put([self.protocol, self.tos]);
        to.put(self.end.to_be_bytes());
        to.put(self.packets.to_be_bytes());
        to.put(self.bytes.to_be_bytes());
        to.put(self.reverse_packets.to_be_bytes());
        to.put(self.reverse_bytes.to_be_bytes());
        to.put_flags(self.tcp_flags);
        bytes
    }

    fn decode(bytes: &Fixed<90>) -> Flow {
        let mut from = Bytes(&bytes.0);
        let (start, source, destination) = (from.number(), from.address(), from.address());
        let (source_port, destination_port, [protocol, tos]) = (from.port(), from.port(), from.take());
        Flow {
            start,
            source,
            destination,
            source_port,
            destination_port,
            protocol,
            tos,
            end: from.number(),
            packets: from.number(),
            bytes: from.number(),
            reverse_packets: from.number(),
            reverse_bytes: from.number(),
            tcp_flags: from.flags(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were() {
        let (four, six) = ("1.2.3.4".parse().expect("IPv4"), "2001:db8::5".parse().expect("IPv6"));
        let seen = Seen {
            time: u64::MAX,
            source: four,
            destination: six,
            source_port: 65535,
            destination_port: 1,
            protocol: 255,
            tos: 3,
            tcp_flags: Some(0),
            length: u32::MAX,
        };
        assert_eq!(Seen::decode(&seen.encode()), seen);
        let flow = Flow {
            start: 1,
            source: six,
            destination: four,
            source_port: 2,
            destination_port: 3,
            protocol: 4,
            end: 5,
            packets: 6,
            bytes: 7,
            reverse_packets: 8,
            reverse_bytes: u64::MAX,
            tcp_flags: None,
            tos: 255,
        };
        assert_eq!(Flow::decode(&flow.encode()), flow);
        let flagged = Flow { tcp_flags: Some(255), ..flow };
        assert_eq!(Flow::decode(&flagged.encode()), flagged);
    }
}
