//! Packets in order of time to a capture that other programs read without complaint.
//!
//! What a packet does not say is made up plainly: payloads are absent or zeros, hardware addresses are locally administered ones by IP address, and sequence
//! numbers of TCP are those that the lengths give. Checksums are right. Packets go out in the order in which they come, which should be that of time.
//!
//! | a packet of | is written as |
//! | --- | --- |
//! | TCP | flags as they are (ACK where there are none), sequence and acknowledgement that fit the packets before it between the same ends; what a SYN has beyond its header is options |
//! | UDP, UDP-Lite | its header and zeros |
//! | echoes of ICMP and ICMPv6, and any without a type | its header and zeros |
//! | errors of both | its header, that of a packet that could have caused it, and zeros |
//! | SCTP | its header, its checksum left 0, and a chunk of padding |
//! | any, not the first fragment | zeros |
//! | any other | nothing above IP but the ports of DCCP and the first eight bytes of ICMP: the rest is not in the capture, as if the snap length had cut it off, since zeros would be nonsense there |
//!
//! Lengths are those of IP, however long: a capture of a host that leaves the cutting to its network card has such, too. A length below that of the
//! headers is raised to it, and one above what the length field holds is lowered; both are counted. The first fragment of UDP over IPv4 has no
//! checksum, since that of the whole is not known. With [`Options::mtu`], a longer packet of TCP is cut as a network card does it.

mod checksum;
mod container;
mod ip;
mod session;
mod transport;

use crate::packet::{Packet, protocol};
use container::Out;
use session::Sessions;
use std::io::{self, Write};

/// The format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Container {
    /// Times to 2106.
    #[default]
    Pcap,
    /// One section with one interface.
    Pcapng,
}

/// What time stamps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Resolution {
    /// What is finer is cut off.
    Microseconds,
    /// All of a packet's time.
    #[default]
    Nanoseconds,
}

/// What stands below IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Link {
    /// With made-up addresses.
    #[default]
    Ethernet,
    /// Nothing: link type 101.
    Ip,
}

/// What follows the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Payload {
    /// Nothing, as if the snap length had cut it off: the original length is kept, and checksums are those of zeros. Small, and nothing that programs
    /// could take for a spoilt protocol.
    #[default]
    Absent,
    /// As many zeros as the length asks for. Programs that go by ports, as DNS by 53, find nonsense there: of all ports of UDP and TCP tshark calls
    /// packets to some ninety malformed.
    Zeros,
}

/// How packets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// pcap, unless said otherwise.
    pub container: Container,
    /// Nanoseconds, unless said otherwise.
    pub resolution: Resolution,
    /// Ethernet, unless said otherwise.
    pub link: Link,
    /// Absent, unless said otherwise.
    pub payload: Payload,
    /// Bytes of IP above which a packet of TCP is cut into segments of the same time; FIN and PSH go with the last. Packets of other protocols and
    /// fragments are left as they are. None cuts nothing.
    pub mtu: Option<u32>,
    /// Pairs of ends whose sequence numbers are kept, about 150 bytes each; at least one. When there are more, the one that was
    /// silent longest starts anew.
    pub sessions: usize,
}

impl Default for Options {
    /// With 2^18 sessions.
    fn default() -> Options {
        Options {
            container: Container::Pcap,
            resolution: Resolution::Nanoseconds,
            link: Link::Ethernet,
            payload: Payload::Absent,
            mtu: None,
            sessions: 1 << 18,
        }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Packets that were taken.
    pub packets: u64,
    /// Frames that became of them: more where packets were cut.
    pub frames: u64,
    /// Packets whose length was below that of their headers.
    pub lengthened: u64,
    /// Packets whose length was above what its field holds.
    pub shortened: u64,
    /// Packets of TCP that were cut.
    pub cut: u64,
}

/// Why a packet is not written. Those before it are.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file takes no more.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    /// Source and destination are of two families.
    #[error("a packet from {0} cannot go to {1}")]
    Families(std::net::IpAddr, std::net::IpAddr),
    /// Seconds of pcap have 32 bits.
    #[error("pcap has no time after 2106; pcapng has")]
    TooLate,
}

/// Writes packets.
pub struct Writer<W: Write> {
    to: Out<W>,
    options: Options,
    sessions: Sessions,
    counts: Counts,
    /// The headers of a frame, kept for its room.
    frame: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the file's header. `to` is written to in large pieces.
    ///
    /// # Errors
    /// Where `to` has one.
    pub fn new(to: W, options: Options) -> io::Result<Writer<W>> {
        Ok(Writer {
            to: Out::new(to, options)?,
            options,
            sessions: Sessions::new(options.sessions),
            counts: Counts::default(),
            frame: Vec::with_capacity(256),
        })
    }

    /// The same with another payload, for all packets that are still to come.
    pub fn with_payload(mut self, payload: Payload) -> Writer<W> {
        self.options.payload = payload;
        self
    }

    /// Writes a packet, not before those of an earlier time.
    ///
    /// # Errors
    /// Where it cannot be one, or the file takes no more.
    pub fn write(&mut self, packet: &Packet) -> Result<(), WriteError> {
        if packet.source.is_ipv4() != packet.destination.is_ipv4() {
            return Err(WriteError::Families(packet.source, packet.destination));
        }
        self.to.check(packet.time)?;
        self.counts.packets += 1;
        let most = ip::longest(packet);
        let mut packet = *packet;
        packet.header_words = packet.header_words.clamp(5, 15);
        packet.fragment_offset &= 0x1fff;
        if packet.length > most {
            packet.length = most;
            self.counts.shortened += 1;
        }
        let least = (ip::header(&packet) + transport::least(&packet)) as u32;
        if packet.length < least {
            packet.length = least;
            self.counts.lengthened += 1;
        }
        let segment = self.options.mtu.unwrap_or(u32::MAX).max(least + 1);
        if packet.length <= segment || !transport::can_be_cut(&packet) {
            return self.frame(&packet);
        }
        self.counts.cut += 1;
        self.segments(&packet, segment, least)
    }

    /// The packet as several, each of which has `least` bytes of headers and `longest` of all at most.
    fn segments(&mut self, packet: &Packet, longest: u32, least: u32) -> Result<(), WriteError> {
        const CWR: u8 = 0x80;
        const PSH_FIN: u8 = 9;
        let flags = packet.tcp_flags.unwrap_or(transport::ACK);
        let mut left = packet.length - least;
        let mut piece = Packet { tcp_flags: Some(flags & !PSH_FIN), ..*packet };
        while left > longest - least {
            left -= longest - least;
            piece.length = longest;
            self.frame(&piece)?;
            piece.tcp_flags = Some(flags & !PSH_FIN & !CWR);
            piece.identification = piece.identification.wrapping_add(1);
        }
        piece.length = least + left;
        piece.tcp_flags = Some(flags & !CWR);
        self.frame(&piece)
    }

    /// A packet whose lengths are right.
    fn frame(&mut self, packet: &Packet) -> Result<(), WriteError> {
        self.counts.frames += 1;
        let frame = &mut self.frame;
        frame.clear();
        if self.options.link == Link::Ethernet {
            container::ethernet(packet, frame);
        }
        let below = frame.len();
        ip::put(packet, frame);
        let above = packet.length as usize - (frame.len() - below);
        let numbers = if packet.protocol == protocol::TCP && packet.fragment_offset == 0 {
            self.sessions.next(packet, above)
        } else {
            session::Numbers::default()
        };
        let sound = transport::put(packet, above, numbers, frame);
        // Never below 0: lengths were raised to the headers.
        let zeros = (below + packet.length as usize).saturating_sub(frame.len());
        let held = sound && self.options.payload == Payload::Zeros;
        Ok(self.to.record(packet.time, frame, zeros, held)?)
    }

    /// What was written so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Ends the file, and gives back what it was written to.
    ///
    /// # Errors
    /// Where the last bytes cannot be written.
    pub fn finish(self) -> io::Result<(W, Counts)> {
        Ok((self.to.finish()?, self.counts))
    }
}
