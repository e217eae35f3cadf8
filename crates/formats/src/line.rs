//! One line of text: its kind, and its cells.
//!
//! No other line is consulted, so lines of a raw trace are judged and divided in parallel.

use super::ReadError;
use super::text::{Layout, Origin};
use csv_core::{ReadRecordResult, Terminator};
use netdpsyn_trace::reading::{Encoding, Reading, Separator};
use std::ops::Range;

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A blank line.
    Blank,
    /// A comment.
    Comment,
    /// A copy of the header.
    Header,
    /// The line that marks the end of the records.
    End,
    /// The beginning of a record.
    Record,
}

/// Why a line is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRecord {
    /// A quote is open at its end.
    Open,
    /// It does not match the declared pattern.
    Misfit,
}

/// The cells of a record, as ranges of its line or, where there are quotes, of the text without them.
#[derive(Debug, Default)]
pub(super) struct Cells {
    ranges: Vec<Range<usize>>,
    unquoted: bool,
}

impl Cells {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }
}

/// Converts the end of the buffer, from this position on, to UTF-8.
pub(super) fn decode(encoding: Encoding, buffer: &mut Vec<u8>, from: usize) {
    if is_foreign(encoding, &buffer[from..]) {
        let (text, ..) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&buffer[from..]);
        let text = text.into_owned();
        buffer.truncate(from);
        buffer.extend_from_slice(text.as_bytes());
    }
}

fn is_foreign(encoding: Encoding, line: &[u8]) -> bool {
    encoding == Encoding::Windows1252 && !line.is_ascii()
}

/// Judges lines and divides them into cells.
pub(super) struct Cutter {
    /// The declarations.
    pub reading: Reading,
    /// The message for a line that does not match the declared pattern.
    misfit: String,
    /// The origin of the text.
    pub origin: Origin,
    separator: Separator,
    /// The header line as it is in the file; empty without one.
    header: Vec<u8>,
    columns: usize,
    /// The cells of a record with quotes, and the end of each.
    unquoted: (Vec<u8>, Vec<usize>),
    quoted: csv_core::Reader,
}

impl Cutter {
    /// For a text with this layout, before its header is known.
    pub fn new(layout: Layout<'_>) -> Cutter {
        Cutter {
            reading: layout.reading.clone(),
            misfit: layout
                .reading
                .line
                .clone()
                .map_or(String::new(), |line| format!("it is not written as {}", String::from(line))),
            origin: layout.origin,
            separator: Separator::Comma,
            header: Vec::new(),
            columns: 0,
            unquoted: (vec![0; 1 << 10], vec![0; 1 << 6]),
            quoted: csv_core::Reader::new(),
        }
    }

    /// Sets the separator.
    pub fn separate_by(&mut self, separator: Separator) {
        self.separator = separator;
        let mut quoted = csv_core::ReaderBuilder::new();
        quoted.delimiter(separator.byte()).terminator(Terminator::Any(b'\n'));
        self.quoted = quoted.build();
        // The reader would drop a byte-order mark from its first record; the mark is already dropped at the
        // beginning of the file.
        let _ = self.quoted.read_record(b"-\n", &mut [0; 4], &mut [0; 4]);
    }

    /// Sets the number of columns and, where copies of the header are skipped, the header.
    pub fn under(&mut self, header: Vec<u8>, columns: usize) {
        (self.header, self.columns) = (header, columns);
    }

    /// A second cutter with the same settings. A copy of a `csv_core::Reader` forgets its table, so a new one
    /// is built.
    pub fn another(&self) -> Cutter {
        let mut another = Cutter {
            reading: self.reading.clone(),
            misfit: self.misfit.clone(),
            header: self.header.clone(),
            unquoted: self.unquoted.clone(),
            quoted: csv_core::Reader::new(),
            ..*self
        };
        another.separate_by(self.separator);
        another
    }

    /// Why a line is not a record, in words.
    pub fn says(&self, why: NoRecord) -> &str {
        match why {
            NoRecord::Open => "a quote is not closed in its line",
            NoRecord::Misfit => &self.misfit,
        }
    }

    /// The kind of a line.
    pub fn judge(&self, line: &[u8]) -> Line {
        let begins = |with: &Option<String>| with.as_ref().is_some_and(|w| line.starts_with(w.as_bytes()));
        if line.is_empty() || self.columns > 1 && line.iter().all(u8::is_ascii_whitespace) {
            Line::Blank
        } else if begins(&self.reading.end) {
            Line::End
        } else if begins(&self.reading.comment) {
            Line::Comment
        } else if !self.header.is_empty() && line == self.header {
            Line::Header
        } else {
            Line::Record
        }
    }

    /// Whether cells of a line may be quoted.
    pub fn has_quotes(&self, line: &[u8]) -> bool {
        let Reading { quotes, line: written, .. } = &self.reading;
        let quotes = quotes.unwrap_or(true) && written.is_none() && self.separator != Separator::Space;
        quotes && memchr::memchr(b'"', line).is_some()
    }

    /// Judges a line as it is in the file and, if it is a record of a raw trace, divides it into cells;
    /// returns why it is not a record. `buffer` holds the line where it had to be changed.
    pub fn take<'l>(
        &mut self,
        line: &'l [u8],
        buffer: &'l mut Vec<u8>,
        cells: &mut Cells,
    ) -> (Line, &'l [u8], Option<NoRecord>) {
        let foreign = is_foreign(self.reading.encoding, line);
        buffer.clear();
        if foreign {
            buffer.extend_from_slice(line);
            decode(self.reading.encoding, buffer, 0);
        }
        let own = if foreign { &buffer[..] } else { line };
        let kind = self.judge(own);
        if kind != Line::Record {
            return (kind, b"", None);
        }
        if !self.has_quotes(own) {
            let why = self.cut(own, cells);
            self.trim(cells);
            return (kind, if foreign { buffer } else { line }, why);
        }
        if !foreign {
            buffer.extend_from_slice(line);
        }
        // In a raw trace no further line is requested.
        let why = self.cut_quoted(buffer, cells, b"", |_| Ok(None)).unwrap_or(None);
        self.trim(cells);
        (kind, buffer, why)
    }

    /// Divides a line without quotes; returns why it is not a record.
    pub fn cut(&self, line: &[u8], cells: &mut Cells) -> Option<NoRecord> {
        cells.ranges.clear();
        cells.unquoted = false;
        if let Some(written) = &self.reading.line {
            let mut cell = |own: &[u8]| {
                let from = own.as_ptr() as usize - line.as_ptr() as usize;
                cells.ranges.push(from..from + own.len());
            };
            let fits = written.split(line, self.reading.numbers.scales, &mut cell);
            return (!fits).then_some(NoRecord::Misfit);
        }
        if self.separator == Separator::Space {
            let mut from = 0;
            for cell in line.split(u8::is_ascii_whitespace) {
                cells.ranges.extend((!cell.is_empty()).then_some(from..from + cell.len()));
                from += cell.len() + 1;
            }
        } else {
            let mut from = 0;
            for at in memchr::memchr_iter(self.separator.byte(), line) {
                cells.ranges.push(from..at);
                from = at + 1;
            }
            cells.ranges.push(from..line.len());
        }
        None
    }

    /// Divides a line with quotes. While a quote is open, `more` appends the next line to the buffer, and
    /// returns how it ended in the file. Returns why the line is not a record. In a raw trace a quote ends on
    /// its line.
    pub fn cut_quoted(
        &mut self,
        buffer: &mut Vec<u8>,
        cells: &mut Cells,
        mut ended: &'static [u8],
        mut more: impl FnMut(&mut Vec<u8>) -> Result<Option<&'static [u8]>, ReadError>,
    ) -> Result<Option<NoRecord>, ReadError> {
        let (mut read, mut written, mut ends) = (0, 0, 0);
        let (mut over, mut fault) = (false, None);
        buffer.push(b'\n');
        loop {
            let (text, places) = &mut self.unquoted;
            // Empty input signals the end of the file, which closes an open quote.
            let input = if over { &[][..] } else { &buffer[read..] };
            let (result, consumed, put, found) =
                self.quoted.read_record(input, &mut text[written..], &mut places[ends..]);
            (read, written, ends) = (read + consumed, written + put, ends + found);
            match result {
                ReadRecordResult::OutputFull => text.resize(2 * text.len(), 0),
                ReadRecordResult::OutputEndsFull => places.resize(2 * places.len(), 0),
                ReadRecordResult::InputEmpty if self.origin == Origin::Raw && !over => {
                    fault = Some(NoRecord::Open);
                    over = true;
                }
                // The quote continues: the line end, which is already in the buffer, is part of the cell.
                ReadRecordResult::InputEmpty => {
                    if ended.len() > 1 {
                        text.resize(text.len().max(written + 1), 0);
                        text[written - 1] = b'\r';
                        text[written] = b'\n';
                        written += 1;
                    }
                    match if over { None } else { more(buffer)? } {
                        Some(end) => {
                            ended = end;
                            buffer.push(b'\n');
                        }
                        None => over = true,
                    }
                }
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        cells.ranges.clear();
        cells.unquoted = true;
        let mut from = 0;
        for &end in &self.unquoted.1[..ends] {
            cells.ranges.push(from..end);
            from = end;
        }
        Ok(fault)
    }

    /// Drops empty cells after the last column.
    pub fn trim(&self, cells: &mut Cells) {
        let many = cells.len();
        if many > self.columns && cells.ranges[self.columns..].iter().all(Range::is_empty) {
            cells.ranges.truncate(self.columns);
        }
    }

    /// A cell of the line that was divided last.
    pub fn cell<'a>(&'a self, line: &'a [u8], cells: &Cells, at: usize) -> &'a [u8] {
        let text = if cells.unquoted { &self.unquoted.0 } else { line };
        cells.ranges.get(at).map_or(&[], |range| &text[range.clone()])
    }
}
