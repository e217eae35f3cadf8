//! Notations: how values are written in a file, and the units of times.

use super::{Column, Field};
use serde::{Deserialize, Serialize};

/// How the values of a column are written in a file. Public.
///
/// A reader accepts every spelling of a name or number. If the output followed the input, a single record
/// could change how a column is written. So the notation is canonical unless the schema declares it. Only the
/// notation of addresses (dotted or not) and the unit of times are detected from the file, because a file that
/// mixes two such notations is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Notation {
    /// 192.0.2.1
    Dotted,
    /// 3221225985
    AddressNumber,
    /// tcp
    LowerName,
    /// TCP
    UpperName,
    /// 6
    ProtocolNumber,
    /// A number since 1970.
    Epoch {
        /// The unit.
        unit: TimeUnit,
        /// Whether it is written with a decimal point.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        decimal: bool,
    },
    /// 2026-01-31T08:00:00.5Z
    Rfc3339,
    /// 12
    Whole,
    /// 12.0
    Decimal,
    /// For durations: the time at which the record ends, in the notation of the start.
    End,
}

impl Notation {
    /// The notation of a field unless the schema declares one: protocols by name, whole numbers without a
    /// decimal point, durations with one. `None` where the notation is detected from the file, for
    /// categories, which are written as declared, and for addresses of any family, which have one canonical
    /// form each.
    pub fn canonical(field: &Field) -> Option<Notation> {
        match field {
            Field::Ip { .. } | Field::Address {} | Field::Timestamp { .. } | Field::Categorical(_) => None,
            Field::Protocol => Some(Notation::LowerName),
            Field::FloatExponential { .. } => Some(Notation::Decimal),
            _ => Some(Notation::Whole),
        }
    }

    /// Whether values of a field can be written in this notation.
    pub fn fits(self, field: &Field) -> bool {
        use Notation::{
            AddressNumber, Decimal, Dotted, End, Epoch, LowerName, ProtocolNumber, Rfc3339, UpperName, Whole,
        };
        match field {
            Field::Ip { .. } => matches!(self, Dotted | AddressNumber),
            Field::Protocol => matches!(self, LowerName | UpperName | ProtocolNumber),
            Field::Timestamp { .. } => matches!(self, Epoch { .. } | Rfc3339),
            Field::Categorical(_) | Field::Address {} => false,
            field if field.adds_up() => matches!(self, Whole | Decimal | End),
            _ => matches!(self, Whole | Decimal),
        }
    }

    /// The notation of a column: the declared one, otherwise one that any reader accepts. `None` for
    /// categories, which are written as declared, and for addresses of any family.
    pub fn written(column: &Column) -> Option<Notation> {
        column.notation.filter(|notation| notation.fits(&column.field)).or(match column.field {
            Field::Ip { .. } => Some(Notation::Dotted),
            Field::Protocol => Some(Notation::ProtocolNumber),
            Field::Timestamp { .. } => Some(Notation::Rfc3339),
            Field::Categorical(_) | Field::Address {} => None,
            _ => Some(Notation::Whole),
        })
    }

    /// Times since 1970 in a unit, canonically: seconds have a fraction, smaller units have none.
    pub fn epoch(unit: TimeUnit) -> Notation {
        Notation::Epoch { unit, decimal: unit == TimeUnit::Seconds }
    }
}

/// The unit of a time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TimeUnit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "us")]
    Microseconds,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanoseconds,
}

impl TimeUnit {
    /// All units.
    pub const ALL: [TimeUnit; 4] =
        [TimeUnit::Seconds, TimeUnit::Milliseconds, TimeUnit::Microseconds, TimeUnit::Nanoseconds];

    /// Nanoseconds per unit.
    pub fn nanoseconds(self) -> u64 {
        match self {
            TimeUnit::Seconds => 1_000_000_000,
            TimeUnit::Milliseconds => 1_000_000,
            TimeUnit::Microseconds => 1_000,
            TimeUnit::Nanoseconds => 1,
        }
    }

    /// The smallest unit that is distinguished where times are written in this one: seconds with a decimal
    /// point go down to microseconds.
    pub fn shown(self, decimal: bool) -> TimeUnit {
        if decimal && self == TimeUnit::Seconds { TimeUnit::Microseconds } else { self }
    }

    /// Decimal digits from this unit down to nanoseconds.
    pub fn decimals(self) -> u32 {
        self.nanoseconds().ilog10()
    }

    /// Whether a time in nanoseconds has the magnitude of one counted in this unit.
    pub fn has_size_of(self, time: u64) -> bool {
        TimeUnit::of_size(time / self.nanoseconds()) == self
    }

    /// The unit in which a present-day time has this magnitude: below 10¹¹ seconds, below 10¹⁴ ms, below 10¹⁷
    /// µs.
    pub fn of_size(number: u64) -> Self {
        match number {
            0..100_000_000_000 => TimeUnit::Seconds,
            100_000_000_000..100_000_000_000_000 => TimeUnit::Milliseconds,
            100_000_000_000_000..100_000_000_000_000_000 => TimeUnit::Microseconds,
            _ => TimeUnit::Nanoseconds,
        }
    }
}

impl std::fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            TimeUnit::Seconds => "seconds",
            TimeUnit::Milliseconds => "milliseconds",
            TimeUnit::Microseconds => "microseconds",
            TimeUnit::Nanoseconds => "nanoseconds",
        })
    }
}
