//! The first step of the method on its own: values to bins and back, without noise. For the lab: what comes out is as raw as what goes in.

use super::local::{LocalError, Source, format_of, write_raw};
use super::new_file::NewFile;
use crate::account::Stage;
use crate::evaluate::private::binning::{binning, redrawn};
use crate::formats::Steward;
use crate::model::domain::Attribute;
use crate::progress::Progress;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// The file of bins.
#[derive(Serialize)]
struct Map<'a> {
    /// Always true: address networks and all that follows from them are read off the records.
    private: bool,
    /// The bins of every measured column.
    attributes: &'a [Attribute],
}

/// Bins a raw trace, writes the bins to `map` and the records drawn back from their bins to `decoded`, both for their steward alone. Gives the number of bins
/// over all columns.
pub fn discretize(
    source: &Source,
    prefix: u8,
    seed: u64,
    decoded: &Path,
    map: &Path,
    progress: &dyn Progress,
) -> Result<usize, LocalError> {
    if let Some(twice) = [decoded, map].into_iter().find(|path| *path == source.path || decoded == map) {
        return Err(LocalError::SamePath(twice.into()));
    }
    let format = format_of(decoded, None)?;
    let bound = source.bind(progress)?;
    bound.schema.check_complete()?;
    let (trace, _) = source.read(&bound, progress)?;
    progress.step(Stage::Code, 0, 1)?;
    let attributes = binning(&trace, &bound.schema, prefix).for_steward(&Steward::local());
    let decoded_trace = redrawn(trace, &bound.schema, &attributes, seed, progress)?;
    write_raw((decoded, format), &decoded_trace, &bound.schema, progress)?;

    let mut file = NewFile::private(map)?;
    let text = serde_json::to_string(&Map { private: true, attributes: &attributes });
    let written = text.map_err(std::io::Error::from).and_then(|text| writeln!(file, "{text}"));
    written.map_err(|source| LocalError::Write { path: map.into(), source })?;
    file.publish()?;
    Ok(attributes.iter().map(Attribute::bins).sum())
}
