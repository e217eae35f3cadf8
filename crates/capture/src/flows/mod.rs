//! From packets in any order to flow records, by active and idle timeout.
//!
//! Packets are sorted by time and then by everything else that a flow keeps, so the order in which they come
//! does not matter. Then a table of open flows is updated packet by packet: a flow ends where its next packet
//! comes more than the idle timeout after the last, or more than the active timeout after the first. TCP
//! flags end no flow.
//!
//! Memory: [`FlowOptions::memory_bytes`], whatever the capture. What is more goes to scratch files without names.

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

/// Which packets belong to one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Directions {
    /// Packets of one direction, as in NetFlow.
    #[default]
    One,
    /// Both directions: the source is that of the first packet. ICMP requests and their replies are one flow.
    Two,
}

/// Parameters of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowOptions {
    /// Active timeout in nanoseconds: a flow ends when it is older than this.
    pub active: u64,
    /// Idle timeout in nanoseconds: a flow ends when it has no packet for longer than this.
    pub idle: u64,
    /// Which packets belong to one flow.
    pub directions: Directions,
    /// Number of packets, and later of flows, that are sorted in memory; at least one.
    pub held: usize,
    /// Largest number of open flows; at least one. When there are more, the one idle for longest ends early.
    pub open: usize,
}

impl Default for FlowOptions {
    /// 300 s and 60 s, one direction, 2^20 packets and 2^18 open flows.
    fn default() -> FlowOptions {
        FlowOptions {
            active: 300 * SECOND,
            idle: 60 * SECOND,
            directions: Directions::One,
            held: 1 << 20,
            open: 1 << 18,
        }
    }
}

/// Bytes of an open flow beside itself: its key twice, its place in the order of idleness, its slot in the
/// table.
const AN_OPEN_FLOW: usize = 160;
/// Bytes of the buffers of about a hundred scratch files at most.
const BUFFERS: usize = 8 << 20;

impl FlowOptions {
    /// The most memory that making flows takes, in bytes: packets that are sorted, flows that are sorted
    /// beside the last of them, and open flows.
    pub fn memory_bytes(&self) -> usize {
        let sorted = self.held.saturating_mul(size_of::<Seen>() + size_of::<Flow>());
        let open = self.open.saturating_mul(size_of::<Flow>() + AN_OPEN_FLOW);
        sorted.saturating_add(open).saturating_add(BUFFERS)
    }
}

/// A flow record. Ordered by start and then by the other fields, in the order of their declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Time of the first packet, in nanoseconds since 1970.
    pub start: u64,
    /// Source of the first packet.
    pub source: IpAddr,
    /// Destination of the first packet.
    pub destination: IpAddr,
    /// 0 where the protocol has no ports, and for fragments that are not the first.
    pub source_port: u16,
    /// As `source_port`; for ICMP, 256 × type + code.
    pub destination_port: u16,
    /// As [`Packet::protocol`].
    pub protocol: u8,
    /// Time of the last packet, in nanoseconds since 1970.
    pub end: u64,
    /// Number of packets from source to destination.
    pub packets: u64,
    /// Sum of IP lengths in bytes from source to destination.
    pub bytes: u64,
    /// Number of packets from destination to source; 0 where flows have one direction.
    pub reverse_packets: u64,
    /// Sum of IP lengths in bytes from destination to source.
    pub reverse_bytes: u64,
    /// Union of the flags of all packets of both directions; `None` where no packet has any.
    pub tcp_flags: Option<u8>,
    /// Type of service of the first packet.
    pub tos: u8,
}

/// Derives flows from packets.
pub struct Builder {
    options: FlowOptions,
    folder: PathBuf,
    packets: Sorter<Seen>,
}

impl Builder {
    /// A builder with scratch files in `folder`, which must exist.
    pub fn new(options: FlowOptions, folder: &Path) -> Builder {
        Builder { options, folder: folder.into(), packets: Sorter::new(folder.into(), options.held) }
    }

    /// Adds a packet, in any order.
    ///
    /// # Errors
    /// When scratch files cannot be written or read.
    pub fn add(&mut self, packet: &Packet) -> io::Result<()> {
        self.packets.push(Seen::of(packet))
    }

    /// The flows of all packets, by start and key.
    ///
    /// # Errors
    /// When scratch files cannot be written or read.
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
    /// Number of flows that ended early, because more were open than there is room for.
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

/// The open flows, the one idle for longest first.
struct Table {
    open: LruCache<Key, Flow>,
    ended: Sorter<Flow>,
    early: u64,
    options: FlowOptions,
}

impl Table {
    /// Adds the next packet in order of time.
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
    /// A flow of its first packet.
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

    /// Counts a further packet of the flow.
    fn count(&mut self, seen: &Seen) {
        // Ports determine the direction of a host that talks to itself; ICMP has no ports.
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
