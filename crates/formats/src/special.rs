//! Cells that a schema declares to be values of their own, beside those of their column's type.

use super::addresses::Gatherer;
use super::cell::{BadCell, Parser};
use netdpsyn_trace::{Column, Field, protocols};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The special values of a column, and what reads all else.
pub struct Special {
    cells: Vec<Vec<u8>>,
    first: u64,
    /// The largest value of the type, which larger ones count as.
    most: u64,
    /// Whether what stands for everything undeclared comes after the special values.
    listed: bool,
    /// Whether there are nulls in place of empty cells, which are the first special value where none is empty.
    nulls: bool,
    above: AtomicU64,
    plain: Parser,
}

impl Special {
    /// Of a column, if it has special values.
    pub fn around(column: &Column, plain: Parser, nulls: bool) -> Parser {
        let Some(first) = column.first_special() else { return plain };
        let cells = column.special.iter().map(|cell| cell.clone().into_bytes()).collect();
        let listed = column.field == Field::Protocol;
        let above = AtomicU64::new(0);
        let special = Special { cells, first, most: first - 1, listed, nulls, above, plain };
        Parser::Special(Box::new(special))
    }

    /// The value of a cell that is special.
    pub fn value(&self, cell: &[u8]) -> Option<u64> {
        let at = self.cells.iter().position(|special| special == cell);
        let at = at.or_else(|| self.nulls.then(|| self.typed(cell)).flatten())?;
        Some(self.first + at as u64)
    }

    /// The place of what stands in a column of a type: null is the first, and numbers that are none are known by what they are, however they are spelled.
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

    /// Reads a cell.
    pub fn read(&self, cell: &[u8]) -> Result<u64, BadCell> {
        match self.value(cell) {
            Some(value) => Ok(value),
            None => self.plain.read(cell).map(|value| self.moved(value)),
        }
    }

    /// The same, where addresses of any family are given numbers.
    pub fn gathering(self, gatherer: &Arc<Gatherer>) -> Special {
        Special { plain: self.plain.gathering(gatherer), ..self }
    }

    /// What reads the cells that are not special.
    pub fn plain(&self) -> &Parser {
        &self.plain
    }

    /// A value of the type where special values stand beside it.
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

    /// How many values lay above the largest of their type.
    pub fn above(&self) -> u64 {
        self.above.load(Ordering::Relaxed)
    }
}
