//! The columns of a schema in the header of a file.

use super::Bound;
use crate::ReadError;
use crate::columns::Holds;
use crate::source::{FileFormat, Head};
use crate::text::Origin;
use netdpsyn_trace::{Column, Ends, Field, Schema};
use std::collections::HashSet;

/// The schema with its columns in the order of the file.
pub(super) fn to_header(schema: Schema, heads: &[Head], format: FileFormat) -> Result<Bound, ReadError> {
    // Duplicate names do not matter among ignored columns.
    let mut names = HashSet::new();
    let named = |head: &&Head| schema.columns.iter().any(|column| column.name == head.name);
    if let Some(twice) = heads.iter().filter(named).find(|head| !names.insert(&head.name)) {
        return Err(ReadError::DuplicateColumn(twice.name.clone()));
    }
    let head = |column: &Column| heads.iter().find(|head| head.name == column.name);
    // The names in JSON objects are those of records: a single record would decide whether an optional column
    // exists.
    let named_by_records = format == FileFormat::Ndjson;
    let needed = || schema.columns.iter().filter(|column| !column.optional || named_by_records);
    let missing: Vec<String> = needed().filter(|c| head(c).is_none()).map(|c| c.name.clone()).collect();
    let header = || heads.iter().map(|head| head.name.clone()).collect();
    if !missing.is_empty() {
        return Err(match heads.iter().any(Head::looks_like_a_value) {
            true => ReadError::NoHeader,
            false => ReadError::MissingColumns { missing, header: header() },
        });
    }
    if let Some(nested) = needed().find(|c| head(c).is_some_and(|head| head.holds == Holds::Nested)) {
        return Err(ReadError::Nested(nested.name.clone()));
    }
    let mut bound = Bound {
        schema: Schema { columns: Vec::new(), ..schema.clone() },
        positions: Vec::new(),
        detected: Vec::new(),
        holds: Vec::new(),
        width: heads.len(),
        ignored: Vec::new(),
        ends: None,
        notes: Vec::new(),
        origin: Origin::Raw,
        scratch: None,
    };
    for (position, head) in heads.iter().enumerate() {
        if schema.reading.ends.as_ref().is_some_and(|ends| ends.column == head.name) {
            continue;
        }
        let column = schema.columns.iter().find(|column| column.name == head.name);
        if head.holds == Holds::Nested {
            bound.notes.push(format!("column {} holds lists or objects and is left out", head.name));
        }
        match column.filter(|_| head.holds != Holds::Nested) {
            Some(column) => {
                bound.schema.columns.push(column.clone());
                bound.positions.push(position);
                bound.detected.push(false);
                bound.holds.push(head.holds);
                if let (Field::Timestamp { .. }, Holds::Time { zoned: false, .. }) =
                    (&column.field, head.holds)
                {
                    bound.notes.push(format!("times of {} have no zone and are taken for UTC", head.name));
                }
            }
            None => bound.ignored.push(head.name.clone()),
        }
    }
    if bound.schema.columns.is_empty() {
        let missing = schema.columns.iter().map(|column| column.name.clone()).collect();
        return Err(ReadError::MissingColumns { missing, header: header() });
    }
    bound.ends = ends_of(&bound.schema);
    // Without start or duration no end can be computed.
    if Ends::of(&bound.schema).is_none() {
        bound.schema.reading.ends = None;
    }
    Ok(bound)
}

/// The columns of ends that are read.
fn ends_of(schema: &Schema) -> Option<Ends> {
    Ends::of(schema).filter(|ends| schema.columns[ends.duration].is_end())
}

/// The same in the schema's order; no column may be missing.
pub(super) fn in_order(mut schema: Schema, heads: &[Head]) -> Result<Bound, ReadError> {
    schema.columns.iter_mut().for_each(|column| column.optional = false);
    let bound = to_header(schema.clone(), heads, FileFormat::Csv)?;
    let position = |column: &Column| heads.iter().position(|head| head.name == column.name);
    let positions: Vec<usize> = schema.columns.iter().filter_map(position).collect();
    let holds = positions.iter().map(|&position| heads[position].holds).collect();
    let ends = ends_of(&schema);
    Ok(Bound { positions, holds, ends, schema, ..bound })
}
