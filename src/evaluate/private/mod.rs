//! Against the raw trace: unpaid, and therefore [`Private`] to its steward.

pub mod anomaly;
pub mod chance;
pub mod classify;
pub mod one_way;
pub mod skipped;
pub mod two_way;

use crate::privacy::{Private, Sensitive};
use crate::trace::{Field, Schema, Trace};
use serde::Serialize;

/// Version of the JSON form.
pub const VERSION: u32 = 1;

/// How far a synthetic trace lies from the raw one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Of the JSON form.
    pub version: u32,
    /// Computed against raw data.
    pub private: bool,
    /// Raw records.
    pub real_rows: usize,
    /// Synthetic records.
    pub synthetic_rows: usize,
    /// Every column on its own.
    pub one_way: Vec<one_way::OneWay>,
    /// Every pair of columns.
    pub two_way: two_way::TwoWay,
}

/// Compares a synthetic trace with the raw one. Both have the schema's columns.
pub fn compare(real: &Sensitive<Trace>, synthetic: &Trace, schema: &Schema) -> Private<Comparison> {
    real.privately(|real| Comparison {
        version: VERSION,
        private: true,
        real_rows: real.rows(),
        synthetic_rows: synthetic.rows(),
        one_way: one_way::all(real, synthetic, schema),
        two_way: two_way::two_way(real, synthetic, schema),
    })
}

/// Whether a column counts as categorical: its values are names, not sizes. The key attribute always does.
fn is_nominal(schema: &Schema, column: usize) -> bool {
    let nominal = matches!(
        schema.columns[column].field,
        Field::Ip { .. } | Field::Port | Field::Protocol | Field::Categorical(_)
    );
    nominal || schema.key_column() == Some(column)
}

/// The columns that are compared: all that a model measures. The others are drawn uniformly or computed.
fn compared(schema: &Schema) -> Vec<usize> {
    (0..schema.columns.len()).filter(|&i| schema.columns[i].is_measured()).collect()
}
