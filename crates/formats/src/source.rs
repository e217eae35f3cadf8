//! A trace file of any format as records of cells. The first bytes determine the format, never the name.

use super::ReadError;
use super::columns::{self, Chosen, Columns, Holds, Made, SourceNotes};
use super::input::{self, Input, Limits};
use super::json_lines::JsonLines;
use super::packed::Packing;
use super::text::{Layout, LeftOut, Origin, Text};
use netdpsyn_trace::Reading;
use netdpsyn_trace::progress::{Progress, Quiet};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::Path;

/// The format of a trace file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Comma-separated text with a header line.
    #[default]
    Csv,
    /// A JSON object per line, or an array of objects.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC: a file (Feather) or a stream.
    Arrow,
    /// A packet capture: pcap or pcapng.
    Capture,
    /// Datagrams of flow exporters: NetFlow 5, NetFlow 9 or IPFIX.
    Export,
}

impl FileFormat {
    /// Whether records are derived from the content of the file instead of being stored in it.
    pub fn is_made(self) -> bool {
        matches!(self, FileFormat::Capture | FileFormat::Export)
    }
}

impl std::fmt::Display for FileFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FileFormat::Csv => "CSV",
            FileFormat::Ndjson => "NDJSON",
            FileFormat::Parquet => "Parquet",
            FileFormat::Arrow => "Arrow",
            FileFormat::Capture => "packet capture",
            FileFormat::Export => "flow export",
        })
    }
}

/// The format and compression of a file, as far as its first bytes show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileKind {
    /// The format.
    pub format: FileFormat,
    /// The compression.
    pub packing: Option<Packing>,
}

impl FileKind {
    /// Reads the first bytes of a file, and the first decompressed ones.
    ///
    /// # Errors
    /// [`ReadError`] when the file cannot be read.
    pub fn of(path: &Path) -> Result<FileKind, ReadError> {
        if let Some(format) = columnar(&input::first_bytes(path)?) {
            return Ok(FileKind { format, packing: None });
        }
        let input = input::unpacked(path, Limits::NONE, &Quiet)?;
        let packing = input.packing();
        if let Some(made) = Made::of(input.head()) {
            return Ok(FileKind { format: made.format(), packing });
        }
        let input = input.of_text()?;
        let format =
            if matches!(begins(&input), Some(b'{' | b'[')) { FileFormat::Ndjson } else { FileFormat::Csv };
        Ok(FileKind { format, packing })
    }
}

/// The first character of a text, unless it is a bracket that does not begin an array of objects.
pub(super) fn begins(input: &Input) -> Option<u8> {
    let head = input.head();
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start();
    match head {
        // An array of objects; a column name may also begin with a bracket.
        [b'[', rest @ ..] => {
            matches!(rest.trim_ascii_start().first(), None | Some(b'{' | b']')).then_some(b'[')
        }
        _ => head.first().copied(),
    }
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.packing {
            Some(packing) => write!(f, "{} packed by {packing}", self.format),
            None => self.format.fmt(f),
        }
    }
}

/// The columnar format of a file, by its first bytes.
pub(super) fn columnar(head: &[u8]) -> Option<FileFormat> {
    match head {
        [b'P', b'A', b'R', b'1' | b'E', ..] => Some(FileFormat::Parquet),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => Some(FileFormat::Arrow),
        _ => None,
    }
}

/// A column of a file.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub name: String,
    pub holds: Holds,
}

impl Head {
    /// Whether the name is an address or a number with a fraction, which no column is called.
    pub fn looks_like_a_value(&self) -> bool {
        self.name.parse::<IpAddr>().is_ok() || self.name.contains('.') && self.name.parse::<f64>().is_ok()
    }
}

/// The index of a column, and the values of records that are read.
pub(super) type Only = (usize, Vec<String>);

/// Whether a record is selected, as far as it has the cells that decide.
pub(super) fn reads<'c>(only: &[Only], cell: impl Fn(usize) -> Option<&'c [u8]>) -> bool {
    let held =
        |cell: &[u8], values: &[String]| values.iter().any(|value| value.as_bytes() == cell.trim_ascii());
    only.iter().all(|(place, values)| cell(*place).is_none_or(|cell| held(cell, values)))
}

/// One record.
#[derive(Default)]
pub(super) struct Record {
    /// Its cells.
    pub cells: csv::ByteRecord,
    /// Its position: a line of text, with the header as line 1.
    pub line: u64,
    /// Why it is not a record at all.
    pub fault: Option<String>,
}

/// A file's records, one after the other, without those that the schema skips.
pub(super) struct Records<'a> {
    kind: Kind<'a>,
    /// Indices of columns, and the values of records that are read.
    only: Vec<Only>,
    others: u64,
}

enum Kind<'a> {
    Text(Box<Text<'a>>),
    Lines(JsonLines<'a>),
    Columns(Columns<'a>),
}

impl<'a> Records<'a> {
    fn of(kind: Kind<'a>) -> Self {
        Records { kind, only: Vec::new(), others: 0 }
    }

    /// Reads the next record; `false` at the end of the file.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        loop {
            let more = match &mut self.kind {
                Kind::Text(text) => text.next(record)?,
                Kind::Lines(lines) => lines.next(record)?,
                Kind::Columns(columns) => columns.next(record)?,
            };
            // A record that is bad as a whole is reported as such.
            if !more || record.fault.is_some() || reads(&self.only, |place| record.cells.get(place)) {
                return Ok(more);
            }
            self.others += 1;
        }
    }

    /// The columns of a columnar file.
    pub fn columns(&mut self) -> Option<&mut Columns<'a>> {
        match &mut self.kind {
            Kind::Columns(columns) => Some(columns),
            _ => None,
        }
    }

    /// Whether records are derived.
    pub fn are_made(&self) -> bool {
        matches!(&self.kind, Kind::Columns(columns) if columns.format().is_made())
    }

    /// The text, and the indices of columns with the values of records that are read.
    pub fn text(&mut self) -> Option<(&mut Text<'a>, &[Only])> {
        match &mut self.kind {
            Kind::Text(text) => Some((text, &self.only)),
            _ => None,
        }
    }

    /// What is known of the file so far, where records are derived.
    pub fn found(&self) -> SourceNotes {
        match &self.kind {
            Kind::Columns(columns) => columns.found(),
            Kind::Text(_) | Kind::Lines(_) => SourceNotes::default(),
        }
    }

    /// Lines skipped so far.
    pub fn left_out(&self) -> LeftOut {
        let lines = match &self.kind {
            Kind::Text(text) => text.left_out(),
            Kind::Lines(_) | Kind::Columns(_) => LeftOut::default(),
        };
        LeftOut { others: self.others + lines.others, ..lines }
    }

    /// Restricts reading to these columns of a columnar file.
    pub fn choose(&mut self, chosen: impl FnOnce() -> Vec<Chosen>) {
        if let Some(columns) = self.columns() {
            columns.choose(chosen());
        }
    }
}

/// An open file: its format, its columns, and its records.
pub(super) struct Opened<'a> {
    pub format: FileFormat,
    pub packing: Option<Packing>,
    pub heads: Vec<Head>,
    pub records: Records<'a>,
}

impl<'a> Opened<'a> {
    pub fn new(
        path: &Path,
        layout: Layout<'_>,
        limits: Limits,
        progress: &'a dyn Progress,
    ) -> Result<Self, ReadError> {
        if let Some(format) = columnar(&input::first_bytes(path)?) {
            layout.without_only(format)?;
            layout.without_capture(format)?;
            let (heads, columns) = columns::open(path, format, limits, progress)?;
            return Opened { format, packing: None, heads, records: Records::of(Kind::Columns(columns)) }
                .only(layout);
        }
        let input = input::unpacked(path, limits, progress)?;
        let packing = input.packing();
        if let Some(made) = Made::of(input.head()) {
            let format = made.format();
            layout.without_only(format)?;
            let declared = layout.reading.capture.as_ref();
            let (heads, columns) = columns::open_made(made, input, declared, layout.making, progress)?;
            return Ok(Opened { format, packing, heads, records: Records::of(Kind::Columns(columns)) });
        }
        let input = input.of_text()?;
        layout.without_capture(FileFormat::Csv)?;
        // Text with a declared layout, or written by this program, is not JSON, whatever it begins with.
        let Reading { separator, columns, skip, comment, header, line, objects, .. } = layout.reading;
        let declared = separator.is_some()
            || !columns.is_empty()
            || *skip > 0
            || [comment, header].into_iter().any(Option::is_some)
            || line.is_some();
        let text = objects.is_none() && (declared || layout.origin == Origin::Ours);
        let opened = match begins(&input).filter(|_| !text) {
            Some(first) if first == b'{' || first == b'[' || objects.is_some() => {
                let (heads, lines) = JsonLines::new(input, layout, || input::open(path, limits, progress))?;
                Opened {
                    format: FileFormat::Ndjson,
                    packing,
                    heads,
                    records: Records::of(Kind::Lines(lines)),
                }
            }
            _ => {
                let (names, text) = Text::new(input, layout)?;
                let heads = names.into_iter().map(|name| Head { name, holds: Holds::Text }).collect();
                let records = Records::of(Kind::Text(Box::new(text)));
                Opened { format: FileFormat::Csv, packing, heads, records }
            }
        };
        opened.only(layout)
    }

    /// Skips the records that the reading excludes.
    fn only(mut self, layout: Layout<'_>) -> Result<Self, ReadError> {
        let place = |name: &String| self.heads.iter().position(|head| head.name == *name);
        let only = &layout.reading.only;
        let missing: Vec<String> =
            only.iter().map(|only| &only.column).filter(|name| place(name).is_none()).cloned().collect();
        if !missing.is_empty() {
            let header = self.heads.iter().map(|head| head.name.clone()).collect();
            return Err(ReadError::MissingColumns { missing, header });
        }
        let places = only.iter().filter_map(|only| Some((place(&only.column)?, only.values.clone())));
        self.records.only = places.collect();
        Ok(self)
    }
}
