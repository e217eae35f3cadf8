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
use crate::ip::Tunnels;
use crate::kind::{self, CaptureFormat};
use crate::packet::{Packet, protocol};
use crate::skip::{Skip, Skips};
use crate::{ip, link};
use input::Input;
use std::io::Read;

/// The largest captured length of a packet that is accepted.
pub const LONGEST: u32 = 256 << 10;
/// Size of the buffer in bytes.
pub const BUFFER: usize = 512 << 10;
/// Invalid bytes after the last packet are skipped up to this number; more of them are an error.
const GARBAGE: usize = 64 << 10;

/// The result of a step of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet was read.
    Packet,
    /// A record was skipped.
    Skipped(Skip),
    /// The end of the capture.
    End,
}

/// Reads a capture from its first byte on.
pub struct Reader<R> {
    input: Input<R>,
    format: Format,
    tunnels: Tunnels,
    /// Number of records so far, and of packets among them.
    records: u64,
    packets: u64,
    untimed: u64,
    last: u64,
    skips: Skips,
    ended: bool,
    links: Vec<u32>,
    /// Ports whose datagrams are kept, and the last such datagram.
    ports: Vec<u16>,
    datagram: Vec<u8>,
}

/// Largest number of link types listed by [`Reader::links`].
const LINKS: usize = 8;

enum Format {
    Pcap(pcap::File),
    Pcapng(pcapng::Section),
}

/// A record of either format in the buffer.
struct Record {
    link: u32,
    /// `None` where the format has no time.
    time: Option<Result<u64, Skip>>,
    /// Length on the wire in bytes.
    original: u32,
    /// The position of the frame in the buffer, and its captured length.
    at: usize,
    captured: usize,
    /// Length of the whole record in bytes.
    length: u64,
}

/// What the buffer begins with.
enum Next {
    Record(Record),
    /// A packet of an interface that is not described.
    Stray {
        length: u64,
    },
    /// The end of the file, at the end of a record.
    End,
    /// The end of the file within a record.
    Cut,
    /// Not a record; reading on is pointless.
    Broken(Broken),
}

enum Broken {
    Length(u32),
    Block(&'static str),
    Version(u16, u16),
}

impl<R: Read> Reader<R> {
    /// A reader of the capture that `from` begins with. It reads in large pieces, so `from` needs no buffer.
    ///
    /// # Errors
    /// When `from` is not a capture, or its header is cut short or of an unknown version.
    pub fn new(from: R, tunnels: Tunnels) -> Result<Reader<R>, CaptureError> {
        let mut input = Input::new(from);
        input.have(12)?;
        let format = match kind::format_of(input.bytes()) {
            Some(CaptureFormat::Pcap) => Format::Pcap(pcap::File::open(&mut input)?),
            Some(CaptureFormat::Pcapng) => Format::Pcapng(pcapng::Section::default()),
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

    /// Keeps the payload of UDP datagrams to these ports: see [`Self::datagram`].
    pub fn with_datagrams(mut self, ports: Vec<u16>) -> Reader<R> {
        self.ports = ports;
        self
    }

    /// The captured payload of the last packet's datagram; `None` where it is not a datagram to one of the
    /// kept ports, or is a fragment.
    pub fn datagram(&self) -> Option<&[u8]> {
        (!self.datagram.is_empty()).then_some(&self.datagram)
    }

    /// Reads the next record into `packet`, which is valid only if the result is [`Step::Packet`].
    ///
    /// # Errors
    /// When the bytes cannot be read, or when more than a few bytes follow that are not a record. All earlier
    /// steps are valid; later ones return [`Step::End`].
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
            Next::Record(record) => record,
            Next::Stray { length } => {
                self.records += 1;
                return Ok(self.pass(length, Step::Skipped(Skip::Interface))?);
            }
            Next::End => return Ok(Step::End),
            Next::Cut => {
                self.ended = true;
                return Ok(Step::Skipped(Skip::EndsWithin(self.records + 1)));
            }
            Next::Broken(broken) => return self.broken(&broken),
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
        // A frame is at least as long as its captured part; if the record claims less, the captured length is
        // used.
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

    /// Skips the record. If the file ends within an unused part of it, the packet is still complete.
    fn pass(&mut self, length: u64, step: Step) -> std::io::Result<Step> {
        self.ended |= !self.input.pass(length)?;
        Ok(step)
    }

    /// A few invalid bytes at the end are skipped, unless there is nothing else.
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
    pub fn kind(&self) -> CaptureFormat {
        match self.format {
            Format::Pcap(_) => CaptureFormat::Pcap,
            Format::Pcapng(_) => CaptureFormat::Pcapng,
        }
    }

    /// Link types of the records so far, at most eight: that of the last record comes last.
    pub fn links(&self) -> &[u32] {
        &self.links
    }

    /// Number of packets so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Number of packets without a time of their own, such as simple packets of pcapng: they have the time of
    /// the previous packet, or 0.
    pub fn untimed(&self) -> u64 {
        self.untimed
    }

    /// Skipped records so far, by reason.
    pub fn skips(&self) -> &Skips {
        &self.skips
    }
}
