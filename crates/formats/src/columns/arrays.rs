//! A slice of a trace as typed arrays: the most specific type for each field.
//!
//! | field | type |
//! | --- | --- |
//! | address | text, or a number of 32 bits, as the schema writes it |
//! | address of any family | text |
//! | port, checksum | a number of 16 bits |
//! | protocol | text, or a number of 8 bits, as the schema writes it |
//! | category | a dictionary of the declared ones and `other` |
//! | time | a UTC timestamp in the unit that the schema writes |
//! | number with decimals | a number of double precision |
//! | any other number | the smallest unsigned integer type that holds the field |
//!
//! A special value is its text among texts, and null among numbers, except for those of double precision
//! (NaN, infinity).

use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::schema::{OTHER, undeclared};
use netdpsyn_trace::{Column, Directory, Field, Notation, TimeUnit, Trace, Values, protocols};
use polars_arrow::array::{Array, DictionaryArray, PrimitiveArray, Utf8Array};
use polars_arrow::bitmap::Bitmap;
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField, IntegerType, TimeUnit as ArrowUnit};
use polars_arrow::offset::OffsetsBuffer;
use rayon::prelude::*;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// The array type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AddressText,
    /// Of any family.
    AnyAddressText,
    ProtocolText {
        upper: bool,
    },
    Category,
    /// In this unit.
    Time(TimeUnit),
    Double {
        decimals: u32,
    },
    /// Integer, from a value that counts steps of 10^−`decimals`.
    Whole {
        decimals: u32,
        bits: u8,
    },
}

/// Builds the arrays of one column.
pub struct Typed {
    kind: Kind,
    /// The declaration of the array.
    pub field: ArrowField,
    /// The texts of categories and protocols; empty for others.
    words: Utf8Array<i64>,
    column: Column,
}

impl Typed {
    pub fn new(column: &Column) -> Typed {
        let notation = Notation::written(column);
        let kind = match (&column.field, notation) {
            (Field::Ip { .. }, Some(Notation::AddressNumber)) => Kind::Whole { decimals: 0, bits: 32 },
            (Field::Ip { .. }, _) => Kind::AddressText,
            (Field::Address {}, _) => Kind::AnyAddressText,
            (Field::Protocol, Some(Notation::ProtocolNumber)) => Kind::Whole { decimals: 0, bits: 8 },
            (Field::Protocol, notation) => {
                Kind::ProtocolText { upper: notation == Some(Notation::UpperName) }
            }
            (Field::Categorical(_), _) => Kind::Category,
            (Field::Timestamp { .. }, Some(Notation::Epoch { unit, decimal })) => {
                Kind::Time(finest_of(unit.shown(decimal)))
            }
            (Field::Timestamp { .. }, _) => Kind::Time(TimeUnit::Nanoseconds),
            (field, Some(Notation::Decimal)) if field.decimals() > 0 => {
                Kind::Double { decimals: field.decimals() }
            }
            (field, _) => {
                let decimals = field.decimals();
                let largest = field.storage_max() / 10u64.pow(decimals);
                let bits = [8, 16, 32].into_iter().find(|bits| largest >> bits == 0).unwrap_or(64);
                Kind::Whole { decimals, bits }
            }
        };
        let words = Utf8Array::<i64>::from_slice(words(column, kind));
        let nulls = matches!(kind, Kind::Whole { .. } | Kind::Double { .. }) && !column.special.is_empty();
        let field = ArrowField::new(column.name.as_str().into(), kind.dtype(words.len()), nulls);
        Typed { kind, field, words, column: column.clone() }
    }

    /// The array of a column's values. Repeated text becomes a dictionary if the file format writes it as
    /// one.
    pub fn array(
        &self,
        values: &Values,
        directory: Option<&Directory>,
        text_as_dictionary: bool,
    ) -> Box<dyn Array> {
        if !self.column.special.is_empty() {
            return self.with_special(values, directory);
        }
        self.plain(values, directory, text_as_dictionary)
    }

    /// The same for a column with special values.
    fn with_special(&self, values: &Values, directory: Option<&Directory>) -> Box<dyn Array> {
        match self.kind {
            Kind::AddressText | Kind::AnyAddressText => {
                let shown = |value| match (self.column.special_cell(value), directory) {
                    (Some(cell), _) => cell.to_string(),
                    (None, Some(directory)) => directory.address(value).to_string(),
                    (None, None) => Ipv4Addr::from(value as u32).to_string(),
                };
                Utf8Array::<i64>::from_iter_values(values.iter().map(shown)).boxed()
            }
            Kind::Double { decimals } => {
                let one = 10f64.powi(decimals as i32);
                let special = |cell: &str| cell.parse().ok().filter(|number: &f64| !number.is_finite());
                let shown = |value| self.column.special_cell(value).map_or(Some(value as f64 / one), special);
                PrimitiveArray::<f64>::from_iter(values.iter().map(shown)).boxed()
            }
            Kind::Whole { .. } => {
                let plain = values.iter().map(|value| self.column.special_cell(value).is_none());
                let validity = Bitmap::from_iter(plain);
                self.plain(values, directory, false).with_validity(Some(validity))
            }
            Kind::ProtocolText { .. } | Kind::Category | Kind::Time(_) => {
                self.plain(values, directory, false)
            }
        }
    }

    fn plain(
        &self,
        values: &Values,
        directory: Option<&Directory>,
        text_as_dictionary: bool,
    ) -> Box<dyn Array> {
        let texts = |addresses: &mut dyn Iterator<Item = u32>| match directory {
            Some(directory) => {
                let shown = addresses.map(|number| directory.address(number.into()).to_string());
                Utf8Array::<i64>::from_iter_values(shown)
            }
            None => addresses_as_text(addresses),
        };
        match self.kind {
            Kind::AddressText | Kind::AnyAddressText if text_as_dictionary => addresses(values, &texts),
            Kind::AddressText | Kind::AnyAddressText => {
                texts(&mut values.iter().map(|value| value as u32)).boxed()
            }
            Kind::ProtocolText { .. } if !text_as_dictionary => {
                let last = self.words.len().saturating_sub(1);
                let shown = values.iter().map(|value| self.words.value((value as usize).min(last)));
                Utf8Array::<i64>::from_iter_values(shown).boxed()
            }
            Kind::ProtocolText { .. } | Kind::Category => self.keys(values),
            Kind::Time(unit) => {
                let step = unit.nanoseconds();
                let mut times = Vec::with_capacity(values.len());
                values.for_each(|value| times.push(i64::try_from(value / step).unwrap_or(i64::MAX)));
                PrimitiveArray::from_vec(times).to(self.field.dtype.clone()).boxed()
            }
            Kind::Double { decimals } => {
                let one = 10f64.powi(decimals as i32);
                whole(values, |value| value as f64 / one)
            }
            // 256 is a protocol without a number, written as 255; all others fit.
            Kind::Whole { decimals: 0, bits: 8 } => whole(values, |value| value.min(255) as u8),
            Kind::Whole { decimals, bits } => {
                let one = 10u64.pow(decimals);
                match bits {
                    8 => whole(values, |value| (value / one) as u8),
                    16 => whole(values, |value| (value / one) as u16),
                    32 => whole(values, |value| (value / one) as u32),
                    _ => whole(values, |value| value / one),
                }
            }
        }
    }

    /// Indices of the texts; any value beyond has the last one.
    fn keys(&self, values: &Values) -> Box<dyn Array> {
        let last = self.words.len().saturating_sub(1) as u64;
        // Both are in bounds and of these types by construction.
        macro_rules! keys {
            ($type:ty) => {{
                let keys = PrimitiveArray::<$type>::from_vec(
                    values.iter().map(|value| value.min(last) as $type).collect(),
                );
                DictionaryArray::<$type>::try_new(dictionary_of::<$type>(), keys, self.words.clone().boxed())
                    .map(|array| array.boxed())
            }};
        }
        let array = match last {
            0..256 => keys!(u8),
            256..65_536 => keys!(u16),
            _ => keys!(u32),
        };
        array.unwrap_or_else(|_| unreachable!("keys within the texts"))
    }
}

/// Parquet has no unit of seconds.
fn finest_of(unit: TimeUnit) -> TimeUnit {
    if unit == TimeUnit::Seconds { TimeUnit::Milliseconds } else { unit }
}

/// The integer type of a dictionary's keys.
trait Key {
    const TYPE: IntegerType;
}
impl Key for u8 {
    const TYPE: IntegerType = IntegerType::UInt8;
}
impl Key for u16 {
    const TYPE: IntegerType = IntegerType::UInt16;
}
impl Key for u32 {
    const TYPE: IntegerType = IntegerType::UInt32;
}

fn dictionary_of<K: Key>() -> ArrowDataType {
    ArrowDataType::Dictionary(K::TYPE, Box::new(ArrowDataType::LargeUtf8), false)
}

impl Kind {
    fn dtype(self, words: usize) -> ArrowDataType {
        match self {
            Kind::AddressText | Kind::AnyAddressText | Kind::ProtocolText { .. } => ArrowDataType::LargeUtf8,
            Kind::Category => match words.saturating_sub(1) {
                0..256 => dictionary_of::<u8>(),
                256..65_536 => dictionary_of::<u16>(),
                _ => dictionary_of::<u32>(),
            },
            Kind::Time(unit) => ArrowDataType::Timestamp(
                match unit {
                    TimeUnit::Seconds | TimeUnit::Milliseconds => ArrowUnit::Millisecond,
                    TimeUnit::Microseconds => ArrowUnit::Microsecond,
                    TimeUnit::Nanoseconds => ArrowUnit::Nanosecond,
                },
                Some("UTC".into()),
            ),
            Kind::Double { .. } => ArrowDataType::Float64,
            Kind::Whole { bits, .. } => match bits {
                8 => ArrowDataType::UInt8,
                16 => ArrowDataType::UInt16,
                32 => ArrowDataType::UInt32,
                _ => ArrowDataType::UInt64,
            },
        }
    }
}

/// The texts of a column that has few.
fn words(column: &Column, kind: Kind) -> Vec<String> {
    match (&column.field, kind) {
        (Field::Categorical(values), _) => {
            let other = undeclared(values.as_deref().unwrap_or_default());
            values.iter().flatten().cloned().chain([other]).collect()
        }
        (_, Kind::ProtocolText { upper }) => {
            let shown = |number| match protocols::name(number) {
                Some(name) if upper => name.to_uppercase(),
                Some(name) => name.to_string(),
                None => number.to_string(),
            };
            (0..=u8::MAX).map(shown).chain(column.special.clone()).chain([OTHER.to_string()]).collect()
        }
        _ => Vec::new(),
    }
}

fn whole<T: polars_arrow::types::NativeType>(values: &Values, to: impl Fn(u64) -> T) -> Box<dyn Array> {
    let mut written = Vec::with_capacity(values.len());
    values.for_each(|value| written.push(to(value)));
    PrimitiveArray::from_vec(written).boxed()
}

/// Addresses as a dictionary of distinct texts with keys; as plain text where they hardly repeat.
fn addresses(
    values: &Values,
    texts: &dyn Fn(&mut dyn Iterator<Item = u32>) -> Utf8Array<i64>,
) -> Box<dyn Array> {
    let mut places: HashMap<u32, u32> = HashMap::new();
    let mut known: Vec<u32> = Vec::new();
    let mut keys: Vec<u32> = Vec::with_capacity(values.len());
    values.for_each(|value| {
        let address = value as u32;
        keys.push(*places.entry(address).or_insert_with(|| {
            known.push(address);
            known.len() as u32 - 1
        }));
    });
    if known.len() > values.len() / 4 * 3 {
        return texts(&mut values.iter().map(|value| value as u32)).boxed();
    }
    let texts = texts(&mut known.into_iter()).boxed();
    let keys = PrimitiveArray::from_vec(keys);
    let array = DictionaryArray::<u32>::try_new(dictionary_of::<u32>(), keys, texts);
    array.map_or_else(|_| unreachable!("keys within the texts"), |array| array.boxed())
}

fn addresses_as_text(addresses: impl Iterator<Item = u32>) -> Utf8Array<i64> {
    let octets: Vec<String> = (0..=u8::MAX).map(|octet| octet.to_string()).collect();
    let mut text = Vec::new();
    let mut ends: Vec<i64> = vec![0];
    for address in addresses {
        let [a, b, c, d] = address.to_be_bytes().map(|octet| octets[usize::from(octet)].as_str());
        text.extend_from_slice(a.as_bytes());
        for octet in [b, c, d] {
            text.push(b'.');
            text.extend_from_slice(octet.as_bytes());
        }
        ends.push(text.len() as i64);
    }
    let offsets = OffsetsBuffer::try_from(ends);
    let offsets = offsets.unwrap_or_else(|_| unreachable!("ends rise"));
    Utf8Array::new(ArrowDataType::LargeUtf8, offsets, text.into(), None)
}

/// The arrays of all columns of a slice.
pub fn arrays(
    columns: &[Typed],
    slice: &Trace,
    text_as_dictionary: bool,
    progress: &dyn Progress,
) -> Result<Vec<Box<dyn Array>>, Cancelled> {
    columns
        .par_iter()
        .zip(slice.columns())
        .enumerate()
        .map(|(index, (column, values))| {
            progress.check()?;
            Ok(column.array(values, slice.directory(index), text_as_dictionary))
        })
        .collect()
}
