//! The only member of a zip archive: its position, its compression, and a check of its content.
//!
//! The directory at the end is decisive: local headers may lack lengths, and an archive may have anything
//! before and between members.

use flate2::Crc;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// The end record without its comment, and the longest comment.
const END: usize = 22;
const COMMENT: u64 = 1 << 16;
/// The header of a directory entry, and the local header before a member, without names.
const HEADER: usize = 46;
const LOCAL: usize = 30;
/// Marks a number that is in the zip64 field instead.
const ELSEWHERE: u64 = 0xffff_ffff;

/// A member as the directory lists it.
#[derive(Debug)]
pub struct Member {
    /// The position of its content.
    pub start: u64,
    /// The length of its content.
    pub packed: u64,
    /// Deflated, or stored.
    pub deflated: bool,
    length: u64,
    crc: u32,
}

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

/// A little-endian number of `length` bytes at a position.
fn number(bytes: &[u8], at: usize, length: usize) -> io::Result<u64> {
    let bytes = bytes.get(at..at + length).ok_or_else(|| invalid("the table of contents is cut off"))?;
    Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

fn read_at(file: &mut File, at: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The only member of an archive. Archives with several members are refused, and so are passwords and other
/// compressions.
pub fn only_member(file: &mut File) -> io::Result<Member> {
    let length = file.metadata()?.len();
    let tail_at = length.saturating_sub(COMMENT + END as u64);
    let tail = read_at(file, tail_at, COMMENT + END as u64)?;
    let end = tail.windows(END).rposition(|at| at.starts_with(b"PK\x05\x06"));
    let end = end.ok_or_else(|| invalid("the archive is cut off: its table of contents is missing"))?;
    let mut members = number(&tail, end + 10, 2)?;
    let mut contents = number(&tail, end + 16, 4)?;
    let locator = end.checked_sub(20).filter(|&at| tail[at..].starts_with(b"PK\x06\x07"));
    if let Some(locator) = locator.filter(|_| contents == ELSEWHERE || members == 0xffff) {
        let wide = read_at(file, number(&tail, locator + 8, 8)?, 56)?;
        (members, contents) = (number(&wide, 32, 8)?, number(&wide, 48, 8)?);
    }
    if members != 1 {
        return Err(invalid(format!("the archive has {members} members, and a trace is one file")));
    }
    // A name and the fields after it are at most 64 KiB each.
    let header = read_at(file, contents, HEADER as u64 + (1 << 17))?;
    if !header.starts_with(b"PK\x01\x02") {
        return Err(invalid("the table of contents is damaged"));
    }
    let deflated = match number(&header, 10, 2)? {
        0 => false,
        8 => true,
        method => {
            return Err(invalid(format!("the member is packed by method {method}; deflate alone is read")));
        }
    };
    if number(&header, 8, 2)? & 1 == 1 {
        return Err(invalid("the member has a password"));
    }
    let mut wide = wide_numbers(&header)?.into_iter();
    let mut full = |number: u64| match number {
        ELSEWHERE => wide.next().ok_or_else(|| invalid("the table of contents is damaged")),
        number => Ok(number),
    };
    // The zip64 field has the same order.
    let unpacked = full(number(&header, 24, 4)?)?;
    let packed = full(number(&header, 20, 4)?)?;
    let local_at = full(number(&header, 42, 4)?)?;
    let local = read_at(file, local_at, LOCAL as u64)?;
    if !local.starts_with(b"PK\x03\x04") {
        return Err(invalid("the member is not where the table of contents says"));
    }
    let start = local_at.saturating_add(LOCAL as u64 + number(&local, 26, 2)? + number(&local, 28, 2)?);
    Ok(Member { start, packed, deflated, length: unpacked, crc: number(&header, 16, 4)? as u32 })
}

/// The numbers of a header's zip64 field, for archives beyond 4 GiB.
fn wide_numbers(header: &[u8]) -> io::Result<Vec<u64>> {
    let mut at = HEADER + number(header, 28, 2)? as usize;
    let end = at + number(header, 30, 2)? as usize;
    while at + 4 <= end {
        let (id, length) = (number(header, at, 2)?, number(header, at + 2, 2)? as usize);
        if id == 1 {
            return (0..length / 8).map(|i| number(header, at + 4 + 8 * i, 8)).collect();
        }
        at += 4 + length;
    }
    Ok(Vec::new())
}

impl Member {
    /// The content; its end is an error where length or checksum differ from those of the archive.
    pub fn checked<R: Read>(self, content: R) -> impl Read {
        Checked { content, member: self, crc: Crc::new(), length: 0 }
    }
}

struct Checked<R> {
    content: R,
    member: Member,
    crc: Crc,
    length: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.content.read(buffer)?;
        self.crc.update(&buffer[..length]);
        self.length += length as u64;
        let whole = self.length == self.member.length && self.crc.sum() == self.member.crc;
        match length {
            0 if !buffer.is_empty() && !whole => Err(invalid("the member is cut off or damaged")),
            length => Ok(length),
        }
    }
}
