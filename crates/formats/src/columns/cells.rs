//! Converts a value of an array to text: the CSV cell with the same meaning.

use super::Holds;
use polars_arrow::array::{
    Array, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray,
    Utf8Array, Utf8ViewArray, View,
};
use polars_arrow::datatypes::{ArrowDataType, PhysicalType};
use polars_arrow::types::PrimitiveType;
use std::io::Write;

/// Evaluates an expression on a primitive array, whichever of these types it has.
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

/// Evaluates an expression on a dictionary, by the type of its keys.
macro_rules! of_keys {
    ($array:expr, $dictionary:ident => $work:expr, $($type:ty),*) => {
        {$(if let Some($dictionary) = $array.as_any().downcast_ref::<DictionaryArray<$type>>() {
            $work
        })*}
    };
}

/// Largest number of bytes of a text, as of a CSV record.
pub const LONGEST: usize = 1 << 20;

/// Number of bytes of an array's longest text.
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

/// Writes a value as text; nothing for null.
pub fn text(array: &dyn Array, holds: Holds, address: bool, row: usize, to: &mut Vec<u8>) {
    if array.is_null(row) || array.dtype() == &ArrowDataType::Null {
        return;
    }
    // Four bytes of text are text, not an address.
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

/// Writes bytes as they are, or as an address: sixteen bytes of an IPv4-mapped address are written as IPv4.
fn put_bytes(bytes: &[u8], address: bool, to: &mut Vec<u8>) {
    use std::net::{IpAddr, Ipv6Addr};
    let shown = match (address, bytes.len()) {
        (true, 4) => <[u8; 4]>::try_from(bytes).ok().map(|four| IpAddr::from(four).to_string()),
        (true, 6) => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")),
        (true, 16) => {
            <[u8; 16]>::try_from(bytes).ok().map(|own| Ipv6Addr::from(own).to_canonical().to_string())
        }
        _ => None,
    };
    let Some(shown) = shown else { return to.extend_from_slice(bytes) };
    to.extend_from_slice(shown.as_bytes());
}

/// Writes a number, or the quantity that it counts.
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

/// Writes a number with `scale` digits after the point.
fn put_decimal(number: i128, scale: usize, to: &mut Vec<u8>) {
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if number < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let _ = write!(to, "{sign}{whole}{point}{fraction}");
}

pub(super) use of_keys;
