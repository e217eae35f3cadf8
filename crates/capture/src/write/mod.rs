//! Writes packets in order of time to a capture that other programs read without complaint.
//!
//! What a packet does not contain is filled in: payloads are absent or zeros, hardware addresses are locally
//! administered ones derived from IP addresses, and TCP sequence numbers follow from the lengths. Checksums
//! are valid. Packets are written in the given order, which should be that of time.
//!
//! | packet | written as |
//! | --- | --- |
//! | TCP | its flags (ACK where there are none), sequence and acknowledgement numbers consistent with earlier packets between the same ends; bytes of a SYN beyond its header are options |
//! | UDP, UDP-Lite | its header and zeros |
//! | ICMP and ICMPv6 echoes, and any without a type | its header and zeros |
//! | ICMP and ICMPv6 errors | its header, that of a packet that could have caused it, and zeros |
//! | SCTP | its header with checksum 0, and a padding chunk |
//! | not the first fragment, any protocol | zeros |
//! | any other | nothing above IP except the ports of DCCP and the first eight bytes of ICMP: the rest is omitted as if cut off by the snap length, since zeros would be malformed |
//!
//! Lengths are those of IP, however large: captures of hosts with segmentation offload have such lengths,
//! too. A length below that of the headers is raised to it, and one above the maximum of the length field is
//! lowered; both are counted. The first fragment of UDP over IPv4 has no checksum, because that of the whole
//! datagram is unknown. With [`WriteOptions::mtu`], a longer TCP packet is segmented as a network card does it.

mod checksum;
mod container;
mod ip;
mod session;
mod transport;

use crate::packet::{Packet, protocol};
use container::Out;
use session::Sessions;
use std::io::{self, Write};

/// The capture format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Container {
    /// Times up to 2106.
    #[default]
    Pcap,
    /// One section with one interface.
    Pcapng,
}

/// The resolution of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Resolution {
    /// Finer parts are cut off.
    Microseconds,
    /// The full time of a packet.
    #[default]
    Nanoseconds,
}

/// The link layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Link {
    /// With generated addresses.
    #[default]
    Ethernet,
    /// None: link type 101.
    Ip,
}

/// The payload after the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Payload {
    /// None, as if cut off by the snap length: the original length is kept, and checksums assume zeros. Files
    /// are small, and nothing in them looks like a malformed protocol.
    #[default]
    Absent,
    /// As many zeros as the length requires. Programs that infer protocols from ports, such as DNS from 53,
    /// find malformed messages: tshark reports packets to about ninety UDP and TCP ports as malformed.
    Zeros,
}

/// Options of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// Capture format; pcap by default.
    pub container: Container,
    /// Resolution of timestamps; nanoseconds by default.
    pub resolution: Resolution,
    /// Link layer; Ethernet by default.
    pub link: Link,
    /// Payload; absent by default.
    pub payload: Payload,
    /// IP length in bytes above which a TCP packet is divided into segments with the same time; FIN and PSH
    /// are set in the last one. Packets of other protocols and fragments are unchanged. `None` divides
    /// nothing.
    pub mtu: Option<u32>,
    /// Largest number of pairs of ends whose sequence numbers are kept, about 150 bytes each; at least one.
    /// When there are more, the pair idle for longest restarts.
    pub sessions: usize,
}

impl Default for WriteOptions {
    /// The defaults, with 2^18 sessions.
    fn default() -> WriteOptions {
        WriteOptions {
            container: Container::Pcap,
            resolution: Resolution::Nanoseconds,
            link: Link::Ethernet,
            payload: Payload::Absent,
            mtu: None,
            sessions: 1 << 18,
        }
    }
}

/// Counts of what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Number of packets.
    pub packets: u64,
    /// Number of frames; more than packets where TCP packets were divided.
    pub frames: u64,
    /// Number of packets whose length was below that of their headers.
    pub lengthened: u64,
    /// Number of packets whose length exceeded its field.
    pub shortened: u64,
    /// Number of TCP packets that were divided.
    pub cut: u64,
}

/// Why a packet is not written. Earlier packets are.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file cannot be written.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    /// Source and destination are of different families.
    #[error("the addresses {0} and {1} are of different families")]
    Families(std::net::IpAddr, std::net::IpAddr),
    /// The time exceeds the 32-bit seconds of pcap.
    #[error("pcap has no time after 2106; pcapng has")]
    TooLate,
}

/// Writes packets.
pub struct Writer<W: Write> {
    to: Out<W>,
    options: WriteOptions,
    sessions: Sessions,
    counts: Counts,
    /// The headers of a frame; kept to reuse the allocation.
    frame: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes the file header. `to` is written in large pieces.
    ///
    /// # Errors
    /// When `to` cannot be written.
    pub fn new(to: W, options: WriteOptions) -> io::Result<Writer<W>> {
        Ok(Writer {
            to: Out::new(to, options)?,
            options,
            sessions: Sessions::new(options.sessions),
            counts: Counts::default(),
            frame: Vec::with_capacity(256),
        })
    }

    /// Sets another payload for all following packets.
    pub fn with_payload(mut self, payload: Payload) -> Writer<W> {
        self.options.payload = payload;
        self
    }

    /// Writes a packet; call it in order of time.
    ///
    /// # Errors
    /// When the packet cannot be represented, or the file cannot be written.
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

    /// Divides a packet into several, each with `least` bytes of headers and at most `longest` bytes in all.
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

    /// Writes a packet whose lengths are valid.
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
            transport::Numbers::default()
        };
        let sound = transport::put(packet, above, numbers, frame);
        // Never below 0: lengths were raised to the headers.
        let zeros = (below + packet.length as usize).saturating_sub(frame.len());
        let held = sound && self.options.payload == Payload::Zeros;
        Ok(self.to.record(packet.time, frame, zeros, held)?)
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Completes the file, and returns the inner writer.
    ///
    /// # Errors
    /// When the last bytes cannot be written.
    pub fn finish(self) -> io::Result<(W, Counts)> {
        Ok((self.to.finish()?, self.counts))
    }
}
