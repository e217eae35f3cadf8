//! A condition as users state it: categories of one column, by name, with the share of records of each.
//!
//! As JSON `{"type": "ddos"}` or `{"type": {"normal": 0.5, "ddos": 0.5}}`, on a command line `type=ddos` or
//! `type=normal:.5,ddos:.5`. On a model it becomes a [`super::condition::Condition`].

use netdpsyn_trace::{Field, Schema, protocols};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Largest number of names that an error message lists.
const LISTED: usize = 20;
/// Largest number of characters of the input that an error message repeats.
const REPEATED: usize = 80;
/// Shares that sum to 1 within this are not normalised: a condition that was written once stays the same when
/// it is read again.
const EXACT: f64 = 1e-12;

/// The requested shares of the categories of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    column: String,
    /// By name of a category; they sum to 1.
    shares: Vec<(String, f64)>,
}

/// Why no trace can be generated under a condition.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConditionError {
    /// The column cannot have a condition.
    #[error(
        "a condition needs a measured categorical column, and {named:?} is not one of this trace; it may name {may}"
    )]
    Column {
        /// The requested column.
        named: String,
        /// The possible columns.
        may: String,
    },
    /// The column has no such category.
    #[error("column {column} has no category {named:?}; a condition may say {may}")]
    Category {
        /// The column.
        column: String,
        /// The requested category.
        named: String,
        /// The possible categories.
        may: String,
    },
    /// The model is of packets as sessions, which are generated whole: records of one category alone would
    /// not be sessions.
    #[error(
        "the model generates packets as whole sessions, so it cannot meet a condition on {column}; fit the trace with structure none for that"
    )]
    Sessions {
        /// The column.
        column: String,
    },
    /// The model holds hardly any records of a category.
    #[error(
        "the model has hardly any records with {column} = {named}: they are lost in the noise; a condition on it may say {may}"
    )]
    Lost {
        /// The column.
        column: String,
        /// The category.
        named: String,
        /// The possible categories.
        may: String,
    },
}

impl Asked {
    /// The shares of a column's categories, normalised to a sum of 1.
    ///
    /// # Errors
    /// A message when there are no shares, or when they are not numbers above 0.
    pub fn new(column: String, mut shares: Vec<(String, f64)>) -> Result<Asked, &'static str> {
        if !shares.iter().all(|(_, share)| share.is_finite() && *share >= 0.0) {
            return Err("shares are numbers, not negative");
        }
        let largest = shares.iter().map(|(_, share)| *share).fold(0.0, f64::max);
        if largest == 0.0 {
            return Err("at least one share is more than 0");
        }
        if shares.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len() < shares.len() {
            return Err("a category stands there twice");
        }
        let sum: f64 = shares.iter().map(|(_, share)| share).sum();
        if (sum - 1.0).abs() > EXACT {
            // Divided by the largest first: the sum may overflow.
            let sum: f64 = shares.iter().map(|(_, share)| share / largest).sum();
            shares.iter_mut().for_each(|(_, share)| *share = *share / largest / sum);
        }
        Ok(Asked { column, shares })
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The index of the column in a schema and the requested values, each with its share. Shares are above 0
    /// and sum to 1.
    ///
    /// # Errors
    /// [`ConditionError`] when the schema has no such column or category.
    pub fn values(&self, schema: &Schema) -> Result<(usize, Vec<(u64, f64)>), ConditionError> {
        let may = |column: &netdpsyn_trace::Column| column.field.is_categorical() && column.is_measured();
        let position = schema.position(&self.column).filter(|&column| may(&schema.columns[column]));
        let Some(position) = position else {
            let all = schema.columns.iter().filter(|column| may(column)).map(|column| column.name.clone());
            return Err(ConditionError::Column { named: cut(&self.column), may: listed(all) });
        };
        let field = &schema.columns[position].field;
        let declared: BTreeMap<&str, u64> = match field {
            Field::Categorical(Some(declared)) => declared.iter().map(String::as_str).zip(0..).collect(),
            _ => BTreeMap::new(),
        };
        let value_of = |name: &str| match field {
            Field::Protocol => protocol(name),
            _ => declared.get(name).copied(),
        };
        let mut values: BTreeMap<u64, f64> = BTreeMap::new();
        for (name, share) in &self.shares {
            let value = value_of(name).ok_or_else(|| ConditionError::Category {
                column: self.column.clone(),
                named: cut(name),
                may: listed(names(field)),
            })?;
            // A protocol may be given both by its name and by its number.
            *values.entry(value).or_default() += share;
        }
        Ok((position, values.into_iter().filter(|(_, share)| *share > 0.0).collect()))
    }
}

/// The number of a protocol, given by name or number.
fn protocol(name: &str) -> Option<u64> {
    let number = name.parse().ok().filter(|&number| number < protocols::COUNT);
    protocols::number(name).map(u64::from).or(number)
}

/// The name of a category.
pub(super) fn name_of(field: &Field, value: u64) -> String {
    match field {
        Field::Categorical(Some(declared)) => declared.get(value as usize).cloned().unwrap_or_default(),
        _ => {
            u8::try_from(value).ok().and_then(protocols::name).map_or_else(|| value.to_string(), String::from)
        }
    }
}

/// The categories of a column that a condition may name.
fn names(field: &Field) -> Box<dyn Iterator<Item = String> + '_> {
    match field {
        Field::Categorical(Some(declared)) => Box::new(declared.iter().cloned()),
        Field::Protocol => Box::new(["a protocol by its name or its number".to_string()].into_iter()),
        _ => Box::new(std::iter::empty()),
    }
}

/// Names as a list, shortened where there are many.
pub(super) fn listed(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    match (names.is_empty(), more) {
        (true, _) => "nothing".into(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(REPEATED).collect()
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shares[..] {
            [(name, _)] => write!(f, "{} = {name}", self.column),
            shares => {
                let said =
                    |(name, share): &(String, f64)| format!("{name} {} %", (share * 1e4).round() / 1e2);
                write!(f, "{}: {}", self.column, shares.iter().map(said).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Asked, String> {
        const FORM: &str = "write COLUMN=CATEGORY or COLUMN=CATEGORY:SHARE,CATEGORY:SHARE,…";
        let (column, said) = text.split_once('=').ok_or(FORM)?;
        let share = |item: &str| {
            let (name, share) = item.rsplit_once(':')?;
            Some((name.trim().to_string(), share.trim().parse::<f64>().ok()?))
        };
        let shares: Option<Vec<(String, f64)>> = said.split(',').map(share).collect();
        let alone = || (!said.contains(',')).then(|| vec![(said.trim().to_string(), 1.0)]);
        let shares = shares.or_else(alone).ok_or(FORM)?;
        if column.trim().is_empty() || shares.iter().any(|(name, _)| name.is_empty()) {
            return Err(FORM.into());
        }
        Ok(Asked::new(column.trim().into(), shares)?)
    }
}

impl Serialize for Asked {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut column = to.serialize_map(Some(1))?;
        column.serialize_entry(&self.column, &Shares(self.shares.clone()))?;
        column.end()
    }
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneColumn;
        impl<'de> Visitor<'de> for OneColumn {
            type Value = Asked;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut columns: A) -> Result<Asked, A::Error> {
                let one = || A::Error::custom("a condition names one column");
                let (column, Shares(shares)) = columns.next_entry::<String, Shares>()?.ok_or_else(one)?;
                if columns.next_key::<String>()?.is_some() {
                    return Err(one());
                }
                Asked::new(column, shares).map_err(A::Error::custom)
            }
        }
        from.deserialize_map(OneColumn)
    }
}

/// Shares by category, in the given order; a single category has a share of 1.
struct Shares(Vec<(String, f64)>);

impl Serialize for Shares {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, share)| (name, share)))
    }
}

impl<'de> Deserialize<'de> for Shares {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrShares;
        impl<'de> Visitor<'de> for OneOrShares {
            type Value = Shares;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a category, or shares by category")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Shares, E> {
                Ok(Shares(vec![(name.into(), 1.0)]))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut shares: A) -> Result<Shares, A::Error> {
                let mut all = Vec::new();
                while let Some(share) = shares.next_entry()? {
                    all.push(share);
                }
                Ok(Shares(all))
            }
        }
        from.deserialize_any(OneOrShares)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Asked {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{Object, OneOf, Schema, Type};
        let string = Object::builder().schema_type(Type::String).description(Some("The only category."));
        let share = Object::builder().schema_type(Type::Number).minimum(Some(0.0));
        let shares = Object::builder()
            .schema_type(Type::Object)
            .description(Some("Shares by category, not negative, not all 0; they are brought to a sum of 1."))
            .min_properties(Some(1))
            .additional_properties(Some(Schema::Object(share.build())));
        let either = OneOf::builder().item(string).item(shares).build();
        Object::builder()
            .schema_type(Type::Object)
            .description(Some("Which categories records have: one categorical column that is measured, and a category of it or shares of some."))
            .min_properties(Some(1))
            .max_properties(Some(1))
            .additional_properties(Some(Schema::OneOf(either)))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Asked {
    fn name() -> std::borrow::Cow<'static, str> {
        "Condition".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use proptest::prelude::*;

    fn flows() -> Schema {
        let mut schema = presets::preset("flow").unwrap();
        schema.declare_categories("type", vec!["normal".into(), "ddos".into()]).unwrap();
        schema
    }

    fn read(json: &str) -> Asked {
        serde_json::from_str(json).unwrap()
    }

    proptest! {
        #[test]
        fn conditions_survive_their_text_form(shares in prop::collection::vec(0.0f64..9.0, 1..6)) {
            prop_assume!(shares.iter().any(|share| *share > 0.0));
            let shares = shares.into_iter().enumerate().map(|(i, share)| (format!("c{i}"), share)).collect();
            let asked = Asked::new("type".into(), shares).unwrap();
            prop_assert!((asked.shares.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < EXACT);
            prop_assert_eq!(read(&serde_json::to_string(&asked).unwrap()), asked);
        }
    }

    #[test]
    fn one_category_or_shares_in_either_notation() {
        let both = |json: &str, text: &str, said: &str| {
            let asked = read(json);
            assert_eq!(asked, text.parse().unwrap());
            assert_eq!(asked.to_string(), said);
            asked.values(&flows()).unwrap().1
        };
        assert_eq!(both(r#"{"type": "ddos"}"#, "type=ddos", "type = ddos"), [(1, 1.0)]);
        let some = r#"{"type": {"normal": 1, "ddos": 3}}"#;
        assert_eq!(
            both(some, "type=normal:1, ddos:3", "type: normal 25 %, ddos 75 %"),
            [(0, 0.25), (1, 0.75)]
        );
        assert_eq!(
            both(
                r#"{"type": {"normal": 0, "ddos": 3}}"#,
                "type=normal:0,ddos:.5",
                "type: normal 0 %, ddos 100 %"
            ),
            [(1, 1.0)]
        );
        let named = read(r#"{"proto": {"TCP": 1, "6": 1, "99": 2}}"#).values(&flows()).unwrap();
        assert_eq!(named.1, [(6, 0.5), (99, 0.5)]);
        let large = read(r#"{"type": {"normal": 1e308, "ddos": 1e308}}"#);
        assert_eq!(large.values(&flows()).unwrap().1, [(0, 0.5), (1, 0.5)]);
    }

    #[test]
    fn impossible_conditions_are_explained() {
        for json in [
            "{}",
            "[]",
            r#""ddos""#,
            r#"{"type": "ddos", "proto": "tcp"}"#,
            r#"{"type": {}}"#,
            r#"{"type": 1}"#,
            r#"{"type": ["ddos"]}"#,
            r#"{"type": {"ddos": -1}}"#,
            r#"{"type": {"ddos": 0}}"#,
            r#"{"type": {"ddos": "half"}}"#,
            r#"{"type": {"ddos": 1, "ddos": 2}}"#,
        ] {
            assert!(serde_json::from_str::<Asked>(json).is_err(), "{json}");
        }
        for text in ["type", "=ddos", "type=", "type=normal,ddos", "type=ddos:-1", "type=:1", "type=ddos:nan"]
        {
            assert!(text.parse::<Asked>().is_err(), "{text}");
        }
        let refused = |text: &str| text.parse::<Asked>().unwrap().values(&flows()).unwrap_err().to_string();
        assert!(
            refused("colour=red").ends_with("it may name proto, label, type"),
            "{}",
            refused("colour=red")
        );
        assert!(refused("srcport=80").contains("\"srcport\" is not one of this trace"));
        assert_eq!(
            refused("type=other"),
            "column type has no category \"other\"; a condition may say normal, ddos"
        );
        assert_eq!(
            refused("type=normal:1,flood:0"),
            "column type has no category \"flood\"; a condition may say normal, ddos"
        );
        assert!(refused("proto=256").ends_with("a protocol by its name or its number"));
        assert!(refused(&format!("type={}", "x".repeat(999))).len() < 200);
    }
}
