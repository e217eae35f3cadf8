//! Top lists: whether the largest talkers, destinations and services are the same.

use super::Traces;
use super::ends::{Ends, Tuple};
use super::sides::Sides;
use super::skipped::NotTaken;
use netdpsyn_trace::progress::{self, BLOCK, Cancelled, Progress, checked};
use netdpsyn_trace::{Role, Schema, Trace};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Length of a list.
const TOP: usize = 20;

/// Two top lists.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopList {
    /// The kind of list.
    pub of: Listed,
    /// The ranking criterion.
    pub by: ListedBy,
    /// Share of the 20 largest raw ones that are among the 20 largest synthetic ones, 0 to 1; of all, where
    /// there are fewer. Of equally large ones the smallest address is listed. Good is near the floor.
    pub overlap: f64,
    /// The same for the held-out records: the effect of sampling alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
}

/// A kind of list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Listed {
    /// Source addresses.
    Sources,
    /// Destination addresses.
    Destinations,
    /// Destination address, port and protocol; for packets, those of the end with the lower port.
    Services,
}

impl Listed {
    /// A description for people.
    pub fn words(self) -> &'static str {
        match self {
            Listed::Sources => "sources",
            Listed::Destinations => "destinations",
            Listed::Services => "services",
        }
    }
}

/// A ranking criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ListedBy {
    /// Number of records.
    Records,
    /// Bytes of flows, or lengths of packets.
    Bytes,
}

impl ListedBy {
    /// A description for people.
    pub fn words(self) -> &'static str {
        match self {
            ListedBy::Records => "records",
            ListedBy::Bytes => "bytes",
        }
    }
}

/// Overlaps of the top lists, by records and, where the schema has them, by bytes or lengths.
///
/// # Errors
/// [`NotTaken`] when the schema has no source or destination, or `progress` asks to stop.
pub fn top(traces: &Traces, progress: &dyn Progress) -> Result<Vec<TopList>, NotTaken> {
    let ends = Ends::of(traces.schema)?;
    let tuple = Tuple::of(traces.schema).ok();
    let bytes = bytes_of(traces.schema);
    let mut found = Vec::new();
    let mut list = |of, keys: &dyn Fn(&Trace) -> Result<Vec<u64>, Cancelled>| -> Result<(), Cancelled> {
        let largest = Sides::of(traces, |trace| Largest::of(keys(trace)?, trace, bytes, progress))?;
        let mut push = |by, keys: fn(&Largest) -> &[u64]| {
            let (overlap, floor) = largest.between(|a, b| overlap(keys(a), keys(b)));
            found.push(TopList { of, by, overlap, floor });
        };
        push(ListedBy::Records, |largest| &largest.by_records);
        if bytes.is_some() {
            push(ListedBy::Bytes, |largest| &largest.by_bytes);
        }
        Ok(())
    };
    list(Listed::Sources, &|trace| Ends::addresses(trace, ends.source, progress))?;
    list(Listed::Destinations, &|trace| Ends::addresses(trace, ends.destination, progress))?;
    if let Some(tuple) = tuple {
        list(Listed::Services, &|trace| tuple.services(trace, progress))?;
    }
    Ok(found)
}

/// The column of bytes of flows or of lengths of packets.
pub fn bytes_of(schema: &Schema) -> Option<usize> {
    schema.column_of(Role::Bytes).or_else(|| schema.column_of(Role::Length))
}

/// The largest items of one trace, largest first.
#[derive(Debug)]
struct Largest {
    by_records: Vec<u64>,
    by_bytes: Vec<u64>,
}

impl Largest {
    fn of(
        keys: Vec<u64>,
        trace: &Trace,
        bytes: Option<usize>,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let mut records: Vec<(u64, u64)> = keys.into_par_iter().map(|key| (key, 0)).collect();
        if let Some(column) = bytes {
            records.par_chunks_mut(BLOCK).enumerate().try_for_each(|(number, block)| {
                progress.check()?;
                trace.column(column).zip_block(number * BLOCK, block, |record, value| record.1 = value);
                Ok(())
            })?;
        }
        progress::sort(&mut records, progress)?;
        let (mut by_records, mut by_bytes) = (Vec::with_capacity(TOP + 1), Vec::with_capacity(TOP + 1));
        for group in checked(records.chunk_by(|a, b| a.0 == b.0), progress) {
            let group = group?;
            let key = group[0].0;
            rank(&mut by_records, key, group.len() as u128);
            rank(&mut by_bytes, key, group.iter().map(|&(_, bytes)| u128::from(bytes)).sum());
        }
        let keys = |ranked: Vec<(Reverse<u128>, u64)>| ranked.into_iter().map(|(_, key)| key).collect();
        Ok(Largest { by_records: keys(by_records), by_bytes: keys(by_bytes) })
    }
}

/// Inserts a key into a list at its rank, if it is large enough.
fn rank(list: &mut Vec<(Reverse<u128>, u64)>, key: u64, weight: u128) {
    let ranked = (Reverse(weight), key);
    let at = list.partition_point(|other| *other < ranked);
    if at < TOP {
        list.insert(at, ranked);
        list.truncate(TOP);
    }
}

/// Share of the first list that is in the second.
fn overlap(real: &[u64], other: &[u64]) -> f64 {
    let other = &other[..other.len().min(real.len())];
    match real.len() {
        0 => 1.0,
        listed => real.iter().filter(|key| other.contains(key)).count() as f64 / listed as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;

    /// Flows of these sources and bytes.
    fn trace(records: impl IntoIterator<Item = (u64, u64)>) -> Trace {
        let mut trace = Trace::empty(&presets::preset("flow").unwrap());
        records
            .into_iter()
            .for_each(|(source, bytes)| trace.push(&[source, 9, 7, 80, 6, 0, 0, 1, bytes, 0, 0]));
        trace
    }

    fn overlaps(real: &Trace, synthetic: &Trace) -> Vec<f64> {
        let schema = presets::preset("flow").unwrap();
        let traces = Traces { real, held_out: Some(real), synthetic, schema: &schema };
        let found = top(&traces, &Quiet).unwrap();
        assert!(found.iter().all(|list| list.floor == Some(1.0)));
        found.into_iter().map(|list| list.overlap).collect()
    }

    #[test]
    fn lists_by_records_and_by_bytes_by_hand() {
        let real = trace([(1, 10), (1, 10), (1, 10), (2, 100), (2, 1)]);
        // By records 3 and 2 are the largest two, by bytes 1 and 2.
        let synthetic = trace([(3, 1), (3, 1), (3, 1), (2, 50), (2, 50), (1, 99)]);
        assert_eq!(overlaps(&real, &synthetic), [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(overlaps(&real, &trace([])), [0.0; 6]);
        assert_eq!(overlaps(&trace([]), &real), [1.0; 6]);
    }

    #[test]
    fn twenty_are_listed() {
        let ranked =
            |rank: fn(u64) -> u64| trace((0..25).flat_map(move |i| vec![(rank(i), 1); 25 - i as usize]));
        assert_eq!(overlaps(&ranked(|i| i), &ranked(|i| 24 - i))[0], 0.75);
        // Equally large ones by their address.
        assert_eq!(overlaps(&ranked(|i| i), &trace((0..25).map(|i| (i, 1))))[0], 1.0);
    }
}
