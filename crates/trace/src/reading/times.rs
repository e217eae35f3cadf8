//! How times are written.

use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

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

    pub(super) fn fault(&self) -> Option<String> {
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
