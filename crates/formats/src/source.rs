//! A trace file as records of cells, whatever it is written in. What a file is, its first bytes say, never its name.

use super::ReadError;
use super::columns::{self, Chosen, Columns, Holds};
use super::input::{self, Input, Limits};
use super::json_lines::JsonLines;
use super::packed::Packing;
use super::text::{Layout, LeftOut, Origin, Text};
use netdpsyn_trace::Reading;
use netdpsyn_trace::progress::{Progress, Quiet};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::Path;

/// How a trace is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Comma-separated text with a header line.
    #[default]
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC: a file (Feather) or a stream.
    Arrow,
}

impl std::fmt::Display for FileFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FileFormat::Csv => "CSV",
            FileFormat::Ndjson => "NDJSON",
            FileFormat::Parquet => "Parquet",
            FileFormat::Arrow => "Arrow",
        })
    }
}

/// What a file is written in and packed in, as far as its first bytes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileKind {
    /// The format.
    pub format: FileFormat,
    /// What packed it.
    pub packing: Option<Packing>,
}

impl FileKind {
    /// Looks at the first bytes of a file, and at the first that are packed in it.
    pub fn of(path: &Path) -> Result<FileKind, ReadError> {
        if let Some(format) = columnar(&input::first_bytes(path)?) {
            return Ok(FileKind { format, packing: None });
        }
        let input = input::open(path, Limits::NONE, &Quiet)?;
        let format = if begins(&input) == Some(b'{') { FileFormat::Ndjson } else { FileFormat::Csv };
        Ok(FileKind { format, packing: input.packing() })
    }
}

/// The first letter of a text.
fn begins(input: &Input) -> Option<u8> {
    let head = input.head();
    head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start().first().copied()
}

impl std::fmt::Display for FileKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.packing {
            Some(packing) => write!(f, "{} packed by {packing}", self.format),
            None => self.format.fmt(f),
        }
    }
}

/// Which columnar format a file is in, by its first bytes.
pub(super) fn columnar(head: &[u8]) -> Option<FileFormat> {
    match head {
        [b'P', b'A', b'R', b'1' | b'E', ..] => Some(FileFormat::Parquet),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => Some(FileFormat::Arrow),
        _ => None,
    }
}

/// A column as a file has it.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub name: String,
    pub holds: Holds,
}

impl Head {
    /// Whether it is an address or a number with a fraction, which no column is called.
    pub fn looks_like_a_value(&self) -> bool {
        self.name.parse::<IpAddr>().is_ok() || self.name.contains('.') && self.name.parse::<f64>().is_ok()
    }
}

/// One record.
#[derive(Default)]
pub(super) struct Record {
    /// Its cells, as many as it has.
    pub cells: csv::ByteRecord,
    /// Where it stands: a line of text, the header being 1.
    pub line: u64,
    /// Why it is no record at all.
    pub fault: Option<String>,
}

/// A file's records, one after the other.
pub(super) enum Records<'a> {
    Text(Box<Text<'a>>),
    Lines(JsonLines<'a>),
    Columns(Columns<'a>),
}

impl Records<'_> {
    /// The next record; none at the end of the file.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        match self {
            Records::Text(text) => text.next(record),
            Records::Lines(lines) => lines.next(record),
            Records::Columns(columns) => columns.next(record),
        }
    }

    /// Lines that were left out so far.
    pub fn left_out(&self) -> LeftOut {
        match self {
            Records::Text(text) => text.left_out(),
            Records::Lines(_) | Records::Columns(_) => LeftOut::default(),
        }
    }

    /// Takes these columns alone from a file that has them apart.
    pub fn choose(&mut self, chosen: impl FnOnce() -> Vec<Chosen>) {
        if let Records::Columns(columns) = self {
            columns.choose(chosen());
        }
    }
}

/// A file that has been opened: what it is, its columns, and its records.
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
            let (heads, columns) = columns::open(path, format, limits, progress)?;
            return Ok(Opened { format, packing: None, heads, records: Records::Columns(columns) });
        }
        let input = input::open(path, limits, progress)?;
        let packing = input.packing();
        // Text that is declared to be laid out so, or that this program wrote, is no JSON, whatever it begins with.
        let Reading { separator, columns, skip, comment, .. } = layout.reading;
        let declared = separator.is_some() || !columns.is_empty() || *skip > 0 || comment.is_some();
        let text = declared || layout.origin == Origin::Ours;
        Ok(match begins(&input).filter(|_| !text) {
            Some(b'{') => {
                let (heads, lines) = JsonLines::new(input, || input::open(path, limits, progress))?;
                Opened { format: FileFormat::Ndjson, packing, heads, records: Records::Lines(lines) }
            }
            Some(b'[') => {
                return Err(ReadError::NoTrace(
                    "it begins like a JSON array; write an object a line instead",
                ));
            }
            _ => {
                let (names, text) = Text::new(input, layout)?;
                let heads = names.into_iter().map(|name| Head { name, holds: Holds::Text }).collect();
                Opened { format: FileFormat::Csv, packing, heads, records: Records::Text(Box::new(text)) }
            }
        })
    }
}
