//! The checks of a schema, before any value is read.

use super::{Column, Field, Schema, SchemaError};
use crate::gaps::FlowColumns;
use crate::{Facts, Grain, Notation, Role, presets};

/// The smallest maximum packet size of any link (RFC 791).
const LEAST_MTU: u16 = 68;

impl Schema {
    /// Checks everything that can be wrong with the schema itself. For completeness see
    /// [`Schema::check_complete`].
    ///
    /// # Errors
    /// [`SchemaError`] with the first fault.
    pub fn check(&self) -> Result<(), SchemaError> {
        if self.columns.is_empty() {
            return Err(SchemaError::Shape("a schema needs at least one column".into()));
        }
        for (i, column) in self.columns.iter().enumerate() {
            if !Column::may_be_called(&column.name) {
                return Err(SchemaError::Shape(format!("{:?} is not a valid column name", column.name)));
            }
            if column.name == presets::GAP && !matches!(column.field, Field::FlowGap { .. }) {
                let reason = "that name belongs to the gap between records of a flow, which a fit derives itself; leave the column out";
                return Err(SchemaError::Parameter { column: column.name.clone(), reason: reason.into() });
            }
            if self.position(&column.name) != Some(i) {
                return Err(SchemaError::Shape(format!("column {} is declared twice", column.name)));
            }
            let fault = column.field.fault().or_else(|| column.special_fault());
            if let Some(reason) = fault.or_else(|| self.address_fault(column)) {
                return Err(SchemaError::Parameter { column: column.name.clone(), reason });
            }
        }
        let times = self.columns.iter().filter(|c| matches!(c.field, Field::Timestamp { .. }));
        if times.count() > 1 {
            return Err(SchemaError::Shape(
                "a schema has one timestamp column, that of the start; give one that holds the time of the end the role end, and declare the role start of the other".into(),
            ));
        }
        if let Some(fault) = self.ends_fault() {
            return Err(SchemaError::Shape(fault));
        }
        let derived = self.columns.iter().filter(|c| matches!(c.field, Field::FlowGap { .. })).count();
        if derived > 0 && (derived > 1 || self.derived() != Some(self.columns.len() - 1)) {
            return Err(SchemaError::Shape("the derived column is one and comes last".into()));
        }
        if derived > 0 && FlowColumns::of(self).is_none() {
            return Err(SchemaError::Shape(
                "it has a column of gaps between records of a flow, and lacks some of the five-tuple and the time that these follow from".into(),
            ));
        }
        if self.version() != 1 {
            self.check_said_roles()?;
        }
        self.check_grain()?;
        self.check_mtu()?;
        self.reading.check_under(Some(self.kind))?;
        self.check_special_is_written()?;
        self.check_window_is_written()?;
        if !self.columns.iter().any(Column::is_measured) {
            return Err(SchemaError::Shape("no column of the schema is measured".into()));
        }
        Ok(())
    }

    /// What is wrong with a column of addresses of any family, if anything.
    fn address_fault(&self, column: &Column) -> Option<String> {
        let other_end =
            |role| self.column_of(role).is_some_and(|end| self.columns[end].field != column.field);
        let ends = [Role::SourceAddress, Role::DestinationAddress];
        let checksums = || self.columns.iter().any(|other| other.field == Field::IpChecksum);
        match column.field {
            Field::Address {} if !column.modelled => {
                Some("there are too many addresses to draw any: measure it, or leave it out".into())
            }
            Field::Address {}
                if ends.iter().any(|&role| column.roles.has(role)) && ends.into_iter().any(other_end) =>
            {
                Some("source and destination are both of type `ip`, or both of type `address`".into())
            }
            Field::Address {} if checksums() => {
                Some("a header checksum is of IPv4: leave its column out of the schema, or declare addresses as `ip` beside it".into())
            }
            _ => None,
        }
    }

    /// The column of times with a declared grain, and the grain.
    pub fn grain(&self) -> Option<(usize, Grain)> {
        let mut columns = self.columns.iter().enumerate();
        columns.find_map(|(index, column)| match column.field {
            Field::Timestamp { grain, .. } => Some((index, grain?)),
            _ => None,
        })
    }

    /// Checks that the window begins and ends at multiples of the grain, so that every time in it has a
    /// multiple at or before it.
    fn check_grain(&self) -> Result<(), SchemaError> {
        let Some(((column, grain), window)) = self.grain().zip(self.window) else { return Ok(()) };
        let even = |time: u64| time.is_multiple_of(grain.nanoseconds());
        if even(window.start()) && even(window.end()) {
            return Ok(());
        }
        Err(SchemaError::Parameter {
            column: self.columns[column].name.clone(),
            reason: format!(
                "the window {window} does not begin and end at multiples of the grain {grain}: widen it to such, or declare a finer grain"
            ),
        })
    }

    /// Checks that the window begins and ends at times that the declared format can write: a format rounds
    /// times down.
    fn check_window_is_written(&self) -> Result<(), SchemaError> {
        let Some((times, window)) = self.reading.times.as_ref().zip(self.window) else { return Ok(()) };
        if times.told_twice(window.start(), window.end()).is_some() {
            return Err(SchemaError::Shape(format!(
                "clocks are set back within the window {window}, so that {} tells two times alike: declare the zone by an offset as +01:00, or let times tell theirs (%z)",
                times.format
            )));
        }
        match [window.start(), window.end()].into_iter().all(|time| times.keeps(time)) {
            true => Ok(()),
            false => Err(SchemaError::Shape(format!(
                "the window {window} begins or ends between two times as {} tells them: widen it, or tell times more finely",
                times.format
            ))),
        }
    }

    fn check_mtu(&self) -> Result<(), SchemaError> {
        let wrong = |reason: String| Err(SchemaError::Shape(reason));
        match self.mtu {
            None => Ok(()),
            Some(mtu) if mtu < LEAST_MTU => {
                wrong(format!("mtu must be {LEAST_MTU} to 65,535 bytes, not {mtu}"))
            }
            Some(_) if Facts::of(self).bytes_fit().is_none() => wrong(
                "mtu bounds the bytes of flows: it needs the fact bytes-fit-packets and columns with the roles packets and bytes".into(),
            ),
            Some(_) => Ok(()),
        }
    }

    /// Checks that every declared notation fits its field, and that the notation of times distinguishes times
    /// of the declared grain. In a schema that is already bound, a notation that does not fit counts as
    /// undeclared.
    ///
    /// # Errors
    /// [`SchemaError`] with the first notation that does not fit.
    pub fn check_notations(&self) -> Result<(), SchemaError> {
        let wrong = |column: &&Column| column.notation.is_some_and(|notation| !notation.fits(&column.field));
        match self.columns.iter().find(wrong) {
            None => self.check_grain_is_written(),
            Some(column) => Err(SchemaError::Parameter {
                column: column.name.clone(),
                reason: "values of its type are not written in the notation that it declares; leave the notation out".into(),
            }),
        }
    }

    /// Checks the grain against the unit of times: a finer grain is lost where times are written in whole
    /// units.
    fn check_grain_is_written(&self) -> Result<(), SchemaError> {
        let Some((index, grain)) = self.grain() else { return Ok(()) };
        let column = &self.columns[index];
        match column.notation {
            Some(Notation::Epoch { unit, decimal })
                if !grain.nanoseconds().is_multiple_of(unit.shown(decimal).nanoseconds()) =>
            {
                Err(SchemaError::Parameter {
                    column: column.name.clone(),
                    reason: format!(
                        "its times are written in whole {}, in which the grain {grain} cannot be told: declare a coarser one",
                        unit.shown(decimal)
                    ),
                })
            }
            _ => Ok(()),
        }
    }

    /// Checks that every public domain is declared: a fit must never derive one from the values.
    ///
    /// # Errors
    /// [`SchemaError`] with the first domain that is not declared.
    pub fn check_complete(&self) -> Result<(), SchemaError> {
        self.check()?;
        self.undeclared().into_iter().next().map_or(Ok(()), Err)
    }

    /// The domains that are not declared yet, as the errors that a fit would return.
    pub fn undeclared(&self) -> Vec<SchemaError> {
        let open = self.columns.iter().filter(|c| c.space(self.window).is_none());
        open.map(|column| {
            let name = column.name.clone();
            match column.field {
                Field::Timestamp { .. } => SchemaError::NoWindow { column: name },
                _ => SchemaError::NoCategories { column: name },
            }
        })
        .collect()
    }
}
