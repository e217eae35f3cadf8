//! The grain of times: the clock step of a trace's times, where the schema declares it.

use super::TimeUnit;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The clock step: times are whole multiples of it since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grain(u64);

/// Why a grain is refused.
#[derive(Debug, Error, PartialEq)]
pub enum GrainError {
    /// Not a number and a unit.
    #[error("a grain is a whole number and a unit, as 1s, 10ms, 100us or 1ns, not {0:?}")]
    Shape(String),
    /// Neither a whole number of microseconds, the unit of gaps, nor a divisor of one microsecond.
    #[error("a grain divides a microsecond or is a whole number of them, and {0} does neither")]
    Uneven(String),
}

/// Units of a grain, by suffix.
const UNITS: [(&str, TimeUnit); 4] = [
    ("ms", TimeUnit::Milliseconds),
    ("us", TimeUnit::Microseconds),
    ("ns", TimeUnit::Nanoseconds),
    // Last, since the other suffixes also end in `s`.
    ("s", TimeUnit::Seconds),
];

impl Grain {
    /// The grain in nanoseconds.
    pub fn nanoseconds(self) -> u64 {
        self.0
    }

    /// The largest power of ten nanoseconds, up to a second, that divides `time`.
    pub fn of(time: u64) -> Grain {
        let powers = (0..=9).rev().map(|power| 10u64.pow(power));
        Grain(powers.into_iter().find(|power| time.is_multiple_of(*power)).unwrap_or(1))
    }
}

impl std::str::FromStr for Grain {
    type Err = GrainError;

    fn from_str(text: &str) -> Result<Self, GrainError> {
        let text = text.trim();
        let split = UNITS.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)));
        let read = split.and_then(|(number, unit)| {
            let whole = number.bytes().all(|digit| digit.is_ascii_digit());
            number.parse::<u64>().ok().filter(|_| whole)?.checked_mul(unit.nanoseconds())
        });
        let grain = read.filter(|&grain| grain > 0).ok_or_else(|| GrainError::Shape(text.into()))?;
        let micro = TimeUnit::Microseconds.nanoseconds();
        let even = grain.is_multiple_of(micro) || micro.is_multiple_of(grain);
        even.then_some(Grain(grain)).ok_or_else(|| GrainError::Uneven(text.into()))
    }
}

impl std::fmt::Display for Grain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = UNITS.iter().filter(|(_, unit)| self.0.is_multiple_of(unit.nanoseconds()));
        match units.max_by_key(|(_, unit)| unit.nanoseconds()) {
            Some((suffix, unit)) => write!(f, "{}{suffix}", self.0 / unit.nanoseconds()),
            None => write!(f, "{}ns", self.0),
        }
    }
}

impl TryFrom<String> for Grain {
    type Error = GrainError;
    fn try_from(text: String) -> Result<Self, GrainError> {
        text.parse()
    }
}

impl From<Grain> for String {
    fn from(grain: Grain) -> String {
        grain.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grains_are_read_and_written() {
        for (text, nanoseconds) in [
            ("1s", 1_000_000_000),
            ("60s", 60_000_000_000),
            ("10ms", 10_000_000),
            ("100us", 100_000),
            ("250ns", 250),
        ] {
            let grain: Grain = text.parse().unwrap();
            assert_eq!((grain.nanoseconds(), grain.to_string().as_str()), (nanoseconds, text));
        }
        assert_eq!("1000ms".parse::<Grain>().unwrap().to_string(), "1s");
        for text in ["", "s", "1", "0s", "1.5s", "-1s", "+1s", "1 min", "99999999999999s"] {
            assert_eq!(text.parse::<Grain>(), Err(GrainError::Shape(text.into())));
        }
        for text in ["300ns", "1500ns"] {
            assert_eq!(text.parse::<Grain>(), Err(GrainError::Uneven(text.into())));
        }
    }

    #[test]
    fn the_grain_of_a_time() {
        let of = |time| Grain::of(time).to_string();
        assert_eq!([0, 3_600_000_000_000, 20_000_000, 30, 1].map(of), ["1s", "1s", "10ms", "10ns", "1ns"]);
    }
}
