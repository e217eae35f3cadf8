//! Text as records: lines, a header, rows of cells, laid out as the schema's `reading` says.
//!
//! A line that is left out is left out for what it is by itself: blank, a comment, a copy of the header. What hangs on other lines is declared: how many stand before the
//! header, and how the line begins after which there is no record.

use super::ReadError;
use super::columns::Making;
use super::input::{self, Input};
use super::line::{Cells, Cutter, Line, decode};
use super::source::{FileFormat, Record};
use netdpsyn_trace::reading::{Encoding, Reading, Separator};
use std::io::{BufRead, BufReader, Read};

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 16;
/// Bytes of whole lines that are taken at a time.
const BLOCK: usize = 1 << 22;
/// Lines among which the header is looked for where it is declared how that begins.
const HEADER_WITHIN: usize = 1_000;
/// What an editor may put before UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Lines that were left out, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// They begin as comments do.
    pub comments: u64,
    /// They are the header again.
    pub headers: u64,
    /// They are records that hold something else than those that are read.
    pub others: u64,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is a raw trace: every line is judged by itself, so a quote ends where its line does.
    Raw,
    /// It is beside a raw trace, from wherever.
    Like,
    /// This program wrote it: every line is what it is.
    Ours,
}

/// How a text is laid out.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    /// What is declared.
    pub reading: &'a Reading,
    /// Names of columns that are looked for in the header.
    pub wanted: &'a [&'a str],
    /// Where it comes from.
    pub origin: Origin,
    /// What is to be known where records are made of something else.
    pub making: Making<'a>,
}

impl<'a> Layout<'a> {
    /// Of a raw file of which no more is known.
    pub fn raw(reading: &'a Reading) -> Self {
        Layout { reading, wanted: &[], origin: Origin::Raw, making: Making::default() }
    }

    /// Refuses to leave out records by what text holds.
    pub fn without_only(&self, format: FileFormat) -> Result<(), ReadError> {
        let reason = "records are left out by what they hold in text alone: leave out `only`";
        match self.reading.only.is_empty() {
            true => Ok(()),
            false => Err(ReadError::Columns { format, reason: reason.into() }),
        }
    }

    /// Refuses what is said of captures where there is none: what one record is would not be what is said.
    pub fn without_capture(&self, format: FileFormat) -> Result<(), ReadError> {
        let said = self.reading.capture.is_some() && self.origin == Origin::Raw;
        if said { Err(ReadError::NoCapture { format }) } else { Ok(()) }
    }
}

/// The records of a text.
pub(super) struct Text<'a> {
    lines: Lines<'a>,
    cutter: Cutter,
    cells: Cells,
    /// A line, or the lines of one record; between blocks the line that is not whole yet.
    buffer: Vec<u8>,
    /// Bytes of blank lines that no record followed so far.
    blank: usize,
    /// Whether a block was taken.
    begun: bool,
    ended: bool,
    left_out: LeftOut,
}

/// The lines of a text.
struct Lines<'a> {
    input: BufReader<Input<'a>>,
    encoding: Encoding,
    /// What ends a line; a carriage return before a line feed is part of it.
    line_end: u8,
    line: u64,
    /// How the last line ended.
    ending: &'static [u8],
    /// The line after which the present record was looked for.
    before: u64,
}

/// Bytes of blank lines before the first that is more, between two such, and behind the last; where all are blank, behind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blank {
    pub before: usize,
    pub within: usize,
    pub behind: usize,
}

/// Whole lines of a text, and where they begin.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The lines, with their ends.
    pub bytes: Vec<u8>,
    /// What ends a line.
    pub line_end: u8,
    /// The number of the line before.
    pub line: u64,
}

impl<'a> Text<'a> {
    /// The names of the columns, and the records behind them. Where no separator is declared it is the one under which the header has most of the wanted names.
    pub fn new(input: Input<'a>, layout: Layout<'_>) -> Result<(Vec<String>, Self), ReadError> {
        let head = input.head();
        // Lines of old Macs end by a carriage return alone.
        let line_end = if head.contains(&b'\n') || !head.contains(&b'\r') { b'\n' } else { b'\r' };
        let lines = Lines {
            input: BufReader::with_capacity(BUFFER, input),
            encoding: layout.reading.encoding,
            line_end,
            line: 0,
            ending: b"",
            before: 0,
        };
        let mut text = Text {
            lines,
            cutter: Cutter::new(layout),
            cells: Cells::default(),
            buffer: Vec::new(),
            blank: 0,
            begun: false,
            ended: false,
            left_out: LeftOut::default(),
        };
        let (names, mut header) = text.names(layout.wanted)?;
        // A record of names alone may be one of a trace that has nothing but names.
        if layout.origin == Origin::Ours || names.len() < 2 {
            header.clear();
        }
        text.cutter.under(header, names.len());
        Ok((names, text))
    }

    /// What was left out so far.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// The names of the columns, and the line that they stand in.
    fn names(&mut self, wanted: &[&str]) -> Result<(Vec<String>, Vec<u8>), ReadError> {
        for _ in 0..self.cutter.reading.skip {
            self.buffer.clear();
            self.lines.read(&mut self.buffer)?;
        }
        self.buffer.clear();
        let names = self.cutter.reading.names();
        if !names.is_empty() {
            self.cutter.separate_by(self.cutter.reading.separator.unwrap_or(Separator::Comma));
            return Ok((names, Vec::new()));
        }
        let whole = self.find_header()?;
        let separators = match self.cutter.reading.separator {
            Some(declared) => vec![declared],
            None if self.cutter.origin == Origin::Ours => vec![Separator::Comma],
            None => Separator::SINGLE.to_vec(),
        };
        let mut best: Option<((usize, usize), Vec<String>, Separator)> = None;
        for separator in separators {
            self.cutter.separate_by(separator);
            let names = self.cells_of_header()?;
            let found = wanted.iter().filter(|name| names.iter().any(|own| own == *name)).count();
            // Where no name is found, it is told by the most cells what the line is; else the first of several is the usual one.
            let found = (found, if found == 0 { names.len() } else { 0 });
            if best.as_ref().is_none_or(|(most, ..)| found > *most) {
                best = Some((found, names, separator));
            }
        }
        let Some((_, names, separator)) = best else { return Err(ReadError::Empty) };
        self.cutter.separate_by(separator);
        self.buffer.clear();
        Ok((names, whole))
    }

    /// Goes to the line of names, and leaves the names of it in the buffer; returns the line.
    fn find_header(&mut self) -> Result<Vec<u8>, ReadError> {
        let Some(begins) = self.cutter.reading.header.clone() else {
            return if self.advance()? { Ok(self.buffer.clone()) } else { Err(ReadError::Empty) };
        };
        for _ in 0..HEADER_WITHIN {
            self.buffer.clear();
            if !self.lines.read(&mut self.buffer)? {
                break;
            }
            if let Some(names) = self.buffer.strip_prefix(begins.as_bytes()) {
                let names = names.trim_ascii_start().to_vec();
                return Ok(std::mem::replace(&mut self.buffer, names));
            }
        }
        Err(ReadError::NoHeaderLine(begins))
    }

    fn cells_of_header(&mut self) -> Result<Vec<String>, ReadError> {
        let mut record = Record::default();
        let line = self.buffer.clone();
        self.split(&mut record)?;
        self.buffer = line;
        let ours = self.cutter.origin == Origin::Ours;
        let name =
            |cell: &[u8]| std::str::from_utf8(if ours { cell } else { cell.trim_ascii() }).map(str::to_owned);
        let names: Result<Vec<String>, _> = record.cells.iter().map(name).collect();
        let mut names =
            names.map_err(|_| ReadError::NoTrace("its header is not UTF-8; declare the encoding"))?;
        // Commas at the ends of all lines are of no column.
        while names.len() > 1 && names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        Ok(names)
    }

    /// The next record; none at the end.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        record.cells.clear();
        record.fault = None;
        if !self.advance()? {
            return Ok(false);
        }
        record.line = self.lines.line;
        self.split(record)?;
        Ok(true)
    }

    /// Goes to the next line that is one of a record.
    fn advance(&mut self) -> Result<bool, ReadError> {
        self.lines.begin();
        while !self.ended {
            self.buffer.clear();
            if !self.lines.read(&mut self.buffer)? {
                return Ok(false);
            }
            match self.cutter.judge(&self.buffer) {
                // Blank lines count as part of the record that they stand before: a file of nothing else ends.
                Line::Blank => {}
                Line::End => self.ended = true,
                Line::Comment => {
                    self.left_out.comments += 1;
                    self.lines.begin();
                }
                Line::Header => {
                    self.left_out.headers += 1;
                    self.lines.begin();
                }
                Line::Record => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Cuts the line in the buffer into cells; a cell in quotes may go on in the next lines.
    fn split(&mut self, record: &mut Record) -> Result<(), ReadError> {
        let Text { lines, cutter, cells, buffer, .. } = self;
        let why = if cutter.has_quotes(buffer) {
            let ending = lines.ending;
            let more = |buffer: &mut Vec<u8>| Ok(lines.read(buffer)?.then_some(lines.ending));
            cutter.cut_quoted(buffer, cells, ending, more)?
        } else {
            cutter.cut(buffer, cells)
        };
        record.fault = why.map(|why| cutter.says(why).into());
        cutter.trim(cells);
        record.cells.clear();
        (0..cells.len()).for_each(|at| record.cells.push_field(cutter.cell(buffer, cells, at)));
        Ok(())
    }

    /// What judges and cuts the lines of [`Text::block`].
    pub fn cutter(&self) -> Cutter {
        self.cutter.another()
    }

    /// Takes the next whole lines, where every line is judged by itself; none at the end.
    pub fn block(&mut self, block: &mut Block) -> Result<bool, ReadError> {
        block.bytes.clear();
        block.bytes.append(&mut self.buffer);
        (block.line_end, block.line) = (self.lines.line_end, self.lines.line);
        let lines = |bytes: &[u8]| memchr::memchr_iter(block.line_end, bytes).count() as u64;
        loop {
            self.lines.input.get_mut().begin_record();
            let from = block.bytes.len();
            block.bytes.resize(from + BUFFER, 0);
            let read = self.lines.input.read(&mut block.bytes[from..]);
            let read =
                read.map_err(|error| input::failure(error, block.line + lines(&block.bytes[..from])))?;
            block.bytes.truncate(from + read);
            if read == 0 {
                break;
            }
            let whole = memchr::memrchr(block.line_end, &block.bytes).map_or(0, |at| at + 1);
            if block.bytes.len() - whole > input::MAX_RECORD as usize {
                return Err(ReadError::LongRecord { line: block.line + lines(&block.bytes[..whole]) });
            }
            if whole >= BLOCK {
                self.buffer.extend_from_slice(&block.bytes[whole..]);
                block.bytes.truncate(whole);
                break;
            }
        }
        if block.line == 0 && !self.begun && block.bytes.starts_with(MARK) {
            block.bytes.drain(..MARK.len());
        }
        self.begun = true;
        // The last line of a file need not end.
        let open = block.bytes.last().is_some_and(|last| *last != block.line_end);
        self.lines.line += lines(&block.bytes) + u64::from(open);
        Ok(!block.bytes.is_empty())
    }

    /// Some lines were left out. The last one that is more than blank has a number, if there is one.
    pub fn passed(&mut self, left_out: LeftOut, last: Option<u64>, runs: Blank) -> Result<(), ReadError> {
        self.left_out.comments += left_out.comments;
        self.left_out.headers += left_out.headers;
        self.left_out.others += left_out.others;
        let is_long = |bytes: usize, line: u64| match bytes > input::MAX_RECORD as usize {
            true => Err(ReadError::LongRecord { line }),
            false => Ok(()),
        };
        is_long(runs.within.max(self.blank + runs.before), self.lines.before)?;
        self.lines.before = last.unwrap_or(self.lines.before);
        self.blank = runs.behind + last.map_or(self.blank, |_| 0);
        is_long(self.blank, self.lines.before)?;
        Ok(())
    }
}

impl Lines<'_> {
    /// A record begins after the present line.
    fn begin(&mut self) {
        self.input.get_mut().begin_record();
        self.before = self.line;
    }

    /// Adds the next line to the buffer, without its end; whether there was one. A carriage return before a line feed is part of the end.
    fn read(&mut self, buffer: &mut Vec<u8>) -> Result<bool, ReadError> {
        let from = buffer.len();
        let read = self.input.read_until(self.line_end, buffer);
        if read.map_err(|error| input::failure(error, self.before))? == 0 {
            return Ok(false);
        }
        self.line += 1;
        let (line, ending) = without_end(&buffer[from..], self.line_end);
        self.ending = ending;
        buffer.truncate(from + line.len());
        if self.line == 1 && buffer.starts_with(MARK) {
            buffer.drain(..MARK.len());
        }
        decode(self.encoding, buffer, from);
        Ok(true)
    }
}

/// A line without its end, and that.
pub(super) fn without_end(line: &[u8], line_end: u8) -> (&[u8], &'static [u8]) {
    match line {
        [line @ .., b'\r', b'\n'] if line_end == b'\n' => (line, b"\r\n"),
        [line @ .., end] if *end == line_end => (line, b"\n"),
        line => (line, b""),
    }
}
