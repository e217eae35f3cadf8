//! What a steward must confirm before a fit is accepted, because its result would mislead: that noise leaves too little, and that most of a
//! column lies outside its declaration. Both are judged by private figures and told to the steward alone; that it was confirmed is written down
//! nowhere.

use crate::account::statement::{Expected, percent};
use crate::fit::{Plan, expect};
use crate::formats::ParseReport;
use crate::trace::Schema;
use std::fmt;

/// Warnings that the steward confirms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accepted {
    /// Noise outweighs the data.
    pub noise: bool,
    /// Most of a column lies outside its declaration.
    pub outside: bool,
}

/// Reason why a fit needs its steward's confirmation.
#[derive(Clone, Debug, PartialEq)]
pub enum Unconfirmed {
    /// Noise leaves too little.
    TooLittle {
        /// Size of the distortion.
        expected: Expected,
        /// ε that would do.
        epsilon: Option<f64>,
        /// Rows that would do.
        rows: Option<u64>,
    },
    /// Columns of which more than half lies outside the declaration, with that share.
    Outside(Vec<(String, f64)>),
}

impl Unconfirmed {
    /// What must be said before a trace is fitted under `plan`, unless it is confirmed.
    pub fn of(
        plan: &Plan,
        hold_out: bool,
        schema: &Schema,
        report: &ParseReport,
        accepted: Accepted,
    ) -> Option<Unconfirmed> {
        let outside = report.mostly_outside();
        if !outside.is_empty() && !accepted.outside {
            return Some(Unconfirmed::Outside(outside));
        }
        let rows = report.records;
        let expected = expect::expected(plan, schema, expect::measured_rows(rows, hold_out))?;
        if !expect::is_too_little(&expected) || accepted.noise {
            return None;
        }
        let (epsilon, rows) = expect::enough(plan, schema, rows, hold_out);
        Some(Unconfirmed::TooLittle { expected, epsilon, rows })
    }
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unconfirmed::TooLittle { expected, epsilon, rows } => {
                write!(
                    f,
                    "too little to measure: expect noise of {} % of the number of records (at most {} % goes without saying) and of {} % of a cell \
                     of the column in the middle (at most {} %)",
                    percent(expected.records_error),
                    100.0 * expect::MOST.records_error,
                    percent(expected.cell_error),
                    100.0 * expect::MOST.cell_error,
                )?;
                match (epsilon, rows) {
                    (Some(epsilon), Some(rows)) => {
                        write!(
                            f,
                            "; epsilon {epsilon} would do for this trace, or {rows} records at this epsilon"
                        )
                    }
                    (Some(epsilon), None) => write!(f, "; epsilon {epsilon} would do for this trace"),
                    (None, Some(rows)) => write!(f, "; {rows} records would do at this epsilon"),
                    (None, None) => Ok(()),
                }
            }
            Unconfirmed::Outside(columns) => {
                let shares: Vec<String> = columns
                    .iter()
                    .map(|(column, share)| format!("{} % of {column}", percent(*share)))
                    .collect();
                write!(
                    f,
                    "{} lies outside what is declared; declare what the column holds",
                    shares.join(" and ")
                )
            }
        }
    }
}
