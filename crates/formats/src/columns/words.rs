//! Reads dictionary-encoded text of Parquet as indices of its dictionary: each word is read once, and an
//! index takes a quarter of the bytes of a text's view.

use polars_arrow::array::{Array, DictionaryArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::compute::concatenate::concatenate_unchecked;
use polars_arrow::datatypes::{ArrowDataType, DTYPE_CATEGORICAL_NEW, Field, IntegerType};
use polars_arrow::legacy::error::PolarsResult;
use std::collections::BTreeMap;

/// The field of a text column decoded to indices of a dictionary.
pub fn of(text: &Field) -> Field {
    let dtype = ArrowDataType::Dictionary(IntegerType::UInt32, Box::new(ArrowDataType::Utf8View), false);
    // The library reads a dictionary as such where the field declares one.
    let says = BTreeMap::from([(DTYPE_CATEGORICAL_NEW.into(), "".into())]);
    Field::new(text.name.clone(), dtype, true).with_metadata(says)
}

/// Concatenates parts of a column of one row group, which has at most one dictionary.
pub fn joined(parts: &[Box<dyn Array>]) -> PolarsResult<Box<dyn Array>> {
    let dictionaries: Vec<Option<DictionaryArray<u32>>> =
        parts.iter().map(|part| part.as_ref().as_any().downcast_ref().cloned()).collect();
    match dictionaries.iter().flatten().next() {
        None => concatenate_unchecked(parts),
        Some(first) if dictionaries.iter().all(Option::is_some) => {
            let keys = dictionaries.iter().flatten().map(|part| part.keys().clone().boxed());
            let keys = concatenate_unchecked(&keys.collect::<Vec<_>>())?;
            match keys.as_any().downcast_ref::<PrimitiveArray<u32>>() {
                Some(keys) => {
                    let words = first.values().clone();
                    Ok(DictionaryArray::try_new(first.dtype().clone(), keys.clone(), words)?.boxed())
                }
                None => Ok(keys),
            }
        }
        // After the dictionary was full, plain text follows.
        Some(_) => {
            let spelled: PolarsResult<Vec<Box<dyn Array>>> = parts
                .iter()
                .zip(&dictionaries)
                .map(|(part, words)| words.as_ref().map_or(Ok(part.clone()), spelled))
                .collect();
            concatenate_unchecked(&spelled?)
        }
    }
}

/// The indices as text.
fn spelled(places: &DictionaryArray<u32>) -> PolarsResult<Box<dyn Array>> {
    let texts: Vec<Option<&str>> = places.iter_typed::<Utf8ViewArray>()?.collect();
    Ok(Utf8ViewArray::from_slice(texts).boxed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_word(places: &[Option<u32>], words: &[&str]) -> Box<dyn Array> {
        let dtype = of(&Field::new("text".into(), ArrowDataType::Utf8View, true)).dtype;
        let words = Utf8ViewArray::from_slice_values(words).boxed();
        DictionaryArray::try_new(dtype, PrimitiveArray::from(places.to_vec()), words).unwrap().boxed()
    }

    fn texts(array: &dyn Array) -> Vec<Option<String>> {
        let array = match array.as_any().downcast_ref::<DictionaryArray<u32>>() {
            Some(places) => spelled(places).unwrap(),
            None => array.to_boxed(),
        };
        let texts = array.as_any().downcast_ref::<Utf8ViewArray>().unwrap();
        texts.iter().map(|text| text.map(String::from)).collect()
    }

    #[test]
    fn parts_follow_one_another_whatever_they_are() {
        let words = ["tcp", "udp", "a word that is longer than a view"];
        let first = by_word(&[Some(0), None, Some(2)], &words);
        let second = by_word(&[Some(1), Some(2)], &words);
        let plain = Utf8ViewArray::from_slice([Some("icmp"), None]).boxed();
        let both = joined(&[first.clone(), second.clone()]).unwrap();
        assert!(both.as_any().is::<DictionaryArray<u32>>());
        let all = joined(&[first, second, plain]).unwrap();
        let long = Some(words[2].to_string());
        let expected = [Some("tcp".into()), None, long.clone(), Some("udp".into()), long];
        assert_eq!(texts(both.as_ref()), expected);
        assert_eq!(texts(all.as_ref())[..5], expected);
        assert_eq!(texts(all.as_ref())[5..], [Some("icmp".into()), None]);
    }
}
