//! Gaps between the records of a pair of hosts.

use super::read::Columns;
use crate::private::sides::part;
use netdpsyn_model::rhythm::is_steady;
use netdpsyn_trace::Trace;
use netdpsyn_trace::progress::{self, BLOCK, Cancelled, Progress};

/// The gaps of one trace.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Time between consecutive records of an ordered pair, ascending.
    pub gaps: Vec<u64>,
    /// Number of gaps that are as long as the previous one.
    steady: u64,
}

impl Pairs {
    /// Reads all pairs: 24 bytes per record.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(trace: &Trace, columns: &Columns, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let pairs = columns.tuple.ends.pairs(trace, progress)?;
        let mut records: Vec<(u64, u64)> = Vec::with_capacity(pairs.len());
        let mut pairs = pairs.into_iter();
        trace.column(columns.time).visit(progress, |time| records.extend(pairs.next().zip(Some(time))))?;
        progress::sort(&mut records, progress)?;
        let mut found = Pairs { gaps: Vec::with_capacity(records.len()), steady: 0 };
        let mut before = 0;
        for (at, two) in records.windows(2).enumerate() {
            if at % BLOCK == 0 {
                progress.check()?;
            }
            let [(pair, time), (next, later)] = [two[0], two[1]];
            if pair != next {
                before = 0;
                continue;
            }
            let gap = later - time;
            found.gaps.push(gap);
            found.steady += u64::from(is_steady(before, gap));
            before = gap;
        }
        progress::sort(&mut found.gaps, progress)?;
        Ok(found)
    }

    /// Share of the gaps that are as long as the previous one.
    pub fn steady(&self) -> f64 {
        part(self.steady, self.gaps.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private::ends::Tuple;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::{Trace, presets};

    #[test]
    fn by_hand() {
        let schema = presets::preset("flow").unwrap();
        let columns = Columns {
            tuple: Tuple::of(&schema).unwrap(),
            time: schema.time_column().unwrap(),
            packets: None,
            flags: None,
        };
        let mut trace = Trace::empty(&schema);
        // Whatever the ports: a period of ten with one record missing, and its answers.
        for (from, to, port, time) in
            [(1, 2, 7, 30), (1, 2, 8, 10), (1, 2, 7, 20), (1, 2, 9, 51), (2, 1, 7, 11), (2, 1, 7, 11)]
        {
            trace.push(&[from, to, port, 80, 6, time, 0, 1, 40, 0, 0]);
        }
        let found = Pairs::of(&trace, &columns, &Quiet).unwrap();
        assert_eq!(found.gaps, [0, 10, 10, 21]);
        assert_eq!((found.steady, found.steady()), (1, 0.25));
    }
}
