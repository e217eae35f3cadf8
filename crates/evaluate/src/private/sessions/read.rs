//! The sessions of one trace, in order of time.

use crate::private::ends::{Tuple, counts};
use crate::private::joint::total_variation;
use crate::private::sides::part;
use crate::private::unordered::Unordered;
use netdpsyn_trace::groups::Member;
use netdpsyn_trace::progress::{self, Cancelled, Progress, checked, chunks};
use netdpsyn_trace::{Trace, protocols};
use std::collections::{BTreeMap, BTreeSet};

/// The columns from which sessions are read.
pub struct Columns {
    pub tuple: Tuple,
    pub time: usize,
    pub packets: Option<usize>,
    pub flags: Option<usize>,
}

/// Stands for flags before the first record of a session and after the last one.
pub const NONE: u32 = u32::MAX;

/// The count of each mark.
pub type Marks = BTreeMap<u64, u64>;

/// The sessions of one trace. Lists are sorted at the end.
#[derive(Debug, Default)]
pub struct Read {
    /// Records of each session.
    pub records: Vec<u64>,
    /// Packets of each session, where records have a number of packets.
    pub packets: Vec<u64>,
    /// Time between consecutive records of a session.
    pub gaps: Vec<u64>,
    /// Time between consecutive records of the trace.
    pub arrivals: Vec<u64>,
    /// Number of records after the first that have another direction than the previous one.
    turns: u64,
    /// Flags of the first records of TCP sessions.
    pub first: Marks,
    /// Flags of two consecutive records of TCP sessions, the earlier in the high half; [`NONE`] precedes the
    /// first and follows the last.
    pub bigrams: Marks,
}

/// A record of a session, ordered by time and then by its other fields, so that the order of the file has no
/// influence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    time: u64,
    is_turned: bool,
    flags: u32,
}

impl Read {
    /// Reads all sessions: at most about 50 bytes per record.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(trace: &Trace, columns: &Columns, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let arrivals = arrivals(trace, columns.time, progress)?;
        let sessions = Unordered::of(trace, &columns.tuple, progress)?;
        let parts = sessions.each(progress, |batch| {
            let (mut read, mut steps) = (Read::default(), Vec::new());
            for session in checked(batch, progress) {
                let session = session?;
                read.take(session, trace, columns, progress)?;
                in_time(session, trace, columns, &sessions, &mut steps, progress)?;
                let has_flags =
                    columns.flags.is_some() && sessions.protocol(session[0].row()) == protocols::TCP;
                read.follow(&steps, has_flags, progress)?;
            }
            Ok(read)
        })?;
        drop(sessions);
        let mut all = parts.into_iter().fold(Read { arrivals, ..Read::default() }, Read::and);
        for list in [&mut all.records, &mut all.packets, &mut all.gaps] {
            progress::sort(list, progress)?;
        }
        Ok(all)
    }

    /// Share of the records after the first of their session that change direction.
    pub fn alternation(&self) -> f64 {
        part(self.turns, self.gaps.len() as u64)
    }

    /// Counts the records and packets of a session.
    fn take(
        &mut self,
        session: &[Member],
        trace: &Trace,
        columns: &Columns,
        progress: &dyn Progress,
    ) -> Result<(), Cancelled> {
        self.records.push(session.len() as u64);
        let Some(packets) = columns.packets.map(|column| trace.column(column)) else { return Ok(()) };
        let mut sum = 0u64;
        for block in chunks(session, progress) {
            packets.for_each_of(block?.iter().map(|member| member.row()), |value| {
                sum = sum.saturating_add(value)
            });
        }
        self.packets.push(sum);
        Ok(())
    }

    /// Counts the transitions between consecutive records of a session.
    fn follow(&mut self, steps: &[Step], has_flags: bool, progress: &dyn Progress) -> Result<(), Cancelled> {
        if let [first, .., last] | [first @ last] = steps
            && has_flags
        {
            *self.first.entry(first.flags.into()).or_default() += 1;
            self.pair(NONE, first.flags);
            self.pair(last.flags, NONE);
        }
        for two in checked(steps.windows(2), progress) {
            let two = two?;
            self.gaps.push(two[1].time - two[0].time);
            self.turns += u64::from(two[0].is_turned != two[1].is_turned);
            if has_flags {
                self.pair(two[0].flags, two[1].flags);
            }
        }
        Ok(())
    }

    fn pair(&mut self, before: u32, now: u32) {
        *self.bigrams.entry(u64::from(before) << 32 | u64::from(now)).or_default() += 1;
    }

    fn and(mut self, mut other: Read) -> Read {
        self.records.append(&mut other.records);
        self.packets.append(&mut other.packets);
        self.gaps.append(&mut other.gaps);
        self.turns += other.turns;
        for (own, others) in [(&mut self.first, other.first), (&mut self.bigrams, other.bigrams)] {
            others.into_iter().for_each(|(mark, count)| *own.entry(mark).or_default() += count);
        }
        self
    }
}

/// The records of a session, in order of time.
fn in_time(
    session: &[Member],
    trace: &Trace,
    columns: &Columns,
    sessions: &Unordered,
    steps: &mut Vec<Step>,
    progress: &dyn Progress,
) -> Result<(), Cancelled> {
    let (time, flags) = (trace.column(columns.time), columns.flags.map(|column| trace.column(column)));
    steps.clear();
    for block in chunks(session, progress) {
        steps.extend(block?.iter().map(|member| Step {
            time: time.get(member.row()),
            is_turned: sessions.is_turned(member.row()),
            flags: flags.map_or(0, |flags| flags.get(member.row()) as u32),
        }));
    }
    progress::sort(steps, progress)
}

/// Times between consecutive records of the trace, ascending.
fn arrivals(trace: &Trace, time: usize, progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
    let mut times = Vec::with_capacity(trace.rows());
    trace.column(time).visit(progress, |time| times.push(time))?;
    progress::sort(&mut times, progress)?;
    counts(times.windows(2).map(|two| two[1] - two[0]), progress)
}

/// Total variation distance between two distributions of marks.
pub fn apart(a: &Marks, b: &Marks) -> f64 {
    let marks: BTreeSet<&u64> = a.keys().chain(b.keys()).collect();
    let counts =
        |of: &Marks| -> Vec<u64> { marks.iter().map(|mark| of.get(mark).copied().unwrap_or(0)).collect() };
    total_variation(&counts(a), &counts(b))
}
