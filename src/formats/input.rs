//! A trace file opened: gzip recognised by its magic bytes, told to stop by bytes read, and bounded: what a gzip file unpacks to, and a
//! record with the blank lines before it.
//!
//! What reads a trace goes by records, and a file need not have any: ten gigabytes of line ends are one record that never comes. So the
//! switch and the limits are looked at here, every block.

use super::ReadError;
use crate::progress::{Cancelled, Progress};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use thiserror::Error;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are looked at to tell text from anything else, and bytes between two looks at the switch.
const HEAD: usize = 1 << 16;

/// Longest record, with the blank lines before it: a record of a trace has a few hundred bytes, and memory must follow neither a file without line
/// ends nor a quote that is never closed.
const MAX_RECORD: u64 = 1 << 20;

/// What a gzip file may unpack to whatever its size: a few identical records shrink to nearly nothing.
const SMALL: u64 = 16 << 20;

/// What a gzip file may unpack to, all its members together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes at most.
    pub bytes: u64,
    /// Times the size of the file, at most; 16 MiB are read in any case.
    pub ratio: u64,
}

impl Limits {
    /// For a file of one's own.
    pub const NONE: Limits = Limits { bytes: u64::MAX, ratio: u64::MAX };

    /// The most bytes that a file of `packed` bytes may unpack to, and which limit says so.
    fn of(self, packed: u64) -> (u64, Limit) {
        let by_ratio = packed.saturating_mul(self.ratio).max(SMALL);
        if by_ratio < self.bytes { (by_ratio, Limit::Ratio) } else { (self.bytes, Limit::Bytes) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::NONE
    }
}

/// Which of the [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::bytes`]
    Bytes,
    /// [`Limits::ratio`]
    Ratio,
}

/// Why reading ends before the file does, on its way through readers that know I/O errors alone.
#[derive(Debug, Error)]
enum Ended {
    #[error("cancelled")]
    Cancelled,
    #[error("unpacks to more than {0} bytes")]
    Unpacked(u64, Limit),
    #[error("a record is longer than 1 MiB")]
    LongRecord,
}

impl From<Ended> for io::Error {
    fn from(ended: Ended) -> Self {
        io::Error::other(ended)
    }
}

/// The content of a trace file, decompressed.
pub struct Input<'a> {
    content: BufReader<Bounded<'a, Box<dyn Read + Send + 'a>>>,
    since_record: u64,
}

impl Input<'_> {
    /// A record begins: what is read from here on counts as its own.
    pub fn begin_record(&mut self) {
        self.since_record = 0;
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_record > MAX_RECORD {
            return Err(Ended::LongRecord.into());
        }
        let length = self.content.read(buffer)?;
        self.since_record += length as u64;
        Ok(length)
    }
}

/// Opens a file and checks that it looks like text.
pub fn open<'a>(path: &Path, limits: Limits, progress: &'a dyn Progress) -> Result<Input<'a>, ReadError> {
    let file = File::open(path).map_err(ReadError::Io)?;
    let packed = file.metadata().map_err(ReadError::Io)?.len();
    // Looked at on this side, too: members of a gzip file may be empty, and then nothing comes out of it.
    let raw = Bounded { inner: file, read: 0, most: (u64::MAX, Limit::Bytes), progress };
    let mut raw = BufReader::with_capacity(HEAD, raw);
    let zipped = raw.fill_buf().map_err(|error| failure(error, 0))?.starts_with(&GZIP);
    let (most, inner): (_, Box<dyn Read + Send + 'a>) = match zipped {
        true => (limits.of(packed), Box::new(MultiGzDecoder::new(raw))),
        false => ((u64::MAX, Limit::Bytes), Box::new(raw)),
    };
    let content = Bounded { inner, read: 0, most, progress };
    let mut content = BufReader::with_capacity(HEAD, content);
    let head = content.fill_buf().map_err(|error| failure(error, 0))?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    if head.contains(&0) {
        return Err(ReadError::NotCsv("it holds zero bytes"));
    }
    if head.len() == HEAD && !head.contains(&b'\n') {
        return Err(ReadError::NotCsv("it has no line ends"));
    }
    Ok(Input { content, since_record: 0 })
}

/// A read error after `line` lines as the steward should see it.
pub fn failure(error: io::Error, line: u64) -> ReadError {
    let error = match error.downcast::<Ended>() {
        Ok(Ended::Cancelled) => return Cancelled.into(),
        Ok(Ended::Unpacked(most, by)) => return ReadError::Unpacked { most, by },
        Ok(Ended::LongRecord) => return ReadError::LongRecord { line },
        Err(error) => error,
    };
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            ReadError::Damaged { line, reason: error.to_string() }
        }
        _ => ReadError::Io(error),
    }
}

/// Looks at the switch before every read, and fails beyond a number of bytes.
struct Bounded<'a, R> {
    inner: R,
    read: u64,
    most: (u64, Limit),
    progress: &'a dyn Progress,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.progress.check().map_err(|Cancelled| Ended::Cancelled)?;
        let length = self.inner.read(buffer)?;
        self.read += length as u64;
        match self.most {
            (most, by) if self.read > most => Err(Ended::Unpacked(most, by).into()),
            _ => Ok(length),
        }
    }
}
