//! Properties of all measures across records, on arbitrary traces.

use super::population::{Population, population};
use super::sessions::{Sessions, sessions};
use super::top::{TopList, top};
use super::volumes::{Volumes, volumes};
use super::{Schema, Trace, Traces};
use netdpsyn_trace::presets;
use netdpsyn_trace::progress::Quiet;
use proptest::prelude::*;

/// Few values, so that hosts, pairs and sessions recur: addresses, ports, protocol, time and size.
fn records() -> impl Strategy<Value = Vec<[u64; 7]>> {
    let record = (0u64..4, 0u64..4, 0u64..2, 0u64..2, 5u64..7, 0u64..60, 0u64..9);
    let array = record.prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g]);
    prop::collection::vec(array, 1..40)
}

fn schema(packets: bool) -> Schema {
    let mut schema = presets::preset(if packets { "packet" } else { "flow" }).unwrap();
    schema.window = Some("0/60".parse().unwrap());
    schema
}

fn trace(schema: &Schema, records: &[[u64; 7]]) -> Trace {
    let mut trace = Trace::empty(schema);
    for &[source, destination, source_port, destination_port, protocol, second, size] in records {
        let mut record = vec![size; schema.columns.len()];
        record[..6].copy_from_slice(&[
            source,
            destination,
            source_port,
            destination_port,
            protocol,
            second * 1_000_000_000,
        ]);
        trace.push(&record);
    }
    trace
}

fn all(real: &Trace, synthetic: &Trace, schema: &Schema) -> (Volumes, Population, Sessions, Vec<TopList>) {
    let traces = Traces { real, held_out: None, synthetic, schema };
    let found = (volumes(&traces, &Quiet), population(&traces, &Quiet), sessions(&traces, &Quiet));
    (found.0.unwrap(), found.1.unwrap(), found.2.unwrap(), top(&traces, &Quiet).unwrap())
}

proptest! {
    #[test]
    fn a_trace_lies_on_itself(records in records(), packets: bool) {
        let schema = schema(packets);
        let trace = trace(&schema, &records);
        let (volumes, population, sessions, top) = all(&trace, &trace, &schema);
        for course in volumes.courses {
            prop_assert!(course.peak == 1.0 && course.r.is_none_or(|r| (r - 1.0).abs() < 1e-9), "{course:?}");
        }
        let sizes = volumes.sizes.iter().flat_map(|size| &size.quantiles);
        prop_assert!(sizes.into_iter().all(|quantile| quantile.ratio == 1.0));
        let counts = population.counts.iter().chain([&sessions.number]);
        prop_assert!(counts.into_iter().all(|count| count.ratio == 1.0));
        for profile in population.profiles.iter().chain(&sessions.profiles) {
            prop_assert!(profile.distance == 0.0 && profile.quantiles.iter().all(|q| q.ratio == 1.0));
        }
        let shares = [population.mutual_pairs, population.answered.pair, sessions.alternation];
        prop_assert!(shares.iter().all(|share| share.difference == 0.0 && (0.0..=1.0).contains(&share.real)));
        prop_assert!(top.iter().all(|list| list.overlap == 1.0));
    }

    #[test]
    fn the_order_of_records_does_not_matter(
        (sorted, shuffled) in records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
        other in records(),
        packets: bool,
    ) {
        let schema = schema(packets);
        let other = trace(&schema, &other);
        let found = |records: &[[u64; 7]]| all(&trace(&schema, records), &other, &schema);
        prop_assert_eq!(found(&sorted), found(&shuffled));
        let found = |records: &[[u64; 7]]| all(&other, &trace(&schema, records), &schema);
        prop_assert_eq!(found(&sorted), found(&shuffled));
    }
}
