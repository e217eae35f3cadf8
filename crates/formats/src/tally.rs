//! Counts records while they are read: good ones are kept, bad ones reported, raw ones outside the window
//! skipped; and decides at the end.
//!
//! Whether a record is skipped depends on its own time and the declared window, and on no other record.

use super::bad_cell::BadCell;
use super::cell::Parser;
use super::columns::{Array, Bad, ColumnReader, SourceNotes};
use super::source::Opened;
use super::text::LeftOut;
use super::{BadRecord, Bound, ParseReport, ReadError};
use netdpsyn_privacy::Private;
use netdpsyn_trace::{Addresses, Field, Trace, Values};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Largest number of bad records that a report quotes.
const QUOTED: usize = 20;
/// Largest number of records of a trace: rows are counted in 32 bits.
const MAX_RECORDS: u64 = 1 << 31;

/// What is kept of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The records of a raw trace inside the window.
    Raw,
    /// Only the report on these.
    Report,
    /// Every record.
    All,
}

/// Why a record is bad.
pub(super) struct Fault {
    /// The column, unless the record as a whole is bad.
    pub column: Option<usize>,
    /// The reason, with the value.
    pub reason: String,
    /// Whether it is a mixture of notations.
    pub mixture: bool,
}

impl Fault {
    pub fn of(column: usize, bad: BadCell) -> Fault {
        Fault { column: Some(column), reason: bad.to_string(), mixture: bad.mixture }
    }
}

/// The state of reading.
pub(super) struct Tally<'a> {
    bound: &'a Bound,
    spaces: Vec<Option<Range<u64>>>,
    /// The column of times, where records outside the window are skipped.
    time: Option<usize>,
    tolerance: f64,
    keep: bool,
    values: Vec<Values>,
    report: ParseReport,
    outside: Vec<u64>,
}

impl<'a> Tally<'a> {
    pub fn new(bound: &'a Bound, opened: &Opened, tolerance: f64, taken: Taken) -> Self {
        let columns = &bound.schema.columns;
        let report = ParseReport {
            format: opened.format,
            packing: opened.packing,
            ignored_columns: bound.ignored.clone(),
            notes: bound.notes.clone(),
            ..ParseReport::default()
        };
        Tally {
            bound,
            spaces: columns.iter().map(|c| c.declared(bound.schema.window)).collect(),
            time: columns
                .iter()
                .position(|column| matches!(column.field, Field::Timestamp { .. }))
                .filter(|_| taken != Taken::All),
            tolerance,
            keep: taken != Taken::Report,
            values: Trace::empty(&bound.schema).into_columns(),
            report,
            outside: vec![0; columns.len()],
        }
    }

    /// Refuses more records than can be counted.
    pub fn check(&self) -> Result<(), ReadError> {
        match self.seen() > MAX_RECORDS {
            true => Err(ReadError::TooManyRecords { most: MAX_RECORDS }),
            false => Ok(()),
        }
    }

    /// Number of records so far.
    pub fn seen(&self) -> u64 {
        self.report.records + self.report.bad + self.report.left_out
    }

    /// Whether a record with this time is skipped.
    fn is_left_out(&self, time: u64) -> bool {
        let space = self.time.and_then(|column| self.spaces[column].as_ref());
        space.is_some_and(|space| !space.contains(&time))
    }

    /// Counts values outside the declared spaces, given some values of each column.
    fn count_outside<'v>(&mut self, columns: impl Iterator<Item = &'v [u64]>) {
        for ((space, outside), values) in self.spaces.iter().zip(&mut self.outside).zip(columns) {
            let is_outside = |value: &&u64| space.as_ref().is_some_and(|space| !space.contains(*value));
            *outside += values.iter().filter(is_outside).count() as u64;
        }
    }

    /// Adds a record that could be read.
    pub fn good(&mut self, values: &[u64]) {
        self.count_outside(values.chunks(1));
        if self.time.is_some_and(|time| self.is_left_out(values[time])) {
            self.report.left_out += 1;
            return;
        }
        if self.keep {
            self.values.iter_mut().zip(values).for_each(|(column, &value)| column.push(value));
        }
        self.report.records += 1;
    }

    /// Adds some records in the order of the file: the values of good ones by column; and bad ones, each with
    /// the number of good ones before it and its line, relative to `line`. Returns whether to stop.
    pub fn part(
        &mut self,
        columns: &[Vec<u64>],
        faults: Vec<(usize, u64, Fault)>,
        line: u64,
    ) -> Result<bool, ReadError> {
        let mut done = 0;
        for (good, own, fault) in faults {
            self.rows(columns, done..good);
            done = good;
            if self.bad(line + own, fault)? {
                return Ok(true);
            }
        }
        self.rows(columns, done..columns.first().map_or(0, Vec::len));
        Ok(false)
    }

    /// Adds good records, by column.
    fn rows(&mut self, columns: &[Vec<u64>], rows: Range<usize>) {
        if self.time.is_some_and(|time| columns[time][rows.clone()].iter().any(|&t| self.is_left_out(t))) {
            let mut record = vec![0; columns.len()];
            for row in rows {
                record.iter_mut().zip(columns).for_each(|(value, column)| *value = column[row]);
                self.good(&record);
            }
            return;
        }
        self.count_outside(columns.iter().map(|values| &values[rows.clone()]));
        self.report.records += rows.len() as u64;
        if self.keep {
            self.values
                .iter_mut()
                .zip(columns)
                .for_each(|(values, column)| values.extend(&column[rows.clone()]));
        }
    }

    /// Adds a batch of records, given an array and a reader for each column; returns whether to stop.
    pub fn batch(&mut self, readers: &mut [ColumnReader], arrays: &[&dyn Array]) -> Result<bool, ReadError> {
        self.check()?;
        let first = self.seen();
        let kept = self.values.first().map_or(0, Values::len);
        let columns = self.values.par_iter_mut().zip(readers).zip(arrays).zip(&self.spaces);
        let read = columns.map(|(((values, reader), array), space)| {
            let mut outside = Vec::new();
            let mut rows = 0;
            let bad = reader.read(*array, &mut |block| {
                values.extend(block);
                if let Some(space) = space.as_ref().filter(|space| !block.iter().all(|v| space.contains(v))) {
                    outside
                        .extend((rows..).zip(block).filter(|(_, v)| !space.contains(*v)).map(|(row, _)| row));
                }
                rows += block.len();
            });
            (bad, outside)
        });
        let (bad, outside): (Vec<Vec<Bad>>, Vec<Vec<usize>>) = read.unzip();
        let rows = arrays.first().map_or(0, |array| array.len());
        let mut faults: BTreeMap<usize, Fault> = BTreeMap::new();
        for (column, Bad { row, cell }) in
            bad.into_iter().enumerate().flat_map(|(i, bad)| bad.into_iter().map(move |b| (i, b)))
        {
            // The first column decides, and a record that is bad in any notation is not a mixture.
            let fault = faults.get(&row);
            if fault.is_none_or(|fault| fault.mixture && !cell.mixture) {
                faults.insert(row, Fault::of(column, cell));
            }
        }
        let left_out = self.time.map_or(Vec::new(), |time| outside[time].clone());
        let whole = faults.is_empty() && left_out.is_empty();
        let mut good = vec![true; if whole { 0 } else { rows }];
        let (mut from, mut stop) = (0, false);
        for (row, fault) in faults {
            self.report.records += (row - from) as u64;
            (good[row], from) = (false, row + 1);
            if self.bad(first + row as u64 + 1, fault)? {
                good[row..].fill(false);
                (from, stop) = (rows, true);
                break;
            }
        }
        self.report.records += (rows - from) as u64;
        let taken = |row: usize| good.get(row).is_none_or(|&good| good);
        for (sum, outside) in self.outside.iter_mut().zip(outside) {
            *sum += outside.into_iter().filter(|&row| taken(row)).count() as u64;
        }
        for row in left_out {
            let left_out = u64::from(std::mem::take(&mut good[row]));
            self.report.left_out += left_out;
            self.report.records -= left_out;
        }
        if !good.is_empty() {
            let taken = |row: usize| good[row];
            let rows: Vec<u32> = (0..rows).filter(|&row| taken(row)).map(|row| (kept + row) as u32).collect();
            for values in &mut self.values {
                let taken = values.select(&rows);
                values.truncate(kept);
                values.append(&taken);
            }
        }
        if !self.keep {
            self.values.iter_mut().for_each(|values| values.truncate(0));
        }
        Ok(stop)
    }

    /// Adds a bad record; returns whether to stop.
    pub fn bad(&mut self, line: u64, fault: Fault) -> Result<bool, ReadError> {
        let Fault { column, reason, mixture } = fault;
        self.report.bad += 1;
        if self.report.first_bad.len() < QUOTED || mixture {
            let column = column.map(|i| self.bound.schema.columns[i].name.clone());
            self.report.first_bad.push(BadRecord { line, column, reason });
        }
        if mixture {
            let mut report = std::mem::take(&mut self.report);
            report.first_bad = report.first_bad.split_off(report.first_bad.len() - 1);
            return Err(ReadError::Mixture(Box::new(Private::new(report))));
        }
        // Without tolerance the first page of bad records is enough.
        Ok(self.tolerance <= 0.0 && self.report.bad >= QUOTED as u64)
    }

    /// Adds lines that are not records.
    pub fn left_out(&mut self, LeftOut { comments, headers, others }: LeftOut) {
        let lines = [
            (comments, "are comments"),
            (headers, "are copies of the header"),
            (others, "are records of another kind"),
        ];
        for (count, what) in lines.into_iter().filter(|(count, _)| *count > 0) {
            self.report.notes.push(format!("{count} lines {what} and were left out"));
        }
    }

    /// Adds what is known of the file, where records are derived.
    pub fn found(&mut self, found: SourceNotes) {
        self.report.what = found.what;
        self.report.notes.extend(found.notes);
    }

    /// Adds notes on cells whose values were changed.
    pub fn taken(&mut self, parsers: &[Parser]) {
        for ((column, parser), outside) in
            self.bound.schema.columns.iter().zip(parsers).zip(&mut self.outside)
        {
            let plain = match parser {
                Parser::End(end) => {
                    let before = end.before.load(Ordering::Relaxed);
                    let note = || format!("{before} records end before they start and have the duration 0");
                    self.report.notes.extend((before > 0).then(note));
                    continue;
                }
                Parser::Special(special) => {
                    *outside += special.above();
                    special.plain()
                }
                plain => plain,
            };
            if let Parser::Ruled { rules, .. } = plain {
                self.report.notes.extend(rules.notes(&column.name));
            }
        }
    }

    /// The trace and the report, if the file is accepted.
    pub fn finish(mut self) -> Result<(Trace, ParseReport), ReadError> {
        let seen = self.seen();
        for (column, count) in self.bound.schema.columns.iter().zip(self.outside).filter(|(_, n)| *n > 0) {
            self.report.say_outside(column, count);
        }
        if seen == 0 {
            return Err(match self.report.what {
                Some(what) => ReadError::NothingMade { what, reasons: self.report.notes },
                None => ReadError::NoRecords,
            });
        }
        // A trace without records in the window is accepted: no value may prevent a fit.
        if self.report.bad as f64 > self.tolerance * seen as f64 || self.report.bad == seen {
            return Err(ReadError::BadRecords(Box::new(Private::new(self.report))));
        }
        // The directory is unknown before the last record: the gatherer sets it later.
        let addresses = Addresses::of(&self.bound.schema, Arc::default());
        Ok((Trace::new(self.values).with_addresses(addresses), self.report))
    }
}
