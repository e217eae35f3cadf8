//! `tsdiff`, the temporal attribute of NetDPSyn (section 4.1): the time since the previous record of the same
//! five-tuple.
//!
//! It is derived from a trace, never read from a file. Its value is 0 for the first record of a flow,
//! otherwise the gap in microseconds plus one. The order of records depends only on what they hold, never on
//! their position in the file: among records with the same flow and time, the other columns decide, and equal
//! records are interchangeable. Adding one record therefore changes the gap of at most one other record.

use super::columns::compare;
use super::groups::{Groups, Member};
use super::{Column, Field, Role, Schema, Trace, Values, presets};
use crate::progress::{self, Cancelled, Progress, checked, chunks};

/// Nanoseconds of one step of a gap.
const STEP: u64 = 1_000;

/// The roles that identify a flow.
pub const FIVE_TUPLE: [Role; 5] =
    [Role::SourceAddress, Role::DestinationAddress, Role::SourcePort, Role::DestinationPort, Role::Protocol];

/// The columns of a schema from which gaps are derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowColumns {
    /// Indices of the five-tuple.
    pub flow: [usize; 5],
    /// Index of the time.
    pub time: usize,
}

impl FlowColumns {
    /// The columns of a schema; `None` if it lacks one of them.
    pub fn of(schema: &Schema) -> Option<Self> {
        let mut flow = [0; 5];
        for (at, role) in flow.iter_mut().zip(FIVE_TUPLE) {
            *at = schema.column_of(role)?;
        }
        Some(FlowColumns { flow, time: schema.time_column()? })
    }
}

impl Schema {
    /// The schema with the derived column of gaps appended; unchanged where it has no five-tuple or no time.
    pub fn with_gaps(&self) -> Schema {
        let mut schema = self.clone();
        if FlowColumns::of(self).is_some() && self.derived().is_none() {
            schema.columns.push(Column::new(presets::GAP, Field::FlowGap { base: 2.0 }));
        }
        schema
    }

    /// The index of the derived column, where there is one.
    pub fn derived(&self) -> Option<usize> {
        self.columns.iter().position(|c| matches!(c.field, Field::FlowGap { .. }))
    }

    /// The schema of a file that is written: without the derived column, which is the last, and with a plain
    /// text layout except for how times are written.
    pub fn in_file(&self) -> Schema {
        let mut schema = self.clone();
        schema.reading = self.reading.of_written();
        schema.columns.retain(|c| !matches!(c.field, Field::FlowGap { .. }));
        schema
    }
}

/// The value of a gap in nanoseconds.
pub fn value_of(gap: u64) -> u64 {
    gap / STEP + 1
}

/// The gap in nanoseconds of a value; `None` for the first record of a flow.
pub fn gap_of(value: u64) -> Option<u64> {
    value.checked_sub(1).map(|steps| steps.saturating_mul(STEP))
}

/// The gap value of every record. It takes at most 24 bytes per row beside trace and result: those of
/// [`super::groups`], and 16 for each record of the longest flow.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn gaps(trace: &Trace, columns: &FlowColumns, progress: &dyn Progress) -> Result<Values, Cancelled> {
    let time = trace.column(columns.time);
    let values = Groups::of(trace.columns(), &columns.flow).number(progress, |flows, give| {
        let mut records = Vec::new();
        for flow in flows.filter(|flow| flow.len() > 1) {
            in_time(flow, time, &mut records, progress)?;
            let mut before = None;
            for same in checked(records.chunk_by(|a, b| a.0 == b.0), progress) {
                let same = same?;
                let (now, first) = (same[0].0, least(trace, same, progress)?);
                for &(_, row) in same {
                    let since = if row == first { before } else { Some(now) };
                    give(row as usize, since.map_or(0, |since| value_of(now - since)));
                }
                before = Some(now);
            }
        }
        Ok(())
    });
    values.map(Values::U64)
}

/// Times and rows of a flow's records, ascending.
fn in_time(
    flow: &[Member],
    time: &Values,
    records: &mut Vec<(u64, u32)>,
    progress: &dyn Progress,
) -> Result<(), Cancelled> {
    records.clear();
    for block in chunks(flow, progress) {
        records.extend(block?.iter().map(|member| (time.get(member.row()), member.row() as u32)));
    }
    progress::sort(records, progress)
}

/// The first record among those with the same flow and time: the smallest by its other columns. The others
/// follow with a gap of 0, in any order.
fn least(trace: &Trace, same: &[(u64, u32)], progress: &dyn Progress) -> Result<u32, Cancelled> {
    let mut first = same[0].1;
    // Most records are alone at their time.
    for block in chunks(&same[1..], progress) {
        for &(_, row) in block? {
            if compare(trace.columns(), 0..trace.columns().len(), row, first).is_lt() {
                first = row;
            }
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Quiet;
    use crate::simulate::packets;
    use crate::{Window, presets};
    use proptest::prelude::*;

    fn schema() -> Schema {
        let mut schema = presets::preset("dc").unwrap();
        schema.window = Window::new(0, 1_000_000_000);
        schema
    }

    #[test]
    fn gaps_of_two_flows_whatever_the_order_of_the_file() {
        let schema = schema();
        let columns = FlowColumns::of(&schema).unwrap();
        let record = |host: u64, time: u64| {
            let mut record = vec![0; schema.columns.len()];
            (record[0], record[columns.time]) = (host, time);
            record
        };
        let mut trace = Trace::empty(&schema);
        for (host, time) in [(1, 9_000), (2, 3_000), (1, 2_500), (1, 9_000), (2, 3_999)] {
            trace.push(&record(host, time));
        }
        let values: Vec<u64> = gaps(&trace, &columns, &Quiet).unwrap().iter().collect();
        // Of the two equal records one follows the other immediately; either order is right.
        assert_eq!((values[0] + values[3], values[0].min(values[3])), (7 + 1, 1));
        assert_eq!([values[1], values[2], values[4]], [0, 0, 1]);
        assert_eq!(gap_of(value_of(6_500)), Some(6_000));
        assert_eq!(gap_of(0), None);
    }

    /// Every record with its gap, sorted: equal records may share out their gaps in any way.
    fn with_gaps(trace: &Trace, gaps: impl IntoIterator<Item = u64>) -> Vec<(Vec<u64>, u64)> {
        let record = |row| trace.columns().iter().map(|column| column.get(row)).collect();
        let mut records: Vec<(Vec<u64>, u64)> =
            gaps.into_iter().enumerate().map(|(row, gap)| (record(row), gap)).collect();
        records.sort_unstable();
        records
    }

    /// The definition: all records sorted by flow, time, and the other columns.
    fn plain(trace: &Trace, columns: &FlowColumns) -> Vec<u64> {
        let key =
            |row: usize, by: &[usize]| -> Vec<u64> { by.iter().map(|&c| trace.column(c).get(row)).collect() };
        let all: Vec<usize> = (0..trace.columns().len()).collect();
        let mut rows: Vec<usize> = (0..trace.rows()).collect();
        rows.sort_by_key(|&row| (key(row, &columns.flow), key(row, &[columns.time]), key(row, &all)));
        let mut values = vec![0; rows.len()];
        for pair in rows.windows(2) {
            if key(pair[0], &columns.flow) == key(pair[1], &columns.flow) {
                let time = trace.column(columns.time);
                values[pair[1]] = value_of(time.get(pair[1]) - time.get(pair[0]));
            }
        }
        values
    }

    fn check(trace: &Trace, columns: &FlowColumns) {
        let found = gaps(trace, columns, &Quiet).unwrap();
        assert_eq!(with_gaps(trace, found.iter()), with_gaps(trace, plain(trace, columns)));
    }

    proptest! {
        #[test]
        fn gaps_are_those_of_the_plain_definition(records in prop::collection::vec((0u64..3, 0u64..2, 0u64..8, 0u64..3), 0..200)) {
            let schema = schema();
            let columns = FlowColumns::of(&schema).unwrap();
            let mut trace = Trace::empty(&schema);
            for &(host, port, time, rest) in &records {
                let mut record = vec![rest; schema.columns.len()];
                columns.flow.iter().for_each(|&c| record[c] = port);
                (record[columns.flow[0]], record[columns.time]) = (host, time * 700);
                trace.push(&record);
            }
            check(&trace, &columns);
        }
    }

    #[test]
    fn flows_of_many_records_and_many_flows_alike() {
        let schema = packets::schema();
        let columns = FlowColumns::of(&schema).unwrap();
        let trace = packets::simulate(60_000, 1);
        check(&trace, &columns);
        // A single flow, longer than what is sorted at a time, with few distinct times.
        let mut one = trace.columns().to_vec();
        columns.flow.iter().for_each(|&c| one[c] = Values::collect(9, (0..trace.rows()).map(|_| 7)));
        one[columns.time] =
            Values::collect(u64::MAX, (0..trace.rows() as u64).map(|row| row * row % 5 * 1_000));
        check(&Trace::new(one), &columns);
    }

    #[test]
    fn the_column_comes_last_and_goes_again() {
        let with = schema().with_gaps();
        assert_eq!(with.derived(), Some(schema().columns.len()));
        assert_eq!(with.with_gaps(), with);
        assert_eq!(with.in_file(), schema());
        let mut no_time = schema();
        no_time.columns.retain(|c| c.name != "time");
        assert_eq!(no_time.with_gaps(), no_time);
    }
}
