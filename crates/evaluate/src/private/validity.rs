//! Validity: records that violate a protocol fact, and values outside the declared domain.

use super::Traces;
use netdpsyn_trace::progress::{Cancelled, Progress, par_blocks};
use netdpsyn_trace::{Checked, Facts, Schema, Trace};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Shares of impossible records and values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Validity {
    /// Every protocol fact that the schema declares and has the columns for, and those that need no
    /// declaration: the IP version of a packet, ports of protocols that have none.
    pub facts: Vec<Broken>,
    /// Every column with a declared domain or window.
    pub outside: Vec<Outside>,
}

/// Records that violate a protocol fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Broken {
    /// The fact, as the schema names it; `header-checksum` where the trace has that column.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub fact: Checked,
    /// Share of the fitted records that violate it, 0 to 1. It may be above 0 in raw traces.
    pub real: f64,
    /// Share of the synthetic records. Good is 0, or that of the fitted records.
    pub synthetic: f64,
}

/// Values outside a column's declared domain; for times, outside the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outside {
    /// The column.
    pub column: String,
    /// Share of the fitted records, 0 to 1.
    pub real: f64,
    /// Share of the synthetic records. Good is 0, or that of the fitted records.
    pub synthetic: f64,
}

/// Counts violations in the fitted and in the synthetic records. Without records the share is 0.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn validity(traces: &Traces, progress: &dyn Progress) -> Result<Validity, Cancelled> {
    let broken = |trace: &Trace| broken(trace, traces.schema, progress);
    let (real, synthetic) = (broken(traces.real)?, broken(traces.synthetic)?);
    let facts = real.into_iter().zip(synthetic);
    let facts = facts.map(|((fact, real), (_, synthetic))| Broken { fact, real, synthetic });
    let columns = traces.schema.columns.iter().enumerate();
    let declared = columns.filter_map(|(i, c)| Some((i, c, c.declared(traces.schema.window)?)));
    let outside = declared.map(|(index, column, domain)| {
        let share = |trace: &Trace| {
            let mut count = 0u64;
            trace.column(index).visit(progress, |value| count += u64::from(!domain.contains(&value)))?;
            Ok(count as f64 / trace.rows().max(1) as f64)
        };
        let (real, synthetic) = (share(traces.real)?, share(traces.synthetic)?);
        Ok(Outside { column: column.name.clone(), real, synthetic })
    });
    Ok(Validity { facts: facts.collect(), outside: outside.collect::<Result<_, Cancelled>>()? })
}

/// The facts of the schema, with the share of records that violate each.
fn broken(trace: &Trace, schema: &Schema, progress: &dyn Progress) -> Result<Vec<(Checked, f64)>, Cancelled> {
    let facts = Facts::of(schema);
    let width = schema.columns.len();
    // Without records: the facts alone.
    let checked: Vec<Checked> = facts.broken(&vec![0; width]).map(|(fact, _)| fact).collect();
    let count = |rows: Result<Range<usize>, Cancelled>| {
        let mut counts = vec![0u64; checked.len()];
        let mut record = vec![0; width];
        for row in rows? {
            for (value, column) in record.iter_mut().zip(trace.columns()) {
                *value = column.get(row);
            }
            for (count, (_, broken)) in counts.iter_mut().zip(facts.broken(&record)) {
                *count += u64::from(broken);
            }
        }
        Ok(counts)
    };
    let add = |mut a: Vec<u64>, b: Vec<u64>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        Ok(a)
    };
    let counts =
        par_blocks(0..trace.rows(), progress).map(count).try_reduce(|| vec![0; checked.len()], add)?;
    let share = |count| count as f64 / trace.rows().max(1) as f64;
    Ok(checked.into_iter().zip(counts.into_iter().map(share)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;

    #[test]
    fn broken_facts_and_foreign_values_are_counted() {
        let mut schema = presets::preset("ton").unwrap();
        schema.window = Some("0/60".parse().unwrap());
        let mut real = Trace::empty(&schema);
        // No packets, no bytes, no duration: it violates nothing.
        real.push(&[1, 2, 80, 443, 6, 5, 0, 0, 0, 0, 3]);
        let mut synthetic = real.clone();
        synthetic.push(&[1, 2, 8, 0, 1, u64::MAX, 7, 1, 19, 0, 10]);
        let found =
            validity(&Traces { real: &real, held_out: None, synthetic: &synthetic, schema: &schema }, &Quiet)
                .unwrap();
        let facts: Vec<_> = found.facts.iter().map(|f| (f.fact.name(), f.real, f.synthetic)).collect();
        let expected = [
            ("bytes-fit-packets", 0.0, 0.5),
            ("one-packet-no-duration", 0.0, 0.5),
            ("ports-where-protocols-have-them", 0.0, 0.5),
        ];
        assert_eq!(facts, expected);
        for outside in &found.outside {
            let wrong = ["ts", "type"].contains(&outside.column.as_str());
            assert_eq!(
                (outside.real, outside.synthetic),
                (0.0, if wrong { 0.5 } else { 0.0 }),
                "{outside:?}"
            );
        }
        assert_eq!(found.outside.len(), 11);
        schema.window = None;
        let none = Trace::empty(&schema);
        let found =
            validity(&Traces { real: &none, held_out: None, synthetic: &none, schema: &schema }, &Quiet)
                .unwrap();
        assert!(found.facts.iter().all(|fact| (fact.real, fact.synthetic) == (0.0, 0.0)));
        assert_eq!(found.outside.len(), 10, "without a window no time is outside it");
    }
}
