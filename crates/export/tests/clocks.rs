//! Records made by hand: every way in which exporters tell when a flow was.

mod build;

use build::*;
use netdpsyn_export::{Exports, Limits, Note, Tally};

const NOW_NANOS: u64 = NOW as u64 * 1_000_000_000;
const SECOND: u64 = 1_000_000_000;
/// Fractions of an NTP time.
const HALF: u64 = 1 << 31;
const NTP: u64 = 2_208_988_800;

/// Start and end before now, in nanoseconds, of a record with these fields; and what was noted.
fn span(version: u16, fields: &[(u16, u32, Vec<u8>)]) -> (i64, i64, Tally) {
    let base = [(8, 0, be(1, 4)), (12, 0, be(2, 4)), (4, 0, be(17, 1)), (1, 0, be(3, 4)), (2, 0, be(4, 4))];
    let all = [&base[..], fields].concat();
    let told: Vec<_> = all.iter().map(|(number, of, value)| (*number, value.len() as u16, *of)).collect();
    let record: Vec<u8> = all.iter().flat_map(|(_, _, value)| value.clone()).collect();
    let message = if version == 9 { v9 } else { ipfix };
    let datagram =
        message(1, &[set(if version == 9 { 0 } else { 2 }, &template(256, &told)), set(256, &record)]);
    let (mut exports, mut out) = (Exports::new(Limits::default()), Vec::new());
    exports.datagram(None, None, &datagram, &mut out);
    let before = |time: u64| time as i64 - NOW_NANOS as i64;
    (before(out[0].start), before(out[0].end), exports.tally().clone())
}

fn field(number: u16, value: u64, bytes: usize) -> (u16, u32, Vec<u8>) {
    (number, 0, be(value, bytes))
}

#[test]
fn times_of_the_day() {
    let now = u64::from(NOW);
    let ntp = |seconds: u64, fraction: u64| (seconds + NTP) << 32 | fraction;
    let (half, two) = (-(SECOND as i64) / 2, -2 * SECOND as i64);
    for (fields, start, end) in [
        ([field(150, now - 2, 4), field(151, now, 4)], two, 0),
        ([field(150, now - 2, 8), field(151, now, 8)], two, 0),
        ([field(152, now * 1_000 - 2_000, 8), field(153, now * 1_000 - 500, 8)], two, half),
        ([field(154, ntp(now - 2, 0), 8), field(155, ntp(now - 1, HALF), 8)], two, half),
        ([field(156, ntp(now - 2, 0), 8), field(157, ntp(now - 1, HALF), 8)], two, half),
        ([field(158, 2_000_000, 4), field(159, 500_000, 4)], two, half),
        ([field(152, now * 1_000 - 2_000, 8), field(151, now, 4)], two, 0),
    ] {
        let (from, to, tally) = span(10, &fields);
        assert_eq!((from, to, tally.notes().count()), (start, end, 0), "{fields:?}");
        // NetFlow v9 may tell them, too.
        assert_eq!(span(9, &fields).0, start, "{fields:?}");
    }
}

#[test]
fn the_finest_counts() {
    let now = u64::from(NOW);
    let fields = [
        field(150, now - 9, 4),
        field(22, 5, 4),
        field(152, now * 1_000 - 2_000, 8),
        field(21, 9, 4),
        field(153, now * 1_000 - 500, 8),
    ];
    assert_eq!(span(9, &fields).0, -2 * SECOND as i64);
    // A time of 0 is none.
    let fields = [
        field(152, 0, 8),
        field(153, 0, 8),
        field(22, u64::from(UPTIME) - 5, 4),
        field(21, UPTIME.into(), 4),
    ];
    assert_eq!((span(9, &fields).0, span(9, &fields).1), (-5_000_000, 0));
}

#[test]
fn netscaler_has_microseconds_for_a_fraction() {
    let time = (u64::from(NOW) - 1 + NTP) << 32 | 250_000;
    let of = |enterprise| [field(154, time, 8), field(155, time, 8), (129, enterprise, be(0, 4))];
    assert_eq!(span(10, &of(5951)).0, -750_000_000);
    assert_eq!(span(10, &of(5952)).0, -999_941_792);
}

#[test]
fn durations() {
    let now = u64::from(NOW);
    let start = field(152, now * 1_000 - 2_000, 8);
    let end = field(153, now * 1_000 - 500, 8);
    let span = |fields: &[_]| {
        let (start, end, tally) = span(10, fields);
        (start / 1_000_000, end / 1_000_000, tally.notes().next().map(|(what, _)| what))
    };
    assert_eq!(span(&[start.clone(), field(161, 700, 4)]), (-2_000, -1_300, None));
    assert_eq!(span(&[start.clone(), field(162, 700_000, 4)]), (-2_000, -1_300, None));
    assert_eq!(span(&[end.clone(), field(161, 700, 4)]), (-1_200, -500, None));
    assert_eq!(span(std::slice::from_ref(&start)), (-2_000, -2_000, Some(Note::OneTime)));
    assert_eq!(span(&[end]), (-500, -500, Some(Note::OneTime)));
    assert_eq!(span(&[field(161, 700, 4)]), (-700, 0, Some(Note::ExportTime)));
    assert_eq!(span(&[]), (0, 0, Some(Note::ExportTime)));
    // When it was seen, by four clocks.
    assert_eq!(span(&[start, field(323, now * 1_000 - 100, 8)]), (-2_000, -100, None));
    assert_eq!(span(&[field(322, now - 1, 4)]), (-1_000, -1_000, Some(Note::OneTime)));
    let ntp = (now - 1 + NTP) << 32 | HALF;
    assert_eq!(span(&[field(324, ntp, 8), field(161, 100, 4)]), (-600, -500, None));
    assert_eq!(span(&[field(325, ntp, 8)]), (-500, -500, Some(Note::OneTime)));
}

#[test]
fn uptimes() {
    let up = u64::from(UPTIME);
    let (start, end, tally) = span(9, &[field(22, up - 3_000, 4), field(21, up - 1, 4)]);
    assert_eq!((start, end, tally.notes().count()), (-3_000_000_000, -1_000_000, 0));
    // It began anew since the flow did.
    let (start, end, _) = span(9, &[field(22, (1 << 32) - 1_000, 4), field(21, up - 1, 4)]);
    assert_eq!((start, end), (-101_000_000_000, -1_000_000));
    let boot = u64::from(NOW) * 1_000 - 50_000;
    let (start, end, tally) = span(10, &[field(22, 1_000, 4), field(21, 2_000, 4), field(160, boot, 8)]);
    assert_eq!((start, end, tally.notes().count()), (-49_000_000_000, -48_000_000_000, 0));
    let (start, end, tally) = span(9, &[field(22, up - 1, 4), field(21, up - 3_000, 4)]);
    assert_eq!((start, end, tally.noted(Note::EndBeforeStart)), (-1_000_000, -1_000_000, 1));
}

#[test]
fn the_time_of_receipt_replaces_an_unset_clock() {
    let fields = [(8, 4, 0), (12, 4, 0), (1, 4, 0), (22, 4, 0), (21, 4, 0)];
    let record = [be(1, 4), be(2, 4), be(3, 4), be(90_000, 4), be(95_000, 4)].concat();
    let sets = [set(0, &template(256, &fields)), set(256, &record)];
    let (mut exports, mut out) = (Exports::new(Limits::default()), Vec::new());
    exports.datagram(None, Some(NOW_NANOS), &v9_at(1, 100_000, 0, &sets), &mut out);
    exports.datagram(None, Some(5), &v9_at(1, 100_000, NOW, &sets), &mut out);
    assert_eq!((out[0].start, out[0].end), (NOW_NANOS - 10 * SECOND, NOW_NANOS - 5 * SECOND));
    assert_eq!(out[1].start, out[0].start);
}

#[test]
fn absurd_times_are_none() {
    let (start, end, tally) = span(10, &[field(152, u64::MAX, 8), field(153, u64::MAX, 8)]);
    assert_eq!((start, end, tally.noted(Note::ExportTime)), (0, 0, 1));
    let (start, _, _) = span(9, &[field(22, u64::MAX, 8), field(21, u64::MAX, 8), field(158, u64::MAX, 8)]);
    assert_eq!(start, 0);
    let (start, _, _) = span(10, &[field(22, u64::MAX, 8), field(21, 1, 8), field(160, u64::MAX, 8)]);
    assert_eq!(start, 0);
}
