//! What a column's type says of its values, and what follows for how they are read and written again.

use netdpsyn_trace::{Field, Notation, TimeUnit};
use polars_arrow::datatypes::{ArrowDataType, TimeUnit as ArrowUnit};

/// What the file itself says of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Text: every cell speaks for itself.
    Text,
    /// Numbers.
    Number,
    /// True or false.
    Flag,
    /// Times since 1970.
    Time {
        /// In this unit.
        unit: Unit,
        /// Whether it is known of which zone they are.
        zoned: bool,
    },
    /// Lengths of time, or times of day.
    Duration(Unit),
    /// Bytes.
    Bytes,
    /// Lists, objects and the like, which no field of a schema is.
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
    /// Nanoseconds in one unit.
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

/// Bytes of a value of fixed size at most: an address has 16.
const LONGEST: usize = 64;
/// Digits behind the point of a decimal number at most.
const DIGITS: usize = 38;

impl Holds {
    pub(super) fn of(dtype: &ArrowDataType) -> Holds {
        use ArrowDataType as D;
        match dtype {
            // Every null of a fixed size takes that size, and a scale that no number has is a width to write.
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
            // Half floats, unions, intervals: nothing of a trace is one.
            _ => Holds::Nested,
        }
    }

    /// How a column that holds this is read for a field, whatever notation is declared: the type says more. None where cells speak for themselves.
    pub fn read_as(self, field: &Field) -> Option<Notation> {
        match (field, self) {
            (Field::Ip { .. }, Holds::Number) => Some(Notation::AddressNumber),
            (Field::Ip { .. }, Holds::Bytes) => Some(Notation::Dotted),
            (Field::Timestamp { .. }, Holds::Time { .. }) => Some(Notation::Rfc3339),
            _ => None,
        }
    }

    /// How it is written again where the schema does not declare it.
    pub fn written_as(self, field: &Field) -> Option<Notation> {
        match (field, self) {
            (Field::Timestamp { .. }, Holds::Time { unit: Unit::Of(unit), .. }) => {
                Some(Notation::Epoch { unit, decimal: false })
            }
            // Bytes have no spelling of their own in text.
            _ => self.read_as(field),
        }
    }
}
