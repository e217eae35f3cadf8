//! How the text of a trace is laid out and its cells are written, where the default does not apply: declared
//! by the steward, never guessed.
//!
//! By default a file is comma-separated text in UTF-8 with a header line. Every rule that skips a line
//! depends on that line alone, except for [`Reading::skip`] and [`Reading::end`]: what these skip depends on
//! other lines, so they apply only where they are declared.

use super::capture::Capture;
use super::line::Line;
use super::{RecordKind, SchemaError, TimeUnit};
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
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

/// Time format, for reading and writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TimeNotation))]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// The format in strptime notation: `%d/%m/%Y %H:%M`, `%Y-%m-%d %H:%M:%S%.f`, `%m/%d/%Y %I:%M:%S %p`.
    #[cfg_attr(feature = "openapi", schema(example = "%d/%m/%Y %H:%M"))]
    pub format: String,
    /// The time zone of times without one, as +01:00 or Europe/Berlin. When absent: UTC. A local time that
    /// occurs twice because clocks are set back means the first occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "Europe/Berlin"))]
    pub zone: Option<String>,
}

/// A time that reads back only under an unambiguous format: it distinguishes 12 h from 24 h, and day from
/// month.
const A_TIME: i64 = 1_721_163_845;

impl Times {
    /// The time zone of times without one; `None` for an unknown name. Names are those of the built-in
    /// database; that of the machine is not consulted.
    pub fn zone(&self) -> Option<TimeZone> {
        let zone = self.zone.as_deref().unwrap_or("UTC");
        if zone == "UTC" {
            return Some(TimeZone::UTC);
        }
        let (sign, rest) = match zone.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            // Two names of the database mean no time zone.
            _ if zone == "Factory" => return None,
            _ => return TimeZoneDatabase::bundled().get(zone).ok().filter(|zone| !zone.is_unknown()),
        };
        let (hours, minutes) = rest.split_once(':')?;
        let digits = |text: &str| (text.len() == 2).then(|| text.parse::<i32>().ok()).flatten();
        let (hours, minutes) = (digits(hours)?, digits(minutes).filter(|minutes| *minutes < 60)?);
        Offset::from_seconds(sign * (3_600 * hours + 60 * minutes)).ok().map(Offset::to_time_zone)
    }

    /// Parses a cell as nanoseconds since 1970; `None` where it does not match the format or is before 1970.
    pub fn read(&self, cell: &str, zone: &TimeZone) -> Option<u64> {
        let parsed = strtime::parse(&self.format, cell).ok()?;
        let stamp = match parsed.offset() {
            Some(_) => parsed.to_timestamp().ok()?,
            None => {
                // A time of day without a date is not a time.
                let civil = parsed.to_datetime().ok()?;
                zone.to_timestamp(civil).ok()?
            }
        };
        u64::try_from(stamp.as_nanosecond()).ok()
    }

    /// Formats a time.
    pub fn write(&self, time: u64, zone: &TimeZone) -> Option<String> {
        let stamp = jiff::Timestamp::from_nanosecond(i128::from(time)).ok()?;
        strtime::format(&self.format, &jiff::ZonedDateTime::new(stamp, zone.clone())).ok()
    }

    /// Whether a time is unchanged after writing and reading.
    pub fn keeps(&self, time: u64) -> bool {
        let back = self.zone().and_then(|zone| self.read(&self.write(time, &zone)?, &zone));
        back == Some(time)
    }

    /// The first time from `start` to `end` that is written like an earlier one, because clocks are set back.
    pub fn told_twice(&self, start: u64, end: u64) -> Option<u64> {
        let zone = self.zone()?;
        let from = jiff::Timestamp::from_nanosecond(i128::from(start)).ok()?;
        let changes = zone.following(from).map(|change| change.timestamp());
        let changes = changes.filter_map(|time| u64::try_from(time.as_nanosecond()).ok());
        let told_before = |&time: &u64| {
            let back = self.write(time, &zone).and_then(|text| self.read(&text, &zone));
            // A coarser format rounds times down, by something other than the clock change.
            let set_back = [1_800, 3_600, 7_200].map(|seconds| time.saturating_sub(seconds * 1_000_000_000));
            back.is_some_and(|back| set_back.contains(&back))
        };
        changes.take_while(|time| *time < end).find(told_before)
    }

    fn fault(&self) -> Option<String> {
        let Some(zone) = self.zone() else {
            return Some(format!(
                "{:?} is no zone: write UTC, an offset as +01:00, or a name as Europe/Berlin",
                self.zone.as_deref().unwrap_or_default()
            ));
        };
        let time = A_TIME as u64 * 1_000_000_000;
        let back = self.write(time, &zone).and_then(|text| self.read(&text, &zone));
        // A coarser format rounds the time down; a format without a date does not read back at all.
        // A 12-hour format must state the half of the day: no two times of one day may be written alike.
        let offset = jiff::Timestamp::new(A_TIME, 0).map_or(Offset::UTC, |time| zone.to_offset(time));
        let morning = (A_TIME - A_TIME % 86_400 + 3_600 - i64::from(offset.seconds())) as u64 * 1_000_000_000;
        let hours = |n: u64| self.write(morning + n * 3_600_000_000_000, &zone);
        let doubled = hours(0) != hours(1) && hours(0) == hours(12);
        match back {
            Some(back) if back <= time && time - back < 86_400_000_000_000 && !doubled => None,
            _ => Some(format!(
                "{:?} is no format that times can be read in and written back: write as strptime has it, as %d/%m/%Y %H:%M:%S",
                self.format
            )),
        }
    }
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
    use proptest::prelude::*;

    fn times(format: &str, zone: Option<&str>) -> Times {
        Times { format: format.into(), zone: zone.map(String::from) }
    }

    #[test]
    fn times_as_people_write_them() {
        let read = |format: &str, zone, cell: &str| {
            let times = times(format, zone);
            times.read(cell, &times.zone().unwrap()).map(|time| time as f64 / 1e9)
        };
        assert_eq!(read("%d/%m/%Y %H:%M", None, "1/06/2024 00:00"), Some(1_717_200_000.0));
        assert_eq!(read("%Y-%m-%d %H:%M:%S", None, "2024-06-01 00:00:00"), Some(1_717_200_000.0));
        assert_eq!(read("%Y-%m-%d %H:%M:%S%.f", None, "2024-06-01 00:00:00.507"), Some(1_717_200_000.507));
        assert_eq!(read("%Y-%m-%d %H:%M:%S", Some("+02:00"), "2024-06-01 02:00:00"), Some(1_717_200_000.0));
        assert_eq!(read("%m/%d/%Y %I:%M:%S %p", None, "06/01/2024 12:00:00 AM"), Some(1_717_200_000.0));
        assert_eq!(read("%Y-%m-%dT%H:%M:%S%z", None, "2024-06-01T05:30:00+0530"), Some(1_717_200_000.0));
        let berlin = Some("Europe/Berlin");
        assert_eq!(read("%Y-%m-%d %H:%M:%S", berlin, "2024-06-01 02:00:00"), Some(1_717_200_000.0));
        assert_eq!(read("%Y-%m-%d %H:%M:%S", berlin, "2024-01-01 01:00:00"), Some(1_704_067_200.0));
        // The hour that occurs twice means the first occurrence.
        assert_eq!(read("%Y-%m-%d %H:%M:%S", berlin, "2024-10-27 02:30:00"), Some(1_729_989_000.0));
        assert_eq!(read("%d/%m/%Y %H:%M", None, "13/13/2024 00:00"), None);
        assert_eq!(read("%Y-%m-%d %H:%M:%S", None, "1969-12-31 23:59:59"), None);
    }

    #[test]
    fn an_unusable_time_format_is_refused_at_once() {
        let fault = |reading: Reading| reading.check().err().map(|error| error.to_string());
        let timed = |format, zone| Reading { times: Some(times(format, zone)), ..Reading::default() };
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

    #[test]
    fn clocks_that_are_set_back_tell_times_twice() {
        let told = |format: &str, zone: &str, window: &str| {
            let window: crate::Window = window.parse().unwrap();
            times(format, Some(zone)).told_twice(window.start(), window.end())
        };
        let (autumn, spring) =
            ("2024-10-27T00:00:00Z/2024-10-27T06:00:00Z", "2024-03-31T00:00:00Z/2024-03-31T06:00:00Z");
        let seconds = "%Y-%m-%d %H:%M:%S";
        assert_eq!(told(seconds, "Europe/Berlin", autumn), Some(1_729_990_800_000_000_000));
        assert_eq!(told("%Y-%m-%d %H:%M:%S %z", "Europe/Berlin", autumn), None);
        assert_eq!(told("%Y-%m-%d", "Europe/Berlin", autumn), None);
        assert_eq!(told(seconds, "+01:00", autumn), None);
        assert_eq!(told(seconds, "Europe/Berlin", spring), None);
        assert_eq!(told(seconds, "Europe/Berlin", "2024-10-27T00:00:00Z/2024-10-27T01:00:00Z"), None);
        for zone in ["Etc/Unknown", "Factory"] {
            assert_eq!(times(seconds, Some(zone)).zone(), None, "{zone}");
        }
    }

    proptest! {
        #[test]
        fn a_time_that_is_written_is_read_back(second in 0u64..4_000_000_000, zone in -12i32..=14) {
            let zone = format!("{}{:02}:30", if zone < 0 { '-' } else { '+' }, zone.abs());
            for format in ["%d/%m/%Y %H:%M:%S", "%m/%d/%y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%S%.3f%:z"] {
                let times = times(format, Some(&zone));
                let zone = times.zone().unwrap();
                let text = times.write(second * 1_000_000_000, &zone).unwrap();
                // Two digits of a year stand for 1969 to 2068.
                if !format.contains("%y") || second < 3_000_000_000 {
                    prop_assert_eq!(times.read(&text, &zone), Some(second * 1_000_000_000), "{}", text);
                }
            }
        }

        #[test]
        fn no_cell_makes_reading_panic(cell in ".{0,40}") {
            let times = times("%d/%m/%Y %H:%M:%S", None);
            times.read(&cell, &TimeZone::UTC);
        }
    }
}
