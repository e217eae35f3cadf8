//! Parses numbers in the format that a schema declares: decimal commas, thousands separators, factors,
//! hexadecimal digits, signs.

use super::bad_cell::{BadCell, bad};
use super::fixed_point::fixed_point;
use netdpsyn_trace::reading::{Decimal, Negative, Numbers};
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of digits after the point that are read where only the sign matters.
const LONGEST_FRACTION: u32 = 6;
/// Largest number of bytes of a number.
const LONGEST: usize = 64;

/// The number format, with counts of the numbers that were changed.
#[derive(Debug)]
pub struct Rules {
    numbers: Numbers,
    /// Number of negative numbers that were read as 0.
    clamped: AtomicU64,
    /// Number of numbers with a factor, which have fewer digits than their value.
    scaled: AtomicU64,
}

impl Rules {
    /// Without counts.
    pub fn new(numbers: Numbers) -> Rules {
        Rules { numbers, clamped: AtomicU64::new(0), scaled: AtomicU64::new(0) }
    }

    /// Notes on a column with this name, after it was read.
    pub fn notes(&self, column: &str) -> Vec<String> {
        let count = |n: &AtomicU64, what: &str| match n.load(Ordering::Relaxed) {
            0 => None,
            n => Some(format!("{n} values of {column} {what}")),
        };
        let clamped = count(&self.clamped, "lie below 0 and were taken for 0");
        let scaled = count(
            &self.scaled,
            "have a factor behind them, as 1.2 M, and fewer digits than what they stand for",
        );
        clamped.into_iter().chain(scaled).collect()
    }

    /// Parses a number in units of 10^−`decimals`.
    ///
    /// # Errors
    /// [`BadCell`] when the text is not a number in this format.
    pub fn read(&self, cell: &[u8], decimals: u32) -> Result<u64, BadCell> {
        let (negative, digits) = match cell {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            all => (false, all),
        };
        if digits.len() > LONGEST || matches!(digits, [b'-' | b'+', ..]) {
            return Err(bad("not a number", cell));
        }
        // A negative number becomes 0, whether it is whole or not.
        let decimals =
            if negative && self.numbers.negative == Negative::Zero { LONGEST_FRACTION } else { decimals };
        let number = match digits {
            clock if self.numbers.clock && clock.contains(&b':') => self.clock(clock, decimals),
            [b'0', b'x' | b'X', rest @ ..] if self.numbers.hexadecimal => hexadecimal(rest, decimals),
            digits => self.decimal(digits, decimals),
        };
        let number = number.map_err(|error| bad(error.problem, cell))?;
        match self.numbers.negative {
            _ if !negative || number == 0 => Ok(number),
            Negative::Refused => Err(bad("negative", cell)),
            Negative::Zero => {
                self.clamped.fetch_add(1, Ordering::Relaxed);
                Ok(0)
            }
        }
    }

    /// Parses hours, minutes and seconds.
    fn clock(&self, text: &[u8], decimals: u32) -> Result<u64, BadCell> {
        let no_clock = || bad("not a length of time in hours, minutes and seconds", text);
        let parts: Vec<&[u8]> = text.split(|byte| *byte == b':').collect();
        let [hours, minutes, seconds] = parts[..] else { return Err(no_clock()) };
        let whole = |part: &[u8]| fixed_point(part, 0).map_err(|_| no_clock());
        let minutes = whole(hours)?.checked_mul(60).and_then(|own| own.checked_add(whole(minutes).ok()?));
        let before = minutes.and_then(|minutes| minutes.checked_mul(60 * 10u64.pow(decimals)));
        let seconds = self.decimal(seconds, decimals)?;
        before.and_then(|before| before.checked_add(seconds)).ok_or_else(no_clock)
    }

    fn decimal(&self, digits: &[u8], decimals: u32) -> Result<u64, BadCell> {
        let Numbers { decimal, grouping, scales, .. } = self.numbers;
        let (digits, power) = match digits.split_last() {
            Some((factor, rest)) if scales => match factor.to_ascii_uppercase() {
                b'K' => (rest.trim_ascii_end(), 3),
                b'M' => (rest.trim_ascii_end(), 6),
                b'G' => (rest.trim_ascii_end(), 9),
                b'T' => (rest.trim_ascii_end(), 12),
                _ => (digits, 0),
            },
            _ => (digits, 0),
        };
        let mut plain = [0; LONGEST];
        let mut length = 0;
        for &byte in digits {
            let byte = match byte {
                byte if grouping.is_some_and(|mark| mark.byte() == byte) => continue,
                b',' if decimal == Decimal::Comma => b'.',
                // The other mark is neither a decimal mark nor a separator.
                b'.' if decimal == Decimal::Comma => return Err(bad("not a number", digits)),
                byte => byte,
            };
            plain[length] = byte;
            length += 1;
        }
        if power > 0 {
            self.scaled.fetch_add(1, Ordering::Relaxed);
        }
        // Digits beyond the resolution after applying the factor are rounded.
        fixed_point(&plain[..length], decimals + power)
    }
}

fn hexadecimal(digits: &[u8], decimals: u32) -> Result<u64, BadCell> {
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with(['+', '-']));
    let number = text.and_then(|text| u64::from_str_radix(text, 16).ok());
    let number = number.ok_or_else(|| bad("not a number", digits))?;
    number.checked_mul(10u64.pow(decimals)).ok_or_else(|| bad("too large", digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::reading::Grouping;
    use proptest::prelude::*;

    fn read(numbers: Numbers, cell: &str, decimals: u32) -> Result<u64, String> {
        Rules::new(numbers).read(cell.as_bytes(), decimals).map_err(|error| error.problem)
    }

    #[test]
    fn numbers_as_people_write_them() {
        let german =
            Numbers { decimal: Decimal::Comma, grouping: Some(Grouping::Point), ..Numbers::default() };
        assert_eq!(read(german, "1.234.567,5", 1), Ok(12_345_675));
        assert_eq!(read(Numbers { grouping: None, ..german }, "0,061", 6), Ok(61_000));
        assert_eq!(read(Numbers { grouping: None, ..german }, "0.061", 6), Err("not a number".into()));
        let scaled = Numbers { scales: true, ..Numbers::default() };
        for (cell, number) in [("1.2 M", 1_200_000), ("614.1M", 614_100_000), ("12", 12), ("3k", 3_000)] {
            assert_eq!(read(scaled, cell, 0), Ok(number), "{cell}");
        }
        assert_eq!(read(scaled, "1.5 G", 2), Ok(150_000_000_000));
        assert_eq!(read(scaled, "1.23456789 k", 0), Ok(1_235));
        let hex = Numbers { hexadecimal: true, ..Numbers::default() };
        assert_eq!(
            [read(hex, "0x0050", 0), read(hex, "80", 0), read(hex, "0x2", 2)],
            [Ok(80), Ok(80), Ok(200)]
        );
        for cell in ["0x", "0x-1", "0xg", "0xffffffffffffffffff", "x50", "--1", "M", ""] {
            assert!(read(Numbers { scales: true, ..hex }, cell, 0).is_err(), "{cell}");
        }
        assert_eq!(read(scaled, "-0.061", 6), Err("negative".into()));
        let clock = Numbers { clock: true, ..Numbers::default() };
        assert_eq!(read(clock, "01:02:03.5", 3), Ok(3_723_500));
        assert_eq!([read(clock, "0.25", 2), read(clock, "00:00:00.000", 3)], [Ok(25), Ok(0)]);
        for cell in ["1:2", "1:2:3:4", "::", "99999999999999999:00:00", "-1:00:00"] {
            assert!(read(clock, cell, 0).is_err(), "{cell}");
        }
    }

    #[test]
    fn reinterpreted_numbers_are_counted() {
        let rules = Rules::new(Numbers { negative: Negative::Zero, scales: true, ..Numbers::default() });
        for (cell, number) in [("-0.061", 0), ("-1", 0), ("-0", 0), ("2.5k", 2_500)] {
            assert_eq!(rules.read(cell.as_bytes(), 0), Ok(number), "{cell}");
        }
        assert_eq!(rules.notes("td").len(), 2);
        assert!(rules.notes("td")[0].starts_with("2 values of td lie below 0"), "{:?}", rules.notes("td"));
    }

    proptest! {
        #[test]
        fn no_cell_makes_reading_panic(cell in prop::collection::vec(any::<u8>(), 0..80), decimals in 0u32..10) {
            let grouping = Some(Grouping::Apostrophe);
            let numbers = Numbers { decimal: Decimal::Comma, grouping, scales: true, hexadecimal: true, clock: true, negative: Negative::Zero };
            let _ = Rules::new(numbers).read(&cell, decimals);
        }
    }
}
