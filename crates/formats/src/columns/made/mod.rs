//! Records that are derived from non-tabular files: packets of captures, flows derived from these, flows
//! reported by exporters.
//!
//! The first bytes of a file determine its format; the schema determines what its records are
//! ([`netdpsyn_trace::Capture`]). The columns have the names of the layouts `packet-flags` and `flow`, and
//! types, so that the reader of typed columns applies. Memory is that of one batch and, where flows are
//! derived from packets, that of the open flows; the rest goes to unnamed scratch files.
//!
//! | file | idea |
//! | --- | --- |
//! | `packets` | one packet per record |
//! | `flows` | flows by timeouts, all derived before the first is returned |
//! | `exports` | flows of datagrams, from a file of them or from a capture |
//! | `typed` | both as typed arrays |
//! | `said` | what was skipped, in words |

mod exports;
mod flows;
mod packets;
mod said;
mod typed;

use super::{Batches, Columns};
use crate::ReadError;
use crate::input::{self, Input};
use crate::packed::{Broken, Packing};
use crate::source::{FileFormat, Head};
use netdpsyn_capture::{CaptureError, Reader, Tunnels};
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::{Address, Capture, RecordKind, Schema, capture};
use std::io::{self, BufReader, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The source of derived records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A packet capture.
    Capture(netdpsyn_capture::CaptureFormat),
    /// Datagrams of flow exporters.
    Export(netdpsyn_export::ExportFormat),
}

impl Made {
    /// Recognises a source by the first 64 KiB of a file, or all of it.
    pub fn of(head: &[u8]) -> Option<Made> {
        if let Some(kind) = netdpsyn_capture::format_of(head) {
            return Some(Made::Capture(kind));
        }
        let export = netdpsyn_export::format_of(head);
        export.filter(|kind| kind.converted_by().is_none()).map(Made::Export)
    }

    /// The format.
    pub fn format(self) -> FileFormat {
        match self {
            Made::Capture(_) => FileFormat::Capture,
            Made::Export(_) => FileFormat::Export,
        }
    }
}

/// The parts of a schema that determine how records are derived.
#[derive(Clone, Copy, Debug, Default)]
pub struct Making<'a> {
    /// Flows or packets, where it is known.
    pub kind: Option<RecordKind>,
    /// Whether addresses are of IPv4 alone: others are skipped.
    pub four: bool,
    /// The folder for scratch files; by default that of the system.
    pub scratch: Option<&'a Path>,
}

/// What a file is, and what was skipped.
#[derive(Clone, Debug, Default)]
pub struct SourceNotes {
    /// What it is, in words.
    pub what: Option<String>,
    /// What was skipped and why, in words with counts.
    pub notes: Vec<String>,
}

/// The most memory, in bytes, that reading takes where a schema makes flows of packets; 0 for other files.
pub fn making_bytes(schema: &Schema) -> u64 {
    let capture = schema.reading.capture.as_ref();
    let flows = capture.is_some_and(|capture| capture.records == Some(capture::Records::Flows));
    if flows { netdpsyn_capture::flows::FlowOptions::default().memory_bytes() as u64 } else { 0 }
}

/// Opens the derived records of a capture or of datagrams.
pub fn open<'a>(
    made: Made,
    input: Input<'a>,
    declared: Option<&Capture>,
    making: Making<'_>,
    progress: &'a dyn Progress,
) -> Result<(Vec<Head>, Columns<'a>), ReadError> {
    let format = made.format();
    let packing = input.packing();
    let wrong = |reason: &str| Err(super::broken(format, reason));
    let declared = declared.cloned().unwrap_or_default();
    let bytes = input.into_bytes();
    let batches: Box<dyn Batches + 'a> = match made {
        Made::Capture(_) => {
            let tunnels = match declared.tunnels() {
                capture::Tunnels::Outer => Tunnels::Outer,
                capture::Tunnels::Inner => Tunnels::Inner,
            };
            let reader = Reader::new(bytes, tunnels).map_err(|error| failure(error, 0))?;
            let source = Source { reader, four: making.four, left_out: LeftOut::default(), packing };
            match declared.records(making.kind) {
                capture::Records::Packets => Box::new(packets::Packets::new(source)),
                capture::Records::Flows => {
                    let folder = making.scratch.map_or_else(std::env::temp_dir, PathBuf::from);
                    Box::new(flows::Flows::new(source, &declared, folder, progress))
                }
                capture::Records::Exports => Box::new(exports::Carried::new(source, declared.ports())),
            }
        }
        Made::Export(kind) => {
            if !declared.is_plain() && declared.records != Some(capture::Records::Exports) {
                return wrong(
                    "it holds datagrams of flow exporters, each flow of which is a record: remove the declarations about captures from `reading`",
                );
            }
            Box::new(exports::Stored::new(kind, bytes, making.four, packing))
        }
    };
    let is_packets =
        matches!(made, Made::Capture(_)) && declared.records(making.kind) == capture::Records::Packets;
    let heads = if is_packets { typed::packet_heads() } else { typed::flow_heads() };
    let columns = Columns::of(format, &heads, batches);
    Ok((heads, columns))
}

/// A capture with counts of what is skipped in addition to what its reader skips.
struct Source<'a> {
    reader: Reader<BufReader<Box<dyn Read + Send + 'a>>>,
    four: bool,
    /// Packets that were skipped because of their addresses.
    left_out: LeftOut,
    packing: Option<Packing>,
}

/// Records skipped because of their addresses.
#[derive(Clone, Copy, Debug, Default)]
struct LeftOut {
    /// Of IPv6, where addresses are of IPv4 alone.
    six: u64,
    /// Of unassigned IPv6 ranges, where addresses are of any family.
    nobodys: u64,
}

impl LeftOut {
    /// Whether a record with these addresses can be read; skipped ones are counted.
    fn takes(&mut self, four: bool, ends: [IpAddr; 2]) -> bool {
        let six = four && ends.iter().any(IpAddr::is_ipv6);
        let nobodys = !four && ends.iter().any(|ip| Address::of_ip(*ip).key().is_none());
        self.six += u64::from(six);
        self.nobodys += u64::from(nobodys);
        six || nobodys
    }
}

/// Converts an error of a capture.
fn failure(error: CaptureError, packet: u64) -> ReadError {
    match error {
        CaptureError::Io(error) => unread(FileFormat::Capture, error, &format!("packet {packet}")),
        error => super::broken(FileFormat::Capture, error),
    }
}

/// Converts an I/O error; for a compressed file, states after which record it is damaged.
fn unread(format: FileFormat, error: io::Error, behind: &str) -> ReadError {
    match error.downcast::<Broken>() {
        Ok(Broken { packing, reason }) => super::broken(
            format,
            format!("the {packing} stream is cut off or damaged after {behind}: {reason}"),
        ),
        Err(error) => input::failure(error, 0),
    }
}
