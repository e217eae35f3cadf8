//! Sessions: what records of one five-tuple, in either direction, do after one another; and the rhythm of the whole trace.

mod read;

use super::ends::{Tuple, column};
use super::population::{Count, Thing};
use super::profile::{Amount, Profile, TIMES, USUAL};
use super::sides::{Share, Sides};
use super::skipped::NotTaken;
use super::Traces;
use netdpsyn_trace::Role;
use netdpsyn_trace::progress::Progress;
use read::{Columns, Marks, Read};
use serde::Serialize;

/// What goes on in sessions. Floors are between the held-out records and as many of the fitted ones, drawn at random: parts of sessions, as both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sessions {
    /// Five-tuples without regard to direction. ICMP has type and code in place of ports, and they count as such.
    pub number: Count,
    /// Records and, of flows, packets a session; gaps inside sessions; inter-arrival times of the trace.
    pub profiles: Vec<Profile>,
    /// Share of the records after the first of their session that go the other way than the one before. Of equal times, one direction comes first.
    pub alternation: Share,
    /// The flags of TCP, where the trace has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Flags>,
}

/// How the TCP flags of sessions are spread: total variation distances, 0 (equal) to 1 (disjoint).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SessionFlags))]
pub struct Flags {
    /// Flags of the first record of each session.
    pub first: f64,
    /// The same between equally many raw records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_floor: Option<f64>,
    /// Flags of two consecutive records of a session.
    pub bigrams: f64,
    /// The same between equally many raw records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bigrams_floor: Option<f64>,
}

/// Compares what goes on in sessions.
pub fn sessions(traces: &Traces, progress: &dyn Progress) -> Result<Sessions, NotTaken> {
    let columns = Columns {
        tuple: Tuple::of(traces.schema)?,
        time: column(traces.schema, Role::Start)?,
        packets: traces.schema.column_of(Role::Packets),
        flags: traces.schema.column_of(Role::TcpFlags),
    };
    let read = Sides::evened(traces, progress, |trace| Read::of(trace, &columns, progress))?;
    let profile = |of, amounts: fn(&Read) -> &[u64], at: &[f64]| {
        Profile::of(of, &read.each(amounts), at, progress)
    };
    let mut profiles = vec![profile(Amount::RecordsASession, |read| &read.records, &USUAL)?];
    if columns.packets.is_some() {
        profiles.push(profile(Amount::PacketsASession, |read| &read.packets, &USUAL)?);
    }
    profiles.push(profile(Amount::GapsInside, |read| &read.gaps, &TIMES)?);
    profiles.push(profile(Amount::InterArrival, |read| &read.arrivals, &TIMES)?);
    let number = |read: &Read| read.records.len() as u64;
    let flags = |marks: fn(&Read) -> &Marks| read.each(marks).between(|a, b| read::apart(a, b));
    let flags = columns.flags.map(|_| {
        let (first, first_floor) = flags(|read| &read.first);
        let (bigrams, bigrams_floor) = flags(|read| &read.bigrams);
        Flags { first, first_floor, bigrams, bigrams_floor }
    });
    Ok(Sessions {
        number: Count::new(Thing::Sessions, number(&read.real), number(&read.synthetic)),
        profiles,
        alternation: Share::of(&read.each(Read::alternation)),
        flags,
    })
}
