//! Proposes a schema for a file that no preset fits, from its names and first records.
//!
//! The steward completes it, and it is private until then: types, separators and number formats are derived
//! from records.

mod names;
mod seen;

pub use names::is_end;
pub(super) use names::usual_role;
pub(super) use seen::{FORMATS, merged};

use super::cell::Parser;
use super::columns::Holds;
use super::numbers::Rules;
use super::recognise::cells_of_records;
use super::source::{FileFormat, Head, Opened, Record};
use super::text::Layout;
use super::{Limits, ReadError};
use jiff::tz::TimeZone;
use netdpsyn_privacy::Private;
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::reading::{Objects, Reading, Separator, Times};
use netdpsyn_trace::{Column, Field, RecordKind, Role, Schema, TimeUnit};
use seen::Seen;
use std::collections::BTreeSet;
use std::path::Path;

/// Number of records that are examined.
const LOOKED_AT: usize = 10_000;
/// Number of records that are examined to find the separator.
const SEPARATED: usize = 200;

/// A schema to complete, and what is not in it.
#[derive(Debug)]
pub struct Proposal {
    /// The proposed schema.
    pub schema: Schema,
    /// Ignored columns, with the reasons.
    pub left_out: Vec<(String, &'static str)>,
}

/// Proposes a schema; declarations about the text already apply.
///
/// # Errors
/// [`ReadError`] when the file cannot be read as text, or `progress` asks to stop.
pub fn propose(
    path: &Path,
    declared: &Reading,
    progress: &dyn Progress,
) -> Result<Private<Proposal>, ReadError> {
    let open = |reading: &Reading| Opened::new(path, Layout::raw(reading), Limits::NONE, progress);
    let mut reading = declared.clone();
    let told = reading.separator.is_some() || reading.objects.is_some() || reading.line.is_some();
    // Under a wrong separator the columns that select records do not exist.
    let whole = Reading { only: Vec::new(), ..reading.clone() };
    if !told && open(&whole)?.format == FileFormat::Csv {
        reading.separator = separator(&whole, open)?;
    }
    let mut opened = open(&reading)?;
    if opened.heads.iter().any(|head| head.holds == Holds::Nested) && reading.objects.is_none() {
        reading.objects = Some(Objects::Nested);
        opened = open(&reading)?;
    }
    // A header of one field names no column of records with more.
    let alone = opened.heads.len() == 1 && opened.format == FileFormat::Csv && reading.names().is_empty();
    let cells = if alone { cells_of_records(&reading, open)? } else { None };
    if let Some((separator, cells)) = cells {
        reading.skip += 1;
        reading.separator = Some(separator);
        reading.columns = numbered(cells);
        opened = open(&reading)?;
    }
    if opened.heads.iter().any(Head::looks_like_a_value) {
        reading.columns = numbered(opened.heads.len());
        opened = open(&reading)?;
    }
    let mut columns: Vec<Seen> = opened.heads.iter().map(Seen::new).collect();
    let mut records = opened.records;
    let mut record = Record::default();
    let mut looked_at = 0;
    let mut first: Vec<csv::ByteRecord> = Vec::new();
    while looked_at < LOOKED_AT && records.next(&mut record)? {
        if record.fault.is_none() && record.cells.len() == columns.len() {
            if first.len() < SEPARATED {
                first.push(record.cells.clone());
            }
            columns.iter_mut().zip(&record.cells).for_each(|(column, cell)| column.see(cell.trim_ascii()));
            looked_at += 1;
        }
    }
    let proposal = proposal(columns, reading, &first);
    // Without records, only columns whose names have a usual meaning are proposed.
    if looked_at == 0 && proposal.schema.columns.is_empty() {
        return Err(ReadError::NoRecords);
    }
    if proposal.schema.columns.is_empty() {
        return Err(ReadError::NoTrace(
            "no column of it can be told; say how a line is written, as --line \"{ts:2} {src}:{sport} -> {dst}:{dport} {bytes}\" does, or what stands between cells with --separator",
        ));
    }
    Ok(Private::new(proposal))
}

fn numbered(cells: usize) -> Vec<String> {
    (1..=cells).map(|number| format!("column{number}")).collect()
}

/// The separator that divides the header and nearly all records into the same number of cells, if that is
/// more than one.
fn separator<'a>(
    reading: &Reading,
    open: impl Fn(&Reading) -> Result<Opened<'a>, ReadError>,
) -> Result<Option<Separator>, ReadError> {
    let mut best = (1, None);
    for separator in Separator::SINGLE {
        let opened = open(&Reading { separator: Some(separator), ..reading.clone() })?;
        let width = opened.heads.len();
        let (mut records, mut record) = (opened.records, Record::default());
        let (mut seen, mut alike) = (0, 0);
        while seen < SEPARATED && records.next(&mut record)? {
            seen += 1;
            alike += usize::from(record.cells.len() == width);
        }
        if width > best.0 && alike * 10 >= seen * 9 {
            best = (width, (separator != Separator::Comma).then_some(separator));
        }
    }
    Ok(best.1)
}

/// The unit of durations, if they equal end − start: the unit in which they are nearest, within a second and
/// a half in nine of ten of the first records.
fn counted(
    times: &Seen,
    durations: &Seen,
    places: [usize; 3],
    first: &[csv::ByteRecord],
) -> Option<TimeUnit> {
    let time = |cell: &[u8]| match times.times {
        Some(notation @ Some(_)) => Parser::new(&Field::timestamp(1), notation, false).read(cell).ok(),
        _ => {
            let times = Times { format: (*times.formats.first()?).into(), zone: None };
            times.read(std::str::from_utf8(cell).ok()?, &TimeZone::UTC)
        }
    };
    let rules = Rules::new(durations.needs);
    let lengths: Vec<(f64, f64)> = first
        .iter()
        .filter_map(|record| {
            let [start, end, duration] =
                places.map(|place| record.get(place).unwrap_or_default().trim_ascii());
            let apart = time(end)? as f64 - time(start)? as f64;
            Some((apart, rules.read(duration, 9).ok()? as f64 / 1e9))
        })
        .collect();
    let off = |unit: &TimeUnit| {
        let unit = unit.nanoseconds() as f64;
        lengths.iter().map(|(apart, duration)| (apart - duration * unit).abs()).collect::<Vec<_>>()
    };
    let units = TimeUnit::ALL.into_iter().map(|unit| (unit, off(&unit)));
    let total = |off: &[f64]| off.iter().sum::<f64>();
    let (unit, off) = units.min_by(|(_, a), (_, b)| total(a).total_cmp(&total(b)))?;
    let near = off.iter().filter(|off| **off <= 1.5e9).count();
    (!off.is_empty() && near * 10 >= off.len() * 9).then_some(unit)
}

fn proposal(seen: Vec<Seen>, mut reading: Reading, first: &[csv::ByteRecord]) -> Proposal {
    let (mut columns, mut left_out): (Vec<Column>, Vec<(String, &'static str)>) = (Vec::new(), Vec::new());
    let mut names = BTreeSet::new();
    // A column named as a time takes precedence over other columns of times.
    let timed = |seen: &Seen| matches!(seen.field(), Ok(Field::Timestamp { .. }));
    let named = |role: Role| seen.iter().position(|s| s.role == Some(role) && timed(s));
    let start = named(Role::Start).or(seen.iter().position(timed));
    let end = named(Role::End).filter(|end| {
        let alike =
            |start: usize| seen[start].times == seen[*end].times && seen[start].formats == seen[*end].formats;
        start.is_some_and(|start| start != *end && alike(start))
    });
    let duration = seen.iter().position(|s| s.role == Some(Role::Duration) && s.numbers);
    let unit = start.zip(end).zip(duration).map(|((start, end), duration)| {
        counted(&seen[start], &seen[duration], [start, end, duration], first)
    });
    // Where the duration differs from end − start, these are two independent times.
    let end = end.filter(|_| unit != Some(None));
    for (index, seen) in seen.into_iter().enumerate() {
        let field = match seen.field() {
            _ if seen.name.is_empty() || seen.name.contains('×') || !names.insert(seen.name.clone()) => {
                Err("its name is empty, or another column's")
            }
            Ok(Field::Timestamp { .. }) if start != Some(index) && end != Some(index) => {
                Err("a schema has one column of times, and one of the times at which records end")
            }
            field => field,
        };
        let field = match field {
            Ok(field) => field,
            Err(why) => {
                left_out.push((seen.name, why));
                continue;
            }
        };
        if matches!(field, Field::Timestamp { .. })
            && seen.seen
            && !matches!(seen.times, Some(Some(_)))
            && reading.times.is_none()
        {
            reading.times = seen.formats.first().map(|format| Times { format: (*format).into(), zone: None });
        }
        if seen.numbers
            && !field.is_address()
            && !matches!(field, Field::Categorical(_) | Field::Timestamp { .. })
        {
            reading.numbers = merged(reading.numbers, seen.needs);
        }
        let role = match field {
            Field::Timestamp { .. } if end == Some(index) => Some(Role::End),
            Field::Timestamp { .. } => Some(Role::Start),
            _ => seen.role,
        };
        let free =
            |role: &Role| role.fits(&field) && !columns.iter().any(|column: &Column| column.roles.has(*role));
        let role = role.filter(free).unwrap_or(Role::None);
        let column = Column::new(&seen.name, field).with(role);
        let special = if column.may_be_special() { seen.special } else { Vec::new() };
        columns.push(Column { special, ..column });
    }
    // Both ends of a record have addresses of the same kind.
    let is_end =
        |column: &Column| column.roles.has(Role::SourceAddress) || column.roles.has(Role::DestinationAddress);
    if columns.iter().any(|column| is_end(column) && column.field == Field::Address {}) {
        columns
            .iter_mut()
            .filter(|column| is_end(column))
            .for_each(|column| column.field = Field::Address {});
    }
    let has = |role: Role| columns.iter().any(|column| column.roles.has(role));
    let kind = if has(Role::Length) && !has(Role::Packets) { RecordKind::Packet } else { RecordKind::Flow };
    let mut schema =
        Schema { name: "proposed".into(), kind, columns, facts: vec![], mtu: None, window: None, reading };
    schema.settle_ends();
    if let (Some(ends), Some(Some(unit))) = (&mut schema.reading.ends, unit) {
        ends.unit = unit;
    }
    Proposal { schema, left_out }
}
