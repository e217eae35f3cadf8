//! Writes a trace of packets as a packet capture, by the roles of its columns. What a trace does not contain,
//! such as payloads and sequence numbers, is filled in: see [`netdpsyn_capture::write`].

use netdpsyn_capture::Packet;
use netdpsyn_capture::write::{Container, Payload, WriteOptions, Writer};
use netdpsyn_trace::progress::{Halted, Progress};
use netdpsyn_trace::{Address, Field, RecordKind, Role, Schema, Stage, Trace, protocols, tcp};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};

/// Roles that a capture requires.
const NEEDED: [Role; 4] = [Role::SourceAddress, Role::DestinationAddress, Role::Protocol, Role::Start];

/// Why a trace of this schema cannot be written as a capture; `None` if it can.
pub fn unfit_for_capture(schema: &Schema) -> Option<String> {
    if schema.kind == RecordKind::Flow {
        return Some("a capture holds packets, and this is a trace of flows".into());
    }
    let missing: Vec<String> = NEEDED
        .into_iter()
        .filter(|role| schema.column_of(*role).is_none())
        .map(|role| role.to_string())
        .collect();
    let plural = if missing.len() == 1 { "a column with the role" } else { "columns with the roles" };
    (!missing.is_empty()).then(|| format!("a capture needs {plural} {}", missing.join(", ")))
}

/// A column of packets, and how its values are converted.
struct Told {
    place: usize,
    column: netdpsyn_trace::Column,
}

impl Told {
    /// The number; `None` for a special value.
    fn number(&self, slice: &Trace, row: usize) -> Option<u64> {
        let value = slice.column(self.place).get(row);
        self.column.special_cell(value).is_none().then_some(value)
    }

    fn address(&self, slice: &Trace, row: usize) -> Option<IpAddr> {
        let value = self.number(slice, row)?;
        match (&self.column.field, slice.directory(self.place)) {
            (Field::Address {}, Some(directory)) => match directory.address(value) {
                Address::V4(four) => Some(Ipv4Addr::from(four).into()),
                Address::V6(six) => Some(std::net::Ipv6Addr::from(six).into()),
                Address::Hardware(_) | Address::Token(..) => None,
            },
            (Field::Address {}, None) => None,
            _ => Some(Ipv4Addr::from(u32::try_from(value).ok()?).into()),
        }
    }

    /// Flags by their names, or as a number.
    fn flags(&self, slice: &Trace, row: usize) -> Option<u8> {
        let value = slice.column(self.place).get(row);
        let bits = match (self.column.special_cell(value), &self.column.field) {
            (Some(cell), _) => tcp::bits(cell),
            (None, Field::Categorical(sets)) => tcp::bits(sets.as_ref()?.get(value as usize)?),
            (None, _) => Some(value),
        };
        // Every segment has flags: where none are given, those of a data segment are used.
        bits.map(|bits| bits as u8).filter(|bits| *bits > 0)
    }
}

/// Writes captures.
pub struct CaptureWriter<W: Write> {
    writer: Writer<W>,
    columns: Vec<(Role, Told)>,
    rows: u64,
    seen: u64,
    /// The time of the previous packet, and the number of packets that are earlier than their predecessor.
    last: u64,
    unordered: u64,
    /// Number of packets whose addresses are not of one IP family.
    unfit: u64,
}

impl<W: Write> CaptureWriter<W> {
    /// A writer of a trace of `rows` packets.
    ///
    /// # Errors
    /// When the schema lacks a column that packets require, or `to` fails.
    pub fn new(container: Container, schema: &Schema, to: W, rows: u64) -> io::Result<Self> {
        if let Some(reason) = unfit_for_capture(schema) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let writer = Writer::new(to, WriteOptions { container, ..WriteOptions::default() })?;
        let roles = NEEDED.into_iter().chain([
            Role::SourcePort,
            Role::DestinationPort,
            Role::Length,
            Role::HeaderWords,
            Role::Tos,
            Role::Identification,
            Role::IpFlags,
            Role::FragmentOffset,
            Role::Ttl,
            Role::TcpFlags,
        ]);
        let column = |role| {
            let place = schema.column_of(role)?;
            Some((role, Told { place, column: schema.columns[place].clone() }))
        };
        let columns = roles.filter_map(column).collect();
        Ok(CaptureWriter { writer, columns, rows, seen: 0, last: 0, unordered: 0, unfit: 0 })
    }

    /// Adds payloads of zeros, which are omitted by default.
    pub fn with_zeros(self) -> Self {
        CaptureWriter { writer: self.writer.with_payload(Payload::Zeros), ..self }
    }

    /// Writes the next packets.
    ///
    /// # Errors
    /// [`Halted`] when writing fails, or `progress` asks to stop.
    pub fn write(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        progress.step(Stage::Write, self.seen, self.rows)?;
        for row in 0..slice.rows() {
            let packet = self.packet(slice, row);
            let Some(packet) = packet.filter(|p| p.source.is_ipv4() == p.destination.is_ipv4()) else {
                self.unfit += 1;
                continue;
            };
            self.unordered += u64::from(packet.time < self.last);
            self.last = packet.time;
            self.writer.write(&packet).map_err(io::Error::other)?;
        }
        self.seen += slice.rows() as u64;
        Ok(())
    }

    /// A record as a packet; `None` without IP addresses.
    fn packet(&self, slice: &Trace, row: usize) -> Option<Packet> {
        // Defaults for fields that the trace does not have.
        let mut packet = Packet { header_words: 5, ttl: 64, ..Packet::default() };
        let mut flags = None;
        for (role, field) in &self.columns {
            let number = || field.number(slice, row).unwrap_or(0);
            match role {
                Role::SourceAddress => packet.source = field.address(slice, row)?,
                Role::DestinationAddress => packet.destination = field.address(slice, row)?,
                Role::Protocol => {
                    // An undeclared protocol gets a number that no packet has.
                    packet.protocol = number().min(protocols::RESERVED) as u8;
                }
                Role::Start => packet.time = field.number(slice, row)?,
                Role::SourcePort => packet.source_port = number() as u16,
                Role::DestinationPort => packet.destination_port = number() as u16,
                Role::Length => packet.length = number().min(u32::MAX.into()) as u32,
                Role::HeaderWords => packet.header_words = number().min(15) as u8,
                Role::Tos => packet.tos = number() as u8,
                Role::Identification => packet.identification = number() as u16,
                Role::IpFlags => packet.ip_flags = (number() & 7) as u8,
                Role::FragmentOffset => packet.fragment_offset = number().min(8_191) as u16,
                Role::Ttl => packet.ttl = number() as u8,
                _ => flags = field.flags(slice, row),
            }
        }
        let first = packet.fragment_offset == 0;
        packet.tcp_flags = flags.filter(|_| first && u64::from(packet.protocol) == protocols::TCP);
        Some(packet)
    }

    /// What of the trace differs in the capture, in words.
    pub fn notes(&self) -> Vec<String> {
        let counts = self.writer.counts();
        let notes = [
            (counts.lengthened, "packets were shorter than their headers and have the length of those"),
            (counts.shortened, "packets were longer than IP can say and have the longest length"),
            (self.unordered, "packets come before the packet before them"),
            (self.unfit, "records have no addresses of IP, or those of two families, and are left out"),
        ];
        let told = notes.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{count} {what}")).collect()
    }

    /// Completes the file.
    ///
    /// # Errors
    /// [`Halted`] when writing fails.
    pub fn finish(self) -> Result<(), Halted> {
        let (mut to, _) = self.writer.finish()?;
        Ok(to.flush()?)
    }
}
