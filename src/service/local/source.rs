//! The raw trace of a use case: its file and its declarations, bound to a schema.

use super::LeftOut;
use super::LocalError;

use crate::formats::{
    self, Bound, Limits, Looks, Near, ParseReport, Private, ReadError, ReadOptions, Sensitive, Steward,
    ToldBy,
};
use crate::progress::Progress;
use crate::trace::layouts::{Layout, layout};
use crate::trace::{Families, Grain, Reading, RecordKind, Role, Schema, Trace, Window};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempPath;

/// A raw trace and what its steward declares about it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// A layout's name.
    pub preset: Option<String>,
    /// A file with a custom schema.
    pub schema: Option<PathBuf>,
    /// The capture window.
    pub window: Option<Window>,
    /// Categories by column.
    pub categories: Vec<(String, Vec<String>)>,
    /// Cells beside the type, by column.
    pub special: Vec<(String, Vec<String>)>,
    /// Meanings of columns, overriding or completing the layout.
    pub roles: Vec<(String, Role)>,
    /// Families of addresses, overriding the layout.
    pub addresses: Option<Families>,
    /// Files with networks by address column, one a line.
    pub networks: Vec<(String, PathBuf)>,
    /// Grain of times.
    pub grain: Option<Grain>,
    /// The largest packet of a flow.
    pub mtu: Option<u16>,
    /// Layout of the text, where the schema does not say it.
    pub reading: Reading,
    /// Share of bad records that may be skipped.
    pub tolerance: f64,
    /// The file itself, where it came through standard input: it goes with the last who holds it.
    pub spooled: Option<Arc<TempPath>>,
}

impl Source {
    /// The declared schema, fitted to the file. It may still lack a window or categories.
    pub fn bind(&self, progress: &dyn Progress) -> Result<Bound, LocalError> {
        let schema = match (&self.schema, &self.preset) {
            (Some(path), _) => read_schema(path)?,
            (None, Some(name)) => schema_of(layout(name).ok_or_else(|| LocalError::Preset(name.clone()))?),
            (None, None) => self.recognised(&self.looks(progress)?)?,
        };
        self.bind_as(schema, progress)
    }

    /// Detected format.
    pub(super) fn looks(&self, progress: &dyn Progress) -> Result<Looks, LocalError> {
        formats::recognise(&self.path, &self.reading, progress).map_err(|source| self.refused(source))
    }

    /// The schema of the layout that the header tells, or of the roles that are declared.
    pub(super) fn recognised(&self, looks: &Looks) -> Result<Schema, LocalError> {
        let whole = || looks.near.iter().filter(|near| near.missing.is_empty());
        if let Some(near) = whole().find(|near| near.told_by == ToldBy::Header) {
            return Ok(schema_of(near.layout));
        }
        if let Some((_, first)) = self.roles.first() {
            let packets = *first == Role::Length || self.roles.iter().any(|(_, role)| *role == Role::Length);
            let kind = if packets { RecordKind::Packet } else { RecordKind::Flow };
            let (columns, facts, reading) = (vec![], vec![], Reading::default());
            return Ok(Schema { name: "own".into(), kind, columns, facts, mtu: None, window: None, reading });
        }
        if let Some(near) = whole().next() {
            return Err(LocalError::Looks(near.layout.name()));
        }
        Err(match (looks.is_record, looks.header_of_one) {
            (true, _) => self.refused(ReadError::NoHeader),
            (false, Some(cells)) => self.refused(ReadError::HeaderOfOne { cells }),
            (false, None) => LocalError::Unrecognised(looks.near.first().cloned()),
        })
    }

    /// A schema for what no preset fits, and the columns that it leaves out.
    pub(super) fn propose(
        &self,
        looks: &Looks,
        progress: &dyn Progress,
    ) -> Result<(Bound, LeftOut), LocalError> {
        // What has most of a layout's columns is laid out as that is.
        let near = looks.near.first().filter(|near| near.found > near.missing.len());
        let laid_out = near.map(|near| Reading {
            only: vec![],
            times: None,
            ends: None,
            ..near.layout.schema.reading.clone()
        });
        let reading = self.reading.clone().over(laid_out.unwrap_or_default());
        let proposal = formats::propose(&self.path, &reading, progress);
        let proposal = proposal.map_err(|error| self.refused(error))?.for_steward(&Steward::local());
        Ok((self.bind_as(proposal.schema, progress)?, proposal.left_out))
    }

    pub(super) fn bind_as(&self, mut schema: Schema, progress: &dyn Progress) -> Result<Bound, LocalError> {
        if self.window.is_some() {
            schema.window = self.window;
        }
        // An end follows from a start, whichever is named first.
        let ends = |(_, role): &&(String, Role)| *role == Role::End;
        for (column, role) in self.roles.iter().filter(|own| !ends(own)).chain(self.roles.iter().filter(ends))
        {
            schema.declare_role(column, *role)?;
        }
        if let Some(families) = self.addresses {
            schema.declare_families(families)?;
        }
        for (column, values) in &self.categories {
            schema.declare_categories(column, values.clone())?;
        }
        for (column, cells) in &self.special {
            schema.declare_special(column, cells)?;
        }
        for (column, path) in &self.networks {
            let refused = |reason: String| LocalError::SchemaFile { path: path.clone(), reason };
            let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            let networks: Vec<String> = lines.map(String::from).collect();
            schema.declare_networks(column, &networks)?;
        }
        if let Some(grain) = self.grain {
            schema.declare_grain(grain)?;
        }
        schema.mtu = self.mtu.or(schema.mtu);
        schema.reading = self.reading.clone().over(schema.reading);
        schema.check()?;
        schema.check_notations()?;
        // Whose machine it is knows how large a file to unpack on it.
        formats::bind(&self.path, schema, Limits::NONE, progress).map_err(|source| self.refused(source))
    }

    pub(super) fn refused(&self, source: ReadError) -> LocalError {
        match source {
            ReadError::Cancelled(cancelled) => cancelled.into(),
            ReadError::Schema(error) => error.into(),
            source => LocalError::Read { path: self.path.clone(), source },
        }
    }

    pub(in crate::service) fn read(
        &self,
        bound: &Bound,
        progress: &dyn Progress,
    ) -> Result<(Sensitive<Trace>, Private<ParseReport>), LocalError> {
        let options = ReadOptions { tolerance: self.tolerance, limits: Limits::NONE };
        formats::read(&self.path, bound, options, progress).map_err(|source| self.refused(source))
    }
}

pub(super) fn schema_of(layout: &Layout) -> Schema {
    layout.schema.clone()
}

pub(super) fn read_schema(path: &Path) -> Result<Schema, LocalError> {
    let refused = |reason: String| LocalError::SchemaFile { path: path.into(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| refused(format!("not a schema: {error}")))
}

/// The layout that is nearest, and what it has beside.
pub(super) fn nearest(near: Option<&Near>) -> String {
    let Some(Near { layout, missing, .. }) = near else { return String::new() };
    format!(", the nearest is {}, which needs {} beside", layout.schema.name, missing.join(", "))
}
