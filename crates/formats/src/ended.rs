//! Adds end times to records for writers: start plus duration, as a schema's [`Ends`] define them.

use netdpsyn_trace::{Addresses, Ends, Schema, Trace, Values};
use std::ops::Range;

/// The written columns of a trace with end times.
pub(super) struct Ended {
    /// The columns that are written.
    pub schema: Schema,
    /// The index of each in the trace; `None` for ends.
    places: Vec<Option<usize>>,
    ends: Ends,
}

impl Ended {
    /// For a trace that has the schema's columns at `places`; `None` where no end is written.
    pub fn of(schema: &Schema, places: &[usize]) -> Option<Ended> {
        let (schema, places, ends) = schema.with_ends(places)?;
        Some(Ended { schema, places, ends })
    }

    /// For a trace that has exactly the schema's columns, in their order.
    pub fn of_whole(schema: &Schema) -> Option<Ended> {
        Ended::of(schema, &(0..schema.columns.len()).collect::<Vec<_>>())
    }

    /// Some records with all columns that are written, in their order.
    pub fn part(&self, slice: &Trace, rows: Range<usize>) -> Trace {
        let (start, duration) = (slice.column(self.ends.start), slice.column(self.ends.duration));
        let column = |place: &Option<usize>| match place {
            Some(place) => slice.column(*place).part(rows.clone()),
            None => {
                let end = |row| self.ends.end(start.get(row), duration.get(row));
                Values::U64(rows.clone().map(end).collect())
            }
        };
        let part = Trace::new(self.places.iter().map(column).collect());
        let directory = slice.addresses().map(|addresses| addresses.directory.clone());
        part.with_addresses(directory.and_then(|directory| Addresses::of(&self.schema, directory)))
    }
}
