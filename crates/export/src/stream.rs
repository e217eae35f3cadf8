//! The datagrams of a file: one, or several in sequence, as in IPFIX files (RFC 5655) and those of simple
//! collectors.

use crate::kind::extent;
use std::io::{self, Read};

/// Largest number of bytes of a datagram.
const LONGEST: usize = 65_535;

/// Finds datagrams in a stream of them, in 128 KiB of memory. IPFIX states its length and NetFlow v5 its
/// count; NetFlow v9 states neither, and ends where another header is in the place of a set.
#[derive(Debug)]
pub struct Datagrams<R> {
    from: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the end was reached.
    over: bool,
}

impl<R: Read> Datagrams<R> {
    /// A reader of a stream.
    pub fn new(from: R) -> Self {
        Datagrams { from, buffer: vec![0; 2 * (LONGEST + 1)], start: 0, end: 0, over: false }
    }

    /// The next datagram, `None` at the end. Where no datagram begins, the remaining bytes (of 64 KiB) are
    /// returned as the last one, which [`Exports::datagram`](crate::Exports::datagram) counts as not an
    /// export: later datagrams cannot be found.
    ///
    /// # Errors
    ///
    /// Those of the stream.
    pub fn next_datagram(&mut self) -> io::Result<Option<&[u8]>> {
        self.fill()?;
        let there = &self.buffer[self.start..self.end];
        let window = &there[..there.len().min(LONGEST)];
        if window.is_empty() {
            return Ok(None);
        }
        let length = match extent(window) {
            // A length of 0 is impossible: a header begins.
            Some(length) => length.min(window.len()),
            None => {
                self.over = true;
                self.end = self.start + window.len();
                window.len()
            }
        };
        let datagram = self.start..self.start + length;
        self.start = datagram.end;
        Ok(Some(&self.buffer[datagram]))
    }

    /// Fills the buffer with a whole datagram, unless the stream ends before.
    fn fill(&mut self) -> io::Result<()> {
        if self.over || self.end - self.start >= LONGEST {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < self.buffer.len() {
            match self.from.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.over = true;
                    break;
                }
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
