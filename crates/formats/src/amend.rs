//! Proposes declarations that make more records of a file readable, by trying them on its first records.
//!
//! Possible notations that a schema does not declare are tried one after the other. The one that leaves the
//! fewest cells and lines unread is kept, and so on until none helps. Cells that remain unreadable and are
//! not numbers may be declared as special values. The result is for the steward to review, and private until
//! then: it is derived from records.

use super::bind::{bind, opened};
use super::cell::{Parser, is_no_value};
use super::propose::{FORMATS, merged};
use super::source::{FileKind, Record};
use super::text::Origin;
use super::{Limits, ReadError};
use netdpsyn_privacy::Private;
use netdpsyn_trace::address::Families;
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::reading::{Decimal, Encoding, Negative, Numbers, Times};
use netdpsyn_trace::{Field, Schema};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Number of records that are examined.
const LOOKED_AT: usize = 10_000;
/// Largest number of special cells of a column.
const MOST_SPECIAL: usize = 8;
/// Number of records in which a word must occur to be proposed as a special value.
const OFTEN: usize = 2;

/// A declaration to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// The number format.
    Numbers(Numbers),
    /// The time format.
    Times(Times),
    /// The character encoding.
    Encoding(Encoding),
    /// Skip a line that begins with this, and everything after it.
    End(String),
    /// The families of addresses.
    Addresses(Families),
    /// Special values of a column.
    Special(String, Vec<String>),
}

impl Amendment {
    /// The schema with this declaration.
    fn on(&self, schema: &Schema) -> Option<Schema> {
        let mut schema = schema.clone();
        let reading = &mut schema.reading;
        match self {
            Amendment::Numbers(numbers) => reading.numbers = merged(*numbers, reading.numbers),
            Amendment::Times(times) => reading.times = Some(times.clone()),
            Amendment::Encoding(encoding) => reading.encoding = *encoding,
            Amendment::End(end) => reading.end = Some(end.clone()),
            Amendment::Addresses(families) => schema.declare_families(*families).ok()?,
            Amendment::Special(column, cells) => {
                let own = schema.columns.iter().find(|own| own.name == *column)?;
                let all: Vec<String> = own.special.iter().chain(cells).cloned().collect();
                schema.declare_special(column, &all).ok()?;
            }
        }
        (schema.check().is_ok() && schema.check_notations().is_ok()).then_some(schema)
    }
}

impl fmt::Display for Amendment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amendment::Numbers(numbers) if numbers.hexadecimal => {
                f.write_str("numbers that begin with 0x are hexadecimal")
            }
            Amendment::Numbers(numbers) if numbers.scales => {
                f.write_str("numbers may have a factor behind them, as 1.2 M")
            }
            Amendment::Numbers(numbers) if numbers.clock => {
                f.write_str("lengths of time may be hours, minutes and seconds")
            }
            Amendment::Numbers(numbers) if numbers.negative == Negative::Zero => {
                f.write_str("numbers below 0 count as 0")
            }
            Amendment::Numbers(_) => f.write_str("a comma stands before the fraction of a number"),
            Amendment::Times(times) => write!(f, "times are written as {}", times.format),
            Amendment::Encoding(_) => f.write_str("characters are those of Windows-1252"),
            Amendment::End(end) => write!(f, "the records end before a line that begins with {end:?}"),
            Amendment::Addresses(_) => {
                f.write_str("addresses may be of IPv6 or of hardware, or tokens as 10008_145, as well")
            }
            Amendment::Special(column, cells) => {
                let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:?}")).collect();
                write!(f, "cells of {column} may be {}, each a value of its own", cells.join(", "))
            }
        }
    }
}

/// A schema that reads more of a file.
#[derive(Clone, Debug)]
pub struct Amended {
    /// The schema.
    pub schema: Schema,
    /// The added declarations.
    pub amendments: Vec<Amendment>,
    /// Number of examined records, and how many of them the schema reads.
    pub looked_at: [usize; 2],
}

/// Tries declarations in addition to `schema`; `None` where it reads all records, or nothing helps.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, or `progress` asks to stop.
pub fn amend(
    path: &Path,
    schema: &Schema,
    limits: Limits,
    progress: &dyn Progress,
) -> Result<Option<Private<Amended>>, ReadError> {
    // The cells of a capture or of datagrams were not written by anyone: there is no notation to propose.
    if FileKind::of(path).is_ok_and(|kind| kind.format.is_made()) {
        return Ok(None);
    }
    let Some(mut unread) = Unread::of(path, schema, limits, progress)? else { return Ok(None) };
    let mut schema = schema.clone();
    let mut amendments = Vec::new();
    while unread.records > 0 {
        let mut best: Option<(Schema, Unread, Vec<Amendment>)> = None;
        for amendment in candidates(&schema, &unread) {
            let Some(amended) = amendment.on(&schema).filter(|amended| *amended != schema) else { continue };
            let Some(left) = Unread::of(path, &amended, limits, progress)? else { continue };
            if left.cost < best.as_ref().map_or(unread.cost, |(_, best, _)| best.cost) {
                best = Some((amended, left, vec![amendment]));
            }
        }
        if best.is_none() {
            let (amended, found) = special(&schema, &unread);
            let left = Unread::of(path, &amended, limits, progress)?;
            best = left.filter(|left| left.cost < unread.cost).map(|left| (amended, left, found));
        }
        let Some((amended, left, found)) = best else { break };
        (schema, unread) = (amended, left);
        amendments.extend(found);
    }
    let looked_at = [unread.looked_at, unread.looked_at - unread.records];
    Ok((!amendments.is_empty()).then(|| Private::new(Amended { schema, amendments, looked_at })))
}

/// Possible declarations, given the unreadable cells.
fn candidates(schema: &Schema, unread: &Unread) -> Vec<Amendment> {
    let plain = Numbers::default();
    let mut all: Vec<Amendment> = [
        Numbers { hexadecimal: true, ..plain },
        Numbers { scales: true, ..plain },
        Numbers { decimal: Decimal::Comma, ..plain },
        Numbers { clock: true, ..plain },
        Numbers { negative: Negative::Zero, ..plain },
    ]
    .map(Amendment::Numbers)
    .into();
    if unread.is_of(schema, |field| matches!(field, Field::Ip { .. })) {
        all.push(Amendment::Addresses(Families::Any));
    }
    let times = unread.is_of(schema, |field| matches!(field, Field::Timestamp { .. }));
    if times && schema.reading.times.is_none() {
        let times = |format: &&str| Amendment::Times(Times { format: (*format).into(), zone: None });
        all.extend(FORMATS.iter().map(times));
    }
    if schema.reading.encoding == Encoding::Utf8 {
        all.push(Amendment::Encoding(Encoding::Windows1252));
    }
    all.extend(unread.end.clone().filter(|_| schema.reading.end.is_none()).map(Amendment::End));
    all
}

/// Proposes special values for columns: words that stand for no value, and other words that are not numbers
/// and occur repeatedly.
fn special(schema: &Schema, unread: &Unread) -> (Schema, Vec<Amendment>) {
    let (mut schema, mut found) = (schema.clone(), Vec::new());
    for (column, cells) in &unread.cells {
        let word = |cell: &[u8]| cell.iter().any(|byte| !byte.is_ascii_digit() && *byte != b'-');
        let words = cells.iter().filter(|(cell, count)| is_no_value(cell) || **count >= OFTEN && word(cell));
        let words: Option<Vec<String>> =
            words.map(|(cell, _)| String::from_utf8(cell.clone()).ok()).collect();
        let Some(words) = words.filter(|words| (1..=MOST_SPECIAL).contains(&words.len())) else { continue };
        let amendment = Amendment::Special(column.clone(), words);
        if let Some(amended) = amendment.on(&schema) {
            schema = amended;
            found.push(amendment);
        }
    }
    (schema, found)
}

/// What of the first records cannot be read.
struct Unread {
    looked_at: usize,
    records: usize,
    /// Number of lines that are not records, and of cells that cannot be read.
    cost: usize,
    /// By column, its unreadable cells and their counts.
    cells: BTreeMap<String, BTreeMap<Vec<u8>, usize>>,
    /// The first word of the first line after all records.
    end: Option<String>,
}

impl Unread {
    /// Whether a column of some type has unreadable cells.
    fn is_of(&self, schema: &Schema, is: impl Fn(&Field) -> bool) -> bool {
        schema.columns.iter().any(|column| is(&column.field) && self.cells.contains_key(&column.name))
    }

    /// Reads the first records under a schema; `None` where the schema does not fit the file at all.
    fn of(
        path: &Path,
        schema: &Schema,
        limits: Limits,
        progress: &dyn Progress,
    ) -> Result<Option<Unread>, ReadError> {
        let bound = match bind(path, schema.clone(), limits, progress) {
            Ok(bound) => bound,
            Err(ReadError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(_) => return Ok(None),
        };
        let mut records = opened(path, &bound.schema, Origin::Raw, limits, progress)?.records;
        records.choose(|| bound.chosen());
        let parsers = bound.parsers(None);
        let mut unread = Unread { looked_at: 0, records: 0, cost: 0, cells: BTreeMap::new(), end: None };
        let mut values: Vec<Option<u64>> = Vec::new();
        let mut record = Record::default();
        while unread.looked_at < LOOKED_AT && records.next(&mut record)? {
            unread.looked_at += 1;
            if record.fault.is_some() || record.cells.len() != bound.width {
                unread.records += 1;
                unread.cost += 1;
                let word = record.cells.get(0).and_then(|cell| {
                    let text = std::str::from_utf8(cell).ok()?;
                    text.split_whitespace().next().map(String::from)
                });
                unread.end = unread.end.or(word);
                continue;
            }
            unread.end = None;
            let mut whole = true;
            values.clear();
            for ((column, parser), &at) in bound.schema.columns.iter().zip(&parsers).zip(&bound.positions) {
                let cell = bound.cell(&record.cells, at);
                let read = parser.read(cell);
                values.push(read.as_ref().ok().copied());
                if read.is_err() {
                    whole = false;
                    unread.cost += 1;
                    let cells = unread.cells.entry(column.name.clone()).or_default();
                    *cells.entry(cell.to_vec()).or_default() += 1;
                }
            }
            if let Some(ends) = bound.ends
                && let Parser::End(end) = &parsers[ends.duration]
                && let (Some(start), Some(at)) = (values[ends.start], values[ends.duration])
                && end.duration(start, at, b"").is_err()
            {
                whole = false;
                unread.cost += 1;
            }
            unread.records += usize::from(!whole);
        }
        Ok(Some(unread))
    }
}
