//! Chains the records of a flow: the first keeps its time, each following one comes after its gap.

use netdpsyn_trace::columns::compare;
use netdpsyn_trace::gaps::{FlowColumns, gap_of};
use netdpsyn_trace::{Values, Window};

/// Sets the times of records that share a five-tuple by their gap values. No time leaves the window: where a
/// gap would leave it, the record starts the flow again at its own time.
///
/// A flow starts with a record whose gap value says so, otherwise with its earliest one, and continues in the
/// order of the records' times.
pub fn chain(columns: &mut [Values], gaps: &[u64], flow: &FlowColumns, window: Window) {
    let time = &columns[flow.time];
    let mut rows: Vec<Row> = (0..).zip(gaps).map(|(row, &gap)| (0, gap != 0, 0, row)).collect();
    for &column in &flow.flow {
        each(&columns[column], &mut rows, |row, value| row.0 = mixed(row.0 ^ value));
    }
    each(time, &mut rows, |row, at| row.2 = at);
    rows.sort_unstable();
    let mut times: Vec<u64> = time.iter().collect();
    for pair in rows.windows(2) {
        let (before, row) = (pair[0].3 as usize, pair[1].3 as usize);
        // A second "first" record starts the flow again, at its own time.
        if pair[0].0 == pair[1].0
            && compare(columns, flow.flow, pair[0].3, pair[1].3).is_eq()
            && let Some(gap) = gap_of(gaps[row])
        {
            let next = times[before].saturating_add(gap);
            // Capping such times at the end of the window would put a third of a trace of few flows there.
            if next < window.end() {
                times[row] = next;
            }
        }
    }
    columns[flow.time] = Values::collect(u64::MAX, times);
}

/// The sort key of a record: a hash of its flow, whether it follows another, its time, its row. Comparing
/// hashes is several times faster than comparing five columns, and the order of flows does not matter.
type Row = (u64, bool, u64, u32);

/// Calls `work` with the row and the value of every record.
fn each(column: &Values, rows: &mut [Row], work: impl Fn(&mut Row, u64)) {
    let mut rows = rows.iter_mut();
    column.for_each(|value| rows.next().into_iter().for_each(|row| work(row, value)));
}

/// A bijection of 64 bits that spreads the low bits over all.
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^ (x >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::gaps::value_of;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn every_flow_is_chained_by_itself(
            records in prop::collection::vec((0u64..3, 0u64..2, 0u64..1_000_000, 0u64..4_000), 0..80),
        ) {
            let column = |of: fn(&(u64, u64, u64, u64)) -> u64| {
                Values::collect(u64::MAX, records.iter().map(of))
            };
            let mut columns =
                vec![column(|r| r.0), column(|r| r.1), column(|r| r.0), column(|r| r.1), column(|_| 6), column(|r| r.2)];
            let gaps: Vec<u64> = records.iter().map(|r| r.3 * 100).collect();
            let flow = FlowColumns { flow: [0, 1, 2, 3, 4], time: 5 };
            chain(&mut columns, &gaps, &flow, Window::new(0, 1_000_000).unwrap());
            let mut flows = BTreeMap::<_, Vec<_>>::new();
            for (row, r) in records.iter().enumerate() {
                flows.entry((r.0, r.1)).or_default().push((r.3 > 0, r.2, row));
            }
            for own in flows.values_mut() {
                own.sort_unstable();
                let mut time = own[0].1;
                for (at, &(follows, own_time, row)) in own.iter().enumerate() {
                    time = match follows && at > 0 {
                        true => Some(time + gap_of(gaps[row]).unwrap()).filter(|&t| t < 1_000_000).unwrap_or(own_time),
                        false => own_time,
                    };
                    prop_assert_eq!(columns[5].get(row), time);
                }
            }
        }
    }

    #[test]
    fn gaps_add_up_along_a_flow() {
        let column = |values: [u64; 4]| Values::collect(u64::MAX, values);
        let same = || column([1, 1, 2, 1]);
        let mut columns =
            vec![same(), same(), same(), same(), same(), column([700_000, 300_000, 5_000, 900_000])];
        let flow = FlowColumns { flow: [0, 1, 2, 3, 4], time: 5 };
        let window = Window::new(0, 1_000_000).unwrap();
        // Record 1 starts the flow; 0 follows after 2 µs, and 3, whose gap exceeds the window, starts it
        // again.
        chain(&mut columns, &[value_of(2_000), 0, value_of(9_000), value_of(5_000_000)], &flow, window);
        assert_eq!(columns[5].iter().collect::<Vec<_>>(), [302_000, 300_000, 5_000, 900_000]);
    }
}
