//! Special values: cells that a schema declares beside the values of their column's type.

use super::addresses::Gatherer;
use super::bad_cell::BadCell;
use super::cell::Parser;
use netdpsyn_trace::{Column, Field, protocols};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The special values of a column, and the parser of all other cells.
pub struct Special {
    cells: Vec<Vec<u8>>,
    first: u64,
    /// The largest value of the type, at which larger ones are capped.
    most: u64,
    /// Whether the value that stands for everything undeclared follows the special values.
    listed: bool,
    /// Whether the column has nulls instead of empty cells; a null is the first special value where none is
    /// empty.
    nulls: bool,
    above: AtomicU64,
    plain: Parser,
}

impl Special {
    /// Wraps the parser of a column, if it has special values.
    pub fn around(column: &Column, plain: Parser, nulls: bool) -> Parser {
        let Some(first) = column.first_special() else { return plain };
        let cells = column.special.iter().map(|cell| cell.clone().into_bytes()).collect();
        let listed = column.field == Field::Protocol;
        let above = AtomicU64::new(0);
        let special = Special { cells, first, most: first - 1, listed, nulls, above, plain };
        Parser::Special(Box::new(special))
    }

    /// The value of a special cell.
    pub fn value(&self, cell: &[u8]) -> Option<u64> {
        let at = self.cells.iter().position(|special| special == cell);
        let at = at.or_else(|| self.nulls.then(|| self.typed(cell)).flatten())?;
        Some(self.first + at as u64)
    }

    /// The index of the special value of a cell in a typed column: null is the first one, and NaN and
    /// infinity match in any spelling.
    fn typed(&self, cell: &[u8]) -> Option<usize> {
        let number = |cell: &[u8]| {
            let number: f64 = std::str::from_utf8(cell).ok()?.parse().ok()?;
            (!number.is_finite()).then_some(number)
        };
        if cell.is_empty() {
            return Some(0);
        }
        let own = number(cell)?;
        let same = |other: f64| other == own || other.is_nan() && own.is_nan();
        self.cells.iter().position(|special| number(special).is_some_and(same))
    }

    /// Parses a cell.
    pub fn read(&self, cell: &[u8]) -> Result<u64, BadCell> {
        match self.value(cell) {
            Some(value) => Ok(value),
            None => self.plain.read(cell).map(|value| self.moved(value)),
        }
    }

    /// Sets the gatherer of addresses of any family.
    pub fn gathering(self, gatherer: &Arc<Gatherer>) -> Special {
        Special { plain: self.plain.gathering(gatherer), ..self }
    }

    /// The parser of cells that are not special.
    pub fn plain(&self) -> &Parser {
        &self.plain
    }

    /// A value of the type in a column with special values.
    pub fn moved(&self, value: u64) -> u64 {
        match value > self.most {
            false => value,
            true if self.listed => protocols::COUNT + self.cells.len() as u64,
            true => {
                self.above.fetch_add(1, Ordering::Relaxed);
                self.most
            }
        }
    }

    /// Number of values above the largest of their type.
    pub fn above(&self) -> u64 {
        self.above.load(Ordering::Relaxed)
    }
}
