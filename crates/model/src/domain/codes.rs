//! Encoding of values as codes.

use super::{Attribute, Partition};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, Trace, Values};
use rayon::prelude::*;

/// Encodes the values of a trace: one column of codes per attribute, each in the smallest integer type that
/// fits. Addresses of any family are encoded by their numbers in `directory`; without it, by their own
/// numbers.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn encode(
    trace: &Trace,
    attributes: &[Attribute],
    directory: Option<&Directory>,
    progress: &dyn Progress,
) -> Result<Vec<Values>, Cancelled> {
    let column = |Attribute { column, partition, .. }: &Attribute| {
        let values = trace.column(*column);
        match (trace.directory(*column), directory) {
            (Some(own), Some(other)) => encode_addresses(values, own, other, partition, progress),
            _ => encode_column(values, partition, progress),
        }
    };
    attributes.par_iter().map(column).collect()
}

/// Codes of addresses; each distinct address is looked up once.
fn encode_addresses(
    values: &Values,
    own: &Directory,
    other: &Directory,
    partition: &Partition,
    progress: &dyn Progress,
) -> Result<Values, Cancelled> {
    let numbers = 0..own.len().min(values.len() as u64);
    let code = |number: u64| partition.code(other.number(own.key(number)));
    let codes: Vec<u32> = numbers.map(code).collect();
    let of = |value: u64| match codes.get(value as usize) {
        Some(&code) => code,
        None if value < own.len() => code(value),
        None => partition.code(value),
    };
    values.map(partition.bins() as u64 - 1, |value| of(value).into(), progress)
}

fn encode_column(
    values: &Values,
    partition: &Partition,
    progress: &dyn Progress,
) -> Result<Values, Cancelled> {
    let top = partition.bins() as u64 - 1;
    let space = partition.space();
    // A small space uses a lookup table, a large one a search.
    if space.end <= 1 << 16 {
        let codes: Vec<u32> = (0..space.end).map(|value| partition.code(value)).collect();
        let last = codes.len() - 1;
        values.map(top, |v| u64::from(codes[(v as usize).min(last)]), progress)
    } else {
        values.map(top, |v| u64::from(partition.code(v)), progress)
    }
}

/// Codes after bins were merged: code c of column i becomes `maps[i][c]`.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
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
