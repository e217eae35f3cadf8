//! How the text of a trace is laid out and its cells are written, where the default does not apply: declared
//! by the steward, never guessed.
//!
//! By default a file is comma-separated text in UTF-8 with a header line. Every rule that skips a line
//! depends on that line alone, except for [`Reading::skip`] and [`Reading::end`]: what these skip depends on
//! other lines, so they apply only where they are declared.

mod numbers;
mod times;

pub use numbers::{Decimal, Grouping, Negative, Numbers};
pub use times::Times;

use super::capture::Capture;
use super::line::Line;
use super::{RecordKind, SchemaError, TimeUnit};
use serde::{Deserialize, Serialize};

/// Declarations about the text of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Reading {
    /// The separator between two cells. When absent: the one between the column names in the header (comma,
    /// semicolon, tab or bar).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<Separator>,
    /// Names of the columns, in order, for a file without a header line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The pattern of a line without a single separator between cells: names in braces and the text between
    /// them, as `{ts:2} {src}:{sport} -> {dst}`. A cell has one word, or as many as the number after its
    /// name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "{ts:2} {src}:{sport} -> {dst}:{dport}"))]
    pub line: Option<Line>,
    /// The first word of the line that names the columns, as `#fields`. Lines before it are skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Declares that every line is a JSON object, and how dots in names are interpreted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<Objects>,
    /// Skips records with any other value in these columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Only>,
    /// Number of lines to skip before the header, or before the first record where there is no header.
    #[serde(skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub skip: u64,
    /// Skips lines that begin with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Skips a line that begins with this, and everything after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Whether cells may be quoted. When absent: yes, unless spaces separate cells. A quoted cell ends on the
    /// line on which it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotes: Option<bool>,
    /// Character encoding.
    #[serde(skip_serializing_if = "is_default")]
    pub encoding: Encoding,
    /// Number format.
    #[serde(skip_serializing_if = "is_default")]
    pub numbers: Numbers,
    /// Time format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// The column of end times, where another column holds durations. It is not read; it is written as the
    /// start plus the duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<Ended>,
    /// How records are derived from a packet capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
}

/// A column of end times, where another column holds durations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Name of the column.
    pub column: String,
    /// Unit of the durations. When absent: seconds.
    #[serde(default = "seconds", skip_serializing_if = "is_seconds")]
    pub unit: TimeUnit,
}

fn seconds() -> TimeUnit {
    TimeUnit::Seconds
}

fn is_seconds(unit: &TimeUnit) -> bool {
    *unit == TimeUnit::Seconds
}

impl std::str::FromStr for Ended {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = |word: &str| serde_json::from_value(word.into()).ok();
        let told = text.rsplit_once(':').and_then(|(column, word)| Some((column, unit(word)?)));
        let (column, unit) = told.unwrap_or((text, TimeUnit::Seconds));
        Ok(Ended { column: column.into(), unit })
    }
}

/// JSON objects, one per line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Objects {
    /// A dot is part of a name.
    Flat,
    /// A dot leads into an object: `flow.start` is the member `start` of the member `flow`.
    Nested,
}

/// A column of which only some values are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Name of the column in the file; it need not be a column of the schema.
    pub column: String,
    /// The values of records that are read. Synthetic records have the first one.
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub values: Vec<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The separator between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    /// ,
    Comma,
    /// ;
    Semicolon,
    /// A tab.
    Tab,
    /// |
    Bar,
    /// Spaces and tabs, any number of them.
    Space,
}

impl Separator {
    /// Separators of one character, the most common first.
    pub const SINGLE: [Separator; 4] =
        [Separator::Comma, Separator::Semicolon, Separator::Tab, Separator::Bar];

    /// The character, or one of the characters.
    pub fn byte(self) -> u8 {
        match self {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
            Separator::Tab => b'\t',
            Separator::Bar => b'|',
            Separator::Space => b' ',
        }
    }
}

/// Character encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TextEncoding))]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8")]
    #[cfg_attr(feature = "cli", value(name = "utf-8"))]
    Utf8,
    /// Windows code page 1252, which contains the printable characters of Latin-1.
    #[serde(rename = "windows-1252", alias = "latin-1")]
    #[cfg_attr(feature = "cli", value(name = "windows-1252", alias = "latin-1"))]
    Windows1252,
}

impl Reading {
    /// Whether nothing is declared.
    pub fn is_plain(&self) -> bool {
        *self == Reading::default()
    }

    /// Fills in from `other` what is not declared here.
    pub fn over(self, other: Reading) -> Reading {
        fn first<T: Default + PartialEq>(one: T, other: T) -> T {
            if is_default(&one) { other } else { one }
        }
        Reading {
            separator: first(self.separator, other.separator),
            columns: first(self.columns, other.columns),
            line: first(self.line, other.line),
            header: first(self.header, other.header),
            objects: first(self.objects, other.objects),
            only: first(self.only, other.only),
            skip: first(self.skip, other.skip),
            comment: first(self.comment, other.comment),
            end: first(self.end, other.end),
            quotes: first(self.quotes, other.quotes),
            encoding: first(self.encoding, other.encoding),
            numbers: Numbers {
                decimal: first(self.numbers.decimal, other.numbers.decimal),
                grouping: first(self.numbers.grouping, other.numbers.grouping),
                scales: first(self.numbers.scales, other.numbers.scales),
                hexadecimal: first(self.numbers.hexadecimal, other.numbers.hexadecimal),
                clock: first(self.numbers.clock, other.numbers.clock),
                negative: first(self.numbers.negative, other.numbers.negative),
            },
            times: first(self.times, other.times),
            ends: first(self.ends, other.ends),
            capture: match (self.capture, other.capture) {
                (Some(own), Some(other)) => Some(own.over(other)),
                (own, other) => own.or(other),
            },
        }
    }

    /// The declarations that apply to a written file: the format of times, and the column of end times.
    pub fn of_written(&self) -> Reading {
        Reading { times: self.times.clone(), ends: self.ends.clone(), ..Reading::default() }
    }

    /// Names of the columns where the file does not name them.
    pub fn names(&self) -> Vec<String> {
        match &self.line {
            Some(line) => line.names().map(String::from).collect(),
            None => self.columns.clone(),
        }
    }

    /// Checks the declarations, for any kind of schema.
    ///
    /// # Errors
    /// [`SchemaError`] with the first declaration that is contradictory or out of range.
    pub fn check(&self) -> Result<(), SchemaError> {
        self.check_under(None)
    }

    /// Checks the declarations under a schema of this kind.
    pub(super) fn check_under(&self, kind: Option<RecordKind>) -> Result<(), SchemaError> {
        if let Some(capture) = &self.capture {
            capture.check(kind)?;
        }
        let wrong = |reason: &str| Err(SchemaError::Shape(format!("reading: {reason}")));
        if self.skip > 1_000 {
            return wrong("skip is at most 1000 lines");
        }
        if self.separator == Some(Separator::Space) && self.quotes == Some(true) {
            return wrong("cells that spaces separate have no quotes");
        }
        if self.line.is_some()
            && (!self.columns.is_empty() || self.header.is_some() || self.separator.is_some())
        {
            return wrong(
                "line names the columns and what stands between them: leave columns, header and separator out",
            );
        }
        if self.header.is_some() && !self.columns.is_empty() {
            return wrong("columns are named by a header or by the schema, not by both");
        }
        if self.only.iter().any(|only| only.values.is_empty()) {
            return wrong("only has a value at least of each of its columns");
        }
        if [&self.comment, &self.end, &self.header].into_iter().flatten().any(|text| text.is_empty()) {
            return wrong("comment, end and header say what a line begins with: they are not empty");
        }
        if self.numbers.decimal == Decimal::Comma && self.numbers.grouping == Some(Grouping::Comma)
            || self.numbers.decimal == Decimal::Point && self.numbers.grouping == Some(Grouping::Point)
        {
            return wrong("one mark cannot stand both before fractions and between thousands");
        }
        match self.times.as_ref().and_then(Times::fault) {
            Some(fault) => wrong(&format!("times: {fault}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_time_format_is_refused_at_once() {
        let fault = |reading: Reading| reading.check().err().map(|error| error.to_string());
        let timed = |format: &str, zone: Option<&str>| Reading {
            times: Some(Times { format: String::from(format), zone: zone.map(String::from) }),
            ..Reading::default()
        };
        for (format, zone) in [("%d/%m/%Y %H:%M", None), ("%Y-%m-%d", Some("-07:00"))] {
            assert_eq!(fault(timed(format, zone)), None, "{format}");
        }
        for (format, zone, said) in [
            ("%H:%M", None, "no format"),
            ("%Q!", None, "no format"),
            ("%d/%m/%Y %I:%M:%S", None, "no format"),
            ("", None, "no format"),
            ("%Y-%m-%d", Some("Berlin"), "no zone"),
            ("%Y-%m-%d", Some("Europe/Nowhere"), "no zone"),
            ("%Y-%m-%d", Some("+1:00"), "no zone"),
        ] {
            let found = fault(timed(format, zone)).unwrap_or_default();
            assert!(found.contains(said), "{format}: {found}");
        }
        let numbers = Numbers { grouping: Some(Grouping::Point), ..Numbers::default() };
        assert!(fault(Reading { numbers, ..Reading::default() }).unwrap().contains("one mark"));
        assert!(fault(Reading { comment: Some(String::new()), ..Reading::default() }).is_some());
    }
}
