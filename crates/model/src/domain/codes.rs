//! Values as codes.

use super::{Attribute, Partition};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Trace, Values};
use rayon::prelude::*;

/// Turns a trace's values into codes, a column an attribute, each in the smallest integer that fits.
pub fn encode(
    trace: &Trace,
    attributes: &[Attribute],
    progress: &dyn Progress,
) -> Result<Vec<Values>, Cancelled> {
    attributes.par_iter().map(|a| encode_column(trace.column(a.column), &a.partition, progress)).collect()
}

fn encode_column(
    values: &Values,
    partition: &Partition,
    progress: &dyn Progress,
) -> Result<Values, Cancelled> {
    let top = partition.bins() as u64 - 1;
    let space = partition.space();
    // A small space is looked up, a large one searched.
    if space.end <= 1 << 16 {
        let codes: Vec<u32> = (0..space.end).map(|value| partition.code(value)).collect();
        let last = codes.len() - 1;
        values.map(top, |v| u64::from(codes[(v as usize).min(last)]), progress)
    } else {
        values.map(top, |v| u64::from(partition.code(v)), progress)
    }
}

/// Codes after bins were joined: code c of column i becomes `maps[i][c]`.
pub fn relabel(
    codes: &[Values],
    maps: &[Vec<u32>],
    progress: &dyn Progress,
) -> Result<Vec<Values>, Cancelled> {
    codes
        .par_iter()
        .zip(maps)
        .map(|(column, map)| {
            let top = u64::from(map.iter().copied().max().unwrap_or(0));
            column.map(top, |code| u64::from(map[code as usize]), progress)
        })
        .collect()
}
