//! Replaces special values by plain ones, for measures that add sizes or distinguish hosts.

use super::Traces;
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Schema, Trace, Values};
use std::borrow::Cow;

/// The traces with a plain value in place of every special one: see [`netdpsyn_trace::Column::plain`].
pub struct Plain<'a> {
    real: Cow<'a, Trace>,
    held_out: Option<Cow<'a, Trace>>,
    synthetic: Cow<'a, Trace>,
    schema: &'a Schema,
}

impl<'a> Plain<'a> {
    /// The plain form of these traces; copies are made only where there are special values.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(traces: &Traces<'a>, progress: &dyn Progress) -> Result<Plain<'a>, Cancelled> {
        let schema = traces.schema;
        let one = |trace: &'a Trace| plain(trace, schema, progress);
        Ok(Plain {
            real: one(traces.real)?,
            held_out: traces.held_out.map(one).transpose()?,
            synthetic: one(traces.synthetic)?,
            schema,
        })
    }

    /// The traces, as inputs of measures.
    pub fn traces(&self) -> Traces<'_> {
        Traces {
            real: &self.real,
            held_out: self.held_out.as_deref(),
            synthetic: &self.synthetic,
            schema: self.schema,
        }
    }
}

fn plain<'a>(
    trace: &'a Trace,
    schema: &Schema,
    progress: &dyn Progress,
) -> Result<Cow<'a, Trace>, Cancelled> {
    if schema.columns.iter().all(|column| column.special.is_empty()) {
        return Ok(Cow::Borrowed(trace));
    }
    let columns =
        schema.columns.iter().zip(trace.columns()).map(|(column, values)| match column.special.is_empty() {
            true => Ok(values.clone()),
            false => values.map(column.storage_max(), |value| column.plain(value), progress),
        });
    let columns = columns.collect::<Result<Vec<Values>, Cancelled>>()?;
    Ok(Cow::Owned(Trace::new(columns).with_addresses(trace.addresses().cloned())))
}
