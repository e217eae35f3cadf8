//! How values are written in a file: notations, and the units of times.

use serde::{Deserialize, Serialize};

/// How values are written in a file: a fact of the format, detected once, kept for the output, and public from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        /// Its unit.
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
}

/// The unit of a time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Nanoseconds in one unit.
    pub fn nanoseconds(self) -> u64 {
        match self {
            TimeUnit::Seconds => 1_000_000_000,
            TimeUnit::Milliseconds => 1_000_000,
            TimeUnit::Microseconds => 1_000,
            TimeUnit::Nanoseconds => 1,
        }
    }

    /// Decimal digits from this unit down to nanoseconds.
    pub fn decimals(self) -> u32 {
        self.nanoseconds().ilog10()
    }

    /// The unit in which a present-day time has this many digits: below 10¹¹ seconds, below 10¹⁴ ms, below 10¹⁷ µs.
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
