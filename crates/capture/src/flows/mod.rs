//! Packets in any order to flow records, by active and idle time-out.
//!
//! Packets are sorted by time and then by all else that a flow keeps, so the order in which they come does not matter. Then a table of open flows is
//! walked: a flow ends where the next of its packets comes more than the idle time-out after the last, or more than the active one after the first.
//! Flags of TCP end none.
//!
//! Memory: [`Options::memory_bytes`], whatever the capture. What is more goes to scratch files without names.

mod key;
mod records;

use crate::packet::Packet;
use crate::sort::{Sorted, Sorter};
use key::Key;
use lru::LruCache;
use records::Seen;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

const SECOND: u64 = 1_000_000_000;

/// What belongs to one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Directions {
    /// Packets of one direction, as NetFlow has it.
    #[default]
    One,
    /// Both directions: the source is that of the first packet. Requests of ICMP and their replies are one flow.
    Two,
}

/// How packets become flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A flow ends when it is older than so many nanoseconds.
    pub active: u64,
    /// A flow ends when it had no packet for more than so many nanoseconds.
    pub idle: u64,
    /// What belongs together.
    pub directions: Directions,
    /// Packets, and later flows, that are sorted in memory; at least one.
    pub held: usize,
    /// Flows that are open at once; at least one. When there are more, the one that was idle longest ends early.
    pub open: usize,
}

impl Default for Options {
    /// 300 s and 60 s, one direction, 2^20 packets and 2^18 open flows.
    fn default() -> Options {
        Options {
            active: 300 * SECOND,
            idle: 60 * SECOND,
            directions: Directions::One,
            held: 1 << 20,
            open: 1 << 18,
        }
    }
}

/// Bytes of an open flow beside itself: its key twice, its place in the order of idleness, its slot in the table.
const AN_OPEN_FLOW: usize = 160;
/// Bytes of the buffers of scratch files, of some hundred at most.
const BUFFERS: usize = 8 << 20;

impl Options {
    /// The most memory that making flows takes, in bytes: packets that are sorted, flows that are sorted beside the last of them, and open flows.
    pub fn memory_bytes(&self) -> usize {
        let sorted = self.held.saturating_mul(size_of::<Seen>() + size_of::<Flow>());
        let open = self.open.saturating_mul(size_of::<Flow>() + AN_OPEN_FLOW);
        sorted.saturating_add(open).saturating_add(BUFFERS)
    }
}

/// A flow record. Ordered by start and then by the rest, as they are declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Of the first packet, in nanoseconds since 1970.
    pub start: u64,
    /// Who sent the first packet.
    pub source: IpAddr,
    /// Who it was for.
    pub destination: IpAddr,
    /// 0 where the protocol has no ports, and of fragments that are not the first.
    pub source_port: u16,
    /// As `source_port`; of ICMP 256 × type + code.
    pub destination_port: u16,
    /// As [`Packet::protocol`].
    pub protocol: u8,
    /// Of the last packet, in nanoseconds since 1970.
    pub end: u64,
    /// From source to destination.
    pub packets: u64,
    /// Lengths of IP from source to destination.
    pub bytes: u64,
    /// From destination to source; 0 where flows have one direction.
    pub reverse_packets: u64,
    /// As `reverse_packets`.
    pub reverse_bytes: u64,
    /// Those of all packets of both directions; none where no packet has any.
    pub tcp_flags: Option<u8>,
    /// Of the first packet.
    pub tos: u8,
}

/// Takes packets.
pub struct Builder {
    options: Options,
    folder: PathBuf,
    packets: Sorter<Seen>,
}

impl Builder {
    /// Sets aside what does not fit memory in `folder`, which must be there.
    pub fn new(options: Options, folder: &Path) -> Builder {
        Builder { options, folder: folder.into(), packets: Sorter::new(folder.into(), options.held) }
    }

    /// The next packet, in any order.
    ///
    /// # Errors
    /// Where scratch files cannot be written or read.
    pub fn add(&mut self, packet: &Packet) -> io::Result<()> {
        self.packets.push(Seen::of(packet))
    }

    /// The flows of all packets, by start and key.
    ///
    /// # Errors
    /// Where scratch files cannot be written or read.
    pub fn finish(self) -> io::Result<Flows> {
        let mut table = Table {
            open: LruCache::unbounded(),
            ended: Sorter::new(self.folder, self.options.held),
            early: 0,
            options: self.options,
        };
        for seen in self.packets.finish()? {
            table.add(&seen?)?;
        }
        while let Some((_, flow)) = table.open.pop_lru() {
            table.ended.push(flow)?;
        }
        Ok(Flows { sorted: table.ended.finish()?, early: table.early })
    }
}

/// The flows of a [`Builder`], in order.
pub struct Flows {
    sorted: Sorted<Flow>,
    early: u64,
}

impl Flows {
    /// Flows that ended before their time, since more were open than there is room for.
    pub fn early(&self) -> u64 {
        self.early
    }
}

impl Iterator for Flows {
    type Item = io::Result<Flow>;

    fn next(&mut self) -> Option<io::Result<Flow>> {
        self.sorted.next()
    }
}

/// The open flows, the one that was idle longest first.
struct Table {
    open: LruCache<Key, Flow>,
    ended: Sorter<Flow>,
    early: u64,
    options: Options,
}

impl Table {
    /// The next packet in order of time.
    fn add(&mut self, seen: &Seen) -> io::Result<()> {
        while let Some((_, idle)) = self.open.peek_lru()
            && seen.time - idle.end > self.options.idle
        {
            if let Some((_, flow)) = self.open.pop_lru() {
                self.ended.push(flow)?;
            }
        }
        let key = Key::of(seen, self.options.directions);
        if let Some(flow) = self.open.get_mut(&key) {
            if seen.time - flow.start <= self.options.active {
                flow.count(seen);
                return Ok(());
            }
            let aged = std::mem::replace(flow, Flow::of(seen));
            return self.ended.push(aged);
        }
        if self.open.len() >= self.options.open
            && let Some((_, early)) = self.open.pop_lru()
        {
            self.early += 1;
            self.ended.push(early)?;
        }
        self.open.push(key, Flow::of(seen));
        Ok(())
    }
}

impl Flow {
    /// Of its first packet.
    fn of(seen: &Seen) -> Flow {
        let mut flow = Flow {
            start: seen.time,
            source: seen.source,
            destination: seen.destination,
            source_port: seen.source_port,
            destination_port: seen.destination_port,
            protocol: seen.protocol,
            end: seen.time,
            packets: 0,
            bytes: 0,
            reverse_packets: 0,
            reverse_bytes: 0,
            tcp_flags: None,
            tos: seen.tos,
        };
        flow.count(seen);
        flow
    }

    /// One packet more, which belongs to it.
    fn count(&mut self, seen: &Seen) {
        // Ports tell the directions of a host that talks to itself; of ICMP, they are no ports.
        let ends =
            |flow: &Flow| (flow.source, if key::is_icmp(flow.protocol) { 0 } else { flow.source_port });
        let here = (seen.source, if key::is_icmp(seen.protocol) { 0 } else { seen.source_port });
        let (packets, bytes) = if here == ends(self) {
            (&mut self.packets, &mut self.bytes)
        } else {
            (&mut self.reverse_packets, &mut self.reverse_bytes)
        };
        *packets += 1;
        *bytes = bytes.saturating_add(seen.length.into());
        self.end = seen.time;
        self.tcp_flags = match (self.tcp_flags, seen.tcp_flags) {
            (Some(flags), Some(more)) => Some(flags | more),
            (flags, more) => flags.or(more),
        };
    }
}
