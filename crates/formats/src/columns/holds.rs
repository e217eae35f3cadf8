//! What the type of a file's column states of its values, and how they are therefore read and written.

use netdpsyn_trace::{Field, Notation, TimeUnit};
use polars_arrow::datatypes::{ArrowDataType, TimeUnit as ArrowUnit};

/// The type of a column's values in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Text: cells are parsed one by one.
    Text,
    /// Numbers.
    Number,
    /// True or false.
    Flag,
    /// Times since 1970.
    Time {
        /// The unit.
        unit: Unit,
        /// Whether the time zone is known.
        zoned: bool,
    },
    /// Durations, or times of day.
    Duration(Unit),
    /// Bytes.
    Bytes,
    /// Lists, objects and the like, which no field of a schema can hold.
    Nested,
}

/// The unit of a typed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Days.
    Day,
    /// Any other.
    Of(TimeUnit),
}

impl Unit {
    /// Nanoseconds per unit.
    pub fn nanoseconds(self) -> u64 {
        match self {
            Unit::Day => 86_400_000_000_000,
            Unit::Of(unit) => unit.nanoseconds(),
        }
    }
}

pub(super) fn unit(unit: ArrowUnit) -> Unit {
    Unit::Of(match unit {
        ArrowUnit::Second => TimeUnit::Seconds,
        ArrowUnit::Millisecond => TimeUnit::Milliseconds,
        ArrowUnit::Microsecond => TimeUnit::Microseconds,
        ArrowUnit::Nanosecond => TimeUnit::Nanoseconds,
    })
}

/// Largest number of bytes of a value of fixed size: an address has 16.
const LONGEST: usize = 64;
/// Largest number of digits after the point of a decimal number.
const DIGITS: usize = 38;

impl Holds {
    pub(super) fn of(dtype: &ArrowDataType) -> Holds {
        use ArrowDataType as D;
        match dtype {
            // A null of fixed size occupies that size, and an absurd scale would be a width to write.
            D::FixedSizeBinary(size) if *size > LONGEST => Holds::Nested,
            D::Decimal(_, scale) if *scale > DIGITS => Holds::Nested,
            D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Null => Holds::Text,
            D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => Holds::Bytes,
            D::Boolean => Holds::Flag,
            D::Int8 | D::Int16 | D::Int32 | D::Int64 => Holds::Number,
            D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => Holds::Number,
            D::Float32 | D::Float64 | D::Decimal(..) => Holds::Number,
            D::Timestamp(of, zone) => Holds::Time { unit: unit(*of), zoned: zone.is_some() },
            D::Date32 => Holds::Time { unit: Unit::Day, zoned: true },
            D::Date64 => Holds::Time { unit: unit(ArrowUnit::Millisecond), zoned: true },
            D::Duration(of) | D::Time32(of) | D::Time64(of) => Holds::Duration(unit(*of)),
            D::Dictionary(_, values, _) => Holds::of(values),
            // Half floats, unions, intervals: no trace has them.
            _ => Holds::Nested,
        }
    }

    /// The notation of such a column for a field, whatever notation is declared: the type determines it.
    /// `None` where cells are parsed one by one.
    pub fn read_as(self, field: &Field) -> Option<Notation> {
        match (field, self) {
            (Field::Ip { .. }, Holds::Number) => Some(Notation::AddressNumber),
            (Field::Ip { .. }, Holds::Bytes) => Some(Notation::Dotted),
            (Field::Timestamp { .. }, Holds::Time { .. }) => Some(Notation::Rfc3339),
            _ => None,
        }
    }

    /// The notation in which it is written where the schema declares none.
    pub fn written_as(self, field: &Field) -> Option<Notation> {
        match (field, self) {
            (Field::Timestamp { .. }, Holds::Time { unit: Unit::Of(unit), .. }) => {
                Some(Notation::Epoch { unit, decimal: false })
            }
            // Bytes have no canonical text.
            _ => self.read_as(field),
        }
    }
}
