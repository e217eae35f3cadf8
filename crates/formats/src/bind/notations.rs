//! The notation of each column, which the first readable record determines where nothing declares it.

use super::header::to_header;
use super::{Bound, opened};
use crate::ReadError;
use crate::cell::{Parser, notation_of, pointed};
use crate::columns::Holds;
use crate::input::Limits;
use crate::source::{Record, Records};
use crate::special::Special;
use crate::text::Origin;
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::reading::{Decimal, Numbers, Reading};
use netdpsyn_trace::{Column, Field, Notation, Schema};
use std::path::Path;

/// The parser of a column's cells.
pub(super) fn parser(
    reading: &Reading,
    column: &Column,
    holds: Holds,
    notation: Option<Notation>,
    detected: bool,
) -> Parser {
    let notation = holds.read_as(&column.field).or(notation);
    let parser = Parser::new(&column.field, notation, detected);
    let parser = match holds {
        Holds::Text => parser.under(reading),
        // A typed column determines its notation, but not how negative values are read.
        _ => {
            let numbers = Numbers { negative: reading.numbers.negative, ..Numbers::default() };
            parser.under(&Reading { numbers, ..Reading::default() })
        }
    };
    Special::around(column, parser, holds != Holds::Text)
}

/// Sets every undeclared notation: the one that `known` gives for a column's cell, otherwise that of the cell
/// itself.
pub(super) fn with_notations(
    mut records: Records<'_>,
    mut bound: Bound,
    known: impl Fn(usize, &[u8]) -> Option<Notation>,
) -> Result<Bound, ReadError> {
    records.choose(|| bound.chosen());
    let columns = bound.schema.columns.iter_mut().zip(&mut bound.detected).zip(&bound.holds);
    for ((column, detected), holds) in columns {
        let declared = column.notation.filter(|notation| notation.fits(&column.field));
        let typed = holds.written_as(&column.field);
        // Times in a declared format are text; nothing in the file can make them numbers.
        let of_format = (bound.schema.reading.times.is_some() && *holds == Holds::Text)
            .then_some(Notation::Rfc3339)
            .filter(|notation| notation.fits(&column.field));
        let typed = typed.filter(|_| !column.is_end());
        column.notation = of_format.or(declared).or(typed).or(Notation::canonical(&column.field));
        *detected = column.notation.is_none();
    }
    // Derived records all have the same notation, and deriving the first may cost as much as deriving all.
    if records.are_made() {
        return Ok(bound);
    }
    let mut record = Record::default();
    while records.next(&mut record)? {
        if record.fault.is_some() {
            continue;
        }
        if let Some(told) = told_by(&record.cells, &bound, &known) {
            for ((column, detected), told) in
                bound.schema.columns.iter_mut().zip(&mut bound.detected).zip(told)
            {
                *detected &= told.by_itself;
                column.notation = told.notation;
            }
            break;
        }
    }
    Ok(bound)
}

/// Whether at least half of the first records can be read under a schema.
pub(crate) fn reads(
    path: &Path,
    schema: Schema,
    most: usize,
    progress: &dyn Progress,
) -> Result<bool, ReadError> {
    let opened = opened(path, &schema, Origin::Raw, Limits::NONE, progress)?;
    let bound = to_header(schema, &opened.heads, opened.format)?;
    let (mut records, mut record) = (opened.records, Record::default());
    let (mut seen, mut read) = (0, 0);
    while seen < most && records.next(&mut record)? {
        seen += 1;
        read += usize::from(record.fault.is_none() && told_by(&record.cells, &bound, &|_, _| None).is_some());
    }
    Ok(read > 0 && 2 * read >= seen)
}

/// The notation of a cell, and whether it was inferred from the cell alone.
struct Told {
    notation: Option<Notation>,
    by_itself: bool,
}

/// The notations of a record's cells, if every one of them can be read.
fn told_by(
    record: &csv::ByteRecord,
    bound: &Bound,
    known: &impl Fn(usize, &[u8]) -> Option<Notation>,
) -> Option<Vec<Told>> {
    let cells = bound.positions.iter().map(|&at| bound.cell(record, at));
    let told = bound.schema.columns.iter().enumerate().zip(cells).map(|((index, column), cell)| {
        if column.is_end() {
            return Some(Told { notation: column.notation, by_itself: false });
        }
        let sure = column.notation.or_else(|| known(index, cell));
        let comma =
            bound.schema.reading.numbers.decimal == Decimal::Comma && bound.holds[index] == Holds::Text;
        let by_cell = || match comma && matches!(column.field, Field::Timestamp { .. }) {
            true => notation_of(&column.field, &pointed(cell)),
            false => notation_of(&column.field, cell),
        };
        let notation = sure.or_else(by_cell);
        // A special value does not show the notation of addresses.
        let silent =
            notation.is_none() && std::str::from_utf8(cell).is_ok_and(|c| column.special_value(c).is_some());
        if silent && matches!(column.field, Field::Ip { .. }) {
            return None;
        }
        let parser = parser(&bound.schema.reading, column, bound.holds[index], notation, false);
        let readable = parser.read(bound.said(index, &parser, cell)).is_ok();
        readable.then_some(Told { notation, by_itself: sure.is_none() })
    });
    let told: Vec<Told> = (record.len() == bound.width).then(|| told.collect::<Option<_>>())??;
    // An end has the notation of the start, which is known by now.
    let ends = bound.schema.columns.iter().enumerate().filter(|(_, column)| column.is_end());
    let mut ends = ends.zip(bound.schema.time_column());
    let readable = |((index, _), start): ((usize, &Column), usize)| {
        let column = &bound.schema.columns[start];
        let parser = parser(&bound.schema.reading, column, bound.holds[index], told[start].notation, false);
        parser.read(bound.cell(record, bound.positions[index])).is_ok()
    };
    ends.all(readable).then_some(told)
}
