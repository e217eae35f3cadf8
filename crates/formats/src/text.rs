//! Text as records: lines, a header, rows of cells, in the layout that the schema's `reading` declares.
//!
//! A line is skipped because of its own content: it is blank, a comment, or a copy of the header. What
//! depends on other lines must be declared: the number of lines before the header, and how the line begins
//! after which there is no record.

use super::ReadError;
use super::columns::Making;
use super::input::{self, Input};
use super::line::{Cells, Cutter, Line, decode};
use super::source::{FileFormat, Record};
use netdpsyn_trace::reading::{Encoding, Reading, Separator};
use std::io::{BufRead, BufReader, Read};

/// Number of bytes that are read at a time.
const BUFFER: usize = 1 << 16;
/// Number of bytes of whole lines that are taken at a time.
const BLOCK: usize = 1 << 22;
/// Number of lines within which a declared header is searched.
const HEADER_WITHIN: usize = 1_000;
/// A byte-order mark before UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Numbers of skipped lines, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Comments.
    pub comments: u64,
    /// Copies of the header.
    pub headers: u64,
    /// Records with other values than those that are read.
    pub others: u64,
}

/// The origin of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A raw trace: every line is judged separately, so a quote ends on its line.
    Raw,
    /// A file beside a raw trace, from any program.
    Like,
    /// Written by this program: lines are never skipped.
    Ours,
}

/// The layout of a text.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    /// The declarations.
    pub reading: &'a Reading,
    /// Names of columns that are searched in the header.
    pub wanted: &'a [&'a str],
    /// The origin of the text.
    pub origin: Origin,
    /// How records are derived, where they are.
    pub making: Making<'a>,
}

impl<'a> Layout<'a> {
    /// The layout of a raw file of which nothing else is known.
    pub fn raw(reading: &'a Reading) -> Self {
        Layout { reading, wanted: &[], origin: Origin::Raw, making: Making::default() }
    }

    /// Refuses to skip records by values of columns in formats other than text.
    pub fn without_only(&self, format: FileFormat) -> Result<(), ReadError> {
        let reason = "records are left out by what they hold in text alone: leave out `only`";
        match self.reading.only.is_empty() {
            true => Ok(()),
            false => Err(ReadError::Columns { format, reason: reason.into() }),
        }
    }

    /// Refuses declarations about captures for other files: one record would not be what is declared.
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
    /// A line, or the lines of one record; between blocks, the incomplete last line.
    buffer: Vec<u8>,
    /// Bytes of blank lines since the last record.
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
    /// The last byte of a line; a carriage return before a line feed belongs to the line end.
    line_end: u8,
    line: u64,
    /// The end of the last line.
    ending: &'static [u8],
    /// The last line before the current record.
    before: u64,
}

/// Bytes of blank lines before the first non-blank line, between two such, and after the last; where all are
/// blank, after.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blank {
    pub before: usize,
    pub within: usize,
    pub behind: usize,
}

/// Whole lines of a text, and their position.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The lines, with their ends.
    pub bytes: Vec<u8>,
    /// The last byte of a line.
    pub line_end: u8,
    /// The number of the line before.
    pub line: u64,
}

impl<'a> Text<'a> {
    /// The names of the columns, and the records after them. Where no separator is declared it is the one
    /// with which the header has most of the wanted names.
    pub fn new(input: Input<'a>, layout: Layout<'_>) -> Result<(Vec<String>, Self), ReadError> {
        let head = input.head();
        // Lines of old Mac files end with a carriage return alone.
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
        // A record that equals the header may be a legitimate one if the trace has a single column.
        if layout.origin == Origin::Ours || names.len() < 2 {
            header.clear();
        }
        text.cutter.under(header, names.len());
        Ok((names, text))
    }

    /// Lines skipped so far.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// The names of the columns, and their line.
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
            // Where no wanted name is found, the separator with most cells is used; among equals, the most
            // common one.
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

    /// Moves to the header line, and leaves its names in the buffer; returns the line.
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
        // Trailing commas on all lines are not columns.
        while names.len() > 1 && names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        Ok(names)
    }

    /// Reads the next record; `false` at the end.
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

    /// Moves to the next line of a record.
    fn advance(&mut self) -> Result<bool, ReadError> {
        self.lines.begin();
        while !self.ended {
            self.buffer.clear();
            if !self.lines.read(&mut self.buffer)? {
                return Ok(false);
            }
            match self.cutter.judge(&self.buffer) {
                // Blank lines count towards the record that follows them, so that a file of blank lines is
                // refused.
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

    /// Divides the line in the buffer into cells; a quoted cell may continue on the next lines.
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

    /// A cutter for the lines of [`Text::block`].
    pub fn cutter(&self) -> Cutter {
        self.cutter.another()
    }

    /// Takes the next whole lines, where every line is judged separately; `false` at the end.
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
        // The last line of a file may lack a line end.
        let open = block.bytes.last().is_some_and(|last| *last != block.line_end);
        self.lines.line += lines(&block.bytes) + u64::from(open);
        Ok(!block.bytes.is_empty())
    }

    /// Adds skipped lines, and the number of the last non-blank one, if there is one.
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
    /// Marks the beginning of a record after the current line.
    fn begin(&mut self) {
        self.input.get_mut().begin_record();
        self.before = self.line;
    }

    /// Appends the next line to the buffer, without its end; returns whether there was one. A carriage return
    /// before a line feed belongs to the line end.
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

/// A line without its end, and the end.
pub(super) fn without_end(line: &[u8], line_end: u8) -> (&[u8], &'static [u8]) {
    match line {
        [line @ .., b'\r', b'\n'] if line_end == b'\n' => (line, b"\r\n"),
        [line @ .., end] if *end == line_end => (line, b"\n"),
        line => (line, b""),
    }
}
