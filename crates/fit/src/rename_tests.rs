//! Column names have no influence: a trace with renamed columns and the same roles has the same noisy counts
//! under the same key, and the same synthetic records under the same seed.

use super::count::{Marginal, Reach};
use super::split::SplitKey;
use super::*;
use netdpsyn_generate::{Request, generate};
use netdpsyn_model::Model;
use netdpsyn_model::domain::Partition;
use netdpsyn_privacy::Guarantee;
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::simulate::{flows, packets};

/// A name that no preset uses and that sorts differently.
fn other_name(column: usize) -> String {
    format!("zz{:02}", 50 - column)
}

fn renamed(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    schema.columns.iter_mut().enumerate().for_each(|(i, column)| column.name = other_name(i));
    schema
}

/// The measurements of a trace, and the records generated from them.
fn made(trace: &Trace, schema: &Schema, plan: &Plan) -> (Bundle, Trace) {
    let fitted = fit(Sensitive::new(trace.clone()), schema, plan, &NoiseKey::for_test(7), &Quiet).unwrap();
    let model = Model::from_bundle(&fitted.bundle, &Quiet).unwrap();
    let request = Request { seed: 5, ..Request::default() };
    let made = generate(&model, &request, &Quiet).unwrap();
    (fitted.bundle, made.trace)
}

#[test]
fn renamed_columns_are_measured_and_made_alike() {
    for (schema, trace) in
        [(flows::schema(), flows::simulate(4_000, 1)), (packets::schema(), packets::simulate(4_000, 1))]
    {
        for method in [Method::Netdpsyn, Method::Adaptive] {
            let mut plan = Plan::new(Guarantee::new(8.0, 1e-9).unwrap(), method);
            plan.options.max_cells = 20_000;
            plan.hold_out = Some(SplitKey::of_population([3; 32]));
            let (bundle, synthetic) = made(&trace, &schema, &plan);
            let (mut other, other_synthetic) = made(&trace, &renamed(&schema), &plan);
            assert_eq!(bundle.schema.derived().is_some(), method == Method::Netdpsyn);
            assert!(bundle.measurements.len() > bundle.attributes.len() || bundle.sessions().is_some());
            assert_eq!(synthetic, other_synthetic, "{}", schema.name);
            // Except for the names, the bundles are equal: domains, counts, charges.
            let versions = match bundle.rhythm {
                _ if method == Method::Netdpsyn => (1, 2),
                Some(_) => (7, 7),
                None => (4, 4),
            };
            assert_eq!(
                (bundle.version, other.version),
                versions,
                "version 1 cannot say what other names mean"
            );
            (other.version, other.schema) = (bundle.version, bundle.schema.clone());
            let mut text = serde_json::to_string(&other).unwrap();
            for (i, column) in schema.columns.iter().enumerate() {
                text = text.replace(&other_name(i), &column.name);
            }
            assert!(text == serde_json::to_string(&bundle).unwrap(), "{}", schema.name);
        }
    }
}

#[test]
fn the_type_of_a_column_says_that_it_holds_gaps() {
    let schema = flows::schema().with_gaps();
    let cut = |column: usize, name: &str| Attribute {
        column,
        name: name.into(),
        partition: Partition::from_starts(vec![0, 1], 2),
    };
    let attributes = [cut(2, "tsdiff"), cut(schema.columns.len() - 1, "whatever"), cut(4, "proto")];
    let reach = Reach::of(netdpsyn_account::statement::Unit::Record, &schema, &attributes);
    let squared = |of: &[usize]| Marginal::new(of, &attributes).sensitivity(reach).squared();
    assert_eq!([&[0][..], &[1], &[2], &[0, 2], &[0, 1], &[1, 2]].map(squared), [1, 5, 1, 1, 5, 5]);
}
