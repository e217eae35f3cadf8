//! Parses one value in its notation into its field's value space.

mod advice;
mod notations;

pub(super) use advice::is_no_value;
pub use notations::notation_of;

use super::addresses::{self, Gatherer};
use super::bad_cell::{BadCell, bad};
use super::fixed_point::fixed_point;
use super::numbers::Rules;
use super::special::Special;
use advice::{number_advice, time_advice};
use jiff::tz::TimeZone;
use netdpsyn_trace::reading::{Decimal, Numbers, Reading, Times};
use netdpsyn_trace::{Ends, Field, Notation, TimeUnit};
use notations::{address_number, dotted, protocol, rfc3339, time_notation};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Reads the cells of one column.
pub enum Parser {
    /// 192.0.2.1
    Dotted,
    /// An address as a number.
    AddressNumber,
    /// An address of any family, as the number that the gatherer assigns; 0 without a gatherer.
    Address(Option<Arc<Gatherer>>),
    /// A protocol's name or number.
    Protocol,
    /// A declared value; every other value is `other`.
    Category {
        /// Index of every declared value.
        known: HashMap<Vec<u8>, u64>,
        /// The value of `other`.
        other: u64,
    },
    /// A number since 1970.
    Epoch {
        /// Its unit.
        unit: TimeUnit,
        /// Whether numbers with the magnitude of another unit are refused.
        one_size: bool,
    },
    /// A time in RFC 3339.
    Rfc3339,
    /// A time in the format that the schema declares.
    Times {
        /// The time format.
        times: Times,
        /// The time zone of times without one.
        zone: TimeZone,
    },
    /// A number since 1970 with a decimal comma.
    Comma(Box<Parser>),
    /// A number in the format that the schema declares.
    Ruled {
        /// The number format.
        rules: Rules,
        /// As of [`Parser::Number`].
        decimals: u32,
        /// As of [`Parser::Number`].
        max: u64,
    },
    /// Special values, and the parser of all other cells.
    Special(Box<Special>),
    /// The time of an end, which determines a duration.
    End(Box<End>),
    /// A number with this many decimals kept, at most `max` when read.
    Number {
        /// Number of decimals; further ones are rounded.
        decimals: u32,
        /// Larger numbers are refused, such as a port above 65,535. `u64::MAX` where larger ones fall into
        /// the edge bin.
        max: u64,
    },
}

/// Parses end times.
pub struct End {
    /// The parser of start times.
    pub times: Parser,
    /// The columns.
    pub ends: Ends,
    /// Whether a record that ends before it starts has the duration 0.
    pub clamped: bool,
    /// Number of such records.
    pub before: AtomicU64,
}

impl End {
    /// The duration of a record from its start and end; `cell` is quoted where it has none.
    ///
    /// # Errors
    /// [`BadCell`] when the record ends before it starts, unless that is declared to be 0.
    pub fn duration(&self, start: u64, end: u64, cell: &[u8]) -> Result<u64, BadCell> {
        match self.ends.duration(start, end) {
            Some(duration) => Ok(duration),
            None if self.clamped => {
                self.before.fetch_add(1, Ordering::Relaxed);
                Ok(0)
            }
            None => Err(bad(
                "the record ends before it starts; if it stands for 0, declare `negative` of the reading's numbers as zero (--negative zero)",
                cell,
            )),
        }
    }
}

impl Parser {
    /// A parser for a field in a notation; without one (a file without records) in any fitting notation.
    pub fn new(field: &Field, notation: Option<Notation>, detected: bool) -> Parser {
        match (field, notation) {
            (Field::Ip { .. }, Some(Notation::AddressNumber)) => Parser::AddressNumber,
            (Field::Ip { .. }, _) => Parser::Dotted,
            (Field::Address {}, _) => Parser::Address(None),
            (Field::Protocol, _) => Parser::Protocol,
            (Field::Categorical(values), _) => {
                let values = values.as_deref().unwrap_or_default();
                let positions = values.iter().map(|v| v.clone().into_bytes()).zip(0..);
                Parser::Category { known: with_flags(positions.collect()), other: values.len() as u64 }
            }
            (Field::Timestamp { .. }, Some(Notation::Rfc3339)) => Parser::Rfc3339,
            (Field::Timestamp { .. }, Some(Notation::Epoch { unit, .. })) => {
                Parser::Epoch { unit, one_size: detected }
            }
            (Field::Timestamp { .. }, _) => Parser::Epoch { unit: TimeUnit::Seconds, one_size: true },
            (Field::Port | Field::PortTree { .. } | Field::IpChecksum, _) => {
                Parser::Number { decimals: 0, max: 65_535 }
            }
            (field, _) => Parser::Number { decimals: field.decimals(), max: u64::MAX },
        }
    }

    /// Sets the gatherer of addresses of any family.
    pub fn gathering(self, gatherer: &Arc<Gatherer>) -> Parser {
        match self {
            Parser::Address(_) => Parser::Address(Some(gatherer.clone())),
            Parser::Special(special) => Parser::Special(Box::new(special.gathering(gatherer))),
            plain => plain,
        }
    }

    /// Adds the number and time formats that a schema declares.
    pub fn under(self, reading: &Reading) -> Parser {
        match (self, &reading.times) {
            (Parser::Rfc3339 | Parser::Epoch { .. }, Some(times)) => {
                Parser::Times { times: times.clone(), zone: times.zone().unwrap_or(TimeZone::UTC) }
            }
            (epoch @ Parser::Epoch { .. }, None) if reading.numbers.decimal == Decimal::Comma => {
                Parser::Comma(Box::new(epoch))
            }
            (Parser::Number { decimals, max }, _) if reading.numbers != Numbers::default() => {
                Parser::Ruled { rules: Rules::new(reading.numbers), decimals, max }
            }
            (plain, _) => plain,
        }
    }

    /// For a typed column of booleans: spells true and false as the column's declared values, or as numbers.
    pub fn spelled<'c>(&self, flag: &'c [u8]) -> &'c [u8] {
        let Some(spellings) = FLAGS.iter().find(|spellings| spellings[0] == flag) else { return flag };
        match self {
            Parser::Category { known, .. } => {
                spellings.iter().find(|&&word| known.contains_key(word)).map_or(flag, |word| *word)
            }
            _ => spellings[3],
        }
    }

    /// Parses a cell without surrounding white space.
    ///
    /// # Errors
    /// [`BadCell`] with what is wrong.
    pub fn read(&self, cell: &[u8]) -> Result<u64, BadCell> {
        self.plainly(cell).map_err(|error| self.advised(error, cell))
    }

    /// Adds advice on the declaration with which such a cell could be read, where there is one.
    fn advised(&self, error: BadCell, cell: &[u8]) -> BadCell {
        let advice = match self {
            Parser::End(end) => return end.times.advised(error, cell),
            Parser::Epoch { .. } | Parser::Rfc3339 if error.mixture => None,
            Parser::Epoch { .. } | Parser::Rfc3339 | Parser::Comma(_) => time_advice(cell),
            Parser::Special(_) => None,
            _ if is_no_value(cell) => Some(
                "if it stands for no value, declare it in the column's `special` (--special COLUMN=CELL,…)",
            ),
            Parser::Number { .. } | Parser::Ruled { .. } => number_advice(cell),
            _ => None,
        };
        match advice {
            Some(advice) => BadCell { problem: format!("{}; {advice}", error.problem), ..error },
            None => error,
        }
    }

    fn plainly(&self, cell: &[u8]) -> Result<u64, BadCell> {
        if cell.is_empty() && !matches!(self, Parser::Category { .. } | Parser::Special(_)) {
            return Err(bad("the cell is empty", cell));
        }
        match self {
            Parser::Special(special) => special.read(cell),
            Parser::End(end) => end.times.plainly(cell),
            Parser::Dotted => dotted(cell).map_err(|error| {
                not_this(error, address_number(cell).ok().map(|_| NUMBERS.into()), cell, DOTTED)
            }),
            Parser::AddressNumber => address_number(cell)
                .map_err(|error| not_this(error, dotted(cell).ok().map(|_| DOTTED.into()), cell, NUMBERS)),
            Parser::Address(gatherer) => addresses::read(cell, gatherer.as_deref()),
            Parser::Protocol => protocol(cell),
            Parser::Category { known, other } => match known.get(cell) {
                Some(position) => Ok(*position),
                None if std::str::from_utf8(cell).is_err() => {
                    Err(bad("not UTF-8; declare the encoding, as windows-1252", cell))
                }
                None => Ok(*other),
            },
            Parser::Epoch { unit, one_size } => match fixed_point(cell, unit.decimals()) {
                Ok(time) if !*one_size || unit.has_size_of(time) => Ok(time),
                read => {
                    let error = read.err().unwrap_or_else(|| bad("a time of another size", cell));
                    let other = time_notation(cell).filter(|_| *one_size || rfc3339(cell).is_ok());
                    Err(not_this(error, other.map(named), cell, &since(*unit)))
                }
            },
            Parser::Rfc3339 => {
                rfc3339(cell).map_err(|error| not_this(error, time_notation(cell).map(named), cell, RFC_3339))
            }
            Parser::Times { times, zone } => {
                let text = std::str::from_utf8(cell).ok().and_then(|text| times.read(text, zone));
                text.ok_or_else(|| bad(format!("not a time written as {}", times.format), cell))
            }
            Parser::Comma(epoch) => epoch.read(&pointed(cell)),
            Parser::Ruled { rules, decimals, max } => within(rules.read(cell, *decimals)?, *max, cell),
            Parser::Number { decimals, max } => within(fixed_point(cell, *decimals)?, *max, cell),
        }
    }
}

/// Replaces the decimal comma by a point; a cell that already has a point is not a number.
pub(super) fn pointed(cell: &[u8]) -> Vec<u8> {
    let turned = |byte: &u8| match byte {
        b',' => b'.',
        b'.' => b',',
        other => *other,
    };
    cell.iter().map(turned).collect()
}

fn within(number: u64, max: u64, cell: &[u8]) -> Result<u64, BadCell> {
    if number <= max { Ok(number) } else { Err(bad(format!("above {max}"), cell)) }
}

/// How programs spell true and false.
const FLAGS: [[&[u8]; 4]; 2] = [[b"true", b"True", b"TRUE", b"1"], [b"false", b"False", b"FALSE", b"0"]];

/// The declared values and, where both true and false are among them, all their other spellings.
fn with_flags(mut known: HashMap<Vec<u8>, u64>) -> HashMap<Vec<u8>, u64> {
    let declared = FLAGS.map(|spellings| spellings.iter().find_map(|word| known.get(*word).copied()));
    if let [Some(yes), Some(no)] = declared {
        for (spellings, value) in FLAGS.iter().zip([yes, no]) {
            spellings.iter().for_each(|word| {
                known.entry(word.to_vec()).or_insert(value);
            });
        }
    }
    known
}

const DOTTED: &str = "dotted addresses";
const NUMBERS: &str = "numeric addresses";
const RFC_3339: &str = "times in RFC 3339";

fn since(unit: TimeUnit) -> String {
    format!("{unit} since 1970")
}

/// The name of a notation of times.
fn named(notation: Notation) -> String {
    match notation {
        Notation::Epoch { unit, .. } => since(unit),
        _ => RFC_3339.into(),
    }
}

/// Why a cell is not in its column's notation: it may be in `another`, and `error` is the reason why it is
/// not in this one.
fn not_this(error: BadCell, another: Option<String>, cell: &[u8], notation: &str) -> BadCell {
    match another {
        Some(another) => {
            let problem =
                format!("the column is written as {notation}, and this as {another}; a mixture is refused");
            BadCell { mixture: true, ..bad(problem, cell) }
        }
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str, decimals: u32) -> Result<u64, String> {
        fixed_point(text.as_bytes(), decimals).map_err(|e| e.problem)
    }

    #[test]
    fn numbers() {
        assert_eq!(number("5.220876", 6), Ok(5_220_876));
        assert_eq!(number("3e-06", 6), Ok(3));
        assert_eq!(number("305.63599999999997", 6), Ok(305_636_000));
        assert_eq!(number("1458298072364000.0", 3), Ok(1_458_298_072_364_000_000));
        assert_eq!(number("0.0", 0), Ok(0));
        assert_eq!(number("-0", 0), Ok(0));
        assert_eq!(number("1e3", 0), Ok(1_000));
        assert_eq!(number("18446744073709551615", 0), Ok(u64::MAX));
        assert_eq!(number("18446744073709551616", 0), Err("too large".into()));
        assert_eq!(number("1e400", 0), Err("too large".into()));
        assert_eq!(number("-5", 0), Err("negative".into()));
        assert_eq!(number("2.5", 0), Err("not a whole number".into()));
        for text in ["", "-", ".", "e5", "1e", "1.2.3", "nan", "inf", "0x10", "1 2", "٣"] {
            assert_eq!(number(text, 2), Err("not a number".into()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_floating_point(value in 0.0f64..1e9) {
            let ours = number(&format!("{value:e}"), 6).unwrap() as f64;
            prop_assert!((ours - value * 1e6).abs() <= 0.5 + value * 1e-9);
        }

        #[test]
        fn never_panics(cell in prop::collection::vec(any::<u8>(), 0..40), decimals in 0u32..10) {
            let _ = fixed_point(&cell, decimals);
            for field in [Field::ip(&[8]), Field::Port, Field::Protocol, Field::timestamp(9)] {
                for notation in [None, Some(Notation::AddressNumber), Some(Notation::Rfc3339)] {
                    let _ = Parser::new(&field, notation, true).read(&cell);
                }
            }
        }
    }

    #[test]
    fn addresses_and_protocols() {
        assert_eq!(Parser::Dotted.read(b"192.0.2.1"), Ok(0xc000_0201));
        for text in ["300.1.1.1", "1.2.3", "01.2.3.4", "::1", "3221225985"] {
            assert!(Parser::Dotted.read(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["4294967296", "1.2.3.4", "-1", "fe80::1"] {
            assert!(Parser::AddressNumber.read(text.as_bytes()).is_err(), "{text}");
        }
        let read = |text: &str| Parser::Protocol.read(text.as_bytes()).ok();
        assert_eq!(
            [read("TCP"), read("113"), read("arp"), read("256"), read("?")],
            [Some(6), Some(113), Some(256), None, None]
        );
    }

    #[test]
    fn unreadable_cells_say_what_to_declare() {
        let number = Parser::Number { decimals: 0, max: u64::MAX };
        let epoch = Parser::Epoch { unit: TimeUnit::Seconds, one_size: true };
        for (parser, cell, said) in [
            (&number, "0x0050", "--hexadecimal"),
            (&number, "-0.061", "--negative zero"),
            (&number, "1.2 M", "--scales"),
            (&number, "1,5", "--decimal comma"),
            (&number, "1,234,567", "--grouping comma"),
            (&epoch, "1/06/2024 00:00", "--time-format"),
            (&Parser::Rfc3339, "2024-06-01 00:00:00", "--time-format"),
            (&epoch, "-31535999.9", "before 1970"),
            (&Parser::Dotted, "70:5d:cc:57:c7:b0", "a hardware address"),
            (&Parser::AddressNumber, "70-5d-cc-57-c7-b0", "a hardware address"),
            (&Parser::Dotted, "fe80::1", "an IPv6 address"),
            (&number, "", "--special"),
            (&number, "N/A", "--special"),
            (&number, "-Infinity", "--special"),
            (&Parser::Dotted, "-", "--special"),
        ] {
            let problem = parser.read(cell.as_bytes()).unwrap_err().problem;
            assert!(problem.contains(said), "{cell}: {problem}");
        }
        for cell in ["x", "443a", "-x"] {
            assert!(!number.read(cell.as_bytes()).unwrap_err().problem.contains("declare"), "{cell}");
        }
    }

    #[test]
    fn flags_are_read_however_they_are_spelled() {
        let parser = |declared: &[&str]| {
            let declared = declared.iter().map(|value| (*value).into()).collect();
            Parser::new(&Field::Categorical(Some(declared)), None, false)
        };
        for (declared, yes) in [(["0", "1"], 1), (["True", "False"], 0), (["false", "true"], 1)] {
            let parser = parser(&declared);
            for word in ["true", "True", "TRUE", "1"] {
                assert_eq!(parser.read(word.as_bytes()), Ok(yes), "{declared:?} {word}");
            }
            assert_eq!(parser.read(b"FALSE"), Ok(1 - yes));
            assert_eq!(parser.read(b"yes"), Ok(2));
        }
        // With categories that are numbers, 1 is not a spelling of true.
        assert_eq!(parser(&["1", "2"]).read(b"True"), Ok(2));
    }

    #[test]
    fn a_mixture_of_units_is_refused() {
        let strict = Parser::Epoch { unit: TimeUnit::Milliseconds, one_size: true };
        assert!(strict.read(b"1556000000123").is_ok());
        assert!(strict.read(b"1556000000").is_err());
        let declared = Parser::Epoch { unit: TimeUnit::Milliseconds, one_size: false };
        assert_eq!(declared.read(b"12"), Ok(12_000_000));
    }
}
