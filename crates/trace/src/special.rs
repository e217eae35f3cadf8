//! Special values: cells that are not values of their column's type, encoded after the values of the type.
//!
//! ```text
//! a port        0 … 65535 │ special 0, special 1, …
//! a protocol    0 … 255   │ special 0, special 1, … │ other
//! ```
//! The declared cells are public. Which records hold them is not, and is measured as any other value is.

use super::reading::{Reading, Separator};
use super::{Column, Field, Schema, SchemaError, Window};
use std::ops::Range;

/// Stands for every column that can have special values.
const EVERY: &str = "*";

/// Largest number of special values of a column.
const MOST: usize = 16;

impl Column {
    /// The declared values of the type alone; `None` where they are not declared yet. Times need the window.
    pub fn ordinary(&self, window: Option<Window>) -> Option<Range<u64>> {
        let space = self.field.space(window)?;
        Some(space.start..space.end - u64::from(self.field.is_categorical()))
    }

    /// All values: those of the type, the special ones, and the one that stands for everything undeclared.
    pub fn space(&self, window: Option<Window>) -> Option<Range<u64>> {
        let space = self.field.space(window)?;
        Some(space.start..space.end + self.special.len() as u64)
    }

    /// All values except the one that stands for everything undeclared.
    pub fn declared(&self, window: Option<Window>) -> Option<Range<u64>> {
        let space = self.space(window)?;
        Some(space.start..space.end - u64::from(self.field.is_categorical()))
    }

    /// The largest value that a column of raw records must be able to hold.
    pub fn storage_max(&self) -> u64 {
        self.field.storage_max().saturating_add(self.special.len() as u64)
    }

    /// The first special value; `None` where there is none.
    pub fn first_special(&self) -> Option<u64> {
        if self.special.is_empty() { None } else { Some(self.ordinary(None)?.end) }
    }

    /// The special value of a cell.
    pub fn special_value(&self, cell: &str) -> Option<u64> {
        let at = self.special.iter().position(|special| special == cell)?;
        Some(self.first_special()? + at as u64)
    }

    /// The cell of a value, if it is special.
    pub fn special_cell(&self, value: u64) -> Option<&str> {
        let at = value.checked_sub(self.first_special()?)?;
        self.special.get(usize::try_from(at).ok()?).map(String::as_str)
    }

    /// A value of the type in place of a special one, where sizes are added or hosts are distinguished: 0, or
    /// a reserved address.
    pub fn plain(&self, value: u64) -> u64 {
        match (self.special_cell(value), &self.field) {
            (None, _) | (Some(_), Field::Protocol) => value,
            (Some(_), Field::Ip { .. }) => host(value).into(),
            // No directory has these numbers.
            (Some(_), Field::Address {}) => value,
            (Some(_), _) => 0,
        }
    }

    /// The special cell of this column for one of another column: the same word if it is declared here,
    /// otherwise the first one, or an empty cell.
    pub fn special_word(&self, word: &str) -> String {
        let own = self.special.iter().find(|own| *own == word).or(self.special.first());
        own.cloned().unwrap_or_default()
    }

    /// Whether the type can have special values.
    pub fn may_be_special(&self) -> bool {
        let never = matches!(
            self.field,
            Field::Categorical(_) | Field::Timestamp { .. } | Field::FlowGap { .. } | Field::IpChecksum
        );
        !never && !self.is_end()
    }

    /// Whether the special values are unambiguous in text with this layout.
    fn is_written(&self, reading: &Reading) -> bool {
        let separator = reading.separator.unwrap_or(Separator::Comma);
        let by_space = reading.line.is_some() || separator == Separator::Space;
        let between = char::from(separator.byte());
        self.special.iter().all(|cell| match by_space {
            true => !cell.is_empty() && !cell.contains(char::is_whitespace),
            false => reading.quotes != Some(false) || !cell.contains(between),
        })
    }

    /// What is wrong with the special values, if anything.
    pub(super) fn special_fault(&self) -> Option<String> {
        let special = &self.special;
        let twice = |(at, cell): (usize, &String)| special[..at].contains(cell);
        let why = match self.field {
            _ if special.is_empty() => return None,
            Field::Categorical(_) => "declare it as a category, which a special value is",
            Field::Timestamp { .. } | Field::FlowGap { .. } => {
                "a record has a time, so times have no special values"
            }
            Field::IpChecksum => "checksums are computed, so they have no special values",
            _ if special.len() > MOST => return Some(format!("it has more than {MOST} special values")),
            _ if special.iter().enumerate().any(twice) => "a special value is declared twice",
            _ if special.iter().any(|cell| cell.trim() != cell || cell.contains(['\n', '\r', '"'])) => {
                "a special value is written without quotes, line ends and white space around it"
            }
            _ => return None,
        };
        Some(why.into())
    }
}

impl Schema {
    /// Checks that special values are unchanged after writing and reading.
    pub(super) fn check_special_is_written(&self) -> Result<(), SchemaError> {
        match self.columns.iter().find(|column| !column.is_written(&self.reading)) {
            None => Ok(()),
            Some(column) => Err(SchemaError::Parameter {
                column: column.name.clone(),
                reason: "a special value cannot be told from what stands between cells; declare how the text separates them, or leave it out".into(),
            }),
        }
    }

    /// Declares the special values of a column, or with `*` those of every column that can have some.
    ///
    /// # Errors
    /// [`SchemaError`] when there is no such column or it cannot have special values.
    pub fn declare_special(&mut self, column: &str, cells: &[String]) -> Result<(), SchemaError> {
        let meant = |own: &Column| if column == EVERY { own.may_be_special() } else { own.name == column };
        let mut declared = false;
        for own in self.columns.iter_mut().filter(|own| meant(own)) {
            own.special = cells.to_vec();
            declared = true;
        }
        let unknown = || {
            SchemaError::Shape(format!(
                "special values are declared for {column}, which is no column of this trace"
            ))
        };
        if declared { Ok(()) } else { Err(unknown()) }
    }
}

/// An address, or a special value in its place, in 32 bits, where hosts are only distinguished. Special
/// values take reserved addresses, which no host has (240.0.0.0/4, RFC 1112).
pub fn host(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(0xf000_0000 | value as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols;

    fn column(field: Field, special: &[&str]) -> Column {
        Column { special: special.iter().map(|&cell| cell.into()).collect(), ..Column::new("c", field) }
    }

    #[test]
    fn special_values_stand_beside_those_of_the_type() {
        let port = column(Field::port_tree(), &["", "-"]);
        assert_eq!((port.ordinary(None), port.space(None)), (Some(0..65_536), Some(0..65_538)));
        assert_eq!((port.special_value(""), port.special_value("-")), (Some(65_536), Some(65_537)));
        assert_eq!(
            [65_535, 65_536, 65_537, 65_538].map(|v| port.special_cell(v)),
            [None, Some(""), Some("-"), None]
        );
        assert_eq!((port.storage_max(), port.plain(65_537), port.plain(80)), (65_537, 0, 80));
        assert_eq!(column(Field::Port, &[]).first_special(), None);
        let address = column(Field::ip(&[8]), &["EXT_SERVER"]);
        assert_eq!([7, 1 << 32].map(|value| address.plain(value)), [7, 0xf000_0000]);
    }

    #[test]
    fn of_protocols_whatever_is_undeclared_comes_last() {
        let protocol = column(Field::Protocol, &["-", "unas"]);
        assert_eq!(protocol.space(None), Some(0..protocols::COUNT + 3));
        assert_eq!(protocol.declared(None), Some(0..protocols::COUNT + 2));
        assert_eq!(protocol.special_value("unas"), Some(protocols::COUNT + 1));
        assert_eq!(protocol.special_cell(protocols::COUNT + 2), None);
    }

    #[test]
    fn special_values_are_declared_for_one_column_or_all() {
        let mut schema = crate::presets::preset("flow").unwrap();
        schema.declare_special("*", &["-".into()]).unwrap();
        let special = |schema: &Schema| -> Vec<String> {
            schema.columns.iter().filter(|c| !c.special.is_empty()).map(|c| c.name.clone()).collect()
        };
        assert_eq!(special(&schema), ["srcip", "dstip", "srcport", "dstport", "proto", "td", "pkt", "byt"]);
        assert_eq!(schema.check(), Ok(()));
        assert!(schema.declare_special("gone", &[]).unwrap_err().to_string().contains("no column"));
        schema.declare_special("*", &[]).unwrap();
        schema.declare_special("ts", &["-".into()]).unwrap();
        assert!(schema.check().unwrap_err().to_string().contains("column ts: a record has a time"));
    }

    #[test]
    fn sessions_need_the_same_of_both_ends() {
        use crate::sessions::{NoSessions, Sessions};
        let mut schema = crate::presets::preset("packet").unwrap();
        schema.declare_special("dstport", &["-".into()]).unwrap();
        let refused = Sessions::of(&schema).map(|_| ());
        assert_eq!(refused, Err(NoSessions::Special(crate::Role::SourcePort, crate::Role::DestinationPort)));
        schema.declare_special("srcport", &["-".into()]).unwrap();
        assert!(Sessions::of(&schema).is_ok());
    }

    #[test]
    fn special_cells_may_not_contain_separators() {
        let mut schema = crate::presets::preset("flow").unwrap();
        schema.declare_special("srcport", &["".into()]).unwrap();
        assert_eq!(schema.check(), Ok(()));
        schema.reading.separator = Some(Separator::Space);
        assert!(schema.check().unwrap_err().to_string().contains("column srcport: a special value"));
        schema.declare_special("srcport", &["a,b".into()]).unwrap();
        assert_eq!(schema.check(), Ok(()));
        schema.reading = Reading { quotes: Some(false), ..Reading::default() };
        assert!(schema.check().is_err());
    }

    #[test]
    fn faults_are_named() {
        let fault = |field, special: &[&str]| column(field, special).special_fault().unwrap_or_default();
        assert_eq!(fault(Field::Port, &["", "N/A"]), "");
        assert!(fault(Field::Port, &["-", "-"]).contains("twice"));
        assert!(fault(Field::Port, &[" -"]).contains("white space"));
        assert!(fault(Field::timestamp(9), &["-"]).contains("a record has a time"));
        assert!(fault(Field::Categorical(None), &["-"]).contains("as a category"));
        let many: Vec<String> = (0..17).map(|i| format!("x{i}")).collect();
        assert!(
            fault(Field::Port, &many.iter().map(String::as_str).collect::<Vec<_>>()).contains("more than 16")
        );
    }
}
