//! Words of which there are so many and no more, kinds and states: each is written once, as it stands in the database, in JSON and in the API's document.
//!
//! The database checks the same lists (`CHECK` in `migrations/`), and a test compares them. A value beyond them is an error when it is read.

use thiserror::Error;

/// A word that is none of those that there are.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{word:?} is not one of {known}")]
pub struct Unknown {
    word: String,
    known: String,
}

impl Unknown {
    /// This word, where only these are known.
    pub fn among(word: &str, known: &[&str]) -> Self {
        Unknown { word: word.into(), known: known.join(", ") }
    }
}

/// An enum whose values are words.
macro_rules! words {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$said:meta])* $value:ident = $word:tt,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$said])* #[serde(rename = $word)] $value,)+
        }

        impl $name {
            /// All that there are, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];
            /// The same as they are written.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// As it is written.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::storage::words::Unknown;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$value),)+
                    word => Err($crate::storage::words::Unknown::among(word, Self::NAMES)),
                }
            }
        }
    };
}
pub(crate) use words;

/// Lets words stand in columns of text, in both databases.
macro_rules! stored {
    ($name:ty) => {
        impl<D: sqlx::Database> sqlx::Type<D> for $name
        where
            str: sqlx::Type<D>,
        {
            fn type_info() -> D::TypeInfo {
                <str as sqlx::Type<D>>::type_info()
            }

            fn compatible(other: &D::TypeInfo) -> bool {
                <str as sqlx::Type<D>>::compatible(other)
            }
        }

        impl<'q, D: sqlx::Database> sqlx::Encode<'q, D> for $name
        where
            &'static str: sqlx::Encode<'q, D>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut D::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                sqlx::Encode::<D>::encode(self.name(), buffer)
            }
        }

        impl<'r, D: sqlx::Database> sqlx::Decode<'r, D> for $name
        where
            &'r str: sqlx::Decode<'r, D>,
        {
            fn decode(value: D::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<&str as sqlx::Decode<D>>::decode(value)?.parse()?)
            }
        }
    };
}
pub(crate) use stored;

#[cfg(test)]
mod tests {
    use super::Unknown;

    words! {
        /// Fruit.
        pub enum Fruit {
            /// Red.
            Apple = "apple",
            /// Yellow.
            SourLemon = "sour lemon",
        }
    }

    #[test]
    fn a_word_is_written_and_read_the_same_everywhere() {
        assert_eq!(Fruit::NAMES, ["apple", "sour lemon"]);
        for fruit in Fruit::ALL {
            assert_eq!(fruit.name().parse(), Ok(*fruit));
            assert_eq!(fruit.to_string(), fruit.name());
            let json = serde_json::json!(fruit);
            assert_eq!(json, fruit.name());
            assert_eq!(serde_json::from_value::<Fruit>(json).unwrap(), *fruit);
        }
        assert_eq!(format!("{:<8}|", Fruit::Apple), "apple   |");
        let refused: Result<Fruit, Unknown> = "pear".parse();
        assert_eq!(refused.unwrap_err().to_string(), "\"pear\" is not one of apple, sour lemon");
        assert!(serde_json::from_str::<Fruit>("\"pear\"").is_err());
    }
}
