//! Text as records: lines, a header, rows of cells, laid out as the schema's `reading` says.
//!
//! A line that is left out is left out for what it is by itself: blank, a comment, a copy of the header. What hangs on other lines is declared: how many stand before the
//! header, and how the line begins after which there is no record.

use super::ReadError;
use super::input::{self, Input};
use super::source::Record;
use csv_core::{ReadRecordResult, Terminator};
use netdpsyn_trace::reading::{Encoding, Reading, Separator};
use std::io::{BufRead, BufReader};

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 16;
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
}

/// The records of a text.
pub(super) struct Text<'a> {
    input: BufReader<Input<'a>>,
    reading: Reading,
    /// What is wrong with a record that is not written as the reading says that lines are.
    misfit: String,
    origin: Origin,
    separator: Separator,
    /// The line of the header as it stands in the file; empty without one.
    header: Vec<u8>,
    columns: usize,
    /// A line, or the lines of one record.
    buffer: Vec<u8>,
    /// Cells of a record that has quotes, and where each ends.
    unquoted: (Vec<u8>, Vec<usize>),
    cells: csv_core::Reader,
    /// What ends a line; a carriage return before a line feed is part of it.
    line_end: u8,
    line: u64,
    /// Whether the last line ended with a carriage return before the line feed.
    returned: bool,
    /// The line after which the present record was looked for.
    before: u64,
    ended: bool,
    left_out: LeftOut,
}

impl<'a> Text<'a> {
    /// The names of the columns, and the records behind them. Where no separator is declared it is the one under which the header has most of the wanted names.
    pub fn new(input: Input<'a>, layout: Layout<'_>) -> Result<(Vec<String>, Self), ReadError> {
        let head = input.head();
        // Lines of old Macs end by a carriage return alone.
        let line_end = if head.contains(&b'\n') || !head.contains(&b'\r') { b'\n' } else { b'\r' };
        let mut text = Text {
            input: BufReader::with_capacity(BLOCK, input),
            separator: Separator::Comma,
            header: Vec::new(),
            columns: 0,
            buffer: Vec::new(),
            unquoted: (vec![0; 1 << 10], vec![0; 1 << 6]),
            cells: csv_core::Reader::new(),
            line_end,
            line: 0,
            returned: false,
            before: 0,
            ended: false,
            left_out: LeftOut::default(),
            misfit: layout
                .reading
                .line
                .clone()
                .map_or(String::new(), |line| format!("it is not written as {}", String::from(line))),
            reading: layout.reading.clone(),
            origin: layout.origin,
        };
        let names = text.names(layout.wanted)?;
        text.columns = names.len();
        // A record of names alone may be one of a trace that has nothing but names.
        if layout.origin == Origin::Ours || text.columns < 2 {
            text.header.clear();
        }
        Ok((names, text))
    }

    /// What was left out so far.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    fn names(&mut self, wanted: &[&str]) -> Result<Vec<String>, ReadError> {
        for _ in 0..self.reading.skip {
            self.buffer.clear();
            self.read_line()?;
        }
        let names = self.reading.names();
        if !names.is_empty() {
            self.separate_by(self.reading.separator.unwrap_or(Separator::Comma));
            return Ok(names);
        }
        let whole = self.find_header()?;
        let separators = match self.reading.separator {
            Some(declared) => vec![declared],
            None if self.origin == Origin::Ours => vec![Separator::Comma],
            None => Separator::SINGLE.to_vec(),
        };
        let mut best: Option<((usize, usize), Vec<String>, Separator)> = None;
        for separator in separators {
            self.separate_by(separator);
            let names = self.cells_of_header()?;
            let found = wanted.iter().filter(|name| names.iter().any(|own| own == *name)).count();
            // Where no name is found, it is told by the most cells what the line is; else the first of several is the usual one.
            let found = (found, if found == 0 { names.len() } else { 0 });
            if best.as_ref().is_none_or(|(most, ..)| found > *most) {
                best = Some((found, names, separator));
            }
        }
        let Some((_, names, separator)) = best else { return Err(ReadError::Empty) };
        self.separate_by(separator);
        self.header = whole;
        Ok(names)
    }

    /// Goes to the line of names, and leaves the names of it in the buffer; returns the line.
    fn find_header(&mut self) -> Result<Vec<u8>, ReadError> {
        let Some(begins) = self.reading.header.clone() else {
            return if self.advance()? { Ok(self.buffer.clone()) } else { Err(ReadError::Empty) };
        };
        for _ in 0..HEADER_WITHIN {
            self.buffer.clear();
            if !self.read_line()? {
                break;
            }
            if let Some(names) = self.buffer.strip_prefix(begins.as_bytes()) {
                let names = names.trim_ascii_start().to_vec();
                return Ok(std::mem::replace(&mut self.buffer, names));
            }
        }
        Err(ReadError::NoHeaderLine(begins))
    }

    fn separate_by(&mut self, separator: Separator) {
        self.separator = separator;
        let mut cells = csv_core::ReaderBuilder::new();
        cells.delimiter(separator.byte()).terminator(Terminator::Any(b'\n'));
        self.cells = cells.build();
        // It takes a byte-order mark for none of its first record: that is dropped here, where the file begins.
        let _ = self.cells.read_record(b"-\n", &mut [0; 4], &mut [0; 4]);
    }

    fn cells_of_header(&mut self) -> Result<Vec<String>, ReadError> {
        let mut record = Record::default();
        let line = self.buffer.clone();
        self.split(&mut record)?;
        self.buffer = line;
        let ours = self.origin == Origin::Ours;
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
        record.line = self.line;
        self.split(record)?;
        self.trim(record);
        Ok(true)
    }

    /// Drops empty cells behind the last column.
    fn trim(&self, record: &mut Record) {
        let many = record.cells.len();
        if many > self.columns && record.cells.iter().skip(self.columns).all(<[u8]>::is_empty) {
            record.cells.truncate(self.columns);
        }
    }

    /// Goes to the next line that is one of a record.
    fn advance(&mut self) -> Result<bool, ReadError> {
        self.begin();
        while !self.ended {
            self.buffer.clear();
            if !self.read_line()? {
                return Ok(false);
            }
            let begins =
                |with: &Option<String>| with.as_ref().is_some_and(|w| self.buffer.starts_with(w.as_bytes()));
            if self.buffer.is_empty() || self.columns > 1 && self.buffer.iter().all(u8::is_ascii_whitespace) {
                // Blank lines count as part of the record that they stand before: a file of nothing else ends.
            } else if begins(&self.reading.end) {
                self.ended = true;
            } else if begins(&self.reading.comment) {
                self.left_out.comments += 1;
                self.begin();
            } else if !self.header.is_empty() && self.buffer == self.header {
                self.left_out.headers += 1;
                self.begin();
            } else {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A record begins after the present line.
    fn begin(&mut self) {
        self.input.get_mut().begin_record();
        self.before = self.line;
    }

    /// Adds the next line to the buffer, without its end; whether there was one. A carriage return before a line feed is part of the end.
    fn read_line(&mut self) -> Result<bool, ReadError> {
        let from = self.buffer.len();
        let read = self.input.read_until(self.line_end, &mut self.buffer);
        if read.map_err(|error| input::failure(error, self.before))? == 0 {
            return Ok(false);
        }
        self.line += 1;
        self.returned = false;
        if self.buffer.last() == Some(&self.line_end) {
            self.buffer.pop();
            self.returned =
                self.line_end == b'\n' && self.buffer.len() > from && self.buffer.last() == Some(&b'\r');
            if self.returned {
                self.buffer.pop();
            }
        }
        if self.line == 1 && self.buffer.starts_with(MARK) {
            self.buffer.drain(..MARK.len());
        }
        if self.reading.encoding == Encoding::Windows1252 && !self.buffer[from..].is_ascii() {
            let (text, ..) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&self.buffer[from..]);
            let text = text.into_owned();
            self.buffer.truncate(from);
            self.buffer.extend_from_slice(text.as_bytes());
        }
        Ok(true)
    }

    /// Cuts the line in the buffer into cells; a cell in quotes may go on in the next lines.
    fn split(&mut self, record: &mut Record) -> Result<(), ReadError> {
        record.cells.clear();
        let quotes = self.reading.quotes.unwrap_or(true);
        if let Some(line) = &self.reading.line {
            let factors = self.reading.numbers.scales;
            if !line.split(&self.buffer, factors, |cell| record.cells.push_field(cell)) {
                record.fault = Some(self.misfit.clone());
            }
        } else if self.separator == Separator::Space {
            let cells = self.buffer.split(u8::is_ascii_whitespace).filter(|cell| !cell.is_empty());
            cells.for_each(|cell| record.cells.push_field(cell));
        } else if quotes && memchr::memchr(b'"', &self.buffer).is_some() {
            self.split_quoted(record)?;
        } else {
            let mut from = 0;
            for at in memchr::memchr_iter(self.separator.byte(), &self.buffer) {
                record.cells.push_field(&self.buffer[from..at]);
                from = at + 1;
            }
            record.cells.push_field(&self.buffer[from..]);
        }
        Ok(())
    }

    fn split_quoted(&mut self, record: &mut Record) -> Result<(), ReadError> {
        let (mut read, mut written, mut ends) = (0, 0, 0);
        let mut over = false;
        self.buffer.push(b'\n');
        loop {
            let (text, places) = &mut self.unquoted;
            // No more input says that the file ends, and with it a quote that is still open.
            let input = if over { &[][..] } else { &self.buffer[read..] };
            let (result, consumed, put, cells) =
                self.cells.read_record(input, &mut text[written..], &mut places[ends..]);
            (read, written, ends) = (read + consumed, written + put, ends + cells);
            match result {
                ReadRecordResult::OutputFull => text.resize(2 * text.len(), 0),
                ReadRecordResult::OutputEndsFull => places.resize(2 * places.len(), 0),
                ReadRecordResult::InputEmpty if self.origin == Origin::Raw && !over => {
                    record.fault = Some("a quote is not closed in its line".into());
                    over = true;
                }
                // The quote goes on: the line end, which stands there already, is part of the cell as the file has it.
                ReadRecordResult::InputEmpty => {
                    if self.returned {
                        text.resize(text.len().max(written + 1), 0);
                        text[written - 1] = b'\r';
                        text[written] = b'\n';
                        written += 1;
                    }
                    match !over && self.read_line()? {
                        true => self.buffer.push(b'\n'),
                        false => over = true,
                    }
                }
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        let (text, places) = &self.unquoted;
        let mut from = 0;
        for &end in &places[..ends] {
            record.cells.push_field(&text[from..end]);
            from = end;
        }
        Ok(())
    }
}
