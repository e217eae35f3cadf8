//! Captures as a stream of packets, with one buffer and nothing else that grows.
//!
//! ```no_run
//! use netdpsyn_capture::{Packet, Reader, Step, Tunnels};
//! # fn main() -> Result<(), netdpsyn_capture::CaptureError> {
//! let mut reader = Reader::new(std::fs::File::open("a.pcap")?, Tunnels::Outer)?;
//! let mut packet = Packet::default();
//! loop {
//!     match reader.next(&mut packet)? {
//!         Step::Packet => println!("{packet:?}"),
//!         Step::Skipped(why) => println!("{why}"),
//!         Step::End => break,
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod input;
mod pcap;
mod pcapng;

use crate::error::CaptureError;
use crate::kind::{self, Kind};
use crate::packet::{Packet, protocol};
use crate::skip::{Skip, Skips};
use crate::{ip, link};
use input::Input;
use std::io::Read;

/// Captured bytes of one packet that are believed.
pub const LONGEST: u32 = 256 << 10;
/// Bytes of the one buffer.
pub const BUFFER: usize = 512 << 10;
/// What follows a packet to the end of the file and is none is passed over up to so many bytes, and more ends the reading.
const GARBAGE: usize = 64 << 10;

/// Which headers of a packet within a packet are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tunnels {
    /// Those that routers see.
    #[default]
    Outer,
    /// The innermost, of up to eight tunnels within each other: IP in IP of both versions, GRE, VXLAN, Geneve, GTP-U, MPLS. A tunnel whose content
    /// is not IP, or is cut short, is kept as the packet that it is.
    Inner,
}

/// What a step of the reader came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The packet was read.
    Packet,
    /// A record is no packet of the result.
    Skipped(Skip),
    /// There is nothing more.
    End,
}

/// Reads a capture from its first byte on.
pub struct Reader<R> {
    input: Input<R>,
    format: Format,
    tunnels: Tunnels,
    /// Records so far, and the packets among them.
    records: u64,
    packets: u64,
    untimed: u64,
    last: u64,
    skips: Skips,
    ended: bool,
    links: Vec<u32>,
    /// Ports whose datagrams are kept, and the last one of them.
    ports: Vec<u16>,
    datagram: Vec<u8>,
}

/// Link types that are told apart in [`Reader::links`].
const LINKS: usize = 8;

enum Format {
    Pcap(pcap::File),
    Pcapng(pcapng::Section),
}

/// A record of either format, which stands in the buffer.
struct Record {
    link: u32,
    /// None where the format keeps none.
    time: Option<Result<u64, Skip>>,
    /// Bytes on the wire.
    original: u32,
    /// Where the frame begins in the buffer, and its captured bytes.
    at: usize,
    captured: usize,
    /// From the record's first byte to the next record's.
    length: u64,
}

/// What the buffer begins with.
enum Found {
    Record(Record),
    /// A packet of no described interface.
    Stray {
        length: u64,
    },
    /// Nothing more, at the end of a record.
    End,
    /// The end of the file within a record.
    Cut,
    /// No record; reading on is of no use.
    Broken(Broken),
}

enum Broken {
    Length(u32),
    Block(&'static str),
    Version(u16, u16),
}

impl<R: Read> Reader<R> {
    /// Of the capture that `from` begins with. It is read in large pieces, so needs no buffer of its own.
    ///
    /// # Errors
    /// Where it is no capture, or its header is cut short or of a version that is not known.
    pub fn new(from: R, tunnels: Tunnels) -> Result<Reader<R>, CaptureError> {
        let mut input = Input::new(from);
        input.have(12)?;
        let format = match kind::kind_of(input.bytes()) {
            Some(Kind::Pcap) => Format::Pcap(pcap::File::open(&mut input)?),
            Some(Kind::Pcapng) => Format::Pcapng(pcapng::Section::default()),
            None => {
                let first = &input.bytes()[..input.bytes().len().min(12)];
                return Err(CaptureError::NotACapture(kind::other(first)));
            }
        };
        Ok(Reader {
            input,
            format,
            tunnels,
            records: 0,
            packets: 0,
            untimed: 0,
            last: 0,
            skips: Skips::default(),
            ended: false,
            links: Vec::new(),
            ports: Vec::new(),
            datagram: Vec::new(),
        })
    }

    /// The same, keeping what datagrams of UDP to these ports carry: [`Self::datagram`].
    pub fn with_datagrams(mut self, ports: Vec<u16>) -> Reader<R> {
        self.ports = ports;
        self
    }

    /// What the datagram of the packet that was read last carries, as far as it was captured; `None` where it is none to the ports that are
    /// looked for, or a fragment.
    pub fn datagram(&self) -> Option<&[u8]> {
        (!self.datagram.is_empty()).then_some(&self.datagram)
    }

    /// Reads the next record into `packet`, which holds nothing of use unless the answer is [`Step::Packet`].
    ///
    /// # Errors
    /// Where the bytes cannot be had, or what follows is no record and more than a few bytes. All steps before it are good; those after it say
    /// [`Step::End`].
    pub fn next(&mut self, packet: &mut Packet) -> Result<Step, CaptureError> {
        if self.ended {
            return Ok(Step::End);
        }
        let step = self.step(packet);
        match &step {
            Ok(Step::Packet) => self.packets += 1,
            Ok(Step::Skipped(why)) => self.skips.add(*why),
            Ok(Step::End) | Err(_) => self.ended = true,
        }
        step
    }

    fn step(&mut self, packet: &mut Packet) -> Result<Step, CaptureError> {
        let found = match &mut self.format {
            Format::Pcap(file) => file.next(&mut self.input)?,
            Format::Pcapng(section) => section.next(&mut self.input)?,
        };
        let record = match found {
            Found::Record(record) => record,
            Found::Stray { length } => {
                self.records += 1;
                return Ok(self.pass(length, Step::Skipped(Skip::Interface))?);
            }
            Found::End => return Ok(Step::End),
            Found::Cut => {
                self.ended = true;
                return Ok(Step::Skipped(Skip::EndsWithin(self.records + 1)));
            }
            Found::Broken(broken) => return self.broken(&broken),
        };
        self.records += 1;
        if self.links.last() != Some(&record.link) {
            self.links.retain(|link| *link != record.link);
            if self.links.len() < LINKS {
                self.links.push(record.link);
            }
        }
        let step = self.read(&record, packet);
        Ok(self.pass(record.length, step)?)
    }

    fn read(&mut self, record: &Record, packet: &mut Packet) -> Step {
        self.datagram.clear();
        let frame = self.input.bytes().get(record.at..).unwrap_or_default();
        let frame = &frame[..frame.len().min(record.captured)];
        let time = match record.time {
            Some(Ok(time)) => time,
            Some(Err(skip)) => return Step::Skipped(skip),
            None => self.last,
        };
        // Frames are longer than what was captured of them; where they claim not to be, what is there counts.
        let wire = u64::from(record.original).max(frame.len() as u64);
        let read = link::ip_in(record.link, frame)
            .and_then(|data| ip::read(data, wire - (frame.len() - data.len()) as u64, self.tunnels, packet));
        match read {
            Ok(above) => {
                let whole = packet.fragment_offset == 0 && packet.ip_flags & 1 == 0;
                if whole && packet.protocol == protocol::UDP && self.ports.contains(&packet.destination_port)
                {
                    let length = above.get(4..6).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
                    let end = above.len().min(length.into());
                    self.datagram.extend_from_slice(above.get(8..end).unwrap_or_default());
                }
                packet.time = time;
                packet.captured = u32::try_from(frame.len()).unwrap_or(u32::MAX);
                self.untimed += u64::from(record.time.is_none());
                self.last = time;
                Step::Packet
            }
            Err(skip) => Step::Skipped(skip),
        }
    }

    /// Passes over the record; a file that ends within what is of no interest there has given all of the packet.
    fn pass(&mut self, length: u64, step: Step) -> std::io::Result<Step> {
        self.ended |= !self.input.pass(length)?;
        Ok(step)
    }

    /// A few bytes at the end are passed over, unless they are all there is.
    fn broken(&mut self, broken: &Broken) -> Result<Step, CaptureError> {
        let few = !self.input.have(GARBAGE)?;
        if few && self.records > 0 {
            self.ended = true;
            return Ok(Step::Skipped(Skip::Garbage(self.records)));
        }
        Err(match broken {
            Broken::Length(length) => CaptureError::TooLong { packet: self.records + 1, length: *length },
            Broken::Block(what) => CaptureError::Block { packet: self.records, what },
            Broken::Version(major, minor) => CaptureError::Version { major: *major, minor: *minor },
        })
    }

    /// The format.
    pub fn kind(&self) -> Kind {
        match self.format {
            Format::Pcap(_) => Kind::Pcap,
            Format::Pcapng(_) => Kind::Pcapng,
        }
    }

    /// Link types of what was read so far, eight at most: the one of the last record is the last.
    pub fn links(&self) -> &[u32] {
        &self.links
    }

    /// Packets that were read so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets among them that have no time of their own, as the simple packets of pcapng: they have that of the packet read before, or 0.
    pub fn untimed(&self) -> u64 {
        self.untimed
    }

    /// What was passed over so far.
    pub fn skips(&self) -> &Skips {
        &self.skips
    }
}
