//! A trace file opened: gzip recognised by its magic bytes, lines of bounded length.

use super::ReadError;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are looked at to tell text from anything else.
const HEAD: usize = 1 << 16;

/// Longest line: a record of a trace has a few hundred bytes, and memory must not follow a file without line ends.
const MAX_LINE: usize = 1 << 20;

/// The content of a trace file, decompressed.
pub type Input = Box<dyn BufRead + Send>;

/// Opens a file and checks that it looks like text.
pub fn open(path: &Path) -> Result<Input, ReadError> {
    let mut raw = BufReader::with_capacity(HEAD, File::open(path).map_err(ReadError::Io)?);
    let zipped = raw.fill_buf().map_err(ReadError::Io)?.starts_with(&GZIP);
    let content: Box<dyn Read + Send> =
        if zipped { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    let mut input = BufReader::with_capacity(HEAD, LineLimit { inner: content, since_line_end: 0 });
    let head = input.fill_buf().map_err(|error| failure(error, 0))?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    if head.contains(&0) {
        return Err(ReadError::NotCsv("it holds zero bytes"));
    }
    if head.len() == HEAD && !head.contains(&b'\n') {
        return Err(ReadError::NotCsv("it has no line ends"));
    }
    Ok(Box::new(input))
}

/// A read error after `line` lines as the steward should see it.
pub fn failure(error: io::Error, line: u64) -> ReadError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            ReadError::Damaged { line, reason: error.to_string() }
        }
        _ => ReadError::Io(error),
    }
}

/// Fails where a line goes on for longer than [`MAX_LINE`].
struct LineLimit<R> {
    inner: R,
    since_line_end: usize,
}

impl<R: Read> Read for LineLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.since_line_end = match buffer[..length].iter().rposition(|&byte| byte == b'\n') {
            Some(at) => length - at - 1,
            None => self.since_line_end + length,
        };
        if self.since_line_end > MAX_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 1 MiB"));
        }
        Ok(length)
    }
}
