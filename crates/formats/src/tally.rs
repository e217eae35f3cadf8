//! Records counted while they are read: good ones kept, bad ones reported, and the end of it.

use super::cell::{BadCell, Parser};
use super::columns::Bad;
use super::source::Opened;
use super::text::LeftOut;
use super::{BadRecord, Bound, ReadError, Report};
use netdpsyn_privacy::Private;
use netdpsyn_trace::Trace;
use std::collections::BTreeMap;
use std::ops::Range;

/// Bad records that a report quotes.
const QUOTED: usize = 20;
/// Records that a trace may have: rows are counted in 32 bits.
const MAX_RECORDS: u64 = 1 << 31;

/// Why a record is bad.
pub(super) struct Fault {
    /// The column, unless the record as a whole is wrong.
    pub column: Option<usize>,
    /// What is wrong, with the value.
    pub reason: String,
    /// Whether it is a mixture of notations.
    pub mixture: bool,
}

impl Fault {
    pub fn of(column: usize, bad: BadCell) -> Fault {
        Fault { column: Some(column), reason: bad.to_string(), mixture: bad.mixture }
    }
}

/// What was read so far.
pub(super) struct Tally<'a> {
    bound: &'a Bound,
    spaces: Vec<Option<Range<u64>>>,
    tolerance: f64,
    keep: bool,
    trace: Trace,
    report: Report,
    outside: Vec<u64>,
}

impl<'a> Tally<'a> {
    pub fn new(bound: &'a Bound, opened: &Opened, tolerance: f64, keep: bool) -> Self {
        let columns = &bound.schema.columns;
        let report = Report {
            format: opened.format,
            packing: opened.packing,
            ignored_columns: bound.ignored.clone(),
            notes: bound.notes.clone(),
            ..Report::default()
        };
        Tally {
            bound,
            spaces: columns.iter().map(|c| c.field.declared(bound.schema.window)).collect(),
            tolerance,
            keep,
            trace: Trace::empty(&bound.schema),
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

    /// Records so far.
    pub fn seen(&self) -> u64 {
        self.report.records + self.report.bad
    }

    /// A record that could be read.
    pub fn good(&mut self, values: &[u64]) {
        if self.keep {
            self.trace.push(values);
        }
        self.report.records += 1;
        for ((space, outside), value) in self.spaces.iter().zip(&mut self.outside).zip(values) {
            let inside = space.as_ref().is_none_or(|space| space.contains(value));
            *outside += u64::from(!inside);
        }
    }

    /// A batch of records, of each column its values and what of them is bad; tells whether there is no use in going on.
    pub fn batch(&mut self, columns: Vec<(Vec<u64>, Vec<Bad>)>) -> Result<bool, ReadError> {
        let first = self.seen();
        let (values, bad): (Vec<Vec<u64>>, Vec<Vec<Bad>>) = columns.into_iter().unzip();
        let rows = values.first().map_or(0, Vec::len);
        self.check()?;
        let mut faults: BTreeMap<usize, Fault> = BTreeMap::new();
        for (column, Bad { row, cell }) in
            bad.into_iter().enumerate().flat_map(|(i, bad)| bad.into_iter().map(move |b| (i, b)))
        {
            // The first column counts, and a record that is bad in any notation is no mixture.
            let fault = faults.get(&row);
            if fault.is_none_or(|fault| fault.mixture && !cell.mixture) {
                faults.insert(row, Fault::of(column, cell));
            }
        }
        if faults.is_empty() {
            for ((space, outside), values) in self.spaces.iter().zip(&mut self.outside).zip(&values) {
                if let Some(space) = space {
                    *outside += values.iter().filter(|value| !space.contains(value)).count() as u64;
                }
            }
            self.report.records += rows as u64;
            if self.keep {
                self.trace.extend(&values);
            }
            return Ok(false);
        }
        let mut record = vec![0; values.len()];
        for row in 0..rows {
            match faults.remove(&row) {
                Some(fault) => {
                    if self.bad(first + row as u64 + 1, fault)? {
                        return Ok(true);
                    }
                }
                None => {
                    record.iter_mut().zip(&values).for_each(|(value, column)| *value = column[row]);
                    self.good(&record);
                }
            }
        }
        Ok(false)
    }

    /// One that could not; tells whether there is no use in going on.
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
        // Without tolerance the first page of complaints is enough.
        Ok(self.tolerance <= 0.0 && self.report.bad >= QUOTED as u64)
    }

    /// Lines that are no records.
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

    /// Cells that were taken otherwise than they stand there.
    pub fn taken(&mut self, parsers: &[Parser]) {
        for (column, parser) in self.bound.schema.columns.iter().zip(parsers) {
            if let Parser::Ruled { rules, .. } = parser {
                self.report.notes.extend(rules.notes(&column.name));
            }
        }
    }

    /// The trace and the report, if the file is accepted.
    pub fn finish(mut self) -> Result<(Trace, Report), ReadError> {
        for (column, count) in self.bound.schema.columns.iter().zip(self.outside).filter(|(_, n)| *n > 0) {
            self.report.warnings.extend(self.report.warning(column, count));
            self.report.outside.push((column.name.clone(), count));
        }
        let seen = self.report.records + self.report.bad;
        if seen == 0 {
            return Err(ReadError::NoRecords);
        }
        if self.report.bad as f64 > self.tolerance * seen as f64 || self.report.records == 0 {
            return Err(ReadError::BadRecords(Box::new(Private::new(self.report))));
        }
        Ok((self.trace, self.report))
    }
}
