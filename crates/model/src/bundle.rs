//! The measurement bundle: what a fit releases, and the only input of a model.
//!
//! The file is gzipped JSON, so that an auditor can read it with `zcat | jq`. The same bundle always gives
//! the same bytes.

use crate::domain::{Attribute, Order};
use crate::sessions::Sessions;
use crate::{Cells, Layers, RankAnswer, Rhythm, labels};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use netdpsyn_account::{Charge, NoiseScale, Statement};
use netdpsyn_trace::sessions::{NoSessions, Sessions as TraceSessions};
use netdpsyn_trace::{Address, Addresses, Column, Directory, Role, Schema};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use thiserror::Error;

/// The newest version of the file format that this program reads. A bundle has the version of its schema, or
/// a higher one that its content requires: 3 for two resolutions, 4 for looks across records or packets as
/// sessions, 5 for a schema that declares how text is read, 6 for special values or addresses of any family,
/// 7 for the gaps of pairs, 8 for end times or networks of tokens. So an older program reads every bundle
/// that it can use.
pub const VERSION: u32 = 8;

/// The largest decompressed bundle that is read: far above any plan, small enough for memory.
const MAX_BYTES: u64 = 2 << 30;

/// Noisy marginals with everything needed to use them: domains, schema, statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Version of the file format.
    pub version: u32,
    /// The declared schema.
    pub schema: Schema,
    /// The guarantee, and the cost of each query.
    pub statement: Statement,
    /// The measured attributes.
    pub attributes: Vec<Attribute>,
    /// The roles of the attributes, for a fit of two resolutions. Version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Layers>,
    /// Numbers of distinct values of columns. Version 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Profile>,
    /// Looks across records. Version 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<RankAnswer>,
    /// Gaps between the records of a pair. Version 7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<Rhythm>,
    /// The noisy marginals.
    pub measurements: Vec<Measurement>,
    /// For packets, the answers about sessions, or why there are none. Version 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<Packets>,
    /// The networks from which addresses of any family are drawn, each as its first and last address: the
    /// leaves of their trees. Version 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Directory>,
}

/// Whether packets were measured as sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packets {
    /// Measured as sessions.
    Sessions(Box<Sessions>),
    /// Measured one by one, for this reason.
    Single(NoSessions),
}

impl Bundle {
    /// The answers about sessions, if packets were measured as sessions.
    pub fn sessions(&self) -> Option<&Sessions> {
        match &self.packets {
            Some(Packets::Sessions(sessions)) => Some(sessions),
            _ => None,
        }
    }
}

/// The number of distinct values of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The label of the charge that paid for it.
    pub label: String,
    /// Index of the column.
    pub column: usize,
    /// Noisy numbers of values with at least 1, 2, 4, 8 … records.
    pub counts: Vec<i64>,
    /// σ² of their noise.
    pub scale: NoiseScale,
}

impl Profile {
    /// The largest number of thresholds.
    pub const MOST: usize = 32;
}

/// One noisy marginal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// The label of the charge that paid for it, or [`labels::leaves`] of a tree.
    pub label: String,
    /// Indices of its attributes, ascending.
    pub attributes: Vec<usize>,
    /// A noisy count (for leaves, a rounded estimate) per cell, the last attribute varying fastest.
    pub counts: Vec<i64>,
    /// σ² of the noise of a cell. The leaves of a tree are estimated from all its levels, each with this
    /// noise; their variance is at most this.
    pub scale: NoiseScale,
    /// Where cells were merged after measuring: the variance of each cell as a multiple of σ². It is the
    /// number of merged cells, or less where the levels of a tree determine it more precisely, or where cells
    /// of noise alone were merged, which count as nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Vec<u32>>,
}

impl Measurement {
    /// The cells that it counts, given the attributes of the bundle.
    pub fn cells(&self, attributes: &[Attribute]) -> Cells {
        Cells::of(&self.attributes, attributes)
    }
}

/// Why a file is not a usable bundle.
#[derive(Debug, Error)]
pub enum BundleError {
    /// Reading failed, or the file is not gzip.
    #[error("the bundle cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Not the JSON of a bundle.
    #[error("the file is not a measurement bundle: {0}")]
    Json(#[from] serde_json::Error),
    /// Written in an unknown version.
    #[error("the bundle has version {0}, this program reads versions 1 to {VERSION}")]
    Version(u32),
    /// Parts contradict each other.
    #[error("the bundle contradicts itself: {0}")]
    Contradiction(String),
}

impl Bundle {
    /// Writes the bundle as a file.
    ///
    /// # Errors
    /// [`BundleError`] when writing fails.
    pub fn write(&self, to: impl Write) -> Result<(), BundleError> {
        let mut gzip = GzEncoder::new(to, Compression::fast());
        serde_json::to_writer(std::io::BufWriter::new(&mut gzip), self)?;
        gzip.finish()?.flush()?;
        Ok(())
    }

    /// Reads a file and checks that its parts are consistent.
    ///
    /// # Errors
    /// [`BundleError`] when the file cannot be read, has an unknown version or contradicts itself.
    pub fn read(from: impl Read) -> Result<Bundle, BundleError> {
        let mut text = Vec::new();
        GzDecoder::new(from).take(MAX_BYTES).read_to_end(&mut text)?;
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(&text)?;
        if !(1..=VERSION).contains(&version) {
            return Err(BundleError::Version(version));
        }
        let bundle: Bundle = serde_json::from_slice(&text)?;
        bundle.check()?;
        Ok(bundle)
    }

    /// Whether addresses are drawn from networks of tokens, which programs before version 8 cannot read.
    fn has_tokens(&self) -> bool {
        let mut networks = self.addresses.iter().flat_map(Directory::networks);
        networks.any(|[first, _]| matches!(Address::of(first), Address::Token(..)))
    }

    /// The version that the parts of the bundle require.
    pub fn version_of_parts(&self) -> u32 {
        match &self.layers {
            _ if self.schema.version() >= 5 || self.has_tokens() => 8,
            _ if self.rhythm.is_some() => 7,
            _ if self.schema.version() == 4 => 6,
            _ if !self.schema.reading.is_plain() => 5,
            None => self.schema.version(),
            Some(_) if self.looks.is_empty() && self.packets.is_none() => 3,
            Some(_) => 4,
        }
    }

    /// The column whose tree has these leaves, and the number of levels of the tree; `None` for a measurement
    /// that is not of leaves.
    pub fn tree_of(&self, measurement: &Measurement) -> Option<(&Column, usize)> {
        let &[attribute] = measurement.attributes.as_slice() else { return None };
        let column = &self.schema.columns[self.attributes[attribute].column];
        if self.layers.is_none() {
            return column.field.tree().map(|(_, levels)| (column, levels.len()));
        }
        let grown = measurement.label == labels::leaves(&column.name);
        let order = Order::of(column, self.schema.window).filter(|_| grown)?;
        Some((column, order.levels().len()))
    }

    /// The charges that paid for a measurement: one, or one per level of its tree.
    pub fn charges_of(&self, measurement: &Measurement) -> impl Iterator<Item = &Charge> + Clone {
        let labels: Vec<String> = match self.tree_of(measurement) {
            Some((column, levels)) => (1..=levels).map(|level| labels::level(&column.name, level)).collect(),
            None => vec![measurement.label.clone()],
        };
        self.statement.charges.iter().filter(move |charge| labels.contains(&charge.label))
    }

    fn check(&self) -> Result<(), BundleError> {
        let wrong = |what: String| Err(BundleError::Contradiction(what));
        if let Err(error) = self.schema.check_complete() {
            return wrong(error.to_string());
        }
        for (index, attribute) in self.attributes.iter().enumerate() {
            let column = self.schema.columns.get(attribute.column);
            if column.is_none_or(|column| column.name != attribute.name) {
                return wrong(format!("attribute {} is no column of the schema", attribute.name));
            }
            if column.and_then(|c| c.space(self.schema.window)) != Some(attribute.partition.space()) {
                return wrong(format!("attribute {} is cut over another space", attribute.name));
            }
            let coarse = self.layers.as_ref().is_some_and(|layers| index >= layers.coarse.len());
            if !coarse && !self.measurements.iter().any(|m| m.attributes == [index]) {
                return wrong(format!("attribute {} has no one-way marginal", attribute.name));
            }
        }
        if let Some(fault) = self.layers.as_ref().and_then(|layers| layers.fault(&self.attributes)) {
            return wrong(fault.to_string());
        }
        if self.addresses.is_some() != Addresses::columns(&self.schema).next().is_some() {
            return wrong("networks are of columns of addresses of any family".into());
        }
        let expected = self.version_of_parts();
        let of_records = self.profiles.is_empty() && self.looks.is_empty() && self.packets.is_none();
        // A bundle with neither is of version 1 or 2, whatever its schema.
        let plain = self.layers.is_none() && self.version <= 2;
        if !plain && self.version != expected || self.layers.is_none() && !of_records {
            return wrong(
                "two resolutions and profiles are of version 3, looks across records of version 4".into(),
            );
        }
        for (at, look) in self.looks.iter().enumerate() {
            if !look.is_whole() || self.looks[..at].iter().any(|other| other.of == look.of) {
                return wrong(format!("{} is no look across records", look.label));
            }
        }
        let sides = [Role::SourceAddress, Role::DestinationAddress].map(|role| self.schema.column_of(role));
        if !self.looks.is_empty() && sides.contains(&None) {
            return wrong("it has looks at hosts, and no columns of addresses".into());
        }
        if let Some(rhythm) = &self.rhythm {
            let class = self.layers.as_ref().and_then(|layers| layers.class);
            let classes = class.map_or(1, |class| self.attributes[class].bins());
            let fault = rhythm.fault(classes);
            if let Some(fault) =
                fault.or(self.looks.is_empty().then_some("it has gaps of pairs, and no looks at them"))
            {
                return wrong(fault.into());
            }
            if self.schema.column_of(Role::Start).is_none() {
                return wrong("it has gaps, and no column of times".into());
            }
        }
        if let Some(sessions) = self.sessions() {
            let fault = sessions.fault(&self.attributes);
            let fault = fault.or_else(|| sessions.beyond(&self.schema));
            let fault = fault.or_else(|| {
                TraceSessions::of(&self.schema).err().map(|_| "sessions of a schema that has none")
            });
            if let Some(fault) = fault {
                return wrong(fault.into());
            }
        }
        let mut context = self.layers.as_ref().map_or(Vec::new(), Layers::context);
        context.sort_unstable();
        if !context.is_empty() && !self.measurements.iter().any(|m| m.attributes == context) {
            return wrong("class and side were not measured together".into());
        }
        for (at, profile) in self.profiles.iter().enumerate() {
            let column = self.schema.columns.get(profile.column);
            let grown = column.is_some_and(|c| c.field.tells_hosts());
            let again = self.profiles[..at].iter().any(|other| other.column == profile.column);
            if !grown || again || !(1..=Profile::MOST).contains(&profile.counts.len()) {
                return wrong("a profile is not one of a column of addresses".into());
            }
        }
        for m in &self.measurements {
            let known = !m.attributes.is_empty() && m.attributes.iter().all(|&a| a < self.attributes.len());
            let ascending = m.attributes.windows(2).all(|pair| pair[0] < pair[1]);
            if !known || !ascending || m.scale.variance() <= 0.0 || !m.scale.variance().is_finite() {
                return wrong(format!("measurement {} has odd attributes or noise", m.label));
            }
            let cells = m.cells(&self.attributes).count();
            let joined = m.joined.as_ref().is_none_or(|sizes| sizes.len() == cells && !sizes.contains(&0));
            if m.counts.len() != cells || !joined {
                return wrong(format!("measurement {} has {} cells, not {cells}", m.label, m.counts.len()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_without_what_they_follow_from_are_refused() {
        let bundle = Bundle::read(&include_bytes!("../../../tests/version_1/flows.bundle")[..]).unwrap();
        let written = |bundle: &Bundle| {
            let mut file = Vec::new();
            bundle.write(&mut file).map(|()| file).unwrap()
        };
        assert_eq!(Bundle::read(&written(&bundle)[..]).unwrap(), bundle);
        // Version 2, in which only roles state which columns identify flows; here one of them is missing.
        let mut made = bundle;
        (made.version, made.schema.columns[4].roles) = (2, Default::default());
        let refused = Bundle::read(&written(&made)[..]).unwrap_err().to_string();
        assert!(refused.contains("gaps between records of a flow, and lacks"), "{refused}");
    }
}
