//! Records of one flow, one after the other: the first keeps its time, each next one follows after its gap.

use crate::trace::columns::compare;
use crate::trace::gaps::{FlowColumns, gap_of};
use crate::trace::{Values, Window};

/// Sets the times of records that share a five-tuple by their gap values; no time leaves the window.
///
/// A flow begins with a record whose gap value says so, or else with its earliest, and goes on in the order of the times that the records have.
pub fn chain(columns: &mut [Values], gaps: &[u64], flow: &FlowColumns, window: Window) {
    let time = &columns[flow.time];
    let by_flow = |a: u32, b: u32| compare(columns, flow.flow, a, b);
    let mut rows: Vec<u32> = (0..gaps.len() as u32).collect();
    rows.sort_unstable_by(|&a, &b| {
        let first = |row: u32| gaps[row as usize] != 0;
        let at = |row: u32| time.get(row as usize);
        by_flow(a, b).then(first(a).cmp(&first(b))).then(at(a).cmp(&at(b))).then(a.cmp(&b))
    });
    let mut times: Vec<u64> = time.iter().collect();
    for pair in rows.windows(2) {
        let (before, row) = (pair[0] as usize, pair[1] as usize);
        // A second "first" record begins the flow again, at its own time.
        if by_flow(pair[0], pair[1]).is_eq()
            && let Some(gap) = gap_of(gaps[row])
        {
            times[row] = times[before].saturating_add(gap).min(window.end() - 1);
        }
    }
    columns[flow.time] = Values::collect(u64::MAX, times);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::gaps::value_of;

    #[test]
    fn gaps_add_up_along_a_flow() {
        let column = |values: [u64; 4]| Values::collect(u64::MAX, values);
        let same = || column([1, 1, 2, 1]);
        let mut columns =
            vec![same(), same(), same(), same(), same(), column([700_000, 300_000, 5_000, 900_000])];
        let flow = FlowColumns { flow: [0, 1, 2, 3, 4], time: 5 };
        let window = Window::new(0, 1_000_000).unwrap();
        // Record 1 begins the flow; 0 and 3 follow after 2 µs and after longer than the window.
        chain(&mut columns, &[value_of(2_000), 0, value_of(9_000), value_of(5_000_000)], &flow, window);
        assert_eq!(columns[5].iter().collect::<Vec<_>>(), [302_000, 300_000, 5_000, 999_999]);
    }
}
