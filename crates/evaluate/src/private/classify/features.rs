//! Features: columns of a trace as numbers.
//!
//! Trees take the values as they are, since only their order matters. Linear models and networks take sizes
//! and durations as log(1+x), in the unit of the file, and every column standardised by the training part.
//! Ports and protocol numbers are numeric features everywhere.

use netdpsyn_trace::{Field, RecordKind, Role, Schema, Trace};

/// Roles of the columns from which the key attribute of a flow is predicted.
const OF_FLOWS: [Role; 6] =
    [Role::SourcePort, Role::DestinationPort, Role::Protocol, Role::Duration, Role::Packets, Role::Bytes];
/// Roles of the columns from which the key attribute of a packet is predicted.
const OF_PACKETS: [Role; 6] =
    [Role::SourcePort, Role::DestinationPort, Role::Protocol, Role::Length, Role::Ttl, Role::Tos];

/// The feature columns for predicting `key`, as far as the trace has them.
pub fn chosen(schema: &Schema, key: usize) -> Vec<usize> {
    let roles = match schema.kind {
        RecordKind::Flow => OF_FLOWS,
        RecordKind::Packet => OF_PACKETS,
    };
    roles.iter().filter_map(|&role| schema.column_of(role)).filter(|&column| column != key).collect()
}

/// One feature of all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// The value of each row, in the unit of the file.
    pub values: Vec<f64>,
    /// Whether it is a size or a duration, spread over orders of magnitude.
    pub is_size: bool,
}

/// The features of some rows, column by column.
#[derive(Clone, Debug, PartialEq)]
pub struct Features(pub Vec<Feature>);

impl Features {
    /// The given columns of a trace.
    pub fn of(trace: &Trace, schema: &Schema, columns: &[usize]) -> Self {
        let feature = |&column: &usize| {
            let field = &schema.columns[column].field;
            let unit = 10f64.powi(field.decimals() as i32);
            let mut values = Vec::with_capacity(trace.rows());
            trace.column(column).for_each(|value| values.push(value as f64 / unit));
            let is_size = match field {
                Field::FloatExponential { .. } | Field::IntegerExponential { .. } => true,
                Field::Integer { max, .. } => *max > 255,
                _ => false,
            };
            Feature { values, is_size }
        };
        Features(columns.iter().map(feature).collect())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, |feature| feature.values.len())
    }
}

/// The scales of the training part: mean and standard deviation of every column, after log(1+x) for sizes.
pub struct Scales(Vec<[f64; 2]>);

impl Scales {
    /// The scales of these rows. A constant column is centred, not scaled.
    pub fn of(train: &Features) -> Self {
        let scale = |feature: &Feature| {
            let count = feature.values.len().max(1) as f64;
            let spread = |power: i32, centre: f64| {
                feature.values.iter().map(|&v| (level(v, feature.is_size) - centre).powi(power)).sum::<f64>()
                    / count
            };
            let mean = spread(1, 0.0);
            let deviation = spread(2, mean).sqrt();
            [mean, if deviation > 1e-9 { deviation } else { 1.0 }]
        };
        Scales(train.0.iter().map(scale).collect())
    }

    /// The columns on these scales.
    pub fn apply(&self, features: &Features) -> Vec<Vec<f32>> {
        let scaled = |(feature, [mean, deviation]): (&Feature, &[f64; 2])| {
            let standard = |&v: &f64| ((level(v, feature.is_size) - mean) / deviation) as f32;
            feature.values.iter().map(standard).collect()
        };
        features.0.iter().zip(&self.0).map(scaled).collect()
    }
}

fn level(value: f64, is_size: bool) -> f64 {
    if is_size { value.ln_1p() } else { value }
}
