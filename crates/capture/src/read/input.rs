//! A buffer between a reader and the parser.

use super::BUFFER;
use std::io::{self, ErrorKind, Read};

pub(super) struct Input<R> {
    from: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Whether the reader has reached its end.
    drained: bool,
}

impl<R: Read> Input<R> {
    pub fn new(from: R) -> Input<R> {
        Input { from, buffer: vec![0; BUFFER].into(), start: 0, end: 0, drained: false }
    }

    /// Whether `count` bytes are available; if so, [`Self::bytes`] contains them. At most [`BUFFER`] bytes
    /// can be requested.
    pub fn have(&mut self, count: usize) -> io::Result<bool> {
        if self.end - self.start >= count {
            return Ok(true);
        }
        self.fill(count)
    }

    #[cold]
    fn fill(&mut self, count: usize) -> io::Result<bool> {
        if count > BUFFER {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < count && !self.drained {
            match self.from.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.drained = true,
                Ok(read) => self.end = (self.end + read).min(BUFFER),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end >= count)
    }

    /// The buffered bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Skips `count` bytes, and returns whether there were as many.
    pub fn pass(&mut self, count: u64) -> io::Result<bool> {
        let mut left = count;
        loop {
            let here = (self.end - self.start) as u64;
            if left <= here {
                self.start += left as usize;
                return Ok(true);
            }
            left -= here;
            self.start = self.end;
            if !self.have(1)? {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a byte at a time, with an interruption before each.
    struct Slow(Vec<u8>, bool);

    impl Read for Slow {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            match (self.0.pop(), to.first_mut()) {
                (Some(byte), Some(place)) => {
                    *place = byte;
                    Ok(1)
                }
                _ => Ok(0),
            }
        }
    }

    #[test]
    fn bytes_come_as_they_are_asked_for() {
        let mut input = Input::new(Slow((0..10).rev().collect(), false));
        assert!(input.have(3).expect("read"));
        assert_eq!(input.bytes(), [0, 1, 2]);
        assert!(input.pass(5).expect("read"));
        assert!(!input.have(6).expect("read"));
        assert_eq!(input.bytes(), [5, 6, 7, 8, 9]);
        assert!(!input.have(BUFFER + 1).expect("no more than fit"));
        assert!(!input.pass(6).expect("read"));
    }
}
