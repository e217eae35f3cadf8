//! External sorting: sorted runs in scratch files, merged as they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::marker::PhantomData;
use std::path::PathBuf;

/// A record with a fixed encoding in bytes.
pub(crate) trait Record: Copy + Ord {
    /// An array long enough for any record.
    type Bytes: AsRef<[u8]> + AsMut<[u8]> + Default;

    fn encode(&self) -> Self::Bytes;
    fn decode(bytes: &Self::Bytes) -> Self;
}

/// Number of runs of one size that are merged into one of the next size: so many files per size are open, and
/// each record is written once per size.
const FAN: usize = 32;
/// Size of the buffer of each file in bytes.
const BUFFER: usize = 64 << 10;

/// Takes records in any order.
pub(crate) struct Sorter<T> {
    folder: PathBuf,
    most: usize,
    held: Vec<T>,
    /// By size, from the smallest.
    runs: Vec<Vec<Run<T>>>,
}

impl<T: Record> Sorter<T> {
    /// Keeps at most `most` records in memory, and writes the others to unnamed files in `folder`.
    pub fn new(folder: PathBuf, most: usize) -> Sorter<T> {
        Sorter { folder, most: most.max(1), held: Vec::new(), runs: Vec::new() }
    }

    pub fn push(&mut self, record: T) -> io::Result<()> {
        if self.held.len() >= self.most {
            self.held.sort_unstable();
            let run = write(&self.folder, self.held.drain(..).map(Ok))?;
            self.add(run, 0)?;
        }
        self.held.push(record);
        Ok(())
    }

    fn add(&mut self, run: Run<T>, size: usize) -> io::Result<()> {
        if self.runs.len() <= size {
            self.runs.push(Vec::new());
        }
        self.runs[size].push(run);
        if self.runs[size].len() >= FAN {
            let runs = std::mem::take(&mut self.runs[size]);
            let merged = write(&self.folder, Merge::of(runs)?)?;
            self.add(merged, size + 1)?;
        }
        Ok(())
    }

    /// All records in ascending order.
    pub fn finish(mut self) -> io::Result<Sorted<T>> {
        self.held.sort_unstable();
        if self.runs.is_empty() {
            return Ok(Sorted::Held(self.held.into_iter()));
        }
        let last = write(&self.folder, self.held.into_iter().map(Ok))?;
        let runs = self.runs.into_iter().flatten().chain([last]).collect();
        Ok(Sorted::Merged(Merge::of(runs)?))
    }
}

/// The records of a sorter in ascending order.
pub(crate) enum Sorted<T> {
    Held(std::vec::IntoIter<T>),
    Merged(Merge<T>),
}

impl<T: Record> Iterator for Sorted<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        match self {
            Sorted::Held(records) => records.next().map(Ok),
            Sorted::Merged(merge) => merge.next(),
        }
    }
}

/// A scratch file of sorted records.
pub(crate) struct Run<T> {
    from: BufReader<File>,
    left: u64,
    record: PhantomData<T>,
}

impl<T: Record> Run<T> {
    fn next(&mut self) -> io::Result<Option<T>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut bytes = T::Bytes::default();
        self.from.read_exact(bytes.as_mut())?;
        Ok(Some(T::decode(&bytes)))
    }
}

fn write<T: Record>(
    folder: &std::path::Path,
    records: impl Iterator<Item = io::Result<T>>,
) -> io::Result<Run<T>> {
    let mut to = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(folder)?);
    let mut left = 0;
    for record in records {
        to.write_all(record?.encode().as_ref())?;
        left += 1;
    }
    let mut file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(Run { from: BufReader::with_capacity(BUFFER, file), left, record: PhantomData })
}

/// Several runs, merged.
pub(crate) struct Merge<T> {
    runs: Vec<Run<T>>,
    /// The next record of each run.
    next: BinaryHeap<Reverse<(T, usize)>>,
}

impl<T: Record> Merge<T> {
    fn of(mut runs: Vec<Run<T>>) -> io::Result<Merge<T>> {
        let mut next = BinaryHeap::with_capacity(runs.len());
        for (at, run) in runs.iter_mut().enumerate() {
            next.extend(run.next()?.map(|record| Reverse((record, at))));
        }
        Ok(Merge { runs, next })
    }
}

impl<T: Record> Iterator for Merge<T> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<io::Result<T>> {
        let mut top = self.next.peek_mut()?;
        let Reverse((record, at)) = *top;
        match self.runs[at].next() {
            Ok(Some(following)) => *top = Reverse((following, at)),
            Ok(None) => {
                std::collections::binary_heap::PeekMut::pop(top);
            }
            Err(error) => {
                // An incomplete merge must not be used.
                drop(top);
                self.next.clear();
                return Some(Err(error));
            }
        }
        Some(Ok(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Record for u64 {
        type Bytes = [u8; 8];

        fn encode(&self) -> [u8; 8] {
            self.to_be_bytes()
        }

        fn decode(bytes: &[u8; 8]) -> u64 {
            u64::from_be_bytes(*bytes)
        }
    }

    #[test]
    fn records_of_many_runs_come_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        // With one record in memory, 32 runs make one of the next size, and 1024 one of the size after that.
        for (count, most) in [(0, 4), (3, 4), (4, 4), (5, 4), (1500, 1), (10_000, 7)] {
            let mut sorter = Sorter::new(folder.path().into(), most);
            let mut expected: Vec<u64> =
                (0..count).map(|at: u64| at.wrapping_mul(0x9e37_79b9) % 1000).collect();
            for record in &expected {
                sorter.push(*record).expect("set aside");
            }
            let sorted: Result<Vec<u64>, _> = sorter.finish().expect("merged").collect();
            expected.sort_unstable();
            assert_eq!(sorted.expect("read"), expected);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "no file has a name");
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let mut sorter = Sorter::new("/nowhere/at/all".into(), 1);
        sorter.push(1u64).expect("held");
        assert!(sorter.push(2).is_err());
    }
}
