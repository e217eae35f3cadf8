//! A trace in memory: one column of unsigned integers per field, each in the smallest integer type that fits.

use super::{Addresses, Directory, Schema, directory};
use crate::progress::{Cancelled, Progress, Quiet, chunks};
use std::cmp::Ordering;
use std::sync::Arc;

/// One column of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Values up to 2⁸ − 1.
    U8(Vec<u8>),
    /// Values up to 2¹⁶ − 1.
    U16(Vec<u16>),
    /// Values up to 2³² − 1.
    U32(Vec<u32>),
    /// Everything else.
    U64(Vec<u64>),
}

/// An integer type that columns are stored in.
trait Stored: Copy {
    fn widen(self) -> u64;
    /// The value, saturated at the largest that the type holds.
    fn narrow(value: u64) -> Self;
}

macro_rules! stored {
    ($($int:ty),*) => {$(
        impl Stored for $int {
            fn widen(self) -> u64 {
                self.into()
            }
            fn narrow(value: u64) -> Self {
                Self::try_from(value).unwrap_or(Self::MAX)
            }
        }
    )*};
}
stored!(u8, u16, u32, u64);

/// Evaluates one expression on the vector of the column, whatever its type.
macro_rules! on_values {
    ($values:expr, $vector:ident => $body:expr) => {
        match $values {
            Values::U8($vector) => $body,
            Values::U16($vector) => $body,
            Values::U32($vector) => $body,
            Values::U64($vector) => $body,
        }
    };
}

impl Values {
    /// An empty column for values up to `max`.
    pub fn for_max(max: u64) -> Self {
        if max <= u64::from(u8::MAX) {
            Values::U8(Vec::new())
        } else if max <= u64::from(u16::MAX) {
            Values::U16(Vec::new())
        } else if max <= u64::from(u32::MAX) {
            Values::U32(Vec::new())
        } else {
            Values::U64(Vec::new())
        }
    }

    /// An empty column for values up to `max`, with room for `rows`.
    pub fn with_capacity(max: u64, rows: usize) -> Self {
        let mut column = Values::for_max(max);
        on_values!(&mut column, v => v.reserve_exact(rows));
        column
    }

    /// A column of `rows` zeros, for values up to `max`.
    pub fn zeros(max: u64, rows: usize) -> Self {
        let mut column = Values::for_max(max);
        on_values!(&mut column, v => v.resize(rows, 0));
        column
    }

    /// A column of the given values, which are at most `max`.
    pub fn collect(max: u64, values: impl IntoIterator<Item = u64>) -> Self {
        let mut column = Values::for_max(max);
        on_values!(&mut column, to => values.into_iter().for_each(|value| to.push(Stored::narrow(value))));
        column
    }

    /// Appends a value, saturated at the largest that the column's type holds.
    pub fn push(&mut self, value: u64) {
        on_values!(self, v => v.push(Stored::narrow(value)))
    }

    /// Appends values in bulk, each saturated at the largest that the column's type holds.
    pub fn extend(&mut self, values: &[u64]) {
        // In bulk: the capacity is checked once, not for each value.
        fn all<T: Stored>(to: &mut Vec<T>, values: &[u64]) {
            to.extend(values.iter().map(|&value| T::narrow(value)));
        }
        on_values!(self, to => all(to, values))
    }

    /// Keeps only the first `rows` rows.
    pub fn truncate(&mut self, rows: usize) {
        on_values!(self, v => v.truncate(rows))
    }

    /// The value at `row`.
    pub fn get(&self, row: usize) -> u64 {
        on_values!(self, v => v[row].widen())
    }

    /// Sets the value at `row`, saturated at the largest that the column's type holds.
    pub fn set(&mut self, row: usize, value: u64) {
        on_values!(self, v => v[row] = Stored::narrow(value))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        on_values!(self, v => v.len())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values in row order.
    pub fn iter(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        on_values!(self, v => Box::new(v.iter().map(|x| x.widen())))
    }

    /// Calls `work` with every value in row order. The loop is compiled for each width.
    pub fn for_each(&self, mut work: impl FnMut(u64)) {
        on_values!(self, v => v.iter().for_each(|x| work(x.widen())))
    }

    /// Like [`Values::for_each`], and stops on request.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn visit(&self, progress: &dyn Progress, mut work: impl FnMut(u64)) -> Result<(), Cancelled> {
        on_values!(self, v => for rows in chunks(v, progress) {
            rows?.iter().for_each(|x| work(x.widen()));
        });
        Ok(())
    }

    /// Calls `work` with the values of `rows`, in that order.
    pub fn for_each_of(&self, rows: impl Iterator<Item = usize>, mut work: impl FnMut(u64)) {
        on_values!(self, v => rows.for_each(|row| work(v[row].widen())))
    }

    /// A column of `map(value)` for every value, for results up to `max`; stops on request.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn map(
        &self,
        max: u64,
        map: impl Fn(u64) -> u64,
        progress: &dyn Progress,
    ) -> Result<Values, Cancelled> {
        let mut mapped = Values::for_max(max);
        on_values!(&mut mapped, to => {
            to.reserve_exact(self.len());
            self.visit(progress, |value| to.push(Stored::narrow(map(value))))?;
        });
        Ok(mapped)
    }

    /// Appends the values of another column, each saturated at the largest that this column's type holds.
    pub fn append(&mut self, other: &Values) {
        on_values!(self, to => other.for_each(|value| to.push(Stored::narrow(value))))
    }

    /// Appends the values of some rows of another column, likewise saturated.
    pub fn append_rows(&mut self, other: &Values, rows: std::ops::Range<usize>) {
        on_values!(self, to => on_values!(other, from => {
            from[rows].iter().for_each(|value| to.push(Stored::narrow(value.widen())))
        }))
    }

    /// Some rows as a column of the same type.
    pub fn part(&self, rows: std::ops::Range<usize>) -> Values {
        match self {
            Values::U8(v) => Values::U8(v[rows].to_vec()),
            Values::U16(v) => Values::U16(v[rows].to_vec()),
            Values::U32(v) => Values::U32(v[rows].to_vec()),
            Values::U64(v) => Values::U64(v[rows].to_vec()),
        }
    }

    /// The rows with the given indices, in that order.
    pub fn select(&self, rows: &[u32]) -> Values {
        match self {
            Values::U8(v) => Values::U8(rows.iter().map(|&r| v[r as usize]).collect()),
            Values::U16(v) => Values::U16(rows.iter().map(|&r| v[r as usize]).collect()),
            Values::U32(v) => Values::U32(rows.iter().map(|&r| v[r as usize]).collect()),
            Values::U64(v) => Values::U64(rows.iter().map(|&r| v[r as usize]).collect()),
        }
    }

    /// Like [`Values::select`], and stops on request.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn pick(&self, rows: &[u32], progress: &dyn Progress) -> Result<Values, Cancelled> {
        Ok(match self {
            Values::U8(v) => Values::U8(pick(v, rows, progress)?),
            Values::U16(v) => Values::U16(pick(v, rows, progress)?),
            Values::U32(v) => Values::U32(pick(v, rows, progress)?),
            Values::U64(v) => Values::U64(pick(v, rows, progress)?),
        })
    }

    /// Copies the values from row `from` on into `block`. For columns of codes, which fit in 32 bits.
    pub fn copy_block(&self, from: usize, block: &mut [u32]) {
        self.zip_block(from, block, |to, value| *to = value as u32);
    }

    /// Calls `work` with every item of `block` and the value of its row, starting at row `from`.
    pub fn zip_block<T>(&self, from: usize, block: &mut [T], work: impl Fn(&mut T, u64)) {
        let rows = from..from + block.len();
        on_values!(self, v => block.iter_mut().zip(&v[rows]).for_each(|(item, value)| work(item, value.widen())))
    }

    /// Appends the values from row `from` on, as digits of base `base`, to the numbers in `block`.
    pub fn append_digits(&self, from: usize, base: u32, block: &mut [u32]) {
        let rows = from..from + block.len();
        on_values!(self, v => for (number, &value) in block.iter_mut().zip(&v[rows]) {
            *number = number.wrapping_mul(base).wrapping_add(value.widen() as u32);
        })
    }

    /// Copies the value of each row in `from` to the row at the same position in `to`, in order.
    pub fn copy_rows(&mut self, from: &[u32], to: &[u32]) {
        on_values!(self, v => for (&from, &to) in from.iter().zip(to) {
            v[to as usize] = v[from as usize];
        })
    }

    /// Bytes per row.
    pub fn width(&self) -> usize {
        match self {
            Values::U8(_) => 1,
            Values::U16(_) => 2,
            Values::U32(_) => 4,
            Values::U64(_) => 8,
        }
    }
}

fn pick<T: Copy>(values: &[T], rows: &[u32], progress: &dyn Progress) -> Result<Vec<T>, Cancelled> {
    let mut picked = Vec::with_capacity(rows.len());
    for rows in chunks(rows, progress) {
        picked.extend(rows?.iter().map(|&row| values[row as usize]));
    }
    Ok(picked)
}

/// Compares two records by some of their columns; the first column that differs decides.
pub fn compare(columns: &[Values], by: impl IntoIterator<Item = usize>, a: u32, b: u32) -> Ordering {
    let mut each = by.into_iter().map(|c| columns[c].get(a as usize).cmp(&columns[c].get(b as usize)));
    each.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// A trace: columns in the order of a [`Schema`], all of the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    columns: Vec<Values>,
    /// The directory of the address columns, if there are any.
    addresses: Option<Addresses>,
}

impl Trace {
    /// An empty trace of the schema's columns.
    pub fn empty(schema: &Schema) -> Self {
        let columns = schema.columns.iter().map(|c| Values::for_max(c.storage_max())).collect();
        Trace { columns, addresses: Addresses::of(schema, Arc::default()) }
    }

    /// A trace of these columns, in the order of its schema.
    ///
    /// # Panics
    /// When the columns differ in length.
    pub fn new(columns: Vec<Values>) -> Self {
        let rows = columns.first().map_or(0, Values::len);
        assert!(columns.iter().all(|c| c.len() == rows), "columns of one length");
        Trace { columns, addresses: None }
    }

    /// The trace with one more column.
    ///
    /// # Panics
    /// When the column differs in length.
    pub fn with(mut self, column: Values) -> Self {
        assert!(self.columns.is_empty() || column.len() == self.rows(), "columns of one length");
        self.columns.push(column);
        self
    }

    /// The trace with the directory of its address columns.
    pub fn with_addresses(self, addresses: Option<Addresses>) -> Self {
        Trace { addresses, ..self }
    }

    /// The address columns and their directory.
    pub fn addresses(&self) -> Option<&Addresses> {
        self.addresses.as_ref()
    }

    /// Whether the trace has a directory for every address column of this schema.
    pub fn explains(&self, schema: &Schema) -> bool {
        let own = self.addresses.as_ref().map_or(&[][..], Addresses::own);
        own.iter().copied().eq(Addresses::columns(schema))
    }

    /// The directory of a column, if it is an address column.
    pub fn directory(&self, column: usize) -> Option<&Directory> {
        self.addresses.as_ref().filter(|addresses| addresses.has(column)).map(|own| &*own.directory)
    }

    /// Replaces the directory. `number` maps a number of the old directory to one of the new one. Special
    /// values are kept.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn renumbered(
        mut self,
        directory: Arc<Directory>,
        number: impl Fn(u64) -> u64,
        progress: &dyn Progress,
    ) -> Result<Trace, Cancelled> {
        let Some(mut addresses) = self.addresses.take() else {
            assert!(directory.is_empty(), "addresses without a column");
            return Ok(self);
        };
        let to = |value: u64| if value < directory::SPACE { number(value) } else { value };
        for &column in addresses.own() {
            self.columns[column] = self.columns[column].map(u32::MAX.into(), to, progress)?;
        }
        addresses.directory = directory;
        Ok(Trace { addresses: Some(addresses), ..self })
    }

    /// Renumbers the addresses by a directory that contains all of them.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn under(self, directory: &Arc<Directory>, progress: &dyn Progress) -> Result<Trace, Cancelled> {
        let Some(own) = self.addresses.as_ref().map(|own| own.directory.clone()) else { return Ok(self) };
        self.renumbered(directory.clone(), |number| directory.number(own.key(number)), progress)
    }

    /// The keys of all addresses of the trace, without duplicates, in order.
    pub fn keys(&self) -> Vec<u128> {
        let Some(addresses) = &self.addresses else { return Vec::new() };
        let mut numbers = Vec::new();
        let columns = addresses.own().iter();
        columns.for_each(|&column| {
            numbers.extend(self.columns[column].iter().filter(|&n| n < directory::SPACE))
        });
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|number| addresses.directory.key(number)).collect()
    }

    /// Number of records.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Values::len)
    }

    /// Appends one record: its values in column order.
    pub fn push(&mut self, record: &[u64]) {
        debug_assert_eq!(record.len(), self.columns.len());
        for (column, &value) in self.columns.iter_mut().zip(record) {
            column.push(value);
        }
    }

    /// Appends some records of another trace with the same columns.
    ///
    /// # Panics
    /// When the types of the columns differ.
    pub fn append(&mut self, other: &Trace, rows: std::ops::Range<usize>) {
        let own = |trace: &Trace| trace.addresses.as_ref().map(|addresses| addresses.own().to_vec());
        assert_eq!(own(self), own(other), "the same columns of addresses");
        if self.rows() == 0 {
            self.addresses.clone_from(&other.addresses);
        } else if let (Some(own), Some(theirs)) = (&self.addresses, &other.addresses)
            && !Arc::ptr_eq(&own.directory, &theirs.directory)
        {
            let columns = other.columns.iter().map(|values| values.part(rows.clone())).collect();
            let part = Trace { columns, addresses: other.addresses.clone() };
            let both = Arc::new(Directory::of_all(self.keys().into_iter().chain(part.keys())));
            let own = std::mem::replace(self, Trace { columns: Vec::new(), addresses: None });
            // `Quiet` never cancels.
            if let (Ok(own), Ok(part)) = (own.under(&both, &Quiet), part.under(&both, &Quiet)) {
                *self = own;
                self.append(&part, 0..part.rows());
            }
            return;
        }
        for (column, values) in self.columns.iter_mut().zip(&other.columns) {
            column.append_rows(values, rows.clone());
        }
    }

    /// The column at `index`.
    pub fn column(&self, index: usize) -> &Values {
        &self.columns[index]
    }

    /// All columns.
    pub fn columns(&self) -> &[Values] {
        &self.columns
    }

    /// The columns alone, without the directory of addresses.
    pub fn into_columns(self) -> Vec<Values> {
        self.columns
    }

    /// The records with the given indices, in that order.
    pub fn select(&self, rows: &[u32]) -> Trace {
        let columns = self.columns.iter().map(|c| c.select(rows)).collect();
        Trace { columns, addresses: self.addresses.clone() }
    }

    /// Bytes per record in memory.
    pub fn bytes_per_row(&self) -> usize {
        self.columns.iter().map(Values::width).sum()
    }
}
