//! The records of pcap, one after the other, in the byte order and resolution of the file's magic number.

use super::input::Input;
use super::{Broken, LONGEST, Next, Record};
use crate::error::CaptureError;
use crate::kind::{self, Magic};
use std::io::{self, Read};

/// The parts of the file header that apply to every record.
pub(super) struct File {
    magic: Magic,
    link: u32,
    /// Files before version 2.4 may have captured and original length swapped.
    swapped: bool,
}

impl File {
    pub fn open<R: Read>(input: &mut Input<R>) -> Result<File, CaptureError> {
        const HEADER: usize = 24;
        if !input.have(HEADER)? {
            return Err(CaptureError::Header);
        }
        let header = input.bytes().first_chunk::<HEADER>().ok_or(CaptureError::Header)?;
        let magic = kind::pcap([header[0], header[1], header[2], header[3]])
            .ok_or(CaptureError::NotACapture("no magic of theirs"))?;
        let version = word(header, 4, magic.big);
        // The major number comes first in either byte order.
        let (major, minor) = if magic.big {
            ((version >> 16) as u16, version as u16)
        } else {
            (version as u16, (version >> 16) as u16)
        };
        if major != 2 {
            return Err(CaptureError::Version { major, minor });
        }
        // The upper half gives the length of a frame check sequence.
        let link = word(header, 20, magic.big) & 0xffff;
        input.pass(HEADER as u64)?;
        Ok(File { magic, link, swapped: minor < 4 })
    }

    pub fn next<R: Read>(&mut self, input: &mut Input<R>) -> io::Result<Next> {
        let header = if self.magic.modified { 24 } else { 16 };
        if !input.have(header)? {
            return Ok(if input.bytes().is_empty() { Next::End } else { Next::Cut });
        }
        let bytes = input.bytes();
        let word = |at| word(bytes, at, self.magic.big);
        let (seconds, fraction) = (u64::from(word(0)), u64::from(word(4)));
        let (mut captured, mut original) = (word(8), word(12));
        if self.swapped && captured > original {
            (captured, original) = (original, captured);
        }
        if captured > LONGEST {
            return Ok(Next::Broken(Broken::Length(captured)));
        }
        let captured = captured as usize;
        if !input.have(header + captured)? {
            return Ok(Next::Cut);
        }
        // Fractions of a second or more are carried over. Both numbers have 32 bits, so nothing overflows.
        let unit = if self.magic.nanoseconds { 1 } else { 1000 };
        Ok(Next::Record(Record {
            link: self.link,
            time: Some(Ok(seconds * 1_000_000_000 + fraction * unit)),
            original,
            at: header,
            captured,
            length: (header + captured) as u64,
        }))
    }
}

/// Four bytes in the byte order of the file; zero where there are none.
pub(super) fn word(bytes: &[u8], at: usize, big: bool) -> u32 {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    four.map_or(0, |four| if big { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) })
}
