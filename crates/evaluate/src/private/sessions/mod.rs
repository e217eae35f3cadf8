//! Sessions: sequences of records of one five-tuple, in either direction; and the arrivals of the whole
//! trace.

mod pairs;
mod read;

use super::Traces;
use super::ends::{Tuple, column};
use super::population::{CountOf, CountedThing};
use super::profile::{Profile, ProfiledAmount, TIMES, USUAL};
use super::sides::{ComparedShare, Sides, part};
use super::skipped::NotTaken;
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::{Field, Role, tcp};
use pairs::Pairs;
use read::{Columns, Marks, Read};
use serde::{Deserialize, Serialize};

/// Sequences of records in sessions. Floors are between the held-out records and a random sample of as many
/// fitted ones: both hold parts of sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sessions {
    /// Number of five-tuples without regard to direction. ICMP type and code count as ports.
    pub number: CountOf,
    /// Records and, for flows, packets per session; gaps inside sessions, and between the records of a pair
    /// of hosts; inter-arrival times of the trace, which have no floor, because they depend on how records
    /// were held out.
    pub profiles: Vec<Profile>,
    /// Share of the records after the first of their session that have another direction than the previous
    /// one. Of equal times, one direction comes first.
    pub alternation: ComparedShare,
    /// Share of the gaps between records of an ordered pair of hosts that are as long as the previous gap, to
    /// within an eighth: periodic traffic such as beacons and polls.
    pub steady: ComparedShare,
    /// The TCP flags, where the trace has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<SessionFlags>,
}

/// The TCP flags of TCP sessions; distances are total variation, 0 (equal) to 1 (disjoint).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionFlags {
    /// Distance of the flags of the first record of each session.
    pub first: f64,
    /// The same between equally many raw records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_floor: Option<f64>,
    /// Share of the sessions that begin with SYN without ACK, written as letters, words, or a number. Flags
    /// that cannot be parsed count as no SYN.
    pub begins: ComparedShare,
    /// Distance of the flags of two consecutive records of a session, including its start before the first
    /// and its end after the last.
    pub bigrams: f64,
    /// The same between equally many raw records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bigrams_floor: Option<f64>,
}

/// Compares the sessions.
///
/// # Errors
/// [`NotTaken`] when the schema lacks a five-tuple or times, or `progress` asks to stop.
pub fn sessions(traces: &Traces, progress: &dyn Progress) -> Result<Sessions, NotTaken> {
    let columns = Columns {
        tuple: Tuple::of(traces.schema)?,
        time: column(traces.schema, Role::Start)?,
        packets: traces.schema.column_of(Role::Packets),
        flags: traces.schema.column_of(Role::TcpFlags),
    };
    let read = Sides::evened(traces, progress, |trace| Read::of(trace, &columns, progress))?;
    let profile =
        |of, amounts: fn(&Read) -> &[u64], at: &[f64]| Profile::of(of, &read.each(amounts), at, progress);
    let mut profiles = vec![profile(ProfiledAmount::RecordsASession, |read| &read.records, &USUAL)?];
    if columns.packets.is_some() {
        profiles.push(profile(ProfiledAmount::PacketsASession, |read| &read.packets, &USUAL)?);
    }
    profiles.push(profile(ProfiledAmount::GapsInside, |read| &read.gaps, &TIMES)?);
    let pairs = Sides::evened(traces, progress, |trace| Pairs::of(trace, &columns, progress))?;
    let gaps = pairs.each(|pairs| pairs.gaps.as_slice());
    profiles.push(Profile::of(ProfiledAmount::GapsOfPairs, &gaps, &TIMES, progress)?);
    // A part may have been held out at random or as every fifth record, and arrivals depend on it: they have
    // no floor.
    let arrivals = read.each(|read| read.arrivals.as_slice()).alone();
    profiles.push(Profile::of(ProfiledAmount::InterArrival, &arrivals, &TIMES, progress)?);
    let number = |read: &Read| read.records.len() as u64;
    let flags = |marks: fn(&Read) -> &Marks| read.each(marks).between(|a, b| read::apart(a, b));
    let flags = columns.flags.map(|column| {
        let (first, first_floor) = flags(|read| &read.first);
        let (bigrams, bigrams_floor) = flags(|read| &read.bigrams);
        let begins =
            ComparedShare::of(&read.each(|read| opening(read, &traces.schema.columns[column].field)));
        SessionFlags { first, first_floor, begins, bigrams, bigrams_floor }
    });
    Ok(Sessions {
        number: CountOf::new(CountedThing::Sessions, number(&read.real), number(&read.synthetic)),
        profiles,
        alternation: ComparedShare::of(&read.each(Read::alternation)),
        steady: ComparedShare::of(&pairs.each(Pairs::steady)),
        flags,
    })
}

/// Share of TCP sessions that begin with SYN.
fn opening(read: &Read, flags: &Field) -> f64 {
    let opens = read.first.iter().filter(|(mark, _)| tcp::opens(flags, **mark)).map(|(_, count)| count);
    part(opens.sum(), read.first.values().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Column, Schema, Trace, presets};

    /// Flows with TCP flags.
    fn schema() -> Schema {
        let mut schema = presets::preset("flow").unwrap();
        schema.columns.truncate(9);
        let flags = Field::Integer { min: 0, max: 255, width: 1, exact_below: 0 };
        schema.columns.push(Column::new("tcp", flags).with(Role::TcpFlags));
        schema
    }

    /// Records of five-tuple, time, packets and flags.
    fn trace(schema: &Schema, records: &[([u64; 5], u64, u64, u64)]) -> Trace {
        let mut trace = Trace::empty(schema);
        for &(tuple, time, packets, flags) in records {
            trace.push(&[&tuple[..], &[time, 0, packets, 40, flags]].concat());
        }
        trace
    }

    const THERE: [u64; 5] = [1, 2, 1_000, 80, 6];
    const BACK: [u64; 5] = [2, 1, 80, 1_000, 6];
    const RECORDS: [([u64; 5], u64, u64, u64); 5] = [
        (THERE, 30, 5, 16),
        (THERE, 0, 3, 2),
        (BACK, 10, 4, 18),
        (THERE, 31, 1, 16),
        ([1, 3, 7, 53, 17], 5, 1, 1),
    ];

    #[test]
    fn a_session_of_four_records_by_hand() {
        let schema = schema();
        let columns = Columns {
            tuple: Tuple::of(&schema).unwrap(),
            time: schema.time_column().unwrap(),
            packets: schema.column_of(Role::Packets),
            flags: schema.column_of(Role::TcpFlags),
        };
        let read = Read::of(&trace(&schema, &RECORDS), &columns, &Quiet).unwrap();
        assert_eq!((&read.records, &read.packets), (&vec![1, 4], &vec![1, 13]));
        assert_eq!((&read.gaps, &read.arrivals), (&vec![1, 10, 20], &vec![1, 5, 5, 20]));
        assert_eq!(read.alternation(), 2.0 / 3.0);
        assert_eq!(read.first, Marks::from([(2, 1)]), "UDP has no flags");
        let none = u64::from(read::NONE);
        let pairs = [(none, 2), (2, 18), (18, 16), (16, 16), (16, none)];
        assert_eq!(read.bigrams, pairs.map(|(before, now)| (before << 32 | now, 1)).into());
    }

    #[test]
    fn flags_and_directions_that_are_lost_show() {
        let schema = schema();
        let real = trace(&schema, &RECORDS);
        // One end continues without an answer.
        let synthetic = trace(&schema, &[0, 1, 2, 3].map(|time| (THERE, time, 1, 16)));
        let traces = Traces { real: &real, held_out: Some(&real), synthetic: &synthetic, schema: &schema };
        let found = sessions(&traces, &Quiet).unwrap();
        assert_eq!((found.number.real, found.number.synthetic, found.number.ratio), (2, 1, 0.5));
        let flags = found.flags.unwrap();
        assert_eq!((flags.first, flags.first_floor, flags.bigrams_floor), (1.0, Some(0.0), Some(0.0)));
        assert_eq!((flags.begins.real, flags.begins.synthetic, flags.begins.floor), (1.0, 0.0, Some(0.0)));
        // Two of five pairs occur: 16 after 16, and the end after 16.
        assert!((flags.bigrams - 0.6).abs() < 1e-12, "{}", flags.bigrams);
        assert_eq!((found.alternation.synthetic, found.alternation.floor), (0.0, Some(0.0)));
        let gaps = &found.profiles[2];
        assert_eq!(
            gaps.quantiles.iter().map(|q| (q.real, q.synthetic)).collect::<Vec<_>>(),
            [(1e-9, 1e-9), (1e-8, 1e-9), (2e-8, 1e-9)]
        );
    }

    #[test]
    fn records_without_times_have_no_order() {
        let mut schema = presets::preset("flow").unwrap();
        schema.columns.remove(5);
        let none = Trace::empty(&schema);
        let traces = Traces { real: &none, held_out: None, synthetic: &none, schema: &schema };
        let Err(NotTaken::Skipped(reason)) = sessions(&traces, &Quiet) else { panic!("there are no times") };
        assert!(reason.0.contains("start"), "{reason}");
    }
}
