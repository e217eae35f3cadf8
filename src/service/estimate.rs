//! What a job takes at most: memory, and disk. Upper bounds of what docs/PERFORMANCE.md measures.

use super::disk;
use crate::fit;
use crate::formats::making_bytes;
use crate::generate;
use crate::model::Bundle;
use crate::trace::{Addresses, Schema, Trace};

/// Memory that a job takes whatever its size.
const BASE_BYTES: u64 = 160 << 20;
/// Bytes that a column of a record takes while codes are counted.
const FIT_A_COLUMN: u64 = 8;
/// Bytes that a cell takes while it is counted, on every thread, and while noise is added.
const COUNTED_A_CELL: u64 = 4;
const DRAWN_A_CELL: u64 = 16;
/// Bytes that a column of a record takes while two traces are compared.
const EVALUATE_A_COLUMN: u64 = 8;
/// Bytes that a cell and an interval of a model take while it is reconciled, rounded, generated from and counted.
const BYTES_A_CELL: u64 = 72;

/// A model of an earlier version: more than most have.
const UNKNOWN_MODEL: u64 = 128 << 20;

/// Bytes that an address of any family takes where no other record has it: a place in the table that numbers are given by, one in the directory, and its count.
const AN_ADDRESS: u64 = 192;

fn a_record(schema: &Schema, a_column: u64) -> u64 {
    let addresses = Addresses::columns(schema).count() as u64 * AN_ADDRESS;
    Trace::empty(schema).bytes_per_row() as u64 + schema.columns.len() as u64 * a_column + addresses
}

/// Memory of a job that reads a raw trace, whatever its size: flows of a packet capture are made again each time.
fn reading(schema: &Schema) -> u64 {
    BASE_BYTES + making_bytes(schema)
}

/// Memory of a fit of so many records. A marginal of more cells than usual is counted by every thread for itself, and then drawn over.
pub fn fit(schema: &Schema, options: &fit::FitOptions, records: u64) -> u64 {
    let unusual = options.max_cells.saturating_sub(fit::FitOptions::default().max_cells);
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let counted = unusual.saturating_mul(COUNTED_A_CELL * threads + DRAWN_A_CELL);
    reading(schema)
        .saturating_add(counted)
        .saturating_add(records.saturating_mul(a_record(schema, FIT_A_COLUMN)))
}

/// Memory of a comparison of so many raw and synthetic records together.
pub fn evaluation(schema: &Schema, records: u64) -> u64 {
    reading(schema).saturating_add(records.saturating_mul(a_record(schema, EVALUATE_A_COLUMN)))
}

/// Memory of a generation of so many records, `conditioned` or not, from a model of this size, which those of earlier versions do not know; see [`model`].
pub fn generation(schema: &Schema, rows: u64, conditioned: bool, model: Option<i64>) -> u64 {
    let model = model.map_or(UNKNOWN_MODEL, |bytes| bytes as u64);
    let making = if conditioned { generate::quota::memory_bytes } else { generate::memory_bytes };
    BASE_BYTES + model + making(&schema.in_file(), rows)
}

/// Memory of a model while records are made from it.
pub fn model(bundle: &Bundle) -> u64 {
    let looks = bundle.sessions().into_iter().flat_map(|sessions| &sessions.looks);
    let cells: usize = bundle.measurements.iter().map(|m| m.counts.len()).sum::<usize>()
        + looks.map(|look| look.counts.len()).sum::<usize>();
    let intervals: usize =
        bundle.attributes.iter().flat_map(|a| a.partition.intervals()).map(|bin| bin.len()).sum();
    BYTES_A_CELL * (cells + intervals) as u64
}

/// Records that may be made from a model for each that it was measured on, as far as the noise tells: more would say nothing more.
const ROWS_A_RECORD: u64 = 100;

/// The most records of a trace: so many as the settings allow, and in proportion to N̂ where that is known. Two digits, as any number of records that is set
/// by hand.
pub fn most_rows(allowed: u64, records: Option<u64>) -> u64 {
    let most = records.map_or(u64::MAX, |records| records.max(1).saturating_mul(ROWS_A_RECORD)).min(allowed);
    let unit = 10u64.pow(most.max(1).ilog10().saturating_sub(1));
    most / unit * unit
}

/// Disk that a generation takes while it runs; what it leaves is less.
pub fn disk_of_generation(schema: &Schema, rows: u64) -> u64 {
    disk::trace(schema, rows).saturating_add(generate::scratch_bytes(schema, rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::presets;

    #[test]
    fn making_flows_of_packets_is_counted() {
        let flows = |capture: &str| -> Schema {
            let mut schema = presets::preset("flow").unwrap();
            schema.reading = serde_json::from_str(&format!(r#"{{"capture": {capture}}}"#)).unwrap();
            schema
        };
        let bytes = |capture| {
            let schema = flows(capture);
            [fit(&schema, &fit::FitOptions::default(), 100), evaluation(&schema, 100)]
        };
        let (plain, made) = (bytes("{}"), bytes(r#"{"records": "flows"}"#));
        assert!((0..2).all(|job| made[job] > plain[job] + (200 << 20)), "{plain:?} {made:?}");
    }

    #[test]
    fn rows_are_bounded_by_the_settings_and_by_the_records_that_were_measured() {
        let most =
            [(None, 1_000_000_000), (Some(1_234), 1_000_000_000), (Some(0), 7_777), (Some(1_234), 7_777)]
                .map(|(records, allowed)| most_rows(allowed, records));
        assert_eq!(most, [1_000_000_000, 120_000, 100, 7_700]);
        assert!(most.iter().all(|&most| generate::rounded_rows(most as usize) as u64 == most));
    }
}
