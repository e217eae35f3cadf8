//! Columns set aside while more data than fits in memory is sorted: in memory, or in an unnamed file.
//!
//! The file is unlinked when it is created, so nothing is left behind however the process ends. A block is
//! stored column by column: the smallest value, and the difference of each value from it in the smallest
//! integer type that holds it.

use crate::Values;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes before the values of a column: its width, that of its codes, its smallest value.
const HEAD: usize = 10;

/// The place where blocks are set aside.
pub struct Scratch(Option<Space>);

struct Space {
    file: File,
    end: AtomicU64,
}

/// Columns of one length, set aside.
pub struct Block(Kept);

enum Kept {
    Held(Vec<Values>),
    Filed { at: u64, bytes: usize, rows: usize },
}

impl Scratch {
    /// Keeps blocks in memory.
    pub fn memory() -> Self {
        Scratch(None)
    }

    /// Writes blocks to an unnamed file in this folder.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn file_in(folder: &Path) -> io::Result<Self> {
        Ok(Scratch(Some(Space { file: tempfile::tempfile_in(folder)?, end: AtomicU64::new(0) })))
    }

    /// In memory if `small`, otherwise in the folder, if there is one.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn of(folder: Option<&Path>, small: bool) -> io::Result<Self> {
        folder.filter(|_| !small).map_or_else(|| Ok(Scratch::memory()), Scratch::file_in)
    }

    /// Sets columns aside; callable from any thread.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, columns: Vec<Values>) -> io::Result<Block> {
        let Some(space) = &self.0 else { return Ok(Block(Kept::Held(columns))) };
        let rows = columns.first().map_or(0, Values::len);
        let mut text = Vec::with_capacity(columns.iter().map(|c| HEAD + c.width() * rows).sum());
        columns.iter().for_each(|column| encode(column, &mut text));
        let at = space.end.fetch_add(text.len() as u64, Ordering::Relaxed);
        space.file.write_all_at(&text, at)?;
        Ok(Block(Kept::Filed { at, bytes: text.len(), rows }))
    }

    /// The columns of a block of this scratch.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn take(&self, block: Block) -> io::Result<Vec<Values>> {
        match (block.0, &self.0) {
            (Kept::Held(columns), _) => Ok(columns),
            (Kept::Filed { .. }, None) => Err(io::ErrorKind::InvalidInput.into()),
            (Kept::Filed { at, bytes, rows }, Some(space)) => {
                let mut text = vec![0; bytes];
                space.file.read_exact_at(&mut text, at)?;
                let (mut text, mut columns) = (text.as_slice(), Vec::new());
                while !text.is_empty() {
                    let (column, rest) = decode(text, rows).ok_or(io::ErrorKind::InvalidData)?;
                    columns.push(column);
                    text = rest;
                }
                Ok(columns)
            }
        }
    }

    /// An upper bound of the bytes on disk for `rows` records of `bytes_a_row` bytes in `columns` columns, in
    /// blocks of `block` rows.
    pub fn most_bytes(rows: u64, bytes_a_row: u64, columns: u64, block: u64) -> u64 {
        rows * bytes_a_row + (rows / block + 1) * columns * HEAD as u64
    }
}

fn encode(column: &Values, text: &mut Vec<u8>) {
    let (mut least, mut most) = (u64::MAX, 0);
    column.for_each(|value| (least, most) = (least.min(value), most.max(value)));
    let least = least.min(most);
    let width = Values::for_max(most - least).width();
    text.extend_from_slice(&[column.width() as u8, width as u8]);
    text.extend_from_slice(&least.to_le_bytes());
    let from = text.len();
    text.resize(from + width * column.len(), 0);
    let text = &mut text[from..];
    match width {
        1 => fill(column, text, |value| [(value - least) as u8]),
        2 => fill(column, text, |value| ((value - least) as u16).to_le_bytes()),
        4 => fill(column, text, |value| ((value - least) as u32).to_le_bytes()),
        _ => fill(column, text, |value| (value - least).to_le_bytes()),
    }
}

fn fill<const N: usize>(column: &Values, text: &mut [u8], code: impl Fn(u64) -> [u8; N]) {
    let mut codes = text.as_chunks_mut::<N>().0.iter_mut();
    column.for_each(|value| codes.next().into_iter().for_each(|to| *to = code(value)));
}

fn decode(text: &[u8], rows: usize) -> Option<(Values, &[u8])> {
    let (head, text) = text.split_first_chunk::<HEAD>()?;
    let [column, width, least @ ..] = *head;
    let least = u64::from_le_bytes(least);
    let (text, rest) = text.split_at_checked(rows * usize::from(width))?;
    let max = u64::MAX.checked_shr(64 - 8 * u32::from(column)).unwrap_or(0);
    let column = match width {
        1 => Values::collect(max, text.iter().map(|&code| least + u64::from(code))),
        2 => Values::collect(max, codes(text).map(|code| least + u64::from(u16::from_le_bytes(code)))),
        4 => Values::collect(max, codes(text).map(|code| least + u64::from(u32::from_le_bytes(code)))),
        _ => Values::collect(max, codes(text).map(|code| least + u64::from_le_bytes(code))),
    };
    Some((column, rest))
}

fn codes<const N: usize>(text: &[u8]) -> impl Iterator<Item = [u8; N]> {
    text.as_chunks::<N>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_come_back_as_they_were_written(
            records in prop::collection::vec((any::<u8>(), any::<u16>(), any::<u32>(), any::<u64>(), 0u64..300), 0..50),
            shift in 0u32..64,
        ) {
            let columns = || vec![
                Values::collect(255, records.iter().map(|r| r.0.into())),
                Values::collect(65_535, records.iter().map(|r| (r.1 >> (shift % 16)).into())),
                Values::collect(u32::MAX.into(), records.iter().map(|r| (r.2 >> (shift % 32)).into())),
                Values::collect(u64::MAX, records.iter().map(|r| r.3 >> shift)),
                // Far from 0, close to each other.
                Values::collect(u64::MAX, records.iter().map(|r| u64::MAX - r.4)),
            ];
            let folder = tempfile::tempdir().unwrap();
            for scratch in [Scratch::memory(), Scratch::file_in(folder.path()).unwrap()] {
                let blocks = [scratch.put(columns()).unwrap(), scratch.put(Vec::new()).unwrap(), scratch.put(columns()).unwrap()];
                let [one, none, other] = blocks.map(|block| scratch.take(block).unwrap());
                prop_assert_eq!(one, columns());
                prop_assert_eq!(none, Vec::<Values>::new());
                prop_assert_eq!(other, columns());
            }
        }
    }

    #[test]
    fn the_file_has_no_name_and_is_as_small_as_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::file_in(folder.path()).unwrap();
        let times = Values::collect(u64::MAX, (0..4_096).map(|i| (1 << 60) + i));
        scratch.put(vec![times.clone(), times]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let written = scratch.0.unwrap().end.into_inner();
        assert_eq!(written, 2 * (HEAD as u64 + 2 * 4_096));
        assert!(written <= Scratch::most_bytes(4_096, 16, 2, 4_096));
    }
}
