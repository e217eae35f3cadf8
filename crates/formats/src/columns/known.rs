//! Fast paths for repeated text and for the two most common notations; everything else goes to the parser.

use crate::cell::Parser;

/// Number of cached texts, in a table indexed by a hash of their bytes.
const PLACES: usize = 1 << 12;
/// The longest cached text.
const LONGEST: usize = 16;

/// A cached text: its first and last bytes and its length identify it completely.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

impl Key {
    fn of(cell: &[u8]) -> Option<Key> {
        let length = cell.len();
        let (first, last) = match cell {
            [] => return None,
            [a, ..] if length < 4 => {
                (u64::from(u32::from_le_bytes([*a, cell[length / 2], cell[length - 1], 0])), 0)
            }
            _ if length < 8 => {
                let [first, last] = [cell.first_chunk(), cell.last_chunk()].map(|part| part.copied());
                (u32::from_le_bytes(first?).into(), u32::from_le_bytes(last?).into())
            }
            _ if length <= LONGEST => {
                let [first, last] = [cell.first_chunk(), cell.last_chunk()].map(|part| part.copied());
                (u64::from_le_bytes(first?), u64::from_le_bytes(last?))
            }
            _ => return None,
        };
        Some(Key { first, last, length })
    }

    fn place(&self) -> usize {
        let mixed = self.first ^ self.last.rotate_left(23) ^ self.length as u64;
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % PLACES
    }
}

/// The cached texts of a column.
#[derive(Default)]
pub struct Texts {
    places: Vec<(Key, u64)>,
    /// The text of the last time up to its minute, and the time of that minute.
    minute: Vec<u8>,
    begins: u64,
}

impl Texts {
    /// The value of a cell, if it can be read.
    pub fn read(&mut self, parser: &Parser, cell: &[u8]) -> Option<u64> {
        let read = |cell| parser.read(cell).ok();
        if let Parser::Ruled { .. } | Parser::Special(_) = parser {
            // This parser counts cells, so none may be skipped.
            return read(cell);
        }
        let Some(key) = Key::of(cell) else {
            return match parser {
                Parser::Rfc3339 => self.time(parser, cell).or_else(|| read(cell)),
                _ => read(cell),
            };
        };
        if self.places.is_empty() {
            self.places = vec![(Key::default(), 0); PLACES];
        }
        let place = key.place();
        if self.places[place].0 == key {
            return Some(self.places[place].1);
        }
        let value = match parser {
            Parser::Dotted => dotted(cell).map(u64::from).or_else(|| read(cell)),
            _ => read(cell),
        }?;
        self.places[place] = (key, value);
        Some(value)
    }

    /// A time as `2026-01-05T08:00:00.25Z`: only the part after the minute is parsed.
    fn time(&mut self, parser: &Parser, cell: &[u8]) -> Option<u64> {
        let (minute, rest) = cell.split_at_checked(17).filter(|(minute, _)| minute[16] == b':')?;
        let (seconds, fraction) = rest.strip_suffix(b"Z")?.split_at_checked(2)?;
        let nanoseconds = match fraction {
            [] => 0,
            [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
                digits_of(digits)? * 10u64.pow(9 - digits.len() as u32)
            }
            _ => return None,
        };
        let seconds = digits_of(seconds).filter(|&seconds| seconds < 60)?;
        if self.minute != minute {
            self.begins = parser.read(&[minute, b"00Z"].concat()).ok()?;
            self.minute = minute.to_vec();
        }
        self.begins.checked_add(seconds * 1_000_000_000 + nanoseconds)
    }
}

/// A few decimal digits and nothing else.
fn digits_of(text: &[u8]) -> Option<u64> {
    text.iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
}

/// A dotted IPv4 address.
fn dotted(cell: &[u8]) -> Option<u32> {
    let (mut address, mut octet, mut digits, mut dots) = (0, 0, 0, 0);
    for &byte in cell {
        match byte {
            b'0'..=b'9' if digits == 0 || octet > 0 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                address = address << 8 | octet;
                (octet, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0).then_some(address << 8 | octet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::reading::{Negative, Numbers, Reading};
    use proptest::prelude::*;

    proptest! {
        /// Whatever was read before.
        #[test]
        fn a_text_is_read_as_by_its_parser(
            cells in prop::collection::vec("([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-2]?[0-9]{1,16}|(tcp|UDP|icmp|a|ab|abc|x{0,18})|20[0-9]{2}-0[1-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|z|\\+01:00)?)", 1..60),
        ) {
            for parser in [Parser::Dotted, Parser::Protocol, Parser::Rfc3339, Parser::Number { decimals: 2, max: u64::MAX }] {
                let mut texts = Texts::default();
                for cell in cells.iter().chain(&cells) {
                    prop_assert_eq!(texts.read(&parser, cell.as_bytes()), parser.read(cell.as_bytes()).ok(), "{}", cell);
                }
            }
        }

        #[test]
        fn an_address_is_four_numbers(address: u32) {
            let text = std::net::Ipv4Addr::from(address).to_string();
            prop_assert_eq!(dotted(text.as_bytes()), Some(address));
        }
    }

    #[test]
    fn unusual_times_are_left_to_the_parser() {
        let mut texts = Texts::default();
        for cell in [
            "2026-01-05T08:00:59.999999999Z",
            "2026-01-05T08:00:00.0000000001Z",
            "2026-01-05T08:00:60Z",
            "20260105T080000.123Z",
            "1969-12-31T23:59:59Z",
            "2026-01-05 08:00:00.25Z",
            "2026-01-05T08:00:00,25Z",
            "2026-01-05T08:00:00.25+01:00",
        ] {
            let expected = Parser::Rfc3339.read(cell.as_bytes()).ok();
            assert_eq!(texts.read(&Parser::Rfc3339, cell.as_bytes()), expected, "{cell}");
        }
    }

    #[test]
    fn repeated_cells_are_counted_each_time() {
        let numbers = Numbers { negative: Negative::Zero, ..Numbers::default() };
        let parser = Parser::Number { decimals: 0, max: u64::MAX };
        let parser = parser.under(&Reading { numbers, ..Reading::default() });
        let mut texts = Texts::default();
        for _ in 0..3 {
            assert_eq!(texts.read(&parser, b"-4"), Some(0));
        }
        let Parser::Ruled { rules, .. } = parser else { panic!("numbers by rules") };
        assert_eq!(rules.notes("byt"), ["3 values of byt lie below 0 and were taken for 0"]);
    }
}
