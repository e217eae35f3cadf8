//! Flows derived from packets by timeouts. All packets are read before the first flow is known, because a
//! late packet may belong to it.

use super::super::Batches;
use super::{Source, SourceNotes, said, typed};
use crate::ReadError;
use netdpsyn_capture::Packet;
use netdpsyn_capture::flows::{self, Builder, Directions};
use netdpsyn_export::Flow;
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::{Capture, capture};
use polars_arrow::array::Array;
use std::path::PathBuf;

/// Number of packets and flows that are sorted in memory: about 26 MiB.
const HELD: usize = 1 << 18;
/// Largest number of open flows: about 64 MiB. It is the same wherever a capture is read, since flows depend
/// on it.
const OPEN: usize = 1 << 18;

/// The flows of a capture, by start and ends.
pub struct Flows<'a> {
    source: Source<'a>,
    options: flows::FlowOptions,
    folder: PathBuf,
    progress: &'a dyn Progress,
    made: Option<flows::Flows>,
    chosen: Vec<usize>,
    batch: Vec<Flow>,
}

impl<'a> Flows<'a> {
    pub fn new(source: Source<'a>, declared: &Capture, folder: PathBuf, progress: &'a dyn Progress) -> Self {
        let options = flows::FlowOptions {
            active: declared.active().nanoseconds(),
            idle: declared.idle().nanoseconds(),
            directions: match declared.directions() {
                capture::Directions::One => Directions::One,
                capture::Directions::Two => Directions::Two,
            },
            held: HELD,
            open: OPEN,
        };
        Flows { source, options, folder, progress, made: None, chosen: Vec::new(), batch: Vec::new() }
    }

    /// Reads all packets.
    fn make(&mut self) -> Result<flows::Flows, ReadError> {
        let mut builder = Builder::new(self.options, &self.folder);
        let mut packet = Packet::default();
        while self.source.next(&mut packet)? {
            builder.add(&packet).map_err(ReadError::Io)?;
        }
        self.progress.check()?;
        builder.finish().map_err(ReadError::Io)
    }
}

/// A flow of packets in the form of an exported flow.
fn told(flow: flows::Flow) -> Flow {
    Flow {
        start: flow.start,
        end: flow.end,
        source: flow.source,
        destination: flow.destination,
        source_port: flow.source_port,
        destination_port: flow.destination_port,
        protocol: flow.protocol,
        packets: flow.packets,
        bytes: flow.bytes,
        reverse_packets: Some(flow.reverse_packets),
        reverse_bytes: Some(flow.reverse_bytes),
        tcp_flags: flow.tcp_flags,
        tos: Some(flow.tos),
    }
}

impl Batches for Flows<'_> {
    fn choose(&mut self, positions: Vec<usize>) {
        self.chosen = positions;
    }

    fn next(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        if self.made.is_none() {
            self.made = Some(self.make()?);
        }
        self.progress.check()?;
        self.batch.clear();
        for flow in self.made.iter_mut().flatten().take(rows) {
            self.batch.push(told(flow.map_err(ReadError::Io)?));
        }
        if self.batch.is_empty() {
            return Ok(None);
        }
        let column = |&position: &usize| typed::of_flows(position, &self.batch, self.source.four);
        Ok(Some(self.chosen.iter().map(column).collect()))
    }

    fn found(&self) -> SourceNotes {
        let mut found = said::of_capture(&self.source);
        if let Some(early) = self.made.as_ref().map(flows::Flows::early).filter(|early| *early > 0) {
            found.notes.push(format!("{early} flows ended early: more than {OPEN} were open at once"));
        }
        found
    }
}
