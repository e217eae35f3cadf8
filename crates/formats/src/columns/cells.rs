//! An array's values read into a field's value space. Whatever a value's type, it means what its text would mean as a cell of CSV; common types get
//! there without the text.

use super::Holds;
use crate::cell::{BadCell, Parser};
use netdpsyn_trace::protocols;
use polars_arrow::array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray,
    Utf8Array, Utf8ViewArray, View,
};
use polars_arrow::datatypes::{ArrowDataType, PhysicalType};
use polars_arrow::types::PrimitiveType;
use std::io::Write;

/// Does something with the numbers of an array, whichever of these types they are.
macro_rules! of_primitive {
    ($array:expr, $numbers:ident => $work:expr, $($name:ident $type:ty),*) => {
        match $array.dtype().to_physical_type() {
            $(PhysicalType::Primitive(PrimitiveType::$name) => {
                if let Some($numbers) = $array.as_any().downcast_ref::<PrimitiveArray<$type>>() {
                    $work
                }
            })*
            _ => {}
        }
    };
}

/// The same of a dictionary by its keys.
macro_rules! of_keys {
    ($array:expr, $dictionary:ident => $work:expr, $($type:ty),*) => {
        {$(if let Some($dictionary) = $array.as_any().downcast_ref::<DictionaryArray<$type>>() {
            $work
        })*}
    };
}

/// Bytes of a text at most, as of a record of CSV.
pub const LONGEST: usize = 1 << 20;

/// Bytes of an array's longest text.
pub fn longest(array: &dyn Array) -> usize {
    let mut longest = 0;
    macro_rules! of_offsets {
        ($($type:ty),*) => {$(
            if let Some(texts) = array.as_any().downcast_ref::<$type>() {
                longest = texts.offsets().lengths().max().unwrap_or(0);
            }
        )*};
    }
    of_offsets!(Utf8Array<i32>, Utf8Array<i64>, BinaryArray<i32>, BinaryArray<i64>);
    let of_views = |views: &[View]| views.iter().map(|view| view.length as usize).max().unwrap_or(0);
    if let Some(texts) = array.as_any().downcast_ref::<Utf8ViewArray>() {
        longest = of_views(texts.views());
    }
    if let Some(bytes) = array.as_any().downcast_ref::<BinaryViewArray>() {
        longest = of_views(bytes.views());
    }
    of_keys!(array, dictionary => longest = self::longest(dictionary.values().as_ref()), u8, u16, u32, u64, i8, i16, i32, i64);
    longest
}

/// A row of a batch that cannot be read.
pub struct Bad {
    pub row: usize,
    pub cell: BadCell,
}

/// How a column's values are taken.
#[derive(Clone, Copy)]
struct How<'a> {
    parser: &'a Parser,
    holds: Holds,
    address: bool,
    exact: bool,
    /// 10^decimals of a number that is read.
    scale: u64,
}

/// Reads an array; values of bad rows are 0.
pub fn read(
    array: &dyn Array,
    parser: &Parser,
    (holds, address): (Holds, bool),
    exact: bool,
) -> (Vec<u64>, Vec<Bad>) {
    let decimals = match parser {
        Parser::Number { decimals, .. } => *decimals,
        _ => 0,
    };
    let how =
        How { parser, holds, address: address && holds == Holds::Bytes, exact, scale: 10u64.pow(decimals) };
    let mut values = Vec::with_capacity(array.len());
    let mut bad = Vec::new();
    let mut put = |row, read: Result<u64, BadCell>| match read {
        Ok(value) => values.push(value),
        Err(cell) => {
            values.push(0);
            bad.push(Bad { row, cell });
        }
    };
    match array.dtype().to_physical_type() {
        PhysicalType::Primitive(primitive) => {
            numbers(array, primitive, how, &mut put);
        }
        PhysicalType::BinaryView | PhysicalType::Utf8View => views(array, how, &mut put),
        PhysicalType::Dictionary(_) => dictionary(array, how, &mut put),
        _ => (0..array.len()).for_each(|row| put(row, how.through_text(array, row))),
    }
    (values, bad)
}

impl How<'_> {
    fn through_text(&self, array: &dyn Array, row: usize) -> Result<u64, BadCell> {
        let mut cell = Vec::new();
        text(array, self.holds, self.address, row, &mut cell);
        if self.holds == Holds::Flag {
            cell = self.spelled(cell);
        }
        self.parser.read(if self.exact { &cell } else { cell.trim_ascii() })
    }

    /// True and false as the column's values have them, or as numbers.
    fn spelled(&self, flag: Vec<u8>) -> Vec<u8> {
        let spellings: [&[u8]; 4] = match &flag[..] {
            b"true" => [b"true", b"True", b"TRUE", b"1"],
            b"false" => [b"false", b"False", b"FALSE", b"0"],
            _ => return flag,
        };
        match self.parser {
            Parser::Category { known, .. } => {
                spellings.into_iter().find(|&word| known.contains_key(word)).map_or(flag, <[u8]>::to_vec)
            }
            _ => spellings[3].to_vec(),
        }
    }

    /// A whole number that is not negative, where it is within bounds.
    fn whole(&self, number: u64) -> Option<u64> {
        let read = match (self.parser, self.holds) {
            (Parser::Rfc3339, Holds::Time { unit, .. }) => number.checked_mul(unit.nanoseconds())?,
            (_, Holds::Time { .. } | Holds::Duration(_)) => return None,
            (Parser::AddressNumber, _) if number < 1 << 32 => number,
            (Parser::Protocol, _) if number < protocols::COUNT => number,
            (Parser::Number { max, .. }, _) => {
                number.checked_mul(self.scale).filter(|number| number <= max)?
            }
            (Parser::Epoch { unit, one_size }, _) => {
                let time = number.checked_mul(unit.nanoseconds())?;
                (!*one_size || unit.has_size_of(time)).then_some(time)?
            }
            _ => return None,
        };
        Some(read)
    }

    /// A number with a fraction, where rounding its shortest text cannot come out otherwise.
    fn fraction(&self, number: f64) -> Option<u64> {
        if number.fract() == 0.0 && number.is_sign_positive() && number < 9e15 {
            return self.whole(number as u64);
        }
        let Parser::Number { max, .. } = self.parser else { return None };
        // A whole number must be whole, which the text says better.
        let scaled = (self.scale > 1).then_some(number * self.scale as f64)?;
        let near_half = (scaled.fract() - 0.5).abs() < 1e-3;
        ((0.0..1e12).contains(&scaled) && !near_half).then(|| scaled.round() as u64).filter(|n| n <= max)
    }
}

/// Numbers of any type.
fn numbers(
    array: &dyn Array,
    primitive: PrimitiveType,
    how: How,
    put: &mut impl FnMut(usize, Result<u64, BadCell>),
) {
    macro_rules! each {
        ($type:ty, $quick:expr) => {{
            let quick: fn(&How, $type) -> Option<u64> = $quick;
            let Some(numbers) = array.as_any().downcast_ref::<PrimitiveArray<$type>>() else { return };
            let valid = numbers.validity();
            for (row, &number) in numbers.values().iter().enumerate() {
                let known = valid.is_none_or(|valid| valid.get_bit(row));
                let read = if known { quick(&how, number) } else { None };
                put(row, read.map_or_else(|| how.through_text(array, row), Ok));
            }
        }};
    }
    macro_rules! whole {
        ($type:ty) => {
            each!($type, |how, number| how.whole(u64::try_from(number).ok()?))
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
        PrimitiveType::Float32 => each!(f32, |how, number| {
            // The shortest text of an f32 is another number than its value, unless that is whole and not large.
            (number.fract() == 0.0 && number < 16_777_216.0).then(|| how.fraction(number.into()))?
        }),
        PrimitiveType::Float64 => each!(f64, |how, number| how.fraction(number)),
        _ => (0..array.len()).for_each(|row| put(row, how.through_text(array, row))),
    }
}

/// Remembered values of views: files that have few values have the same view for all that are equal.
const REMEMBERED: usize = 1 << 12;

/// Text and bytes as views.
fn views(array: &dyn Array, how: How, put: &mut impl FnMut(usize, Result<u64, BadCell>)) {
    // The bytes of either, which are the cell unless they are an address.
    macro_rules! each {
        ($views:expr) => {{
            let views = $views;
            let valid = views.validity();
            let mut remembered = vec![(u128::MAX, 0); REMEMBERED];
            for (row, view) in views.views().iter().enumerate() {
                if valid.is_some_and(|valid| !valid.get_bit(row)) {
                    put(row, how.through_text(array, row));
                    continue;
                }
                let key = key_of(view);
                let place = place_of(key);
                if remembered[place].0 == key {
                    put(row, Ok(remembered[place].1));
                    continue;
                }
                let bytes: &[u8] = views.value(row).as_ref();
                let read = match how.address && matches!(bytes.len(), 4 | 16) {
                    true => how.through_text(array, row),
                    false => how.parser.read(if how.exact { bytes } else { bytes.trim_ascii() }),
                };
                if let Ok(value) = read {
                    remembered[place] = (key, value);
                }
                put(row, read);
            }
        }};
    }
    if let Some(text) = array.as_any().downcast_ref::<Utf8ViewArray>() {
        each!(text);
    } else if let Some(bytes) = array.as_any().downcast_ref::<BinaryViewArray>() {
        each!(bytes);
    }
}

/// What a view is known by within its array.
fn key_of(view: &View) -> u128 {
    let parts = [view.length, view.prefix, view.buffer_idx, view.offset].map(u128::from);
    parts[0] << 96 | parts[1] << 64 | parts[2] << 32 | parts[3]
}

fn place_of(key: u128) -> usize {
    ((key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize
}

/// A dictionary: its values are read once, and the good ones copied.
fn dictionary(array: &dyn Array, how: How, put: &mut impl FnMut(usize, Result<u64, BadCell>)) {
    of_keys!(array, words => {
        let (values, bad) = read(words.values().as_ref(), how.parser, (how.holds, how.address), how.exact);
        let mut good = vec![true; values.len()];
        bad.iter().for_each(|bad| good[bad.row] = false);
        for row in 0..array.len() {
            let word = array.is_valid(row).then(|| words.key_value(row)).filter(|&word| good[word]);
            put(row, word.map_or_else(|| how.through_text(array, row), |word| Ok(values[word])));
        }
    }, i8, i16, i32, i64, u8, u16, u32, u64);
}

/// A value as the text that says it; nothing where there is none.
pub fn text(array: &dyn Array, holds: Holds, address: bool, row: usize, to: &mut Vec<u8>) {
    if array.is_null(row) || array.dtype() == &ArrowDataType::Null {
        return;
    }
    // Four letters are text, where they are text.
    let address = address && holds == Holds::Bytes;
    macro_rules! bytes {
        ($type:ty) => {
            if let Some(array) = array.as_any().downcast_ref::<$type>() {
                let bytes: &[u8] = array.value(row).as_ref();
                put_bytes(bytes, address, to);
                return;
            }
        };
    }
    match array.dtype().to_physical_type() {
        PhysicalType::Primitive(PrimitiveType::Int128) => {
            if let (Some(array), ArrowDataType::Decimal(_, scale)) =
                (array.as_any().downcast_ref::<PrimitiveArray<i128>>(), array.dtype())
            {
                put_decimal(array.value(row), *scale, to);
            }
        }
        PhysicalType::Primitive(_) => of_primitive!(
            array, numbers => put_number(&numbers.value(row).to_string(), holds, to),
            Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64,
            Float32 f32, Float64 f64
        ),
        PhysicalType::Boolean => {
            let flag = array.as_any().downcast_ref::<BooleanArray>().is_some_and(|flags| flags.value(row));
            to.extend_from_slice(if flag { b"true" } else { b"false" });
        }
        PhysicalType::Dictionary(_) => of_keys!(
            array, words => text(words.values().as_ref(), holds, address, words.key_value(row), to),
            i8, i16, i32, i64, u8, u16, u32, u64
        ),
        _ => {
            bytes!(Utf8ViewArray);
            bytes!(BinaryViewArray);
            bytes!(Utf8Array<i32>);
            bytes!(Utf8Array<i64>);
            bytes!(BinaryArray<i32>);
            bytes!(BinaryArray<i64>);
            bytes!(FixedSizeBinaryArray);
        }
    }
}

/// Bytes as they are, or as an address: sixteen of them are one of version 4 where they are written as such in version 6.
fn put_bytes(bytes: &[u8], address: bool, to: &mut Vec<u8>) {
    use std::net::{IpAddr, Ipv6Addr};
    let shown = match (address, <[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (true, Ok(four), _) => IpAddr::from(four),
        (true, _, Ok(sixteen)) => Ipv6Addr::from(sixteen).to_canonical(),
        _ => return to.extend_from_slice(bytes),
    };
    // Writing to memory cannot fail.
    let _ = write!(to, "{shown}");
}

/// A number, or what it counts.
fn put_number(number: &str, holds: Holds, to: &mut Vec<u8>) {
    let counted = |nanoseconds: u64| Some(number.parse::<i128>().ok()? * i128::from(nanoseconds));
    let shown = match holds {
        Holds::Time { unit, .. } => counted(unit.nanoseconds()).map(|time| {
            jiff::Timestamp::from_nanosecond(time).map_or(number.to_string(), |stamp| stamp.to_string())
        }),
        Holds::Duration(unit) => counted(unit.nanoseconds()).map(|length| {
            let mut text = Vec::new();
            put_decimal(length, 9, &mut text);
            String::from_utf8(text).unwrap_or_default()
        }),
        _ => None,
    };
    to.extend_from_slice(shown.as_deref().unwrap_or(number).as_bytes());
}

/// A number of which `scale` digits stand behind the point.
fn put_decimal(number: i128, scale: usize, to: &mut Vec<u8>) {
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if number < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let _ = write!(to, "{sign}{whole}{point}{fraction}");
}

#[cfg(test)]
mod tests {
    use super::super::holds::Unit;
    use super::*;
    use netdpsyn_trace::{Field, Notation, TimeUnit};
    use polars_arrow::datatypes::TimeUnit as ArrowUnit;
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
