//! Reads a raw text in blocks of whole lines on all cores. Every line is judged separately, so none has to
//! wait for another.
//!
//! The result is the same as reading line by line: parts are joined in the order of the file, and each fault
//! follows the good records before it.

use super::cell::Parser;
use super::line::{Cells, Cutter, Line};
use super::read::parse;
use super::source::{Only, reads};
use super::tally::{Fault, Tally};
use super::text::{Blank, Block, LeftOut, Text, without_end};
use super::{Bound, ReadError};
use netdpsyn_trace::Stage;
use netdpsyn_trace::progress::Progress;
use rayon::prelude::*;

/// The content of some lines.
#[derive(Default)]
struct Part {
    /// By column, the values of the good records.
    columns: Vec<Vec<u64>>,
    /// Bad records: number of good ones before it, its line among these, and the reason.
    faults: Vec<(usize, u64, Fault)>,
    left_out: LeftOut,
    lines: u64,
    /// The last line that is not blank, if there is one.
    last: Option<u64>,
    runs: Blank,
    /// Whether a line marked the end of the records.
    ended: bool,
}

/// Reads all records of a raw text.
pub(super) fn read(
    text: &mut Text,
    only: &[Only],
    bound: &Bound,
    parsers: &[Parser],
    tally: &mut Tally,
    progress: &dyn Progress,
) -> Result<(), ReadError> {
    let cores = rayon::current_num_threads();
    let mut cutters: Vec<Cutter> = (0..cores).map(|_| text.cutter()).collect();
    let (mut block, mut next) = (Block::default(), Block::default());
    let mut more = text.block(&mut block)?;
    while more {
        progress.step(Stage::Read, tally.seen(), 0)?;
        tally.check()?;
        let pieces = pieces(&block, cores);
        let parts = || -> Vec<Part> {
            let parts = pieces.into_par_iter().zip(&mut cutters);
            parts.map(|(lines, cutter)| part(lines, block.line_end, cutter, only, bound, parsers)).collect()
        };
        // The next block is decompressed while this one is read.
        let (parts, following) = rayon::join(parts, || text.block(&mut next));
        for part in parts {
            let ended = part.ended;
            text.passed(part.left_out, part.last.map(|last| block.line + last), part.runs)?;
            if tally.part(&part.columns, part.faults, block.line)? || ended {
                return Ok(());
            }
            block.line += part.lines;
        }
        more = following?;
        std::mem::swap(&mut block, &mut next);
    }
    Ok(())
}

/// Divides whole lines into `many` pieces of about equal length.
fn pieces(block: &Block, many: usize) -> Vec<&[u8]> {
    let (mut pieces, mut rest) = (Vec::with_capacity(many), &block.bytes[..]);
    for left in (1..=many).rev() {
        let about = rest.len() / left;
        let end = memchr::memchr(block.line_end, &rest[about..]).map_or(rest.len(), |at| about + at + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn part(
    lines: &[u8],
    line_end: u8,
    cutter: &mut Cutter,
    only: &[Only],
    bound: &Bound,
    parsers: &[Parser],
) -> Part {
    let mut part = Part { columns: vec![Vec::new(); parsers.len()], ..Part::default() };
    let (mut cells, mut buffer, mut values) = (Cells::default(), Vec::new(), vec![0; parsers.len()]);
    let mut rest = lines;
    while !rest.is_empty() && !part.ended {
        let end = memchr::memchr(line_end, rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        part.lines += 1;
        let (kind, line, why) = cutter.take(without_end(line, line_end).0, &mut buffer, &mut cells);
        let cell = |position| cutter.cell(line, &cells, position);
        let own = |place| (place < cells.len()).then(|| cell(place));
        match kind {
            Line::Blank => {
                part.runs.behind += end;
                continue;
            }
            Line::Comment => part.left_out.comments += 1,
            Line::Header => part.left_out.headers += 1,
            Line::End => part.ended = true,
            Line::Record if why.is_none() && !reads(only, own) => part.left_out.others += 1,
            Line::Record => {
                match parse(why.map(|why| cutter.says(why)), cells.len(), cell, bound, parsers, &mut values) {
                    Ok(()) => {
                        part.columns.iter_mut().zip(&values).for_each(|(column, &value)| column.push(value))
                    }
                    Err(fault) => {
                        part.faults.push((part.columns.first().map_or(0, Vec::len), part.lines, fault))
                    }
                }
            }
        }
        let run = std::mem::take(&mut part.runs.behind);
        match part.last {
            None => part.runs.before = run,
            Some(_) => part.runs.within = part.runs.within.max(run),
        }
        part.last = Some(part.lines);
    }
    part
}
