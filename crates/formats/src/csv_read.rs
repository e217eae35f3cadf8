//! CSV as records: a header, then rows of cells.

use super::ReadError;
use super::input::{self, Input};
use super::source::Record;

/// A CSV reader that lets records of any number of fields pass, to report them.
pub(super) fn reader(input: Input) -> csv::Reader<Input> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input)
}

/// The next record; none at the end of the file.
pub(super) fn next(reader: &mut csv::Reader<Input>, record: &mut Record) -> Result<bool, ReadError> {
    let before = reader.position().line();
    reader.get_mut().begin_record();
    let found = reader.read_byte_record(&mut record.cells).map_err(|error| csv_failure(error, before))?;
    record.line = record.cells.position().map_or(before, csv::Position::line);
    Ok(found)
}

/// The first record: the columns' names, without white space and byte-order mark.
pub(super) fn header(reader: &mut csv::Reader<Input>) -> Result<Vec<String>, ReadError> {
    let mut record = Record::default();
    if !next(reader, &mut record)? {
        return Err(ReadError::Empty);
    }
    let name = |cell: &[u8]| {
        let cell = cell.strip_prefix("\u{feff}".as_bytes()).unwrap_or(cell);
        std::str::from_utf8(cell.trim_ascii()).map(str::to_owned)
    };
    let names = record.cells.iter().map(name);
    names.collect::<Result<_, _>>().map_err(|_| ReadError::NoTrace("its header is not UTF-8"))
}

/// An error of the CSV reader after `line` lines.
fn csv_failure(error: csv::Error, line: u64) -> ReadError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => input::failure(error, line),
        _ => ReadError::NoTrace("its records cannot be told apart"),
    }
}
