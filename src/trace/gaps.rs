//! `tsdiff`, the paper's temporal attribute (NetDPSyn, section 4.1): the time since the previous record of the same five-tuple.
//!
//! It is derived from a trace, never read from a file. Its value is 0 for the first record of a flow, else one more than the gap in microseconds.
//! Which record follows which depends on what the records hold alone, never on where they stand: among records of one flow and time, the rest of the
//! record decides, and equal ones are interchangeable. One record more therefore changes the gap of one other record at most.

use super::columns::compare;
use super::{Column, Field, Schema, Trace, Values};
use rayon::prelude::*;

/// The name of the derived column.
pub const NAME: &str = "tsdiff";

/// Nanoseconds of one step of a gap.
const STEP: u64 = 1_000;

/// What tells one flow from another.
pub const FIVE_TUPLE: [&str; 5] = ["srcip", "dstip", "srcport", "dstport", "proto"];

/// The columns of a schema that gaps are derived from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowColumns {
    /// The five-tuple.
    pub flow: [usize; 5],
    /// The time.
    pub time: usize,
}

impl FlowColumns {
    /// Where a schema has them; `None` if it lacks one.
    pub fn of(schema: &Schema) -> Option<Self> {
        let mut flow = [0; 5];
        for (at, name) in flow.iter_mut().zip(FIVE_TUPLE) {
            *at = schema.position(name)?;
        }
        Some(FlowColumns { flow, time: schema.time_column()? })
    }
}

impl Schema {
    /// The schema with the derived column of gaps as its last one; unchanged where it has no five-tuple and time.
    pub fn with_gaps(&self) -> Schema {
        let mut schema = self.clone();
        if FlowColumns::of(self).is_some() && self.derived().is_none() {
            schema.columns.push(Column::new(NAME, Field::FlowGap { base: 2.0 }));
        }
        schema
    }

    /// The index of the derived column, where there is one.
    pub fn derived(&self) -> Option<usize> {
        self.columns.iter().position(|c| matches!(c.field, Field::FlowGap { .. }))
    }

    /// The columns that a file has: all but the derived one, which is the last.
    pub fn in_file(&self) -> Schema {
        let mut schema = self.clone();
        schema.columns.retain(|c| !matches!(c.field, Field::FlowGap { .. }));
        schema
    }
}

/// The value of a gap in nanoseconds.
pub fn value_of(gap: u64) -> u64 {
    gap / STEP + 1
}

/// The gap in nanoseconds that a value stands for; `None` for the first record of a flow.
pub fn gap_of(value: u64) -> Option<u64> {
    value.checked_sub(1).map(|steps| steps.saturating_mul(STEP))
}

/// The gap value of every record.
pub fn gaps(trace: &Trace, columns: &FlowColumns) -> Values {
    // By flow, then time, then whatever else tells two records apart.
    let order = || columns.flow.into_iter().chain([columns.time]).chain(0..trace.columns().len());
    let mut rows: Vec<u32> = (0..trace.rows() as u32).collect();
    rows.par_sort_unstable_by(|&a, &b| compare(trace.columns(), order(), a, b));
    let mut values = vec![0; rows.len()];
    let time = trace.column(columns.time);
    for pair in rows.windows(2) {
        if compare(trace.columns(), columns.flow, pair[0], pair[1]).is_eq() {
            values[pair[1] as usize] = value_of(time.get(pair[1] as usize) - time.get(pair[0] as usize));
        }
    }
    Values::collect(u64::MAX, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Window, presets};

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
        let values: Vec<u64> = gaps(&trace, &columns).iter().collect();
        // Of the two equal records one follows the other at once; which one is all the same.
        assert_eq!((values[0] + values[3], values[0].min(values[3])), (7 + 1, 1));
        assert_eq!([values[1], values[2], values[4]], [0, 0, 1]);
        assert_eq!(gap_of(value_of(6_500)), Some(6_000));
        assert_eq!(gap_of(0), None);
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
