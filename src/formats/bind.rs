//! A schema fitted to a file: the order of its columns, the optional ones it lacks, and the notation of each column.

use super::{ReadError, csv_read, input};
use crate::trace::{Column, Field, Notation, Schema, TimeUnit};
use std::path::Path;

/// Records looked at for notations.
const SAMPLE: usize = 1_000;

/// A schema and where its columns stand in a file.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The schema, in the order of the file, with every notation set.
    pub schema: Schema,
    /// For every column of the schema, its position in the file.
    pub positions: Vec<usize>,
    /// For every column, whether its notation was detected rather than declared.
    pub detected: Vec<bool>,
    /// Number of columns in the file.
    pub width: usize,
    /// Columns of the file that the schema does not name; they are left out.
    pub ignored: Vec<String>,
}

/// Fits `schema` to the file: its header, and the notations of its first records.
pub fn bind(path: &Path, schema: Schema) -> Result<Bound, ReadError> {
    schema.check()?;
    if schema.derived().is_some() {
        let reason = "the gap between records of a flow is derived, not declared: ask the fit for it".into();
        return Err(crate::trace::SchemaError::Shape(reason).into());
    }
    let mut reader = csv_read::reader(input::open(path)?);
    let header = csv_read::header(&mut reader)?;
    with_notations(reader, to_header(schema, &header)?)
}

/// The same for a file that should look like the trace of `schema`: it must have every column, in whatever order and notation, and
/// the schema's order stays.
pub fn bind_like(path: &Path, schema: &Schema) -> Result<Bound, ReadError> {
    let mut schema = schema.clone();
    for column in &mut schema.columns {
        (column.notation, column.optional) = (None, false);
    }
    let mut reader = csv_read::reader(input::open(path)?);
    let header = csv_read::header(&mut reader)?;
    let mut bound = to_header(schema.clone(), &header)?;
    let position = |c: &Column| header.iter().position(|name| name == &c.name);
    bound.positions = schema.columns.iter().filter_map(position).collect();
    bound.schema = schema;
    with_notations(reader, bound)
}

/// Sets every notation that is not declared, by the first records.
fn with_notations(mut reader: csv::Reader<input::Input>, mut bound: Bound) -> Result<Bound, ReadError> {
    let mut sample = vec![Vec::new(); bound.positions.len()];
    let mut record = csv::ByteRecord::new();
    for _ in 0..SAMPLE {
        let line = reader.position().line();
        if !reader.read_byte_record(&mut record).map_err(|e| csv_read::csv_failure(e, line))? {
            break;
        }
        for (cells, &position) in sample.iter_mut().zip(&bound.positions) {
            cells.extend(record.get(position).map(|cell| cell.trim_ascii().to_vec()));
        }
    }
    for (i, column) in bound.schema.columns.iter_mut().enumerate() {
        if column.notation.is_none() {
            column.notation = notation(&column.field, &sample[i]);
            bound.detected[i] = true;
        }
    }
    Ok(bound)
}

/// The schema's columns as the header orders them.
fn to_header(schema: Schema, header: &[String]) -> Result<Bound, ReadError> {
    if let Some(twice) = header.iter().enumerate().find(|(i, name)| header[..*i].contains(name)) {
        return Err(ReadError::DuplicateColumn(twice.1.clone()));
    }
    let absent = |c: &&Column| !c.optional && !header.contains(&c.name);
    let missing: Vec<String> = schema.columns.iter().filter(absent).map(|c| c.name.clone()).collect();
    if !missing.is_empty() {
        return Err(ReadError::MissingColumns { missing, header: header.to_vec() });
    }
    let found = |name: &String| schema.columns.iter().find(|c| &c.name == name).cloned();
    let (mut columns, mut positions, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
    for (position, name) in header.iter().enumerate() {
        match found(name) {
            Some(column) => {
                columns.push(column);
                positions.push(position);
            }
            None => ignored.push(name.clone()),
        }
    }
    let detected = vec![false; columns.len()];
    let schema = Schema { columns, ..schema };
    Ok(Bound { schema, positions, detected, width: header.len(), ignored })
}

/// The notation of a column, from cells of it; `None` when there is none to tell it by.
fn notation(field: &Field, cells: &[Vec<u8>]) -> Option<Notation> {
    let mut filled = cells.iter().map(Vec::as_slice).filter(|cell| !cell.is_empty());
    let numeric = |cell: &[u8]| cell.first().is_some_and(u8::is_ascii_digit);
    let decimal = |cell: &[u8]| cell.iter().any(|b| matches!(b, b'.' | b'e' | b'E'));
    match field {
        Field::Ip { .. } => filled
            .find(|cell| numeric(cell) && !cell.contains(&b':'))
            .map(|cell| if cell.contains(&b'.') { Notation::Dotted } else { Notation::AddressNumber }),
        Field::Protocol => {
            let name = filled.clone().find(|cell| !numeric(cell));
            let any = name.or_else(|| filled.next());
            any.map(|cell| match cell[0] {
                first if first.is_ascii_digit() => Notation::ProtocolNumber,
                first if first.is_ascii_uppercase() => Notation::UpperName,
                _ => Notation::LowerName,
            })
        }
        Field::Timestamp { .. } => {
            let first = filled.clone().next()?;
            let whole: Vec<u8> = first.iter().copied().take_while(u8::is_ascii_digit).collect();
            let rest = &first[whole.len()..];
            if !whole.is_empty() && (rest.is_empty() || matches!(rest[0], b'.' | b'e' | b'E')) {
                // The size in whole units tells the unit; an exponent is worked out first.
                let size = super::cell::fixed_point(first, 1).unwrap_or(0) / 10;
                let unit = TimeUnit::of_size(size);
                Some(Notation::Epoch { unit, decimal: decimal(first) })
            } else {
                Some(Notation::Rfc3339)
            }
        }
        Field::Categorical(_) => None,
        Field::FloatExponential { .. } => Some(Notation::Decimal),
        _ => filled.next().map(|first| if decimal(first) { Notation::Decimal } else { Notation::Whole }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(field: &Field, cells: &[&str]) -> Option<Notation> {
        notation(field, &cells.iter().map(|c| c.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    #[test]
    fn notations_are_told_from_the_format() {
        let ip = Field::ip(&[8]);
        assert_eq!(detect(&ip, &["", "fe80::1", "10.0.0.1"]), Some(Notation::Dotted));
        assert_eq!(detect(&ip, &["3221225985"]), Some(Notation::AddressNumber));
        assert_eq!(detect(&Field::Protocol, &["113", "TCP"]), Some(Notation::UpperName));
        assert_eq!(detect(&Field::Protocol, &["6"]), Some(Notation::ProtocolNumber));
        let time = Field::Timestamp { windows: 1 };
        let epoch = |unit, decimal| Some(Notation::Epoch { unit, decimal });
        assert_eq!(detect(&time, &["1556000000.25"]), epoch(TimeUnit::Seconds, true));
        assert_eq!(detect(&time, &["1458298072364000.0"]), epoch(TimeUnit::Microseconds, true));
        assert_eq!(detect(&time, &["1556152200033510000"]), epoch(TimeUnit::Nanoseconds, false));
        assert_eq!(detect(&time, &["2019-04-25T00:30:00Z"]), Some(Notation::Rfc3339));
        assert_eq!(detect(&Field::Port, &["80"]), Some(Notation::Whole));
        assert_eq!(detect(&Field::Port, &[]), None);
    }
}
