//! Flows reported by exporters: from a file of their datagrams, or from a capture of the packets that carry
//! these.

use super::super::Batches;
use super::{LeftOut, Source, SourceNotes, said, typed, unread};
use crate::ReadError;
use crate::packed::Packing;
use crate::source::FileFormat;
use netdpsyn_capture::Packet;
use netdpsyn_export::{Datagrams, ExportFormat, Exports, Flow, Limits};
use polars_arrow::array::Array;
use std::io::{BufReader, Read};
use std::net::SocketAddr;

/// Flows that wait to be returned.
struct Flows {
    exports: Exports,
    four: bool,
    /// Flows that were skipped because of their addresses.
    left_out: LeftOut,
    ended: bool,
    chosen: Vec<usize>,
    batch: Vec<Flow>,
}

impl Flows {
    fn new(four: bool) -> Self {
        let exports = Exports::new(Limits::default());
        Flows {
            exports,
            four,
            left_out: LeftOut::default(),
            ended: false,
            chosen: Vec::new(),
            batch: Vec::new(),
        }
    }

    fn datagram(&mut self, exporter: Option<SocketAddr>, received: Option<u64>, bytes: &[u8]) {
        let from = self.batch.len();
        self.exports.datagram(exporter, received, bytes, &mut self.batch);
        let mut kept = from;
        for at in from..self.batch.len() {
            let ends = [self.batch[at].source, self.batch[at].destination];
            if !self.left_out.takes(self.four, ends) {
                self.batch.swap(kept, at);
                kept += 1;
            }
        }
        self.batch.truncate(kept);
    }

    fn end(&mut self) {
        self.exports.finish();
        self.ended = true;
    }

    /// The gathered flows as arrays, if there are any.
    fn arrays(&mut self) -> Option<Vec<Box<dyn Array>>> {
        if self.batch.is_empty() {
            return None;
        }
        let column = |&position: &usize| typed::of_flows(position, &self.batch, self.four);
        let arrays = self.chosen.iter().map(column).collect();
        self.batch.clear();
        Some(arrays)
    }
}

/// Datagrams of a file.
pub struct Stored<'a> {
    kind: ExportFormat,
    packing: Option<Packing>,
    datagrams: Datagrams<BufReader<Box<dyn Read + Send + 'a>>>,
    flows: Flows,
}

impl<'a> Stored<'a> {
    pub fn new(
        kind: ExportFormat,
        bytes: BufReader<Box<dyn Read + Send + 'a>>,
        four: bool,
        packing: Option<Packing>,
    ) -> Self {
        Stored { kind, packing, datagrams: Datagrams::new(bytes), flows: Flows::new(four) }
    }
}

impl Batches for Stored<'_> {
    fn choose(&mut self, positions: Vec<usize>) {
        self.flows.chosen = positions;
    }

    fn next(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        while !self.flows.ended && self.flows.batch.len() < rows {
            let behind = self.flows.exports.tally().datagrams();
            let next = self.datagrams.next_datagram();
            let next =
                next.map_err(|error| unread(FileFormat::Export, error, &format!("datagram {behind}")))?;
            match next {
                Some(bytes) => self.flows.datagram(None, None, bytes),
                None => self.flows.end(),
            }
        }
        Ok(self.flows.arrays())
    }

    fn found(&self) -> SourceNotes {
        let tally = self.flows.exports.tally();
        let packed = said::packed(self.packing);
        let what = format!("{}{packed}, {} of them", self.kind, tally.datagrams());
        let mut notes = said::of_exports(tally);
        notes.extend(said::of_addresses("flows", self.flows.left_out));
        SourceNotes { what: Some(what), notes }
    }
}

/// Datagrams in the packets of a capture.
pub struct Carried<'a> {
    source: Source<'a>,
    flows: Flows,
    /// Number of packets without a datagram.
    others: u64,
}

impl<'a> Carried<'a> {
    pub fn new(mut source: Source<'a>, ports: Vec<u16>) -> Self {
        // The family of the exporter does not matter, only that of the flows.
        let four = std::mem::take(&mut source.four);
        source.reader = source.reader.with_datagrams(ports);
        Carried { source, flows: Flows::new(four), others: 0 }
    }
}

impl Batches for Carried<'_> {
    fn choose(&mut self, positions: Vec<usize>) {
        self.flows.chosen = positions;
    }

    fn next(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        let mut packet = Packet::default();
        while !self.flows.ended && self.flows.batch.len() < rows {
            if !self.source.next(&mut packet)? {
                self.flows.end();
                break;
            }
            match self.source.reader.datagram() {
                Some(bytes) => {
                    let exporter = SocketAddr::new(packet.source, packet.source_port);
                    self.flows.datagram(Some(exporter), Some(packet.time), bytes);
                }
                None => self.others += 1,
            }
        }
        Ok(self.flows.arrays())
    }

    fn found(&self) -> SourceNotes {
        let mut found = said::of_capture(&self.source);
        let others = self.others;
        let carried = || format!("{others} packets carry no flow exports to the ports that are looked at");
        found.notes.extend((others > 0).then(carried));
        found.notes.extend(said::of_exports(self.flows.exports.tally()));
        found.notes.extend(said::of_addresses("flows", self.flows.left_out));
        found
    }
}
