//! Reads the arrays of a column into its field's value space. A value of any type means what its text would
//! mean in a CSV cell; common types take a fast path without the text, a block of rows at a time.

use super::Holds;
use super::cells::{of_keys, text};
use super::known::Texts;
use crate::addresses;
use crate::bad_cell::BadCell;
use crate::cell::Parser;
use netdpsyn_trace::protocols;
use polars_arrow::array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray,
    Utf8Array, Utf8ViewArray,
};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::bitmap::bitmask::BitMask;
use polars_arrow::datatypes::PhysicalType;
use polars_arrow::types::PrimitiveType;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

/// Number of rows that are read together: their values fit in the first-level cache.
const BLOCK: usize = 1 << 10;

/// A row of a batch that cannot be read.
pub struct Bad {
    pub row: usize,
    pub cell: BadCell,
}

/// Receives the values of a column, block by block.
pub type Put<'a> = dyn FnMut(&[u64]) + 'a;

/// Reads the arrays of a column, and caches repeated values.
pub struct ColumnReader<'a> {
    how: How<'a>,
    texts: Texts,
    words: Words,
}

/// How the values of a column are read.
#[derive(Clone, Copy)]
struct How<'a> {
    parser: &'a Parser,
    holds: Holds,
    address: bool,
    exact: bool,
    /// The factor from an integer to its value.
    factor: u64,
}

/// The words of a dictionary as values; 0 for those that cannot be read.
#[derive(Default)]
struct Words {
    of: Option<Box<dyn Array>>,
    values: Vec<u64>,
    good: Vec<bool>,
    all_good: bool,
}

impl<'a> ColumnReader<'a> {
    pub fn new(parser: &'a Parser, (holds, address): (Holds, bool), exact: bool) -> Self {
        let factor = match (parser, holds) {
            (Parser::Rfc3339, Holds::Time { unit, .. }) => unit.nanoseconds(),
            (Parser::Number { decimals, .. }, _) => 10u64.pow(*decimals),
            (Parser::Epoch { unit, .. }, _) => unit.nanoseconds(),
            _ => 1,
        };
        let address = address && holds == Holds::Bytes;
        let how = How { parser, holds, address, exact, factor };
        ColumnReader { how, texts: Texts::default(), words: Words::default() }
    }

    /// Reads an array; values of bad rows are 0.
    pub fn read(&mut self, array: &dyn Array, put: &mut Put) -> Vec<Bad> {
        let (how, texts) = (self.how, &mut self.texts);
        macro_rules! each {
            ($type:ty) => {
                if let Some(array) = array.as_any().downcast_ref::<$type>() {
                    return rows(&how, array, put, apart, |row| how.cell(array.value(row).as_ref(), texts));
                }
            };
        }
        match array.dtype().to_physical_type() {
            PhysicalType::Primitive(primitive) => return numbers(&how, array, primitive, put),
            PhysicalType::Dictionary(_) => return self.dictionary(array, put),
            PhysicalType::Boolean => {
                if let Some(flags) = array.as_any().downcast_ref::<BooleanArray>() {
                    let flag = |word: &str| how.parser.read(how.parser.spelled(word.as_bytes())).ok();
                    let (no, yes) = (flag("false"), flag("true"));
                    return rows(&how, flags, put, apart, |row| if flags.value(row) { yes } else { no });
                }
            }
            PhysicalType::Utf8View => each!(Utf8ViewArray),
            PhysicalType::BinaryView => each!(BinaryViewArray),
            PhysicalType::Utf8 => each!(Utf8Array<i32>),
            PhysicalType::LargeUtf8 => each!(Utf8Array<i64>),
            PhysicalType::Binary => each!(BinaryArray<i32>),
            PhysicalType::LargeBinary => each!(BinaryArray<i64>),
            PhysicalType::FixedSizeBinary => each!(FixedSizeBinaryArray),
            _ => {}
        }
        rows(&how, array, put, apart, |_| None)
    }

    /// Reads a dictionary: its words are parsed once, and the good ones copied.
    fn dictionary(&mut self, array: &dyn Array, put: &mut Put) -> Vec<Bad> {
        let how = self.how;
        of_keys!(array, dictionary => {
            self.learn(dictionary.values().as_ref());
            let (words, keys) = (&self.words, dictionary.keys().values());
            let copy = |rows: Range<usize>, block: &mut [u64]| {
                // The key of a null row is arbitrary.
                let value = |key| words.values.get(key as usize).copied().unwrap_or(0);
                block.iter_mut().zip(&keys[rows]).for_each(|(to, &key)| *to = value(key));
                words.all_good
            };
            return rows(&how, array, put, copy, |row| {
                let word = dictionary.key_value(row);
                words.good[word].then(|| words.values[word])
            });
        }, i8, i16, i32, i64, u8, u16, u32, u64);
        rows(&how, array, put, apart, |_| None)
    }

    /// Reads the words of a dictionary, unless they are those of the last one.
    fn learn(&mut self, words: &dyn Array) {
        if self.words.of.as_ref().is_some_and(|known| same(known.as_ref(), words)) {
            return;
        }
        let (mut values, mut good) = (Vec::with_capacity(words.len()), vec![true; words.len()]);
        if let Parser::Ruled { .. } | Parser::Special(_) = self.how.parser {
            // A counting parser counts every row, not every word.
            (values, good) = (vec![0; words.len()], vec![false; words.len()]);
        } else {
            let bad = self.read(words, &mut |block| values.extend_from_slice(block));
            bad.iter().for_each(|bad| good[bad.row] = false);
        }
        let all_good = good.iter().all(|&good| good);
        self.words = Words { of: Some(words.to_boxed()), values, good, all_good };
    }
}

/// Whether two arrays of words are the same in memory. One of them is retained, so that its memory is not
/// reused.
fn same(a: &dyn Array, b: &dyn Array) -> bool {
    let place = |array: &dyn Array| {
        let array = array.as_any();
        let views = array.downcast_ref::<Utf8ViewArray>().map(|words| words.views().as_ptr().addr());
        let long = || array.downcast_ref::<Utf8Array<i64>>().map(|words| words.offsets().as_ptr().addr());
        let short = || array.downcast_ref::<Utf8Array<i32>>().map(|words| words.offsets().as_ptr().addr());
        views.or_else(long).or_else(short)
    };
    a.dtype() == b.dtype() && a.len() == b.len() && place(a).is_some() && place(a) == place(b)
}

impl How<'_> {
    fn through_text(&self, array: &dyn Array, row: usize) -> Result<u64, BadCell> {
        let mut cell = Vec::new();
        text(array, self.holds, self.address, row, &mut cell);
        let cell = if self.holds == Holds::Flag { self.parser.spelled(&cell) } else { self.trimmed(&cell) };
        self.parser.read(cell)
    }

    fn trimmed<'c>(&self, cell: &'c [u8]) -> &'c [u8] {
        if self.exact { cell } else { cell.trim_ascii() }
    }

    /// Reads text, or bytes that are text or an address.
    fn cell(&self, bytes: &[u8], texts: &mut Texts) -> Option<u64> {
        if self.address && matches!(bytes.len(), 4 | 6 | 16) {
            if let Parser::Address(gatherer) = self.parser {
                let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
                let ip = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()?;
                return addresses::of_ip(ip, gatherer.as_deref());
            }
            let four = <[u8; 4]>::try_from(bytes).ok();
            let sixteen = || Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_ipv4_mapped();
            let address = four.map(u32::from_be_bytes).or_else(|| sixteen().map(u32::from));
            return address.filter(|_| matches!(self.parser, Parser::Dotted)).map(u64::from);
        }
        texts.read(self.parser, self.trimmed(bytes))
    }

    /// A non-negative integer within bounds. If two numbers are, all numbers between them are, with the same
    /// factor.
    fn whole(&self, number: u64) -> Option<u64> {
        let read = number.checked_mul(self.factor)?;
        let within = match (self.parser, self.holds) {
            (Parser::Rfc3339, Holds::Time { .. }) => true,
            (_, Holds::Time { .. } | Holds::Duration(_)) => false,
            (Parser::AddressNumber, _) => read < 1 << 32,
            (Parser::Protocol, _) => read < protocols::COUNT,
            (Parser::Number { max, .. }, _) => read <= *max,
            (Parser::Epoch { unit, one_size }, _) => !one_size || unit.has_size_of(read),
            _ => false,
        };
        within.then_some(read)
    }

    /// A number with a fraction, where rounding cannot differ from that of its shortest text.
    fn fraction(&self, number: f64) -> Option<u64> {
        let below = (number.is_sign_positive() && number < 9e15).then_some(number as i64 as u64);
        if let Some(whole) = below.filter(|&whole| whole as i64 as f64 == number) {
            return self.whole(whole);
        }
        let Parser::Number { max, .. } = self.parser else { return None };
        // An integer field requires a whole number, for which the text gives the error.
        let scaled = (self.factor > 1).then_some(number * self.factor as f64)?;
        if !(0.0..1e12).contains(&scaled) {
            return None;
        }
        let down = scaled as i64;
        let rest = scaled - down as f64;
        let near_half = (rest - 0.5).abs() < 1e-3;
        Some(down as u64 + u64::from(rest > 0.5)).filter(|read| !near_half && read <= max)
    }
}

/// For types that are read row by row.
fn apart(_: Range<usize>, _: &mut [u64]) -> bool {
    false
}

/// Reads rows block by block: a whole block by `together` where possible, otherwise row by row by `one`, and
/// the remaining rows through their text.
fn rows(
    how: &How,
    array: &dyn Array,
    put: &mut Put,
    mut together: impl FnMut(Range<usize>, &mut [u64]) -> bool,
    mut one: impl FnMut(usize) -> Option<u64>,
) -> Vec<Bad> {
    let valid = array.validity().filter(|valid| valid.unset_bits() > 0);
    let mut bad = Vec::new();
    let mut or_bad = |row, read: Result<u64, BadCell>| {
        read.unwrap_or_else(|cell| {
            bad.push(Bad { row, cell });
            0
        })
    };
    let mut block = [0; BLOCK];
    for start in (0..array.len()).step_by(BLOCK) {
        let rows = start..array.len().min(start + BLOCK);
        let block = &mut block[..rows.len()];
        if !together(rows.clone(), block) {
            for (row, value) in rows.clone().zip(block.iter_mut()) {
                if valid.is_none_or(|valid| valid.get_bit(row)) {
                    *value = one(row).unwrap_or_else(|| or_bad(row, how.through_text(array, row)));
                }
            }
        }
        for row in valid.into_iter().flat_map(|valid| absent(valid, rows.clone())) {
            block[row - start] = or_bad(row, how.parser.read(b""));
        }
        put(block);
    }
    bad.sort_unstable_by_key(|bad| bad.row);
    bad
}

/// The null rows, found by words of 64 bits.
fn absent(valid: &Bitmap, rows: Range<usize>) -> impl Iterator<Item = usize> {
    let valid = BitMask::from_bitmap(valid);
    rows.clone().step_by(32).flat_map(move |start| {
        let within = u32::MAX >> (32 - (rows.end - start).min(32));
        let mut missing = !valid.get_u32(start) & within;
        std::iter::from_fn(move || {
            let next = (missing != 0).then(|| start + missing.trailing_zeros() as usize)?;
            missing &= missing - 1;
            Some(next)
        })
    })
}

/// Reads numbers of any primitive type.
fn numbers(how: &How, array: &dyn Array, primitive: PrimitiveType, put: &mut Put) -> Vec<Bad> {
    macro_rules! of {
        ($type:ty, $numbers:ident => $read:expr) => {
            if let Some($numbers) = array.as_any().downcast_ref::<PrimitiveArray<$type>>() {
                let $numbers = &$numbers.values()[..];
                return $read;
            }
        };
    }
    macro_rules! whole {
        ($type:ty) => {
            of!($type, numbers => {
                let whole = |number: $type| how.whole(u64::try_from(number).ok()?);
                let together = |rows: Range<usize>, block: &mut [u64]| {
                    let numbers = &numbers[rows];
                    let ends = |(least, most): ($type, $type), &n: &$type| (least.min(n), most.max(n));
                    let (least, most) = numbers.iter().fold((<$type>::MAX, <$type>::MIN), ends);
                    let within = whole(least).is_some() && whole(most).is_some();
                    if within {
                        block.iter_mut().zip(numbers).for_each(|(to, &n)| *to = n as u64 * how.factor);
                    }
                    within
                };
                rows(how, array, put, together, |row| whole(numbers[row]))
            })
        };
    }
    match primitive {
        PrimitiveType::Int8 => whole!(i8),
        PrimitiveType::Int16 => whole!(i16),
        PrimitiveType::Int32 => whole!(i32),
        PrimitiveType::Int64 => whole!(i64),
        PrimitiveType::UInt8 => whole!(u8),
        PrimitiveType::UInt16 => whole!(u16),
        PrimitiveType::UInt32 => whole!(u32),
        PrimitiveType::UInt64 => whole!(u64),
        PrimitiveType::Float32 => of!(f32, numbers => rows(how, array, put, apart, |row| {
            // The shortest text of an f32 is a different number from its value, unless that is whole and not
            // large.
            let number = f64::from(numbers[row]);
            (number as i64 as f64 == number && number < 16_777_216.0).then(|| how.fraction(number))?
        })),
        PrimitiveType::Float64 => {
            of!(f64, numbers => rows(how, array, put, apart, |row| how.fraction(numbers[row])))
        }
        _ => {}
    }
    rows(how, array, put, apart, |_| None)
}

#[cfg(test)]
mod tests {
    use super::super::holds::Unit;
    use super::*;
    use netdpsyn_trace::{Field, Notation, TimeUnit};
    use polars_arrow::datatypes::{ArrowDataType, IntegerType, TimeUnit as ArrowUnit};
    use proptest::prelude::*;

    fn parsers() -> Vec<Parser> {
        let float = |resolution| Field::FloatExponential { resolution, max: 1e9, base: 2.0 };
        let category = Field::Categorical(Some(vec!["6".into(), "a".into(), "true".into()]));
        let epoch = |unit| Some(Notation::Epoch { unit, decimal: false });
        let mut all = vec![
            Parser::new(&Field::ip(&[8]), Some(Notation::AddressNumber), false),
            Parser::new(&Field::ip(&[8]), Some(Notation::Dotted), false),
            Parser::new(&Field::Port, None, false),
            Parser::new(&Field::Protocol, None, false),
            Parser::new(&category, None, false),
            Parser::new(&Field::IntegerExponential { max: u64::MAX >> 1, base: 2.0 }, None, false),
            Parser::new(&Field::timestamp(1), Some(Notation::Rfc3339), false),
        ];
        all.extend([1e-6, 1e-3, 1.0].map(|resolution| Parser::new(&float(resolution), None, false)));
        for detected in [false, true] {
            let of = |unit| Parser::new(&Field::timestamp(1), epoch(unit), detected);
            all.extend(TimeUnit::ALL.map(of));
        }
        all
    }

    fn read(array: &dyn Array, parser: &Parser, of: (Holds, bool), exact: bool) -> (Vec<u64>, Vec<Bad>) {
        let mut values = Vec::new();
        let bad =
            ColumnReader::new(parser, of, exact).read(array, &mut |block| values.extend_from_slice(block));
        (values, bad)
    }

    /// Reads an array, and each of its values through its text.
    fn same(array: &dyn Array, holds: Holds) -> Result<(), TestCaseError> {
        for parser in parsers() {
            let (values, bad) = read(array, &parser, (holds, true), true);
            let mut bad = bad.into_iter().peekable();
            for (row, &value) in values.iter().enumerate() {
                let mut cell = Vec::new();
                text(array, holds, true, row, &mut cell);
                let here = bad.next_if(|bad| bad.row == row).map(|bad| bad.cell);
                let expected = parser.read(&cell);
                prop_assert_eq!(
                    here.map_or(Ok(value), Err),
                    expected,
                    "{:?}",
                    String::from_utf8_lossy(&cell)
                );
            }
            prop_assert!(bad.next().is_none());
        }
        Ok(())
    }

    fn large() -> impl Strategy<Value = i64> {
        prop_oneof![
            any::<i64>(),
            -3i64..70_000,
            1_700_000_000i64..1_800_000_000,
            Just(i64::MAX),
            Just(i64::MIN)
        ]
    }

    proptest! {
        #[test]
        fn numbers_mean_what_their_text_means(numbers in prop::collection::vec(prop::option::of(large()), 1..40)) {
            let array = PrimitiveArray::<i64>::from(numbers.clone());
            same(&array, Holds::Number)?;
            let array = PrimitiveArray::<u64>::from(numbers.iter().map(|n| n.map(|n| n as u64)).collect::<Vec<_>>());
            same(&array, Holds::Number)?;
            let array = PrimitiveArray::<i32>::from(numbers.iter().map(|n| n.map(|n| n as i32)).collect::<Vec<_>>());
            same(&array, Holds::Number)?;
            let array = PrimitiveArray::<i128>::from(numbers.iter().map(|n| n.map(i128::from)).collect::<Vec<_>>());
            same(&array.to(ArrowDataType::Decimal(38, 4)), Holds::Number)?;
            for (unit, name) in [(ArrowUnit::Second, TimeUnit::Seconds), (ArrowUnit::Nanosecond, TimeUnit::Nanoseconds)] {
                let times = PrimitiveArray::<i64>::from(numbers.clone()).to(ArrowDataType::Timestamp(unit, None));
                same(&times, Holds::Time { unit: Unit::Of(name), zoned: false })?;
                let lengths = PrimitiveArray::<i64>::from(numbers.clone()).to(ArrowDataType::Duration(unit));
                same(&lengths, Holds::Duration(Unit::Of(name)))?;
            }
        }

        #[test]
        fn fractions_mean_what_their_text_means(
            numbers in prop::collection::vec(prop_oneof![any::<f64>(), 0.0f64..1e4, (0u64..1 << 40).prop_map(|n| n as f64 / 1e7), (0u32..100_000).prop_map(f64::from)], 1..60),
        ) {
            same(&PrimitiveArray::<f64>::from_vec(numbers.clone()), Holds::Number)?;
            same(&PrimitiveArray::<f32>::from_vec(numbers.iter().map(|&n| n as f32).collect()), Holds::Number)?;
        }

        #[test]
        fn text_means_itself(words in prop::collection::vec(prop::option::of("(10\\.0\\.[0-9]{1,2}\\.[0-9]{1,3}|[0-9]{1,12}|[a-z ]{0,20}|tcp|::ffff:1\\.2\\.3\\.4)"), 1..80)) {
            same(&Utf8ViewArray::from_slice(&words), Holds::Text)?;
            same(&Utf8Array::<i32>::from(words.as_slice()), Holds::Text)?;
        }

        #[test]
        fn bytes_are_addresses(bytes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..18), 1..40)) {
            let array = BinaryViewArray::from_slice_values(&bytes);
            same(&array, Holds::Bytes)?;
            for (row, bytes) in bytes.iter().enumerate().filter(|(_, bytes)| bytes.len() == 4) {
                let expected = u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
                let (values, _) = read(&array, &Parser::Dotted, (Holds::Bytes, true), false);
                prop_assert_eq!(values[row], expected);
            }
        }
    }

    /// More rows than are read together, with some nulls and some unreadable ones, in any blocks.
    #[test]
    fn rows_are_told_apart_across_blocks() {
        let number = |row: usize| match row % 700 {
            3 => None,
            5 if row > 2_000 => Some(70_000),
            _ => Some((row % 60_000) as u32),
        };
        let numbers: Vec<Option<u32>> = (0..5_000).map(number).collect();
        let texts: Vec<Option<String>> = numbers.iter().map(|n| n.map(|n| n.to_string())).collect();
        let port = Parser::new(&Field::Port, None, false);
        let expected = texts.iter().map(|text| port.read(text.as_deref().unwrap_or_default().as_bytes()));
        let expected: Vec<Result<u64, BadCell>> = expected.collect();
        let words: Vec<String> = (0..70_001).map(|n| n.to_string()).collect();
        let of = ArrowDataType::Dictionary(IntegerType::UInt32, Box::new(ArrowDataType::Utf8View), false);
        let keys = PrimitiveArray::<u32>::from(numbers.clone());
        let words = Utf8ViewArray::from_slice_values(&words).boxed();
        let arrays: [(Box<dyn Array>, Holds); 4] = [
            (PrimitiveArray::<u32>::from(numbers).boxed(), Holds::Number),
            (Utf8ViewArray::from_slice(&texts).boxed(), Holds::Text),
            (Utf8Array::<i64>::from(texts.as_slice()).boxed(), Holds::Text),
            (DictionaryArray::<u32>::try_new(of, keys, words).unwrap().boxed(), Holds::Text),
        ];
        for (array, holds) in arrays {
            let mut reader = ColumnReader::new(&port, (holds, false), false);
            // A slice that begins within a block and within a word of the validity bitmap.
            for from in [0, 37, 1_029] {
                let (mut values, part) = (Vec::new(), array.sliced(from, 5_000 - from));
                let bad = reader.read(part.as_ref(), &mut |block| values.extend_from_slice(block));
                let mut bad = bad.into_iter().peekable();
                for (row, expected) in expected[from..].iter().enumerate() {
                    let here = bad.next_if(|bad| bad.row == row).map(|bad| bad.cell);
                    assert_eq!(&here.map_or(Ok(values[row]), Err), expected, "{:?} {row}", array.dtype());
                }
                assert!(bad.next().is_none());
            }
        }
    }

    #[test]
    fn a_changed_dictionary_is_read_again() {
        let dictionary = |words: &[&str]| {
            let of = ArrowDataType::Dictionary(IntegerType::UInt8, Box::new(ArrowDataType::LargeUtf8), false);
            let words = Utf8Array::<i64>::from_slice(words).boxed();
            DictionaryArray::<u8>::try_new(of, PrimitiveArray::from_vec(vec![1, 0, 1]), words).unwrap()
        };
        let parser = Parser::new(&Field::Protocol, None, false);
        let mut reader = ColumnReader::new(&parser, (Holds::Text, false), false);
        let mut read = |array: &dyn Array| {
            let mut values = Vec::new();
            assert!(reader.read(array, &mut |block| values.extend_from_slice(block)).is_empty());
            values
        };
        let first = dictionary(&["tcp", "udp"]);
        assert_eq!(read(&first), [17, 6, 17]);
        assert_eq!(read(&first), [17, 6, 17]);
        assert_eq!(read(&dictionary(&["icmp", "tcp"])), [6, 1, 6]);
    }

    #[test]
    fn flags_are_spelled_as_declared() {
        let flags = BooleanArray::from(vec![Some(true), Some(false), None]);
        for (declared, expected) in
            [(["True", "False"], [0, 1, 2]), (["0", "1"], [1, 0, 2]), (["yes", "no"], [2, 2, 2])]
        {
            let field = Field::Categorical(Some(declared.map(String::from).to_vec()));
            let (values, bad) = read(&flags, &Parser::new(&field, None, false), (Holds::Flag, false), false);
            assert_eq!((values, bad.len()), (expected.to_vec(), 0));
        }
        let (values, bad) =
            read(&flags, &Parser::Number { decimals: 0, max: 9 }, (Holds::Flag, false), false);
        assert_eq!((values, bad.len()), (vec![1, 0, 0], 1));
    }
}
