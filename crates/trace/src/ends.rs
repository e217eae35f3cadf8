//! End times of records: start + duration, for files that hold the end of a record beside its duration or in
//! place of it.
//!
//! A trace holds only durations, so an end is never before its start, and one time is modelled instead of
//! two. A column of durations with the notation [`Notation::End`] is read as end − start and is written as
//! start + duration. A column named by [`Reading::ends`](super::Reading::ends) is not read, since the
//! duration holds the same information; it is written as start + duration.

use super::reading::Ended;
use super::{Column, Field, Notation, Role, Roles, Schema, SchemaError, TimeUnit, layout};

/// The columns that determine the end of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Index of the column of starts.
    pub start: usize,
    /// Index of the column of durations.
    pub duration: usize,
    /// Nanoseconds of one step of a duration.
    step: u64,
    /// The grain of times in nanoseconds: they are whole multiples of it.
    grain: u64,
    /// The first duration that is a special value.
    special: u64,
}

impl Ends {
    /// The columns of a schema that has a start and a duration in whole nanoseconds.
    pub fn of(schema: &Schema) -> Option<Ends> {
        let (start, duration) = (schema.time_column()?, schema.column_of(Role::Duration)?);
        let column = &schema.columns[duration];
        let beside = schema.reading.ends.as_ref().filter(|_| !column.is_end());
        let unit = beside.map_or(TimeUnit::Seconds, |ends| ends.unit);
        let grain = schema.grain().map_or(1, |(_, grain)| grain.nanoseconds());
        let step = unit.decimals().checked_sub(column.field.decimals()).map(|power| 10u64.pow(power))?;
        Some(Ends { start, duration, step, grain, special: column.first_special().unwrap_or(u64::MAX) })
    }

    /// The end in nanoseconds since 1970: the start plus the duration in whole grains. A record without a
    /// duration ends when it starts.
    pub fn end(&self, start: u64, duration: u64) -> u64 {
        let duration = if duration < self.special { duration } else { 0 };
        let grains = rounded(duration.saturating_mul(self.step), self.grain);
        start.saturating_add(grains.saturating_mul(self.grain))
    }

    /// The duration of a record, rounded to its steps; `None` where the end is before the start.
    pub fn duration(&self, start: u64, end: u64) -> Option<u64> {
        Some(rounded(end.checked_sub(start)?, self.step))
    }
}

/// The nearest number of steps; halves are rounded up.
fn rounded(length: u64, step: u64) -> u64 {
    length / step + u64::from(length % step >= step.div_ceil(2).max(1))
}

impl Column {
    /// Whether the column holds durations that the file gives as end times.
    pub fn is_end(&self) -> bool {
        self.notation == Some(Notation::End)
    }
}

impl Schema {
    /// The column whose notation its cells have: that of starts for end times, and otherwise the column
    /// itself.
    pub fn told_as<'a>(&'a self, column: &'a Column) -> &'a Column {
        let start = || self.time_column().map(|start| &self.columns[start]);
        Some(column).filter(|column| !column.is_end()).or_else(start).unwrap_or(column)
    }

    /// The schema with every end as a column of times, and the position of each of its columns in a trace
    /// whose columns are now at `places`; end columns have none. `None` where no end is written.
    pub fn with_ends(&self, places: &[usize]) -> Option<(Schema, Vec<Option<usize>>, Ends)> {
        let told = self.columns.iter().position(Column::is_end);
        if told.is_none() && self.reading.ends.is_none() {
            return None;
        }
        let own = Ends::of(self)?;
        let ends = Ends { start: *places.get(own.start)?, duration: *places.get(own.duration)?, ..own };
        let start = &self.columns[own.start];
        let end = |name: &str| Column {
            name: name.into(),
            roles: Roles::default().and(Role::End),
            ..start.clone()
        };
        let (mut schema, mut places) = (self.clone(), places.iter().copied().map(Some).collect::<Vec<_>>());
        if let Some(told) = told {
            schema.columns[told] = end(&self.columns[told].name);
            places[told] = None;
        }
        if let Some(name) = &self.reading.ends {
            schema.columns.insert(own.start + 1, end(&name.column));
            places.insert(own.start + 1, None);
        }
        Some((schema, places, ends))
    }

    /// What is wrong with the declared ends, if anything.
    pub(super) fn ends_fault(&self) -> Option<String> {
        let told = self.columns.iter().find(|column| column.is_end());
        let beside = self.reading.ends.as_ref().map(|ends| &ends.column);
        let name = beside.or(told.map(|column| &column.name))?;
        let fits = Ends::of(self).is_some_and(|ends| {
            !self.columns[ends.start].optional
                && told.is_none_or(|told| {
                    self.position(&told.name) == Some(ends.duration) && told.special.is_empty()
                })
        });
        Some(match beside {
            Some(name) if !Column::may_be_called(name) => format!("{name:?} is not a valid column name"),
            _ if !fits => format!(
                "{name} holds the times at which records end, which needs a column with the role start, and one with the role duration, in steps of whole nanoseconds and without special values where it is told by the end"
            ),
            Some(_) if told.is_some() => {
                "the end is told once: by the column of durations, or by `ends` of the reading".into()
            }
            Some(name) if self.position(name).is_some() => {
                format!(
                    "{name} follows from start and duration, so it is no column of its own: leave it out of the columns"
                )
            }
            _ => return None,
        })
    }

    /// Declares that a column of the file holds end times.
    pub(super) fn declare_end(&mut self, column: &str) -> Result<(), SchemaError> {
        let wrong =
            |reason: &str| Err(SchemaError::Parameter { column: column.into(), reason: reason.into() });
        match self.position(column).map(|place| &mut self.columns[place]) {
            Some(Column { field: Field::Timestamp { .. }, roles, .. }) if !roles.has(Role::Start) => {
                *roles = Roles::default().and(Role::End);
            }
            Some(_) => return wrong("the role end is for a column of times beside that of starts"),
            None => {
                let end = Column::new(column, Field::timestamp(1)).with(Role::End);
                self.columns.push(end);
            }
        }
        self.settle_ends();
        match self.column_of(Role::End) {
            Some(_) => wrong("an end follows from a start: give a column of times the role start before"),
            None => Ok(()),
        }
    }

    /// Resolves a column of times with the role `end`: beside a duration it is derived from it, otherwise it
    /// becomes the duration.
    pub fn settle_ends(&mut self) {
        let is_end =
            |column: &Column| matches!(column.field, Field::Timestamp { .. }) && column.roles.has(Role::End);
        let starts = self.time_column().is_some();
        let Some(place) = self.columns.iter().position(is_end).filter(|_| starts) else { return };
        if self.reading.ends.is_some() {
            return;
        }
        if self.column_of(Role::Duration).is_some() {
            let unit = layout(&self.name).map_or(TimeUnit::Seconds, |layout| layout.duration);
            self.reading.ends = Some(Ended { column: self.columns.remove(place).name, unit });
            return;
        }
        let of_start = self.grain().map(|(_, grain)| grain.nanoseconds());
        let column = &mut self.columns[place];
        let grain = match column.field {
            Field::Timestamp { grain: Some(grain), .. } => grain.nanoseconds(),
            _ => of_start.unwrap_or(1_000),
        };
        column.field = duration_in(grain);
        column.roles = Roles::default().and(Role::Duration);
        column.notation = Some(Notation::End);
    }
}

/// A week in seconds: longer flows are capped at that.
const LONGEST: u64 = 604_800;

/// A field of durations in steps of this many nanoseconds, rounded down to a power of ten.
pub fn duration_in(nanoseconds: u64) -> Field {
    let decimals = 9u32.saturating_sub(nanoseconds.max(1).ilog10());
    match decimals {
        0 => Field::IntegerExponential { max: LONGEST, base: 2.0 },
        decimals => Field::FloatExponential {
            resolution: format!("1e-{decimals}").parse().unwrap_or(1e-6),
            max: LONGEST as f64,
            base: 2.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(schema: &serde_json::Value) -> Result<Schema, String> {
        let schema: Schema = serde_json::from_value(schema.clone()).map_err(|error| error.to_string())?;
        schema.check().and(schema.check_notations()).map_err(|error| error.to_string())?;
        Ok(schema)
    }

    fn columns(more: &[serde_json::Value]) -> serde_json::Value {
        let start =
            serde_json::json!({"name": "ts", "type": {"timestamp": {"grain": "10ms"}}, "role": "start"});
        let columns: Vec<_> = [start].iter().chain(more).cloned().collect();
        serde_json::json!({"name": "own", "kind": "flow", "columns": columns})
    }

    #[test]
    fn an_end_without_a_duration_tells_it() {
        let schema = ends(&columns(&[
            serde_json::json!({"name": "te", "type": {"timestamp": {"grain": "10ms"}}, "role": "end"}),
        ]));
        let schema = schema.unwrap();
        let column = &schema.columns[1];
        assert!(column.is_end() && column.roles.has(Role::Duration) && column.field.decimals() == 2);
        assert_eq!(schema.told_as(column).name, "ts");
        let own = Ends::of(&schema).unwrap();
        assert_eq!(
            (own.duration(5_000_000_000, 6_250_000_000), own.end(5_000_000_000, 125)),
            (Some(125), 6_250_000_000)
        );
        assert_eq!(own.duration(2, 1), None);
        assert_eq!(
            (own.end(u64::MAX - 1, u64::MAX - 1), own.duration(0, u64::MAX)),
            (u64::MAX, Some(1_844_674_407_371))
        );
        assert!(!column.may_be_special());
        let (written, places, _) = schema.with_ends(&[0, 1]).unwrap();
        assert_eq!((places, written.columns[1].name.as_str()), (vec![Some(0), None], "te"));
        // It is written in its resolved form, and reads back as that.
        let text = serde_json::to_value(&schema).unwrap();
        assert_eq!((&text["version"], &text["columns"][1]["notation"]), (&5.into(), &"end".into()));
        assert_eq!(serde_json::from_value::<Schema>(text).unwrap(), schema);
    }

    #[test]
    fn an_end_beside_a_duration_follows_from_it() {
        let td = serde_json::json!({"name": "td", "type": {"float-exponential": {"resolution": 1e-6, "max": 9.0}}, "role": "duration", "special": ["-"]});
        let te = serde_json::json!({"name": "te", "type": {"timestamp": {}}, "role": "end"});
        let schema = ends(&columns(&[te.clone(), td.clone()])).unwrap();
        assert_eq!(
            (
                schema.columns.len(),
                schema.reading.ends.as_ref().map(|ends| ends.column.as_str()),
                schema.version()
            ),
            (2, Some("te"), 5)
        );
        let (written, places, own) = schema.with_ends(&[4, 7]).unwrap();
        let names: Vec<&str> = written.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((names, places), (vec!["ts", "te", "td"], vec![Some(4), None, Some(7)]));
        assert_eq!(
            (own.start, own.duration, own.end(0, 8_345_678), own.end(7, 9_000_001)),
            (4, 7, 8_350_000_000, 7)
        );
        // Without the role it is unknown which of two times is the start.
        let plain = serde_json::json!({"name": "te", "type": {"timestamp": {}}});
        let refused = ends(&columns(&[plain, td])).unwrap_err();
        assert!(refused.contains("role end"), "{refused}");
    }

    #[test]
    fn a_column_that_cannot_hold_ends_is_refused() {
        let told = |field: serde_json::Value, role: &str| {
            ends(&columns(&[
                serde_json::json!({"name": "te", "type": field, "role": role, "notation": "end"}),
            ]))
        };
        let float = |resolution: f64| serde_json::json!({"float-exponential": {"resolution": resolution, "max": 9.0}});
        assert!(told(float(1e-9), "duration").is_ok());
        for (field, role) in [
            (float(1e-10), "duration"),
            (serde_json::json!({"integer-exponential": {"max": 9}}), "bytes"),
            (serde_json::json!("port"), "source-port"),
        ] {
            assert!(told(field, role).is_err(), "{role}");
        }
    }

    #[test]
    fn steps_are_those_of_the_times() {
        assert_eq!(duration_in(1_000_000_000).decimals(), 0);
        assert_eq!(duration_in(60_000_000_000).decimals(), 0);
        assert_eq!([1_000_000, 10_000_000, 1_000, 1, 0].map(|n| duration_in(n).decimals()), [3, 2, 6, 9, 9]);
    }
}
