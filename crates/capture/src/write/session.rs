//! Sequence numbers between two ends, derived from lengths and flags.

use super::transport::{ACK, FIN, Numbers, SYN, tcp_header};
use crate::packet::Packet;
use lru::LruCache;
use std::net::IpAddr;

/// An address and a port.
type End = (IpAddr, u16);

/// The next number of either direction, that of the smaller end first.
pub(super) struct Sessions {
    next: LruCache<(End, End), [u32; 2]>,
    most: usize,
}

impl Sessions {
    pub fn new(most: usize) -> Sessions {
        Sessions { next: LruCache::unbounded(), most: most.max(1) }
    }

    /// The numbers of the next packet, which has `above` bytes above IP. A new connection between the same
    /// ends continues the numbers.
    pub fn next(&mut self, packet: &Packet, above: usize) -> Numbers {
        let source = (packet.source, packet.source_port);
        let destination = (packet.destination, packet.destination_port);
        let ends = (source.min(destination), source.max(destination));
        let here = usize::from(source != ends.0);
        let flags = packet.tcp_flags.unwrap_or(ACK);
        if self.next.len() >= self.most && !self.next.contains(&ends) {
            self.next.pop_lru();
        }
        let next = self.next.get_or_insert_mut(ends, || [first(ends.0, ends.1), first(ends.1, ends.0)]);
        let numbers =
            Numbers { sequence: next[here], acknowledged: if flags & ACK != 0 { next[1 - here] } else { 0 } };
        let payload = above.saturating_sub(tcp_header(flags, above)) as u32;
        let counted = payload + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        next[here] = next[here].wrapping_add(counted);
        numbers
    }
}

/// The initial number of a direction: it depends only on its ends, so that the same packets give the same
/// file.
fn first(from: End, to: End) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for (address, port) in [from, to] {
        match address {
            IpAddr::V4(four) => four.octets().into_iter().for_each(&mut add),
            IpAddr::V6(six) => six.octets().into_iter().for_each(&mut add),
        }
        port.to_be_bytes().into_iter().for_each(&mut add);
    }
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_bounded() {
        let mut sessions = Sessions::new(2);
        let mut send = |port| sessions.next(&Packet { source_port: port, ..Packet::default() }, 120).sequence;
        let first = send(1);
        assert_eq!(send(1), first.wrapping_add(100));
        send(2);
        assert_eq!(send(1), first.wrapping_add(200));
        // The second makes room for the third, and the first is still known.
        send(3);
        assert_eq!(send(1), first.wrapping_add(300));
        send(2);
        send(3);
        assert_eq!(send(1), first);
    }

    #[test]
    fn numbers_fit_what_was_sent() {
        let (a, b) = ("10.0.0.9".parse().expect("IPv4"), "10.0.0.1".parse().expect("IPv4"));
        let mut sessions = Sessions::new(4);
        let mut send = |there: bool, flags: u8, above: usize| {
            let (source, destination) = if there { (a, b) } else { (b, a) };
            let (source_port, destination_port) = if there { (5000, 80) } else { (80, 5000) };
            let packet = Packet {
                source,
                destination,
                source_port,
                destination_port,
                tcp_flags: Some(flags),
                ..Packet::default()
            };
            sessions.next(&packet, above)
        };
        let opened = send(true, SYN, 40);
        assert_eq!(opened.acknowledged, 0);
        let answered = send(false, SYN | ACK, 40);
        assert_eq!(answered.acknowledged, opened.sequence.wrapping_add(1));
        let asked = send(true, ACK, 120);
        let after = |numbers: Numbers, count| numbers.sequence.wrapping_add(count);
        assert_eq!((asked.sequence, asked.acknowledged), (after(opened, 1), after(answered, 1)));
        let closed = send(false, FIN | ACK, 20);
        assert_eq!((closed.sequence, closed.acknowledged), (after(answered, 1), after(asked, 100)));
        assert_eq!(send(true, ACK, 20).acknowledged, after(closed, 1));
    }
}
