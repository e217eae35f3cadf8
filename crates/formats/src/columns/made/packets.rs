//! One packet per record.

use super::super::Batches;
use super::{Source, SourceNotes, failure, said, typed};
use crate::ReadError;
use netdpsyn_capture::{Packet, Step};
use polars_arrow::array::Array;

/// The packets of a capture, in its order.
pub struct Packets<'a> {
    source: Source<'a>,
    chosen: Vec<usize>,
    batch: Vec<Packet>,
}

impl<'a> Packets<'a> {
    pub fn new(source: Source<'a>) -> Self {
        Packets { source, chosen: Vec::new(), batch: Vec::new() }
    }
}

impl Source<'_> {
    /// Reads the next packet that can be a record; `false` at the end.
    pub fn next(&mut self, packet: &mut Packet) -> Result<bool, ReadError> {
        loop {
            let step = self.reader.next(packet);
            match step.map_err(|error| failure(error, self.reader.packets()))? {
                Step::End => return Ok(false),
                Step::Skipped(_) => {}
                Step::Packet => {
                    if !self.left_out.takes(self.four, [packet.source, packet.destination]) {
                        return Ok(true);
                    }
                }
            }
        }
    }
}

impl Batches for Packets<'_> {
    fn choose(&mut self, positions: Vec<usize>) {
        self.chosen = positions;
    }

    fn next(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        self.batch.clear();
        let mut packet = Packet::default();
        while self.batch.len() < rows && self.source.next(&mut packet)? {
            self.batch.push(packet);
        }
        if self.batch.is_empty() {
            return Ok(None);
        }
        let column = |&position: &usize| typed::of_packets(position, &self.batch, self.source.four);
        Ok(Some(self.chosen.iter().map(column).collect()))
    }

    fn found(&self) -> SourceNotes {
        said::of_capture(&self.source)
    }
}
