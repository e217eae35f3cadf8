//! What `inspect` reports to the steward beyond the schema: values of the columns that need a declaration.
//!
//! All of it is private. Declaring a window or categories after seeing it is a choice that the guarantee does
//! not cover, as the statement of every run says.

use super::cell::Parser;
use super::columns::Chosen;
use super::source::Record;
use super::{Bound, Limits, ReadError};
use netdpsyn_privacy::Private;
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::{Field, Grain, Window};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Largest number of listed distinct values.
const LISTED: usize = 100;

/// Private hints for declaring what a schema leaves open.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hints {
    /// By column of times: the smallest window that contains all of them.
    pub windows: Vec<(String, String)>,
    /// By column of times: the largest power of ten, up to a second, of which all of them are multiples.
    pub grains: Vec<(String, String)>,
    /// By categorical column: values and their counts, at most a hundred.
    pub categories: Vec<(String, BTreeMap<String, u64>)>,
}

/// Collects hints from a file.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, or `progress` asks to stop.
pub fn hints(path: &Path, bound: &Bound, progress: &dyn Progress) -> Result<Private<Hints>, ReadError> {
    let mut records = bound.opened(path, Limits::NONE, progress)?.records;
    let mut parsers: BTreeMap<usize, Parser> = bound.parsers(None).into_iter().enumerate().collect();
    let mut times: BTreeMap<usize, (Parser, u64, u64, Option<Grain>)> = BTreeMap::new();
    let mut values: BTreeMap<usize, BTreeMap<String, u64>> = BTreeMap::new();
    for (index, column) in bound.schema.columns.iter().enumerate() {
        match column.field {
            Field::Timestamp { .. } => {
                if let Some(parser) = parsers.remove(&index) {
                    times.insert(index, (parser, u64::MAX, 0, None));
                }
            }
            Field::Categorical(_) => {
                values.insert(index, BTreeMap::new());
            }
            _ => {}
        }
    }
    let looked_at = |chosen: &Chosen| {
        let mut columns = times.keys().chain(values.keys());
        columns.any(|&column| bound.positions[column] == chosen.position)
    };
    records.choose(|| bound.chosen().into_iter().filter(looked_at).collect());
    let mut record = Record::default();
    while records.next(&mut record)? {
        if record.fault.is_some() {
            continue;
        }
        let cell = |index: usize| bound.cell(&record.cells, bound.positions[index]);
        for (&index, (parser, low, high, grain)) in &mut times {
            if let Ok(time) = parser.read(cell(index)) {
                (*low, *high) = ((*low).min(time), (*high).max(time));
                let own = Grain::of(time);
                *grain = Some(grain.map_or(own, |grain| grain.min(own)));
            }
        }
        for (&index, seen) in &mut values {
            let value = String::from_utf8_lossy(cell(index)).into_owned();
            if seen.len() < LISTED || seen.contains_key(&value) {
                *seen.entry(value).or_default() += 1;
            }
        }
    }
    let name = |index: usize| bound.schema.columns[index].name.clone();
    // Whole seconds around the observed times.
    let second = 1_000_000_000;
    let around = |low: u64, high: u64| Window::new(low / second * second, (high / second + 1) * second);
    Ok(Private::new(Hints {
        windows: times
            .iter()
            .filter_map(|(&i, &(_, low, high, _))| Some((name(i), around(low, high)?.to_string())))
            .collect(),
        grains: times.iter().filter_map(|(&i, (.., grain))| Some((name(i), (*grain)?.to_string()))).collect(),
        categories: values.into_iter().map(|(i, seen)| (name(i), seen)).collect(),
    }))
}
