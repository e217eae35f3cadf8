//! Recognises the layout of a file: by the names in its header or, without a header, by whether its first
//! records can be read in it.

use super::bind::reads;
use super::source::{FileFormat, Head, Opened};
use super::text::Layout as Text;
use super::{Limits, ReadError};
use netdpsyn_trace::layouts::{Layout, layouts};
use netdpsyn_trace::progress::Progress;
use netdpsyn_trace::reading::{Numbers, Reading, Separator};
use netdpsyn_trace::{Role, Schema};
use std::path::Path;

/// Number of records that are tried.
const TRIED: usize = 20;

/// How a layout was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// By the header, which is not a record.
    Header,
    /// By records. No fit may depend on them, so the steward names the layout.
    Records,
}

/// A possible layout of a file.
#[derive(Clone, Debug)]
pub struct Near {
    /// The layout.
    pub layout: &'static Layout,
    /// Number of its columns that the file has.
    pub found: usize,
    /// Required columns that the file lacks.
    pub missing: Vec<String>,
    /// How it was recognised.
    pub told_by: ToldBy,
}

/// What a file looks like.
#[derive(Clone, Debug)]
pub struct Looks {
    /// Possible layouts: first those of which all columns are present, and of these those with most columns.
    pub near: Vec<Near>,
    /// The cells of the first line, be they names or a record.
    pub first: Vec<String>,
    /// Whether the first line looks like a record.
    pub is_record: bool,
    /// Number of cells of the records, where the header has one and they have more.
    pub header_of_one: Option<usize>,
}

/// Describes a file; declarations about the text already apply.
///
/// # Errors
/// [`ReadError`] when the file cannot be read, or `progress` asks to stop.
pub fn recognise(path: &Path, declared: &Reading, progress: &dyn Progress) -> Result<Looks, ReadError> {
    let open = |reading: &Reading| Opened::new(path, Text::raw(reading), Limits::NONE, progress);
    let declared = Reading { only: Vec::new(), ..declared.clone() };
    let plain = open(&declared)?;
    let (format, first) = (plain.format, plain.heads);
    // Many layouts have the same text layout.
    let mut opened: Vec<(Reading, Option<Vec<Head>>)> = vec![(shape(&declared), Some(first.clone()))];
    let mut near = Vec::new();
    for layout in layouts() {
        let own = &layout.schema.reading;
        let possible = match format {
            FileFormat::Csv => !layout.is_json(),
            FileFormat::Ndjson => layout.is_json() || shape(own).is_plain(),
            FileFormat::Parquet | FileFormat::Arrow | FileFormat::Capture | FileFormat::Export => {
                own.only.is_empty() && shape(own).is_plain()
            }
        };
        if !possible {
            continue;
        }
        let reading = declared.clone().over(Reading { only: Vec::new(), ..own.clone() });
        // Where names are declared, the layout is recognised by them as by a header; records are used only
        // where there are no names.
        if declared.names().is_empty() && !reading.names().is_empty() {
            let schema = Schema { reading, ..layout.schema.clone() };
            if reads(path, schema, TRIED, progress).unwrap_or(false) {
                let found = layout.schema.columns.len();
                near.push(Near { layout, found, missing: Vec::new(), told_by: ToldBy::Records });
            }
            continue;
        }
        let key = shape(&reading);
        if !opened.iter().any(|(own, _)| *own == key) {
            opened.push((key.clone(), open(&reading).ok().map(|opened| opened.heads)));
        }
        let heads = opened.iter().find(|(own, _)| *own == key).and_then(|(_, heads)| heads.as_ref());
        let Some(heads) = heads else { continue };
        let has = |name: &str| heads.iter().any(|head| head.name == name);
        let missing: Vec<String> = layout.needed().filter(|name| !has(name)).map(String::from).collect();
        let found = layout.schema.columns.iter().filter(|column| has(&column.name)).count();
        if found > 0 {
            // The names in JSON objects are those of records.
            let by_records = layout.is_json() || format == FileFormat::Ndjson;
            let told_by = if by_records { ToldBy::Records } else { ToldBy::Header };
            near.push(Near { layout, found, missing, told_by });
        }
    }
    near.sort_by_key(|near| {
        (!near.missing.is_empty(), near.missing.len().saturating_sub(near.found), usize::MAX - near.found)
    });
    let header_of_one = match first.len() {
        1 if format == FileFormat::Csv => cells_of_records(&declared, open)?.map(|(_, cells)| cells),
        _ => None,
    };
    let told = near.first().filter(|near| near.missing.is_empty());
    let headless = told.is_some_and(|near| !near.layout.schema.reading.names().is_empty());
    Ok(Looks {
        near,
        is_record: headless || first.iter().any(Head::looks_like_a_value),
        first: first.into_iter().map(|head| head.name).collect(),
        header_of_one,
    })
}

/// The part of a reading that determines lines and cells.
fn shape(reading: &Reading) -> Reading {
    Reading { numbers: Numbers::default(), times: None, only: Vec::new(), end: None, ..reading.clone() }
}

/// The separator that divides nearly all records into the same number of cells, more than one, and that
/// number.
pub(super) fn cells_of_records<'a>(
    reading: &Reading,
    open: impl Fn(&Reading) -> Result<Opened<'a>, ReadError>,
) -> Result<Option<(Separator, usize)>, ReadError> {
    let mut best = None;
    for separator in Separator::SINGLE {
        let mut records = open(&Reading { separator: Some(separator), ..reading.clone() })?.records;
        let mut record = super::source::Record::default();
        let mut widths = Vec::new();
        while widths.len() < TRIED && records.next(&mut record)? {
            widths.push(record.cells.len());
        }
        let Some(&width) = widths.first().filter(|width| **width > 1) else { continue };
        let alike = widths.iter().filter(|own| **own == width).count();
        if alike * 10 >= widths.len() * 9 && best.is_none_or(|(_, most)| width > most) {
            best = Some((separator, width));
        }
    }
    Ok(best)
}

/// The ignored columns whose names suggest classes.
pub fn classes(left_out: &[String]) -> impl Iterator<Item = &str> {
    let class = |name: &&str| matches!(super::propose::usual_role(name), Some(Role::Key | Role::Label));
    left_out.iter().map(String::as_str).filter(class)
}
