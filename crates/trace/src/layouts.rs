//! Layouts: known kinds of trace files, by name. Each is a data file in `layouts/`: a schema, and what else
//! is known of such files.
//!
//! `flow` and `packet` leave the categories of the key to the steward; those of published data sets declare
//! the documented classes. No layout declares a capture window.

use super::{Column, Field, Notation, Role, Schema, TimeUnit};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../layouts/", $name, ".json")))),*]
    };
}

/// The data files; those that take precedence where several match come first.
const FILES: &[(&str, &str)] = files![
    "flow",
    "packet",
    "packet-flags",
    "ton",
    "ugr16",
    "cidds",
    "caida",
    "dc",
    "ugr16-published",
    "cidds-001",
    "ton-iot",
    "unsw-nb15",
    "unsw-nb15-header",
    "cic-ids2017",
    "cic-ids2017-ml",
    "cic-ddos2019",
    "cse-cic-ids2018",
    "cse-cic-ids2018-addresses",
    "cicflowmeter",
    "cicflowmeter-python",
    "nf-uq-nids",
    "nf-uq-nids-v3",
    "bot-iot",
    "argus-binetflow",
    "nfdump-csv",
    "nfdump-csv-1.7",
    "nfdump-csv-fast",
    "nfdump-pipe",
    "nfdump-pipe-1.6",
    "nfdump-line",
    "nfdump-long",
    "nfdump-extended",
    "nfstream",
    "zeek-conn",
    "zeek-conn-labelled",
    "zeek-conn-json",
    "aws-vpc",
    "aws-vpc-no-header",
    "gcp-vpc",
    "suricata-flow",
    "suricata-netflow",
    "nfdump-json",
    "goflow2-json",
    "pmacct-json",
];

/// What is known of a kind of file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// A description in one line.
    pub about: String,
    /// The unit of durations.
    #[serde(default = "seconds")]
    pub duration: TimeUnit,
    /// What the programs of the format need beside header and records.
    #[serde(default)]
    pub written: Frame,
    /// Columns that are not read, with the reasons.
    #[serde(default)]
    pub left_out: Vec<LeftOut>,
    /// The schema of its files.
    pub schema: Schema,
}

fn seconds() -> TimeUnit {
    TimeUnit::Seconds
}

/// Lines that are written before the records.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// Lines before the header.
    #[serde(default)]
    pub before: Vec<String>,
    /// The line after the header that gives types.
    #[serde(default)]
    pub types: Option<Types>,
}

/// A line with one word per column.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Types {
    /// Its first word.
    pub begins: String,
    /// The word for each column.
    pub of: BTreeMap<String, String>,
}

/// Columns that are not read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The reason.
    pub because: String,
}

static ALL: LazyLock<Vec<Layout>> =
    LazyLock::new(|| FILES.iter().filter_map(|(_, text)| serde_json::from_str(text).ok()).collect());

/// All layouts.
pub fn layouts() -> &'static [Layout] {
    &ALL
}

/// Names of all layouts.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The layout with this name.
pub fn layout(name: &str) -> Option<&'static Layout> {
    ALL.iter().find(|layout| layout.schema.name == name)
}

impl Layout {
    /// The name of the layout.
    pub fn name(&'static self) -> &'static str {
        &self.schema.name
    }

    /// Names of the columns that every file of this layout has, without the optional ones.
    pub fn needed(&self) -> impl Iterator<Item = &str> {
        let columns = self.schema.columns.iter().filter(|column| !column.optional);
        let only = self.schema.reading.only.iter().map(|only| &only.column);
        columns.map(|column| &column.name).chain(only).map(String::as_str)
    }

    /// Why a column is not read, if that is known.
    pub fn because(&self, column: &str) -> Option<&str> {
        let left_out =
            self.left_out.iter().find(|left_out| left_out.columns.iter().any(|name| name == column));
        left_out.map(|left_out| left_out.because.as_str())
    }

    /// Maps a trace of `schema` to this layout: the columns of the layout, the index of each in the trace,
    /// and the names of layout columns that nothing determines. Columns are matched by roles. Values are
    /// unchanged; only names, order and notation differ.
    pub fn from(&self, schema: &Schema) -> (Schema, Vec<usize>, Vec<String>) {
        let unit = layout(&schema.name).map_or(TimeUnit::Seconds, |layout| layout.duration);
        let (mut columns, mut places, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for column in &self.schema.columns {
            let alike = schema.columns.iter().position(|own| own.means(column)).filter(|place| {
                !places.contains(place) && (!column.roles.has(Role::Duration) || unit == self.duration)
            });
            match alike {
                Some(place) => {
                    let own = &schema.columns[place];
                    let fits = |notation: &Notation| notation.fits(&own.field);
                    let told = match own.field {
                        Field::Timestamp { .. } => own.notation.filter(fits),
                        _ => Notation::canonical(&own.field),
                    };
                    let notation = column.notation.filter(fits).or(told);
                    let special = own.special.iter().map(|word| column.special_word(word)).collect();
                    columns.push(Column { field: own.field.clone(), notation, special, ..column.clone() });
                    places.push(place);
                }
                None => missing.push(column.name.clone()),
            }
        }
        let Schema { name, mut reading, .. } = self.schema.clone();
        let has = |role: Role| columns.iter().any(|column: &Column| column.roles.has(role));
        if !has(Role::Start) || !has(Role::Duration) {
            let ends: Vec<String> =
                columns.iter().filter(|column| column.is_end()).map(|c| c.name.clone()).collect();
            places = columns
                .iter()
                .zip(places)
                .filter(|(column, _)| !column.is_end())
                .map(|(_, place)| place)
                .collect();
            columns.retain(|column| !column.is_end());
            missing.extend(ends.into_iter().chain(reading.ends.take().map(|ends| ends.column)));
        }
        (Schema { name, columns, reading, ..schema.clone() }, places, missing)
    }

    /// Whether its files are JSON.
    pub fn is_json(&self) -> bool {
        self.schema.reading.objects.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SchemaError, written::Written};

    #[test]
    fn every_layout_is_sound_and_asks_for_its_window() {
        assert_eq!(layouts().len(), names().count());
        for (layout, name) in layouts().iter().zip(names()) {
            let mut schema = layout.schema.clone();
            assert_eq!(schema.name, name);
            schema.check().unwrap_or_else(|error| panic!("{name}: {error}"));
            schema.check_notations().unwrap_or_else(|error| panic!("{name}: {error}"));
            if schema.time_column().is_some() {
                assert!(matches!(schema.check_complete(), Err(SchemaError::NoWindow { .. })), "{name}");
            }
            schema.window = Some("0/60".parse().unwrap());
            let open = ["flow", "cicflowmeter", "argus-binetflow"];
            match schema.check_complete() {
                Err(SchemaError::NoCategories { .. }) => assert!(open.contains(&name), "{name}"),
                other => {
                    other.unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert!(!open.contains(&name), "{name}");
                }
            }
        }
        assert!(layout("nothing").is_none());
    }

    #[test]
    fn layouts_omit_columns_and_name_each_once() {
        for layout in layouts() {
            let (schema, names) = (&layout.schema, layout.schema.reading.names());
            let mut seen = std::collections::BTreeSet::new();
            for column in layout.left_out.iter().flat_map(|left_out| &left_out.columns) {
                assert!(
                    schema.position(column).is_none() && seen.insert(column),
                    "{}: {column}",
                    schema.name
                );
            }
            // Without a header every column is known.
            for name in &names {
                let ends = schema.reading.ends.as_ref().is_some_and(|ends| ends.column == *name);
                let known = ends || schema.position(name).is_some() || layout.because(name).is_some();
                assert!(known, "{}: {name}", schema.name);
            }
            let named = |column: &Column| names.is_empty() || names.contains(&column.name);
            assert!(schema.columns.iter().all(named), "{}", schema.name);
        }
    }

    #[test]
    fn simulated_flags_are_those_of_the_layout() {
        let schema = &layout("packet-flags").unwrap().schema;
        let listed =
            crate::Field::Categorical(Some(crate::simulate::packets::TCP_FLAGS.map(String::from).into()));
        assert_eq!(schema.columns.last().map(|column| &column.field), Some(&listed));
    }

    #[test]
    fn layouts_survive_json() {
        for layout in layouts() {
            let text = serde_json::to_string(&layout.schema).unwrap();
            assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), layout.schema);
            let shown: Written = layout.schema.shown();
            let text = serde_json::to_string(&shown).unwrap();
            assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), layout.schema);
        }
    }

    #[test]
    fn special_values_of_one_layout_are_those_of_another() {
        let zeek = &layout("zeek-conn").unwrap().schema;
        let own = zeek.columns.iter().find(|column| column.roles.has(Role::Duration)).unwrap();
        assert_eq!(own.special, ["-"]);
        for (name, word) in [("nfdump-csv", ""), ("zeek-conn-json", ""), ("nfdump-json", "")] {
            let (schema, ..) = layout(name).unwrap().from(zeek);
            let column = &schema.columns[schema.column_of(Role::Duration).unwrap()];
            // Cells of this length, so that no special value is mistaken for a length.
            assert_eq!(
                (column.special.as_slice(), column.first_special()),
                (&[word.to_string()][..], own.first_special()),
                "{name}"
            );
        }
        let (schema, _, _) = layout("nfdump-json").unwrap().from(zeek);
        let (_, _, ends) = schema.with_ends(&(0..schema.columns.len()).collect::<Vec<_>>()).unwrap();
        assert_eq!(ends.end(5, own.first_special().unwrap()), 5);
    }

    #[test]
    fn a_trace_goes_into_another_layout_by_roles() {
        let flow = &layout("flow").unwrap().schema;
        let (schema, places, missing) = layout("nfdump-csv").unwrap().from(flow);
        let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["ts", "td", "sa", "da", "sp", "dp", "pr", "ipkt", "ibyt"]);
        assert_eq!(places, [5, 6, 0, 1, 2, 3, 4, 7, 8]);
        assert_eq!(missing, ["flg", "stos"]);
        schema.check().unwrap();
        // Seconds are not milliseconds.
        let (_, _, missing) = layout("nf-uq-nids").unwrap().from(flow);
        assert!(missing.contains(&"FLOW_DURATION_MILLISECONDS".to_string()), "{missing:?}");
    }
}
