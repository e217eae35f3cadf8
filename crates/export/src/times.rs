//! The times of a flow, in the many ways in which exporters state them, as nanoseconds since 1970.

use crate::draft::Draft;
use crate::fields::Meaning;

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;
const MICRO: u64 = 1_000;

/// Milliseconds after which a 32-bit uptime wraps: 49.7 days.
const WRAP: i128 = 1 << 32;
/// An uptime this far ahead of the header's precedes a wrap.
const AHEAD: i128 = WRAP / 2;
/// An uptime this far behind the header's (all but 17 minutes of a period) follows a wrap.
const BEHIND: i128 = WRAP - (1 << 20);

/// Seconds from 1900, the epoch of NTP, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// The times of a datagram's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Export {
    /// Time of export, in nanoseconds since 1970; 0 where neither the exporter's clock nor the capture gives
    /// it.
    pub time: u64,
    /// Uptime of the exporter at that time, in milliseconds; IPFIX has none.
    pub uptime: Option<u32>,
}

impl Export {
    /// From seconds and nanoseconds of the exporter's clock, or from the time of arrival where that clock is
    /// not set.
    pub fn new(seconds: u32, nanos: u32, uptime: Option<u32>, received: Option<u64>) -> Self {
        let nanos = if u64::from(nanos) < SECOND { u64::from(nanos) } else { 0 };
        let time = match seconds {
            0 => received.unwrap_or(0),
            _ => u64::from(seconds) * SECOND + nanos,
        };
        Export { time, uptime }
    }

    /// The time at an uptime in milliseconds, which wraps every 49.7 days.
    pub fn at(&self, uptime: u64) -> Option<u64> {
        let mut ahead = i128::from(uptime) - i128::from(self.uptime?);
        if ahead > AHEAD {
            ahead -= WRAP;
        } else if ahead < -BEHIND {
            ahead += WRAP;
        }
        u64::try_from(i128::from(self.time) + ahead * i128::from(MILLI)).ok()
    }

    /// The same where the start of the exporter is known (milliseconds since 1970): of all periods the one
    /// that is nearest to now.
    fn since(&self, boot: u64, uptime: u64) -> Option<u64> {
        let first = i128::from(boot) + i128::from(uptime);
        let now = i128::from(self.time / MILLI);
        let turns = if self.time == 0 { 0 } else { (now - first + WRAP / 2).div_euclid(WRAP).max(0) };
        u64::try_from((first + turns * WRAP) * i128::from(MILLI)).ok()
    }
}

/// The origin of a flow's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Fields of the record.
    Record,
    /// One field, used for both.
    One,
    /// The time of export.
    Export,
}

/// Start and end of a record, their origin, and whether they were in the wrong order.
pub(crate) fn span(draft: &Draft, export: Export, boot: Option<u64>) -> (u64, u64, From, bool) {
    let boot = draft.get(Meaning::Boot).filter(|&boot| boot > 0).or(boot);
    let uptime = |meaning| {
        let value = draft.get(meaning)?;
        match boot {
            Some(boot) => export.since(boot, value),
            None => export.at(value),
        }
    };
    let absolute = |ways: [Meaning; 4]| {
        let [nanos, micros, millis, seconds] = ways.map(|way| draft.get(way).filter(|&value| value > 0));
        let fraction = nanos.and_then(ntp).or_else(|| micros.and_then(|value| of_micros(draft, value)));
        let millis = || millis.and_then(|value| value.checked_mul(MILLI));
        let seconds = || seconds.and_then(|value| value.checked_mul(SECOND));
        fraction.or_else(millis).or_else(seconds)
    };
    let before =
        |meaning| draft.get(meaning).and_then(|value| export.time.checked_sub(value.checked_mul(MICRO)?));

    use Meaning::*;
    let start = absolute([StartNanos, StartMicros, StartMillis, StartSeconds])
        .or_else(|| before(StartBefore))
        .or_else(|| uptime(StartUptime));
    let end = absolute([EndNanos, EndMicros, EndMillis, EndSeconds])
        .or_else(|| before(EndBefore))
        .or_else(|| uptime(EndUptime));
    let (start, end, from) = match (start, end) {
        (Some(start), Some(end)) => (start, end, From::Record),
        (start, end) => part(draft, export, start, end),
    };
    (start, end.max(start), from, end < start)
}

/// The same where start, end or both are missing: from the duration, from the time of observation, from the
/// time of export.
fn part(draft: &Draft, export: Export, start: Option<u64>, end: Option<u64>) -> (u64, u64, From) {
    use Meaning::*;
    let seen = draft.get(SeenMillis).filter(|&value| value > 0).and_then(|value| value.checked_mul(MILLI));
    let seen = seen
        .or_else(|| draft.get(SeenNanos).filter(|&value| value > 0).and_then(ntp))
        .or_else(|| {
            draft.get(SeenMicros).filter(|&value| value > 0).and_then(|value| of_micros(draft, value))
        })
        .or_else(|| draft.get(SeenSeconds).filter(|&value| value > 0)?.checked_mul(SECOND));
    let micros = draft.get(DurationMicros).and_then(|value| value.checked_mul(MICRO));
    let uptimes = || draft.get(EndUptime)?.checked_sub(draft.get(StartUptime)?)?.checked_mul(MILLI);
    let lasted = micros
        .or_else(|| draft.get(DurationMillis).and_then(|value| value.checked_mul(MILLI)))
        // Uptimes that cannot be placed still give the duration.
        .or_else(uptimes);
    match (start, end.or(seen), lasted) {
        (Some(start), _, Some(lasted)) => (start, start.saturating_add(lasted), From::Record),
        (Some(start), Some(end), None) => (start, end, From::Record),
        (Some(start), None, None) => (start, start, From::One),
        (None, Some(end), Some(lasted)) => (end.saturating_sub(lasted), end, From::Record),
        (None, Some(end), None) => (end, end, From::One),
        (None, None, lasted) => (export.time.saturating_sub(lasted.unwrap_or(0)), export.time, From::Export),
    }
}

/// A time in microseconds.
fn of_micros(draft: &Draft, value: u64) -> Option<u64> {
    let fraction = value & u64::from(u32::MAX);
    if draft.plain_micros && fraction < 1_000_000 {
        return ntp(value - fraction)?.checked_add(fraction * MICRO);
    }
    ntp(value)
}

/// NTP seconds since 1900 and fractions of 2⁻³² seconds. Times before 1970 are interpreted as times after
/// 2036, when NTP seconds wrap.
fn ntp(value: u64) -> Option<u64> {
    let (seconds, fraction) = (value >> 32, value & u64::from(u32::MAX));
    let seconds = seconds.checked_sub(NTP_TO_UNIX).unwrap_or(seconds + (1 << 32) - NTP_TO_UNIX);
    // Rounded, so that whole micro- or milliseconds are recovered from their fraction.
    let nanos = (fraction * SECOND + (1 << 31)) >> 32;
    seconds.checked_mul(SECOND)?.checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptimes_before_and_after_they_begin_anew() {
        let now = 1_700_000_000;
        let export = |uptime| Export::new(now, 0, Some(uptime), None);
        let millis = |back: i64| (i64::from(now) * 1000 + back) as u64 * MILLI;
        assert_eq!(export(10_000).at(4_000), Some(millis(-6_000)));
        assert_eq!(export(10_000).at(10_500), Some(millis(500)));
        assert_eq!(export(10_000).at(u64::from(u32::MAX) - 999), Some(millis(-11_000)));
        assert_eq!(export(u32::MAX - 999).at(500), Some(millis(1_500)));
        // A flow as old as the exporter, which has been up for 40 days.
        assert_eq!(export(40 * 86_400_000).at(0), Some(millis(-40 * 86_400_000)));
        assert_eq!(Export { time: 5 * SECOND, uptime: Some(10_000) }.at(0), None);
    }

    #[test]
    fn uptimes_since_a_known_beginning() {
        let export = Export::new(1_700_000_000, 0, None, None);
        let boot = 1_700_000_000_000 - (1 << 32) - 20_000;
        assert_eq!(export.since(boot, 5_000), Some((1_700_000_000_000 - 15_000) * MILLI));
        let boot = 1_700_000_000_000 - 20_000;
        assert_eq!(export.since(boot, 5_000), Some((1_700_000_000_000 - 15_000) * MILLI));
    }

    #[test]
    fn ntp_has_two_eras() {
        assert_eq!(ntp(NTP_TO_UNIX << 32), Some(0));
        assert_eq!(ntp((NTP_TO_UNIX + 1_700_000_000) << 32 | 1 << 31), Some(1_700_000_000_500_000_000));
        assert_eq!(ntp(0), Some(((1 << 32) - NTP_TO_UNIX) * SECOND));
        for micros in [1, 123_456, 999_999] {
            let fraction = ((micros << 32) + 500_000) / 1_000_000;
            assert_eq!(ntp(NTP_TO_UNIX << 32 | fraction).map(|nanos| (nanos + 500) / MICRO), Some(micros));
        }
    }

    #[test]
    fn a_clock_that_is_not_set_is_not_believed() {
        assert_eq!(Export::new(0, 5, None, Some(9)).time, 9);
        assert_eq!(Export::new(0, 5, None, None).time, 0);
        assert_eq!(Export::new(2, 5, None, Some(9)).time, 2 * SECOND + 5);
        assert_eq!(Export::new(2, u32::MAX, None, None).time, 2 * SECOND);
    }
}
