//! Opens a text file: decompresses it, checks for cancellation by bytes read, and limits the decompressed
//! size and the length of a record including blank lines before it.
//!
//! Readers of a trace check by records, and a file need not have any: ten gigabytes of line ends are one
//! record that never ends. So cancellation and limits are checked here, for every block.

use super::packed::{Broken, Packing, Unpacker};
use super::{Container, ReadError};
use netdpsyn_trace::progress::{Cancelled, Progress};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use thiserror::Error;

/// Number of bytes that distinguish text from other files, and bytes between cancellation checks.
const HEAD: usize = 1 << 16;

/// The longest record, including blank lines before it: a record of a trace has a few hundred bytes, and
/// memory must depend neither on a file without line ends nor on a quote that is never closed.
pub(super) const MAX_RECORD: u64 = 1 << 20;

/// The decompressed size that is accepted for any file: a few identical records compress to almost nothing.
const SMALL: u64 = 16 << 20;

/// Limits of the decompressed size of a file, over all its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of bytes.
    pub bytes: u64,
    /// Largest ratio to the size of the file; 16 MiB are accepted in any case.
    pub ratio: u64,
}

impl Limits {
    /// No limits, for one's own files.
    pub const NONE: Limits = Limits { bytes: u64::MAX, ratio: u64::MAX };

    /// The largest decompressed size of a file of `packed` bytes, and the limit that applies.
    pub(super) fn of(self, packed: u64) -> (u64, Limit) {
        let by_ratio = packed.saturating_mul(self.ratio).max(SMALL);
        if by_ratio < self.bytes { (by_ratio, Limit::Ratio) } else { (self.bytes, Limit::Bytes) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::NONE
    }
}

/// One of the [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::bytes`]
    Bytes,
    /// [`Limits::ratio`]
    Ratio,
}

/// Why reading ends before the end of the file; passed through readers whose errors are I/O errors.
#[derive(Debug, Error)]
pub(super) enum Ended {
    #[error("cancelled")]
    Cancelled,
    #[error("unpacks to more than {0} bytes")]
    Unpacked(u64, Limit, Packing),
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
    content: BufReader<Box<dyn Read + Send + 'a>>,
    since_record: u64,
    packing: Option<Packing>,
}

impl<'a> Input<'a> {
    /// The compression of the file.
    pub fn packing(&self) -> Option<Packing> {
        self.packing
    }

    /// The first bytes, which are still to be read.
    pub fn head(&self) -> &[u8] {
        self.content.buffer()
    }

    /// The whole content as bytes, without limits on records.
    pub(super) fn into_bytes(self) -> BufReader<Box<dyn Read + Send + 'a>> {
        self.content
    }

    /// The content, if it looks like text.
    pub(super) fn of_text(self) -> Result<Input<'a>, ReadError> {
        let head = self.head();
        if let Some(what) = super::foreign::foreign(head) {
            return Err(ReadError::NoTrace(what));
        }
        if head.contains(&0) {
            return Err(ReadError::NoTrace("it holds zero bytes"));
        }
        // An array of objects may be on one line: each object is limited separately.
        let array = super::source::begins(&self) == Some(b'[');
        if !array && head.len() == HEAD && !head.contains(&b'\n') && !head.contains(&b'\r') {
            return Err(ReadError::NoTrace("it has no line ends"));
        }
        Ok(self)
    }

    /// Reads the whole head at once: decompressors return smaller pieces, and datagrams are recognised by
    /// whole ones.
    fn with_whole_head(self) -> io::Result<Input<'a>> {
        let mut head = self.content.buffer().to_vec();
        let mut rest = self.content.into_inner();
        let missing = HEAD.saturating_sub(head.len()) as u64;
        rest.by_ref().take(missing).read_to_end(&mut head)?;
        let whole: Box<dyn Read + Send + 'a> = Box::new(io::Cursor::new(head).chain(rest));
        let mut content = BufReader::with_capacity(HEAD, whole);
        content.fill_buf()?;
        Ok(Input { content, ..self })
    }

    /// Marks the beginning of a record: the following bytes count as its own.
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

/// The first bytes of a file, without decompression.
pub(super) fn first_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(ReadError::Io)?;
    file.take(8).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    Ok(bytes)
}

/// Opens a file and checks that it looks like text.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, or is not text.
pub fn open<'a>(path: &Path, limits: Limits, progress: &'a dyn Progress) -> Result<Input<'a>, ReadError> {
    unpacked(path, limits, progress)?.of_text()
}

/// Opens a file with any content.
pub(super) fn unpacked<'a>(
    path: &Path,
    limits: Limits,
    progress: &'a dyn Progress,
) -> Result<Input<'a>, ReadError> {
    let mut file = File::open(path).map_err(ReadError::Io)?;
    let packed = file.metadata().map_err(ReadError::Io)?.len();
    // Checked before decompression too: members of a gzip file may be empty, and then nothing comes out.
    let raw = File::open(path).map_err(ReadError::Io)?;
    let raw = Bounded { inner: raw, read: 0, most: None, progress };
    let mut raw = BufReader::with_capacity(HEAD, raw);
    let packing = Packing::of(raw.fill_buf().map_err(|error| failure(error, 0))?);
    let (most, inner): (_, Box<dyn Read + Send + 'a>) = match packing {
        Some(packing) => {
            let inner = packing.open(raw, &mut file);
            let inner = inner.map_err(|error| failure(packing.complaint(error), 0))?;
            let (most, by) = limits.of(packed);
            (Some((most, by, packing)), Box::new(Unpacker { inner, packing }))
        }
        None => (None, Box::new(raw)),
    };
    let content: Box<dyn Read + Send + 'a> = Box::new(Bounded { inner, read: 0, most, progress });
    let mut content = BufReader::with_capacity(HEAD, content);
    let head = content.fill_buf().map_err(|error| failure(error, 0))?;
    if head.is_empty() {
        return Err(ReadError::Empty);
    }
    if packing.is_some() && (super::source::columnar(head).is_some() || Packing::of(head).is_some()) {
        return Err(ReadError::NoTrace("it is packed twice; Parquet and Arrow files are read as they are"));
    }
    // Text does not begin like this, and recognising captures and datagrams takes more than their first
    // piece.
    let binary = head.len() < HEAD && matches!(head, [0, 5 | 9 | 10, ..] | [0x0a, 0x0d, 0x0d, ..] | [0]);
    let input = Input { content, since_record: 0, packing };
    if binary { input.with_whole_head().map_err(|error| failure(error, 0)) } else { Ok(input) }
}

/// A read error after `line` lines, for the steward.
pub fn failure(error: io::Error, line: u64) -> ReadError {
    let error = match error.downcast::<Ended>() {
        Ok(Ended::Cancelled) => return Cancelled.into(),
        Ok(Ended::Unpacked(most, by, packing)) => {
            return ReadError::Unpacked { most, by, of: Container::Packed(packing) };
        }
        Ok(Ended::LongRecord) => return ReadError::LongRecord { line },
        Err(error) => error,
    };
    match error.downcast::<Broken>() {
        Ok(Broken { packing, reason }) => ReadError::Damaged { line, reason, packing },
        Err(error) => ReadError::Io(error),
    }
}

/// Checks for cancellation before every read, and fails beyond a number of bytes.
struct Bounded<'a, R> {
    inner: R,
    read: u64,
    most: Option<(u64, Limit, Packing)>,
    progress: &'a dyn Progress,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.progress.check().map_err(|Cancelled| Ended::Cancelled)?;
        let length = self.inner.read(buffer)?;
        self.read += length as u64;
        match self.most {
            Some((most, by, packing)) if self.read > most => Err(Ended::Unpacked(most, by, packing).into()),
            _ => Ok(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bound, ReadOptions, bind, check, hints::hints, read, split_rows};
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use netdpsyn_trace::progress::{Quiet, Switch};
    use netdpsyn_trace::{Column, Field, RecordKind, Schema};
    use std::io::Write;
    use std::time::{Duration, Instant};

    /// A trace of one column.
    fn ports() -> Schema {
        let columns = vec![Column::new("port", Field::Port)];
        Schema {
            name: "ports".into(),
            kind: RecordKind::Flow,
            columns,
            facts: vec![],
            mtu: None,
            window: None,
            reading: netdpsyn_trace::Reading::default(),
        }
    }

    fn gzip(pieces: impl IntoIterator<Item = Vec<u8>>) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut to = GzEncoder::new(&file, Compression::default());
        pieces.into_iter().for_each(|piece| to.write_all(&piece).unwrap());
        to.finish().unwrap();
        file
    }

    /// A header, and `megabytes` of repetitions of one line.
    fn many(line: &str, megabytes: usize) -> tempfile::NamedTempFile {
        let block = line.repeat((1 << 20) / line.len()).into_bytes();
        gzip(std::iter::once(b"port\n80\n".to_vec()).chain((0..megabytes).map(move |_| block.clone())))
    }

    fn bound(path: &Path) -> Result<Bound, ReadError> {
        bind(path, ports(), Limits::NONE, &Quiet)
    }

    fn checked(path: &Path, limits: Limits) -> Result<(), ReadError> {
        let bound = bind(path, ports(), limits, &Quiet)?;
        check(path, &bound, ReadOptions { limits, ..ReadOptions::default() }, &Quiet).map(|_| ())
    }

    #[test]
    fn a_bomb_is_refused_by_its_bytes_or_its_ratio() {
        let file = many("80\n", 20);
        let ratio = Limits { bytes: u64::MAX, ratio: 1 };
        let refused = checked(file.path(), ratio);
        assert!(
            matches!(refused, Err(ReadError::Unpacked { most: SMALL, by: Limit::Ratio, .. })),
            "{refused:?}"
        );
        let bytes = Limits { bytes: 19 << 20, ratio: u64::MAX };
        let refused = checked(file.path(), bytes);
        assert!(
            matches!(refused, Err(ReadError::Unpacked { most, by: Limit::Bytes, .. }) if most == 19 << 20)
        );
        let bound = bound(file.path()).unwrap();
        let options = ReadOptions { limits: bytes, ..ReadOptions::default() };
        assert!(matches!(read(file.path(), &bound, options, &Quiet), Err(ReadError::Unpacked { .. })));
        // Up to the limit the file is accepted, and a small file may have any ratio.
        checked(file.path(), Limits { bytes: 21 << 20, ratio: u64::MAX }).unwrap();
        checked(many("80\n", 15).path(), Limits { bytes: u64::MAX, ratio: 1 }).unwrap();
    }

    #[test]
    fn members_count_together_and_a_plain_file_unpacks_to_nothing() {
        let member = std::fs::read(many("80\n", 6).path()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        (0..3).for_each(|_| file.write_all(&member).unwrap());
        let limits = Limits { bytes: 17 << 20, ratio: u64::MAX };
        assert!(matches!(
            checked(file.path(), limits),
            Err(ReadError::Unpacked { .. } | ReadError::BadRecords(_))
        ));
        let total = open(file.path(), limits, &Quiet).map(|mut input| io::copy(&mut input, &mut io::sink()));
        assert!(total.is_ok_and(|copied| copied.is_err()));
        let mut plain = tempfile::NamedTempFile::new().unwrap();
        plain.write_all(format!("port\n{}", "80\n".repeat(100)).as_bytes()).unwrap();
        checked(plain.path(), Limits { bytes: 10, ratio: 0 }).unwrap();
    }

    #[test]
    fn blank_lines_and_lines_without_end_are_long_records() {
        let blank = [many("\n", 3), many("\r\n", 3)];
        let long = gzip([b"port\n80\n".to_vec(), b"1".repeat(2 << 20)]);
        let header = gzip([b"\n".to_vec().repeat(3 << 20), b"port\n80\n".to_vec()]);
        for file in blank.iter().chain([&long]) {
            let path = file.path();
            assert!(matches!(checked(path, Limits::NONE), Err(ReadError::LongRecord { line: 2 | 3 })));
            let bound = bound(path).unwrap();
            assert!(matches!(hints(path, &bound, &Quiet), Err(ReadError::LongRecord { .. })));
            let split = split_rows(path, io::sink(), io::sink(), &Quiet);
            assert!(matches!(split, Err(ReadError::LongRecord { .. })));
        }
        assert!(matches!(bound(header.path()), Err(ReadError::LongRecord { .. })));
        // A few of both are accepted.
        let some = gzip([b"port\n80\n".to_vec(), b"\n".repeat(1 << 19), b"443\n\"22\"\n".to_vec()]);
        checked(some.path(), Limits::NONE).unwrap();
    }

    /// Cancels at this check.
    struct After(std::sync::atomic::AtomicI64);

    impl Progress for After {
        fn report(&self, _: netdpsyn_trace::Stage, _: u64, _: u64) {}
        fn is_cancelled(&self) -> bool {
            self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) <= 0
        }
    }

    #[test]
    fn reading_stops_by_bytes_whatever_the_file_holds() {
        // Blank lines that are never too many in a row, records that cannot be read, and empty members.
        let piece = [b"\n".repeat(1 << 19), b"80\n".to_vec()].concat();
        let sparse = gzip(std::iter::once(b"port\n".to_vec()).chain((0..40).map(move |_| piece.clone())));
        let bad = many("no port\n", 20);
        let mut empty = tempfile::NamedTempFile::new().unwrap();
        empty.write_all(&std::fs::read(gzip([b"port\n80\n".to_vec()]).path()).unwrap()).unwrap();
        empty.write_all(&std::fs::read(gzip([]).path()).unwrap().repeat(100_000)).unwrap();
        for (what, file) in [("sparse", &sparse), ("bad", &bad), ("empty", &empty)] {
            let all = After(i64::MAX.into());
            let options = ReadOptions { tolerance: 1.0, ..ReadOptions::default() };
            let bound = bound(file.path()).unwrap();
            check(file.path(), &bound, options, &all).unwrap();
            let asked = i64::MAX - all.0.load(std::sync::atomic::Ordering::Relaxed);
            assert!(asked >= 25, "{what}: asked {asked} times");
            let stopped = check(file.path(), &bound, options, &After((asked / 2).into()));
            assert!(matches!(stopped, Err(ReadError::Cancelled(_))), "{what}");
        }
    }

    #[test]
    fn a_hundred_megabytes_of_nothing_take_no_time() {
        let zeros = vec![b'\n'; 1 << 20];
        let file = gzip(std::iter::once(b"port\n80\n".to_vec()).chain((0..100).map(move |_| zeros.clone())));
        let start = Instant::now();
        assert!(matches!(checked(file.path(), Limits::NONE), Err(ReadError::LongRecord { .. })));
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
        let switch = Switch::default();
        switch.cancel();
        let stopped = bind(file.path(), ports(), Limits::NONE, &switch);
        assert!(matches!(stopped, Err(ReadError::Cancelled(_))));
    }
}
