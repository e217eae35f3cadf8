//! The examination of a raw trace, for its steward.

use super::LocalError;
use super::source::{Source, schema_of};
use crate::formats::hints::Hints;
use crate::formats::{self, Amended, Bound, Limits, Looks, ParseReport, Private, ReadError, ReadOptions};
use crate::progress::Progress;
use crate::trace::layouts::layout;
use crate::trace::{Schema, SchemaError};

/// What `inspect` finds: the proposed schema, what reading would skip, and private hints.
pub struct Inspection {
    /// The schema as far as the format tells it.
    pub schema: Schema,
    /// The same without the notations that were told from the file, which another file may have otherwise.
    pub declared: Schema,
    /// Missing declarations, each with its flag.
    pub open: Vec<SchemaError>,
    /// What the file looks like. The first line is private where it is a record.
    pub looks: Looks,
    /// Columns of the file that are not read.
    pub left_out: Vec<String>,
    /// What reading finds: kept and bad records; none where the file is refused.
    pub report: Option<Private<ParseReport>>,
    /// Reason.
    pub refused: Option<LocalError>,
    /// Values seen in columns that need a declaration.
    pub hints: Private<Hints>,
    /// Where no preset fits: the schema was read from the records, and this was left out of it. Both are private.
    pub proposed: Option<LeftOut>,
    /// A schema that reads more of the records, where some cannot be read.
    pub amended: Option<Private<Amended>>,
}

/// Columns that are left out of a proposed schema, and why.
pub type LeftOut = Vec<(String, &'static str)>;

/// Looks at a trace without spending anything; the result is the steward's.
pub fn inspect(source: &Source, progress: &dyn Progress) -> Result<Inspection, LocalError> {
    let looks = source.looks(progress)?;
    let named = source.preset.is_some() || source.schema.is_some();
    let schema = if named { None } else { Some(source.recognised(&looks)) };
    let (bound, proposed) = match schema {
        None => (source.bind(progress)?, None),
        Some(Ok(schema)) => (source.bind_as(schema, progress)?, None),
        Some(Err(LocalError::Looks(name))) => {
            let layout = layout(name).ok_or_else(|| LocalError::Preset(name.into()))?;
            (source.bind_as(schema_of(layout), progress)?, None)
        }
        Some(Err(
            LocalError::Unrecognised(_)
            | LocalError::Read { source: ReadError::NoHeader | ReadError::HeaderOfOne { .. }, .. },
        )) => {
            let (bound, left_out) = source.propose(&looks, progress)?;
            (bound, Some(left_out))
        }
        Some(Err(error)) => return Err(error),
    };
    // Everything is read, whatever its share of bad records, so that the report is complete.
    let options = ReadOptions { tolerance: 1.0, limits: Limits::NONE };
    let (report, refused) = match formats::check(&source.path, &bound, options, progress) {
        Ok(report) => (Some(report), None),
        Err(ReadError::BadRecords(report)) => (Some(*report), None),
        Err(ReadError::Cancelled(cancelled)) => return Err(cancelled.into()),
        Err(other) => (None, Some(source.refused(other))),
    };
    let amended = amended(source, &bound, progress)?;
    let hints = formats::hints::hints(&source.path, &bound, progress);
    let hints = hints.map_err(|error| source.refused(error))?;
    let open = bound.schema.undeclared();
    let declared = bound.declared();
    let left_out = bound.ignored;
    Ok(Inspection {
        schema: bound.schema,
        declared,
        looks,
        left_out,
        open,
        report,
        refused,
        hints,
        proposed,
        amended,
    })
}

/// What could be declared beside a schema; of how cells are written only what was declared holds.
fn amended(
    source: &Source,
    bound: &Bound,
    progress: &dyn Progress,
) -> Result<Option<Private<Amended>>, LocalError> {
    formats::amend(&source.path, &bound.declared(), Limits::NONE, progress)
        .map_err(|error| source.refused(error))
}
