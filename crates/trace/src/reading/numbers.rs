//! How numbers are written.

use super::is_default;
use serde::{Deserialize, Serialize};

/// Number format. Synthetic numbers are written without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NumberNotation))]
#[serde(deny_unknown_fields, default)]
pub struct Numbers {
    /// The decimal separator: a point or a comma.
    #[serde(skip_serializing_if = "is_default")]
    pub decimal: Decimal,
    /// The thousands separator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
    /// Whether a number may have a factor after it: `1.2 M` for 1,200,000; k, M, G and T, with or without a
    /// space before it.
    #[serde(skip_serializing_if = "is_default")]
    pub scales: bool,
    /// Whether a number that begins with 0x is hexadecimal.
    #[serde(skip_serializing_if = "is_default")]
    pub hexadecimal: bool,
    /// Whether a duration may be written as hours, minutes and seconds: `00:01:02.5` for 62.5.
    #[serde(skip_serializing_if = "is_default")]
    pub clock: bool,
    /// How a number below 0 is read.
    #[serde(skip_serializing_if = "is_default")]
    pub negative: Negative,
}

/// The decimal separator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = DecimalMark))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Decimal {
    /// 0.5
    #[default]
    Point,
    /// 0,5
    Comma,
}

/// The thousands separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Grouping {
    /// 1.200.000
    Point,
    /// 1,200,000
    Comma,
    /// 1 200 000
    Space,
    /// 1'200'000
    Apostrophe,
}

impl Grouping {
    /// The character.
    pub fn byte(self) -> u8 {
        match self {
            Grouping::Point => b'.',
            Grouping::Comma => b',',
            Grouping::Space => b' ',
            Grouping::Apostrophe => b'\'',
        }
    }
}

/// How a number below 0 is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NegativeNumbers))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Negative {
    /// The record is refused.
    #[default]
    Refused,
    /// As 0, for durations across a clock that was set back.
    Zero,
}
