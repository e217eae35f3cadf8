//! Whole numbers in JSON, which has a single number type: 100.0 is 100.

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Beyond this, floating-point numbers do not represent every whole number.
const EXACT: f64 = (1u64 << 53) as f64;

struct Whole<T>(PhantomData<T>);

impl<T: TryFrom<u64>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a whole number, not negative")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let whole = u64::try_from(number).ok().and_then(|number| T::try_from(number).ok());
        whole.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        let is_whole = (0.0..=EXACT).contains(&number) && number.fract() == 0.0;
        let whole = is_whole.then_some(number as u64).and_then(|number| T::try_from(number).ok());
        whole.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

/// Deserialises a whole number. It accepts any number, because inside a tagged enum serde has already parsed
/// it as an integer or a floating-point number.
///
/// # Errors
/// When the value is not a whole number ≥ 0 that fits `T`.
pub fn number<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Whole(PhantomData))
}

/// Deserialises a whole number or null.
///
/// # Errors
/// When the value is neither null nor a whole number ≥ 0 that fits `T`.
pub fn maybe<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Maybe<T>(PhantomData<T>);
    impl<'de, T: TryFrom<u64>> Visitor<'de> for Maybe<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a whole number, not negative, or null")
        }

        fn visit_none<E>(self) -> Result<Option<T>, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Option<T>, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
            number(deserializer).map(Some)
        }
    }
    deserializer.deserialize_option(Maybe(PhantomData))
}

#[cfg(test)]
mod tests {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Asked {
        #[serde(default, deserialize_with = "super::maybe")]
        rows: Option<u64>,
        #[serde(default, deserialize_with = "super::number")]
        rounds: u32,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Asked(Asked),
    }

    #[test]
    fn a_number_without_a_fraction_is_whole() {
        let read = |text: &str| serde_json::from_str::<Asked>(text);
        assert_eq!(read("{}").unwrap(), Asked { rows: None, rounds: 0 });
        assert_eq!(read(r#"{"rows": null, "rounds": 0.0}"#).unwrap(), Asked { rows: None, rounds: 0 });
        let full = read(r#"{"rows": 18446744073709551615, "rounds": 2e1}"#).unwrap();
        assert_eq!(full, Asked { rows: Some(u64::MAX), rounds: 20 });
        let tagged = serde_json::from_str::<Tagged>(r#"{"kind": "Asked", "rows": 3.0, "rounds": 0.0}"#);
        assert_eq!(tagged.unwrap(), Tagged::Asked(Asked { rows: Some(3), rounds: 0 }));
        for text in [r#"{"rows": 0.5}"#, r#"{"rows": -1}"#, r#"{"rows": 1e16}"#, r#"{"rounds": 4294967296}"#]
        {
            assert!(read(text).unwrap_err().to_string().contains("whole number"), "{text}");
        }
    }
}
