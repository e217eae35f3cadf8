//! The first step of the method on its own: values to bins and back, without noise. For the lab: what comes out is as raw as what goes in.

use super::local::{LocalError, Source, write_raw};
use super::new_file::NewFile;
use crate::domain::Attribute;
use crate::evaluate::private::binning::binning;
use crate::fit::count;
use crate::generate::{restore::Restorer, stream};
use crate::model::Rules;
use crate::privacy::Steward;
use crate::progress::{Cancelled, Progress};
use crate::trace::{Schema, Trace};
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
    let bound = source.bind(progress)?;
    bound.schema.check_complete()?;
    let (trace, _) = source.read(&bound, progress)?;
    progress.step("code", 0, 1)?;
    let attributes = binning(&trace, &bound.schema, prefix).for_steward(&Steward::local());
    let decoded_trace = trace.map(|raw| redrawn(&raw, &bound.schema, &attributes, seed, progress));
    let decoded_trace = decoded_trace.finished_or(Cancelled)?;
    write_raw(decoded, &decoded_trace, &bound.schema, progress)?;

    let mut file = NewFile::private(map)?;
    let text = serde_json::to_string(&Map { private: true, attributes: &attributes });
    let written = text.map_err(std::io::Error::from).and_then(|text| writeln!(file, "{text}"));
    written.map_err(|source| LocalError::Write { path: map.into(), source })?;
    file.publish()?;
    Ok(attributes.iter().map(Attribute::bins).sum())
}

/// Every record drawn anew from its bins.
fn redrawn(
    raw: &Trace,
    schema: &Schema,
    attributes: &[Attribute],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Trace, Cancelled> {
    let codes = count::encode(raw, attributes, progress)?;
    let (mut rng, rules) = (stream(seed, 0), Rules::default());
    Restorer::new(schema, attributes, &rules).restore(&codes, &mut rng, &|| progress.check()).map(Trace::new)
}
