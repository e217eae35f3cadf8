//! The parse report, for the steward.

use super::{FileFormat, Packing};
use netdpsyn_trace::{Column, Field};
use serde::{Deserialize, Serialize};

/// Share of a column outside its declaration above which the report warns, and above which a steward must
/// confirm it before a fit.
const SAID: f64 = 0.01;
const CONFIRMED: f64 = 0.5;

/// The result of reading. Private: all of it is derived from the raw trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ParseReport {
    /// Format of the file.
    #[serde(default)]
    pub format: FileFormat,
    /// Compression of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packing: Option<Packing>,
    /// Description of the source, where records are derived: "a pcap capture of link type Ethernet".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Records kept.
    pub records: u64,
    /// Records that could not be read.
    pub bad: u64,
    /// Records that are outside the capture window, and were skipped.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u64,
    /// The first bad records.
    pub first_bad: Vec<BadRecord>,
    /// Columns with values outside their declared domain, and the number of these: times exclude their
    /// record, others fall into the edge bin or `other`.
    pub outside: Vec<(String, u64)>,
    /// Columns that were ignored.
    pub ignored_columns: Vec<String>,
    /// Warnings that a fit would be misleading, in sentences: columns of which more than a hundredth is
    /// outside the declaration.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How ambiguities of the file were resolved: columns of lists that were ignored, times without a zone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl ParseReport {
    /// Columns of which more than half is outside the declaration, with that share.
    pub fn mostly_outside(&self) -> Vec<(String, f64)> {
        let shares = self.outside.iter().map(|(column, count)| (column.clone(), self.share(*count)));
        shares.filter(|(_, share)| *share > CONFIRMED).collect()
    }

    fn share(&self, count: u64) -> f64 {
        count as f64 / self.readable().max(1) as f64
    }

    /// Number of records that could be read.
    pub fn readable(&self) -> u64 {
        self.records + self.left_out
    }

    /// Adds a note or warning that `count` values of a column are outside the declaration.
    pub(super) fn say_outside(&mut self, column: &Column, count: u64) {
        let share = self.share(count);
        let (what, advice) = match column.field {
            Field::Categorical(_) => ("are not declared and count as other", "declare its categories"),
            Field::Protocol => {
                ("have no number of their own and count as other", "a fit knows numbered protocols alone")
            }
            Field::Timestamp { .. } => (
                "lie outside the capture window, and their records are left out",
                "declare the window that holds them",
            ),
            _ => (
                "lie outside the declared range and count in its last bin",
                "declare a larger range in a schema",
            ),
        };
        let (records, percent) = (self.readable(), 100.0 * share);
        let name = &column.name;
        let sentence = format!("{count} of {records} values of {name} ({percent:.1} %) {what}: {advice}");
        let to = if share > SAID { &mut self.warnings } else { &mut self.notes };
        to.push(sentence);
        self.outside.push((name.clone(), count));
    }
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRecord {
    /// Line in the file, with the header of CSV as line 1; in a columnar file the number of the record, from
    /// 1.
    pub line: u64,
    /// The column, unless the record as a whole is bad.
    pub column: Option<String>,
    /// The reason, with the value.
    pub reason: String,
}
